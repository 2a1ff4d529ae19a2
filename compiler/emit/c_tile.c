/* c_tile.c: a nest whose totals are held for several places at once (style fast).
 *
 * The loops are: places outside, summed loops, and innermost the places of the tile. Where the innermost loop is the lanes of
 * a vector, every total is a variable of a vector type, written out by name so that any compiler keeps it in a register
 * (arrays of vectors stay in memory with some). Otherwise the totals are a small array, one for every image, and the C
 * compiler vectorises the loop over it. Lanes that are summed are added up, in a fixed order, when the total is stored.
 *
 * Where windows overlap, a round of the sum begins with FRESH, which tells the compiler that memory may have changed. Compilers would keep what
 * neighbouring windows share in registers from one round to the next, and the totals lose these (measured: the gradient of a 3x3 convolution's
 * weights by clang, 17 % of peak without, 79 % with it).
 * A short innermost loop is UNROLLED: the processor often guesses wrong where it ends. Compilers would mix its rounds, with the same loss: each begins
 * with FRESH, too, and every total is HELD there (measured with 8 lanes, a 5x5 convolution in tiles of 2 channels by 5 columns: as a loop 10.1 us,
 * written out 9.5; by clang 11.6 and 9.1; others take from 0.75 to 1.0 of the time). That needs registers to spare, else totals change places on the
 * stack, and such a loop is ROLLED, as GCC has to be told (14 totals of 16 registers, by clang: 1.1 to 1.3 of the time if it is written out).
 * What several totals of a round read stands in locals, too (c_held.c).
 *
 * Where a choice decides whether a total of lanes counts, as the gradient of relu does, the total is HELD as well: compilers would add up its lanes
 * only where it does, and the processor guesses wrong which those are (LeNet's gradient of a 5x5 convolution for one image: 1.3 times the time). */
#include "emit/c.h"

#include "loops/machine.h"

#include <assert.h>
#include <string.h>

/* ---- which nests */

bool c_is_tiled(const Nest *n)
{
    if (!nest_is_gather(n) || n->piece || n->fill || nest_is_turned(n))
        return false;
    for (int i = n->hold; i < n->loop_count; i++)
        if (nest_places_loop(n, n->loops[i]))
            return true;
    return n->loop_count > 0 && n->loops[n->loop_count - 1]->kind == LOOP_LANES;
}

int c_tile_of(const Nest *n)
{
    int i = n->hold;
    while (i < n->loop_count && n->loops[i]->kind != LOOP_LANES && !nest_places_loop(n, n->loops[i]))
        i++;
    return i;
}

/* ---- an array of totals */

static void begin_each(Text *t, Scope *s) { c_total_begin(t, s, false); }
static void put_each(Text *t, Scope *s)   { c_statement_put(t, s, s->total, s->nest->value); }
static void end_each(Text *t, Scope *s)   { c_total_end(t, s); }
static void single_each(Text *t, Scope *s) { c_single(t, s); }

static void put_array(Text *t, Scope *s)
{
    const Nest *n = s->nest;
    const char *total = s->total;
    int tile = c_tile_of(n);
    Text *dims = text_new(t->arena), *element = text_new(t->arena);

    for (int i = tile; i < n->loop_count; i++) {
        text_put(dims, "[%lld]", (long long)n->loops[i]->extent);
        text_put(element, "[%s]", scope_name(s, n->loops[i]));
    }
    if (!c_needs_total(s)) {
        c_loops(t, s, tile, n->loop_count, c_put_is_block(s), single_each);
        return;
    }
    text_line(t, "%s %s%s;", s->real, total, dims->at);
    s->total = arena_print(t->arena, "%s%s", total, element->at);
    c_loops(t, s, tile, n->loop_count, false, begin_each);
    c_loops(t, s, n->hold, n->loop_count, c_put_is_block(s), put_each);
    c_loops(t, s, tile, n->loop_count, false, end_each);
    s->total = total;
}

/* ---- named vectors */

static const char *name_of_total(const Scope *s)
{
    const Nest *n = s->nest;
    Text *name = text_new(s->file->u->arena);

    text_put(name, "%s", s->plain_total);
    for (int i = c_tile_of(n); i < n->loop_count - 1; i++)
        text_put(name, "%s%lld", i > c_tile_of(n) ? "_" : "", (long long)s->bound[i]);
    return name->at;
}

