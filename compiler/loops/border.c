/* border.c: a border of zeros is as wide as what is read of it.
 *
 * gather.c makes it as wide as a whole kernel reaches. Where sums stop at the border (trim.c), no more of it is read than the places of a
 * register tile differ: of the 18x18 cells of LeNet's second gradient 10x12 are left. The others need not be cleared and take no room in the caches. */
#include "loops/layout.h"

/* True if nobody else sees t, or sees it under another shape. */
static bool is_own(const Program *p, const Tensor *t)
{
    return t->role == ROLE_SCRATCH && !t->view_of && !t->kept && !program_has_views(p, t);
}

/* The one nest that makes t of zeros and a copy; NULL if it is made another way. */
static Nest *border_of(const Program *p, const Tensor *t)
{
    Nest *maker = NULL;

    if (!is_own(p, t))
        return NULL;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (n->dst != t)
            continue;
        if (maker || !n->fill || n->put != PUT_SET)
            return NULL;
        maker = n;
    }
    return maker;
}

typedef struct Move {
    const Tensor *t;
    int axis;
    int64_t by;
} Move;

static Expr *move_load(void *context, Expr *e)
{
    const Move *m = context;

    if (e->op == OP_LOAD && e->tensor == m->t)
        e->index[m->axis].offset -= m->by;
    return e;
}

static void move_accesses(Unit *u, const Program *p, Move *m)
{
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (!nest_touches(n, m->t))
            continue;
        n->value = expr_map(u, n->value, move_load, m);
        n->start = expr_map(u, n->start, move_load, m);
        n->finish = expr_map(u, n->finish, move_load, m);
        if (n->dst == m->t)
            n->index[m->axis].offset -= m->by;
    }
}

void tensor_narrow(Unit *u, const Program *p, Tensor *t)
{
    if (!is_own(p, t))
        return;
    for (int axis = 0; axis < t->rank; axis++) {
        int64_t low, high, first, last;
        program_reads(p, t, axis, &low, &high);
        program_writes(p, t, axis, &first, &last);
        low = first < low ? first : low;
        high = last > high ? last : high;
        if (low > high || (low <= 0 && high >= t->dim[axis] - 1))
            continue;
        move_accesses(u, p, &(Move){ t, axis, low });
        t->dim[axis] = high - low + 1;
    }
}

void program_narrow_borders(Unit *u, Program *p)
{
    for (int i = 0; i < p->tensors.count; i++) {
        Nest *maker = border_of(p, p->tensors.at[i]);
        if (!maker)
            continue;
        tensor_narrow(u, p, p->tensors.at[i]);
        if (nest_covers(maker))                     /* nothing is left of it */
            maker->fill = NULL;
    }
}
