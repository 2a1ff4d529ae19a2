/* reals.c: the loops of reals.h. Compiled once with REAL float, BITS uint32_t, REALS cnn_reals_float, and once for double.
 *
 * The rules of the optimizers stand here with the other loops; formulas as in LANGUAGE.md, "sgd". Numbers are worked out in
 * double and rounded once, as PyTorch does. */
#include "reals.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double get(const void *from, size_t i)
{
    return (double)((const REAL *)from)[i];
}

static void set(void *to, size_t i, double value)
{
    ((REAL *)to)[i] = (REAL)value;
}

static void fill(void *to, double value, size_t count)
{
    REAL *y = to, v = (REAL)value;
    for (size_t i = 0; i < count; i++)
        y[i] = v;
}

static void from_bytes(void *to, const uint8_t *from, size_t count)
{
    REAL *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = (REAL)from[i];
}

static void from_floats(void *to, const float *from, size_t count)
{
    REAL *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = (REAL)from[i];
}

static void from_doubles(void *to, const double *from, size_t count)
{
    REAL *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = (REAL)from[i];
}

static void add(void *to, const void *from, size_t count)
{
    REAL *restrict y = to;
    const REAL *restrict x = from;
    for (size_t i = 0; i < count; i++)
        y[i] += x[i];
}

static void sum(double *to, const void *from, size_t count)
{
    const REAL *x = from;
    for (size_t i = 0; i < count; i++)
        to[i] += (double)x[i];
}

static double squares(const void *from, size_t count)
{
    const REAL *x = from;
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += (double)x[i] * (double)x[i];
    return total;
}

typedef BITS Bits;

