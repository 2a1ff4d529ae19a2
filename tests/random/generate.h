/* generate.h: valid random networks as texts of the language; a function of the seed. */
#ifndef CNNC_TESTS_RANDOM_GENERATE_H
#define CNNC_TESTS_RANDOM_GENERATE_H

#include "base/text.h"

#include <stdint.h>

typedef enum NetFamily {
    FAMILY_REAL,                /* every layer and attribute */
    FAMILY_WHOLE                /* layers that are exact on small whole numbers, for ties and zeros */
} NetFamily;

/* A network, its data and train block. `work` is how many multiply-adds its forward pass may have for one image. */
const char *random_network(Arena *arena, uint64_t seed, NetFamily family, int64_t work);

#endif
