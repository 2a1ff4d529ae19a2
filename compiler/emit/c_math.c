/* c_math.c: exp, tanh, erf and log1p for the fast style, without a branch and without a call, of one number and of all lanes of a vector. Those of
 * libm are called for one number after the other and take most of the time of a small network; only exp of few numbers is libm's (loops/lanes.h).
 *
 * Single precision; the polynomials of exp and tanh are those of the Cephes library (Moshier 1992). Those of erf and log1p were fitted so that the
 * largest error, relative to the function, is the smallest: by least squares, weighted anew until it is (Lawson 1961), with one coefficient after the
 * other rounded to a float, from the lowest. Their errors: erf near 0 2^-30.1, far from it 2^-28.3, log1p 2^-27.6. With what rounding
 * costs, errors are in docs/ARCHITECTURE.md: at most 1.34 units in the last place. In double libm is called. A vector gets the same operations in the
 * same statements as a number, so that compilers contract the same products and the bits are the same (tests/llvm/functions.c). */
#include "emit/c.h"

#include "loops/machine.h"

#include <assert.h>
#include <string.h>

/* A function for numbers and for vectors. Its lines are C but for some words. */
typedef struct LaneFunction {
    Op op;
    const char *number, *lanes, *macro;     /* what it is called: "exp_lane", "exp", "EXP" */
    const char *about;
    const char *const *lines;
    int count;
} LaneFunction;

/* What stands for what numbers and vectors write differently: types, functions, and [condition ? a : b], a choice, in which ALL stands before
 * constants. In what vectors write, % is the number of lanes. */
static const struct { const char *word, *number, *lanes; } words[] = {
    { "REAL ", "float ", "lanes% " },           { "NUMBER(", "number_of(", "(lanes%)(" },
    { "UINT ", "uint32_t ", "bits% " },         { "BITS(", "bits_of(", "(bits%)(" },
    { "ALL 0x", "0x", "(bits%){ 0 } + 0x" },    { "ALL ", "", "(lanes%){ 0 } + " },
    { "[", "", "CHOOSE%(" },                    { " ? ", " ? ", ", " },
    { " : ", " : ", ", " },                     { "]", "", ")" },
    { "EXP(", "exp_lane(", "EXP%(" },           { "return ", "return ", "*at = " },
};

static const char *const exp_lines[] = {
    "const REAL top = [x > 89.0f ? ALL 89.0f : x];    // from 88.72284 on, it is infinity",
    "const REAL whole = top * 1.44269504f + 12582912.0f;",
    "const REAL n = whole - 12582912.0f;    // to the nearest whole number",
    "const REAL r = (top - n * 0.693359375f) + n * 2.12194440e-4f;",
    "const REAL z = r * r;",
    "const REAL p = ((1.9875691500e-4f * r + 1.3981999507e-3f) * z",
    "                + (8.3334519073e-3f * r + 4.1665795894e-2f)) * z",
    "               + (1.6666665459e-1f * r + 5.0000001201e-1f);",
    "const REAL half = NUMBER((BITS(whole) + 126) << 23);    // 2^(n-1)",
    "const REAL y = (p * z + r + 1.0f) * half * 2.0f;",
    "return [x < -86.6f ? ALL 0.0f : y];    // less than 3e-38",
};

static const char *const tanh_lines[] = {
    "const REAL size = NUMBER(BITS(x) & 0x7fffffff), z = x * x;",
    "const REAL p = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z",
    "                  + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z * x + x;",
    "const REAL far = 1.0f - 2.0f / (EXP(2.0f * size) + 1.0f);",
    "return [size < 0.625f ? p : NUMBER(BITS(far) | (BITS(x) & 0x80000000))];",
};

static const char *const erf_lines[] = {
    "const REAL size = NUMBER(BITS(x) & 0x7fffffff), z = x * x;",
    "const REAL p = ((((((7.96431341e-5f * z - 8.04384821e-4f) * z + 5.19203208e-3f) * z",
    "                   - 2.68556383e-2f) * z + 1.12836249e-1f) * z - 3.76126289e-1f) * z",
    "                + 1.28379166e-1f) * x + x;",
    "const REAL top = [size > 4.0f ? ALL 4.0f : size];    // from 3.92 on, erf is 1",
    "const REAL q = (((((2.14423693e-4f * top - 3.21855233e-3f) * top + 2.29014456e-2f) * top",
    "                  - 1.05279684e-1f) * top - 6.35704815e-1f) * top - 1.12851834f) * top;",
    "const REAL far = 1.0f - EXP(q);",
    "return [size < 0.90625f ? p : NUMBER(BITS(far) | (BITS(x) & 0x80000000))];",
};

/* 1 + x rounds, but only n depends on it. x*s is exact, s being a power of two, so that contraction changes nothing. f is exact, too: where n is 0,
 * it is x, else neither of -x*s and s - 1 is more than twice the other (Sterbenz 1974), but for the float before 1/2, where 1 + x rounds to 3/2. Where
 * s - 1 rounds, n*log(2) is all that counts. */
