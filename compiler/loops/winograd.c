/* winograd.c: a convolution with kernels of 3x3 cells and steps of 1 by fewer multiplications (Lavin and Gray, Fast algorithms for
 * convolutional neural networks, 2016; the idea is Winograd's, 1980).
 *
 * The result is made in tiles of m x m places. With T = m + 2, a tile depends on T x T places of x; in one dimension
 *
 *     y = A (G w * B x)           with B: T x T, G: T x 3, A: m x T and * element by element,
 *
 * and in two each matrix is applied to the rows and to the columns. T*T multiplications make what takes 9*m*m otherwise: 16 for 36 with
 * m = 2, 36 for 144 with m = 4. Summed over channels, the * becomes T*T products of matrices, of channels by tiles. So the nest
 *
 *     y[oh][ow][co] = start + sum over ci, kh, kw of w[kh][kw][ci][co] * x[oh + kh][ow + kw][ci]
 *
 * becomes
 *
 *     u[T*a + b][ci][co]  = sum over kh, kw of G[a][kh] * G[b][kw] * w[kh][kw][ci][co]                         once a step
 *     v[T*a + b][tile][ci] = sum over i, j of B[a][i] * B[b][j] * x[m*th + i][m*tw + j][ci]                    tile = TW*th + tw
 *     p[t][tile][co]      = sum over ci of u[t][ci][co] * v[t][tile][ci]
 *     y[m*th + i][m*tw + j][co] = start + sum over a, b of A[i][a] * A[j][b] * p[T*a + b][tile][co]
 *
 * The form of the nest decides, not the layer that it comes from: the gradient of an input is such a sum as well (gather.c). The gradient of
 * the weights is the derivative of these four, with d = A' dy A:
 *
 *     du[t][ci][co] += sum over n, tile of v[t][tile][ci] * d[t][tile][co],       dw[kh][kw][ci][co] += sum over a, b of G[a][kh] * G[b][kw] * du
 *
 * v, d and p hold one band of rows of tiles, that the caches may keep them; the step runs the nests that share them band after band. The last row and column of tiles may reach over the edge: x has a border of zeros there, and nests of their own write the
 * part of y that exists. After pack.c, whose panels the lanes of the products run over. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

enum { TAPS = 3, MOST_REACH = 6 };

/* ---- the matrices */

static const double b2[] = { 1, 0, -1, 0,   0, 1, 1, 0,   0, -1, 1, 0,   0, 1, 0, -1 };
static const double g2[] = { 1, 0, 0,   .5, .5, .5,   .5, -.5, .5,   0, 0, 1 };
static const double a2[] = { 1, 1, 1, 0,   0, 1, -1, -1 };

static const double b4[] = { 4, 0, -5, 0, 1, 0,   0, -4, -4, 1, 1, 0,   0, 4, -4, -1, 1, 0,
                             0, -2, -1, 2, 1, 0,   0, 2, -1, -2, 1, 0,   0, 4, 0, -5, 0, 1 };
static const double g4[] = { 1 / 4., 0, 0,   -1 / 6., -1 / 6., -1 / 6.,   -1 / 6., 1 / 6., -1 / 6.,
                             1 / 24., 1 / 12., 1 / 6.,   1 / 24., -1 / 12., 1 / 6.,   0, 0, 1 };
static const double a4[] = { 1, 1, 1, 1, 1, 0,   0, 1, -1, 2, -2, 0,   0, 1, 1, 4, 4, 0,   0, 1, -1, 8, -8, 1 };

typedef struct Algorithm {
    int64_t m, reach;                       /* places of a tile along an axis, and of x under it */
    const double *b, *g, *a;
} Algorithm;

static const Algorithm algorithms[] = { { 2, 4, b2, g2, a2 }, { 4, 6, b4, g4, a4 } };

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

/* ---- the form of a convolution */

