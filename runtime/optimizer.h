/* optimizer.h: the rule that turns a gradient into new weights. */
#ifndef CNN_OPTIMIZER_H
#define CNN_OPTIMIZER_H

#include "batch.h"
#include "net.h"

#include <stdatomic.h>

enum { MOST_MOMENTS = 2 };

typedef struct Optimizer {
    cnn_net *net;
    RuleUpdate *rule;
    RuleNumbers numbers;
    double clip;                /* the largest norm of a gradient; 0: any */
    int64_t updates;            /* done so far: the t of Adam */
    const char *moment_names[MOST_MOMENTS];     /* "momentum"; NULL: the rule has no such */
    void *moments[MOST_MOMENTS];                /* [weight_count], from 0 */
    struct Piece *pieces;       /* of the weights that are trained */
    size_t piece_count;
    double *squares;            /* [piece_count] for the norm */
    const void *gradient;       /* of the step at work */
    bool *frozen;               /* [weight_tensors] never moved */
    atomic_bool *moved;         /* [weight_tensors] moved by cnn_optimizer_move in this step */
    atomic_bool broken;         /* an update made weights that are not finite */
} Optimizer;

/* The optimizer of the train block, plain sgd without one. Reports layers to freeze that the network does not have. */
bool cnn_optimizer_new(Optimizer *o, cnn_net *net, cnn_error *error);
void cnn_optimizer_free(Optimizer *o);

/* The learning rate that the train block gives. */
double cnn_optimizer_rate(const cnn_model *model);

/* Where a gradient may be added to *keep times what is there, so that v = mu*v + g is done when it is there; NULL: the rule needs the
 * gradient for itself. */
void *cnn_optimizer_straight(const Optimizer *o, double *keep);

/* Begins an update of the weights by a gradient [weight_count], or by what goes straight. */
void cnn_optimizer_begin(Optimizer *o, const void *gradient, double rate);

/* True if parts of the gradient are enough to move their weights. */
bool cnn_optimizer_takes_parts(const Optimizer *o);

/* In between: moves these weights, on any thread. Every place of a tensor, or none, is moved so. */
void cnn_optimizer_move(Optimizer *o, const Part *part);

/* Moves those that are left. False if the weights are not all finite now. */
bool cnn_optimizer_end(Optimizer *o, int threads);

/* All of it at once. */
bool cnn_optimizer_update(Optimizer *o, const void *gradient, double rate, int threads);

#endif
