/* evaluated.c: the evaluator of the compiler against the reference. */
#include "agree.h"

#include "loops/evaluate.h"

#include <string.h>

static const Tensor *tensor_of(const Program *p, Role role, const char *param)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (!p->tensors.at[i]->view_of && p->tensors.at[i]->role == role && strcmp(p->tensors.at[i]->param->name, param) == 0)
            return p->tensors.at[i];
    return NULL;
}

void evaluate(Trial *t, Unit *u, const char *who, Pass pass)
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
