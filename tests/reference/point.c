/* point.c: layers of the reference that take every element alone: activations, dropout, scaling. */
#include "inner.h"

/* y and dy/dx of one element; a is the layer's own number (slope, alpha), 0 where it has none. */
typedef struct Curve {
    const char *name;
    const char *parameter;      /* the argument that a stands for, or NULL */
    double (*value)(double x, double a);
    double (*slope)(double x, double a);
    double (*slope_of_y)(double y, double a);      /* the same from y, as programs have it (1 - y of a y near 1 has few digits); NULL: from x */
    bool kink;                  /* the slope jumps at 0 */
    bool jump;                  /* the value itself jumps at 0 */
} Curve;

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double normal_share(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }             /* of a standard normal below x */
static double normal_density(double x) { return exp(-x * x / 2) / sqrt(2 * acos(-1.0)); }

static double relu_value(double x, double a) { (void)a; return x > 0 ? x : 0; }
static double relu_slope(double x, double a) { (void)a; return x > 0 ? 1 : 0; }
static double leaky_value(double x, double a) { return x > 0 ? x : a * x; }
static double leaky_slope(double x, double a) { return x > 0 ? 1 : a; }
static double elu_value(double x, double a) { return x > 0 ? x : a * expm1(x); }
static double elu_slope(double x, double a) { return x > 0 ? 1 : a * exp(x); }
static double gelu_value(double x, double a) { (void)a; return x * normal_share(x); }
static double gelu_slope(double x, double a) { (void)a; return normal_share(x) + x * normal_density(x); }
static double silu_value(double x, double a) { (void)a; return x * sigmoid(x); }
static double silu_slope(double x, double a) { (void)a; return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }
static double softplus_value(double x, double a) { (void)a; return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double softplus_slope(double x, double a) { (void)a; return sigmoid(x); }
static double sigmoid_value(double x, double a) { (void)a; return sigmoid(x); }
static double sigmoid_slope(double x, double a) { (void)a; return sigmoid(x) * sigmoid(-x); }
static double tanh_value(double x, double a) { (void)a; return tanh(x); }
static double tanh_slope(double x, double a) { (void)a; return 1 / (cosh(x) * cosh(x)); }
static double step_value(double x, double a) { (void)a; return x > 0 ? 1 : 0; }
static double step_slope(double x, double a) { (void)x; (void)a; return 0; }

static double elu_slope_of_y(double y, double a) { return y > 0 ? 1 : y + a; }
static double sigmoid_slope_of_y(double y, double a) { (void)a; return y * (1 - y); }
static double tanh_slope_of_y(double y, double a) { (void)a; return 1 - y * y; }

static const Curve curves[] = {
    { "relu", NULL, relu_value, relu_slope, NULL, true, false },
    { "leaky", "a", leaky_value, leaky_slope, NULL, true, false },
    { "elu", "alpha", elu_value, elu_slope, elu_slope_of_y, true, false },
    { "gelu", NULL, gelu_value, gelu_slope, NULL, false, false },
    { "silu", NULL, silu_value, silu_slope, NULL, false, false },
    { "softplus", NULL, softplus_value, softplus_slope, NULL, false, false },
    { "sigmoid", NULL, sigmoid_value, sigmoid_slope, sigmoid_slope_of_y, false, false },
    { "tanh", NULL, tanh_value, tanh_slope, tanh_slope_of_y, false, false },
    { "step", NULL, step_value, step_slope, NULL, true, true },
};

static const Curve *curve_of(const Site *s, double *a)
{
    for (int i = 0; i < countof(curves); i++)
        if (strcmp(curves[i].name, s->kind->name) == 0) {
            *a = curves[i].parameter ? ref_real(s, curves[i].parameter) : 0;
            return &curves[i];
        }
    assert(!"an activation");
    return NULL;
}

static void curve_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    double a, size = ref_size(x->at, x->count);
    const Curve *curve = curve_of(s, &a);

    for (int64_t i = 0; i < x->count; i++) {
        y->at[i] = curve->value(x->at[i], a);
        if (curve->kink && x->at[i] != 0)
            ref_kink(r, s, x->at[i], size);
    }
}

