/* single.c: a loop that runs once and is only added to another one says nothing, and goes: the taps of a 1x1 kernel. The gradient of such a
 * convolution is then no scatter, and its places can be held in registers like those of any other sum. */
#include "loops/layout.h"

#include <string.h>

/* Its variable is 0. */
static void drop_terms(Affine *index, int count, const Loop *l)
{
    for (int i = 0; i < count; i++) {
        int kept = 0;
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop != l)
                index[i].term[kept++] = index[i].term[j];
        index[i].count = kept;
    }
}

static Expr *drop_from(void *context, Expr *e)
{
    if (e->op == OP_LOAD || e->op == OP_INDEX || e->op == OP_RANDOM)
        drop_terms(e->index, e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : 2, context);
    return e;
}

static void drop_single(Unit *u, Nest *n)
{
    for (int i = n->loop_count - 1; i >= 0; i--) {
        Loop *l = n->loops[i];
        if (l->extent != 1 || !nest_is_tap(n, l))
            continue;
        n->value = expr_map(u, n->value, drop_from, l);
        n->start = expr_map(u, n->start, drop_from, l);
        n->finish = expr_map(u, n->finish, drop_from, l);
        drop_terms(n->index, n->dst->rank, l);
        memmove(n->loops + i, n->loops + i + 1, (size_t)(n->loop_count - i - 1) * sizeof n->loops[0]);
        n->loop_count--;
    }
}

void program_drop_single(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        drop_single(u, p->nests.at[i]);
}
