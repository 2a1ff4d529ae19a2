/* generate.c: valid random networks as texts (generate.h).
 *
 * The generator keeps track of the shape by its own arithmetic, written from docs/LANGUAGE.md, and asks for every value that it
 * names with `expect shape ==`, so that the shape rules of the compiler are tested on the way. */
#include "generate.h"

#include "base/list.h"
#include "support/dice.h"

#include <string.h>

/* An image, or a vector of c features. */
typedef struct Size {
    bool image;
    int64_t c, h, w;
} Size;

typedef struct Named {
    const char *name;
    Size size;
} Named;

typedef struct Maker {
    Arena *arena;
    Dice dice;
    NetFamily family;
    Text *blocks, *body;
    Size at;                    /* of the value above the next line */
    int64_t work;               /* multiply-adds left */
    LIST(Named) named;
    int names, block_count;
    bool has_param;             /* `param p` is there, and its value */
    int64_t p;
} Maker;

enum { MAX_ELEMENTS = 500 };    /* of one value */

static const int64_t sides[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13 };

static int64_t elements(Size s)
{
    return s.image ? s.c * s.h * s.w : s.c;
}

static bool size_equal(Size a, Size b)
{
    return a.image == b.image && a.c == b.c && (!a.image || (a.h == b.h && a.w == b.w));
}

static const char *size_text(Arena *arena, Size s)
{
    if (!s.image)
        return arena_print(arena, "%lld", (long long)s.c);
    return arena_print(arena, "%lldx%lldx%lld", (long long)s.h, (long long)s.w, (long long)s.c);
}

static bool spend(Maker *m, int64_t work)
{
    if (work > m->work)
        return false;
    m->work -= work;
    return true;
}

/* A count, sometimes as an expression. */
static const char *count_text(Maker *m, int64_t n)
{
    if (m->has_param && n > m->p && dice_chance(&m->dice, 30))
        return arena_print(m->arena, "p + %lld", (long long)(n - m->p));
    if (n % 2 == 0 && dice_chance(&m->dice, 10))
        return arena_print(m->arena, "2*%lld", (long long)(n / 2));
    return arena_print(m->arena, "%lld", (long long)n);
}

/* `stride=2`, `stride=(2,1)` or nothing if both are the default. */
static const char *pair_text(Maker *m, const char *name, int64_t h, int64_t w, int64_t usual)
{
    if (h == usual && w == usual && !dice_chance(&m->dice, 10))
        return "";
    if (h == w && dice_chance(&m->dice, 80))
        return arena_print(m->arena, ", %s=%lld", name, (long long)h);
    return arena_print(m->arena, ", %s=(%lld,%lld)", name, (long long)h, (long long)w);
}

/* ---- windows: both axes of a conv or a pool */

typedef struct Side {
    int64_t in, kernel, stride, dilation, before, after, out;
} Side;

typedef enum Padding { PAD_VALID, PAD_SAME, PAD_NUMBERS } Padding;

static int64_t reach(const Side *s)
{
    return (s->kernel - 1) * s->dilation + 1;
}

static bool side_fits(Side *s, Padding padding, bool real_cells)
{
    if (padding == PAD_SAME) {
        s->out = (s->in + s->stride - 1) / s->stride;
        int64_t total = (s->out - 1) * s->stride + reach(s) - s->in;
        s->before = total > 0 ? total / 2 : 0;
        s->after = total > 0 ? total - s->before : 0;
    } else {
        int64_t room = s->in + s->before + s->after - reach(s);
        if (room < 0)
            return false;
        s->out = room / s->stride + 1;
    }
    if (!real_cells)
        return true;
    /* Every window has a cell of the image in it. */
    return reach(s) > s->before && (s->out - 1) * s->stride - s->before < s->in;
}

