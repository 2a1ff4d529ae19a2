/* c_same.c: --strict: exp, log, log1p, tanh and erf of floats as functions of the file itself, so that every compiler and every math library
 * gives the same bits.
 *
 * They compute in double, by series that need nothing but + - * /, and round once at the end; the series go so far that the rest is
 * lost in that rounding. Their error, measured over all floats, is in docs/ARCHITECTURE.md. llvm_math.c makes the same functions,
 * operation for operation. In double the math library is called. */
#include "emit/c.h"

/* A function's text, line by line; an empty line is blank. */
static void put_lines(CFile *f, const char *const *lines, int count)
{
    text_blank(f->t);
    for (int i = 0; i < count; i++)
        text_put(f->t, "%s\n", lines[i]);
}

#define PUT_LINES(f, lines) put_lines(f, lines, countof(lines))

static void put_exp_less(CFile *f)
{
    static const char *const lines[] = {
        "/* e^x - c with c 0 or 1, for |x| up to 700: x = n*log(2) + r with |r| <= log(2)/2, so e^x = 2^n * e^r,",
        " * and e^r - 1 = r + r^2/2! + r^3/3! + ... = r * (1 + r/2 * (1 + r/3 * (1 + ...))). */",
        "static double exp_less(double c, double x)",
        "{",
        "    const double n = (x * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;    // whole",
        "    const double r = x - n * 0.6931471805599453;",
        "    union { int64_t bits; double number; } power = { ((int64_t)n + 1023) << 52 };    // 2^n",
        "    double sum = 1.0;",
        "",
        "    for (int k = 13; k > 1; k--)",
        "        sum = 1.0 + sum * r * (1.0 / k);",
        "    return power.number * (r * sum) + (power.number - c);",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_exp(CFile *f)
{
    static const char *const lines[] = {
        "static float same_exp(float x)",
        "{",
        "    const double y = x > 89.0f ? 89.0 : x > -104.0f ? (double)x : -104.0;    // beyond is infinity, or 0",
        "",
        "    return x == x ? (float)exp_less(0.0, y) : x;",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_tanh(CFile *f)
{
    static const char *const lines[] = {
        "/* tanh(x) = (e^2x - 1) / (e^2x + 1) */",
        "static float same_tanh(float x)",
        "{",
        "    const double y = x > 10.0f ? 10.0 : x > -10.0f ? (double)x : -10.0;    // beyond is 1, or -1",
        "    const double t = exp_less(1.0, 2.0 * y);",
        "",
        "    return x == x ? (float)(t / (t + 2.0)) : x;",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_log_of(CFile *f)
{
    static const char *const lines[] = {
        "/* log(x) for 0 < x < infinity: x = 2^e * m with m between the roots of 1/2 and 2, and with",
        " * s = (m - 1)/(m + 1): log(m) = 2 * (s + s^3/3 + s^5/5 + ...). */",
        "static double log_of(double x)",
        "{",
        "    union { double number; int64_t bits; } m = { x };",
        "    int64_t e = (m.bits >> 52) - 1023;",
        "",
        "    m.bits = (m.bits & 0xfffffffffffff) | 0x3ff0000000000000;",
        "    e += m.number > 1.4142135623730951;",
        "    m.number = m.number > 1.4142135623730951 ? m.number * 0.5 : m.number;",
        "    const double s = (m.number - 1.0) / (m.number + 1.0), z = s * s;",
        "    double sum = 1.0 / 21;",
        "",
        "    for (int k = 19; k > 0; k -= 2)",
        "        sum = 1.0 / k + sum * z;",
        "    return (double)e * 0.6931471805599453 + 2.0 * s * sum;",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_log(CFile *f)
{
    static const char *const lines[] = {
        "static float same_log(float x)",
        "{",
        "    const int inside = x > 0.0f && x <= 3.40282347e38f;",
        "    const double log = log_of(inside ? (double)x : 1.0);",
        "    const float outside = x == 0.0f ? -1.0f / (x * x) : x > 0.0f ? x : (x - x) / (x - x);",
        "",
        "    return inside ? (float)log : outside;",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_log1p(CFile *f)
{
    static const char *const lines[] = {
        "/* log(1 + x), where 1 + x is exact or a little off, by which the quotient makes up for it. */",
        "static float same_log1p(float x)",
        "{",
        "    const int inside = x > -1.0f && x <= 3.40282347e38f;",
        "    const double one = 1.0, above = one + (inside ? (double)x : 0.0), step = above - one;",
        "    const double log = step == 0.0 ? (double)x : log_of(above) * ((double)x / step);",
        "    const float outside = x == -1.0f ? -1.0f / ((x + 1.0f) * (x + 1.0f)) : x > 0.0f ? x : (x - x) / (x - x);",
        "",
        "    return inside ? (float)log : outside;",
        "}",
    };
    PUT_LINES(f, lines);
}

static void put_erf(CFile *f)
{
    static const char *const lines[] = {
        "/* erf(x) = 2/sqrt(pi) * e^(-x^2) * (x + 2x^3/3 + 4x^5/(3*5) + 8x^7/(3*5*7) + ...) */",
        "static float same_erf(float x)",
        "{",
        "    const double y = x > 4.0f ? 4.0 : x > -4.0f ? (double)x : -4.0;    // beyond is 1, or -1",
        "    double term = y, sum = y;",
        "",
        "    for (int k = 3; k < 103; k += 2) {",
        "        term = term * (y * y) * (2.0 / k);",
        "        sum = sum + term;",
        "    }",
        "    return x == x ? (float)(1.1283791670955126 * exp_less(0.0, -(y * y)) * sum) : x;",
        "}",
    };
    PUT_LINES(f, lines);
}

static const struct { Op op; const char *name; void (*put)(CFile *f); } all[] = {
    { OP_EXP, "same_exp", put_exp }, { OP_TANH, "same_tanh", put_tanh }, { OP_LOG, "same_log", put_log },
    { OP_LOG1P, "same_log1p", put_log1p }, { OP_ERF, "same_erf", put_erf },
};

const char *c_same_function(Op op)
{
    for (int i = 0; i < countof(all); i++)
        if (all[i].op == op)
            return all[i].name;
    return NULL;
}

/* Those of the functions that are called. */
void c_same(CFile *f)
{
    bool called[OP_SELECT_EQ + 1] = { false };

    for (int i = 0; i < countof(all); i++)
        called[all[i].op] = f->needs.op[all[i].op] && c_function_in(f, all[i].op) == c_same_function(all[i].op);
    if (called[OP_EXP] || called[OP_TANH] || called[OP_ERF])
        put_exp_less(f);
    if (called[OP_LOG] || called[OP_LOG1P])
        put_log_of(f);
    for (int i = 0; i < countof(all); i++)
        if (called[all[i].op])
            all[i].put(f);
}

/* Right behind the includes: no product and sum in one operation. */
void c_no_contraction(CFile *f)
{
    text_line(f->t, "#if defined(__GNUC__) && !defined(__clang__)");
    text_line(f->t, "#pragma GCC optimize(\"fp-contract=off\")");
    text_line(f->t, "#else");
    text_line(f->t, "#pragma STDC FP_CONTRACT OFF");
    text_line(f->t, "#endif");
}
