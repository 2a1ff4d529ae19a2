/* look.c: the program for who wants to see an image on its way: what every layer makes of it, and how the loss would change with that.
 *
 * It is the inference function and its derivative, for one image, in the order of the source and without any rewriting for speed, so
 * that its maps are those that the source speaks of, whatever the other programs look like. The maps are kept to the end. */
#include "loops/lower.h"

static void keep(Tensor *t)
{
    if (t)
        tensor_base(t)->kept = true;
}

Program *program_look(Unit *u, const Net *net)
{
    Program *p = program_lower(u, net, MODE_LOOK);

    program_adjoint(u, p);
    LIST_ADD(u->arena, &p->maps, ((ProgramMap){ .shape = net->input, .y = p->x }));
    for (int i = 0; i < net->sites.count; i++) {
        const Site *s = net->sites.at[i];
        Tensor *y = p->of_value[i + 1];
        keep(y);
        keep(y ? y->gradient : NULL);
        LIST_ADD(u->arena, &p->maps, ((ProgramMap){ .site = s, .shape = s->y->shape, .y = y }));
    }
    return p;
}
