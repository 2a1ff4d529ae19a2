/* norm.c: layers of the reference that look at many elements to change each: softmax and batchnorm; and the losses. */
#include "inner.h"

/* softmax over the features of one image: y_i = exp(x_i) / sum over j of exp(x_j). */
static void softmax(const double *x, double *y, int64_t count)
{
    double top = x[0], sum = 0;

    for (int64_t i = 0; i < count; i++)
        top = x[i] > top ? x[i] : top;
    for (int64_t i = 0; i < count; i++)
        sum += exp(x[i] - top);
    for (int64_t i = 0; i < count; i++)
        y[i] = exp(x[i] - top) / sum;
}

static void softmax_forward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t count = x->count / r->batch;

    for (int64_t n = 0; n < r->batch; n++)
        softmax(x->at + n * count, y->at + n * count, count);
}

/* dx_j = sum over i of dy_i * y_i * ((i == j) - y_j). */
static void softmax_backward(Reference *r, const Site *s)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t count = x->count / r->batch;

    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t j = 0; j < count; j++)
            for (int64_t i = 0; i < count; i++) {
                double yi = y->at[n * count + i], yj = y->at[n * count + j];
                ref_give(x, n * count + j, y->gradient[n * count + i] * yi * ((i == j) - yj));
            }
}

/* ---- batchnorm: y = weight * (x - mean) / sqrt(variance + eps) + bias, per channel */

typedef struct Statistics {
    double mean, variance;      /* biased */
    double size;                /* the mean of the absolute values */
    int64_t count;              /* elements of the channel in the batch */
} Statistics;

typedef struct Channels {
    int64_t channels, places;
} Channels;

static Channels channels_of(const Site *s)
{
    Shape x = s->x->shape;

    return (Channels){ x.dim[0], x.rank == 3 ? x.dim[1] * x.dim[2] : 1 };
}

static Statistics statistics_of(Reference *r, const Site *s, int64_t c)
{
    Channels ch = channels_of(s);
    Field *x = reference_value(r, s->x);
    Statistics t = { .count = r->batch * ch.places };

    if (!r->training) {
        t.mean = ref_param(r, s, "running_mean")->at[c];
        t.variance = ref_param(r, s, "running_var")->at[c];
        return t;
    }
    /* Forward and backward round alike. */
    Dice own = dice_new((r->noise ? r->seed : 0) + (uint64_t)(s->number * 1000 + c)), *noise = r->noise ? &own : NULL;
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t i = 0; i < ch.places; i++) {
            double one = x->at[(n * ch.channels + c) * ch.places + i];
            t.mean = ref_round(noise, t.mean + one);
            t.size += fabs(one) / (double)t.count;
        }
    t.mean = ref_round(noise, t.mean / (double)t.count);
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t i = 0; i < ch.places; i++) {
            double d = ref_round(noise, x->at[(n * ch.channels + c) * ch.places + i] - t.mean);
            t.variance = ref_round(noise, t.variance + d * d);
        }
    t.variance = ref_round(noise, t.variance / (double)t.count);
    return t;
}

/* The running statistics after this step: so much of the old ones, so much that is new, of terms of that size. */
static void put_state(Reference *r, const Site *s, const char *role, int64_t c, double old, double new, double size)
{
    double *state = r->new_state[ref_param(r, s, role) - r->params];

    r->state_magnitude[ref_param(r, s, role) - r->params][c] = old * fabs(state[c]) + size;
    state[c] = old * state[c] + new;
}

static void batchnorm_forward(Reference *r, const Site *s)
{
    Channels ch = channels_of(s);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *w = ref_param(r, s, "weight"), *b = ref_param(r, s, "bias");
    double eps = ref_real(s, "eps"), m = ref_real(s, "momentum");

    for (int64_t c = 0; c < ch.channels; c++) {
        Statistics t = statistics_of(r, s, c);
        double root = sqrt(t.variance + eps);
        for (int64_t n = 0; n < r->batch; n++)
            for (int64_t i = 0; i < ch.places; i++) {
                int64_t at = (n * ch.channels + c) * ch.places + i;
                y->at[at] = w->at[c] * (x->at[at] - t.mean) / root + b->at[c];
            }
        if (!r->training)
            continue;
        double unbiased = t.count > 1 ? t.variance * (double)t.count / (double)(t.count - 1) : t.variance;
        put_state(r, s, "running_mean", c, 1 - m, m * t.mean, m * t.size);
        put_state(r, s, "running_var", c, 1 - m, m * unbiased, m * unbiased);
        /* A channel that hardly varies is divided by almost nothing: its rounding errors come out large. */
        ref_kink(r, s, 1e-3 * sqrt(t.variance), fabs(t.mean) + sqrt(eps));
    }
}

