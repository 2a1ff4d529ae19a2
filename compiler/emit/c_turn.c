/* c_turn.c: a copy through squares (style fast, fast_turn.c):
 *
 *     lanes8 square[72];
 *     for (int at = 0; at < 72; at += 8) {
 *         for (int co = 0; co < 8; co++) {
 *             const float *row = &w[16*co_ + co][8*ci_][0][0] + at;
 *             __builtin_prefetch(row + 144);
 *             square[at + co] = *(const lanes8_at *)row;
 *         }
 *         turn_lanes8(square + at);
 *     }
 *     for (int ci = 0; ci < 8; ci++)
 *         for (int kh = 0; kh < 3; kh++)
 *             for (int kw = 0; kw < 3; kw++)
 *                 *(lanes8_at *)&pack[co_][kh][kw][8*ci_ + ci][0] = square[9*ci + 3*kh + kw];
 *
 * and the other way round where rows are stored. Where the rows are no whole squares, the last one begins before its end and moves some numbers again; or where
 * they are added to something, those behind the last whole one follow one by one.
 * turn_lanes8 is called for a square in memory: the nearest cache has it, and C compilers need not hold 72 vectors. */
#include "emit/c.h"

#include "loops/machine.h"

#include <inttypes.h>

typedef struct Square {
    Turn turn;
    const char *name, *at, *next;   /* of all squares; where in the row the one at work begins; where it would, were the last one whole */
    const char *row;                /* where it begins in memory */
    int lanes;
} Square;

/* 9*ci + 3*kh + kw: which of the neighbours of a row the loops are at; for several vectors with those before it, 72*co__2 + 9*ci + 3*kh + kw. */
static const char *place_in_row(const Scope *s)
{
    const Nest *n = s->nest;
    Text *t = text_new(s->file->u->arena);
    int64_t inside = 1;

    for (int k = s->square->turn.end - 1; k >= n->hold - (s->square->turn.vectors > 1); k--) {
        int i = k < n->hold ? s->square->turn.end : k;
        const char *name = scope_name(s, n->loops[i]), *rest = arena_copy(t->arena, t->at, t->length);
        t->length = 0;
        if (inside > 1)
            text_put(t, "%" PRId64 "*", inside);
        text_put(t, "%s%s%s", name, *rest ? " + " : "", rest);
        inside *= n->loops[i]->extent;
    }
    return t->at;
}

/* What dst gets at a place that can be read, and a new value for it. */
static void put_vector(Text *t, const Scope *s, const Turn *turn, const char *place, const char *value)
{
    const char *kept = turn->keep ? arena_print(t->arena, "%s * %s + ", c_code(s, turn->keep), place) : "";
    put_code(t, arena_print(t->arena, "%s %s %s%s;", place, turn->adds ? "+=" : "=", kept, value));
}

/* `at`, or 72*co__2 + at. */
static const char *first_of_vector(const Scope *s)
{
    const Square *q = s->square;

    if (q->turn.vectors == 1)
        return q->at;
    return arena_print(s->file->u->arena, "%" PRId64 "*%s + %s", q->turn.count, scope_name(s, s->nest->loops[q->turn.end]), q->at);
}

/* const float *row = &w[16*co_ + co][8*ci_][0][0] + at; and what is there next but one is asked for. */
static void point_at_row(Text *t, Scope *s, const char *type, const Tensor *tensor, const Affine *index)
{
    const Nest *n = s->nest;

    for (int i = n->hold; i < s->square->turn.end; i++)
        s->bound[i] = 0;                        /* a row is named by its first place */
    put_code(t, arena_print(t->arena, "%s%s *%s = &%s + %s;", type, s->real, s->square->row, c_place(s, tensor, index), s->square->at));
    for (int i = n->hold; i < s->square->turn.end; i++)
        s->bound[i] = -1;
    if (s->square->turn.goes_on)
        put_code(t, arena_print(t->arena, "__builtin_prefetch(%s + %" PRId64 "%s);", s->square->row, SQUARES_AHEAD * s->square->turn.count,
                                s->square->turn.rows_are_stored ? ", 1" : ""));
}

