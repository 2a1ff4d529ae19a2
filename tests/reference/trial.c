/* trial.c: numbers for a trial of a network (trial.h). */
#include "trial.h"

#include "net/layer.h"

#include <math.h>
#include <string.h>

/* In [low, high], rounded to float. */
static double between(Dice *d, double low, double high)
{
    return (float)(low + (high - low) * dice_real(d));
}

/* About normal: the sum of four uniform numbers, of deviation 1. */
static double about_normal(Dice *d)
{
    return (float)((dice_real(d) + dice_real(d) + dice_real(d) + dice_real(d) - 2) * sqrt(3.0));
}

/* Inputs that one output sums, from the shape alone; only their size matters. */
static double fan_in(const Param *p)
{
    int64_t count = 1;

    for (int i = 1; i < p->shape.rank; i++)
        count *= p->shape.dim[i];
    return (double)count;
}

static double param_number(const Param *p, Dice *d)
{
    if (strcmp(p->role, "running_mean") == 0 || strcmp(p->role, "mean") == 0 || strcmp(p->role, "bias") == 0)
        return between(d, -0.5, 0.5);
    if (strcmp(p->role, "running_var") == 0 || strcmp(p->role, "deviation") == 0 || p->shape.rank == 1)
        return between(d, 0.5, 1.5);
    double width = sqrt(3 / fan_in(p));
    return between(d, -width, width);
}

/* Labels, sometimes shares of several classes; or any numbers where the loss is quadratic. */
static void draw_target(Reference *r, Dice *d)
{
    int64_t outputs = shape_count(r->net->y->shape);
    bool classes = r->net->loss && strcmp(r->net->loss->kind->name, "crossentropy") == 0;
    bool shares = classes && dice_chance(d, 30);

    for (int64_t n = 0; n < r->batch; n++) {
        double *target = r->target + n * outputs, sum = 0;
        for (int64_t i = 0; i < outputs; i++)
            target[i] = !classes ? about_normal(d) : shares ? dice_real(d) : 0;
        if (classes && !shares)
            target[dice_between(d, 0, outputs - 1)] = 1;
        for (int64_t i = 0; i < outputs; i++)
            sum += target[i];
        for (int64_t i = 0; shares && i < outputs; i++)
            target[i] = (float)(target[i] / sum);
    }
}

void trial_draw(Reference *r, Dice *d)
{
    for (int i = 0; i < r->net->params.count; i++)
        for (int64_t j = 0; j < r->params[i].count; j++)
            r->params[i].at[j] = param_number(r->net->params.at[i], d);
    for (int64_t i = 0; i < r->values[0].count; i++)
        r->values[0].at[i] = about_normal(d);
    draw_target(r, d);
}

int trial_draw_clear(Reference *r, Dice *d, const uint32_t draw[4], double distance, int most)
{
    for (int again = 0; again <= most; again++) {
        trial_draw(r, d);
        reference_forward(r, false, draw);
        if (r->nearest < distance)
            continue;
        reference_forward(r, true, draw);
        if (r->nearest >= distance)
            return again;
    }
    return -1;
}

int trial_draw_exact(Reference *r, Dice *d, const uint32_t draw[4], int bits, int most)
{
    int64_t outputs = shape_count(r->net->y->shape);

    r->watch_bits = true;
    for (int again = 0; again <= most; again++) {
        int sparse = 40 + 55 * again / (most + 1);      /* per cent of the weights that are 0 */
        for (int i = 0; i < r->net->params.count; i++)
            for (int64_t j = 0; j < r->params[i].count; j++)
                r->params[i].at[j] = dice_chance(d, sparse) ? 0 : dice_chance(d, 50) ? 1 : -1;
        for (int64_t i = 0; i < r->values[0].count; i++)
            r->values[0].at[i] = (double)dice_between(d, -2, 2);
        for (int64_t i = 0; i < r->batch * outputs; i++)
            r->target[i] = (double)dice_between(d, -2, 2);
        reference_forward(r, true, draw);
        reference_backward(r);
        if (reference_bits(r) <= bits) {
            r->watch_bits = false;
            return again;
        }
    }
    r->watch_bits = false;
    return -1;
}

static double norm(const double *at, const double *minus, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double x = at[i] - (minus ? minus[i] : 0);
        sum += x * x;
    }
    return sqrt(sum);
}

double trial_distance(const double *got, const double *want, int64_t count)
{
    double apart = norm(got, want, count);

    return isfinite(apart) ? apart : INFINITY;
}

double trial_difference(const double *got, const double *want, const double *magnitude, int64_t count)
{
    double apart = trial_distance(got, want, count), size = norm(want, NULL, count);

    if (magnitude)
        size = fmax(size, norm(magnitude, NULL, count) / 20);
    return apart == 0 ? 0 : apart / fmax(size, 1e-300);
}

static double *copy(Arena *arena, const double *from, int64_t count)
{
    double *to = arena_array(arena, (size_t)count + 1, sizeof *to);

    memcpy(to, from, (size_t)count * sizeof *to);
    return to;
}

static void widen(double *scatter, const double *got, const double *want, int64_t count)
{
    *scatter = fmax(*scatter, trial_distance(got, want, count));
}

Scatter trial_scatter(Reference *r, bool training, bool backward, const uint32_t draw[4], uint64_t seed)
{
    enum { RUNS = 8 };
    int params = r->net->params.count;
    Scatter s = { .params = arena_array(r->arena, (size_t)params + 1, sizeof(double)) };
    Field *y = reference_value(r, r->net->y), *x = &r->values[0];
    const double **want = arena_array(r->arena, (size_t)params + 1, sizeof *want);

    reference_forward(r, training, draw);
    if (backward)
        reference_backward(r);
    const double *want_y = copy(r->arena, y->at, y->count), *want_loss = copy(r->arena, r->loss, r->batch);
    const double *want_dx = copy(r->arena, x->gradient, x->count);
    for (int i = 0; i < params; i++)
        want[i] = copy(r->arena, r->new_state[i] ? r->new_state[i] : r->params[i].gradient, r->params[i].count);
    for (int run = 0; run < RUNS; run++) {
        Dice noise = dice_new(seed + (uint64_t)run);
        r->noise = &noise;
        r->seed = seed + (uint64_t)run;
        reference_forward(r, training, draw);
        if (backward)
            reference_backward(r);
        widen(&s.y, y->at, want_y, y->count);
        widen(&s.loss, r->loss, want_loss, r->batch);
        widen(&s.dx, x->gradient, want_dx, x->count);
        for (int i = 0; i < params; i++)
            widen(&s.params[i], r->new_state[i] ? r->new_state[i] : r->params[i].gradient, want[i], r->params[i].count);
    }
    r->noise = NULL;
    reference_forward(r, training, draw);
    if (backward)
        reference_backward(r);
    return s;
}
