/* unit.c: the beginning and the end of a compilation. */
#include "unit.h"

#include "loops/machine.h"

Unit *unit_new(void)
{
    Arena *arena = arena_new();
    Unit *u = ARENA_NEW(arena, Unit);

    u->arena = arena;
    u->diags = diags_new(arena);
    u->variant_count = 1;
    u->options = (Options){ .machine = &machine_table[0], .unroll_budget = 250000, .optimise = -1, .target = -1, .warnings = warnings_always() };
    return u;
}

void unit_make_variants(Unit *u)
{
    const Options *o = &u->options;

    if (o->machine_count < 2 || u->variants)
        return;
    u->variant_count = o->machine_count;
    u->variants = arena_array(u->arena, (size_t)u->variant_count, sizeof *u->variants);
    for (int i = 0; i < u->variant_count; i++)
        u->variants[i] = (Variant){ .machine = o->machines[i], .layout = o->layout, .winograd = o->winograd };
    u->options.machine = u->variants[0].machine;
}

void unit_choose_variant(Unit *u, int variant)
{
    if (!u->variants)
        return;
    Variant *now = &u->variants[u->variant];
    now->train = u->train;
    now->infer = u->infer;
    now->eval = u->eval;
    now = &u->variants[variant];
    u->variant = variant;
    u->train = now->train;
    u->infer = now->infer;
    u->eval = now->eval;
    u->options.machine = now->machine;
    u->options.layout = now->layout;
    u->options.winograd = now->winograd;
}

void unit_free(Unit *u)
{
    arena_free(u->arena);
}
