/* options.c: the command line as a table (options.h). What a value must be is said once, in the row of its option. */
#include "options.h"

#include "defaults.h"
#include "emit/emit.h"
#include "emit/native.h"
#include "inspect/inspect.h"
#include "integrate/tools.h"
#include "loops/machine.h"
#include "pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    Unit *u;
    CommandLine *line;
    const char *emit;               /* --emit before or after -o */
} Reader;

typedef struct Option {
    const char *name;               /* "--style" or "-o" */
    const char *value;              /* what stands behind it, for help; NULL: a flag */
    const char *help;
    const char *(*read)(Reader *r, const char *value);      /* NULL, or what was expected */
} Option;

static const char *read_output(Reader *r, const char *value)
{
    Target t = { value, NULL };
    LIST_ADD(r->u->arena, &r->line->targets, t);
    return *value ? NULL : "a path, or - for standard output";
}

static const char *read_emit(Reader *r, const char *value)
{
    if (output_find(value)) {
        r->emit = value;
        return NULL;
    }
    Text *t = text_new(r->u->arena);
    text_put(t, "one of");
    for (int i = 0; i < output_table_count; i++)
        text_put(t, "%s %s", i ? "," : "", output_table[i]->name);
    return t->at;
}

/* The number of the word among these, or -1. */
static int number_of(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static const char *read_style(Reader *r, const char *value)
{
    static const char *const name[] = { [STYLE_LESSON] = "lesson", [STYLE_UNROLLED] = "unrolled", [STYLE_FAST] = "fast" };
    int style = number_of(value, name, countof(name));
    if (style < 0)
        return "lesson, unrolled or fast";
    r->u->options.style = (Style)style;
    r->line->style_given = true;
    return NULL;
}

static const char *read_layout(Reader *r, const char *value)
{
    static const char *const name[] = { [LAYOUT_AUTO] = "auto", [LAYOUT_CHANNELS] = "channels", [LAYOUT_IMAGES] = "images" };
    int layout = number_of(value, name, countof(name));
    if (layout < 0)
        return "auto, channels or images";
    r->u->options.layout = (Layout)layout;
    return NULL;
}

static const char *read_winograd(Reader *r, const char *value)
{
    static const char *const name[] = { [WINOGRAD_AUTO] = "auto", [WINOGRAD_2] = "2", [WINOGRAD_4] = "4", [WINOGRAD_OFF] = "off" };
    int size = number_of(value, name, countof(name));
    if (size < 0)
        return "auto, 2, 4 or off";
    r->u->options.winograd = (Winograd)size;
    return NULL;
}

/* "avx2,avx512": machines whose code may stand in one file. */
static const char *read_machines(Reader *r, const char *value)
{
    LIST(const Machine *) list = { 0 };

    for (const char *word = value; word; word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL) {
        const Machine *m = machine_find(arena_copy(r->u->arena, word, strcspn(word, ",")));
        bool known = false;
        if (!m || !m->also)
            return "a list of machines that can share a file: x86-64-v2, x86-64-v3, x86-64-v4";
        for (int i = 0; i < list.count; i++)
            known = known || list.at[i] == m;
        if (!known)
            LIST_ADD(r->u->arena, &list, m);
    }
    options_set_machines(&r->u->options, r->u->arena, list.at, list.count);
    r->line->machine_given = true;
    return NULL;
}

/* Machines of the fast style, or, told by its '-', a triple that LLVM knows. */
static const char *read_target(Reader *r, const char *value)
{
    Options *o = &r->u->options;
    const Machine *machine = machine_find(value);

    if (strchr(value, ','))
        return read_machines(r, value);
    if (machine) {
        o->machine = machine;
        r->line->machine_given = true;
        o->machine_count = 0;
    } else if (strchr(value, '-'))
        o->triple = value;
    if (machine || o->triple == value)
        return NULL;
    Text *t = text_new(r->u->arena);
    text_put(t, "a triple such as aarch64-linux-gnu ('cnnc --targets' lists them) or one of");
    for (int i = 0; i < machine_table_count; i++)
        text_put(t, "%s %s", i ? "," : "", machine_table[i].name);
    return t->at;
}

static const char *read_cpu(Reader *r, const char *value)
{
    r->u->options.cpu = value;
    return *value ? NULL : "the name of a processor";
}

static const char *read_features(Reader *r, const char *value)
{
    r->u->options.features = value;
    return *value ? NULL : "a list such as +fma,-avx2";
}

static const char *read_tune(Reader *r, const char *value)
{
    r->line->tune = true;
    r->line->tune_to = value;
    return value && !*value ? "a path" : NULL;
}

static const char *read_tuned(Reader *r, const char *value)
{
    r->u->options.tuned = value;
    return *value ? NULL : "a path";
}

static const char *read_optimise(Reader *r, const char *value)
{
    r->u->options.optimise = value[0] - '0';
    return value[0] >= '0' && value[0] <= '3' && !value[1] ? NULL : "0, 1, 2 or 3";
}

static const char *read_real(Reader *r, const char *value)
{
    bool is_double = strcmp(value, "double") == 0;
    r->u->options.real = is_double ? REAL_DOUBLE : REAL_FLOAT;
    return is_double || strcmp(value, "float") == 0 ? NULL : "float or double";
}

static bool whole(const char *text, int64_t low, int64_t high, int64_t *to)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < low || number > high)
        return false;
    *to = number;
    return true;
}

