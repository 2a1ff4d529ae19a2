/* metrics.c: accuracy, top 5, confusion, and the losses that are a function of the result. */
#include "metrics.h"
#include "settings.h"

#include <float.h>
#include <math.h>
#include <string.h>

Metrics cnn_metrics_new(const cnn_net *net, SetKind kind)
{
    const cnn_setting *loss = cnn_setting_find(net->model, "loss");
    Metrics m = { .model = net->model, .reals = net->reals, .kind = kind };
    m.crossentropy = cnn_setting_is(loss, "crossentropy");
    m.has_loss = m.crossentropy || cnn_setting_is(loss, "quadratic");
    m.smooth = cnn_setting_number(loss, "smooth", 0);
    return m;
}

/* -sum of t log p. A probability that has become 0 counts as the smallest number that is not, so that the loss stays finite. */
static double crossentropy(const Metrics *m, const void *y, const void *target)
{
    size_t n = m->model->outputs;
    double loss = 0, least = m->reals->bytes == 8 ? DBL_MIN : (double)FLT_MIN;
    for (size_t k = 0; k < n; k++) {
        double t = m->reals->get(target, k) * (1 - m->smooth) + m->smooth / (double)n;
        double p = m->reals->get(y, k);
        if (t != 0)
            loss -= t * log(p < least ? least : p);
    }
    return loss;
}

static double quadratic(const Metrics *m, const void *y, const void *target)
{
    double loss = 0;
    for (size_t k = 0; k < m->model->outputs; k++) {
        double d = m->reals->get(y, k) - m->reals->get(target, k);
        loss += d * d;
    }
    return loss / 2;
}

static void count_class(Metrics *m, const void *y, const void *target)
{
    const Reals *reals = m->reals;
    size_t n = m->model->outputs, truth = reals->largest(target, n), guess = reals->largest(y, n);
    bool known = !isnan(reals->get(y, truth));
    m->right += known && guess == truth;
    m->right5 += known && reals->before(y, n, truth) < 5;
    if (m->confusion)
        m->confusion[truth * n + guess]++;
}

/* All results are on the right side of the middle between 0 and 1. */
static void count_sides(Metrics *m, const void *y, const void *target)
{
    bool right = true;
    for (size_t k = 0; k < m->model->outputs && right; k++) {
        double value = m->reals->get(y, k);
        right = !isnan(value) && (value > 0.5) == (m->reals->get(target, k) > 0.5);
    }
    m->right += right;
}

void cnn_metrics_add(Metrics *m, const void *y, const void *target, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *result = cnn_at(m->reals, y, i * m->model->outputs), *truth = cnn_at(m->reals, target, i * m->model->outputs);
        if (m->has_loss) {
            double loss = m->crossentropy ? crossentropy(m, result, truth) : quadratic(m, result, truth);
            if (m->losses)
                m->losses[m->images + i] = loss;
            else
                m->loss += loss;
        }
        switch (m->kind) {
        case SET_CLASSES: count_class(m, result, truth); break;
        case SET_SIDES: count_sides(m, result, truth); break;
        case SET_VALUES: break;
        }
    }
    m->images += count;
}

void cnn_metrics_add_loss(Metrics *m, double mean, size_t count)
{
    m->loss += mean * (double)count;
    m->added_loss = true;
}

cnn_scores cnn_metrics_scores(const Metrics *m)
{
    double n = (double)m->images;
    bool some = m->images > 0;
    return (cnn_scores){
        .images = m->images,
        .loss = some && (m->has_loss || m->added_loss) ? m->loss / n : NAN,
        .accuracy = some && m->kind != SET_VALUES ? (double)m->right / n : NAN,
        .top5 = some && m->kind == SET_CLASSES ? (double)m->right5 / n : NAN,
    };
}

double cnn_metrics_named(const cnn_scores *scores, const char *name)
{
    return !strcmp(name, "loss") ? scores->loss : !strcmp(name, "accuracy") ? scores->accuracy : !strcmp(name, "top5") ? scores->top5 : NAN;
}

bool cnn_metrics_less_is_better(const char *name)
{
    size_t length = strlen(name);
    return length >= 4 && !strcmp(name + length - 4, "loss");
}
