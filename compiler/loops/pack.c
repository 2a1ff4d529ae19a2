/* pack.c: where channels are innermost, the lanes of a convolution run over channels, but weights lie in PyTorch's order,
 * [co][ci][kh][kw], in which neighbouring channels are far apart. The weights are copied once a step into panels,
 *
 *     pack[co_][kh][kw][ci][co]       with as many co in a panel as the vectors of a register tile have lanes,
 *
 * and gradients of weights are summed in panels of the same form, which join the gradient when all images of the tile are done. (Those of a
 * 1x1 convolution need none for a single image where its input's channels fill vectors: they are neighbours in the gradient itself. Between
 * images totals lie better in panels: 16 of them took 1.3 times as long without.)
 * A copy costs two accesses a weight and step, the convolution thousands. */
#include "loops/layout.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

/* The factors of a product of two loads. */
static bool factors(const Nest *n, Expr *factor[2])
{
    if (n->put != PUT_ADD || !n->value || n->value->op != OP_MUL)
        return false;
    factor[0] = n->value->a;
    factor[1] = n->value->b;
    return factor[0]->op == OP_LOAD && factor[1]->op == OP_LOAD;
}

/* The loop over the channels of a map. */
static Loop *channel(const Tensor *t, const Affine *index)
{
    if (!t->channels_last)
        return NULL;
    const Affine *last = &index[t->rank - 1];
    return last->count == 1 && last->offset == 0 && last->term[0].factor == 1 ? last->term[0].loop : NULL;
}

/* True if the lanes of whole vectors can run over the channels of this map: they fill them, or it has room (channels.c). */
static bool fills_vectors(const Tensor *t, int64_t vector)
{
    return t->dim[t->rank - 1] % vector == 0;
}

/* True if the sums of weights for lanes along this loop are stored where they belong, in whole vectors. */
static bool stores_vectors(const Unit *u, const Nest *n, const Loop *l, int64_t vector)
{
    return !n->dst->channels_last && u->options.tile == 1 && lane_step(n->dst, n->index, l) == 1 && l->extent % vector == 0;
}

/* The channels that the lanes of a convolution run over: those of its result, or, for the gradient of weights, those of a factor: of both
 * the ones that are neighbours in the gradient, as those of a 1x1 convolution's input are, or the more. */
static Loop *lanes_of(const Unit *u, const Nest *n, Expr *const factor[2], int64_t vector)
{
    Loop *best = channel(n->dst, n->index);

    if (n->dst->channels_last)
        return best && best->extent % vector == 0 ? best : NULL;
    for (int i = 0; i < 2; i++) {
        const Expr *other = factor[1 - i];
        Loop *l = channel(factor[i]->tensor, factor[i]->index);
        if (!l || !nest_places_loop(n, l) || !fills_vectors(factor[i]->tensor, vector)
            || (l->extent % vector != 0 && indices_use(other->index, other->tensor->rank, l)))
            continue;
        if (stores_vectors(u, n, l, vector))
            return l;
        if (!best || l->extent > best->extent)
            best = l;
    }
    return best;
}

/* The channels that are summed for a result whose own fill no vectors, or lie in another order, the caller's: lanes over them are added up at
 * the end. NULL if there are none, or they leave room in the last vector, in which anything may lie. */
static Loop *summed_lanes(const Nest *n, Expr *const factor[2], int64_t vector)
{
    for (int i = 0; i < 2; i++) {
        Loop *l = channel(factor[i]->tensor, factor[i]->index);
        if (l && n->dst->per_image && !nest_places_loop(n, l) && l->extent % vector == 0
            && indices_use(factor[1 - i]->index, factor[1 - i]->tensor->rank, l))
            return l;
    }
    return NULL;
}

/* Loops over the channels of the factors go last: they are neighbours in memory. */
static void channels_last(Nest *n, Expr *const factor[2], const Loop *lanes)
{
    for (int i = 0; i < 2; i++) {
        const Loop *l = channel(factor[i]->tensor, factor[i]->index);
        for (int j = 0; l && l != lanes && j < n->loop_count; j++)
            if (n->loops[j] == l) {
                nest_move_loop(n, j, n->loop_count - 1);
                break;
            }
    }
}

/* The loops that an access uses, the lanes last, as the axes of a tensor: 0 if they are too many. */
static int panel(const Nest *n, const Affine *index, int rank, Loop *lanes, Loop *axes[MAX_AXES])
{
    int count = 0;

    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] != lanes && indices_use(index, rank, n->loops[i])) {
            if (count == MAX_AXES - 1)
                return 0;
            axes[count++] = n->loops[i];
        }
    axes[count++] = lanes;
    return count;
}

static Tensor *panel_tensor(Unit *u, Program *p, const Tensor *of, Role role, Loop *const *axes, int count)
{
    Tensor *t = ARENA_NEW(u->arena, Tensor);

    *t = (Tensor){ .name = tensor_name(u, p, arena_print(u->arena, "%s.panels", of->name)), .symbol = of->symbol, .role = role, .rank = count,
                   .site = of->site };
    for (int i = 0; i < count; i++)
        t->dim[i] = axes[i]->extent;
    LIST_ADD(u->arena, &p->tensors, t);
    return t;
}

static Affine at_loop(Loop *l)
{
    return (Affine){ .count = 1, .term = { { l, 1 } } };
}

/* A nest over these axes; `like` says whose it is. */
static Nest *panel_nest(Unit *u, const Program *p, const Nest *like, const char *suffix, const char *why, Loop *const *axes, int count)
{
    Nest *n = ARENA_NEW(u->arena, Nest);

    *n = (Nest){ .name = nest_name(u, p, arena_print(u->arena, "%s_%s", like->name, suffix)), .why = why, .site = like->site,
                 .backward = like->backward, .for_input = like->for_input, .loop_count = count };
    for (int i = 0; i < count; i++)
        n->loops[i] = axes[i];
    return n;
}

