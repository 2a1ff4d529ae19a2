/* llvm_nest.c: a nest as a function of LLVM IR, in the shapes that the C file gives it: with loops, without them in parts, or with the
 * totals of several places held at once, or through squares (c_nest.c, c_unrolled.c, c_tile.c, c_turn.c). */
#include "emit/llvm.h"

#include <assert.h>
#include <string.h>

/* ---- functions */

static void attribute(Code *c, int parameter, const char *name, uint64_t number)
{
    llvm_attribute(c->m, c->function, (LLVMAttributeIndex)(parameter + 1), name, number);
}

/* Begins a function with the parameters of the nest, or of dst alone. */
static void begin_function(Code *c, const char *name, bool dst_alone)
{
    static const char *const promises[] = { "nounwind", "willreturn", "nofree", "nosync", "norecurse", "noinline" };
    Module *m = c->m;
    const Scope *s = c->s;
    int tensors = dst_alone ? 1 : s->tensors.count, rounds = nest_step_loops(c->nest);
    int count = tensors + rounds + (s->draws && !dst_alone);
    LLVMTypeRef *types = arena_array(m->u->arena, (size_t)count, sizeof *types);

    for (int i = 0; i < count; i++)
        types[i] = i >= tensors && i < tensors + rounds ? m->size : m->pointer;
    c->function = llvm_function(m, name, m->nothing, types, count, false);
    for (int i = 0; i < count; i++) {
        bool draw = i == tensors + rounds;
        if (i >= tensors && !draw) {
            const char *text = scope_name(s, c->nest->loops[i - tensors]);
            c->round[i - tensors] = LLVMGetParam(c->function, (unsigned)i);
            LLVMSetValueName2(c->round[i - tensors], text, strlen(text));
            continue;
        }
        const char *text = draw ? "draw" : scope_name(s, s->tensors.at[i]);
        LLVMSetValueName2(LLVMGetParam(c->function, (unsigned)i), text, strlen(text));
        attribute(c, i, "nocapture", 0);
        attribute(c, i, "nonnull", 0);
        attribute(c, i, "align", draw ? 4 : c->arguments[i].align);
        attribute(c, i, "dereferenceable", draw ? 16 : (uint64_t)tensor_count(s->tensors.at[i]) * m->real_bytes);
        if (draw || c->arguments[i].apart)
            attribute(c, i, "noalias", 0);
        if (i > 0)
            attribute(c, i, "readonly", 0);
    }
    if (m->u->options.style == STYLE_FAST)
        LLVMSetAlignment(c->function, LLVM_CONSTANT_ALIGN);     /* a line of the cache, see c_variant.c */
    for (int i = 0; i < countof(promises); i++)
        llvm_attribute(m, c->function, LLVMAttributeFunctionIndex, promises[i], 0);
    Span span = c->nest->site ? c->nest->site->span : NO_SPAN;
    llvm_debug_function(m, c->function, name, span);
    for (int i = 0; i < tensors; i++)
        llvm_debug_local(m, LLVMGetParam(c->function, (unsigned)i), scope_name(s, s->tensors.at[i]), s->tensors.at[i], span);
}

/* The lesson above the function in the C file, line by line: `!lesson !7`. */
static void put_lesson(Module *m, const Function *function, LLVMValueRef to)
{
    Text *file = m->plan->t, *t = m->plan->t = text_new(m->u->arena);
    LIST(LLVMMetadataRef) lines = { 0 };

    lesson_comment(m->plan, function);
    m->plan->t = file;
    for (const char *line = t->at; *line;) {
        size_t length = strcspn(line, "\n"), end = length;
        const char *next = line + length + (line[length] == '\n');
        size_t from = strspn(line, "/* ");
        if (end >= 2 && memcmp(line + end - 2, "*/", 2) == 0)
            end -= 2;
        while (end > 0 && line[end - 1] == ' ')
            end--;
        from = from > end ? end : from;
        if (end > from)
            LIST_ADD(m->u->arena, &lines, LLVMMDStringInContext2(m->context, line + from, end - from));
        line = next;
    }
    LLVMGlobalSetMetadata(to, LLVMGetMDKindIDInContext(m->context, "lesson", 6),
                          LLVMMDNodeInContext2(m->context, lines.at, (size_t)lines.count));
}

/* ---- statements */

static LLVMValueRef load_dst(Code *c)
{
    return llvm_load(c, c->nest->dst, c->nest->index, "before");
}

static void store_dst(Code *c, LLVMValueRef value)
{
    llvm_store(c, c->nest->dst, c->nest->index, value);
}

