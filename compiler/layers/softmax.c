/* softmax.c: turns the features of one image into probabilities.
 *
 *   y[c] = exp(x[c] - m) / sum over c of exp(x[c] - m),  m = max over c of x[c]
 *
 * Taking off the largest changes nothing but keeps every exp at most 1. The loss crossentropy works on the inputs of this
 * layer and uses its m and s. */
#include "layers/every.h"

#include <math.h>
#include <string.h>

static bool shape(Unit *u, Site *s)
{
    const Site *before = s->x->from;

    if (before && strcmp(before->kind->name, "dropout") == 0) {
        warning_at(u, WARN_DROPOUT_SOFTMAX, before->span, "this dropout leaves out what the softmax compares: a class that is left out counts as 0");
        help(u, "a dropout belongs before the last dense layer");
    }
    s->y->shape = s->x->shape;
    return true;
}

static void lower(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b);
    Tensor *m = image_tensor(b, "m", "the largest feature", (Shape){ 0 });
    Tensor *e = image_tensor(b, "e", "how the features compare with the largest, 0 to 1", s->y->shape);
    Tensor *sum = image_tensor(b, "s", "the sum of all e", (Shape){ 0 });

    nest_begin(b, "max", "Find the largest feature.");
    Every i = every_element(b, s->y->shape);
    nest_start_from(b, real(b, -INFINITY));
    nest_put(b, PUT_MAX, m, IX0, load(b, x, i.index));

    nest_begin(b, "exp", "Compare every feature with the largest: exp turns a difference into a ratio.");
    i = every_element(b, s->y->shape);
    nest_set(b, e, i.index, exp_of(b, sub(b, load(b, x, i.index), load(b, m, IX0))));

    nest_begin(b, "sum", "Add up the ratios.");
    i = every_element(b, s->y->shape);
    nest_start_from(b, real(b, 0));
    nest_add(b, sum, IX0, load(b, e, i.index));

    nest_begin(b, "", "Divide by their sum: now they are probabilities, which add up to 1.");
    i = every_element(b, s->y->shape);
    nest_set(b, y, i.index, divide(b, load(b, e, i.index), load(b, sum, IX0)));
}

/* Not derived: dx[c] = y[c] * (dy[c] - sum over k of y[k]*dy[k]) needs y alone, one sum instead of two, and no exp. */
static void backward(Build *b, Site *s)
{
    Tensor *y = output(b), *dy = gradient(b, y), *dx = gradient(b, input(b, 0));
    Tensor *mean = image_tensor(b, "g", "the mean of dy, weighed by the probabilities", (Shape){ 0 });

    nest_begin(b, "mean", "What all probabilities ask for together: the mean of dy, weighed by them.");
    Every i = every_element(b, s->y->shape);
    nest_start_from(b, real(b, 0));
    nest_add(b, mean, IX0, mul(b, load(b, y, i.index), load(b, dy, i.index)));

    nest_begin(b, "dx", "A feature moves up if its probability asks for more than the mean: what one gains the others lose.");
    i = every_element(b, s->y->shape);
    nest_add(b, dx, i.index, mul(b, load(b, y, i.index), sub(b, load(b, dy, i.index), load(b, mean, IX0))));
}

const LayerKind layer_softmax = {
    .name = "softmax", .summary = "probabilities: exp of each feature, divided by the sum of all of one image",
    .foreign = "Softmax", .example = "dense 10, softmax",
    .shape = shape, .lower = lower, .backward = backward,
};
