/* adjoint.c: derives the backward pass from the nests of the forward pass.
 *
 * A nest  y[f(i)] += e  helps to make y; by the chain rule every x[g(i)] that e reads receives
 *
 *     dx[g(i)] += dy[f(i)] * de/dx[g(i)]        under the same loops i.
 *
 * Nests are walked in reverse, so dy is complete before it is read. A layer whose `backward` knows better is asked
 * instead. Gradients that nobody needs or that are zero are left to tidy.c. (Reverse mode on loops: Griewank and
 * Walther, Evaluating Derivatives, 2008.) */
#include "loops/lower.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool same_load(const Expr *e, const Expr *of)
{
    return e->op == of->op && (e->op != OP_LOAD || expr_equal(e, of));
}

/* x * y, with the product inside the branches of a choice, so that what is not chosen costs nothing to read; x * (1/y) is x / y. */
static Expr *times(Build *b, Expr *x, Expr *y)
{
    if (y->op == OP_SELECT_GT)
        return if_greater(b, y->a, y->b, times(b, x, y->c), times(b, x, y->d));
    if (y->op == OP_DIV && y->a->op == OP_CONSTANT && y->a->number == 1)
        return divide(b, x, y->b);
    if (y->op == OP_SELECT_EQ)
        return if_equal(b, y->a, y->b, times(b, x, y->c), times(b, x, y->d));
    return mul(b, x, y);
}

/* de/d(of), where `of` is a load or the total. Where a function has a kink the derivative is that of LANGUAGE: the
 * branch that is not strictly greater, and 0 for |x| and sqrt at 0. */
static Expr *derivative(Build *b, Expr *e, const Expr *of)
{
    if (same_load(e, of))
        return real(b, 1);
    switch (e->op) {
    case OP_CONSTANT: case OP_LOAD: case OP_INDEX: case OP_TOTAL: case OP_RANDOM:
        return real(b, 0);
    case OP_NEG:
        return neg(b, derivative(b, e->a, of));
    case OP_ADD:
        return add(b, derivative(b, e->a, of), derivative(b, e->b, of));
    case OP_SUB:
        return sub(b, derivative(b, e->a, of), derivative(b, e->b, of));
    case OP_MUL:
        return add(b, times(b, e->b, derivative(b, e->a, of)), times(b, e->a, derivative(b, e->b, of)));
    case OP_DIV: {
        Expr *da = derivative(b, e->a, of), *db = derivative(b, e->b, of);
        Expr *first = divide(b, da, e->b);
        if (e->b->op == OP_CONSTANT)
            first = times(b, real(b, 1 / e->b->number), da);
        return sub(b, first, times(b, divide(b, e->a, mul(b, e->b, e->b)), db));
    }
    case OP_MAX:
        return if_greater(b, e->a, e->b, derivative(b, e->a, of), derivative(b, e->b, of));
    case OP_MIN:
        return if_greater(b, e->b, e->a, derivative(b, e->a, of), derivative(b, e->b, of));
    case OP_SELECT_GT:
        return if_greater(b, e->a, e->b, derivative(b, e->c, of), derivative(b, e->d, of));
    case OP_SELECT_EQ:
        return if_equal(b, e->a, e->b, derivative(b, e->c, of), derivative(b, e->d, of));
    case OP_ABS: case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_SQRT: case OP_TANH: case OP_ERF:
        break;
    }

    Expr *x = e->a, *dx = derivative(b, x, of), *outer = NULL;
    if (dx->op == OP_CONSTANT && dx->number == 0)
        return dx;
    if (e->op == OP_ABS)
        outer = if_greater(b, x, real(b, 0), real(b, 1), if_greater(b, real(b, 0), x, real(b, -1), real(b, 0)));
    else if (e->op == OP_EXP)
        outer = e;
    else if (e->op == OP_LOG)
        outer = divide(b, real(b, 1), x);
    else if (e->op == OP_LOG1P)
        outer = divide(b, real(b, 1), add(b, real(b, 1), x));
    else if (e->op == OP_SQRT)
        outer = if_greater(b, x, real(b, 0), divide(b, real(b, 0.5), e), real(b, 0));
    else if (e->op == OP_TANH)
        outer = sub(b, real(b, 1), mul(b, e, e));
    else if (e->op == OP_ERF)
        outer = mul(b, real(b, 2 / sqrt(acos(-1))), exp_of(b, neg(b, mul(b, x, x))));
    assert(outer);
    return times(b, dx, outer);
}

/* The loads of an expression, each different one once. */
typedef struct Loads { Build *b; LIST(Expr *) list; } Loads;

