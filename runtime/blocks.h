/* blocks.h: numbers as pictures in a terminal. */
#ifndef CNN_BLOCKS_H
#define CNN_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Maps that stand side by side: values [count][h][w]. */
typedef struct Maps {
    const double *values;
    int64_t count, h, w;
    int64_t stride;                 /* from one map to the next; 0: h*w */
    bool is_signed;                 /* 0 is in the middle of the scale, not at its lower end */
    bool wide;                      /* an element is two columns and a row, else a column and half a row */
} Maps;

/* Where they are drawn. */
typedef struct Paper {
    FILE *to;
    bool colour;
    int columns;                    /* of a line; at least 12 are taken */
    bool all;                       /* every map, else as many as two rows of them hold */
} Paper;

/* Draws maps, all on one scale. */
void cnn_blocks_put(const Paper *paper, const Maps *maps);
/* A vector as one line: the strongest of every stretch. */
void cnn_blocks_line(const Paper *paper, const double *values, int64_t count, bool is_signed);
/* A bar of `share` (0 to 1) of `width` columns. */
void cnn_blocks_bar(FILE *to, double share, int width);
/* What the signs mean, where there are no colours. */
const char *cnn_blocks_legend(bool colour);

#endif
