/* keep.c: gradients begin with a part of what they hold.
 *
 * A batch has many tiles, and their gradients add up in memory of the caller, who would have to clear it first: a pass over all weights, and
 * another one that the first tile spends on reading zeros. So the first nest of a tile that adds to a gradient multiplies what is there by a number
 * of the caller's:
 *
 *     dw = keep * dw + what the tile adds
 *
 * With 0 nothing need be cleared, with 1 the tiles before keep their part, and with the momentum of an optimizer the gradient goes straight
 * into its buffer: v = mu*v + g.
 *
 * Where each gradient is one sum that is added at its end, a tile adds the same to whatever is there, to the bit: p->adds_at_once. (A product alone
 * may be rounded together with the addition.)
 *
 * The loops are in their order already. A nest that writes each place of the gradient once does it there and then. Where that leaves places out, taps
 * that nothing is added to (taps.c), one that does nothing else goes before it: most of the places may be such. One that comes to a place again and
 * again (image after image) adds up apart, if the gradient is as small as that of a bias, and the sum joins it; before others, and before those that add
 * here and there, stands a nest that does nothing else. */
#include "loops/layout.h"

#include <string.h>

enum { FEW = 4096 };                    /* numbers of a sum that is made apart: clearing and joining them is nothing beside making it */

static Expr *load(Unit *u, Tensor *t, const Affine *index)
{
    Expr *e = ARENA_NEW(u->arena, Expr);

    *e = (Expr){ .op = OP_LOAD, .tensor = t };
    for (int i = 0; i < t->rank; i++)
        e->index[i] = index[i];
    return e;
}

static Expr *two(Unit *u, Op op, Expr *a, Expr *b)
{
    Expr *e = ARENA_NEW(u->arena, Expr);

    *e = (Expr){ .op = op, .a = a, .b = b };
    return e;
}

/* keep * dst, of the place at work. */
static Expr *kept(Unit *u, Program *p, Nest *n)
{
    return two(u, OP_MUL, load(u, p->keep, NULL), load(u, n->dst, n->index));
}

static bool sums(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return true;
    return false;
}

/* True if the nest adds to places of dst, and comes to each of them once. */
static bool comes_once(const Nest *n)
{
    for (int i = 0; i < n->hold; i++)
        if (nest_comes_again(n, n->loops[i]))
            return false;
    return nest_is_gather(n) && n->put == PUT_ADD && !n->start && !n->finish && !n->fill
        && tensor_count(n->dst) == tensor_count(tensor_base(n->dst));
}

/* The total is made apart from what the place holds, and joins `held` at its end. */
static void join_at_end(Unit *u, Nest *n, Expr *held)
{
    Expr *total = ARENA_NEW(u->arena, Expr);

    *total = (Expr){ .op = OP_TOTAL };
    n->start = ARENA_NEW(u->arena, Expr);
    n->finish = two(u, OP_ADD, held, total);
}

static void keep_in(Unit *u, Program *p, Nest *n)
{
    if (sums(n)) {
        join_at_end(u, n, kept(u, p, n));
    } else {
        n->value = two(u, OP_ADD, kept(u, p, n), n->value);
        n->put = PUT_SET;
    }
}

/* A nest over all of a tensor that belongs to a gradient, "conv1_db_keep". */
static Nest *over_all(Unit *u, const Program *p, Tensor *dst, const Tensor *gradient, const char *suffix, const char *why)
{
    Nest *n = nest_over_all(u, nest_name(u, p, arena_print(u->arena, "%s_%s_%s", gradient->site->name, gradient->symbol, suffix)), why, dst);

    n->site = gradient->site;
    n->backward = true;
    return n;
}

static Nest *keep_alone(Unit *u, Program *p, Tensor *gradient)
{
    Nest *n = over_all(u, p, gradient, gradient, "keep", "The gradient begins with what it keeps of the tiles before.");

    n->value = kept(u, p, n);
    return n;
}

/* Before the first nest of the backward pass in its phase: among the others it might stand in the way of runs of nests. */
static void insert(Unit *u, Program *p, int phase, Nest *n)
{
    int where = p->phases.at[phase].first;

    while (where < p->phases.at[phase].end && !p->nests.at[where]->backward)
        where++;
    LIST_ADD(u->arena, &p->nests, n);
    memmove(p->nests.at + where + 1, p->nests.at + where, (size_t)(p->nests.count - 1 - where) * sizeof n);
    p->nests.at[where] = n;
    for (int i = phase; i < p->phases.count; i++) {
        p->phases.at[i].first += i > phase;
        p->phases.at[i].end++;
    }
}