/* Over the squares; the text has the loop open. */
static void open_squares(Text *t, const Square *q)
{
    int64_t whole = q->turn.count / q->lanes;

    if (q->turn.again == 0) {
        text_open(t, "for (int %s = 0; %s < %" PRId64 "; %s += %d) {", q->at, q->at, q->turn.count - q->turn.rest, q->at, q->lanes);
        return;
    }
    text_open(t, "for (int %s = 0; %s < %" PRId64 "; %s += %d) {", q->next, q->next, q->turn.count, q->next, q->lanes);
    text_line(t, "const int %s = %s < %" PRId64 " ? %s : %" PRId64 ";", q->at, q->next, whole * q->lanes, q->next, q->turn.count - q->lanes);
}

static void put_column(Text *t, Scope *s)
{
    const Square *q = s->square;
    const Nest *n = s->nest;
    const char *column = arena_print(t->arena, "%s[%s]", q->name, place_in_row(s));

    s->lanes = n->loops[n->loop_count - 1];
    s->bound[n->loop_count - 1] = 0;            /* an access of lanes is named by its first */
    if (q->turn.rows_are_stored)
        put_code(t, arena_print(t->arena, "%s = %s;", column, c_code(s, q->turn.load)));
    else
        put_vector(t, s, &q->turn, arena_print(t->arena, "*(%s_at *)&%s", s->file->lanes, c_place(s, n->dst, n->index)), column);
    s->bound[n->loop_count - 1] = -1;
    s->lanes = NULL;
}

static void put_row(Text *t, Scope *s)
{
    const Square *q = s->square;
    const Nest *n = s->nest;
    const char *vector = arena_print(t->arena, "%s[%s + %s]", q->name, first_of_vector(s), scope_name(s, n->loops[n->loop_count - 1]));

    if (q->turn.rows_are_stored) {
        point_at_row(t, s, "", n->dst, n->index);
        put_vector(t, s, &q->turn, arena_print(t->arena, "*(%s_at *)%s", s->file->lanes, q->row), vector);
    } else {
        point_at_row(t, s, "const ", q->turn.load->tensor, q->turn.load->index);
        put_code(t, arena_print(t->arena, "%s = *(const %s_at *)%s;", vector, s->file->lanes, q->row));
    }
}

/* What the squares leave of a row. */
static void put_rest_of_row(Text *t, Scope *s)
{
    const Square *q = s->square;
    const Nest *n = s->nest;

    for (int i = n->hold; i < q->turn.end; i++)
        s->bound[i] = 0;
    put_code(t, arena_print(t->arena, "%s *%s = &%s;", s->real, q->row, c_place(s, n->dst, n->index)));
    for (int i = n->hold; i < q->turn.end; i++)
        s->bound[i] = -1;
    text_open(t, "for (int %s = %" PRId64 "; %s < %" PRId64 "; %s++)", q->at, q->turn.count - q->turn.rest, q->at, q->turn.count, q->at);
    put_vector(t, s, &q->turn, arena_print(t->arena, "%s[%s]", q->row, q->at),
               arena_print(t->arena, "%s[%s][%s]", q->name, first_of_vector(s), scope_name(s, n->loops[n->loop_count - 1])));
    t->depth--;
}

static void put_rows(Text *t, Scope *s)
{
    const Square *q = s->square;
    const char *turned = arena_print(t->arena, "turn_%s(%s + %s);", s->file->lanes, q->name, first_of_vector(s));
    int last = s->nest->loop_count - 1;

    open_squares(t, q);
    if (q->turn.rows_are_stored)
        text_line(t, "%s", turned);
    c_loops(t, s, last, last + 1, true, put_row);
    if (!q->turn.rows_are_stored)
        text_line(t, "%s", turned);
    text_close(t, "}");
    if (q->turn.rest)
        c_loops(t, s, last, last + 1, true, put_rest_of_row);
}

static void put_squares(Text *t, Scope *s)
{
    const Square *q = s->square;
    int last = s->nest->loop_count - 1;

    text_line(t, "%s %s[%" PRId64 "];", s->file->lanes, q->name, q->turn.vectors * q->turn.count);
    if (q->turn.rows_are_stored)
        c_loops(t, s, s->nest->hold, last, false, put_column);
    c_loops(t, s, q->turn.end, last, q->turn.again || q->turn.rest, put_rows);
    if (!q->turn.rows_are_stored)
        c_loops(t, s, s->nest->hold, last, false, put_column);
}

