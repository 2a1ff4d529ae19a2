/* input.c: the first line of a network, which says what goes in. It computes nothing: its value is the caller's. */
#include "loops/build.h"
#include "net/layer.h"

enum { SHAPE };

static const ArgSpec args[] = {
    [SHAPE] = { .name = "shape", .kind = ARG_SHAPE, .required = true, .positional = true, .foreign = "input_shape",
                .help = "height x width x depth of an image, or a number of features" },
};

static bool shape(Unit *u, Site *s)
{
    const ArgValue *a = arg(s, SHAPE);

    (void)u;
    s->y->shape = (Shape){ .rank = a->count };
    for (int i = 0; i < a->count; i++)
        s->y->shape.dim[i] = a->number[i];
    return true;
}

static void lower(Build *b, Site *s)
{
    (void)b;
    (void)s;
}

const LayerKind layer_input = {
    .name = "input", .summary = "what goes into the network; the first line",
    .args = args, .arg_count = countof(args),
    .foreign = "Input InputLayer", .example = "input 28x28x1",
    .shape = shape, .lower = lower,
};
