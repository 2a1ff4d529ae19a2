/* training.c: the recipe whole: what is not written gets its default, and what is written must fit together. */
#include "net/training.h"

#include <assert.h>
#include <string.h>

const Setting *recipe_setting(const Recipe *r, const char *name)
{
    for (int i = 0; i < r->settings.count; i++)
        if (strcmp(r->settings.at[i].name, name) == 0)
            return &r->settings.at[i];
    return NULL;
}

static bool has_word(const Setting *s, const char *word)
{
    return s != NULL && s->word != NULL && strcmp(s->word, word) == 0;
}

/* The argument of that name of a setting that has it. */
static ArgValue *argument(const Setting *s, const char *name)
{
    for (int i = 0; i < s->arg_count; i++)
        if (strcmp(s->specs[i].name, name) == 0)
            return &s->args[i];
    return NULL;
}

static bool ends_in(const Net *net, const char *kind)
{
    return net->y->from != NULL && strcmp(net->y->from->kind->name, kind) == 0;
}

/* ---- defaults */

static void add_default(Training *t, const char *name, const char *word, Span at)
{
    if (training_find(t, name) == NULL)
        training_add(t, setting_find(name, word), NULL, at);
}

static void add_default_count(Training *t, const char *name, int64_t number, Span at)
{
    if (training_find(t, name) == NULL)
        training_add(t, setting_find(name, NULL), NULL, at)->args[0].number[0] = number;
}

static void add_default_loss(Training *t, Span at)
{
    if (training_find(t, "loss") != NULL)
        return;
    bool perceptron = has_word(training_find(t, "optimizer"), "perceptron");
    const LayerKind *kind = layer_find(!perceptron && ends_in(t->net, "softmax") ? "crossentropy" : "quadratic");
    assert(kind != NULL && kind->loss);
    SettingSpec *spec = ARENA_NEW(t->u->arena, SettingSpec);
    *spec = (SettingSpec){ .name = "loss", .word = kind->name, .args = kind->args, .arg_count = kind->arg_count };
    training_add(t, spec, NULL, at);
}

static void add_defaults(Training *t)
{
    Span at = t->block != NULL ? t->block->span : t->net->span;

    add_default(t, "validate", NULL, at);
    add_default_loss(t, at);
    add_default(t, "optimizer", "sgd", at);
    add_default(t, "schedule", "constant", at);
    add_default_count(t, "batch", has_word(training_find(t, "optimizer"), "perceptron") ? 1 : 32, at);
    add_default_count(t, "epochs", 1, at);
    add_default_count(t, "seed", 1, at);
    if (training_find(t, "shuffle") == NULL)
        training_add(t, setting_find("shuffle", NULL), NULL, at)->args[0].word = 1;
}

/* Settings in the order of the table. Of `validate` the train block's, which comes last, stays. */
static void put_in_order(Training *t)
{
    Recipe *r = t->recipe;
    LIST(Setting) ordered = { 0 };

    for (int row = 0; row < setting_table_count; row++) {
        const char *name = setting_table[row].name;
        if (row > 0 && strcmp(setting_table[row - 1].name, name) == 0)
            continue;
        const Setting *last = NULL;
        for (int i = 0; i < r->settings.count; i++) {
            if (strcmp(r->settings.at[i].name, name) != 0)
                continue;
            if (strcmp(name, "validate") == 0)
                last = &r->settings.at[i];
            else
                LIST_ADD(t->u->arena, &ordered, r->settings.at[i]);
        }
        if (last != NULL)
            LIST_ADD(t->u->arena, &ordered, *last);
    }
    assert(sizeof ordered == sizeof r->settings);
    r->settings.at = ordered.at;
    r->settings.count = ordered.count;
    r->settings.room = ordered.room;
}

/* What depends on other settings: the metric that is watched, and the name of the file. */
static void fill_in(Training *t)
{
    bool validates = training_find(t, "validate")->args[0].real > 0;

    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *s = &t->recipe->settings.at[i];
        ArgValue *metric = argument(s, "metric"), *file = strcmp(s->name, "save") == 0 ? argument(s, "file") : NULL;
        if (metric != NULL && !metric->given)
            metric->word = word_index(metric_words, validates ? "val_loss" : "loss");
        if (file != NULL && !file->given) {
            file->texts = arena_array(t->u->arena, 1, sizeof *file->texts);
            file->texts[0] = arena_print(t->u->arena, "%s.safetensors", t->net->name);
            file->count = 1;
        }
    }
}

/* ---- what must fit together */

static void check_epochs(Training *t)
{
    if (training_find(t, "epochs") != NULL || t->lines_failed)
        return;
    for (const AstStmt *line = t->block->body; line != NULL; line = line->next)
        if (line->kind == AST_FLOW && strcmp(line->flow->name, "epochs") == 0)
            return;                 /* it was reported */
    error_at(t->u, t->block->name != NULL ? t->block->name->span : t->block->value->span,
             "the train block does not say for how many epochs");
    help(t->u, "add a line such as 'epochs 10'");
}

static void check_metric(Training *t, const char *metric, Span at)
{
    if (strncmp(metric, "val_", 4) != 0 || training_find(t, "validate")->args[0].real > 0)
        return;
    error_at(t->u, at, "'%s' needs a validation set", metric);
    help(t->u, "add a line such as 'validate 10%%', or write '%s'", metric + 4);
}

