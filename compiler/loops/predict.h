/* predict.h: how long a scheduled nest takes, from figures that were measured once. For people, and to put candidates in order; no result depends on it. */
#ifndef CNNC_LOOPS_PREDICT_H
#define CNNC_LOOPS_PREDICT_H

#include "loops/loops.h"
#include "loops/machine.h"

/* Times are in multiply-adds of whole vectors at peak: what takes the time of 100 of them has the time 100. */
typedef struct Prediction {
    bool is_product;            /* a sum of products: has a share of peak */
    int64_t lanes;              /* numbers that one operation handles, by the schedule or, if `left`, by what the C compiler makes of it */
    bool left;
    int64_t totals;             /* that are held in registers */
    int64_t registers;          /* that a round needs: for the totals, the factor of which there are fewer copies, and one for the other */
    int64_t flight;             /* that are in flight at a time: those of the next tiles as well where sums are short */
    int64_t loads, operations;  /* of one round of the loops inside the tile: loads of vectors or of numbers for all lanes, and operations on vectors */
    double busy;                /* the operations, with the waiting for those before them, or the loads, if those take longer */
    double ends;                /* beginning and storing totals */
    double level2, memory;      /* moving numbers from the second level of the cache, and from beyond it */
    double time;                /* all of these */
    double counted;             /* numbers that are multiplied and added, as the formulas of the layers have it */
    double made;                /* as the schedule does it, with borders and padding */
} Prediction;

Prediction nest_predict(Unit *u, const Nest *n);

/* The share of peak that a sum reaches with so many totals in flight. */
double predict_totals(const Machine *m, int64_t totals);

/* Bytes, in lines of the cache, that a nest touches in one round of the loops outside loop number `from`. */
double predict_touched(const Unit *u, const Nest *n, int from);

/* True if what one image's round of a nest touches comes from beyond the third level of the cache, where other tensors want their part as well. */
bool predict_is_far(const Unit *u, const Nest *n);

/* The share of peak of a nest that is a product: what counts, by the time. */
double predict_share(const Unit *u, const Prediction *x);

/* The part of the time of nest number `i` that one tile pays: what runs once a batch is shared by its tiles. */
double predict_part(const Program *p, int i);

/* The time of a whole program for one tile, without what only the gradient of the input needs. */
double program_predict(Unit *u, const Program *p);

#endif
