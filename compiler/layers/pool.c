/* pool.c: what the pools with a window share (pool.h). */
#include "layers/pool.h"

#include "layers/sentence.h"

static const WindowArgs window_args = {
    POOL_KERNEL, POOL_STRIDE, POOL_PADDING, POOL_PAD, .name = "window", .step_is_kernel = true, .real_cells = true,
};

bool pool_shape(Unit *u, Site *s)
{
    Window w;

    if (!needs_image(u, s) || !window_fits(u, s, &window_args, s->x->shape.dim[0], &w))
        return false;
    s->y->shape = (Shape){ 3, { s->x->shape.dim[0], w.h.out, w.w.out } };
    return true;
}

Window pool_window(const Site *s)
{
    return window_of(s, &window_args);
}

PoolLoops pool_loops(Build *b, const Site *s, const char *what)
{
    Window w = pool_window(s);
    Loop *c = loop(b, "c", "for every channel", s->y->shape.dim[0]);
    Loop *oh = loop(b, "oh", "and every place of the window", w.h.out);
    Loop *ow = loop(b, "ow", NULL, w.w.out);
    Loop *kh = loop(b, "kh", what, w.h.kernel);
    Loop *kw = loop(b, "kw", NULL, w.w.kernel);

    return (PoolLoops){
        .window = { at(c), at(oh), at(ow) },
        .cell = { at(c), stepped(oh, w.h.stride, kh, 1), stepped(ow, w.w.stride, kw, 1) },
        .number = plus(scaled(kh, w.w.kernel), at(kw)),
    };
}
