/* llvm_step.c: the functions that run a phase: they call the functions of its nests one after the other (c_step.c). */
#include "emit/llvm.h"

#include <inttypes.h>
#include <string.h>

/* A step that is being made. */
typedef struct Making {
    Module *m;
    const Step *step;
    LLVMValueRef function;
    Map *places;                    /* name of a tensor -> its address, once it was asked for */
} Making;

/* The type of a struct of params, Fashion_weights: fields in the order of the weights file. */
static LLVMTypeRef params_type(Module *m, bool trained)
{
    const Net *net = m->plan->u->net;
    const char *name = arena_print(m->u->arena, "%s_%s", m->plan->net, trained ? "weights" : "state");
    LLVMTypeRef type = LLVMGetTypeByName2(m->context, name);
    LIST(LLVMTypeRef) fields = { 0 };

    if (type)
        return type;
    for (int i = 0; i < net->params.count; i++)
        if (net->params.at[i]->trained == trained)
            LIST_ADD(m->u->arena, &fields, llvm_array(m->real, net->params.at[i]->shape.dim, net->params.at[i]->shape.rank));
    type = LLVMStructCreateNamed(m->context, name);
    LLVMStructSetBody(type, fields.at, (unsigned)fields.count, false);
    return type;
}

/* ---- arguments */

/* The parameter of the step for a use. */
static LLVMValueRef parameter(const Making *s, Use use)
{
    unsigned number = 0;

    for (int i = 0; i < (int)use; i++)
        number += s->step->uses[i];
    return LLVMGetParam(s->function, number);
}

static LLVMValueRef in_struct(const Making *s, Use use, const Tensor *base)
{
    Module *m = s->m;
    unsigned number = (unsigned)number_of_param(m->plan->u->net, base->param);

    return LLVMBuildStructGEP2(m->at, params_type(m, base->param->trained), parameter(s, use), number, base->name);
}

static LLVMValueRef in_block(const Making *s, Use use, const Tensor *base)
{
    LLVMValueRef at = llvm_int(s->m->size, base->offset);

    return LLVMBuildInBoundsGEP2(s->m->at, s->m->real, parameter(s, use), &at, 1, base->name);
}

static LLVMValueRef constant(Module *m, const Tensor *base)
{
    void **known = map_text(m->globals, base->name);

    if (!*known)
        *known = llvm_constant(m, base->name, llvm_reals(m, base->constant, base->dim, base->rank), LLVM_CONSTANT_ALIGN);
    return *known;
}

static LLVMValueRef find_place(const Making *s, const Tensor *base)
{
    switch (base->role) {
    case ROLE_INPUT:          return parameter(s, USE_X);
    case ROLE_TARGET:         return parameter(s, USE_TARGET);
    case ROLE_SHARE:          return parameter(s, USE_SHARE);
    case ROLE_IMAGES:         return parameter(s, USE_IMAGES);
    case ROLE_KEEP:           return parameter(s, USE_KEEP);
    case ROLE_INPUT_GRADIENT: return parameter(s, USE_DX);
    case ROLE_OUTPUT:         return parameter(s, USE_Y);
    case ROLE_LOSS:           return parameter(s, USE_LOSS);
    case ROLE_PARAM:          return in_struct(s, USE_WEIGHTS, base);
    case ROLE_STATE:          return in_struct(s, USE_STATE, base);
    case ROLE_GRADIENT:       return in_struct(s, USE_GRADIENT, base);
    case ROLE_SCRATCH:        return in_block(s, USE_SCRATCH, base);
    case ROLE_SHARED:         return in_block(s, USE_SHARED, base);
    case ROLE_CONSTANT:       return constant(s->m, base);
    }
    return NULL;
}

static LLVMValueRef place(const Making *s, const Tensor *t)
{
    const Tensor *base = tensor_base((Tensor *)t);
    void **known = map_at(s->places, &base, sizeof base);

    if (!*known) {
        LLVMValueRef found = find_place(s, base);
        llvm_debug_tensor(s->m, found, base);
        *map_at(s->places, &base, sizeof base) = found;
        return found;
    }
    return *known;
}

