/* globalpool.c: pools whose window is the whole image. They leave one feature a channel, and no image. */
#include "layers/every.h"
#include "layers/sentence.h"

#include <math.h>

static bool shape(Unit *u, Site *s)
{
    if (!needs_image(u, s))
        return false;
    s->y->shape = (Shape){ 1, { s->x->shape.dim[0] } };
    return true;
}

/* y[c] = 1/(H*W) * sum over h, w of x[c][h][w]. Backward is derived. */
static void lower_average(Build *b, Site *s)
{
    nest_begin(b, "", "Take the mean of each channel.");
    Every e = every_element(b, s->x->shape);
    nest_start_from(b, real(b, 0));
    nest_finish(b, divide(b, total(b), real(b, (double)e.area)));
    nest_add(b, output(b), e.channel, load(b, input(b, 0), e.index));
}

static bool shape_max(Unit *u, Site *s)
{
    if (!shape(u, s))
        return false;

    /* The number of a place is kept as a real, and a float is exact up to 2^24. */
    if (s->x->shape.dim[1] * s->x->shape.dim[2] <= 1 << 24)
        return true;
    error_at(u, s->span, "a globalmaxpool over %lldx%lld is not supported yet; a channel can have 2^24 places",
             (long long)s->x->shape.dim[1], (long long)s->x->shape.dim[2]);
    return false;
}

/* The number of a place within its channel, in row-major order. */
static Affine place_number(const Every *e, Shape x)
{
    return plus(scaled(e->index[1].term[0].loop, x.dim[2]), e->index[2]);
}

/* y[c] = max over h, w of x[c][h][w] */
static void lower_max(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b);

    nest_begin(b, "", "Keep the strongest answer of each channel.");
    Every e = every_element(b, s->x->shape);
    nest_start_from(b, real(b, -INFINITY));
    nest_put(b, PUT_MAX, y, e.channel, load(b, x, e.index));

    if (b->program->mode == MODE_INFER)
        return;
    Tensor *first = image_tensor(b, "first", "number of the place that was the strongest, the first of equals", s->y->shape);

    nest_begin(b, "first", "Remember which place was the strongest, the first of equals: the gradient will go there.");
    e = every_element(b, s->x->shape);
    nest_start_from(b, real(b, (double)e.area));
    nest_put(b, PUT_MIN, first, e.channel, if_equal(b, load(b, x, e.index), load(b, y, e.channel),
                                                    index_value(b, place_number(&e, s->x->shape)), real(b, (double)e.area)));
}

/* Not derived: where places are equal, the derivative of max would go to each of them. */
static void backward_max(Build *b, Site *s)
{
    Tensor *first = site_tensor(b, s, "first"), *dx = gradient(b, input(b, 0)), *dy = gradient(b, output(b));

    nest_begin(b, "dx", "Only the strongest place of a channel decided y, so it alone gets the gradient.");
    Every e = every_element(b, s->x->shape);
    nest_add(b, dx, e.index, if_equal(b, load(b, first, e.channel), index_value(b, place_number(&e, s->x->shape)),
                                      load(b, dy, e.channel), real(b, 0)));
}

static const char *arithmetic(Unit *u, const Site *s)
{
    return arena_print(u->arena, "one of each %lldx%lld", (long long)s->x->shape.dim[1], (long long)s->x->shape.dim[2]);
}

const LayerKind layer_globalavgpool = {
    .name = "globalavgpool", .summary = "the mean of each channel",
    .foreign = "GlobalAveragePooling2D GlobalAvgPool2D AdaptiveAvgPool2d", .example = "globalavgpool",
    .shape = shape, .arithmetic = arithmetic, .lower = lower_average,
};

const LayerKind layer_globalmaxpool = {
    .name = "globalmaxpool", .summary = "the largest value of each channel",
    .foreign = "GlobalMaxPooling2D GlobalMaxPool2D AdaptiveMaxPool2d", .example = "globalmaxpool",
    .shape = shape_max, .arithmetic = arithmetic, .lower = lower_max, .backward = backward_max,
};
