/* network.c: a compiled network from a text, for tests (network.h). */
#include "support/network.h"

#include "loops/machine.h"

#include "pipeline.h"
#include "tuned.h"

#include <stdio.h>
#include <string.h>

Unit *network_from(const char *name, const char *text, NetworkOptions options)
{
    Unit *u = unit_new();
    bool done;

    u->options.input = name;
    u->options.tile = options.tile ? options.tile : 1;
    u->options.real = options.real;
    u->options.style = options.style;
    u->options.layout = options.layout;
    if (options.machine)
        u->options.machine = machine_find(options.machine);
    u->options.winograd = options.winograd;
    u->options.choice = options.choice;
    u->options.infer = options.infer;
    u->options.with_main = options.with_main;
    u->options.unroll_budget = INT64_MAX;
    u->ast = ast_parse(u, diag_add_source(u, name, text, strlen(text)));
    done = !options.tuned || tuned_parse(u, "test.tuned", options.tuned, strlen(options.tuned));
    tuned_apply(u);
    /* The first stage reads a file; what it makes is there. */
    for (int i = 1; done && i < stage_table_count; i++)
        done = !diag_errors(u) && stage_table[i].run(u);
    if (done && !diag_errors(u))
        return u;
    diag_print(u, stderr, false);
    unit_free(u);
    return NULL;
}

Nest *nest_named(const Program *p, const char *name)
{
    for (int i = 0; i < p->nests.count; i++)
        if (strcmp(p->nests.at[i]->name, name) == 0)
            return p->nests.at[i];
    return NULL;
}

const char *text_of_file(Arena *arena, const char *path)
{
    FILE *from = fopen(path, "rb");
    long size = -1;

    if (from && fseek(from, 0, SEEK_END) == 0)
        size = ftell(from);
    if (size >= 0)
        rewind(from);
    char *text = size >= 0 ? arena_alloc(arena, (size_t)size + 1) : NULL;
    if (text && fread(text, 1, (size_t)size, from) != (size_t)size)
        text = NULL;
    if (from)
        fclose(from);
    if (!text)
        fprintf(stderr, "cannot read '%s'\n", path);
    return text;
}
