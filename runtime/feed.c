/* feed.c: from sets to batches, several images at a time. */
#include "feed.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

enum { LINE = 64 };             /* bytes: no two threads write into one line */
enum { MOST_CHUNK = 1024 };     /* images */
#define CHUNK_REALS ((size_t)1 << 24)           /* of the images of a chunk */

bool cnn_feed_new(Feed *feed, cnn_net *net, cnn_error *error)
{
    *feed = (Feed){ .net = net, .threads = net->threads };
    feed->raw_bytes = (net->model->inputs * sizeof(double) + LINE - 1) / LINE * LINE;
    feed->changed_bytes = (net->model->inputs * net->reals->bytes + LINE - 1) / LINE * LINE;
    feed->raw = cnn_memory_get((size_t)feed->threads, feed->raw_bytes, "reading images", error);
    feed->changed = cnn_memory_get((size_t)feed->threads, feed->changed_bytes, "changing images", error);
    if (feed->raw && feed->changed)
        return true;
    cnn_feed_free(feed);
    return false;
}

void cnn_feed_free(Feed *feed)
{
    cnn_memory_release(feed->raw);
    cnn_memory_release(feed->changed);
    *feed = (Feed){ 0 };
}

static size_t place(const FeedWork *w, size_t i)
{
    return w->index ? w->index[i] : w->first + i;
}

static bool bring(const FeedWork *w, size_t i, int thread, cnn_error *error)
{
    const Feed *feed = w->feed;
    const Reals *reals = feed->net->reals;
    size_t from = place(w, i);
    if (i + 1 < w->count)
        cnn_set_expect(w->set, place(w, i + 1));
    void *x = cnn_at(reals, w->batch->x, i * feed->net->model->inputs);
    if (!cnn_set_image(w->set, from, x, reals, feed->raw + (size_t)thread * feed->raw_bytes, error))
        return false;
    if (w->augment)
        cnn_augment_image(w->augment, x, feed->changed + (size_t)thread * feed->changed_bytes, w->seed, w->epoch, (uint32_t)from);
    if (w->batch->target)
        cnn_set_target(w->set, from, cnn_at(reals, w->batch->target, i * feed->net->model->outputs), reals);
    return true;
}

static void bring_one(void *context, size_t i, int thread)
{
    FeedWork *w = context;
    if (!bring(w, i, thread, NULL))
        atomic_store(&w->failed, true);
}

/* An image in memory can always be had. */
static void bring_as_its_tile_begins(void *from, size_t i, int thread)
{
    bring(from, i, thread, NULL);
}

/* As many parts of a batch as threads: else they share the bringing better than the tiles, which counts where images are changed. */
static bool has_a_part_for_each(const Feed *feed, const Batch *batch, size_t count)
{
    size_t tiles = (count + batch->tile - 1) / batch->tile;
    return (batch->use == BATCH_INFER ? tiles : cnn_batch_slices(feed->net->model, count)) >= (size_t)feed->threads;
}

bool cnn_feed_batch(Feed *feed, Batch *batch, const Set *set, const uint32_t *index, size_t first, size_t count, const Augment *augment, uint64_t seed,
                    uint32_t epoch, cnn_error *error)
{
    FeedWork *w = &feed->work;
    *w = (FeedWork){ .feed = feed, .batch = batch, .set = set, .index = index, .first = first, .count = count,
                     .augment = augment && augment->count ? augment : NULL, .seed = seed, .epoch = epoch };
    batch->bring = NULL;
    if (set->images && has_a_part_for_each(feed, batch, count)) {
        batch->bring = bring_as_its_tile_begins;
        batch->from = w;
        return true;
    }
    cnn_threads_each(cnn_threads_worth(feed->threads, count * feed->net->model->inputs * (w->augment ? 16 : 1)), count, bring_one, w);
    if (!atomic_load(&w->failed))
        return true;
    for (size_t i = 0; i < count; i++)          /* once more, to say which one it was */
        if (!bring(w, i, 0, error))
            return false;
    return true;
}

size_t cnn_feed_chunk(const cnn_net *net, size_t images)
{
    size_t tile = (size_t)net->model->tile, least = tile * (size_t)net->threads;
    size_t chunk = CHUNK_REALS / net->model->inputs;
    chunk = chunk > MOST_CHUNK ? MOST_CHUNK : chunk < least ? least : chunk;
    return chunk < images ? chunk : images;
}

static bool evaluate(Feed *feed, Batch *batch, const Set *set, const uint32_t *index, Span part, Metrics *metrics, cnn_error *error)
{
    for (size_t first = part.first; first < part.end;) {
        size_t some = part.end - first < batch->room ? part.end - first : batch->room;
        if (!cnn_feed_batch(feed, batch, set, index ? index + first : NULL, first, some, NULL, 0, 0, error))
            return false;
        cnn_batch_run(batch, some, 0, 0);
        cnn_metrics_add(metrics, batch->y, batch->target, some);
        first += some;
    }
    return true;
}

/* Losses in the order of the images, as one process adds them up. */
static bool join(const cnn_net *net, double *losses, size_t count, Metrics *m, cnn_error *error)
{
    int64_t counts[] = { (int64_t)m->images, (int64_t)m->right, (int64_t)m->right5 };
    size_t n = net->model->outputs;
    if (!cnn_ranks_gather(net->ranks, losses, count, sizeof *losses, error) || !cnn_ranks_add(net->ranks, counts, 3, error)
        || (m->confusion && !cnn_ranks_add(net->ranks, m->confusion, n * n, error)))
        return false;
    for (size_t i = 0; i < count; i++)
        m->loss += losses[i];
    m->images = (size_t)counts[0];
    m->right = (size_t)counts[1];
    m->right5 = (size_t)counts[2];
    return true;
}

bool cnn_feed_evaluate(Feed *feed, Batch *batch, const Set *set, const uint32_t *index, size_t count, Metrics *metrics, cnn_error *error)
{
    cnn_net *net = feed->net;
    if (!net->ranks)
        return evaluate(feed, batch, set, index, (Span){ 0, count }, metrics, error);
    Span part = cnn_ranks_span(net->ranks, net->ranks->rank, count);
    double *losses = cnn_memory_get(count, sizeof *losses, "the losses of the images", error);
    metrics->losses = losses ? losses + part.first : NULL;
    bool good = losses && evaluate(feed, batch, set, index, part, metrics, error);
    metrics->losses = NULL;
    good = cnn_ranks_agree(net->ranks, &net->together, good, error) && join(net, losses, count, metrics, error);
    cnn_memory_release(losses);
    return good;
}