/* Draws kernel, stride and dilation for both axes until they fit; false if they never do. */
static bool draw_window(Maker *m, Side side[2], Padding *padding, bool dilate, bool real_cells, int64_t most_kernel)
{
    Dice *d = &m->dice;

    for (int attempt = 0; attempt < 20; attempt++) {
        *padding = (Padding)dice_between(d, 0, 2);
        bool square = dice_chance(d, 40), even_pad = dice_chance(d, 40);
        for (int i = 0; i < 2; i++) {
            Side *s = &side[i];
            *s = (Side){ .in = i ? m->at.w : m->at.h, .dilation = 1 };
            s->kernel = i && square ? side[0].kernel : dice_between(d, 1, most_kernel);
            s->stride = i && square ? side[0].stride : dice_chance(d, 55) ? 1 : dice_between(d, 1, 3);
            if (dilate && dice_chance(d, 25))
                s->dilation = dice_between(d, 2, 3);
            if (*padding == PAD_NUMBERS) {
                s->before = dice_between(d, 0, 2);
                s->after = even_pad ? s->before : dice_between(d, 0, 3);
            }
        }
        if (side_fits(&side[0], *padding, real_cells) && side_fits(&side[1], *padding, real_cells))
            return true;
    }
    return false;
}

/* `, same`, `, pad=1`, `, pad=(1,2)`, `, pad=(0,1,2,0)` or nothing. */
static const char *padding_text(Maker *m, const Side side[2], Padding padding)
{
    long long t = side[0].before, b = side[0].after, l = side[1].before, r = side[1].after;

    switch (padding) {
    case PAD_VALID:
        return dice_chance(&m->dice, 15) ? ", valid" : "";
    case PAD_SAME:
        return ", same";
    case PAD_NUMBERS:
        break;
    }
    if (t == b && l == r && t == l && dice_chance(&m->dice, 70))
        return arena_print(m->arena, ", pad=%lld", t);
    if (t == b && l == r && dice_chance(&m->dice, 70))
        return arena_print(m->arena, ", pad=(%lld,%lld)", t, l);
    return arena_print(m->arena, ", pad=(%lld,%lld,%lld,%lld)", t, b, l, r);
}

/* ---- layers; each returns the text of a layer and moves m->at, or returns NULL if it does not fit */

static const char *activation(Maker *m, bool smooth)
{
    static const char *const real[] = { "tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "relu", "relu", "relu", "leaky(0.1)",
                                        "leaky(0.01)", "leaky(0.3)", "elu(0.5)" };
    static const char *const whole[] = { "relu", "relu", "relu", "leaky(0.5)", "leaky(0.25)", "identity" };
    enum { SMOOTH = 5 };

    if (m->family == FAMILY_WHOLE)
        return whole[dice_between(&m->dice, 0, countof(whole) - 1)];
    return real[dice_between(&m->dice, 0, (smooth ? SMOOTH : countof(real)) - 1)];
}

/* What follows a layer on its line. */
static const char *tail_text(Maker *m)
{
    const char *text = "";

    if (m->family == FAMILY_REAL && dice_chance(&m->dice, 15) && m->at.image && m->at.h * m->at.w > 1)
        text = dice_chance(&m->dice, 60) ? ", batchnorm" : ", batchnorm(eps=1e-3, momentum=0.25)";
    if (dice_chance(&m->dice, 60))
        text = arena_print(m->arena, "%s, %s", text, activation(m, false));
    if (m->family == FAMILY_REAL && dice_chance(&m->dice, 12))
        text = arena_print(m->arena, "%s, dropout(%s)", text, dice_chance(&m->dice, 50) ? "0.5" : "0.25");
    return text;
}

static const char *conv(Maker *m)
{
    Dice *d = &m->dice;
    Side side[2];
    Padding padding;
    const char *groups = "", *fill = "";
    int64_t filters = dice_between(d, 1, 6), per_group = m->at.c;

    if (!m->at.image || !draw_window(m, side, &padding, true, false, 4))
        return NULL;
    if (m->at.c > 1 && dice_chance(d, 20)) {
        filters = m->at.c * dice_between(d, 1, 2);
        per_group = 1;
        groups = dice_chance(d, 70) ? ", depthwise" : arena_print(m->arena, ", groups=%lld", (long long)m->at.c);
    } else if (m->at.c % 2 == 0 && dice_chance(d, 40)) {
        filters = 2 * dice_between(d, 1, 3);
        per_group = m->at.c / 2;
        groups = ", groups=2";
    }
    Size to = { true, filters, side[0].out, side[1].out };
    if (elements(to) > MAX_ELEMENTS || !spend(m, elements(to) * per_group * side[0].kernel * side[1].kernel))
        return NULL;
    if (padding != PAD_VALID && dice_chance(d, 15))
        fill = m->family == FAMILY_WHOLE || dice_chance(d, 50) ? ", fill=1" : ", fill=-0.5";
    const char *text = arena_print(m->arena, "%s, %lldx%lld%s%s%s%s%s%s", count_text(m, filters), (long long)side[0].kernel,
                                   (long long)side[1].kernel, pair_text(m, "stride", side[0].stride, side[1].stride, 1),
                                   pair_text(m, "dilation", side[0].dilation, side[1].dilation, 1), groups,
                                   padding_text(m, side, padding), fill, dice_chance(d, 15) ? ", nobias" : "");
    m->at = to;
    return dice_chance(d, 15) ? arena_print(m->arena, "conv(%s)", text) : arena_print(m->arena, "conv %s", text);
}

