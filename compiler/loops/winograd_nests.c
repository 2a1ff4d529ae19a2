/* winograd_nests.c: the nests that a convolution becomes by Winograd's algorithm. The formulas are in winograd.c. */
#include "loops/winograd.h"

#include "loops/layout.h"
#include "loops/transform.h"

#include <string.h>

/* ---- the matrices */

static const double b2[] = { 1, 0, -1, 0,   0, 1, 1, 0,   0, -1, 1, 0,   0, 1, 0, -1 };
static const double g2[] = { 1, 0, 0,   .5, .5, .5,   .5, -.5, .5,   0, 0, 1 };
static const double a2[] = { 1, 1, 1, 0,   0, 1, -1, -1 };

static const double b4[] = { 4, 0, -5, 0, 1, 0,   0, -4, -4, 1, 1, 0,   0, 4, -4, -1, 1, 0,
                             0, -2, -1, 2, 1, 0,   0, 2, -1, -2, 1, 0,   0, 4, 0, -5, 0, 1 };
static const double g4[] = { 1 / 4., 0, 0,   -1 / 6., -1 / 6., -1 / 6.,   -1 / 6., 1 / 6., -1 / 6.,
                             1 / 24., 1 / 12., 1 / 6.,   1 / 24., -1 / 12., 1 / 6.,   0, 0, 1 };
static const double a4[] = { 1, 1, 1, 1, 1, 0,   0, 1, -1, 2, -2, 0,   0, 1, 1, 4, 4, 0,   0, 1, -1, 8, -8, 1 };

const Algorithm winograd_algorithms[] = { { 2, 4, b2, g2, a2 }, { 4, 6, b4, g4, a4 } };

/* One of them as a tensor of the program. */
static Tensor *matrix(Unit *u, Program *p, const char *symbol, const double *element, int64_t rows, int64_t columns)
{
    const char *name = arena_print(u->arena, "winograd.%s%lld", symbol, (long long)(rows * columns));

    for (int i = 0; i < p->tensors.count; i++)
        if (strcmp(p->tensors.at[i]->name, name) == 0)
            return p->tensors.at[i];
    Tensor *t = ARENA_NEW(u->arena, Tensor);
    *t = (Tensor){ .name = name, .symbol = symbol, .role = ROLE_CONSTANT, .rank = 2, .dim = { rows, columns }, .constant = element, .written_out = true };
    LIST_ADD(u->arena, &p->tensors, t);
    return t;
}

/* ---- making nests */

typedef struct Making {
    Unit *u;
    Program *p;
    const Nest *of;                         /* the nest that is replaced */
    const Convolution *c;
    const Tiling *tiling;
    int where;                              /* the next nest goes there */
    Loop *images;                           /* of that nest */
} Making;

static Loop *loop_new(Unit *u, const char *name, int64_t extent, LoopKind kind)
{
    Loop *l = ARENA_NEW(u->arena, Loop);
    *l = (Loop){ .name = name, .extent = extent, .kind = kind };
    return l;
}

/* None for a single round. */
static Loop *loop_over(Unit *u, const char *name, int64_t extent)
{
    return extent > 1 ? loop_new(u, name, extent, LOOP_PLAIN) : NULL;
}

static Affine at(Loop *l)
{
    return (Affine){ .count = 1, .term = { { l, 1 } } };
}

/* a + factor * l, for an l that is there. */
static Affine with(Affine a, int64_t factor, Loop *l)
{
    if (l) {
        a.term[a.count].loop = l;
        a.term[a.count++].factor = factor;
    }
    return a;
}

static Affine number(int64_t offset)
{
    return (Affine){ .offset = offset };
}

static Expr *load(Unit *u, Tensor *t, int axes, const Affine *index)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_LOAD, .tensor = t };
    memcpy(e->index, index, (size_t)axes * sizeof *index);
    return e;
}

static Expr *product(Unit *u, Expr *a, Expr *b)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_MUL, .a = a, .b = b };
    return e;
}

static Expr *zero(Unit *u)
{
    return ARENA_NEW(u->arena, Expr);
}