/* ---- steps */

/* Begins a function that takes what `uses` says, under the names of the C file. */
static LLVMValueRef begin_step(Module *m, const char *name, const Program *p, const bool uses[USE_COUNT], bool is_public)
{
    const char *names[USE_COUNT];
    LLVMTypeRef types[USE_COUNT];
    int count = step_arguments(m->plan, p, uses, false, names);

    for (int i = 0; i < count; i++)
        types[i] = m->pointer;
    LLVMValueRef function = llvm_function(m, name, m->nothing, types, count, is_public);
    for (int i = 0; i < count; i++)
        LLVMSetValueName2(LLVMGetParam(function, (unsigned)i), names[i], strlen(names[i]));
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "nounwind", 0);
    return function;
}

/* `round` has the values of the loops that the step runs around it. */
static void call_nest(const Making *s, const Nest *n, const LLVMValueRef *round)
{
    Module *m = s->m;
    const Scope *scope = c_scope(m->plan, n);
    const Function *function = function_of(m->plan->functions, n);
    LLVMValueRef *arguments = arena_array(m->u->arena, (size_t)scope->tensors.count + MAX_LOOPS + 1, sizeof *arguments);
    int count = scope->tensors.count;

    llvm_debug_line(m, n->site ? n->site->span : m->u->net->span);
    for (int i = 0; i < count; i++)
        arguments[i] = place(s, scope->tensors.at[i]);
    for (int i = 0; i < nest_step_loops(n); i++)
        arguments[count++] = round[i];
    if (scope->draws)
        arguments[count++] = parameter(s, USE_DRAW);
    llvm_call(m, *map_at(m->functions, &function, sizeof function), arguments, count);
}

/* updated(update, tensor, from, count): calls who waits for that, if there is somebody (c_step.c). */
static LLVMValueRef updated(Module *m)
{
    LLVMTypeRef types[] = { m->pointer, m->i32, m->size, m->size }, given[] = { m->pointer, m->i32, m->size, m->size };
    LLVMTypeRef fields[] = { m->pointer, m->pointer }, type = LLVMStructTypeInContext(m->context, fields, countof(fields), false);

    if (m->updated)
        return m->updated;
    Spot spot = llvm_spot(m);
    LLVMValueRef function = m->updated = llvm_function(m, "updated", m->nothing, types, countof(types), false), update = LLVMGetParam(function, 0);
    LLVMBasicBlockRef tell = LLVMAppendBasicBlockInContext(m->context, function, "tell"), end = LLVMAppendBasicBlockInContext(m->context, function, "end");
    LLVMBuildCondBr(m->at, LLVMBuildIsNull(m->at, update, "nobody"), end, tell);
    LLVMPositionBuilderAtEnd(m->at, tell);
    LLVMValueRef call = LLVMBuildLoad2(m->at, m->pointer, LLVMBuildStructGEP2(m->at, type, update, 0, ""), "weights");
    LLVMValueRef context = LLVMBuildLoad2(m->at, m->pointer, LLVMBuildStructGEP2(m->at, type, update, 1, ""), "context");
    LLVMValueRef arguments[] = { context, LLVMGetParam(function, 1), LLVMGetParam(function, 2), LLVMGetParam(function, 3) };
    LLVMBuildCall2(m->at, LLVMFunctionType(m->nothing, given, countof(given), false), call, arguments, countof(arguments), "");
    LLVMBuildBr(m->at, end);
    LLVMPositionBuilderAtEnd(m->at, end);
    LLVMBuildRetVoid(m->at);
    llvm_go_on(m, spot);
    return function;
}

