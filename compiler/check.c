/* check.c: cnnc check: tests a user's own network (check.h), in double.
 *
 * Three ways to run it are compared, number by number: the evaluator, which runs the loops themselves and is the judge, the code that LLVM
 * makes, and the C file, if there is a C compiler. And the gradient that they agree about is compared with what a derivative is: the change
 * of the loss when a number changes a little, for some numbers of every tensor,
 *
 *   dL/dp = (L(p + h) - L(p - h)) / 2h
 *
 * Errors are relative to the largest number of the tensor, or to a thousandth of the largest gradient of all where a tensor has only small
 * ones. A step h may meet a kink (of relu, of a maximum), where there is no derivative: the best of several steps counts. */
#include "check.h"

#include "c_code.h"
#include "emit/native.h"
#include "loops/evaluate.h"
#include "pipeline.h"

#include <cnn/cnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    IMAGES = 3,                     /* of the batch: fewer, and the statistics of batchnorm have no slope */
    SAMPLES = 6                     /* numbers of a tensor whose derivative is measured, at most */
};

static const double agree_limit = 1e-9, derivative_limit = 1e-5;
static const double most_statements = 4e8;      /* that the evaluator may run: some ten seconds */
static const double most_seconds = 20;          /* for the differences */
static const uint64_t seed = 1;

/* What a pass over the batch gives. Gradients stand in the order of the weights file. */
typedef struct Outcome {
    double loss;
    double *gradient, *dx, *y;
} Outcome;

/* A way to run the network. */
typedef struct Way {
    const char *name;               /* "LLVM 19", "C" */
    cnn_net *net;
    Outcome train, eval;            /* eval: of the inference function */
} Way;

typedef struct Check {
    Unit *u;
    const Net *net;
    int64_t inputs, outputs, weights;   /* reals of an image, a result, all that is trained */
    double *x, *target, *values, *states;
    Way ways[2];
    int way_count;
    bool evaluated;
    Outcome train, eval;            /* the evaluator's */
    NativeCode *code;
    CCode c_code;
    bool failed;
} Check;

static double *numbers(const Check *c, int64_t count)
{
    return arena_array(c->u->arena, (size_t)count + 1, sizeof(double));
}

