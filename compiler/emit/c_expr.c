/* c_expr.c: expressions, indices and numbers, as C and as the formulas of comments. */
#include "emit/c.h"

#include "loops/lanes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers */

/* The shortest decimal that reads back as the same real. */
const char *plain_number(Arena *arena, double value, RealType real)
{
    char digits[40], out[48];
    int to = 0;

    if (isinf(value))
        return value > 0 ? "infinity" : "-infinity";
    if (isnan(value))
        return "nan";
    if (real == REAL_FLOAT)
        value = (double)(float)value;
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        double back = strtod(digits, NULL);
        if (real == REAL_FLOAT ? (float)back == (float)value : back == value)
            break;
    }
    /* 1e-05 reads better as 1e-5, 1e+06 as 1e6 */
    for (const char *c = digits; *c; c++) {
        out[to++] = *c;
        if (*c != 'e')
            continue;
        if (c[1] == '-')
            out[to++] = '-';
        c += c[1] == '-' || c[1] == '+';
        while (c[1] == '0' && c[2])
            c++;
    }
    return arena_copy(arena, out, (size_t)to);
}

/* n if value is exactly what 1/n gives in that type, and longer to write. */
static double inverse_of(double value, const char *plain, RealType real)
{
    double n = value != 0 ? round(1 / value) : 0;

    if (strlen(plain) <= 6 || fabs(n) < 2 || fabs(n) > 1e6)
        return 0;
    return (real == REAL_FLOAT ? (double)(1.0f / (float)n) == (double)(float)value : 1 / n == value) ? n : 0;
}

const char *c_number(Arena *arena, double value, RealType real)
{
    const char *plain, *suffix = real == REAL_FLOAT ? "f" : "";

    if (isinf(value))
        return value > 0 ? "INFINITY" : "-INFINITY";
    if (isnan(value))
        return "(INFINITY - INFINITY)";
    plain = plain_number(arena, value, real);
    if (inverse_of(value, plain, real) != 0)
        return arena_print(arena, "(1.0%s / %.1f%s)", suffix, inverse_of(value, plain, real), suffix);
    return arena_print(arena, "%s%s%s", plain, strpbrk(plain, ".e") ? "" : ".0", suffix);
}

/* A number in a formula: 1/255 where that is what it was. */
static void formula_number(Text *t, const Scope *s, double value)
{
    RealType real = s->file->u->options.real;
    const char *plain = plain_number(t->arena, value, real);
    double n = inverse_of(value, plain, real);

    if (n != 0)
        text_put(t, "(1/%.0f)", n);
    else
        text_put(t, "%s", plain);
}

/* ---- indices */

static int64_t bound_value(const Scope *s, const Loop *l)
{
    for (int i = 0; i < s->nest->loop_count; i++)
        if (s->nest->loops[i] == l)
            return s->bound[i];
    return -1;
}

/* One term, with the sign that stands before it. */
static void put_term(Text *t, const Scope *s, int64_t factor, const Loop *l, bool first)
{
    int64_t size = factor < 0 ? -factor : factor;

    text_put(t, "%s", first ? (factor < 0 ? "-" : "") : factor < 0 ? " - " : " + ");
    if (size == 1)
        text_put(t, "%s", scope_name(s, l));
    else
        text_put(t, "%" PRId64 "*%s", size, scope_name(s, l));
}

/* Terms as they stand, those that are subtracted last; what is known already is a number. */
void c_affine(Text *t, const Scope *s, const Affine *a)
{
    int64_t offset = a->offset;
    bool first = true, any_positive = false;

    for (int i = 0; i < a->count; i++) {
        int64_t known = bound_value(s, a->term[i].loop);
        if (known >= 0)
            offset += a->term[i].factor * known;
        else
            any_positive = any_positive || a->term[i].factor > 0;
    }
    if (!any_positive && offset != 0) {
        text_put(t, "%" PRId64, offset);
        offset = 0;
        first = false;
    }
    for (int sign = 1; sign >= -1; sign -= 2)
        for (int i = 0; i < a->count; i++)
            if (bound_value(s, a->term[i].loop) < 0 && (a->term[i].factor > 0) == (sign > 0) && a->term[i].factor != 0) {
                put_term(t, s, a->term[i].factor, a->term[i].loop, first);
                first = false;
            }
    if (first)
        text_put(t, "%" PRId64, offset);
    else if (offset != 0)
        text_put(t, " %c %" PRId64, offset < 0 ? '-' : '+', offset < 0 ? -offset : offset);
}

