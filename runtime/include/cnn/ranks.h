/* cnn/ranks.h: training on several processes, on one machine or on many.
 *
 * A rank is a process that trains the same network on its share of every batch. How ranks reach each other is none of libcnn's
 * business: a transport fills in the table below. cnn/mpi.h has the one for MPI; for another one write five functions.
 *
 * All ranks call cnn_train (or cnn_test) with the same network, data and plan; rank 0 alone writes files and is listened to, but for
 * `stop`, which any rank may ask for. Weights, scores and files have the same bits for any number of ranks. */
#ifndef CNN_RANKS_H
#define CNN_RANKS_H

#include "cnn/cnn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of an array. All parts that a function is given end below 2^31 bytes. */
typedef struct cnn_block {
    size_t at, bytes;
} cnn_block;

/* Every function is called by all ranks, in the same order; it returns when its work is done for this rank. False with a sentence: the
 * ranks have lost each other, and the run ends. */
typedef struct cnn_ranks {
    void *context;
    int rank, ranks;            /* 0 <= rank < ranks */

    /* out + to[r].at goes to rank r, which has the same number of bytes in its from[...] for us; to and from have `ranks` blocks. */
    bool (*exchange)(void *context, const void *out, const cnn_block *to, void *in, const cnn_block *from, cnn_error *error);
    /* all + blocks[r].at holds what rank r has there, on every rank. */
    bool (*gather)(void *context, void *all, const cnn_block *blocks, cnn_error *error);
    /* Any number of bytes of rank `from` become those of every rank. */
    bool (*broadcast)(void *context, void *data, size_t bytes, int from, cnn_error *error);
    /* reals (of real_bytes each) become the sums over all ranks, added in any order, but with the same bits on every rank. */
    bool (*sum)(void *context, void *reals, int real_bytes, size_t count, cnn_error *error);
    /* Ends all ranks, when one of them fails alone. Does not return. */
    void (*abort)(void *context);
} cnn_ranks;

/* From now on the network is trained and tested on these ranks; NULL: on this process alone. `ranks` must outlive it. */
CNN_API void cnn_set_ranks(cnn_net *net, const cnn_ranks *ranks);

/* cnn_main on several ranks. */
CNN_API int cnn_main_ranks(const cnn_model *model, const cnn_ranks *ranks, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
