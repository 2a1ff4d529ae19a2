/* c_math.c: exp and tanh for the fast style, without a branch and without a call, of one number and of all lanes of a vector. Those of libm are
 * called for one number after the other and take most of the time of a small network.
 *
 * Single precision; the polynomials are those of the Cephes library (Moshier 1992). Their error is in docs/ARCHITECTURE.md:
 * at most 1.0 and 1.3 units in the last place. In double libm is called. A vector gets the same operations in the same statements as a number, so
 * that compilers contract the same products and the bits are the same (tests/llvm/functions.c): a single image is computed as in a tile of many. */
#include "emit/c.h"

#include "loops/machine.h"

#include <assert.h>

static const char about_exp[] = "exp without a branch: x = n*log(2) + r with |r| <= log(2)/2, and exp(x) = 2^n * exp(r). A number between 2^23 and "
                                "2^24 has no fraction: n stands in the last bits of `whole`.";
static const char about_tanh[] = "tanh without a branch: a polynomial near 0, else 1 - 2/(exp(2|x|) + 1) with the sign of x.";

static void put_about(CFile *f, const char *about)
{
    text_blank(f->t);
    put_paragraph(f->t, "/* ", about, 0);
    put_comment_end(f->t);
}

static void put_lines(CFile *f, const char *const *lines, int count)
{
    for (int i = 0; i < count; i++)
        text_line(f->t, "%s", lines[i]);
}

#define PUT_LINES(f, lines) put_lines(f, lines, countof(lines))

static void put_exp(CFile *f)
{
    static const char *const lines[] = {
        "static inline float exp_lane(float x)",
        "{",
        "    const float top = x > 89.0f ? 89.0f : x;                // from 88.72284 on, it is infinity",
        "    const union { float number; uint32_t bits; } whole = { top * 1.44269504f + 12582912.0f };",
        "    const float n = whole.number - 12582912.0f;             // to the nearest whole number",
        "    const float r = (top - n * 0.693359375f) + n * 2.12194440e-4f;",
        "    const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r",
        "                      + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;",
        "    const union { uint32_t bits; float number; } half = { (whole.bits + 126) << 23 };    // 2^(n-1)",
        "    const float y = (p * r * r + r + 1.0f) * half.number * 2.0f;",
        "    return x < -86.6f ? 0.0f : y;                           // less than 3e-38",
        "}",
    };
    put_about(f, about_exp);
    PUT_LINES(f, lines);
}

static void put_tanh(CFile *f)
{
    static const char *const lines[] = {
        "static inline float tanh_lane(float x)",
        "{",
        "    const float size = x < 0.0f ? -x : x, z = x * x;",
        "    const float p = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z",
        "                      + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z * x + x;",
        "    const float far = 1.0f - 2.0f / (exp_lane(2.0f * size) + 1.0f);",
        "    return size < 0.625f ? p : x < 0.0f ? -far : far;",
        "}",
    };
    put_about(f, about_tanh);
    PUT_LINES(f, lines);
}

const char *c_function_in(const CFile *f, Op op)
{
    const Options *o = &f->u->options;
    bool lanes = o->style == STYLE_FAST && o->real == REAL_FLOAT;

    if (lanes && op == OP_EXP)
        return "exp_lane";
    if (lanes && op == OP_TANH)
        return "tanh_lane";
    if (o->strict && o->real == REAL_FLOAT && c_same_function(op))
        return c_same_function(op);
    return c_function_of(op, f->u->options.real);
}

/* One of the functions, in a file for several machines only where one of them calls it. */
static void put_where_called(CFile *f, bool (*calls)(const bool op[]), void (*put)(CFile *f))
{
    CFile **variant;
    int count = c_variants(f, &variant);
    bool *called = arena_array(f->u->arena, (size_t)count, sizeof *called);
    const char *condition = NULL;

    if (!calls(f->needs.op))
        return;
    for (int v = 0; v < count; v++)
        called[v] = calls(variant[v]->needs.op);
    if (f->variants && !calls(f->own.op))
        condition = c_condition_where(f, called);
    if (condition)
        text_put(f->t, "\n#if %s", condition);
    put(f);
    if (condition)
        text_line(f->t, "#endif");
}

static bool calls_exp(const bool op[])  { return op[OP_EXP] || op[OP_TANH]; }
static bool calls_tanh(const bool op[]) { return op[OP_TANH]; }

void c_math(CFile *f)
{
    if (f->u->options.strict && f->u->options.real == REAL_FLOAT)
        c_same(f);
    if (f->u->options.style != STYLE_FAST || f->u->options.real != REAL_FLOAT)
        return;
    put_where_called(f, calls_exp, put_exp);
    put_where_called(f, calls_tanh, put_tanh);
}

/* ---- every lane of a vector */

static int lanes_of(const CFile *f)
{
    return machine_lanes(f->u->options.machine, f->u->options.real);
}

/* The function NAME_lanes8 and NAME8(x) in capitals, which calls it. What it takes is at `at`, and so is the result: which registers vectors are
 * handed over in is another question for every option of a compiler, and compilers warn of it. In the lines % stands for the number of lanes. */
