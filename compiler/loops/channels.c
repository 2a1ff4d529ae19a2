/* channels.c: channels innermost. A map [n][c][h][w] in the scratch block becomes [n][h][w][c], so that the lanes of a vector are
 * neighbouring channels and one image after the other can stay in the nearest caches. Best where the channels fill whole vectors
 * (measured: 92 to 98 % of peak from 32 channels on); images innermost (layout.c) is best where they do not, and for features.
 *
 * A map that a dense layer reads as a row of features has two orders then, its own and that of the features (PyTorch's, which
 * the weights of the dense layer have): the row becomes a copy. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

enum { MAP_RANK = 4 };          /* n, c, h, w */

static bool is_map(const Tensor *t)
{
    return t->per_image && t->role == ROLE_SCRATCH && t->rank == MAP_RANK && !t->rows_innermost;
}

/* ---- the choice */

static int64_t padded(int64_t channels, int64_t vector)
{
    int64_t vectors = (channels + vector - 1) / vector;
    return (vectors > MOST_ROOM ? vectors + vectors % 2 : vectors) * vector;
}

/* Shares of peak that weighted sums reach, measured on one core with 32 registers of 16 lanes. Images innermost lose with the
 * channels, as the working set grows with them. */
#define LEFT_TO_COMPILER 0.05

/* `axis` goes through the channels. Of groups, as many as fill vectors are handled together, with zeros between them (widen.c). */
static double share_channels(int64_t channels, const Affine *axis, int64_t vector)
{
    if (axis->count == 2) {
        int inner = axis->term[1].factor == 1;
        int64_t own = axis->term[inner].loop->extent, groups = axis->term[1 - inner].loop->extent;
        for (int64_t together = 1; together <= vector; together++)
            if (groups % together == 0 && own * together % vector == 0)
                return 0.95 / (double)together;
        return LEFT_TO_COMPILER;
    }
    if (channels % vector && channels < vector / 4)
        return LEFT_TO_COMPILER;
    return 0.95 * (double)channels / (double)padded(channels, vector);
}

static double share_images(int64_t channels, bool weights, int64_t tile, int64_t vector)
{
    if (tile % vector)
        return LEFT_TO_COMPILER;                            /* images fill no whole vectors */
    if (weights)
        return channels <= 16 ? 0.82 : channels <= 32 ? 0.65 : 0.5;
    return channels <= 32 ? 0.95 : 0.75;
}

static int64_t most_channels(const Nest *n)
{
    int64_t most = n->dst->per_image ? n->dst->dim[1] : n->dst->dim[0];
    const Expr *factors[] = { n->value->a, n->value->b };
    for (int i = 0; i < 2; i++)
        if (factors[i] && factors[i]->op == OP_LOAD && is_map(factors[i]->tensor) && factors[i]->tensor->dim[1] > most)
            most = factors[i]->tensor->dim[1];
    return most;
}

static bool has_pixels(const Tensor *t)
{
    return t->per_image && t->rank == MAP_RANK;
}

bool nest_is_convolution(const Nest *n)
{
    if (n->put != PUT_ADD || n->value->op != OP_MUL || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD || n->dst->rank != MAP_RANK)
        return false;
    return has_pixels(n->dst) || has_pixels(n->value->a->tensor) || has_pixels(n->value->b->tensor);
}

static bool channels_pay(const Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);
    double channels = 0, images = 0;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (!nest_is_convolution(n) || n->for_input)
            continue;
        double work = (double)nest_work(n);
        bool weights = !n->dst->per_image;
        channels += work / share_channels(n->dst->dim[weights ? 0 : 1], &n->index[weights ? 0 : 1], vector);
        images += work / share_images(most_channels(n), weights, p->tile, vector);
    }
    bool pay = p->layout == LAYOUT_AUTO ? channels > 0 && channels < images : p->layout == LAYOUT_CHANNELS;
    const char *why = p->layout_note ? p->layout_note : p->layout != LAYOUT_AUTO ? ", as was asked for" : channels == 0 ? ": no convolution"
                    : arena_print(u->arena, ": %s would take %.2f of the time", pay ? "images" : "channels", pay ? images / channels : channels / images);
    p->note = arena_print(u->arena, "%s innermost%s", pay ? "channels" : p->tile == 1 && p->layout_note ? "rows" : "images", why);
    return pay;
}

