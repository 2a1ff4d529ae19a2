/* agree.c: do all ways to run a network give the same numbers?
 *
 *   agree --cnnc=PATH [--dir=DIR] [--seed=N] [--count=N] [--jobs=N] [--cc="CC FLAGS"]... [--whole] [--quick] [FILE.cnn...]
 *
 * Random networks (generate.h), by seed, or the networks of files. For each:
 *   evaluator = naive reference                        within 1e-11
 *   generated C in double, lesson and unrolled = it    within 1e-11
 *   generated C in float, lesson and unrolled = it     outputs within 2e-6, gradients within 1e-5
 * norm-wise, for y, the losses, the gradients of every param and of the input, and the running statistics, in
 * training, in inference and for the derivative of inference; with tiles that do not divide the batch. `--whole` makes networks of
 * small whole numbers with ties and zeros and expects the same numbers everywhere, exactly.
 *
 * Some gradients are the small difference of large terms (that of a bias before batchnorm is 0): there float cannot come within 1e-5 of
 * their norm. Such a one may be as far away as runs of the reference scatter that round every operation to float by chance
 * (trial_scatter); how many are is printed.
 *
 * The numbers are ones that float holds exactly, drawn again until nothing comes so close to a kink that rounding could step over it;
 * how often is printed. A network that fails stays in DIR as FILE.cnn with its seed; status 1. */
#include "generate.h"
#include "loops/evaluate.h"
#include "model.h"
#include "net/layer.h"
#include "reference.h"
#include "support/network.h"
#include "trial.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double double_limit = 1e-11, float_output = 2e-6, float_gradient = 1e-5;
static const double scatters = 4;       /* times the largest of a few runs with noise; a sum in another order scatters a little wider */
static const double most_scattered = 1e-3;
static const double closest = 1e-4;     /* a kink may be: some hundred roundings of float in the layers before it */
enum { BATCH = 5, WHOLE_BATCH = 4, WORK = 1500, MOST_DRAWS = 400, MOST_COMPILERS = 8, SECONDS = 300 };

typedef struct Wishes {
    const char *cnnc, *dir;
    const char *compiler[MOST_COMPILERS];
    int compilers;
    uint64_t seed;
    long count;
    int jobs;
    bool whole, quick;
    char **files;
    int file_count;
} Wishes;

/* What a child says of its network. */
typedef struct Result {
    long number;
    bool failed, skipped;
    int again, builds;
    double double_apart, float_output, float_gradient;
    long compared, scattered;   /* comparisons in float, and those that needed the scatter */
    double c_seconds;
} Result;

/* One network under test. */
typedef struct Trial {
    const Wishes *o;
    Arena *arena;
    const char *name, *path, *text;
    uint64_t seed;
    Unit *u;
    Reference *r;
    uint32_t draw[4];
    Result *result;
    Scatter scatter;            /* of the pass that the reference holds; zero in double */
} Trial;

static void complain(Trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(Trial *t, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    printf("  %s: %s\n", t->name, arena_vprint(t->arena, format, values));
    va_end(values);
    fflush(stdout);
    t->result->failed = true;
}

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
    complain(t, "%s: %s is %.3g apart from the reference, more than %.3g (%.3g times its scatter)", who, what, apart, limit,
             in_float && scatter > 0 ? trial_distance(got, want, count) / scatter : 0);
}

static void reference_pass(Trial *t, Pass pass, bool in_float)
{
    if (in_float && !t->o->whole) {
        t->scatter = trial_scatter(t->r, pass == PASS_TRAIN, pass != PASS_INFER, t->draw, t->seed);
        return;
    }
    reference_forward(t->r, pass == PASS_TRAIN, t->draw);
    if (pass != PASS_INFER)
        reference_backward(t->r);
}

/* What a pass gave, by the reference's order of params; NULL stands for nothing to compare. */
typedef struct Answer {
    const double *y, *loss, *dx;
    const double **params;      /* gradients; of states, the new ones */
} Answer;

