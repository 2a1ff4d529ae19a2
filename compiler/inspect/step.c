/* step.c: cnnc step: one picture on its way through the network: what every layer makes of it, what the network says, and with --backward how the
 * loss would change with each pixel and each layer's numbers. The evaluator runs the loops themselves, in double. */
#include "inspect/inspect.h"

#include "emit/c.h"
#include "inspect/blocks.h"
#include "inspect/facts.h"
#include "loops/evaluate.h"
#include "net/layer.h"

#include <math.h>
#include <string.h>

enum { TOP = 5, BAR = 30, NAME = 14 };

static const double most_statements = 5e9;      /* a minute */

typedef struct Walk {
    Unit *u;
    Text *t;
    Program *program;               /* a copy in which nothing shares its place */
    Evaluation *e;
    bool colour;
} Walk;

static bool is_there(const Program *p, const Tensor *t)
{
    for (int i = 0; t && i < p->tensors.count; i++)
        if (p->tensors.at[i] == t)
            return true;
    return false;
}

static const double *values_of(const Walk *w, Tensor *t)
{
    return is_there(w->program, t) ? evaluation_tensor(w->e, t) : NULL;
}

static bool has_negative(const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (values[i] < 0)
            return true;
    return false;
}

/* "from -0.3 to 2.1, 41 % are 0" */
static void put_statistics(Text *t, const double *values, int64_t count)
{
    double low = INFINITY, high = -INFINITY;
    int64_t zeros = 0;

    for (int64_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        zeros += values[i] == 0;
    }
    text_put(t, "from %.3g to %.3g", low, high);
    if (zeros)
        text_put(t, ", %.0f %% are 0", 100.0 * (double)zeros / (double)count);
}

static void put_values(const Walk *w, Shape s, const double *values, bool is_signed)
{
    if (s.rank == 3)
        blocks_put(w->t, &(Maps){ .values = values, .count = s.dim[0], .h = s.dim[1], .w = s.dim[2], .is_signed = is_signed }, w->colour);
    else
        blocks_line(w->t, values, shape_count(s), is_signed, w->colour);
}

static void put_title(const Walk *w, const char *name, const char *what)
{
    text_put(w->t, "\n%s%s%s%s%s", w->colour ? "\033[1m" : "", name, w->colour ? "\033[0m" : "", *what ? "  " : "", what);
}

/* ---- forward */

static void put_kernels(const Walk *w, const Site *s)
{
    const Param *p = site_find_param(s, "weight");

    if (!p || p->shape.rank != 4)
        return;
    int64_t filters = p->shape.dim[0], channels = p->shape.dim[1], size = p->shape.dim[2] * p->shape.dim[3];
    double *first = arena_array(w->u->arena, (size_t)(filters * size), sizeof *first);
    for (int64_t i = 0; i < filters; i++)
        memcpy(first + i * size, p->values + i * channels * size, (size_t)size * sizeof *first);
    text_put(w->t, "  its kernels%s\n", channels > 1 ? ", of the first channel" : "");
    blocks_put(w->t, &(Maps){ .values = first, .count = filters, .h = p->shape.dim[2], .w = p->shape.dim[3], .is_signed = true, .wide = true }, w->colour);
    text_put(w->t, "  its answers\n");
}

static void put_layers(const Walk *w)
{
    const Net *net = w->u->net;
    bool kernels = false;

    put_title(w, net->x->name, arena_print(w->u->arena, "%s  ", shape_text(w->u, net->input)));
    put_statistics(w->t, evaluation_tensor(w->e, w->program->x), shape_count(net->input));
    text_put(w->t, "\n");
    put_values(w, net->input, evaluation_tensor(w->e, w->program->x), false);
    for (int i = 0; i < net->sites.count; i++) {
        const Site *s = net->sites.at[i];
        Tensor *y = w->program->of_value[i + 1];
        const double *values = values_of(w, y);
        int64_t count = shape_count(s->y->shape);
        put_title(w, s->name, arena_print(w->u->arena, "%s  %s  ", as_written(w->u, s->span), shape_text(w->u, s->y->shape)));
        if (!values || y->view_of) {
            text_put(w->t, "the same numbers as before\n");
            continue;
        }
        put_statistics(w->t, values, count);
        text_put(w->t, "\n");
        if (s->params.count && !kernels) {
            put_kernels(w, s);
            kernels = true;
        }
        put_values(w, s->y->shape, values, has_negative(values, count));
    }
}

static const char *label_of(Unit *u, int64_t class)
{
    const Setting *labels = recipe_setting(&u->net->recipe, "labels");

    if (labels && labels->arg_count > 0 && class < labels->args[0].count && labels->args[0].texts)
        return labels->args[0].texts[class];
    return arena_print(u->arena, "%lld", (long long)class);
}

/* The largest result that is smaller than those before; classes of equal results in their order. */
static int64_t next_best(const double *y, int64_t count, int64_t last)
{
    int64_t best = -1;

    for (int64_t i = 0; i < count; i++) {
        bool after = last < 0 || y[i] < y[last] || (y[i] == y[last] && i > last);
        if (after && (best < 0 || y[i] > y[best]))
            best = i;
    }
    return best;
}