static const char *read_tile(Reader *r, const char *value)
{
    return whole(value, 1, 4096, &r->u->options.tile) ? NULL : "a number of images from 1 to 4096";
}

static const char *read_budget(Reader *r, const char *value)
{
    return whole(value, 1, INT64_MAX, &r->u->options.unroll_budget) ? NULL : "a number of statements";
}

static const char *read_network(Reader *r, const char *value)
{
    r->u->options.network = value;
    return NULL;
}

static const char *read_weights(Reader *r, const char *value)
{
    r->u->options.weights = value;
    return NULL;
}

static const char *read_image(Reader *r, const char *value)
{
    r->u->options.image = value;
    return *value ? NULL : "a picture: PNG, PGM or PPM";
}

static const char *read_class(Reader *r, const char *value)
{
    return whole(value, 0, INT32_MAX, &r->u->options.target) ? NULL : "the number of a class, from 0 on";
}

static const char *read_report(Reader *r, const char *value)
{
    Options *o = &r->u->options;

    if (o->report_count == countof(o->reports))
        return "one of so many tables: four are enough";
    o->reports[o->report_count++] = value;
    return *value ? NULL : "a table";
}

static const char *read_dump(Reader *r, const char *value)
{
    r->line->dump = value;
    if (stage_find(value))
        return NULL;
    Text *t = text_new(r->u->arena);
    text_put(t, "one of");
    for (int i = 0; i < stage_table_count; i++)
        text_put(t, "%s %s", i ? "," : "", stage_table[i].name);
    return t->at;
}

static const char *read_define(Reader *r, const char *value)
{
    Options *o = &r->u->options;
    const char *equals = strchr(value, '=');

    if (!equals || equals == value || !equals[1])
        return "NAME=VALUE";
    Define *more = arena_array(r->u->arena, (size_t)o->define_count + 1, sizeof *more);
    if (o->define_count)
        memcpy(more, o->defines, (size_t)o->define_count * sizeof *more);
    more[o->define_count++] = (Define){ arena_copy(r->u->arena, value, (size_t)(equals - value)), equals + 1, false };
    o->defines = more;
    return NULL;
}

static const char *read_warning(Reader *r, const char *value)
{
    if (warnings_read(value, &r->u->options.warnings, &r->u->options.warnings_are_errors))
        return NULL;
    Text *t = text_new(r->u->arena);
    text_put(t, "all, error, no-NAME or one of");
    for (int i = 0; i < WARNING_COUNT; i++)
        text_put(t, "%s %s", i ? "," : "", warning_table[i].name);
    return t->at;
}

static const char *read_depfile(Reader *r, const char *value)
{
    r->line->depend = true;
    r->line->depfile = value;
    return *value ? NULL : "a path";
}

static const char *read_depend(Reader *r, const char *value)  { (void)value; r->line->depend = true; return NULL; }
static const char *read_json(Reader *r, const char *value)    { (void)value; r->line->report = REPORT_JSON; return NULL; }
static const char *read_sarif(Reader *r, const char *value)   { (void)value; r->line->report = REPORT_SARIF; return NULL; }
static const char *read_infer(Reader *r, const char *value)   { (void)value; r->u->options.infer = true; return NULL; }
static const char *read_all(Reader *r, const char *value)     { (void)value; r->u->options.all = true; return NULL; }
static const char *read_backward(Reader *r, const char *value)   { (void)value; r->u->options.backward = true; return NULL; }
static const char *read_explicit(Reader *r, const char *value)   { (void)value; r->emit = "cnn"; return NULL; }
static const char *read_main(Reader *r, const char *value)    { (void)value; r->u->options.with_main = true; return NULL; }
static const char *read_strict(Reader *r, const char *value)  { (void)value; r->u->options.strict = true; return NULL; }
static const char *read_debug(Reader *r, const char *value)   { (void)value; r->u->options.debug = true; return NULL; }
static const char *read_targets(Reader *r, const char *value) { (void)value; r->line->list_targets = true; return NULL; }
static const char *read_makefile(Reader *r, const char *value) { (void)value; r->line->makefile = true; return NULL; }
static const char *read_help(Reader *r, const char *value)    { (void)value; r->line->help = true; return NULL; }
static const char *read_version(Reader *r, const char *value) { (void)value; r->line->version = true; return NULL; }

