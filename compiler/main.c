/* main.c: the command cnnc. Exit status 0: done, 1: an error in the input, 2: in the command line. */
#include "base/report.h"
#include "check.h"
#include "command.h"
#include "emit/emit.h"
#include "emit/native.h"
#include "image.h"
#include "inspect/inspect.h"
#include "integrate/depfile.h"
#include "integrate/tools.h"
#include "options.h"
#include "pipeline.h"
#include "tune.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool colour(int to)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(to) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* Of a line; the last one of a terminal would move the cursor on. */
static int columns(int to)
{
    struct winsize size = { 0 };

    if (!isatty(to))
        return 100;
    return ioctl(to, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col - 1 : 79;
}

static bool write_all(FILE *to, const Text *t)
{
    bool whole = fwrite(t->at, 1, t->length, to) == t->length;
    return fflush(to) == 0 && whole;
}

/* A pipe or a device keeps its place: /dev/null must not become a file. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* Writes beside the path and renames, so that nobody ever sees half a file. */
static bool write_file(Unit *u, const char *path, const Text *t)
{
    if (strcmp(path, "-") == 0) {
        if (write_all(stdout, t))
            return true;
        fprintf(stderr, "cnnc: error: cannot write to standard output: %s\n", strerror(errno));
        return false;
    }
    bool special = is_special(path);
    const char *beside = special ? path : arena_print(u->arena, "%s.tmp%ld", path, (long)getpid());
    FILE *to = fopen(beside, "wb");
    bool whole = to && write_all(to, t);
    int reason = errno;
    if (to && fclose(to) != 0 && whole) {
        reason = errno;
        whole = false;
    }
    if (whole && !special && rename(beside, path) != 0) {
        reason = errno;
        whole = false;
    }
    if (!whole) {
        if (to && !special)
            remove(beside);
        fprintf(stderr, "cnnc: error: cannot write '%s': %s\n", path, strerror(reason));
    }
    return whole;
}

static bool write_depfile(Unit *u, const CommandLine *line)
{
    const char **paths = arena_array(u->arena, (size_t)line->targets.count, sizeof *paths);
    Text *t = text_new(u->arena);

    for (int i = 0; i < line->targets.count; i++)
        paths[i] = line->targets.at[i].path;
    depfile_put(u, paths, line->targets.count, t);
    return write_file(u, line->depfile ? line->depfile : depfile_path(u, paths[0]), t);
}

/* All of them are made before the first is written: an error leaves every file as it was. */
static bool write_targets(Unit *u, const CommandLine *line)
{
    Text **texts = arena_array(u->arena, (size_t)line->targets.count, sizeof *texts);

    for (int i = 0; i < line->targets.count; i++) {
        const Target *target = &line->targets.at[i];
        const Output *output = target->emit ? output_find(target->emit) : output_for_path(target->path);
        texts[i] = text_new(u->arena);
        if (!output->emit(u, texts[i]))
            return false;
    }
    for (int i = 0; i < line->targets.count; i++)
        if (!write_file(u, line->targets.at[i].path, texts[i]))
            return false;
    return !line->depend || write_depfile(u, line);
}

/* What was reported, as the command line wants it. */
static void print_reports(Unit *u, const CommandLine *line)
{
    Text *t = text_new(u->arena);

    if (line->report == REPORT_TEXT) {
        diag_print(u, stderr, colour(2));
        return;
    }
    if (line->report == REPORT_JSON)
        report_json(u, t);
    else
        report_sarif(u, t, CNNC_VERSION);
    write_all(stderr, t);
}

static bool compile(Unit *u, const CommandLine *line)
{
    const Stage *last = line->dump ? stage_find(line->dump) : line->targets.count ? NULL : stage_find("net");

    if (!pipeline_run(u, last))
        return false;
    if (last) {
        Text *t = text_new(u->arena);
        stage_dump(last, u, t);
        return write_file(u, "-", t);
    }
    return write_targets(u, line);
}

static int run_command(Unit *u, const CommandLine *line, int argc, char **argv)
{
    Command c;

    if (strcmp(line->command, "check") == 0) {
        int status = check_run(u);
        fflush(stdout);
        print_reports(u, line);
        return status;
    }
    bool ready = command_compile(u, &c) && !diag_failed(u);

    print_reports(u, line);
    return ready ? command_run(u, &c, line, argc, argv) : 1;
}

/* The file beside the source: net.tuned of net.cnn. */
static const char *tuned_path(Unit *u, const CommandLine *line)
{
    const char *source = u->options.input, *dot = strrchr(source, '.');
    int length = dot && !strchr(dot, '/') ? (int)(dot - source) : (int)strlen(source);

    return line->tune_to ? line->tune_to : arena_print(u->arena, "%.*s.tuned", length, source);
}

/* Ctrl-C ends it at any time; only while the file is written it is not heard, so that there is all of it or none. */
static int run_tune(Unit *u, const CommandLine *line)
{
    Text *file = text_new(u->arena), *said = text_new(u->arena);
    bool done = tune(u, line->tune_c, file, said) && !diag_failed(u);

    print_reports(u, line);
    if (!done)
        return 1;
    void (*before)(int) = signal(SIGINT, SIG_IGN);
    done = write_file(u, tuned_path(u, line), file);
    signal(SIGINT, before);
    return !done || (!(line->tune_to && strcmp(line->tune_to, "-") == 0) && !write_file(u, "-", said));
}

static bool compiled(Unit *u)
{
    bool done = pipeline_run(u, NULL);

    diag_print(u, stderr, colour(2));
    return done;
}

/* The second file of a command is compiled with the options of the first. */
static Unit *second_unit(const Unit *u, const char *path)
{
    Unit *other = unit_new();

    other->options = u->options;
    other->options.input = path;
    return other;
}

static int run_inspection(Unit *u, const CommandLine *line)
{
    const Inspection *i = line->inspection;
    Text *t = text_new(u->arena);
    Unit *other = line->second ? second_unit(u, line->second) : NULL;
    Subject s = { .u = u, .other = other, .place = line->place, .colour = colour(1), .terminal = isatty(1), .columns = columns(1) };
    bool done = u->options.input == NULL ? i->alone(line->place, t) : compiled(u) && (!other || compiled(other));

    if (done && i->needs_image)
        done = (s.image = image_read(u, u->net, u->options.image)) != NULL;
    if (done && u->options.input)
        done = i->run(&s, t);

    diag_print(u, stderr, colour(2));
    done = done && write_file(u, "-", t);
    if (other)
        unit_free(other);
    return !done;
}

int main(int argc, char **argv)
{
    const Tool *tool = tool_find(argc > 1 ? argv[1] : NULL);

    if (tool)
        return tool->run(argc - 1, argv + 1);
    Unit *u = unit_new();
    CommandLine line = { 0 };
    int status = 0;

    if (!options_read(u, &line, argc, argv)) {
        status = 2;
    } else if (line.help || line.version) {
        Text *t = text_new(u->arena);
        if (line.help)
            options_help(u, t);
        else
            text_line(t, "cnnc %s, %s", CNNC_VERSION, native_maker() ? native_maker() : "without LLVM");
        status = !write_file(u, "-", t);
    } else if (line.list_targets) {
        Text *t = text_new(u->arena);
        status = !native_list_targets(t) || !write_file(u, "-", t);
    } else if (line.makefile) {
        status = tool_makefile();
    } else if (line.inspection) {
        status = run_inspection(u, &line);
    } else if (line.tune) {
        status = run_tune(u, &line);
    } else if (line.command) {
        status = run_command(u, &line, argc, argv);
    } else {
        status = !compile(u, &line) || diag_failed(u);
        print_reports(u, &line);
    }
    unit_free(u);
    return status;
}
