/* fast_turn.c: copies that turn an array: neighbours on one side of the copy lie far apart on the other,
 *
 *     pack[co_][kh][kw][ci][co] = w[16*co_ + co][ci][kh][kw]
 *
 * Number by number that takes a cycle or two each, more where they come from far. Here it goes through squares: rows are read from the side where the places of
 * some loops lie side by side (ci, kh and kw of w), one for every lane, the square is turned in registers, and its columns are stored as vectors of the other
 * side (co of pack); or the other way round, rows being what is stored. Those loops are the last before the lanes, of LOOP_TURN. (Zen 3, AVX2, 3x3 cells, time
 * number by number by time in squares, by gcc 12.2 and clang 19: weights packed 1.5 to 2.8 and 1.3 to 2.1, packed again 2.0 to 2.8 and 1.4 to 1.5, gradients
 * joined 2.8 to 3.8 and 2.6 to 3.2, from the nearest caches.) */
#include "loops/fast.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/transform.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,                  /* bytes of a line of the cache: rows are at least as long, where there is so much */
    MOST_BYTES = 16384,         /* of the squares of a round, which stand on the stack: the nearest cache keeps them beside what they come from */
    FEWEST_LANES = 4
};
#define LEAST_FULL 0.75         /* of the rows' vectors: 9 numbers in two vectors of 8 took 0.7 to 1.1 of the time of single numbers */

/* ---- what is turned */

/* How far apart in memory neighbouring rounds of a loop are. */
static int64_t stride_of(const Tensor *t, const Affine *index, const Loop *l)
{
    int64_t stride = 0, row = 1;

    for (int i = t->rank - 1; i >= 0; row *= t->dim[i--])
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop == l)
                stride += row * index[i].term[j].factor;
    return stride;
}

bool turns(const Nest *n)
{
    const Expr *load = n->value;
    const Loop *row = nest_neighbours(n);

    return load->op == OP_LOAD && row && !n->start && !n->finish && nest_is_gather(n) && lane_step(load->tensor, load->index, row) < 0;
}

bool nest_is_turned(const Nest *n)
{
    return n->hold < n->loop_count && n->loops[n->hold]->kind == LOOP_TURN;
}

Turn nest_turn(const Nest *n)
{
    Turn turn = { .load = n->value, .adds = n->put == PUT_ADD, .count = 1 };

    assert(nest_is_turned(n));
    if (n->value->op == OP_ADD) {                               /* keep.c */
        turn.keep = n->value->a->a;
        turn.load = n->value->b;
    }
    turn.rows_are_stored = lane_step(n->dst, n->index, n->loops[n->loop_count - 1]) != 1;
    for (turn.end = n->hold; n->loops[turn.end]->kind == LOOP_TURN; turn.end++)
        turn.count *= n->loops[turn.end]->extent;
    turn.goes_on = n->hold > nest_step_loops(n) && stride_of(turn.rows_are_stored ? n->dst : turn.load->tensor, turn.rows_are_stored ? n->index : turn.load->index,
                                                             n->loops[n->hold - 1]) == turn.count;
    turn.vectors = turn.end < n->loop_count - 1 ? n->loops[turn.end]->extent : 1;
    int64_t rest = turn.count % n->loops[n->loop_count - 1]->extent;
    turn.rest = turn.rows_are_stored && (turn.adds || turn.keep) ? rest : 0;
    turn.again = turn.rest ? 0 : rest;
    return turn;
}

/* ---- squares */

/* Loops whose places lie side by side on one side of the copy, the innermost first; of the last one so many rounds that belong together. */
typedef struct Side {
    const Tensor *t;
    const Affine *index;
    Loop *loops[MAX_LOOPS];
    int count;
    int64_t part;
} Side;

/* Weights and what the caller gives lie as they are known; what else there is may get a border or room between its rows. */
static bool keeps_its_shape(const Tensor *t)
{
    return t->role == ROLE_PARAM || t->role == ROLE_GRADIENT || t->role == ROLE_STATE || t->role == ROLE_INPUT || t->role == ROLE_TARGET;
}

static Loop *loop_with_stride(const Nest *n, const Side *row, const Loop *lanes, int64_t stride)
{
    for (int i = 0; i < n->loop_count; i++) {
        Loop *l = n->loops[i];
        if (l != lanes && l->kind == LOOP_PLAIN && !l->trimmed && !l->overlaps && l->extent > 1 && stride_of(row->t, row->index, l) == stride)
            return l;
    }
    return NULL;
}

/* The loops of a row as long as it takes: a line of the cache, and whole vectors, as nearly as there are: exactly, if `whole`, where places may not be moved
 * again. What it `adds` to dst behind them goes number by number. There are `wide` of them. False if a vector has no room. */
static bool find_row(const Unit *u, const Nest *n, Side *row, const Loop *lanes, int vector, int64_t wide, bool whole, bool adds)
{
    int64_t size = u->options.machine->vector_bytes / vector, line = LINE / size, before = 1;
    double best = 0;

    row->count = 0;
    for (int count = 0; count < (keeps_its_shape(row->t) ? MAX_LOOPS : 1); count++) {
        Loop *l = loop_with_stride(n, row, lanes, before);
        if (!l)
            break;
        row->loops[count] = l;
        for (int64_t part = 1; part <= l->extent && before * part * wide * size <= MOST_BYTES; part++) {
            int64_t all = before * part, used = (all + vector - 1) / vector * vector;
            if (l->extent % part != 0 || all < vector || (whole && used != all))
                continue;
            double full = adds ? (double)(all / vector * vector) / (double)all : (double)all / (double)used, gain = full * (all < line ? (double)all / (double)line : 1);
            if (full >= LEAST_FULL && gain > best) {
                best = gain;
                row->count = count + 1;
                row->part = part;
            }
        }
        before *= l->extent;
    }
    return row->count > 0;
}

