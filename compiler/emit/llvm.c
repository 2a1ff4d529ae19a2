/* llvm.c: the network as one LLVM module: the same functions as the C file, in the same order, under the same names.
 *
 * The IR is for reading as it is made: values and blocks have the names of the loops and tensors, every function of a nest carries the
 * lesson of the C file as metadata. Passes run only over what becomes code, or where -O asks for them. */
#include "emit/llvm.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <string.h>

/* ---- types and constants */

#if CNNC_LLVM < 17                  /* lengths of arrays had 32 bits */
#define LLVMArrayType2(element, length) LLVMArrayType(element, (unsigned)(length))
#define LLVMConstArray2(element, values, length) LLVMConstArray(element, values, (unsigned)(length))
#endif

LLVMTypeRef llvm_array(LLVMTypeRef element, const int64_t *dim, int rank)
{
    for (int i = rank - 1; i >= 0; i--)
        element = LLVMArrayType2(element, (uint64_t)dim[i]);
    return element;
}

LLVMValueRef llvm_int(LLVMTypeRef type, int64_t number)
{
    return LLVMConstInt(type, (unsigned long long)number, true);
}

LLVMValueRef llvm_real(const Module *m, double number)
{
    return LLVMConstReal(m->real, m->real_bytes == 4 ? (double)(float)number : number);
}

LLVMValueRef llvm_reals(const Module *m, const double *value, const int64_t *dim, int rank)
{
    if (rank == 0)
        return llvm_real(m, *value);
    LLVMValueRef *parts = arena_array(m->u->arena, (size_t)dim[0], sizeof *parts);
    int64_t stride = 1;
    for (int i = 1; i < rank; i++)
        stride *= dim[i];
    for (int64_t i = 0; i < dim[0]; i++)
        parts[i] = llvm_reals(m, value + i * stride, dim + 1, rank - 1);
    return LLVMConstArray2(llvm_array(m->real, dim + 1, rank - 1), parts, (uint64_t)dim[0]);
}

LLVMValueRef llvm_constant(Module *m, const char *name, LLVMValueRef value, unsigned align)
{
    /* A name with a dot is nobody's: those of the plan are identifiers of C. */
    LLVMValueRef global = LLVMAddGlobal(m->module, LLVMTypeOf(value), arena_print(m->u->arena, ".%s", name));

    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    if (align)
        LLVMSetAlignment(global, align);
    return global;
}

LLVMValueRef llvm_string(Module *m, const char *text)
{
    void **known;

    if (!text)
        return LLVMConstNull(m->pointer);
    known = map_text(m->strings, text);
    if (!*known) {
        LLVMValueRef string = llvm_constant(m, "text", LLVMConstStringInContext(m->context, text, (unsigned)strlen(text), false), 0);
        LLVMSetUnnamedAddress(string, LLVMGlobalUnnamedAddr);
        *known = string;
    }
    return *known;
}

/* ---- functions */

static const char *name_of(LLVMValueRef global)
{
    size_t length;
    return LLVMGetValueName2(global, &length);
}

void llvm_attribute(const Module *m, LLVMValueRef function, LLVMAttributeIndex index, const char *name, uint64_t number)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    if (kind)
        LLVMAddAttributeAtIndex(function, index, LLVMCreateEnumAttribute(m->context, kind, number));
}

LLVMValueRef llvm_function(Module *m, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters, int count, bool is_public)
{
    LLVMValueRef function = LLVMAddFunction(m->module, name, LLVMFunctionType(result, parameters, (unsigned)count, false));

    if (!is_public)
        LLVMSetLinkage(function, LLVMInternalLinkage);
    llvm_debug_nothing(m);
    LLVMPositionBuilderAtEnd(m->at, LLVMAppendBasicBlockInContext(m->context, function, "begin"));
    return function;
}

Spot llvm_spot(const Module *m)
{
    return (Spot){ LLVMGetInsertBlock(m->at), LLVMGetCurrentDebugLocation2(m->at) };
}

void llvm_go_on(Module *m, Spot spot)
{
    LLVMPositionBuilderAtEnd(m->at, spot.block);
    LLVMSetCurrentDebugLocation2(m->at, spot.line);
}

LLVMValueRef llvm_call(Module *m, LLVMValueRef function, LLVMValueRef *arguments, int count)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(function);
    bool has_result = LLVMGetReturnType(type) != m->nothing;

    return LLVMBuildCall2(m->at, type, function, arguments, (unsigned)count, has_result ? name_of(function) : "");
}

/* ---- the module */

