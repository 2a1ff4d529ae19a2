/* add.c: the sum of several values of one shape, element by element: the skip of residual networks (He et al. 2015).
 *
 *   y = x1 + x2 + ...
 *
 * Backward is derived: each of them gets the whole gradient. */
#include "layers/every.h"
#include "layers/sentence.h"

enum { OTHERS };

static const ArgSpec args[] = {
    [OTHERS] = { .name = "others", .kind = ARG_VALUES, .positional = true, .many = true, .help = "names of values to add" },
};

static bool shape(Unit *u, Site *s)
{
    for (int i = 1; i < s->in_count; i++)
        if (!shape_equal(s->in[i]->shape, s->x->shape)) {
            error_at(u, s->span, "'add' needs equal shapes, but meets %s and %s", shape_text(u, s->x->shape),
                     shape_text(u, s->in[i]->shape));
            note_origin(u, s->x);
            note_origin(u, s->in[i]);
            return false;
        }
    s->y->shape = s->x->shape;
    return true;
}

static void lower(Build *b, Site *s)
{
    Tensor *y = output(b);

    nest_begin(b, "", "Add up what comes from all sides.");
    Every e = every_element(b, s->y->shape);
    Expr *sum = load(b, input(b, 0), e.index);
    for (int i = 1; i < s->in_count; i++)
        sum = add(b, sum, load(b, input(b, i), e.index));
    nest_set(b, y, e.index, sum);
}

const LayerKind layer_add = {
    .name = "add", .summary = "the sum of values of one shape",
    .args = args, .arg_count = countof(args),
    .least_inputs = 2, .most_inputs = -1, .paths = true,
    .foreign = "Add", .example = "add stem",
    .shape = shape, .lower = lower,
};
