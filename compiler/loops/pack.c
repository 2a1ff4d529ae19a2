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

enum { ADD_UP = 8 };            /* multiply-adds of vectors: three shuffles and additions, one after the other (predict.c, ADD_LANES) */
enum { LEAST_BLOCK = 512, MOST_BLOCK = 1024 };          /* bytes of a row of a gradient */

/* The factors of a product of two loads. */
static bool factors(const Nest *n, Expr *factor[2])
{
    if (n->put != PUT_ADD || !n->value || n->value->op != OP_MUL)
        return false;
    factor[0] = n->value->a;
    factor[1] = n->value->b;
    return factor[0]->op == OP_LOAD && factor[1]->op == OP_LOAD;
}

/* The loop over the channels of a map, or over those of a group: c of [c], or of [8*g + c] for c 8. */
static Loop *channel(const Tensor *t, const Affine *index)
{
    const Affine *last = t->channels_last ? &index[t->rank - 1] : NULL;

    if (!last || last->offset != 0 || last->count < 1 || last->count > 2)
        return NULL;
    int inner = last->count == 2 && last->term[1].factor == 1;
    Loop *l = last->term[inner].loop;
    return last->term[inner].factor == 1 && (last->count == 1 || last->term[1 - inner].factor == l->extent) ? l : NULL;
}

static bool is_grouped(const Tensor *t, const Affine *index) { return index[t->rank - 1].count > 1; }

/* True if the lanes of whole vectors can run over the channels of this map: they fill them, or it has room (channels.c). */
static bool fills_vectors(const Tensor *t, int64_t vector)
{
    return t->dim[t->rank - 1] % vector == 0;
}

/* Sums of weights that are stored where they belong go through all channels of a map again for some of the other one: for so many bytes of a row of the
 * gradient at a time that what is read of the map for those stays in half of the second level of the cache, or for whole rows (0) where the map does.
 * (The gradient of 1x1 cells, one image, Zen 3 with AVX2, share of peak: 2048 of 7x7 to 512, in panels that join it 34 %, by whole rows 44, by blocks 47;
 * 1024 of 14x14 to 2048 with stride 2, 32, 44, 48; but 512 of 28x28 to 256 in panels 73, by blocks of 128 bytes 51.) */
static int64_t bytes_of_block(const Unit *u, const Nest *n, Expr *const factor[2], const Loop *lanes)
{
    int64_t level2 = u->options.machine->level2, places = 1;

    for (int i = 0; i < 2; i++)
        if (channel(factor[i]->tensor, factor[i]->index) == lanes
            && tensor_count(factor[i]->tensor) * (u->options.real == REAL_DOUBLE ? 8 : 4) <= level2)
            return 0;
    for (int i = 0; i < n->loop_count; i++)
        places *= nest_sums_over(n, i) ? n->loops[i]->extent : 1;
    return level2 / 2 / places < MOST_BLOCK ? level2 / 2 / places : MOST_BLOCK;
}

/* True if the sums of weights for lanes along this loop are stored where they belong, in whole vectors: of a single image. */
static bool stores_vectors(const Unit *u, const Nest *n, Expr *const factor[2], const Loop *l, int64_t vector)
{
    int64_t block = bytes_of_block(u, n, factor, l);

    return !n->dst->channels_last && u->options.tile == 1 && lane_step(n->dst, n->index, l) == 1 && l->extent % vector == 0
        && (block == 0 || block >= LEAST_BLOCK);
}