static inline Bits bits_of(REAL x)
{
    Bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The highest bit is set if x is infinite or no number: then all bits of the exponent are, and one more of them carries over. */
static inline Bits broken(REAL x)
{
    const int mantissa = sizeof(REAL) == 8 ? 52 : 23;
    return (bits_of(x) & (Bits)-1 >> 1) + ((Bits)1 << mantissa);
}

static inline bool is_clear(Bits found)
{
    return !(found >> (8 * sizeof found - 1));
}

static bool finite_all(const void *from, size_t count)
{
    const REAL *x = from;
    Bits found = 0;
    for (size_t i = 0; i < count; i++)
        found |= broken(x[i]);
    return is_clear(found);
}

static size_t largest(const void *from, size_t count)
{
    const REAL *x = from;
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = x[i] > x[best] || isnan(x[best]) ? i : best;
    return best;
}

static size_t before(const void *from, size_t count, size_t i)
{
    const REAL *x = from, value = x[i];
    size_t found = 0;
    for (size_t k = 0; k < i; k++)
        found += x[k] >= value;
    for (size_t k = i + 1; k < count; k++)
        found += x[k] > value;
    return found;
}

/* What is left of a moment: numbers that cannot move a weight any more count as 0. Without gradients moments shrink from step to step into the
 * denormal numbers, for which processors take a hundred times longer, and stay there. */
static const REAL least = (REAL)(sizeof(REAL) == 8 ? 0x1p-900 : 0x1p-100);

static inline REAL rest_of(REAL moment)
{
    return moment < least && moment > -least ? 0 : moment;
}

/* The highest bit is set if that takes something away. */
static inline Bits too_small(REAL moment)
{
    Bits size = bits_of(moment) & (Bits)-1 >> 1;
    return (size - bits_of(least)) & ~(size - 1);
}

/* The same for the mean of squares, which is compared with its root. */
static inline REAL rest_of_squares(REAL mean)
{
    const REAL normal = (REAL)(sizeof(REAL) == 8 ? DBL_MIN : (double)FLT_MIN);
    return mean < normal ? 0 : mean;
}

/* g += decay*p; p -= lr*g */
static bool sgd(const RuleNumbers *n, void *to, const void *gradient, void *first, void *second, size_t count)
{
    (void)first, (void)second;
    REAL *restrict p = to;
    const REAL *restrict g = gradient;
    REAL rate = (REAL)n->rate, factor = (REAL)n->factor, decay = (REAL)n->decay;
    Bits found = 0;
    for (size_t i = 0; i < count; i++) {
        REAL new = p[i] - rate * (factor * g[i] + decay * p[i]);
        p[i] = new;
        found |= broken(new);
    }
    return is_clear(found);
}

/* g += decay*p; v = mu*v + g; p -= lr*v, nesterov: p -= lr*(g + mu*v) */
static bool momentum(const RuleNumbers *n, void *to, const void *gradient, void *first, void *second, size_t count)
{
    (void)second;
    REAL *restrict p = to, *restrict v = first;
    const REAL *restrict g = gradient;
    REAL rate = (REAL)n->rate, factor = (REAL)n->factor, decay = (REAL)n->decay, mu = (REAL)n->momentum;
    Bits found = 0;
    if (n->nesterov)
        for (size_t i = 0; i < count; i++) {
            REAL d = factor * g[i] + decay * p[i], now = rest_of(mu * v[i] + d), new = p[i] - rate * (d + mu * now);
            v[i] = now;
            p[i] = new;
            found |= broken(new);
        }
    else
        for (size_t i = 0; i < count; i++) {
            REAL now = rest_of(mu * v[i] + (factor * g[i] + decay * p[i])), new = p[i] - rate * now;
            v[i] = now;
            p[i] = new;
            found |= broken(new);
        }
    return is_clear(found);
}

enum { SUMS = 4 * 64 / sizeof(REAL) };          /* of the longest vectors, so many that none waits for the one before it */

/* p -= lr*v. A sum of numbers that are finite is one as well, or they are looked at: a sum costs less than a look at each. */
static bool follow(REAL rate, REAL *restrict p, const REAL *restrict v, size_t count)
{
    REAL sums[SUMS] = { 0 }, sum = 0;
    size_t whole = count - count % SUMS;
    for (size_t i = 0; i < whole; i += SUMS)
        for (size_t k = 0; k < SUMS; k++) {
            p[i + k] -= rate * v[i + k];
            sums[k] += p[i + k];
        }
    for (size_t i = whole; i < count; i++) {
        p[i] -= rate * v[i];
        sum += p[i];
    }
    for (size_t k = 0; k < SUMS; k++)
        sum += sums[k];
    return is_clear(broken(sum)) || finite_all(p, count);
}

/* The rest of momentum, where v = mu*v + g is done. Moments that are too small are looked for now and then: they shrink so slowly that they do not
 * become denormal before, and v is seldom written, which would be another third of the way to memory. */
static bool after_momentum(const RuleNumbers *n, void *to, const void *gradient, void *first, void *second, size_t count)
{
    (void)gradient, (void)second;
    REAL *v = first;
    Bits small = 0;
    for (size_t i = 0; n->tidy && i < count; i++)
        small |= too_small(v[i]);
    bool finite = follow((REAL)n->rate, to, v, count);
    if (!is_clear(small))
        for (size_t i = 0; i < count; i++)
            v[i] = rest_of(v[i]);
    return finite;
}

/* m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g*g; p -= lr*(m/(1-b1^t)) / (sqrt(v/(1-b2^t)) + eps)   (Kingma and Ba, 2015)
 * `shrink` is what the decay of adamw leaves of p (Loshchilov and Hutter, 2019); `decay` is adam's, which joins the gradient. */
static inline bool adam_step(const RuleNumbers *n, REAL *restrict p, const REAL *restrict g, REAL *restrict m, REAL *restrict v, REAL decay,
                             REAL shrink, size_t count)
{
    REAL b1 = (REAL)n->beta1, c1 = (REAL)(1 - n->beta1), b2 = (REAL)n->beta2, c2 = (REAL)(1 - n->beta2);
    REAL rate = (REAL)(n->rate / n->correction1), root = (REAL)(1 / sqrt(n->correction2)), eps = (REAL)n->eps, factor = (REAL)n->factor;
    Bits found = 0;
    for (size_t i = 0; i < count; i++) {
        REAL d = factor * g[i] + decay * p[i], mean = rest_of(b1 * m[i] + c1 * d), square = rest_of_squares(b2 * v[i] + c2 * d * d);
        REAL s = sizeof(REAL) == 8 ? (REAL)sqrt((double)square) : (REAL)sqrtf((float)square);
        REAL new = shrink * p[i] - rate * mean / (s * root + eps);
        m[i] = mean;
        v[i] = square;
        p[i] = new;
        found |= broken(new);
    }
    return is_clear(found);
}

static bool adam(const RuleNumbers *n, void *p, const void *g, void *m, void *v, size_t count)
{
    return adam_step(n, p, g, m, v, (REAL)n->decay, 1, count);
}

static bool adamw(const RuleNumbers *n, void *p, const void *g, void *m, void *v, size_t count)
{
    return adam_step(n, p, g, m, v, 0, (REAL)(1 - n->rate * n->decay), count);
}

/* v = rho*v + (1-rho)*g*g; m = mu*m + g/(sqrt(v) + eps); p -= lr*m   (Hinton's lecture 6e, with PyTorch's momentum) */
static bool rmsprop(const RuleNumbers *n, void *to, const void *gradient, void *first, void *second, size_t count)
{
    REAL *restrict p = to, *restrict m = first, *restrict v = second;
    const REAL *restrict g = gradient;
    REAL rate = (REAL)n->rate, rho = (REAL)n->rho, rest = (REAL)(1 - n->rho), mu = (REAL)n->momentum, eps = (REAL)n->eps;
    REAL factor = (REAL)n->factor, decay = (REAL)n->decay;
    Bits found = 0;
    for (size_t i = 0; i < count; i++) {
        REAL d = factor * g[i] + decay * p[i], square = rest_of_squares(rho * v[i] + rest * d * d);
        REAL s = sizeof(REAL) == 8 ? (REAL)sqrt((double)square) : (REAL)sqrtf((float)square);
        REAL step = rest_of(mu * m[i] + d / (s + eps)), new = p[i] - rate * step;
        v[i] = square;
        m[i] = step;
        p[i] = new;
        found |= broken(new);
    }
    return is_clear(found);
}

/* A picture of one channel that is turned, and where the pixels of the row at work lie in it: (row + sine*dx, middle_x + cosine*dx - shift) for those
 * that are dx from the middle. Both grow or both shrink from pixel to pixel, so those that lie well inside follow one another. Sides and pixels are
 * whole numbers of 32 bits, as vectors make them of doubles. */
typedef struct Turned {
    const REAL *from;
    int32_t h, w;
    double cosine, sine, middle_x, row, shift;
} Turned;

static inline double place_y(const Turned *t, int32_t x) { return t->row + t->sine * ((double)x - t->middle_x); }
static inline double place_x(const Turned *t, int32_t x) { return t->middle_x + t->cosine * ((double)x - t->middle_x) - t->shift; }

/* True if there are four pixels around the place. */
static inline bool is_inside(const Turned *t, int32_t x)
{
    double at_y = place_y(t, x), at_x = place_x(t, x);
    return at_y >= 0 && at_y < (double)(t->h - 1) && at_x >= 0 && at_x < (double)(t->w - 1);
}

/* What lies there between the pixels, of which those outside are 0. */
static REAL between(const Turned *t, int32_t x)
{
    double at_y = place_y(t, x), at_x = place_x(t, x), fy = floor(at_y), fx = floor(at_x), sum = 0;
    if (!(fy >= -1 && fy < (double)t->h && fx >= -1 && fx < (double)t->w))
        return 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            int64_t iy = (int64_t)fy + dy, ix = (int64_t)fx + dx;
            double weight = (dy ? at_y - fy : 1 - (at_y - fy)) * (dx ? at_x - fx : 1 - (at_x - fx));
            if (iy >= 0 && iy < t->h && ix >= 0 && ix < t->w)
                sum += weight * (double)t->from[iy * t->w + ix];
        }
    return (REAL)sum;
}

