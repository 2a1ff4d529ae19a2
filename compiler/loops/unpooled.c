/* unpooled.c: what a map that was unpooled adds up to is known before it is unpooled.
 *
 *     dx[c][2*oh + kh][2*ow + kw] = first[c][oh][ow] == 2*kh + kw ? dy[c][oh][ow] : 0
 *     db[c] += sum over h, w of dx[c][h][w]
 *
 * Each window gives its gradient to one cell, or to none where relu is off (`first` is 4 then), so that the bias before a pooling takes
 *
 *     db[c] += sum over oh, ow of first[c][oh][ow] == 4 ? 0 : dy[c][oh][ow]
 *
 * which are a fourth of the numbers, or fewer. After program_fuse, which lets relu into the pooling. */
#include "loops/layout.h"

#include "loops/transform.h"

/* The nest that unpools. */
typedef struct Unpool {
    const Nest *nest;
    const Expr *first, *owed;                   /* which cell, and what it gets */
    int64_t cells;                              /* of a window */
} Unpool;

/* It is made of loads and what is computed from them alone. */
static bool is_plain(const Expr *e)
{
    return !e || (e->op != OP_RANDOM && e->op != OP_INDEX && is_plain(e->a) && is_plain(e->b) && is_plain(e->c) && is_plain(e->d));
}

/* True if the cells are numbered 0, 1, ... by the loops that neither `first` nor what they get depends on. */
static bool numbers_cells(const Nest *n, Unpool *f, const Affine *number)
{
    int64_t low, high;

    f->cells = 1;
    for (int i = 0; i < n->loop_count; i++) {
        bool cell = indices_use(number, 1, n->loops[i]);
        if (cell == (expr_uses(f->first, n->loops[i]) || expr_uses(f->owed, n->loops[i])))
            return false;
        f->cells *= cell ? n->loops[i]->extent : 1;
    }
    affine_reach(number, &low, &high);
    return low == 0 && high == f->cells - 1;
}

/* The smallest number of a cell was looked for, from the number of cells on, which says that there is none. */
static bool begins_with_none(const Program *p, const Unpool *f)
{
    int maker = program_maker(p, f->first->tensor);
    const Nest *n = maker < 0 ? NULL : p->nests.at[maker];

    return n && n->put == PUT_MIN && n->start && n->start->op == OP_CONSTANT && n->start->number == (double)f->cells;
}

static bool unpools(const Program *p, const Tensor *map, Unpool *f)
{
    int maker = program_maker(p, map);
    const Nest *n = maker < 0 ? NULL : p->nests.at[maker];

    if (!n || n->dst != map || n->value->op != OP_SELECT_EQ || !expr_is_zero(n->value->d) || n->start || n->finish || (n->fill && !expr_is_zero(n->fill))
        || !(n->put == PUT_SET ? nest_covers(n) : n->put == PUT_ADD && n->fill))          /* where windows overlap, a cell may get several */
        return false;
    f->nest = n;
    f->first = n->value->a;
    f->owed = n->value->c;
    return f->first->op == OP_LOAD && n->value->b->op == OP_INDEX && is_plain(f->owed) && numbers_cells(n, f, n->value->b->index) && begins_with_none(p, f);
}

/* True if the nest adds up all of a map along the axes that dst does not have, and nothing else. */
static bool adds_up(const Nest *n, const Tensor *map)
{
    if (n->put != PUT_ADD || n->value->op != OP_LOAD || n->value->tensor != map || n->start || n->finish || n->fill || n->loop_count != map->rank)
        return false;
    for (int i = 0; i < map->rank; i++) {
        const Affine *a = &n->value->index[i];
        if (a->count != 1 || a->offset != 0 || a->term[0].factor != 1 || a->term[0].loop->extent != map->dim[i])
            return false;
    }
    return true;
}

/* True if the axes that windows divide are summed. Where dst has them too, each place gets its own number, as what goes around a block by a skip. */
static bool sums_up_windows(const Nest *n, const Unpool *f)
{
    for (int i = 0; i < f->nest->dst->rank; i++) {
        const Affine *a = &f->nest->index[i];
        bool whole = a->count == 1 && a->offset == 0 && a->term[0].factor == 1 && expr_uses(f->first, a->term[0].loop);
        if (!whole && nest_places_loop(n, n->value->index[i].term[0].loop))
            return false;
    }
    return true;
}

typedef struct Along { const Loop *old; Loop *now; } Along;

static void follow(Affine *index, int count, const Along *along)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop == along->old)
                index[i].term[j].loop = along->now;
}

static Expr *follow_in(void *context, Expr *e)
{
    if (e->op == OP_LOAD)
        follow(e->index, e->tensor->rank, context);
    return e;
}

typedef struct Names { Unit *u; Nest *to; const Nest *from; } Names;

static void name_load(void *context, const Expr *load)
{
    const Names *names = context;
    LIST_ADD(names->u->arena, &names->to->symbols, ((Symbol){ load->tensor, nest_symbol(names->u, names->from, load->tensor) }));
}

/* The sum runs through the windows in the place of the map. */
static void add_up_windows(Unit *u, Nest *n, const Unpool *f)
{
    Expr *owed = ARENA_NEW(u->arena, Expr), *none = ARENA_NEW(u->arena, Expr), *zero = ARENA_NEW(u->arena, Expr);       /* a number is 0 at first */
    const Expr *map = n->value;
    Names names = { u, n, f->nest };

    *none = (Expr){ .op = OP_CONSTANT, .number = (double)f->cells };
    *owed = (Expr){ .op = OP_SELECT_EQ, .a = (Expr *)f->first, .b = none, .c = zero, .d = (Expr *)f->owed };
    n->value = owed;
    for (int i = 0; i < f->nest->dst->rank; i++) {
        Loop *l = map->index[i].term[0].loop;
        l->extent = 1;                                      /* unless there are several windows along the axis */
        for (int j = 0; j < f->nest->index[i].count; j++) {
            Along along = { f->nest->index[i].term[j].loop, l };
            if (!expr_uses(f->first, along.old))
                continue;
            l->extent = along.old->extent;
            n->value = expr_map(u, n->value, follow_in, &along);
        }
    }
    nest_loads(n, name_load, &names);
}

void program_sum_unpooled(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Unpool f;
        if (n->value->op == OP_LOAD && adds_up(n, n->value->tensor) && unpools(p, n->value->tensor, &f) && sums_up_windows(n, &f)) {
            nest_own_loops(u, n);
            add_up_windows(u, n, &f);
        }
    }
}