/* Number `loop` is that over panels of so many lanes. */
static void go_by_blocks(Unit *u, Nest *n, Expr *const factor[2], const Loop *lanes, int loop)
{
    int64_t panels = n->loops[loop]->extent, bytes = lanes->extent * (u->options.real == REAL_DOUBLE ? 8 : 4), block = bytes_of_block(u, n, factor, lanes) / bytes;

    while (block > 1 && panels % block)
        block--;
    if (block > 1 && block < panels && nest_split(u, n, loop, block))
        nest_move_loop(n, loop, 0);
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
        bool alone = !indices_use(other->index, other->tensor->rank, l);
        bool both = !n->dst->per_image && channel(other->tensor, other->index) == l && fills_vectors(other->tensor, vector);      /* depthwise */
        if (!l || !nest_places_loop(n, l) || !fills_vectors(factor[i]->tensor, vector)
            || (l->extent % vector != 0 && (is_grouped(factor[i]->tensor, factor[i]->index) || !(alone || both))))
            continue;
        if (stores_vectors(u, n, factor, l, vector))
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

/* True if lanes over what is summed take less than those over the result's own channels, of which some are room: each total is added up at its end,
 * which takes the time of ADD_UP multiply-adds, and a register tile must hold all channels of two places. (LeNet's second gradient for one image, 6
 * channels in 8 lanes, 16 summed, took 1.6 times as long before; of 48 channels 12 in 16 lanes take 1.2 times as long so.) */
static bool sums_faster(const Unit *u, const Nest *n, const Loop *own, const Loop *summed, int64_t vector)
{
    int64_t rounds = 1, real = n->dst->channels, room = (real + vector - 1) / vector * vector;

    for (int i = 0; i < n->loop_count; i++)
        rounds *= nest_sums_over(n, i) ? n->loops[i]->extent : 1;
    return summed && n->dst->per_image && n->dst->channels_last && channel(n->dst, n->index) == own && !n->part && room == vector
        && 2 * real <= u->options.machine->registers * 3 / 4
        && (double)room / (double)real > 1 + ADD_UP * (double)vector / (double)rounds;
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

/* The panels of an array. */
typedef struct Panels {
    int rank;
    int64_t dim[MAX_AXES];
    Affine index[MAX_AXES];             /* what an access becomes */
    Loop *loops[MAX_LOOPS];             /* of all of them, the lanes last */
    int loop_count;
} Panels;

/* The loop over groups that shares an axis with a loop inside of each, or the other way round: in [48*g + 16*co_ + co], the lanes over co, g and
 * co_ are one axis of 3*g + co_. NULL if there is none. */
static Loop *partner(const Affine *index, int rank, const Loop *l, const Loop *lanes, bool outer, int64_t *ratio)
{
    for (int i = 0; i < rank; i++)
        for (int j = 0; j < index[i].count; j++)
            for (int k = 0; index[i].term[j].loop == l && k < index[i].count; k++) {
                int64_t own = index[i].term[j].factor, other = index[i].term[k].factor;
                if (k != j && index[i].term[k].loop != lanes && (outer ? other > own : other < own)) {
                    *ratio = outer ? other / own : own / other;
                    return index[i].term[k].loop;
                }
            }
    return NULL;
}

/* The loops that an access uses, the lanes last, as axes. False if they are too many. */
static bool panels_of(const Nest *n, const Affine *index, int rank, Loop *lanes, Panels *panels)
{
    int64_t ratio;

    *panels = (Panels){ 0 };
    for (int i = 0; i < n->loop_count; i++) {
        Loop *l = n->loops[i];
        if (l == lanes || !indices_use(index, rank, l))
            continue;
        panels->loops[panels->loop_count++] = l;
        if (partner(index, rank, l, lanes, false, &ratio))
            continue;
        if (panels->rank == MAX_AXES - 1)
            return false;
        Affine *a = &panels->index[panels->rank];
        Loop *groups = partner(index, rank, l, lanes, true, &ratio);
        if (groups)
            *a = (Affine){ .count = 2, .term = { { groups, ratio }, { l, 1 } } };
        else
            *a = (Affine){ .count = 1, .term = { { l, 1 } } };
        panels->dim[panels->rank++] = groups ? ratio * groups->extent : l->extent;
    }
    panels->index[panels->rank] = (Affine){ .count = 1, .term = { { lanes, 1 } } };
    panels->dim[panels->rank++] = lanes->extent;
    panels->loops[panels->loop_count++] = lanes;
    return true;
}

static Tensor *panel_tensor(Unit *u, Program *p, const Tensor *of, Role role, const Panels *panels)
{
    Tensor *t = ARENA_NEW(u->arena, Tensor);

    *t = (Tensor){ .name = tensor_name(u, p, arena_print(u->arena, "%s.panels", of->name)), .symbol = of->symbol, .role = role, .rank = panels->rank,
                   .site = of->site };
    memcpy(t->dim, panels->dim, sizeof panels->dim);
    LIST_ADD(u->arena, &p->tensors, t);
    return t;
}

/* A nest over all panels; `like` says whose it is. */
static Nest *panel_nest(Unit *u, const Program *p, const Nest *like, const char *suffix, const char *why, const Panels *panels)
{
    Nest *n = ARENA_NEW(u->arena, Nest);

    *n = (Nest){ .name = nest_name(u, p, arena_print(u->arena, "%s_%s", like->name, suffix)), .why = why, .site = like->site,
                 .backward = like->backward, .for_input = like->for_input, .loop_count = panels->loop_count };
    memcpy(n->loops, panels->loops, sizeof panels->loops);
    return n;
}

/* ---- panels of panels
 *
 * Weights that are packed for both passes have their neighbours along kw in neither, and rows of 9 of a 3x3 kernel fill no vectors. The second copy reads
 * the first one, pack[co_][kh][kw][ci][co]: both have whole lines there, which turn into each other (fast_turn.c). */

/* The nest before `where` that packs all of w, each axis of its panels along one loop, or NULL. */
static const Nest *packed_before(const Program *p, int where, const Tensor *w)
{
    for (int i = 0; i < where; i++) {
        const Nest *n = p->nests.at[i];
        bool simple = n->put == PUT_SET && n->value->op == OP_LOAD && n->value->tensor == w && n->dst->role == ROLE_SHARED && !n->fill && nest_covers(n);
        for (int k = 0; simple && k < n->dst->rank; k++)
            simple = n->index[k].count == 1 && n->index[k].term[0].factor == 1 && n->index[k].offset == 0;
        if (simple && tensor_count(n->dst) == tensor_count(w))
            return n;
    }
    return NULL;
}

/* What the loops of another nest are where both read the same weight: `all` of one axis, which is a sum over the loops of `parts`. False if it cannot be told. */
static bool find_parts(const Affine *all, const Affine *parts, const Nest *other, Affine value[MAX_LOOPS])
{
    Affine rest = *all;

    if (all->offset || parts->offset || parts->count > 2)
        return false;
    for (int k = 0; k < parts->count; k++) {                    /* the outer one first: what is a multiple of its factor belongs to it */
        int outer = parts->count == 2 && (parts->term[1].factor > parts->term[0].factor) ? 1 - k : k, kept = 0;
        int64_t factor = parts->term[outer].factor, most = 0;
        Affine *part = &value[nest_find_loop(other, parts->term[outer].loop)];
        *part = (Affine){ 0 };
        for (int i = 0; i < rest.count; i++)
            if (rest.term[i].factor % factor == 0) {
                part->term[part->count] = rest.term[i];
                part->term[part->count].factor /= factor;
                most += part->term[part->count].factor * (rest.term[i].loop->extent - 1);
                part->count++;
            } else {
                rest.term[kept++] = rest.term[i];
            }
        rest.count = kept;
        if (most >= parts->term[outer].loop->extent)
            return false;
    }
    return rest.count == 0;
}

/* Nothing but the name would change. */
static bool copies_itself(const Nest *copy)
{
    const Expr *load = copy->value;
    bool same = load->tensor->rank == copy->dst->rank;

    for (int k = 0; same && k < copy->dst->rank; k++)
        same = load->tensor->dim[k] == copy->dst->dim[k] && affine_equal(&load->index[k], &copy->index[k]);
    return same;
}

/* The copy reads panels that are there already. */
static void read_panels(Unit *u, const Program *p, int where, Nest *copy)
{
    const Tensor *w = copy->value->tensor;
    const Nest *first = packed_before(p, where, w);
    Affine value[MAX_LOOPS];

    if (!first)
        return;
    int64_t width = first->dst->dim[first->dst->rank - 1];
    for (int i = 0; i < copy->loop_count; i++)                  /* the lanes of the first are to be found in one loop of the second */
        for (int k = 0; k < w->rank; k++)
            if (copy->value->index[k].count == 1 && copy->value->index[k].term[0].loop == copy->loops[i] && first->value->index[k].count == 2
                && copy->loops[i]->extent > width && !nest_split(u, copy, i, width))
                return;
    for (int k = 0; k < w->rank; k++)
        if (!find_parts(&copy->value->index[k], &first->value->index[k], first, value))
            return;
    copy->value->tensor = first->dst;
    for (int k = 0; k < first->dst->rank; k++)
        copy->value->index[k] = value[nest_find_loop(first, first->index[k].term[0].loop)];
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ first->dst, nest_symbol(u, copy, w) }));
}

