/* apart.c: partial sums over images stay in their lanes until all groups have passed.
 *
 * Where images lie innermost, the gradient of a weight is a sum over the lanes of a vector as well. To add them up takes as long as 6 to 8
 * multiply-adds, for each weight and each group of images (groups.c): so long that a sum would rather run through the groups first, and then its
 * maps come from the second level of the cache, group after group. Here
 *
 *     dw[co][k] += sum over groups n_, pixels and lanes n of dy[n_][co][...][n] * x[n_][...][n]
 *
 * becomes a sum that has the lanes for places, and one that adds them up when all is done:
 *
 *     s[co][k][n] = 0;  s[co][k][n] += sum over n_ and pixels of dy * x;  dw[co][k] += sum over n of s[co][k][n]
 *
 * The second of these may stop anywhere: group after group, each together with what makes dy, which then needs the room of one group
 * (images.c). */
#include "loops/layout.h"

#include "loops/lanes.h"
#include "loops/machine.h"

#include <string.h>

enum { FEW = 48 };                  /* rounds of a group: below, loading and storing the sums would take longer than a tenth of making them */

/* A sum over all images of the tile, a group of which has enough to add up. */
static bool sums_images(const Unit *u, const Nest *n)
{
    int images = nest_images_loop(n);
    int64_t rounds = 1;
    bool groups = false;

    if (images < 0 || n->dst->role != ROLE_GRADIENT || n->dst->view_of || n->put != PUT_ADD || !nest_is_gather(n) || !nest_sums_over(n, images))
        return false;
    for (int i = 0; i < n->loop_count; i++) {
        bool over_groups = strcmp(n->loops[i]->name, "n_") == 0;
        groups = groups || (over_groups && nest_sums_over(n, i));
        rounds *= i != images && !over_groups && nest_sums_over(n, i) ? n->loops[i]->extent : 1;
    }
    return groups && rounds >= FEW && !lanes_obstacle(u, n, n->loops[images], machine_lanes(u->options.machine, u->options.real));
}

void program_apart(Unit *u, Program *p)
{
    for (int i = 0; p->groups && i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (sums_images(u, n))
            i += program_sum_apart(u, p, i, n->loops[nest_images_loop(n)], "What the lanes have summed up apart is added up.");
    }
}
