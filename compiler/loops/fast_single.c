/* fast_single.c: lanes over what is summed, where neighbours in it are neighbours in both factors: features of a single image, and what the
 * caller gets of a map whose channels lie innermost. Or, for a single image, and for so few that they fill no vector (layout.c), lanes over
 * neighbours of dst. */
#include "loops/fast.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/transform.h"

enum { LEAST_VECTORS = 2 };             /* to add up the lanes of one takes as long as to add its numbers one by one */

/* The summed loop whose numbers lie side by side in both factors, or NULL. */
static Loop *summed_neighbours(const Unit *u, const Nest *n, int vector)
{
    int64_t rounds = 1;

    for (int i = 0; i < n->loop_count; i++)
        rounds *= nest_sums_over(n, i) ? n->loops[i]->extent : 1;
    for (int i = 0; i < n->loop_count; i++)
        if (nest_sums_over(n, i) && rounds >= LEAST_VECTORS * vector && n->value->op == OP_MUL && n->value->a->op == OP_LOAD && n->value->b->op == OP_LOAD
            && lane_step(n->value->a->tensor, n->value->a->index, n->loops[i]) == 1
            && lane_step(n->value->b->tensor, n->value->b->index, n->loops[i]) == 1 && !lanes_obstacle(u, n, n->loops[i], vector))
            return n->loops[i];
    return NULL;
}

/* True for rows of whole vectors, and for those that vectors cover which overlap: a place that is made twice must begin anew. */
static bool row_has_lanes(const Unit *u, const Nest *n, const Loop *row, int vector)
{
    bool whole = row->extent % vector == 0;
    return !lanes_obstacle(u, n, row, whole ? vector : 1) && (whole || (n->start && !n->fill && vectors_of_row(row->extent, vector) > 0));
}

bool schedule_summed(Unit *u, Nest *n, int vector, const Choice *asked)
{
    Loop *along = n->put == PUT_ADD && vector > 1 && nest_is_gather(n) ? summed_neighbours(u, n, vector) : NULL;
    int images = nest_images_loop(n), registers = u->options.machine->registers;
    Loop *list[MAX_LOOPS], **places = list;

    if (!along)
        return false;
    nest_remark(u, n, "lanes over what is summed: neighbours in both factors, added up at the end");
    const Loop *image = images >= 0 ? n->loops[images] : NULL;
    nest_move_loop(n, nest_find_loop(n, along), n->loop_count - 1);
    int count = place_loops(n, along, list);
    bool rows = count == 2 && list[0] == image && n->dst->rank == 2 && image->extent <= registers / 2;
    if (count > 0 && list[0] == image && !rows) {
        places++;
        count--;
    }
    Choice policy = choice_over(places, count, 1, 0);
    if (along->extent > vector)
        nest_split(u, n, n->loop_count - 1, vector);
    n->loops[n->loop_count - 1]->kind = LOOP_LANES;
    if (rows) {                                                 /* the features of all images: what they are weighed with is read once */
        int64_t most = registers * 3 / 4 / image->extent;
        policy.tile[0].size = image->extent;
        policy.tile[1].size = largest_divisor(policy.tile[1].extent, most > 1 ? most : 1);
    } else {
        choose_channels_and_columns(&policy, count > 1 ? registers * 3 / 4 : registers / 2);
    }
    tile_loops(u, n, places, settle(u, n, &policy, asked));
    order_tile(n);
    if (rows)
        sum_by_block(n);
    return true;
}

void schedule_single(Unit *u, Nest *n, Loop *row, bool sums, int vector, const Choice *asked)
{
    if (!nest_is_gather(n)) {
        nest_places_first(n);
        return;
    }
    if (schedule_summed(u, n, vector, asked))
        return;
    if (row && sums && (n->put == PUT_ADD || n->put == PUT_MAX) && vector > 1 && lane_step(n->dst, n->index, row) == 1 && row_has_lanes(u, n, row, vector)) {
        if (row->extent % vector)
            nest_remark(u, n, "%lld vectors for %lld of %s, so that they overlap", (long long)vectors_of_row(row->extent, vector), (long long)row->extent, row->name);
        schedule_tile(u, n, row, vector, asked);
        return;
    }
    if (sums)
        remark_obstacle(u, n, row, vector);
    nest_order_as_dst(n);
    nest_places_first(n);
    /* Shorter, the totals of a row are better made one after the other, by loops written out; but those of a bias would each read all of a map. */
    bool long_row = row && (2 * row->extent >= vector || (n->dst->rank == 1 && !n->dst->per_image));
    if (long_row && sums && n->hold > 0 && n->loops[n->hold - 1] == row && !lanes_obstacle(u, n, row, 1)) {
        nest_move_loop(n, n->hold - 1, n->loop_count - 1);
        n->hold--;
    }
}
