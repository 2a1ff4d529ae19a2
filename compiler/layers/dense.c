/* dense.c: the fully connected layer: every neuron sees every feature.
 *
 *   y[co] = b[co] + sum over ci of w[co][ci] * x[ci]
 *
 * An image is read as the features [c][h][w], one after the other. The weights are [out][in], as in PyTorch. Backward is
 * derived from the loops. */
#include "layers/sentence.h"
#include "layers/weights.h"
#include "loops/build.h"

enum { UNITS, NOBIAS, INIT };

static const ArgSpec args[] = {
    [UNITS]  = { .name = "units", .kind = ARG_COUNT, .required = true, .positional = true, .help = "number of neurons",
                 .foreign = "out_features" },
    [NOBIAS] = NOBIAS_ARG,
    [INIT]   = INIT_ARG,
};

/* x of any shape -> y { units }; w { units, in }, b { units }. */
static bool shape(Unit *u, Site *s)
{
    int64_t in = shape_count(s->x->shape), out = arg_count(s, UNITS);

    s->y->shape = (Shape){ 1, { out } };
    if (!site_param(u, s, "weight", "w", (Shape){ 2, { out, in } }, true, init_of(s, INIT), in, out))
        return false;
    return arg_flag(s, NOBIAS) || site_param(u, s, "bias", "b", (Shape){ 1, { out } }, true, INIT_ZEROS, in, out);
}

static void lower(Build *b, Site *s)
{
    int64_t in = shape_count(s->x->shape);
    Tensor *w = param(b, "weight"), *bias = param(b, "bias"), *x = input(b, 0);

    if (s->x->shape.rank != 1)
        x = view(b, x, (Shape){ 1, { in } });

    nest_begin(b, "", "Every neuron weighs every feature and adds up.");
    Loop *co = loop(b, "co", "for every neuron", s->y->shape.dim[0]);
    Loop *ci = loop(b, "ci", "weigh every feature", in);
    nest_start_from(b, bias ? load(b, bias, IX(at(co))) : real(b, 0));
    nest_add(b, output(b), IX(at(co)), mul(b, load(b, w, IX(at(co), at(ci))), load(b, x, IX(at(ci)))));
}

/* "7*7*64 = 3136 features in" */
static const char *arithmetic(Unit *u, const Site *s)
{
    return features_in(u, s->x->shape);
}

const LayerKind layer_dense = {
    .name = "dense", .summary = "every neuron weighs every feature; an image is flattened first",
    .args = args, .arg_count = countof(args),
    .foreign = "Dense Linear", .example = "dense 128, relu",
    .shape = shape, .arithmetic = arithmetic, .lower = lower,
};