typedef struct Convolution {
    Expr *weights, *map;                    /* the factors */
    Expr *result;                           /* of the gradient of weights: the factor that has a value for every place; weights is NULL */
    Loop *place[2], *tap[2], *in, *out;     /* rows and columns; channels that are summed, and those that the lanes run over */
    Loop *panel;                            /* out is one panel of this many, or NULL */
    int64_t corner[2];                      /* the first place of the map that the first window covers */
    bool flipped;                           /* the kernel runs against the places */
} Convolution;

static bool is_just(const Affine *a, const Loop *l)
{
    return a->count == 1 && a->offset == 0 && a->term[0].factor == 1 && (!l || a->term[0].loop == l);
}

static int number_of_loop(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] == l)
            return i;
    return -1;
}

static int images_of(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (strcmp(n->loops[i]->name, "n") == 0)
            return i;
    return 0;
}

static bool places_all(const Nest *n, const Convolution *c)
{
    const Loop *all[] = { c->tap[0], c->tap[1], c->in, c->out, c->panel };
    for (int i = 0; i < 4 + (c->panel != NULL); i++)
        if (!nest_places_loop(n, all[i]))
            return false;
    return true;
}

/* An axis of the map is indexed by a place and a tap, in steps of 1. */
static bool slides(const Nest *n, const Affine *a, int axis, Convolution *c)
{
    if (a->count != 2)
        return false;
    int place = nest_places_loop(n, a->term[0].loop) ? 0 : 1;
    int64_t step = a->term[1 - place].factor;
    c->place[axis] = a->term[place].loop;
    c->tap[axis] = a->term[1 - place].loop;
    if (a->term[place].factor != 1 || (step != 1 && step != -1) || nest_places_loop(n, c->tap[axis]) || c->tap[axis]->extent != TAPS)
        return false;
    if (axis == 1 && c->flipped != (step < 0))
        return false;
    c->flipped = step < 0;
    c->corner[axis] = a->offset - (step < 0 ? TAPS - 1 : 0);
    return true;
}

/* The channels of dst are the lanes of one panel, or of panels one after the other. */
static bool channels_of(const Affine *a, Convolution *c)
{
    for (int i = 0; i < a->count; i++)
        if (a->term[i].factor == 1)
            c->out = a->term[i].loop;
        else
            c->panel = a->term[i].loop;
    return a->offset == 0 && c->out && (a->count == 1 || (a->count == 2 && c->panel));
}

static bool is_map(const Tensor *t)
{
    return t->channels_last && t->per_image && t->rank == 4;
}

static bool is_just_in_each(const Affine *index, int axes)
{
    for (int i = 0; i < axes; i++)
        if (!is_just(&index[i], NULL))
            return false;
    return true;
}

/* y[oh][ow][co] = sum over ci, kh, kw */
static bool has_form(const Nest *n, int64_t vector, Convolution *c)
{
    *c = (Convolution){ 0 };
    if (n->put != PUT_ADD || n->fill || !nest_is_gather(n) || n->value->op != OP_MUL || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD
        || !is_map(n->dst) || n->loop_count == 0 || strcmp(n->loops[0]->name, "n") != 0)
        return false;
    bool first = n->value->a->tensor->per_image;
    c->map = first ? n->value->a : n->value->b;
    c->weights = first ? n->value->b : n->value->a;
    if (!is_map(c->map->tensor) || c->weights->tensor->per_image || !is_just(&c->map->index[0], n->loops[0]) || !is_just(&n->index[0], n->loops[0])
        || !slides(n, &c->map->index[1], 0, c) || !slides(n, &c->map->index[2], 1, c) || !is_just(&c->map->index[3], NULL)
        || !is_just(&n->index[1], c->place[0]) || !is_just(&n->index[2], c->place[1]) || !channels_of(&n->index[3], c))
        return false;
    c->in = c->map->index[3].term[0].loop;
    const Loop *all[] = { c->tap[0], c->tap[1], c->in, c->out, c->panel };
    int axes = 4 + (c->panel != NULL), last = c->weights->tensor->rank - 1;
    if (nest_places_loop(n, c->in) || c->in->extent % vector || c->out->extent % vector || last + 1 != axes || n->loop_count != axes + 3
        || !is_just(&c->weights->index[last], c->out))
        return false;
    for (int i = 0; i < axes; i++)
        if (!indices_use(c->weights->index, axes, all[i]))
            return false;
    return is_just_in_each(c->weights->index, axes);
}