static void check_metrics(Training *t)
{
    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *s = &t->recipe->settings.at[i];
        const ArgValue *metric = argument(s, "metric");
        if (strcmp(s->name, "stop") == 0 || strcmp(s->name, "expect") == 0)
            check_metric(t, s->word, s->span);
        else if (metric != NULL && metric->given)
            check_metric(t, word_at(t->u, metric_words, metric->word), metric->span);
    }
}

static void check_perceptron(Training *t)
{
    Unit *u = t->u;
    const Setting *optimizer = training_find(t, "optimizer"), *loss = training_find(t, "loss");

    if (has_word(optimizer, "perceptron")) {
        t->recipe->straight_through = true;
        if (!has_word(loss, "quadratic")) {
            error_at(u, loss->span, "the perceptron rule goes with the loss 'quadratic', not with '%s'", loss->word);
            note_at(u, optimizer->span, "the rule is chosen");
        }
        return;
    }
    for (int i = 0; t->recipe->given && i < t->net->sites.count; i++) {
        const Site *site = t->net->sites.at[i];
        if (strcmp(site->kind->name, "step") != 0)
            continue;
        warning_at(u, WARN_STEP, site->span, "'step' has no gradient: nothing before it is trained");
        help(u, "write 'optimizer perceptron', or 'sigmoid' in place of 'step'");
        return;
    }
}

/* A name for the loss's site that meets no layer's. */
static const char *loss_name(Unit *u, const Net *net, const char *kind)
{
    const char *name = kind;

    for (int i = 0; i < net->sites.count; i++)
        if (strcmp(net->sites.at[i]->name, name) == 0) {
            name = arena_print(u->arena, "%s_loss", name);
            i = -1;
        }
    return name;
}

static void make_loss(Training *t)
{
    Unit *u = t->u;
    const Setting *loss = training_find(t, "loss");
    Site *s = ARENA_NEW(u->arena, Site);

    *s = (Site){ .kind = layer_find(loss->word), .name = loss_name(u, t->net, loss->word), .number = t->net->sites.count,
                 .span = loss->span, .args = loss->args, .in_count = 1, .x = t->net->y };
    s->in = arena_array(u->arena, 1, sizeof(Value *));
    s->in[0] = t->net->y;
    if (s->kind->shape == NULL || s->kind->shape(u, s))
        t->net->loss = s;
}

bool training_read(Items *items, Net *net, const AstItem *block)
{
    Unit *u = items->u;
    Recipe alone = { 0 };
    Training t = { .u = u, .items = items, .net = net, .block = block, .recipe = net != NULL ? &net->recipe : &alone };
    int errors = diag_errors(u);

    t.recipe->given = block != NULL;
    if (block != NULL) {
        t.recipe->span = block->span;
        dataset_source(&t);
        setting_lines(&t, block);
        check_epochs(&t);
    }
    if (net == NULL || diag_errors(u) > errors || t.lines_failed)
        return false;
    add_defaults(&t);
    put_in_order(&t);
    fill_in(&t);
    if (block != NULL) {
        check_metrics(&t);
        dataset_check(&t);
    }
    check_perceptron(&t);
    make_loss(&t);
    return diag_errors(u) == errors;
}

/* ---- rows for the runtime */

typedef struct Rows {
    LIST(RecipeRow) list;
} Rows;

static void add_row(Unit *u, Rows *rows, const char *name, double number, const char *text)
{
    RecipeRow row = { name, number, text };
    LIST_ADD(u->arena, &rows->list, row);
}

static void add_rows(Unit *u, Rows *rows, const ArgSpec *spec, const ArgValue *v)
{
    switch (spec->kind) {
    case ARG_COUNT:
        add_row(u, rows, spec->name, (double)v->number[0], NULL);
        break;
    case ARG_REAL:
        add_row(u, rows, spec->name, v->real, NULL);
        break;
    case ARG_FLAG:
        add_row(u, rows, spec->name, v->word, NULL);
        break;
    case ARG_CHOICE:
        add_row(u, rows, spec->name, 0, word_at(u, spec->words, v->word));
        break;
    case ARG_SIZE:
    case ARG_PAIR:
        add_row(u, rows, arena_print(u->arena, "%s_h", spec->name), (double)v->number[0], NULL);
        add_row(u, rows, arena_print(u->arena, "%s_w", spec->name), (double)v->number[1], NULL);
        break;
    case ARG_RANGE:
        add_row(u, rows, arena_print(u->arena, "%s_low", spec->name), v->real, NULL);
        add_row(u, rows, arena_print(u->arena, "%s_high", spec->name), v->high, NULL);
        break;
    case ARG_TEXT:
        for (int i = 0; i < v->count; i++)
            add_row(u, rows, spec->many ? "" : spec->name, 0, v->texts[i]);
        break;
    case ARG_PAD:
    case ARG_SHAPE:
    case ARG_VALUES:
        assert(!"no setting has such an argument");
        break;
    }
}

const RecipeRow *recipe_rows(Unit *u, const Setting *s, int *count)
{
    Rows rows = { 0 };

    for (int i = 0; i < s->arg_count; i++)
        add_rows(u, &rows, &s->specs[i], &s->args[i]);
    *count = rows.list.count;
    return rows.list.at;
}
