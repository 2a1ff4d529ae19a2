/* activations.c: the functions of one number that stand between layers: y = f(x), element by element.
 *
 * Each is a value and, where the derived backward pass would not do, a slope: the gradient of x from that of y. The
 * reason stands at the slope. Where y alone tells the slope, x need not be kept. */
#include "layers/every.h"

#include <math.h>

static bool shape(Unit *u, Site *s)
{
    (void)u;
    s->y->shape = s->x->shape;
    return true;
}

/* y = value(x) */
static void each(Build *b, const char *why, Expr *(*value)(Build *b, Expr *x))
{
    Tensor *x = input(b, 0), *y = output(b);

    nest_begin(b, "", why);
    Every e = every_element(b, shape_of(x));
    nest_set(b, y, e.index, value(b, load(b, x, e.index)));
}

/* dx += slope(dy, known), where `known` is x or y, whichever the slope is told from. */
static void each_back(Build *b, Tensor *known, const char *why, Expr *(*slope)(Build *b, Expr *dy, Expr *known))
{
    Tensor *dx = gradient(b, input(b, 0)), *dy = gradient(b, output(b));

    nest_begin(b, "dx", why);
    Every e = every_element(b, shape_of(dx));
    nest_add(b, dx, e.index, slope(b, load(b, dy, e.index), load(b, known, e.index)));
}

/* ---- relu: x > 0 ? x : 0 */

static Expr *relu_value(Build *b, Expr *x) { return larger(b, x, real(b, 0)); }

static void relu_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Let pass what is positive, and nothing else.", relu_value);
}

/* y > 0 exactly where x > 0, and y is there: x need not be kept. The slope at 0 is 0. */
static Expr *relu_slope(Build *b, Expr *dy, Expr *y) { return if_greater(b, y, real(b, 0), dy, real(b, 0)); }

static void relu_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, output(b), "Where relu is open the gradient passes unchanged; where it is shut nothing does.", relu_slope);
}

const LayerKind layer_relu = {
    .name = "relu", .summary = "x where it is positive, else 0",
    .foreign = "ReLU", .example = "relu", .rises = true,
    .shape = shape, .lower = relu_lower, .backward = relu_backward,
};

/* ---- leaky: x > 0 ? x : a*x, with slope a at 0 */

enum { LEAK };

static const ArgSpec leaky_args[] = {
    [LEAK] = { .name = "a", .kind = ARG_REAL, .required = true, .positional = true, .foreign = "alpha negative_slope",
               .help = "slope where x is not positive" },
};

static Expr *leaky_value(Build *b, Expr *x)
{
    return if_greater(b, x, real(b, 0), x, mul(b, real(b, arg_real(b->site, LEAK)), x));
}

static void leaky_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Let pass what is positive, and a little of what is not.", leaky_value);
}

static Expr *leaky_slope(Build *b, Expr *dy, Expr *known)
{
    return if_greater(b, known, real(b, 0), dy, mul(b, real(b, arg_real(b->site, LEAK)), dy));
}

/* For a >= 0, y > 0 exactly where x > 0, and y is there: x need not be kept. */
static void leaky_backward(Build *b, Site *s)
{
    each_back(b, arg_real(s, LEAK) >= 0 ? output(b) : input(b, 0),
              "Where x was positive the gradient passes unchanged, elsewhere a little of it.", leaky_slope);
}

const LayerKind layer_leaky = {
    .name = "leaky", .summary = "x where it is positive, else a*x",
    .args = leaky_args, .arg_count = countof(leaky_args),
    .foreign = "LeakyReLU", .example = "leaky 0.01",
    .shape = shape, .lower = leaky_lower, .backward = leaky_backward,
};

/* ---- elu: x > 0 ? x : alpha*(exp(x) - 1) */

enum { ALPHA };

static const ArgSpec elu_args[] = {
    [ALPHA] = { .name = "alpha", .kind = ARG_REAL, .positional = true, .fallback = 1, .low = 0, .high = INFINITY,
                .help = "depth of the floor below 0" },
};

