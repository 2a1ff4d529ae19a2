/* detective.c: looks for the first number that is not finite, forward or backward.
 *
 * Outputs of layers lie in scratch memory that later layers use again, so they are found by trial: the step runs again with the last layers
 * replaced by ones that change nothing about what is finite, from the last layer on. The layer whose replacement makes the results
 * finite is the first whose output was not. */
#include "detective.h"
#include "fail.h"
#include "ranks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LARGEST = 3 };           /* tensors that are named for their weights */

static bool tensor_is_finite(const cnn_net *net, const cnn_tensor *t, const void *array)
{
    return net->reals->finite(cnn_at(net->reals, array, t->offset), t->count);
}

/* The last tensor (the backward pass comes to it first) that is not finite; NULL if all are. */
static const cnn_tensor *not_finite(const cnn_net *net, const void *array)
{
    for (int i = net->model->weight_tensors; i-- > 0;)
        if (!tensor_is_finite(net, &net->model->weights[i], array))
            return &net->model->weights[i];
    return NULL;
}

/* Bytes of the layer's name: "conv1" of "conv1.weight". */
static int layer_length(const cnn_tensor *t)
{
    const char *dot = strrchr(t->name, '.');
    return dot ? (int)(dot - t->name) : (int)strlen(t->name);
}

static bool same_layer(const cnn_tensor *a, const cnn_tensor *b)
{
    int length = layer_length(a);
    return length == layer_length(b) && !memcmp(a->name, b->name, (size_t)length);
}

/* ---- forward */

static bool runs_finite(const Incident *n)
{
    const Reals *reals = n->net->reals;
    double loss;
    if (!cnn_batch_step(n->batch, n->images, n->seed, (uint32_t)n->total_step, &loss, NULL))
        return false;
    bool broken = !isfinite(loss) || !reals->finite(n->batch->y, n->ours * n->net->model->outputs);
    return cnn_ranks_any(n->net->ranks, &broken, NULL) && !broken;
}

/* Weights that are 0 hand on what is not a number. Infinity times 0 is not a number either, which a relu behind it makes 0 of; very small
 * weights, half of them negative, keep it infinite. */
static void replace(const Incident *n, const cnn_tensor *t, double size)
{
    const Reals *reals = n->net->reals;
    size_t outputs = t->rank > 0 ? (size_t)t->dim[0] : 1, row = t->count / outputs;
    for (size_t o = 0; o < outputs; o++)
        reals->fill(cnn_at(reals, n->net->weights, t->offset + o * row), t->rank < 2 ? 0 : o % 2 ? -size : size, row);
}

/* The layer whose output is the first that is not finite; NULL: not even the first layers decide it. */
static const cnn_tensor *first_output(const Incident *n)
{
    static const double tiny = 1e-30;
    const cnn_model *model = n->net->model;
    for (int end = model->weight_tensors; end > 0;) {
        const cnn_tensor *layer = &model->weights[end - 1];
        int first = end - 1;
        while (first > 0 && same_layer(&model->weights[first - 1], layer))
            first--;
        bool finite = true;
        for (int pass = 0; pass < 2 && finite; pass++) {
            for (int i = first; i < model->weight_tensors; i++)
                replace(n, &model->weights[i], pass ? tiny : 0);
            finite = runs_finite(n);
        }
        if (finite)
            return layer;
        end = first;
    }
    return NULL;
}

/* The first image of ours that is not finite, or n->ours. */
static size_t broken_image(const Incident *n)
{
    const Reals *reals = n->net->reals;
    size_t inputs = n->net->model->inputs, i = 0;
    while (i < n->ours && reals->finite(cnn_at(reals, n->batch->x, i * inputs), inputs))
        i++;
    return i;
}

static double largest(const Reals *reals, const void *array, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double v = fabs(reals->get(array, i));
        most = v > most ? v : most;             /* false for what is not a number */
    }
    return most;
}

/* ---- the report */