static void compare_answer(Trial *t, const char *who, Pass pass, bool in_float, Answer a)
{
    Reference *r = t->r;
    const char *name = pass == PASS_TRAIN ? "training" : pass == PASS_INFER ? "inference" : "eval";
    const char *label = arena_print(t->arena, "%s, %s", who, name);

    compare(t, label, "y", false, in_float, a.y, reference_value(r, r->net->y)->at, NULL, reference_value(r, r->net->y)->count,
            t->scatter.y);
    if (pass == PASS_INFER)
        return;
    compare(t, label, "the loss", false, in_float, a.loss, r->loss, NULL, r->batch, t->scatter.loss);
    compare(t, label, "dx", true, in_float, a.dx, r->values[0].gradient, r->values[0].magnitude, r->values[0].count,
            t->scatter.dx);
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *p = r->net->params.at[i];
        const Field *f = &r->params[i];
        double scatter = t->scatter.params ? t->scatter.params[i] : 0;
        if (p->trained)
            compare(t, label, p->name, true, in_float, a.params[i], f->gradient, f->magnitude, f->count, scatter);
        else
            compare(t, label, p->name, false, in_float, a.params[i], pass == PASS_TRAIN ? r->new_state[i] : f->at, NULL, f->count, scatter);
    }
}

/* ---- the evaluator */

static const Tensor *tensor_of(const Program *p, Role role, const char *param)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (!p->tensors.at[i]->view_of && p->tensors.at[i]->role == role && strcmp(p->tensors.at[i]->param->name, param) == 0)
            return p->tensors.at[i];
    return NULL;
}

static void evaluate(Trial *t, Unit *u, const char *who, Pass pass)
{
    Reference *r = t->r;
    const Program *p = pass == PASS_TRAIN ? u->train : pass == PASS_INFER ? u->infer : u->eval;
    Evaluation *e = evaluation_new(u, p, r->batch);
    const double **params = arena_array(t->arena, (size_t)r->net->params.count + 1, sizeof *params);

    memcpy(evaluation_tensor(e, p->x), r->values[0].at, (size_t)r->values[0].count * sizeof(double));
    if (p->target)
        memcpy(evaluation_tensor(e, p->target), r->target, (size_t)(r->batch * shape_count(r->net->y->shape)) * sizeof(double));
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *param = r->net->params.at[i];
        const Tensor *from = tensor_of(p, param->trained ? ROLE_PARAM : ROLE_STATE, param->name);
        if (from)
            memcpy(evaluation_tensor(e, from), r->params[i].at, (size_t)r->params[i].count * sizeof(double));
    }
    evaluation_clear(e);
    evaluation_run(e, p->phases.count, t->draw);
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *param = r->net->params.at[i];
        const Tensor *to = tensor_of(p, param->trained ? ROLE_GRADIENT : ROLE_STATE, param->name);
        /* What a program does not have stays as it was: a gradient 0, a state the old one. */
        params[i] = to ? evaluation_tensor(e, to)
                  : param->trained ? arena_array(t->arena, (size_t)r->params[i].count, sizeof(double)) : r->params[i].at;
    }
    Answer a = {
        .y = evaluation_tensor(e, p->y), .params = params,
        .loss = p->loss ? evaluation_tensor(e, p->loss) : NULL,
        .dx = p->dx ? evaluation_tensor(e, p->dx) : arena_array(t->arena, (size_t)r->values[0].count, sizeof(double)),
    };
    compare_answer(t, who, pass, false, a);
}

/* ---- generated code */

typedef struct BuildOf {
    const char *label;
    const char *style;
    bool in_double;
    int tile;
    const char *compiler;       /* with its flags */
} BuildOf;

/* Runs a command line through the shell, its output to `log`. */
static bool run(Trial *t, const char *command, const char *log)
{
    int status = system(arena_print(t->arena, "ulimit -t %d; %s > '%s' 2>&1 < /dev/null", SECONDS, command, log));

    if (status == 0)
        return true;
    complain(t, "this failed: %s", command);
    const char *text = text_of_file(t->arena, log);
    if (text)
        printf("%.2000s\n", text);
    return false;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The name of the descriptor: the identifier behind `const cnn_model`. */
static const char *descriptor(Trial *t, const char *c)
{
    const char *found = c ? strstr(c, "\nconst cnn_model ") : NULL;

    if (!found)
        return NULL;
    found += strlen("\nconst cnn_model ");
    return arena_copy(t->arena, found, strcspn(found, " ="));
}

/* The tensors of the model are the params of the network: same names, shapes and kind. Copies numbers between them. */
static bool match(Trial *t, const cnn_model *m, Numbers *n, const char *who)
{
    const Net *net = t->r->net;
    int trained = 0;

    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        const cnn_tensor *list = p->trained ? m->weights : m->state, *found = NULL;
        for (int j = 0; j < (p->trained ? m->weight_tensors : m->state_tensors); j++)
            if (strcmp(list[j].name, p->name) == 0)
                found = &list[j];
        trained += p->trained;
        bool fits = found && found->rank == p->shape.rank && (int64_t)found->count == t->r->params[i].count;
        for (int k = 0; fits && k < found->rank; k++)
            fits = found->dim[k] == p->shape.dim[k];
        if (!fits) {
            complain(t, "%s: the descriptor has no %s of this shape", who, p->name);
            return false;
        }
        memcpy((p->trained ? n->weights : n->state) + found->offset, t->r->params[i].at, found->count * sizeof(double));
    }
    if (trained != m->weight_tensors || net->params.count - trained != m->state_tensors)
        complain(t, "%s: the descriptor has other tensors than the network", who);
    return !t->result->failed;
}