static void put_answer(const Walk *w, const double *y)
{
    const Value *out = w->u->net->y;
    int64_t count = shape_count(out->shape), last = -1;
    bool probabilities = out->from && strcmp(out->from->kind->name, "softmax") == 0;

    put_title(w, "answer", "");
    text_put(w->t, "\n");
    for (int i = 0; i < TOP && i < count; i++) {
        last = next_best(y, count, last);
        text_put(w->t, "  %-*s ", NAME, label_of(w->u, last));
        if (probabilities) {
            text_put(w->t, "%6.2f %%  ", 100 * y[last]);
            blocks_bar(w->t, y[last], BAR);
        } else {
            text_put(w->t, "%9.4g", y[last]);
        }
        text_put(w->t, "\n");
    }
}

/* ---- backward */

static void put_layer_gradients(const Walk *w)
{
    const Net *net = w->u->net;
    double most = 0;

    text_put(w->t, "  %-*s %12s   the mean size of the change of the loss with one number that the layer made\n", NAME, "layer", "mean |dy|");
    for (int pass = 0; pass < 2; pass++)
        for (int i = net->sites.count - 1; i >= 0; i--) {
            const Site *s = net->sites.at[i];
            Tensor *y = w->program->of_value[i + 1], *dy = y ? y->gradient : NULL;
            const double *values = values_of(w, dy);
            int64_t count = shape_count(s->y->shape);
            double sum = 0;
            if (!values || dy->view_of)
                continue;
            for (int64_t j = 0; j < count; j++)
                sum += fabs(values[j]);
            sum /= (double)count;
            most = pass == 0 && sum > most ? sum : most;
            if (pass == 0)
                continue;
            text_put(w->t, "  %-*s %12.4g   ", NAME, s->name, sum);
            blocks_bar(w->t, most > 0 ? sum / most : 0, BAR);
            text_put(w->t, "\n");
        }
}

static void put_backward(const Walk *w, int64_t target)
{
    const Net *net = w->u->net;
    const double *dx = evaluation_tensor(w->e, w->program->dx);
    double loss = evaluation_tensor(w->e, w->program->loss)[0];

    put_title(w, "backward: ", "");
    text_put(w->t, "the loss is %.4g if the right answer is %s\n", loss, label_of(w->u, target));
    put_layer_gradients(w);
    text_put(w->t, "\n  the pixels that move the loss: a brighter one raises it where this is above 0 and lowers it where it is below\n  ");
    put_statistics(w->t, dx, shape_count(net->input));
    text_put(w->t, "\n");
    put_values(w, net->input, dx, true);
}

/* ---- both */

static void give(const Walk *w, const double *image)
{
    const Net *net = w->u->net;

    memcpy(evaluation_tensor(w->e, w->program->x), image, (size_t)shape_count(net->input) * sizeof *image);
    for (int i = 0; i < net->params.count; i++) {
        Tensor *t = w->program->of_param[i];
        if (is_there(w->program, t))
            memcpy(evaluation_tensor(w->e, t), net->params.at[i]->values, (size_t)shape_count(net->params.at[i]->shape) * sizeof *image);
    }
}

static Walk walk_of(const Subject *s, const Program *p, Text *t)
{
    Walk w = { .u = s->u, .t = t, .program = ARENA_NEW(s->u->arena, Program), .colour = s->colour };

    *w.program = *p;
    w.program->planned = false;
    w.e = evaluation_new(s->u, w.program, 1);
    give(&w, s->image);
    return w;
}

static void run_walk(const Walk *w)
{
    static const uint32_t draw[4] = { 1, 0, 0, 0 };

    evaluation_clear(w->e);
    evaluation_run(w->e, w->program->phases.count, draw);
}

static bool has_backward(const Unit *u)
{
    if (u->eval && u->eval->loss && u->eval->dx)
        return true;
    error_at((Unit *)u, u->net->span, "--backward goes back from a loss, and network '%s' is compiled without one", u->net->name);
    help((Unit *)u, "a train block with 'loss crossentropy' says how wrong an answer is");
    return false;
}

/* The evaluator runs some 10^8 statements a second. */
static bool takes_not_too_long(Unit *u, const Program *p)
{
    double statements = 0;

    for (int i = 0; i < p->nests.count; i++)
        statements += (double)nest_work(p->nests.at[i]);
    if (statements <= most_statements)
        return true;
    error_at(u, u->net->span, "network '%s' needs %.2g statements for a picture; a step of more than %.0g is not supported yet", u->net->name, statements,
             most_statements);
    return false;
}

static bool run(const Subject *s, Text *t)
{
    Unit *u = s->u;
    int64_t outputs = shape_count(u->net->y->shape), target = u->options.target;
    bool backward = u->options.backward;

    if (backward && !has_backward(u))
        return false;
    if (target >= outputs) {
        error_at(u, u->net->span, "--class %lld is none of the %lld classes of network '%s', which are counted from 0", (long long)target, (long long)outputs,
                 u->net->name);
        return false;
    }
    if (!takes_not_too_long(u, backward ? u->eval : u->infer))
        return false;
    Walk forward = walk_of(s, u->infer, t);
    run_walk(&forward);
    text_put(t, "%s: %s\n", u->net->name, blocks_legend(s->colour));
    put_layers(&forward);
    const double *y = evaluation_tensor(forward.e, forward.program->y);
    put_answer(&forward, y);
    if (!backward)
        return true;
    Walk both = walk_of(s, u->eval, t);
    target = target >= 0 ? target : next_best(y, outputs, -1);
    evaluation_tensor(both.e, both.program->target)[target] = 1;
    run_walk(&both);
    put_backward(&both, target);
    return true;
}

const Inspection inspection_step = {
    .name = "step", .takes = "net.cnn",
    .summary = "one picture through the network, in the terminal: --weights FILE --image FILE, --backward",
    .needs_image = true, .run = run,
};
