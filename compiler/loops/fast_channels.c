/* fast_channels.c: lanes over channels where those lie innermost (channels.c). */
#include "loops/fast.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/predict.h"
#include "loops/transform.h"

int64_t panel_vectors(const Unit *u, bool image, int64_t all)
{
    int64_t most = image || u->options.machine->registers < 32 ? 2 : 4;
    return largest_divisor(all, all < most ? all : most);
}

typedef struct Channels { bool any; } Channels;

static void see_channels(void *context, const Expr *load)
{
    Channels *c = context;
    c->any = c->any || load->tensor->channels_last;
}

bool reads_channels(const Nest *n)
{
    Channels c = { false };
    nest_loads(n, see_channels, &c);
    return c.any;
}

bool is_channel_sum(const Unit *u, const Nest *n, const Loop *channels, int vector)
{
    bool sums = false;

    for (int i = 0; i < n->loop_count; i++)
        sums = sums || nest_sums_over(n, i);
    return channels && vector > 1 && (n->dst->channels_last || reads_channels(n)) && sums && n->put == PUT_ADD && nest_is_gather(n)
        && !lanes_obstacle(u, n, channels, vector);
}

static bool is_in_lanes(const Expr *e, const Loop *lanes)
{
    return e->op == OP_LOAD && lane_step(e->tensor, e->index, lanes) == 1;
}

/* A depthwise convolution: both factors differ from lane to lane. */
static bool is_depthwise(const Nest *n, const Loop *lanes)
{
    return n->value->op == OP_MUL && is_in_lanes(n->value->a, lanes) && is_in_lanes(n->value->b, lanes);
}

/* True if every factor that differs from lane to lane depends on the other loop as well. */
static bool in_lanes_use(const Expr *e, const Loop *lanes, const Loop *l)
{
    if (e->op == OP_MUL && is_in_lanes(e->a, lanes) && is_in_lanes(e->b, lanes))
        return in_lanes_use(e->a, lanes, l) && in_lanes_use(e->b, lanes, l);
    if (e->op == OP_MUL)
        return in_lanes_use(e->a, lanes, l) || in_lanes_use(e->b, lanes, l);
    return is_in_lanes(e, lanes) && indices_use(e->index, e->tensor->rank, l);
}

/* Of the loops along an axis of a map, the one whose places share the vectors of a factor: that over pixels, where a deconvolution also has one
 * over the cells of its kernel. NULL if there is none, or it is not the only one; the step's loop over bands is none of them. */
static Loop *loop_of_pixels(const Nest *n, const Affine *index, const Loop *lanes)
{
    Loop *found = NULL;

    for (int i = 0; i < index->count; i++) {
        Loop *l = index->term[i].loop;
        if (l->kind == LOOP_BAND)
            return NULL;
        if (index->count > 1 && in_lanes_use(n->value, lanes, l))
            continue;
        if (found)
            return NULL;
        found = l;
    }
    return found;
}

/* The loops that a tile may cover: over rows and columns of the pixels that a convolution makes, or over channels and cells of a row of the kernel
 * whose gradient it makes; NULL where they are none. */
static void loops_of_tile(const Nest *n, const Loop *lanes, Loop *along[2])
{
    along[0] = along[1] = NULL;
    if (n->dst->channels_last) {
        for (int i = 0; i < 2; i++) {
            int axis = n->dst->rank - 3 + i;
            along[i] = axis >= 0 ? loop_of_pixels(n, &n->index[axis], lanes) : NULL;
        }
    } else {
        int channels = tensor_last_axis(n->dst) - 1, rows = channels - 2;
        along[0] = nest_axis_loop(n, channels);
        along[1] = nest_axis_loop(n, channels - 1);
        if (rows >= 0 && n->dst->dim[channels] == 1)            /* of a single channel, cells of its rows in its place: 25 totals of 5x5, not 5 */
            along[0] = nest_axis_loop(n, rows);
    }
}