static const Option table[] = {
    { "-o",              "FILE",    "write FILE; its ending chooses the output; - is standard output", read_output },
    { "--emit",          "OUTPUT",  "choose the output by name",                                       read_emit },
    { "--explicit",      NULL,      "print the program with every default written out (--emit=cnn)",  read_explicit },
    { "-D",              "NAME=V",  "give the param NAME the value V",                                 read_define },
    { "--network",       "NAME",    "the network to compile, where the file has several",              read_network },
    { "--style",         "STYLE",   "fast: for the machine (default); lesson: to read, loops like the formulas; unrolled: no loop left", read_style },
    { "--target",        "MACHINE", "what --style=fast schedules for: avx512, avx2, sse2, neon, sve-128, rvv-128, simd128, scalar", read_target },
    { "--target",        "LIST",    "C for several: it asks the processor (default x86-64-v2,x86-64-v3,x86-64-v4; objects: avx2)", read_target },
    { "--target",        "TRIPLE",  "the machine that objects are for, such as aarch64-linux-gnu (default: this one)", read_target },
    { "--targets",       NULL,      "the machines that objects can be made for",                       read_targets },
    { "--cpu",           "NAME",    "its processor, such as x86-64-v3; native: this one",              read_cpu },
    { "--features",      "LIST",    "what it has beyond, or lacks: +fma,-avx2",                        read_features },
    { "-O",              "LEVEL",   "how much LLVM optimises: 0 to 3 (default 2; with -g and for -o net.ll 0)",    read_optimise },
    { "-g",              NULL,      "for debuggers: step through the source, print what layers make",  read_debug },
    { "--strict",        NULL,      "the same bits by every compiler: no contraction, own exp, log, tanh, erf", read_strict },
    { "--real",          "TYPE",    "float (default) or double",                                       read_real },
    { "--tile",          "N",       "images that one call handles (default 1; fast, for training: 32, fewer for small batches and large maps)",                        read_tile },
    { "--layout",        "WHAT",    "what lies innermost in --style=fast: auto (default), channels, images", read_layout },
    { "--winograd",      "SIZE",    "tiles of 3x3 convolutions in --style=fast: auto (default: 2, or what --tuned says), 2, 4 (faster, less exact), off", read_winograd },
    { "--tune",          NULL,      "measure on this machine what --style=fast had better choose for LLVM (--emit=c: for $CC), and write it to net.tuned", read_tune },
    { "--tune",          "FILE",    "the same into FILE",                                              read_tune },
    { "--tuned",         "FILE",    "choose what FILE says, which --tune wrote",                       read_tuned },
    { "--infer",         NULL,      "inference alone: no dropout, scales folded into weights",         read_infer },
    { "--weights",       "FILE",    "embed the weights of FILE.safetensors (with --infer); step, -o net.html: show them",            read_weights },
    { "--image",         "FILE",    "step: the picture, PNG, PGM or PPM",                              read_image },
    { "--all",           NULL,      "step: every map of a layer, not two rows of them",               read_all },
    { "--backward",      NULL,      "step: go back, too: which numbers move the loss",                 read_backward },
    { "--class",         "N",       "step --backward: the right answer (default: the network's own)",  read_class },
    { "--report",        "FILE",    "-o net.html: show a table that train --csv or test --csv wrote",  read_report },
    { "--main",          NULL,      "add a main with the commands train, test, run, grad and step",    read_main },
    { "--unroll-budget", "N",       "statements that --style=unrolled may write (default 250000)",     read_budget },
    { "-W",              "NAME",    "-Wall: all warnings; -WNAME, -Wno-NAME: one of them; -Werror: they are errors", read_warning },
    { "--json",          NULL,      "write errors and warnings as JSON (on stderr)",                   read_json },
    { "--sarif",         NULL,      "the same as SARIF 2.1.0, for code hosts",                         read_sarif },
    { "-MD",             NULL,      "write beside the first output, as FILE.d, what it depends on",    read_depend },
    { "-MF",             "FILE",    "write that to FILE",                                              read_depfile },
    { "--dump",          "STAGE",   "print what a stage made, and stop",                               read_dump },
    { "--makefile",      NULL,      "where cnnc.mk is: include $(shell cnnc --makefile)",              read_makefile },
    { "--help",          NULL,      "this text",                                                       read_help },
    { "--version",       NULL,      "the version",                                                     read_version },
};

