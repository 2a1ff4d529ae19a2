/* metrics.h: how well results match their targets. */
#ifndef CNN_METRICS_H
#define CNN_METRICS_H

#include "net.h"
#include "set.h"

typedef struct Metrics {
    const cnn_model *model;
    const Reals *reals;
    SetKind kind;
    size_t images, right, right5;
    double loss;                /* sum */
    double *losses;             /* [images] NULL: they are added up; else each is kept, to be added up by the caller */
    bool has_loss;              /* worked out from the results; else it may be added */
    bool added_loss;
    int64_t *confusion;         /* [outputs][outputs] by true and predicted class, the caller's; or NULL */
    double smooth;
    bool crossentropy;
} Metrics;

/* Nothing counted yet. The loss is worked out from results outside training, if the runtime knows the network's. */
Metrics cnn_metrics_new(const cnn_net *net, SetKind kind);

/* Counts `count` results y against targets, both [count][outputs] in reals. */
void cnn_metrics_add(Metrics *m, const void *y, const void *target, size_t count);
/* Adds a loss that was worked out elsewhere: the mean of `count` images. */
void cnn_metrics_add_loss(Metrics *m, double mean, size_t count);

cnn_scores cnn_metrics_scores(const Metrics *m);

/* One number of the scores by its name in the language: loss, accuracy, top5; NAN for an unknown name. */
double cnn_metrics_named(const cnn_scores *scores, const char *name);
/* True for names of which less is better. */
bool cnn_metrics_less_is_better(const char *name);

#endif
