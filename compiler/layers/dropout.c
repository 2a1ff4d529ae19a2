/* dropout.c: leaves out random elements while training (Srivastava et al. 2014), so that no element can rely on another.
 *
 *   y = x * keep,  keep = 0 with probability p, else 1/(1 - p)
 *
 * What is kept is divided by 1 - p in training ("inverted"), so nothing needs scaling outside: there y is x. The numbers
 * are drawn anew for every image and step. Backward is derived: what was left out learns nothing. */
#include "layers/every.h"

enum { RATE };

static const ArgSpec args[] = {
    [RATE] = { .name = "rate", .kind = ARG_REAL, .required = true, .positional = true, .low = 0, .high = 1, .below_high = true,
               .help = "the part that is left out: p, with 0 <= p < 1", .foreign = "p" },
};

static bool shape(Unit *u, Site *s)
{
    (void)u;
    s->y->shape = s->x->shape;
    return true;
}

static void lower(Build *b, Site *s)
{
    double p = arg_real(s, RATE);

    if (!b->training) {
        output_is(b, input(b, 0));
        return;
    }

    Tensor *x = input(b, 0), *y = output(b);
    Tensor *keep = image_tensor(b, "keep", "0 for what is left out, 1/(1 - p) for what is kept", s->y->shape);

    nest_begin(b, "keep", "Toss a coin for every element; what is kept counts for what is left out too.");
    Every e = every_element(b, s->y->shape);
    nest_set(b, keep, e.index, if_greater(b, real(b, p), random_uniform(b, e.number), real(b, 0), real(b, 1 / (1 - p))));

    nest_begin(b, "", "Leave out some elements, so that none can rely on another.");
    e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, mul(b, load(b, x, e.index), load(b, keep, e.index)));
}

const LayerKind layer_dropout = {
    .name = "dropout", .summary = "leaves out random elements in training; the identity outside it",
    .args = args, .arg_count = countof(args),
    .foreign = "Dropout", .example = "dropout 0.5",
    .shape = shape, .lower = lower,
};
