/* c_sums.c: lanes that are summed (c_tile.c): every total of a tile is a vector of partial sums, and several of them are added up together:
 *
 *     const lanes8 all = sums_of_lanes8((const lanes8[8]){ sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7 });
 *     *(lanes8_at *)&dw[co][8*ci_] = keep[0] * *(const lanes8_at *)&dw[co][8*ci_] + all;
 *
 * Two vectors become one, in which neighbours of both are added up, two of those the next, until each lane has a total: 21 operations for 8 totals of
 * 8 lanes, where one by one they take 48; and neighbours in memory are stored at once. Fewer than there are lanes go with zeros, which compilers leave
 * out. A total that is left alone is added up by itself (sum_of_lanes8). */
#include "emit/c.h"

#include "loops/lanes.h"
#include "loops/machine.h"

/* ---- which totals */

typedef struct Along {
    const Loop *row;
    bool all;                           /* neighbours along it are neighbours in memory, or all the same */
} Along;

static void see_along(void *context, const Expr *load)
{
    Along *a = context;

    if (indices_use(load->index, load->tensor->rank, a->row))
        a->all = a->all && lane_step(load->tensor, load->index, a->row) == 1;
}

static bool uses_index(const Expr *e)
{
    return e && (e->op == OP_INDEX || e->op == OP_RANDOM || uses_index(e->a) || uses_index(e->b) || uses_index(e->c) || uses_index(e->d));
}

/* True if what the innermost loop of the tile makes can be stored, and what it is stored with can be read, as vectors along it. */
static bool lies_along(const Nest *n)
{
    int row = n->loop_count - 2;
    Nest end = { .value = n->start, .finish = n->finish };

    if (row < c_tile_of(n) || uses_index(n->start) || uses_index(n->finish))
        return false;
    Along along = { n->loops[row], lane_step(n->dst, n->index, n->loops[row]) == 1 };
    nest_loads(&end, see_along, &along);
    return along.all;
}

SumGroup c_sum_group(const Unit *u, const Nest *n, int64_t first)
{
    int64_t lanes = machine_lanes(u->options.machine, u->options.real), left = c_count_totals(n) - first;

    if (lanes < 2)
        return (SumGroup){ first, 1, false };
    if (lies_along(n)) {
        int64_t row = n->loops[n->loop_count - 2]->extent, rest = row - first % row;
        if (rest >= lanes)
            return (SumGroup){ first, (int)lanes, true };
        left = rest + (row < lanes ? left - rest : 0);      /* short rows go together */
    }
    return (SumGroup){ first, (int)(left < lanes ? left : lanes), false };
}

void c_bind_total(const Nest *n, int64_t *bound, int64_t number)
{
    for (int i = n->loop_count - 2; i >= c_tile_of(n); i--) {
        bound[i] = number % n->loops[i]->extent;
        number /= n->loops[i]->extent;
    }
}

/* ---- how they are added up */

void c_sum_pair(int step, int lanes, int block, int lane[2][MOST_LANES])
{
    for (int i = 0; i < lanes; i++) {
        bool inside = step < block;     /* neighbours inside of blocks, then whole blocks that are neighbours */
        int unit = inside ? 1 : block, units = inside ? block : lanes / block;
        int place = i / unit % units, begin = inside ? i / block * block : 0;
        int vector = place >= units / 2, pair = place % (units / 2);
        for (int k = 0; k < 2; k++)
            lane[k][i] = vector * lanes + begin + (2 * pair + k) * unit + i % unit;
    }
}

static void put_pair(Text *t, const char *to, const char *from, int a, int lanes, int lane[2][MOST_LANES])
{
    Text *numbers[2] = { text_new(t->arena), text_new(t->arena) };

    for (int k = 0; k < 2; k++)
        for (int i = 0; i < lanes; i++)
            text_put(numbers[k], ", %d", lane[k][i]);
    put_code(t, arena_print(t->arena, "%s = __builtin_shufflevector(%s[%d], %s[%d]%s) + __builtin_shufflevector(%s[%d], %s[%d]%s);", to, from, a, from, a + 1,
                            numbers[0]->at, from, a, from, a + 1, numbers[1]->at));
}

static void open_function(CFile *f, const char *type, const char *name)
{
    text_line(f->t, "%s__attribute__((always_inline)) static inline %s %s(const %s *of)", f->suffix[0] ? "MACHINE " : "", type, name, f->lanes);
    text_open(f->t, "{");
}

/* The lanes of one vector: halves onto each other. */
static void put_sum(CFile *f, int count)
{
    Text *t = f->t;

    text_blank(t);
    open_function(f, f->real, arena_print(t->arena, "sum_of_%s", f->lanes));
    if (count == 1) {
        text_line(t, "return *of;");
        text_close(t, "}");
        return;
    }
    text_line(t, "%s v = *of;", f->lanes);
    text_blank(t);
    t->depth = 0;
    text_line(t, "#if defined(__clang__) || __GNUC__ >= 12");
    t->depth = 1;
    for (int half = count / 2; half > 0; half /= 2) {
        Text *numbers = text_new(t->arena);
        for (int i = 0; i < count; i++)
            text_put(numbers, ", %d", i % half + half);
        put_code(t, arena_print(t->arena, "v += __builtin_shufflevector(v, v%s);", numbers->at));
    }
    t->depth = 0;
    text_line(t, "#else");
    t->depth = 1;
    text_open(t, "for (int half = %d; half > 0; half /= 2)", count / 2);
    text_open(t, "for (int i = 0; i < half; i++)");
    text_line(t, "v[i] += v[i + half];");
    t->depth = 0;
    text_line(t, "#endif");
    t->depth = 1;
    text_line(t, "return v[0];");
    text_close(t, "}");
}

/* Those of as many vectors as there are lanes. */
static void put_sums(CFile *f, int count)
{
    Text *t = f->t;
    int block = c_turn_block(f->u), lane[2][MOST_LANES];

    text_blank(t);
    text_line(t, "/* The lanes of each of %d vectors added up: a total in every lane. */", count);
    open_function(f, f->lanes, arena_print(t->arena, "sums_of_%s", f->lanes));
    t->depth = 0;
    text_line(t, "#if defined(__clang__) || __GNUC__ >= 12");
    t->depth = 1;
    text_line(t, "%s sum[%d];", f->lanes, count / 2);
    text_blank(t);
    for (int step = 1; step < count; step *= 2) {
        c_sum_pair(step, count, block, lane);
        for (int i = 0; i < count / 2 / step; i++)
            put_pair(t, arena_print(t->arena, "sum[%d]", i), step == 1 ? "of" : "sum", 2 * i, count, lane);
    }
    text_line(t, "return sum[0];");
    t->depth = 0;
    text_line(t, "#else");
    t->depth = 1;
    text_line(t, "%s all;", f->lanes);
    text_blank(t);
    text_open(t, "for (int i = 0; i < %d; i++) {", count);
    text_line(t, "all[i] = of[i][0];");
    text_open(t, "for (int k = 1; k < %d; k++)", count);
    text_line(t, "all[i] += of[i][k];");
    t->depth--;
    text_close(t, "}");
    text_line(t, "return all;");
    t->depth = 0;
    text_line(t, "#endif");
    t->depth = 1;
    text_close(t, "}");
}

void c_sums_of_lanes(CFile *f)
{
    int count = machine_lanes(f->u->options.machine, f->u->options.real);

    if (f->needs.sum_of_lanes)
        put_sum(f, count);
    if (f->needs.sums_of_lanes)
        put_sums(f, count);
}