/* The weights that this load reads, in panels; `real` of the lanes are channels, the rest is room. Returns how many nests were put before nest `where`. */
static int pack_load(Unit *u, Program *p, int where, Expr *load, Loop *lanes, int64_t real)
{
    Nest *n = p->nests.at[where];
    Tensor *w = load->tensor;
    Panels panels;
    bool neighbours = w->rank && load->index[w->rank - 1].count && load->index[w->rank - 1].term[load->index[w->rank - 1].count - 1].loop == lanes;

    if (w->per_image || !indices_use(load->index, w->rank, lanes) || (neighbours && w->rank == 1 && real == lanes->extent)
        || tensor_base(w)->role == ROLE_SCRATCH || !panels_of(n, load->index, w->rank, lanes, &panels))
        return 0;
    Tensor *packed = panel_tensor(u, p, w, ROLE_SHARED, &panels);
    Nest *copy = panel_nest(u, p, n, "pack", "The weights in the order in which they are read, lanes innermost.", &panels);
    Expr *from = ARENA_NEW(u->arena, Expr);
    *from = *load;
    copy->put = PUT_SET;
    copy->dst = packed;
    copy->value = from;
    load->tensor = packed;
    for (int i = 0; i < panels.rank; i++)
        copy->index[i] = load->index[i] = panels.index[i];
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ packed, "pack" }));
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ w, nest_symbol(u, n, w) }));
    nest_own_loops(u, copy);
    copy->loops[copy->loop_count - 1]->extent = real;
    read_panels(u, p, where, copy);
    if (copies_itself(copy)) {
        p->tensors.count--;                                     /* `packed`, the last one */
        load->tensor = packed = copy->value->tensor;
    }
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ packed, nest_symbol(u, n, w) }));
    if (packed != copy->dst)
        return 0;
    program_insert(u, p, where, copy);
    return 1;
}

