/* peak.c: the most multiply-adds that one core does in a second: independent chains of them in registers, nothing else. A contestant
 * (see worker.h) whose call is GIGA multiplications and additions.
 *
 * Compiled with -DBYTES=64, 32 or 16 of a vector and the flags of the machine. A multiply-add has a latency of 4 to 5 cycles and two of
 * them begin in one, so that 10 chains are needed; 12 fit into 16 registers with their two factors, 24 into 32. */
#include "worker.h"

#ifndef BYTES
#define BYTES 16
#endif
#if BYTES == 64 || defined __aarch64__
#define CHAINS 24
#else
#define CHAINS 12
#endif
#if defined __x86_64__ || defined __i386__
#define REGISTER "+x"
#if BYTES == 64
#undef REGISTER
#define REGISTER "+v"
#endif
#elif defined __aarch64__
#define REGISTER "+w"
#endif

typedef float Lanes __attribute__((vector_size(BYTES)));

#define GIGA 1000000000L
#define STEP(i) a##i = a##i * x + y; __asm__ volatile("" : REGISTER(a##i));
#define TWELVE(S) S(0) S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) S(11)
#define TWELVE_MORE(S) S(12) S(13) S(14) S(15) S(16) S(17) S(18) S(19) S(20) S(21) S(22) S(23)
#define BEGIN(i) Lanes a##i = one;
#define ADD(i) one += a##i;

static volatile float sink;

static void giga(void *context)
{
    (void)context;
    Lanes one, x, y;
    for (int i = 0; i < (int)(BYTES / sizeof(float)); i++) {
        one[i] = 1;
        x[i] = 1.0000001f;
        y[i] = 1e-9f;
    }
    TWELVE(BEGIN)
#if CHAINS == 24
    TWELVE_MORE(BEGIN)
#endif
    long flops = 2 * CHAINS * (long)(BYTES / sizeof(float)), left = GIGA / flops;
    for (long i = 0; i < left; i++) {
        TWELVE(STEP)
#if CHAINS == 24
        TWELVE_MORE(STEP)
#endif
    }
    TWELVE(ADD)
#if CHAINS == 24
    TWELVE_MORE(ADD)
#endif
    sink = one[0];
}

int main(void)
{
    printf("ready %d bytes, %d chains\n", BYTES, CHAINS);
    fflush(stdout);
    worker_turns(giga, NULL);
    return 0;
}