static const char *deconv(Maker *m)
{
    Dice *d = &m->dice;
    int64_t filters = dice_between(d, 1, 4), per_group = filters, cut[4] = { 0 };
    const char *groups = "", *padding = "";
    Size to = { true, 0, 0, 0 };
    int64_t *out[2] = { &to.h, &to.w }, in[2] = { m->at.h, m->at.w }, kernel[2], stride[2], dilation[2];
    Padding kind = (Padding)dice_between(d, 0, 2);

    if (!m->at.image)
        return NULL;
    if (m->at.c > 1 && dice_chance(d, 15)) {
        filters = m->at.c * dice_between(d, 1, 2);
        per_group = filters / m->at.c;
        groups = ", depthwise";
    } else if (m->at.c % 2 == 0 && dice_chance(d, 30)) {
        filters = 2 * dice_between(d, 1, 2);
        per_group = filters / 2;
        groups = ", groups=2";
    }
    to.c = filters;
    for (int i = 0; i < 2; i++) {
        kernel[i] = dice_between(d, 1, 3);
        stride[i] = dice_chance(d, 60) ? 1 : dice_between(d, 2, 3);
        dilation[i] = dice_chance(d, 80) ? 1 : 2;
        int64_t whole = (in[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
        if (kind == PAD_SAME) {
            *out[i] = in[i] * stride[i];
        } else {
            if (kind == PAD_NUMBERS) {
                cut[2 * i] = dice_between(d, 0, 1);
                cut[2 * i + 1] = dice_between(d, 0, 2);
            }
            *out[i] = whole - cut[2 * i] - cut[2 * i + 1];
        }
        if (*out[i] < 1)
            return NULL;
    }
    if (kind == PAD_SAME)
        padding = ", same";
    else if (kind == PAD_NUMBERS)
        padding = arena_print(m->arena, ", pad=(%lld,%lld,%lld,%lld)", (long long)cut[0], (long long)cut[1], (long long)cut[2],
                              (long long)cut[3]);
    if (elements(to) > MAX_ELEMENTS || !spend(m, elements(m->at) * per_group * kernel[0] * kernel[1]))
        return NULL;
    m->at = to;
    return arena_print(m->arena, "deconv %lld, %lldx%lld%s%s%s%s%s", (long long)filters, (long long)kernel[0], (long long)kernel[1],
                       pair_text(m, "stride", stride[0], stride[1], 1), pair_text(m, "dilation", dilation[0], dilation[1], 1), groups,
                       padding, dice_chance(d, 15) ? ", nobias" : "");
}

static const char *pool(Maker *m)
{
    static const char *const real[] = { "maxpool", "maxpool", "avgpool", "avgpool", "l1pool", "l2pool" };
    static const char *const whole[] = { "maxpool", "maxpool", "maxpool", "l1pool" };
    Dice *d = &m->dice;
    Side side[2];
    Padding padding;
    const char *kind = m->family == FAMILY_WHOLE ? whole[dice_between(d, 0, countof(whole) - 1)]
                                                 : real[dice_between(d, 0, countof(real) - 1)];

    if (!m->at.image || !draw_window(m, side, &padding, false, true, 3))
        return NULL;
    Size to = { true, m->at.c, side[0].out, side[1].out };
    if (elements(to) > MAX_ELEMENTS)
        return NULL;
    /* The default stride is the kernel, so a stride that differs is written. */
    const char *stride = "";
    if (side[0].stride != side[0].kernel || side[1].stride != side[1].kernel)
        stride = pair_text(m, "stride", side[0].stride, side[1].stride, -1);
    const char *count = strcmp(kind, "avgpool") == 0 && dice_chance(d, 40) ? ", countpad" : "";
    m->at = to;
    return arena_print(m->arena, "%s %lldx%lld%s%s%s", kind, (long long)side[0].kernel, (long long)side[1].kernel, stride,
                       padding_text(m, side, padding), count);
}

static const char *dense(Maker *m, int64_t features)
{
    if (!spend(m, elements(m->at) * features))
        return NULL;
    m->at = (Size){ false, features, 0, 0 };
    return arena_print(m->arena, "dense %s%s", count_text(m, features), dice_chance(&m->dice, 10) ? ", nobias" : "");
}

static const char *point(Maker *m)
{
    Dice *d = &m->dice;

    if (m->family == FAMILY_WHOLE)
        return dice_chance(d, 70) ? activation(m, false) : "rescale 1/2";
    switch (dice_between(d, 0, 9)) {
    case 0: return "dropout 0.3";
    case 1: return "identity";
    case 2: return "rescale 0.7";
    case 3: return m->at.image && m->at.h * m->at.w > 1 ? "batchnorm" : "tanh";
    case 4: return dice_chance(d, 30) ? "softmax" : "sigmoid";
    default: return activation(m, false);
    }
}

/* ---- lines */

static void remember(Maker *m, const char *name)
{
    LIST_ADD(m->arena, &m->named, ((Named){ name, m->at }));
    if (dice_chance(&m->dice, 30))
        text_line(m->body, "expect shape == %s", size_text(m->arena, m->at));
}

/* Writes a line, sometimes with a name. */
static void line(Maker *m, const char *text)
{
    if (dice_chance(&m->dice, 25)) {
        const char *name = arena_print(m->arena, "v%d", m->names++);
        text_line(m->body, "%s = %s", name, text);
        remember(m, name);
    } else {
        text_line(m->body, "%s", text);
    }
}

/* The name of an earlier value of this size, or NULL. */
static const char *earlier(Maker *m, Size s)
{
    for (int i = m->named.count - 1; i >= 0; i--)
        if (size_equal(m->named.at[i].size, s) && dice_chance(&m->dice, 70))
            return m->named.at[i].name;
    return NULL;
}

/* Two or three ways to the same size, added up. */
static bool add_paths(Maker *m)
{
    Dice *d = &m->dice;
    int64_t filters = dice_between(d, 1, 4), stride = dice_between(d, 1, 2);

    if (!m->at.image)
        return false;
    Size to = { true, filters, (m->at.h + stride - 1) / stride, (m->at.w + stride - 1) / stride };
    if (elements(to) > MAX_ELEMENTS || !spend(m, elements(to) * m->at.c * (9 + 1 + 3)))
        return false;
    bool even = stride == 1 && filters == m->at.c && dice_chance(d, 50);
    text_open(m->body, "add {");
    text_line(m->body, "path { conv %lld, 3x3, same, stride=%lld%s }", (long long)filters, (long long)stride, tail_text(m));
    if (even)
        text_line(m->body, "path { identity }");
    else
        text_line(m->body, "path { conv %lld, 1x1, stride=%lld }", (long long)filters, (long long)stride);
    if (dice_chance(d, 30))
        text_line(m->body, "path { %s -> conv %lld, 1x3, same, stride=%lld, nobias }", activation(m, true), (long long)filters,
                  (long long)stride);
    text_close(m->body, "}");
    m->at = to;
    return true;
}

/* Ways to the same height and width, one above the other. */
static bool concat_paths(Maker *m)
{
    Dice *d = &m->dice;
    int64_t a = dice_between(d, 1, 3), b = dice_between(d, 1, 3);
    bool pool_too = dice_chance(d, 50);

    if (!m->at.image)
        return false;
    Size to = { true, a + b + (pool_too ? m->at.c : 0), m->at.h, m->at.w };
    int64_t places = m->at.h * m->at.w;
    if (elements(to) > MAX_ELEMENTS || !spend(m, places * m->at.c * (a + b) + places * b * b * 9))
        return false;
    text_open(m->body, "concat {");
    text_line(m->body, "path { conv %lld, 1x1%s }", (long long)a, tail_text(m));
    text_line(m->body, "path { conv %lld, 1x1 -> conv %lld, 3x3, same }", (long long)b, (long long)b);
    if (pool_too)
        text_line(m->body, "path { %s 3x3, stride=1, same }", dice_chance(d, 50) || m->family == FAMILY_WHOLE ? "maxpool" : "avgpool");
    text_close(m->body, "}");
    m->at = to;
    return true;
}

/* add or concat with values by name. */
static bool join_named(Maker *m)
{
    const char *name = earlier(m, m->at);

    if (!name)
        return false;
    if (dice_chance(&m->dice, 60) || 2 * elements(m->at) > MAX_ELEMENTS) {
        line(m, arena_print(m->arena, "add %s", name));
        return true;
    }
    m->at.c *= 2;
    line(m, arena_print(m->arena, "concat %s", name));
    return true;
}

/* The network goes on from an earlier value; what stood above joins later or is read by nobody, which the language warns about. */
static bool go_back(Maker *m)
{
    if (m->named.count == 0 || !m->at.image)
        return false;
    const char *above = arena_print(m->arena, "v%d", m->names++);
    Size above_size = m->at;
    Named *n = &m->named.at[dice_between(&m->dice, 0, m->named.count - 1)];
    if (!n->size.image || n->size.h != above_size.h || n->size.w != above_size.w || n->size.c + 2 > 8)
        return false;
    if (elements(above_size) + 2 * above_size.h * above_size.w > MAX_ELEMENTS
        || !spend(m, above_size.h * above_size.w * n->size.c * 2))
        return false;
    text_line(m->body, "%s = identity", above);
    text_line(m->body, "conv 2, 1x1 from %s", n->name);
    text_line(m->body, "concat %s", above);
    m->at = (Size){ true, above_size.c + 2, above_size.h, above_size.w };
    return true;
}

/* A block of one's own, used once or twice. */
static bool block(Maker *m)
{
    Dice *d = &m->dice;
    int64_t f = dice_between(d, 1, 4), times = dice_between(d, 1, 2);

    if (!m->at.image)
        return false;
    Size to = { true, f, m->at.h, m->at.w };
    int64_t places = m->at.h * m->at.w, one = places * f * (m->at.c * 3 + f * 4), more = places * f * (f * 3 + f * 4);
    if (elements(to) > MAX_ELEMENTS || !spend(m, one + (times - 1) * more))
        return false;
    int number = m->block_count++;
    text_open(m->blocks, "block b%d(f, k=2x2, rate=0.25) {", number);
    text_line(m->blocks, "conv f, 1x3, same, %s", activation(m, false));
    text_line(m->blocks, "inner = conv f, k, same");
    if (m->family == FAMILY_REAL && dice_chance(d, 40))
        text_line(m->blocks, "dropout rate");
    text_close(m->blocks, "}");
    const char *call = arena_print(m->arena, "b%d %lld%s", number, (long long)f, dice_chance(d, 50) ? "" : ", k=1x2");
    if (times == 2) {
        text_open(m->body, dice_chance(d, 50) ? "repeat 2 {" : "repeat i in 1..2 {");
        text_line(m->body, "%s", call);
        text_close(m->body, "}");
    } else {
        text_line(m->body, "%s", call);
    }
    m->at = to;
    return true;
}

/* `, batchnorm(eps=1, momentum=0), relu` as ` -> batchnorm(eps=1, momentum=0) -> relu`. */
static const char *arrows(Arena *arena, const char *tail)
{
    Text *t = text_new(arena);
    int depth = 0;

    for (const char *c = tail; *c; c++) {
        depth += (*c == '(') - (*c == ')');
        if (*c == ',' && depth == 0)
            text_put(t, " ->");
        else
            text_put(t, "%c", *c);
    }
    return t->length ? t->at : "";
}

static bool with_tail(Maker *m, const char *text)
{
    if (!text)
        return false;
    const char *tail = tail_text(m);
    /* Behind a call the line goes on with arrows. */
    if (text[strcspn(text, "( ")] == '(')
        tail = arrows(m->arena, tail);
    line(m, arena_print(m->arena, "%s%s", text, tail));
    return true;
}

static bool some_line(Maker *m)
{
    switch (dice_between(&m->dice, 0, 13)) {
    case 0: case 1: case 2: case 3: return with_tail(m, conv(m));
    case 4: return with_tail(m, deconv(m));
    case 5: case 6: return with_tail(m, pool(m));
    case 7: return add_paths(m);
    case 8: return concat_paths(m);
    case 9: return join_named(m);
    case 10: return go_back(m);
    case 11: return block(m);
    case 12: if (!m->at.image) return with_tail(m, dense(m, dice_between(&m->dice, 2, 9))); return false;
    default: line(m, point(m)); return true;
    }
}

static Size first_size(Maker *m)
{
    Dice *d = &m->dice;

    if (dice_chance(d, 12))
        return (Size){ false, dice_between(d, 2, 13), 0, 0 };
    Size s = { true, dice_between(d, 1, 4), sides[dice_between(d, 0, countof(sides) - 1)], sides[dice_between(d, 2, countof(sides) - 1)] };
    if (dice_chance(d, 10))
        s.h = 1;
    while (elements(s) > MAX_ELEMENTS / 2)
        s.c = s.h = s.h / 2 + 1;
    return s;
}

/* The last lines: a few outputs and their loss. */
static const char *ending(Maker *m)
{
    Dice *d = &m->dice;

    if (m->at.image && dice_chance(d, 25)) {
        text_line(m->body, "%s", dice_chance(d, 50) || m->family == FAMILY_WHOLE ? "globalmaxpool" : "globalavgpool");
        m->at = (Size){ false, m->at.c, 0, 0 };
    } else if (m->at.image && dice_chance(d, 25)) {
        text_line(m->body, "flatten");
        m->at = (Size){ false, elements(m->at), 0, 0 };
    }
    int64_t classes = dice_between(d, 2, 6);
    m->work += elements(m->at) * classes;       /* the last layer is always affordable */
    const char *last = dense(m, classes);
    if (m->family == FAMILY_WHOLE) {
        text_line(m->body, "%s", last);
        return "quadratic";
    }
    if (dice_chance(d, 55)) {
        text_line(m->body, "%s, softmax", last);
        return dice_chance(d, 35) ? "crossentropy, smooth=0.1" : "crossentropy";
    }
    text_line(m->body, "%s%s", last, dice_chance(d, 50) ? ", sigmoid" : "");
    return "quadratic";
}

const char *random_network(Arena *arena, uint64_t seed, NetFamily family, int64_t work)
{
    Maker m = { .arena = arena, .dice = dice_new(2 * seed + (uint64_t)family), .family = family, .work = work };
    Dice *d = &m.dice;
    Text *t = text_new(arena);
    int lines = (int)dice_between(d, 2, 6);

    m.blocks = text_new(arena);
    m.body = text_new(arena);
    m.body->depth = 1;
    m.has_param = dice_chance(d, 30);
    m.p = dice_between(d, 1, 3);
    m.at = first_size(&m);

    bool named = dice_chance(d, 30);
    text_line(m.body, "%sinput %s", named ? "image = " : "", size_text(arena, m.at));
    LIST_ADD(arena, &m.named, ((Named){ named ? "image" : "input", m.at }));
    if (family == FAMILY_REAL && dice_chance(d, 25))
        text_line(m.body, dice_chance(d, 60) ? "normalise" : "rescale 1/2");
    for (int i = 0, attempts = 0; i < lines && attempts < 60; attempts++)
        i += some_line(&m);
    const char *loss = ending(&m);

    text_line(t, "# random network %llu", (unsigned long long)seed);
    if (m.has_param)
        text_line(t, "param p = %lld", (long long)m.p);
    text_bytes(t, m.blocks->at ? m.blocks->at : "", m.blocks->length);
    text_line(t, "network Random {");
    text_bytes(t, m.body->at, m.body->length);
    text_line(t, "}");
    text_line(t, "data arrays { source npy, \"x.npy\", \"y.npy\" }");
    text_line(t, "train Random on arrays { loss %s; epochs 1 }", loss);
    return t->at;
}