/* Room for the terms of the loops that are split, and of bands of weights (update.c). */
static bool has_room_for_terms(const Affine *index, int rank, const Side *row, const Loop *lanes, int lane_splits)
{
    const Loop *last = row->loops[row->count - 1];

    for (int i = 0; i < rank; i++)
        if (index[i].count + indices_use(&index[i], 1, lanes) * lane_splits + (indices_use(&index[i], 1, last) && row->part < last->extent) + 1 > MAX_TERMS)
            return false;
    return true;
}

/* So many rounds of a loop go to the end, but for what stands there already. Returns their loop. */
static Loop *take_out(Unit *u, Nest *n, const Loop *l, int64_t rounds, int behind, LoopKind kind)
{
    int at = nest_find_loop(n, l);

    if (rounds < l->extent)
        nest_split(u, n, at++, rounds);
    Loop *taken = n->loops[at];
    taken->kind = kind;
    nest_move_loop(n, at, n->loop_count - 1 - behind);
    return taken;
}

/* Rows on the side of `row`, lanes on the other one, `across`. */
static bool turn_by(Unit *u, Nest *n, Side *row, const Tensor *across, const Affine *index, int vector)
{
    Loop *lanes = NULL;

    for (int i = 0; i < n->loop_count; i++)
        if (stride_of(across, index, n->loops[i]) == 1 && lane_step(across, index, n->loops[i]) == 1)
            lanes = n->loops[i];
    if (!lanes || lanes->extent % vector != 0 || lanes->trimmed || lanes->overlaps || lanes->kind != LOOP_PLAIN || n->loop_count > MAX_LOOPS - 4)
        return false;
    int64_t line = LINE * vector / u->options.machine->vector_bytes, wide = lanes->extent % line == 0 && line > vector ? line : vector;
    int splits = (lanes->extent > wide) + (wide > vector);
    const Expr *load = n->value;
    if (!find_row(u, n, row, lanes, vector, wide, row->t == n->dst ? n->put == PUT_SET : n->put != PUT_SET, row->t == n->dst && n->put != PUT_SET)
        || !has_room_for_terms(n->index, n->dst->rank, row, lanes, splits) || !has_room_for_terms(load->index, load->tensor->rank, row, lanes, splits))
        return false;
    for (int i = 0; i < row->count; i++)                        /* the innermost comes to the end first, and the others before it */
        take_out(u, n, row->loops[i], i + 1 < row->count ? row->loops[i]->extent : row->part, i, LOOP_TURN);
    lanes = take_out(u, n, lanes, wide, 0, LOOP_PLAIN);         /* the vectors of a line belong together */
    take_out(u, n, lanes, vector, 0, LOOP_LANES);
    n->hold = n->loop_count - 1 - (wide > vector) - row->count;
    nest_remark(u, n, "squares of %d by %d are turned in registers", vector, vector);
    return true;
}

/* ---- number by number */

/* True if a belongs inside of b, both of which run through neighbours on one side: short ones of whole vectors, which are moved in one piece. */
static bool belongs_inside(const Loop *a, const Loop *b, int vector)
{
    bool whole[] = { a->extent % vector == 0, b->extent % vector == 0 };
    return whole[0] != whole[1] ? whole[0] : a->extent <= b->extent;
}

/* Innermost stand the loops that run through neighbours on either side, so that a line of the cache that is read, or written, is used up
 * while it is there. */
static void neighbours_inside(Nest *n, const Expr *load, int vector)
{
    int64_t apart[MAX_LOOPS];                                   /* of the loops in order, on the side where they are nearer */

    for (int i = 0; i < n->loop_count; i++) {
        const Loop *l = n->loops[i];
        int64_t to = llabs(stride_of(n->dst, n->index, l)), from = llabs(stride_of(load->tensor, load->index, l)), nearest = to < from ? to : from;
        int at = i;
        while (at > 0 && (apart[at - 1] < nearest || (apart[at - 1] == nearest && belongs_inside(n->loops[at - 1], l, vector))))
            at--;
        memmove(apart + at + 1, apart + at, (size_t)(i - at) * sizeof apart[0]);
        apart[at] = nearest;
        nest_move_loop(n, i, at);
    }
    n->hold = n->loop_count;
}

void schedule_turn(Unit *u, Nest *n, int vector)
{
    nest_own_loops(u, n);
    const Expr *load = n->value;
    Side from = { .t = load->tensor, .index = load->index }, to = { .t = n->dst, .index = n->index };
    neighbours_inside(n, load, vector);
    if (vector >= FEWEST_LANES && !n->fill
        && (turn_by(u, n, &from, n->dst, n->index, vector) || turn_by(u, n, &to, load->tensor, load->index, vector)))
        return;
    remark_obstacle(u, n, nest_neighbours(n), vector);
}