static void batchnorm_backward(Reference *r, const Site *s)
{
    Channels ch = channels_of(s);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    Field *w = ref_param(r, s, "weight"), *b = ref_param(r, s, "bias");
    double eps = ref_real(s, "eps");

    for (int64_t c = 0; c < ch.channels; c++) {
        Statistics t = statistics_of(r, s, c);
        double root = sqrt(t.variance + eps), sum_dy = 0, sum_dy_xhat = 0;
        for (int64_t n = 0; n < r->batch; n++)
            for (int64_t i = 0; i < ch.places; i++) {
                int64_t at = (n * ch.channels + c) * ch.places + i;
                double xhat = (x->at[at] - t.mean) / root;
                ref_give(b, c, y->gradient[at]);
                ref_give(w, c, y->gradient[at] * xhat);
                sum_dy = ref_round(r->noise, sum_dy + y->gradient[at]);
                sum_dy_xhat = ref_round(r->noise, sum_dy_xhat + y->gradient[at] * xhat);
            }
        for (int64_t n = 0; n < r->batch; n++)
            for (int64_t i = 0; i < ch.places; i++) {
                int64_t at = (n * ch.channels + c) * ch.places + i;
                double xhat = (x->at[at] - t.mean) / root, k = w->at[c] / root;
                ref_give(x, at, k * y->gradient[at]);
                if (!r->training)
                    continue;
                /* The mean and the variance depend on every element too. */
                ref_give(x, at, -k * sum_dy / (double)t.count);
                ref_give(x, at, -k * xhat * sum_dy_xhat / (double)t.count);
            }
    }
}

const RefLayer ref_norm_layers[] = {
    { "softmax", softmax_forward, softmax_backward },
    { "batchnorm", batchnorm_forward, batchnorm_backward },
    { NULL, NULL, NULL }
};

/* ---- losses; r->loss is that of each image, the whole is their mean */

/* Of the softmax that makes the network's result: its input. */
static Field *logits(Reference *r, const Site *loss)
{
    const Site *last = loss->in[0]->from;

    while (strcmp(last->kind->name, "flatten") == 0 || strcmp(last->kind->name, "identity") == 0)
        last = last->x->from;
    assert(strcmp(last->kind->name, "softmax") == 0);
    return reference_value(r, last->x);
}

/* The target with `smooth` of its weight spread over all classes; for any target as PyTorch does for probabilities. */
static double smoothed(const Reference *r, const Site *s, int64_t i, int64_t classes)
{
    double smooth = ref_real(s, "smooth");

    return (1 - smooth) * r->target[i] + smooth / (double)classes;
}

static void crossentropy_forward(Reference *r, const Site *s)
{
    Field *x = logits(r, s);
    int64_t classes = x->count / r->batch;

    for (int64_t n = 0; n < r->batch; n++) {
        const double *logit = x->at + n * classes;
        double top = logit[0], sum = 0;
        for (int64_t i = 0; i < classes; i++)
            top = logit[i] > top ? logit[i] : top;
        for (int64_t i = 0; i < classes; i++)
            sum += exp(logit[i] - top);
        for (int64_t i = 0; i < classes; i++)
            r->loss[n] -= smoothed(r, s, n * classes + i, classes) * (logit[i] - top - log(sum));
    }
}

/* d/dx_j of -sum over i of t_i * log softmax(x)_i = softmax(x)_j * sum of t - t_j. */
static void crossentropy_backward(Reference *r, const Site *s)
{
    Field *x = logits(r, s);
    int64_t classes = x->count / r->batch;
    double *p = arena_array(r->arena, (size_t)classes, sizeof *p);

    for (int64_t n = 0; n < r->batch; n++) {
        double whole = 0;
        softmax(x->at + n * classes, p, classes);
        for (int64_t i = 0; i < classes; i++)
            whole += smoothed(r, s, n * classes + i, classes);
        for (int64_t i = 0; i < classes; i++) {
            ref_give(x, n * classes + i, p[i] * whole / (double)r->batch);
            ref_give(x, n * classes + i, -smoothed(r, s, n * classes + i, classes) / (double)r->batch);
        }
    }
}

static void quadratic_forward(Reference *r, const Site *s)
{
    Field *y = reference_value(r, s->in[0]);
    int64_t count = y->count / r->batch;

    for (int64_t i = 0; i < y->count; i++)
        r->loss[i / count] += (y->at[i] - r->target[i]) * (y->at[i] - r->target[i]) / 2;
}

static void quadratic_backward(Reference *r, const Site *s)
{
    Field *y = reference_value(r, s->in[0]);

    for (int64_t i = 0; i < y->count; i++) {
        ref_give(y, i, y->at[i] / (double)r->batch);
        ref_give(y, i, -r->target[i] / (double)r->batch);
    }
}

const RefLoss ref_losses[] = {
    { "crossentropy", crossentropy_forward, crossentropy_backward },
    { "quadratic", quadratic_forward, quadratic_backward },
    { NULL, NULL, NULL }
};
