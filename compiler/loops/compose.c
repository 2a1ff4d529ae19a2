/* compose.c: a nest that only copies a part of what another nest made is left out; the other makes just that part, in place.
 *
 *     t[i] = ...;  y[j] = t[j + offset]      becomes      y[j] = ... with j + offset for i
 *
 * So the gradient of a padded image is not computed on its border. */
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

/* The one nest that writes (or reads) the storage of t; NULL if there are none or several. */
static int only_nest(const Program *p, const Tensor *t, bool reads)
{
    int found = -1;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        bool does = reads ? expr_reads(n->value, t) || expr_reads(n->start, t) || expr_reads(n->finish, t)
                          : tensor_base(n->dst) == tensor_base((Tensor *)t);
        if (does && found >= 0)
            return -1;
        if (does)
            found = i;
    }
    return found;
}

static bool single(const Affine *a)
{
    return a->count == 1 && a->term[0].factor == 1;
}

/* Composes the copy that is nest number `where` with its maker; false if it is no such copy. */
static bool compose(Unit *u, Program *p, int where)
{
    Nest *copy = p->nests.at[where];
    const Expr *load = copy->value;
    Parts parts = { .count = copy->dst->rank };

    if (copy->put != PUT_SET || load->op != OP_LOAD || copy->start || copy->finish || copy->fill || !nest_is_gather(copy))
        return false;
    const Tensor *t = load->tensor;
    int maker = only_nest(p, t, false);
    if (t->role != ROLE_SCRATCH || t->view_of || t->rank != copy->dst->rank || maker < 0 || only_nest(p, t, true) != where)
        return false;
    Nest *n = p->nests.at[maker];
    if (n->fill || !nest_is_gather(n) || (n->put == PUT_ADD && !n->start) || expr_reads(n->value, copy->dst)
        || only_nest(p, copy->dst, false) != where)
        return false;
    for (int i = 0; i < t->rank; i++) {
        if (!single(&n->index[i]) || n->index[i].offset || !single(&copy->index[i]) || !single(&load->index[i])
            || load->index[i].term[0].loop != copy->index[i].term[0].loop)
            return false;
        Loop *l = ARENA_NEW(u->arena, Loop);
        *l = *n->index[i].term[0].loop;
        l->extent = copy->dst->dim[i];
        parts.old[i] = n->index[i].term[0].loop;
        parts.now[i] = (Affine){ .offset = load->index[i].offset, .count = 1, .term = { { l, 1 } } };
    }
    for (int i = 0; i < n->loop_count; i++)
        for (int k = 0; k < parts.count; k++)
            if (n->loops[i] == parts.old[k]) {
                n->loops[i] = parts.now[k].term[0].loop;
                break;
            }
    for (int i = 0; i < t->rank; i++)
        n->index[i] = (Affine){ .count = 1, .term = { parts.now[i].term[0] } };
    n->value = expr_map(u, n->value, substitute_in, &parts);
    n->start = expr_map(u, n->start, substitute_in, &parts);
    n->finish = expr_map(u, n->finish, substitute_in, &parts);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ copy->dst, nest_symbol(u, copy, copy->dst) }));
    n->dst = copy->dst;
    p->forward_end -= where < p->forward_end;
    p->nests.count--;
    memmove(p->nests.at + where, p->nests.at + where + 1, (size_t)(p->nests.count - where) * sizeof copy);
    return true;
}

void program_compose(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        if (compose(u, p, i))
            i--;
}
