/* layer.c: looking up layers, and the parameters that they declare. */
#include "net/layer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

const LayerKind *layer_find(const char *name)
{
    int low = 0, high = layer_table_count;      /* it is in [low, high) */

    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(name, layer_table[middle]->name);
        if (order == 0)
            return layer_table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* True if the layer's own `init=` was written. */
static bool init_is_given(const Site *s)
{
    for (int i = 0; i < s->kind->arg_count; i++)
        if (strcmp(s->kind->args[i].name, "init") == 0)
            return s->args[i].given;
    return false;
}

/* "3x0x5": the axes in their order, unlike a value's shape. */
static const char *axes_text(Unit *u, Shape s)
{
    const char *text = arena_print(u->arena, "%" PRId64, s.rank > 0 ? s.dim[0] : 1);

    for (int i = 1; i < s.rank; i++)
        text = arena_print(u->arena, "%sx%" PRId64, text, s.dim[i]);
    return text;
}

Param *site_param(Unit *u, Site *s, const char *role, const char *symbol, Shape shape, bool trained,
                  ParamInit init, int64_t fan_in, int64_t fan_out)
{
    int64_t elements = 1;

    assert(shape.rank >= 0 && shape.rank <= MAX_RANK);
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 1 || !checked_mul(elements, shape.dim[i], &elements) || elements > LIMIT_ELEMENTS) {
            error_at(u, s->span, "the %s of '%s' would be %s, which is %s", role, s->name, axes_text(u, shape),
                     shape.dim[i] < 1 ? "empty" : "more than 2^40 numbers");
            return NULL;
        }
    Param *p = ARENA_NEW(u->arena, Param);
    *p = (Param){ .name = arena_print(u->arena, "%s.%s", s->name, role), .role = role, .symbol = symbol, .site = s,
                  .shape = shape, .trained = trained, .init = init, .fan_in = fan_in, .fan_out = fan_out };
    if (init == INIT_GLOROT && !init_is_given(s))
        p->init = u->net->init;
    LIST_ADD(u->arena, &s->params, p);
    return p;
}

Param *site_find_param(const Site *s, const char *role)
{
    for (int i = 0; i < s->params.count; i++)
        if (strcmp(s->params.at[i]->role, role) == 0)
            return s->params.at[i];
    return NULL;
}