/* The weights that this load reads, in panels; `real` of the lanes are channels, the rest is room. Returns how many nests were put before nest `where`. */
static int pack_load(Unit *u, Program *p, int where, Expr *load, Loop *lanes, int64_t real)
{
    Nest *n = p->nests.at[where];
    Tensor *w = load->tensor;
    Loop *axes[MAX_AXES];
    int count = panel(n, load->index, w->rank, lanes, axes);
    bool neighbours = w->rank && load->index[w->rank - 1].count && load->index[w->rank - 1].term[load->index[w->rank - 1].count - 1].loop == lanes;

    if (w->per_image || !count || !indices_use(load->index, w->rank, lanes) || (neighbours && w->rank == 1 && real == lanes->extent) || tensor_base(w)->role == ROLE_SCRATCH)
        return 0;
    Tensor *panels = panel_tensor(u, p, w, ROLE_SHARED, axes, count);
    Nest *copy = panel_nest(u, p, n, "pack", "The weights in the order in which they are read, lanes innermost.", axes, count);
    Expr *from = ARENA_NEW(u->arena, Expr);
    *from = *load;
    copy->put = PUT_SET;
    copy->dst = panels;
    copy->value = from;
    load->tensor = panels;
    for (int i = 0; i < count; i++)
        copy->index[i] = load->index[i] = at_loop(axes[i]);
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ panels, "pack" }));
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ w, nest_symbol(u, n, w) }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ panels, nest_symbol(u, n, w) }));
    nest_own_loops(u, copy);
    copy->loops[count - 1]->extent = real;
    program_insert(u, p, where, copy);
    return 1;
}

int program_sum_apart(Unit *u, Program *p, int where, Loop *lanes, const char *why)
{
    Nest *n = p->nests.at[where];
    Tensor *dw = n->dst;
    Loop *axes[MAX_AXES];
    int count = panel(n, n->index, dw->rank, lanes, axes);

    if (dw->per_image || !count || n->start || n->finish || n->fill)
        return 0;
    Tensor *panels = panel_tensor(u, p, dw, ROLE_SCRATCH, axes, count);
    Nest *clear = panel_nest(u, p, n, "clear", "The sums begin with zero.", axes, count);
    Nest *join = panel_nest(u, p, n, "join", why, axes, count);
    Expr *sum = ARENA_NEW(u->arena, Expr);
    clear->put = PUT_SET;
    clear->value = ARENA_NEW(u->arena, Expr);
    clear->dst = sum->tensor = panels;
    sum->op = OP_LOAD;
    join->put = PUT_ADD;
    join->value = sum;
    join->dst = dw;
    memcpy(join->index, n->index, sizeof n->index);
    for (int i = 0; i < count; i++)
        clear->index[i] = sum->index[i] = n->index[i] = at_loop(axes[i]);
    LIST_ADD(u->arena, &clear->symbols, ((Symbol){ panels, "sum" }));
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ panels, "sum" }));
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ dw, nest_symbol(u, n, dw) }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ panels, nest_symbol(u, n, dw) }));
    n->dst = panels;
    nest_own_loops(u, clear);
    nest_own_loops(u, join);
    program_insert(u, p, where, join);                  /* before it, for what comes behind the last nest of a phase is in the next one */
    p->nests.at[where] = n;
    p->nests.at[where + 1] = join;
    program_insert(u, p, where, clear);
    return 2;
}

/* Sums that lanes cannot store side by side are made in panels, whose last lanes may be room. Returns how many nests came. */
static int pack_sums(Unit *u, Program *p, int where, Loop *lanes, int64_t real)
{
    int came = p->nests.at[where]->dst->rank < 2 ? 0 : program_sum_apart(u, p, where, lanes, "The sums of all images join the gradient.");

    if (came) {
        Nest *join = p->nests.at[where + came];
        join->loops[join->loop_count - 1]->extent = real;
    }
    return came;
}

void program_pack(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    for (int i = 0; p->channels_last && vector > 1 && i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Expr *factor[2];
        if (!factors(n, factor) || !nest_is_gather(n))
            continue;
        Loop *lanes = lanes_of(u, n, factor, vector), *summed = lanes ? NULL : summed_lanes(n, factor, vector);
        for (int k = 0; summed && k < 2; k++)
            if (lane_step(factor[k]->tensor, factor[k]->index, summed) != 1)
                i += pack_load(u, p, i, factor[k], summed, summed->extent);
        if (!lanes)
            continue;
        bool in_place = stores_vectors(u, n, lanes, vector);
        int number = 0;
        if (!in_place)
            channels_last(n, factor, lanes);
        while (n->loops[number] != lanes)
            number++;
        int64_t real = n->dst->channels_last ? n->dst->channels : lanes->extent;
        lanes->extent = (lanes->extent + vector - 1) / vector * vector;
        int64_t width = vector * panel_vectors(u, n->dst->per_image, lanes->extent / vector);
        if (real == lanes->extent && width < lanes->extent) {
            nest_split(u, n, number, width);
            lanes = n->loops[number + 1];
            real = width;
            factors(n, factor);
        }
        for (int k = 0; k < 2; k++)
            i += pack_load(u, p, i, factor[k], lanes, real);
        if (n->start && n->start->op == OP_LOAD)
            i += pack_load(u, p, i, n->start, lanes, real);
        if (!in_place)
            i += pack_sums(u, p, i, lanes, real);
    }
}
