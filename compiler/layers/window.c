/* window.c: where a window stops on an image, its border, and what is said when it does not fit (window.h). */
#include "layers/window.h"

#include "layers/sentence.h"

#include <assert.h>
#include <string.h>

static int64_t at_least_0(int64_t a) { return a > 0 ? a : 0; }

/* a / b rounded down; b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void measure(Reach *r, bool same)
{
    r->span = (r->kernel - 1) * r->dilation + 1;
    if (same) {
        r->out = (r->in + r->stride - 1) / r->stride;
        int64_t border = at_least_0((r->out - 1) * r->stride + r->span - r->in);
        r->before = border / 2;
        r->after = border - r->before;
    } else {
        r->out = floor_div(r->in + r->before + r->after - r->span, r->stride) + 1;
    }
}

static bool is_same(const Site *s, const WindowArgs *args)
{
    return arg_word(s, args->padding) == PADDING_SAME;
}

/* What the arguments say, before it is measured. Index 0 is the height, 1 the width. */
static Reach reach_of(const Site *s, const WindowArgs *args, int i)
{
    bool step_is_kernel = args->step_is_kernel && !arg_given(s, args->stride);

    return (Reach){
        .in = s->x->shape.dim[1 + i],
        .kernel = arg(s, args->kernel)->number[i],
        .stride = arg(s, step_is_kernel ? args->kernel : args->stride)->number[i],
        .dilation = args->has_dilation ? arg(s, args->dilation)->number[i] : 1,
        .before = arg(s, args->pad)->number[2 * i],
        .after = arg(s, args->pad)->number[2 * i + 1],
    };
}

Window window_of(const Site *s, const WindowArgs *args)
{
    Window w = { reach_of(s, args, 0), reach_of(s, args, 1) };

    measure(&w.h, is_same(s, args));
    measure(&w.w, is_same(s, args));
    return w;
}

bool window_has_border(const Window *w)
{
    return w->h.before || w->h.after || w->w.before || w->w.after;
}

/* ---- what does not fit */

static Span kernel_span(const Site *s, const WindowArgs *args)
{
    return arg_given(s, args->kernel) ? arg_span(s, args->kernel) : s->span;
}

/* The formula of LANGUAGE.md with its numbers. */
static void note_size(Unit *u, const char *side, char in, char kernel, const Reach *r)
{
    bool even = r->before == r->after;

    note(u, "%s = floor((%c - %c + %s)/S) + 1 = floor((%lld - %lld + %lld)/%lld) + 1 = %lld", side, in, kernel,
         even ? "2P" : "P", (long long)r->in, (long long)r->span, (long long)(r->before + r->after), (long long)r->stride,
         (long long)r->out);
    if (r->dilation > 1)
        note(u, "with dilation %lld, %lld cells reach over (%lld - 1)*%lld + 1 = %lld", (long long)r->dilation,
             (long long)r->kernel, (long long)r->kernel, (long long)r->dilation, (long long)r->span);
    if (!even)
        note(u, "P is the border on both sides: %lld + %lld", (long long)r->before, (long long)r->after);
}

/* The same line with `same` in it, and what it gives. */
static void help_same(Unit *u, const Site *s, const WindowArgs *args, const Window *w, int64_t depth)
{
    Shape to = { 3, { depth, (w->h.in + w->h.stride - 1) / w->h.stride, (w->w.in + w->w.stride - 1) / w->w.stride } };
    const char *gives = shape_text(u, to);
    const char *text = "same";
    Span at;

    if (arg_given(s, args->padding)) {
        at = arg_span(s, args->padding);
    } else if (arg_given(s, args->pad)) {
        at = arg_span(s, args->pad);
    } else if (arg_given(s, args->kernel)) {
        at = arg_span(s, args->kernel);
        at.from = at.to;
        text = ", same";
    } else if (strcmp(span_text(u, s->span), s->kind->name) == 0) {
        at = s->span;
        at.from = at.to;
        text = " same";
    } else {
        help(u, "'same' gives %s", gives);
        return;
    }
    const char *line = line_with(u, s, at, text);
    if (line)
        fix_at(u, at, text, "'%s' gives %s", line, gives);
    else
        help(u, "'same' gives %s", gives);
}

