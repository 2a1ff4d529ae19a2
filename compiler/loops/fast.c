/* fast.c: the policy of the fast style. Lanes run over images where those lie innermost (layout.c), over channels where those do
 * (channels.c), and for features of a single image over what is summed.
 *
 * A weighted sum is held in a register tile: some places of two loops, written out, times the lanes. With P places and one
 * vector each, P + 1 registers hold the sums and what is multiplied, the rest the other factor; P near 3/4 of the registers
 * keeps the multiply-add units busy without spilling (measured: 24 of 32, 12 of 16). A tile of two loops needs fewer loads
 * than one of a single loop: a + b vectors and numbers for a * b multiply-adds.
 * Where the images are summed (gradients of weights) the lanes hold partial sums that are added up at the end. */
#include "loops/transform.h"

#include "loops/choice.h"
#include "loops/lanes.h"
#include "loops/machine.h"

#include <string.h>

static int loop_of(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] == l)
            return i;
    return -1;
}

static int images_loop(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->name[0] == 'n' && n->loops[i]->name[1] == '\0')
            return i;
    return -1;
}

/* True if the lanes can run over this loop. */
static bool has_lanes(const Unit *u, const Nest *n, const Loop *lanes, int vector)
{
    return !lanes_obstacle(u, n, lanes, vector);
}

static int64_t largest_divisor(int64_t n, int64_t most)
{
    while (n % most)
        most--;
    return most;
}

/* The sizes of the tile on two loops of these extents: the most places within the registers, then the fewest loads. */
static void choose_tile(int64_t first, int64_t second, int64_t most, int64_t *a, int64_t *b)
{
    *a = *b = 1;
    for (int64_t i = 1; i <= most && i <= first; i++) {
        if (first % i)
            continue;
        int64_t j = largest_divisor(second, most / i < second ? most / i : second);
        if (i * j > *a * *b || (i * j == *a * *b && i + j < *a + *b)) {
            *a = i;
            *b = j;
        }
    }
}

/* Puts the images innermost. */
static void images_last(Nest *n)
{
    int i = images_loop(n);
    if (i >= 0)
        nest_move_loop(n, i, n->loop_count - 1);
}

static bool summed(const Nest *n, int i)
{
    return !nest_places_loop(n, n->loops[i]);
}

/* Splits a place loop into blocks of `size`; the inner loop is written out and goes to the end, before the lanes. */
static void tile_loop(Unit *u, Nest *n, Loop *l, int64_t size)
{
    int i = loop_of(n, l);

    if (size <= 1)
        return;
    if (size < l->extent) {
        bool split = nest_split(u, n, i, size);
        (void)split;
        i++;
    }
    nest_unroll(n, i);
    nest_move_loop(n, i, n->loop_count - 2);
}

/* The loops over dst's axes without the lanes, those of extent 1 left out. Groups of images (groups.c) are the columns of features, and none
 * of maps, which have columns of their own. Returns how many. */
static int place_loops(const Nest *n, const Loop *lanes, Loop *list[MAX_LOOPS])
{
    int count = 0, rank = n->dst->rank, first = n->dst->grouped;

    for (int k = first; k < rank + (first && rank == 3); k++) {
        const Affine *a = &n->index[k % rank];
        for (int j = 0; j < a->count; j++)
            if (a->term[j].loop != lanes && a->term[j].loop->extent > 1)
                list[count++] = a->term[j].loop;
    }
    return count;
}

/* What a tile over these loops may be; no place of it yet but the first. */
static Choice choice_over(Loop *const *places, int count, int64_t vectors, int64_t all_vectors)
{
    Choice c = { .vectors = vectors, .all_vectors = all_vectors };

    for (int i = 0; i < count; i++) {
        c.tile[c.count].loop = places[i]->name;
        c.tile[c.count].size = 1;
        c.tile[c.count++].extent = places[i]->extent;
    }
    return c;
}

/* A tile over the first axis of dst, the channels, and its last one, the columns. */
static void choose_channels_and_columns(Choice *c, int64_t most)
{
    int64_t none = 1, last = c->count - 1;

    if (c->count > 0)
        choose_tile(c->tile[0].extent, last > 0 ? c->tile[last].extent : 1, most, &c->tile[0].size, last > 0 ? &c->tile[last].size : &none);
}

/* The same where each of b places has so many vectors of its own, which stay in registers while the numbers of a channel meet them: registers
 * for the totals, for those vectors and for a number. */