static void put_target(Module *m)
{
    const Options *o = &m->u->options;
    char *triple = LLVMGetTargetMachineTriple(m->machine);

    m->layout = LLVMCreateTargetDataLayout(m->machine);
    LLVMSetModuleDataLayout(m->module, m->layout);
    LLVMSetTarget(m->module, triple);
    LLVMSetSourceFileName(m->module, m->plan->source, strlen(m->plan->source));
    LLVMDisposeMessage(triple);
    m->nothing = LLVMVoidTypeInContext(m->context);
    m->i32 = LLVMInt32TypeInContext(m->context);
    m->i64 = LLVMInt64TypeInContext(m->context);
    m->size = LLVMIntPtrTypeInContext(m->context, m->layout);
    m->real = o->real == REAL_DOUBLE ? LLVMDoubleTypeInContext(m->context) : LLVMFloatTypeInContext(m->context);
    m->real_bytes = o->real == REAL_DOUBLE ? 8 : 4;
    m->pointer = LLVMPointerTypeInContext(m->context, 0);
}

static void put_functions(Module *m)
{
    const FunctionList *list = functions_in_order(m->u, m->plan->functions);

    llvm_debug_begin(m);
    llvm_see_calls(m);
    for (int i = 0; i < list->of.count; i++)
        llvm_nest(m, list->of.at[i]);
    llvm_steps(m);
    llvm_predict(m);
    llvm_model(m);
    if (m->u->options.with_main)
        llvm_main(m);
    llvm_debug_end(m);
}

static bool verify(Module *m)
{
    char *message = NULL;
    bool broken = LLVMVerifyModule(m->module, LLVMReturnStatusAction, &message);

    if (broken) {
        error_at(m->u, NO_SPAN, "internal error: LLVM does not accept the module: %s", arena_print(m->u->arena, "%s", message));
        help(m->u, "this is a mistake of cnnc, not of the network; please report it with the source");
    }
    LLVMDisposeMessage(message);
    return !broken;
}

static bool write_module(Module *m, NativeKind kind, Text *t)
{
    switch (kind) {
    case NATIVE_IR: {
        char *text = LLVMPrintModuleToString(m->module);
        text_put(t, "%s", text);
        LLVMDisposeMessage(text);
        return true;
    }
    case NATIVE_BITCODE: {
        LLVMMemoryBufferRef bits = LLVMWriteBitcodeToMemoryBuffer(m->module);
        text_bytes(t, LLVMGetBufferStart(bits), LLVMGetBufferSize(bits));
        LLVMDisposeMemoryBuffer(bits);
        return true;
    }
    case NATIVE_ASM:
        return llvm_code(m->u, m->module, m->machine, LLVMAssemblyFile, t);
    case NATIVE_OBJECT:
        return llvm_code(m->u, m->module, m->machine, LLVMObjectFile, t);
    }
    return false;
}

static bool is_offered(LLVMValueRef global)
{
    return LLVMGetLinkage(global) == LLVMExternalLinkage && !LLVMIsDeclaration(global);
}

static void list_names(Module *m, NativeNames *names)
{
    names->model = arena_print(m->u->arena, "%s", name_of(m->model));
    for (LLVMValueRef g = LLVMGetFirstGlobal(m->module); g; g = LLVMGetNextGlobal(g))
        if (is_offered(g))
            LIST_ADD(m->u->arena, &names->all, arena_print(m->u->arena, "%s", name_of(g)));
    for (LLVMValueRef f = LLVMGetFirstFunction(m->module); f; f = LLVMGetNextFunction(f))
        if (is_offered(f))
            LIST_ADD(m->u->arena, &names->all, arena_print(m->u->arena, "%s", name_of(f)));
}

bool llvm_emit(Unit *u, NativeKind kind, Text *t, NativeNames *names)
{
    bool code = kind == NATIVE_ASM || kind == NATIVE_OBJECT;
    int level = u->options.optimise >= 0 ? u->options.optimise : code && !u->options.debug ? 2 : 0;
    Arena *arena = u->arena;
    Module m = {
        .u = u, .functions = map_new(arena), .arguments = map_new(arena), .steps = map_new(arena), .globals = map_new(arena),
        .strings = map_new(arena), .machine = llvm_machine(u, level),
    };

    if (!m.machine)
        return false;
    m.plan = c_file(u, text_new(arena));
    m.context = LLVMContextCreate();
    m.module = LLVMModuleCreateWithNameInContext(m.plan->source, m.context);
    m.at = LLVMCreateBuilderInContext(m.context);
    put_target(&m);
    put_functions(&m);
    LLVMDisposeBuilder(m.at);
    list_names(&m, names);
    bool done = verify(&m) && (level == 0 || llvm_optimise(u, m.module, m.machine, level)) && write_module(&m, kind, t);
    LLVMDisposeModule(m.module);
    LLVMContextDispose(m.context);
    LLVMDisposeTargetData(m.layout);
    LLVMDisposeTargetMachine(m.machine);
    return done;
}

const NativeMaker llvm_maker = { .emit = llvm_emit, .load = llvm_jit, .unload = llvm_jit_end, .list_targets = llvm_list_targets };