static Outcome outcome_new(const Check *c)
{
    return (Outcome){ 0, numbers(c, c->weights), numbers(c, IMAGES * c->inputs), numbers(c, IMAGES * c->outputs) };
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- what is given */

/* Images in [0, 1), a class for each of them, or for a single output a number. */
static void draw_data(Check *c)
{
    const uint32_t draw[4] = { (uint32_t)seed, 0, 0, 0 };
    enum { STREAM_X = 1, STREAM_TARGET = 2 };

    for (int64_t i = 0; i < IMAGES * c->inputs; i++)
        c->x[i] = uniform_number(draw, STREAM_X, 0, (uint32_t)i);
    for (int64_t n = 0; n < IMAGES; n++) {
        double u = uniform_number(draw, STREAM_TARGET, (uint32_t)n, 0);
        for (int64_t i = 0; i < c->outputs; i++)
            c->target[n * c->outputs + i] = c->outputs == 1 ? u : i == (int64_t)(u * (double)c->outputs);
    }
}

/* ---- code of LLVM and of a C compiler, by the runtime */

static bool runtime_failed(Check *c, const Way *w, const cnn_error *error)
{
    printf("%s: %s\n", w->name, error->text);
    c->failed = true;
    return false;
}

static bool run_way(Check *c, Way *w, bool eval, Outcome *to)
{
    cnn_error error;

    return cnn_gradient(w->net, c->x, c->target, IMAGES, seed, eval, &to->loss, to->gradient, to->dx, &error) || runtime_failed(c, w, &error);
}

/* Takes a compiled network; the first one draws the weights for all. */
static bool add_way(Check *c, const char *name, const cnn_model *model)
{
    Way *w = &c->ways[c->way_count];
    cnn_error error;

    *w = (Way){ .name = name, .net = cnn_new(model, seed, &error), .train = outcome_new(c), .eval = outcome_new(c) };
    if (!w->net)
        return runtime_failed(c, w, &error);
    if (c->way_count == 0) {
        memcpy(c->values, cnn_weights(w->net), model->weight_count * sizeof(double));
        memcpy(c->states, cnn_state(w->net), model->state_count * sizeof(double));
    }
    memcpy(cnn_weights(w->net), c->values, model->weight_count * sizeof(double));
    memcpy(cnn_state(w->net), c->states, model->state_count * sizeof(double));
    cnn_changed(w->net);
    c->way_count++;
    return run_way(c, w, false, &w->train) && run_way(c, w, true, &w->eval)
        && (cnn_run(w->net, c->x, IMAGES, w->eval.y, &error) || runtime_failed(c, w, &error));
}

/* Without a C compiler there is nothing to compare. */
static bool add_c(Check *c)
{
    const cnn_model *model = c_code_load(c->u, "-O1", &c->c_code);

    if (!model)
        printf("the C file is left out: %s\n", c->c_code.why);
    return !model || add_way(c, "C", model);
}

/* ---- the evaluator */

static double statements(const Program *p)
{
    double sum = 0;

    for (int i = 0; i < p->nests.count; i++)
        sum += (double)nest_work(p->nests.at[i]) / (double)p->tile * IMAGES;
    return sum;
}

static Evaluation *evaluate(Check *c, const Program *p)
{
    static const uint32_t draw[4] = { (uint32_t)seed, (uint32_t)(seed >> 32), 0, 0 };
    Evaluation *e = evaluation_new(c->u, p, IMAGES);
    int64_t done[2] = { 0, 0 };

    memcpy(evaluation_tensor(e, p->x), c->x, (size_t)(IMAGES * c->inputs) * sizeof(double));
    if (p->target)
        memcpy(evaluation_tensor(e, p->target), c->target, (size_t)(IMAGES * c->outputs) * sizeof(double));
    for (int i = 0; i < c->net->params.count; i++) {
        const Param *param = c->net->params.at[i];
        int64_t count = shape_count(param->shape), *at = &done[param->trained];
        if (p->of_param[i])
            memcpy(evaluation_tensor(e, p->of_param[i]), (param->trained ? c->values : c->states) + *at, (size_t)count * sizeof(double));
        *at += count;
    }
    evaluation_clear(e);
    evaluation_run(e, p->phases.count, draw);
    return e;
}

/* The mean of the losses, and all gradients. */
static void evaluate_gradient(Check *c, const Program *p, Outcome *to)
{
    Evaluation *e = evaluate(c, p);
    int64_t at = 0;

    for (int i = 0; i < IMAGES; i++)
        to->loss += evaluation_tensor(e, p->loss)[i] / IMAGES;
    for (int i = 0; i < c->net->params.count; i++) {
        const Param *param = c->net->params.at[i];
        const Tensor *t = p->of_param[i] ? p->of_param[i]->gradient : NULL;
        if (!param->trained)
            continue;
        if (t)
            memcpy(to->gradient + at, evaluation_tensor(e, t), (size_t)shape_count(param->shape) * sizeof(double));
        at += shape_count(param->shape);
    }
    if (p->dx)
        memcpy(to->dx, evaluation_tensor(e, p->dx), (size_t)(IMAGES * c->inputs) * sizeof(double));
}

static void run_evaluator(Check *c)
{
    double work = statements(c->u->train) + statements(c->u->eval) + statements(c->u->infer);

    if (work > most_statements) {
        printf("the evaluator is left out: %.2g statements would take it minutes\n", work);
        return;
    }
    c->train = outcome_new(c);
    c->eval = outcome_new(c);
    evaluate_gradient(c, c->u->train, &c->train);
    evaluate_gradient(c, c->u->eval, &c->eval);
    memcpy(c->eval.y, evaluation_tensor(evaluate(c, c->u->infer), c->u->infer->y), (size_t)(IMAGES * c->outputs) * sizeof(double));
    c->evaluated = true;
}

/* ---- comparing */

/* The largest error of a tensor and where it is. */
typedef struct Worst {
    double error;
    int64_t at;
    bool known;
} Worst;

static double largest(const double *numbers_of, int64_t count)
{
    double most = 0;

    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(numbers_of[i]));
    return most;
}

