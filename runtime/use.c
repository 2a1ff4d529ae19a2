/* use.c: a network at work: its results, its gradient, and how well it does. */
#include "batch.h"
#include "data.h"
#include "fail.h"
#include "feed.h"
#include "memory.h"

#include <string.h>

bool cnn_run(cnn_net *net, const void *x, size_t images, void *y, cnn_error *error)
{
    const cnn_model *model = net->model;
    const Reals *reals = net->reals;
    if (!images)
        return true;
    Batch *batch = cnn_batch_new(net, BATCH_INFER, cnn_feed_chunk(net, images), error);
    if (!batch)
        return false;
    for (size_t first = 0; first < images;) {
        size_t some = images - first < batch->room ? images - first : batch->room;
        memcpy(batch->x, cnn_at(reals, x, first * model->inputs), some * model->inputs * reals->bytes);
        cnn_batch_run(batch, some, 0, 0);
        memcpy(cnn_at(reals, y, first * model->outputs), batch->y, some * model->outputs * reals->bytes);
        first += some;
    }
    cnn_batch_free(batch);
    return true;
}

bool cnn_gradient(cnn_net *net, const void *x, const void *target, size_t images, uint64_t seed, bool eval, double *loss, void *gradient, void *dx,
                  cnn_error *error)
{
    const cnn_model *model = net->model;
    const cnn_program *program = eval ? &model->eval_grad : &model->train;
    size_t bytes = net->reals->bytes;
    if (program->phase_count < 1)
        return cnn_fail(error, "the gradient of %s is not in the network %s: it was compiled for inference alone, or without a loss",
                        eval ? "inference" : "training", model->name);
    if (!images)
        return cnn_fail(error, "there are no images");
    Batch *batch = cnn_batch_new(net, eval ? BATCH_EVAL_GRADIENT : BATCH_GRADIENT, images, error);
    if (!batch)
        return false;
    memcpy(batch->x, x, images * model->inputs * bytes);
    memcpy(batch->target, target, images * model->outputs * bytes);
    *loss = cnn_batch_run(batch, images, seed, 0);
    memcpy(gradient, batch->gradient, model->weight_count * bytes);
    memcpy(dx, batch->dx, images * model->inputs * bytes);
    cnn_batch_free(batch);
    return true;
}

bool cnn_test(cnn_net *net, const cnn_data *data, cnn_scores *scores, int64_t *confusion, cnn_error *error)
{
    const Set *set = &data->test;
    if (!set->count)
        return cnn_fail(error, "there are no test images");
    if (confusion)
        memset(confusion, 0, net->model->outputs * net->model->outputs * sizeof *confusion);
    Metrics m = cnn_metrics_new(net, set->kind);
    m.confusion = confusion;
    Feed feed;
    net->together = false;
    bool good = cnn_feed_new(&feed, net, error);
    Batch *batch = good ? cnn_batch_new(net, BATCH_INFER, cnn_feed_chunk(net, set->count), error) : NULL;
    good = cnn_ranks_agree(net->ranks, &net->together, batch != NULL, error) && cnn_feed_evaluate(&feed, batch, set, NULL, set->count, &m, error);
    if (good)
        *scores = cnn_metrics_scores(&m);
    cnn_batch_free(batch);
    cnn_feed_free(&feed);
    return good;
}
