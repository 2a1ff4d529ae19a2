/* optimizer.c: which rule, with which numbers, on which weights. The rules themselves are loops over reals: reals.c. */
#include "optimizer.h"
#include "fail.h"
#include "memory.h"
#include "settings.h"
#include "text.h"
#include "threads.h"

#include <math.h>
#include <string.h>

enum { PIECE = 1 << 14 };       /* weights that one call updates */
enum { TIDY = 64 };             /* updates: a moment of 2^-100 that loses a tenth in each takes 171 to become denormal */

typedef struct Piece {
    size_t from, count;
    int tensor;
} Piece;

/* A row for each word of `optimizer`: its defaults, and what it remembers of earlier gradients. */
typedef struct Kind {
    const char *word;
    double rate, decay;
    size_t rule;                /* offset of the update in Reals */
    const char *moments[MOST_MOMENTS];
} Kind;

#define RULE(name) offsetof(Reals, name)
static const Kind kinds[] = {
    { "sgd", 0.01, 0, RULE(sgd), { NULL, NULL } },
    { "adam", 0.001, 0, RULE(adam), { "exp_avg", "exp_avg_sq" } },
    { "adamw", 0.001, 0.01, RULE(adamw), { "exp_avg", "exp_avg_sq" } },
    { "rmsprop", 0.001, 0, RULE(rmsprop), { "momentum_buffer", "square_avg" } },
    { "perceptron", 1, 0, RULE(sgd), { NULL, NULL } },
};
static const Kind momentum = { "sgd", 0.01, 0, RULE(momentum), { "momentum_buffer", NULL } };

static const Kind *kind_of(const cnn_setting *setting)
{
    if (setting && cnn_setting_is(setting, "sgd") && cnn_setting_number(setting, "momentum", 0) > 0)
        return &momentum;
    for (size_t i = 0; setting && i < sizeof kinds / sizeof *kinds; i++)
        if (cnn_setting_is(setting, kinds[i].word))
            return &kinds[i];
    return &kinds[0];
}

double cnn_optimizer_rate(const cnn_model *model)
{
    const cnn_setting *setting = cnn_setting_find(model, "optimizer");
    return cnn_setting_number(setting, "lr", kind_of(setting)->rate);
}

/* True if `freeze` names the layer of that tensor: "conv1" for "conv1.weight". */
static bool is_frozen(const cnn_setting *freeze, const cnn_tensor *t)
{
    const char *dot = strrchr(t->name, '.');
    size_t length = dot ? (size_t)(dot - t->name) : strlen(t->name);
    for (int i = 0; freeze && i < freeze->argument_count; i++) {
        const char *layer = freeze->arguments[i].text;
        if (layer && strlen(layer) == length && !memcmp(layer, t->name, length))
            return true;
    }
    return false;
}

static bool check_freeze(const cnn_model *model, const cnn_setting *freeze, cnn_error *error)
{
    for (int i = 0; freeze && i < freeze->argument_count; i++) {
        const char *layer = freeze->arguments[i].text;
        size_t length = layer ? strlen(layer) : 0;
        bool found = false;
        for (int t = 0; layer && t < model->weight_tensors; t++)
            found |= !strncmp(model->weights[t].name, layer, length) && model->weights[t].name[length] == '.';
        if (!found)
            return cnn_fail(error, "freeze: the network has no layer %s with parameters", layer ? layer : "");
    }
    return true;
}

static bool make_pieces(Optimizer *o, cnn_error *error)
{
    const cnn_model *model = o->net->model;
    const cnn_setting *freeze = cnn_setting_find(model, "freeze");
    if (!check_freeze(model, freeze, error))
        return false;
    size_t room = 0;
    for (int i = 0; i < model->weight_tensors; i++)
        room += model->weights[i].count / PIECE + 1;
    o->pieces = cnn_memory_get(room, sizeof *o->pieces, "the optimizer", error);
    o->squares = cnn_memory_get(room, sizeof *o->squares, "the optimizer", error);
    o->moved = cnn_memory_get((size_t)model->weight_tensors, sizeof *o->moved, "the optimizer", error);
    o->frozen = cnn_memory_get((size_t)model->weight_tensors, sizeof *o->frozen, "the optimizer", error);
    if (!o->pieces || !o->squares || !o->moved || !o->frozen)
        return false;
    for (int i = 0; i < model->weight_tensors; i++) {
        const cnn_tensor *t = &model->weights[i];
        o->frozen[i] = is_frozen(freeze, t);
        for (size_t from = 0; from < t->count && !o->frozen[i]; from += PIECE)
            o->pieces[o->piece_count++] = (Piece){ t->offset + from, t->count - from < PIECE ? t->count - from : PIECE, i };
    }
    return true;
}

