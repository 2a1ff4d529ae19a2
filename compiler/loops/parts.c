/* parts.c: where register tiles do not divide the pixels of a convolution, a second nest makes the rest:
 *
 *     14x14 pixels            in tiles of 2x2, with 8 totals in 16 registers, becomes
 *     14x12 and 14x2 pixels   in tiles of 2x3, with 12 totals, and of 2x2
 *
 * Each is a function of its own: a C compiler would otherwise keep what one of them needs in the registers of the other. The rest may have one,
 * too: 7x7 pixels are 6x7 in tiles of 6 rows, 1x6 in tiles of 6 columns, and one. So it is with the features of a dense layer: 512 of them for 4 vectors of
 * images, in tiles of 2x4, become 510 in tiles of 6x2 and 2 in tiles of 2x4. */
#include "loops/layout.h"

#include "loops/transform.h"

/* The places from `at` on, cut off the nest. */
static Nest *cut_off(Unit *u, const Program *p, Nest *n, const char *whole, int loop, int64_t at, const char *why)
{
    const Loop *along = n->loops[loop];
    const char *cut = arena_print(u->arena, "cut into two for tiles: %lld of %lld %s", (long long)at, (long long)along->extent, along->name);
    Nest *others = nest_cut(u, n, loop, at);

    nest_remark(u, n, "%s", cut);
    nest_remark(u, others, "%s, and here the others", cut);
    others->name = nest_name(u, p, arena_print(u->arena, "%s_rest", whole));
    others->why = why;
    return others;
}

void program_parts(Unit *u, Program *p)
{
    const char *whole = NULL;               /* the name of what was cut */
    const Nest *rest = NULL;

    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        int64_t at;
        int loop = nest_cut_for_tiles(u, n, &at);

        whole = n == rest ? whole : n->name;
        if (loop < 0)
            continue;
        Nest *others = cut_off(u, p, n, whole, loop, at, "The pixels that are left over.");
        program_insert(u, p, i + 1, others);
        rest = others;
    }
}

void program_dense_parts(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        int64_t at;
        int loop = nest_cut_for_images(u, n, &at);

        if (loop < 0)
            continue;
        program_insert(u, p, i, n);                             /* before it, for what comes behind the last nest of a phase is in the next one */
        p->nests.at[++i] = cut_off(u, p, n, n->name, loop, at, "The features that are left over.");
    }
}
