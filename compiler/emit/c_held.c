/* c_held.c: what several totals of a round read (c_tile.c): vectors that stay in registers, and rows that are near each other.
 *
 * A vector that several totals of a round multiply stands in a local, and HELD tells GCC that it may not be read again instead (measured with 8
 * lanes: a 5x5 convolution in tiles of 4 channels by 2 columns, 53 % of peak without, 77 % with it, by clang 82 % without).
 * What is held for the round is USED where it ends: GCC would give its register to the last total that it is multiplied for, and move others about
 * (a tenth of the instructions; 0.93 to 0.98 of the time without). So is what passes, vectors and numbers in all lanes, after the last of its totals
 * (AVX-512, 6 numbers by 2 vectors: 0.77 of the time).
 *
 * Where the totals of a round read more rows than there are registers for addresses, a pointer stands where the first of them would, and each is a
 * number away from it. GCC would compute every address by itself, from what it finds on the stack: it does not see that w[30*co_ + 1] is a number away
 * from w[30*co_] (AVX-512, 30 neurons by 16 images: 59 % of what the multiply-adds alone would take without, 96 % with it, as llvm-mca has Skylake-X;
 * clang needs no help). */
#include "emit/c.h"

#include "loops/machine.h"

#include <string.h>

/* ---- vectors */

/* The number of different vectors that a load of the value is in a round; each is read total / that often. */
static int64_t vectors_of(const Nest *n, const Expr *load)
{
    int64_t count = 1;

    for (int i = c_tile_of(n); i < n->loop_count - 1; i++)
        if (indices_use(load->index, load->tensor->rank, n->loops[i]))
            count *= n->loops[i]->extent;
    return count;
}

const Expr *c_shared_factor(const Nest *n)
{
    const Expr *a = n->value->a, *b = n->value->b;

    if (n->put != PUT_ADD || n->value->op != OP_MUL || a->op != OP_LOAD || b->op != OP_LOAD)
        return NULL;
    return vectors_of(n, b) < vectors_of(n, a) ? b : a;
}

static void hold_load(Scope *s, const Expr *load, bool passes)
{
    Arena *arena = s->file->u->arena;
    HeldLoad held = { .load = load, .passes = passes, .number = !c_uses_lanes(load, s->lanes) };

    held.base = c_free_name(s, arena_print(arena, "%s_", scope_name(s, load->tensor)), "held");
    LIST_ADD(arena, &s->held, held);
    s->file->needs.held = true;
}

/* Those that are read most stand in locals, as far as the totals and the other factor leave registers. Of the others one at a time does, which meets
 * all of the first. */
void c_hold_vectors(Scope *s)
{
    const Nest *n = s->nest;
    const Machine *machine = s->file->u->options.machine;
    int64_t totals = c_count_totals(n);

    if (n->put != PUT_ADD || n->value->op != OP_MUL || machine_lanes(machine, s->file->u->options.real) < 2)
        return;
    const Expr *a = n->value->a, *b = n->value->b, *loads[] = { a, b };
    int64_t room = machine->registers - totals - 1;
    if (c_uses_lanes(a, s->lanes) == c_uses_lanes(b, s->lanes) ? c_shared_factor(n) == b : c_uses_lanes(b, s->lanes)) {
        loads[0] = b;
        loads[1] = a;
    }
    for (int i = 0; i < countof(loads); i++) {
        bool number = !c_uses_lanes(loads[i], s->lanes);
        if (loads[i]->op != OP_LOAD || vectors_of(n, loads[i]) == totals || (number && s->held.count == 0))
            continue;
        bool passes = number || vectors_of(n, loads[i]) > room;
        if (passes && (s->held.count == 0 || room < !number))
            return;
        hold_load(s, loads[i], passes);
        room -= vectors_of(n, loads[i]);
    }
}

static bool runs_along(const HeldLoad *held, const Loop *l)
{
    return indices_use(held->load->index, held->load->tensor->rank, l);
}

void c_name_held(Scope *s)
{
    const Nest *n = s->nest;

    for (int k = 0; k < s->held.count; k++) {
        HeldLoad *held = &s->held.at[k];
        Text *name = text_new(s->file->u->arena);
        text_put(name, "%s", held->base);
        for (int i = c_tile_of(n), some = 0; i < n->loop_count - 1; i++)
            if (runs_along(held, n->loops[i]))
                text_put(name, "%s%lld", some++ ? "_" : "", (long long)s->bound[i]);
        held->name = name->at;
    }
}

/* The body at every place along those loops of the tile, from this one on, that the load runs along, or along the others; the rest stays where it is. */
static void each_place(Text *t, Scope *s, int loop, const HeldLoad *held, bool along, Body *body)
{
    const Nest *n = s->nest;

    if (loop == n->loop_count - 1) {
        body(t, s);
    } else if (runs_along(held, n->loops[loop]) != along) {
        each_place(t, s, loop + 1, held, along, body);
    } else {
        for (s->bound[loop] = 0; s->bound[loop] < n->loops[loop]->extent; s->bound[loop]++)
            each_place(t, s, loop + 1, held, along, body);
        s->bound[loop] = 0;
    }
}

