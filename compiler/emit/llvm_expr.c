/* llvm_expr.c: expressions, indices and accesses as LLVM IR (llvm.h). A value is one number, or a vector with one for each lane. */
#include "emit/llvm.h"

#include "loops/lanes.h"

#include <assert.h>
#include <string.h>

/* ---- flags */

LLVMValueRef llvm_contracted(const Module *m, LLVMValueRef value)
{
#if CNNC_LLVM >= 18
    if (!m->u->options.strict && LLVMIsAInstruction(value) && LLVMCanValueUseFastMathFlags(value))
        LLVMSetFastMathFlags(value, LLVMFastMathAllowContract);
#else
    (void)m;
#endif
    return value;
}

/* ---- indices */

static int number_of_loop(const Code *c, const Loop *l)
{
    for (int i = 0; i < c->nest->loop_count; i++)
        if (c->nest->loops[i] == l)
            return i;
    assert(!"a loop of another nest");
    return -1;
}

/* "oh2.kh" for 2*oh + kh */
static const char *name_of(const Code *c, const Affine *a)
{
    Text *t = text_new(c->m->u->arena);

    for (int i = 0; i < a->count; i++) {
        int64_t factor = a->term[i].factor;
        text_put(t, "%s%s", i ? "." : "", scope_name(c->s, a->term[i].loop));
        if (factor != 1)
            text_put(t, "%lld", (long long)factor);
    }
    return t->at;
}

LLVMValueRef llvm_affine(Code *c, const Affine *a)
{
    const Module *m = c->m;
    LLVMValueRef sum = NULL;
    int64_t offset = a->offset;

    for (int i = 0; i < a->count; i++) {
        int loop = number_of_loop(c, a->term[i].loop);
        if (c->bound[loop] >= 0) {
            offset += a->term[i].factor * c->bound[loop];
            continue;
        }
        LLVMValueRef term = c->loop[loop];
        if (a->term[i].factor != 1)
            term = LLVMBuildNSWMul(m->at, term, llvm_int(m->size, a->term[i].factor), "scaled");
        sum = sum ? LLVMBuildNSWAdd(m->at, sum, term, name_of(c, a)) : term;
    }
    if (!sum)
        return llvm_int(m->size, offset);
    return offset ? LLVMBuildNSWAdd(m->at, sum, llvm_int(m->size, offset), name_of(c, a)) : sum;
}

/* ---- accesses */

static int number_of_tensor(const Code *c, const Tensor *t)
{
    for (int i = 0; i < c->s->tensors.count; i++)
        if (c->s->tensors.at[i] == t)
            return i;
    assert(!"a tensor of another nest");
    return -1;
}

LLVMValueRef llvm_address(Code *c, const Tensor *t, const Affine *index)
{
    const Module *m = c->m;
    LLVMValueRef base = LLVMGetParam(c->function, (unsigned)number_of_tensor(c, t)), at[MAX_AXES];

    if (t->rank == 0)
        return base;
    for (int i = 0; i < t->rank; i++)
        at[i] = llvm_affine(c, &index[i]);
    return LLVMBuildInBoundsGEP2(m->at, llvm_array(m->real, t->dim + 1, t->rank - 1), base, at, (unsigned)t->rank,
                                 arena_print(m->u->arena, "%s.at", scope_name(c->s, t)));
}

static bool runs_over(const Tensor *t, const Affine *index, const Loop *l)
{
    for (int i = 0; i < t->rank; i++)
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop == l)
                return true;
    return false;
}

/* The largest power of two that divides the address of a vector, in bytes. */
static unsigned align_of(const Code *c, const Tensor *t, const Affine *index)
{
    int64_t bits = c->arguments[number_of_tensor(c, t)].align, stride = c->m->real_bytes, known = 0;
    int64_t factor[MAX_LOOPS] = { 0 };

    for (int i = t->rank - 1; i >= 0; i--) {
        known += index[i].offset * stride;
        for (int j = 0; j < index[i].count; j++) {
            int loop = number_of_loop(c, index[i].term[j].loop);
            if (c->bound[loop] >= 0)
                known += c->bound[loop] * index[i].term[j].factor * stride;
            else
                factor[loop] += index[i].term[j].factor * stride;
        }
        stride *= t->dim[i];
    }
    bits |= known;
    for (int i = 0; i < c->nest->loop_count; i++)
        bits |= factor[i];
    return (unsigned)(bits & -bits);
}

LLVMValueRef llvm_load(Code *c, const Tensor *t, const Affine *index, const char *name)
{
    bool vector = c->lanes && runs_over(t, index, c->lanes);
    LLVMValueRef value = LLVMBuildLoad2(c->m->at, vector ? c->vector : c->m->real, llvm_address(c, t, index), name);

    if (vector)
        LLVMSetAlignment(value, align_of(c, t, index));
    return value;
}

void llvm_store(Code *c, const Tensor *t, const Affine *index, LLVMValueRef value)
{
    LLVMValueRef store = LLVMBuildStore(c->m->at, value, llvm_address(c, t, index));

    if (LLVMTypeOf(value) != c->m->real)
        LLVMSetAlignment(store, align_of(c, t, index));
}

