/* lesson_work.c: what a nest costs, in words. */
#include "emit/lesson.h"

static bool contains(const Expr *e, Op op)
{
    return e && (e->op == op || contains(e->a, op) || contains(e->b, op) || contains(e->c, op) || contains(e->d, op));
}

/* The most expensive thing that an expression does decides what is counted. */
static const char *kind_of_work(const Expr *e)
{
    static const struct { Op op; const char *name; } rows[] = {
        { OP_ERF, "error functions" }, { OP_TANH, "hyperbolic tangents" }, { OP_LOG1P, "logarithms" },
        { OP_LOG, "logarithms" }, { OP_EXP, "exponentials" }, { OP_SQRT, "square roots" }, { OP_RANDOM, "random numbers" },
        { OP_DIV, "divisions" }, { OP_MUL, "multiplications" }, { OP_MAX, "comparisons" }, { OP_MIN, "comparisons" },
        { OP_SELECT_GT, "comparisons" }, { OP_SELECT_EQ, "comparisons" }, { OP_ADD, "additions" }, { OP_SUB, "subtractions" },
        { OP_ABS, "absolute values" }, { OP_NEG, "changes of sign" },
    };

    for (int i = 0; i < countof(rows); i++)
        if (contains(e, rows[i].op))
            return rows[i].name;
    return NULL;
}

static const char *kind_of_value(const Nest *n)
{
    const char *kind = kind_of_work(n->value);
    bool sums = n->put == PUT_ADD;

    switch (n->put) {
    case PUT_MAX: case PUT_MIN:
        return "comparisons";
    case PUT_SET: case PUT_ADD:
        break;
    }
    if (sums && n->value->op == OP_MUL && kind_of_work(n->value) == kind_of_work(&(Expr){ .op = OP_MUL }))
        return "multiply-adds";
    return kind ? kind : sums ? "additions" : "copies";
}

int64_t lesson_multiply_adds(const Nest *n)
{
    return n->put == PUT_ADD && contains(n->value, OP_MUL) ? nest_work(n) : 0;
}

static int64_t places_of(const Nest *n)
{
    int64_t places = 1;

    for (int i = 0; i < n->loop_count; i++)
        if (nest_places_loop(n, n->loops[i]))
            places *= n->loops[i]->extent;
    return places;
}

/* "1 addition", "9 additions" */
static const char *amount(CFile *f, int64_t count, const char *kind)
{
    int length = snprintf(NULL, 0, "%s", kind) - (count == 1);
    if (count == 1 && kind[length - 1] == 'e' && kind[length - 2] == 'i')       /* copies */
        return "1 copy";
    return arena_print(f->u->arena, "%s %.*s", grouped(f->u->arena, count), length, kind);
}

const char *lesson_work(CFile *f, const Nest *n)
{
    const char *work = amount(f, nest_work(n), kind_of_value(n));
    const char *finish = kind_of_work(n->finish);

    return finish ? arena_print(f->u->arena, "%s and %s", work, amount(f, places_of(n), finish)) : work;
}