/* left[r][s] * right[q][t] * e */
static Expr *on_both_sides(Unit *u, Tensor *m, Affine r, Affine s, Affine q, Affine t, Expr *e)
{
    return product(u, product(u, load(u, m, 2, (Affine[]){ r, s }), load(u, m, 2, (Affine[]){ q, t })), e);
}

static Tensor *buffer(Making *k, const Tensor *of, const char *suffix, const char *symbol, Role role, int rank, const int64_t *dim)
{
    Tensor *t = ARENA_NEW(k->u->arena, Tensor);

    *t = (Tensor){ .name = tensor_name(k->u, k->p, arena_print(k->u->arena, "%s.%s", of->name, suffix)), .symbol = symbol, .role = role, .rank = rank,
                   .site = k->of->site };
    memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    LIST_ADD(k->u->arena, &k->p->tensors, t);
    return t;
}

/* The transformed tiles of one band: [n][t][tile][channel]. */
static Tensor *band_buffer(Making *k, const Tensor *of, const char *suffix, const char *symbol, int64_t channels)
{
    int64_t reach = k->tiling->by->reach;
    Tensor *t = buffer(k, of, suffix, symbol, ROLE_SCRATCH, 4, (int64_t[]){ k->p->tile, reach * reach, k->tiling->room, channels });

    t->per_image = t->has_n = t->channels_last = true;
    t->channels = channels;
    t->one_band = k->tiling->band != NULL;
    return t;
}

/* Puts a nest over these loops (those that are NULL left out) where the replaced one stands. */
static Nest *nest_new(Making *k, const char *suffix, const char *why, Tensor *dst, Expr *start, Expr *value, Loop *const *loops, int count)
{
    Nest *n = ARENA_NEW(k->u->arena, Nest);

    *n = (Nest){ .name = suffix ? nest_name(k->u, k->p, arena_print(k->u->arena, "%s_%s", k->of->name, suffix)) : k->of->name, .why = why,
                 .site = k->of->site, .backward = k->of->backward, .for_input = k->of->for_input, .put = PUT_ADD, .dst = dst, .start = start,
                 .value = value };
    for (int i = 0; i < count; i++)
        if (loops[i])
            n->loops[n->loop_count++] = loops[i];
    program_insert(k->u, k->p, k->where++, n);
    return n;
}

static void call(Making *k, Nest *n, const Tensor *t, const char *symbol)
{
    LIST_ADD(k->u->arena, &n->symbols, ((Symbol){ t, symbol ? symbol : nest_symbol(k->u, k->of, t) }));
}

/* Row (axis 0) or column `inside` of a tile: m * (height * band + tile) + inside. */
static Affine place(const Making *k, int axis, Loop *tile, Loop *inside)
{
    Affine a = with(number(0), k->tiling->by->m * k->tiling->height, axis == 0 ? k->tiling->band : NULL);
    return with(with(a, k->tiling->by->m, tile), 1, inside);
}

static Affine shifted(Affine a, int64_t by)
{
    a.offset += by;
    return a;
}

/* ---- the nests */

/* u = G w G', once a step. */
static Tensor *transform_weights(Making *k)
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    int64_t reach = k->tiling->by->reach, dim[4] = { reach * reach };
    Tensor *w = c->weights->tensor, *g = matrix(u, k->p, "G", k->tiling->by->g, reach, TAPS);
    Loop *a = loop_new(u, "a", reach, LOOP_UNROLL), *b = loop_new(u, "b", reach, LOOP_UNROLL);
    Loop *loops[] = { c->panel, c->in, c->out, a, b, c->tap[0], c->tap[1] };
    Affine index[4] = { with(with(number(0), reach, a), 1, b) };
    int rank = 1;

    for (int i = 0; i < 3; i++)
        if (loops[i]) {
            index[rank] = at(loops[i]);
            dim[rank++] = loops[i]->extent;
        }
    Affine tap[2];
    for (int i = 0; i < 2; i++) {
        c->tap[i]->kind = LOOP_UNROLL;
        tap[i] = c->flipped ? with(number(TAPS - 1), -1, c->tap[i]) : at(c->tap[i]);
    }
    Tensor *t = buffer(k, w, "tiles", w->symbol, ROLE_SHARED, rank, dim);
    Nest *n = nest_new(k, "kernels", "The weights as they multiply tiles: nine become as many as a tile has places.", t, zero(u),
                       on_both_sides(u, g, at(a), tap[0], at(b), tap[1], c->weights), loops, countof(loops));
    memcpy(n->index, index, (size_t)rank * sizeof *index);
    call(k, n, t, "u");
    call(k, n, w, NULL);
    nest_own_loops(k->u, n);
    return t;
}