static bool kernel_fits(Unit *u, const Site *s, const WindowArgs *args, const Window *w, int64_t depth)
{
    if (w->h.out >= 1 && w->w.out >= 1)
        return true;
    error_at(u, kernel_span(s, args), "a %lldx%lld %s does not fit into %s", (long long)w->h.kernel,
             (long long)w->w.kernel, args->name, shape_text(u, s->x->shape));
    if (w->h.out < 1)
        note_size(u, "height", 'H', 'F', &w->h);
    else
        note_size(u, "width", 'W', 'F', &w->w);
    note_origin(u, s->x);
    help_same(u, s, args, w, depth);
    return false;
}

/* The first and the last stop are the ones that can miss the image. */
static bool sees_cells(Unit *u, const Site *s, const Window *w, const WindowArgs *args)
{
    const struct { const Reach *r; const char *lines; } sides[] = { { &w->h, "rows" }, { &w->w, "columns" } };

    for (int i = 0; i < countof(sides); i++) {
        const Reach *r = sides[i].r;
        int64_t last = (r->out - 1) * r->stride;        /* in the image with its border */
        bool first_misses = r->span <= r->before;

        if (!first_misses && last < r->before + r->in)
            continue;
        int64_t from = (first_misses ? 0 : last) - r->before;
        error_at(u, arg_given(s, args->pad) ? arg_span(s, args->pad) : s->span,
                 "the border is so wide that a %lldx%lld window in it sees no cell of %s", (long long)w->h.kernel,
                 (long long)w->w.kernel, shape_text(u, s->x->shape));
        note(u, "the %s window covers %s %lld to %lld; the image has %s 0 to %lld", first_misses ? "first" : "last",
             sides[i].lines, (long long)from, (long long)(from + r->span - 1), sides[i].lines, (long long)(r->in - 1));
        help(u, "a border of at most %lld leaves every window a cell", (long long)(r->kernel - 1));
        return false;
    }
    return true;
}

/* What is legal and often not meant: stops that do not end where the image ends. */
static void warn_remainder(Unit *u, const Site *s, const WindowArgs *args, const Window *w)
{
    const struct { const Reach *r; const char *lines; } sides[] = { { &w->h, "rows" }, { &w->w, "columns" } };
    bool same = is_same(s, args);

    for (int i = 0; i < countof(sides); i++) {
        const Reach *r = sides[i].r;
        const char *lines = sides[i].lines;
        int64_t left = r->in - ((r->out - 1) * r->stride + r->span - r->before);

        if (same && r->in % r->stride) {
            warning_at(u, WARN_SAME_STRIDE, arg_given(s, args->padding) ? arg_span(s, args->padding) : s->span,
                       "'same' makes %lld of %lld %s, which the stride of %lld does not divide", (long long)r->out, (long long)r->in,
                       lines, (long long)r->stride);
            note(u, "the border is %lld before and %lld behind", (long long)r->before, (long long)r->after);
            help(u, "'pad=(top,bottom,left,right)' says where the border is");
        } else if (args->real_cells && left > 0) {
            warning_at(u, WARN_POOL_ROWS, kernel_span(s, args), "'%s' looks at %lld of %lld %s: the last %s in no window", s->kind->name,
                       (long long)(r->in - left), (long long)r->in, lines, left == 1 ? "is" : arena_print(u->arena, "%lld are", (long long)left));
            help(u, "'same' lets the last window reach over the edge");
        } else {
            continue;
        }
        return;
    }
}

