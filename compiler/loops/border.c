/* border.c: a border of zeros is as wide as what is read of it.
 *
 * gather.c makes it as wide as a whole kernel reaches. Where sums stop at the border (trim.c), no more of it is read than the places of a
 * register tile differ: of the 18x18 cells of LeNet's second gradient 10x12 are left. The others need not be cleared and take no room in the caches. */
#include "loops/loops.h"

/* Finds how far the nests reach along an axis of a tensor. */
typedef struct Reach {
    const Tensor *t;
    int axis;
    int64_t low, high;
} Reach;

static void reach_index(Reach *r, const Affine *index)
{
    int64_t low, high;

    affine_reach(index, &low, &high);
    r->low = low < r->low ? low : r->low;
    r->high = high > r->high ? high : r->high;
}

static void see_reach(void *context, const Expr *load)
{
    Reach *r = context;

    if (load->tensor == r->t)
        reach_index(r, &load->index[r->axis]);
}

/* The one nest that makes t of zeros and a copy; NULL if it is made another way or is seen under other shapes. */
static Nest *border_of(const Program *p, const Tensor *t)
{
    Nest *maker = NULL;

    if (t->role != ROLE_SCRATCH || t->view_of)
        return NULL;
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->view_of == t)
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

static Expr *move_load(void *context, Expr *e)
{
    const Reach *r = context;

    if (e->op == OP_LOAD && e->tensor == r->t)
        e->index[r->axis].offset -= r->low;
    return e;
}

static void narrow(Unit *u, const Program *p, Tensor *t, Nest *maker)
{
    for (int axis = 0; axis < t->rank; axis++) {
        Reach r = { t, axis, INT64_MAX, INT64_MIN };
        reach_index(&r, &maker->index[axis]);
        for (int i = 0; i < p->nests.count; i++)
            nest_loads(p->nests.at[i], see_reach, &r);
        if (r.low <= 0 && r.high >= t->dim[axis] - 1)
            continue;
        for (int i = 0; i < p->nests.count; i++) {
            Nest *n = p->nests.at[i];
            n->value = expr_map(u, n->value, move_load, &r);
            n->start = expr_map(u, n->start, move_load, &r);
            n->finish = expr_map(u, n->finish, move_load, &r);
        }
        maker->index[axis].offset -= r.low;
        t->dim[axis] = r.high - r.low + 1;
    }
    if (nest_covers(maker))                     /* nothing is left of it */
        maker->fill = NULL;
}

void program_narrow_borders(Unit *u, Program *p)
{
    for (int i = 0; i < p->tensors.count; i++) {
        Nest *maker = border_of(p, p->tensors.at[i]);
        if (maker)
            narrow(u, p, p->tensors.at[i], maker);
    }
}