bool c_uses_lanes(const Expr *e, const Loop *lanes)
{
    if (!e)
        return false;
    if (e->op == OP_LOAD)
        for (int i = 0; i < e->tensor->rank; i++)
            for (int j = 0; j < e->index[i].count; j++)
                if (e->index[i].term[j].loop == lanes)
                    return true;
    return c_uses_lanes(e->a, lanes) || c_uses_lanes(e->b, lanes) || c_uses_lanes(e->c, lanes) || c_uses_lanes(e->d, lanes);
}

int64_t c_count_totals(const Nest *n)
{
    int64_t count = 1;

    for (int i = c_tile_of(n); i < n->loop_count - 1; i++)
        count *= n->loops[i]->extent;
    return count;
}

void c_put_macros(Text *t, const char *macro, const char *names)
{
    Text *line = text_new(t->arena);
    int width = PAGE_WIDTH - 4 * t->depth;

    for (const char *name = names; *name;) {
        size_t length = strcspn(name, " ");
        const char *one = arena_print(t->arena, "%s(%.*s);", macro, (int)length, name);
        if (line->length && line->length + 1 + strlen(one) > (size_t)width) {
            text_line(t, "%s", line->at);
            line = text_new(t->arena);
        }
        text_put(line, "%s%s", line->length ? " " : "", one);
        name += length + 1;
    }
    if (line->length)
        text_line(t, "%s", line->at);
}

bool c_sums_lanes(const Nest *n)
{
    return !nest_places_loop(n, n->loops[n->loop_count - 1]);
}

static void begin_vector(Text *t, Scope *s)
{
    const Nest *n = s->nest;
    const char *name = name_of_total(s);

    const char *lanes = s->file->lanes;

    if (n->put == PUT_SET)                              /* the value is the total */
        return;
    if (n->put != PUT_ADD)
        put_code(t, arena_print(t->arena, "%s %s = %s%s;", lanes, name, c_code(s, n->start ? n->start : expr_of_dst(s)),
                                n->start && !c_uses_lanes(n->start, s->lanes) ? arena_print(t->arena, " + (%s){ 0 }", lanes) : ""));
    else if (!n->start || c_sums_lanes(n) || (n->start->op == OP_CONSTANT && n->start->number == 0))
        put_code(t, arena_print(t->arena, "%s %s = { 0 };", lanes, name));
    else
        put_code(t, arena_print(t->arena, "%s %s = %s%s;", s->file->lanes, name, c_code(s, n->start),
                                c_uses_lanes(n->start, s->lanes) ? "" : arena_print(t->arena, " + (%s){ 0 }", s->file->lanes)));
}

void c_put_vector(Text *t, Scope *s)
{
    const char *total = name_of_total(s), *value;

    c_name_held(s);
    switch (s->nest->put) {
    case PUT_SET:
        break;
    case PUT_ADD:
        put_code(t, arena_print(t->arena, "%s += %s;", total, c_code(s, s->nest->value)));
        break;
    case PUT_MAX: case PUT_MIN:
        value = c_code(s, s->nest->value);
        if (!c_uses_lanes(s->nest->value, s->lanes))
            value = arena_print(t->arena, "(%s + (%s){ 0 })", value, s->file->lanes);
        put_code(t, arena_print(t->arena, "%s = %s(%s, %s);", total, c_extreme(s->file, s->nest->put == PUT_MAX), value, total));
        break;
    }
}

static bool is_choice(const Expr *e)
{
    return e->op == OP_SELECT_GT || e->op == OP_SELECT_EQ;
}

/* Stores what was made of a total: a vector, or where lanes were summed and `along` is not, a number. */
static void end_total(Text *t, Scope *s, const char *total, bool along)
{
    const Nest *n = s->nest;
    bool number = c_sums_lanes(n) && !along;

    if (c_sums_lanes(n) && n->start && !(n->start->op == OP_CONSTANT && n->start->number == 0))
        total = arena_print(t->arena, "%s + %s", c_code(s, n->start), total);
    if (c_sums_lanes(n) && n->finish && !(n->finish->op == OP_ADD && n->finish->b->op == OP_TOTAL)) {     /* else it stands there as it is */
        const char *all = arena_print(t->arena, "%s_all", name_of_total(s));
        bool held = number && is_choice(n->finish) && machine_lanes(s->file->u->options.machine, s->file->u->options.real) > 1;
        put_code(t, arena_print(t->arena, held ? "%s %s = %s;" : "const %s %s = %s;", number ? s->real : s->file->lanes, all, total));
        if (held)
            text_line(t, "HELD(%s);", all);
        s->file->needs.held |= held;
        total = all;
    }
    if (n->put == PUT_SET)
        total = c_code(s, n->value);
    if (n->put == PUT_SET && !c_uses_lanes(n->value, s->lanes))
        total = arena_print(t->arena, "%s + (%s){ 0 }", total, s->file->lanes);
    if (n->finish) {
        Text *finished = text_new(t->arena);
        c_expr(finished, s, FORM_C, n->finish, total);
        total = finished->at;
    }
    put_code(t, arena_print(t->arena, "%s%s %s %s;", number ? "" : arena_print(t->arena, "*(%s_at *)&", s->file->lanes), c_place(s, n->dst, n->index),
                            n->start || n->put != PUT_ADD ? "=" : "+=", total));
}

