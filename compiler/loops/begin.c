/* begin.c: a sum that is made at once begins with its zero in a register, not in memory.
 *
 * Sums over images, or over bands of them, are cleared before the first one comes (pack.c, winograd_nests.c). Where there is but one, the nest
 * that adds to them, or several that make a part each (parts.c), comes to each place once: the pass that clears them goes, and nobody reads zeros
 * back. The loops are in their order already, for that is what tells whether it comes once. */
#include "loops/layout.h"

static bool is_clear(const Nest *n)
{
    return nest_is_clear(n) && expr_is_zero(n->value) && n->dst->role == ROLE_SCRATCH && !n->dst->view_of && nest_covers(n);
}

/* True if the nest adds to each of its places once. */
static bool comes_once(const Nest *n)
{
    for (int i = 0; i < n->hold; i++)
        if (nest_comes_again(n, n->loops[i]))
            return false;
    return n->put == PUT_ADD && !n->start && !n->fill && nest_is_gather(n);
}

/* The nests, in the same phase, that make all of what nest `clear` cleared, each a part of it, before anything else has to do with it. Returns how
 * many, 0 if there are none. */
static int makers(const Program *p, const Phase *phase, int clear, Nest *list[], int most)
{
    const Tensor *t = p->nests.at[clear]->dst;
    int64_t places = 0;
    int count = 0;

    for (int i = clear + 1; i < phase->end && places < tensor_count(t); i++) {
        Nest *n = p->nests.at[i];
        if (!nest_touches(n, t))
            continue;
        if (n->dst != t || count == most || !comes_once(n) || !(n->part || nest_covers(n)))
            return 0;
        places += nest_places(n);
        list[count++] = n;
    }
    return places == tensor_count(t) ? count : 0;
}

void program_begin_sums(Unit *u, Program *p)
{
    Nest *list[8];                              /* two parts for tiles, of a few residues */

    (void)u;
    for (int k = 0; k < p->phases.count; k++)
        for (int i = p->phases.at[k].first; i < p->phases.at[k].end; i++) {
            const Nest *clear = p->nests.at[i];
            int count = is_clear(clear) ? makers(p, &p->phases.at[k], i, list, countof(list)) : 0;
            for (int m = 0; m < count; m++)
                list[m]->start = clear->value;
            if (count)
                program_remove(p, i--);
        }
}
