/* formatter.c: cnnc format (formatter.h). */
#include "integrate/formatter.h"

#include "base/checked.h"
#include "front/ast.h"
#include "front/format.h"
#include "integrate/tools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *tree_of(Unit *u, const char *name, const char *text, size_t length)
{
    int errors = diag_errors(u);
    const AstFile *file = ast_parse(u, diag_add_source(u, name, text, length));
    Text *t = text_new(u->arena);

    if (diag_errors(u) > errors)
        return NULL;
    ast_dump(file, t);
    return t->at;
}

const Text *format_text(Unit *u, const char *name, const char *text, size_t length)
{
    const char *before = tree_of(u, name, text, length);
    Text *t = text_new(u->arena);

    if (before == NULL)
        return NULL;
    u->options.warnings = 0;
    format_source(u, diag_add_source(u, name, text, length), t);
    const char *after = tree_of(u, name, t->at, t->length);
    if (after && strcmp(before, after) == 0)
        return t;
    error_at(u, NO_SPAN, "internal error: '%s' would mean something else when formatted", name);
    help(u, "this is a mistake of cnnc, not of the network; please report it with the source");
    return NULL;
}

static const Text *read_whole(Unit *u, const char *path)
{
    FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    Text *t = text_new(u->arena);
    char block[1 << 14];
    size_t got;
    bool whole = from != NULL;

    while (whole && t->length <= (size_t)LIMIT_FILE && (got = fread(block, 1, sizeof block, from)) > 0)
        text_bytes(t, block, got);
    whole = whole && !ferror(from);
    if (!whole)
        error_at(u, NO_SPAN, "cannot read '%s': %s", path, strerror(errno));
    else if (t->length > (size_t)LIMIT_FILE)
        error_at(u, NO_SPAN, "'%s' is too large: a source file has at most %lld bytes", path, (long long)LIMIT_FILE);
    if (from && from != stdin)
        fclose(from);
    return diag_errors(u) == 0 ? t : NULL;
}

/* Beside it and then in its place, with its rights. */
static bool replace(Unit *u, const char *path, const Text *t)
{
    char *real = realpath(path, NULL);
    const char *beside = arena_print(u->arena, "%s.tmp%ld", real ? real : path, (long)getpid());
    FILE *to = real ? fopen(beside, "wb") : NULL;
    struct stat status;
    bool whole = to && fstat(fileno(to), &status) == 0 && stat(real, &status) == 0 && fchmod(fileno(to), status.st_mode) == 0
              && fwrite(t->at, 1, t->length, to) == t->length;

    whole = to && fclose(to) == 0 && whole;
    whole = whole && rename(beside, real) == 0;
    if (!whole) {
        error_at(u, NO_SPAN, "cannot write '%s': %s", path, strerror(errno));
        if (to)
            remove(beside);
    }
    free(real);
    return whole;
}

static bool format_file(const char *path, bool check)
{
    Unit *u = unit_new();
    bool to_stdout = strcmp(path, "-") == 0, done = false;
    const Text *before, *after = NULL;

    u->options.warnings = 0;
    before = read_whole(u, path);
    if (before)
        after = format_text(u, to_stdout ? "<stdin>" : path, before->at, before->length);
    if (after) {
        bool same = after->length == before->length && memcmp(after->at, before->at, after->length) == 0;
        if (check && !same)
            printf("%s\n", path);
        if (check)
            done = same;
        else if (to_stdout)
            done = fwrite(after->at, 1, after->length, stdout) == after->length;
        else
            done = same || replace(u, path, after);
    }
    diag_print(u, stderr, tool_colour());
    unit_free(u);
    return done;
}

int format_run(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0, done = true;
    int first = check ? 2 : 1;

    for (int i = first; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            return tool_misused("'cnnc format' takes files, and before them --check");
    if (first >= argc)
        return tool_misused("'cnnc format' takes the files that are to be formatted, or - for standard input");
    for (int i = first; i < argc; i++)
        done = format_file(argv[i], check) && done;
    return !done || fflush(stdout) != 0;
}
