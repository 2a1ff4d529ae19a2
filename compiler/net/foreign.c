/* foreign.c: translation of lines that were written for Keras or PyTorch.
 *
 * The names stand in the tables of the layers (LayerKind.foreign, ArgSpec.foreign); here are the order of their positional
 * arguments, and what has no counterpart. */
#include "net/foreign.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Positional arguments of other frameworks, in their order; a name that no spec knows is left out. */
typedef struct Signature {
    const char *names;
    const char *order;
} Signature;

static const Signature signatures[] = {
    { "Conv2D Convolution2D Conv2DTranspose Deconvolution2D", "filters kernel_size strides padding" },
    { "Conv2d", "in_channels out_channels kernel_size stride padding dilation groups bias" },
    { "ConvTranspose2d", "in_channels out_channels kernel_size stride padding" },
    { "MaxPooling2D MaxPool2D AveragePooling2D AvgPool2D", "pool_size strides padding" },
    { "MaxPool2d AvgPool2d", "kernel_size stride padding" },
    { "Dense", "units activation" },
    { "Linear", "in_features out_features bias" },
    { "BatchNorm2d BatchNorm1d", "num_features eps momentum" },
    { "BatchNormalization", "axis momentum epsilon" },
    { "AdaptiveAvgPool2d AdaptiveMaxPool2d", "output_size" },
    { "Flatten", "start_dim end_dim" },
    { "Softmax Concatenate", "axis" },
    { "ReLU SiLU Sigmoid Tanh", "inplace" },
};

/* Arguments that say nothing here. */
static const char noise_words[] =
    "in_channels in_features num_features inplace dim axis start_dim end_dim output_size input_shape input_dim "
    "batch_input_shape name data_format dtype trainable track_running_stats affine bias_initializer device";

/* Names that are no layer here, and what is written instead; a number given to them (else `number`) stands between. */
typedef struct Advice {
    const char *names;
    const char *before, *number, *after;
} Advice;

static const Advice advices[] = {
    { "ZeroPadding2D ZeroPad2d", "the border belongs to the layer that looks across it: 'conv 32, 3x3, pad=", "1", "'" },
    { "Sequential Model Module", "the layers are lines of 'network NAME { ... }'", NULL, "" },
};

/* One translation under way. */
typedef struct Translation {
    Unit *u;
    const ArgOwner *owner;          /* of the right name, with its specs */
    const char *foreign_name;       /* or NULL: the layer's name is right */
    bool *used;                     /* specs that have their argument */
    const char *parts;              /* "32, 3x3" */
    const char *lost;               /* "'kernel_regularizer', 'x'": what cannot be said */
    bool ok;
} Translation;

static bool has_word(const char *words, const char *word)
{
    return words != NULL && word_index(words, word) >= 0;
}

static bool is_word(const AstExpr *e, const char *words)
{
    return (e->kind == AST_NAME || e->kind == AST_STRING) && has_word(words, e->text);
}

static const char true_words[] = "True true", false_words[] = "False false None none";

static int tuple_count(const AstArg *arg)
{
    int count = 0;

    for (const AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL)
        count++;
    return count;
}

static bool calculates(const AstExpr *e)
{
    return e->kind == AST_NUMBER || e->kind == AST_BINARY || e->kind == AST_NEGATE
        || (e->kind == AST_NAME && !is_word(e, true_words) && !is_word(e, false_words));
}

static bool all_calculate(const AstArg *arg)
{
    for (const AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL)
        if (!calculates(e))
            return false;
    return true;
}

/* The index of a choice's word, also as "he_uniform", or -1. */
static int choice_of(const ArgSpec *spec, const char *text)
{
    const char *words = spec->words, *word;
    int length;

    for (int i = 0; next_word(&words, &word, &length); i++)
        if (strncmp(text, word, (size_t)length) == 0 && (text[length] == 0 || strcmp(text + length, "_uniform") == 0))
            return i;
    return -1;
}

