/* quadratic.c: the loss for numbers: half the squared distance from the target.
 *
 *   loss = 1/2 * sum over c of (y[c] - t[c])^2 */
#include "layers/every.h"

static bool shape(Unit *u, Site *s)
{
    (void)u;
    (void)s;
    return true;
}

static void lower(Build *b, Site *s)
{
    Tensor *t = target(b), *y = features_of(b, s->x->tensor, "y");

    nest_begin(b, "", "How far is the result from the target? Half the square, so that the slope is the distance itself.");
    Every c = every_element(b, shape_of(t));
    Expr *distance = sub(b, load(b, y, c.index), load(b, t, c.index));
    nest_start_from(b, real(b, 0));
    nest_add(b, losses(b), IX0, mul(b, real(b, 0.5), mul(b, distance, distance)));
}

/* Not derived: the slope is the distance itself, where the derived one adds up two halves of it. */
static void backward(Build *b, Site *s)
{
    Tensor *t = target(b), *y = features_of(b, s->x->tensor, "y"), *dy = gradient(b, y);

    nest_begin(b, "dy", "The further from the target, the stronger the pull.");
    Every c = every_element(b, shape_of(t));
    nest_add(b, dy, c.index, mul(b, load(b, share(b), IX0), sub(b, load(b, y, c.index), load(b, t, c.index))));
}

const LayerKind layer_quadratic = {
    .name = "quadratic", .summary = "half the squared distance from the target",
    .loss = true, .foreign = "MSELoss mse mean_squared_error MeanSquaredError", .example = "loss quadratic",
    .shape = shape, .lower = lower, .backward = backward,
};
