/* fast_tile.c: a register tile (choice.h): some places of two loops, written out, times the lanes, whose totals stay in registers.
 *
 * With P places and one vector each, P + 1 registers hold the sums and what is multiplied, the rest the other factor; P near 3/4 of the
 * registers keeps the multiply-add units busy without spilling (measured: 24 of 32, 12 of 16). A tile of two loops needs fewer loads than one
 * of a single loop: a + b vectors and numbers for a * b multiply-adds. */
#include "loops/fast.h"

#include "loops/lanes.h"
#include "loops/transform.h"

#include <string.h>

int place_loops(const Nest *n, const Loop *lanes, Loop *list[MAX_LOOPS])
{
    int count = 0, rank = n->dst->rank, first = n->dst->grouped;

    for (int k = first; k < rank + (first && rank == 3); k++) {
        const Affine *a = &n->index[k % rank];
        for (int j = 0; j < a->count; j++)
            if (a->term[j].loop != lanes && a->term[j].loop->extent > 1 && a->term[j].loop->kind != LOOP_BAND)
                list[count++] = a->term[j].loop;
    }
    return count;
}

void choose_rectangle(int64_t first, int64_t second, int64_t most, int64_t *a, int64_t *b)
{
    *a = *b = 1;
    for (int64_t i = 1; i <= most && i <= first; i++) {
        if (first % i)
            continue;
        int64_t j = largest_divisor(second, most / i < second ? most / i : second);
        if (i * j > *a * *b || (i * j == *a * *b && i + j < *a + *b)) {
            *a = i;
            *b = j;
        }
    }
}

double time_of_places(int64_t places, int64_t totals)
{
    return (double)places * (1 + 3.0 / (double)totals);
}

void tile_loop(Unit *u, Nest *n, Loop *l, int64_t size)
{
    int i = nest_find_loop(n, l);

    if (size <= 1)
        return;
    if (size < l->extent) {
        bool split = nest_split(u, n, i, size);
        (void)split;
        i++;
    }
    nest_unroll(n, i);
    nest_move_loop(n, i, n->loop_count - 2);
}

Choice choice_over(Loop *const *places, int count, int64_t vectors, int64_t all_vectors)
{
    Choice c = { .vectors = vectors, .all_vectors = all_vectors };

    for (int i = 0; i < count; i++) {
        c.tile[c.count].loop = places[i]->name;
        c.tile[c.count].size = 1;
        c.tile[c.count++].extent = places[i]->extent;
    }
    return c;
}

void choose_channels_and_columns(Choice *c, int64_t most)
{
    int64_t none = 1, last = c->count - 1;

    if (c->count > 0)
        choose_rectangle(c->tile[0].extent, last > 0 ? c->tile[last].extent : 1, most, &c->tile[0].size, last > 0 ? &c->tile[last].size : &none);
}

const Choice *settle(Unit *u, Nest *n, const Choice *policy, const Choice *asked)
{
    Choice *c = ARENA_NEW(u->arena, Choice);

    *c = *policy;
    n->choice = c;
    c->misfit = asked ? choice_misfit(u, n, asked) : NULL;
    if (!asked || c->misfit)
        return c;
    for (int i = 0; i < c->count; i++) {
        c->tile[i].size = 1;
        for (int k = 0; k < asked->count; k++)
            if (strcmp(asked->tile[k].loop, c->tile[i].loop) == 0)
                c->tile[i].size = asked->tile[k].size;
    }
    c->vectors = asked->vectors ? asked->vectors : c->vectors;
    c->inside = asked->inside;
    c->round = asked->round;
    return c;
}

void tile_loops(Unit *u, Nest *n, Loop *const *places, const Choice *c)
{
    for (int i = 0; i < c->count; i++)
        tile_loop(u, n, places[i], c->tile[i].size);
}

void order_tile(Nest *n)
{
    int places = 0, last = n->loop_count - 1, l;

    for (int i = 0; i < n->loop_count; i++)
        if (!nest_sums_over(n, i) && n->loops[i]->kind == LOOP_PLAIN)
            nest_move_loop(n, i, places++);
    n->hold = places;
    for (int i = n->loop_count - 2; i >= n->hold; i--)
        if (n->loops[i]->kind == LOOP_UNROLL)
            nest_move_loop(n, i, --last);
    if (n->choice->inside && (l = choice_loop(n, n->choice->inside, 0, n->hold)) >= 0)
        nest_move_loop(n, l, n->hold - 1);
    if (n->choice->round && (l = choice_loop(n, n->choice->round, n->hold, last)) >= 0)
        nest_move_loop(n, l, last - 1);
}

void sum_by_block(Nest *n)
{
    for (int i = n->hold; i < n->loop_count; i++)
        if (n->loops[i]->blocks) {
            nest_move_loop(n, i, 0);
            n->hold++;
        }
}

void unroll_small_sums(Nest *n)
{
    int64_t cells = 1;

    for (int i = 0; i < n->loop_count; i++)
        if (nest_sums_over(n, i))
            cells *= n->loops[i]->extent;
    for (int i = 0; i < n->loop_count && cells <= 16; i++)
        if (nest_sums_over(n, i))
            nest_unroll(n, i);
}

void remark_obstacle(Unit *u, Nest *n, const Loop *l, int vector)
{
    const char *obstacle = l && vector > 1 ? lanes_obstacle(u, n, l, vector) : NULL;
    if (obstacle)
        nest_remark(u, n, "no lanes over %s: %s", l->name, obstacle);
}
