/* front.c: of a single image, what stands before the second convolution keeps its rows innermost, though the channels of all else lie there. The first
 * convolution has one or three channels to read and often few to make: 6 of 16 lanes would count, while a row of 28 places fills seven eighths of two
 * vectors. The second one has its lanes over what it makes; what it reads, number by number, may lie in any order.
 *
 * (LeNet, one image, AVX-512: 8.34 -> 6.53 us.) Inference alone: going back, lanes over what the second one reads are wanted. */
#include "loops/layout.h"

static bool is_map(const Tensor *t)
{
    return t->per_image && t->role == ROLE_SCRATCH && t->rank == 4 && !t->view_of && !t->kept;
}

/* The first convolution from nest number `from` on that makes a map, or -1. */
static int convolution(const Program *p, int from)
{
    for (int i = from; i < p->nests.count; i++)
        if (nest_is_convolution(p->nests.at[i]) && p->nests.at[i]->dst->per_image)
            return i;
    return -1;
}

/* The number of the second convolution, or -1 if there is none, or what stands before it has not just maps that are complete by then. */
static int end_of_front(const Program *p)
{
    int first = convolution(p, 0), end = first < 0 ? -1 : convolution(p, first + 1);

    for (int i = 0; i < end; i++)
        if (p->nests.at[i]->dst->per_image && (!is_map(p->nests.at[i]->dst) || program_has_views(p, p->nests.at[i]->dst)))
            return -1;
    for (int i = end; end >= 0 && i < p->nests.count; i++)
        for (int k = 0; k < end; k++)
            if (tensor_base(p->nests.at[i]->dst) == p->nests.at[k]->dst)
                return -1;
    return end;
}

int64_t program_first_channels(const Program *p)
{
    return p->mode == MODE_INFER && end_of_front(p) >= 0 ? p->nests.at[convolution(p, 0)]->dst->dim[1] : 0;
}

void program_keep_front(Unit *u, Program *p)
{
    (void)u;
    for (int i = 0, end = p->front_by_rows ? end_of_front(p) : -1; i < end; i++)
        p->nests.at[i]->dst->rows_innermost = p->nests.at[i]->dst->per_image;
}
