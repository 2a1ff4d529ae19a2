/* gather.c: turns a scatter into a gather.
 *
 * The gradient of a convolution's input is derived as a scatter: dx[oh + kh] += dy[oh] * w[kh] puts every product into
 * memory. Read from the side of dx it is a sum that a register can hold,
 *
 *     dx[ih] = sum over kh of dy[ih - kh] * w[kh],
 *
 * with dy taken as 0 outside its range. The zeros are stored: a copy of dy with a border (a halo) is read instead, so the
 * loops need no test. This is the full convolution with flipped weights. Holds for steps of 1; with a stride the scatter stays. */
#include "loops/layout.h"

#include <assert.h>
#include <string.h>

/* One axis of dst that is indexed by place + inner * step + offset. */
typedef struct Slide {
    int axis;                       /* of dst */
    Loop *place, *inner;            /* inner NULL: place + offset alone */
    int64_t step, offset;
    Loop *whole;                    /* the new loop over the axis */
} Slide;

static int loop_number(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] == l)
            return i;
    return -1;
}

static bool pure(const Affine *a)
{
    return a->count == 1 && a->offset == 0 && a->term[0].factor == 1;
}

/* The load among the factors of a product that is indexed by the places, or NULL if there is none or more than one. */
static Expr *sliding_factor(Expr *e, const Slide *slides, int count, int *found)
{
    Expr *one = NULL;

    if (e->op == OP_MUL) {
        Expr *a = sliding_factor(e->a, slides, count, found), *b = sliding_factor(e->b, slides, count, found);
        return a ? a : b;
    }
    if (e->op != OP_LOAD)
        return NULL;
    for (int i = 0; i < e->tensor->rank; i++)
        for (int j = 0; j < e->index[i].count; j++)
            for (int k = 0; k < count; k++)
                if (e->index[i].term[j].loop == slides[k].place)
                    one = e;
    *found += one != NULL;
    return one;
}

/* True if e is a product of loads and constants. */
static bool is_product(const Expr *e)
{
    return e->op == OP_LOAD || e->op == OP_CONSTANT || (e->op == OP_MUL && is_product(e->a) && is_product(e->b));
}

/* Finds the sliding axes of a scatter. Returns how many, 0 if the nest has another form. */
static int find_slides(const Nest *n, Slide slides[MAX_AXES])
{
    int count = 0;

    for (int i = 0; i < n->dst->rank; i++) {
        const Affine *a = &n->index[i];
        if (pure(a) && a->term[0].loop->extent == n->dst->dim[i])
            continue;
        Slide s = { .axis = i, .offset = a->offset };
        if (a->count < 1 || a->count > 2)
            return 0;
        /* the place is the loop with factor 1 that runs further; the other one is the tap */
        int place = a->term[0].factor == 1 ? 0 : 1;
        if (a->count == 2 && a->term[0].factor == 1 && a->term[1].factor == 1 && a->term[1].loop->extent > a->term[0].loop->extent)
            place = 1;
        if (place >= a->count || a->term[place].factor != 1)
            return 0;
        s.place = a->term[place].loop;
        if (a->count == 2) {
            s.inner = a->term[1 - place].loop;
            s.step = a->term[1 - place].factor;
            if (s.step < 1)
                return 0;
        }
        slides[count++] = s;
    }
    return count;
}

/* A copy of `from` with a border of zeros on the axes that slide; before[i] cells come first on axis i. */
static Tensor *halo(Unit *u, Program *p, const Nest *n, Expr *load, const int64_t *before, const int64_t *dim, int where)
{
    Tensor *from = load->tensor;
    Tensor *to = ARENA_NEW(u->arena, Tensor);
    Nest *copy = ARENA_NEW(u->arena, Nest);
    Expr *zero = ARENA_NEW(u->arena, Expr), *read = ARENA_NEW(u->arena, Expr);

    *to = *from;
    to->name = tensor_name(u, p, arena_print(u->arena, "%s.halo", from->name));
    to->role = ROLE_SCRATCH;
    to->view_of = to->gradient = NULL;
    memcpy(to->dim, dim, sizeof to->dim);
    LIST_ADD(u->arena, &p->tensors, to);
    *copy = (Nest){ .name = arena_print(u->arena, "%s_halo", n->name), .site = n->site, .backward = n->backward,
                    .for_input = n->for_input, .put = PUT_SET, .dst = to, .fill = zero,
                    .why = "A border of zeros, so that the sums beside the edge need no test." };
    *read = (Expr){ .op = OP_LOAD, .tensor = from };
    for (int i = 0; i < from->rank; i++) {
        Loop *l = ARENA_NEW(u->arena, Loop);
        const Loop *old = load->index[i].term[0].loop;
        *l = (Loop){ .name = old->name, .extent = from->dim[i] };
        copy->loops[copy->loop_count++] = l;
        read->index[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
        copy->index[i] = (Affine){ .offset = before[i], .count = 1, .term = { { l, 1 } } };
    }
    copy->value = read;
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ to, "halo" }));
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ from, nest_symbol(u, n, from) }));
    program_insert(u, p, where, copy);
    return to;
}