/* ---- rows of features that show a map */

typedef struct Uses {
    int first_read, last_read, first_write, last_write;     /* numbers of nests, -1: none */
} Uses;

static bool same_dims(const Tensor *a, const Tensor *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

/* True if t shows a map as something else, or something else as a map. */
static bool is_row_of_map(const Tensor *t)
{
    return t->view_of && (is_map(t) || is_map(t->view_of)) && !same_dims(t, t->view_of);
}

/* The tensor of the same form whose storage t shows. */
static const Tensor *shown_by(const Tensor *t)
{
    while (t->view_of && !is_row_of_map(t))
        t = t->view_of;
    return t;
}

static bool loads_just(const Expr *e, const Tensor *t)
{
    return e && ((e->op == OP_LOAD && shown_by(e->tensor) == t) || loads_just(e->a, t) || loads_just(e->b, t) || loads_just(e->c, t)
                 || loads_just(e->d, t));
}

/* Uses of t in this form, not of what shares its storage in another one. */
static Uses uses_of(const Program *p, const Tensor *t)
{
    Uses s = { -1, -1, -1, -1 };

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (loads_just(n->value, t) || loads_just(n->start, t) || loads_just(n->finish, t)) {
            s.first_read = s.first_read < 0 ? i : s.first_read;
            s.last_read = i;
        }
        if (shown_by(n->dst) == t) {
            s.first_write = s.first_write < 0 ? i : s.first_write;
            s.last_write = i;
        }
    }
    return s;
}

/* True if a copy can stand for the view: one of the two is written, all of it before the other is read. */
static bool can_copy(const Program *p, const Tensor *view)
{
    const Tensor *map = shown_by(view->view_of);
    Uses v = uses_of(p, view), m = uses_of(p, map);

    if (view->rank != 2 || map->rank != MAP_RANK || map->view_of || map->role != ROLE_SCRATCH)
        return false;
    if (v.first_write < 0)
        return m.last_write < v.first_read || v.first_read < 0;
    return m.first_write < 0 && (m.first_read < 0 || v.last_write < m.first_read);
}

static bool views_can_be_copied(const Program *p)
{
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (is_row_of_map(t) && !can_copy(p, t))
            return false;
    }
    return true;
}

static Affine place_of(Loop *l, int64_t factor)
{
    return (Affine){ .count = 1, .term = { { l, factor } } };
}

/* to = from, one of which is the map and the other its row. */
static Nest *copy_row(Unit *u, const Program *p, const Nest *beside, Tensor *to, Tensor *from)
{
    static const char *const names[MAP_RANK] = { "n", "c", "h", "w" };
    const Tensor *map = to->rank == MAP_RANK ? to : from;
    Nest *n = ARENA_NEW(u->arena, Nest);
    Expr *load = ARENA_NEW(u->arena, Expr);
    Loop *loops[MAP_RANK];
    Affine row[2], maps[MAP_RANK];

    for (int i = 0; i < MAP_RANK; i++) {
        loops[i] = ARENA_NEW(u->arena, Loop);
        *loops[i] = (Loop){ .name = names[i], .extent = map->dim[i] };
        maps[i] = place_of(loops[i], 1);
    }
    row[0] = maps[0];
    row[1] = (Affine){ .count = 3, .term = { { loops[1], map->dim[2] * map->dim[3] }, { loops[2], map->dim[3] }, { loops[3], 1 } } };
    *n = (Nest){ .name = nest_name(u, p, arena_print(u->arena, "%s_%s", beside->name, to == map ? "map" : "row")), .site = beside->site,
                 .backward = beside->backward, .for_input = beside->for_input, .put = PUT_SET, .dst = to, .value = load, .loop_count = MAP_RANK,
                 .why = to == map ? "The row of features becomes a map again." : "The map becomes a row of features, channel after channel." };
    *load = (Expr){ .op = OP_LOAD, .tensor = from };
    memcpy(n->loops, loops, sizeof loops);
    memcpy(to == map ? n->index : load->index, maps, sizeof maps);
    memcpy(to == map ? load->index : n->index, row, sizeof row);
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ to, "y" }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ from, "x" }));
    return n;
}

