/* tile.c: in programs for tiles of one image the axis and the loop over images say nothing, and go. */
#include "loops/loops.h"

#include <string.h>

static Expr *drop_axis(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && e->tensor->has_n)
        memmove(e->index, e->index + 1, (MAX_AXES - 1) * sizeof e->index[0]);
    if (e->op == OP_RANDOM)
        e->index[0] = (Affine){ 0 };
    return e;
}

void program_drop_n(Unit *u, Program *p)
{
    if (p->tile != 1)
        return;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        n->value = expr_map(u, n->value, drop_axis, NULL);
        n->start = expr_map(u, n->start, drop_axis, NULL);
        n->finish = expr_map(u, n->finish, drop_axis, NULL);
        if (n->dst->has_n)
            memmove(n->index, n->index + 1, (MAX_AXES - 1) * sizeof n->index[0]);
        if (n->loop_count && strcmp(n->loops[0]->name, "n") == 0) {
            n->loop_count--;
            memmove(n->loops, n->loops + 1, (size_t)n->loop_count * sizeof n->loops[0]);
        }
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->has_n) {
            t->has_n = false;
            t->rank--;
            memmove(t->dim, t->dim + 1, (MAX_AXES - 1) * sizeof t->dim[0]);
        }
    }
}
