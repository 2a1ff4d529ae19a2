/* begin.c: a sum that is made at once begins with its zero in a register, not in memory.
 *
 * Sums over images, or over bands of them, are cleared before the first one comes (pack.c, winograd_nests.c). Where there is but one, the nest
 * that adds to them comes to each place once: the pass that clears them goes, and nobody reads zeros back. The loops are in their order
 * already, for that is what tells whether it comes once. */
#include "loops/layout.h"

static bool is_clear(const Nest *n)
{
    return n->put == PUT_SET && n->value->op == OP_CONSTANT && n->value->number == 0 && !n->fill && !n->start && !n->finish
        && n->dst->role == ROLE_SCRATCH && !n->dst->view_of && nest_covers(n);
}

static bool comes_once(const Nest *n)
{
    for (int i = 0; i < n->hold; i++)
        if (nest_comes_again(n, n->loops[i]))
            return false;
    return n->put == PUT_ADD && !n->start && !n->fill && nest_covers(n);
}

/* The next nest that has to do with what nest `clear` cleared, in the same phase; -1 if there is none. */
static int next_user(const Program *p, const Phase *phase, int clear)
{
    for (int i = clear + 1; i < phase->end; i++)
        if (nest_touches(p->nests.at[i], p->nests.at[clear]->dst))
            return i;
    return -1;
}

void program_begin_sums(Unit *u, Program *p)
{
    (void)u;
    for (int k = 0; k < p->phases.count; k++)
        for (int i = p->phases.at[k].first; i < p->phases.at[k].end; i++) {
            const Nest *clear = p->nests.at[i];
            int user = is_clear(clear) ? next_user(p, &p->phases.at[k], i) : -1;
            Nest *sum = user >= 0 ? p->nests.at[user] : NULL;
            if (!sum || sum->dst != clear->dst || !comes_once(sum))
                continue;
            sum->start = clear->value;
            program_remove(p, i--);
        }
}