static void end_vector(Text *t, Scope *s)
{
    end_total(t, s, name_of_total(s), false);
}

/* const lanes8 all0 = sums_of_lanes8((const lanes8[8]){ sum0, sum1, ... }); */
static const char *add_up(Text *t, Scope *s, const SumGroup *g, const char *name)
{
    const char *lanes = s->file->lanes;
    Text *names = text_new(t->arena);

    for (int i = 0; i < g->count; i++) {
        c_bind_total(s->nest, s->bound, g->first + i);
        text_put(names, "%s%s", i ? ", " : "", name_of_total(s));
    }
    *(g->count == 1 ? &s->file->needs.sum_of_lanes : &s->file->needs.sums_of_lanes) = true;
    if (g->count == 1)
        return arena_print(t->arena, "sum_of_%s(&%s)", lanes, names->at);
    put_code(t, arena_print(t->arena, "const %s %s = sums_of_%s((const %s[%d]){ %s });", lanes, name, lanes, lanes,
                            machine_lanes(s->file->u->options.machine, s->file->u->options.real), names->at));
    return name;
}

static void put_fresh(Text *t, Scope *s)
{
    s->file->needs.fresh = true;
    text_line(t, "FRESH;");
}

/* Totals whose lanes are summed, several at a time (c_sums.c). FRESH keeps that apart from the sum: clang had other registers for the totals there, and moved
 * them through memory in every round (AVX2, LeNet's gradient of a 5x5 convolution for one image: 2.2 times the time). */
static void end_sums(Text *t, Scope *s)
{
    const Nest *n = s->nest;
    int64_t totals = c_count_totals(n);
    int last = n->loop_count - 1, number = 0;
    const char *base = c_free_name(s, "all", "all_sums");
    SumGroup g;

    if (machine_lanes(s->file->u->options.machine, s->file->u->options.real) > 1 && totals > 1)
        put_fresh(t, s);
    for (int64_t first = 0; first < totals; first += g.count) {
        g = c_sum_group(s->file->u, n, first);
        const char *all = add_up(t, s, &g, g.count < totals ? arena_print(t->arena, "%s%d", base, number++) : base);
        for (int i = 0; i < (g.along ? 1 : g.count); i++) {
            c_bind_total(n, s->bound, g.first + i);
            s->lanes = n->loops[g.along ? last - 1 : last];
            end_total(t, s, g.along || g.count == 1 ? all : arena_print(t->arena, "%s[%d]", all, i), g.along);
        }
    }
    s->lanes = n->loops[last];
    for (int i = c_tile_of(n); i < last; i++)
        s->bound[i] = -1;
}

enum {
    SHORT = 4,                      /* rounds of a loop that compilers write out among others */
    WHOLE = 16,                     /* those of an innermost one, which then is no loop (gcc: max-completely-peel-times) */
    SPARE = 4                       /* one in four registers, beside the totals: for what a round reads, and some that are free */
};

typedef struct Overlap {
    const Nest *n;
    int round;                      /* number of the loop */
    bool some;
} Overlap;

/* Along one axis both the round and the places of the tile step on. */
static void see_overlap(void *context, const Expr *load)
{
    Overlap *o = context;

    for (int i = 0; i < load->tensor->rank; i++)
        for (int l = c_tile_of(o->n); l < o->n->loop_count && indices_use(&load->index[i], 1, o->n->loops[o->round]); l++)
            o->some = o->some || indices_use(&load->index[i], 1, o->n->loops[l]);
}

bool c_rounds_overlap(const Nest *n)
{
    Overlap o = { .n = n, .round = c_tile_of(n) - 1 };
    int64_t between = 1;            /* rounds of the loops inside */

    if (o.round >= n->hold && n->loops[o.round]->kind == LOOP_PLAIN && n->loops[o.round]->extent <= WHOLE)
        return true;

    for (; o.round >= n->hold && n->loops[o.round]->kind == LOOP_PLAIN && between <= SHORT; o.round--) {
        nest_loads(n, see_overlap, &o);
        between *= n->loops[o.round]->extent;
    }
    return o.some;
}

