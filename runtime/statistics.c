/* statistics.c: two passes over the training images, the second with the mean known. */
#include "statistics.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { BLOCK = 256 };           /* images that are added up in order; then the blocks are */

typedef struct Pass {
    cnn_net *net;
    const Set *set;
    const uint32_t *index;
    size_t count, channels, pixels;
    Span ours;                  /* blocks of this rank */
    const double *mean;         /* NULL: sum the values, else the squares of their distances from it */
    double *sums;               /* [blocks][channels] */
    double *images;             /* [threads][2][inputs] */
    atomic_bool failed;
} Pass;

static bool add_image(const Pass *p, size_t i, int thread, double *sums, cnn_error *error)
{
    double *image = p->images + (size_t)thread * 2 * p->set->inputs;
    if (!cnn_set_image(p->set, p->index[i], image, &cnn_reals_double, image + p->set->inputs, error))
        return false;
    for (size_t c = 0; c < p->channels; c++) {
        double sum = 0;
        for (size_t k = c * p->pixels; k < (c + 1) * p->pixels; k++)
            sum += p->mean ? (image[k] - p->mean[c]) * (image[k] - p->mean[c]) : image[k];
        sums[c] += sum;
    }
    return true;
}

static bool sum_block(const Pass *p, size_t block, int thread, cnn_error *error)
{
    double *sums = p->sums + block * p->channels;
    memset(sums, 0, p->channels * sizeof *sums);
    for (size_t i = block * BLOCK; i < (block + 1) * BLOCK && i < p->count; i++)
        if (!add_image(p, i, thread, sums, error))
            return false;
    return true;
}

static void add_block(void *context, size_t item, int thread)
{
    Pass *p = context;
    if (!sum_block(p, p->ours.first + item, thread, NULL))
        atomic_store(&p->failed, true);
}

/* to[c] = the mean of the values, or of the squared distances from `mean`. */
static bool run_pass(Pass *p, const double *mean, double *to, cnn_error *error)
{
    cnn_net *net = p->net;
    size_t blocks = (p->count + BLOCK - 1) / BLOCK;
    p->mean = mean;
    p->ours = cnn_ranks_span(net->ranks, net->ranks ? net->ranks->rank : 0, blocks);
    p->sums = cnn_memory_get(blocks, p->channels * sizeof(double), "the statistics of the images", error);
    bool good = p->sums != NULL;
    if (good)
        cnn_threads_each(net->threads, p->ours.end - p->ours.first, add_block, p);
    for (size_t b = p->ours.first; good && atomic_load(&p->failed) && b < p->ours.end; b++)     /* once more, to say which image it was */
        good = sum_block(p, b, 0, error);
    good = cnn_ranks_agree(net->ranks, &net->together, good, error)
        && cnn_ranks_gather(net->ranks, p->sums, blocks, p->channels * sizeof(double), error);
    for (size_t c = 0; good && c < p->channels; c++) {
        double sum = 0;
        for (size_t b = 0; b < blocks; b++)
            sum += p->sums[b * p->channels + c];
        to[c] = sum / ((double)p->count * (double)p->pixels);
    }
    cnn_memory_release(p->sums);
    return good;
}

/* Both statistics by groups of `pixels` numbers that follow one another: [channels] means, then [channels] deviations. */
static double *learn(cnn_net *net, const Set *set, const uint32_t *index, size_t count, size_t channels, cnn_error *error)
{
    Pass p = { .net = net, .set = set, .index = index, .count = count, .channels = channels, .pixels = set->inputs / channels };
    double *to = cnn_memory_get(channels, 2 * sizeof *to, "the statistics of the images", error);
    p.images = cnn_memory_get((size_t)net->threads, 2 * set->inputs * sizeof *p.images, "the statistics of the images", error);
    bool good = cnn_ranks_agree(net->ranks, &net->together, to && p.images, error) && run_pass(&p, NULL, to, error)
        && run_pass(&p, to, to + channels, error);
    cnn_memory_release(p.images);
    for (size_t c = 0; good && c < channels; c++)
        to[channels + c] = to[channels + c] > 0 ? sqrt(to[channels + c]) : 1;
    if (good)
        return to;
    cnn_memory_release(to);
    return NULL;
}

bool cnn_statistics_learn(cnn_net *net, const Set *set, const uint32_t *index, size_t count, cnn_error *error)
{
    for (int i = 0; i < cnn_net_tensors(net->model); i++) {
        const cnn_tensor *t = cnn_net_tensor(net->model, i);
        if (t->init != CNN_INIT_DATA_MEAN && t->init != CNN_INIT_DATA_DEVIATION)
            continue;
        if (!t->count || set->inputs % t->count)
            return cnn_fail(error, "the model is damaged: %s has %zu numbers for images of %zu", t->name, t->count, set->inputs);
        double *both = learn(net, set, index, count, t->count, error);
        if (!both)
            return false;
        net->reals->from_doubles(cnn_net_place(net, i), both + (t->init == CNN_INIT_DATA_DEVIATION ? t->count : 0), t->count);
        cnn_memory_release(both);
    }
    cnn_changed(net);
    return true;
}
