/* llvm_turn.c: a copy through squares of vectors, as the C file has it (c_turn.c). Each is turned in registers; an array of vectors keeps what is read until
 * it is stored. */
#include "emit/llvm.h"

/* ---- vectors of the array, of a row, of a column */

static LLVMValueRef vector_at(Code *c, LLVMValueRef first, int64_t behind)
{
    Module *m = c->m;
    LLVMValueRef at = behind ? LLVMBuildNUWAdd(m->at, first, llvm_int(m->size, behind), "vector") : first;
    return LLVMBuildInBoundsGEP2(m->at, c->vector, c->array, &at, 1, "square.at");
}

/* llvm.prefetch of what is so many numbers away, which may lie behind the end: into the nearest cache, as data, to be read or written. */
static void ask_for(Code *c, LLVMValueRef at, int64_t away, bool written)
{
    Module *m = c->m;
    static const char name[] = "llvm.prefetch";
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(m->module, LLVMLookupIntrinsicID(name, sizeof name - 1), &m->pointer, 1);
    LLVMValueRef number = llvm_int(m->size, away), there = LLVMBuildGEP2(m->at, m->real, at, &number, 1, "next.at");

    llvm_call(m, function, (LLVMValueRef[]){ there, llvm_int(m->i32, written), llvm_int(m->i32, 3), llvm_int(m->i32, 1) }, 4);
}

/* The address of so many places behind the beginning of the row of a lane. */
static LLVMValueRef row_at(Code *c, const Turn *turn, int64_t lane, LLVMValueRef at)
{
    const Nest *n = c->nest;
    bool stored = turn->rows_are_stored;

    for (int i = n->hold; i < turn->end; i++)
        c->bound[i] = 0;
    c->bound[n->loop_count - 1] = lane;
    LLVMValueRef row = stored ? llvm_address(c, n->dst, n->index) : llvm_address(c, turn->load->tensor, turn->load->index);
    c->bound[n->loop_count - 1] = -1;
    for (int i = n->hold; i < turn->end; i++)
        c->bound[i] = -1;
    row = LLVMBuildInBoundsGEP2(c->m->at, c->m->real, row, &at, 1, "row.at");
    if (turn->goes_on)
        ask_for(c, row, SQUARES_AHEAD * turn->count, stored);
    return row;
}

static LLVMValueRef load_row(Code *c, LLVMValueRef at)
{
    LLVMValueRef row = LLVMBuildLoad2(c->m->at, c->vector, at, "row");

    LLVMSetAlignment(row, c->m->real_bytes);
    return row;
}

/* What dst gets where it holds `old`. */
static LLVMValueRef joined(Code *c, const Turn *turn, LLVMValueRef old, LLVMValueRef value)
{
    Module *m = c->m;

    if (turn->keep)
        old = llvm_contracted(m, LLVMBuildFMul(m->at, llvm_in_lanes(c, llvm_expr(c, turn->keep, NULL)), old, "kept"));
    return llvm_contracted(m, LLVMBuildFAdd(m->at, old, value, "joined"));
}

static bool reads_dst(const Turn *turn) { return turn->keep || turn->adds; }

/* ---- squares */

static void turn_square(Code *c, LLVMValueRef *square)
{
    Module *m = c->m;
    int lanes = (int)LLVMGetVectorSize(c->vector);
    LLVMValueRef other[MOST_LANES], number[MOST_LANES];

    for (int step = 1; step < lanes; step *= 2) {
        for (int i = 0; i < lanes / 2; i++) {
            TurnPair pair = c_turn_pair(step, i, lanes, c_turn_block(m->u));
            for (int k = 0; k < 2; k++) {
                for (int lane = 0; lane < lanes; lane++)
                    number[lane] = llvm_int(m->i32, pair.lane[k][lane]);
                other[pair.to[k]] = LLVMBuildShuffleVector(m->at, square[pair.from[0]], square[pair.from[1]],
                                                           LLVMConstVector(number, (unsigned)lanes), "turned");
            }
        }
        for (int i = 0; i < lanes; i++)
            square[i] = other[i];
    }
}

