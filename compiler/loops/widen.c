/* widen.c: groups of a convolution whose channels fill no vector are handled several at a time, as if each of their filters saw the channels of
 * all of them, with weights of zero between one group and the next:
 *
 *     y[4*g + co] += w[4*g + co][ci] * x[4*g + ci]     for g 32, co 4, ci 4      becomes
 *     y[8*g + co] += W[8*g + co][ci] * x[8*g + ci]     for g 16, co 8, ci 8
 *
 * for vectors of 8. Half of the products are with zeros; without lanes it took 10 to 40 times as long. (What is infinite or no number in one
 * group makes no numbers of the groups beside it, too.) Gradients of weights are summed in such an
 * array, too, of which the blocks that are weights join the gradient. Where channels are innermost. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

/* A sum over channels of a group for channels of a group, and the array with an axis for each of the two. */
typedef struct Grouped {
    Loop *groups, *row, *column;        /* weights[rows*groups + row][column]; one of the two is made, or both are, and the other one is summed */
    int row_axis, column_axis;
    const Tensor *weights;
    Affine *index;                      /* of them in the nest */
} Grouped;

static bool in_groups(const Affine *a, Loop **groups, Loop **inner)
{
    if (a->count != 2 || a->offset != 0)
        return false;
    int inside = a->term[1].factor == 1;
    *groups = a->term[1 - inside].loop;
    *inner = a->term[inside].loop;
    return a->term[inside].factor == 1 && a->term[1 - inside].factor == (*inner)->extent;
}

static bool is_map(const Tensor *t) { return t->per_image && t->channels_last; }

/* The loops of the channels of two maps that go through the same groups, and the weights between them. */
static bool find_groups(Nest *n, Grouped *found)
{
    if (n->put != PUT_ADD || n->fill || !nest_is_gather(n) || n->value->op != OP_MUL || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD)
        return false;
    struct { const Tensor *tensor; Affine *index; } access[] = {
        { n->dst, n->index }, { n->value->a->tensor, n->value->a->index }, { n->value->b->tensor, n->value->b->index }
    };
    Loop *groups[2], *inner[2];
    int maps = 0, weights = -1;
    for (int i = 0; i < countof(access); i++) {
        const Tensor *t = access[i].tensor;
        if (!is_map(t))
            weights = i;
        else if (maps == 2 || !in_groups(&access[i].index[t->rank - 1], &groups[maps], &inner[maps]))
            return false;
        else
            maps++;
    }
    if (maps != 2 || groups[0] != groups[1] || inner[0] == inner[1])
        return false;
    *found = (Grouped){ .groups = groups[0], .row_axis = -1, .column_axis = -1, .weights = access[weights].tensor, .index = access[weights].index };
    for (int i = 0; i < found->weights->rank; i++) {
        const Affine *a = &found->index[i];
        Loop *g, *l;
        if (in_groups(a, &g, &l) && g == groups[0] && (l == inner[0] || l == inner[1])) {
            found->row_axis = i;
            found->row = l;
        } else if (a->count == 1 && a->offset == 0 && a->term[0].factor == 1 && (a->term[0].loop == inner[0] || a->term[0].loop == inner[1])) {
            found->column_axis = i;
            found->column = a->term[0].loop;
        }
    }
    return found->row_axis >= 0 && found->column_axis >= 0 && found->row != found->column;
}

/* How many groups together have channels for whole vectors of what is made; 1: each has, 0: no number of them. */
static int64_t groups_together(const Nest *n, const Grouped *g, int64_t vector)
{
    int64_t made = nest_places_loop(n, g->row) ? g->row->extent : g->column->extent;

    for (int64_t m = 1; m <= vector; m++)
        if (g->groups->extent % m == 0 && made * m % vector == 0)
            return m;
    return 0;
}

/* ---- the array with zeros */

static Loop *new_loop(Unit *u, const char *name, int64_t extent)
{
    Loop *l = ARENA_NEW(u->arena, Loop);
    *l = (Loop){ .name = name, .extent = extent };
    return l;
}

/* A nest through the weights, `m` groups at a time; its places in the weights and in the array that has room for zeros. */
static Nest *through_weights(Unit *u, const Program *p, const Nest *like, const Grouped *g, int64_t m, const char *suffix, const char *why, Affine *narrow, Affine *wide)
{
    Nest *n = ARENA_NEW(u->arena, Nest);
    int64_t rows = g->row->extent, columns = g->column->extent;
    Loop *groups = new_loop(u, "g", g->groups->extent / m), *one = new_loop(u, "one", m);

    *n = (Nest){ .name = nest_name(u, p, arena_print(u->arena, "%s_%s", like->name, suffix)), .why = why, .site = like->site, .backward = like->backward,
                 .for_input = like->for_input };
    n->loops[n->loop_count++] = groups;
    n->loops[n->loop_count++] = one;
    for (int i = 0; i < g->weights->rank; i++) {
        bool row = i == g->row_axis, column = i == g->column_axis;
        const char *name = row ? g->row->name : column ? g->column->name : g->index[i].count ? g->index[i].term[0].loop->name : "k";
        Loop *l = new_loop(u, name, row ? rows : column ? columns : g->weights->dim[i]);
        n->loops[n->loop_count++] = l;
        narrow[i] = wide[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
        if (row)
            narrow[i] = wide[i] = (Affine){ .count = 3, .term = { { groups, m * rows }, { one, rows }, { l, 1 } } };
        if (column)
            wide[i] = (Affine){ .count = 2, .term = { { one, columns }, { l, 1 } } };
    }
    return n;
}

static Tensor *wide_tensor(Unit *u, Program *p, const Grouped *g, int64_t m, Role role)
{
    Tensor *t = ARENA_NEW(u->arena, Tensor);

    *t = (Tensor){ .name = tensor_name(u, p, arena_print(u->arena, "%s.wide", g->weights->name)), .symbol = g->weights->symbol, .role = role,
                   .rank = g->weights->rank, .site = g->weights->site };
    memcpy(t->dim, g->weights->dim, sizeof t->dim);
    t->dim[g->column_axis] *= m;
    LIST_ADD(u->arena, &p->tensors, t);
    return t;
}

static Expr *number(Unit *u, double value)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_CONSTANT, .number = value };
    return e;
}