/* An axis of the map is indexed by a place and a tap; here the taps are places of the nest. */
static bool slides_for_weights(const Nest *n, const Affine *a, int axis, Convolution *c)
{
    if (a->count != 2 || a->term[0].factor != 1 || a->term[1].factor != 1)
        return false;
    int tap = nest_places_loop(n, a->term[0].loop) ? 0 : 1;
    c->tap[axis] = a->term[tap].loop;
    c->place[axis] = a->term[1 - tap].loop;
    c->corner[axis] = a->offset;
    return c->tap[axis]->extent == TAPS && nest_places_loop(n, c->tap[axis]) && !nest_places_loop(n, c->place[axis]);
}

/* dw[kh][kw][ci][co] += sum over n, oh, ow; the lanes run over ci or over co. */
static bool has_form_for_weights(const Nest *n, int64_t vector, Convolution *c)
{
    int last = n->dst->rank - 1;

    *c = (Convolution){ 0 };
    if (n->put != PUT_ADD || n->fill || n->start || n->finish || !nest_is_gather(n) || n->value->op != OP_MUL || n->value->a->op != OP_LOAD
        || n->value->b->op != OP_LOAD || n->dst->per_image || n->dst->role != ROLE_SCRATCH || last < 3 || !is_just_in_each(n->index, last + 1)
        || !is_map(n->value->a->tensor) || !is_map(n->value->b->tensor))
        return false;
    bool first = n->value->a->index[1].count == 2;
    c->map = first ? n->value->a : n->value->b;
    c->result = first ? n->value->b : n->value->a;
    const Loop *images = n->loops[images_of(n)];
    if (!is_just(&c->map->index[0], images) || !is_just(&c->result->index[0], images) || !slides_for_weights(n, &c->map->index[1], 0, c)
        || !slides_for_weights(n, &c->map->index[2], 1, c) || !is_just(&c->result->index[1], c->place[0]) || !is_just(&c->result->index[2], c->place[1]))
        return false;
    bool lanes_on_map = indices_use(&c->map->index[3], 1, n->index[last].term[0].loop);
    const Affine *lanes = lanes_on_map ? &c->map->index[3] : &c->result->index[3], *other = lanes_on_map ? &c->result->index[3] : &c->map->index[3];
    if (!channels_of(lanes, c) || !is_just(other, NULL) || c->out != n->index[last].term[0].loop)
        return false;
    c->in = other->term[0].loop;
    return c->in->extent % vector == 0 && c->out->extent % vector == 0 && n->loop_count == 7 + (c->panel != NULL) && last == 3 + (c->panel != NULL)
        && places_all(n, c);
}

/* ---- bands */

/* How the places of a map are cut into tiles. */
typedef struct Tiling {
    const Algorithm *by;
    int64_t rows, columns;                  /* tiles of the map */
    int64_t whole[2], left[2];              /* of rows and columns: tiles that fit, places of the last one otherwise (0: there is none) */
    int64_t bands, height;                  /* rows of tiles in a band */
    int64_t room;                           /* tiles of a band, with what fills the last register tile of the products */
    Loop *band;                             /* NULL: one is all */
} Tiling;

/* ---- the choice
 *
 * Multiply-adds are counted as the register tiles do them: one of P places costs about as much as P + 2, for it waits for its sums and loads
 * its weights. To them the transforms come, whose share of the work falls with the channels. Both measured on one core:
 *
 *     AVX2, Zen 3: 16 channels take 0.78, 32 0.65, 64 0.56 of the time of the sum itself; AVX-512: 32 take 0.74, 64 0.58
 *
 * and with machines of shorter vectors taken as with AVX2. */

typedef struct Overhead {
    int vector_bytes;                       /* of machines with so much or more */
    double share;                           /* of the sum's own time that the transforms take, times the channels */
} Overhead;