/* ---- lanes */

static bool is_vector(LLVMValueRef value)
{
    return LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMVectorTypeKind;
}

LLVMValueRef llvm_in_lanes(Code *c, LLVMValueRef value)
{
    const Module *m = c->m;
    unsigned lanes = LLVMGetVectorSize(c->vector);

    if (is_vector(value))
        return value;
    if (LLVMIsConstant(value)) {
        LLVMValueRef *all = arena_array(m->u->arena, lanes, sizeof *all);
        for (unsigned i = 0; i < lanes; i++)
            all[i] = value;
        return LLVMConstVector(all, lanes);
    }
    LLVMValueRef one = LLVMBuildInsertElement(m->at, LLVMGetPoison(c->vector), value, llvm_int(m->i32, 0), "one");
    return LLVMBuildShuffleVector(m->at, one, LLVMGetPoison(c->vector), LLVMConstNull(LLVMVectorType(m->i32, lanes)), "all");
}

/* Both numbers, or both vectors. */
static void match(Code *c, LLVMValueRef *x, LLVMValueRef *y)
{
    if (is_vector(*x) || is_vector(*y)) {
        *x = llvm_in_lanes(c, *x);
        *y = llvm_in_lanes(c, *y);
    }
}

/* ---- functions of the math library */

/* A function of LLVM's own that every machine has as an instruction or a few. */
static LLVMValueRef intrinsic(Code *c, const char *name, LLVMValueRef x)
{
    Module *m = c->m;
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(m->module, LLVMLookupIntrinsicID(name, strlen(name)), &type, 1);

    return LLVMBuildCall2(m->at, LLVMGlobalGetValueType(function), function, &x, 1, name + strlen("llvm."));
}

static LLVMValueRef call(Code *c, Op op, LLVMValueRef x)
{
    Module *m = c->m;
    LLVMValueRef function;

    if (is_vector(x))
        function = llvm_math_of(m, op, LLVMTypeOf(x));
    else if (op == OP_EXP && nest_takes_exp_of_libm(m->u, c->nest))
        function = llvm_library(m, c_function_of(op, m->u->options.real));
    else
        function = llvm_math(m, op);
    assert(function);                       /* fast.c asks for no other of vectors */
    return llvm_call(m, function, &x, 1);
}

/* ---- random numbers */

/* One turn of Philox 4x32 on the counter and the key. */
static void mix(Module *m, LLVMValueRef counter[4], LLVMValueRef key[2])
{
    static const uint32_t factor[2] = { 0xD2511F53u, 0xCD9E8D57u }, step[2] = { 0x9E3779B9u, 0xBB67AE85u };
    LLVMValueRef high[2], low[2];

    for (int i = 0; i < 2; i++) {
        LLVMValueRef wide = LLVMBuildZExt(m->at, counter[2 * i], m->i64, "wide");
        LLVMValueRef product = LLVMBuildMul(m->at, wide, llvm_int(m->i64, factor[i]), "product");
        high[i] = LLVMBuildTrunc(m->at, LLVMBuildLShr(m->at, product, llvm_int(m->i64, 32), "upper"), m->i32, "high");
        low[i] = LLVMBuildTrunc(m->at, product, m->i32, "low");
    }
    LLVMValueRef next[4] = {
        LLVMBuildXor(m->at, LLVMBuildXor(m->at, high[1], counter[1], "mixed"), key[0], "c0"), low[1],
        LLVMBuildXor(m->at, LLVMBuildXor(m->at, high[0], counter[3], "mixed"), key[1], "c2"), low[0],
    };
    memcpy(counter, next, sizeof next);
    for (int i = 0; i < 2; i++)
        key[i] = LLVMBuildAdd(m->at, key[i], llvm_int(m->i32, step[i]), "key");
}

/* real uniform(draw, stream, image, element): see loops/evaluate.h, uniform_number. */
LLVMValueRef llvm_uniform(Module *m)
{
    Spot before = llvm_spot(m);
    LLVMTypeRef parameters[] = { m->pointer, m->i32, m->i32, m->i32 };
    static const char *const names[] = { "draw", "stream", "image", "element" };
    LLVMValueRef drawn[4], arguments[4];

    if (m->uniform)
        return m->uniform;
    m->uniform = llvm_function(m, "uniform", m->real, parameters, countof(parameters), false);
    for (int i = 0; i < countof(parameters); i++) {
        arguments[i] = LLVMGetParam(m->uniform, (unsigned)i);
        LLVMSetValueName2(arguments[i], names[i], strlen(names[i]));
    }
    for (int i = 0; i < 4; i++) {
        LLVMValueRef at = llvm_int(m->size, i);
        drawn[i] = LLVMBuildLoad2(m->at, m->i32, LLVMBuildInBoundsGEP2(m->at, m->i32, arguments[0], &at, 1, "draw.at"), "drawn");
    }
    LLVMValueRef key[2] = { drawn[0], drawn[1] };
    LLVMValueRef counter[4] = { arguments[3], LLVMBuildAdd(m->at, drawn[3], arguments[2], "c1"), drawn[2], arguments[1] };
    for (int turn = 0; turn < 10; turn++)
        mix(m, counter, key);
    LLVMValueRef bits = LLVMBuildLShr(m->at, counter[0], llvm_int(m->i32, 8), "bits");      /* 24 of them */
    LLVMValueRef number = LLVMBuildUIToFP(m->at, bits, m->real, "number");
    LLVMBuildRet(m->at, LLVMBuildFMul(m->at, number, llvm_real(m, 1.0 / 16777216), "uniform"));
    llvm_go_on(m, before);
    return m->uniform;
}