/* What the squares leave of the rows of the lanes of one vector, number by number. */
static void put_rest_of_rows(Code *c, const Turn *turn)
{
    Module *m = c->m;
    int lanes = (int)LLVMGetVectorSize(c->vector);
    Turn here = *turn;

    here.goes_on = false;
    for (int64_t at = turn->count - turn->rest; at < turn->count; at++) {
        LLVMValueRef first = turn->vectors > 1 ? LLVMBuildNUWMul(m->at, c->loop[turn->end], llvm_int(m->size, turn->count), "before") : llvm_int(m->size, 0);
        LLVMValueRef column = LLVMBuildLoad2(m->at, c->vector, vector_at(c, first, at), "column");
        for (int lane = 0; lane < lanes; lane++) {
            LLVMValueRef to = row_at(c, &here, lane, llvm_int(m->size, at));
            LLVMValueRef old = LLVMBuildLoad2(m->at, m->real, to, "before"), value = LLVMBuildExtractElement(m->at, column, llvm_int(m->i32, lane), "number");
            if (turn->keep)
                old = llvm_contracted(m, LLVMBuildFMul(m->at, llvm_expr(c, turn->keep, NULL), old, "kept"));
            LLVMBuildStore(m->at, llvm_contracted(m, LLVMBuildFAdd(m->at, old, value, "joined")), to);
        }
    }
}

/* Rows of the lanes of one vector, square by square; the last one begins before their end if they are no whole squares. */
static void put_rows(Code *c)
{
    Module *m = c->m;
    Turn turn = nest_turn(c->nest);
    int lanes = (int)LLVMGetVectorSize(c->vector);
    int64_t squares = turn.count / lanes + (turn.again > 0);
    LLVMValueRef square[MOST_LANES];
    OpenLoop open;

    LLVMValueRef number = llvm_loop_begin(c, &open, "square", squares);
    LLVMValueRef at = LLVMBuildNUWMul(m->at, number, llvm_int(m->size, lanes), "place");
    if (turn.again) {
        LLVMValueRef last = llvm_int(m->size, turn.count - lanes);
        at = LLVMBuildSelect(m->at, LLVMBuildICmp(m->at, LLVMIntULT, at, last, "before"), at, last, "place");
    }
    LLVMValueRef first = at;
    if (turn.vectors > 1)
        first = LLVMBuildNUWAdd(m->at, LLVMBuildNUWMul(m->at, c->loop[turn.end], llvm_int(m->size, turn.count), "before"), at, "first");
    for (int i = 0; i < lanes; i++)
        square[i] = turn.rows_are_stored ? LLVMBuildLoad2(m->at, c->vector, vector_at(c, first, i), "column") : load_row(c, row_at(c, &turn, i, at));
    turn_square(c, square);
    for (int i = 0; i < lanes; i++) {
        LLVMValueRef to = turn.rows_are_stored ? row_at(c, &turn, i, at) : vector_at(c, first, i);
        LLVMValueRef value = turn.rows_are_stored && reads_dst(&turn) ? joined(c, &turn, load_row(c, to), square[i]) : square[i];
        LLVMValueRef store = LLVMBuildStore(m->at, value, to);
        if (turn.rows_are_stored)
            LLVMSetAlignment(store, m->real_bytes);
    }
    llvm_loop_end(c, &open);
    if (turn.rest)
        put_rest_of_rows(c, &turn);
}

static void put_column(Code *c)
{
    Module *m = c->m;
    const Nest *n = c->nest;
    Turn turn = nest_turn(n);
    LLVMValueRef number = turn.vectors > 1 ? c->loop[turn.end] : llvm_int(m->size, 0);

    for (int i = n->hold; i < turn.end; i++)
        number = LLVMBuildNUWAdd(m->at, LLVMBuildNUWMul(m->at, number, llvm_int(m->size, n->loops[i]->extent), "before"), c->loop[i], "number");
    LLVMValueRef column = vector_at(c, number, 0);
    c->lanes = n->loops[n->loop_count - 1];
    c->bound[n->loop_count - 1] = 0;            /* an access of lanes is named by its first */
    if (turn.rows_are_stored) {
        LLVMBuildStore(m->at, llvm_expr(c, turn.load, NULL), column);
    } else {
        LLVMValueRef value = LLVMBuildLoad2(m->at, c->vector, column, "column");
        if (reads_dst(&turn))
            value = joined(c, &turn, llvm_load(c, n->dst, n->index, "before"), value);
        llvm_store(c, n->dst, n->index, value);
    }
    c->bound[n->loop_count - 1] = -1;
    c->lanes = NULL;
}

void llvm_squares(Code *c)
{
    const Nest *n = c->nest;
    Turn turn = nest_turn(n);

    if (turn.rows_are_stored)
        llvm_loops(c, n->hold, n->loop_count - 1, put_column);
    llvm_loops(c, turn.end, n->loop_count - 1, put_rows);
    if (!turn.rows_are_stored)
        llvm_loops(c, n->hold, n->loop_count - 1, put_column);
}