static const char *const log1p_lines[] = {
    "const UINT e = (BITS(1.0f + x) + 0x400000) >> 23;    // n + 127",
    "const REAL n = NUMBER(e + 0x4b000000) - 8388735.0f;    // 2^23 + e, less 2^23 + 127",
    "const REAL s = NUMBER((256 - e) << 23) * 0.25f;    // 2^-n, which may be subnormal",
    "const REAL f = x * s + (s - 1.0f);",
    "const REAL z = f * f;",
    "const REAL p = (((-4.51522693e-2f * z + (1.0472551e-1f * f - 1.31639361e-1f)) * z",
    "                 + (1.447763e-1f * f - 1.66468784e-1f)) * z",
    "                + (1.9990848e-1f * f - 2.50001103e-1f)) * z + (3.33334506e-1f * f - 0.5f);",
    "const REAL y = n * 6.93147182e-1f + (p * z + f);",
    "const REAL none = NUMBER(ALL 0x7fc00000);    // not a number",
    "const REAL low = [x < -1.0f ? none : NUMBER(ALL 0xff800000)];    // at -1: -infinity",
    "return [x > 3.40282347e38f ? x : [x <= -1.0f ? low : y]];",
};

/* Those that call others stand behind them. */
static const LaneFunction all[] = {
    { OP_EXP, "exp_lane", "exp", "EXP",
      "exp without a branch: x = n*log(2) + r with |r| <= log(2)/2, and exp(x) = 2^n * exp(r). A number between 2^23 and 2^24 has no fraction: n "
      "stands in the last bits of `whole`.", exp_lines, countof(exp_lines) },
    { OP_TANH, "tanh_lane", "tanh", "TANH",
      "tanh without a branch: a polynomial near 0, else 1 - 2/(exp(2|x|) + 1) with the sign of x.", tanh_lines, countof(tanh_lines) },
    { OP_ERF, "erf_lane", "erf", "ERF",
      "erf without a branch: a polynomial near 0, else 1 - exp(q) with the sign of x, where the polynomial q is about log(1 - erf(|x|)).",
      erf_lines, countof(erf_lines) },
    { OP_LOG1P, "log1p_lane", "log1p", "LOG1P",
      "log1p without a branch: 1 + x = 2^n * (1 + f) with f from -1/4 to 1/2, and log(1 + x) = n*log(2) + log(1 + f), by a polynomial. A number "
      "between 2^23 and 2^24 has no fraction: e stands in its last bits.", log1p_lines, countof(log1p_lines) },
};

static const LaneFunction *function_for(Op op)
{
    for (int i = 0; i < countof(all); i++)
        if (all[i].op == op)
            return &all[i];
    return NULL;
}

/* True if the function is called where these are, or by one of them; NULL: any. */
static bool is_called(const LaneFunction *function, const bool op[])
{
    for (int i = 0; i < countof(all); i++)
        if (op[all[i].op] && (!function || function == &all[i] || (function->op == OP_EXP && all[i].op != OP_LOG1P)))
            return true;
    return false;
}

static void put_about(CFile *f, const char *about)
{
    text_blank(f->t);
    put_paragraph(f->t, "/* ", about, 0);
    put_comment_end(f->t);
}

/* The lines for vectors of so many lanes, or for one number. */
static void put_lines(Text *t, const LaneFunction *function, int lanes)
{
    for (int i = 0; i < function->count; i++) {
        text_indent(t);
        for (const char *c = function->lines[i]; *c; ) {
            int w = 0;
            while (w < countof(words) && strncmp(c, words[w].word, strlen(words[w].word)) != 0)
                w++;
            if (w == countof(words)) {
                text_bytes(t, c++, 1);
                continue;
            }
            for (const char *of = lanes > 1 ? words[w].lanes : words[w].number; *of; of++)
                if (*of == '%')
                    text_put(t, "%d", lanes);
                else
                    text_bytes(t, of, 1);
            c += strlen(words[w].word);
        }
        text_put(t, "\n");
    }
}

/* ---- of one number */

const char *c_function_in(const CFile *f, Op op)
{
    const Options *o = &f->u->options;

    if (o->style == STYLE_FAST && o->real == REAL_FLOAT && function_for(op))
        return function_for(op)->number;
    if (o->strict && o->real == REAL_FLOAT && c_same_function(op))
        return c_same_function(op);
    return c_function_of(op, f->u->options.real);
}

static void put_number(CFile *f, const LaneFunction *function)
{
    put_about(f, function->about);
    text_line(f->t, "static inline float %s(float x)", function->number);
    text_open(f->t, "{");
    put_lines(f->t, function, 1);
    text_close(f->t, "}");
}

static void put_bits(CFile *f)
{
    put_about(f, "A number and its bits.");
    text_line(f->t, "static inline uint32_t bits_of(float x)");
    text_open(f->t, "{");
    text_line(f->t, "const union { float number; uint32_t bits; } u = { x };");
    text_line(f->t, "return u.bits;");
    text_close(f->t, "}");
    text_blank(f->t);
    text_line(f->t, "static inline float number_of(uint32_t bits)");
    text_open(f->t, "{");
    text_line(f->t, "const union { uint32_t bits; float number; } u = { bits };");
    text_line(f->t, "return u.number;");
    text_close(f->t, "}");
}

