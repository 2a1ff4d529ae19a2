/* commute.c: changes the order of two layers where the result stays the same, bit by bit, and costs less (lower.h).
 *
 * The gradient stays the same as well: where the largest value of a window is positive, relu passes it either way, to the first cell that
 * has that value; where it is not, nothing passes. */
#include "loops/lower.h"

static bool commutes(const Site *first, const Site *second)
{
    return first->kind->rises && second->kind->picks_largest && first->in_count == 1 && second->in_count == 1 && second->x == first->y
        && first->y->readers == 1 && !first->y->output;
}

static void swap(Net *net, int i)
{
    Site *first = net->sites.at[i], *second = net->sites.at[i + 1];
    Value *between = first->y, *last = second->y;

    second->x = second->in[0] = first->x;
    second->y = between;
    first->x = first->in[0] = between;
    first->y = last;
    between->shape = last->shape;
    between->from = second;
    last->from = first;
    net->sites.at[i] = second;
    net->sites.at[i + 1] = first;
    second->number = i;
    first->number = i + 1;
}

void net_commute(Net *net)
{
    for (int i = net->sites.count - 2; i >= 0; i--)                 /* from the end: what follows is in its final order */
        for (int k = i; k + 1 < net->sites.count && commutes(net->sites.at[k], net->sites.at[k + 1]); k++)
            swap(net, k);
}
