/* llvm_jit.c: the unit in the memory of this process, ready to be called (native.h). The object is the one that a file would hold;
 * LLVM's ORC links it against the math library of this process. */
#include "emit/llvm.h"

#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>

struct NativeCode {
    LLVMOrcLLJITRef jit;
};

/* Reports what LLVM says; false if it says nothing. */
static bool failed(Unit *u, LLVMErrorRef error)
{
    if (!error)
        return false;
    char *message = LLVMGetErrorMessage(error);
    error_at(u, NO_SPAN, "LLVM cannot load the code: %s", arena_print(u->arena, "%s", message));
    LLVMDisposeErrorMessage(message);
    return true;
}

static bool link_object(Unit *u, LLVMOrcLLJITRef jit, const Text *object)
{
    LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(jit);
    LLVMOrcDefinitionGeneratorRef process;

    if (failed(u, LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL)))
        return false;
    LLVMOrcJITDylibAddGenerator(library, process);
    LLVMMemoryBufferRef bytes = LLVMCreateMemoryBufferWithMemoryRangeCopy(object->at, object->length, "network");
    return !failed(u, LLVMOrcLLJITAddObjectFile(jit, library, bytes));
}

const struct cnn_model *llvm_jit(Unit *u, NativeCode **code)
{
    Text *object = text_new(u->arena);
    NativeNames names = { 0 };
    LLVMOrcExecutorAddress address = 0;

    *code = ARENA_NEW(u->arena, NativeCode);
    if (!llvm_emit(u, NATIVE_OBJECT, object, &names) || failed(u, LLVMOrcCreateLLJIT(&(*code)->jit, NULL)))
        return NULL;
    if (!link_object(u, (*code)->jit, object) || failed(u, LLVMOrcLLJITLookup((*code)->jit, &address, names.model))) {
        llvm_jit_end(*code);
        return NULL;
    }
    return (const struct cnn_model *)(uintptr_t)address;
}

void llvm_jit_end(NativeCode *code)
{
    LLVMErrorRef error = code->jit ? LLVMOrcDisposeLLJIT(code->jit) : NULL;

    if (error)
        LLVMConsumeError(error);
    code->jit = NULL;
}
