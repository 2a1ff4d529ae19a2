/* deconv.c: the transposed convolution, which turns every pixel into a patch: PyTorch's ConvTranspose2d.
 *
 *   y[co][ih*S + kh*D - top][iw*S + kw*D - left] += w[ci][co][kh][kw] * x[ci][ih][iw],  where y begins with b[co]
 *
 * All patches together make a picture of (in - 1)*S + (F - 1)*D + 1 rows. `pad` cuts that many rows off its edges; `same`
 * gives exactly in*S: what is too much is cut off (half of it, rounded down, above), what is missing below and on the
 * right holds the bias alone. The weights are [in][out/groups][kh][kw]. Backward is derived from the loops. */
#include "layers/groups.h"
#include "layers/sentence.h"
#include "layers/weights.h"
#include "layers/window.h"

#include <string.h>

enum { FILTERS, KERNEL, STRIDE, DILATION, GROUPS, DEPTHWISE, PADDING, PAD, NOBIAS, INIT };

static const ArgSpec args[] = {
    [FILTERS]   = FILTERS_ARG,
    [KERNEL]    = { .name = "kernel", .kind = ARG_SIZE, .required = true, .positional = true,
                    .help = "height and width of a filter", .foreign = "kernel_size" },
    [STRIDE]    = STRIDE_ARG("1", "step between the patches of two pixels"),
    [DILATION]  = DILATION_ARG,
    [GROUPS]    = GROUPS_ARG,
    [DEPTHWISE] = DEPTHWISE_ARG,
    [PADDING]   = { .name = "padding", .kind = ARG_CHOICE, .positional = true, .words = PADDING_WORDS, .group = 1,
                    .help = "valid: the whole picture; same: the size of the input times the stride" },
    [PAD]       = PAD_ARG("rows and columns to cut off: one number, (height, width) or (top, bottom, left, right)"),
    [NOBIAS]    = NOBIAS_ARG,
    [INIT]      = INIT_ARG,
};

static const GroupArgs group_args = { FILTERS, GROUPS, DEPTHWISE };

/* One direction of the picture, in rows or columns. */
typedef struct Picture {
    int64_t in, kernel, stride, dilation;
    int64_t full;               /* of all patches together */
    int64_t before, after;      /* cut off */
    int64_t out;
} Picture;

/* Index 0 is the height, 1 the width. */
static Picture picture_of(const Site *s, int i)
{
    Picture p = {
        .in = s->x->shape.dim[1 + i], .kernel = arg(s, KERNEL)->number[i],
        .stride = arg(s, STRIDE)->number[i], .dilation = arg(s, DILATION)->number[i],
        .before = arg(s, PAD)->number[2 * i], .after = arg(s, PAD)->number[2 * i + 1],
    };
    int64_t patch = (p.kernel - 1) * p.dilation + 1;

    p.full = (p.in - 1) * p.stride + patch;
    p.out = p.full - p.before - p.after;
    if (arg_word(s, PADDING) == PADDING_SAME) {
        int64_t cut = patch > p.stride ? patch - p.stride : 0;

        p.before = cut / 2;
        p.after = cut - p.before;
        p.out = p.in * p.stride;
    }
    return p;
}

static bool something_is_left(Unit *u, const Site *s, const Picture *p, int i)
{
    if (p->out >= 1)
        return true;
    error_at(u, arg_span(s, PAD), "'pad' cuts %lld and %lld %s off a picture of %lld", (long long)p->before,
             (long long)p->after, i ? "columns" : "rows", (long long)p->full);
    note(u, "%s = (%c - 1)*S + (F - 1)*D + 1 - P = (%lld - 1)*%lld + (%lld - 1)*%lld + 1 - %lld = %lld", i ? "width" : "height",
         "HW"[i], (long long)p->in, (long long)p->stride, (long long)p->kernel, (long long)p->dilation,
         (long long)(p->before + p->after), (long long)p->out);
    note_origin(u, s->x);
    return false;
}

/* x { depth, h, w } -> y { filters, oh, ow }; w { depth, filters/groups, kh, kw }, b { filters }. */
static bool shape(Unit *u, Site *s)
{
    if (!needs_image(u, s))
        return false;

    Picture h = picture_of(s, 0), w = picture_of(s, 1);
    int64_t depth = s->x->shape.dim[0], filters = arg_count(s, FILTERS);
    if (!something_is_left(u, s, &h, 0) || !something_is_left(u, s, &w, 1) || !groups_fit(u, s, &group_args))
        return false;
    if (checked_product(filters, h.full, w.full) > LIMIT_ELEMENTS) {
        error_at(u, s->span, "all patches together make a picture of %lldx%lldx%lld; the limit is 2^40 elements",
                 (long long)h.full, (long long)w.full, (long long)filters);
        return false;
    }
    s->y->shape = (Shape){ 3, { filters, h.out, w.out } };

    /* With a stride, a place lies in only one of S patches. */
    Groups g = groups_of(s, &group_args);
    int64_t all = checked_product(g.channels, h.kernel, w.kernel), some = all / (h.stride * w.stride);
    int64_t fan_in = some > 0 ? some : 1, fan_out = checked_product(g.filters, h.kernel, w.kernel);
    Shape weights = { 4, { depth, g.filters, h.kernel, w.kernel } };
    if (!site_param(u, s, "weight", "w", weights, true, init_of(s, INIT), fan_in, fan_out))
        return false;
    return arg_flag(s, NOBIAS)
        || site_param(u, s, "bias", "b", (Shape){ 1, { filters } }, true, INIT_ZEROS, fan_in, fan_out);
}

