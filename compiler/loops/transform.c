/* transform.c: small rewrites of one nest (transform.h). A nest never reads what it writes, so none needs to ask about
 * dependences; only the order of a sum changes. */
#include "loops/transform.h"

#include <assert.h>
#include <string.h>

int64_t largest_divisor(int64_t n, int64_t most)
{
    while (n % most)
        most--;
    return most;
}

void nest_move_loop(Nest *n, int from, int to)
{
    Loop *l = n->loops[from];

    assert(from < n->loop_count && to < n->loop_count);
    if (from < to)
        memmove(n->loops + from, n->loops + from + 1, (size_t)(to - from) * sizeof l);
    else
        memmove(n->loops + to + 1, n->loops + to, (size_t)(from - to) * sizeof l);
    n->loops[to] = l;
}

void nest_places_first(Nest *n)
{
    int places = 0;

    if (!nest_is_gather(n)) {
        n->hold = n->loop_count;
        return;
    }
    for (int i = 0; i < n->loop_count; i++)
        if (nest_places_loop(n, n->loops[i]))
            nest_move_loop(n, i, places++);
    n->hold = places;
}

void nest_order_as(Nest *n, int rank, const Affine *index)
{
    int places = 0;

    for (int i = 0; i < rank; i++)
        for (int64_t below = INT64_MAX, done = 0; done < index[i].count; done++) {
            int next = 0;                                       /* the terms with the largest factors first */
            int64_t factor = -1;
            for (int j = 0; j < index[i].count; j++) {
                int64_t size = index[i].term[j].factor < 0 ? -index[i].term[j].factor : index[i].term[j].factor;
                if (size < below && size > factor) {
                    factor = size;
                    next = j;
                }
            }
            below = factor;
            int from = nest_find_loop(n, index[i].term[next].loop);
            if (from >= places)
                nest_move_loop(n, from, places++);
        }
    if (places > 0)
        nest_move_loop(n, places - 1, n->loop_count - 1);
}

void nest_order_as_dst(Nest *n)
{
    nest_order_as(n, n->dst->rank, n->index);
}

void nest_fill_is_start(Nest *n)
{
    if (!n->fill || !nest_covers(n))
        return;
    if (!n->start && n->put != PUT_SET)
        n->start = n->fill;
    n->fill = NULL;
}

void nest_unroll(Nest *n, int loop)
{
    n->loops[loop]->kind = LOOP_UNROLL;
}

Nest *nest_copy(Unit *u, const Nest *n)
{
    Nest *copy = ARENA_NEW(u->arena, Nest);

    *copy = *n;
    copy->symbols.room = copy->symbols.count;       /* the next one moves the list */
    return copy;
}

/* ---- loops of its own */

typedef struct Copies { Loop *const *old; Loop **now; int count; } Copies;

static void copy_affine(const Copies *c, Affine *a)
{
    for (int i = 0; i < a->count; i++)
        for (int k = 0; k < c->count; k++)
            if (a->term[i].loop == c->old[k]) {
                a->term[i].loop = c->now[k];
                break;
            }
}

static Expr *copy_expr(void *context, Expr *e)
{
    int count = e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;
    for (int i = 0; i < count; i++)
        copy_affine(context, &e->index[i]);
    return e;
}

static void copy_indices(Unit *u, Nest *n, Copies *c)
{
    for (int i = 0; i < n->dst->rank; i++)
        copy_affine(c, &n->index[i]);
    n->value = expr_map(u, n->value, copy_expr, c);
    n->start = expr_map(u, n->start, copy_expr, c);
    n->finish = expr_map(u, n->finish, copy_expr, c);
}

void nest_own_loops(Unit *u, Nest *n)
{
    Loop *old[MAX_LOOPS];
    Copies c = { old, n->loops, n->loop_count };

    memcpy(old, n->loops, sizeof old);
    for (int i = 0; i < n->loop_count; i++)
        if (old[i]->kind != LOOP_BAND) {                /* that is the step's */
            n->loops[i] = ARENA_NEW(u->arena, Loop);
            *n->loops[i] = *old[i];
        }
    copy_indices(u, n, &c);
}

void nest_replace_loop(Unit *u, Nest *n, int loop, Loop *by)
{
    Loop *old = n->loops[loop];
    Copies c = { &old, &by, 1 };

    assert(by->extent == old->extent);
    n->loops[loop] = by;
    copy_indices(u, n, &c);
}

/* ---- split */

typedef struct Split {
    Loop *old, *outer, *inner;
    int64_t step;                       /* of the outer loop */
} Split;

static void split_affine(const Split *s, Affine *a)
{
    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop == s->old) {
            int64_t factor = a->term[i].factor;
            assert(a->count < MAX_TERMS);
            memmove(&a->term[i + 1], &a->term[i], (size_t)(a->count - i) * sizeof a->term[0]);
            a->count++;
            a->term[i].loop = s->outer;
            a->term[i].factor = factor * s->step;
            a->term[i + 1].loop = s->inner;
            a->term[i + 1].factor = factor;
            return;
        }
}

