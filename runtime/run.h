/* run.h: a batch at work, for batch.c, which runs its tiles, adding.c, which adds up what they made, and team.c, where threads do both together. */
#ifndef CNN_RUN_H
#define CNN_RUN_H

#include "batch.h"

#include <string.h>

enum { MOST_SLICES = 1024 };    /* and so ranks */
enum { PIECE = 1 << 12 };       /* reals of the gradients that are added at a time: the pieces of all slices fit into a cache */

typedef struct Run {
    Batch *batch;
    const cnn_phase *phase;
    size_t images, tiles, slices;               /* of the whole batch */
    Span ours, our_tiles;       /* slices and tiles of this rank; tile t lies at t - our_tiles.first */
    size_t our_images;
    size_t group;               /* slices */
    bool brings, ends;          /* the first phase over the images, and the last */
    bool first;                 /* no phase was before it: gradients begin at 0 */
    bool team;                  /* each thread has a group, and weights of its own */
    bool tells;                 /* pieces of the gradient tell the mover as they are added up */
    void *state;
    uint64_t seed;
    uint32_t step;
} Run;

/* A run of a batch of `count` images, as that rank has it. */
Run cnn_run_of(const Batch *batch, int rank, size_t count);

static inline bool has_gradient(const Batch *b)
{
    return b->use != BATCH_INFER;
}

/* Reals, rounded up so that the next block begins aligned. */
static inline size_t aligned(const Batch *b, size_t reals)
{
    size_t line = 64 / b->net->reals->bytes;
    return (reals + line - 1) / line * line;
}

static inline size_t pieces_of(const Batch *b)
{
    return (b->net->model->weight_count + PIECE - 1) / PIECE;
}

/* Weights of those pieces. */
static inline Span weights_in(const Batch *b, Span pieces)
{
    size_t all = b->net->model->weight_count;
    return (Span){ pieces.first * PIECE, pieces.end * PIECE < all ? pieces.end * PIECE : all };
}

static inline Span piece_at(const Batch *b, size_t piece)
{
    return weights_in(b, (Span){ piece, piece + 1 });
}

static inline size_t groups_of(const Run *r)
{
    return (r->ours.end - r->ours.first) / r->group;
}

static inline void *gradient_buffer(const Batch *b, size_t i)
{
    return has_gradient(b) ? cnn_at(b->net->reals, b->gradients, i * aligned(b, b->net->model->weight_count)) : NULL;
}

/* The sum of a group. */
static inline void *gradient_of(const Run *r, size_t group)
{
    return group ? gradient_buffer(r->batch, group) : r->batch->gradient;
}

static inline void clear_gradient(const Run *r, void *gradient)
{
    memset(gradient, 0, r->batch->net->model->weight_count * r->batch->net->reals->bytes);
}

/* The first tile of a slice. */
static inline size_t tile_of(const Run *r, size_t slice)
{
    return slice * r->tiles / r->slices;
}

static inline void *scratch_of(const Run *r, size_t tile, int thread)
{
    const Batch *b = r->batch;
    size_t block = b->private_scratch ? tile - r->our_tiles.first : (size_t)thread;
    return cnn_at(b->net->reals, b->scratch, block * aligned(b, b->program->scratch));
}

/* shared[to + i] = sum over the tiles of scratch[from + i]: in each slice in order, then over the slices as a tree. */
bool cnn_run_add_up(const Run *r, const cnn_sum *sum, cnn_error *error);

/* Runs the slices of a group. */
void cnn_run_group(const Run *r, size_t group, int thread);

/* The sum of `parts` arrays of numbers, as a binary tree: in `room`, [as high as the tree][PIECE], or where it is. */
const void *cnn_run_sum(const Reals *reals, const void *const *array, size_t parts, size_t count, char *room);

/* Tells the mover of weights w, where they are to be moved ([weight_count]), and of their gradient. */
void cnn_run_tell(const Batch *b, Span w, const void *gradient, void *weights);

/* The gradients of all groups and ranks, into the batch's; with r->tells the mover has them, and they need not get there. */
bool cnn_run_add_gradients(Run *r, cnn_error *error);

/* Room for a team of threads, if the batch may have one. */
bool cnn_team_new(Batch *b, cnn_error *error);
void cnn_team_free(Batch *b);

/* Runs all groups, and moves the weights if all losses are finite (batch->moved). False, and nothing is done, if there is no team for that. */
bool cnn_run_team(Run *r);

/* The weights that a thread reads. */
void *cnn_run_weights(const Run *r, int thread);

/* The mean of all losses, in the order of the images. */
bool cnn_run_mean_loss(const Run *r, double *loss, cnn_error *error);

#endif