/* Adds every patch to `picture`, which holds the bias already, or is cleared first. */
static void lay_patches(Build *b, Site *s, Tensor *picture, bool clear)
{
    Picture h = picture_of(s, 0), w = picture_of(s, 1);
    Groups g = groups_of(s, &group_args);

    nest_begin(b, "", g.count == 1 ? "Every pixel lays down all filters, times its value; where patches overlap they add up."
                                   : "Every pixel lays down its group's filters, times its value; where patches overlap they add up.");
    if (clear)
        nest_fill(b, 0);
    Loop *group = g.count > 1 ? loop(b, "g", "for every group of channels", g.count) : NULL;
    Loop *co = loop(b, "co", group ? "and every filter of the group" : "for every filter", g.filters);
    Loop *ci = loop(b, "ci", "for every channel", g.channels);
    Loop *ih = loop(b, "ih", "and every pixel of it", h.in);
    Loop *iw = loop(b, "iw", NULL, w.in);
    Loop *kh = loop(b, "kh", "lay down its patch", h.kernel);
    Loop *kw = loop(b, "kw", NULL, w.kernel);
    Affine out = group ? plus(scaled(group, g.filters), at(co)) : at(co);
    Affine in = group ? plus(scaled(group, g.channels), at(ci)) : at(ci);

    nest_add(b, picture, IX(out, stepped(ih, h.stride, kh, h.dilation), stepped(iw, w.stride, kw, w.dilation)),
             mul(b, load(b, param(b, "weight"), IX(in, at(co), at(kh), at(kw))),
                    load(b, input(b, 0), IX(in, at(ih), at(iw)))));
}

static int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }

static void lower(Build *b, Site *s)
{
    Picture h = picture_of(s, 0), w = picture_of(s, 1);
    Tensor *bias = param(b, "bias"), *y = output(b), *picture = y;
    bool cut = h.before || h.after || w.before || w.after;

    if (cut) {
        Shape full = { 3, { arg_count(s, FILTERS), larger_of(h.full, h.before + h.out), larger_of(w.full, w.before + w.out) } };
        picture = image_tensor(b, "p", "all patches, before the edges are cut off", full);
        lay_patches(b, s, picture, true);
    }
    if (cut || bias) {
        nest_begin(b, cut ? "cut" : "bias", cut ? "Cut off the edges; what is left is the result."
                                                : "Begin with the bias of each filter.");
        Loop *co = loop(b, "co", "for every filter", s->y->shape.dim[0]);
        Loop *oh = loop(b, "oh", "and every place of the result", h.out);
        Loop *ow = loop(b, "ow", NULL, w.out);
        Expr *begin = bias ? load(b, bias, IX(at(co))) : real(b, 0);
        Expr *patches = cut ? load(b, picture, IX(at(co), shifted(at(oh), h.before), shifted(at(ow), w.before))) : real(b, 0);
        nest_set(b, y, IX(at(co), at(oh), at(ow)), add(b, begin, patches));
    }
    if (!cut)
        lay_patches(b, s, y, !bias);
}

static const char *arithmetic(Unit *u, const Site *s)
{
    const char *side[2];

    for (int i = 0; i < 2; i++) {
        Picture p = picture_of(s, i);
        int64_t cut = p.full - p.out;
        const char *sign = cut ? arena_print(u->arena, cut > 0 ? " - %lld" : " + %lld", (long long)(cut > 0 ? cut : -cut)) : "";
        side[i] = arena_print(u->arena, "(%lld - 1)*%lld + %lld%s = %lld", (long long)p.in, (long long)p.stride,
                              (long long)((p.kernel - 1) * p.dilation + 1), sign, (long long)p.out);
    }
    return strcmp(side[0], side[1]) == 0 ? side[0] : arena_print(u->arena, "%s, %s", side[0], side[1]);
}

const LayerKind layer_deconv = {
    .name = "deconv", .summary = "transposed 2-D convolution",
    .args = args, .arg_count = countof(args),
    .foreign = "Conv2DTranspose ConvTranspose2d Deconvolution2D", .example = "deconv 16, 2x2, stride=2, relu",
    .shape = shape, .arithmetic = arithmetic, .lower = lower,
};
