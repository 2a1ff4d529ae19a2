/* flatten.c: reads an image as features, [c][h][w] one after the other. Nothing is moved: y is x under another shape. */
#include "layers/sentence.h"
#include "loops/build.h"
#include "net/layer.h"

static bool shape(Unit *u, Site *s)
{
    (void)u;
    s->y->shape = (Shape){ 1, { shape_count(s->x->shape) } };
    return true;
}

static void lower(Build *b, Site *s)
{
    output_is(b, s->x->shape.rank == 1 ? input(b, 0) : view(b, input(b, 0), s->y->shape));
}

static const char *arithmetic(Unit *u, const Site *s)
{
    return features_in(u, s->x->shape);
}

const LayerKind layer_flatten = {
    .name = "flatten", .summary = "an image as a list of features; implied by dense",
    .foreign = "Flatten", .example = "flatten",
    .shape = shape, .arithmetic = arithmetic, .lower = lower,
};
