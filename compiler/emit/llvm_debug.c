/* llvm_debug.c: with -g, what a debugger is told (llvm.h): which line of the source every instruction is for, and where the tensors are, as
 * arrays of their shapes under the name of their layer: `print conv1` shows what conv1 made. Without -g nothing here does anything. */
#include "emit/llvm.h"

#include <llvm-c/DebugInfo.h>
#include <string.h>

struct Debug {
    LLVMDIBuilderRef at;
    LLVMMetadataRef unit, real;
    Map *files;                     /* number of a source -> LLVMMetadataRef */
    LLVMMetadataRef file;           /* of the network */
    LLVMMetadataRef scope;          /* the function that is being made, or NULL */
};

static LLVMMetadataRef file_of(Module *m, Span span)
{
    const char *path = source_name(m->u, span.source), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    void **known = map_at(m->debug->files, &span.source, sizeof span.source);

    if (!*known)
        *known = LLVMDIBuilderCreateFile(m->debug->at, name, strlen(name), ".", 1);
    return *known;
}

void llvm_debug_begin(Module *m)
{
    static const char producer[] = "cnnc";
    Debug *d;

    if (!m->u->options.debug)
        return;
    m->debug = d = ARENA_NEW(m->u->arena, Debug);
    LLVMAddModuleFlag(m->module, LLVMModuleFlagBehaviorWarning, "Debug Info Version", strlen("Debug Info Version"),
                      LLVMValueAsMetadata(llvm_int(m->i32, LLVMDebugMetadataVersion())));
    LLVMAddModuleFlag(m->module, LLVMModuleFlagBehaviorWarning, "Dwarf Version", strlen("Dwarf Version"),
                      LLVMValueAsMetadata(llvm_int(m->i32, 4)));
    d->at = LLVMCreateDIBuilder(m->module);
    d->files = map_new(m->u->arena);
    d->file = file_of(m, m->u->net->span);
    /* C is the language whose arrays these are. */
    d->unit = LLVMDIBuilderCreateCompileUnit(d->at, LLVMDWARFSourceLanguageC99, d->file, producer, strlen(producer), false, "", 0, 0, "", 0,
                                             LLVMDWARFEmissionFull, 0, false, false, "", 0, "", 0);
    d->real = LLVMDIBuilderCreateBasicType(d->at, m->plan->real, strlen(m->plan->real), m->real_bytes * 8, 4 /* DW_ATE_float */,
                                           LLVMDIFlagZero);
}

void llvm_debug_end(Module *m)
{
    if (!m->debug)
        return;
    LLVMDIBuilderFinalize(m->debug->at);
    LLVMDisposeDIBuilder(m->debug->at);
}

void llvm_debug_line(Module *m, Span span)
{
    if (!m->debug || !m->debug->scope)
        return;
    bool known = span.source != 0;
    LLVMSetCurrentDebugLocation2(m->at, LLVMDIBuilderCreateDebugLocation(m->context, known ? (unsigned)span_line(m->u, span) : 0,
                                                                         known ? (unsigned)span_column(m->u, span) : 0,
                                                                         m->debug->scope, NULL));
}

void llvm_debug_function(Module *m, LLVMValueRef function, const char *name, Span span)
{
    Debug *d = m->debug;

    if (!d)
        return;
    unsigned line = span.source ? (unsigned)span_line(m->u, span) : 0;
    LLVMMetadataRef file = span.source ? file_of(m, span) : d->file;
    LLVMMetadataRef type = LLVMDIBuilderCreateSubroutineType(d->at, file, NULL, 0, LLVMDIFlagZero);
    d->scope = LLVMDIBuilderCreateFunction(d->at, file, name, strlen(name), name, strlen(name), file, line, type, true, true, line,
                                           LLVMDIFlagZero, false);
    LLVMSetSubprogram(function, d->scope);
    llvm_debug_line(m, span);
}

void llvm_debug_nothing(Module *m)
{
    if (!m->debug)
        return;
    m->debug->scope = NULL;
    LLVMSetCurrentDebugLocation2(m->at, NULL);
}

/* float [8][26][26] */
static LLVMMetadataRef type_of(Module *m, const Tensor *t)
{
    LLVMMetadataRef ranges[MAX_AXES];

    for (int i = 0; i < t->rank; i++)
        ranges[i] = LLVMDIBuilderGetOrCreateSubrange(m->debug->at, 0, t->dim[i]);
    return t->rank == 0 ? m->debug->real
           : LLVMDIBuilderCreateArrayType(m->debug->at, (uint64_t)tensor_count(t) * m->real_bytes * 8, m->real_bytes * 8, m->debug->real,
                                          ranges, (unsigned)t->rank);
}

/* "conv1" for conv1.y, "conv1_weight", "d_conv1" for the gradient of conv1.y: identifiers, as debuggers want them. */
static const char *name_of(Module *m, const Tensor *t)
{
    Arena *arena = m->u->arena;

    if (t->primal)
        return arena_print(arena, "d_%s", name_of(m, tensor_base(t->primal)));
    size_t length = strlen(t->name);
    bool result = length > 2 && strcmp(t->name + length - 2, ".y") == 0;
    char *name = arena_copy(arena, t->name, result ? length - 2 : length);
    for (char *c = name; *c; c++)
        if (*c == '.')
            *c = '_';
    return name;
}

/* A variable of the function at work whose elements are at an address. The address is kept in memory, where it is found at any time. */
static void declare(Module *m, LLVMValueRef address, const char *name, const Tensor *t, Span span)
{
    Debug *d = m->debug;
    uint64_t dereference = 0x06;        /* DW_OP_deref */
    unsigned line = span.source ? (unsigned)span_line(m->u, span) : 0;
    LLVMMetadataRef variable = LLVMDIBuilderCreateAutoVariable(d->at, d->scope, name, strlen(name), d->file, line, type_of(m, t), true,
                                                               LLVMDIFlagZero, 0);
    LLVMMetadataRef place = LLVMDIBuilderCreateExpression(d->at, &dereference, 1);
    LLVMMetadataRef location = LLVMGetCurrentDebugLocation2(m->at);
    LLVMBasicBlockRef block = LLVMGetInsertBlock(m->at);

    LLVMValueRef pointer = LLVMBuildAlloca(m->at, m->pointer, arena_print(m->u->arena, "%s.is.at", name));
    LLVMBuildStore(m->at, address, pointer);
#if CNNC_LLVM >= 19
    LLVMDIBuilderInsertDeclareRecordAtEnd(d->at, pointer, variable, place, location, block);
#else
    LLVMDIBuilderInsertDeclareAtEnd(d->at, pointer, variable, place, location, block);
#endif
}

void llvm_debug_tensor(Module *m, LLVMValueRef address, const Tensor *t)
{
    if (m->debug && m->debug->scope)
        declare(m, address, name_of(m, t), t, t->site ? t->site->span : NO_SPAN);
}

void llvm_debug_local(Module *m, LLVMValueRef address, const char *name, const Tensor *t, Span span)
{
    if (m->debug && m->debug->scope)
        declare(m, address, name, t, span);
}