/* Places of so many vectors that fit into the registers. */
static int64_t most_places(const Unit *u, int64_t vectors) { return (u->options.machine->registers - 1 - vectors) / vectors; }

enum { FEWEST_PLACES = 4 };             /* of two vectors: 8 totals */

/* Vectors of a tile: as many as there are share a number that all lanes read, where there is one. A depthwise convolution has none and takes one
 * vector of many places, but where its maps come from far it takes whole lines of the cache: those of 48 to 96 channels of 112x112 pixels took 0.5 to
 * 0.7 of the time, and maps that are near (128 of 56x56 with stride 2) 1.1. */
static int64_t vectors_of_tile(const Unit *u, const Nest *n, const Loop *lanes, int64_t vector)
{
    int64_t all = lanes->extent / vector, rows, columns;
    Loop *along[2];

    if (!is_depthwise(n, lanes))
        return all;
    if (!n->dst->per_image || !predict_is_far(u, n))
        return 1;
    loops_of_tile(n, lanes, along);
    choose_rectangle(along[0] ? along[0]->extent : 1, along[1] ? along[1]->extent : 1, most_places(u, all), &rows, &columns);
    return rows * columns < FEWEST_PLACES ? 1 : all;
}

/* Time of a rectangle of places in the best tiles that divide it. */
static double time_of_rectangle(int64_t rows, int64_t columns, int64_t most, int64_t vectors)
{
    int64_t a, b;
    choose_rectangle(rows, columns, most, &a, &b);
    return time_of_places(rows * columns, a * b * vectors);
}

int nest_cut_for_tiles(const Unit *u, const Nest *n, int64_t *at)
{
    int vector = machine_lanes(u->options.machine, u->options.real);
    Loop *lanes = nest_neighbours(n), *along[2];

    if (vector < 2 || n->fill || !is_channel_sum(u, n, lanes, vector) || nest_work(n) / nest_places(n) < SHORT_SUM)
        return -1;
    int64_t vectors = vectors_of_tile(u, n, lanes, vector), most = most_places(u, vectors), size[2];
    loops_of_tile(n, lanes, along);
    for (int i = 0; i < 2; i++) {
        along[i] = along[i] && in_lanes_use(n->value, lanes, along[i]) ? NULL : along[i];
        size[i] = along[i] ? along[i]->extent : 1;
    }
    /* A function more should pay: gradients of weights, whose sums are shorter, lost at 0.93 and gained at 0.915. */
    double best = (n->dst->per_image ? 0.95 : 0.92) * time_of_rectangle(size[0], size[1], most, vectors);
    int cut = -1;
    for (int i = 0; i < 2; i++)
        for (int64_t tile = 2; tile <= most && tile < size[i]; tile++) {
            int64_t whole = size[i] / tile * tile, other = size[1 - i];
            double time = time_of_rectangle(whole, other, most, vectors);
            time += whole < size[i] ? time_of_rectangle(size[i] - whole, other, most, vectors) : 0;
            if (whole < size[i] && time < best) {
                best = time;
                cut = nest_find_loop(n, along[i]);
                *at = whole;
            }
        }
    return cut;
}

/* Says how many channels the lanes handle beyond those that there are. */
static void remark_padding(Unit *u, Nest *n, const Loop *lanes)
{
    const Expr none = { .op = OP_CONSTANT }, *factor[] = { n->value->op == OP_MUL ? n->value->a : &none, n->value->op == OP_MUL ? n->value->b : &none };

    for (int i = -1; i < 2; i++) {
        const Tensor *t = i < 0 ? n->dst : factor[i]->op == OP_LOAD ? factor[i]->tensor : NULL;
        const Affine *index = i < 0 ? n->index : factor[i]->index;
        if (t && t->channels_last && t->channels < t->dim[t->rank - 1] && lane_step(t, index, lanes) == 1) {
            nest_remark(u, n, "%lld channels padded to %lld: %.0f %%", (long long)t->channels, (long long)t->dim[t->rank - 1],
                        100 * (double)t->channels / (double)t->dim[t->rank - 1]);
            return;
        }
    }
}

