/* winograd.h: what winograd.c finds and decides, for winograd_nests.c to make nests of. */
#ifndef CNNC_LOOPS_WINOGRAD_H
#define CNNC_LOOPS_WINOGRAD_H

#include "loops/loops.h"

enum { TAPS = 3 };                          /* of the kernels along an axis */

typedef struct Algorithm {
    int64_t m, reach;                       /* places of a tile along an axis, and of x under it */
    const double *b, *g, *a;
} Algorithm;

extern const Algorithm winograd_algorithms[];       /* m = 2, m = 4 */

typedef struct Convolution {
    Expr *weights, *map;                    /* the factors */
    Expr *result;                           /* of the gradient of weights: the factor that has a value for every place; weights is NULL */
    Loop *place[2], *tap[2], *in, *out;     /* rows and columns; channels that are summed, and those that the lanes run over */
    Loop *panel;                            /* out is one panel of this many, or NULL */
    int64_t corner[2];                      /* the first place of the map that the first window covers */
    bool flipped;                           /* the kernel runs against the places */
} Convolution;

/* How the places of a map are cut into tiles. */
typedef struct Tiling {
    const Algorithm *by;
    int64_t rows, columns;                  /* tiles of the map */
    int64_t whole[2], left[2];              /* of rows and columns: tiles that fit, places of the last one otherwise (0: there is none) */
    int64_t bands, height;                  /* rows of tiles in a band */
    int64_t room;                           /* tiles of a band, with what fills the last register tile of the products */
    Loop *band;                             /* NULL: one is all */
} Tiling;

/* The number of the loop over images. */
int winograd_images(const Nest *n);

/* Makes the nests of the algorithm in place of nest number *where, which moves to the last of them. */
void winograd_replace(Unit *u, Program *p, int *where, const Convolution *c, Tiling *tiling);

#endif