static void choose_tile_of_vectors(int64_t channels, int64_t columns, int64_t vectors, int64_t registers, int64_t *a, int64_t *b)
{
    *a = *b = 1;
    for (int64_t i = 1; i <= channels && (i + 1) * vectors < registers; i++) {
        int64_t most = (registers - 1) / ((i + 1) * vectors);
        int64_t j = largest_divisor(columns, most < columns ? most : columns);
        if (channels % i == 0 && (i * j > *a * *b || (i * j == *a * *b && i + j * vectors < *a + *b * vectors))) {
            *a = i;
            *b = j;
        }
    }
}

static void choose_channels_and_vectors(Choice *c, int64_t registers)
{
    int64_t none = 1, last = c->count - 1;

    if (c->count > 0)
        choose_tile_of_vectors(c->tile[0].extent, last > 0 ? c->tile[last].extent : 1, c->vectors, registers, &c->tile[0].size, last > 0 ? &c->tile[last].size : &none);
}

/* A tile over the cells of a kernel, as many as fit, then over the filters: the windows of neighbouring cells overlap, so
 * what is read comes from the nearest cache, and each filter's gradient is read once for all cells. */
static void choose_cells_and_filters(Choice *c, int64_t most)
{
    for (int i = c->count - 1; i > 0; i--) {
        bool fits = c->tile[i].extent <= most;
        c->tile[i].size = fits ? c->tile[i].extent : i == c->count - 1 ? largest_divisor(c->tile[i].extent, most) : 1;
        most /= c->tile[i].size;
    }
    if (c->count > 0)
        c->tile[0].size = largest_divisor(c->tile[0].extent, most < c->tile[0].extent ? most : c->tile[0].extent);
}

/* The policy's choice, or what is asked for in its place if that is one of those that there are. The nest remembers it. */
static const Choice *settle(Unit *u, Nest *n, const Choice *policy, const Choice *asked)
{
    Choice *c = ARENA_NEW(u->arena, Choice);

    *c = *policy;
    n->choice = c;
    c->misfit = asked ? choice_misfit(u, n, asked) : NULL;
    if (!asked || c->misfit)
        return c;
    for (int i = 0; i < c->count; i++) {
        c->tile[i].size = 1;
        for (int k = 0; k < asked->count; k++)
            if (strcmp(asked->tile[k].loop, c->tile[i].loop) == 0)
                c->tile[i].size = asked->tile[k].size;
    }
    c->vectors = asked->vectors ? asked->vectors : c->vectors;
    c->inside = asked->inside;
    c->round = asked->round;
    return c;
}

static void tile_loops(Unit *u, Nest *n, Loop *const *places, const Choice *c)
{
    for (int i = 0; i < c->count; i++)
        tile_loop(u, n, places[i], c->tile[i].size);
}

/* The innermost loops: summed ones in their order, then what is written out, then the lanes; the places before them. */
static void order_tile(Nest *n)
{
    int places = 0, last = n->loop_count - 1, l;

    for (int i = 0; i < n->loop_count; i++)
        if (!summed(n, i) && n->loops[i]->kind == LOOP_PLAIN)
            nest_move_loop(n, i, places++);
    n->hold = places;
    for (int i = n->loop_count - 2; i >= n->hold; i--)
        if (n->loops[i]->kind == LOOP_UNROLL)
            nest_move_loop(n, i, --last);
    if (n->choice->inside && (l = choice_loop(n, n->choice->inside, 0, n->hold)) >= 0)
        nest_move_loop(n, l, n->hold - 1);
    if (n->choice->round && (l = choice_loop(n, n->choice->round, n->hold, last)) >= 0)
        nest_move_loop(n, l, last - 1);
}

enum { LONG_SUM = 256 };                /* rounds: their lanes are added up in 1 to 2 % of their time (6 to 8 operations for each total) */

/* Sums over groups of images (groups.c): where a group alone has much to add, its totals are stored before the next one begins, so that what
 * they read may be a map of the group at work (images.c). */
static void sum_by_group(Nest *n)
{
    int groups = -1;
    int64_t rounds = 1;

    for (int i = n->hold; i < n->loop_count; i++)
        if (summed(n, i) && strcmp(n->loops[i]->name, "n_") == 0)
            groups = i;
        else if (summed(n, i) && n->loops[i]->kind != LOOP_LANES)
            rounds *= n->loops[i]->extent;
    if (groups < 0 || rounds < LONG_SUM || n->start || n->finish)
        return;
    nest_move_loop(n, groups, 0);
    n->hold++;
}

