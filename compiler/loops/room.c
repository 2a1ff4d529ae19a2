/* room.c: weights of channels that leave room in their last panel (channels.c) get the same room, with zeros:
 *
 *     room[co][ci][kh][kw] = w[co][ci][kh][kw]     for co 50, in an array of 64
 *
 * Then all panels are whole (pack.c). Sums of gradients are made with that room, and those of the channels that there are join the gradient. */
#include "loops/layout.h"

static int axis_of(const Affine *index, int rank, const Loop *l)
{
    for (int i = 0; i < rank; i++)
        if (indices_use(&index[i], 1, l))
            return i;
    return -1;
}

static Expr *zero(Unit *u)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_CONSTANT };
    return e;
}

static Tensor *with_room(Unit *u, Program *p, const Tensor *t, Role role, int axis, int64_t extent)
{
    Tensor *wide = tensor_twin(u, p, t, role, "room");

    wide->param = NULL;
    wide->view_of = wide->gradient = wide->primal = NULL;
    wide->dim[axis] = extent;
    return wide;
}

static Nest *copy_beside(Unit *u, const Program *p, const Nest *n, const char *suffix, const char *why, Tensor *to, Tensor *from)
{
    static const char *const names[] = { "i", "j", "k", "l", "m" };
    Nest *copy = nest_that_copies(u, nest_name(u, p, arena_print(u->arena, "%s_%s", n->name, suffix)), why, to, from);

    for (int i = 0; i < copy->loop_count; i++)
        copy->loops[i]->name = names[i];                        /* none of them is an image */
    copy->site = n->site;
    copy->backward = n->backward;
    copy->for_input = n->for_input;
    return copy;
}

int program_room_to_read(Unit *u, Program *p, int where, Expr *load, const Loop *lanes)
{
    Nest *n = p->nests.at[where];
    Tensor *w = load->tensor;
    int axis = axis_of(load->index, w->rank, lanes);

    if (axis < 0 || w->per_image || w->dim[axis] >= lanes->extent)
        return 0;
    Tensor *wide = with_room(u, p, w, ROLE_SHARED, axis, lanes->extent);
    Nest *copy = copy_beside(u, p, n, "room", "Zeros for channels that there are not, up to a whole panel.", wide, w);
    copy->loops[axis]->extent = w->dim[axis];
    copy->fill = zero(u);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ wide, nest_symbol(u, n, w) }));
    load->tensor = wide;
    program_insert(u, p, where, copy);
    return 1;
}

int program_room_to_sum(Unit *u, Program *p, int where, const Loop *lanes)
{
    Nest *n = p->nests.at[where];
    Tensor *dw = n->dst;
    int axis = axis_of(n->index, dw->rank, lanes);

    if (axis < 0 || dw->per_image || dw->dim[axis] >= lanes->extent)
        return 0;
    Tensor *wide = with_room(u, p, dw, ROLE_SCRATCH, axis, lanes->extent);
    Nest *clear = copy_beside(u, p, n, "room", "The sums begin with zero.", wide, dw);
    Nest *join = copy_beside(u, p, n, "real", "The sums of the channels that there are join the gradient.", dw, wide);
    clear->value = zero(u);
    clear->symbols.count = 0;
    LIST_ADD(u->arena, &clear->symbols, ((Symbol){ wide, "sum" }));
    join->put = PUT_ADD;
    join->symbols.count = 0;
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ wide, "sum" }));
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ dw, nest_symbol(u, n, dw) }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ wide, nest_symbol(u, n, dw) }));
    n->dst = wide;
    program_insert(u, p, where, join);                  /* before it: see program_sum_apart */
    p->nests.at[where] = n;
    p->nests.at[where + 1] = join;
    program_insert(u, p, where, clear);
    return 1;
}