/* What the nest's own statement makes of a total. */
static LLVMValueRef put(Code *c, LLVMValueRef old)
{
    return llvm_put(c, c->nest->put, old, llvm_expr(c, c->nest->value, NULL), c->s->total);
}

static void put_in_memory(Code *c)
{
    store_dst(c, put(c, c->nest->put == PUT_SET ? NULL : load_dst(c)));
}

/* A place without a local total. */
static void put_single(Code *c)
{
    const Expr *value = c_single_value(c->s);

    if (value)
        store_dst(c, llvm_expr(c, value, NULL));
    else
        put_in_memory(c);
}

/* ---- totals: one in a register, or an array of them in memory */

static LLVMValueRef place_of_total(Code *c)
{
    Module *m = c->m;
    int tile = c_tile_of(c->nest);
    LLVMValueRef at[MAX_LOOPS + 1] = { llvm_int(m->size, 0) };

    for (int i = tile; i < c->nest->loop_count; i++)
        at[1 + i - tile] = c->bound[i] >= 0 ? llvm_int(m->size, c->bound[i]) : c->loop[i];
    return LLVMBuildInBoundsGEP2(m->at, LLVMGetAllocatedType(c->array), c->array, at, (unsigned)(1 + c->nest->loop_count - tile), "total.at");
}

static LLVMValueRef total(Code *c)
{
    return c->array ? LLVMBuildLoad2(c->m->at, c->m->real, place_of_total(c), c->s->total) : c->held[0];
}

static void set_total(Code *c, LLVMValueRef value)
{
    if (c->array)
        LLVMBuildStore(c->m->at, value, place_of_total(c));
    else
        c->held[0] = value;
}

static void begin_total(Code *c)
{
    set_total(c, llvm_expr(c, c_total_start(c->s), NULL));
}

static void put_total(Code *c)
{
    set_total(c, put(c, total(c)));
}

static void end_total(Code *c)
{
    LLVMValueRef value = total(c);

    if (c->nest->finish)
        value = llvm_expr(c, c->nest->finish, value);
    else if (c_total_is_added(c->nest))
        value = llvm_put(c, PUT_ADD, load_dst(c), value, "after");
    store_dst(c, value);
}

/* ---- a nest with loops */

/* The total of one place, from its beginning to its end. A total that is set has no summands: it is its beginning. */
static void put_one_total(Code *c)
{
    c->held_count = 1;
    begin_total(c);
    if (c->nest->put != PUT_SET)
        llvm_loops(c, scope_places(c->s), c->nest->loop_count, put_total);
    end_total(c);
    c->held_count = 0;
}

static void put_place(Code *c)
{
    if (c_needs_total(c->s))
        put_one_total(c);
    else
        put_single(c);
}

/* The whole of dst is set first. */
static void put_fill(Code *c)
{
    Module *m = c->m;
    OpenLoop open;
    LLVMValueRef from = LLVMGetParam(c->function, 0);
    int64_t count = tensor_count(c->nest->dst);
    if (nest_fills_image(c->nest)) {
        count /= c->nest->dst->dim[0];
        LLVMValueRef before = LLVMBuildNSWMul(m->at, c->round[0], llvm_int(m->size, count), "before");
        from = LLVMBuildInBoundsGEP2(m->at, m->real, from, &before, 1, "image.at");
    }
    LLVMValueRef i = llvm_loop_begin(c, &open, "place", count);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(m->at, m->real, from, &i, 1, "place.at");

    LLVMBuildStore(m->at, llvm_real(m, c->nest->fill->number), at);
    llvm_loop_end(c, &open);
}

static void put_loops(Code *c)
{
    begin_function(c, c->of->name, false);
    if (c->nest->fill)
        put_fill(c);
    if (nest_is_gather(c->nest))
        llvm_loops(c, 0, scope_places(c->s), put_place);
    else
        llvm_loops(c, 0, c->nest->loop_count, put_in_memory);
    LLVMBuildRetVoid(c->m->at);
}

/* ---- the totals of a tile */

static void put_tile_in_memory(Code *c)
{
    int tile = c_tile_of(c->nest);

    if (!c_needs_total(c->s)) {
        llvm_loops(c, tile, c->nest->loop_count, put_single);
        return;
    }
    llvm_loops(c, tile, c->nest->loop_count, begin_total);
    llvm_loops(c, c->nest->hold, c->nest->loop_count, put_total);
    llvm_loops(c, tile, c->nest->loop_count, end_total);
}

