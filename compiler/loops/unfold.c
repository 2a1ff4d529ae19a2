/* unfold.c: a sum of products with elements of small matrices, written out as one expression. Zeros vanish, and 1 and -1 become + and -:
 *
 *     sum over i, j of B[a][i] * B[b][j] * x[2*th + i][2*tw + j]      is, for a = 0 and b = 1,
 *     (x[2*th][2*tw + 1] + x[2*th][2*tw + 2]) - (x[2*th + 2][2*tw + 1] + x[2*th + 2][2*tw + 2])
 *
 * A matrix stands outside of the sums that it has nothing to do with, so that the inner sums, which other places have as well, are the
 * same text there: C compilers make each of them once. */
#include "loops/loops.h"

#include <assert.h>

enum { MOST_FACTORS = 4 };

typedef struct Unfold {
    Unit *u;
    const Nest *n;
    const Expr *matrix[MOST_FACTORS], *rest[MOST_FACTORS];
    int matrices, rests;
    int64_t value[MAX_LOOPS];               /* of the loops that are written out; -1: none */
} Unfold;

static bool is_matrix(const Expr *e)
{
    return e->op == OP_LOAD && e->tensor->written_out;
}

/* Sorts the factors of a product; false if they are too many, or one is no load. */
static bool take_factors(Unfold *w, const Expr *e)
{
    if (e->op == OP_MUL)
        return take_factors(w, e->a) && take_factors(w, e->b);
    if (e->op != OP_LOAD || w->matrices == MOST_FACTORS || w->rests == MOST_FACTORS)
        return false;
    if (is_matrix(e))
        w->matrix[w->matrices++] = e;
    else
        w->rest[w->rests++] = e;
    return true;
}

bool nest_is_unfolded(const Nest *n)
{
    Unfold w = { .n = n };

    if (n->put != PUT_ADD || !nest_is_gather(n) || !n->value || !take_factors(&w, n->value) || w.matrices == 0)
        return false;
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]) && n->loops[i]->kind != LOOP_UNROLL)
            return false;
    return true;
}

static int64_t value_of_loop(const Unfold *w, const Loop *l)
{
    for (int i = 0; i < w->n->loop_count; i++)
        if (w->n->loops[i] == l)
            return w->value[i];
    return -1;
}

/* The summed loop at which all of this matrix is known: the innermost that it has, or -1. */
static int last_loop(const Unfold *w, const Expr *matrix)
{
    int last = -1;

    for (int i = 0; i < w->n->loop_count; i++)
        if (!nest_places_loop(w->n, w->n->loops[i]) && indices_use(matrix->index, matrix->tensor->rank, w->n->loops[i]))
            last = i;
    return last;
}

static double element(const Unfold *w, const Expr *matrix)
{
    int64_t at = 0;

    for (int i = 0; i < matrix->tensor->rank; i++) {
        int64_t index = matrix->index[i].offset;
        for (int j = 0; j < matrix->index[i].count; j++) {
            int64_t value = value_of_loop(w, matrix->index[i].term[j].loop);
            assert(value >= 0);
            index += matrix->index[i].term[j].factor * value;
        }
        at = at * matrix->tensor->dim[i] + index;
    }
    return matrix->tensor->constant[at];
}

static Expr *joined(const Unfold *w, Op op, Expr *a, Expr *b)
{
    Expr *e = ARENA_NEW(w->u->arena, Expr);

    e->op = op;
    e->a = a;
    e->b = b;
    if (op == OP_ADD && a->op == OP_NEG && b->op != OP_NEG) {
        e->op = OP_SUB;
        e->a = b;
        e->b = a->a;
    }
    return expr_fold(w->u, e);
}

static Expr *number(const Unfold *w, double value)
{
    Expr *e = ARENA_NEW(w->u->arena, Expr);
    e->op = OP_CONSTANT;
    e->number = value;
    return e;
}

/* What is no matrix, with the values of the summed loops in its indices. */
static Expr *rest(const Unfold *w)
{
    Expr *all = NULL;

    for (int k = 0; k < w->rests; k++) {
        Expr *e = ARENA_NEW(w->u->arena, Expr);
        *e = *w->rest[k];
        for (int i = 0; i < e->tensor->rank; i++) {
            Affine *a = &e->index[i];
            int kept = 0;
            for (int j = 0; j < a->count; j++) {
                int64_t value = nest_places_loop(w->n, a->term[j].loop) ? -1 : value_of_loop(w, a->term[j].loop);
                if (value >= 0)
                    a->offset += a->term[j].factor * value;
                else
                    a->term[kept++] = a->term[j];
            }
            a->count = kept;
        }
        all = all ? joined(w, OP_MUL, all, e) : e;
    }
    return all ? all : number(w, 1);
}

static Expr *scaled(const Unfold *w, double factor, Expr *e)
{
    if (factor == 1)
        return e;
    return factor == -1 ? joined(w, OP_NEG, e, NULL) : joined(w, OP_MUL, number(w, factor), e);
}

/* The sum over the loops from this one on. */
static Expr *sum_from(Unfold *w, int loop)
{
    while (loop < w->n->loop_count && nest_places_loop(w->n, w->n->loops[loop]))
        loop++;
    if (loop == w->n->loop_count)
        return rest(w);
    Expr *sum = NULL;
    for (w->value[loop] = 0; w->value[loop] < w->n->loops[loop]->extent; w->value[loop]++) {
        double factor = 1;
        for (int k = 0; k < w->matrices; k++)
            if (last_loop(w, w->matrix[k]) == loop)
                factor *= element(w, w->matrix[k]);
        if (factor == 0)
            continue;
        Expr *term = scaled(w, factor, sum_from(w, loop + 1));
        sum = sum ? joined(w, OP_ADD, sum, term) : term;
    }
    w->value[loop] = -1;
    return sum ? sum : number(w, 0);
}

Expr *nest_unfold(Unit *u, const Nest *n, const int64_t *bound)
{
    Unfold w = { .u = u, .n = n };
    double factor = 1;
    bool all = take_factors(&w, n->value);

    assert(all);
    (void)all;
    for (int i = 0; i < n->loop_count; i++)
        w.value[i] = bound[i];
    for (int k = 0; k < w.matrices; k++)
        if (last_loop(&w, w.matrix[k]) < 0)
            factor *= element(&w, w.matrix[k]);
    return factor == 0 ? number(&w, 0) : scaled(&w, factor, sum_from(&w, 0));
}