void c_turned(CFile *f, const Function *function)
{
    Scope *s = c_scope(f, function->nest);
    Square q = { .turn = nest_turn(s->nest), .lanes = machine_lanes(f->u->options.machine, f->u->options.real) };

    q.name = c_free_name(s, "square", "squares");
    q.at = c_free_name(s, "at", "place");
    q.next = c_free_name(s, "next", "next_place");
    q.row = c_free_name(s, "row", "first");
    s->square = &q;
    f->needs.lanes = f->needs.turn = true;
    c_signature(f, function->name, s);
    lesson_meanings(f, s);
    c_comment_column(f, s);
    c_loops(f->t, s, 0, s->nest->hold, true, put_squares);
    text_close(f->t, "}");
    s->square = NULL;
}

/* ---- the function that turns a square */

/* Shuffles of x86 stay inside of 16 bytes, but for those that move them whole. */
int c_turn_block(const Unit *u)
{
    return 16 / (u->options.machine->vector_bytes / machine_lanes(u->options.machine, u->options.real));
}

TurnPair c_turn_pair(int step, int number, int lanes, int block)
{
    int group = number / step * 2 * step, j = number % step;
    TurnPair pair = { .from = { group + j, group + j + step } };

    for (int k = 0; k < 2; k++) {
        pair.to[k] = step < block ? group + 2 * j + k : pair.from[k];
        for (int i = 0; i < lanes; i++)
            if (step < block) {                 /* inside of blocks: pieces of `step` lanes of the lower or the upper halves, in turn */
                int piece = i % block / step, begin = i / block * block + k * (block / 2);
                pair.lane[k][i] = piece % 2 * lanes + begin + piece / 2 * step + i % step;
            } else {                            /* whole blocks change places */
                int away = i & step;
                pair.lane[k][i] = away ? lanes + i - (k ? 0 : step) : i + (k ? step : 0);
            }
    }
    return pair;
}

/* Lanes of two vectors, those of the second numbered on: as __builtin_shufflevector has them. */
static void put_shuffle(Text *t, const char *to, const char *a, const char *b, const int *lane, int count)
{
    Text *numbers = text_new(t->arena);

    for (int i = 0; i < count; i++)
        text_put(numbers, ", %d", lane[i]);
    put_code(t, arena_print(t->arena, "%s = __builtin_shufflevector(%s, %s%s);", to, a, b, numbers->at));
}

static const char *vector(const Text *t, const char *array, int number)
{
    return arena_print(t->arena, "%s[%d]", array, number);
}

void c_turn_of_lanes(CFile *f)
{
    int count = machine_lanes(f->u->options.machine, f->u->options.real);
    const char *array[] = { "square", "other" };
    Text *t = f->t;

    text_blank(t);
    text_line(t, "/* Turns a square of %d by %d: a row becomes a column. */", count, count);
    text_line(t, "%s__attribute__((always_inline)) static inline void turn_%s(%s *square)", f->suffix[0] ? "MACHINE " : "", f->lanes, f->lanes);
    text_open(t, "{");
    t->depth = 0;
    text_line(t, "#if defined(__clang__) || __GNUC__ >= 12");
    t->depth = 1;
    text_line(t, "%s other[%d];", f->lanes, count);
    int from = 0;
    for (int step = 1; step < count; step *= 2, from = !from)
        for (int i = 0; i < count / 2; i++) {
            TurnPair pair = c_turn_pair(step, i, count, c_turn_block(f->u));
            for (int k = 0; k < 2; k++)
                put_shuffle(t, vector(t, array[!from], pair.to[k]), vector(t, array[from], pair.from[0]), vector(t, array[from], pair.from[1]), pair.lane[k], count);
        }
    if (from) {
        text_open(t, "for (int i = 0; i < %d; i++)", count);
        text_line(t, "square[i] = other[i];");
    }
    t->depth = 0;
    text_line(t, "#else");
    t->depth = 1;
    text_open(t, "for (int i = 0; i < %d; i++)", count);
    text_open(t, "for (int j = 0; j < i; j++) {");
    text_line(t, "const %s number = square[i][j];", f->real);
    text_line(t, "square[i][j] = square[j][i];");
    text_line(t, "square[j][i] = number;");
    text_close(t, "}");
    t->depth = 0;
    text_line(t, "#endif");
    text_line(t, "}");
}