/* The innermost loop around the rounds, if compilers would write it out. */
static const Loop *short_loop(const Nest *n)
{
    int round = c_tile_of(n) - 1;

    while (round >= n->hold && n->loops[round]->kind == LOOP_PLAIN && n->loops[round]->extent == 1)
        round--;
    return round >= n->hold && n->loops[round]->kind == LOOP_PLAIN && n->loops[round]->extent <= WHOLE ? n->loops[round] : NULL;
}

const Loop *c_unrolled_loop(const Unit *u, const Nest *n)
{
    const Loop *l = short_loop(n);
    int registers = u->options.machine->registers;

    return l && !l->trimmed && c_count_totals(n) <= registers - registers / SPARE ? l : NULL;
}

static void put_name(Text *t, Scope *s)
{
    text_put(t, "%s ", name_of_total(s));
}

static void hold_totals(Text *t, Scope *s)
{
    Text *names = text_new(t->arena);

    c_loops(names, s, c_tile_of(s->nest), s->nest->loop_count - 1, false, put_name);
    c_put_macros(t, "HELD", names->at);
}

static void put_round(Text *t, Scope *s)
{
    if (c_rounds_overlap(s->nest) && machine_lanes(s->file->u->options.machine, s->file->u->options.real) > 1)
        put_fresh(t, s);
    if (s->unrolled && s->nest->put != PUT_SET)
        hold_totals(t, s);
    for (int i = 0; i < s->near.count; i++)
        c_point_near(t, s, &s->near.at[i]);
    if (s->held.count)
        c_put_held_round(t, s);
    else
        c_loops(t, s, c_tile_of(s->nest), s->nest->loop_count - 1, false, c_put_vector);
}

/* The whole sum of a place in one expression, and its end. */
static void put_unfolded(Text *t, Scope *s)
{
    const Nest *n = s->nest;
    const Expr *sum = nest_unfold(s->file->u, n, s->bound);
    bool lanes = c_uses_lanes(sum, s->lanes);

    if (n->start && !(n->start->op == OP_CONSTANT && n->start->number == 0))
        sum = expr_joined(t->arena, PUT_ADD, n->start, sum);
    put_code(t, arena_print(t->arena, "const %s %s = %s%s;", s->file->lanes, name_of_total(s), c_code(s, sum),
                            lanes ? "" : arena_print(t->arena, " + (%s){ 0 }", s->file->lanes)));
    end_vector(t, s);
}

static void put_vectors(Text *t, Scope *s)
{
    const Nest *n = s->nest;
    int last = n->loop_count - 1, tile = c_tile_of(n);

    s->lanes = n->loops[last];
    s->bound[last] = 0;                                 /* an access of lanes is named by its first */
    s->plain_total = s->total;
    if (nest_is_unfolded(n)) {
        c_loops(t, s, tile, last, false, put_unfolded);
    } else {
        c_find_near(s);
        c_hold_vectors(s);
        c_loops(t, s, tile, last, false, begin_vector);
        c_loops(t, s, n->hold, tile, tile < last || c_rounds_overlap(n), put_round);
        s->held.count = s->near.count = 0;
        if (c_sums_lanes(n))
            end_sums(t, s);
        else
            c_loops(t, s, tile, last, false, end_vector);
    }
    s->bound[last] = -1;
    s->lanes = NULL;
}

void c_tiled(CFile *f, const Function *function)
{
    Scope *s = c_scope(f, function->nest);
    const Nest *n = function->nest;
    bool vectors = n->loops[n->loop_count - 1]->kind == LOOP_LANES;

    assert(!n->fill);
    if (!vectors)                                       /* a choice between vectors reads both anyway */
        c_hold_choices(s);
    f->needs.lanes |= vectors;
    if (vectors && !nest_is_unfolded(n) && machine_lanes(f->u->options.machine, f->u->options.real) > 1) {
        s->short_loop = short_loop(n);
        s->unrolled = c_unrolled_loop(f->u, n) != NULL;
    }
    f->needs.held |= s->unrolled;
    f->needs.unrolled |= s->unrolled;
    f->needs.rolled |= s->short_loop && !s->unrolled;
    c_signature(f, function->name, s);
    lesson_meanings(f, s);
    c_comment_column(f, s);
    c_loops(f->t, s, 0, n->hold, true, vectors ? put_vectors : put_array);
    text_close(f->t, "}");
}