static LLVMValueRef draw(Code *c, const Expr *e)
{
    Module *m = c->m;
    LLVMValueRef function = llvm_uniform(m);
    unsigned parameter = (unsigned)(c->s->tensors.count + nest_step_loops(c->nest));
    LLVMValueRef arguments[4] = { LLVMGetParam(c->function, parameter), llvm_int(m->i32, (int64_t)e->number) };

    for (int i = 0; i < 2; i++)
        arguments[2 + i] = LLVMBuildIntCast2(m->at, llvm_affine(c, &e->index[i]), m->i32, false, i ? "element" : "image");
    return llvm_call(m, function, arguments, 4);
}

/* ---- expressions */

static LLVMValueRef choice(Code *c, LLVMRealPredicate relation, LLVMValueRef x, LLVMValueRef y, LLVMValueRef then,
                           LLVMValueRef otherwise, const char *name)
{
    LLVMValueRef condition;

    match(c, &x, &y);
    match(c, &then, &otherwise);
    if (is_vector(x))
        match(c, &x, &then);
    if (is_vector(x))
        match(c, &then, &otherwise);
    condition = LLVMBuildFCmp(c->m->at, relation, x, y, relation == LLVMRealOEQ ? "same" : relation == LLVMRealOGT ? "above" : "below");
    return LLVMBuildSelect(c->m->at, condition, then, otherwise, name);
}

LLVMValueRef llvm_expr(Code *c, const Expr *e, LLVMValueRef total)
{
    Module *m = c->m;
    LLVMValueRef x = NULL, y = NULL;

    if (e->op != OP_SELECT_GT && e->op != OP_SELECT_EQ && e->a)
        x = llvm_expr(c, e->a, total);
    if (e->op != OP_SELECT_GT && e->op != OP_SELECT_EQ && e->b) {
        y = llvm_expr(c, e->b, total);
        match(c, &x, &y);
    }
    switch (e->op) {
    case OP_CONSTANT: return llvm_real(m, e->number);
    case OP_LOAD:     return llvm_load(c, e->tensor, e->index, arena_print(m->u->arena, "%s.value", scope_name(c->s, e->tensor)));
    case OP_INDEX:    return LLVMBuildSIToFP(m->at, llvm_affine(c, &e->index[0]), m->real, "index");
    case OP_TOTAL:    return total;
    case OP_RANDOM:   return draw(c, e);
    case OP_NEG:      return llvm_contracted(c->m, LLVMBuildFNeg(m->at, x, "negative"));
    case OP_ABS:      return intrinsic(c, "llvm.fabs", x);
    case OP_SQRT:     return intrinsic(c, "llvm.sqrt", x);
    case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_TANH: case OP_ERF:
        return call(c, e->op, x);
    case OP_ADD:      return llvm_contracted(c->m, LLVMBuildFAdd(m->at, x, y, "sum"));
    case OP_SUB:      return llvm_contracted(c->m, LLVMBuildFSub(m->at, x, y, "difference"));
    case OP_MUL:      return llvm_contracted(c->m, LLVMBuildFMul(m->at, x, y, "product"));
    case OP_DIV:      return llvm_contracted(c->m, LLVMBuildFDiv(m->at, x, y, "quotient"));
    case OP_MAX:      return choice(c, LLVMRealOGT, x, y, x, y, "larger");
    case OP_MIN:      return choice(c, LLVMRealOLT, x, y, x, y, "smaller");
    case OP_SELECT_GT: case OP_SELECT_EQ: {
        /* One after the other: the order of instructions is part of the output. */
        LLVMValueRef left = llvm_expr(c, e->a, total), right = llvm_expr(c, e->b, total);
        LLVMValueRef then = llvm_expr(c, e->c, total), otherwise = llvm_expr(c, e->d, total);
        return choice(c, e->op == OP_SELECT_GT ? LLVMRealOGT : LLVMRealOEQ, left, right, then, otherwise, "chosen");
    }
    }
    return NULL;
}

LLVMValueRef llvm_put(Code *c, Put put, LLVMValueRef old, LLVMValueRef value, const char *name)
{
    if (put == PUT_SET)
        return value;
    match(c, &old, &value);
    switch (put) {
    case PUT_ADD: return llvm_contracted(c->m, LLVMBuildFAdd(c->m->at, old, value, name));
    case PUT_MAX: return choice(c, LLVMRealOGT, value, old, value, old, name);
    case PUT_MIN: return choice(c, LLVMRealOLT, value, old, value, old, name);
    case PUT_SET: break;
    }
    return value;
}
