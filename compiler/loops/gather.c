/* gather.c: turns a scatter into a gather.
 *
 * The gradient of a convolution's input is derived as a scatter: dx[oh + kh] += dy[oh] * w[kh] puts every product into
 * memory. Read from the side of dx it is a sum that a register can hold,
 *
 *     dx[ih] = sum over kh of dy[ih - kh] * w[kh],
 *
 * with dy taken as 0 outside its range. The zeros are stored: a copy of dy with a border (a halo) is read instead, so the
 * loops need no test. This is the full convolution with flipped weights.
 *
 * With a stride s of the places and cells side by side, neighbours of dx meet different cells: ih = s*i + r meets kh = s*k + r. There are s
 * such sums along an axis, each a gather of step 1 with every s-th cell (measured, 3x3 with a stride of 2: 93 to 98 % of peak):
 *
 *     dx[s*i + r] += dy[i - k] * w[s*k + r]               for r < s
 *
 * With a stride and a dilation the scatter stays. */
#include "loops/layout.h"

#include "loops/transform.h"

#include <assert.h>
#include <string.h>

/* One axis of dst that is indexed by place + inner * step + offset. */
typedef struct Slide {
    int axis;                       /* of dst */
    Loop *place, *inner;            /* inner NULL: place + offset alone */
    int64_t step, offset;
    int64_t stride;                 /* find_strides: of the place; 1 otherwise */
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

/* True if an index runs through an axis of this extent: by one loop, or by one over groups of channels and one over those of each. */
static bool covers(const Affine *a, int64_t extent)
{
    if (a->count == 1)
        return pure(a) && a->term[0].loop->extent == extent;
    int inner = a->count == 2 && a->term[1].factor == 1;
    return a->count == 2 && a->offset == 0 && a->term[inner].factor == 1 && a->term[1 - inner].factor == a->term[inner].loop->extent
        && a->term[1 - inner].factor * a->term[1 - inner].loop->extent == extent;
}

static bool is_alone(const Affine *index, int rank, const Loop *l)
{
    for (int i = 0; i < rank; i++)
        if (index[i].count == 1 && index[i].term[0].loop == l)
            return true;
    return false;
}

static bool stands_alone(const Expr *e, const Loop *l)
{
    return e && ((e->op == OP_LOAD && is_alone(e->index, e->tensor->rank, l)) || stands_alone(e->a, l) || stands_alone(e->b, l));
}

/* True if axis i of dst is no axis that slides: a loop runs through it, or two do, one of them over groups, which is never alone on an axis. (A
 * place whose step is as long as the filter looks like a group in dst.) */
static bool is_run_through(const Nest *n, int i)
{
    const Affine *a = &n->index[i];

    if (!covers(a, n->dst->dim[i]))
        return false;
    return a->count == 1 || !stands_alone(n->value, a->term[a->term[1].factor > a->term[0].factor].loop);
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
        if (is_run_through(n, i))
            continue;
        Slide s = { .axis = i, .offset = a->offset, .stride = 1 };
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

/* Finds the axes that are indexed by stride * place + cell. Returns how many, 0 if the nest has another form or no stride. */
static int find_strides(const Nest *n, Slide slides[MAX_AXES])
{
    int count = 0;
    bool some = false;

    for (int i = 0; i < n->dst->rank; i++) {
        const Affine *a = &n->index[i];
        if (is_run_through(n, i))
            continue;
        if (a->count < 1 || a->count > 2 || a->offset != 0)
            return 0;
        int place = a->count == 2 && (a->term[1].factor > a->term[0].factor
                                      || (a->term[1].factor == a->term[0].factor && a->term[1].loop->extent > a->term[0].loop->extent));
        if (a->term[place].factor < 1 || (a->count == 2 && a->term[1 - place].factor != 1))
            return 0;
        slides[count++] = (Slide){ .axis = i, .place = a->term[place].loop, .inner = a->count == 2 ? a->term[1 - place].loop : NULL, .step = 1,
                                   .stride = a->term[place].factor };
        some = some || a->term[place].factor > 1;
    }
    return some ? count : 0;
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
        const Affine *old = &load->index[i];
        *l = (Loop){ .name = old->term[old->count - 1].loop->name, .extent = from->dim[i] };
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

/* The load that slides, if the nest is a sum of products in which it is the gradient of a map, each axis run through. */
static Expr *slides_along(const Nest *n, const Slide *slides, int count)
{
    int found = 0;
    Expr *dy = count ? sliding_factor(n->value, slides, count, &found) : NULL;

    if (!dy || found != 1 || !dy->tensor->per_image || dy->tensor->role == ROLE_INPUT)
        return NULL;
    for (int i = 0; i < dy->tensor->rank; i++)
        if (!covers(&dy->index[i], dy->tensor->dim[i]))
            return NULL;
    return dy;
}

static int axis_of(const Expr *load, const Loop *place)
{
    for (int i = 0; i < load->tensor->rank; i++)
        if (load->index[i].term[0].loop == place)
            return i;
    return -1;
}

static Loop *whole_axis(Unit *u, const Slide *slide, int number, int64_t extent)
{
    static const char *const names[] = { "ih", "iw", "i", "j", "k" };
    const char *place = slide->place->name;
    int name = strcmp(place, "oh") == 0 ? 0 : strcmp(place, "ow") == 0 ? 1 : 2 + number % 3;
    Loop *whole = ARENA_NEW(u->arena, Loop);

    *whole = (Loop){ .name = names[name], .extent = extent };
    return whole;
}

/* ---- a stride */

typedef struct Cells { const Loop *old; Loop *now; int64_t stride, residue; } Cells;

/* kh becomes stride * k + residue. */
static Expr *every_cell(void *context, Expr *e)
{
    const Cells *c = context;
    for (int i = 0; e->op == OP_LOAD && i < e->tensor->rank; i++)
        for (int j = 0; j < e->index[i].count; j++)
            if (e->index[i].term[j].loop == c->old) {
                e->index[i].offset += e->index[i].term[j].factor * c->residue;
                e->index[i].term[j].factor *= c->stride;
                e->index[i].term[j].loop = c->now;
            }
    return e;
}

static int64_t rounded_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void drop_loop(Nest *n, int loop)
{
    memmove(n->loops + loop, n->loops + loop + 1, (size_t)(n->loop_count - loop - 1) * sizeof n->loops[0]);
    n->loop_count--;
}

/* The sum for the places stride * i + residue along every axis that slides. NULL where there is no such place, or nothing is added to it. */
static Nest *residue_nest(Unit *u, const Program *p, const Nest *n, const Slide *slides, int count, const int64_t *residue, Tensor *bordered,
                          const int64_t *before)
{
    Nest *m = nest_copy(u, n);
    Slide own[MAX_AXES];
    bool reached = true;

    nest_own_loops(u, m);
    memcpy(own, slides, sizeof own);
    for (int s = 0; s < count; s++) {
        own[s].place = m->loops[loop_number(n, slides[s].place)];
        own[s].inner = slides[s].inner ? m->loops[loop_number(n, slides[s].inner)] : NULL;
    }
    Expr *dy = slides_along(m, own, count);
    for (int s = 0; s < count; s++) {
        const Slide *slide = &own[s];
        int64_t cells = slide->inner ? slide->inner->extent : 1, places = rounded_up(m->dst->dim[slide->axis] - residue[s], slide->stride);
        Loop *whole = whole_axis(u, slide, s, places);
        int axis = axis_of(dy, slide->place);
        if (places < 1)
            return NULL;
        reached = reached && residue[s] < cells;
        m->loops[loop_number(m, slide->place)] = whole;
        m->index[slide->axis] = (Affine){ .offset = residue[s], .count = 1, .term = { { whole, slide->stride } } };
        dy->index[axis] = (Affine){ .offset = before[axis], .count = 1, .term = { { whole, 1 } } };
        if (!slide->inner)
            continue;
        Loop *cell = ARENA_NEW(u->arena, Loop);
        *cell = *slide->inner;
        cell->extent = rounded_up(cells - residue[s], slide->stride);
        m->stated *= (double)cell->extent / (double)cells;
        Cells c = { slide->inner, cell, slide->stride, residue[s] };
        m->value = expr_map(u, m->value, every_cell, &c);
        m->loops[loop_number(m, slide->inner)] = cell;
        int found = 0;
        for (int i = 0; i < count; i++)                         /* expr_map has made another node of it */
            own[i].place = i <= s ? m->index[own[i].axis].term[0].loop : own[i].place;
        dy = sliding_factor(m->value, own, count, &found);
        dy->index[axis].term[dy->index[axis].count].loop = cell;
        dy->index[axis].term[dy->index[axis].count++].factor = -1;
    }
    dy->tensor = bordered;
    m->start = n->fill;
    m->fill = NULL;
    m->part = true;
    m->why = "Every place of dx that is so far from a step of the filter meets the same cells of it.";
    if (!reached && !m->start)
        return NULL;
    if (!reached) {                         /* between the filters: zero */
        m->put = PUT_SET;
        m->stated = 0;
        m->value = m->start;
        m->start = NULL;
        for (int i = m->loop_count - 1; i >= 0; i--)
            if (!nest_places_loop(m, m->loops[i]))
                drop_loop(m, i);
    }
    m->name = arena_print(u->arena, "%s_at", n->name);
    for (int s = 0; s < count; s++)
        m->name = arena_print(u->arena, "%s%s%lld", m->name, s ? "_" : "", (long long)residue[s]);
    m->name = nest_name(u, p, m->name);
    return m;
}

/* Rewrites nest number `where` if it is a scatter with a stride. Returns the number of nests added. */
static int gather_strides(Unit *u, Program *p, int where)
{
    Nest *n = p->nests.at[where];
    Slide slides[MAX_AXES] = { { .axis = 0 } };
    int64_t before[MAX_AXES] = { 0 }, dim[MAX_AXES], residue[MAX_AXES] = { 0 };
    int count = find_strides(n, slides), added = 0;
    Expr *dy = slides_along(n, slides, count);

    if (!dy)
        return 0;
    memcpy(dim, dy->tensor->dim, sizeof dim);
    for (int s = 0; s < count; s++) {
        int axis = axis_of(dy, slides[s].place);
        if (axis < 0 || (slides[s].inner && axis_of(dy, slides[s].inner) >= 0))
            return 0;
        int64_t places = rounded_up(n->dst->dim[slides[s].axis], slides[s].stride);
        before[axis] = slides[s].inner ? rounded_up(slides[s].inner->extent, slides[s].stride) - 1 : 0;
        dim[axis] = before[axis] + (places > dim[axis] ? places : dim[axis]);
    }
    Tensor *bordered = halo(u, p, n, dy, before, dim, where++);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ bordered, arena_print(u->arena, "%s_halo", nest_symbol(u, n, dy->tensor)) }));
    for (bool more = true; more;) {
        Nest *m = residue_nest(u, p, n, slides, count, residue, bordered, before);
        if (m && added++)
            program_insert(u, p, ++where, m);
        else if (m)
            p->nests.at[where] = m;
        more = false;
        for (int s = count - 1; s >= 0 && !more; s--) {
            more = ++residue[s] < slides[s].stride;
            residue[s] = more ? residue[s] : 0;
        }
    }
    return added;
}

/* ---- a step of 1 */

/* Rewrites nest number `where` if it is a scatter of step 1. Returns the number of nests added before it. */
static int gather_nest(Unit *u, Program *p, int where)
{
    Nest *n = p->nests.at[where];
    Slide slides[MAX_AXES];
    int64_t before[MAX_AXES] = { 0 }, dim[MAX_AXES];

    if (n->put != PUT_ADD || nest_is_gather(n) || n->start || n->finish || !is_product(n->value))
        return 0;
    int count = find_slides(n, slides);
    Expr *dy = slides_along(n, slides, count);
    if (!dy)
        return gather_strides(u, p, where);
    memcpy(dim, dy->tensor->dim, sizeof dim);

    /* the border: ih - step*kh - offset runs from -(step*(taps-1) + offset) to dim - 1 - offset */
    for (int s = 0; s < count; s++) {
        int axis = axis_of(dy, slides[s].place);
        if (axis < 0)
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
        Loop *whole = whole_axis(u, slide, s, n->dst->dim[slide->axis]);
        int axis = axis_of(dy, slide->place);
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
