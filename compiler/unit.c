/* unit.c: the beginning and the end of a compilation. */
#include "unit.h"

#include "loops/machine.h"

Unit *unit_new(void)
{
    Arena *arena = arena_new();
    Unit *u = ARENA_NEW(arena, Unit);

    u->arena = arena;
    u->diags = diags_new(arena);
    u->options = (Options){ .machine = &machine_table[0], .unroll_budget = 250000, .optimise = -1, .target = -1, .warnings = warnings_always() };
    return u;
}

void unit_free(Unit *u)
{
    arena_free(u->arena);
}
