/* c_math.c: exp and tanh for the fast style, without a branch and without a call, so that C compilers compute them for all images of
 * a tile side by side. Those of libm are called for one number after the other and take most of the time of a small network.
 *
 * Single precision; the polynomials are those of the Cephes library (Moshier 1992). Their error is in docs/ARCHITECTURE.md:
 * at most 1.0 and 1.3 units in the last place. In double libm is called. */
#include "emit/c.h"

static void put_exp(CFile *f)
{
    Text *t = f->t;

    text_blank(t);
    text_line(t, "/* exp without a branch: x = n*log(2) + r with |r| <= log(2)/2, and exp(x) = 2^n * exp(r). */");
    text_line(t, "static inline float exp_lane(float x)");
    text_open(t, "{");
    text_line(t, "const float low = x < -86.6f ? -86.6f : x;              // below, it is 0 (less than 3e-38)");
    text_line(t, "const float top = low > 88.72284f ? 88.72284f : low;    // above is infinity: x * 3e38");
    text_line(t, "const float n = (top * 1.44269504f + 12582912.0f) - 12582912.0f;    // to the nearest whole number");
    text_line(t, "const float r = (top - n * 0.693359375f) + n * 2.12194440e-4f;");
    text_line(t, "const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r");
    text_line(t, "                  + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;");
    text_line(t, "union { int32_t bits; float number; } half = { ((int32_t)n + 126) << 23 };    // 2^(n-1)");
    text_line(t, "const float y = (p * r * r + r + 1.0f) * half.number * 2.0f;");
    text_line(t, "return x > 88.72284f ? x * 3.0e38f : x < -86.6f ? 0.0f : x == x ? y : x;");
    text_close(t, "}");
}

static void put_tanh(CFile *f)
{
    Text *t = f->t;

    text_blank(t);
    text_line(t, "/* tanh without a branch: a polynomial near 0, else 1 - 2/(exp(2|x|) + 1) with the sign of x. */");
    text_line(t, "static inline float tanh_lane(float x)");
    text_open(t, "{");
    text_line(t, "const float size = x < 0.0f ? -x : x, z = x * x;");
    text_line(t, "const float p = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z");
    text_line(t, "                  + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z * x + x;");
    text_line(t, "const float far = 1.0f - 2.0f / (exp_lane(2.0f * size) + 1.0f);");
    text_line(t, "return size < 0.625f ? p : x < 0.0f ? -far : far;");
    text_close(t, "}");
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

void c_math(CFile *f)
{
    if (f->u->options.strict && f->u->options.real == REAL_FLOAT)
        c_same(f);
    if (f->u->options.style != STYLE_FAST || f->u->options.real != REAL_FLOAT)
        return;
    if (f->needs.op[OP_EXP] || f->needs.op[OP_TANH])
        put_exp(f);
    if (f->needs.op[OP_TANH])
        put_tanh(f);
}