bool window_fits(Unit *u, Site *s, const WindowArgs *args, int64_t depth, Window *w)
{
    *w = window_of(s, args);
    if (!kernel_fits(u, s, args, w, depth) || (args->real_cells && !sees_cells(u, s, w, args)))
        return false;

    int64_t height = w->h.in + w->h.before + w->h.after, width = w->w.in + w->w.before + w->w.after;
    if (checked_product(s->x->shape.dim[0], height, width) > LIMIT_ELEMENTS) {
        error_at(u, s->span, "the image with its border, %lldx%lldx%lld, has more than 2^40 elements", (long long)height,
                 (long long)width, (long long)s->x->shape.dim[0]);
        return false;
    }
    Window *kept = ARENA_NEW(u->arena, Window);
    *kept = *w;
    s->window = kept;
    warn_remainder(u, s, args, w);
    return true;
}

/* "(28 - 5 + 4)/1 + 1 = 28"; the border and floor only where there is something to them. */
static const char *reach_arithmetic(Unit *u, const Reach *r)
{
    int64_t border = r->before + r->after, room = r->in - r->span + border;
    bool exact = room % r->stride == 0;
    const char *plus = border ? arena_print(u->arena, " + %lld", (long long)border) : "";

    return arena_print(u->arena, "%s(%lld - %lld%s)/%lld%s + 1 = %lld", exact ? "" : "floor(", (long long)r->in, (long long)r->span, plus,
                       (long long)r->stride, exact ? "" : ")", (long long)r->out);
}

const char *window_arithmetic(Unit *u, const Site *s)
{
    const char *h = reach_arithmetic(u, &s->window->h), *w = reach_arithmetic(u, &s->window->w);

    return strcmp(h, w) == 0 ? h : arena_print(u->arena, "%s, %s", h, w);
}

/* ---- nests */

Tensor *window_image(Build *b, const Window *w, double fill)
{
    Tensor *x = input(b, 0);

    if (!window_has_border(w))
        return x;

    Shape s = shape_of(x);
    Shape with_border = { 3, { s.dim[0], s.dim[1] + w->h.before + w->h.after, s.dim[2] + w->w.before + w->w.after } };
    Tensor *xp = image_tensor(b, "xp", "x with its border", with_border);

    nest_begin(b, "pad", "Put a border around the image, so that the window may stand at its edge.");
    nest_fill(b, fill);
    Loop *c = loop(b, "c", "for every channel", s.dim[0]);
    Loop *h = loop(b, "h", "copy the image into the middle", s.dim[1]);
    Loop *v = loop(b, "w", NULL, s.dim[2]);
    nest_set(b, xp, IX(at(c), shifted(at(h), w->h.before), shifted(at(v), w->w.before)),
             load(b, x, IX(at(c), at(h), at(v))));
    return xp;
}

Tensor *window_image_again(Build *b, const Window *w)
{
    Tensor *x = window_has_border(w) ? site_tensor(b, b->site, "xp") : input(b, 0);

    assert(x);
    return x;
}

void window_image_backward(Build *b, const Window *w)
{
    Tensor *x = input(b, 0);

    if (!window_has_border(w))
        return;

    Shape s = shape_of(x);
    Tensor *dxp = gradient(b, window_image_again(b, w)), *dx = gradient(b, x);

    nest_begin(b, "dx", "The border is no part of the image: only what reached the middle goes back.");
    Loop *c = loop(b, "c", "for every channel", s.dim[0]);
    Loop *h = loop(b, "h", "and every pixel of the image", s.dim[1]);
    Loop *v = loop(b, "w", NULL, s.dim[2]);
    nest_add(b, dx, IX(at(c), at(h), at(v)),
             load(b, dxp, IX(at(c), shifted(at(h), w->h.before), shifted(at(v), w->w.before))));
}

int64_t reach_cells(const Reach *r, int64_t i)
{
    int64_t first = i * r->stride - r->before, end = first + r->kernel;

    assert(r->dilation == 1);
    return (end < r->in ? end : r->in) - at_least_0(first);
}