static void tell_update(const Making *s, const Nest *n, const LLVMValueRef *round)
{
    Module *m = s->m;
    LLVMValueRef count = llvm_int(m->size, nest_updated(n));
    LLVMValueRef arguments[] = {
        parameter(s, USE_UPDATE), llvm_int(m->i32, number_of_param(m->plan->u->net, tensor_base(n->dst)->param)),
        nest_band(n) ? LLVMBuildNUWMul(m->at, round[0], count, "from") : llvm_int(m->size, 0), count
    };

    llvm_call(m, updated(m), arguments, countof(arguments));
}

/* What a step does, as a text: two with the same text are the same function. */
static const char *key_of(Module *m, const Step *step)
{
    Text *key = text_new(m->u->arena);

    for (int i = step->phase->first; i < step->phase->end; i++) {
        const Nest *n = step->program->nests.at[i];
        const Scope *scope = c_scope(m->plan, n);
        text_put(key, "%s%s", function_of(m->plan->functions, n)->name, n->updates ? " updates" : "");
        for (int j = 0; j < scope->tensors.count; j++) {
            const Tensor *base = tensor_base((Tensor *)scope->tensors.at[j]);
            bool placed = base->role == ROLE_SCRATCH || base->role == ROLE_SHARED;
            text_put(key, " %d/%" PRId64 "/%s", base->role, placed ? base->offset : 0,
                     base->param ? base->param->name : base->role == ROLE_CONSTANT ? base->name : "");
        }
        text_put(key, "\n");
    }
    return key->at;
}

/* Calls nests [first, end) of the step's program, inside so many loops of the step. */
static void call_nests(const Making *s, int first, int end, int inside, LLVMValueRef *round)
{
    const Program *p = s->step->program;

    for (int i = first, next; i < end; i = next) {
        const Nest *n = p->nests.at[i];
        next = i + 1;
        if (nest_step_loops(n) == inside) {
            call_nest(s, n, round);
            if (n->updates)
                tell_update(s, n, round);
            continue;
        }
        while (next < end && nests_shared_loops(p, i, next) > inside)
            next++;
        Code code = { .m = s->m, .function = s->function };
        OpenLoop loop;
        round[inside] = llvm_loop_begin(&code, &loop, n->loops[inside]->name, n->loops[inside]->extent);
        call_nests(s, i, next, inside + 1, round);
        llvm_loop_end(&code, &loop);
    }
}

static void put_step(Module *m, const Step *step, Map *bodies)
{
    void **known = map_text(bodies, key_of(m, step));
    Making s = { .m = m, .step = step, .places = map_new(m->u->arena) };

    if (*known && !step->is_public) {
        *map_at(m->steps, &step, sizeof step) = *known;
        return;
    }
    s.function = begin_step(m, step->name, step->program, step->uses, step->is_public);
    llvm_debug_function(m, s.function, step->name, m->u->net->span);
    *known = s.function;
    *map_at(m->steps, &step, sizeof step) = s.function;
    LLVMValueRef round[MAX_LOOPS];
    call_nests(&s, step->phase->first, step->phase->end, 0, round);
    LLVMBuildRetVoid(m->at);
}

/* Calls a step from a function that takes what `uses` says. */
static void call_step(Module *m, const Step *step, LLVMValueRef from, const bool uses[USE_COUNT])
{
    LLVMValueRef arguments[USE_COUNT];
    unsigned number = 0;
    int count = 0;

    for (int use = 0; use < USE_COUNT; use++) {
        if (step->uses[use])
            arguments[count++] = uses[use] ? LLVMGetParam(from, number) : LLVMConstNull(m->pointer);      /* nobody waits to update */
        number += uses[use];
    }
    llvm_call(m, *map_at(m->steps, &step, sizeof step), arguments, count);
}

