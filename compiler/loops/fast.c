/* fast.c: the policy of the fast style. Lanes run over images where those lie innermost (fast_images.c), over channels where those do
 * (fast_channels.c), and for features of a single image over what is summed (fast_single.c). A weighted sum is held in a register tile
 * (fast_tile.c); copies that turn an array go through squares (fast_turn.c). */
#include "loops/fast.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

/* Puts the images innermost. */
static void images_last(Nest *n)
{
    int i = nest_images_loop(n);
    if (i >= 0)
        nest_move_loop(n, i, n->loop_count - 1);
}

static void schedule(Unit *u, Nest *n, const Choice *asked)
{
    int vector = machine_lanes(u->options.machine, u->options.real);
    int images = nest_images_loop(n);
    bool sums = false;
    Loop *channels = nest_neighbours(n);

    if (channels && vector > 1 && nest_is_unfolded(n) && channels->extent % vector == 0) {
        schedule_unfolded(u, n, channels, vector);
        return;
    }
    nest_fill_is_start(n);                                      /* a scatter may have become a gather since tidy */
    for (int i = 0; i < n->loop_count; i++)
        sums = sums || nest_sums_over(n, i);
    if (is_channel_sum(u, n, channels, vector)) {
        schedule_channels(u, n, channels, vector, asked);
        return;
    }
    if (channels && vector > 1 && (channels == (images >= 0 ? n->loops[images] : NULL) || n->dst->channels_last) && nest_is_gather(n)
        && !(sums && n->put == PUT_ADD) && lane_step(n->dst, n->index, channels) == 1 && !lanes_obstacle(u, n, channels, vector)) {
        schedule_vectors(u, n, channels, vector);
        return;
    }
    if (sums && reads_channels(n) && schedule_summed(u, n, vector, asked))
        return;
    if (!sums && turns(n)) {
        schedule_turn(u, n, vector);
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
    if (images >= 0 && u->options.tile % vector != 0 && vector > 1 && channels && !n->dst->images_last) {     /* layout.c left them outermost */
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
        Loop *row = nest_neighbours(n);
        bool transposed = row && nest_sums_over(n, images) && !lanes_obstacle(u, n, row, vector);        /* transpose.c */
        Loop *lanes = transposed ? row : n->loops[images];
        if (!lanes_obstacle(u, n, lanes, vector)) {
            if (transposed)
                nest_remark(u, n, "lanes over features: images are summed, and one factor has a copy that lies for it");
            else if (nest_sums_over(n, images))
                nest_remark(u, n, "lanes hold partial sums over images, added up at the end");
            schedule_tile(u, n, lanes, vector, asked);
            return;
        }
    }
    remark_obstacle(u, n, n->loops[images], vector);
    nest_places_first(n);
    images = nest_images_loop(n);
    if (!nest_sums_over(n, images)) {
        nest_move_loop(n, images, n->loop_count - 1);           /* the totals of all images are held together */
        n->hold--;
        unroll_small_sums(n);
    }
}

/* Its first loop runs over images that pass one after the other, or over groups of them (groups.c). */
static bool takes_turns(const Nest *n)
{
    const Loop *l = n->loops[0];
    return l->kind == LOOP_PLAIN && ((strcmp(l->name, "n") == 0 && !n->dst->images_last) || strcmp(l->name, "n_") == 0);
}

/* The loop over bands stands behind the images, whatever the rest looks like: the step runs it. */
void nest_schedule_fast(Unit *u, Nest *n, const Choice *asked)
{
    Loop *band = nest_band(n);

    if (band) {
        nest_move_loop(n, nest_find_loop(n, band), n->loop_count - 1);
        n->loop_count--;
    }
    schedule(u, n, asked);
    if (!band)
        return;
    n->loops[n->loop_count++] = band;
    nest_move_loop(n, n->loop_count - 1, takes_turns(n));
    n->hold++;
}