/* v = B x B', of one band. */
static Tensor *transform_map(Making *k)
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    const Tiling *t = k->tiling;
    int64_t reach = t->by->reach;
    Tensor *x = c->map->tensor, *b = matrix(u, k->p, "B", t->by->b, reach, reach);
    Tensor *v = band_buffer(k, x, "tiles", "v", x->dim[3]);
    Loop *n = k->images, *channel = loop_new(u, "c", x->dim[3], LOOP_PLAIN), *th = loop_over(u, "th", t->height), *tw = loop_over(u, "tw", t->columns);
    Loop *unrolled[4];
    static const char *const names[] = { "a", "b", "i", "j" };

    for (int i = 0; i < 4; i++)
        unrolled[i] = loop_new(u, names[i], reach, LOOP_UNROLL);
    Expr *from = load(u, x, 4, (Affine[]){ at(n), shifted(place(k, 0, th, unrolled[2]), c->corner[0]),
                                           shifted(place(k, 1, tw, unrolled[3]), c->corner[1]), at(channel) });
    Loop *loops[] = { n, t->band, th, tw, channel, unrolled[2], unrolled[3], unrolled[0], unrolled[1] };
    Nest *nest = nest_new(k, "tiles", "The tiles of the map, as they are multiplied.", v, zero(u),
                          on_both_sides(u, b, at(unrolled[0]), at(unrolled[2]), at(unrolled[1]), at(unrolled[3]), from), loops, countof(loops));
    nest->index[0] = at(n);
    nest->index[1] = with(with(number(0), reach, unrolled[0]), 1, unrolled[1]);
    nest->index[2] = with(with(number(0), t->columns, th), 1, tw);
    nest->index[3] = at(channel);
    call(k, nest, v, "v");
    call(k, nest, x, NULL);
    nest_own_loops(k->u, nest);
    return v;
}

/* p = u v, a product of matrices for each of the T*T places. */
static Tensor *multiply(Making *k, Tensor *weights, Tensor *v)
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    const Tiling *t = k->tiling;
    Loop *n = k->images, *each = loop_new(u, "t", t->by->reach * t->by->reach, LOOP_PLAIN), *tile = loop_new(u, "tile", t->room, LOOP_PLAIN);
    Tensor *p = band_buffer(k, k->of->dst, "tiles", "p", c->out->extent * (c->panel ? c->panel->extent : 1));
    Affine index[4] = { at(each) };
    int rank = 1;

    Loop *axes[] = { c->panel, c->in, c->out };
    for (int i = 0; i < 3; i++)
        if (axes[i])
            index[rank++] = at(axes[i]);
    Loop *loops[] = { n, t->band, each, c->panel, tile, c->in, c->out };
    Nest *nest = nest_new(k, "products", "Every place of a tile has a product of matrices of its own, weights by tiles.", p, zero(u),
                          product(u, load(u, weights, rank, index), load(u, v, 4, (Affine[]){ at(n), at(each), at(tile), at(c->in) })),
                          loops, countof(loops));
    nest->index[0] = at(n);
    nest->index[1] = at(each);
    nest->index[2] = at(tile);
    nest->index[3] = k->of->index[3];
    call(k, nest, p, "p");
    call(k, nest, weights, "u");
    call(k, nest, v, "v");
    nest_own_loops(k->u, nest);
    return p;
}

typedef struct Places {
    const Loop *old[2];
    Affine now[2];
} Places;