void llvm_steps(Module *m)
{
    Map *bodies = map_new(m->u->arena);

    for (int i = 0; i < m->plan->steps.count; i++)
        put_step(m, m->plan->steps.at[i], bodies);
    for (int i = 0; i < m->plan->entries.count; i++) {
        const Entry *entry = &m->plan->entries.at[i];
        if (entry->steps[0]->is_public)
            continue;
        LLVMValueRef function = begin_step(m, entry->name, entry->program, entry->uses, true);
        for (int j = 0; j < entry->step_count; j++)
            call_step(m, entry->steps[j], function, entry->uses);
        LLVMBuildRetVoid(m->at);
    }
}

/* ---- a network that brings everything */

static LLVMValueRef block(Module *m, int64_t reals, const char *name)
{
    LLVMValueRef memory = LLVMBuildAlloca(m->at, LLVMArrayType(m->real, (unsigned)(reals ? reals : 1)), name);

    LLVMSetAlignment(memory, LLVM_CONSTANT_ALIGN);
    return memory;
}

/* NAME_predict_u8(image, result): bytes become numbers, `predict` does the rest. */
static void put_predict_u8(Module *m, LLVMValueRef predict, int64_t count)
{
    LLVMTypeRef types[] = { m->pointer, m->pointer }, byte = LLVMInt8TypeInContext(m->context);
    LLVMValueRef function = llvm_function(m, arena_print(m->u->arena, "%s_predict_u8", m->plan->net), m->nothing, types, countof(types), true);
    LLVMValueRef image = LLVMGetParam(function, 0), result = LLVMGetParam(function, 1), pixels = block(m, count, "pixels");
    Code code = { .m = m, .function = function };
    OpenLoop loop;

    LLVMSetValueName2(image, "image", strlen("image"));
    LLVMSetValueName2(result, "result", strlen("result"));
    LLVMValueRef i = llvm_loop_begin(&code, &loop, "i", count);
    LLVMValueRef from = LLVMBuildGEP2(m->at, byte, image, &i, 1, ""), to = LLVMBuildGEP2(m->at, m->real, pixels, &i, 1, "");
    LLVMBuildStore(m->at, LLVMBuildUIToFP(m->at, LLVMBuildLoad2(m->at, byte, from, ""), m->real, ""), to);
    llvm_loop_end(&code, &loop);
    llvm_call(m, predict, (LLVMValueRef[]){ pixels, result }, 2);
    LLVMBuildRetVoid(m->at);
}

/* NAME_predict(image, result): inference that brings its own memory; its weights are constants. */
void llvm_predict(Module *m)
{
    const CFile *plan = m->plan;
    const Entry *entry = NULL;
    LLVMTypeRef types[] = { m->pointer, m->pointer };
    LLVMValueRef given[USE_COUNT] = { NULL };

    for (int i = 0; i < plan->entries.count; i++)
        if (plan->entries.at[i].program->mode == MODE_INFER)
            entry = &plan->entries.at[i];
    if (!m->u->options.weights || !entry)
        return;
    const char *name = arena_print(m->u->arena, "%s_predict", plan->net);
    LLVMValueRef function = llvm_function(m, name, m->nothing, types, countof(types), true);
    given[USE_X] = LLVMGetParam(function, 0);
    given[USE_Y] = LLVMGetParam(function, 1);
    LLVMSetValueName2(given[USE_X], "image", strlen("image"));
    LLVMSetValueName2(given[USE_Y], "result", strlen("result"));
    if (entry->uses[USE_SCRATCH])
        given[USE_SCRATCH] = block(m, entry->program->scratch, "scratch");
    if (entry->uses[USE_SHARED])
        given[USE_SHARED] = block(m, entry->program->shared, "shared");
    for (int i = 0; i < entry->step_count; i++) {
        const Step *step = entry->steps[i];
        LLVMValueRef arguments[USE_COUNT];
        int count = 0;
        for (int use = 0; use < USE_COUNT; use++)
            if (step->uses[use])
                arguments[count++] = given[use];
        llvm_call(m, *map_at(m->steps, &step, sizeof step), arguments, count);
    }
    LLVMBuildRetVoid(m->at);
    put_predict_u8(m, function, entry->program->tile * shape_count(m->u->net->input));
}