static void curve_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    double a;
    const Curve *curve = curve_of(s, &a);
    bool through = curve->jump && r->net->recipe.straight_through;      /* the perceptron rule */

    /* Runs with noise say how far float is off, so there the slope is computed of the y that float holds. */
    for (int64_t i = 0; i < x->count; i++)
        ref_give(x, i, y->gradient[i] * (through ? 1 : r->noise && curve->slope_of_y ? curve->slope_of_y(y->at[i], a)
                                         : curve->slope(x->at[i], a)));
}

/* 0, or 1/(1-rate) for an element that stays. */
static double mask(const Reference *r, const Site *s, int64_t i, int64_t elements)
{
    double rate = ref_real(s, "rate");

    if (!r->training)
        return 1;
    double u = reference_uniform(r->draw, r->draw[3] + (uint32_t)(i / elements), (uint32_t)s->number, (uint32_t)(i % elements));
    return u >= rate ? 1 / (1 - rate) : 0;
}

static void dropout_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t elements = x->count / r->batch;

    for (int64_t i = 0; i < x->count; i++)
        y->at[i] = x->at[i] * mask(r, s, i, elements);
    for (int64_t i = 0; r->training && i < x->count; i++) {
        double u = reference_uniform(r->draw, r->draw[3] + (uint32_t)(i / elements), (uint32_t)s->number, (uint32_t)(i % elements));
        /* Numbers are drawn in steps of 2^-24; at the nearest one a rate rounded to float may decide otherwise. */
        if (u != ref_real(s, "rate") && fabs(u - ref_real(s, "rate")) < 1e-7)
            ref_kink(r, s, 0, 1);
    }
}

static void dropout_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    for (int64_t i = 0; i < x->count; i++)
        ref_give(x, i, y->gradient[i] * mask(r, s, i, x->count / r->batch));
}

static void identity_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    memcpy(y->at, x->at, (size_t)x->count * sizeof(double));
}

static void identity_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    for (int64_t i = 0; i < x->count; i++)
        ref_give(x, i, y->gradient[i]);
}

static void rescale_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    for (int64_t i = 0; i < x->count; i++)
        y->at[i] = x->at[i] * ref_real(s, "factor");
}

static void rescale_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    for (int64_t i = 0; i < x->count; i++)
        ref_give(x, i, y->gradient[i] * ref_real(s, "factor"));
}

/* y = (x - mean) / deviation, both of the channel; learnt from the training set and constant since. */
static int64_t channel(const Site *s, int64_t i)
{
    int64_t places = s->x->shape.rank == 3 ? s->x->shape.dim[1] * s->x->shape.dim[2] : 1;

    return i / places % s->x->shape.dim[0];
}

static void normalise_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *mean = ref_param(r, s, "mean"), *deviation = ref_param(r, s, "deviation");

    for (int64_t i = 0; i < x->count; i++)
        y->at[i] = (x->at[i] - mean->at[channel(s, i)]) / deviation->at[channel(s, i)];
}

static void normalise_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *deviation = ref_param(r, s, "deviation");

    for (int64_t i = 0; i < x->count; i++)
        ref_give(x, i, y->gradient[i] / deviation->at[channel(s, i)]);
}

const RefLayer ref_point_layers[] = {
    { "relu", curve_forward, curve_backward },
    { "leaky", curve_forward, curve_backward },
    { "elu", curve_forward, curve_backward },
    { "gelu", curve_forward, curve_backward },
    { "silu", curve_forward, curve_backward },
    { "softplus", curve_forward, curve_backward },
    { "sigmoid", curve_forward, curve_backward },
    { "tanh", curve_forward, curve_backward },
    { "step", curve_forward, curve_backward },
    { "dropout", dropout_forward, dropout_backward },
    { "identity", identity_forward, identity_backward },
    { "flatten", identity_forward, identity_backward },
    { "rescale", rescale_forward, rescale_backward },
    { "normalise", normalise_forward, normalise_backward },
    { NULL, NULL, NULL }
};
