/* sign.c: what is never negative passes a relu and its kin as it is.
 *
 *     y = max(x, 0)                            becomes    y = x           where x is a sum of sizes, a sigmoid, what another relu let pass,
 *     y = x > 0 ? x : a * (exp(x) - 1)         becomes    y = x           or the largest of such numbers
 *
 * as of 0 both sides are 0, and what is no number stays none. The copy that is left then goes (compose.c). Inference alone: going back, the slope at 0 is
 * that of the function. */
#include "loops/layout.h"

#include <math.h>

static bool is_constant_from_0(const Expr *e) { return e && e->op == OP_CONSTANT && e->number >= 0; }

/* total: whether that holds for OP_TOTAL. */
static bool is_never_negative(const Expr *e, bool total)
{
    if (!e)
        return false;
    switch (e->op) {
    case OP_CONSTANT:
        return is_constant_from_0(e);
    case OP_TOTAL:
        return total;
    case OP_LOAD:
        return e->tensor->never_negative;
    case OP_ABS: case OP_EXP: case OP_SQRT: case OP_RANDOM:
        return true;
    case OP_MAX:
        return is_never_negative(e->a, total) || is_never_negative(e->b, total);
    case OP_MUL:
        return expr_equal(e->a, e->b) || (is_never_negative(e->a, total) && is_never_negative(e->b, total));
    case OP_ADD: case OP_DIV: case OP_MIN:
        return is_never_negative(e->a, total) && is_never_negative(e->b, total);
    case OP_LOG1P: case OP_TANH: case OP_ERF:
        return is_never_negative(e->a, total);
    case OP_SELECT_GT:
        return ((is_constant_from_0(e->b) && expr_equal(e->a, e->c)) || is_never_negative(e->c, total)) && is_never_negative(e->d, total);
    case OP_SELECT_EQ:
        return is_never_negative(e->c, total) && is_never_negative(e->d, total);
    case OP_INDEX: case OP_NEG: case OP_SUB: case OP_LOG:
        return false;
    }
    return false;
}

/* Of all that lies in dst, which no other nest makes, when nest number `i` has run. */
static bool leaves_no_negative(const Program *p, int i)
{
    const Nest *n = p->nests.at[i];

    if (n->dst->role != ROLE_SCRATCH || n->dst->view_of || program_has_views(p, n->dst) || program_maker(p, n->dst) != i || (n->fill && !is_constant_from_0(n->fill)))
        return false;
    bool begins = is_never_negative(n->start, false) || (!n->start && is_constant_from_0(n->fill)), total = is_never_negative(n->value, false);
    if (n->put == PUT_ADD || n->put == PUT_MIN)
        total = total && begins;
    return n->finish ? is_never_negative(n->finish, total) : total;
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
    (void)context;
    bool from_0 = (e->op == OP_MAX || e->op == OP_SELECT_GT) && e->b->op == OP_CONSTANT && e->b->number == 0 && e->a->op == OP_LOAD && e->a->tensor->never_negative;
    return from_0 && (e->op == OP_MAX || (expr_equal(e->a, e->c) && at_zero(e->d, e->a) == 0)) ? e->a : e;
}

void program_pass_positive(Unit *u, Program *p)
{
    for (int i = 0; p->mode == MODE_INFER && i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (n->put == PUT_SET)
            n->value = expr_map(u, n->value, let_pass, NULL);
        n->dst->never_negative = leaves_no_negative(p, i);
    }
}
