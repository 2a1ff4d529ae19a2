/* avgpool.c: the mean of each window.
 *
 *   y[c][oh][ow] = 1/cells * sum over kh, kw of x[c][oh*S + kh][ow*S + kw]
 *
 * cells counts the cells of the image under the window, not those of the border, unless `countpad` is written. Where
 * windows differ in that, cells = rows[oh] * columns[ow] are constant tensors. Backward is derived. */
#include "layers/pool.h"

enum { COUNTPAD = POOL_ARGS };

static const ArgSpec args[] = {
    POOL_ARGS_ROWS,
    [COUNTPAD] = { .name = "countpad", .kind = ARG_FLAG, .positional = true, .foreign = "count_include_pad",
                   .help = "the cells of the border count too" },
};

/* Rows or columns of the image under the window at `place`: a number where it is the same everywhere, else a constant tensor. */
static Expr *cells(Build *b, const Reach *r, const char *symbol, const char *meaning, Affine place)
{
    double *count = arena_array(b->u->arena, (size_t)r->out, sizeof *count);
    bool same = true;

    for (int64_t i = 0; i < r->out; i++) {
        count[i] = (double)reach_cells(r, i);
        same = same && count[i] == count[0];
    }
    return same ? real(b, count[0]) : load(b, constant_tensor(b, symbol, meaning, (Shape){ 1, { r->out } }, count), &place);
}

static void lower(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image(b, &w, 0);

    nest_begin(b, "", "Take the mean of each window.");
    PoolLoops l = pool_loops(b, s, "add up its cells");
    Expr *rows = real(b, (double)w.h.kernel), *columns = real(b, (double)w.w.kernel);
    if (!arg_flag(s, COUNTPAD)) {
        rows = cells(b, &w.h, "rows", "rows of the image under the window", l.window[1]);
        columns = cells(b, &w.w, "columns", "columns of the image under the window", l.window[2]);
    }
    nest_start_from(b, real(b, 0));
    nest_finish(b, divide(b, total(b), mul(b, rows, columns)));
    nest_add(b, output(b), l.window, load(b, x, l.cell));
}

const LayerKind layer_avgpool = {
    .name = "avgpool", .summary = "the mean of each window",
    .args = args, .arg_count = countof(args),
    .foreign = "AveragePooling2D AvgPool2D AvgPool2d", .example = "avgpool 2x2",
    .shape = pool_shape, .arithmetic = window_arithmetic, .lower = lower,
};