/* How far the lanes may go: to the end of the room of the map whose channels they are. */
static int64_t room_of(Expr *const factor[2], const Loop *lanes, int64_t vector)
{
    for (int i = 0; i < 2 && lanes->extent % vector; i++)
        if (channel(factor[i]->tensor, factor[i]->index) == lanes)
            return factor[i]->tensor->dim[factor[i]->tensor->rank - 1];
    return lanes->extent;
}

int program_sum_apart(Unit *u, Program *p, int where, Loop *lanes, const char *why)
{
    Nest *n = p->nests.at[where];
    Tensor *dw = n->dst;
    Panels panels;

    if (dw->per_image || n->start || n->finish || n->fill || !panels_of(n, n->index, dw->rank, lanes, &panels))
        return 0;
    Tensor *sums = panel_tensor(u, p, dw, ROLE_SCRATCH, &panels);
    Nest *clear = panel_nest(u, p, n, "clear", "The sums begin with zero.", &panels);
    Nest *join = panel_nest(u, p, n, "join", why, &panels);
    Expr *sum = ARENA_NEW(u->arena, Expr);
    clear->put = PUT_SET;
    clear->value = ARENA_NEW(u->arena, Expr);
    clear->dst = sum->tensor = sums;
    sum->op = OP_LOAD;
    join->put = PUT_ADD;
    join->value = sum;
    join->dst = dw;
    memcpy(join->index, n->index, sizeof n->index);
    for (int i = 0; i < panels.rank; i++)
        clear->index[i] = sum->index[i] = n->index[i] = panels.index[i];
    LIST_ADD(u->arena, &clear->symbols, ((Symbol){ sums, "sum" }));
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ sums, "sum" }));
    LIST_ADD(u->arena, &join->symbols, ((Symbol){ dw, nest_symbol(u, n, dw) }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ sums, nest_symbol(u, n, dw) }));
    n->dst = sums;
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
        Loop *lanes = lanes_of(u, n, factor, vector), *summed = summed_lanes(n, factor, vector);
        if (lanes && !sums_faster(u, n, lanes, summed, vector)) {
            summed = NULL;
        } else if (lanes) {
            lanes->extent = n->dst->channels;           /* whatever lies in the room, it meets nothing but room */
            lanes = NULL;
        }
        for (int k = 0; summed && k < 2; k++)
            if (lane_step(factor[k]->tensor, factor[k]->index, summed) != 1)
                i += pack_load(u, p, i, factor[k], summed, summed->extent);
        if (!lanes)
            continue;
        bool in_place = stores_vectors(u, n, factor, lanes, vector);
        int number = 0;
        if (!in_place)
            channels_last(n, factor, lanes);
        while (n->loops[number] != lanes)
            number++;
        int64_t real = n->dst->channels_last && !is_grouped(n->dst, n->index) ? n->dst->channels : lanes->extent;
        lanes->extent = room_of(factor, lanes, vector);
        if (lanes->extent > MOST_ROOM * vector && real < lanes->extent) {
            for (int k = 0; k < 2; k++)
                i += program_room_to_read(u, p, i, factor[k], lanes);
            if (n->start && n->start->op == OP_LOAD)
                i += program_room_to_read(u, p, i, n->start, lanes);
            i += program_room_to_sum(u, p, i, lanes);
            real = lanes->extent;
        }
        int64_t width = vector * panel_vectors(u, n->dst->per_image, lanes->extent / vector);
        if (real == lanes->extent && width < lanes->extent) {
            nest_split(u, n, number, width);
            lanes = n->loops[number + 1];
            real = width;
            factors(n, factor);
            if (in_place)
                go_by_blocks(u, n, factor, lanes, number);
        }
        for (int k = 0; k < 2; k++)
            i += pack_load(u, p, i, factor[k], lanes, real);
        if (n->start && n->start->op == OP_LOAD)
            i += pack_load(u, p, i, n->start, lanes, real);
        if (!in_place)
            i += pack_sums(u, p, i, lanes, real);
    }
}
