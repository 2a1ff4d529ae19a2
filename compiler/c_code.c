/* c_code.c: the C file of a unit in this process (c_code.h). */
#include "c_code.h"

#include "emit/emit.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *c_code_compiler(void)
{
    const char *cc = getenv("CC");
    return cc && *cc ? cc : "cc";
}

static const struct cnn_model *compile(Unit *u, const char *options, const char *folder, CCode *code)
{
    Arena *arena = u->arena;
    const char *path = arena_print(arena, "%s/net.c", folder), *library = arena_print(arena, "%s/net.so", folder);
    Text *t = text_new(arena);
    FILE *to = output_find("c")->emit(u, t) ? fopen(path, "wb") : NULL;
    bool whole = to && fwrite(t->at, 1, t->length, to) == t->length;
    const struct cnn_model *model = NULL;
    int status = -1;

    if (to)
        whole = fclose(to) == 0 && whole;
    if (whole)
        status = system(arena_print(arena, "%s -std=c11 -w %s -fPIC -shared '%s' -o '%s' -lm 2> /dev/null", c_code_compiler(), options, path, library));
    if (status == 0)
        code->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (code->library) {
        const char *symbol = strstr(t->at, "\nconst cnn_model ") + strlen("\nconst cnn_model ");
        model = dlsym(code->library, arena_copy(arena, symbol, strcspn(symbol, " ")));
    } else {
        code->why = arena_print(arena, "'%s' made no library of it", c_code_compiler());
    }
    remove(path);
    remove(library);
    rmdir(folder);
    if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
        raise(SIGINT);                          /* system() keeps Ctrl-C from this process: it was meant for all */
    return model;
}

const struct cnn_model *c_code_load(Unit *u, const char *options, CCode *code)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = arena_print(u->arena, "%s/cnncXXXXXX", tmp && *tmp ? tmp : "/tmp");

    *code = (CCode){ .library = NULL };
    if (!mkdtemp(folder)) {
        code->why = arena_print(u->arena, "no folder '%s' can be made", folder);
        return NULL;
    }
    return compile(u, options, folder, code);
}

void c_code_unload(CCode *code)
{
    if (code->library)
        dlclose(code->library);
    code->library = NULL;
}
