/* reference_manual.c: the tables as sections of manual pages, in the macros of man(7) (reference.h). */
#include "integrate/reference.h"

#include "base/warning.h"
#include "emit/emit.h"
#include "inspect/inspect.h"
#include "integrate/tools.h"
#include "net/layer.h"
#include "net/recipe.h"
#include "net/take.h"
#include "options.h"
#include "pipeline.h"

#include <string.h>

/* Text as roff takes it literally. `quoted`: within the quotes of a macro's argument. */
static void put(Text *t, const char *text, bool quoted)
{
    if (!quoted && (*text == '.' || *text == '\''))
        text_put(t, "\\&");
    for (; *text; text++)
        if (*text == '\\')
            text_put(t, "\\e");
        else if (*text == '-')
            text_put(t, "\\-");
        else if (*text == '"' && quoted)
            text_put(t, "\\(dq");
        else
            text_put(t, "%c", *text);
}

/* Running text, in lines that are not long: mandoc asks for that. */
static void put_line(Text *t, const char *text)
{
    enum { LONGEST = 60 };          /* what is escaped grows */

    for (const char *rest = text; rest;) {
        const char *space = strlen(rest) > LONGEST ? rest + LONGEST : NULL;
        while (space && space > rest && *space != ' ')
            space--;
        if (space == rest)
            space = strchr(rest, ' ');
        put(t, space ? arena_copy(t->arena, rest, (size_t)(space - rest)) : rest, false);
        text_put(t, "\n");
        rest = space ? space + 1 : NULL;
    }
}

/* .MACRO "a b" */
static void put_macro(Text *t, const char *macro, const char *text)
{
    text_put(t, ".%s \"", macro);
    put(t, text, true);
    text_put(t, "\"\n");
}

static void put_entry(Text *t, const char *term, const char *text)
{
    text_put(t, ".TP\n");
    put_macro(t, "B", term);
    put_line(t, text);
}

static void commands(Text *t)
{
    Arena *a = t->arena;

    for (int i = 0; i < command_table_count; i++)
        put_entry(t, arena_print(a, "cnnc %s net.cnn", command_table[i].name), command_table[i].help);
    for (int i = 0; i < inspection_table_count; i++)
        put_entry(t, arena_print(a, "cnnc %s %s", inspection_table[i]->name, inspection_table[i]->takes), inspection_table[i]->summary);
    for (int i = 0; i < tool_table_count; i++)
        put_entry(t, arena_print(a, "cnnc %s%s%s", tool_table[i].name, *tool_table[i].takes ? " " : "", tool_table[i].takes), tool_table[i].summary);
}

static void options(Text *t)
{
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        text_put(t, ".TP\n.%s \"", o.value ? "BI" : "B");
        put(t, o.name, true);
        text_put(t, "%s\"", o.value && o.name[1] == '-' ? "=" : o.value ? " " : "");
        if (o.value) {
            text_put(t, " \"");
            put(t, o.value, true);
            text_put(t, "\"");
        }
        text_put(t, "\n");
        put_line(t, o.help);
    }
}

static void outputs(Text *t)
{
    for (int i = 0; i < output_table_count; i++)
        put_entry(t, arena_print(t->arena, "%s (%s)", output_table[i]->name, output_table[i]->suffixes), output_table[i]->summary);
}

static void stages(Text *t)
{
    for (int i = 0; i < stage_table_count; i++)
        put_entry(t, stage_table[i].name, stage_table[i].summary);
}

static void warnings(Text *t)
{
    for (int i = 0; i < WARNING_COUNT; i++)
        put_entry(t, warning_table[i].name,
                  arena_print(t->arena, "%s%s", warning_table[i].summary, warning_table[i].always ? "; given without being asked for" : ""));
}

/* "a whole number such as 32; number of filters; default 1" */
static const char *about(Arena *a, const ArgSpec *s)
{
    const char *kind = s->kind == ARG_CHOICE ? s->words : kind_words(s->kind);
    bool word = s->kind == ARG_FLAG || (s->kind == ARG_CHOICE && s->positional);
    bool numeric = s->kind == ARG_COUNT || s->kind == ARG_REAL || s->kind == ARG_PAIR || s->kind == ARG_PAD;
    const char *without = s->required ? "; must be written" : s->fallback_text ? arena_print(a, "; default: %s", s->fallback_text)
                          : numeric ? arena_print(a, "; default: %g", s->fallback) : "";

    return arena_print(a, "%s%s%s%s", word ? "" : kind, word ? "" : ": ", s->help, without);
}

static void arguments(Text *t, const ArgSpec *args, int count)
{
    if (count == 0)
        return;
    text_put(t, ".RS\n");
    for (int i = 0; i < count; i++) {
        const ArgSpec *s = &args[i];
        const char *term = !s->positional ? arena_print(t->arena, "%s=", s->name) : s->kind == ARG_CHOICE ? s->words : s->name;
        put_entry(t, term, about(t->arena, s));
    }
    text_put(t, ".RE\n");
}

static void layers_that(Text *t, bool losses)
{
    for (int i = 0; i < layer_table_count; i++) {
        const LayerKind *l = layer_table[i];
        if (l->loss != losses)
            continue;
        put_entry(t, l->name, arena_print(t->arena, "%s; %s", l->summary, l->example ? l->example : l->name));
        arguments(t, l->args, l->arg_count);
    }
}

static void layers(Text *t) { layers_that(t, false); }
static void losses(Text *t) { layers_that(t, true); }

static void settings_of(Text *t, bool data)
{
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *s = &setting_table[i];
        if (s->hidden || (data ? !s->data : !s->train))
            continue;
        put_entry(t, s->example, s->help);
        arguments(t, s->args, s->arg_count);
    }
}

static void data_settings(Text *t) { settings_of(t, true); }
static void train_settings(Text *t) { settings_of(t, false); }

const Filling manual_fillings[] = {
    { "man:commands", commands }, { "man:options", options }, { "man:outputs", outputs },   { "man:stages", stages },
    { "man:warnings", warnings }, { "man:layers", layers },   { "man:losses", losses },     { "man:data", data_settings },
    { "man:train", train_settings }, { NULL, NULL },
};
