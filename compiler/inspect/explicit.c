/* explicit.c: cnnc --explicit: the program with everything written out that it leaves to defaults: blocks and repeats expanded, one layer a line, each
 * with its name and all of its arguments, and every setting of the training. It is a program itself, and makes the same network. Only names
 * given within blocks change: residual1.a is called residual1_a. */
#include "emit/emit.h"
#include "layers/window.h"
#include "net/recipe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Explicit {
    Unit *u;
    Text *t;
} Explicit;

/* A name as it can be written. */
static const char *plain(const Explicit *e, const char *name)
{
    char *copy = arena_copy(e->u->arena, name, strlen(name));

    for (char *c = copy; *c; c++)
        if (*c == '.')
            *c = '_';
    return copy;
}

static const char *value_name(const Explicit *e, const Value *v)
{
    return plain(e, v->from ? v->from->name : v->name);
}

/* The shortest decimal number that is the same double. */
static const char *real_text(Unit *u, double number)
{
    if (number > -1e15 && number < 1e15 && number == (double)(int64_t)number)
        return arena_print(u->arena, "%.0f", number);
    for (int digits = 1; digits <= 17; digits++) {
        const char *text = arena_print(u->arena, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return text;
    }
    return "0";
}

static void put_string(Text *t, const char *text)
{
    text_put(t, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            text_put(t, "\\");
        text_bytes(t, text, 1);
    }
    text_put(t, "\"");
}

static const char *word_of(Unit *u, const char *words, int index)
{
    for (; index > 0; index--)
        words += strcspn(words, " ") + 1;
    return arena_copy(u->arena, words, strcspn(words, " "));
}

/* ---- one argument */

static void put_value(const Explicit *e, const ArgSpec *spec, const ArgValue *v)
{
    Text *t = e->t;

    switch (spec->kind) {
    case ARG_COUNT:
        text_put(t, "%" PRId64, v->number[0]);
        break;
    case ARG_REAL:
        text_put(t, "%s", real_text(e->u, v->real));
        break;
    case ARG_RANGE:
        text_put(t, "%s..%s", real_text(e->u, v->real), real_text(e->u, v->high));
        break;
    case ARG_SIZE:
        text_put(t, "%" PRId64 "x%" PRId64, v->number[0], v->number[1]);
        break;
    case ARG_PAIR:
        text_put(t, "(%" PRId64 ",%" PRId64 ")", v->number[0], v->number[1]);
        break;
    case ARG_PAD:
        text_put(t, "(%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ")", v->number[0], v->number[1], v->number[2], v->number[3]);
        break;
    case ARG_CHOICE:
        text_put(t, "%s", word_of(e->u, spec->words, v->word));
        break;
    case ARG_FLAG:
        text_put(t, "%s", spec->name);
        break;
    case ARG_TEXT:
        for (int i = 0; i < v->count; i++) {
            text_put(t, "%s", i ? ", " : "");
            put_string(t, v->texts[i]);
        }
        break;
    case ARG_SHAPE:
    case ARG_VALUES:
        break;
    }
}

/* Words, texts and ranges stand without a name where they may, everything else with it. */
static bool needs_name(const ArgSpec *spec)
{
    switch (spec->kind) {
    case ARG_FLAG:
        return false;
    case ARG_CHOICE:
    case ARG_TEXT:
    case ARG_RANGE:
        return !spec->positional;
    case ARG_COUNT: case ARG_REAL: case ARG_SIZE: case ARG_PAIR: case ARG_PAD: case ARG_SHAPE: case ARG_VALUES:
        break;
    }
    return true;
}

/* Of arguments that exclude each other the one that is given is written, else the first that has a default. */
static bool is_written(const ArgSpec *specs, const ArgValue *values, int count, int i)
{
    if (specs[i].kind == ARG_VALUES || specs[i].kind == ARG_SHAPE || (specs[i].kind == ARG_FLAG && !values[i].word)
        || (specs[i].kind == ARG_TEXT && values[i].count == 0))
        return false;
    for (int j = 0; specs[i].group > 0 && j < count; j++)
        if (j != i && specs[j].group == specs[i].group && (values[j].given || (!values[i].given && j < i && specs[j].kind != ARG_FLAG)))
            return false;
    return true;
}

static void put_args(const Explicit *e, const ArgSpec *specs, const ArgValue *values, int count, const char *separator)
{
    for (int i = 0; i < count; i++) {
        if (!is_written(specs, values, count, i))
            continue;
        text_put(e->t, "%s%s%s", separator, needs_name(&specs[i]) ? specs[i].name : "", needs_name(&specs[i]) ? "=" : "");
        put_value(e, &specs[i], &values[i]);
        separator = ", ";
    }
}

/* ---- the network */

/* What a layer computes from its arguments where they are not given: the stride of a pool is its window, the first weights are the network's. */
static ArgValue in_effect(const Site *s, const ArgSpec *spec, const ArgValue *given)
{
    static const char *const inits[] = { [INIT_ZEROS] = "zeros", [INIT_ONES] = "ones", [INIT_GLOROT] = "glorot", [INIT_HE] = "he", [INIT_LECUN] = "lecun" };
    const Param *weight = site_find_param(s, "weight");
    ArgValue v = *given;

    if (given->given)
        return v;
    if (s->window && strcmp(spec->name, "stride") == 0) {
        v.number[0] = s->window->h.stride;
        v.number[1] = s->window->w.stride;
    }
    if (weight && strcmp(spec->name, "init") == 0 && weight->init <= INIT_LECUN) {
        const char *at = spec->words;
        for (v.word = 0; *at && strncmp(at, inits[weight->init], strcspn(at, " ")) != 0; v.word++) {
            at += strcspn(at, " ");
            at += *at == ' ';
        }
    }
    return v;
}

static void put_site(const Explicit *e, const Site *s, const Value *above)
{
    const LayerKind *kind = s->kind;
    ArgValue *values = arena_array(e->u->arena, (size_t)kind->arg_count + 1, sizeof *values);

    for (int i = 0; i < kind->arg_count; i++)
        values[i] = in_effect(s, &kind->args[i], &s->args[i]);
    text_put(e->t, "  %s = %s", plain(e, s->name), kind->name);
    put_args(e, kind->args, values, kind->arg_count, " ");
    for (int i = 0; i < s->in_count && (s->in_count > 1 || s->x != above); i++)
        text_put(e->t, "%s%s", i ? ", " : " from ", value_name(e, s->in[i]));
    text_put(e->t, "\n");
}

static void put_network(const Explicit *e)
{
    const Net *net = e->u->net;
    const Value *above = net->x;

    text_put(e->t, "network %s {\n  ", net->name);
    if (strcmp(net->x->name, "input") != 0)
        text_put(e->t, "%s = ", net->x->name);
    text_put(e->t, "input ");
    if (net->input.rank == 1)
        text_put(e->t, "%" PRId64 "\n", net->input.dim[0]);
    else
        text_put(e->t, "%s\n", shape_text(e->u, net->input));
    for (int i = 0; i < net->sites.count; i++) {
        put_site(e, net->sites.at[i], above);
        above = net->sites.at[i]->y;
    }
    text_put(e->t, "}\n");
}

/* ---- the training */

/* A list of words, or the names of layers. */
static void put_list(const Explicit *e, const ArgValue *v)
{
    for (int i = 0; i < v->count; i++)
        text_put(e->t, "%s%s", i ? ", " : " ", plain(e, v->texts[i]));
}

static void put_setting(const Explicit *e, const Setting *s)
{
    const SettingSpec *own = setting_find(s->name, s->word), *spec = own ? own : setting_find(s->name, NULL);

    if (strcmp(s->name, "shuffle") == 0) {
        if (!s->args[0].word)
            text_put(e->t, "  noshuffle\n");
        return;
    }
    text_put(e->t, "  %s", s->name);
    switch (spec->form) {
    case FORM_PLAIN:
        for (int i = 0; i < s->arg_count; i++) {
            text_put(e->t, " ");
            put_value(e, &s->specs[i], &s->args[i]);
        }
        break;
    case FORM_WORD:
    case FORM_LOSS:
        text_put(e->t, " %s", s->word);
        put_args(e, s->specs, s->args, s->arg_count, ", ");
        break;
    case FORM_EACH:
        text_put(e->t, " %s(", s->word);
        put_args(e, s->specs, s->args, s->arg_count, "");
        text_put(e->t, ")");
        break;
    case FORM_LIST:
        put_list(e, &s->args[0]);
        break;
    case FORM_EXPECT:
        text_put(e->t, " %s %s %s", s->word, word_of(e->u, s->specs[0].words, s->args[0].word), real_text(e->u, s->args[1].real));
        break;
    }
    text_put(e->t, "\n");
}

static bool is_of_data(const Setting *s)
{
    return strcmp(s->name, "source") == 0 || strcmp(s->name, "labels") == 0;
}

static void put_rows(const Explicit *e, const Recipe *r)
{
    for (int i = 0; i < r->rows.count; i++) {
        text_put(e->t, "  row");
        for (int64_t j = 0; j < r->row_inputs; j++)
            text_put(e->t, "%s%s", j ? ", " : " ", real_text(e->u, r->rows.at[i].inputs[j]));
        for (int64_t j = 0; j < r->row_targets; j++)
            text_put(e->t, "%s%s", j ? ", " : " -> ", real_text(e->u, r->rows.at[i].targets[j]));
        text_put(e->t, "\n");
    }
}

/* True if the data needs a block of its own: it is not just a name that cnnc knows, or a folder. */
static bool has_data_block(const Recipe *r)
{
    const Setting *source = recipe_setting(r, "source");

    return r->rows.count > 0 || recipe_setting(r, "labels") || !source || !r->data_name || strcmp(source->word, r->data_name) != 0;
}

static void put_recipe(const Explicit *e)
{
    const Recipe *r = &e->u->net->recipe;
    bool block = !r->data_path && has_data_block(r);

    if (!r->given)
        return;
    if (block) {
        text_put(e->t, "\ndata %s {\n", r->data_name);
        for (int i = 0; i < r->settings.count; i++)
            if (is_of_data(&r->settings.at[i]) && (r->rows.count == 0 || strcmp(r->settings.at[i].name, "source") != 0))
                put_setting(e, &r->settings.at[i]);
        put_rows(e, r);
        text_put(e->t, "}\n");
    }
    text_put(e->t, "\ntrain %s on ", e->u->net->name);
    if (r->data_path)
        put_string(e->t, r->data_path);
    else
        text_put(e->t, "%s", r->data_name);
    text_put(e->t, " {\n");
    for (int i = 0; i < r->settings.count; i++)
        if (!is_of_data(&r->settings.at[i]))
            put_setting(e, &r->settings.at[i]);
    text_put(e->t, "}\n");
}

static bool emit(Unit *u, Text *t)
{
    Explicit e = { u, t };

    put_network(&e);
    put_recipe(&e);
    return true;
}

const Output output_cnn = {
    .name = "cnn",
    .suffixes = "",
    .summary = "the program with every default written out (--explicit)",
    .looks = true,
    .emit = emit,
};