/* What start and finish read at a place of the nest, they read at the same place of a tile. */
static Expr *place_in(void *context, Expr *e)
{
    const Places *s = context;
    for (int i = 0; e->op == OP_LOAD && i < e->tensor->rank; i++)
        for (int k = 0; k < 2; k++)
            if (is_just(&e->index[i], s->old[k]))
                e->index[i] = s->now[k];
    return e;
}

/* The tiles of a band that have as many places along each axis, and where those are. */
typedef struct Region {
    Loop *tile[2], *inside[2], *a, *b;
    Affine where[2], number, each;          /* of a place; of its tile; T*a + b */
    const char *name;                       /* NULL: those that are whole */
} Region;

/* Whole tiles, or (last[axis]) those of the last row or column; false if there are none. */
static bool region_of(const Making *k, const bool last[2], Region *p)
{
    static const char *const tiles[] = { "th", "tw" }, *const insides[] = { "i", "j" };
    const Tiling *t = k->tiling;
    int64_t reach = t->by->reach, m = t->by->m;

    *p = (Region){ .a = loop_new(k->u, "a", reach, LOOP_UNROLL), .b = loop_new(k->u, "b", reach, LOOP_UNROLL),
                 .name = last[0] ? last[1] ? "corner" : "last_row" : last[1] ? "last_column" : NULL };
    p->each = with(with(number(0), reach, p->a), 1, p->b);
    for (int i = 0; i < 2; i++) {
        int64_t extent = i == 0 && t->band ? t->height : t->whole[i], step = i == 0 ? t->columns : 1;
        if (last[i] ? t->left[i] == 0 : extent == 0)
            return false;
        p->tile[i] = last[i] ? NULL : loop_over(k->u, tiles[i], extent);
        p->inside[i] = loop_new(k->u, insides[i], last[i] ? t->left[i] : m, LOOP_UNROLL);
        p->where[i] = shifted(place(k, i, p->tile[i], p->inside[i]), last[i] ? m * t->whole[i] : 0);
        p->number = shifted(with(p->number, step, p->tile[i]), last[i] ? t->whole[i] * step : 0);
    }
    return true;
}

static Tensor *matrix_a(Making *k)
{
    return matrix(k->u, k->p, "A", k->tiling->by->a, k->tiling->by->m, k->tiling->by->reach);
}

/* y = A p A' for a part of the tiles. */
static void transform_back(Making *k, Tensor *p, const bool last[2])
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    Loop *n = k->images;
    Region t;

    if (!region_of(k, last, &t))
        return;
    Places s = { { c->place[0], c->place[1] }, { t.where[0], t.where[1] } };
    Expr *from = load(u, p, 4, (Affine[]){ at(n), t.each, t.number, k->of->index[3] });
    Loop *loops[] = { n, k->tiling->band, t.tile[0], t.tile[1], c->panel, c->out, t.a, t.b, t.inside[0], t.inside[1] };
    Nest *nest = nest_new(k, t.name, t.name ? "What of the result lies in tiles that reach over the edge." : "The result, tile by tile.", k->of->dst,
                          expr_map(u, k->of->start, place_in, &s),
                          on_both_sides(u, matrix_a(k), at(t.inside[0]), at(t.a), at(t.inside[1]), at(t.b), from), loops, countof(loops));
    nest->finish = expr_map(u, k->of->finish, place_in, &s);
    nest->index[0] = at(n);
    nest->index[1] = t.where[0];
    nest->index[2] = t.where[1];
    nest->index[3] = k->of->index[3];
    for (int i = 0; i < k->of->symbols.count; i++)
        LIST_ADD(u->arena, &nest->symbols, k->of->symbols.at[i]);
    call(k, nest, p, "p");
    nest_own_loops(k->u, nest);
}

/* ---- the nests of the gradient of weights */