/* Whether the argument can be said with that spec. */
static bool fits(const ArgSpec *spec, const AstArg *arg)
{
    const AstExpr *e = arg->value;
    int count = tuple_count(arg);

    if (e->failed || arg->high != NULL)
        return false;
    switch (spec->kind) {
    case ARG_COUNT:
    case ARG_REAL:
    case ARG_RANGE:  return !arg->tuple && calculates(e);
    case ARG_SIZE:   return (!arg->tuple && (calculates(e) || e->kind == AST_SIZE)) || (count == 2 && all_calculate(arg));
    case ARG_PAIR:   return all_calculate(arg) && count <= 2;
    case ARG_PAD:    return all_calculate(arg) && count != 3 && count <= 4;
    case ARG_CHOICE: return !arg->tuple && (e->kind == AST_NAME || e->kind == AST_STRING) && choice_of(spec, e->text) >= 0;
    case ARG_FLAG:   return !arg->tuple && (is_word(e, true_words) || is_word(e, false_words));
    case ARG_SHAPE:  return (!arg->tuple && (calculates(e) || e->kind == AST_SIZE)) || (count <= 3 && all_calculate(arg));
    case ARG_TEXT:   return !arg->tuple && e->kind == AST_STRING;
    case ARG_VALUES: return false;
    }
    return false;
}

static bool spec_is_called(const ArgSpec *spec, const char *key)
{
    /* A flag that turns off what another framework turns on has that one's name. */
    return strcmp(spec->name, key) == 0 || has_word(spec->foreign, key)
        || (strcmp(spec->name, "nobias") == 0 && strcmp(key, "bias") == 0);
}

static int find_spec(const ArgOwner *owner, const char *key, const AstArg *arg)
{
    for (int i = 0; i < owner->spec_count; i++)
        if (spec_is_called(&owner->specs[i], key) && fits(&owner->specs[i], arg))
            return i;
    return -1;
}

const ArgSpec *foreign_spec(const ArgOwner *owner, const AstArg *arg)
{
    int index = find_spec(owner, arg->key, arg);

    if (index >= 0)
        return &owner->specs[index];
    for (int i = 0; i < owner->spec_count; i++)
        if (strcmp(owner->specs[i].name, arg->key) != 0 && spec_is_called(&owner->specs[i], arg->key))
            return &owner->specs[i];
    return NULL;
}

bool foreign_noise(const AstArg *arg)
{
    return has_word(noise_words, arg->key) || strcmp(arg->key, "activation") == 0;
}

/* ---- the text of one argument */

static void add_part(Translation *t, const char *part)
{
    t->parts = *t->parts == 0 ? part : arena_print(t->u->arena, "%s, %s", t->parts, part);
}

/* The numbers of an argument with something between them. */
static const char *joined(Translation *t, const AstArg *arg, const char *between)
{
    const char *text = "";

    for (const AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL)
        text = arena_print(t->u->arena, "%s%s%s", text, e == arg->value ? "" : between, span_text(t->u, e->span));
    return text;
}

/* An argument that only says what holds anyway. */
static bool is_default(Unit *u, const ArgSpec *spec, const AstArg *arg)
{
    const AstExpr *e = arg->value;

    if (spec->required || arg->tuple || e->kind != AST_NUMBER || e->number != spec->fallback)
        return false;
    return spec->fallback_text == NULL || strcmp(spec->fallback_text, arena_print(u->arena, "%.9g", spec->fallback)) == 0;
}

/* An x between numbers makes a size of literals alone. */
static bool all_literal(const AstArg *arg)
{
    for (const AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL)
        if (e->kind != AST_NUMBER || !e->whole)
            return false;
    return true;
}

static void add_named(Translation *t, const ArgSpec *spec, const char *text)
{
    add_part(t, spec->positional ? text : arena_print(t->u->arena, "%s=%s", spec->name, text));
}

