/* taps.c: the taps of a kernel that meet nothing but border go.
 *
 * A kernel that is larger than its image, be it by its dilation, has rows or columns under which no place of it ever finds a number of the image:
 *
 *     y[oh] += w[kh] * xp[oh + 2*kh]    for oh 3, kh 5          where xp is 0 but for its rows 4 to 6
 *     y[oh] += w[kh + 1] * xp[oh + 2*kh + 2]    for oh 3, kh 3  is the same sum
 *
 * So have its derivatives: what reaches no part of the image in dx is for nobody, and nothing is added to the taps of dw. What is read and written no
 * more of the border goes, too, so that all passes behind see the smaller kernel and the smaller map. A tap between others stays.
 *
 * Where no tap is left, a sum is what it begins with and what adds to something is no more. What is the same at all places then, and a map of whose
 * border nothing is left, need not be made: who reads it reads what it is made of. Before tidy.c, which takes away what nobody reads. */
#include "loops/layout.h"

#include "loops/transform.h"

#include <stdlib.h>
#include <string.h>

/* Rounds of a loop. */
typedef struct Rounds { int64_t first, end; } Rounds;

/* The term of another loop than l with the longest step, -1: there is none. */
static int longest_step(const Affine *a, const Loop *l)
{
    int longest = -1;

    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop != l && (longest < 0 || llabs(a->term[i].factor) > llabs(a->term[longest].factor)))
            longest = i;
    return longest;
}

/* True if the index can lie in [first, last] in this round of the loop. The longest step of another one may go over all that; the rest counts with
 * all that it reaches. */
static bool meets(const Affine *a, const Loop *l, int64_t round, int64_t first, int64_t last)
{
    int longest = longest_step(a, l);
    int64_t step = longest < 0 ? 1 : llabs(a->term[longest].factor), most = longest < 0 ? 0 : a->term[longest].loop->extent - 1;
    int64_t low = a->offset, high = a->offset;

    for (int i = 0; i < a->count; i++) {
        int64_t factor = a->term[i].factor, far = factor * (a->term[i].loop == l ? round : a->term[i].loop->extent - 1);
        low += a->term[i].loop == l || far < 0 ? far : 0;
        high += a->term[i].loop == l || (i == longest ? far < 0 : far > 0) ? far : 0;
    }
    int64_t steps = high >= first ? 0 : (first - high + step - 1) / step;       /* the fewest that may do */
    return steps <= most && low + step * steps <= last;
}

static void keep_meeting(Rounds *r, const Affine *a, const Loop *l, int64_t first, int64_t last)
{
    if (first > last)
        r->end = r->first;
    while (r->first < r->end && !meets(a, l, r->first, first, last))
        r->first++;
    while (r->first < r->end && !meets(a, l, r->end - 1, first, last))
        r->end--;
}

/* ---- zeros that are read, numbers that are not */

/* True if t is 0 wherever no nest writes it: it is cleared first, or a gradient, which begins so. */
static bool begins_with_zero(const Program *p, const Tensor *t)
{
    const Nest *first = NULL;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (tensor_base(n->dst) != tensor_base((Tensor *)t))
            continue;
        if (n->dst != t || (first && n->fill))
            return false;
        first = first ? first : n;
    }
    return first && (first->fill ? expr_is_zero(first->fill) : first->put == PUT_ADD && !first->start && t->role == ROLE_SCRATCH);
}

typedef struct Taps {
    Unit *u;
    const Program *p;
    const Nest *n;
    const Loop *loop;
    Rounds rounds;                                      /* that do something */
} Taps;

typedef struct Zero { Unit *u; const Expr *load; } Zero;

static Expr *put_zero(void *context, Expr *e)
{
    const Zero *zero = context;

    if (expr_equal(e, zero->load))
        *e = (Expr){ .op = OP_CONSTANT };
    return expr_fold(zero->u, e);
}

/* True if places that the loop does not come to any more stay as they are. */
static bool leaves_places(const Nest *n)
{
    return !n->start && !n->finish;
}