static void copy_view(Unit *u, Program *p, Tensor *view)
{
    Tensor *map = (Tensor *)shown_by(view->view_of);
    Uses v = uses_of(p, view), m = uses_of(p, map);

    view->view_of = NULL;
    if (v.first_write < 0) {
        if (v.first_read >= 0)
            program_insert(u, p, m.last_write + 1, copy_row(u, p, p->nests.at[m.last_write], view, map));
    } else if (m.first_read >= 0) {
        program_insert(u, p, v.last_write + 1, copy_row(u, p, p->nests.at[v.last_write], map, view));
    }
}

/* ---- channels that do not fill their vectors
 *
 * The last vector of a pixel may reach over its last channel: the map has room there, up to whole panels (pack.c). What lies in that room is computed like the rest,
 * from what lies in the room of other maps, and no other lane ever reads it. */

/* A number for each channel, over the whole batch: statistics. */
static bool is_statistic(const Tensor *t) { return t->rank == 1 && t->role == ROLE_SHARED && !t->view_of; }

static Loop *channel_loop(const Tensor *t, const Affine *index)
{
    int axis = is_statistic(t) ? 0 : 1;
    const Affine *c = &index[axis];
    return c->count == 1 && c->offset == 0 && c->term[0].factor == 1 && c->term[0].loop->extent == t->dim[axis] ? c->term[0].loop : NULL;
}

/* True if e may be computed for channels beyond the last one of l: all it reads there is in maps and statistics with room, or in weights, folded ones too,
 * which are packed with room (pack.c). */
static bool may_reach_over(const Expr *e, const Loop *l, bool packs)
{
    if (!e)
        return true;
    if (e->op == OP_RANDOM || e->op == OP_INDEX)
        return !indices_use(e->index, e->op == OP_INDEX ? 1 : 2, l);
    if (e->op == OP_LOAD && indices_use(e->index, e->tensor->rank, l)) {
        const Tensor *t = e->tensor;
        return is_map(t) || (is_statistic(t) && t->room) ? tensor_base((Tensor *)t)->room && channel_loop(t, e->index) == l
                         : packs && (t->role == ROLE_PARAM || t->role == ROLE_CONSTANT || t->role == ROLE_SHARED) && !t->view_of;
    }
    return may_reach_over(e->a, l, packs) && may_reach_over(e->b, l, packs) && may_reach_over(e->c, l, packs) && may_reach_over(e->d, l, packs);
}

static bool sets_single_places(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return false;
    return n->put == PUT_SET && !n->start && !n->finish;
}

/* The channels of dst that this nest can be stretched over, with the room; NULL if it cannot. */
static Loop *stretches(const Nest *n)
{
    Loop *l = channel_loop(n->dst, n->index);
    bool packs = nest_is_convolution(n) && nest_is_gather(n);          /* what pack.c handles */

    return l && !n->fill && may_reach_over(n->value, l, packs) && may_reach_over(n->start, l, packs) && may_reach_over(n->finish, l, false) ? l : NULL;
}

/* Statistics are stretched wherever they are made: who reads them knows how many there are. */
static bool keeps_room(const Nest *n)
{
    return stretches(n) || (is_map(n->dst) && sets_single_places(n));
}

