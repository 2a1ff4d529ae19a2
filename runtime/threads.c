/* threads.c: OpenMP where CMake found it. */
#include "threads.h"

#ifdef _OPENMP
#include <omp.h>
#endif

void cnn_threads_each(int threads, size_t count, void (*work)(void *context, size_t item, int thread), void *context)
{
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
        int team = count < (size_t)threads ? (int)count : threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
        for (size_t item = 0; item < count; item++)
            work(context, item, omp_get_thread_num());
        return;
    }
#endif
    (void)threads;
    for (size_t item = 0; item < count; item++)
        work(context, item, 0);
}

void cnn_threads_share(int threads, size_t count, void (*work)(void *context, size_t item, int thread), void *context)
{
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
        int team = count < (size_t)threads ? (int)count : threads;
#pragma omp parallel for schedule(static) num_threads(team)
        for (size_t item = 0; item < count; item++)
            work(context, item, omp_get_thread_num());
        return;
    }
#endif
    (void)threads;
    cnn_threads_each(1, count, work, context);
}

bool cnn_threads_team(int threads, void (*work)(void *context, int thread), void *context)
{
    bool whole = false;
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
    if (omp_get_num_threads() == threads) {
        work(context, omp_get_thread_num());
        if (omp_get_thread_num() == 0)
            whole = true;
    }
#else
    (void)threads;
    (void)work;
    (void)context;
#endif
    return whole;
}

void cnn_threads_meet(void)
{
#ifdef _OPENMP
#pragma omp barrier
#endif
}

static bool always;

void cnn_threads_always(bool to)
{
    always = to;
}

int cnn_threads_worth(int threads, size_t work)
{
    static const size_t least = 1 << 15;        /* ten microseconds and more: what it takes to wake them and to wait for the last */
    return work < least && !always ? 1 : threads;
}

int cnn_threads_available(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}