int options_count(void) { return countof(table); }
OptionText options_text(int i) { return (OptionText){ table[i].name, table[i].value, table[i].help }; }

/* The option that `text` is, with its value in *value (NULL where it has none of its own). */
static const Option *option_of(const char *text, const char **value)
{
    *value = NULL;
    for (int i = 0; i < countof(table); i++) {
        const Option *o = &table[i];
        size_t length = strlen(o->name);
        if (strncmp(text, o->name, length) != 0)
            continue;
        if (text[length] == '\0')
            return o;
        if (o->value && o->name[1] != '-') {
            *value = text + length;                     /* -Dname=value */
            return o;
        }
        if (o->value && text[length] == '=') {
            *value = text + length + 1;
            return o;
        }
    }
    return NULL;
}

static bool wrong(const char *format, const char *a, const char *b)
{
    fputs("cnnc: error: ", stderr);
    fprintf(stderr, format, a, b);
    fputs("\n  help: 'cnnc --help' shows the options\n", stderr);
    return false;
}

static bool wrong_machines(const Options *o)
{
    return wrong("only a file of C serves several machines; what is asked for is made for one, such as --target=%s%s", o->machine->name, "");
}

const CommandText command_table[] = {
    { "train", "train the network at once; behind the file the command's options" },
    { "test", "how well it does on the images of the test set" },
    { "run", "its results for images" },
    { "grad", "its gradient for images" },
    { "check", "whether its gradient is right, and all ways to run it agree" },
};
const int command_table_count = countof(command_table);

static bool is_command(const char *word)
{
    for (int i = 0; i < command_table_count; i++)
        if (strcmp(word, command_table[i].name) == 0)
            return true;
    return false;
}

/* The file of an inspection, and what stands behind its name or in its place. */
static bool take_inspected(Unit *u, CommandLine *line, char *word)
{
    const Inspection *i = line->inspection;
    char *colon = strrchr(word, ':');

    if (u->options.input || line->place) {
        if (i->more != MORE_FILE || line->second)
            return wrong("'%s' is one too many: this command takes %s", word, i->takes);
        line->second = word;
        return true;
    }
    if (i->alone && i->alone(word, text_new(u->arena))) {
        line->place = word;
        return true;
    }
    if (i->more == MORE_PLACE && colon && colon != word && colon[1]) {
        line->place = colon + 1;
        word = arena_copy(u->arena, word, (size_t)(colon - word));
    }
    u->options.input = word;
    return true;
}

/* The loops as the formulas have them: what everything for people is made of. */
static bool shows_lesson(const Unit *u)
{
    return u->options.style == STYLE_LESSON && u->options.tile == 1;
}

static bool inspected_enough(Unit *u, const CommandLine *line)
{
    const Inspection *i = line->inspection;
    bool second = i->more != MORE_FILE || line->second, place = i->more != MORE_PLACE || line->place;

    if (line->targets.count || line->dump)
        return wrong("'%s' writes no code: -o, --emit and --dump belong to 'cnnc net.cnn'%s", i->name, "");
    if (!shows_lesson(u))
        return wrong("'%s' shows style lesson, an image at a time%s", i->name, "");
    if (i->needs_image && (!u->options.image || !u->options.weights))
        return wrong("'%s' needs --weights FILE and --image FILE%s", i->name, "");
    u->options.shown_weights = i->needs_image ? u->options.weights : NULL;
    u->options.weights = NULL;
    if (i->alone && u->options.input && !place)
        return wrong("'%s' is no place in a network such as %s, and the name of no error or warning", u->options.input, i->takes);
    return ((u->options.input || line->place) && second && place) || wrong("'cnnc %s' takes %s", i->name, i->takes);
}

