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
 * v, d and p hold one band of rows of tiles, that the caches may keep them; the step runs the nests that share them band after band. The
 * last row and column of tiles may reach over the edge: x has a border of zeros there, and nests of their own write the part of y that
 * exists. Where the products come in copies of a register tile that do not end with the band, v, d and p have room for the last copy: what
 * lies there goes into nothing but that room. After pack.c, whose panels the lanes of the products run over. */
#include "loops/winograd.h"

#include "loops/layout.h"
#include "loops/machine.h"

#include <string.h>

/* ---- the form of a convolution */

int winograd_images(const Nest *n)
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
    const Loop *images = n->loops[winograd_images(n)];
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

/* ---- the choice
 *
 * Multiply-adds are counted as the register tiles do them: one of P places costs about as much as P + 2, for it waits for its sums and loads
 * its weights. To them the transforms come, whose share of the work falls with the channels. Both measured on one core:
 *
 *     AVX2, Zen 3: 16 channels take 0.78, 32 0.65, 64 0.56 of the time of the sum itself; AVX-512: 32 take 0.74, 64 0.58
 *
 * and with machines of shorter vectors taken as with AVX2.
 *
 * Weights, too, are transformed: once for all images of a step, their gradients once a tile. Of a single image that can cost more than it saves. As a
 * share of the time of the sum itself, AVX2, one image, gradient of the input and of the weights, as measured: 64 to 64 channels at 7x7 1.40, 1.16;
 * 256 to 256 1.34, 1.16; at 8x8 1.16, 1.09, 128 to 128 there 0.96, 0.81; 128 to 128 at 10x10 0.87, 0.85, 256 to 256 at 14x14 0.92, 0.74. */

typedef struct Overhead {
    int vector_bytes;                       /* of machines with so much or more */
    double share;                           /* of the sum's own time that the transforms take, times the channels */
} Overhead;

static const Overhead overheads[] = { { 64, 9.0 }, { 0, 5.5 } };

enum { OF_WEIGHTS = 42, OF_GRADIENTS = 25 };    /* what the transforms of those take, in multiply-adds of vectors for a weight of one channel to another */

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

/* What the transforms take that are made once for several images, in multiply-adds for a weight of one channel to another and for one image. */
static double once_for_images(const Unit *u, const Program *p, const Convolution *c)
{
    int64_t lanes = machine_lanes(u->options.machine, u->options.real), step = net_batch(u->net) > p->tile ? net_batch(u->net) : p->tile;

    if (!c->weights)
        return (double)(OF_GRADIENTS * lanes) / (double)p->tile;
    return p->mode == MODE_INFER ? 0 : (double)(OF_WEIGHTS * lanes) / (double)step;     /* inference keeps them */
}

/* The time of the products and transforms, as a share of that of the sum. */
static double share_of_time(const Unit *u, const Tiling *t, int64_t places, int64_t in, int64_t out, int64_t vectors, double once)
{
    double most = (double)most_places(u, vectors), sum = TAPS * TAPS * (double)places * (most + 2) / most, transforms = 0;
    int64_t room, tiles = t->height * t->columns;

    for (int i = countof(overheads) - 1; i >= 0; i--)
        if (u->options.machine->vector_bytes >= overheads[i].vector_bytes)
            transforms = overheads[i].share * (1 / (double)in + 1 / (double)out) / 2;
    return ((double)(t->bands * t->by->reach * t->by->reach * cost_of_places(u, tiles, vectors, &room)) + once) / sum + transforms;
}

typedef struct Seen {
    const Program *p;
    bool backward;                          /* the nest stands in the backward pass, as does what made its map */
    bool images;
} Seen;

static bool runs_over_images(const Nest *n)
{
    return n->loop_count && strcmp(n->loops[0]->name, "n") == 0;
}

