/* pool.c: pooling layers of the reference. */
#include "inner.h"

typedef struct Pool {
    Image x, y;
    Axis h, w;
    int64_t *cells;             /* room for those of one window */
} Pool;

static Pool pool_of(Reference *r, const Site *s)
{
    Pool p = { .x = ref_image(s->x), .y = ref_image(s->y) };
    const ArgValue *k = ref_arg(s, "kernel"), *step = ref_arg(s, "stride");
    const int64_t *stride = step->given ? step->number : k->number;     /* the default stride is the size */

    p.h = ref_axis(s, 0, p.x.h, k->number[0], stride[0], 1);
    p.w = ref_axis(s, 1, p.x.w, k->number[1], stride[1], 1);
    assert(p.h.out == p.y.h && p.w.out == p.y.w);
    p.cells = arena_array(r->arena, (size_t)(p.h.kernel * p.w.kernel), sizeof *p.cells);
    return p;
}

/* The window of one place: elements of x that lie in it, in row-major order. */
typedef struct Cells {
    int64_t count, *at;
} Cells;

static Cells cells_of(const Pool *p, int64_t n, int64_t c, int64_t oh, int64_t ow)
{
    Cells cells = { 0, p->cells };

    for (int64_t kh = 0; kh < p->h.kernel; kh++)
        for (int64_t kw = 0; kw < p->w.kernel; kw++) {
            int64_t ih = oh * p->h.stride + kh - p->h.before;
            int64_t iw = ow * p->w.stride + kw - p->w.before;
            if (ih >= 0 && ih < p->x.h && iw >= 0 && iw < p->x.w)
                cells.at[cells.count++] = ref_at(p->x, n, c, ih, iw);
        }
    assert(cells.count > 0);
    return cells;
}

typedef void Visit(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to);

static void each_place(Reference *r, const Site *s, Visit *visit)
{
    Pool p = pool_of(r, s);

    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t c = 0; c < p.y.c; c++)
            for (int64_t oh = 0; oh < p.y.h; oh++)
                for (int64_t ow = 0; ow < p.y.w; ow++)
                    visit(r, s, &p, cells_of(&p, n, c, oh, ow), ref_at(p.y, n, c, oh, ow));
}

/* The first of the largest. */
static int64_t largest(const Field *x, Cells cells)
{
    int64_t best = cells.at[0];

    for (int64_t i = 1; i < cells.count; i++)
        if (x->at[cells.at[i]] > x->at[best])
            best = cells.at[i];
    return best;
}

/* Ties in exact numbers follow the rule and are no danger; nearly equal ones may change places when rounded. */
static void watch_ties(Reference *r, const Site *s, const Field *x, Cells cells, int64_t best, double size)
{
    for (int64_t i = 0; i < cells.count; i++)
        if (cells.at[i] != best && x->at[cells.at[i]] != x->at[best])
            ref_kink(r, s, x->at[best] - x->at[cells.at[i]], size);
}

static void max_forward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t best = largest(x, cells);

    (void)p;
    y->at[to] = x->at[best];
    watch_ties(r, s, x, cells, best, ref_size(x->at, x->count));
}

static void max_backward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    (void)p;
    ref_give(x, largest(x, cells), y->gradient[to]);
}

/* What avgpool divides by. */
static double cell_count(const Site *s, const Pool *p, Cells cells)
{
    return ref_flag(s, "countpad") ? (double)(p->h.kernel * p->w.kernel) : (double)cells.count;
}

static void avg_forward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    double sum = 0;

    for (int64_t i = 0; i < cells.count; i++)
        sum += x->at[cells.at[i]];
    y->at[to] = sum / cell_count(s, p, cells);
}

static void avg_backward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    for (int64_t i = 0; i < cells.count; i++)
        ref_give(x, cells.at[i], y->gradient[to] / cell_count(s, p, cells));
}

/* y = sum of |x|; the derivative of |x| at 0 is 0. */
static void l1_forward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    double sum = 0, size = ref_size(x->at, x->count);

    (void)p;
    for (int64_t i = 0; i < cells.count; i++) {
        sum += fabs(x->at[cells.at[i]]);
        if (x->at[cells.at[i]] != 0)
            ref_kink(r, s, x->at[cells.at[i]], size);
    }
    y->at[to] = sum;
}