bool options_read(Unit *u, CommandLine *line, int argc, char **argv)
{
    Reader r = { .u = u, .line = line };

    if (argc > 1 && is_command(argv[1]))
        line->command = argv[1];
    else if (argc > 1)
        line->inspection = inspection_find(argv[1]);
    for (int i = line->command || line->inspection ? 2 : 1; i < argc; i++) {
        const char *value;
        if (line->inspection && (argv[i][0] != '-' || argv[i][1] == '\0')) {
            if (!take_inspected(u, line, argv[i]))
                return false;
            continue;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            if (u->options.input)
                return wrong("two inputs, '%s' and '%s'; one file is compiled at a time", u->options.input, argv[i]);
            u->options.input = argv[i];
            if (line->command) {
                line->rest = argv + i + 1;
                line->rest_count = argc - i - 1;
                break;
            }
            continue;
        }
        const Option *o = option_of(argv[i], &value);
        if (!o)
            return wrong("unknown option '%s'%s", argv[i], "");
        if (o->value && !value) {
            if (i + 1 == argc)
                return wrong("'%s' needs a value: %s", o->name, o->value);
            value = argv[++i];
        }
        const char *expected = o->read(&r, value);
        if (expected)
            return wrong(arena_print(u->arena, "%s '%%s' is not %%s", o->name), value, expected);
    }
    if (line->command || line->tune)
        default_for_command(u, line);
    if (line->help || line->version || line->list_targets || line->makefile)
        return true;
    if (line->inspection) {
        default_style(u, line);
        return (default_machines(u, line) || wrong_machines(&u->options)) && inspected_enough(u, line);
    }
    if (!u->options.input)
        return wrong("no input file%s%s", "", "");
    if (line->command && (line->targets.count || r.emit || line->dump))
        return wrong("'%s' writes no code: -o, --emit and --dump belong to 'cnnc net.cnn'%s", line->command, "");
    if (line->command && strcmp(line->command, "check") == 0 && line->rest_count)
        return wrong("'%s' stands behind the input file; 'check' takes its options before it%s", line->rest[0], "");
    line->tune_c = line->tune && r.emit && strcmp(r.emit, "c") == 0;
    if (line->tune && (line->command || line->targets.count || (r.emit && !line->tune_c) || line->dump))
        return wrong("--tune measures and writes its file; %s belongs to a call with --tuned%s", line->command ? "a command" : "-o, --emit or --dump", "");
    if (line->tune && strcmp(u->options.input, "-") == 0)
        return wrong("--tune reads the source several times, so that it needs a file%s%s", "", "");
    if (r.emit && line->targets.count == 0 && !line->tune)
        read_output(&r, "-");
    if (line->depend && (line->targets.count == 0 || (!line->depfile && strcmp(line->targets.at[0].path, "-") == 0)))
        return wrong("%s needs a file that is written: -o FILE%s", line->depfile ? "-MF" : "-MD", "");
    for (int i = 0; i < line->targets.count; i++) {
        Target *t = &line->targets.at[i];
        t->emit = r.emit;
        if (!r.emit && strcmp(t->path, "-") == 0)
            t->emit = "c";
        if (!t->emit && !output_for_path(t->path))
            return wrong("'%s' has an ending that says no output%s", t->path, "; '--emit=c' chooses C");
    }
    default_style(u, line);
    if (!default_machines(u, line))
        return wrong_machines(&u->options);
    if ((line->tune || u->options.tuned) && u->options.style != STYLE_FAST)
        return wrong("%s is about --style=fast%s", line->tune ? "--tune" : "--tuned", "");
    if (line->tune && u->options.tuned)
        return wrong("--tune begins with what cnnc chooses by itself: without --tuned%s%s", "", "");
    if (line->tune && u->options.machine != machine_find(native_machine()))
        return wrong("--tune measures on this machine, which is %s: it cannot say what is fastest on %s", native_machine(), u->options.machine->name);
    int looked_at = outputs_to_look_at(line);
    bool looks = looked_at > 0 && looked_at == line->targets.count;
    if (looked_at > 0 && !shows_lesson(u))
        return wrong("pages and pictures of a network show style lesson, an image at a time%s%s",
                     looks ? "" : "; beside code they need --style=lesson, or a call of their own", "");
    if (u->options.report_count && !looks)
        return wrong("--report belongs to a page, -o net.html%s%s", "", "");
    if (u->options.weights && !u->options.infer && looks) {
        u->options.shown_weights = u->options.weights;
        u->options.weights = NULL;
    }
    if (u->options.weights && !u->options.infer)
        return wrong("--weights needs --infer: %s%s", "weights are embedded for inference, training changes them", "");
    return true;
}
