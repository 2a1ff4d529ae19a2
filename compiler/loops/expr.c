/* expr.c: expressions as values: comparing, rebuilding and folding them. */
#include "loops/loops.h"

#include <math.h>

bool expr_is_zero(const Expr *e)
{
    return e && e->op == OP_CONSTANT && e->number == 0;
}

bool expr_equal(const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->op != b->op)
        return false;
    if (a->op == OP_CONSTANT)
        return a->number == b->number;
    if (a->op == OP_LOAD) {
        if (a->tensor != b->tensor)
            return false;
        for (int i = 0; i < a->tensor->rank; i++)
            if (!affine_equal(&a->index[i], &b->index[i]))
                return false;
        return true;
    }
    if (a->op == OP_INDEX || a->op == OP_RANDOM)
        return a->number == b->number && affine_equal(&a->index[0], &b->index[0]) && affine_equal(&a->index[1], &b->index[1]);
    return expr_equal(a->a, b->a) && expr_equal(a->b, b->b) && expr_equal(a->c, b->c) && expr_equal(a->d, b->d);
}

Expr *expr_map(Unit *u, const Expr *e, Expr *(*change)(void *context, Expr *e), void *context)
{
    if (!e)
        return NULL;
    Expr *copy = ARENA_NEW(u->arena, Expr);
    *copy = *e;
    copy->a = expr_map(u, e->a, change, context);
    copy->b = expr_map(u, e->b, change, context);
    copy->c = expr_map(u, e->c, change, context);
    copy->d = expr_map(u, e->d, change, context);
    return change(context, copy);
}

static bool is(const Expr *e, double number)
{
    return e && e->op == OP_CONSTANT && e->number == number;
}

static Expr *constant(Unit *u, double number)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    e->op = OP_CONSTANT;
    e->number = number;
    return e;
}

static Expr *negated(Unit *u, Expr *x)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    e->op = OP_NEG;
    e->a = x;
    return expr_fold(u, e);
}

/* The value of a node whose children are constants. */
static double value(Op op, double a, double b)
{
    switch (op) {
    case OP_NEG:   return -a;
    case OP_ABS:   return fabs(a);
    case OP_EXP:   return exp(a);
    case OP_LOG:   return log(a);
    case OP_LOG1P: return log1p(a);
    case OP_SQRT:  return sqrt(a);
    case OP_TANH:  return tanh(a);
    case OP_ERF:   return erf(a);
    case OP_ADD:   return a + b;
    case OP_SUB:   return a - b;
    case OP_MUL:   return a * b;
    case OP_DIV:   return a / b;
    case OP_MAX:   return a > b ? a : b;
    case OP_MIN:   return a < b ? a : b;
    case OP_CONSTANT: case OP_LOAD: case OP_INDEX: case OP_TOTAL: case OP_RANDOM: case OP_SELECT_GT: case OP_SELECT_EQ:
        break;
    }
    return NAN;
}

/* Rules beyond constants drop zeros: 0 * x is 0 for every finite x, which is what a derivative means. */
Expr *expr_fold(Unit *u, Expr *e)
{
    Expr *a = e->a, *b = e->b;

    switch (e->op) {
    case OP_CONSTANT: case OP_LOAD: case OP_INDEX: case OP_TOTAL: case OP_RANDOM:
        return e;
    case OP_NEG:
        if (a->op == OP_NEG)
            return a->a;
        if (a->op == OP_SUB) {                                  /* -(x - y) is y - x */
            Expr *swapped = ARENA_NEW(u->arena, Expr);
            *swapped = (Expr){ .op = OP_SUB, .a = a->b, .b = a->a };
            return swapped;
        }
        break;
    case OP_ADD:
        if (is(a, 0))
            return b;
        if (is(b, 0))
            return a;
        if (b->op == OP_NEG) {
            e->op = OP_SUB;
            e->b = b->a;
            return expr_fold(u, e);
        }
        break;
    case OP_SUB:
        if (is(b, 0))
            return a;
        if (is(a, 0))
            return negated(u, b);
        if (b->op == OP_NEG) {
            e->op = OP_ADD;
            e->b = b->a;
            return expr_fold(u, e);
        }
        break;
    case OP_MUL:
        if (is(a, 0) || is(b, 0))
            return constant(u, 0);
        if (is(a, 1))
            return b;
        if (is(b, 1))
            return a;
        if (is(a, -1))
            return negated(u, b);
        if (is(b, -1))
            return negated(u, a);
        if (a->op == OP_NEG || b->op == OP_NEG) {
            Expr *product = ARENA_NEW(u->arena, Expr);
            bool both = a->op == OP_NEG && b->op == OP_NEG;
            *product = (Expr){ .op = OP_MUL, .a = a->op == OP_NEG ? a->a : a, .b = b->op == OP_NEG ? b->a : b };
            return both ? expr_fold(u, product) : negated(u, expr_fold(u, product));
        }
        break;
    case OP_DIV:
        if (is(a, 0))
            return constant(u, 0);
        if (is(b, 1))
            return a;
        break;
    case OP_SELECT_GT: case OP_SELECT_EQ:
        if (expr_equal(e->c, e->d))
            return e->c;
        if (a->op == OP_CONSTANT && b->op == OP_CONSTANT)
            return (e->op == OP_SELECT_GT ? a->number > b->number : a->number == b->number) ? e->c : e->d;
        return e;
    case OP_ABS: case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_SQRT: case OP_TANH: case OP_ERF: case OP_MAX: case OP_MIN:
        break;
    }
    if (a && a->op == OP_CONSTANT && (!b || b->op == OP_CONSTANT))
        return constant(u, value(e->op, a->number, b ? b->number : 0));
    return e;
}
