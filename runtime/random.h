/* random.h: random numbers as a function of what they are for, never of a state that draws advance.
 *
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a key of 64 bits
 * and a counter of 128 bits into 128 random bits. The key is always the seed; the last word of the counter, the stream, says
 * what the numbers are for. Generated code uses the streams below 0x80000000, with the counter { element, image in the batch,
 * step, stream }; the runtime uses those from there on. */
#ifndef CNN_RANDOM_H
#define CNN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum RandomStream {
    STREAM_WEIGHTS,             /* counter { element / 2 low, high, tensor } */
    STREAM_SHUFFLE,             /* { position, 0, epoch } */
    STREAM_VALIDATE,            /* { position, 0, 0 } */
    STREAM_AUGMENT,             /* { number of the draw, image in the training set, epoch } */
    STREAM_DIGITS               /* { number of the draw, image, 0 } */
};
#define STREAM_BASE 0x80000000u

/* 128 bits. */
void cnn_random_block(uint64_t seed, const uint32_t counter[4], uint32_t to[4]);

/* Uniform in [0, 1), a multiple of 2^-53: number `which` (0 or 1) of the block at { a, b, c } of a stream. */
double cnn_random_uniform(uint64_t seed, enum RandomStream stream, uint32_t a, uint32_t b, uint32_t c, int which);

/* Numbers for one purpose, drawn one after the other: block 0, 1, 2 ... of { block, b, c } of a stream. */
typedef struct Draws {
    uint64_t seed;
    enum RandomStream stream;
    uint32_t number, b, c;
} Draws;

double cnn_draw(Draws *draws);                              /* uniform in [0, 1) */
double cnn_draw_between(Draws *draws, double low, double high);
double cnn_draw_normal(Draws *draws);                       /* mean 0, deviation 1, within +-6: the sum of twelve uniform ones */

/* Brings index[0 ... count) into an order that is a function of (seed, stream, c) (Fisher and Yates). */
void cnn_random_shuffle(uint64_t seed, enum RandomStream stream, uint32_t c, uint32_t *index, size_t count);

#endif
