/* reference_shell.c: the tables as parts of completions for bash, zsh and fish (reference.h). */
#include "integrate/reference.h"

#include "base/list.h"
#include "base/warning.h"
#include "emit/emit.h"
#include "inspect/inspect.h"
#include "integrate/tools.h"
#include "loops/machine.h"
#include "options.h"
#include "pipeline.h"

#include <string.h>

/* ---- what a value can be */

static void put_outputs(Text *t)
{
    for (int i = 0; i < output_table_count; i++)
        text_put(t, "%s%s", i ? " " : "", output_table[i]->name);
}

static void put_stages(Text *t)
{
    for (int i = 0; i < stage_table_count; i++)
        text_put(t, "%s%s", i ? " " : "", stage_table[i].name);
}

static void put_machines(Text *t)
{
    for (int i = 0; i < machine_table_count; i++)
        text_put(t, "%s%s", i ? " " : "", machine_table[i].name);
}

static void put_warnings(Text *t)
{
    text_put(t, "all error");
    for (int i = 0; i < WARNING_COUNT; i++)
        text_put(t, " %s no-%s", warning_table[i].name, warning_table[i].name);
}

/* By the option; tests/integrate/reference.sh tries every word. */
static const struct { const char *option, *words; void (*put)(Text *t); } values[] = {
    { "--emit", NULL, put_outputs },   { "--dump", NULL, put_stages }, { "--target", NULL, put_machines },
    { "-W", NULL, put_warnings },      { "--style", "lesson unrolled fast", NULL },
    { "--real", "float double", NULL }, { "--layout", "auto channels images", NULL }, { "--winograd", "auto 2 4 off", NULL },
    { "-O", "0 1 2 3", NULL },         { "--cpu", "native", NULL },
};

static const char *words_of(Arena *arena, const char *option)
{
    for (int i = 0; i < countof(values); i++)
        if (strcmp(values[i].option, option) == 0) {
            Text *t = text_new(arena);
            if (values[i].put)
                values[i].put(t);
            else
                text_put(t, "%s", values[i].words);
            return t->at;
        }
    return "";
}

/* An option that has two rows is completed once. */
static bool is_repeated(int row)
{
    for (int i = 0; i < row; i++)
        if (strcmp(options_text(i).name, options_text(row).name) == 0)
            return true;
    return false;
}

typedef void EachCommand(Text *t, const char *name, const char *help);

static void each_command(Text *t, EachCommand *one)
{
    for (int i = 0; i < command_table_count; i++)
        one(t, command_table[i].name, command_table[i].help);
    for (int i = 0; i < inspection_table_count; i++)
        one(t, inspection_table[i]->name, inspection_table[i]->summary);
    for (int i = 0; i < tool_table_count; i++)
        if (strcmp(tool_table[i].name, "reference") != 0)
            one(t, tool_table[i].name, tool_table[i].summary);
}

/* Help in the single quotes of a shell, without what `special` lists. */
static void put_help(Text *t, const char *help, const char *special)
{
    for (; *help; help++)
        if (*help == '\'')
            text_put(t, "%s", "'\\''");
        else
            text_put(t, "%s%c", strchr(special, *help) ? "\\" : "", *help);
}

/* ---- bash */

static void bash_command(Text *t, const char *name, const char *help)
{
    (void)help;
    text_put(t, " %s", name);
}

static void bash_commands(Text *t)
{
    text_put(t, "    commands='");
    each_command(t, bash_command);
    text_put(t, "'\n");
}

static void bash_options(Text *t)
{
    text_put(t, "    options='");
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        if (!is_repeated(i))
            text_put(t, "%s%s%s", i ? " " : "", o.name, o.value && o.name[1] == '-' ? "=" : "");
    }
    text_put(t, "'\n");
}

static void bash_values(Text *t)
{
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        const char *words = words_of(t->arena, o.name);
        if (!o.value || is_repeated(i))
            continue;
        text_put(t, "    %s)", o.name);
        if (*words)
            text_put(t, " words='%s' ;;\n", words);
        else
            text_put(t, " %s ;;\n", strcmp(o.value, "FILE") == 0 ? "files=yes" : ":");
    }
}

/* ---- zsh */

static void zsh_command(Text *t, const char *name, const char *help)
{
    text_put(t, "    '%s:", name);
    put_help(t, help, ":");
    text_put(t, "'\n");
}

static void zsh_commands(Text *t) { each_command(t, zsh_command); }

static void zsh_options(Text *t)
{
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        const char *words = words_of(t->arena, o.name);
        if (is_repeated(i))
            continue;
        /* -Wname stands together, -o net.c apart, --style=fast with its sign. */
        const char *joint = !o.value ? "" : o.name[1] == '-' ? "=" : strcmp(o.name, "-o") == 0 || strcmp(o.name, "-MF") == 0 ? "" : "-";
        text_put(t, "    '*%s%s[", o.name, joint);
        put_help(t, o.help, "[]:\\");
        text_put(t, "]");
        if (o.value)
            text_put(t, ":%s:%s%s%s", o.value, *words ? "(" : strcmp(o.value, "FILE") == 0 ? "_files" : "", words, *words ? ")" : "");
        text_put(t, "'\n");
    }
}

/* ---- fish */

static void fish_command(Text *t, const char *name, const char *help)
{
    text_put(t, "complete -c cnnc -n __fish_use_subcommand -a %s -d '", name);
    for (; *help; help++)
        text_put(t, "%s%c", *help == '\'' || *help == '\\' ? "\\" : "", *help);
    text_put(t, "'\n");
}

static void fish_commands(Text *t) { each_command(t, fish_command); }

static void fish_options(Text *t)
{
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        const char *words = words_of(t->arena, o.name);
        if (is_repeated(i))
            continue;
        bool is_long = o.name[1] == '-', is_short = !o.name[2];
        text_put(t, "complete -c cnnc -%c %s", is_long ? 'l' : is_short ? 's' : 'o', o.name + 1 + is_long);
        if (o.value && *words)
            text_put(t, " -x -a '%s'", words);
        else if (o.value)
            text_put(t, " %s", strcmp(o.value, "FILE") == 0 ? "-r -F" : "-x");
        text_put(t, " -d '");
        for (const char *c = o.help; *c; c++)
            text_put(t, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
        text_put(t, "'\n");
    }
}

const Filling shell_fillings[] = {
    { "bash:commands", bash_commands }, { "bash:options", bash_options }, { "bash:values", bash_values }, { "zsh:commands", zsh_commands },
    { "zsh:options", zsh_options },     { "fish:commands", fish_commands }, { "fish:options", fish_options }, { NULL, NULL },
};
