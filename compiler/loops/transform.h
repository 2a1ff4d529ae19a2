/* transform.h: small rewrites of one nest. Each keeps its meaning up to rounding; schedule.c picks them. */
#ifndef CNNC_LOOPS_TRANSFORM_H
#define CNNC_LOOPS_TRANSFORM_H

#include "loops/loops.h"

/* Moves loops[from] to position `to`; those between move by one. */
void nest_move_loop(Nest *n, int from, int to);

/* In gather form: the loops of the places outermost, the summed ones inside, each in their order, and the total held in a
 * local from the first summed loop inwards. A scatter keeps its order: it has no total. */
void nest_places_first(Nest *n);

/* The loops in the order of these axes, those that they do not have behind them but before the last. */
void nest_order_as(Nest *n, int rank, const Affine *index);
void nest_order_as_dst(Nest *n);

/* A gather writes every place: what all of dst was filled with first becomes what its totals start from. */
void nest_fill_is_start(Nest *n);

/* Loops of the nest that were another's become copies, but for that over bands, which nests share. */
void nest_own_loops(Unit *u, Nest *n);

/* A nest like this one. What is added to the names of either is not added to the other. */
Nest *nest_copy(Unit *u, const Nest *n);

int64_t largest_divisor(int64_t n, int64_t most);           /* of n, not above `most` >= 1 */

/* Another loop of the same extent takes the place of one. */
void nest_replace_loop(Unit *u, Nest *n, int loop, Loop *by);

/* The loop is written out. */
void nest_unroll(Nest *n, int loop);

/* Splits a loop of extent outer * inner into two: l becomes l_outer * inner + l_inner. False if inner does not divide it. */
bool nest_split(Unit *u, Nest *n, int loop, int64_t inner);

/* The same with an outer loop that is there already, whose extent divides that of the loop. */
void nest_split_by(Unit *u, Nest *n, int loop, Loop *outer);

/* The vectors that a row of so many places takes: they lie equally far apart, from its first place to its last one, and may overlap. 0 if there
 * are none, or too many of them. */
int64_t vectors_of_row(int64_t places, int64_t vector);

/* Splits a loop over places into those vectors, whose number vectors_of_row knows: l becomes l_outer * step + l_inner. Where they overlap,
 * places are made twice, so each must begin anew: with a `start`, or what a PUT_SET reads must lie elsewhere; unless they do not overlap. */
void nest_split_into_vectors(Unit *u, Nest *n, int loop, int64_t vector);

/* Of a loop, `count` rounds stay, from `first` on. */
void nest_keep_rounds(Unit *u, Nest *n, int loop, int64_t first, int64_t count);

/* Cuts a loop over one axis of dst in two: the nest keeps the places before `at`, the one that is returned makes those from there on. */
Nest *nest_cut(Unit *u, Nest *n, int loop, int64_t at);

/* fast_channels.c: the loop over pixels that is better cut, and where, so that register tiles divide what comes before; -1 if none is. */
int nest_cut_for_tiles(const Unit *u, const Nest *n, int64_t *at);
/* fast_images.c: the same for the loop over outputs of a dense layer, whose images lie innermost in groups. */
int nest_cut_for_images(const Unit *u, const Nest *n, int64_t *at);

/* fast_channels.c: how many vectors of channels one register tile covers, of `all` that there are: `image` for results of an image, else for
 * gradients of weights. */
int64_t panel_vectors(const Unit *u, bool image, int64_t all);

#endif
