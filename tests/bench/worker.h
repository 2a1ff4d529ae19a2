/* worker.h: how the bench talks to a contestant. One line in, one line out:
 *
 *     in    SECONDS                       measure for about so long
 *     out   SECONDS CALLS KILOBYTES       seconds of one call, how many were measured, most memory that the process has had
 *
 * Between two lines a contestant waits, so that every one of them has the machine alone in its turn. The first line that it says of itself
 * is "ready", with whatever it wants to say behind it; an end of its input ends it. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

static double worker_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#define WORKER_HUGE ((size_t)2 << 20)

/* Zeros, aligned; large blocks in huge pages where they are to be had, as libcnn asks for them (runtime/memory.c). Whoever measures here has the same. */
__attribute__((unused)) static void *worker_block(size_t bytes)
{
    bool large = bytes >= 2 * WORKER_HUGE;
    size_t line = large ? WORKER_HUGE : 4096, room = (bytes + line) / line * line;
    void *memory = aligned_alloc(line, room);
    if (!memory) {
        printf("failed memory\n");
        exit(1);
    }
#ifdef MADV_HUGEPAGE
    if (large)
        madvise(memory, room, MADV_HUGEPAGE);
#endif
    memset(memory, 0, room);
    return memory;
}

/* kB, 0 where the system does not say. Not getrusage: that begins with what the process had before exec. */
static long worker_memory(void)
{
    char line[256];
    long most = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &most) == 1)
            break;
    if (file)
        fclose(file);
    return most;
}

/* The seconds to measure, or 0 at the end. */
static double worker_order(void)
{
    char line[256];
    return fgets(line, sizeof line, stdin) ? strtod(line, NULL) : 0;
}

static void worker_answer(double seconds, long calls)
{
    printf("%.9g %ld %ld\n", seconds / (double)calls, calls, worker_memory());
    fflush(stdout);
}

static double worker_aside;     /* seconds that a call has spent on what does not count */

#define WORKER_WARM 0.15        /* share of a turn that is not measured: caches, pages and the clock come back */

/* Takes turns with `call` until there are no more orders. */
__attribute__((unused)) static void worker_turns(void (*call)(void *context), void *context)
{
    for (double seconds; (seconds = worker_order()) > 0; ) {
        double began = worker_now(), now = began;
        long warm = 0;
        for (; warm < 1 || now - began < WORKER_WARM * seconds; now = worker_now()) {
            call(context);
            warm++;
        }
        long calls = (long)(seconds * (double)warm / (now - began));
        if (calls < 1)
            calls = 1;
        worker_aside = 0;
        began = worker_now();
        for (long i = 0; i < calls; i++)
            call(context);
        worker_answer(worker_now() - began - worker_aside, calls);
    }
}

#endif