static const Overhead overheads[] = { { 64, 9.0 }, { 0, 5.5 } };

static const double pays = 0.9;             /* no more than this share of the sum's time: what is predicted may be wrong by a tenth */

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t most_places(const Unit *u, int64_t vectors)
{
    return (u->options.machine->registers - 1 - vectors) / vectors;
}

/* The cost of so many places in the best register tile; *room: what its copies cover. */
static int64_t cost_of_places(const Unit *u, int64_t places, int64_t vectors, int64_t *room)
{
    int64_t cost = INT64_MAX;

    for (int64_t size = most_places(u, vectors); size > 0; size--)
        if (div_up(places, size) * (size + 2) < cost) {
            cost = div_up(places, size) * (size + 2);
            *room = div_up(places, size) * size;
        }
    return cost;
}

/* The time of the products and transforms, as a share of that of the sum. */
static double share_of_time(const Unit *u, const Tiling *t, int64_t places, int64_t in, int64_t out, int64_t vectors)
{
    double most = (double)most_places(u, vectors), sum = TAPS * TAPS * (double)places * (most + 2) / most, transforms = 0;
    int64_t room, tiles = t->height * t->columns;

    for (int i = countof(overheads) - 1; i >= 0; i--)
        if (u->options.machine->vector_bytes >= overheads[i].vector_bytes)
            transforms = overheads[i].share * (1 / (double)in + 1 / (double)out) / 2;
    return (double)(t->bands * t->by->reach * t->by->reach * cost_of_places(u, tiles, vectors, &room)) / sum + transforms;
}

typedef struct Seen {
    const Program *p;
    bool images;
} Seen;

static bool runs_over_images(const Nest *n)
{
    return n->loop_count && strcmp(n->loops[0]->name, "n") == 0;
}

/* Made from images: what is per image, and sums over them. */
static void see_images(void *context, const Expr *load)
{
    Seen *s = context;
    const Tensor *base = tensor_base(load->tensor);

    s->images = s->images || base->per_image || base->role == ROLE_SCRATCH;
    for (int i = 0; base->role == ROLE_SHARED && i < s->p->nests.count; i++)
        s->images = s->images || (tensor_base(s->p->nests.at[i]->dst) == base && runs_over_images(s->p->nests.at[i]));
}

/* True if nothing but the map has to do with images: then the three nests need not wait for different things (phases.c). */
static bool waits_for_the_map_alone(const Program *p, const Nest *n, const Convolution *c)
{
    Nest rest = { .value = c->weights, .start = n->start, .finish = n->finish };
    Seen s = { .p = p };
    nest_loads(&rest, see_images, &s);
    return !s.images;
}

/* Cuts a map into tiles and those into bands. What a band holds for its tiles may be as much as the second level of the cache, or as the
 * weights, if they are more, for every band reads all of them; for their gradient four times that, for it reads and writes them all. False
 * where the last row of tiles would need a band of its own. */
