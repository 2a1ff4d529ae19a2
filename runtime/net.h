/* net.h: a network in memory: its model, its weights and its state. */
#ifndef CNN_NET_H
#define CNN_NET_H

#include "ranks.h"
#include "reals.h"

struct cnn_net {
    const cnn_model *model;
    const Reals *reals;
    void *weights, *state;
    int threads;
    const cnn_ranks *ranks;     /* that train it together; NULL: this process alone */
    bool together;              /* the last error is known to all ranks */
    uint64_t version;           /* another one whenever weights or state have changed: what was computed from them is stale */
};

/* The tensors of weights and state as one list, in the order of the weights file. */
int cnn_net_tensors(const cnn_model *model);
const cnn_tensor *cnn_net_tensor(const cnn_model *model, int i);
bool cnn_net_trained(const cnn_model *model, int i);
/* Where tensor i of that list lies. */
void *cnn_net_place(const cnn_net *net, int i);

/* Reports a model that this library cannot work with, or whose numbers contradict each other. */
bool cnn_net_check(const cnn_model *model, cnn_error *error);

#endif
