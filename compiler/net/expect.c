/* expect.c: what a network expects of itself: its shape at a line, its number of parameters at the end. */
#include "net/expansion.h"

#include "net/expect.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

bool relation_holds(const char *relation, const Datum *a, const Datum *b)
{
    int order = a->number < b->number ? -1 : a->number > b->number;

    if (a->whole && b->whole)
        order = a->integer < b->integer ? -1 : a->integer > b->integer;
    if (strcmp(relation, "==") == 0) return order == 0;
    if (strcmp(relation, "!=") == 0) return order != 0;
    if (strcmp(relation, "<") == 0)  return order < 0;
    if (strcmp(relation, "<=") == 0) return order <= 0;
    if (strcmp(relation, ">") == 0)  return order > 0;
    assert(strcmp(relation, ">=") == 0);
    return order >= 0;
}

/* "params <= 62k" */
static const char *line_text(Unit *u, const AstStmt *line)
{
    return arena_print(u->arena, "%s %s %s", span_text(u, line->low->span), line->relation, span_text(u, line->high->span));
}

static void expect_shape(Expansion *e, Scope *scope, const AstStmt *line, const Value *here)
{
    Unit *u = e->u;
    bool wants_equal = strcmp(line->relation, "==") == 0;
    Datum d;
    Shape wanted = { 0 };
    int64_t features;

    if (!wants_equal && strcmp(line->relation, "!=") != 0) {
        error_at(u, line->relation_span, "shapes are compared by == or !=, not by %s", line->relation);
        return;
    }
    if (!expr_eval(scope, line->high, &d))
        return;
    if (d.kind == DATUM_SIZE && d.size_count == 3)
        wanted = (Shape){ 3, { d.size[2], d.size[0], d.size[1] } };
    else if (datum_whole(&d, &features))
        wanted = (Shape){ 1, { features } };
    else {
        error_at(u, line->high->span, "a shape is height x width x depth, such as 7x7x512, or a number of features");
        return;
    }
    if (here == NULL) {
        error_at(u, line->span, "there is no shape before the input");
        return;
    }
    if (!here->known || shape_equal(here->shape, wanted) == wants_equal)
        return;
    error_at(u, line->span, "expected %s, but the shape is %s here", line_text(u, line), shape_text(u, here->shape));
    note_at(u, here->span, "the value comes from '%s'", here->from == NULL ? "input" : here->from->name);
}

static void expect_number(Expansion *e, Scope *scope, const AstStmt *line)
{
    Unit *u = e->u;
    Datum a, b;

    if (!expr_eval(scope, line->low, &a) || !expr_eval(scope, line->high, &b))
        return;
    if (a.kind != DATUM_NUMBER || b.kind != DATUM_NUMBER) {
        const AstExpr *wrong = a.kind != DATUM_NUMBER ? line->low : line->high;
        error_at(u, wrong->span, "numbers are compared here, and this is %s", datum_kind(a.kind != DATUM_NUMBER ? &a : &b));
        return;
    }
    if (!relation_holds(line->relation, &a, &b)) {
        error_at(u, line->span, "expected %s, but this is %s %s %s", line_text(u, line), datum_text(u, &a), line->relation,
                 datum_text(u, &b));
    }
}

static void expect_params(Expansion *e, Scope *scope, const AstStmt *line)
{
    Datum wanted;

    if (!expr_eval(scope, line->high, &wanted))
        return;
    if (wanted.kind != DATUM_NUMBER) {
        error_at(e->u, line->high->span, "'params' is compared with a number, not with %s", datum_kind(&wanted));
        return;
    }
    Waiting w = { line, wanted };
    LIST_ADD(e->u->arena, &e->waiting, w);
}

void expect_line(Expansion *e, Scope *scope, const AstStmt *line, const Value *here)
{
    const AstExpr *subject = line->low;
    int errors = diag_errors(e->u);
    Datum d;

    if (subject->failed || line->high->failed || expansion_has_failed(e, line))
        return;
    if (subject->kind == AST_NAME && strcmp(subject->text, "shape") == 0) {
        expect_shape(e, scope, line, here);
    } else if (subject->kind == AST_NAME && strcmp(subject->text, "params") == 0) {
        expect_params(e, scope, line);
    } else if (subject->kind == AST_NAME && !scope_datum(scope, subject->text, &d)) {
        Spelling s = { .word = subject->text };
        spelling_offer_words(e->u, &s, "shape params");
        scope_offer(scope, false, &s);
        error_at(e->u, subject->span, "a network can expect something of its 'shape' or its 'params', not of '%s'", subject->text);
        spelling_help(e->u, subject->span, &s);
    } else {
        expect_number(e, scope, line);
    }
    expansion_blame(e, errors, line);
}

void expect_end(Expansion *e)
{
    Unit *u = e->u;
    Datum actual = { .kind = DATUM_NUMBER, .whole = true, .integer = e->net->trained_count,
                     .number = (double)e->net->trained_count };

    for (int i = 0; i < e->waiting.count; i++) {
        const Waiting *w = &e->waiting.at[i];
        if (!relation_holds(w->line->relation, &actual, &w->wanted))
            error_at(u, w->line->span, "expected %s, but the network has %" PRId64 " parameters", line_text(u, w->line),
                     actual.integer);
    }
}