/* A weighted sum with its lanes over `lanes`: tile, then hold. */
static void schedule_tile(Unit *u, Nest *n, Loop *lanes, int vector, const Choice *asked)
{
    Loop *list[MAX_LOOPS];
    bool places = nest_places_loop(n, lanes);
    int64_t all = places ? lanes->extent / vector : 1;          /* partial sums: one vector takes the images in turn */
    int last = n->loop_count - 1;

    nest_move_loop(n, loop_of(n, lanes), last);
    int count = place_loops(n, lanes, list);
    Choice policy = choice_over(list, count, all > 2 ? 2 - all % 2 : all, all);         /* a long row: two vectors of it belong to the tile */
    if (places)
        choose_channels_and_vectors(&policy, u->options.machine->registers);
    else
        choose_cells_and_filters(&policy, u->options.machine->registers * 3 / 4);
    const Choice *c = settle(u, n, &policy, asked);
    Loop *row = NULL;                                           /* of the vectors of a tile */
    if (lanes->extent > vector) {
        nest_split(u, n, last, vector);
        if (places && n->loops[last]->extent > c->vectors && c->vectors > 1)
            nest_split(u, n, last++, c->vectors);
        row = places && c->vectors > 1 ? n->loops[last] : NULL;
    }
    tile_loops(u, n, list, c);
    if (row)                                                    /* innermost: a number is read, meets the vectors and leaves its register */
        tile_loop(u, n, row, row->extent);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    order_tile(n);
    if (!places)
        sum_by_group(n);
}

/* Small windows are written out, so that the number of a cell is a constant. */
static void unroll_small_sums(Nest *n)
{
    int64_t cells = 1;

    for (int i = 0; i < n->loop_count; i++)
        if (summed(n, i))
            cells *= n->loops[i]->extent;
    for (int i = 0; i < n->loop_count && cells <= 16; i++)
        if (summed(n, i))
            nest_unroll(n, i);
}

/* ---- channels innermost */

int64_t panel_vectors(const Unit *u, bool image, int64_t all)
{
    int64_t most = image || u->options.machine->registers < 32 ? 2 : 4;
    return largest_divisor(all, all < most ? all : most);
}

/* The loops in the order of dst's axes, those that it does not have behind them but before the last. */
static void order_as_dst(Nest *n)
{
    int places = 0;

    for (int i = 0; i < n->dst->rank; i++)
        for (int64_t below = INT64_MAX, done = 0; done < n->index[i].count; done++) {
            int next = 0;                                       /* the terms with the largest factors first */
            int64_t factor = -1;
            for (int j = 0; j < n->index[i].count; j++) {
                int64_t size = n->index[i].term[j].factor < 0 ? -n->index[i].term[j].factor : n->index[i].term[j].factor;
                if (size < below && size > factor) {
                    factor = size;
                    next = j;
                }
            }
            below = factor;
            int from = loop_of(n, n->index[i].term[next].loop);
            if (from >= places)
                nest_move_loop(n, from, places++);
        }
    if (places > 0)
        nest_move_loop(n, places - 1, n->loop_count - 1);
}

/* The loop that runs through neighbours of dst, or NULL. */
static Loop *neighbours(const Nest *n)
{
    if (n->dst->rank == 0)
        return NULL;
    const Affine *last = &n->index[n->dst->rank - 1];
    for (int i = 0; i < last->count; i++)
        if (last->term[i].factor == 1)
            return last->term[i].loop;
    return NULL;
}

/* The loop of a place along this axis of dst if nothing else is added there, or NULL. */
static Loop *axis_loop(const Nest *n, int axis)
{
    if (axis < 0)
        return NULL;
    const Affine *a = &n->index[axis];
    return a->count == 1 && a->term[0].factor == 1 ? a->term[0].loop : NULL;
}

typedef struct Channels { bool any; } Channels;

static void see_channels(void *context, const Expr *load)
{
    Channels *c = context;
    c->any = c->any || load->tensor->channels_last;
}

static bool reads_channels(const Nest *n)
{
    Channels c = { false };
    nest_loads(n, see_channels, &c);
    return c.any;
}

/* A weighted sum for each of neighbouring channels. */
static bool is_channel_sum(const Unit *u, const Nest *n, const Loop *channels, int vector)
{
    bool sums = false;

    for (int i = 0; i < n->loop_count; i++)
        sums = sums || summed(n, i);
    return channels && vector > 1 && (n->dst->channels_last || reads_channels(n)) && sums && n->put == PUT_ADD && nest_is_gather(n)
        && has_lanes(u, n, channels, vector);
}

