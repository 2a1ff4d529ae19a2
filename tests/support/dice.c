/* dice.c: random numbers for tests (dice.h). */
#include "support/dice.h"

/* A seed is not yet a state: streams that begin at neighbouring states would be the same one, a step apart. */
Dice dice_new(uint64_t seed)
{
    Dice d = { seed };

    d.state = dice_next(&d);
    return d;
}

uint64_t dice_next(Dice *d)
{
    uint64_t z = (d->state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t dice_between(Dice *d, int64_t low, int64_t high)
{
    return low + (int64_t)(dice_next(d) % (uint64_t)(high - low + 1));
}

bool dice_chance(Dice *d, int percent)
{
    return dice_between(d, 1, 100) <= percent;
}

double dice_real(Dice *d)
{
    return (double)(dice_next(d) >> 40) / 16777216.0;
}
