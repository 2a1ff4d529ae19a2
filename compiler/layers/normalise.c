/* normalise.c: takes the training set's mean off every channel of the input and divides by its deviation.
 *
 *   y[c][h][w] = (x[c][h][w] - mean[c]) / deviation[c]
 *
 * Both are learnt from the training set before the first step, kept with the weights, and not trained. So they are known
 * for the input alone: this layer must read it directly. Backward is derived. */
#include "layers/every.h"
#include "layers/sentence.h"

static bool shape(Unit *u, Site *s)
{
    if (s->x->from) {
        error_at(u, s->span, "'normalise' must read the input: it knows the mean and deviation of the training images alone");
        note(u, "here it reads '%s' at %d:%d", first_line(u, s->x->span), span_line(u, s->x->span), span_column(u, s->x->span));
        help(u, "put it on the line behind the input; between layers stands 'batchnorm'");
        return false;
    }
    s->y->shape = s->x->shape;

    Shape channels = { 1, { s->x->shape.dim[0] } };
    return site_param(u, s, "mean", "mean", channels, false, INIT_DATA_MEAN, 0, 0)
        && site_param(u, s, "deviation", "deviation", channels, false, INIT_DATA_DEVIATION, 0, 0);
}

static void lower(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b), *mean = param(b, "mean"), *deviation = param(b, "deviation");

    nest_begin(b, "", "Count from the mean of the training set, in units of its deviation.");
    Every e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, divide(b, sub(b, load(b, x, e.index), load(b, mean, e.channel)), load(b, deviation, e.channel)));
}

const LayerKind layer_normalise = {
    .name = "normalise", .summary = "the input with mean 0 and deviation 1, as learnt from the training set",
    .foreign = "Normalization Normalize normalize", .example = "normalise",
    .shape = shape, .lower = lower,
};