/* True if some nest on this side of the loss writes t. */
static bool is_made(const Program *p, const Tensor *t, bool backward)
{
    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == t && p->nests.at[i]->backward == backward)
            return true;
    return false;
}

/* Made from images, on the same side of the loss: what is per image, and sums over them. */
static void see_images(void *context, const Expr *load)
{
    Seen *s = context;
    const Tensor *base = tensor_base(load->tensor);

    if (s->backward && !is_made(s->p, base, true))
        return;
    s->images = s->images || base->per_image || base->role == ROLE_SCRATCH;
    for (int i = 0; base->role == ROLE_SHARED && i < s->p->nests.count; i++)
        s->images = s->images || (tensor_base(s->p->nests.at[i]->dst) == base && runs_over_images(s->p->nests.at[i]));
}

/* True if images are summed up anywhere, for which the program is cut into phases. */
static bool sums_images_up(const Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        if (p->nests.at[i]->dst->role == ROLE_SHARED && runs_over_images(p->nests.at[i]))
            return true;
    return false;
}

/* True if nothing but the map is still to be waited for, where the program has phases: then the three nests are in the same one (phases.c). */
static bool waits_for_the_map_alone(const Program *p, const Nest *n, const Convolution *c)
{
    Nest rest = { .value = c->weights, .start = n->start, .finish = n->finish };
    Seen s = { .p = p, .backward = n->backward && is_made(p, tensor_base(c->map->tensor), true) };
    nest_loads(&rest, see_images, &s);
    return !s.images || !sums_images_up(p);
}

/* Cuts a map into tiles and those into bands. What a band holds for its tiles may be twice the second level of the cache, or as much as the
 * weights, if they are more, for every band reads all of them; for their gradient four times that, for it reads and writes them all.
 * (Measured on Zen 3 from half of the cache to the whole map: 64 channels at 56x56 and 128 at 28x28 moved by 8 %, 256 at 14x14 gained 20
 * to 30 % in one band.) False where the last row of tiles would need a band of its own. */
static bool cut(const Unit *u, Tiling *t, int64_t height, int64_t width, int64_t in, int64_t out, int64_t vectors, bool gradient)
{
    int64_t places[] = { height, width }, each = t->by->reach * t->by->reach;
    int64_t cache = 2 * u->options.machine->level2 / (u->options.real == REAL_DOUBLE ? 8 : 4), weights = each * in * out * (gradient ? 4 : 1);
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

/* ---- the pass */

void program_winograd(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    if (!p->channels_last || vector == 1 || u->options.winograd == WINOGRAD_OFF)
        return;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Convolution c;
        Tiling t = { .by = &winograd_algorithms[u->options.winograd == WINOGRAD_4] };
        if (!has_form_for_weights(n, vector, &c)
            && (!has_form(n, vector, &c) || !places_are_alone(n->start, &c) || !places_are_alone(n->finish, &c) || !waits_for_the_map_alone(p, n, &c)))
            continue;
        int64_t height = c.place[0]->extent, width = c.place[1]->extent, out = c.out->extent * (c.panel ? c.panel->extent : 1);
        if (!cut(u, &t, height, width, c.in->extent, out, c.out->extent / vector, !c.weights)) {
            nest_remark(u, n, "no tiles: bands of whole rows do not cover the map");
            continue;
        }
        double share = share_of_time(u, &t, height * width, c.in->extent, out, c.out->extent / vector, once_for_images(u, p, &c));
        const char *tiles = arena_print(u->arena, "tiles of %lldx%lld: predicted to take %.2f of the time of the sum itself", (long long)t.by->m,
                                        (long long)t.by->m, share);
        if (share > pays) {
            nest_remark(u, n, "no %s", tiles);
            continue;
        }
        winograd_replace(u, p, &i, &c, &t);
        nest_remark(u, p->nests.at[i], "%s; %lld a band, %lld bands", tiles, (long long)(t.height * t.columns), (long long)t.bands);
    }
}
