/* maxpool.c: the strongest answer in each window.
 *
 *   y[c][oh][ow] = max over kh, kw of x[c][oh*S + kh][ow*S + kw]
 *
 * The border is minus infinity, so it never wins. For the backward pass a second nest finds the first cell, in row-major
 * order, that holds the maximum: the whole gradient goes there. */
#include "layers/pool.h"
#include "layers/sentence.h"

#include <math.h>

static const ArgSpec args[] = { POOL_ARGS_ROWS };

static bool shape(Unit *u, Site *s)
{
    if (!pool_shape(u, s))
        return false;

    /* The number of a cell is kept as a real, and a float is exact up to 2^24. */
    Window w = pool_window(s);
    if (w.h.kernel * w.w.kernel <= 1 << 24)
        return true;
    error_at(u, arg_span(s, POOL_KERNEL), "a maxpool over %lldx%lld is not supported yet; a window can have 2^24 cells",
             (long long)w.h.kernel, (long long)w.w.kernel);
    return false;
}

static void lower(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image(b, &w, -INFINITY), *y = output(b);

    nest_begin(b, "", "Keep the strongest answer in each window.");
    PoolLoops l = pool_loops(b, s, "look at each cell of it");
    nest_start_from(b, real(b, -INFINITY));
    nest_put(b, PUT_MAX, y, l.window, load(b, x, l.cell));

    if (b->program->mode == MODE_INFER)
        return;
    Tensor *first = image_tensor(b, "first", "number of the cell that was the strongest, the first of equals", s->y->shape);
    double cells = (double)(w.h.kernel * w.w.kernel);

    nest_begin(b, "first", "Remember which cell was the strongest, the first of equals: the gradient will go there.");
    l = pool_loops(b, s, "the smallest number of a cell that holds the maximum");
    nest_start_from(b, real(b, cells));
    nest_put(b, PUT_MIN, first, l.window,
             if_equal(b, load(b, x, l.cell), load(b, y, l.window), index_value(b, l.number), real(b, cells)));
}

/* Not derived: where cells are equal, the derivative of max would go to each of them. */
static void backward(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image_again(b, &w), *first = site_tensor(b, s, "first");
    Tensor *dx = gradient(b, x), *dy = gradient(b, output(b));

    nest_begin(b, window_has_border(&w) ? "dxp" : "dx",
               "Only the strongest cell of a window decided y, so it alone gets the gradient.");
    PoolLoops l = pool_loops(b, s, "find the cell that was the strongest");
    nest_add(b, dx, l.cell, if_equal(b, load(b, first, l.window), index_value(b, l.number), load(b, dy, l.window), real(b, 0)));
    window_image_backward(b, &w);
}

const LayerKind layer_maxpool = {
    .name = "maxpool", .summary = "the largest value in each window",
    .args = args, .arg_count = countof(args),
    .foreign = "MaxPooling2D MaxPool2D MaxPool2d", .example = "maxpool 2x2", .picks_largest = true,
    .shape = shape, .arithmetic = window_arithmetic, .lower = lower, .backward = backward,
};