static void see_load(void *context, const Expr *load)
{
    Taps *taps = context;
    const Tensor *t = load->tensor;
    Zero zero = { taps->u, load };

    if (!t->per_image || !indices_use(load->index, t->rank, taps->loop) || !begins_with_zero(taps->p, t)
        || (nest_places_loop(taps->n, taps->loop) && !leaves_places(taps->n)) || !expr_is_zero(expr_map(taps->u, taps->n->value, put_zero, &zero)))
        return;
    for (int i = 0; i < t->rank; i++) {
        int64_t low, high;
        if (!indices_use(&load->index[i], 1, taps->loop))
            continue;
        program_writes(taps->p, t, i, &low, &high);
        keep_meeting(&taps->rounds, &load->index[i], taps->loop, low, high);
    }
}

static void see_dst(Taps *taps)
{
    const Nest *n = taps->n;

    if (!n->dst->per_image || n->dst->role != ROLE_SCRATCH || n->dst->view_of || program_has_views(taps->p, n->dst) || !leaves_places(n))
        return;
    for (int i = 0; i < n->dst->rank; i++) {
        int64_t low, high;
        if (!indices_use(&n->index[i], 1, taps->loop))
            continue;
        program_reads(taps->p, n->dst, i, &low, &high);
        keep_meeting(&taps->rounds, &n->index[i], taps->loop, low, high);
    }
}

/* Who counts cells counts those of the border, too. */
static bool counts(const Expr *e, const Loop *l)
{
    return e && ((e->op == OP_INDEX && indices_use(e->index, 1, l)) || counts(e->a, l) || counts(e->b, l) || counts(e->c, l) || counts(e->d, l));
}

static Rounds rounds_of(Unit *u, const Program *p, const Nest *n, const Loop *l)
{
    Taps taps = { u, p, n, l, { 0, l->extent } };

    if (!nest_is_tap(n, l) || counts(n->value, l))
        return taps.rounds;
    nest_loads(n, see_load, &taps);
    see_dst(&taps);
    return taps.rounds;
}

/* ---- what is left */

static void mark_used(const Program *p, Tensor *t, const Affine *index, const Loop *l)
{
    if (t->per_image && indices_use(index, t->rank, l))
        t->mark = p->marks;
}

typedef struct Marked { const Program *p; const Loop *loop; } Marked;

static void mark_load(void *context, const Expr *load)
{
    const Marked *m = context;
    mark_used(m->p, load->tensor, load->index, m->loop);
}

static void keep_rounds(Unit *u, const Program *p, Nest *n, int loop, Rounds r)
{
    const Loop *l = n->loops[loop];
    Marked m = { p, l };

    mark_used(p, n->dst, n->index, l);
    nest_loads(n, mark_load, &m);
    nest_remark(u, n, "%lld of %lld %s: the others meet nothing but border", (long long)(r.end - r.first), (long long)l->extent, l->name);
    nest_keep_rounds(u, n, loop, r.first, r.end - r.first);
}

/* Makes the nest, which adds nothing, set its places to what they begin with. False if that is what they hold. */
static bool set_beginning(Unit *u, const Program *p, Nest *n, const char *why)
{
    int kept = 0;

    if (!n->start && !n->fill)
        return false;
    n->put = PUT_SET;
    n->dst->mark = p->marks;
    n->why = why;
    if (n->fill) {
        Nest *all = nest_over_all(u, n->name, n->why, n->dst);
        memcpy(n->loops, all->loops, sizeof n->loops);
        memcpy(n->index, all->index, sizeof n->index);
        n->loop_count = all->loop_count;
    }
    for (int i = 0; i < n->loop_count; i++)
        if (nest_places_loop(n, n->loops[i]))
            n->loops[kept++] = n->loops[i];
    n->loop_count = kept;
    n->value = n->fill ? n->fill : n->start;
    n->start = n->fill = NULL;
    return true;
}

