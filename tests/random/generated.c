/* generated.c: generated C, driven by its contract, against the reference. */
#include "agree.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
            trial_fails(t, "%s: the descriptor has no %s of this shape", who, p->name);
            return false;
        }
        memcpy((p->trained ? n->weights : n->state) + found->offset, t->r->params[i].at, found->count * sizeof(double));
    }
    if (trained != m->weight_tensors || net->params.count - trained != m->state_tensors)
        trial_fails(t, "%s: the descriptor has other tensors than the network", who);
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

/* A shared object of the network, made of C or by LLVM. */
static bool make(Trial *t, const BuildOf *b, const char *c, const char *so, const char *log)
{
    const char *tile = b->tile ? arena_print(t->arena, " --tile=%d", b->tile) : "";
    const char *command = arena_print(t->arena, "'%s' %s --real=%s%s --unroll-budget=100000000 '%s' -o '%s'", t->o->cnnc, b->options,
                                      b->in_double ? "double" : "float", tile, t->path, b->compiler ? c : so);
    double begun;

    if (!run_command(t, command, log))
        return false;
    if (!b->compiler)
        return true;
    begun = seconds();
    /* The contract stands in the file, so nothing is included from here. */
    if (!run_command(t, arena_print(t->arena, "%s -std=c11 -ffp-contract=off -fPIC -shared '%s' -o '%s' -lm", b->compiler, c, so), log))
        return false;
    t->result->c_seconds += seconds() - begun;
    return true;
}

static bool fits(const Trial *t, const BuildOf *b, const cnn_model *m)
{
    return (b->tile == 0 || m->tile == b->tile) && m->real_bytes == (b->in_double ? 8 : 4)
        && (int64_t)m->inputs == shape_count(t->r->net->x->shape) && (int64_t)m->outputs == shape_count(t->r->net->y->shape);
}

static bool has_pass(const cnn_model *m, Pass pass)
{
    const cnn_program *p = pass == PASS_TRAIN ? &m->train : pass == PASS_INFER ? &m->infer : &m->eval_grad;

    return p->phase_count > 0;
}

void build_and_compare(Trial *t, const BuildOf *b)
{
    const char *stem = arena_print(t->arena, "%s/%s.%s", t->o->dir, t->name, b->label), *error = NULL;
    const char *c = arena_print(t->arena, "%s.c", stem), *so = arena_print(t->arena, "%s.so", stem);
    const char *log = arena_print(t->arena, "%s.log", stem);
    bool only_inference = strstr(b->options, "--infer") != NULL;
    void *handle;

    if (!t->o->made && !make(t, b, c, so, log))
        return;
    t->result->builds++;
    if (t->o->make)
        return;
    if (b->compiler)
        t->symbol = descriptor(t, text_of_file(t->arena, c));
    const cnn_model *m = t->symbol ? model_open(so, t->symbol, &handle, &error) : NULL;
    if (!m) {
        trial_fails(t, "%s: %s", so, t->symbol ? error : "no descriptor");
        return;
    }
    Numbers n = model_numbers(t->arena, m, t->r->batch);
    const char *who = arena_print(t->arena, "%s %s %s, tile %d, %s", b->compiler ? "C" : "LLVM", b->options,
                                  b->in_double ? "double" : "float", m->tile, b->compiler ? b->compiler : "");
    if (!fits(t, b, m)) {
        trial_fails(t, "%s: the descriptor has other sizes than the network", who);
    } else if (has_pass(m, PASS_TRAIN) == only_inference || has_pass(m, PASS_EVAL) == only_inference || !has_pass(m, PASS_INFER)) {
        trial_fails(t, "%s: the descriptor has other programs than were asked for", who);
    } else if (match(t, m, &n, who)) {
        memcpy(n.x, t->r->values[0].at, (size_t)t->r->values[0].count * sizeof(double));
        memcpy(n.target, t->r->target, (size_t)t->r->batch * m->outputs * sizeof(double));
        for (Pass pass = PASS_TRAIN; pass <= PASS_EVAL; pass++) {
            if (!has_pass(m, pass))
                continue;
            reference_pass(t, pass, !b->in_double);
            model_run(t->arena, m, pass, t->draw, &n);
            if (n.wrong)
                trial_fails(t, "%s: %s", who, n.wrong);
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