/* The loops over rows and columns of the pixels that a convolution makes, NULL where they are none, and how many places fit into the registers. */
static int64_t pixel_loops(const Unit *u, const Nest *n, const Loop *lanes, int64_t vector, Loop *along[2])
{
    int64_t vectors = lanes->extent / vector;

    for (int i = 0; i < 2; i++) {
        int axis = n->dst->rank - 3 + i;
        along[i] = axis >= 0 && n->index[axis].count == 1 ? n->index[axis].term[0].loop : NULL;
    }
    return (u->options.machine->registers - 1 - vectors) / vectors;
}

enum { SHORT_SUM = 64 };                /* rounds: below, what stands around the sum decides (a first layer of 3x3 cells lost 5 to 20 % by being cut) */

/* Time of `pixels` places in tiles of so many totals: 8 of them reach 75 to 84 % of what is possible, 12 reach 84 to 97, 28 reach 97 (measured on
 * one core with 16 and with 32 registers). Less steep than predict_totals: what a cut gains in the tiles it loses in part in a second function. */
static double time_of(int64_t pixels, int64_t totals)
{
    return (double)pixels * (1 + 3.0 / (double)totals);
}

/* That of a rectangle in the best tiles that divide it. */
static double time_of_rectangle(int64_t rows, int64_t columns, int64_t most, int64_t vectors)
{
    int64_t a, b;
    choose_tile(rows, columns, most, &a, &b);
    return time_of(rows * columns, a * b * vectors);
}

int nest_cut_for_tiles(const Unit *u, const Nest *n, int64_t *at)
{
    int vector = machine_lanes(u->options.machine, u->options.real);
    Loop *lanes = neighbours(n), *along[2];

    if (vector < 2 || n->fill || !n->dst->channels_last || !is_channel_sum(u, n, lanes, vector) || nest_work(n) / nest_places(n) < SHORT_SUM)
        return -1;
    int64_t most = pixel_loops(u, n, lanes, vector, along), vectors = lanes->extent / vector;
    if (!along[0] || !along[1])
        return -1;
    int64_t size[2] = { along[0]->extent, along[1]->extent };
    double best = 0.95 * time_of_rectangle(size[0], size[1], most, vectors);    /* a function more should pay */
    int cut = -1;
    for (int i = 0; i < 2; i++)
        for (int64_t tile = 2; tile <= most && tile < size[i]; tile++) {
            int64_t whole = size[i] / tile * tile, other = size[1 - i];
            double time = time_of_rectangle(whole, other, most, vectors);
            time += whole < size[i] ? time_of_rectangle(size[i] - whole, other, most, vectors) : 0;
            if (whole < size[i] && time < best) {
                best = time;
                cut = loop_of(n, along[i]);
                *at = whole;
            }
        }
    return cut;
}

