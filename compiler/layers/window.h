/* window.h: a window that steps over an image: what conv and the pools have in common.
 *
 * Where it stops, what it covers, the border that `same` and `pad` put around the image, and what is said when it does
 * not fit. All numbers are rows (h) or columns (w) of the image. */
#ifndef CNNC_LAYERS_WINDOW_H
#define CNNC_LAYERS_WINDOW_H

#include "loops/build.h"
#include "net/layer.h"

/* One direction of a window. */
typedef struct Reach {
    int64_t in;                 /* size of the image */
    int64_t kernel;             /* cells that the window looks at */
    int64_t stride;             /* between two stops */
    int64_t dilation;           /* between two cells */
    int64_t span;               /* from its first to its last cell: (kernel - 1) * dilation + 1 */
    int64_t before, after;      /* border above and below, or left and right */
    int64_t out;                /* stops */
} Reach;

typedef struct Window {
    Reach h, w;
} Window;

/* Where the layer's table has the arguments that a window is made of. */
typedef struct WindowArgs {
    int kernel, stride, padding, pad;
    int dilation;
    bool has_dilation;
    const char *name;           /* "kernel", "window": what messages call it */
    bool step_is_kernel;        /* the stride's default is the kernel, not 1 */
    bool real_cells;            /* a stop without a cell of the image is an error */
} WindowArgs;

/* The words of ARG_CHOICE `padding`. */
#define PADDING_WORDS "valid same"
enum { PADDING_VALID, PADDING_SAME };

/* Rows of a table of arguments. */
#define STRIDE_ARG(text, words) { .name = "stride", .kind = ARG_PAIR, .fallback = 1, .fallback_text = text, .help = words, \
                                  .foreign = "strides" }
#define DILATION_ARG { .name = "dilation", .kind = ARG_PAIR, .fallback = 1, .help = "distance between two cells of the kernel", \
                       .foreign = "dilation_rate" }
#define PADDING_ARG { .name = "padding", .kind = ARG_CHOICE, .positional = true, .words = PADDING_WORDS, .group = 1, \
                      .help = "valid: no border; same: a border that keeps the size, divided by the stride" }
#define PAD_ARG(words) { .name = "pad", .kind = ARG_PAD, .fallback = 0, .group = 1, .help = words, .foreign = "padding" }

/* Measures the window of `s` on its image. `depth` is that of the result, for messages. Reports what does not fit (a kernel
 * larger than the image with its border, a stop in the border alone, an image that is too large with its border), and
 * returns false. Otherwise the site remembers it. */
bool window_fits(Unit *u, Site *s, const WindowArgs *args, int64_t depth, Window *w);

/* For LayerKind.arithmetic: floor((H - F + P)/S) + 1 with its numbers, for height and width where they differ. */
const char *window_arithmetic(Unit *u, const Site *s);

/* The window of a site whose window fits. */
Window window_of(const Site *s, const WindowArgs *args);

bool window_has_border(const Window *w);

/* x, or x within a border of `fill` (tensor "xp" of the site, made by a nest of its own) if the window has a border. */
Tensor *window_image(Build *b, const Window *w, double fill);

/* For `backward`: the tensor that window_image made, and the nest that takes its gradient back to x. */
Tensor *window_image_again(Build *b, const Window *w);
void window_image_backward(Build *b, const Window *w);

/* Cells of the image (not of its border) under the window at stop number `i`, for windows without dilation. */
int64_t reach_cells(const Reach *r, int64_t i);

#endif