enum { FEWEST_PIXELS = 28 };            /* of a part: for each of them a total is added to once, and for each part it is loaded and stored */

/* The sum over pixels of a gradient of weights stops after as many rows as stay in the nearest cache while one tile runs through them, and the
 * next tile begins there: of the lines that a pixel's channels lie in, a tile takes a few numbers each time. The totals wait in memory. */
static void sum_by_rows(Unit *u, Nest *n, int where)
{
    int rows = n->hold, columns = n->hold + 1;

    while (columns < n->loop_count && !(nest_sums_over(n, columns) && n->loops[columns]->kind == LOOP_PLAIN))
        columns++;
    if (n->start || n->finish || rows >= n->loop_count || columns >= n->loop_count || !nest_sums_over(n, rows) || n->loops[rows]->kind != LOOP_PLAIN)
        return;
    int64_t all = n->loops[rows]->extent, part = all;
    for (; part > 1; part--) {
        n->loops[rows]->extent = part;
        if (all % part == 0 && predict_touched(u, n, n->hold) <= u->options.machine->level1 / 2)
            break;
    }
    while (part < all && (all % part || part * n->loops[columns]->extent < FEWEST_PIXELS))
        part++;
    n->loops[rows]->extent = all;
    if (part == all || !nest_split(u, n, rows, part))
        return;
    nest_move_loop(n, rows, where);
    n->hold++;
    nest_remark(u, n, "after %lld rows another tile, so that they stay near", (long long)part);
}

/* A depthwise convolution reads no channel twice: it goes through the channels of a pixel as they lie in memory. */
static void channels_innermost(Nest *n)
{
    const Affine *channel = &n->index[n->dst->rank - 1];

    for (int i = 0; i < channel->count; i++) {
        int at = nest_find_loop(n, channel->term[i].loop);
        if (at >= 0 && at < n->hold)
            nest_move_loop(n, at, n->hold - 1);
    }
}

#define WORTH 0.97              /* of the time, before loops are moved for it */

/* Weights that no cache holds are brought once for all pixels of an image, not for each of them again: the loop over panels of channels goes outside of
 * as many others as make the nest faster, by what is predicted of moving numbers. */
static void panels_outermost(Unit *u, Nest *n)
{
    const Affine *channel = &n->index[n->dst->rank - 1];
    int from = -1, first = 0;

    for (int i = 0; i < channel->count; i++) {
        int at = nest_find_loop(n, channel->term[i].loop);
        if (at >= 0 && at < n->hold && n->loops[at]->kind == LOOP_PLAIN && channel->term[i].loop->extent > 1)
            from = from < 0 || at < from ? at : from;
    }
    for (int i = 0; i < from; i++)                      /* the step's loops, and that over images, which may become one of them (images.c) */
        if (n->loops[i]->kind != LOOP_PLAIN || i == nest_images_loop(n))
            first = i + 1;
    if (from <= first)
        return;
    double least = WORTH * nest_predict(u, n).time;
    int best = from;
    for (int to = from - 1; to >= first; to--) {
        nest_move_loop(n, to + 1, to);
        double time = nest_predict(u, n).time;
        if (time < least) {
            least = time;
            best = to;
        }
    }
    nest_move_loop(n, first, best);
    if (best < from)
        nest_remark(u, n, "panel by panel, so that weights come near once");
}

/* A sum over pixels alone has the channels of a whole pixel in its lanes, more than registers hold: it is made for some of them at a time. */
static Loop *cut_lanes(Unit *u, Nest *n, Loop *lanes, int64_t vector)
{
    int64_t most = u->options.machine->registers * 3 / 4, vectors = vectors_of_tile(u, n, lanes, vector);

    if (vectors <= most || !nest_split(u, n, nest_find_loop(n, lanes), vector * largest_divisor(vectors, most)))
        return lanes;
    return nest_neighbours(n);
}