/* Which of the vectors that are held belongs to the places that are bound now. */
static int number_of_vector(const Code *c)
{
    int64_t number = 0;

    for (int i = c_tile_of(c->nest); i < c->nest->loop_count - 1; i++) {
        assert(c->bound[i] >= 0);
        number = number * c->nest->loops[i]->extent + c->bound[i];
    }
    return (int)number;
}

static bool starts_at_zero(const Nest *n)
{
    return !n->start || (n->start->op == OP_CONSTANT && n->start->number == 0);
}

static void begin_vector(Code *c)
{
    const Nest *n = c->nest;

    bool zero = n->put == PUT_SET || (n->put == PUT_ADD && (starts_at_zero(n) || c_sums_lanes(n)));
    c->held[number_of_vector(c)] = zero ? LLVMConstNull(c->vector)
                                   : llvm_in_lanes(c, n->start ? llvm_expr(c, n->start, NULL) : load_dst(c));
    c->held_count++;
}

static void put_vector(Code *c)
{
    LLVMValueRef *held = &c->held[number_of_vector(c)];

    *held = llvm_in_lanes(c, put(c, *held));
}

/* The lanes of a vector added up: halves onto each other, as sum_of_lanes of the C file does. */
static LLVMValueRef sum_of_lanes(Code *c, LLVMValueRef vector)
{
    Module *m = c->m;
    unsigned lanes = LLVMGetVectorSize(c->vector);

    for (unsigned half = lanes / 2; half > 0; half /= 2) {
        LLVMValueRef *number = arena_array(m->u->arena, 2 * half, sizeof *number);
        for (unsigned i = 0; i < 2 * half; i++)
            number[i] = llvm_int(m->i32, i);
        LLVMValueRef poison = LLVMGetPoison(LLVMTypeOf(vector));
        LLVMValueRef low = LLVMBuildShuffleVector(m->at, vector, poison, LLVMConstVector(number, half), "low");
        LLVMValueRef high = LLVMBuildShuffleVector(m->at, vector, poison, LLVMConstVector(number + half, half), "high");
        vector = LLVMBuildFAdd(m->at, low, high, "half");
    }
    return LLVMBuildExtractElement(m->at, vector, llvm_int(m->i32, 0), "all");
}

/* Stores what was made of a total: a vector, or where lanes were summed, a number or a vector along another loop. */
static void end_total_of_lanes(Code *c, LLVMValueRef value)
{
    const Nest *n = c->nest;

    if (c_sums_lanes(n) && !starts_at_zero(n))
        value = llvm_put(c, PUT_ADD, llvm_expr(c, n->start, NULL), value, c->s->total);
    if (n->finish)
        value = llvm_expr(c, n->finish, value);
    if (!n->start && n->put == PUT_ADD)
        value = llvm_put(c, PUT_ADD, load_dst(c), value, "after");
    store_dst(c, c_sums_lanes(n) ? value : llvm_in_lanes(c, value));
}

static void end_vector(Code *c)
{
    end_total_of_lanes(c, c->held[number_of_vector(c)]);
}

/* The lanes of several vectors: sums_of_lanes of the C file (c_sums.c). */
static LLVMValueRef sums_of_lanes(Code *c, const LLVMValueRef *vectors, int count)
{
    Module *m = c->m;
    int lanes = (int)LLVMGetVectorSize(c->vector), lane[2][MOST_LANES];
    LLVMValueRef sum[MOST_LANES], number[MOST_LANES], half[2];

    for (int i = 0; i < lanes; i++)
        sum[i] = i < count ? vectors[i] : LLVMConstNull(c->vector);
    for (int step = 1; step < lanes; step *= 2) {
        c_sum_pair(step, lanes, c_turn_block(m->u), lane);
        for (int i = 0; i < lanes / 2 / step; i++) {
            for (int k = 0; k < 2; k++) {
                for (int l = 0; l < lanes; l++)
                    number[l] = llvm_int(m->i32, lane[k][l]);
                half[k] = LLVMBuildShuffleVector(m->at, sum[2 * i], sum[2 * i + 1], LLVMConstVector(number, (unsigned)lanes), "half");
            }
            sum[i] = LLVMBuildFAdd(m->at, half[0], half[1], "sum");
        }
    }
    return sum[0];
}

/* FRESH of the C file (c_tile.c). */
static void put_fresh(const Module *m)
{
    static const char clobbers[] = "~{memory}";
    LLVMTypeRef type = LLVMFunctionType(m->nothing, NULL, 0, false);
    LLVMValueRef fresh = LLVMGetInlineAsm(type, "", 0, clobbers, sizeof clobbers - 1, true, false, LLVMInlineAsmDialectATT, false);

    LLVMBuildCall2(m->at, type, fresh, NULL, 0, "");
}

