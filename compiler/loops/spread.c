/* spread.c: channels innermost, a tensor with 512 channels has 2048 bytes from a place to the one beside it, and the same channels of a column of
 * places lie in lines of the cache that share two sets: a line is gone before the sum has come back for the next channels in it. So where that
 * distance is a multiple of 512 bytes, each place gets the room of a line more, in which nothing lies.
 *
 * The way of a nearest cache has 4096 bytes on all machines of the table, so that 64 lines at such a distance are all it holds at best. Measured on
 * Zen 3 with AVX2, gcc 12.2, 16 images, 1x1 cells, share of peak without and with the room: gradient of the weights of 2048 to 512 channels, 7x7, 47 and
 * 73 %; of 1024 to 512, 14x14, 56 and 75 %; of 128 to 512, 28x28, 60 and 78 %; the sum itself of the last one 81 and 90 %.
 *
 * The last pass: all others see tensors whose places follow one another. */
#include "loops/layout.h"

enum {
    LINE = 64,                  /* bytes */
    NARROW = 512,               /* bytes: at a multiple of it, places meet in an eighth of the sets or fewer */
    FEWEST = 16                 /* places: fewer do not push one another out */
};

static int64_t real_bytes(const Unit *u)
{
    return u->options.real == REAL_DOUBLE ? 8 : 4;
}

static bool is_shown_otherwise(const Program *p, const Tensor *t)
{
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *view = p->tensors.at[i];
        if (view->view_of && tensor_base((Tensor *)view) == t)
            return true;
    }
    return false;
}

static bool meets_itself(const Unit *u, const Tensor *t)
{
    int64_t last = t->dim[t->rank - 1];

    return last * real_bytes(u) % NARROW == 0 && tensor_count(t) / last >= FEWEST;
}

void program_spread(Unit *u, Program *p)
{
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->channels_last && t->role == ROLE_SCRATCH && !t->view_of && !t->kept && meets_itself(u, t) && !is_shown_otherwise(p, t)) {
            t->spare = LINE / real_bytes(u);
            t->dim[t->rank - 1] += t->spare;
        }
    }
}
