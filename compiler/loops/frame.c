/* frame.c: a map that would be copied into a border is made there.
 *
 *     t[h][w] = ...;  all of xp = 0, xp[h + 1][w + 1] = t[h][w]
 *
 * becomes xp[h + 1][w + 1] = ..., with nests that clear the border alone before it; who reads t reads xp. The copy goes, and with it the room of
 * the map, that both passes would keep beside its copy. The loops are in their order already: whatever passes made of the map and its copy,
 * an index of one is that of the other and an offset. After program_narrow_borders, which makes borders as small as they may be. */
#include "loops/choice.h"
#include "loops/layout.h"

#define MOST_ROOM 1.7               /* of the map with its border, in maps: a border around 4x4 pixels is larger than they are */

typedef struct Frame {
    Program *p;
    Nest *copy, *maker;
    int copy_at, maker_at;
    Tensor *map, *framed;
    int64_t before[MAX_AXES];       /* cells of the border that come first on an axis */
} Frame;

static bool is_own(const Program *p, const Tensor *t)
{
    return t->role == ROLE_SCRATCH && !t->view_of && !t->kept && !t->one_band && !program_has_views(p, t);
}

/* True if b is a and an offset, which may be none. */
static bool is_beside(const Affine *a, const Affine *b, int64_t *offset)
{
    Affine moved = *a;

    *offset = b->offset - a->offset;
    moved.offset = b->offset;
    return *offset >= 0 && affine_equal(&moved, b);
}

/* True if a nest copies all of a map to somewhere inside of another one, the rest of which is filled. */
static bool is_frame(Program *p, int where, Frame *f)
{
    Nest *n = p->nests.at[where];
    const Expr *load = n->value;

    if (n->put != PUT_SET || !n->fill || n->start || n->finish || load->op != OP_LOAD || load->tensor->rank != n->dst->rank || !is_own(p, n->dst)
        || !is_own(p, load->tensor) || program_maker(p, n->dst) != where || nest_places(n) != tensor_count(load->tensor))
        return false;
    *f = (Frame){ .p = p, .copy = n, .copy_at = where, .map = load->tensor, .framed = n->dst };
    for (int i = 0; i < n->dst->rank; i++)
        if (!is_beside(&load->index[i], &n->index[i], &f->before[i]) || f->before[i] + f->map->dim[i] > f->framed->dim[i])
            return false;
    return (double)tensor_count(f->framed) <= MOST_ROOM * (double)tensor_count(f->map);
}

/* True if the map can be made there by the nest that makes it. */
static bool can_be_made_there(Frame *f)
{
    f->maker_at = program_maker(f->p, f->map);
    if (f->maker_at < 0 || f->maker_at > f->copy_at)
        return false;
    f->maker = f->p->nests.at[f->maker_at];
    return f->maker->dst == f->map && !f->maker->fill && nest_covers(f->maker) && f->maker->for_input == f->copy->for_input && f->map->per_image == f->framed->per_image
        && (f->maker->put == PUT_SET || f->maker->start);
}

/* ---- the border */

static Loop *loop_over(Unit *u, const Frame *f, int axis, int64_t extent)
{
    const Affine *a = &f->copy->index[axis];
    Loop *l = ARENA_NEW(u->arena, Loop);

    *l = (Loop){ .name = a->count ? a->term[0].loop->name : "i", .extent = extent };
    return l;
}

/* Fills what lies before and behind the map on one axis: on the axes before it beside the map alone, on those after it all along. */
static void fill_side(Unit *u, const Frame *f, int axis, int64_t first, int64_t count, int64_t apart)
{
    Nest *n = ARENA_NEW(u->arena, Nest);
    const Loop *along = f->copy->index[axis].count ? f->copy->index[axis].term[0].loop : NULL;

    *n = (Nest){ .name = nest_name(u, f->p, arena_print(u->arena, "%s_%s", f->copy->name, along ? along->name : "edge")), .why = f->copy->why,
                 .site = f->copy->site, .backward = f->maker->backward, .for_input = f->copy->for_input, .put = PUT_SET, .dst = f->framed,
                 .value = f->copy->fill, .part = true };
    for (int i = 0; i < f->framed->rank; i++) {
        Loop *l = loop_over(u, f, i, i == axis ? count : i < axis ? f->map->dim[i] : f->framed->dim[i]);
        n->index[i] = (Affine){ .offset = i == axis ? first : i < axis ? f->before[i] : 0, .count = 1, .term = { { l, 1 } } };
        if (i == axis && apart) {           /* both sides: the same again behind the map */
            Loop *side = ARENA_NEW(u->arena, Loop);
            *side = (Loop){ .name = "side", .extent = 2 };
            n->loops[n->loop_count++] = side;
            n->index[i].count = 2;
            n->index[i].term[1].loop = side;
            n->index[i].term[1].factor = apart;
        }
        n->loops[n->loop_count++] = l;
    }
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ f->framed, nest_symbol(u, f->copy, f->framed) }));
    program_insert(u, f->p, nests_before_band(f->p->nests.at, f->maker_at, f->maker), n);
    nest_schedule_fast(u, n, NULL);
}

static int fill_border(Unit *u, const Frame *f)
{
    int before = f->p->nests.count;

    for (int i = 0; i < f->framed->rank; i++) {
        int64_t first = f->before[i], end = first + f->map->dim[i], behind = f->framed->dim[i] - end;
        if (first > 0 && first == behind) {
            fill_side(u, f, i, 0, first, end);
            continue;
        }
        if (first > 0)
            fill_side(u, f, i, 0, first, 0);
        if (behind > 0)
            fill_side(u, f, i, end, behind, 0);
    }
    return f->p->nests.count - before;
}

/* ---- the rewrite */

static Expr *move_load(void *context, Expr *e)
{
    const Frame *f = context;

    if (e->op != OP_LOAD || e->tensor != f->map)
        return e;
    e->tensor = f->framed;
    for (int i = 0; i < f->framed->rank; i++)
        e->index[i].offset += f->before[i];
    return e;
}

static void make_there(Unit *u, Frame *f)
{
    Program *p = f->p;

    program_remove(p, f->copy_at);
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (n != f->maker && !nest_reads(n, f->map))
            continue;
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ f->framed, nest_symbol(u, n, f->map) }));
        n->value = expr_map(u, n->value, move_load, f);
        n->start = expr_map(u, n->start, move_load, f);
        n->finish = expr_map(u, n->finish, move_load, f);
    }
    f->maker->dst = f->framed;
    f->maker->part = true;
    for (int i = 0; i < f->framed->rank; i++)
        f->maker->index[i].offset += f->before[i];
    fill_border(u, f);
}

void program_frame(Unit *u, Program *p)
{
    Frame f;

    for (int i = 0; i < p->nests.count; i++)
        if (is_frame(p, i, &f) && can_be_made_there(&f)) {
            make_there(u, &f);
            i = -1;                         /* nests moved, and a frame may stand in another one */
        }
}
