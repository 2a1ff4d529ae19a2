/* batch.h: one batch of images through a program of the model.
 *
 * The batch is cut into tiles of model->tile images, the tiles into slices. A slice runs its tiles in order and adds up their
 * gradients; slices run on any thread of any rank. Their gradients are added pairwise, as a binary tree. How many slices there are is
 * a function of the batch and the model alone, so that the bits do not depend on threads and ranks. */
#ifndef CNN_BATCH_H
#define CNN_BATCH_H

#include "letters.h"
#include "net.h"

typedef enum BatchUse {
    BATCH_TRAIN,                /* a step: gradient of the weights, running statistics are moved */
    BATCH_GRADIENT,             /* gradient of weights and input; the state stays as it is */
    BATCH_EVAL_GRADIENT,        /* the same of the inference function */
    BATCH_INFER
} BatchUse;

/* Weights [from, from + count) of a tensor: where they are to be moved, and their gradient in the whole batch. */
typedef struct Part {
    int tensor;
    size_t from, count;
    const void *gradient;
    void *weights;
} Part;

/* Who wants to move weights as soon as their gradient is complete. */
typedef struct Mover {
    void (*move)(void *context, const Part *part);
    void *context;
} Mover;

typedef struct Batch {
    const cnn_net *net;
    const cnn_program *program;
    BatchUse use;
    int phases;                 /* of the program, that are run */
    int threads;
    bool private_scratch;       /* every tile keeps its scratch from phase to phase; else every thread has one */
    const cnn_ranks *ranks;     /* that share a step of training; NULL: this process has all of it */
    bool any_order;             /* the caller's: gradients of ranks may be added as is fastest */
    void *straight;             /* the caller's: [weight_count] where the gradient of a batch of one slice may go, on top of `straight_keep` times */
    double straight_keep;       /*   what is there; NULL: nowhere */
    const Mover *mover;         /* the caller's: told by any thread which weights may move, of some tensors all and of the others none, unless the loss
                                   is not finite. What it is told of need not get to `gradient`. NULL: nobody is told */
    size_t tile;                /* images */
    size_t room;                /* images of the largest batch that are ours, whole tiles */
    size_t slices_room, scratch_room;
    size_t most_groups, spare;  /* groups of slices whose gradients are kept at a time; buffers more for each thread: see run_group */
    uint64_t seen;              /* net->version for which the phases of inference that run once have run */

    /* The caller fills x [images][inputs] and target [images][outputs] (inference leaves it alone), and finds y [images][outputs], with
     * several ranks each for its images. */
    void *x, *target, *y;
    void (*bring)(void *from, size_t image, int thread);        /* the caller's, of the next run: fills x and target of an image as its tile begins, on the */
    void *from;                                                 /*   thread of that tile, and cannot fail. NULL: they are there */
    void (*look)(void *looker, size_t first, size_t count, int thread);     /* the caller's, of the next run: the results of `count` images from */
    void *looker;                                               /*   `first` on are in y, told by the thread of their tile. NULL: nobody is told */
    void *gradient;             /* [weight_count] of the whole batch after a run; `straight` if it went there */
    void *dx;                   /* [images][inputs] */

    cnn_update update;          /* told by a tile, for the mover */
    size_t update_images;       /* of that tile */
    bool seen_loss, good_loss;  /* the losses of that tile were looked at, and are finite */
    Letters letters;            /* of a team of threads that move weights together; threads 0: there is none (team.c) */
    void *copies;               /* [threads - 1][weight_count] weights of those threads */
    uint64_t copied;            /* net->version of which they are */
    bool moved;                 /* in the last step, by the team */
    void *sums;                 /* [threads][sum_depth][PIECE] for gradients that are added up */
    size_t sum_depth;
    void *share, *loss, *gradients, *scratch, *shared, *state, *images;
    void *keep;                 /* [3] what a gradient may keep of what it holds: nothing, all, straight_keep */
    void *aside;                /* [weight_count] for what rank 0 counts alone */
    void *losses;               /* [images] of all ranks */
    double *partial;            /* [slices][largest sum] */
    size_t partial_room;
    void *incoming;             /* from other ranks */
    size_t incoming_bytes;
} Batch;

/* Room for batches of up to `images`. Only steps of training are shared among the ranks of the network. */
Batch *cnn_batch_new(const cnn_net *net, BatchUse use, size_t images, cnn_error *error);
void cnn_batch_free(Batch *batch);

/* Runs a batch of `count` images, at most as many as there is room for. `seed` and `step` are what random numbers depend on.
 * Returns the mean loss of the images (0 for inference). */
double cnn_batch_run(Batch *batch, size_t count, uint64_t seed, uint32_t step);

/* The images of a batch of `count` that this rank has. */
Span cnn_batch_part(const Batch *batch, size_t count);

/* The same for all ranks together: count and loss are of the whole batch, as is batch->gradient afterwards. Only they can fail. */
bool cnn_batch_step(Batch *batch, size_t count, uint64_t seed, uint32_t step, double *loss, cnn_error *error);

/* After a step, by who has told the network that its weights have changed: they are what the mover has made of them, and nothing else. */
void cnn_batch_moved(Batch *batch);

/* Where the gradient of a batch of `count` images is going to be. */
void *cnn_batch_gradient(const Batch *batch, size_t count);

/* Slices of a batch: a power of two. */
size_t cnn_batch_slices(const cnn_model *model, size_t images);

#endif
