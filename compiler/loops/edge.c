/* edge.c: register tiles that meet less of a border.
 *
 * The gradient of a valid convolution's input reads dy with a border as wide as the kernel. trim.c leaves out the rounds in which all of a tile lies there:
 * a tile of 3 channels by 7 of 14 columns has none of these along its rows, and makes 1.4 times what counts (LeNet's 5x5 convolution); one of 6 channels
 * by 2 columns 1.08 times, and is faster, though it has 12 totals, not 21 (AVX-512: 0.77 of the time by gcc and by clang). Before program_schedule. */
#include "loops/choice.h"
#include "loops/machine.h"
#include "loops/predict.h"
#include "loops/transform.h"

#define LESS 0.9                /* of the multiply-adds: else it is another tile, not another border, */
#define FASTER 0.95             /* and of the time that is predicted */

/* What is predicted for the nest with a choice; NULL: the policy's own, which `choice` gets. */
static Prediction predict(Unit *u, const Program *p, const Nest *n, const Choice *asked, Choice *choice)
{
    Nest copy = *n;

    nest_own_loops(u, &copy);
    nest_schedule_fast(u, &copy, asked);
    if (choice)
        *choice = copy.choice ? *copy.choice : (Choice){ .count = 0 };
    nest_trim(p, &copy);
    return nest_predict(u, &copy);
}

static void choose(Unit *u, const Program *p, Nest *n)
{
    Choice own;
    Prediction first = predict(u, p, n, NULL, &own);
    double best = FASTER * first.time;
    int last = own.count - 1;

    if (last < 1)
        return;
    for (int64_t a = 1; a <= own.tile[0].extent; a++)
        for (int64_t b = 1; b <= own.tile[last].size; b++) {
            if (own.tile[0].extent % a || own.tile[last].extent % b || a * b * own.vectors > u->options.machine->registers)
                continue;
            Choice c = own;
            c.tile[0].size = a;
            c.tile[last].size = b;
            Prediction x = predict(u, p, n, &c, NULL);
            if (x.made > LESS * first.made || x.registers > u->options.machine->registers || x.time >= best)
                continue;
            best = x.time;
            Choice *prefers = ARENA_NEW(u->arena, Choice);
            *prefers = c;
            n->prefers = prefers;
        }
}

void program_meet_edges(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++)
        if (nest_meets_border(p, p->nests.at[i]))
            choose(u, p, p->nests.at[i]);
}
