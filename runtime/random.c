/* random.c: Philox 4x32-10 and what is drawn from it. */
#include "random.h"

void cnn_random_block(uint64_t seed, const uint32_t counter[4], uint32_t to[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0, c1 = (uint32_t)p1, c2 = n2, c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    to[0] = c0, to[1] = c1, to[2] = c2, to[3] = c3;
}

static double fraction(const uint32_t block[4], int which)
{
    uint64_t bits = (uint64_t)block[2 * which] << 32 | block[2 * which + 1];
    return (double)(bits >> 11) * 0x1p-53;
}

double cnn_random_uniform(uint64_t seed, enum RandomStream stream, uint32_t a, uint32_t b, uint32_t c, int which)
{
    uint32_t block[4];
    cnn_random_block(seed, (uint32_t[4]){ a, b, c, STREAM_BASE + stream }, block);
    return fraction(block, which);
}

double cnn_draw(Draws *draws)
{
    uint32_t n = draws->number++;
    return cnn_random_uniform(draws->seed, draws->stream, n / 2, draws->b, draws->c, n % 2);
}

double cnn_draw_between(Draws *draws, double low, double high)
{
    return low + (high - low) * cnn_draw(draws);
}

/* Irwin and Hall's sum: only additions, so that it has the same bits on every machine. */
double cnn_draw_normal(Draws *draws)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += cnn_draw(draws);
    return sum;
}

void cnn_random_shuffle(uint64_t seed, enum RandomStream stream, uint32_t c, uint32_t *index, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        double u = cnn_random_uniform(seed, stream, (uint32_t)(i - 1), 0, c, 0);
        size_t j = (size_t)(u * (double)i);     /* below i: u <= 1 - 2^-53 and i < 2^32 */
        uint32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}
