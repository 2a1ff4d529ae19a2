/* detective.h: where in a network the first number went that is not finite, and why that may be. */
#ifndef CNN_DETECTIVE_H
#define CNN_DETECTIVE_H

#include "batch.h"

/* A step of training after which the loss, the gradient or a weight is not finite. */
typedef struct Incident {
    cnn_net *net;               /* its weights as the step left them */
    Batch *batch;               /* of the step, still with its images */
    size_t ours, images;        /* of this rank, of all */
    const uint32_t *numbers;    /* [ours] their numbers in the training set */
    uint64_t seed;
    int64_t epoch, step, total_step;            /* counted from 0 */
    double loss, rate, first_rate;              /* first_rate: what the schedule began with, which --lr sets */
} Incident;

/* Says it all; called by all ranks together. Tries the step again with changed weights, so weights and state are not those of the network afterwards. */
void cnn_detective_report(const Incident *incident, cnn_error *error);

#endif
