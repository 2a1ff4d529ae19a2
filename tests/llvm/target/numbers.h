/* numbers.h: what the network is given on every machine: functions of an index, exact in float. */
#ifndef CNNC_TESTS_TARGET_NUMBERS_H
#define CNNC_TESTS_TARGET_NUMBERS_H

#include <stdint.h>

enum { IMAGES = 2 };                /* of the batch */

/* In [-1/2, 1/2), a multiple of 2^-16. */
static inline float spread(uint32_t stream, uint32_t i)
{
    uint32_t bits = (i + stream * 977u) * 2654435761u;
    bits ^= bits >> 15;
    bits *= 2246822519u;
    return (float)((bits >> 13) & 0xffffu) / 65536.0f - 0.5f;
}

static inline float weight_number(uint32_t i) { return spread(1, i) / 4; }
static inline float state_number(uint32_t i)  { return 1 + spread(2, i); }
static inline float image_number(uint32_t i)  { return spread(3, i) + 0.5f; }
static inline float target_number(uint32_t image, uint32_t output) { return output == (3 * image + 1) % 10 ? 1.0f : 0.0f; }

#endif
