/* expr.c: evaluation of expressions.
 *
 * Whole numbers stay exact in 64 bits; a division that does not come out whole, and everything computed from it, is a
 * double. Sizes and strings pass through but cannot be calculated with. The parser bounds the depth of expressions. */
#include "net/expr.h"

#include "base/checked.h"
#include "base/list.h"
#include "net/scope.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* Whole doubles up to here are exact. */
#define EXACT_DOUBLE 9007199254740992.0     /* 2^53 */

bool datum_whole(const Datum *d, int64_t *to)
{
    if (d->kind != DATUM_NUMBER)
        return false;
    if (d->whole) {
        *to = d->integer;
        return true;
    }
    if (!(fabs(d->number) <= EXACT_DOUBLE) || d->number != floor(d->number))
        return false;
    *to = (int64_t)d->number;
    return true;
}

const char *datum_text(Unit *u, const Datum *d)
{
    switch (d->kind) {
    case DATUM_NUMBER:
        return d->whole ? arena_print(u->arena, "%" PRId64, d->integer) : arena_print(u->arena, "%.9g", d->number);
    case DATUM_SIZE: {
        const char *text = arena_print(u->arena, "%" PRId64, d->size[0]);
        for (int i = 1; i < d->size_count; i++)
            text = arena_print(u->arena, "%sx%" PRId64, text, d->size[i]);
        return text;
    }
    case DATUM_TEXT:
        return arena_print(u->arena, "\"%s\"", d->text);
    case DATUM_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *datum_kind(const Datum *d)
{
    switch (d->kind) {
    case DATUM_NUMBER: return "a number";
    case DATUM_SIZE:   return "a size";
    case DATUM_TEXT:   return "a string";
    case DATUM_UNKNOWN: break;
    }
    return "unknown";
}

static Datum whole(int64_t integer)
{
    return (Datum){ .kind = DATUM_NUMBER, .whole = true, .integer = integer, .number = (double)integer };
}

static Datum real(double number)
{
    return (Datum){ .kind = DATUM_NUMBER, .number = number };
}

static bool calculable(Unit *u, const AstExpr *e, const Datum *d)
{
    if (d->kind == DATUM_NUMBER)
        return true;
    error_at(u, e->span, "%s cannot be calculated with, only numbers can", datum_kind(d));
    return false;
}

/* The exact result; false if it does not fit into 64 bits. A quotient that is not whole goes to *quotient_is_real. */
static bool whole_op(char op, int64_t a, int64_t b, int64_t *to, bool *quotient_is_real)
{
    switch (op) {
    case '+': return checked_add(a, b, to);
    case '-': return checked_sub(a, b, to);
    case '*': return checked_mul(a, b, to);
    default:
        assert(op == '/' && b != 0);
        if (b == -1)
            return checked_sub(0, a, to);
        *quotient_is_real = a % b != 0;
        *to = a / b;
        return true;
    }
}

static double real_op(char op, double a, double b)
{
    switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    default:  return a / b;
    }
}

static bool apply(Unit *u, const AstExpr *e, const Datum *a, const Datum *b, Datum *to)
{
    if (!calculable(u, e->left, a) || !calculable(u, e->right, b))
        return false;
    if (e->op == '/' && b->number == 0) {
        error_at(u, e->right->span, "division of %s by zero", datum_text(u, a));
        return false;
    }
    if (a->whole && b->whole) {
        int64_t result = 0;
        bool fraction = false;
        if (!whole_op(e->op, a->integer, b->integer, &result, &fraction)) {
            error_at(u, e->span, "%s %c %s is too large: whole numbers have 64 bits", datum_text(u, a), e->op,
                     datum_text(u, b));
            return false;
        }
        if (!fraction) {
            *to = whole(result);
            return true;
        }
    }
    *to = real(real_op(e->op, a->number, b->number));
    if (!isfinite(to->number)) {
        error_at(u, e->span, "%s %c %s is too large", datum_text(u, a), e->op, datum_text(u, b));
        return false;
    }
    return true;
}

static bool eval_binary(Scope *scope, const AstExpr *e, Datum *to)
{
    Datum a, b;

    return expr_eval(scope, e->left, &a) && expr_eval(scope, e->right, &b) && apply(scope->items->u, e, &a, &b, to);
}

static bool eval_negate(Scope *scope, const AstExpr *e, Datum *to)
{
    Unit *u = scope->items->u;
    Datum d;

    if (!expr_eval(scope, e->left, &d) || !calculable(u, e->left, &d))
        return false;
    if (!d.whole) {
        *to = real(-d.number);
        return true;
    }
    int64_t negative;
    if (!checked_sub(0, d.integer, &negative)) {
        error_at(u, e->span, "the negative of %s is too large: whole numbers have 64 bits", datum_text(u, &d));
        return false;
    }
    *to = whole(negative);
    return true;
}

static bool eval_name(Scope *scope, const AstExpr *e, Datum *to)
{
    Unit *u = scope->items->u;

    if (scope_datum(scope, e->text, to))
        return to->kind != DATUM_UNKNOWN;
    if (scope_find(scope, e->text) != NULL) {
        error_at(u, e->span, "'%s' is the value of a layer, not a number", e->text);
        return false;
    }
    Spelling s = { .word = e->text };
    scope_offer(scope, false, &s);
    error_at(u, e->span, "unknown name '%s'", e->text);
    spelling_help(u, e->span, &s);
    return false;
}

bool expr_eval(Scope *scope, const AstExpr *e, Datum *to)
{
    Unit *u = scope->items->u;

    *to = (Datum){ .kind = DATUM_UNKNOWN };
    if (e->failed || e->too_large)
        return false;
    switch (e->kind) {
    case AST_NUMBER:
        *to = e->whole ? whole(e->integer) : real(e->number);
        return true;
    case AST_SIZE:
        *to = (Datum){ .kind = DATUM_SIZE, .size_count = e->size_count };
        for (int i = 0; i < e->size_count && i < countof(to->size); i++)
            to->size[i] = e->size[i];
        return true;
    case AST_STRING:
        *to = (Datum){ .kind = DATUM_TEXT, .text = e->text };
        return true;
    case AST_NAME:
        return eval_name(scope, e, to);
    case AST_CALL:
        error_at(u, e->span, "'%s(...)' is not a number", e->text);
        return false;
    case AST_BINARY:
        return eval_binary(scope, e, to);
    case AST_NEGATE:
        return eval_negate(scope, e, to);
    }
    return false;
}