static Answer answer_of(Trial *t, const cnn_model *m, const Numbers *n)
{
    const Net *net = t->r->net;
    Answer a = { .y = n->y, .loss = n->loss, .dx = n->dx };

    a.params = arena_array(t->arena, (size_t)net->params.count + 1, sizeof *a.params);
    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        const cnn_tensor *list = p->trained ? m->weights : m->state;
        for (int j = 0; j < (p->trained ? m->weight_tensors : m->state_tensors); j++)
            if (strcmp(list[j].name, p->name) == 0)
                a.params[i] = (p->trained ? n->gradient : n->new_state) + list[j].offset;
    }
    return a;
}

/* Compiles the network in one way and compares all its passes. */
static void build_and_compare(Trial *t, const BuildOf *b)
{
    const char *stem = arena_print(t->arena, "%s/%s.%s", t->o->dir, t->name, b->label), *error = NULL;
    const char *c = arena_print(t->arena, "%s.c", stem), *so = arena_print(t->arena, "%s.so", stem);
    const char *log = arena_print(t->arena, "%s.log", stem);
    void *handle;
    double begun;

    if (!run(t, arena_print(t->arena, "'%s' --style=%s --real=%s --tile=%d --unroll-budget=100000000 '%s' -o '%s'", t->o->cnnc, b->style,
                            b->in_double ? "double" : "float", b->tile, t->path, c), log))
        return;
    begun = seconds();
    /* The contract stands in the file, so nothing is included from here. */
    if (!run(t, arena_print(t->arena, "%s -std=c11 -Wall -Wextra -Werror -Wconversion -pedantic -ffp-contract=off -fPIC -shared '%s' -o '%s' -lm",
                            b->compiler, c, so), log))
        return;
    t->result->c_seconds += seconds() - begun;
    t->result->builds++;
    const char *symbol = descriptor(t, text_of_file(t->arena, c));
    const cnn_model *m = symbol ? model_open(so, symbol, &handle, &error) : NULL;
    if (!m) {
        complain(t, "%s: %s", so, symbol ? error : "no descriptor");
        return;
    }
    Numbers n = model_numbers(t->arena, m, t->r->batch);
    const char *who = arena_print(t->arena, "C %s %s, tile %d, %s", b->style, b->in_double ? "double" : "float", b->tile, b->compiler);
    if (m->tile != b->tile || m->real_bytes != (b->in_double ? 8 : 4) || (int64_t)m->inputs != shape_count(t->r->net->x->shape)
        || (int64_t)m->outputs != shape_count(t->r->net->y->shape))
        complain(t, "%s: the descriptor has other sizes than the network", who);
    else if (match(t, m, &n, who)) {
        memcpy(n.x, t->r->values[0].at, (size_t)t->r->values[0].count * sizeof(double));
        memcpy(n.target, t->r->target, (size_t)t->r->batch * m->outputs * sizeof(double));
        for (Pass pass = PASS_TRAIN; pass <= PASS_EVAL; pass++) {
            reference_pass(t, pass, !b->in_double);
            model_run(t->arena, m, pass, t->draw, &n);
            if (n.wrong)
                complain(t, "%s: %s", who, n.wrong);
            compare_answer(t, who, pass, !b->in_double, answer_of(t, m, &n));
        }
    }
    dlclose(handle);
    if (!t->result->failed) {
        remove(c);
        remove(so);
        remove(log);
    }
}

/* ---- one network */

static void draw_numbers(Trial *t, Dice *d)
{
    int again = t->o->whole ? trial_draw_exact(t->r, d, t->draw, 24, 60) : trial_draw_clear(t->r, d, t->draw, closest, MOST_DRAWS);

    t->result->again = again;
    t->result->skipped = again < 0;
}