static void end_sums(Code *c)
{
    const Nest *n = c->nest;
    int64_t totals = c_count_totals(n);
    int last = n->loop_count - 1;
    SumGroup g;

    if (LLVMGetVectorSize(c->vector) > 1 && totals > 1)
        put_fresh(c->m);
    for (int64_t first = 0; first < totals; first += g.count) {
        g = c_sum_group(c->m->u, n, first);
        LLVMValueRef all = g.count > 1 ? sums_of_lanes(c, c->held + first, g.count) : sum_of_lanes(c, c->held[first]);
        for (int i = 0; i < (g.along ? 1 : g.count); i++) {
            c_bind_total(n, c->bound, first + i);
            c->lanes = n->loops[g.along ? last - 1 : last];
            end_total_of_lanes(c, g.along || g.count == 1 ? all : LLVMBuildExtractElement(c->m->at, all, llvm_int(c->m->i32, i), "all"));
        }
    }
    c->lanes = n->loops[last];
    for (int i = c_tile_of(n); i < last; i++)
        c->bound[i] = -1;
}

/* The places of a tile, from this loop on, that differ along the shared factor (or not), and for each of those the others. A vector of the other factor is
 * multiplied with all of the shared ones before the next is read: LLVM keeps that order, and would hold all of the other ones at once else, and totals
 * on the stack (LeNet's gradient of a 5x5 convolution for one image, 2 by 6 totals: 1.9 times the time). */
static void each_place(Code *c, int loop, const Expr *shared, bool along)
{
    const Nest *n = c->nest;

    if (loop == n->loop_count - 1) {
        if (along)
            put_vector(c);
        else
            each_place(c, c_tile_of(n), shared, true);
    } else if (indices_use(shared->index, shared->tensor->rank, n->loops[loop]) != along) {
        each_place(c, loop + 1, shared, along);
    } else {
        for (c->bound[loop] = 0; c->bound[loop] < n->loops[loop]->extent; c->bound[loop]++)
            each_place(c, loop + 1, shared, along);
        c->bound[loop] = -1;
    }
}

static void put_round(Code *c)
{
    const Nest *n = c->nest;
    int tile = c_tile_of(n);

    if (c_rounds_overlap(n) && LLVMGetVectorSize(c->vector) > 1)
        put_fresh(c->m);
    const Expr *shared = c_shared_factor(n);
    if (shared)
        each_place(c, tile, shared, false);
    else
        llvm_loops(c, tile, n->loop_count - 1, put_vector);
}

/* The whole sum of a place in one expression, and its end. */
static void put_unfolded(Code *c)
{
    const Nest *n = c->nest;
    LLVMValueRef sum = llvm_expr(c, nest_unfold(c->m->u, n, c->bound), NULL);

    if (!starts_at_zero(n))
        sum = llvm_put(c, PUT_ADD, llvm_expr(c, n->start, NULL), sum, c->s->total);
    c->held[number_of_vector(c)] = llvm_in_lanes(c, sum);
    end_vector(c);
}

static void put_tile_in_vectors(Code *c)
{
    const Nest *n = c->nest;
    int last = n->loop_count - 1, tile = c_tile_of(n);
    int64_t count = 1;

    for (int i = tile; i < last; i++)
        count *= n->loops[i]->extent;
    c->held = arena_array(c->m->u->arena, (size_t)count, sizeof *c->held);
    c->lanes = n->loops[last];
    c->bound[last] = 0;                     /* an access of lanes is named by its first */
    if (nest_is_unfolded(n)) {
        llvm_loops(c, tile, last, put_unfolded);
    } else {
        llvm_loops(c, tile, last, begin_vector);
        llvm_loops(c, n->hold, tile, put_round);
        c->held_count = 0;
        if (c_sums_lanes(n))
            end_sums(c);
        else
            llvm_loops(c, tile, last, end_vector);
    }
    c->bound[last] = -1;
    c->lanes = NULL;
}

