/* batch.h: one batch of images through a program of the model.
 *
 * The batch is cut into tiles of model->tile images, the tiles into slices. A slice runs its tiles in order and adds their
 * gradients in a buffer of its own; slices run on any thread. Then the buffers are added pairwise, as a binary tree. How many
 * slices there are is a function of the batch and the model alone, so that the bits do not depend on the threads. */
#ifndef CNN_BATCH_H
#define CNN_BATCH_H

#include "net.h"

typedef enum BatchUse {
    BATCH_TRAIN,                /* a step: gradient of the weights, running statistics are moved */
    BATCH_GRADIENT,             /* gradient of weights and input; the state stays as it is */
    BATCH_EVAL_GRADIENT,        /* the same of the inference function */
    BATCH_INFER
} BatchUse;

typedef struct Batch {
    const cnn_net *net;
    const cnn_program *program;
    BatchUse use;
    int phases;                 /* of the program, that are run */
    int threads;
    bool private_scratch;       /* every tile keeps its scratch from phase to phase; else every thread has one */
    size_t tile;                /* images */
    size_t room;                /* images of the largest batch, whole tiles */
    size_t slices_room, scratch_room;
    uint64_t seen;              /* net->version for which the phases of inference that run once have run */

    /* The caller fills x [images][inputs] and target [images][outputs] (inference leaves it alone), and finds y [images][outputs]. */
    void *x, *target, *y;
    void *gradient;             /* [weight_count] of the whole batch after a run */
    void *dx;                   /* [images][inputs] */

    void *share, *loss, *gradients, *scratch, *shared, *state, *images;
    double *partial;            /* [slices][largest sum] */
    size_t partial_room;
} Batch;

/* Room for batches of up to `images`. */
Batch *cnn_batch_new(const cnn_net *net, BatchUse use, size_t images, cnn_error *error);
void cnn_batch_free(Batch *batch);

/* Runs a batch of `count` images, at most as many as there is room for. `seed` and `step` are what random numbers depend on.
 * Returns the mean loss of the images (0 for inference). */
double cnn_batch_run(Batch *batch, size_t count, uint64_t seed, uint32_t step);

/* Slices of a batch: a power of two. */
size_t cnn_batch_slices(const cnn_model *model, size_t images);

#endif
