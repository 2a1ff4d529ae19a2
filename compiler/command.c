/* command.c: a network is compiled into memory and used at once (command.h). What it is used for is the runtime's business: it gets the
 * descriptor and the rest of the command line, as the main of a compiled program does. */
#include "command.h"

#include "emit/native.h"
#include "loops/machine.h"
#include "net/net.h"
#include "pipeline.h"

#include <cnn/cnn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The words up to the input file, for the proposal how to go on. */
static const char *call_of(Unit *u, const CommandLine *line, int argc, char **argv)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    Text *t = text_new(u->arena);

    for (int i = 0; i < argc - line->rest_count; i++) {
        text_put(t, "%s", i ? " " : "");
        if (*argv[i] && strspn(argv[i], plain) == strlen(argv[i])) {
            text_put(t, "%s", argv[i]);
            continue;
        }
        text_put(t, "'");
        for (const char *c = argv[i]; *c; c++)
            text_put(t, *c == '\'' ? "'\\''" : "%c", *c);
        text_put(t, "'");
    }
    return t->at;
}

static bool is_quiet(const CommandLine *line)
{
    for (int i = 0; i < line->rest_count; i++)
        if (strcmp(line->rest[i], "--quiet") == 0)
            return true;
    return false;
}

/* On stderr: what a command prints on stdout is its result. */
static void say_how_long(const Unit *u, double took)
{
    static const char *const style[] = { [STYLE_LESSON] = "lesson", [STYLE_UNROLLED] = "unrolled", [STYLE_FAST] = "fast" };
    bool fast = u->options.style == STYLE_FAST;

    fprintf(stderr, "%s compiled in %.2f s by %s (style %s%s%s)\n", u->net->name, took, native_maker(), style[u->options.style],
            fast ? ", " : "", fast ? u->options.machine->name : "");
}

bool command_compile(Unit *u, Command *c)
{
    double begun = seconds();

    *c = (Command){ 0 };
    if (pipeline_run(u, NULL))
        c->model = native_load(u, &c->code);
    c->seconds = seconds() - begun;
    return c->model != NULL;
}

int command_run(Unit *u, Command *c, const CommandLine *line, int argc, char **argv)
{
    char **words = arena_array(u->arena, (size_t)line->rest_count + 3, sizeof *words);

    if (!is_quiet(line))
        say_how_long(u, c->seconds);
    words[0] = arena_print(u->arena, "cnnc");
    words[1] = arena_print(u->arena, "%s", line->command);
    for (int i = 0; i < line->rest_count; i++)
        words[2 + i] = line->rest[i];
    int status = cnn_main_as(c->model, call_of(u, line, argc, argv), line->rest_count + 2, words);
    native_unload(c->code);
    return status;
}