/* d = A' dy A for a part of the tiles. */
static void transform_result(Making *k, Tensor *d, const bool last[2])
{
    Unit *u = k->u;
    Tensor *dy = k->c->result->tensor;
    Loop *n = k->images, *channel = loop_new(u, "c", dy->dim[3], LOOP_PLAIN);
    Region t;

    if (!region_of(k, last, &t))
        return;
    Loop *loops[] = { n, k->tiling->band, t.tile[0], t.tile[1], channel, t.inside[0], t.inside[1], t.a, t.b };
    Expr *from = load(u, dy, 4, (Affine[]){ at(n), t.where[0], t.where[1], at(channel) });
    Nest *nest = nest_new(k, t.name ? t.name : "results", "What the loss owes to the tiles, as it is multiplied.", d, zero(u),
                          on_both_sides(u, matrix_a(k), at(t.inside[0]), at(t.a), at(t.inside[1]), at(t.b), from), loops, countof(loops));
    nest->index[0] = at(n);
    nest->index[1] = t.each;
    nest->index[2] = t.number;
    nest->index[3] = at(channel);
    call(k, nest, d, "d");
    call(k, nest, dy, NULL);
    nest_own_loops(k->u, nest);
}

/* Axes of the sums of products: [t][panel][in][out]. Returns how many. */
static int axes_of_sums(const Convolution *c, Loop *first, Affine *index, int64_t *dim)
{
    Loop *axes[] = { first, c->panel, c->in, c->out };
    int rank = 0;

    for (int i = 0; i < countof(axes); i++)
        if (axes[i]) {
            index[rank] = at(axes[i]);
            dim[rank++] = axes[i]->extent;
        }
    return rank;
}

/* du += v d, summed over the tiles of all images. */
static void multiply_for_weights(Making *k, Tensor *du, Tensor *v, Tensor *d)
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    const Tiling *t = k->tiling;
    Loop *n = k->images, *each = loop_new(u, "t", t->by->reach * t->by->reach, LOOP_PLAIN), *tile = loop_new(u, "tile", t->height * t->columns, LOOP_PLAIN);
    Loop *loops[] = { n, t->band, each, c->panel, c->in, tile, c->out };
    int64_t dim[MAX_AXES];
    Expr *value = product(u, load(u, v, 4, (Affine[]){ at(n), at(each), at(tile), c->map->index[3] }),
                          load(u, d, 4, (Affine[]){ at(n), at(each), at(tile), c->result->index[3] }));
    Nest *nest = nest_new(k, "products", "Every place of a tile has a product of matrices of its own, the map by what the loss owes.", du, NULL, value,
                          loops, countof(loops));
    axes_of_sums(c, each, nest->index, dim);
    call(k, nest, du, "du");
    call(k, nest, v, "v");
    call(k, nest, d, "d");
    nest_own_loops(k->u, nest);
}

/* Sums of products over all images of the tile, zero at first. */
static Tensor *clear_sums(Making *k)
{
    Unit *u = k->u;
    Loop *each = loop_new(u, "t", k->tiling->by->reach * k->tiling->by->reach, LOOP_PLAIN);
    Loop *loops[] = { each, k->c->panel, k->c->in, k->c->out };
    Affine index[MAX_AXES];
    int64_t dim[MAX_AXES];
    int rank = axes_of_sums(k->c, each, index, dim);
    Tensor *du = buffer(k, k->of->dst, "tiles", "du", ROLE_SCRATCH, rank, dim);
    Nest *nest = nest_new(k, "clear", "The sums begin with zero.", du, NULL, zero(u), loops, countof(loops));

    nest->put = PUT_SET;
    memcpy(nest->index, index, sizeof index);
    call(k, nest, du, "sum");
    nest_own_loops(k->u, nest);
    return du;
}

