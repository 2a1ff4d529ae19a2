/* sign.c: what is never negative passes a relu and its kin as it is.
 *
 *     y = max(x, 0)                            becomes    y = x           where x is a sum of sizes, a sigmoid, what another relu let pass,
 *     y = x > 0 ? x : a * (exp(x) - 1)         becomes    y = x           or the largest of such numbers
 *
 * as of 0 both sides are 0, and what is no number stays none. The copy that is left then goes (compose.c). Inference alone: going back, the slope at 0 is
 * that of the function. */
#include "loops/layout.h"

#include <math.h>

enum { DEEPEST = 16 };          /* nests that are looked through */

static bool is_constant_from_0(const Expr *e) { return e && e->op == OP_CONSTANT && e->number >= 0; }

static bool tensor_is_never_negative(const Program *p, const Tensor *t, int depth);

/* total: of OP_TOTAL it is known. */
static bool is_never_negative(const Program *p, const Expr *e, bool total, int depth)
{
    bool a, b;

    if (!e)
        return false;
    switch (e->op) {
    case OP_CONSTANT:
        return is_constant_from_0(e);
    case OP_TOTAL:
        return total;
    case OP_ABS: case OP_EXP: case OP_SQRT: case OP_RANDOM:
        return true;
    case OP_LOAD:
        return tensor_is_never_negative(p, e->tensor, depth - 1);
    case OP_MUL: case OP_ADD: case OP_DIV: case OP_MIN: case OP_MAX:
        a = is_never_negative(p, e->a, total, depth);
        b = is_never_negative(p, e->b, total, depth);
        return (a && b) || (e->op == OP_MAX && (a || b)) || (e->op == OP_MUL && expr_equal(e->a, e->b));
    case OP_LOG1P: case OP_TANH: case OP_ERF:
        return is_never_negative(p, e->a, total, depth);
    case OP_SELECT_GT:
        a = is_never_negative(p, e->c, total, depth) || (is_constant_from_0(e->b) && expr_equal(e->a, e->c));
        return a && is_never_negative(p, e->d, total, depth);
    case OP_SELECT_EQ:
        return is_never_negative(p, e->c, total, depth) && is_never_negative(p, e->d, total, depth);
    case OP_INDEX: case OP_NEG: case OP_SUB: case OP_LOG:
        return false;
    }
    return false;
}

/* All that any nest leaves in it. */
static bool tensor_is_never_negative(const Program *p, const Tensor *t, int depth)
{
    if (t->role != ROLE_SCRATCH || t->view_of || program_has_views(p, t) || depth == 0 || program_maker(p, t) < 0)
        return false;
    const Nest *n = p->nests.at[program_maker(p, t)];
    bool value = is_never_negative(p, n->value, false, depth);
    bool whole = n->put == PUT_SET || is_never_negative(p, n->start, false, depth) || is_constant_from_0(n->fill) || (n->put == PUT_MAX && n->start);
    bool total = n->put == PUT_MIN ? value && is_never_negative(p, n->start, false, depth) : value && whole;
    return (!n->fill || is_constant_from_0(n->fill)) && (n->finish ? is_never_negative(p, n->finish, total, depth) : total);
}

/* What the expression is where x is 0; NAN if that is not known. */
static double at_zero(const Expr *e, const Expr *x)
{
    if (!e)
        return NAN;
    if (expr_equal(e, x))
        return 0;
    double a = at_zero(e->a, x), b = at_zero(e->b, x);
    switch (e->op) {
    case OP_CONSTANT: return e->number;
    case OP_NEG:      return -a;
    case OP_ABS:      return fabs(a);
    case OP_EXP:      return exp(a);
    case OP_ADD:      return a + b;
    case OP_SUB:      return a - b;
    case OP_MUL:      return a * b;
    case OP_LOAD: case OP_INDEX: case OP_TOTAL: case OP_RANDOM: case OP_LOG: case OP_LOG1P: case OP_SQRT: case OP_TANH: case OP_ERF: case OP_DIV: case OP_MAX:
    case OP_MIN: case OP_SELECT_GT: case OP_SELECT_EQ:
        break;
    }
    return NAN;
}

static Expr *let_pass(void *context, Expr *e)
{
    const Program *p = context;

    if (e->op == OP_MAX && e->b->op == OP_CONSTANT && e->b->number == 0 && e->a->op == OP_LOAD && is_never_negative(p, e->a, false, DEEPEST))
        return e->a;
    if (e->op == OP_SELECT_GT && e->b->op == OP_CONSTANT && e->b->number == 0 && e->a->op == OP_LOAD && expr_equal(e->a, e->c) && at_zero(e->d, e->a) == 0
        && is_never_negative(p, e->a, false, DEEPEST))
        return e->a;
    return e;
}

void program_pass_positive(Unit *u, Program *p)
{
    for (int i = 0; p->mode == MODE_INFER && i < p->nests.count; i++)
        if (p->nests.at[i]->put == PUT_SET)
            p->nests.at[i]->value = expr_map(u, p->nests.at[i]->value, let_pass, p);
}