static void see(Worst *w, double error, int64_t at)
{
    if (!w->known || !(error <= w->error))
        *w = (Worst){ error, at, true };
}

static Worst compare(const double *got, const double *want, int64_t count, double scale)
{
    Worst w = { 0 };

    scale = fmax(scale, largest(want, count));
    for (int64_t i = 0; i < count; i++)
        see(&w, got[i] == want[i] ? 0 : fabs(got[i] - want[i]) / scale, i);
    return w;
}

/* A row of the table: a tensor with its gradient. */
typedef struct CheckRow {
    const char *name;
    Shape shape;
    int64_t count, offset;          /* elements; of the first in the weights, -1: the input */
    Worst apart[2];                 /* each way against the evaluator (or the first way) */
    Worst derivative;
    int samples;                    /* numbers whose derivative was measured */
    double scale;
} CheckRow;

static double *gradient_of(const CheckRow *r, const Outcome *o)
{
    return r->offset < 0 ? o->dx : o->gradient + r->offset;
}

/* The loss with one number changed. */
static double loss_with(Check *c, const CheckRow *r, int64_t at, double value)
{
    Way *w = &c->ways[0];
    Outcome to = { 0, w->eval.gradient, w->eval.dx, NULL };         /* scratch: they have been compared */
    double *place = r->offset < 0 ? c->x + at : (double *)cnn_weights(w->net) + r->offset + at, before = *place;

    *place = value;
    cnn_changed(w->net);
    if (!run_way(c, w, false, &to))
        to.loss = NAN;
    *place = before;
    cnn_changed(w->net);
    return to.loss;
}

static void measure(Check *c, CheckRow *r, int64_t at)
{
    static const double steps[] = { 1e-4, 1e-5, 1e-3, 1e-6, 1e-7 };
    double analytic = gradient_of(r, &c->ways[0].train)[at], best = INFINITY;
    double value = r->offset < 0 ? c->x[at] : ((double *)cnn_weights(c->ways[0].net))[r->offset + at];

    for (int i = 0; i < countof(steps) && best > derivative_limit / 10; i++) {
        double slope = (loss_with(c, r, at, value + steps[i]) - loss_with(c, r, at, value - steps[i])) / (2 * steps[i]);
        double error = fabs(slope - analytic) / r->scale;
        best = error < best ? error : best;
    }
    see(&r->derivative, best, at);
    r->samples++;
}

/* Which number of a tensor is measured next: first the one with the largest gradient, then anywhere. */
static int64_t sample(const Check *c, const CheckRow *r, int number)
{
    const double *g = gradient_of(r, &c->ways[0].train);
    int64_t most = 0;

    if (number > 0)
        return (int64_t)(((uint64_t)number * 0x9E3779B97F4A7C15u >> 20) % (uint64_t)r->count);
    for (int64_t i = 0; i < r->count; i++)
        if (fabs(g[i]) > fabs(g[most]))
            most = i;
    return most;
}

static void measure_all(Check *c, CheckRow *rows, int count)
{
    double begun = seconds();

    for (int number = 0; number < SAMPLES; number++)
        for (int i = 0; i < count; i++)
            if (number < rows[i].count && rows[i].scale > 0 && seconds() - begun < most_seconds && !c->failed)
                measure(c, &rows[i], sample(c, &rows[i], number));
}

/* ---- the table */