static void add_argument(Translation *t, int index, const AstArg *arg)
{
    const ArgSpec *spec = &t->owner->specs[index];
    const AstExpr *e = arg->value;
    const char *text = span_text(t->u, e->span);

    t->used[index] = true;
    switch (spec->kind) {
    case ARG_COUNT:
    case ARG_REAL:
    case ARG_RANGE:
    case ARG_TEXT:
        /* Keras's momentum is the weight of the old statistics, the other side's that of the new batch. */
        if (t->foreign_name != NULL && strcmp(t->foreign_name, "BatchNormalization") == 0
            && strcmp(spec->name, "momentum") == 0 && e->kind == AST_NUMBER)
            text = arena_print(t->u->arena, "%.6g", 1 - e->number);
        else if (spec->kind != ARG_TEXT && is_default(t->u, spec, arg))
            return;
        add_named(t, spec, text);
        return;
    case ARG_SIZE:
        if (e->kind == AST_SIZE)
            add_named(t, spec, text);
        else if (!all_literal(arg) && !arg->tuple)
            add_part(t, arena_print(t->u->arena, "%s=%s", spec->name, text));
        else if (!all_literal(arg))
            t->ok = false;
        else
            add_named(t, spec, arg->tuple ? joined(t, arg, "x") : arena_print(t->u->arena, "%sx%s", text, text));
        return;
    case ARG_PAIR:
    case ARG_PAD:
        if (is_default(t->u, spec, arg))
            return;
        if (arg->tuple)
            text = arena_print(t->u->arena, "(%s)", joined(t, arg, ", "));
        add_part(t, arena_print(t->u->arena, "%s=%s", spec->name, text));
        return;
    case ARG_SHAPE:
        if (arg->tuple && !all_literal(arg))
            t->ok = false;
        else
            add_named(t, spec, arg->tuple ? joined(t, arg, "x") : text);
        return;
    case ARG_CHOICE:
        if (choice_of(spec, e->text) > 0)       /* the first is the default */
            add_named(t, spec, word_at(t->u, spec->words, choice_of(spec, e->text)));
        return;
    case ARG_FLAG: {
        bool off = strncmp(spec->name, "no", 2) == 0 && is_word(e, false_words);
        bool on = strncmp(spec->name, "no", 2) != 0 && is_word(e, true_words);
        if (off || on)
            add_part(t, spec->name);
        return;
    }
    case ARG_VALUES:
        break;
    }
    t->ok = false;
}

/* "relu" of `activation="relu"`, as it is called here. */
static void add_activation(Translation *t, const AstArg *arg)
{
    const AstExpr *e = arg->value;

    if (arg->tuple || (e->kind != AST_NAME && e->kind != AST_STRING)) {
        t->ok = false;
        return;
    }
    if (is_word(e, "None none linear"))
        return;
    for (int i = 0; i < layer_table_count; i++) {
        const LayerKind *kind = layer_table[i];
        if (!kind->loss && (strcmp(kind->name, e->text) == 0 || has_word(kind->foreign, e->text))) {
            add_part(t, kind->name);
            return;
        }
    }
    t->ok = false;
}

static void translate_key(Translation *t, const char *key, const AstArg *arg)
{
    int index = find_spec(t->owner, key, arg);

    if (index >= 0)
        add_argument(t, index, arg);
    else if (strcmp(key, "activation") == 0)
        add_activation(t, arg);
    else if (!has_word(noise_words, key))
        t->lost = arena_print(t->u->arena, "%s%s'%s'", t->lost == NULL ? "" : t->lost, t->lost == NULL ? "" : ", ", key);
}

/* A positional argument of a line whose name is right, or of a foreign one beyond its signature. */
static void translate_positional(Translation *t, const AstArg *arg)
{
    const AstExpr *e = arg->value;

    if (t->foreign_name == NULL) {
        add_part(t, span_text(t->u, arg->span));
        return;
    }
    for (int i = 0; i < t->owner->spec_count; i++)
        if (t->owner->specs[i].positional && !t->used[i] && fits(&t->owner->specs[i], arg)) {
            add_argument(t, i, arg);
            return;
        }
    if ((e->kind == AST_NAME || e->kind == AST_STRING) && !arg->tuple)
        add_activation(t, arg);
    else
        t->ok = false;
}

static const char *signature_of(const char *foreign_name)
{
    for (int i = 0; foreign_name != NULL && i < countof(signatures); i++)
        if (has_word(signatures[i].names, foreign_name))
            return signatures[i].order;
    return "";
}

