/* llvm_module.c: the files that know LLVM as a module, which the tool loads when it is to make what only LLVM makes (emit/native.h).
 *
 * The module calls the tool's functions, so it is of the same version: that is in its name. */
#include "emit/native.h"
#include "integrate/tools.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

const NativeMaker *native_open(const char **why)
{
    static const NativeMaker *maker;
    static char failure[PATH_MAX + 200];
    char folder[PATH_MAX], file[PATH_MAX + sizeof CNNC_MODULE + 1];

    if (!maker && !failure[0]) {
        snprintf(file, sizeof file, "%s/%s", tool_folder(folder, sizeof folder), CNNC_MODULE);
        void *module = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
        maker = module ? dlsym(module, "llvm_maker") : NULL;
        if (!maker)
            snprintf(failure, sizeof failure, "%s", dlerror());
    }
    *why = failure;
    return maker;
}