/* "[3][0][2][1]"; of the input the image goes first. */
static const char *place_text(Check *c, const CheckRow *r, int64_t at)
{
    Text *t = text_new(c->u->arena);
    int64_t stride = r->count;

    if (r->offset < 0) {
        stride /= IMAGES;
        text_put(t, "[%lld]", (long long)(at / stride));
        at %= stride;
    }
    for (int i = 0; i < r->shape.rank; i++) {
        stride /= r->shape.dim[i];
        text_put(t, "[%lld]", (long long)(at / stride));
        at %= stride;
    }
    return t->at;
}

static const char *error_text(Check *c, const CheckRow *r, Worst w, double limit)
{
    bool wrong = w.known && !(w.error <= limit);

    c->failed = c->failed || wrong;
    if (!w.known || w.error == 0)
        return w.known ? "0" : "-";
    return arena_print(c->u->arena, "%.1e at %s%s", w.error, place_text(c, r, w.at), wrong ? " !" : "");
}

/* What the numbers of the ways are compared with. */
static const Outcome *judge(const Check *c, bool eval)
{
    return c->evaluated ? eval ? &c->eval : &c->train : eval ? &c->ways[0].eval : &c->ways[0].train;
}

static void compare_row(Check *c, CheckRow *r)
{
    for (int i = 0; i < c->way_count; i++)
        if (c->evaluated || i > 0)
            r->apart[i] = compare(gradient_of(r, &c->ways[i].train), gradient_of(r, judge(c, false)), r->count, r->scale);
}

static CheckRow *make_rows(Check *c, int *count)
{
    CheckRow *rows = arena_array(c->u->arena, (size_t)c->net->params.count + 1, sizeof *rows);
    double all = fmax(largest(judge(c, false)->gradient, c->weights), largest(judge(c, false)->dx, IMAGES * c->inputs));
    int64_t offset = 0;

    *count = 0;
    rows[(*count)++] = (CheckRow){ .name = c->net->x->name, .shape = c->net->input, .count = IMAGES * c->inputs, .offset = -1 };
    for (int i = 0; i < c->net->params.count; i++) {
        const Param *p = c->net->params.at[i];
        if (!p->trained)
            continue;
        rows[(*count)++] = (CheckRow){ .name = p->name, .shape = p->shape, .count = shape_count(p->shape), .offset = offset };
        offset += shape_count(p->shape);
    }
    for (int i = 0; i < *count; i++) {
        CheckRow *r = &rows[i];
        r->scale = fmax(largest(gradient_of(r, judge(c, false)), r->count), all / 1000);
        compare_row(c, r);
    }
    return rows;
}

static void put_cell(Text *t, const char *text, int end)
{
    text_put(t, "%s", text);
    text_column(t, end);
}

/* The columns: tensor, numbers, the derivative, each way. */
static void put_rows(Check *c, const CheckRow *rows, int count)
{
    enum { NUMBERS = 26, DERIVATIVE = 38, FIRST = 68, COLUMN = 30 };
    Text *t = text_new(c->u->arena);

    put_cell(t, "gradient by", NUMBERS);
    put_cell(t, "numbers", DERIVATIVE);
    put_cell(t, "differences of the loss", FIRST);
    for (int i = 0; i < c->way_count; i++)
        if (c->evaluated || i > 0)
            put_cell(t, arena_print(t->arena, "%s against %s", c->ways[i].name, c->evaluated ? "the evaluator" : c->ways[0].name),
                     FIRST + (i + 1) * COLUMN);
    text_put(t, "\n");
    for (int j = 0; j < count; j++) {
        const CheckRow *r = &rows[j];
        put_cell(t, r->name, NUMBERS);
        put_cell(t, arena_print(t->arena, "%lld", (long long)r->count), DERIVATIVE);
        put_cell(t, error_text(c, r, r->derivative, derivative_limit), FIRST);
        for (int i = 0; i < c->way_count; i++)
            if (c->evaluated || i > 0)
                put_cell(t, error_text(c, r, r->apart[i], agree_limit), FIRST + (i + 1) * COLUMN);
        text_put(t, "\n");
    }
    for (char *line = t->at; *line;) {              /* without the blanks at the ends of lines */
        int length = (int)strcspn(line, "\n"), end = length;
        while (end > 0 && line[end - 1] == ' ')
            end--;
        printf("%.*s\n", end, line);
        line += length + (line[length] == '\n');
    }
}