static bool affine_is_simple(const Scope *s, const Affine *a)
{
    int open = 0;

    for (int i = 0; i < a->count; i++)
        open += bound_value(s, a->term[i].loop) < 0;
    return open == 0 || (open == 1 && a->offset == 0 && a->count == 1 && a->term[0].factor == 1);
}

void c_element(Text *t, const Scope *s, Form form, const Tensor *tensor, const Affine *index)
{
    text_put(t, "%s", scope_name(s, tensor));
    for (int i = 0; i < tensor->rank; i++) {
        text_put(t, "[");
        c_affine(t, s, &index[i]);
        text_put(t, "]");
    }
    if (tensor->rank == 0 && form == FORM_C)
        text_put(t, "[0]");
}

void c_load(Text *t, const Scope *s, Form form, const Expr *load)
{
    const NearLoad *near = NULL;

    for (int i = 0; i < s->near.count && form == FORM_C; i++)
        if (expr_equal(s->near.at[i].load, load))
            near = &s->near.at[i];
    if (!near) {
        c_element(t, s, form, load->tensor, load->index);
        return;
    }
    const Affine *along = &load->index[near->axis];
    int64_t away = along->offset;
    for (int i = 0; i < along->count; i++)
        if (bound_value(s, along->term[i].loop) >= 0)
            away += along->term[i].factor * bound_value(s, along->term[i].loop);
    text_put(t, "%s[%" PRId64 "]", near->name, away);
    for (int i = near->axis + 1; i < load->tensor->rank; i++) {
        text_put(t, "[");
        c_affine(t, s, &load->index[i]);
        text_put(t, "]");
    }
}

/* True if the index of a load uses the loop. */
static bool runs_over(const Expr *load, const Loop *l)
{
    for (int i = 0; i < load->tensor->rank; i++)
        for (int j = 0; j < load->index[i].count; j++)
            if (load->index[i].term[j].loop == l)
                return true;
    return false;
}

/* ---- operators */

/* How tightly an expression holds together; an operand that holds less tightly than its place asks for goes in parentheses. */
enum { HOLD_CHOICE, HOLD_SUM = 3, HOLD_PRODUCT, HOLD_SIGN, HOLD_ATOM };

typedef struct Printing Printing;

/* How an operation is printed. One that is a function of libm is a row here and nothing else in C; what --strict has in its place is in
 * c_same.c. */
typedef struct OpText {
    void (*print)(const Printing *p, const Expr *e);
    const char *name, *single;  /* of a function in double, and in float */
    const char *formula;        /* its name in formulas, where it is another */
    const char *symbol;         /* of an operator */
    int hold, left, right;      /* how tight it is, and what the operands of an operator need; choices of hold_of come first */
} OpText;

static void print_constant(const Printing *p, const Expr *e);
static void print_load(const Printing *p, const Expr *e);
static void print_place(const Printing *p, const Expr *e);
static void print_total(const Printing *p, const Expr *e);
static void print_random(const Printing *p, const Expr *e);
static void print_negative(const Printing *p, const Expr *e);
static void print_function(const Printing *p, const Expr *e);
static void print_operator(const Printing *p, const Expr *e);
static void print_extreme(const Printing *p, const Expr *e);
static void print_select(const Printing *p, const Expr *e);

