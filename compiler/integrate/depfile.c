/* depfile.c: what a compilation read (depfile.h). Names are written as make reads them, which ninja does too. */
#include "integrate/depfile.h"

#include "front/ast.h"

#include <string.h>

static void put_path(Text *t, const char *path)
{
    for (; *path; path++)
        text_put(t, "%s%c", *path == '$' ? "$" : *path == ' ' || *path == '#' || *path == '\t' ? "\\" : "", *path);
}

void depfile_put(const Unit *u, const char *const *targets, int count, Text *t)
{
    const AstFile *imports = u->ast->next;

    for (int i = 0; i < count; i++) {
        text_put(t, "%s", i ? " " : "");
        put_path(t, targets[i]);
    }
    text_put(t, ":");
    if (strcmp(u->options.input, "-") != 0) {
        text_put(t, " ");
        put_path(t, u->options.input);
    }
    for (const AstFile *f = imports; f; f = f->next) {
        text_put(t, " \\\n  ");
        put_path(t, f->name);
    }
    const char *weights = u->options.weights ? u->options.weights : u->options.shown_weights;
    if (weights) {
        text_put(t, " \\\n  ");
        put_path(t, weights);
    }
    for (int i = 0; i < u->options.report_count; i++) {
        text_put(t, " \\\n  ");
        put_path(t, u->options.reports[i]);
    }
    text_put(t, "\n");
    for (const AstFile *f = imports; f; f = f->next) {
        text_put(t, "\n");
        put_path(t, f->name);
        text_put(t, ":\n");
    }
    if (weights) {
        text_put(t, "\n");
        put_path(t, weights);
        text_put(t, ":\n");
    }
    for (int i = 0; i < u->options.report_count; i++) {
        text_put(t, "\n");
        put_path(t, u->options.reports[i]);
        text_put(t, ":\n");
    }
}

const char *depfile_path(Unit *u, const char *target)
{
    const char *slash = strrchr(target, '/'), *dot = strrchr(slash ? slash : target, '.');

    return arena_print(u->arena, "%.*s.d", (int)(dot ? dot - target : (long)strlen(target)), target);
}
