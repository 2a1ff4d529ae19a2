/* llvm_linked.c: the files that know LLVM, where they are linked into the program: the tests. (The tool loads them: ../llvm_module.c.) */
#include "emit/native.h"

const NativeMaker *native_open(const char **why)
{
    *why = NULL;
    return &llvm_maker;
}