/* True if the nest, the only one that adds to the gradient, may add to something else of that shape. */
static bool can_add_apart(const Nest *n, const Tensor *gradient)
{
    return n->dst == gradient && n->put == PUT_ADD && !n->start && !n->finish && !n->fill && tensor_count(gradient) <= FEW;
}

/* The nest adds to a tensor that is cleared before, and joins the gradient behind it. */
static void add_apart(Unit *u, Program *p, int phase, int number, Tensor *gradient)
{
    Nest *n = p->nests.at[number];
    Tensor *sum = ARENA_NEW(u->arena, Tensor);

    *sum = (Tensor){ .name = tensor_name(u, p, arena_print(u->arena, "%s.sum", gradient->name)), .symbol = "sum", .role = ROLE_SCRATCH,
                     .rank = gradient->rank, .site = gradient->site };
    memcpy(sum->dim, gradient->dim, sizeof sum->dim);
    LIST_ADD(u->arena, &p->tensors, sum);
    n->dst = sum;
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ sum, gradient->symbol }));
    Nest *clear = over_all(u, p, sum, gradient, "clear", "The sums begin with zero.");
    clear->value = ARENA_NEW(u->arena, Expr);
    Nest *join = over_all(u, p, gradient, gradient, "join", "The sums of all images join the gradient.");
    join->value = two(u, OP_ADD, kept(u, p, join), load(u, sum, join->index));
    program_insert(u, p, number, join);         /* before it, for what comes behind the last nest of a phase is in the next one */
    p->nests.at[number] = n;
    p->nests.at[number + 1] = join;
    insert(u, p, phase, clear);
}

/* What is added in a nest of its own has the same bits whatever is there; a product may be rounded together with the addition. */
static bool adds_same_bits(const Nest *n)
{
    return sums(n) || n->value->op == OP_LOAD;
}

static int phase_of(const Program *p, int nest)
{
    int phase = 0;

    while (nest >= p->phases.at[phase].end)
        phase++;
    return phase;
}

/* How many nests add to a gradient, and which is the first; -1: none. */
static int count_on(const Program *p, const Tensor *gradient, int *first)
{
    int count = 0;

    *first = -1;
    for (int i = p->nests.count - 1; i >= 0; i--)
        if (tensor_base(p->nests.at[i]->dst) == gradient) {
            *first = i;
            count++;
        }
    return count;
}

void program_keep(Unit *u, Program *p)
{
    int any = 0;                            /* the first phase that runs for every tile */

    if (p->mode == MODE_INFER)
        return;
    while (p->phases.at[any].once)
        any++;
    p->keep = ARENA_NEW(u->arena, Tensor);
    *p->keep = (Tensor){ .name = tensor_name(u, p, "keep"), .symbol = "keep", .role = ROLE_KEEP, .meaning = "how much a gradient keeps of what it holds" };
    p->adds_at_once = true;
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *gradient = p->tensors.at[i];
        if (gradient->role != ROLE_GRADIENT || gradient->view_of)
            continue;
        int nest, count = count_on(p, gradient, &nest), phase = nest < 0 ? any : phase_of(p, nest);
        bool each_tile = nest >= 0 && !p->phases.at[phase].once, once = each_tile && comes_once(p->nests.at[nest]);
        bool within = once && nest_covers(p->nests.at[nest]), apart = each_tile && !once && count == 1 && can_add_apart(p->nests.at[nest], gradient);
        p->adds_at_once = p->adds_at_once && (count == 0 || apart || (once && count == 1 && adds_same_bits(p->nests.at[nest])));
        if (once && !within && sums(p->nests.at[nest]))
            join_at_end(u, p->nests.at[nest], load(u, p->nests.at[nest]->dst, p->nests.at[nest]->index));
        if (within)
            keep_in(u, p, p->nests.at[nest]);
        else if (apart)
            add_apart(u, p, phase, nest, gradient);
        else                                /* what is added once a batch belongs to the first tile, but all of them keep */
            insert(u, p, p->phases.at[phase].once ? any : phase, keep_alone(u, p, gradient));
    }
    LIST_ADD(u->arena, &p->tensors, p->keep);
}