static void try_network(Trial *t)
{
    const Wishes *o = t->o;
    Dice d = dice_new(t->seed + 1);
    const char *unknown;
    int tile = (int)dice_between(&d, 1, 4);

    for (int i = 0; i < 4; i++)
        t->draw[i] = i == 3 ? 0 : (uint32_t)dice_next(&d);
    t->u = network_from(t->name, t->text, (NetworkOptions){ .tile = tile });
    if (!t->u) {
        complain(t, "the compiler does not accept this valid network");
        return;
    }
    if (!reference_knows(t->u->net, &unknown)) {
        complain(t, "the reference does not know the layer '%s'", unknown);
        return;
    }
    t->r = reference_new(t->arena, t->u->net, o->whole ? WHOLE_BATCH : BATCH);
    draw_numbers(t, &d);
    if (t->result->skipped) {
        printf("  %s: left out; %s\n", t->name, t->r->nearest_site ? arena_print(t->arena, "no numbers keep away from a kink at %s",
               t->r->nearest_site) : "no numbers stay exact");
        return;
    }
    for (Pass pass = PASS_TRAIN; pass <= PASS_EVAL; pass++) {
        reference_pass(t, pass, false);
        evaluate(t, t->u, arena_print(t->arena, "evaluator, tile %d", tile), pass);
    }
    if (t->result->failed)
        return;

    /* Which compiler builds which file turns with the seed; every network meets two of them. */
    const char *one = o->compiler[t->seed % (uint64_t)o->compilers], *two = o->compiler[(t->seed + 1) % (uint64_t)o->compilers];
    const BuildOf builds[] = {
        { "lesson.float", "lesson", false, 4, one },
        { "unrolled.float", "unrolled", false, (int)dice_between(&d, 1, 2), two },
        { "lesson.double", "lesson", true, (int)dice_between(&d, 1, 3), two },
        { "unrolled.double", "unrolled", true, 1, one },
    };
    for (int i = 0; i < (o->quick ? 2 : countof(builds)); i++)
        build_and_compare(t, &builds[i]);
}

/* A process of its own for every network: a crash or a hang is a failure of that network alone. */
static void child(const Wishes *o, long number, int to)
{
    Arena *arena = arena_new();
    Result result = { .number = number };
    Trial t = { .o = o, .arena = arena, .result = &result };

    alarm(SECONDS);
    if (number < o->file_count) {
        const char *slash = strrchr(o->files[number], '/');
        t.path = o->files[number];
        t.name = slash ? slash + 1 : t.path;
        t.text = text_of_file(arena, t.path);
        t.seed = o->seed;
    } else {
        t.seed = o->seed + (uint64_t)(number - o->file_count);
        t.name = arena_print(arena, "%s%llu", o->whole ? "whole" : "net", (unsigned long long)t.seed);
        t.path = arena_print(arena, "%s/%s.cnn", o->dir, t.name);
        t.text = random_network(arena, t.seed, o->whole ? FAMILY_WHOLE : FAMILY_REAL, WORK);
        FILE *f = fopen(t.path, "w");
        if (!f || fputs(t.text, f) < 0 || fclose(f) != 0)
            complain(&t, "cannot write %s", t.path);
    }
    if (t.text && !result.failed)
        try_network(&t);
    else
        result.failed = true;
    if (result.failed)
        printf("  %s: kept as %s (seed %llu)\n", t.name, t.path, (unsigned long long)t.seed);
    else if (number >= o->file_count)
        remove(t.path);
    fflush(stdout);
    if (write(to, &result, sizeof result) != (ssize_t)sizeof result)
        _exit(3);
    if (t.u)
        unit_free(t.u);
    arena_free(arena);
    exit(0);
}

/* ---- all of them */

typedef struct Totals {
    Result worst;
    long done, failed, skipped, again, builds;
} Totals;

static void take(Totals *all, const Result *r)
{
    all->done++;
    all->failed += r->failed;
    all->skipped += r->skipped;
    all->again += r->again > 0 ? r->again : 0;
    all->builds += r->builds;
    all->worst.compared += r->compared;
    all->worst.scattered += r->scattered;
    all->worst.double_apart = fmax(all->worst.double_apart, r->double_apart);
    all->worst.float_output = fmax(all->worst.float_output, r->float_output);
    all->worst.float_gradient = fmax(all->worst.float_gradient, r->float_gradient);
    all->worst.c_seconds += r->c_seconds;
}

