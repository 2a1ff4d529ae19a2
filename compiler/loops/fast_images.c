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

/* Blocks of a sum stand around its places (blocks.c). */
static void sum_by_block(Nest *n)
{
    for (int i = n->hold; i < n->loop_count; i++)
        if (n->loops[i]->blocks) {
            nest_move_loop(n, i, 0);
            n->hold++;
        }
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
    Choice policy = choice_over(list, count, all > 2 ? 2 - all % 2 : all, all);         /* a long row: two vectors of it belong to the tile */
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