void schedule_channels(Unit *u, Nest *n, Loop *lanes, int64_t vector, const Choice *asked)
{
    lanes = cut_lanes(u, n, lanes, vector);
    int64_t vectors = vectors_of_tile(u, n, lanes, vector);
    int images = nest_images_loop(n), last = n->loop_count - 1;
    bool weights = images >= 0 && nest_sums_over(n, images);
    Loop *along[2], *list[2];
    int count = 0;

    remark_padding(u, n, lanes);
    nest_move_loop(n, nest_find_loop(n, lanes), last);
    loops_of_tile(n, n->loops[last], along);
    for (int i = 0; i < 2; i++)
        if (along[i] && in_lanes_use(n->value, lanes, along[i])) {
            nest_remark(u, n, "no tile of %s: its places would share no vector", along[i]->name);
            along[i] = NULL;
        }
    for (int i = 0; i < 2; i++)
        if (along[i])
            list[count++] = along[i];
    Choice policy = choice_over(list, count, vectors, 0);
    choose_channels_and_columns(&policy, most_places(u, vectors));
    tile_loops(u, n, list, settle(u, n, &policy, asked));
    last = n->loop_count - 1;
    if (n->loops[last]->extent > vector) {
        nest_split(u, n, last, vector);
        if (vectors > 1)                                        /* a number that all lanes read serves all vectors at once */
            nest_unroll(n, last);
        last++;
    }
    n->loops[last]->kind = LOOP_LANES;
    order_tile(n);
    if (is_depthwise(n, n->loops[last]) && n->dst->per_image)
        channels_innermost(n);
    else if (n->dst->channels_last && !n->choice->inside)
        panels_outermost(u, n);
    images = nest_images_loop(n);
    if (weights && !n->start && !n->finish && images >= n->hold && n->loops[images]->extent > 1) {       /* image after image: what they read stays near */
        nest_move_loop(n, images, 0);
        n->hold++;
        nest_remark(u, n, "image after image, so that what they read stays near");
    }
    if (!n->dst->per_image)
        sum_by_rows(u, n, images >= 0);
}

void schedule_unfolded(Unit *u, Nest *n, Loop *lanes, int64_t vector)
{
    int places = 0, sums = 0;

    nest_order_as_dst(n);
    nest_move_loop(n, nest_find_loop(n, lanes), n->loop_count - 1);
    if (lanes->extent > vector)
        nest_split(u, n, n->loop_count - 1, vector);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_sums_over(n, i) && n->loops[i]->kind == LOOP_PLAIN)
            nest_move_loop(n, i, places++);
    for (int i = places; i < n->loop_count; i++)
        if (nest_sums_over(n, i))
            nest_move_loop(n, i, places + sums++);
    n->hold = places;
}

void schedule_pixels(Nest *n)
{
    if (!nest_is_gather(n)) {
        nest_order_as_dst(n);
        n->hold = n->loop_count;
        return;
    }
    nest_order_as_dst(n);
    nest_places_first(n);
    nest_move_loop(n, n->hold - 1, n->loop_count - 1);
    n->hold--;
    unroll_small_sums(n);
}

void schedule_vectors(Unit *u, Nest *n, Loop *lanes, int64_t vector)
{
    const Expr *read = n->value->op == OP_LOAD ? n->value : NULL;       /* alone: in its order, since loads are waited for, and stores are not */

    nest_order_as(n, read ? read->tensor->rank : n->dst->rank, read ? read->index : n->index);
    nest_places_first(n);
    nest_move_loop(n, nest_find_loop(n, lanes), n->hold - 1);           /* behind it there may be axes with a single place */
    if (lanes->extent > vector)
        nest_split(u, n, n->hold - 1, vector);
    else
        n->hold--;
    nest_move_loop(n, n->hold, n->loop_count - 1);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    unroll_small_sums(n);
}
