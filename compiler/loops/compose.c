/* compose.c: a nest that only copies a part of what another nest made is left out; the other makes just that part, in place.
 *
 *     t[i] = ...;  y[j] = t[j + offset]      becomes      y[j] = ... with j + offset for i
 *
 * So the gradient of a padded image is not computed on its border. An axis that is copied as it is may be made in any way, as channels are by groups. */
#include "loops/layout.h"

#include <string.h>

typedef struct Parts {
    Loop *old[MAX_AXES];            /* loop of the maker over each axis */
    Affine now[MAX_AXES];           /* what stands in its place */
    int count;
} Parts;

static void substitute(const Parts *p, Affine *a)
{
    for (int i = 0; i < a->count; i++)
        for (int k = 0; k < p->count; k++)
            if (a->term[i].loop == p->old[k]) {
                a->offset += a->term[i].factor * p->now[k].offset;
                a->term[i].loop = p->now[k].term[0].loop;
                break;
            }
}

static Expr *substitute_in(void *context, Expr *e)
{
    int count = e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;
    for (int i = 0; i < count; i++)
        substitute(context, &e->index[i]);
    return e;
}

/* True if that nest alone reads the storage of t. */
static bool alone_reads(const Program *p, int reader, const Tensor *t)
{
    for (int i = 0; i < p->nests.count; i++)
        if (nest_reads(p->nests.at[i], t) != (i == reader))
            return false;
    return true;
}

static bool single(const Affine *a)
{
    return a->count == 1 && a->term[0].factor == 1;
}

static int64_t rounded_up(int64_t a, int64_t b)
{
    return a > 0 ? (a + b - 1) / b : 0;
}

/* True if the copy has all of the axis, where it was. */
static bool is_as_it_was(const Nest *copy, int axis)
{
    const Affine *to = &copy->index[axis], *from = &copy->value->index[axis];

    return to->offset == 0 && from->offset == 0 && copy->dst->dim[axis] == copy->value->tensor->dim[axis];
}

/* Of what the maker makes along an axis, at step * i + offset, that which the copy reads: from i = first on, so many. */
static void read_part(const Nest *n, const Nest *copy, int axis, int64_t *first, int64_t *count)
{
    const Affine *a = &n->index[axis];
    int64_t from = copy->value->index[axis].offset, step = a->term[0].factor;
    int64_t end = rounded_up(copy->dst->dim[axis] + from - a->offset, step);

    *first = rounded_up(from - a->offset, step);
    *count = (end < a->term[0].loop->extent ? end : a->term[0].loop->extent) - *first;
}

/* True if the nest can make just what the copy takes of it. */
static bool can_compose(const Nest *n, const Nest *copy)
{
    if (n->fill || !(nest_covers(n) || n->part) || (n->put == PUT_ADD && !n->start) || expr_reads(n->value, copy->dst) || n->dst != copy->value->tensor)
        return false;
    for (int i = 0; i < n->dst->rank; i++) {
        int64_t first, count;
        if (is_as_it_was(copy, i))
            continue;
        if (n->index[i].count != 1 || n->index[i].term[0].factor < 1)
            return false;
        read_part(n, copy, i, &first, &count);
        if (count < 1)
            return false;
    }
    return true;
}

static void compose_maker(Unit *u, Nest *n, const Nest *copy)
{
    Parts parts = { .count = 0 };
    Affine index[MAX_AXES];

    for (int i = 0; i < copy->dst->rank; i++) {
        int64_t first, step = n->index[i].term[0].factor;
        index[i] = n->index[i];
        if (is_as_it_was(copy, i))
            continue;
        Loop *l = ARENA_NEW(u->arena, Loop);
        *l = *n->index[i].term[0].loop;
        read_part(n, copy, i, &first, &l->extent);
        parts.old[parts.count] = n->index[i].term[0].loop;
        parts.now[parts.count++] = (Affine){ .offset = first, .count = 1, .term = { { l, 1 } } };
        index[i] = (Affine){ .offset = step * first + n->index[i].offset - copy->value->index[i].offset, .count = 1, .term = { { l, step } } };
    }
    for (int i = 0; i < n->loop_count; i++)
        for (int k = 0; k < parts.count; k++)
            if (n->loops[i] == parts.old[k]) {
                n->loops[i] = parts.now[k].term[0].loop;
                break;
            }
    memcpy(n->index, index, sizeof index);
    n->value = expr_map(u, n->value, substitute_in, &parts);
    n->start = expr_map(u, n->start, substitute_in, &parts);
    n->finish = expr_map(u, n->finish, substitute_in, &parts);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ copy->dst, nest_symbol(u, copy, copy->dst) }));
    n->dst = copy->dst;
}

/* Composes the copy that is nest number `where` with its maker, or with those of its parts; false if it is no such copy. */
static bool compose(Unit *u, Program *p, int where)
{
    const Nest *copy = p->nests.at[where];
    const Expr *load = copy->value;
    int makers = 0;

    if (copy->put != PUT_SET || load->op != OP_LOAD || copy->start || copy->finish || copy->fill || !nest_covers(copy))
        return false;
    const Tensor *t = load->tensor;
    if (t->role != ROLE_SCRATCH || t->view_of || t->rank != copy->dst->rank || !alone_reads(p, where, t) || program_maker(p, copy->dst) != where)
        return false;
    for (int i = 0; i < t->rank; i++)
        if (!single(&copy->index[i]) || !single(&load->index[i]) || load->index[i].term[0].loop != copy->index[i].term[0].loop)
            return false;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (tensor_base(n->dst) != tensor_base((Tensor *)t))
            continue;
        if (!can_compose(n, copy) || (makers && !n->part))
            return false;
        makers++;
    }
    if (!makers)
        return false;
    for (int i = 0; i < p->nests.count; i++)
        if (p->nests.at[i]->dst == t)
            compose_maker(u, p->nests.at[i], copy);
    program_remove(p, where);
    return true;
}

void program_compose(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        if (compose(u, p, i))
            i--;
}
