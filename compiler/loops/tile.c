/* tile.c: how many images one call handles; in programs for tiles of one image the axis and the loop over images say nothing, and go. */
#include "loops/loops.h"

#include "loops/machine.h"
#include "net/recipe.h"

#include <string.h>

enum {
    PLAIN_BATCH = 32,           /* of a network without a train block */
    MOST_IMAGES = 32            /* of a tile, but for vectors of which two are more */
};
#define MOST_BYTES (1 << 30)    /* of the maps of a tile */

int64_t net_batch(const Net *net)
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

/* Bytes that the maps of an image take, all of them: what a tile keeps until its backward pass is half of that to all of it. */
static double bytes_of_image(const Unit *u)
{
    double numbers = 0;

    for (int i = 0; i < u->net->sites.count; i++)
        numbers += (double)shape_count(u->net->sites.at[i]->y->shape);
    return numbers * (u->options.real == REAL_DOUBLE ? 8 : 4);
}

/* Time of a batch, in images, where reading the weights of dense layers takes that of two. */
static double time_in_tiles(int64_t images, int64_t tile)
{
    return (double)in_tiles(images, tile) * (1 + 2 / (double)tile);
}

/* Dense layers read their weights once for all images of a tile, convolutions take them vector by vector (groups.c): with 8 lanes LeNet takes 1.08
 * times as long in tiles of 16 as in tiles of 32, and no less in tiles of 64. A network whose maps would need too much memory gets fewer.
 * The last tile of a batch is filled up with images that count nothing: a smaller tile that fills up less may be faster, and where even that would
 * handle half as many images again as there are, they go one by one. That alone costs less then: an image of LeNet takes 1.4 times as long in a tile
 * of its own, one of a wider network, with its channels in the lanes, not much longer than in a full one. */
int64_t tile_of_batch(const Unit *u)
{
    const Options *o = &u->options;
    int64_t vector = machine_lanes(o->machine, o->real), batch = net_batch(u->net), tile = vector;

    if (o->style != STYLE_FAST || o->infer)
        return 1;
    for (int64_t more = 2 * vector; more <= 2 * vector || (vector > 1 && more <= MOST_IMAGES); more *= 2)
        if (time_in_tiles(batch, more) <= time_in_tiles(batch, tile) && (double)more * bytes_of_image(u) <= MOST_BYTES)
            tile = more;
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