static bool cut(const Unit *u, Tiling *t, int64_t height, int64_t width, int64_t in, int64_t out, int64_t vectors, bool gradient)
{
    int64_t places[] = { height, width }, each = t->by->reach * t->by->reach;
    int64_t cache = u->options.machine->level2 / (u->options.real == REAL_DOUBLE ? 8 : 4), weights = each * in * out * (gradient ? 4 : 1);
    int64_t most = cache > weights ? cache : weights;

    for (int i = 0; i < 2; i++) {
        t->whole[i] = places[i] / t->by->m;
        t->left[i] = places[i] % t->by->m;
    }
    t->rows = t->whole[0] + (t->left[0] > 0);
    t->columns = t->whole[1] + (t->left[1] > 0);
    t->height = t->rows;
    while (t->height > 1 && (t->rows % t->height || t->height * t->columns * each * (in + out) > most))
        t->height--;
    t->bands = t->rows / t->height;
    cost_of_places(u, t->height * t->columns, vectors, &t->room);
    return t->bands == 1 || t->left[0] == 0;
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

/* All loops but that over the bands, which the step runs around several nests. */
static void own_loops(Making *k, Nest *n)
{
    Loop *band = k->tiling->band;
    int i = band ? number_of_loop(n, band) : -1;

    nest_own_loops(k->u, n);
    if (i >= 0)
        nest_replace_loop(k->u, n, i, band);
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
    own_loops(k, n);
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
    own_loops(k, nest);
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
    own_loops(k, nest);
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

static bool places_are_alone(const Expr *e, const Convolution *c)
{
    if (!e)
        return true;
    if (e->op == OP_INDEX || e->op == OP_RANDOM)
        return false;
    for (int i = 0; e->op == OP_LOAD && i < e->tensor->rank; i++)
        for (int k = 0; k < 2; k++)
            if (indices_use(&e->index[i], 1, c->place[k]) && !is_just(&e->index[i], c->place[k]))
                return false;
    return places_are_alone(e->a, c) && places_are_alone(e->b, c) && places_are_alone(e->c, c) && places_are_alone(e->d, c);
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
    own_loops(k, nest);
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
    own_loops(k, nest);
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
    own_loops(k, nest);
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
    own_loops(k, nest);
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
    own_loops(k, nest);
}

/* ---- the border */

static int only_writer(const Program *p, const Tensor *t)
{
    int found = -1;

    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == t) {
            if (found >= 0)
                return -1;
            found = i;
        }
    return found;
}

static bool has_views(const Program *p, const Tensor *t)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->view_of == t)
            return true;
    return false;
}

static bool is_zero(const Expr *e)
{
    return e && e->op == OP_CONSTANT && e->number == 0;
}

/* The map has so many rows and columns at least, those behind its own all zeros: one that stands in zeros grows, another one is copied
 * into them. */
static void widen(Making *k, int64_t rows, int64_t columns)
{
    Unit *u = k->u;
    Expr *map = k->c->map;
    Tensor *x = map->tensor;
    int writer = only_writer(k->p, x);
    int64_t dim[4] = { x->dim[0], rows > x->dim[1] ? rows : x->dim[1], columns > x->dim[2] ? columns : x->dim[2], x->dim[3] };

    if (memcmp(dim, x->dim, sizeof dim) == 0)
        return;
    if (x->role == ROLE_SCRATCH && !x->view_of && !has_views(k->p, x) && writer >= 0 && is_zero(k->p->nests.at[writer]->fill)) {
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

/* ---- the pass */

static void replace(Unit *u, Program *p, int *where, const Convolution *c, const Tiling *tiling)
{
    Nest *of = p->nests.at[*where];
    Making k = { .u = u, .p = p, .of = of, .c = c, .tiling = tiling, .where = *where, .images = of->loops[images_of(of)] };
    int64_t m = tiling->by->m;

    p->nests.count--;
    memmove(p->nests.at + *where, p->nests.at + *where + 1, (size_t)(p->nests.count - *where) * sizeof p->nests.at[0]);
    p->forward_end -= !k.of->backward;
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

void program_winograd(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    if (!p->channels_last || vector == 1 || u->options.winograd == WINOGRAD_OFF)
        return;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        Convolution c;
        Tiling t = { .by = &algorithms[u->options.winograd == WINOGRAD_4] };
        if (!has_form_for_weights(n, vector, &c)
            && (!has_form(n, vector, &c) || !places_are_alone(n->start, &c) || !places_are_alone(n->finish, &c) || !waits_for_the_map_alone(p, n, &c)))
            continue;
        int64_t height = c.place[0]->extent, width = c.place[1]->extent, out = c.out->extent * (c.panel ? c.panel->extent : 1);
        if (!cut(u, &t, height, width, c.in->extent, out, c.out->extent / vector, !c.weights)
            || share_of_time(u, &t, height * width, c.in->extent, out, c.out->extent / vector) > pays)
            continue;
        t.band = t.bands > 1 ? loop_new(u, "band", t.bands, LOOP_BAND) : NULL;
        replace(u, p, &i, &c, &t);
    }
}
