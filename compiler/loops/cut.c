/* cut.c: a sum whose numbers lie side by side but do not fill whole vectors is made in two parts, one of whole vectors and the rest:
 *
 *     y[co] = b[co] + sum over ci < 120 of w[co][ci] * x[ci]
 *
 * becomes a sum over 112 and one over the last 8, which is added. For single images, where the lanes run over what is summed. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

/* The summed loop that every load of a product of two runs along, or NULL. */
static Loop *summed_along(const Nest *n)
{
    if (n->put != PUT_ADD || n->value->op != OP_MUL || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD || !nest_is_gather(n))
        return NULL;
    const Expr *a = n->value->a, *b = n->value->b;
    if (a->tensor->rank == 0 || b->tensor->rank == 0)
        return NULL;
    const Affine *last = &a->index[a->tensor->rank - 1], *other = &b->index[b->tensor->rank - 1];
    bool both = last->count == 1 && other->count == 1 && last->term[0].loop == other->term[0].loop && last->term[0].factor == 1
        && other->term[0].factor == 1 && last->offset == 0 && other->offset == 0;
    return both && !nest_places_loop(n, last->term[0].loop) ? last->term[0].loop : NULL;
}

void program_cut(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    for (int i = 0; p->tile == 1 && vector > 1 && i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Loop *l = summed_along(n);
        if (!l || l->extent % vector == 0 || l->extent < 2 * vector)
            continue;
        int64_t whole = l->extent / vector * vector;
        int loop = nest_find_loop(n, l);
        Nest *rest = nest_copy(u, n);
        rest->name = nest_name(u, p, arena_print(u->arena, "%s_rest", n->name));
        rest->why = "The numbers that do not fill a vector.";
        rest->start = rest->fill = NULL;
        n->finish = NULL;
        nest_keep_rounds(u, rest, loop, whole, l->extent - whole);
        nest_keep_rounds(u, n, loop, 0, whole);
        program_insert(u, p, ++i, rest);
    }
}