static void collect(Loads *loads, Expr *e)
{
    if (!e)
        return;
    if (e->op == OP_LOAD) {
        for (int i = 0; i < loads->list.count; i++)
            if (expr_equal(loads->list.at[i], e))
                return;
        LIST_ADD(loads->b->u->arena, &loads->list, e);
    }
    collect(loads, e->a);
    collect(loads, e->b);
    collect(loads, e->c);
    collect(loads, e->d);
}

/* Loops of a new nest stand for loops of the one it is derived from. */
typedef struct Renaming {
    const Nest *from;
    Loop *new_loop[MAX_LOOPS];      /* for each loop of `from`, or NULL if it is not used */
} Renaming;

static void rename_affine(const Renaming *r, Affine *a)
{
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < r->from->loop_count; j++)
            if (a->term[i].loop == r->from->loops[j]) {
                assert(r->new_loop[j]);
                a->term[i].loop = r->new_loop[j];
                break;
            }
}

static Expr *rename_expr(void *context, Expr *e)
{
    const Renaming *r = context;
    int count = e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;

    for (int i = 0; i < count; i++)
        rename_affine(r, &e->index[i]);
    return e;
}

static const char *reason(Build *b, const Tensor *t)
{
    if (t->param)
        return arena_print(b->u->arena, "How does the loss change with each %s? Everything that it helped to make sends its share.",
                           t->param->role);
    return "How does the loss change with what was read? Everything that was made of it sends its share.";
}

/* Adds  d(load) += dy * derivative  under the loops of n (those of its places alone for what the total starts from). */
static void send(Build *b, const Nest *n, const Expr *load, Expr *outer, Expr *part, bool places_only)
{
    Expr *slope = derivative(b, part, load);
    if (slope->op == OP_CONSTANT && slope->number == 0)
        return;

    Expr *dy = ARENA_NEW(b->u->arena, Expr);
    *dy = (Expr){ .op = OP_LOAD, .tensor = gradient(b, n->dst) };
    memcpy(dy->index, n->index, sizeof dy->index);

    Tensor *to = gradient(b, load->tensor);
    Renaming r = { .from = n };

    nest_begin(b, symbol_here(b, to), reason(b, load->tensor));
    Nest *back = b->nest;
    for (int i = 0; i < n->loop_count; i++)
        if (!places_only || nest_places_loop(n, n->loops[i])) {
            Loop *l = ARENA_NEW(b->u->arena, Loop);
            *l = *n->loops[i];
            r.new_loop[i] = back->loops[back->loop_count++] = l;
        }
    back->put = PUT_ADD;
    back->dst = to;
    for (int i = 0; i < to->rank; i++) {
        back->index[i] = load->index[i];
        rename_affine(&r, &back->index[i]);
    }
    back->value = expr_map(b->u, times(b, times(b, dy, outer), slope), rename_expr, &r);
    nest_end(b);
}

static void adjoint_nest(Build *b, const Nest *n)
{
    Expr *total_node = total(b);
    Expr *outer = n->finish ? derivative(b, n->finish, total_node) : real(b, 1);
    Loads of_value = { .b = b }, of_start = { .b = b };

    if (!wants_gradient(b, n->dst) || n->dst == b->program->share)
        return;
    assert(n->put == PUT_SET || n->put == PUT_ADD);     /* other puts belong to layers with a backward of their own */
    collect(&of_value, n->value);
    collect(&of_start, n->start);
    for (int i = 0; i < of_value.list.count; i++)
        if (wants_gradient(b, of_value.list.at[i]->tensor))
            send(b, n, of_value.list.at[i], outer, n->value, false);
    for (int i = 0; i < of_start.list.count; i++)
        if (wants_gradient(b, of_start.list.at[i]->tensor))
            send(b, n, of_start.list.at[i], outer, n->start, true);
}

static void adjoint_range(Build *b, Site *s, int first, int end)
{
    b->site = s;
    if (s && s->kind->backward)
        s->kind->backward(b, s);
    else
        for (int i = end - 1; i >= first; i--)
            adjoint_nest(b, b->program->nests.at[i]);
    b->site = NULL;
}

void program_adjoint(Unit *u, Program *p)
{
    Build *b = build_new(u, p);
    int sites = p->net->sites.count;
    int result = sites ? p->made[sites - 1].end : 0;
    int loss_first = p->net->loss ? p->made[sites].first : p->forward_end;

    program_attach(p);
    b->backward = true;
    if (p->net->loss)
        adjoint_range(b, p->net->loss, loss_first, p->made[sites].end);
    adjoint_range(b, NULL, result, loss_first);
    for (int i = sites - 1; i >= 0; i--)
        adjoint_range(b, p->net->sites.at[i], p->made[i].first, p->made[i].end);
}
