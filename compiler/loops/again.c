/* again.c: what only the gradient of the input needs costs a training step nothing.
 *
 * Maps that live while one image (or a vector of images) passes through have the room of that (images.c). But the gradient of the input, of which a training
 * step makes nothing, comes after all images have passed, and for its sake the gradient in front of the first layer would be kept for all of
 * them: of a pooled map that is 100 KB an image in Fashion, written for nobody. So it is computed again, where that takes a nest without sums
 * that goes back to something smaller. */
#include "loops/layout.h"
#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

/* The nest that alone writes t, or NULL. */
static const Nest *maker(const Program *p, const Tensor *t)
{
    const Nest *only = NULL;

    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == t) {
            if (only)
                return NULL;
            only = p->nests.at[i];
        }
    return only;
}

typedef struct Size {
    const Program *p;
    int64_t reals;
} Size;

static void add_size(void *context, const Expr *load)
{
    Size *size = context;
    const Tensor *base = tensor_base(load->tensor);
    const Nest *n = maker(size->p, base);

    if (base->role == ROLE_SCRATCH && (!n || n->backward))
        size->reals += tensor_count(base);
}

/* True if less is kept when t is computed again. What the forward pass made is kept anyway. */
static bool pays(const Program *p, const Tensor *t, const Nest *n)
{
    Size size = { p, 0 };

    if (!n || !n->backward || n->for_input || n->put != PUT_SET || n->fill || n->start || n->finish || !nest_is_gather(n))
        return false;
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return false;
    nest_loads(n, add_size, &size);
    return size.reals < tensor_count(t);
}

/* The name stays: it is the same function. */
static Nest *copy_of(Unit *u, const Nest *n, Tensor *dst)
{
    Nest *copy = nest_copy(u, n);

    copy->dst = dst;
    copy->for_input = true;
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ dst, nest_symbol(u, n, n->dst) }));
    nest_own_loops(u, copy);
    return copy;
}

typedef struct Swap {
    Tensor *from, *to;
} Swap;

static Expr *swap(void *context, Expr *e)
{
    const Swap *s = context;

    if (e->op == OP_LOAD && e->tensor == s->from)
        e->tensor = s->to;
    return e;
}

/* True if a nest of the input's gradient reads t; all of them read `again` from here on. */
static bool read_again(Unit *u, Program *p, Tensor *t, Tensor *again, int *first)
{
    Swap s = { t, again };

    *first = -1;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (!n->for_input || !(expr_reads(n->value, t) || expr_reads(n->start, t)))
            continue;
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ again, nest_symbol(u, n, t) }));
        n->value = expr_map(u, n->value, swap, &s);
        n->start = expr_map(u, n->start, swap, &s);
        *first = *first < 0 ? i : *first;
    }
    return *first >= 0;
}

static bool has_views(const Program *p, const Tensor *t)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i] != t && tensor_base(p->tensors.at[i]) == t)
            return true;
    return false;
}

void program_again(Unit *u, Program *p)
{
    int64_t at_once = p->channels_last ? 1 : machine_lanes(u->options.machine, u->options.real);

    if (p->tile <= at_once || p->mode != MODE_TRAIN)
        return;
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i], *again;
        const Nest *n = t->per_image && t->role == ROLE_SCRATCH && !t->view_of && !has_views(p, t) ? maker(p, t) : NULL;
        int first;
        if (!pays(p, t, n))
            continue;
        again = ARENA_NEW(u->arena, Tensor);
        *again = *t;
        again->name = tensor_name(u, p, arena_print(u->arena, "%s.again", t->name));
        if (!read_again(u, p, t, again, &first))
            continue;
        LIST_ADD(u->arena, &p->tensors, again);
        program_insert(u, p, first, copy_of(u, n, again));
    }
}