bool cnn_optimizer_new(Optimizer *o, cnn_net *net, cnn_error *error)
{
    const cnn_setting *setting = cnn_setting_find(net->model, "optimizer");
    const Kind *kind = kind_of(setting);
    *o = (Optimizer){ .net = net };
    memcpy(&o->rule, (const char *)net->reals + kind->rule, sizeof o->rule);
    o->numbers = (RuleNumbers){
        .factor = 1,
        .momentum = cnn_setting_number(setting, "momentum", 0),
        .decay = cnn_setting_number(setting, "decay", kind->decay),
        .beta1 = cnn_setting_number(setting, "beta1", 0.9),
        .beta2 = cnn_setting_number(setting, "beta2", 0.999),
        .eps = cnn_setting_number(setting, "eps", 1e-8),
        .rho = cnn_setting_number(setting, "rho", 0.99),
        .nesterov = cnn_setting_number(setting, "nesterov", 0) != 0,
    };
    o->clip = cnn_setting_number(cnn_setting_find(net->model, "clip"), "norm", 0);
    bool good = make_pieces(o, error);
    for (int i = 0; i < MOST_MOMENTS && good && kind->moments[i]; i++) {
        o->moment_names[i] = kind->moments[i];
        o->moments[i] = cnn_memory_get(net->model->weight_count, net->reals->bytes, "the optimizer", error);
        good = o->moments[i] != NULL;
    }
    if (!good)
        cnn_optimizer_free(o);
    return good;
}

void cnn_optimizer_free(Optimizer *o)
{
    for (int i = 0; i < MOST_MOMENTS; i++)
        cnn_memory_release(o->moments[i]);
    cnn_memory_release(o->pieces);
    cnn_memory_release(o->squares);
    cnn_memory_release(o->moved);
    cnn_memory_release(o->frozen);
    *o = (Optimizer){ 0 };
}

void *cnn_optimizer_straight(const Optimizer *o, double *keep)
{
    size_t trained = 0;
    for (size_t i = 0; i < o->piece_count; i++)
        trained += o->pieces[i].count;
    *keep = o->numbers.momentum;
    bool alone = o->rule == o->net->reals->momentum && !o->numbers.nesterov && !(o->numbers.decay > 0) && !(o->clip > 0);
    return alone && trained == o->net->model->weight_count ? o->moments[0] : NULL;
}

/* weights, gradient: of number `from` on. */
static void move(Optimizer *o, size_t from, void *weights, const void *gradient, size_t count)
{
    const Reals *reals = o->net->reals;
    void *first = o->moments[0] ? cnn_at(reals, o->moments[0], from) : NULL, *second = o->moments[1] ? cnn_at(reals, o->moments[1], from) : NULL;
    RuleUpdate *rule = first && gradient == first ? reals->after_momentum : o->rule;
    if (!rule(&o->numbers, weights, gradient, first, second, count))
        atomic_store(&o->broken, true);
}

static bool has_moved(const Optimizer *o, int tensor)
{
    return atomic_load_explicit(&o->moved[tensor], memory_order_relaxed);
}

static void move_piece(void *context, size_t item, int thread)
{
    (void)thread;
    Optimizer *o = context;
    const Piece *p = &o->pieces[item];
    if (!has_moved(o, p->tensor))
        move(o, p->from, cnn_at(o->net->reals, o->net->weights, p->from), cnn_at(o->net->reals, o->gradient, p->from), p->count);
}

static void square_piece(void *context, size_t item, int thread)
{
    (void)thread;
    Optimizer *o = context;
    const Reals *reals = o->net->reals;
    const Piece *p = &o->pieces[item];
    o->squares[item] = reals->squares(cnn_at(reals, o->gradient, p->from), p->count);
}

/* Clipping: what a gradient counts of which the norm is too large. */
static double clipped(Optimizer *o, int threads)
{
    double norm = 0;
    if (!(o->clip > 0))
        return 1;
    cnn_threads_each(threads, o->piece_count, square_piece, o);
    for (size_t i = 0; i < o->piece_count; i++)
        norm += o->squares[i];
    norm = sqrt(norm);
    return norm > o->clip ? o->clip / norm : 1;
}

void cnn_optimizer_begin(Optimizer *o, const void *gradient, double rate)
{
    o->updates++;
    o->gradient = gradient;
    o->numbers.factor = 1;
    o->numbers.rate = rate;
    o->numbers.tidy = o->updates % TIDY == 0;
    o->numbers.correction1 = 1 - pow(o->numbers.beta1, (double)o->updates);
    o->numbers.correction2 = 1 - pow(o->numbers.beta2, (double)o->updates);
    for (int i = 0; i < o->net->model->weight_tensors; i++)
        atomic_store_explicit(&o->moved[i], false, memory_order_relaxed);
}

bool cnn_optimizer_takes_parts(const Optimizer *o)
{
    return !(o->clip > 0);
}

/* All threads look at these: they are written once. */
void cnn_optimizer_move(Optimizer *o, const Part *part)
{
    if (!has_moved(o, part->tensor))
        atomic_store_explicit(&o->moved[part->tensor], true, memory_order_relaxed);
    if (!o->frozen[part->tensor])
        move(o, o->net->model->weights[part->tensor].offset + part->from, part->weights, part->gradient, part->count);
}

bool cnn_optimizer_end(Optimizer *o, int threads)
{
    threads = cnn_threads_worth(threads, o->net->model->weight_count);
    o->numbers.factor = clipped(o, threads);
    size_t first = 0;           /* that has not moved yet: often there is none */
    while (first < o->piece_count && has_moved(o, o->pieces[first].tensor))
        first++;
    if (first < o->piece_count)
        cnn_threads_share(threads, o->piece_count, move_piece, o);
    cnn_changed(o->net);
    return !atomic_load(&o->broken);
}

bool cnn_optimizer_update(Optimizer *o, const void *gradient, double rate, int threads)
{
    cnn_optimizer_begin(o, gradient, rate);
    return cnn_optimizer_end(o, threads);
}
