/* conv.c: convolution, transposed convolution and dense layers of the reference, as in their definitions. */
#include "inner.h"

/* Kernel, stride and padding along one axis: "same", "Otherwise" and "maxpool" of docs/LANGUAGE.md. */
Axis ref_axis(const Site *s, int axis, int64_t in, int64_t kernel, int64_t stride, int64_t dilation)
{
    Axis a = { .in = in, .kernel = kernel, .stride = stride, .dilation = dilation };
    int64_t reach = (kernel - 1) * dilation + 1;

    if (ref_has(s, "pad") && ref_arg(s, "pad")->given) {
        a.before = ref_arg(s, "pad")->number[axis == 0 ? 0 : 2];
        a.after = ref_arg(s, "pad")->number[axis == 0 ? 1 : 3];
    } else if (ref_word_is(s, "padding", "same") || (ref_has(s, "same") && ref_flag(s, "same"))) {
        int64_t out = (in + stride - 1) / stride;
        int64_t total = (out - 1) * stride + reach - in;
        if (total < 0)
            total = 0;
        a.before = total / 2;
        a.after = total - a.before;
    }
    a.out = (in + a.before + a.after - reach) / stride + 1;
    return a;
}

typedef struct Window {
    Image x, y;
    Axis h, w;
    int64_t groups;
    double fill;
} Window;

static int64_t groups_of(const Site *s, int64_t depth)
{
    if (ref_has(s, "depthwise") && ref_flag(s, "depthwise"))
        return depth;
    return ref_arg(s, "groups")->number[0];
}

static Window conv_window(const Site *s)
{
    Window v = { .x = ref_image(s->x), .y = ref_image(s->y) };
    const ArgValue *k = ref_arg(s, "kernel"), *step = ref_arg(s, "stride"), *dilation = ref_arg(s, "dilation");

    v.h = ref_axis(s, 0, v.x.h, k->number[0], step->number[0], dilation->number[0]);
    v.w = ref_axis(s, 1, v.x.w, k->number[1], step->number[1], dilation->number[1]);
    v.groups = groups_of(s, v.x.c);
    v.fill = ref_real(s, "fill");
    assert(v.h.out == v.y.h && v.w.out == v.y.w);
    return v;
}

/* Walks every product of the convolution; `back` gives gradients instead of adding to y. */
static void conv_walk(Reference *r, const Site *s, bool back)
{
    Window v = conv_window(s);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *w = ref_param(r, s, "weight"), *b = ref_param(r, s, "bias");
    int64_t in_per_group = v.x.c / v.groups, out_per_group = v.y.c / v.groups;

    assert((b == NULL) == ref_flag(s, "nobias"));
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t co = 0; co < v.y.c; co++)
            for (int64_t oh = 0; oh < v.y.h; oh++)
                for (int64_t ow = 0; ow < v.y.w; ow++) {
                    int64_t to = ref_at(v.y, n, co, oh, ow);
                    double dy = y->gradient[to];
                    if (b && back)
                        ref_give(b, co, dy);
                    else if (b)
                        ref_add(y, to, b->at[co]);
                    for (int64_t g = 0; g < in_per_group; g++)
                        for (int64_t kh = 0; kh < v.h.kernel; kh++)
                            for (int64_t kw = 0; kw < v.w.kernel; kw++) {
                                int64_t ci = co / out_per_group * in_per_group + g;
                                int64_t ih = oh * v.h.stride + kh * v.h.dilation - v.h.before;
                                int64_t iw = ow * v.w.stride + kw * v.w.dilation - v.w.before;
                                int64_t at = ((co * in_per_group + g) * v.h.kernel + kh) * v.w.kernel + kw;
                                bool inside = ih >= 0 && ih < v.x.h && iw >= 0 && iw < v.x.w;
                                double value = inside ? x->at[ref_at(v.x, n, ci, ih, iw)] : v.fill;
                                if (!back) {
                                    ref_add(y, to, w->at[at] * value);
                                } else {
                                    ref_give(w, at, dy * value);
                                    if (inside)
                                        ref_give(x, ref_at(v.x, n, ci, ih, iw), dy * w->at[at]);
                                }
                            }
                }
}

static void conv_forward(Reference *r, const Site *s) { conv_walk(r, s, false); }
static void conv_backward(Reference *r, const Site *s) { conv_walk(r, s, true); }

