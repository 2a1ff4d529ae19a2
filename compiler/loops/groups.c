/* groups.c: images innermost, in groups of one vector.
 *
 * A tile of many images lets dense layers read their weights seldom; a convolution gains nothing from more than one vector of images and
 * loses its nearest caches to them (measured with 8 lanes, gradient of the input of LeNet's second convolution: 16 images side by side reach 48 % of
 * peak, 8 reach 70). So the images n of a tile become groups n_ of as many as a vector holds,
 *
 *     y[c][h][w][n]    becomes    y[n_][c][h][w][n]
 *
 * and the step may take one group after the other through a run of nests (images.c), whose maps then need the room of one group. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <assert.h>
#include <string.h>

enum { ROOM = 4 };              /* loops that the policy may add to a nest (fast.c): two of a tile, one of vectors, and the groups */

static Loop *images_of(const Nest *n, int *at)
{
    for (*at = 0; *at < n->loop_count; ++*at)
        if (strcmp(n->loops[*at]->name, "n") == 0)
            return n->loops[*at];
    return NULL;
}

static void group(const Tensor *t, Affine *index)
{
    Affine *last = &index[t->rank - 2];             /* the tensor has its new axis already */

    assert(last->count == 2 && last->offset == 0 && last->term[1].factor == 1);
    Affine outer = { .count = 1, .term = { { last->term[0].loop, 1 } } }, inner = { .count = 1, .term = { { last->term[1].loop, 1 } } };
    memmove(index + 1, index, (size_t)(t->rank - 2) * sizeof *index);
    index[0] = outer;
    index[t->rank - 1] = inner;
}

static Expr *group_load(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && e->tensor->grouped)
        group(e->tensor, e->index);
    return e;
}

static bool fits(const Program *p, int64_t vector)
{
    int at;

    if (p->channels_last || p->tile % vector != 0 || p->tile == vector || vector < 2)
        return false;
    for (int i = 0; i < p->nests.count; i++)
        if (images_of(p->nests.at[i], &at) && p->nests.at[i]->loop_count > MAX_LOOPS - ROOM)
            return false;
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->images_last && p->tensors.at[i]->rank == MAX_AXES)
            return false;
    return true;
}

void program_groups(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);
    int at;

    if (!fits(p, vector))
        return;
    p->groups = p->tile / vector;
    for (int i = 0; i < p->nests.count; i++) {
        if (!images_of(p->nests.at[i], &at))
            continue;
        bool split = nest_split(u, p->nests.at[i], at, vector);
        assert(split);
        (void)split;
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (!t->images_last)
            continue;
        memmove(t->dim + 1, t->dim, (size_t)(t->rank - 1) * sizeof t->dim[0]);
        t->dim[0] = p->groups;
        t->dim[t->rank++] = vector;
        t->grouped = true;
    }
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        n->value = expr_map(u, n->value, group_load, NULL);
        n->start = expr_map(u, n->start, group_load, NULL);
        n->finish = expr_map(u, n->finish, group_load, NULL);
        if (n->dst->grouped)
            group(n->dst, n->index);
    }
}
