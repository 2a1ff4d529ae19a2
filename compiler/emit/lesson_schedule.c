/* lesson_schedule.c: how a nest of the fast style runs, in words: its loops from outside to inside, the totals that stay in registers,
 * the lanes of a vector, and what lies side by side in memory. All of it is read off the scheduled nest. */
#include "emit/lesson.h"

#include <inttypes.h>

static bool is_place(const Scope *s, int i)
{
    return nest_places_loop(s->nest, s->nest->loops[i]);
}

/* The loops [from, to) that are still loops: "co_, oh, ow_". Returns how many. */
static int put_loops(Text *t, const Scope *s, int from, int to, bool places, bool sums)
{
    int count = 0;

    for (int i = from; i < to; i++)
        if (s->nest->loops[i]->kind == LOOP_PLAIN && (is_place(s, i) ? places : sums))
            text_put(t, "%s%s", count++ ? ", " : "", scope_name(s, s->nest->loops[i]));
    return count;
}

/* "3 x 2 totals (co, ow)" */
static void put_totals(Text *t, const Scope *s)
{
    const Nest *n = s->nest;
    Text *names = text_new(t->arena);
    int count = 0;

    for (int i = n->hold; i < n->loop_count; i++)
        if (is_place(s, i) && n->loops[i]->kind != LOOP_LANES) {
            text_put(names, "%s%s", count ? ", " : "", scope_name(s, n->loops[i]));
            text_put(t, "%s%" PRId64, count++ ? " x " : "", n->loops[i]->extent);
        }
    text_put(t, count ? " totals (%s)" : "one total", names->at);
}

static const char *schedule_text(CFile *f, const Scope *s)
{
    const Nest *n = s->nest;
    Text *t = text_new(f->u->arena), *inner = text_new(f->u->arena);
    const Loop *last = n->loop_count ? n->loops[n->loop_count - 1] : NULL;
    bool lanes = last && last->kind == LOOP_LANES;

    if (!last)
        return "one number.";
    if (nest_is_turned(n)) {
        for (int i = 0; i < n->hold; i++)
            text_put(inner, "%s%s", i ? ", " : "", scope_name(s, n->loops[i]));
        if (n->hold)
            text_put(t, "for every %s: ", inner->at);
        Turn turn = nest_turn(n);
        text_put(t, "rows of %" PRId64 " numbers (", turn.count);
        for (int i = n->hold; i < turn.end; i++)
            text_put(t, "%s%s", i > n->hold ? ", " : "", scope_name(s, n->loops[i]));
        text_put(t, "), one for each of %" PRId64 " lanes (%s), turned into columns in registers.", last->extent, scope_name(s, last));
        return t->at;
    }
    if (!c_is_tiled(n)) {
        text_put(t, "in the order ");
        for (int i = 0; i < n->loop_count; i++)
            text_put(t, "%s%s", i ? ", " : "", scope_name(s, n->loops[i]));
        text_put(t, "; what vectors there are the C compiler makes.");
        return t->at;
    }
    Text *outer = text_new(f->u->arena);
    if (put_loops(outer, s, 0, n->hold, true, true))
        text_put(t, "for every %s: ", outer->at);
    if (lanes) {
        put_totals(t, s);
        text_put(t, " of %" PRId64 " lanes (%s%s) in registers", last->extent, scope_name(s, last),
                 c_sums_lanes(n) ? ", added up at the end" : "");
    } else {
        put_totals(t, s);
        text_put(t, ", of which the C compiler makes vectors");
    }
    if (put_loops(inner, s, n->hold, n->loop_count, false, true))
        text_put(t, ", through all %s", inner->at);
    text_put(t, ".");
    return t->at;
}

typedef struct Inner {
    CFile *f;
    const Scope *s;
    Text *t;
    const Tensor *seen[MAX_LOOPS];
    int count;
} Inner;

/* "n of y" */
static void put_inner(Inner *in, const Tensor *t, const Affine *index)
{
    for (int i = 0; i < in->count; i++)
        if (in->seen[i] == t)
            return;
    if (t->rank < 2 || index[t->rank - 1].count == 0 || in->count == MAX_LOOPS)
        return;
    text_put(in->t, "%s%s of %s", in->count ? ", " : "", scope_name(in->s, index[t->rank - 1].term[index[t->rank - 1].count - 1].loop),
             scope_name(in->s, t));
    in->seen[in->count++] = t;
}

static void see_load(void *context, const Expr *load)
{
    put_inner(context, load->tensor, load->index);
}

void lesson_schedule(CFile *f, const Scope *s, const char *prefix)
{
    Inner in = { .f = f, .s = s, .t = text_new(f->u->arena) };

    put_paragraph(f->t, prefix, arena_print(f->u->arena, "Schedule: %s", schedule_text(f, s)), 0);
    put_inner(&in, s->nest->dst, s->nest->index);
    nest_loads(s->nest, see_load, &in);
    if (in.count)
        put_paragraph(f->t, prefix, arena_print(f->u->arena, "Layout: side by side in memory are %s.", in.t->at), 0);
}
