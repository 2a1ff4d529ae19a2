/* embed.c: with the weights at hand, what touches no image is computed now and only its result is kept.
 *
 * The nests of an inference program that run once (scales folded into weights, fold.c) are run by the evaluator; what they made,
 * and the params that the other nests read, become constants of the generated code. */
#include "loops/embed.h"

#include "loops/evaluate.h"

#include <string.h>

static void make_constant(Unit *u, Evaluation *e, Tensor *t)
{
    size_t count = (size_t)tensor_count(t);
    double *values = arena_array(u->arena, count, sizeof *values);

    memcpy(values, evaluation_tensor(e, t), count * sizeof *values);
    t->constant = values;
}

static bool becomes_constant(const Tensor *t)
{
    return t->role == ROLE_PARAM || t->role == ROLE_STATE || t->role == ROLE_SHARED;
}

static void mark_read(void *context, const Expr *load)
{
    tensor_base(load->tensor)->mark = *(const int *)context;
}

/* What only those nests read that have run (weights that were packed, or folded) is no longer needed. */
static void drop_unread(Program *p)
{
    int mark = ++p->marks, kept = 0;

    for (int i = 0; i < p->nests.count; i++)
        nest_loads(p->nests.at[i], mark_read, &mark);
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->role != ROLE_CONSTANT || tensor_base(t)->mark == mark)
            p->tensors.at[kept++] = t;
    }
    p->tensors.count = kept;
}

void program_embed(Unit *u, Program *p)
{
    static const uint32_t draw[4] = { 0 };
    Evaluation *e = evaluation_new(u, p, p->tile);

    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (t->param && !t->view_of)
            memcpy(evaluation_tensor(e, t), t->param->values, (size_t)tensor_count(t) * sizeof(double));
    }
    if (p->phases.count > 0 && p->phases.at[0].once) {
        int gone = p->phases.at[0].end;
        evaluation_run(e, 1, draw);
        p->nests.count -= gone;
        memmove(p->nests.at, p->nests.at + gone, (size_t)p->nests.count * sizeof p->nests.at[0]);
        p->phases.count--;
        memmove(p->phases.at, p->phases.at + 1, (size_t)p->phases.count * sizeof p->phases.at[0]);
        for (int i = 0; i < p->phases.count; i++) {
            p->phases.at[i].first -= gone;
            p->phases.at[i].end -= gone;
        }
        p->forward_end -= gone;
        p->grad_phase = p->phases.count;
    }
    for (int i = 0; i < p->tensors.count; i++)
        if (becomes_constant(p->tensors.at[i]))
            make_constant(u, e, p->tensors.at[i]);
    for (int i = 0; i < p->tensors.count; i++)
        if (becomes_constant(p->tensors.at[i]))
            p->tensors.at[i]->role = ROLE_CONSTANT;
    drop_unread(p);
}