static const OpText op_text[] = {
    [OP_CONSTANT] = { print_constant, .hold = HOLD_ATOM },
    [OP_LOAD]     = { print_load,     .hold = HOLD_ATOM },
    [OP_INDEX]    = { print_place,    .hold = HOLD_ATOM },
    [OP_TOTAL]    = { print_total,    .hold = HOLD_ATOM },
    [OP_RANDOM]   = { print_random,   .hold = HOLD_ATOM },
    [OP_NEG]      = { print_negative, .hold = HOLD_SIGN },
    [OP_ABS]      = { print_function, .name = "fabs",  .single = "fabsf",  .hold = HOLD_ATOM, .formula = "abs" },
    [OP_EXP]      = { print_function, .name = "exp",   .single = "expf",   .hold = HOLD_ATOM },
    [OP_LOG]      = { print_function, .name = "log",   .single = "logf",   .hold = HOLD_ATOM },
    [OP_LOG1P]    = { print_function, .name = "log1p", .single = "log1pf", .hold = HOLD_ATOM },
    [OP_SQRT]     = { print_function, .name = "sqrt",  .single = "sqrtf",  .hold = HOLD_ATOM },
    [OP_TANH]     = { print_function, .name = "tanh",  .single = "tanhf",  .hold = HOLD_ATOM },
    [OP_ERF]      = { print_function, .name = "erf",   .single = "erff",   .hold = HOLD_ATOM },
    [OP_ADD]      = { print_operator, .symbol = " + ", .hold = HOLD_SUM,     .left = HOLD_SUM,     .right = HOLD_PRODUCT },
    [OP_SUB]      = { print_operator, .symbol = " - ", .hold = HOLD_SUM,     .left = HOLD_SUM,     .right = HOLD_PRODUCT },
    [OP_MUL]      = { print_operator, .symbol = " * ", .hold = HOLD_PRODUCT, .left = HOLD_PRODUCT, .right = HOLD_SIGN },
    [OP_DIV]      = { print_operator, .symbol = " / ", .hold = HOLD_PRODUCT, .left = HOLD_PRODUCT, .right = HOLD_SIGN },
    [OP_MAX]      = { print_extreme,  .formula = "max", .symbol = " > ", .hold = HOLD_CHOICE },
    [OP_MIN]      = { print_extreme,  .formula = "min", .symbol = " < ", .hold = HOLD_CHOICE },
    [OP_SELECT_GT] = { print_select,  .symbol = " > ",  .hold = HOLD_CHOICE },
    [OP_SELECT_EQ] = { print_select,  .symbol = " == ", .hold = HOLD_CHOICE },
};

const char *c_function_of(Op op, RealType real)
{
    return real == REAL_FLOAT ? op_text[op].single : op_text[op].name;
}

bool expr_is_plain(const Expr *e)
{
    return e->op == OP_CONSTANT || e->op == OP_LOAD || e->op == OP_TOTAL || e->op == OP_INDEX
        || (e->op == OP_NEG && expr_is_plain(e->a));
}

/* max and min name their operands twice in C; where those are long, a function does it. */
static bool is_call(const Expr *e)
{
    return (e->op == OP_MAX || e->op == OP_MIN) && !(expr_is_plain(e->a) && expr_is_plain(e->b));
}

static int hold_of(const Scope *s, Form form, const Expr *e)
{
    if (e->op == OP_CONSTANT && e->number < 0)
        return HOLD_SIGN;
    if (e->op == OP_INDEX && form == FORM_FORMULA && !affine_is_simple(s, &e->index[0]))
        return HOLD_SUM;
    if ((e->op == OP_MAX || e->op == OP_MIN) && (form == FORM_FORMULA || is_call(e)))
        return HOLD_ATOM;
    return op_text[e->op].hold;
}

struct Printing {
    Text *t;
    const Scope *s;
    Form form;
    const char *total;
};

/* The local that holds this load, or NULL. */
static const char *held_name(const Scope *s, const Expr *load)
{
    for (int i = 0; i < s->held.count; i++)
        if (expr_equal(s->held.at[i].load, load))
            return s->held.at[i].name;
    return NULL;
}

static void print(const Printing *p, const Expr *e, int needs);

static void print_call(const Printing *p, const char *name, const Expr *a, const Expr *b)
{
    text_put(p->t, "%s(", name);
    print(p, a, HOLD_CHOICE);
    if (b) {
        text_put(p->t, ", ");
        print(p, b, HOLD_CHOICE);
    }
    text_put(p->t, ")");
}

/* `a > b ? c : d`; in a formula `c where a > b, else d`. */
static void print_choice(const Printing *p, const Expr *e, const Expr *then, const Expr *otherwise)
{
    const char *relation = op_text[e->op].symbol;

    if (p->form == FORM_C) {
        print(p, e->a, HOLD_SUM);
        text_put(p->t, "%s", relation);
        print(p, e->b, HOLD_SUM);
        text_put(p->t, " ? ");
        print(p, then, HOLD_SUM);
        text_put(p->t, " : ");
        print(p, otherwise, HOLD_CHOICE);
        return;
    }
    print(p, then, HOLD_SUM);
    text_put(p->t, " where ");
    print(p, e->a, HOLD_SUM);
    text_put(p->t, "%s", e->op == OP_SELECT_EQ ? " = " : relation);
    print(p, e->b, HOLD_SUM);
    text_put(p->t, ", else ");
    print(p, otherwise, HOLD_CHOICE);
}