static void put_tiles(Code *c)
{
    const Nest *n = c->nest;
    Module *m = c->m;
    const Loop *last = n->loops[n->loop_count - 1];
    LLVMTypeRef array = m->real;

    begin_function(c, c->of->name, false);
    if (last->kind == LOOP_LANES) {
        c->vector = LLVMVectorType(m->real, (unsigned)last->extent);
        c->unrolled = last->extent > 1 ? c_unrolled_loop(m->u, c->nest) : NULL;
        llvm_loops(c, 0, n->hold, put_tile_in_vectors);
    } else {
        for (int i = n->loop_count - 1; i >= c_tile_of(n); i--)
            array = LLVMArrayType(array, (unsigned)n->loops[i]->extent);
        if (c_needs_total(c->s))
            c->array = LLVMBuildAlloca(m->at, array, arena_print(m->u->arena, "%ss", c->s->total));
        llvm_loops(c, 0, n->hold, put_tile_in_memory);
    }
    LLVMBuildRetVoid(m->at);
}

/* ---- squares */

static void put_turned(Code *c)
{
    const Nest *n = c->nest;
    Module *m = c->m;
    Turn turn = nest_turn(n);

    begin_function(c, c->of->name, false);
    c->vector = LLVMVectorType(m->real, (unsigned)n->loops[n->loop_count - 1]->extent);
    c->array = LLVMBuildAlloca(m->at, LLVMArrayType(c->vector, (unsigned)(turn.count * turn.vectors)), "squares");
    llvm_loops(c, 0, n->hold, llvm_squares);
    LLVMBuildRetVoid(m->at);
}

/* ---- without any loop */

static void close_part(Code *c)
{
    if (c->left >= 0)
        LLVMBuildRetVoid(c->m->at);
    c->left = -1;
}

/* Begins the function of the next part; one part that is all is the nest's function itself. */
static void open_part(Code *c, bool fill, int64_t size)
{
    Arena *arena = c->m->u->arena;
    const char *name = c->alone ? c->of->name
                       : names_unique(c->m->plan->names, arena_print(arena, "%s_part%d", c->of->name, c->parts.count + 1));

    close_part(c);
    begin_function(c, name, fill);
    LIST_ADD(arena, &c->parts, c->function);
    c->left = size;
}

static void put_fill_parts(Code *c)
{
    Module *m = c->m;
    int64_t count = tensor_count(c->nest->dst);

    for (int64_t i = 0; i < count; i++) {
        if (c->left <= 0)
            open_part(c, true, FILL_STATEMENTS);
        LLVMValueRef at = llvm_int(m->size, i);
        LLVMBuildStore(m->at, llvm_real(m, c->nest->fill->number),
                       LLVMBuildInBoundsGEP2(m->at, m->real, LLVMGetParam(c->function, 0), &at, 1, "place.at"));
        c->left--;
    }
    c->left = c->left > 0 ? 0 : c->left;
}

static void put_in_part(Code *c)
{
    if (c->left <= 0)
        open_part(c, false, c_part_size(c->nest));
    c->left--;
    if (nest_is_gather(c->nest))
        put_place(c);
    else
        put_in_memory(c);
}

static void put_parts(Code *c)
{
    const Nest *n = c->nest;
    Module *m = c->m;

    c->alone = !n->fill && c_whole_size(n) <= c_part_size(n);
    c->left = -1;
    if (n->fill)
        put_fill_parts(c);
    llvm_loops(c, 0, nest_is_gather(n) ? scope_places(c->s) : n->loop_count, put_in_part);
    close_part(c);
    if (c->alone)
        return;
    begin_function(c, c->of->name, false);
    for (int i = 0; i < c->parts.count; i++) {
        int count = (int)LLVMCountParams(c->parts.at[i]);
        LLVMValueRef *arguments = arena_array(m->u->arena, (size_t)count, sizeof *arguments);
        for (int j = 0; j < count; j++)
            arguments[j] = LLVMGetParam(c->function, (unsigned)j);
        llvm_call(m, c->parts.at[i], arguments, count);
    }
    LLVMBuildRetVoid(m->at);
}

void llvm_nest(Module *m, const Function *function)
{
    const Nest *n = function->nest;
    Code *c = ARENA_NEW(m->u->arena, Code);

    *c = (Code){ .m = m, .s = c_scope(m->plan, n), .nest = n, .of = function, .arguments = llvm_arguments(m, function) };
    c->held = arena_array(m->u->arena, 1, sizeof *c->held);
    for (int i = 0; i < MAX_LOOPS; i++)
        c->bound[i] = -1;
    if (c_is_unrolled(n))
        put_parts(c);
    else if (nest_is_turned(n))
        put_turned(c);
    else if (c_is_tiled(n))
        put_tiles(c);
    else
        put_loops(c);
    put_lesson(m, function, c->function);
    *map_at(m->functions, &function, sizeof function) = c->function;
}
