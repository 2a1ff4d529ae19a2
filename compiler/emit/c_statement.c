/* c_statement.c: the single statements of a nest, as bound in its scope: with and without a local total. */
#include "emit/c.h"

#include <assert.h>

static void put_assignment(Text *t, const char *to, const char *sign, const char *value)
{
    put_code(t, arena_print(t->arena, "%s %s %s;", to, sign, value));
}

/* const float value = dy[co][oh][ow]; */
static void put_held(Text *t, const Scope *s)
{
    for (int i = 0; i < s->held.count; i++) {
        const HeldLoad *h = &s->held.at[i];
        put_code(t, arena_print(t->arena, "const %s %s = %s;", s->real, h->name, c_place(s, h->load->tensor, h->load->index)));
    }
}

static void put_set(Text *t, const Scope *s, const Expr *value)
{
    put_assignment(t, c_place(s, s->nest->dst, s->nest->index), "=", c_code(s, value));
}

/* `a == b ? c : d` where d is what the total begins with, and so changes nothing. gcc 12.2 fails on the choice itself (an internal error of its
 * pass isel, with -O3, in double, for vectors of SSE2). */
static bool is_start_unless_equal(const Nest *n, const Expr *value)
{
    return value->op == OP_SELECT_EQ && n->start && n->start->op == OP_CONSTANT && value->d->op == OP_CONSTANT
        && value->d->number == n->start->number;
}

/* `to` takes the value if that is larger (or smaller). */
static void put_extreme(Text *t, const Scope *s, const char *to, const char *relation, const Expr *value)
{
    const char *code = c_code(s, value);
    bool constant = value->op == OP_CONSTANT;

    if (s->nest->piece && expr_is_plain(value)) {               /* unrolled: one line */
        put_code(t, arena_print(t->arena, "if (%s %s %s) %s = %s;", code, relation, to, to, code));
        return;
    }
    if (s->nest->piece) {
        s->file->needs.op[s->nest->put == PUT_MAX ? OP_MAX : OP_MIN] = true;
        put_code(t, arena_print(t->arena, "%s = %s(%s, %s);", to, s->nest->put == PUT_MAX ? "larger" : "smaller", code, to));
        return;
    }
    if (is_start_unless_equal(s->nest, value)) {
        const char *then = c_code(s, value->c);
        put_code(t, arena_print(t->arena, "if (%s == %s)", c_code(s, value->a), c_code(s, value->b)));
        t->depth++;
        text_open(t, "if (%s %s %s)", then, relation, to);
        put_assignment(t, to, "=", then);
        t->depth -= 2;
        return;
    }
    if (!constant)
        put_code(t, arena_print(t->arena, "const %s %s = %s;", s->real, s->value, code));
    text_open(t, "if (%s %s %s)", constant ? code : s->value, relation, to);
    put_assignment(t, to, "=", constant ? code : s->value);
    t->depth--;
}

void c_statement_put(Text *t, const Scope *s, const char *to, const Expr *value)
{
    const char *target = to ? to : c_place(s, s->nest->dst, s->nest->index);

    put_held(t, s);
    switch (s->nest->put) {
    case PUT_SET:
        put_assignment(t, target, "=", c_code(s, value));
        return;
    case PUT_ADD:
        if (value->op == OP_NEG)
            put_assignment(t, target, "-=", c_code(s, value->a));
        else
            put_assignment(t, target, "+=", c_code(s, value));
        return;
    case PUT_MAX:
        put_extreme(t, s, target, ">", value);
        return;
    case PUT_MIN:
        put_extreme(t, s, target, "<", value);
        return;
    }
}

bool c_put_is_block(const Scope *s)
{
    const Nest *n = s->nest;
    return s->held.count > 0 || ((n->put == PUT_MAX || n->put == PUT_MIN) && n->value->op != OP_CONSTANT && !n->piece);
}

bool c_needs_total(const Scope *s)
{
    const Nest *n = s->nest;
    return nest_is_gather(n) && (scope_places(s) < n->loop_count || expr_totals(n->finish) > 1);
}

const Expr *c_total_start(const Scope *s)
{
    static const Expr zero = { .op = OP_CONSTANT };
    const Nest *n = s->nest;

    if (n->put == PUT_SET)                                      /* no summed loop: the value alone */
        return n->value;
    return n->start ? n->start : n->put == PUT_ADD && !n->finish ? &zero : expr_of_dst(s);
}

bool c_total_is_added(const Nest *n)
{
    return n->put == PUT_ADD && !n->start && !n->finish;
}

const Expr *c_single_value(const Scope *s)
{
    const Nest *n = s->nest;
    const Expr *value = n->value;

    if (!nest_is_gather(n) || (!n->start && !n->finish))
        return NULL;
    if (n->put != PUT_SET)
        value = expr_joined(s->file->u->arena, n->put, n->start ? n->start : expr_of_dst(s), value);
    return n->finish ? expr_with_total(s, n->finish, value) : value;
}

void c_total_begin(Text *t, const Scope *s, bool declare)
{
    put_assignment(t, arena_print(t->arena, "%s%s%s", declare ? s->real : "", declare ? " " : "", s->total), "=",
                   c_code(s, c_total_start(s)));
}

void c_total_end(Text *t, const Scope *s)
{
    const Nest *n = s->nest;

    if (n->finish)
        put_assignment(t, c_place(s, s->nest->dst, s->nest->index), "=", c_code(s, n->finish));
    else
        put_assignment(t, c_place(s, s->nest->dst, s->nest->index), c_total_is_added(n) ? "+=" : "=", s->total);
}

/* The statement of a place that needs no local total. */
void c_single(Text *t, const Scope *s)
{
    const Expr *value = c_single_value(s);

    if (value) {
        put_held(t, s);
        put_set(t, s, value);
    } else {
        c_statement_put(t, s, NULL, s->nest->value);
    }
}