static void read_held(Text *t, Scope *s, const HeldLoad *held)
{
    Text *place = text_new(t->arena);

    c_name_held(s);
    c_load(place, s, FORM_C, held->load);
    if (held->number) {                 /* USED is enough, and leaves clang free to read it anew */
        put_code(t, arena_print(t->arena, "const %s %s = %s(%s);", s->file->lanes, held->name, c_all(s->file), place->at));
        return;
    }
    put_code(t, arena_print(t->arena, "%s %s = *(const %s_at *)&%s;", s->file->lanes, held->name, s->file->lanes, place->at));
    text_line(t, "HELD(%s);", held->name);
}

static void put_first_name(Text *t, Scope *s)  { c_name_held(s); text_put(t, "%s ", s->held.at[0].name); }
static void put_second_name(Text *t, Scope *s) { c_name_held(s); text_put(t, "%s ", s->held.at[1].name); }

/* Until here what is held for the whole round stays in use. */
static void use_held(Text *t, Scope *s)
{
    Text *names = text_new(t->arena);
    int tile = c_tile_of(s->nest), last = s->nest->loop_count - 1;

    for (int k = 0; k < s->held.count; k++) {
        for (int i = tile; i < last; i++)
            s->bound[i] = 0;
        if (!s->held.at[k].passes)
            each_place(names, s, tile, &s->held.at[k], true, k ? put_second_name : put_first_name);
    }
    for (int i = tile; i < last; i++)
        s->bound[i] = -1;
    s->file->needs.used |= names->length > 0;
    c_put_macros(t, "USED", names->at);
}

static void read_first(Text *t, Scope *s)  { read_held(t, s, &s->held.at[0]); }

/* A vector that passes, and all that it is multiplied with. */
static void read_second(Text *t, Scope *s)
{
    const HeldLoad *held = &s->held.at[1];

    read_held(t, s, held);
    if (!held->passes)
        return;
    each_place(t, s, c_tile_of(s->nest), held, false, c_put_vector);
    s->file->needs.used = true;
    text_line(t, "USED(%s);", held->name);
}

void c_put_held_round(Text *t, Scope *s)
{
    int tile = c_tile_of(s->nest), last = s->nest->loop_count - 1;
    bool two = s->held.count > 1;

    for (int i = tile; i < last; i++)
        s->bound[i] = 0;
    each_place(t, s, tile, &s->held.at[0], true, read_first);
    if (two)
        each_place(t, s, tile, &s->held.at[1], true, read_second);
    for (int i = tile; i < last; i++)
        s->bound[i] = -1;
    if (!two || !s->held.at[1].passes)
        c_loops(t, s, tile, last, false, c_put_vector);
    if (s->unrolled)
        use_held(t, s);
}

/* ---- rows that are near each other */

enum { ADDRESSES = 12 };                /* registers for them, of 16 on x86-64: the others are counters and the stack's */

/* The only axis that the tile runs along, where other loops do so as well; else -1. */
static int axis_of_rows(const Nest *n, const Expr *load)
{
    int axis = -1, tile = c_tile_of(n), last = n->loop_count - 1;

    for (int i = 0; i < load->tensor->rank; i++) {
        bool own = false, others = false;
        for (int l = 0; l < n->loop_count; l++)
            if (indices_use(&load->index[i], 1, n->loops[l])) {
                own = own || (l >= tile && l < last);
                others = others || l < tile;
                if (l == last && own)
                    return -1;
            }
        if (own && (axis >= 0 || !others))
            return -1;
        axis = own ? i : axis;
    }
    return axis;
}

void c_find_near(Scope *s)
{
    const Nest *n = s->nest;
    const Expr *loads[] = { n->value->a, n->value->b };

    if (n->put != PUT_ADD || n->value->op != OP_MUL)
        return;
    for (int i = 0; i < countof(loads); i++) {
        const Expr *load = loads[i];
        if (load->op != OP_LOAD || load->tensor == n->dst || vectors_of(n, load) <= ADDRESSES || axis_of_rows(n, load) < 0)
            continue;
        NearLoad near = { .load = load, .axis = axis_of_rows(n, load) };
        near.name = c_free_name(s, arena_print(s->file->u->arena, "%s_", scope_name(s, load->tensor)), "near");
        LIST_ADD(s->file->u->arena, &s->near, near);
    }
}

void c_point_near(Text *t, const Scope *s, const NearLoad *near)
{
    const Nest *n = s->nest;
    const Expr *load = near->load;
    Text *inner = text_new(t->arena), *place = text_new(t->arena);
    Affine first = load->index[near->axis];
    int kept = 0;

    for (int i = near->axis + 1; i < load->tensor->rank; i++)
        text_put(inner, "[%lld]", (long long)load->tensor->dim[i]);
    text_put(place, "%s", scope_name(s, load->tensor));
    for (int i = 0; i < near->axis; i++) {
        text_put(place, "[");
        c_affine(place, s, &load->index[i]);
        text_put(place, "]");
    }
    for (int i = 0; i < first.count; i++)
        if (nest_find_loop(n, first.term[i].loop) < c_tile_of(n))
            first.term[kept++] = first.term[i];
    first.count = kept;
    first.offset = 0;
    text_put(place, " + ");
    c_affine(place, s, &first);
    put_code(t, arena_print(t->arena, inner->length ? "const %s (*%s)%s = %s;" : "const %s *%s%s = %s;", s->real, near->name, inner->at, place->at));
}
