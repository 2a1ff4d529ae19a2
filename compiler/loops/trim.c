/* trim.c: sums over a border of zeros stop where the border begins.
 *
 * The gradient of a valid convolution's input reads a bordered copy of dy: with 5x5 cells on 10x10 places half of what it multiplies is
 * border. Where the tile of a round lies outside dy as a whole, nothing is added: the loops over the cells of the kernel get bounds that
 * depend on the place,
 *
 *     for kh 5            becomes        for kh 5 from ih - 9 to ih + 1
 *
 * The last of all rewrites of a nest: those of transform.c do not know such bounds. */
#include "loops/transform.h"

#define LEAST 0.125             /* of the rounds must be saved: a loop whose extent is a constant costs less */

/* What lies outside [first, first + count) along an axis is zero. */
typedef struct Inside { int64_t first, count; } Inside;

/* Where the axis of t has numbers other than the zeros of its fill; false if that is not known. */
static bool inside(const Program *p, const Tensor *t, int axis, Inside *in)
{
    const Nest *writer = NULL;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (tensor_base(n->dst) != tensor_base((Tensor *)t))
            continue;
        if (writer || n->dst != t || n->put != PUT_SET || !n->fill || n->fill->number != 0)
            return false;
        writer = n;
    }
    if (!writer)
        return false;
    int64_t first, last;
    affine_reach(&writer->index[axis], &first, &last);
    *in = (Inside){ first, last - first + 1 };
    return true;
}

/* An index as the sum of what is given outside, of the places of the tile, from `low` to `high`, and of one loop that is summed. */
typedef struct Index {
    Affine outer;
    int64_t low, high;
    int64_t sign;               /* of the loop */
} Index;

/* True if the loop stands outside the totals, and is one when they are made. */
static bool is_given(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->hold; i++)
        if (n->loops[i] == l)
            return l->kind == LOOP_PLAIN;
    return false;
}

static bool take_apart(const Nest *n, const Affine *a, const Loop *l, Index *x)
{
    *x = (Index){ .outer = { .offset = a->offset } };
    for (int i = 0; i < a->count; i++) {
        const Loop *other = a->term[i].loop;
        int64_t far = a->term[i].factor * (other->extent - 1);
        if (other == l) {
            x->sign = a->term[i].factor;
        } else if (!nest_places_loop(n, other)) {
            return false;
        } else if (is_given(n, other)) {
            x->outer.term[x->outer.count++] = a->term[i];
        } else {
            x->low += far < 0 ? far : 0;
            x->high += far > 0 ? far : 0;
        }
    }
    return x->outer.count == 1 && (x->sign == 1 || x->sign == -1);
}

/* sign * a + by */
static Affine moved(const Affine *a, int64_t sign, int64_t by)
{
    Affine sum = *a;

    sum.offset = sign * a->offset + by;
    for (int i = 0; i < sum.count; i++)
        sum.term[i].factor *= sign;
    return sum;
}

/* The share of the rounds that these bounds leave out; 0 if some place would have no round at all. */
static double saved(const Affine *from, const Affine *to, int64_t extent)
{
    int64_t rounds = 0, places = from->term[0].loop->extent;

    for (int64_t i = 0; i < places; i++) {
        int64_t begin = from->offset + from->term[0].factor * i, end = to->offset + to->term[0].factor * i;
        int64_t own = (end < extent ? end : extent) - (begin > 0 ? begin : 0);
        if (own < 1)
            return 0;
        rounds += own;
    }
    return 1 - (double)rounds / (double)(extent * places);
}

/* Trims a summed loop by one axis of a factor. */
static void trim_loop(const Program *p, const Nest *n, const Expr *load, int axis, Loop *l)
{
    Index x;
    Inside in;

    if (l->trimmed || l->kind != LOOP_PLAIN || !take_apart(n, &load->index[axis], l, &x) || !inside(p, load->tensor, axis, &in))
        return;
    int64_t end = in.first + in.count;
    Affine from = x.sign > 0 ? moved(&x.outer, -1, in.first - x.high) : moved(&x.outer, 1, x.low - end + 1);
    Affine to = x.sign > 0 ? moved(&x.outer, -1, end - x.low) : moved(&x.outer, 1, x.high - in.first + 1);
    if (saved(&from, &to, l->extent) < LEAST)
        return;
    l->trimmed = true;
    l->from = from;
    l->to = to;
}

/* Trimmed loops go around the others of the sum: the innermost loop always has the same number of rounds, which a processor foresees
 * (measured: 39 % of peak became 48 for a kernel of 5x5 cells and 16 filters). */
static void trimmed_first(Nest *n)
{
    int first = n->hold;

    for (int i = n->hold; i < n->loop_count; i++)
        if (n->loops[i]->trimmed)
            nest_move_loop(n, i, first++);
}

/* Rounds that a C compiler writes out, with bounds that are constants: as many with branches take longer (18 rounds on 5x5 places 1.3 times the time of
 * the whole network; with 24 and more there are networks that lose, whose places are so few that they are written out as well). */
enum { SHORT_SUM = 20 };

/* A sum for one number that is short even with all of its border. */
static bool is_short(const Nest *n)
{
    int64_t rounds = 1;

    for (int i = n->hold; i < n->loop_count; i++) {
        if (n->loops[i]->kind != LOOP_PLAIN)
            return false;
        rounds *= n->loops[i]->extent;
    }
    return rounds <= SHORT_SUM;
}

static bool sums_products(const Nest *n)
{
    return n->put == PUT_ADD && nest_is_gather(n) && n->value->op == OP_MUL;
}

void nest_trim(const Program *p, Nest *n)
{
    if (!sums_products(n) || is_short(n))
        return;
    const Expr *factors[] = { n->value->a, n->value->b };
    for (int k = 0; k < 2; k++)
        for (int axis = 0; factors[k]->op == OP_LOAD && axis < factors[k]->tensor->rank; axis++)
            for (int l = n->hold; l < n->loop_count; l++)
                if (!nest_places_loop(n, n->loops[l]))
                    trim_loop(p, n, factors[k], axis, n->loops[l]);
    trimmed_first(n);
}

bool nest_meets_border(const Program *p, const Nest *n)
{
    if (!sums_products(n))
        return false;
    const Expr *factors[] = { n->value->a, n->value->b };
    for (int k = 0; k < 2; k++)
        for (int axis = 0; factors[k]->op == OP_LOAD && axis < factors[k]->tensor->rank; axis++) {
            Inside in;
            const Affine *a = &factors[k]->index[axis];
            if (a->count > 1 && inside(p, factors[k]->tensor, axis, &in) && (double)in.count < (1 - LEAST) * (double)factors[k]->tensor->dim[axis])
                return true;
        }
    return false;
}

void program_trim(Unit *u, Program *p)
{
    (void)u;
    for (int i = 0; i < p->nests.count; i++)
        nest_trim(p, p->nests.at[i]);
}