/* True if the value differs from lane to lane. */
static bool is_lanes(const Printing *p, const Expr *e)
{
    if (!e)
        return false;
    if (e->op == OP_LOAD)
        return runs_over(e, p->s->lanes);
    if (e->op == OP_TOTAL)              /* lanes that were summed stand for neighbours, if any (c_sums.c) */
        return !c_sums_lanes(p->s->nest) || p->s->lanes != p->s->nest->loops[p->s->nest->loop_count - 1];
    return is_lanes(p, e->a) || is_lanes(p, e->b) || is_lanes(p, e->c) || is_lanes(p, e->d);
}

static void print_in_lanes(const Printing *p, const Expr *e)
{
    if (is_lanes(p, e)) {
        print(p, e, HOLD_SUM);
        return;
    }
    text_put(p->t, "(%s){ 0 } + ", p->s->file->lanes);
    print(p, e, HOLD_PRODUCT);
}

/* CHOOSE16(a > b, c, d): for every lane what its own comparison says. C has no choice between vectors. */
static void print_lane_choice(const Printing *p, const Expr *e, const Expr *then, const Expr *otherwise)
{
    if (!is_lanes(p, e)) {
        print_choice(p, e, then, otherwise);
        return;
    }
    text_put(p->t, "%s(", c_choose(p->s->file));
    print_in_lanes(p, e->a);
    text_put(p->t, "%s", op_text[e->op].symbol);
    print_in_lanes(p, e->b);
    text_put(p->t, ", ");
    print_in_lanes(p, then);
    text_put(p->t, ", ");
    print_in_lanes(p, otherwise);
    text_put(p->t, ")");
}

static void print_index(const Printing *p, const Affine *a)
{
    bool simple = affine_is_simple(p->s, a);

    if (p->form == FORM_C)
        text_put(p->t, simple ? "(%s)" : "(%s)(", p->s->real);
    c_affine(p->t, p->s, a);
    if (p->form == FORM_C && !simple)
        text_put(p->t, ")");
}

/* uniform(draw, stream, image, element), the last two as unsigned numbers of 32 bits. */
static void print_random(const Printing *p, const Expr *e)
{
    if (p->form == FORM_FORMULA) {
        text_put(p->t, "uniform(");
        c_affine(p->t, p->s, &e->index[1]);
        text_put(p->t, ")");
        return;
    }
    p->s->file->needs.op[OP_RANDOM] = true;
    text_put(p->t, "uniform(draw, %.0f", e->number);
    for (int i = 0; i < 2; i++) {
        bool simple = affine_is_simple(p->s, &e->index[i]);
        Text *index = text_new(p->t->arena);
        c_affine(index, p->s, &e->index[i]);
        if (strspn(index->at, "0123456789") == index->length)
            text_put(p->t, ", %s", index->at);
        else
            text_put(p->t, simple ? ", (uint32_t)%s" : ", (uint32_t)(%s)", index->at);
    }
    text_put(p->t, ")");
}

static void print_constant(const Printing *p, const Expr *e)
{
    CFile *f = p->s->file;

    if (p->form == FORM_FORMULA) {
        formula_number(p->t, p->s, e->number);
        return;
    }
    text_put(p->t, "%s", c_number(p->t->arena, e->number, f->u->options.real));
    f->needs.infinity |= !isfinite(e->number);
}

static void print_load(const Printing *p, const Expr *e)
{
    if (p->form == FORM_C && held_name(p->s, e)) {
        text_put(p->t, "%s", held_name(p->s, e));
        return;
    }
    if (p->form == FORM_C && p->s->lanes && runs_over(e, p->s->lanes))
        text_put(p->t, "*(const %s_at *)&", p->s->file->lanes);
    c_load(p->t, p->s, p->form, e);
}

static void print_place(const Printing *p, const Expr *e) { print_index(p, &e->index[0]); }
static void print_total(const Printing *p, const Expr *e) { (void)e; text_put(p->t, "%s", p->total); }

static void print_negative(const Printing *p, const Expr *e)
{
    text_put(p->t, "-");
    print(p, e->a, HOLD_ATOM);
}

