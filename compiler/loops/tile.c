/* tile.c: how many images one call handles; in programs for tiles of one image the axis and the loop over images say nothing, and go. */
#include "loops/loops.h"

#include "loops/machine.h"
#include "net/recipe.h"

#include <string.h>

enum { PLAIN_BATCH = 32 };      /* of a network without a train block */

/* Images of a step. */
static int64_t batch_of(const Net *net)
{
    for (int i = 0; net && i < net->recipe.settings.count; i++)
        if (strcmp(net->recipe.settings.at[i].name, "batch") == 0)
            return net->recipe.settings.at[i].args[0].number[0];
    return PLAIN_BATCH;
}

static int64_t in_tiles(int64_t images, int64_t tile)
{
    return (images + tile - 1) / tile * tile;
}

/* Two vectors of images keep the multiply-add units busy, and dense layers read their weights once for all of them. The last tile of a
 * batch is filled up with images that count nothing: where one vector fills up less, it is taken, and where even that would handle half as
 * many images again as there are, they go one by one. That alone costs less then: an image of LeNet takes 1.4 times as long in a tile of its
 * own, one of a wider network, with its channels in the lanes, not much longer than in a full one. */
int64_t tile_of_batch(const Unit *u)
{
    const Options *o = &u->options;
    int64_t vector = machine_lanes(o->machine, o->real), batch = batch_of(u->net);

    if (o->style != STYLE_FAST || o->infer)
        return 1;
    int64_t tile = in_tiles(batch, vector) < in_tiles(batch, 2 * vector) ? vector : 2 * vector;
    return 2 * in_tiles(batch, tile) > 3 * batch ? 1 : tile;
}

static Expr *drop_axis(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && e->tensor->has_n)
        memmove(e->index, e->index + 1, (MAX_AXES - 1) * sizeof e->index[0]);
    if (e->op == OP_RANDOM)
        e->index[0] = (Affine){ 0 };
    return e;
}

void program_drop_n(Unit *u, Program *p)
{
    if (p->tile != 1)
        return;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        n->value = expr_map(u, n->value, drop_axis, NULL);
        n->start = expr_map(u, n->start, drop_axis, NULL);
        n->finish = expr_map(u, n->finish, drop_axis, NULL);
        if (n->dst->has_n)
            memmove(n->index, n->index + 1, (MAX_AXES - 1) * sizeof n->index[0]);
        if (n->loop_count && strcmp(n->loops[0]->name, "n") == 0) {
            n->loop_count--;
            memmove(n->loops, n->loops + 1, (size_t)n->loop_count * sizeof n->loops[0]);
        }
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->has_n) {
            t->has_n = false;
            t->rank--;
            memmove(t->dim, t->dim + 1, (MAX_AXES - 1) * sizeof t->dim[0]);
        }
    }
}
