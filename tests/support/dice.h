/* dice.h: random numbers for tests, a function of a seed. */
#ifndef CNNC_TESTS_SUPPORT_DICE_H
#define CNNC_TESTS_SUPPORT_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* A stream of random numbers: splitmix64 (Steele, Lea, Flood 2014). */
typedef struct Dice {
    uint64_t state;
} Dice;

/* A stream for a seed; neighbouring seeds have nothing in common. */
Dice dice_new(uint64_t seed);
uint64_t dice_next(Dice *d);
/* In low ... high, both included. */
int64_t dice_between(Dice *d, int64_t low, int64_t high);
bool dice_chance(Dice *d, int percent);
/* In [0, 1), a multiple of 2^-24, so that float holds it exactly. */
double dice_real(Dice *d);

#endif
