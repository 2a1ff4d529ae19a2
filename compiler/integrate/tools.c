/* tools.c: the table of commands that compile no network (tools.h). */
#include "integrate/tools.h"

#include "base/list.h"
#include "integrate/formatter.h"
#include "integrate/project.h"
#include "integrate/reference.h"
#include "integrate/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const Tool tool_table[] = {
    { "new", "DIR", "make a project: a network, a main.c, a Makefile and a CMakeLists.txt", project_new },
    { "format", "net.cnn ...", "lay sources out anew, in place; --check: only say which would change; -: standard input", format_run },
    { "lsp", "", "the language server, for editors: errors, help, completion, definitions, formatting", lsp_run },
    { "reference", "FILE", "fill a template of a manual page or a shell's completion from these tables (for cnnc's own build)", reference_run },
};
const int tool_table_count = countof(tool_table);

const Tool *tool_find(const char *name)
{
    for (int i = 0; name && i < tool_table_count; i++)
        if (strcmp(tool_table[i].name, name) == 0)
            return &tool_table[i];
    return NULL;
}

bool tool_colour(void)
{
    const char *no = getenv("NO_COLOR");

    return isatty(2) && !(no && *no);
}

int tool_misused(const char *text)
{
    fprintf(stderr, "cnnc: error: %s\n  help: 'cnnc --help' shows the options\n", text);
    return 2;
}

const char *tool_folder(char *at, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", at, size - 1);

    at[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(at, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(at, size, ".");
    return at;
}

int tool_makefile(void)
{
    char folder[PATH_MAX], file[PATH_MAX + 64], real[PATH_MAX];

    snprintf(file, sizeof file, "%s/%s/cnnc.mk", tool_folder(folder, sizeof folder), CNNC_SHARE);
    if (!realpath(file, real)) {
        fprintf(stderr, "cnnc: error: there is no %s: cnnc.mk is there when cnnc was installed, by 'cmake --install'\n", file);
        return 1;
    }
    for (const char *c = real; *c; c++) {
        if (*c == ' ' || *c == '#')
            putchar('\\');
        putchar(*c);
    }
    putchar('\n');
    return 0;
}
