/* program.c: a network with the runtime, against the reference: its commands `run` and `grad`, as a compiled program has them and as cnnc
 * runs them in memory. */
#include "agree.h"

#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files of one program, and how its commands begin. */
typedef struct Paths {
    const char *program, *x, *target, *weights, *y, *gradient, *log;
    const char *run, *grad;
} Paths;

static bool write_inputs(Trial *t, const Paths *p, bool wide)
{
    const Net *net = t->r->net;
    FileTensor *tensors = arena_array(t->arena, (size_t)net->params.count + 1, sizeof *tensors);
    int64_t x[1 + MAX_RANK] = { t->r->batch }, target[2] = { t->r->batch, shape_count(net->y->shape) };

    for (int i = 0; i < net->x->shape.rank; i++)
        x[1 + i] = net->x->shape.dim[i];
    for (int i = 0; i < net->params.count; i++) {
        const Param *param = net->params.at[i];
        tensors[i] = (FileTensor){ param->name, param->shape.rank, param->shape.dim, t->r->params[i].at };
    }
    return npy_write(p->x, t->r->values[0].at, 1 + net->x->shape.rank, x, wide) && npy_write(p->target, t->r->target, 2, target, wide)
        && safetensors_write(t->arena, p->weights, tensors, net->params.count, wide);
}

/* The gradients that `grad` wrote, or NULL parts where a tensor is missing. */
static Answer read_gradients(Trial *t, const Paths *p, bool wide)
{
    const Net *net = t->r->net;
    Answer a = { .params = arena_array(t->arena, (size_t)net->params.count + 1, sizeof *a.params) };
    int64_t x[1 + MAX_RANK] = { t->r->batch };

    for (int i = 0; i < net->x->shape.rank; i++)
        x[1 + i] = net->x->shape.dim[i];
    a.dx = safetensors_read(t->arena, p->gradient, "input", 1 + net->x->shape.rank, x, wide);
    if (!a.dx)
        trial_fails(t, "%s has no tensor 'input' in the shape of the input", p->gradient);
    for (int i = 0; i < net->params.count; i++) {
        const Param *param = net->params.at[i];
        if (!param->trained)
            continue;
        a.params[i] = safetensors_read(t->arena, p->gradient, param->name, param->shape.rank, param->shape.dim, wide);
        if (!a.params[i])
            trial_fails(t, "%s has no tensor '%s' of its shape", p->gradient, param->name);
    }
    return a;
}

/* The number in the line `loss NUMBER`, compared with the mean of the losses. */
static void compare_loss(Trial *t, const char *who, const char *log, bool wide)
{
    const char *text = text_of_file(t->arena, log), *line = text ? strstr(text, "loss ") : NULL;
    double got = line ? strtod(line + 5, NULL) : 0, want = 0;

    for (int64_t i = 0; i < t->r->batch; i++)
        want += t->r->loss[i] / (double)t->r->batch;
    if (!line || (line != text && line[-1] != '\n'))
        trial_fails(t, "%s: grad prints no line `loss NUMBER`", who);
    else if (trial_difference(&got, &want, NULL, 1) > (wide ? 1e-11 : 2e-6))
        trial_fails(t, "%s: grad prints loss %.9g, the reference has %.9g", who, got, want);
}

static bool compare_run(Trial *t, const Paths *p, const char *who, bool wide)
{
    const Net *net = t->r->net;
    int64_t y[1 + MAX_RANK] = { t->r->batch, shape_count(net->y->shape) };

    if (!run_command(t, arena_print(t->arena, "%s --weights '%s' --input '%s' --output '%s'", p->run, p->weights, p->x, p->y),
                     p->log))
        return false;
    Answer a = { .y = npy_read(t->arena, p->y, 2, y, wide) };
    if (!a.y)
        trial_fails(t, "%s: %s is no array [%lld][%lld] of this type", who, p->y, (long long)y[0], (long long)y[1]);
    reference_pass(t, PASS_INFER, !wide);
    compare_answer(t, who, PASS_INFER, !wide, a);
    return !t->result->failed;
}

static bool compare_grad(Trial *t, const Paths *p, const char *who, Pass pass, bool wide)
{
    /* `grad` draws as in step 0. */
    if (!run_command(t, arena_print(t->arena, "%s --seed %u --weights '%s' --input '%s' --target '%s' --output '%s'%s", p->grad,
                                    t->draw[0], p->weights, p->x, p->target, p->gradient, pass == PASS_EVAL ? " --eval" : ""), p->log))
        return false;
    reference_pass(t, pass, !wide);
    compare_loss(t, who, p->log, wide);
    compare_answer(t, who, pass, !wide, read_gradients(t, p, wide));
    return !t->result->failed;
}

/* The C file, compiled and linked; nothing is to be done where cnnc runs the network itself. */
static bool make(Trial *t, const Paths *p, const BuildOf *b, const char *options, const char *c)
{
    if (!b->compiler)
        return true;
    return run_command(t, arena_print(t->arena, "'%s' --main %s '%s' -o '%s'", t->o->cnnc, options, t->path, c), p->log)
        && run_command(t, arena_print(t->arena, "%s -ffp-contract=off '%s' '%s' $(cat '%.*s.needs') -o '%s'", b->compiler, c,
                                      t->o->libcnn, (int)strlen(t->o->libcnn) - 2, t->o->libcnn, p->program), p->log);
}

void program_and_compare(Trial *t, const BuildOf *b)
{
    const char *stem = arena_print(t->arena, "%s/%s.%s", t->o->dir, t->name, b->label), *c = arena_print(t->arena, "%s.c", stem);
    const char *options = arena_print(t->arena, "%s --real=%s --tile=%d --unroll-budget=100000000", b->options,
                                      b->in_double ? "double" : "float", b->tile);
    Paths p = {
        stem, arena_print(t->arena, "%s.x.npy", stem), arena_print(t->arena, "%s.t.npy", stem), arena_print(t->arena, "%s.w.safetensors", stem),
        arena_print(t->arena, "%s.y.npy", stem), arena_print(t->arena, "%s.g.safetensors", stem), arena_print(t->arena, "%s.log", stem),
        NULL, NULL,
    };
    const char *who = arena_print(t->arena, "%s %s, %s", b->compiler ? "program" : "cnnc run and grad", options, b->compiler ? b->compiler : "");
    uint32_t draw[4] = { t->draw[0], 0, 0, 0 }, was[4];

    p.run = b->compiler ? arena_print(t->arena, "'%s' run", stem) : arena_print(t->arena, "'%s' run %s '%s'", t->o->cnnc, options, t->path);
    p.grad = b->compiler ? arena_print(t->arena, "'%s' grad", stem) : arena_print(t->arena, "'%s' grad %s '%s'", t->o->cnnc, options, t->path);
    memcpy(was, t->draw, sizeof was);
    memcpy(t->draw, draw, sizeof draw);
    if (!make(t, &p, b, options, c))
        return;
    t->result->builds++;
    if (!write_inputs(t, &p, b->in_double)) {
        trial_fails(t, "cannot write the inputs of %s", stem);
        return;
    }
    if (compare_run(t, &p, who, b->in_double) && compare_grad(t, &p, who, PASS_TRAIN, b->in_double)
        && compare_grad(t, &p, who, PASS_EVAL, b->in_double)) {
        const char *const files[] = { c, p.program, p.x, p.target, p.weights, p.y, p.gradient, p.log };
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            remove(files[i]);
    }
    memcpy(t->draw, was, sizeof was);
}
