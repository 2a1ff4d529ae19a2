/* concat.c: several values one behind the other: images of one height and width along the depth, features along themselves.
 *
 * Backward is derived: each of them gets its own part of the gradient. */
#include "layers/every.h"
#include "layers/sentence.h"

enum { OTHERS };

static const ArgSpec args[] = {
    [OTHERS] = { .name = "others", .kind = ARG_VALUES, .positional = true, .many = true, .help = "names of values to append" },
};

static bool shape(Unit *u, Site *s)
{
    Shape all = s->x->shape;

    for (int i = 1; i < s->in_count; i++) {
        Shape more = s->in[i]->shape;
        bool fits = more.rank == all.rank;

        for (int j = 1; fits && j < all.rank; j++)
            fits = more.dim[j] == all.dim[j];
        if (!fits) {
            bool images = more.rank == 3 && all.rank == 3;
            error_at(u, s->span, "'concat' needs %s, but meets %s and %s",
                     images ? "equal heights and widths" : "images alone or features alone", shape_text(u, s->x->shape),
                     shape_text(u, more));
            note_origin(u, s->x);
            note_origin(u, s->in[i]);
            return false;
        }
        if (!checked_add(all.dim[0], more.dim[0], &all.dim[0]) || all.dim[0] > LIMIT_DIM) {
            error_at(u, s->span, "all %s together are more than %d", all.rank == 3 ? "channels" : "features", LIMIT_DIM);
            return false;
        }
    }
    s->y->shape = all;
    return true;
}

static void lower(Build *b, Site *s)
{
    Tensor *y = output(b);
    int64_t behind = 0;

    for (int i = 0; i < s->in_count; i++) {
        Shape part = s->in[i]->shape;

        nest_begin(b, arena_print(b->u->arena, "%d", i + 1), i == 0 ? "Put the first value in front ..."
                                                                    : "... and the next one behind it.");
        Every e = every_element(b, part);
        Affine to[MAX_RANK];
        for (int j = 0; j < part.rank; j++)
            to[j] = e.index[j];
        to[0] = shifted(to[0], behind);
        nest_set(b, y, to, load(b, input(b, i), e.index));
        behind += part.dim[0];
    }
}

/* "32 + 64 = 96" */
static const char *arithmetic(Unit *u, const Site *s)
{
    Text *t = text_new(u->arena);

    for (int i = 0; i < s->in_count; i++)
        text_put(t, "%s%lld", i ? " + " : "", (long long)s->in[i]->shape.dim[0]);
    text_put(t, " = %lld", (long long)s->y->shape.dim[0]);
    return t->at;
}

const LayerKind layer_concat = {
    .name = "concat", .summary = "values one behind the other, along the depth or along the features",
    .args = args, .arg_count = countof(args),
    .least_inputs = 2, .most_inputs = -1, .paths = true,
    .foreign = "Concatenate cat", .example = "concat stem",
    .shape = shape, .arithmetic = arithmetic, .lower = lower,
};