/* True if a factor that differs from lane to lane depends on the other loop as well. */
static bool in_lanes_use(const Expr *e, const Loop *lanes, const Loop *l)
{
    if (e->op == OP_MUL)
        return in_lanes_use(e->a, lanes, l) || in_lanes_use(e->b, lanes, l);
    return e->op == OP_LOAD && lane_step(e->tensor, e->index, lanes) == 1 && indices_use(e->index, e->tensor->rank, l);
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

/* Says why a loop that lies innermost has no lanes, if something stands in the way. */
static void remark_obstacle(Unit *u, Nest *n, const Loop *l, int vector)
{
    const char *obstacle = l && vector > 1 ? lanes_obstacle(u, n, l, vector) : NULL;
    if (obstacle)
        nest_remark(u, n, "no lanes over %s: %s", l->name, obstacle);
}

/* A convolution with its lanes over channels. Results of an image: a tile of pixels, in a row if they fill it. Gradients of weights: a
 * tile of cells and channels of the kernel, kept while one image is summed. */
static void schedule_channels(Unit *u, Nest *n, Loop *lanes, int64_t vector, const Choice *asked)
{
    int64_t vectors = lanes->extent / vector, most = (u->options.machine->registers - 1 - vectors) / vectors;
    int rank = n->dst->rank, images = images_loop(n), last = n->loop_count - 1;
    bool weights = images >= 0 && summed(n, images);
    Loop *along[2] = { NULL, NULL }, *list[2];                  /* the tile's loops */
    int count = 0;

    remark_padding(u, n, lanes);
    nest_move_loop(n, loop_of(n, lanes), last);
    if (n->dst->channels_last) {
        most = pixel_loops(u, n, n->loops[last], vector, along);
    } else if (rank >= 3) {
        along[0] = axis_loop(n, rank - 2);                      /* channels */
        along[1] = axis_loop(n, rank - 3);                      /* cells of a row */
    }
    for (int i = 0; i < 2; i++)
        if (along[i] && in_lanes_use(n->value, lanes, along[i])) {
            nest_remark(u, n, "no tile of %s: its places would share no vector", along[i]->name);
            along[i] = NULL;
        }
    for (int i = 0; i < 2; i++)
        if (along[i])
            list[count++] = along[i];
    Choice policy = choice_over(list, count, vectors, 0);
    choose_channels_and_columns(&policy, most);
    tile_loops(u, n, list, settle(u, n, &policy, asked));
    last = n->loop_count - 1;
    if (vectors > 1) {                                          /* a number that all lanes read serves all vectors at once */
        nest_split(u, n, last, vector);
        nest_unroll(n, last);
        last++;
    }
    n->loops[last]->kind = LOOP_LANES;
    order_tile(n);
    images = images_loop(n);
    if (weights && !n->start && !n->finish && images >= n->hold) {       /* image after image: what they read stays near */
        nest_move_loop(n, images, 0);
        n->hold++;
        nest_remark(u, n, "image after image, so that what they read stays near");
    }
}

/* A sum that is written out (unfold.c): the places that are written out with it are a tile, whose sums have parts in common. */
static void schedule_unfolded(Unit *u, Nest *n, Loop *lanes, int64_t vector)
{
    int places = 0, sums = 0;

    order_as_dst(n);
    nest_move_loop(n, loop_of(n, lanes), n->loop_count - 1);
    if (lanes->extent > vector)
        nest_split(u, n, n->loop_count - 1, vector);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    for (int i = 0; i < n->loop_count; i++)
        if (!summed(n, i) && n->loops[i]->kind == LOOP_PLAIN)
            nest_move_loop(n, i, places++);
    for (int i = places; i < n->loop_count; i++)
        if (summed(n, i))
            nest_move_loop(n, i, places + sums++);
    n->hold = places;
}

/* Neighbouring channels together, pixel after pixel. */
static void schedule_pixels(Nest *n)
{
    if (!nest_is_gather(n)) {
        order_as_dst(n);
        n->hold = n->loop_count;
        return;
    }
    order_as_dst(n);
    nest_places_first(n);
    nest_move_loop(n, n->hold - 1, n->loop_count - 1);
    n->hold--;
    unroll_small_sums(n);
}

/* No sum to share numbers for: place after place, as many as a vector has at a time. */
static void schedule_vectors(Unit *u, Nest *n, Loop *lanes, int64_t vector)
{
    order_as_dst(n);
    nest_places_first(n);
    if (lanes->extent > vector)
        nest_split(u, n, n->hold - 1, vector);
    else
        n->hold--;
    nest_move_loop(n, n->hold, n->loop_count - 1);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    unroll_small_sums(n);
}

/* The summed loop whose numbers lie side by side in one factor at least, or NULL. */
static Loop *summed_neighbours(const Unit *u, const Nest *n, int vector)
{
    for (int i = 0; i < n->loop_count; i++)
        if (summed(n, i) && n->value->op == OP_MUL && n->value->a->op == OP_LOAD && n->value->b->op == OP_LOAD
            && lane_step(n->value->a->tensor, n->value->a->index, n->loops[i]) == 1
            && lane_step(n->value->b->tensor, n->value->b->index, n->loops[i]) == 1 && has_lanes(u, n, n->loops[i], vector))
            return n->loops[i];
    return NULL;
}

/* A single image: lanes over neighbours of dst, or over what is summed; else the totals of a row together. */
static void schedule_single(Unit *u, Nest *n, Loop *row, bool sums, int vector, const Choice *asked)
{
    Loop *along = sums && n->put == PUT_ADD && vector > 1 ? summed_neighbours(u, n, vector) : NULL;
    int64_t most = u->options.machine->registers / 2;

    if (!nest_is_gather(n)) {
        nest_places_first(n);
        return;
    }
    if (along) {
        Loop *list[MAX_LOOPS];
        nest_remark(u, n, "lanes over what is summed: neighbours in both factors, and there is one image");
        nest_move_loop(n, loop_of(n, along), n->loop_count - 1);
        Choice policy = choice_over(list, place_loops(n, along, list), 1, 0);
        if (along->extent > vector)
            nest_split(u, n, n->loop_count - 1, vector);
        n->loops[n->loop_count - 1]->kind = LOOP_LANES;
        if (policy.count > 0)
            policy.tile[0].size = largest_divisor(policy.tile[0].extent, most < policy.tile[0].extent ? most : policy.tile[0].extent);
        tile_loops(u, n, list, settle(u, n, &policy, asked));
        order_tile(n);
        return;
    }
    if (row && sums && n->put == PUT_ADD && vector > 1 && lane_step(n->dst, n->index, row) == 1 && has_lanes(u, n, row, vector)) {
        schedule_tile(u, n, row, vector, asked);
        return;
    }
    if (sums)
        remark_obstacle(u, n, row, vector);
    order_as_dst(n);
    nest_places_first(n);
    if (row && sums && n->hold > 0 && n->loops[n->hold - 1] == row) {
        nest_move_loop(n, n->hold - 1, n->loop_count - 1);
        n->hold--;
    }
}

static void schedule(Unit *u, Nest *n, const Choice *asked)
{
    int vector = machine_lanes(u->options.machine, u->options.real);
    int images = images_loop(n);
    bool sums = false;
    Loop *channels = neighbours(n);

    if (channels && vector > 1 && nest_is_unfolded(n) && channels->extent % vector == 0) {
        schedule_unfolded(u, n, channels, vector);
        return;
    }
    nest_fill_is_start(n);                                      /* a scatter may have become a gather since tidy */
    for (int i = 0; i < n->loop_count; i++)
        sums = sums || summed(n, i);
    if (is_channel_sum(u, n, channels, vector)) {
        schedule_channels(u, n, channels, vector, asked);
        return;
    }
    if (channels && vector > 1 && (channels == (images >= 0 ? n->loops[images] : NULL) || n->dst->channels_last) && nest_is_gather(n)
        && !(sums && n->put == PUT_ADD) && lane_step(n->dst, n->index, channels) == 1 && has_lanes(u, n, channels, vector)) {
        schedule_vectors(u, n, channels, vector);
        return;
    }
    if (channels && n->dst->channels_last) {
        remark_obstacle(u, n, channels, vector);
        schedule_pixels(n);
        return;
    }
    if (images < 0 && u->options.tile == 1 && n->dst->rank > 0) {
        schedule_single(u, n, channels, sums, vector, asked);
        return;
    }
    if (images < 0 || u->options.tile % vector != 0) {
        if (images >= 0)
            nest_remark(u, n, "no lanes over images: %lld of them are no whole vectors of %d", (long long)u->options.tile, vector);
        nest_places_first(n);
        return;
    }
    if (!nest_is_gather(n)) {
        images_last(n);
        n->hold = n->loop_count;
        return;
    }
    if (sums && n->put == PUT_ADD) {
        Loop *row = axis_loop(n, n->dst->rank - 1);
        bool transposed = row && summed(n, images) && has_lanes(u, n, row, vector);        /* transpose.c */
        Loop *lanes = transposed ? row : n->loops[images];
        if (has_lanes(u, n, lanes, vector)) {
            if (transposed)
                nest_remark(u, n, "lanes over features: images are summed, and one factor has a copy that lies for it");
            else if (summed(n, images))
                nest_remark(u, n, "lanes hold partial sums over images, added up at the end");
            schedule_tile(u, n, lanes, vector, asked);
            return;
        }
    }
    remark_obstacle(u, n, n->loops[images], vector);
    nest_places_first(n);
    images = images_loop(n);
    if (!summed(n, images)) {
        nest_move_loop(n, images, n->loop_count - 1);           /* the totals of all images are held together */
        n->hold--;
        unroll_small_sums(n);
    }
}

/* The loop over bands stands behind the images, whatever the rest looks like: the step runs it. */
void nest_schedule_fast(Unit *u, Nest *n, const Choice *asked)
{
    Loop *band = NULL;

    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind == LOOP_BAND) {
            band = n->loops[i];
            nest_move_loop(n, i, n->loop_count - 1);
            n->loop_count--;
        }
    schedule(u, n, asked);
    if (!band)
        return;
    n->loops[n->loop_count++] = band;
    nest_move_loop(n, n->loop_count - 1, images_loop(n) >= 0);
    n->hold++;
}
