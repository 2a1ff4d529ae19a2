/* fast.h: what the policies of the fast style share: register tiles, and the three ways to place lanes. Only the files fast*.c include it. */
#ifndef CNNC_LOOPS_FAST_H
#define CNNC_LOOPS_FAST_H

#include "loops/choice.h"

/* ---- fast_tile.c */

/* The sizes of the tile on two loops of these extents: the most places within the registers, then the fewest loads. */
void choose_rectangle(int64_t first, int64_t second, int64_t most, int64_t *a, int64_t *b);

/* The loops over dst's axes without the lanes, those of extent 1 left out. Groups of images (groups.c) are the columns of features, and none
 * of maps, which have columns of their own. Returns how many. */
int place_loops(const Nest *n, const Loop *lanes, Loop *list[MAX_LOOPS]);

/* What a tile over these loops may be; no place of it yet but the first. */
Choice choice_over(Loop *const *places, int count, int64_t vectors, int64_t all_vectors);

/* A tile over the first axis of dst, the channels, and its last one, the columns. */
void choose_channels_and_columns(Choice *c, int64_t most);

/* Time of so many places in tiles of so many totals: 8 of them reach 75 to 84 % of what is possible, 12 reach 84 to 97, 28 reach 97 (measured on
 * one core with 16 and with 32 registers). Less steep than predict_totals: what a cut gains in the tiles it loses in part in a second function. */
double time_of_places(int64_t places, int64_t totals);
enum { SHORT_SUM = 64 };        /* rounds: below, what stands around the sum decides (a first layer of 3x3 cells lost 5 to 20 % by being cut) */

/* The policy's choice, or what is asked for in its place if that is one of those that there are. The nest remembers it. */
const Choice *settle(Unit *u, Nest *n, const Choice *policy, const Choice *asked);

/* Splits a place loop into blocks of `size`; the inner loop is written out and goes to the end, before the lanes. */
void tile_loop(Unit *u, Nest *n, Loop *l, int64_t size);
void tile_loops(Unit *u, Nest *n, Loop *const *places, const Choice *c);

/* The innermost loops: summed ones in their order, then what is written out, then the lanes; the places before them. */
void order_tile(Nest *n);

/* Blocks of a sum stand around its places (blocks.c). */
void sum_by_block(Nest *n);

/* Small windows are written out, so that the number of a cell is a constant. */
void unroll_small_sums(Nest *n);

/* Says why a loop that lies innermost has no lanes, if something stands in the way. */
void remark_obstacle(Unit *u, Nest *n, const Loop *l, int vector);

/* ---- fast_images.c: a weighted sum with its lanes over `lanes`, images or features. */
void schedule_tile(Unit *u, Nest *n, Loop *lanes, int vector, const Choice *asked);

/* ---- fast_channels.c */

bool reads_channels(const Nest *n);                         /* from maps that have them innermost */

/* A weighted sum for each of neighbouring channels. */
bool is_channel_sum(const Unit *u, const Nest *n, const Loop *channels, int vector);

/* A convolution with its lanes over channels. Results of an image: a tile of pixels, in a row if they fill it. Gradients of weights: a
 * tile of cells and channels of the kernel, kept while one image is summed. */
void schedule_channels(Unit *u, Nest *n, Loop *lanes, int64_t vector, const Choice *asked);

/* A sum that is written out (unfold.c): the places that are written out with it are a tile, whose sums have parts in common. */
void schedule_unfolded(Unit *u, Nest *n, Loop *lanes, int64_t vector);

void schedule_pixels(Nest *n);                              /* neighbouring channels together, pixel after pixel */

/* No sum to share numbers for: place after place, as many as a vector has at a time. */
void schedule_vectors(Unit *u, Nest *n, Loop *lanes, int64_t vector);

/* ---- fast_turn.c */

/* True if it copies one thing, or joins it to dst, that it reads in another order than dst has. */
bool turns(const Nest *n);
void schedule_turn(Unit *u, Nest *n, int vector);

/* ---- fast_single.c */

/* A weighted sum with its lanes over what is summed; false if that lies side by side in one of the factors alone, or is too short. */
bool schedule_summed(Unit *u, Nest *n, int vector, const Choice *asked);

/* A single image: lanes over what is summed, or over neighbours of dst; else the totals of a row together. */
void schedule_single(Unit *u, Nest *n, Loop *row, bool sums, int vector, const Choice *asked);

#endif
