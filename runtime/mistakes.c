/* mistakes.c: a pass over the test images that keeps the worst. */
#include "mistakes.h"
#include "feed.h"

#include <string.h>

static double gap(const Mistake *m)
{
    return m->of_guess - m->of_truth;
}

/* Into its place among the worst; of equal ones the first stays first. */
static void keep(Mistake *to, size_t most, size_t *count, Mistake m)
{
    size_t place = *count;
    while (place > 0 && gap(&m) > gap(&to[place - 1]))
        place--;
    if (place >= most)
        return;
    *count += *count < most;
    memmove(to + place + 1, to + place, (*count - 1 - place) * sizeof *to);
    to[place] = m;
}

bool cnn_mistakes_find(cnn_net *net, const Set *set, Mistake *to, size_t most, size_t *count, cnn_error *error)
{
    const Reals *reals = net->reals;
    size_t n = net->model->outputs;
    Feed feed;
    *count = 0;
    if (set->kind != SET_CLASSES || !set->count)
        return true;
    if (!cnn_feed_new(&feed, net, error))
        return false;
    Batch *batch = cnn_batch_new(net, BATCH_INFER, cnn_feed_chunk(net, set->count), error);
    bool good = batch != NULL;
    for (size_t first = 0; good && first < set->count;) {
        size_t some = set->count - first < batch->room ? set->count - first : batch->room;
        good = cnn_feed_batch(&feed, batch, set, NULL, first, some, NULL, 0, 0, error);
        if (!good)
            break;
        cnn_batch_run(batch, some, 0, 0);
        for (size_t i = 0; i < some; i++) {
            const void *y = cnn_at(reals, batch->y, i * n);
            size_t truth = reals->largest(cnn_at(reals, batch->target, i * n), n), guess = reals->largest(y, n);
            if (truth != guess)
                keep(to, most, count, (Mistake){ first + i, truth, guess, reals->get(y, truth), reals->get(y, guess) });
        }
        first += some;
    }
    cnn_batch_free(batch);
    cnn_feed_free(&feed);
    return good;
}