static Expr *elu_value(Build *b, Expr *x)
{
    Expr *floor = mul(b, real(b, arg_real(b->site, ALPHA)), sub(b, exp_of(b, x), real(b, 1)));
    return if_greater(b, x, real(b, 0), x, floor);
}

static void elu_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Let pass what is positive, and bend the rest towards a floor.", elu_value);
}

/* alpha*exp(x) is y + alpha, and y > 0 exactly where x > 0: neither x nor a second exp is needed. */
static Expr *elu_slope(Build *b, Expr *dy, Expr *y)
{
    return if_greater(b, y, real(b, 0), dy, mul(b, dy, add(b, y, real(b, arg_real(b->site, ALPHA)))));
}

static void elu_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, output(b), "Where x was positive the gradient passes unchanged; below, the slope is the height above the floor.",
              elu_slope);
}

const LayerKind layer_elu = {
    .name = "elu", .summary = "x where it is positive, else alpha*(exp(x) - 1)",
    .args = elu_args, .arg_count = countof(elu_args),
    .foreign = "ELU", .example = "elu",
    .shape = shape, .lower = elu_lower, .backward = elu_backward,
};

/* ---- sigmoid: 1/(1 + exp(-x)). For very negative x the exp is infinite, and 1/infinity is the 0 that is wanted. */

static Expr *times_sigmoid(Build *b, Expr *factor, Expr *x)
{
    return divide(b, factor, add(b, real(b, 1), exp_of(b, neg(b, x))));
}

static Expr *sigmoid_of(Build *b, Expr *x) { return times_sigmoid(b, real(b, 1), x); }

static void sigmoid_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Squeeze every number into 0 to 1.", sigmoid_of);
}

/* y tells the slope without another exp; the derived one is infinity/infinity for very negative x. */
static Expr *sigmoid_slope(Build *b, Expr *dy, Expr *y)
{
    return mul(b, dy, mul(b, y, sub(b, real(b, 1), y)));
}

static void sigmoid_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, output(b), "The slope is y(1 - y): steep in the middle, flat where the answer is sure.", sigmoid_slope);
}

const LayerKind layer_sigmoid = {
    .name = "sigmoid", .summary = "1/(1 + exp(-x))",
    .foreign = "Sigmoid", .example = "sigmoid",
    .shape = shape, .lower = sigmoid_lower, .backward = sigmoid_backward,
};

/* ---- tanh */

static void tanh_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Squeeze every number into -1 to 1.", tanh_of);
}

/* y tells the slope without another tanh, and x need not be kept. */
static Expr *tanh_slope(Build *b, Expr *dy, Expr *y)
{
    return mul(b, dy, sub(b, real(b, 1), mul(b, y, y)));
}

static void tanh_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, output(b), "The slope is 1 - y*y: steep in the middle, flat at both ends.", tanh_slope);
}

const LayerKind layer_tanh = {
    .name = "tanh", .summary = "the hyperbolic tangent",
    .foreign = "Tanh", .example = "tanh",
    .shape = shape, .lower = tanh_lower, .backward = tanh_backward,
};

/* ---- softplus: log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)), whose exp is at most 1 */

static Expr *softplus_value(Build *b, Expr *x)
{
    return add(b, larger(b, x, real(b, 0)), log1p_of(b, exp_of(b, neg(b, absolute(b, x)))));
}

static void softplus_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "A relu with its corner rounded off: log(1 + exp(x)), written so that no exp overflows.", softplus_value);
}

/* The slope is the sigmoid; that of the pieces above would be 0 at x = 0 instead of 1/2. */
static Expr *softplus_slope(Build *b, Expr *dy, Expr *x)
{
    return times_sigmoid(b, dy, x);
}

static void softplus_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, input(b, 0), "The slope is the sigmoid of x: shut far below 0, open far above.", softplus_slope);
}

const LayerKind layer_softplus = {
    .name = "softplus", .summary = "log(1 + exp(x))",
    .foreign = "Softplus", .example = "softplus",
    .shape = shape, .lower = softplus_lower, .backward = softplus_backward,
};

/* ---- silu: x * sigmoid(x) */