static Expr *split_expr(void *context, Expr *e)
{
    int count = e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;
    for (int i = 0; i < count; i++)
        split_affine(context, &e->index[i]);
    return e;
}

static void split_into(Unit *u, Nest *n, int loop, Split s)
{
    for (int i = 0; i < n->dst->rank; i++)
        split_affine(&s, &n->index[i]);
    n->value = expr_map(u, n->value, split_expr, &s);
    n->start = expr_map(u, n->start, split_expr, &s);
    n->finish = expr_map(u, n->finish, split_expr, &s);
    memmove(n->loops + loop + 1, n->loops + loop, (size_t)(n->loop_count - loop) * sizeof(Loop *));
    n->loop_count++;
    n->loops[loop] = s.outer;
    n->loops[loop + 1] = s.inner;
}

/* Into two new loops. Returns the outer one. */
static Loop *split_in_two(Unit *u, Nest *n, int loop, int64_t outer, int64_t inner, int64_t step)
{
    Loop *old = n->loops[loop];
    Split s = { old, ARENA_NEW(u->arena, Loop), ARENA_NEW(u->arena, Loop), step };

    *s.outer = *s.inner = *old;
    s.outer->name = arena_print(u->arena, "%s_", old->name);
    s.outer->extent = outer;
    s.inner->extent = inner;
    s.inner->meaning = NULL;
    split_into(u, n, loop, s);
    return s.outer;
}

bool nest_split(Unit *u, Nest *n, int loop, int64_t inner)
{
    Loop *old = n->loops[loop];

    if (inner < 1 || old->extent % inner != 0 || n->loop_count == MAX_LOOPS)
        return false;
    split_in_two(u, n, loop, old->extent / inner, inner, inner);
    return true;
}

void nest_split_by(Unit *u, Nest *n, int loop, Loop *outer)
{
    Loop *old = n->loops[loop];
    Split s = { old, outer, ARENA_NEW(u->arena, Loop), old->extent / outer->extent };

    assert(old->extent % outer->extent == 0 && n->loop_count < MAX_LOOPS);
    *s.inner = *old;
    s.inner->extent = old->extent / outer->extent;
    split_into(u, n, loop, s);
}

enum { MORE_VECTORS = 1 };              /* than it takes at least: four of 8 lanes for 17 places, but not 20 for 84, of which a C compiler makes ten and four numbers */

int64_t vectors_of_row(int64_t places, int64_t vector)
{
    if (places % vector == 0)
        return places / vector;
    int64_t least = places / vector + 1;
    for (int64_t count = least; places > vector && count <= least + MORE_VECTORS; count++)
        if ((places - vector) % (count - 1) == 0)
            return count;
    return 0;
}

void nest_split_into_vectors(Unit *u, Nest *n, int loop, int64_t vector)
{
    int64_t places = n->loops[loop]->extent, count = vectors_of_row(places, vector);

    assert(count > 0 && n->loop_count < MAX_LOOPS && (places % vector == 0 || n->put == PUT_SET || (n->start && nest_places_loop(n, n->loops[loop]))));
    Loop *outer = split_in_two(u, n, loop, count, vector, count > 1 ? (places - vector) / (count - 1) : vector);
    outer->overlaps = outer->overlaps || count * vector > places;
}

/* ---- cut, and what is left of a loop */

typedef struct Shift { const Loop *loop; int64_t by; } Shift;

static void shift_affine(const Shift *s, Affine *a)
{
    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop == s->loop)
            a->offset += s->by * a->term[i].factor;
}

static Expr *shift_expr(void *context, Expr *e)
{
    int count = e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;
    for (int i = 0; i < count; i++)
        shift_affine(context, &e->index[i]);
    return e;
}

void nest_keep_rounds(Unit *u, Nest *n, int loop, int64_t first, int64_t count)
{
    assert(first >= 0 && count > 0 && first + count <= n->loops[loop]->extent);
    nest_own_loops(u, n);               /* the loop may be another nest's as well */
    Shift s = { n->loops[loop], first };
    n->stated *= (double)count / (double)n->loops[loop]->extent;
    n->loops[loop]->extent = count;
    for (int i = 0; i < n->dst->rank; i++)
        shift_affine(&s, &n->index[i]);
    n->value = expr_map(u, n->value, shift_expr, &s);
    n->start = expr_map(u, n->start, shift_expr, &s);
    n->finish = expr_map(u, n->finish, shift_expr, &s);
}

Nest *nest_cut(Unit *u, Nest *n, int loop, int64_t at)
{
    int64_t extent = n->loops[loop]->extent;

    assert(at > 0 && at < extent && nest_places_loop(n, n->loops[loop]) && !n->fill);
    Nest *rest = nest_copy(u, n);
    nest_keep_rounds(u, n, loop, 0, at);
    nest_keep_rounds(u, rest, loop, at, extent - at);
    n->part = rest->part = true;
    return rest;
}
