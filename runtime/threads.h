/* threads.h: work on several cores at once. The only file that knows OpenMP; without it there is one thread. */
#ifndef CNN_THREADS_H
#define CNN_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* Calls work(context, item, thread) for each item < count, thread < `threads`, and returns when all are done. Which thread
 * does which item is not said: results must not depend on it. */
void cnn_threads_each(int threads, size_t count, void (*work)(void *context, size_t item, int thread), void *context);

/* The same for items of equal work. Each thread has a run of neighbours, the same ones in each call with so many items: what it left in the caches
 * of its core is near when it comes back. */
void cnn_threads_share(int threads, size_t count, void (*work)(void *context, size_t item, int thread), void *context);

/* Calls work(context, thread) once by each of `threads` threads, all at the same time, and returns when all are done. False, and nothing is called, if
 * there are not so many. */
bool cnn_threads_team(int threads, void (*work)(void *context, int thread), void *context);
/* By all threads of a team: waits for the others. What each wrote before, all see afterwards. */
void cnn_threads_meet(void);

/* How many of `threads` are worth waking for about so many multiplications or moves of a number. */
int cnn_threads_worth(int threads, size_t work);
/* For tests: any work is worth them. */
void cnn_threads_always(bool always);

/* The cores that this process may use. */
int cnn_threads_available(void);

#endif
