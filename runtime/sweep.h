/* sweep.h: which learning rate: a short training with a rate that rises from step to step. */
#ifndef CNN_SWEEP_H
#define CNN_SWEEP_H

#include "data.h"

enum { SWEEP_STEPS = 160 };

typedef struct Sweep {
    size_t count;               /* steps taken: it ends where the loss is far above its best */
    double rate[SWEEP_STEPS];
    double loss[SWEEP_STEPS];   /* smoothed */
    double suggested;           /* where the loss falls fastest, rounded to 1, 2 or 5 times a power of ten; 0: it never falls */
    double last_good;           /* the rate with the lowest loss */
} Sweep;

/* The network, its weights and its state, is afterwards as it was. The listener hears of the steps, and may stop it. */
bool cnn_sweep_run(cnn_net *net, const cnn_data *data, const cnn_plan *plan, const cnn_listener *listener, Sweep *to, cnn_error *error);

#endif