/* The same of the pixels from x to end, which all are inside: no loop has a question in it, and the first becomes vectors. */
static void between_inside(const Turned *t, REAL *row, int32_t x, int32_t end)
{
    enum { PART = 32 };
    const Turned here = *t;
    int32_t at[PART];
    double above[PART], below[PART], left[PART], right[PART];
    for (; x < end; x += PART) {
        int count = end - x < PART ? end - x : PART;
        for (int i = 0; i < count; i++) {
            double at_y = place_y(&here, x + i), at_x = place_x(&here, x + i);
            int32_t iy = (int32_t)at_y, ix = (int32_t)at_x;
            at[i] = iy * here.w + ix;
            below[i] = at_y - (double)iy;
            right[i] = at_x - (double)ix;
            above[i] = 1 - below[i];
            left[i] = 1 - right[i];
        }
        for (int i = 0; i < count; i++) {
            const REAL *from = here.from + at[i];
            double sum = 0 + above[i] * left[i] * (double)from[0];
            sum += above[i] * right[i] * (double)from[1];
            sum += below[i] * left[i] * (double)from[here.w];
            sum += below[i] * right[i] * (double)from[here.w + 1];
            row[x + i] = (REAL)sum;
        }
    }
}

static void turn(void *to, const void *from, int32_t h, int32_t w, double cosine, double sine)
{
    Turned t = { .from = from, .h = h, .w = w, .cosine = cosine, .sine = sine, .middle_x = (double)(w - 1) / 2 };
    double middle_y = (double)(h - 1) / 2;
    for (int32_t y = 0; y < h; y++) {
        REAL *row = (REAL *)to + (size_t)y * (size_t)w;
        int32_t first = 0, end = w;
        t.row = middle_y + cosine * ((double)y - middle_y);
        t.shift = sine * ((double)y - middle_y);
        while (first < w && !is_inside(&t, first))
            first++;
        while (end > first && !is_inside(&t, end - 1))
            end--;
        between_inside(&t, row, first, end);
        for (int32_t x = 0; x < w; x++)
            if (x < first || x >= end)
                row[x] = between(&t, x);
    }
}

const Reals REALS = {
    .bytes = sizeof(REAL),
    .dtype = sizeof(REAL) == 8 ? "F64" : "F32",
    .descr = sizeof(REAL) == 8 ? "<f8" : "<f4",
    .digits = sizeof(REAL) == 8 ? 17 : 9,
    .get = get, .set = set, .fill = fill,
    .from_bytes = from_bytes, .from_floats = from_floats, .from_doubles = from_doubles,
    .add = add, .sum = sum, .squares = squares, .finite = finite_all,
    .largest = largest, .before = before, .turn = turn,
    .sgd = sgd, .momentum = momentum, .after_momentum = after_momentum, .adam = adam, .adamw = adamw, .rmsprop = rmsprop,
};
