/* trial.h: numbers for a trial of a network: what to fill in, and how far apart two answers may be. */
#ifndef CNNC_TESTS_REFERENCE_TRIAL_H
#define CNNC_TESTS_REFERENCE_TRIAL_H

#include "reference.h"
#include "support/dice.h"

/* Fills params, states, the input and the target with numbers that float holds exactly. */
void trial_draw(Reference *r, Dice *d);

/* trial_draw, again and again, until training and inference both keep `distance` (relative to the size of the numbers) from every
 * place where a derivative jumps, so that rounding or a difference quotient cannot step over it. Returns how often it had to draw
 * again, or -1 after `most`. The reference then holds the training pass. */
int trial_draw_clear(Reference *r, Dice *d, const uint32_t draw[4], double distance, int most);

/* Small whole numbers with many ties and zeros, until everything is exact in `bits` bits in any order of summation. Returns how often
 * it had to draw again, or -1 after `most`. */
int trial_draw_exact(Reference *r, Dice *d, const uint32_t draw[4], int bits, int most);

/* How far a pass of the network scatters when it is computed in float: the norms of the largest distances that a few runs with noise have
 * from the run without, for each of the fields. The reference then holds the run without. */
typedef struct Scatter {
    double y, loss, dx, *params;        /* params: gradients; of states, the new ones */
} Scatter;

Scatter trial_scatter(Reference *r, bool training, bool backward, const uint32_t draw[4], uint64_t seed);

/* ||got - want||, Euclidean; infinite where `got` is not finite. */
double trial_distance(const double *got, const double *want, int64_t count);

/* ||got - want|| / max(||want||, ||magnitude||/20), Euclidean; magnitude may be NULL. Where the terms of a sum cancel to less than a
 * twentieth of their size, their size is the measure. Infinite where `got` is not finite. */
double trial_difference(const double *got, const double *want, const double *magnitude, int64_t count);

#endif
