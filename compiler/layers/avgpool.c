/* avgpool.c: the mean of each window.
 *
 *   y[c][oh][ow] = 1/cells * sum over kh, kw of x[c][oh*S + kh][ow*S + kw]
 *
 * cells counts the cells of the image under the window, not those of the border, unless `countpad` is written. Where
 * windows differ in that, the counts are constants: cells = rows[oh] * columns[ow]. Backward is derived. */
#include "layers/pool.h"

enum { COUNTPAD = POOL_ARGS };

static const ArgSpec args[] = {
    POOL_ARGS_ROWS,
    [COUNTPAD] = { .name = "countpad", .kind = ARG_FLAG, .positional = true, .foreign = "count_include_pad",
                   .help = "the cells of the border count too" },
};

/* Cells of the image under each of the window's stops. */
static Tensor *cells_tensor(Build *b, const Reach *r, const char *symbol, const char *meaning)
{
    double *cells = arena_array(b->u->arena, (size_t)r->out, sizeof *cells);

    for (int64_t i = 0; i < r->out; i++)
        cells[i] = (double)reach_cells(r, i);
    return constant_tensor(b, symbol, meaning, (Shape){ 1, { r->out } }, cells);
}

static void lower(Build *b, Site *s)
{
    Window w = pool_window(s);
    Tensor *x = window_image(b, &w, 0), *rows = NULL, *columns = NULL;

    if (window_has_border(&w) && !arg_flag(s, COUNTPAD)) {
        rows = cells_tensor(b, &w.h, "rows", "rows of the image under the window");
        columns = cells_tensor(b, &w.w, "columns", "columns of the image under the window");
    }
    nest_begin(b, "", "Take the mean of each window.");
    PoolLoops l = pool_loops(b, s, "add up its cells");
    Expr *cells = rows ? mul(b, load(b, rows, &l.window[1]), load(b, columns, &l.window[2]))
                       : real(b, (double)(w.h.kernel * w.w.kernel));

    nest_start_from(b, real(b, 0));
    nest_finish(b, divide(b, total(b), cells));
    nest_add(b, output(b), l.window, load(b, x, l.cell));
}

const LayerKind layer_avgpool = {
    .name = "avgpool", .summary = "the mean of each window",
    .args = args, .arg_count = countof(args),
    .foreign = "AveragePooling2D AvgPool2D AvgPool2d", .example = "avgpool 2x2",
    .shape = pool_shape, .lower = lower,
};