static void say_largest_weights(const Incident *n, cnn_error *error)
{
    const cnn_model *model = n->net->model;
    const cnn_tensor *top[LARGEST] = { NULL };
    double size[LARGEST];
    for (int i = 0; i < model->weight_tensors; i++) {
        const cnn_tensor *t = &model->weights[i];
        double most = largest(n->net->reals, cnn_at(n->net->reals, n->net->weights, t->offset), t->count);
        for (int place = 0; place < LARGEST; place++)
            if (!top[place] || most > size[place]) {
                memmove(top + place + 1, top + place, (size_t)(LARGEST - 1 - place) * sizeof *top);
                memmove(size + place + 1, size + place, (size_t)(LARGEST - 1 - place) * sizeof *size);
                top[place] = t;
                size[place] = most;
                break;
            }
    }
    char text[1024];
    int length = 0;
    for (int place = 0; place < LARGEST && top[place] && length < (int)sizeof text; place++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%.3g in %s", place ? ", " : "", size[place], top[place]->name);
    if (length)
        cnn_fail_more(error, "  the largest weight%s %s", top[1] ? "s are" : " is", text);
}

static void say_rate(const Incident *n, bool gradient, cnn_error *error)
{
    char now[48] = "";
    if (n->rate != n->first_rate)
        snprintf(now, sizeof now, " (%g in this step)", n->rate);
    cnn_fail_more(error, "  most often the learning rate is too high: it was %g%s, try --lr %g%s", n->first_rate, now, n->first_rate / 10,
                  gradient ? ", or `clip 1` in the train block" : "");
}

void cnn_detective_report(const Incident *n, cnn_error *error)
{
    const cnn_net *net = n->net;
    const cnn_tensor *weight = not_finite(net, net->weights), *gradient = not_finite(net, n->batch->gradient);
    char where[128];
    snprintf(where, sizeof where, "at epoch %lld, step %lld (step %lld of the run)", (long long)n->epoch + 1, (long long)n->step + 1,
             (long long)n->total_step + 1);
    if (isfinite(n->loss))
        cnn_fail(error, "%s holds numbers that are not finite %s", weight ? weight->name : "a weight", where);
    else
        cnn_fail(error, "the loss is %s %s", isnan(n->loss) ? "not a number" : "infinite", where);

    size_t broken = broken_image(n);
    bool ours = broken < n->ours, any = ours;
    if (!cnn_ranks_any(net->ranks, &any, NULL))
        return;
    if (any) {
        char which[64] = "an image";            /* of another rank */
        if (ours)
            snprintf(which, sizeof which, "image %lld", (long long)n->numbers[broken]);
        cnn_fail_more(error, "  %s of the training set (counted from 0) holds numbers that are not finite: the data must be mended", which);
        return;
    }
    if (!isfinite(n->loss) && weight) {
        cnn_fail_more(error, "  %s was not finite before the step: it was so in the file that it came from", weight->name);
        return;
    }
    say_largest_weights(n, error);
    if (isfinite(n->loss)) {
        if (gradient)
            cnn_fail_more(error, "  going backward, the gradient of %s (layer %.*s) was the first that is not finite", gradient->name,
                          layer_length(gradient), gradient->name);
        else
            cnn_fail_more(error, "  the gradient is finite: the step itself was too large");
        say_rate(n, gradient != NULL, error);
        return;
    }
    double input = largest(net->reals, n->batch->x, n->ours * net->model->inputs);
    const cnn_tensor *layer = first_output(n);
    if (layer)
        cnn_fail_more(error, "  going forward, the output of the layer %.*s was the first that is not finite", layer_length(layer), layer->name);
    if (n->total_step == 0 && input > 10)       /* nothing has been learnt: the rate cannot be it */
        cnn_fail_more(error, "  most often the images are too large (up to %g here): begin the network with `rescale 1/255` or `normalise`", input);
    else
        say_rate(n, false, error);
}
