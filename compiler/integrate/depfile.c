/* depfile.c: what a compilation read (depfile.h). Names are written as make reads them, which ninja does too. */
#include "integrate/depfile.h"

#include "base/list.h"
#include "front/ast.h"

#include <string.h>

static void put_path(Text *t, const char *path)
{
    for (; *path; path++)
        text_put(t, "%s%c", *path == '$' ? "$" : *path == ' ' || *path == '#' || *path == '\t' ? "\\" : "", *path);
}

enum { MOST_OTHERS = 2 + countof(((Options *)0)->reports) };

/* What was read beside the source and its imports. Returns how many. */
static int others(const Unit *u, const char *list[MOST_OTHERS])
{
    const Options *o = &u->options;
    const char *weights = o->weights ? o->weights : o->shown_weights;
    int count = 0;

    if (weights)
        list[count++] = weights;
    if (o->tuned)
        list[count++] = o->tuned;
    for (int i = 0; i < o->report_count; i++)
        list[count++] = o->reports[i];
    return count;
}

void depfile_put(const Unit *u, const char *const *targets, int count, Text *t)
{
    const AstFile *imports = u->ast->next;
    const char *other[MOST_OTHERS];
    int other_count = others(u, other);

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
    for (int i = 0; i < other_count; i++) {
        text_put(t, " \\\n  ");
        put_path(t, other[i]);
    }
    text_put(t, "\n");
    for (const AstFile *f = imports; f; f = f->next) {
        text_put(t, "\n");
        put_path(t, f->name);
        text_put(t, ":\n");
    }
    for (int i = 0; i < other_count; i++) {
        text_put(t, "\n");
        put_path(t, other[i]);
        text_put(t, ":\n");
    }
}

const char *depfile_path(Unit *u, const char *target)
{
    const char *slash = strrchr(target, '/'), *dot = strrchr(slash ? slash : target, '.');

    return arena_print(u->arena, "%.*s.d", (int)(dot ? dot - target : (long)strlen(target)), target);
}