/* Reads what children have reported so far. */
static void take_reports(int from, Totals *all, bool *reported)
{
    Result r;

    while (read(from, &r, sizeof r) == (ssize_t)sizeof r) {
        take(all, &r);
        reported[r.number] = true;
    }
}

static void run_all(const Wishes *o, Totals *all)
{
    long total = o->file_count + o->count, next = 0;
    int running = 0, pipes[2];
    pid_t *pid = calloc((size_t)total + 1, sizeof *pid);
    bool *reported = calloc((size_t)total + 1, sizeof *reported);

    if (!pid || !reported || pipe(pipes) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0) {
        perror("agree");
        exit(2);
    }
    while (next < total || running > 0) {
        while (next < total && running < o->jobs) {
            fflush(stdout);
            pid[next] = fork();
            if (pid[next] == 0)
                child(o, next, pipes[1]);
            if (pid[next] < 0) {
                perror("agree: fork");
                exit(2);
            }
            next++;
            running++;
        }
        int status;
        pid_t ended = wait(&status);
        long number = 0;
        while (number < next && pid[number] != ended)
            number++;
        running--;
        take_reports(pipes[0], all, reported);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && reported[number])
            continue;
        printf("  network %ld (seed %llu) ended with %s %d\n", number, (unsigned long long)o->seed + (unsigned long long)number,
               WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        all->failed++;
        all->done += !reported[number];
    }
    close(pipes[0]);
    close(pipes[1]);
    free(pid);
    free(reported);
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t length = strlen(with);

    *rest = text + length;
    return strncmp(text, with, length) == 0;
}

int main(int argc, char **argv)
{
    Wishes o = { .dir = ".", .seed = 1, .jobs = 2 };
    Totals all = { 0 };

    for (int i = 1; i < argc; i++) {
        const char *value;
        if (starts(argv[i], "--cnnc=", &value))
            o.cnnc = value;
        else if (starts(argv[i], "--dir=", &value))
            o.dir = value;
        else if (starts(argv[i], "--seed=", &value))
            o.seed = strtoull(value, NULL, 10);
        else if (starts(argv[i], "--count=", &value))
            o.count = strtol(value, NULL, 10);
        else if (starts(argv[i], "--jobs=", &value))
            o.jobs = (int)strtol(value, NULL, 10);
        else if (starts(argv[i], "--cc=", &value) && o.compilers < MOST_COMPILERS)
            o.compiler[o.compilers++] = value;
        else if (strcmp(argv[i], "--whole") == 0)
            o.whole = true;
        else if (strcmp(argv[i], "--quick") == 0)
            o.quick = true;
        else if (argv[i][0] == '-')
            o.cnnc = NULL, argc = 0;
        else {
            o.files = argv + i;
            o.file_count = argc - i;
            break;
        }
    }
    if (!o.cnnc || o.jobs < 1) {
        fprintf(stderr, "usage: agree --cnnc=PATH [--dir=DIR] [--seed=N] [--count=N] [--jobs=N] [--cc=\"CC FLAGS\"]... [--whole] [--quick] "
                        "[FILE.cnn...]\n");
        return 2;
    }
    if (o.compilers == 0)
        o.compiler[o.compilers++] = "cc -O1";
    if (mkdir(o.dir, 0777) != 0 && errno != EEXIST) {
        perror(o.dir);
        return 2;
    }
    run_all(&o, &all);
    printf("agree: %ld networks from seed %llu, %ld failed, %ld without numbers; %ld builds of C (%.0f s)\n", all.done,
           (unsigned long long)o.seed, all.failed, all.skipped, all.builds, all.worst.c_seconds);
    if (o.whole)
        printf("agree: every number exactly equal; numbers drawn again %ld times to stay exact\n", all.again);
    else
        printf("agree: at most %.1e apart in double, %.1e (outputs) and %.1e (gradients) in float; %ld of %ld gradients in float cancel and are "
               "measured by their scatter; numbers drawn again %ld times near kinks\n",
               all.worst.double_apart, all.worst.float_output, all.worst.float_gradient, all.worst.scattered, all.worst.compared, all.again);
    /* A network that never gets numbers tests nothing; a few are bound to happen. */
    return all.failed > 0 || all.skipped * 10 > all.done;
}
