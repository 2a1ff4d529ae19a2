/* watch.h: a number that is watched from epoch to epoch: whether it improves, and how long one waits for that. */
#ifndef CNN_WATCH_H
#define CNN_WATCH_H

#include "settings.h"
#include "cnn/cnn.h"

typedef struct Watch {
    const char *metric;         /* NULL: nothing is watched */
    int64_t patience;           /* epochs */
} Watch;

/* What a setting watches: `metric`, or if that is NULL the one it names, or else `usual`; nothing without a setting. `patience` where it names none. */
Watch cnn_watch_of(const cnn_setting *setting, const char *metric, const char *usual, double patience);

/* A number of the validation images: val_loss, ... */
bool cnn_watch_is_validation(const Watch *w);

/* The number after an epoch; NAN for an unknown name. */
double cnn_watch_value(const Watch *w, const cnn_progress *now);

/* NaN is never better, and everything is better than NaN. */
bool cnn_watch_better(const Watch *w, double now, double before);

/* Counts the epochs without improvement into *waited; true when there were `patience` of them. *value: the best so far. */
bool cnn_watch_ends(const Watch *w, const cnn_progress *now, double *value, int64_t *waited, bool first);

#endif
