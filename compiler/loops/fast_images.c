/* fast_images.c: lanes over images, or over the features of a dense layer: weighted sums where images lie innermost (layout.c, groups.c). Where
 * the images are summed (gradients of weights) the lanes hold partial sums that are added up at the end. */
#include "loops/fast.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

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

/* Vectors of a row that belong to one tile. */
static int64_t vectors_in_tile(int64_t all) { return all > 2 ? 2 - all % 2 : all; }

/* What a dense layer's outputs are made for: groups of images that a tile may take together, each of so many vectors. A row of more vectors is
 * taken piece by piece. */
typedef struct Images { int64_t groups, vectors, registers; } Images;

/* Time of so many outputs in the tile that they get. One of a single vector waits for its loads: 15 for 14 totals. */
static double time_of_outputs(int64_t outputs, const Images *images)
{
    int64_t a, b;
    choose_tile_of_vectors(outputs, images->groups, images->vectors, images->registers, &a, &b);
    int64_t places = outputs * images->groups * images->vectors, totals = a * b * images->vectors;
    double loads = (double)(a + b * images->vectors) / (double)totals;
    return time_of_places(places, totals) + (loads > 1 ? (loads - 1) * (double)places : 0);
}

/* Rounds of a sum before its totals are stored. */
static int64_t rounds_of_sum(const Nest *n)
{
    int64_t rounds = 1;

    for (int i = 0; i < n->loop_count; i++)
        if (nest_sums_over(n, i) && !n->loops[i]->blocks)
            rounds *= n->loops[i]->extent;
    return rounds;
}

/* True if a nest makes the outputs of a dense layer for images that lie innermost; then it finds the loop over outputs, and what they are made for. */
static bool makes_outputs(const Unit *u, const Nest *n, Loop **outputs, Images *images)
{
    int vector = machine_lanes(u->options.machine, u->options.real), number = nest_images_loop(n), rank = n->dst->rank;
    Loop *list[MAX_LOOPS];

    if (vector < 2 || number < 0 || n->loops[number]->extent % vector != 0 || nest_sums_over(n, number) || n->fill || n->put != PUT_ADD
        || n->value->op != OP_MUL || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD || !nest_is_gather(n) || rounds_of_sum(n) < SHORT_SUM
        || !is_just(&n->index[rank - 1], n->loops[number]) || rank != 2 + n->dst->grouped || place_loops(n, n->loops[number], list) != 1 + n->dst->grouped)
        return false;
    int64_t all = n->loops[number]->extent / vector;
    *outputs = list[0];
    *images = (Images){ n->dst->grouped ? list[1]->extent : 1, vectors_in_tile(all), u->options.machine->registers };
    return true;
}

enum { OUTPUTS = 256 };         /* the fewest: the others read all inputs once more (gcc 12.2, Zen 3, AVX2: 128 outputs 0.99 and 1.05, 512 1.09, 2048 1.12) */

int nest_cut_for_images(const Unit *u, const Nest *n, int64_t *at)
{
    Loop *outputs;
    Images images;

    *at = 0;
    if (!makes_outputs(u, n, &outputs, &images) || outputs->extent < OUTPUTS)
        return -1;
    int64_t all = outputs->extent;
    double best = 0.95 * time_of_outputs(all, &images);         /* a function more should pay */
    for (int64_t whole = all - 1; whole >= all - 2 * images.registers; whole--) {
        double time = time_of_outputs(whole, &images) + time_of_outputs(all - whole, &images);
        if (time < best) {
            best = time;
            *at = whole;
        }
    }
    return *at ? nest_find_loop(n, outputs) : -1;
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

/* Sums that may stop anywhere (apart.c): group after group, so that what they read may be a map of the group at work (images.c). */
static void sum_by_group(Nest *n)
{
    int groups = 0;

    while (groups < n->loop_count && strcmp(n->loops[groups]->name, "n_") != 0)
        groups++;
    if (groups == n->loop_count || !nest_sums_over(n, groups) || n->start || n->finish)
        return;
    nest_move_loop(n, groups, 0);
    n->hold++;
}

void schedule_tile(Unit *u, Nest *n, Loop *lanes, int vector, const Choice *asked)
{
    Loop *list[MAX_LOOPS];
    bool places = nest_places_loop(n, lanes);
    int64_t all = places ? vectors_of_row(lanes->extent, vector) : 1;          /* partial sums: one vector takes the images in turn */
    int last = n->loop_count - 1;

    nest_move_loop(n, nest_find_loop(n, lanes), last);
    int count = place_loops(n, lanes, list);
    if (count > 0 && nest_images_loop(n) != last && indices_use(&n->index[n->dst->rank - 1], 1, list[count - 1]))
        count--;                                                /* goes over panels (transpose.c), which a tile takes one by one */
    Choice policy = choice_over(list, count, vectors_in_tile(all), all);         /* a long row: two vectors of it belong to the tile */
    if (places)
        choose_channels_and_vectors(&policy, u->options.machine->registers);
    else
        choose_cells_and_filters(&policy, u->options.machine->registers * 3 / 4);
    const Choice *c = settle(u, n, &policy, asked);
    Loop *row = NULL;                                           /* of the vectors of a tile */
    if (lanes->extent > vector) {
        nest_split_into_vectors(u, n, last, vector);
        if (places && n->loops[last]->extent > c->vectors && c->vectors > 1)
            nest_split(u, n, last++, c->vectors);
        row = places && c->vectors > 1 ? n->loops[last] : NULL;
    }
    tile_loops(u, n, list, c);
    if (row)                                                    /* innermost: a number is read, meets the vectors and leaves its register */
        tile_loop(u, n, row, row->extent);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    order_tile(n);
    if (places && !n->dst->per_image && nest_images_loop(n) == n->loop_count - 1)
        sum_by_group(n);
    sum_by_block(n);
}