/* The rest in a line each: the losses, the results, the gradient of the inference function. */
static void put_line(Check *c, const Way *w, const char *what, Worst error)
{
    bool wrong = !(error.error <= agree_limit);

    c->failed = c->failed || wrong;
    printf("%-40s %s: %s%s\n", what, w->name, error.error == 0 ? "0" : arena_print(c->u->arena, "%.1e", error.error), wrong ? " !" : "");
}

static void put_others(Check *c)
{
    printf("errors against %s\n", c->evaluated ? "the evaluator" : c->ways[0].name);
    for (int i = c->evaluated ? 0 : 1; i < c->way_count; i++) {
        const Way *w = &c->ways[i];
        const Outcome *train = judge(c, false), *eval = judge(c, true);
        put_line(c, w, "loss in training", compare(&w->train.loss, &train->loss, 1, 0));
        put_line(c, w, "loss outside training", compare(&w->eval.loss, &eval->loss, 1, 0));
        put_line(c, w, "results outside training", compare(w->eval.y, eval->y, IMAGES * c->outputs, 0));
        put_line(c, w, "gradient outside training, by weights", compare(w->eval.gradient, eval->gradient, c->weights, 1e-300));
        put_line(c, w, "gradient outside training, by the input", compare(w->eval.dx, eval->dx, IMAGES * c->inputs, 1e-300));
    }
}

/* ---- all of it */

static Check check_new(Unit *u)
{
    Check c = { .u = u, .net = u->net, .inputs = shape_count(u->net->input), .outputs = shape_count(u->net->y->shape),
                .weights = u->net->trained_count };
    int64_t states = 0;

    for (int i = 0; i < c.net->params.count; i++)
        states += c.net->params.at[i]->trained ? 0 : shape_count(c.net->params.at[i]->shape);
    c.x = numbers(&c, IMAGES * c.inputs);
    c.target = numbers(&c, IMAGES * c.outputs);
    c.values = numbers(&c, c.weights);
    c.states = numbers(&c, states);
    draw_data(&c);
    return c;
}

static void report(Check *c)
{
    int count;
    CheckRow *rows = make_rows(c, &count);

    put_others(c);                  /* before the differences: those use the space of the results */
    if (c->net->recipe.straight_through)
        printf("the perceptron rule passes the gradient through 'step' as it is: it is no derivative, and is not measured\n");
    else
        measure_all(c, rows, count);
    printf("\n");
    put_rows(c, rows, count);
    printf("\n%s: %s\n", c->net->name, c->failed ? "not all is within the limits: see the lines with !" : "all agree");
}

int check_run(Unit *u)
{
    if (!pipeline_run(u, NULL) || diag_errors(u))
        return 1;
    Check c = check_new(u);
    const cnn_model *model = native_maker() ? native_load(u, &c.code) : NULL;

    if (native_maker() && !model)
        return 1;
    bool ready = (!model || add_way(&c, native_maker(), model)) && add_c(&c);
    if (ready && c.way_count == 0) {
        error_at(u, NO_SPAN, "there is neither LLVM nor a C compiler: nothing can be checked");
    } else if (ready) {
        run_evaluator(&c);
        report(&c);
    }
    for (int i = 0; i < c.way_count; i++)
        cnn_free(c.ways[i].net);
    if (model)
        native_unload(c.code);
    c_code_unload(&c.c_code);
    return !ready || c.failed || diag_errors(u) > 0;
}
