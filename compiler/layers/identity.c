/* identity.c: y is x. For paths that pass on what came in: `add { path { conv 8, 3x3, same } path { identity } }`. */
#include "loops/build.h"
#include "net/layer.h"

static bool shape(Unit *u, Site *s)
{
    (void)u;
    s->y->shape = s->x->shape;
    return true;
}

static void lower(Build *b, Site *s)
{
    (void)s;
    output_is(b, input(b, 0));
}

const LayerKind layer_identity = {
    .name = "identity", .summary = "passes on what it gets",
    .foreign = "Identity", .example = "identity",
    .shape = shape, .lower = lower,
};