/* The right line, or NULL where that cannot be told; *lost as in Translation. */
static const char *translate(Unit *u, const ArgOwner *owner, const char *foreign_name, const AstArg *args, const char **lost)
{
    Translation t = { .u = u, .owner = owner, .foreign_name = foreign_name, .parts = "", .ok = true };
    const char *order = signature_of(foreign_name), *word;
    int length;

    t.used = arena_array(u->arena, (size_t)owner->spec_count + 1, sizeof *t.used);
    for (const AstArg *arg = args; arg != NULL && t.ok; arg = arg->next) {
        if (arg->value->failed)
            return NULL;
        if (arg->key != NULL)
            translate_key(&t, arg->key, arg);
        else if (next_word(&order, &word, &length))
            translate_key(&t, arena_copy(u->arena, word, (size_t)length), arg);
        else
            translate_positional(&t, arg);
    }
    for (int i = 0; i < owner->spec_count && foreign_name != NULL; i++)
        if (owner->specs[i].required && !t.used[i])
            return NULL;
    *lost = t.lost;
    if (!t.ok)
        return NULL;
    if (*t.parts == 0)
        return owner->name;
    if (owner->call)
        return arena_print(u->arena, "%s(%s)", owner->name, t.parts);
    return arena_print(u->arena, "%s%s %s", owner->name, owner->word_first ? "," : "", t.parts);
}

/* `line` may be NULL. */
static void advise(Unit *u, const ArgOwner *owner, const char *line, const char *lost)
{
    if (lost != NULL)
        note(u, "there is nothing here like %s", lost);
    if (line != NULL && owner->line.source != 0)
        fix_at(u, owner->line, line, "write '%s'", line);
    else if (line != NULL)
        help(u, "write '%s'", line);
    else if (owner->example != NULL)
        help(u, "for example '%s'", args_example(u, owner));
}

void foreign_advise(Unit *u, const ArgOwner *owner, const AstArg *args)
{
    const char *lost = NULL;
    const char *line = translate(u, owner, NULL, args, &lost);

    advise(u, owner, line, lost);
}

/* ---- layers */

static const LayerKind *find_kind(const char *name)
{
    for (int i = 0; i < layer_table_count; i++)
        if (!layer_table[i]->loss && has_word(layer_table[i]->foreign, name))
            return layer_table[i];
    return NULL;
}

/* `Activation("relu")` is nothing but its argument. */
static bool bare_activation(Unit *u, const ArgOwner *owner, const AstArg *args)
{
    Translation t = { .u = u, .owner = owner, .parts = "", .ok = true };

    if (strcmp(owner->name, "Activation") != 0)
        return false;
    error_at(u, owner->name_span, "there is no layer 'Activation': the function is a layer itself");
    if (args != NULL)
        add_activation(&t, args);
    ArgOwner right = *owner;
    right.example = "relu";
    advise(u, &right, t.ok && *t.parts != 0 ? t.parts : NULL, NULL);
    return true;
}

bool foreign_layer(Unit *u, const ArgOwner *owner, const AstArg *args)
{
    const LayerKind *kind = find_kind(owner->name);

    if (kind != NULL) {
        ArgOwner right = *owner;
        right.name = kind->name;
        right.specs = kind->args;
        right.spec_count = kind->arg_count;
        right.example = kind->example;
        const char *lost = NULL;
        const char *line = translate(u, &right, owner->name, args, &lost);
        error_at(u, owner->name_span, "'%s' is called '%s' here", owner->name, kind->name);
        advise(u, &right, line, lost);
        return true;
    }
    for (int i = 0; i < countof(advices); i++)
        if (has_word(advices[i].names, owner->name)) {
            error_at(u, owner->name_span, "there is no layer '%s'", owner->name);
            const char *number = advices[i].number;
            if (number != NULL && args != NULL && args->value->kind == AST_NUMBER && !args->tuple)
                number = span_text(u, args->value->span);
            help(u, "%s%s%s", advices[i].before, number == NULL ? "" : number, advices[i].after);
            return true;
        }
    return bare_activation(u, owner, args);
}
