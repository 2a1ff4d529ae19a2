/* cnn/walk.h: an image on its way through a network, drawn in a terminal: what every layer makes of it, what the network says, and how the
 * loss would change. `cnnc step` and the command `step` of a compiled network fill this in, each in its own way. */
#ifndef CNN_WALK_H
#define CNN_WALK_H

#include "cnn/cnn.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The image, or what a layer makes of it. */
typedef struct cnn_walk_map {
    const char *name, *written; /* "conv1" and the line of the source, or "" */
    int32_t rank;               /* 3: { c, h, w }; 1: { features } */
    int64_t dim[3];
    const double *values;       /* NULL: the same numbers as before */
    const double *gradient;     /* the derivative of the loss by them; NULL: none is known */
    const double *kernels;      /* [filters][channels][h][w] of `kernel`; NULL: they are not drawn */
    int64_t kernel[4];
} cnn_walk_map;

typedef struct cnn_walk {
    const char *network;
    const cnn_walk_map *maps;   /* the first is the image */
    int32_t map_count;
    const double *y;            /* [outputs], the result */
    int64_t outputs;
    bool probabilities;
    const char *const *labels;  /* [outputs], names of the classes; NULL, as a whole or of one: it has a number */
    bool backward;              /* gradients and loss are there, too, */
    double loss;
    int64_t target;             /* if this class is the right one */
} cnn_walk;

/* The class of the largest result; of equal ones the first. */
CNN_API int64_t cnn_walk_best(const double *y, int64_t outputs);

typedef struct cnn_walk_paper {
    bool colour;                /* 24-bit colours of a terminal, else blocks and signs of UTF-8 */
    int columns;                /* of a line */
    bool all;                   /* every map of a layer, else two rows of them */
} cnn_walk_paper;

CNN_API void cnn_walk_print(const cnn_walk *walk, cnn_walk_paper paper, FILE *to);

#ifdef __cplusplus
}
#endif

#endif