/* dw += G' du G */
static void transform_sums(Making *k, Tensor *du)
{
    Unit *u = k->u;
    const Convolution *c = k->c;
    int64_t reach = k->tiling->by->reach, dim[MAX_AXES];
    Tensor *g = matrix(u, k->p, "G", k->tiling->by->g, reach, TAPS);
    Loop *a = loop_new(u, "a", reach, LOOP_UNROLL), *b = loop_new(u, "b", reach, LOOP_UNROLL);
    Loop *loops[] = { c->panel, c->in, c->out, a, b, c->tap[0], c->tap[1] };
    Affine index[MAX_AXES];
    int rank = axes_of_sums(c, a, index, dim);

    index[0] = with(with(number(0), reach, a), 1, b);
    c->tap[0]->kind = c->tap[1]->kind = LOOP_UNROLL;
    Nest *nest = nest_new(k, NULL, k->of->why, k->of->dst, NULL,
                          on_both_sides(u, g, at(a), at(c->tap[0]), at(b), at(c->tap[1]), load(u, du, rank, index)), loops, countof(loops));
    memcpy(nest->index, k->of->index, sizeof nest->index);
    for (int i = 0; i < k->of->symbols.count; i++)
        LIST_ADD(u->arena, &nest->symbols, k->of->symbols.at[i]);
    call(k, nest, du, "du");
    nest_own_loops(k->u, nest);
}

/* ---- the border */

/* The map has so many rows and columns at least, those behind its own all zeros: one that stands in zeros grows, another one is copied
 * into them. */
static void widen(Making *k, int64_t rows, int64_t columns)
{
    Unit *u = k->u;
    Expr *map = k->c->map;
    Tensor *x = map->tensor;
    int writer = program_maker(k->p, x);
    int64_t dim[4] = { x->dim[0], rows > x->dim[1] ? rows : x->dim[1], columns > x->dim[2] ? columns : x->dim[2], x->dim[3] };

    if (memcmp(dim, x->dim, sizeof dim) == 0)
        return;
    if (x->role == ROLE_SCRATCH && !x->view_of && !program_has_views(k->p, x) && writer >= 0 && expr_is_zero(k->p->nests.at[writer]->fill)) {
        memcpy(x->dim, dim, sizeof dim);
        return;
    }
    Tensor *t = ARENA_NEW(u->arena, Tensor);
    *t = *x;
    t->name = tensor_name(u, k->p, arena_print(u->arena, "%s.border", x->name));
    t->role = ROLE_SCRATCH;
    t->view_of = t->gradient = t->primal = NULL;
    memcpy(t->dim, dim, sizeof dim);
    LIST_ADD(u->arena, &k->p->tensors, t);
    static const char *const names[] = { "n", "h", "w", "c" };
    Loop *loops[4];
    Affine index[4];
    for (int i = 0; i < 4; i++) {
        loops[i] = loop_new(u, names[i], x->dim[i], LOOP_PLAIN);
        index[i] = at(loops[i]);
    }
    Nest *n = nest_new(k, "border", "A border of zeros behind the last row and column, so that all tiles are whole.", t, NULL, load(u, x, 4, index), loops, 4);
    n->put = PUT_SET;
    n->fill = zero(u);
    memcpy(n->index, index, sizeof index);
    call(k, n, t, "border");
    call(k, n, x, NULL);
    map->tensor = t;
}

/* ---- all of it */

void winograd_replace(Unit *u, Program *p, int *where, const Convolution *c, Tiling *tiling)
{
    Nest *of = p->nests.at[*where];
    Making k = { .u = u, .p = p, .of = of, .c = c, .tiling = tiling, .where = *where, .images = of->loops[winograd_images(of)] };
    int64_t m = tiling->by->m;

    tiling->band = tiling->bands > 1 ? loop_new(u, "band", tiling->bands, LOOP_BAND) : NULL;
    program_remove(p, *where);
    Tensor *weights = c->weights ? transform_weights(&k) : clear_sums(&k);
    widen(&k, c->corner[0] + m * tiling->rows + TAPS - 1, c->corner[1] + m * tiling->columns + TAPS - 1);
    Tensor *v = transform_map(&k);
    Tensor *other = c->weights ? multiply(&k, weights, v) : band_buffer(&k, c->result->tensor, "tiles", "d", c->result->tensor->dim[3]);
    for (int i = 0; i < 4; i++)
        (c->weights ? transform_back : transform_result)(&k, other, (bool[]){ i / 2 == 1, i % 2 == 1 });
    if (!c->weights) {
        multiply_for_weights(&k, weights, v, other);
        transform_sums(&k, weights);
    }
    *where = k.where - 1;
}
