/* philox.c: the random numbers of the language, for the reference. Constants and rounds as in Salmon et al. 2011, section 3.3. */
#include "reference.h"

void philox_4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = { counter[0], counter[1], counter[2], counter[3] };
    uint32_t k[2] = { key[0], key[1] };

    for (int round = 0; round < 10; round++) {
        uint64_t left = (uint64_t)0xD2511F53u * c[0];
        uint64_t right = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {
            (uint32_t)(right >> 32) ^ c[1] ^ k[0], (uint32_t)right,
            (uint32_t)(left >> 32) ^ c[3] ^ k[1], (uint32_t)left,
        };
        for (int i = 0; i < 4; i++)
            c[i] = next[i];
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

double reference_uniform(const uint32_t draw[4], uint32_t image, uint32_t stream, uint32_t element)
{
    uint32_t counter[4] = { element, image, draw[2], stream };
    uint32_t key[2] = { draw[0], draw[1] }, word[4];

    philox_4x32_10(counter, key, word);
    return (double)(word[0] >> 8) / 16777216.0;
}