static double sign(double x) { return (x > 0) - (x < 0); }

static void l1_backward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    (void)p;
    for (int64_t i = 0; i < cells.count; i++)
        ref_give(x, cells.at[i], y->gradient[to] * sign(x->at[cells.at[i]]));
}

/* y = sqrt(sum of x^2); its derivative at 0 is 0. */
static void l2_forward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    double sum = 0;

    (void)p;
    for (int64_t i = 0; i < cells.count; i++)
        sum += x->at[cells.at[i]] * x->at[cells.at[i]];
    y->at[to] = sqrt(sum);
    if (sum != 0)
        ref_kink(r, s, sqrt(sum), ref_size(x->at, x->count));
}

static void l2_backward_place(Reference *r, const Site *s, const Pool *p, Cells cells, int64_t to)
{
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);

    (void)p;
    for (int64_t i = 0; i < cells.count; i++)
        if (y->at[to] != 0)
            ref_give(x, cells.at[i], y->gradient[to] * x->at[cells.at[i]] / y->at[to]);
}

static void max_forward(Reference *r, const Site *s) { each_place(r, s, max_forward_place); }
static void max_backward(Reference *r, const Site *s) { each_place(r, s, max_backward_place); }
static void avg_forward(Reference *r, const Site *s) { each_place(r, s, avg_forward_place); }
static void avg_backward(Reference *r, const Site *s) { each_place(r, s, avg_backward_place); }
static void l1_forward(Reference *r, const Site *s) { each_place(r, s, l1_forward_place); }
static void l1_backward(Reference *r, const Site *s) { each_place(r, s, l1_backward_place); }
static void l2_forward(Reference *r, const Site *s) { each_place(r, s, l2_forward_place); }
static void l2_backward(Reference *r, const Site *s) { each_place(r, s, l2_backward_place); }

/* Global pools: one number a channel. */
static void global_avg_forward(Reference *r, const Site *s)
{
    Image xs = ref_image(s->x);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t places = xs.h * xs.w;

    for (int64_t i = 0; i < r->batch * xs.c; i++) {
        for (int64_t j = 0; j < places; j++)
            ref_add(y, i, x->at[i * places + j]);
        y->at[i] /= (double)places;
    }
}

static void global_avg_backward(Reference *r, const Site *s)
{
    Image xs = ref_image(s->x);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t places = xs.h * xs.w;

    for (int64_t i = 0; i < r->batch * xs.c; i++)
        for (int64_t j = 0; j < places; j++)
            ref_give(x, i * places + j, y->gradient[i] / (double)places);
}

static int64_t global_largest(const Field *x, int64_t from, int64_t places)
{
    int64_t best = from;

    for (int64_t j = from; j < from + places; j++)
        if (x->at[j] > x->at[best])
            best = j;
    return best;
}

static void global_max_forward(Reference *r, const Site *s)
{
    Image xs = ref_image(s->x);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t places = xs.h * xs.w;
    double size = ref_size(x->at, x->count);

    for (int64_t i = 0; i < r->batch * xs.c; i++) {
        int64_t best = global_largest(x, i * places, places);
        y->at[i] = x->at[best];
        for (int64_t j = i * places; j < (i + 1) * places; j++)
            if (x->at[j] != x->at[best])
                ref_kink(r, s, x->at[best] - x->at[j], size);
    }
}

static void global_max_backward(Reference *r, const Site *s)
{
    Image xs = ref_image(s->x);
    Field *x = reference_value(r, s->x), *y = reference_value(r, s->y);
    int64_t places = xs.h * xs.w;

    for (int64_t i = 0; i < r->batch * xs.c; i++)
        ref_give(x, global_largest(x, i * places, places), y->gradient[i]);
}

const RefLayer ref_pool_layers[] = {
    { "maxpool", max_forward, max_backward },
    { "avgpool", avg_forward, avg_backward },
    { "l1pool", l1_forward, l1_backward },
    { "l2pool", l2_forward, l2_backward },
    { "globalavgpool", global_avg_forward, global_avg_backward },
    { "globalmaxpool", global_max_forward, global_max_backward },
    { NULL, NULL, NULL }
};
