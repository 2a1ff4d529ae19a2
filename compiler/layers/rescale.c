/* rescale.c: y = factor * x, for bytes that are to lie between 0 and 1. Backward is derived. */
#include "layers/every.h"

enum { FACTOR };

static const ArgSpec args[] = {
    [FACTOR] = { .name = "factor", .kind = ARG_REAL, .required = true, .positional = true, .foreign = "scale",
                 .help = "what every element is multiplied with" },
};

static bool shape(Unit *u, Site *s)
{
    (void)u;
    s->y->shape = s->x->shape;
    return true;
}

static void lower(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b);

    nest_begin(b, "", "Bring all elements to another scale.");
    Every e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, mul(b, load(b, x, e.index), real(b, arg_real(s, FACTOR))));
}

const LayerKind layer_rescale = {
    .name = "rescale", .summary = "multiplies every element with a number",
    .args = args, .arg_count = countof(args),
    .foreign = "Rescaling", .example = "rescale 1/255",
    .shape = shape, .lower = lower,
};
