/* schedule.h: the learning rate as training goes on. */
#ifndef CNN_SCHEDULE_H
#define CNN_SCHEDULE_H

#include "cnn/cnn.h"

typedef enum ScheduleKind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_EXPONENTIAL, SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_PLATEAU } ScheduleKind;

typedef struct Schedule {
    ScheduleKind kind;
    double first;               /* the rate it begins with */
    double factor, least;
    int64_t every, patience;    /* epochs */
    int64_t epoch_steps;        /* steps of an epoch */
    int64_t warmup_steps;       /* over which the rate rises from 0, by the same amount each */
    int64_t all_steps;          /* of the whole run */
    const char *metric;         /* of plateau; NULL: validation loss if there is one, else loss */
    double drop;                /* plateau: what the rate has been multiplied with */
} Schedule;

Schedule cnn_schedule_of(const cnn_model *model, double first, int64_t epoch_steps, int64_t all_steps);

/* The rate of step number `step`, counted from 0 over the whole run. step and exponential go down between epochs; cosine and linear
 * from step to step, over the steps that warmup leaves. */
double cnn_schedule_rate(const Schedule *s, int64_t step);

/* Plateau: the rate goes down, as the metric has not become better for `patience` epochs. */
void cnn_schedule_drop(Schedule *s);

#endif
