/* checkpoint.h: a network, or a whole run of training, in a safetensors file. */
#ifndef CNN_CHECKPOINT_H
#define CNN_CHECKPOINT_H

#include "net.h"
#include "optimizer.h"

enum { HISTORY_COLUMNS = 7 };   /* epoch, step, rate, loss, accuracy, loss and accuracy of the validation (or test) images */

/* Everything that a run is continued from, besides weights and state. */
typedef struct RunState {
    uint64_t seed;
    int64_t batch, images;      /* of the plan; a run goes on only with the same */
    int64_t epoch, step, total_step;            /* epochs done, steps done in this one, in all */
    int64_t train_images, train_right, train_right5;            /* this epoch's metrics so far */
    double train_loss;
    int64_t waited, plateau_waited;             /* epochs without improvement: for stop, for plateau */
    double stop_value, plateau_value, drop;
    int64_t best_epoch;         /* 0: none yet */
    double best_value;
    int64_t history_rows;
    double *history;            /* [rows][HISTORY_COLUMNS], from cnn_memory_get */
    void *best_weights, *best_state;            /* NULL: they are not kept */
} RunState;

/* Writes the run's state; the file also serves wherever weights are read. */
bool cnn_checkpoint_save(const char *path, const cnn_net *net, const Optimizer *optimizer, const RunState *run, cnn_error *error);

/* What rank 0 has read becomes every rank's, and so does its network. */
bool cnn_checkpoint_share(cnn_net *net, Optimizer *optimizer, RunState *run, cnn_error *error);
bool cnn_checkpoint_share_net(cnn_net *net, cnn_error *error);

/* Reads it back into the network, the optimizer and `run`, whose seed, batch, images and best_weights are given and compared. Nothing is
 * to be used after a failure. */
bool cnn_checkpoint_load(const char *path, cnn_net *net, Optimizer *optimizer, RunState *run, cnn_error *error);

#endif
