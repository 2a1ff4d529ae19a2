/* window_drawing.c: how a window lies on the corner of its image, and where it steps (window_drawing.h). */
#include "inspect/window_drawing.h"

#include "layers/window.h"

#include <math.h>

enum { MORE_CELLS = 3, MOST_ROWS = 10, MOST_COLUMNS = 16, MOST_CELLS = 24, FIRST_PLACES = 3 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool on_border(const Reach *r, int64_t i)
{
    return i < r->before || i >= r->before + r->in;
}

/* Row or column i of the image with its border is under the window that begins at `from`. */
static bool under(const Reach *r, int64_t from, int64_t i)
{
    return i >= from && i < from + r->span && (i - from) % r->dilation == 0;
}

/* What the border is filled with: the nest that makes it says so. */
static const char *border_text(Unit *u, const Site *s)
{
    const Program *p = u->train ? u->train : u->infer;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (n->site != s || n->backward || !n->fill)
            continue;
        if (isinf(n->fill->number))
            return "holds nothing: it is smaller than every number";
        return arena_print(u->arena, "is filled with %g", n->fill->number);
    }
    return "is there";
}

static void draw_corner(Unit *u, const Site *s, const Window *w, Text *t)
{
    int64_t all_rows = w->h.in + w->h.before + w->h.after, all_columns = w->w.in + w->w.before + w->w.after;
    int64_t rows = least(least(w->h.span + MORE_CELLS, MOST_ROWS), all_rows), columns = least(least(w->w.span + MORE_CELLS, MOST_COLUMNS), all_columns);

    text_put(t, "\n  the window on the first corner\n");
    for (int64_t i = 0; i < rows; i++) {
        text_put(t, "    ");
        for (int64_t j = 0; j < columns; j++) {
            bool covered = under(&w->h, 0, i) && under(&w->w, 0, j);
            char cell = on_border(&w->h, i) || on_border(&w->w, j) ? 'o' : '.';
            text_put(t, covered ? "[%c]" : " %c ", cell);
        }
        text_put(t, "%s\n", columns < all_columns ? " ..." : "");
    }
    if (rows < all_rows)
        text_put(t, "     ...\n");
    text_put(t, "    [ ] is under the window, . the image");
    if (window_has_border(w)) {
        text_put(t, "; o the border %s\n", border_text(u, s));
        text_put(t, "    the border: %lld above, %lld below, %lld on the left, %lld on the right\n", (long long)w->h.before, (long long)w->h.after,
                 (long long)w->w.before, (long long)w->w.after);
    } else {
        text_put(t, "; it has no border\n");
    }
}

static void draw_place(const Reach *r, int64_t place, int64_t cells, Text *t)
{
    int64_t from = place * r->stride;

    text_put(t, "    ow = %-4lld", (long long)place);
    for (int64_t i = 0; i < cells && i < from + r->span; i++)
        text_put(t, "%s", i < from ? "  " : under(r, from, i) ? " #" : " -");
    text_put(t, "\n");
}

static void draw_steps(const Window *w, Text *t)
{
    const Reach *r = &w->w;
    int64_t all = r->in + r->before + r->after, cells = least(all, MOST_CELLS), left = all - r->span - (r->out - 1) * r->stride, shown = 0;

    text_put(t, "\n  its steps along a row: %lld at a time\n             ", (long long)r->stride);
    for (int64_t i = 0; i < cells; i++)
        text_put(t, on_border(r, i) ? " o" : " .");
    text_put(t, "%s\n", cells < all ? " ..." : "");
    for (; shown < r->out && shown < FIRST_PLACES; shown++)
        draw_place(r, shown, cells, t);
    bool last_fits = (r->out - 1) * r->stride + r->span <= cells;
    if (shown < r->out - 1 || (shown < r->out && !last_fits))
        text_put(t, "    ...\n");
    if (shown < r->out && last_fits)
        draw_place(r, r->out - 1, cells, t);
    text_put(t, "    %lld place%s", (long long)r->out, r->out == 1 ? "" : "s");
    if (left)
        text_put(t, "; the last %s of the row %s under no window", left == 1 ? "one" : left == 2 ? "two" : "few", left == 1 ? "is" : "are");
    text_put(t, "\n");
    if (r->stride > 1 && r->stride == r->span)
        text_put(t, "    the windows stand side by side: each cell is in one of them\n");
    else if (r->stride < r->span && r->dilation == 1)
        text_put(t, "    neighbours share %lld column%s\n", (long long)(r->span - r->stride), r->span - r->stride == 1 ? "" : "s");
}

void window_draw(Unit *u, const Site *s, Text *t)
{
    draw_corner(u, s, s->window, t);
    draw_steps(s->window, t);
}
