/* blocks.h: numbers as pictures in a terminal. */
#ifndef CNNC_INSPECT_BLOCKS_H
#define CNNC_INSPECT_BLOCKS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Maps that stand side by side: values [count][h][w]. */
typedef struct Maps {
    const double *values;
    int64_t count, h, w;
    bool is_signed;                 /* 0 is in the middle of the scale, not at its lower end */
    bool wide;                      /* an element is two columns and a row, else a column and half a row */
} Maps;

/* Appends as many of them as two rows of maps hold, all on one scale. */
void blocks_put(Text *t, const Maps *maps, bool colour);
/* A vector as one line: the strongest of every stretch. */
void blocks_line(Text *t, const double *values, int64_t count, bool is_signed, bool colour);
/* A bar of `share` (0 to 1) of `width` columns. */
void blocks_bar(Text *t, double share, int width);
/* What the signs mean, where there are no colours. */
const char *blocks_legend(bool colour);

#endif
