/* field.c: receptive fields, by going back through the nests with boxes.
 *
 * A box holds the elements of a tensor that are looked for: a range for each axis. The nests are walked from the last to the first. Where one
 * writes into a box, the ranges of its loops follow from the indices of dst, and what it then reads is added to the boxes of the tensors
 * that it reads. What arrives at the input is the receptive field. No layer is known here. A box may reach over the edge of its tensor: a
 * field that stands at a border is as large as one in the middle of a larger image. */
#include "inspect/facts.h"

#include <inttypes.h>

typedef struct Range {
    int64_t low, high;              /* inclusive; low > high: empty */
} Range;

typedef struct Box {
    bool some;
    Range side[MAX_AXES];
} Box;

typedef struct Walk {
    Unit *u;
    const Program *p;
    Box *boxes;                     /* of each tensor of the program, by its number */
    const Nest *nest;
    Range loops[MAX_LOOPS];
} Walk;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static Box *box_of(Walk *w, const Tensor *t)
{
    return &w->boxes[t->mark];
}

static bool same_shape(const Tensor *a, const Tensor *b)
{
    bool same = a->rank == b->rank;

    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static Box whole(const Tensor *t)
{
    Box b = { .some = true };

    for (int i = 0; i < t->rank; i++)
        b.side[i] = (Range){ 0, t->dim[i] - 1 };
    return b;
}

/* A box of `from` as one of `to`, the same storage under another shape: exact for a single element, else everything. */
static Box seen_as(const Tensor *from, const Tensor *to, const Box *box)
{
    int64_t at = 0;
    Box b = whole(to);

    if (same_shape(from, to))
        return *box;
    for (int i = 0; i < from->rank; i++) {
        if (box->side[i].low != box->side[i].high)
            return b;
        at = at * from->dim[i] + box->side[i].low;
    }
    for (int i = to->rank - 1; i >= 0; i--) {
        b.side[i] = (Range){ at % to->dim[i], at % to->dim[i] };
        at /= to->dim[i];
    }
    return b;
}

static void add_box(Walk *w, Tensor *t, const Box *more)
{
    Tensor *base = tensor_base(t);
    Box *b = box_of(w, base), as_base = seen_as(t, base, more);

    if (!b->some)
        *b = as_base;
    for (int i = 0; i < base->rank; i++) {
        b->side[i].low = least(b->side[i].low, as_base.side[i].low);
        b->side[i].high = most(b->side[i].high, as_base.side[i].high);
    }
}

static int loop_number(const Nest *n, const Loop *l)
{
    int i = 0;

    while (n->loops[i] != l)
        i++;
    return i;
}

static Range term_range(const Walk *w, const Affine *a, int term)
{
    Range l = w->loops[loop_number(w->nest, a->term[term].loop)];
    int64_t f = a->term[term].factor;

    return f >= 0 ? (Range){ l.low * f, l.high * f } : (Range){ l.high * f, l.low * f };
}

static Range affine_range(const Walk *w, const Affine *a)
{
    Range r = { a->offset, a->offset };

    for (int i = 0; i < a->count; i++) {
        Range t = term_range(w, a, i);
        r.low += t.low;
        r.high += t.high;
    }
    return r;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/* Takes away the values of the loops with which the index misses the side. */
static bool narrow(Walk *w, const Affine *a, Range side)
{
    for (int i = 0; i < a->count; i++) {
        Range all = affine_range(w, a), own = term_range(w, a, i), *l = &w->loops[loop_number(w->nest, a->term[i].loop)];
        int64_t low = side.low - (all.high - own.high), high = side.high - (all.low - own.low), f = a->term[i].factor;

        if (f == 0)
            continue;
        int64_t from = f > 0 ? ceil_div(low, f) : ceil_div(high, f), to = f > 0 ? floor_div(high, f) : floor_div(low, f);
        if (a->count == 1 && from <= to)            /* this index alone says where the loop stands, be it outside */
            *l = (Range){ from, to };
        l->low = most(l->low, from);
        l->high = least(l->high, to);
        if (l->low > l->high)
            return false;
    }
    Range r = affine_range(w, a);
    return r.low <= side.high && r.high >= side.low;
}

static void see_load(void *context, const Expr *load)
{
    Walk *w = context;
    Box b = { .some = true };

    for (int i = 0; i < load->tensor->rank; i++) {
        b.side[i] = affine_range(w, &load->index[i]);
    }
    add_box(w, load->tensor, &b);
}

static void go_back(Walk *w, const Nest *n)
{
    Tensor *base = tensor_base(n->dst);
    const Box *wanted = box_of(w, base);

    if (!wanted->some)
        return;
    Box b = seen_as(base, n->dst, wanted);
    w->nest = n;
    for (int i = 0; i < n->loop_count; i++)
        w->loops[i] = (Range){ 0, n->loops[i]->extent - 1 };
    for (int i = 0; i < n->dst->rank; i++)
        if (!narrow(w, &n->index[i], b.side[i]))
            return;
    nest_loads(n, see_load, w);
}

/* The place in the middle, of all channels; of features the first one. */
static Box middle(const Tensor *t)
{
    Box b = whole(t);
    int first = t->has_n ? 1 : 0;

    if (t->has_n)
        b.side[0] = (Range){ 0, 0 };
    if (t->rank - first == 1)
        b.side[first] = (Range){ 0, 0 };
    for (int i = first + 1; i < t->rank; i++)
        b.side[i] = (Range){ t->dim[i] / 2, t->dim[i] / 2 };
    return b;
}

Field field_of(Unit *u, const Program *p, const Tensor *value)
{
    Walk w = { .u = u, .p = p, .boxes = arena_array(u->arena, (size_t)p->tensors.count + 1, sizeof(Box)) };
    const Tensor *x = p->x;
    Box b = middle(value);
    int first = x->has_n ? 1 : 0, sides = x->rank - first;

    for (int i = 0; i < p->tensors.count; i++)
        p->tensors.at[i]->mark = i;
    add_box(&w, (Tensor *)value, &b);
    for (int i = p->nests.count - 1; i >= 0; i--)
        go_back(&w, p->nests.at[i]);
    const Box *seen = box_of(&w, x);
    if (!seen->some)
        return (Field){ .none = true };
    const Range *h = &seen->side[sides == 3 ? first + 1 : first], *v = &seen->side[x->rank - 1];
    Field f = { .h = h->high - h->low + 1, .w = sides == 3 ? v->high - v->low + 1 : 1 };
    f.all = f.h >= x->dim[sides == 3 ? first + 1 : first] && (sides != 3 || f.w >= x->dim[x->rank - 1]);
    return f;
}

const char *field_text(Unit *u, const Field *f)
{
    if (f->none)
        return "nothing";
    if (f->all)
        return "all";
    return f->w == 1 && f->h == 1 ? "1x1" : arena_print(u->arena, "%" PRId64 "x%" PRId64, f->h, f->w);
}