/* Every input lays its filter, scaled by itself, onto the output. Weights [in][out/groups][kh][kw], as in PyTorch. */
static void deconv_walk(Reference *r, const Site *s, bool back)
{
    Image xs = ref_image(s->x), ys = ref_image(s->y);
    const ArgValue *k = ref_arg(s, "kernel"), *step = ref_arg(s, "stride"), *dilation = ref_arg(s, "dilation");
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *w = ref_param(r, s, "weight"), *b = ref_param(r, s, "bias");
    int64_t groups = groups_of(s, xs.c);
    int64_t in_per_group = xs.c / groups, out_per_group = ys.c / groups;
    int64_t top = 0, left = 0, want[2] = { 0, 0 };
    int64_t in[2] = { xs.h, xs.w }, out[2] = { ys.h, ys.w }, before[2];

    for (int axis = 0; axis < 2; axis++) {
        int64_t reach = (k->number[axis] - 1) * dilation->number[axis] + 1;
        int64_t whole = (in[axis] - 1) * step->number[axis] + reach;       /* nothing cut off */
        const ArgValue *pad = ref_arg(s, "pad");
        if (pad->given) {
            before[axis] = pad->number[2 * axis];
            want[axis] = whole - pad->number[2 * axis] - pad->number[2 * axis + 1];
        } else if (ref_word_is(s, "padding", "same")) {
            want[axis] = in[axis] * step->number[axis];
            int64_t cut = whole > want[axis] ? whole - want[axis] : 0;
            before[axis] = cut / 2;
        } else {
            before[axis] = 0;
            want[axis] = whole;
        }
        assert(want[axis] == out[axis]);
    }
    top = before[0];
    left = before[1];
    for (int64_t n = 0; n < r->batch; n++) {
        for (int64_t co = 0; b && co < ys.c; co++)
            for (int64_t i = 0; i < ys.h * ys.w; i++) {
                int64_t to = (n * ys.c + co) * ys.h * ys.w + i;
                if (back)
                    ref_give(b, co, y->gradient[to]);
                else
                    ref_add(y, to, b->at[co]);
            }
        for (int64_t ci = 0; ci < xs.c; ci++)
            for (int64_t ih = 0; ih < xs.h; ih++)
                for (int64_t iw = 0; iw < xs.w; iw++)
                    for (int64_t g = 0; g < out_per_group; g++)
                        for (int64_t kh = 0; kh < k->number[0]; kh++)
                            for (int64_t kw = 0; kw < k->number[1]; kw++) {
                                int64_t co = ci / in_per_group * out_per_group + g;
                                int64_t oh = ih * step->number[0] + kh * dilation->number[0] - top;
                                int64_t ow = iw * step->number[1] + kw * dilation->number[1] - left;
                                if (oh < 0 || oh >= ys.h || ow < 0 || ow >= ys.w)
                                    continue;
                                int64_t at = ((ci * out_per_group + g) * k->number[0] + kh) * k->number[1] + kw;
                                int64_t from = ref_at(xs, n, ci, ih, iw), to = ref_at(ys, n, co, oh, ow);
                                if (back) {
                                    ref_give(w, at, y->gradient[to] * x->at[from]);
                                    ref_give(x, from, y->gradient[to] * w->at[at]);
                                } else {
                                    ref_add(y, to, x->at[from] * w->at[at]);
                                }
                            }
    }
}

static void deconv_forward(Reference *r, const Site *s) { deconv_walk(r, s, false); }
static void deconv_backward(Reference *r, const Site *s) { deconv_walk(r, s, true); }

/* y[o] = b[o] + sum over i of w[o][i] * x[i], x flattened as [c][h][w]. */
static void dense_walk(Reference *r, const Site *s, bool back)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *w = ref_param(r, s, "weight"), *b = ref_param(r, s, "bias");
    int64_t ins = x->count / r->batch, outs = y->count / r->batch;

    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t o = 0; o < outs; o++) {
            double dy = y->gradient[n * outs + o];
            if (b && back)
                ref_give(b, o, dy);
            else if (b)
                ref_add(y, n * outs + o, b->at[o]);
            for (int64_t i = 0; i < ins; i++) {
                if (back) {
                    ref_give(w, o * ins + i, dy * x->at[n * ins + i]);
                    ref_give(x, n * ins + i, dy * w->at[o * ins + i]);
                } else {
                    ref_add(y, n * outs + o, w->at[o * ins + i] * x->at[n * ins + i]);
                }
            }
        }
}

static void dense_forward(Reference *r, const Site *s) { dense_walk(r, s, false); }
static void dense_backward(Reference *r, const Site *s) { dense_walk(r, s, true); }

const RefLayer ref_conv_layers[] = {
    { "conv", conv_forward, conv_backward },
    { "deconv", deconv_forward, deconv_backward },
    { "dense", dense_forward, dense_backward },
    { NULL, NULL, NULL }
};
