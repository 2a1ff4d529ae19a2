/* conv.c: the 2-D convolution layer, whole: a cross-correlation with bias, as in PyTorch and Keras.
 *
 *   y[co][oh][ow] = b[co] + sum over ci, kh, kw of w[co][ci][kh][kw] * x[ci][oh*S + kh*D][ow*S + kw*D]
 *
 * With groups, filter co sees only the channels of its group; `depthwise` makes every channel a group. Its arguments,
 * shape rule, parameters and loops are all here; the backward pass is derived from the loops by loops/adjoint.c. */
#include "layers/groups.h"
#include "layers/sentence.h"
#include "layers/weights.h"
#include "layers/window.h"

enum { FILTERS, KERNEL, STRIDE, DILATION, GROUPS, DEPTHWISE, PADDING, PAD, FILL, NOBIAS, INIT };

static const ArgSpec args[] = {
    [FILTERS]   = FILTERS_ARG,
    [KERNEL]    = { .name = "kernel", .kind = ARG_SIZE, .required = true, .positional = true,
                    .help = "height and width of a filter", .foreign = "kernel_size" },
    [STRIDE]    = STRIDE_ARG("1", "step between two places of a filter"),
    [DILATION]  = DILATION_ARG,
    [GROUPS]    = GROUPS_ARG,
    [DEPTHWISE] = DEPTHWISE_ARG,
    [PADDING]   = PADDING_ARG,
    [PAD]       = PAD_ARG("rows and columns of border: one number, (height, width) or (top, bottom, left, right)"),
    [FILL]      = { .name = "fill", .kind = ARG_REAL, .fallback = 0, .help = "value of the border" },
    [NOBIAS]    = NOBIAS_ARG,
    [INIT]      = INIT_ARG,
};

static const WindowArgs window_args = { KERNEL, STRIDE, PADDING, PAD, DILATION, .has_dilation = true, .name = "kernel" };
static const GroupArgs group_args = { FILTERS, GROUPS, DEPTHWISE };

/* x { depth, h, w } -> y { filters, oh, ow }; w { filters, depth/groups, kh, kw }, b { filters }. */
static bool shape(Unit *u, Site *s)
{
    int64_t filters = arg_count(s, FILTERS);
    Window k;

    if (!needs_image(u, s) || !window_fits(u, s, &window_args, filters, &k) || !groups_fit(u, s, &group_args))
        return false;
    s->y->shape = (Shape){ 3, { filters, k.h.out, k.w.out } };

    Groups g = groups_of(s, &group_args);
    Shape weights = { 4, { filters, g.channels, k.h.kernel, k.w.kernel } };
    int64_t fan_in = checked_product(g.channels, k.h.kernel, k.w.kernel);
    int64_t fan_out = checked_product(g.filters, k.h.kernel, k.w.kernel);
    if (!site_param(u, s, "weight", "w", weights, true, init_of(s, INIT), fan_in, fan_out))
        return false;
    return arg_flag(s, NOBIAS)
        || site_param(u, s, "bias", "b", (Shape){ 1, { filters } }, true, INIT_ZEROS, fan_in, fan_out);
}

static const char *why(const Groups *g)
{
    if (g->count == 1)
        return "Lay every filter on every place and add up what lies under it.";
    if (g->channels == 1)
        return "Every filter sees one channel alone: lay it on every place and add up what lies under it.";
    return "Lay every filter on every place and add up what lies under it in the channels of its group.";
}

static void lower(Build *b, Site *s)
{
    Window k = window_of(s, &window_args);
    Groups g = groups_of(s, &group_args);
    Tensor *w = param(b, "weight"), *bias = param(b, "bias");
    Tensor *x = window_image(b, &k, arg_real(s, FILL));

    /* The number of a filter (out), of the first channel that it sees (first), and of a channel among those (ci). */
    Affine out, first = number(0), ci = number(0);

    nest_begin(b, "", why(&g));
    if (g.count == 1) {
        out = at(loop(b, "co", "for every filter", g.filters));
    } else if (g.filters == 1) {
        Loop *co = loop(b, "co", "for every filter, which is a group of its own", g.count);
        out = at(co);
        first = scaled(co, g.channels);
    } else {
        Loop *group = loop(b, "g", "for every group of channels", g.count);
        out = plus(scaled(group, g.filters), at(loop(b, "co", "and every filter of the group", g.filters)));
        first = scaled(group, g.channels);
    }
    Loop *oh = loop(b, "oh", "and every place to lay its corner", k.h.out);
    Loop *ow = loop(b, "ow", NULL, k.w.out);
    bool one_channel = g.count > 1 && g.channels == 1;
    if (!one_channel)
        ci = at(loop(b, "ci", "multiply what lies under it", g.channels));
    Loop *kh = loop(b, "kh", one_channel ? "multiply what lies under it" : NULL, k.h.kernel);
    Loop *kw = loop(b, "kw", NULL, k.w.kernel);

    nest_start_from(b, bias ? load(b, bias, &out) : real(b, 0));
    nest_add(b, output(b), IX(out, at(oh), at(ow)),
             mul(b, load(b, w, IX(out, ci, at(kh), at(kw))),
                    load(b, x, IX(plus(first, ci), stepped(oh, k.h.stride, kh, k.h.dilation),
                                                   stepped(ow, k.w.stride, kw, k.w.dilation)))));
}

const LayerKind layer_conv = {
    .name = "conv", .summary = "2-D convolution (cross-correlation)",
    .args = args, .arg_count = countof(args),
    .foreign = "Conv2D Conv2d Convolution2D DepthwiseConv2D", .example = "conv 32, 3x3, same, relu",
    .shape = shape, .arithmetic = window_arithmetic, .lower = lower,
};
