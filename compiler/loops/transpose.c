/* transpose.c: a sum over images alone, dw[o][i] += sum over n of dy[o][n] * x[i][n], has little to add up for each of very many
 * weights: lanes over images would spend their time adding up lanes. Here x is copied, and the lanes run over i:
 *
 *     images[i_][n][i] = x[i_*16 + i][n]      with as many i in a panel as the vectors of a register tile have lanes
 *
 * so that what a tile reads lies in one piece. (Rows of all i lie a power of two apart in many networks, and then share few sets of the nearest cache:
 * 512 features, 32 images, AVX2: 44 % of peak without panels, 80 % with them.) */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <assert.h>
#include <string.h>

static bool is_images(const Loop *l)
{
    return strcmp(l->name, "n") == 0;
}

/* The factor of a product of two loads that runs over `last` and the images alone, or NULL. */
static Expr *factor_over(Expr *value, const Loop *last)
{
    if (value->op != OP_MUL || value->a->op != OP_LOAD || value->b->op != OP_LOAD)
        return NULL;
    Expr *both[] = { value->a, value->b };
    for (int i = 0; i < 2; i++) {
        const Expr *e = both[i];
        if (e->tensor->rank == 2 && e->tensor->per_image && e->index[0].count == 1 && e->index[0].term[0].loop == last
            && e->index[0].term[0].factor == 1 && e->index[0].offset == 0 && is_images(e->index[1].term[0].loop))
            return both[i];
    }
    return NULL;
}

/* True if the images are all that is summed and the last axis of dst is whole vectors. */
static bool sums_images_alone(const Unit *u, const Nest *n, Loop **last)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);
    int summed = 0;

    if (n->put != PUT_ADD || n->start || n->finish || !nest_is_gather(n) || n->dst->per_image || n->dst->rank < 2)
        return false;
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i])) {
            if (!is_images(n->loops[i]))
                return false;
            summed++;
        }
    const Affine *a = &n->index[n->dst->rank - 1];
    if (summed != 1 || a->count != 1)
        return false;
    *last = a->term[0].loop;
    return (*last)->extent % vector == 0;
}

/* The copy, in panels of so many neighbours, and before nest `where` the nest that makes it. */
static Tensor *transposed(Unit *u, Program *p, int where, const Nest *n, Tensor *x, int64_t width)
{
    Tensor *t = ARENA_NEW(u->arena, Tensor);
    Nest *copy = ARENA_NEW(u->arena, Nest);
    Expr *load = ARENA_NEW(u->arena, Expr);
    static const char *const names[] = { "i_", "n", "i" };

    *t = *x;
    t->name = tensor_name(u, p, arena_print(u->arena, "%s.images", x->name));
    t->view_of = NULL;
    t->images_last = false;
    t->rank = 3;
    t->dim[0] = x->dim[0] / width;
    t->dim[1] = x->dim[1];
    t->dim[2] = width;
    LIST_ADD(u->arena, &p->tensors, t);
    *copy = (Nest){ .name = arena_print(u->arena, "%s_images", n->name), .why = "Image after image, so that neighbours in an image are neighbours in memory.",
                    .site = n->site, .backward = n->backward, .for_input = n->for_input, .put = PUT_SET, .dst = t, .value = load };
    *load = (Expr){ .op = OP_LOAD, .tensor = x };
    for (int i = 0; i < t->rank; i++) {
        Loop *l = ARENA_NEW(u->arena, Loop);
        *l = (Loop){ .name = names[i], .extent = t->dim[i] };
        copy->loops[copy->loop_count++] = l;
        copy->index[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
    }
    load->index[0] = (Affine){ .count = 2, .term = { { copy->loops[0], width }, { copy->loops[2], 1 } } };
    load->index[1] = copy->index[1];
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ t, "y" }));
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ x, "x" }));
    program_insert(u, p, where, copy);
    return t;
}

void program_transpose(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Loop *last;
        Expr *x = sums_images_alone(u, n, &last) ? factor_over(n->value, last) : NULL;
        if (!x)
            continue;
        int64_t vector = machine_lanes(u->options.machine, u->options.real), width = vector * panel_vectors(u, true, last->extent / vector);
        bool first = x == n->value->a, split = nest_split(u, n, nest_find_loop(n, last), width);
        assert(split);
        (void)split;
        Tensor *t = transposed(u, p, i++, n, x->tensor, width);
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ t, nest_symbol(u, n, x->tensor) }));
        x = first ? n->value->a : n->value->b;          /* [width*i_ + i][n] */
        x->tensor = t;
        x->index[2] = (Affine){ .count = 1, .term = { { x->index[0].term[1].loop, 1 } } };
        x->index[0] = (Affine){ .count = 1, .term = { { x->index[0].term[0].loop, 1 } } };
    }
}
