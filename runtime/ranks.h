/* ranks.h: what training needs of several processes: who has which share, sums in a fixed order, and agreement.
 *
 * Everywhere `ranks` may be NULL for a process that is alone. Functions that return bool are called by all ranks together. */
#ifndef CNN_RANKS_INTERNAL_H
#define CNN_RANKS_INTERNAL_H

#include "cnn/ranks.h"

typedef struct Span {
    size_t first, end;
} Span;

bool cnn_ranks_several(const cnn_ranks *ranks);

/* Rank 0 speaks and saves. */
bool cnn_ranks_speaks(const cnn_ranks *ranks);

/* Which of `count` things a rank has: neighbours, as many as the others have or one less. Rank 0 has the first one. */
Span cnn_ranks_span(const cnn_ranks *ranks, int rank, size_t count);

/* True if all ranks say so. Else all have the sentence of the first one that failed, and *together says that they all know. */
bool cnn_ranks_agree(const cnn_ranks *ranks, bool *together, bool good, cnn_error *error);

/* *flag: whether any rank says so. */
bool cnn_ranks_any(const cnn_ranks *ranks, bool *flag, cnn_error *error);

/* counts[i] = the sum of them over all ranks. */
bool cnn_ranks_add(const cnn_ranks *ranks, int64_t *counts, size_t count, cnn_error *error);

/* all [count] of `size` bytes, each rank's span of them filled in: completes it. */
bool cnn_ranks_gather(const cnn_ranks *ranks, void *all, size_t count, size_t size, cnn_error *error);

bool cnn_ranks_broadcast(const cnn_ranks *ranks, void *data, size_t bytes, cnn_error *error);

/* ---- sums in the order of a binary tree
 *
 * The leaves of the tree are slices, a power of two of them; every rank has its span. A node whose leaves are all on one rank is summed
 * there by the caller. The largest such nodes are the rank's roots, from left to right; the sums above them are made here. Every rank makes
 * those of one piece of the array and then has all pieces, so that a rank sends and receives each number about twice, however
 * many there are: as many as a ring would, which adds in another order for every number of ranks. */

/* The root of a span that begins at `at`: its leaves. */
size_t cnn_ranks_root(Span span, size_t at);

/* Bytes of working memory for arrays up to [count] of `size` bytes. */
size_t cnn_ranks_room(const cnn_ranks *ranks, size_t slices, size_t count, size_t size);

typedef struct Tree {
    const cnn_ranks *ranks;
    void (*add)(void *to, const void *from, size_t count);      /* to += from */
    size_t size;                /* bytes of one number */
    int threads;
    void *room;
    size_t room_bytes;          /* the same on all ranks */
} Tree;

/* to [count] = the sum of all slices. roots: the arrays of this rank's roots; the first one may be `to`. */
bool cnn_ranks_tree(const Tree *tree, size_t slices, void *const *roots, void *to, size_t count, cnn_error *error);

#endif