static void find_room(const Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);
    bool changed = true;

    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        int64_t channels = is_map(t) ? t->dim[1] : is_statistic(t) ? t->dim[0] : 0;
        t->room = !t->view_of && channels % vector != 0 && channels >= vector / 4;
    }
    while (changed) {
        changed = false;
        for (int i = 0; i < p->nests.count; i++) {
            const Nest *n = p->nests.at[i];
            Tensor *base = tensor_base(n->dst);
            if ((is_map(n->dst) || is_statistic(n->dst)) && base->room && !keeps_room(n)) {
                base->room = false;
                changed = true;
            }
        }
    }
}

/* After the axes have turned. */
static void make_room(const Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->channels_last && tensor_base(t)->room)
            t->dim[3] = padded(t->channels, vector);
        else if (is_statistic(t) && t->room) {
            t->channels = t->dim[0];
            t->dim[0] = padded(t->channels, vector);
        }
    }
}

/* ---- the axes */

static void turn(Affine *index)
{
    Affine channel = index[1];
    memmove(index + 1, index + 2, 2 * sizeof channel);
    index[3] = channel;
}

static Expr *turn_load(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && is_map(e->tensor))
        turn(e->index);
    return e;
}

/* A convolution that makes what the caller gets makes it in a map, whose channels can lie innermost, and it is copied from there. (Few channels
 * that would leave most of a vector empty are better made one after the other: pack.c.) */
static void make_output_in_map(Unit *u, Program *p)
{
    Tensor *y = p->y;
    int last = -1;

    if (!y || y->role != ROLE_OUTPUT || !has_pixels(y) || y->dim[1] < machine_lanes(u->options.machine, u->options.real))
        return;
    for (int i = 0; i < p->nests.count; i++)
        last = tensor_base(p->nests.at[i]->dst) == y ? i : last;
    for (int i = 0; i <= last; i++)                             /* what else is done with it meanwhile would have to follow */
        if (p->nests.at[i]->dst != y && nest_touches(p->nests.at[i], y))
            return;
    if (last < 0 || !nest_is_convolution(p->nests.at[last]))
        return;
    Tensor *map = tensor_twin(u, p, y, ROLE_SCRATCH, "map");
    for (int i = 0; i <= last; i++) {
        Nest *n = p->nests.at[i];
        if (n->dst == y) {
            LIST_ADD(u->arena, &n->symbols, ((Symbol){ map, nest_symbol(u, n, y) }));
            n->dst = map;
        }
    }
    const Nest *n = p->nests.at[last];
    Nest *copy = nest_that_copies(u, nest_name(u, p, arena_print(u->arena, "%s_out", n->name)), "Channel after channel, as the caller gets it.", y, map);
    copy->site = n->site;
    program_insert(u, p, last + 1, copy);
}

void program_channels_innermost(Unit *u, Program *p)
{
    p->channels_last = channels_pay(u, p) && views_can_be_copied(p);
    if (!p->channels_last)
        return;
    make_output_in_map(u, p);
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (is_row_of_map(t))
            copy_view(u, p, t);
    }
    find_room(u, p);
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Loop *wide = (is_map(n->dst) || is_statistic(n->dst)) && tensor_base(n->dst)->room ? stretches(n) : NULL;
        if (wide) {
            nest_own_loops(u, n);                               /* one of them may be another nest's as well */
            wide = stretches(n);
            wide->extent = padded(wide->extent, machine_lanes(u->options.machine, u->options.real));
        }
        n->value = expr_map(u, n->value, turn_load, NULL);
        n->start = expr_map(u, n->start, turn_load, NULL);
        n->finish = expr_map(u, n->finish, turn_load, NULL);
        if (is_map(n->dst))
            turn(n->index);
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (!is_map(t))
            continue;
        int64_t channels = t->dim[1];
        t->dim[1] = t->dim[2];
        t->dim[2] = t->dim[3];
        t->dim[3] = t->channels = channels;
        t->channels_last = true;
    }
    make_room(u, p);
}