static void silu_lower(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b);
    Tensor *gate = image_tensor(b, "gate", "how far each element is let through, 0 to 1", s->y->shape);

    nest_begin(b, "gate", "A gate for every element: the sigmoid of x.");
    Every e = every_element(b, s->y->shape);
    nest_set(b, gate, e.index, sigmoid_of(b, load(b, x, e.index)));

    nest_begin(b, "", "Let every element through its gate.");
    e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, mul(b, load(b, x, e.index), load(b, gate, e.index)));
}

/* d(x*g)/dx = g + x*g*(1 - g) = g + y*(1 - g). The derived slope of the gate is infinity/infinity for very negative x. */
static void silu_backward(Build *b, Site *s)
{
    Tensor *y = output(b), *gate = site_tensor(b, s, "gate"), *dx = gradient(b, input(b, 0)), *dy = gradient(b, y);

    nest_begin(b, "dx", "x moves y through its gate, and by moving the gate.");
    Every e = every_element(b, s->y->shape);
    Expr *g = load(b, gate, e.index);
    nest_add(b, dx, e.index, mul(b, load(b, dy, e.index), add(b, g, mul(b, load(b, y, e.index), sub(b, real(b, 1), g)))));
}

const LayerKind layer_silu = {
    .name = "silu", .summary = "x * sigmoid(x), also called swish",
    .foreign = "SiLU swish Swish", .example = "silu",
    .shape = shape, .lower = silu_lower, .backward = silu_backward,
};

/* ---- gelu: x * P(a standard normal number < x), exact, by erf (Hendrycks and Gimpel 2016, eq. 1) */

/* 2 * factor * P(x) */
static Expr *times_normal(Build *b, Expr *factor, Expr *x)
{
    return mul(b, factor, add(b, real(b, 1), erf_of(b, mul(b, x, real(b, sqrt(0.5))))));
}

static Expr *gelu_value(Build *b, Expr *x)
{
    return times_normal(b, mul(b, real(b, 0.5), x), x);
}

static void gelu_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Weigh every number by the chance that a normal random number is smaller.", gelu_value);
}

/* P(x) + x*p(x), with p = P' the bell curve: the derived slope is the same number in terms that nobody would recognise. */
static Expr *gelu_slope(Build *b, Expr *dy, Expr *x)
{
    static const double one_over_root_two_pi = 0.39894228040143267794;
    Expr *bell = mul(b, real(b, one_over_root_two_pi), exp_of(b, mul(b, real(b, -0.5), mul(b, x, x))));

    return mul(b, dy, add(b, times_normal(b, real(b, 0.5), x), mul(b, x, bell)));
}

static void gelu_backward(Build *b, Site *s)
{
    (void)s;
    each_back(b, input(b, 0), "The slope is P(x) + x*p(x): the weight itself, and what a step of x adds to it.", gelu_slope);
}

const LayerKind layer_gelu = {
    .name = "gelu", .summary = "x times the normal distribution function of x",
    .foreign = "GELU", .example = "gelu",
    .shape = shape, .lower = gelu_lower, .backward = gelu_backward,
};

/* ---- step: x > 0 ? 1 : 0 */

static Expr *step_value(Build *b, Expr *x) { return if_greater(b, x, real(b, 0), real(b, 1), real(b, 0)); }

static void step_lower(Build *b, Site *s)
{
    (void)s;
    each(b, "Say 1 or 0: is x positive?", step_value);
}

static Expr *pass(Build *b, Expr *dy, Expr *known)
{
    (void)b;
    (void)known;
    return dy;
}

/* Flat on both sides, so there is no gradient. The perceptron rule moves the weights all the same, as if step were not there. */
static void step_backward(Build *b, Site *s)
{
    (void)s;
    if (b->net->recipe.straight_through)
        each_back(b, output(b), "A step has no slope; the perceptron rule learns as if it were not there.", pass);
}

const LayerKind layer_step = {
    .name = "step", .summary = "1 where x is positive, else 0; without a gradient",
    .foreign = "Heaviside", .example = "step",
    .shape = shape, .lower = step_lower, .backward = step_backward,
};
