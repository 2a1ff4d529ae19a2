/* memory.c: the place of every tensor in the scratch block of a tile and in the shared block of the batch.
 *
 * A scratch tensor lives from its first write to its last read (positions in the list of nests; a partial sum lives to
 * the end of its phase, when the runtime reads it; what is kept to be looked at lives on). Tensors that never live together may share floats. A nest that only
 * computes element by element may write over an operand that dies there: such tensors form a chain with one place.
 * Chains are placed one after the other, each at the lowest offset where it meets nothing that lives at the same time. The
 * bound below which no plan can go is the largest sum of what is alive at one time. */
#include "loops/loops.h"

#include <stdlib.h>

enum {
    ALIGN = 16,             /* reals: a cache line of floats, two of doubles */
    PANEL = 2 * ALIGN,      /* reals: two of the longest vectors. The room of channels (channels.c) ends there at the latest, whatever the machine */
    TRIES = 4000000         /* pairs of chains that are compared in search of a better plan: some hundredths of a second */
};

/* Tensors that share one place for one stretch of time. */
typedef struct Chain {
    int64_t size, offset;
    int first, last;        /* positions in the list of nests, inclusive */
    int sum;                /* 1...: of that partial sum, which the descriptor of a file for several machines wants in one place; 0: any */
} Chain;

typedef struct Plan {
    Unit *u;
    Program *p;
    int position;           /* of the nest being looked at */
} Plan;

static bool placed_here(const Tensor *t)
{
    return t->role == ROLE_SCRATCH && !t->view_of;
}

static int64_t rounded(int64_t count)
{
    return (count + ALIGN - 1) / ALIGN * ALIGN;
}

int64_t tensor_room(const Tensor *t)
{
    return rounded(tensor_count(t));
}

/* In a run of nests that handle one image at a time, what is kept for all images, or summed over them, lives from its beginning to its
 * end: the first nest handles the second image after the last nest handled the first. The same holds for the bands of an image. */
static void touch(const Program *p, Tensor *t, int position)
{
    int first = position, last = position;

    t = tensor_base(t);
    int rounds = t->one_band ? MAX_LOOPS : t->one_image;        /* loops of the step that it does not outlive a round of */
    while (first > 0 && nests_shared_loops(p, first - 1, position) > rounds)
        first--;
    while (last + 1 < p->nests.count && nests_shared_loops(p, position, last + 1) > rounds)
        last++;
    if (t->first < 0 || first < t->first)
        t->first = first;
    if (last > t->last)
        t->last = last;
}

static void touch_load(void *context, const Expr *load)
{
    Plan *plan = context;
    touch(plan->p, load->tensor, plan->position);
}

static void find_lifetimes(Unit *u, Program *p)
{
    Plan plan = { u, p, 0 };

    for (int i = 0; i < p->tensors.count; i++)
        p->tensors.at[i]->first = p->tensors.at[i]->last = -1;
    for (int i = 0; i < p->nests.count; i++) {
        plan.position = i;
        touch(p, p->nests.at[i]->dst, i);
        nest_loads(p->nests.at[i], touch_load, &plan);
    }
    for (int i = 0; i < p->phases.count; i++)
        for (int j = 0; j < p->phases.at[i].sums.count; j++)
            touch(p, p->phases.at[i].sums.at[j].partial, p->phases.at[i].end - 1);
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->kept && p->tensors.at[i]->first >= 0)
            p->tensors.at[i]->last = p->nests.count;
}

/* ---- in place */

typedef struct InPlace { const Nest *n; const Tensor *x; bool ok; } InPlace;

static void see_load(void *context, const Expr *load)
{
    InPlace *c = context;
    const Tensor *x = load->tensor, *y = c->n->dst;

    if (tensor_base((Tensor *)x) != c->x)
        return;
    if (x->rank != y->rank) {
        c->ok = false;
        return;
    }
    for (int i = 0; i < x->rank; i++)
        c->ok = c->ok && x->dim[i] == y->dim[i] && affine_equal(&load->index[i], &c->n->index[i]);
}

/* True if writing y over x is safe: every element is read only to make the same element. */
static bool element_by_element(const Nest *n, const Tensor *x)
{
    InPlace c = { n, x, !n->fill && n->put == PUT_SET && nest_covers(n) };

    for (int i = 0; i < n->loop_count; i++)
        c.ok = c.ok && nest_places_loop(n, n->loops[i]);
    nest_loads(n, see_load, &c);
    return c.ok;
}

typedef struct Operands {
    Unit *u;
    LIST(Tensor *) list;
} Operands;

static void see_operand(void *context, const Expr *load)
{
    Operands *o = context;
    LIST_ADD(o->u->arena, &o->list, tensor_base(load->tensor));
}

/* Makes a chain for every scratch tensor, joined to that of an operand which dies where the tensor is born. */
static int make_chains(Unit *u, Program *p, Chain *chains)
{
    int count = 0;

    for (int i = 0; i < p->tensors.count; i++)
        p->tensors.at[i]->mark = -1;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        Tensor *y = tensor_base(n->dst);
        Operands operands = { .u = u };
        if (!placed_here(y) || y->mark >= 0)
            continue;
        if (y->first == i)
            nest_loads(n, see_operand, &operands);
        for (int j = 0; j < operands.list.count && y->mark < 0; j++) {
            Tensor *x = operands.list.at[j];
            if (placed_here(x) && x->last == i && tensor_count(x) == tensor_count(y) && element_by_element(n, x)) {
                y->mark = x->mark;
                y->in_place = true;
                chains[y->mark].last = y->last;
            }
        }
        if (y->mark < 0) {
            chains[count] = (Chain){ .size = tensor_room(y), .first = y->first, .last = y->last };
            y->mark = count++;
        }
    }
    return count;
}

