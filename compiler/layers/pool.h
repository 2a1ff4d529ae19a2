/* pool.h: what the pools with a window share: their arguments and the loops over stops and cells. */
#ifndef CNNC_LAYERS_POOL_H
#define CNNC_LAYERS_POOL_H

#include "layers/window.h"

enum { POOL_KERNEL, POOL_STRIDE, POOL_PADDING, POOL_PAD, POOL_ARGS };

/* The first rows of a pool's table of arguments. */
#define POOL_ARGS_ROWS \
    [POOL_KERNEL]  = { .name = "kernel", .kind = ARG_SIZE, .positional = true, .fallback = 2, .fallback_text = "2x2", \
                       .help = "height and width of the window", .foreign = "pool_size kernel_size" }, \
    [POOL_STRIDE]  = STRIDE_ARG("the kernel", "step between two windows"), \
    [POOL_PADDING] = PADDING_ARG, \
    [POOL_PAD]     = PAD_ARG("rows and columns of border: one number, (height, width) or (top, bottom, left, right)")

/* y { depth, oh, ow } of x { depth, h, w }. */
bool pool_shape(Unit *u, Site *s);
Window pool_window(const Site *s);

/* The loops of a nest over all windows (c, oh, ow) and the cells of each (kh, kw). */
typedef struct PoolLoops {
    Affine window[3];           /* { c, oh, ow }: an element of y */
    Affine cell[3];             /* { c, oh*S + kh, ow*S + kw }: an element of x with its border */
    Affine number;              /* of the cell in its window, in row-major order */
} PoolLoops;

/* Adds the loops to the nest that was begun. `what` says what is done with the cells. */
PoolLoops pool_loops(Build *b, const Site *s, const char *what);

#endif