static Expr *load_of(Unit *u, Tensor *t, const Affine *index)
{
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_LOAD, .tensor = t };
    memcpy(e->index, index, (size_t)t->rank * sizeof *index);
    return e;
}

static void call_them(Unit *u, Nest *n, Tensor *dst, const char *as, Tensor *read, const char *read_as)
{
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ dst, as }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ read, read_as }));
}

/* ---- the nest itself */

typedef struct Widen { const Loop *groups; int64_t m; } Widen;

static void widen_index(const Widen *w, Affine *index, int rank)
{
    for (int i = 0; i < rank; i++)
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop == w->groups)
                index[i].term[j].factor *= w->m;
}

static Expr *widen_load(void *context, Expr *e)
{
    if (e->op == OP_LOAD)
        widen_index(context, e->index, e->tensor->rank);
    return e;
}

/* `m` groups are one. */
static void widen(Unit *u, Nest *n, const Grouped *g, int64_t m)
{
    Widen w = { g->groups, m };

    n->value = expr_map(u, n->value, widen_load, &w);
    n->start = expr_map(u, n->start, widen_load, &w);
    n->finish = expr_map(u, n->finish, widen_load, &w);
    widen_index(&w, n->index, n->dst->rank);
    g->groups->extent /= m;
    g->row->extent *= m;
    g->column->extent *= m;
}

/* Nest number `where`, whose sums use the weights, uses those with zeros. Returns how many nests came before it. */
static int widen_use(Unit *u, Program *p, int where, const Grouped *g, int64_t m)
{
    Nest *n = p->nests.at[where];
    Tensor *from = (Tensor *)g->weights, *wide = wide_tensor(u, p, g, m, ROLE_SHARED);
    Affine narrow_index[MAX_AXES], wide_index[MAX_AXES];
    Nest *copy = through_weights(u, p, n, g, m, "wide", "Weights of zero between a group and the next, so that several of them fill a vector.", narrow_index, wide_index);

    copy->put = PUT_SET;
    copy->fill = number(u, 0);
    copy->dst = wide;
    copy->value = load_of(u, from, narrow_index);
    memcpy(copy->index, wide_index, sizeof wide_index);
    call_them(u, copy, wide, "wide", from, nest_symbol(u, n, from));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ wide, nest_symbol(u, n, from) }));
    Expr *load = n->value->a->tensor == from ? n->value->a : n->value->b;
    load->tensor = wide;
    widen(u, n, g, m);
    program_insert(u, p, where, copy);
    return 1;
}

/* Nest number `where`, which sums the gradient, does so with what lies between the groups, and the rest joins. Returns how many nests came. */
static int widen_sums(Unit *u, Program *p, int where, const Grouped *g, int64_t m)
{
    Nest *n = p->nests.at[where];
    Tensor *to = n->dst, *wide = wide_tensor(u, p, g, m, ROLE_SCRATCH);
    Affine narrow_index[MAX_AXES], wide_index[MAX_AXES];
    Nest *join = through_weights(u, p, n, g, m, "narrow", "Of each group, the gradients of its own weights.", narrow_index, wide_index);
    Nest *clear = ARENA_NEW(u->arena, Nest);

    *clear = (Nest){ .name = nest_name(u, p, arena_print(u->arena, "%s_wide", n->name)), .why = "The sums begin with zero.", .site = n->site, .backward = n->backward,
                     .for_input = n->for_input, .put = PUT_SET, .dst = wide, .value = number(u, 0) };
    for (int i = 0; i < wide->rank; i++) {
        clear->loops[clear->loop_count] = new_loop(u, join->loops[i + 2]->name, wide->dim[i]);
        clear->index[i] = (Affine){ .count = 1, .term = { { clear->loops[clear->loop_count++], 1 } } };
    }
    LIST_ADD(u->arena, &clear->symbols, ((Symbol){ wide, "sum" }));
    join->put = PUT_ADD;
    join->dst = to;
    join->value = load_of(u, wide, wide_index);
    memcpy(join->index, narrow_index, sizeof narrow_index);
    call_them(u, join, to, nest_symbol(u, n, to), wide, "sum");
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ wide, nest_symbol(u, n, to) }));
    n->dst = wide;
    widen(u, n, g, m);
    program_insert(u, p, where, join);                  /* before it, for what comes behind the last nest of a phase is in the next one */
    p->nests.at[where] = n;
    p->nests.at[where + 1] = join;
    program_insert(u, p, where, clear);
    return 2;
}

void program_widen_groups(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    for (int i = 0; p->channels_last && vector > 1 && i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Grouped g;
        if (!find_groups(n, &g))
            continue;
        int64_t m = groups_together(n, &g, vector);
        if (m < 2)
            continue;
        nest_own_loops(u, n);
        find_groups(n, &g);
        nest_remark(u, n, "%lld groups as one, with zeros between them", (long long)m);
        i += g.weights == n->dst ? widen_sums(u, p, i, &g, m) : widen_use(u, p, i, &g, m);
    }
}