static void put_function(CFile *f, const char *about, const char *name, const char *macro, const char *const *lines, int count)
{
    Text *t = f->t;
    int lanes = lanes_of(f);

    put_about(f, arena_print(f->u->arena, "Of %d numbers: %s", lanes, about));
    text_line(t, "%sstatic inline %s *%s_%s(%s *at)", f->suffix[0] ? "MACHINE " : "", f->lanes, name, f->lanes, f->lanes);
    text_open(t, "{");
    for (int i = 0; i < count; i++) {
        text_indent(t);
        for (const char *c = lines[i]; *c; c++)
            if (*c == '%')
                text_put(t, "%d", lanes);
            else
                text_bytes(t, c, 1);
        text_put(t, "\n");
    }
    text_line(t, "return at;");
    text_close(t, "}");
    text_line(t, "#define %s%d(x) (*%s_%s(&(struct held%d){ x }.at))", macro, lanes, name, f->lanes, lanes);
}

static void put_exp_lanes(CFile *f)
{
    static const char *const lines[] = {
        "const lanes% x = *at;",
        "const lanes% top = CHOOSE%(x > 89.0f, (lanes%){ 0 } + 89.0f, x);",
        "const lanes% whole = top * 1.44269504f + 12582912.0f;",
        "const lanes% n = whole - 12582912.0f;",
        "const lanes% r = (top - n * 0.693359375f) + n * 2.12194440e-4f;",
        "const lanes% p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r",
        "                  + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;",
        "const lanes% half = (lanes%)(((bits%)whole + 126) << 23);",
        "const lanes% y = (p * r * r + r + 1.0f) * half * 2.0f;",
        "*at = (lanes%)(~(x < -86.6f) & (masks%)y);",
    };
    put_function(f, about_exp, "exp", "EXP", lines, countof(lines));
}

static void put_tanh_lanes(CFile *f)
{
    static const char *const lines[] = {
        "const lanes% x = *at;",
        "const lanes% size = (lanes%)((bits%)x & 0x7fffffff), z = x * x;",
        "const lanes% p = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z",
        "                  + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z * x + x;",
        "const lanes% far = 1.0f - 2.0f / (EXP%(2.0f * size) + 1.0f);",
        "*at = CHOOSE%(size < 0.625f, p, (lanes%)((bits%)far | ((bits%)x & 0x80000000)));",
    };
    put_function(f, about_tanh, "tanh", "TANH", lines, countof(lines));
}

/* Compilers compute the root of all lanes at once where they need not set errno. */
static void put_sqrt_lanes(CFile *f)
{
    text_blank(f->t);
    text_line(f->t, "%sstatic inline %s *sqrt_%s(%s *at)", f->suffix[0] ? "MACHINE " : "", f->lanes, f->lanes, f->lanes);
    text_open(f->t, "{");
    text_line(f->t, "for (int i = 0; i < %d; i++)", lanes_of(f));
    text_line(f->t, "    (*at)[i] = %s((*at)[i]);", c_function_of(OP_SQRT, f->u->options.real));
    text_line(f->t, "return at;");
    text_close(f->t, "}");
    text_line(f->t, "#define SQRT%d(x) (*sqrt_%s(&(struct held%d){ x }.at))", lanes_of(f), f->lanes, lanes_of(f));
}

static void put_abs_lanes(CFile *f)
{
    const char *all_but_sign = f->u->options.real == REAL_DOUBLE ? "0x7fffffffffffffff" : "0x7fffffff";

    text_line(f->t, "#define ABS%d(x) ((%s)((bits%d)(x) & %s))", lanes_of(f), f->lanes, lanes_of(f), all_but_sign);
}

/* Those that call others stand behind them. */
static const struct { Op op; const char *macro; void (*put)(CFile *f); } of_lanes[] = {
    { OP_ABS, "ABS", put_abs_lanes }, { OP_SQRT, "SQRT", put_sqrt_lanes }, { OP_EXP, "EXP", put_exp_lanes }, { OP_TANH, "TANH", put_tanh_lanes },
};

const char *c_function_of_lanes(CFile *f, Op op)
{
    bool single = lanes_of(f) == 1;

    f->needs.op[op] |= single || op == OP_SQRT;
    f->needs.op_in_lanes[op] = true;
    f->needs.choose |= op == OP_EXP || op == OP_TANH;
    for (int i = 0; i < countof(of_lanes) && !single; i++)
        if (of_lanes[i].op == op)
            return arena_print(f->u->arena, "%s%d", of_lanes[i].macro, lanes_of(f));
    assert(single);                                         /* fast.c asks for no other */
    return c_function_in(f, op);
}

void c_math_of_lanes(CFile *f)
{
    const bool *op = f->needs.op_in_lanes;
    int bytes = f->u->options.machine->vector_bytes, count = lanes_of(f);

    if (count == 1 || (!op[OP_ABS] && !op[OP_SQRT] && !op[OP_EXP] && !op[OP_TANH]))
        return;
    f->needs.op_in_lanes[OP_EXP] |= op[OP_TANH];
    text_line(f->t, "/* The bits of its numbers; and a vector in memory, where functions find it. */");
    text_line(f->t, "typedef uint%d_t bits%d __attribute__((vector_size(%d)));", 8 * bytes / count, count, bytes);
    text_line(f->t, "struct held%d { %s at; };", count, f->lanes);
    for (int i = 0; i < countof(of_lanes); i++)
        if (op[of_lanes[i].op])
            of_lanes[i].put(f);
}