/* One of the functions, or NULL: what all of them need; in a file for several machines only where one of them calls it. */
static void put_where_called(CFile *f, const LaneFunction *function)
{
    CFile **variant;
    int count = c_variants(f, &variant);
    bool *called = arena_array(f->u->arena, (size_t)count, sizeof *called);
    const char *condition = NULL;

    if (!is_called(function, f->needs.op))
        return;
    for (int v = 0; v < count; v++)
        called[v] = is_called(function, variant[v]->needs.op);
    if (f->variants && !is_called(function, f->own.op))
        condition = c_condition_where(f, called);
    if (condition)
        text_put(f->t, "\n#if %s", condition);
    if (function)
        put_number(f, function);
    else
        put_bits(f);
    if (condition)
        text_line(f->t, "#endif");
}

void c_math(CFile *f)
{
    if (f->u->options.strict && f->u->options.real == REAL_FLOAT)
        c_same(f);
    if (f->u->options.style != STYLE_FAST || f->u->options.real != REAL_FLOAT)
        return;
    put_where_called(f, NULL);
    for (int i = 0; i < countof(all); i++)
        put_where_called(f, &all[i]);
}

/* ---- every lane of a vector */

static int lanes_of(const CFile *f)
{
    return machine_lanes(f->u->options.machine, f->u->options.real);
}

/* The function NAME_lanes8 and NAME8(x) in capitals, which calls it. What it takes is at `at`, and so is the result: which registers vectors are
 * handed over in is another question for every option of a compiler, and compilers warn of it. */
static void open_lanes(CFile *f, const char *name)
{
    text_line(f->t, "%sstatic inline %s *%s_%s(%s *at)", f->suffix[0] ? "MACHINE " : "", f->lanes, name, f->lanes, f->lanes);
    text_open(f->t, "{");
}

static void close_lanes(CFile *f, const char *name, const char *macro)
{
    text_line(f->t, "return at;");
    text_close(f->t, "}");
    text_line(f->t, "#define %s%d(x) (*%s_%s(&(struct held%d){ x }.at))", macro, lanes_of(f), name, f->lanes, lanes_of(f));
}

static void put_lanes(CFile *f, const LaneFunction *function)
{
    put_about(f, arena_print(f->u->arena, "Of %d numbers: %s", lanes_of(f), function->about));
    open_lanes(f, function->lanes);
    text_line(f->t, "const %s x = *at;", f->lanes);
    put_lines(f->t, function, lanes_of(f));
    close_lanes(f, function->lanes, function->macro);
}

/* Compilers compute the root of all lanes at once where they need not set errno. */
static void put_sqrt_lanes(CFile *f)
{
    text_blank(f->t);
    open_lanes(f, "sqrt");
    text_line(f->t, "for (int i = 0; i < %d; i++)", lanes_of(f));
    text_line(f->t, "    (*at)[i] = %s((*at)[i]);", c_function_of(OP_SQRT, f->u->options.real));
    close_lanes(f, "sqrt", "SQRT");
}

static void put_abs_lanes(CFile *f)
{
    const char *all_but_sign = f->u->options.real == REAL_DOUBLE ? "0x7fffffffffffffff" : "0x7fffffff";

    text_line(f->t, "#define ABS%d(x) ((%s)((bits%d)(x) & %s))", lanes_of(f), f->lanes, lanes_of(f), all_but_sign);
}

const char *c_function_of_lanes(CFile *f, Op op)
{
    const LaneFunction *function = function_for(op);
    bool single = lanes_of(f) == 1;

    f->needs.op[op] |= single || op == OP_SQRT;
    f->needs.op_in_lanes[op] = true;
    f->needs.choose |= function != NULL;
    if (single)
        return c_function_in(f, op);
    assert(function || op == OP_ABS || op == OP_SQRT);      /* fast.c asks for no other */
    return arena_print(f->u->arena, "%s%d", function ? function->macro : op == OP_ABS ? "ABS" : "SQRT", lanes_of(f));
}

void c_math_of_lanes(CFile *f)
{
    const bool *op = f->needs.op_in_lanes;
    int bytes = f->u->options.machine->vector_bytes, count = lanes_of(f);

    if (count == 1 || (!op[OP_ABS] && !op[OP_SQRT] && !is_called(NULL, op)))
        return;
    text_line(f->t, "/* The bits of its numbers; and a vector in memory, where functions find it. */");
    text_line(f->t, "typedef uint%d_t bits%d __attribute__((vector_size(%d)));", 8 * bytes / count, count, bytes);
    text_line(f->t, "struct held%d { %s at; };", count, f->lanes);
    if (op[OP_ABS])
        put_abs_lanes(f);
    if (op[OP_SQRT])
        put_sqrt_lanes(f);
    for (int i = 0; i < countof(all); i++)
        if (is_called(&all[i], op))
            put_lanes(f, &all[i]);
}
