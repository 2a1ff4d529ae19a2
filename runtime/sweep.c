/* sweep.c: the rate rises by the same factor from step to step; the loss first stays, then falls, then flies away (Smith: "Cyclical
 * learning rates for training neural networks", 2017, section 3.3). */
#include "sweep.h"
#include "fail.h"
#include "feed.h"
#include "memory.h"
#include "optimizer.h"
#include "random.h"
#include "statistics.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const double lowest = 1e-6, highest = 10;
static const double memory = 0.85;              /* of the smoothed loss: how much of what was counts on */
static const double too_far = 3;                /* times the lowest loss: the end */
enum { NEAR = 8 };              /* steps to both sides, over which a slope is taken */

typedef struct Sweeper {
    cnn_net *net;
    const cnn_data *data;
    const cnn_plan *plan;
    const cnn_listener *listener;
    Sweep *to;
    cnn_error *error;
    Optimizer optimizer;
    Augment augment;
    Feed feed;
    Batch *batch;
    uint32_t *order;
    size_t size;                /* images of a batch */
    void *weights, *state;      /* as they were */
    double began;               /* seconds */
} Sweeper;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool prepare(Sweeper *s)
{
    const cnn_model *model = s->net->model;
    size_t images = s->data->train.count, bytes = s->net->reals->bytes;
    if (!cnn_trainable(model, s->error))
        return false;
    if (!images)
        return cnn_fail(s->error, "there are no training images");
    s->size = (uint64_t)s->plan->batch < images ? (size_t)s->plan->batch : images;
    s->weights = cnn_memory_get(model->weight_count, bytes, "a copy of the weights", s->error);
    s->state = cnn_memory_get(model->state_count, bytes, "a copy of the state", s->error);
    s->order = cnn_memory_get(images, sizeof *s->order, "the order of the images", s->error);
    if (!s->weights || !s->state || !s->order || !cnn_optimizer_new(&s->optimizer, s->net, s->error) || !cnn_augment_new(&s->augment, s->net, s->error)
        || !cnn_feed_new(&s->feed, s->net, s->error))
        return false;
    memcpy(s->weights, s->net->weights, model->weight_count * bytes);
    memcpy(s->state, s->net->state, model->state_count * bytes);
    for (size_t i = 0; i < images; i++)
        s->order[i] = (uint32_t)i;
    s->batch = cnn_batch_new(s->net, BATCH_TRAIN, s->size, s->error);
    return s->batch && (s->plan->keep_weights || cnn_statistics_learn(s->net, &s->data->train, s->order, images, s->error));
}

static void release(Sweeper *s)
{
    size_t bytes = s->net->reals->bytes;
    if (s->weights && s->state && s->batch) {
        memcpy(s->net->weights, s->weights, s->net->model->weight_count * bytes);
        memcpy(s->net->state, s->state, s->net->model->state_count * bytes);
        cnn_changed(s->net);
    }
    cnn_optimizer_free(&s->optimizer);
    cnn_feed_free(&s->feed);
    cnn_batch_free(s->batch);
    cnn_memory_release(s->weights);
    cnn_memory_release(s->state);
    cnn_memory_release(s->order);
}

static bool stopped(const Sweeper *s)
{
    return s->listener && s->listener->stop && s->listener->stop(s->listener->context);
}

static void tell(const Sweeper *s, size_t step, double rate)
{
    if (!s->listener || !s->listener->step)
        return;
    double took = seconds() - s->began;
    cnn_progress now = { .epochs = 1, .step = (int64_t)step + 1, .steps = SWEEP_STEPS, .total_step = (int64_t)step + 1, .rate = rate,
                         .step_loss = s->to->loss[step], .train = { .loss = s->to->loss[step], .accuracy = NAN, .top5 = NAN }, .seconds = took,
                         .images_per_second = took > 0 ? (double)((step + 1) * s->size) / took : 0 };
    s->listener->step(s->listener->context, &now);
}

/* *on: the loss is not yet far away. */
static bool take_step(Sweeper *s, size_t step, double *sum, bool *on)
{
    Sweep *to = s->to;
    size_t images = s->data->train.count, batches = images / s->size, place = step % batches;
    uint32_t epoch = (uint32_t)(step / batches);
    if (place == 0)
        cnn_random_shuffle(s->plan->seed, STREAM_SHUFFLE, epoch, s->order, images);
    if (!cnn_feed_batch(&s->feed, s->batch, &s->data->train, s->order + place * s->size, 0, s->size, &s->augment, s->plan->seed, epoch, s->error))
        return false;
    double rate = lowest * pow(highest / lowest, (double)step / (SWEEP_STEPS - 1));
    double loss = cnn_batch_run(s->batch, s->size, s->plan->seed, (uint32_t)step);
    *on = isfinite(loss);
    if (!*on)
        return true;
    *sum = memory * *sum + (1 - memory) * loss;
    to->rate[step] = rate;
    to->loss[step] = *sum / (1 - pow(memory, (double)(step + 1)));
    to->count = step + 1;
    double best = to->loss[0];
    for (size_t i = 0; i < to->count; i++)
        if (to->loss[i] <= best) {
            best = to->loss[i];
            to->last_good = to->rate[i];
        }
    tell(s, step, rate);
    *on = to->loss[step] <= too_far * best && cnn_optimizer_update(&s->optimizer, s->batch->gradient, rate, s->net->threads) && !stopped(s);
    return true;
}

/* 0.0034 becomes 0.002: the next of 1, 2, 5 times a power of ten that is not above it. */
static double rounded(double rate)
{
    static const double steps[] = { 5, 2, 1 };
    double power = pow(10, floor(log10(rate) + 1e-9));
    for (int i = 0; i < 3; i++)
        if (steps[i] * power <= rate * (1 + 1e-9))
            return steps[i] * power;
    return power;
}

/* Where the smoothed loss falls most over 2 * NEAR steps. Steps past the lowest loss are not looked at. */
static void suggest(Sweep *to)
{
    double most = 0;
    for (size_t i = NEAR; i + NEAR < to->count && to->rate[i] <= to->last_good; i++) {
        double fall = to->loss[i - NEAR] - to->loss[i + NEAR];
        if (fall > most && fall > 0.01 * fabs(to->loss[0])) {
            most = fall;
            to->suggested = rounded(to->rate[i]);
        }
    }
}

bool cnn_sweep_run(cnn_net *net, const cnn_data *data, const cnn_plan *plan, const cnn_listener *listener, Sweep *to, cnn_error *error)
{
    Sweeper s = { .net = net, .data = data, .plan = plan, .listener = listener, .to = to, .error = error, .began = seconds() };
    *to = (Sweep){ 0 };
    bool good = prepare(&s), on = true;
    double sum = 0;
    for (size_t step = 0; good && on && step < SWEEP_STEPS; step++)
        good = take_step(&s, step, &sum, &on);
    release(&s);
    if (good)
        suggest(to);
    return good;
}