static void print_function(const Printing *p, const Expr *e)
{
    const OpText *op = &op_text[e->op];

    if (p->form == FORM_C && p->s->lanes && is_lanes(p, e)) {
        print_call(p, c_function_of_lanes(p->s->file, e->op), e->a, NULL);
        return;
    }
    if (p->form == FORM_C && e->op == OP_EXP && nest_takes_exp_of_libm(p->s->file->u, p->s->nest)) {
        p->s->file->needs.exp_of_libm = true;
        print_call(p, c_function_of(OP_EXP, p->s->file->u->options.real), e->a, NULL);
        return;
    }
    p->s->file->needs.op[e->op] |= p->form == FORM_C;
    print_call(p, p->form == FORM_C ? c_function_in(p->s->file, e->op) : op->formula ? op->formula : op->name, e->a, NULL);
}

static void print_operator(const Printing *p, const Expr *e)
{
    print(p, e->a, op_text[e->op].left);
    text_put(p->t, "%s", op_text[e->op].symbol);
    print(p, e->b, op_text[e->op].right);
}

static void print_extreme(const Printing *p, const Expr *e)
{
    if (p->form == FORM_C && p->s->lanes && is_lanes(p, e)) {
        text_put(p->t, "%s(", c_extreme(p->s->file, e->op == OP_MAX));
        print_in_lanes(p, e->a);
        text_put(p->t, ", ");
        print_in_lanes(p, e->b);
        text_put(p->t, ")");
    } else if (p->form == FORM_C && p->s->lanes) {
        print_choice(p, e, e->a, e->b);
    } else if (p->form == FORM_FORMULA) {
        print_call(p, op_text[e->op].formula, e->a, e->b);
    } else if (is_call(e)) {
        p->s->file->needs.op[e->op] = true;
        print_call(p, e->op == OP_MAX ? "larger" : "smaller", e->a, e->b);
    } else {
        print_choice(p, e, e->a, e->b);
    }
}

static void print_select(const Printing *p, const Expr *e)
{
    if (p->form == FORM_C && p->s->lanes)
        print_lane_choice(p, e, e->c, e->d);
    else
        print_choice(p, e, e->c, e->d);
}

static void print(const Printing *p, const Expr *e, int needs)
{
    bool parentheses = hold_of(p->s, p->form, e) < needs;

    if (parentheses)
        text_put(p->t, "(");
    op_text[e->op].print(p, e);
    if (parentheses)
        text_put(p->t, ")");
}

void c_expr(Text *t, const Scope *s, Form form, const Expr *e, const char *total)
{
    Printing p = { t, s, form, total };
    print(&p, e, HOLD_CHOICE);
}

const char *c_code(const Scope *s, const Expr *e)
{
    Text *t = text_new(s->file->u->arena);
    c_expr(t, s, FORM_C, e, s->total);
    return t->at;
}

const char *c_place(const Scope *s, const Tensor *tensor, const Affine *index)
{
    Text *t = text_new(s->file->u->arena);
    c_element(t, s, FORM_C, tensor, index);
    return t->at;
}

/* ---- expressions made here */

Expr *expr_joined(Arena *arena, Put put, const Expr *a, const Expr *b)
{
    Expr *e = ARENA_NEW(arena, Expr);

    if (put == PUT_SET || (put == PUT_ADD && a->op == OP_CONSTANT && a->number == 0)) {
        *e = *b;
        return e;
    }
    if (put == PUT_ADD)
        *e = (Expr){ .op = OP_ADD, .a = (Expr *)a, .b = (Expr *)b };
    else                                        /* as in the loop: b > a ? b : a */
        *e = (Expr){ .op = put == PUT_MAX ? OP_MAX : OP_MIN, .a = (Expr *)b, .b = (Expr *)a };
    return e;
}

static Expr *put_total(void *context, Expr *e)
{
    return e->op == OP_TOTAL ? context : e;
}

Expr *expr_with_total(const Scope *s, const Expr *finish, const Expr *total)
{
    return expr_map(s->file->u, finish, put_total, (void *)total);
}

int expr_totals(const Expr *e)
{
    return !e ? 0 : (e->op == OP_TOTAL) + expr_totals(e->a) + expr_totals(e->b) + expr_totals(e->c) + expr_totals(e->d);
}

Expr *expr_of_dst(const Scope *s)
{
    Expr *e = ARENA_NEW(s->file->u->arena, Expr);

    *e = (Expr){ .op = OP_LOAD, .tensor = s->nest->dst };
    memcpy(e->index, s->nest->index, sizeof e->index);
    return e;
}