/* Rewrites nest number `where` if it is a scatter of step 1. Returns the number of nests added before it. */
static int gather_nest(Unit *u, Program *p, int where)
{
    Nest *n = p->nests.at[where];
    Slide slides[MAX_AXES];
    int64_t before[MAX_AXES] = { 0 }, dim[MAX_AXES];
    int found = 0, count;
    Expr *dy;

    if (n->put != PUT_ADD || nest_is_gather(n) || n->start || n->finish || !is_product(n->value))
        return 0;
    count = find_slides(n, slides);
    dy = count ? sliding_factor(n->value, slides, count, &found) : NULL;
    if (!dy || found != 1 || !dy->tensor->per_image || dy->tensor->role == ROLE_INPUT)
        return 0;
    memcpy(dim, dy->tensor->dim, sizeof dim);
    for (int i = 0; i < dy->tensor->rank; i++)
        if (!pure(&dy->index[i]) || dy->index[i].term[0].loop->extent != dy->tensor->dim[i])
            return 0;

    /* the border: ih - step*kh - offset runs from -(step*(taps-1) + offset) to dim - 1 - offset */
    for (int s = 0; s < count; s++) {
        int axis = 0;
        while (axis < dy->tensor->rank && dy->index[axis].term[0].loop != slides[s].place)
            axis++;
        if (axis == dy->tensor->rank)
            return 0;
        int64_t taps = slides[s].inner ? slides[s].inner->extent : 1;
        int64_t reach = slides[s].step * (taps - 1) + slides[s].offset;
        int64_t high = n->dst->dim[slides[s].axis] - 1 - slides[s].offset;
        before[axis] = reach > 0 ? reach : 0;
        dim[axis] = before[axis] + (high + 1 > dy->tensor->dim[axis] ? high + 1 : dy->tensor->dim[axis]);
    }
    Tensor *bordered = halo(u, p, n, dy, before, dim, where);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ bordered, arena_print(u->arena, "%s_halo", nest_symbol(u, n, dy->tensor)) }));
    for (int s = 0; s < count; s++) {
        Slide *slide = &slides[s];
        static const char *const names[] = { "ih", "iw", "i", "j", "k" };
        const char *place_name = slide->place->name;
        int name = strcmp(place_name, "oh") == 0 ? 0 : strcmp(place_name, "ow") == 0 ? 1 : 2 + s % 3;
        Loop *whole = ARENA_NEW(u->arena, Loop);
        *whole = (Loop){ .name = names[name], .extent = n->dst->dim[slide->axis] };
        int axis = 0;
        while (dy->index[axis].term[0].loop != slide->place)
            axis++;
        dy->index[axis] = (Affine){ .offset = before[axis] - slide->offset, .count = 1, .term = { { whole, 1 } } };
        if (slide->inner) {
            dy->index[axis].count = 2;
            dy->index[axis].term[1].loop = slide->inner;
            dy->index[axis].term[1].factor = -slide->step;
        }
        n->index[slide->axis] = (Affine){ .count = 1, .term = { { whole, 1 } } };
        n->loops[loop_number(n, slide->place)] = whole;
    }
    dy->tensor = bordered;
    if (n->fill) {                          /* the scatter began with zeros: so does the sum */
        n->start = n->fill;
        n->fill = NULL;
    }
    return 1;
}

void program_gather(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        i += gather_nest(u, p, i);
}
