/* normpool.c: the pools that measure how much there is in each window: l1pool and l2pool. The border is zero. */
#include "layers/pool.h"

static const ArgSpec args[] = { POOL_ARGS_ROWS };

/* y[c][oh][ow] = sum over kh, kw of |x[c][oh*S + kh][ow*S + kw]|; the derivative at 0 is 0. Backward is derived. */
static void lower_l1(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image(b, &w, 0);

    nest_begin(b, "", "Add up the sizes of the values in each window.");
    PoolLoops l = pool_loops(b, s, "add up its cells, signs dropped");
    nest_start_from(b, real(b, 0));
    nest_add(b, output(b), l.window, absolute(b, load(b, x, l.cell)));
}

/* y[c][oh][ow] = sqrt(sum over kh, kw of x[c][oh*S + kh][ow*S + kw]^2) */
static void lower_l2(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image(b, &w, 0);

    nest_begin(b, "", "Measure the values of each window together, as the length of a vector.");
    PoolLoops l = pool_loops(b, s, "add up the squares of its cells");
    nest_start_from(b, real(b, 0));
    nest_finish(b, sqrt_of(b, total(b)));
    nest_add(b, output(b), l.window, mul(b, load(b, x, l.cell), load(b, x, l.cell)));
}

/* Not derived: the length itself is the denominator, and y has it. A window of zeros has no direction; its gradient is 0. */
static void backward_l2(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image_again(b, &w), *y = output(b);
    Tensor *dx = gradient(b, x), *dy = gradient(b, y);

    nest_begin(b, window_has_border(&w) ? "dxp" : "dx", "A value moves the length by its own part of it, x/y.");
    PoolLoops l = pool_loops(b, s, "every cell of it gets its part");
    Expr *part = divide(b, load(b, x, l.cell), load(b, y, l.window));
    nest_add(b, dx, l.cell, if_greater(b, load(b, y, l.window), real(b, 0), mul(b, load(b, dy, l.window), part), real(b, 0)));
    window_image_backward(b, &w);
}

const LayerKind layer_l1pool = {
    .name = "l1pool", .summary = "the sum of the absolute values in each window",
    .args = args, .arg_count = countof(args), .example = "l1pool 2x2",
    .shape = pool_shape, .arithmetic = window_arithmetic, .lower = lower_l1,
};

const LayerKind layer_l2pool = {
    .name = "l2pool", .summary = "the root of the sum of the squares in each window",
    .args = args, .arg_count = countof(args), .foreign = "LPPool2d", .example = "l2pool 2x2",
    .shape = pool_shape, .arithmetic = window_arithmetic, .lower = lower_l2, .backward = backward_l2,
};