/* ---- places */

static int by_size(const void *a, const void *b)
{
    const Chain *x = *(Chain *const *)a, *y = *(Chain *const *)b;
    if (x->sum && y->sum)
        return x->sum - y->sum;
    if (x->sum || y->sum)
        return x->sum ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x < y ? -1 : x > y;              /* one answer on every machine */
}

/* True if both are alive at one time, or both belong to what comes first in every variant. */
static bool meet(const Chain *a, const Chain *b)
{
    return (a->first <= b->last && b->first <= a->last) || (a->sum && b->sum);
}

/* Gives the chains, in this order, the lowest offset at which each meets no other in time and place. Returns the size of the block;
 * `placed` has room for all: those that have an offset, the lowest first. */
static int64_t place_in_order(Chain **order, int count, Chain **placed)
{
    int64_t size = 0;

    for (int i = 0; i < count; i++) {
        Chain *c = order[i];
        int at = i;
        c->offset = 0;
        for (int j = 0; j < i && c->offset + c->size > placed[j]->offset; j++)
            if (placed[j]->offset + placed[j]->size > c->offset && meet(placed[j], c))
                c->offset = placed[j]->offset + placed[j]->size;
        for (; at > 0 && placed[at - 1]->offset > c->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = c;
        if (c->offset + c->size > size)
            size = c->offset + c->size;
    }
    return size;
}

/* Puts the chain that ends at the end of the block in front of those that it was placed after. False if none may be moved. */
static bool place_highest_first(Chain **order, int count, int64_t size)
{
    int from = count, to = 0;

    for (int i = 0; i < count; i++) {
        to += order[i]->sum != 0;
        if (!order[i]->sum && order[i]->offset + order[i]->size == size)
            from = i;
    }
    if (from == count || from == to)
        return false;
    Chain *c = order[from];
    for (int i = from; i > to; i--)
        order[i] = order[i - 1];
    order[to] = c;
    return true;
}

/* Gives every chain an offset at which it meets no other in time and place. Returns the size of the block. The largest come first; while
 * that is more than `bound`, what ended up highest is placed before all others, and the best of these plans is taken. */
static int64_t place_chains(Unit *u, Chain *chains, int count, int64_t bound)
{
    Chain **order = arena_array(u->arena, (size_t)count + 1, sizeof *order);
    Chain **placed = arena_array(u->arena, (size_t)count + 1, sizeof *placed);
    int64_t *best = arena_array(u->arena, (size_t)count + 1, sizeof *best), least = INT64_MAX;
    int64_t tries = 1 + TRIES / ((int64_t)count * count + 1);

    for (int i = 0; i < count; i++)
        order[i] = &chains[i];
    qsort(order, (size_t)count, sizeof *order, by_size);
    for (int64_t i = 0; i < tries && least > bound; i++) {
        int64_t size = place_in_order(order, count, placed);
        if (size < least) {
            least = size;
            for (int j = 0; j < count; j++)
                best[j] = chains[j].offset;
        }
        if (!place_highest_first(order, count, size))
            break;
    }
    for (int i = 0; i < count; i++)
        chains[i].offset = best[i];
    return count ? least : 0;
}

static int64_t largest_sum(const Program *p, const Chain *chains, int count)
{
    int64_t most = 0;

    for (int i = 0; i < p->nests.count; i++) {
        int64_t sum = 0;
        for (int j = 0; j < count; j++)
            if (chains[j].first <= i && i <= chains[j].last)
                sum += chains[j].size;
        if (sum > most)
            most = sum;
    }
    return most;
}

static int64_t whole_panels(int64_t count)
{
    return (count + PANEL - 1) / PANEL * PANEL;
}

/* Code for several machines shares a descriptor, which says where partial sums and their totals are: those come first, side by side, with the
 * same room, whatever else the schedule of each machine keeps. */
static void place_sums_first(Program *p, Chain *chains)
{
    int count = 0;

    for (int i = 0; i < p->phases.count; i++)
        for (int j = 0; j < p->phases.at[i].sums.count; j++) {
            const PhaseSum *sum = &p->phases.at[i].sums.at[j];
            Chain *c = &chains[tensor_base(sum->partial)->mark];
            Tensor *total = tensor_base(sum->total);
            if (!c->sum) {
                c->sum = ++count;
                c->size = whole_panels(c->size);
            }
            if (total->first >= 0 && total->offset < 0) {
                total->offset = p->shared;
                p->shared += whole_panels(tensor_count(total));
            }
        }
}

void program_memory(Unit *u, Program *p)
{
    Chain *chains = arena_array(u->arena, (size_t)p->tensors.count + 1, sizeof *chains);
    int count;

    find_lifetimes(u, p);
    count = make_chains(u, p, chains);
    p->shared = 0;
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->role == ROLE_SHARED)
            p->tensors.at[i]->offset = -1;
    if (u->variants)
        place_sums_first(p, chains);
    p->lower_bound = largest_sum(p, chains, count);
    p->scratch = place_chains(u, chains, count, p->lower_bound);
    p->planned = true;
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (placed_here(t) && t->first >= 0)
            t->offset = chains[t->mark].offset;
        if (t->role == ROLE_SHARED && !t->view_of && t->offset < 0) {
            t->offset = p->shared;
            p->shared += t->first >= 0 ? tensor_room(t) : 0;
        }
    }
    for (int i = 0; i < p->tensors.count; i++)
        p->tensors.at[i]->offset = tensor_base(p->tensors.at[i])->offset;
}
