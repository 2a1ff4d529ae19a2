/* reference.c: fills templates from the tables (reference.h). */
#include "integrate/reference.h"

#include "integrate/tools.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const Filling *filling_of(const char *line, size_t length)
{
    const Filling *const tables[] = { manual_fillings, shell_fillings };

    if (length < 3 || line[0] != '@' || line[length - 1] != '@')
        return NULL;
    for (int i = 0; i < 2; i++)
        for (const Filling *f = tables[i]; f->name; f++)
            if (strlen(f->name) == length - 2 && strncmp(f->name, line + 1, length - 2) == 0)
                return f;
    return NULL;
}

int reference_run(int argc, char **argv)
{
    if (argc != 2)
        return tool_misused("'cnnc reference' takes a template");
    FILE *from = fopen(argv[1], "rb");
    if (!from) {
        fprintf(stderr, "cnnc: error: cannot read '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    Arena *arena = arena_new();
    Text *t = text_new(arena);
    char line[1024];
    bool known = true;
    while (fgets(line, sizeof line, from)) {
        size_t length = strcspn(line, "\n");
        const Filling *f = filling_of(line, length);
        if (f) {
            f->put(t);
        } else {
            if (length > 2 && line[0] == '@' && line[length - 1] == '@') {
                fprintf(stderr, "cnnc: error: %s: there is nothing called %.*s\n", argv[1], (int)length, line);
                known = false;
            }
            text_put(t, "%s", line);
        }
    }
    bool done = !ferror(from) && known && fwrite(t->at, 1, t->length, stdout) == t->length && fflush(stdout) == 0;
    fclose(from);
    arena_free(arena);
    return !done;
}
