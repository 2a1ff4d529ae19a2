/* answer.c: an answer against the reference: how far apart may they be? */
#include "agree.h"

#include <math.h>

static const double double_limit = 1e-11, float_output = 2e-6, float_gradient = 1e-5;
static const double scatters = 8;           /* times the largest of a few runs with noise: a sum in another order may scatter wider */
static const double most_scattered = 1e-4;  /* of the size of the terms; beyond it a comparison says nothing */

/* Adds one comparison to the result. In float a distance within what rounding alone scatters is fine too. */
static void compare(Trial *t, const char *who, const char *what, bool gradient, bool in_float, const double *got, const double *want,
                    const double *magnitude, int64_t count, double scatter)
{
    double apart = trial_difference(got, want, in_float ? NULL : magnitude, count);
    double limit = t->o->whole ? 0 : !in_float ? double_limit : gradient ? float_gradient : float_output;
    double *worst = !in_float ? &t->result->double_apart : gradient ? &t->result->float_gradient : &t->result->float_output;

    t->result->compared += in_float;
    if (apart <= limit) {
        *worst = fmax(*worst, apart);
        return;
    }
    /* Measured against the terms it must stay small all the same, or the comparison would say nothing. */
    if (in_float && !t->o->whole && trial_distance(got, want, count) <= scatters * scatter
        && trial_difference(got, want, magnitude, count) <= most_scattered) {
        t->result->scattered++;
        return;
    }
    trial_fails(t, "%s: %s is %.3g apart from the reference, more than %.3g (%.3g times its scatter)", who, what, apart, limit,
             in_float && scatter > 0 ? trial_distance(got, want, count) / scatter : 0);
}

void reference_pass(Trial *t, Pass pass, bool in_float)
{
    if (in_float && !t->o->whole) {
        t->scatter = trial_scatter(t->r, pass == PASS_TRAIN, pass != PASS_INFER, t->draw, t->seed);
        return;
    }
    reference_forward(t->r, pass == PASS_TRAIN, t->draw);
    if (pass != PASS_INFER)
        reference_backward(t->r);
}

void compare_answer(Trial *t, const char *who, Pass pass, bool in_float, Answer a)
{
    Reference *r = t->r;
    const char *name = pass == PASS_TRAIN ? "training" : pass == PASS_INFER ? "inference" : "eval";
    const char *label = arena_print(t->arena, "%s, %s", who, name);

    if (a.y)
        compare(t, label, "y", false, in_float, a.y, reference_value(r, r->net->y)->at, NULL, reference_value(r, r->net->y)->count,
                t->scatter.y);
    if (pass == PASS_INFER)
        return;
    if (a.loss)
        compare(t, label, "the loss", false, in_float, a.loss, r->loss, NULL, r->batch, t->scatter.loss);
    if (a.dx)
        compare(t, label, "dx", true, in_float, a.dx, r->values[0].gradient, r->values[0].magnitude, r->values[0].count, t->scatter.dx);
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *p = r->net->params.at[i];
        const Field *f = &r->params[i];
        double scatter = t->scatter.params ? t->scatter.params[i] : 0;
        if (!a.params[i])
            continue;
        if (p->trained)
            compare(t, label, p->name, true, in_float, a.params[i], f->gradient, f->magnitude, f->count, scatter);
        else if (pass == PASS_TRAIN)
            compare(t, label, p->name, false, in_float, a.params[i], r->new_state[i], r->state_magnitude[i], f->count, scatter);
        else
            compare(t, label, p->name, false, in_float, a.params[i], f->at, NULL, f->count, scatter);
    }
}