/* False if nothing of the nest is left. */
static bool drop_taps(Unit *u, const Program *p, Nest *n)
{
    for (int i = 0; n->put == PUT_ADD && i < n->loop_count; i++) {
        Rounds r = rounds_of(u, p, n, n->loops[i]);
        if (r.first >= r.end && !n->finish)
            return set_beginning(u, p, n, "Wherever the kernel lies, it meets nothing but border: nothing is added.");
        if (r.first < r.end && r.end - r.first < n->loops[i]->extent)
            keep_rounds(u, p, n, i, r);
    }
    return true;
}

/* ---- what need not be made any more */

/* The nest that makes all of t of a number, or place by place of what it reads along some of the axes; NULL if it does more, or that changes later. */
static const Nest *plain_maker(const Program *p, const Tensor *t)
{
    int maker = t->role == ROLE_SCRATCH || t->role == ROLE_SHARED ? program_maker(p, t) : -1;
    const Nest *n = maker < 0 ? NULL : p->nests.at[maker];

    if (!n || n->dst != t || n->put != PUT_SET || n->finish || !nest_covers(n) || (n->value->op != OP_LOAD && n->value->op != OP_CONSTANT))
        return NULL;
    for (int i = 0; i < t->rank; i++)
        if (n->index[i].count > 1)
            return NULL;
    for (int i = 0; n->value->op == OP_LOAD && i < n->value->tensor->rank; i++)
        if (n->value->index[i].count > 1)
            return NULL;
    for (int i = maker; n->value->op == OP_LOAD && i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == tensor_base(n->value->tensor))
            return NULL;
    return n;
}

typedef struct Through { Unit *u; const Nest *maker; } Through;

/* What the maker reads where it makes the place that is read at `at`. */
static Affine index_there(const Nest *maker, const Affine *from, const Affine *at)
{
    Affine there = { .offset = from->offset };

    for (int axis = 0; from->count && axis < maker->dst->rank; axis++)
        if (indices_use(&maker->index[axis], 1, from->term[0].loop)) {
            int64_t factor = from->term[0].factor;
            there = at[axis];
            there.offset = from->offset + factor * at[axis].offset;
            for (int i = 0; i < there.count; i++)
                there.term[i].factor *= factor;
        }
    return there;
}

static Expr *read_there(void *context, Expr *e)
{
    const Through *t = context;
    const Expr *value = t->maker->value;

    if (e->op == OP_LOAD && e->tensor == t->maker->dst) {
        Affine at[MAX_AXES];
        memcpy(at, e->index, sizeof at);
        *e = *value;
        for (int i = 0; value->op == OP_LOAD && i < value->tensor->rank; i++)
            e->index[i] = index_there(t->maker, &value->index[i], at);
    }
    return expr_fold(t->u, e);
}

/* What reads t reads what that is made of, and may be as plain itself then, or nothing. */
static void read_through(Unit *u, Program *p, const Tensor *t, const Nest *maker)
{
    Through through = { u, maker };

    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (!nest_reads(n, t))
            continue;
        n->value = expr_map(u, n->value, read_there, &through);
        n->start = expr_map(u, n->start, read_there, &through);
        n->finish = expr_map(u, n->finish, read_there, &through);
        if (maker->value->op == OP_LOAD)
            LIST_ADD(u->arena, &n->symbols, ((Symbol){ maker->value->tensor, nest_symbol(u, maker, maker->value->tensor) }));
        n->dst->mark = p->marks;
        if (n->put == PUT_ADD && expr_is_zero(n->value) && !n->finish && !set_beginning(u, p, n, "All that would be added is 0."))
            program_remove(p, i--);
    }
}

void program_drop_taps(Unit *u, Program *p)
{
    p->marks++;
    for (int i = 0; i < p->nests.count; i++)
        if (!drop_taps(u, p, p->nests.at[i]))
            program_remove(p, i--);
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->mark == p->marks)
            tensor_narrow(u, p, p->tensors.at[i]);
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        const Nest *maker = t->mark == p->marks ? plain_maker(p, t) : NULL;
        if (maker) {
            t->mark = 0;
            read_through(u, p, t, maker);
            i = -1;                                     /* others have become plain */
        }
    }
}
