/* setting.c: one line of a train or data block becomes a Setting, by the table of settings.c. */
#include "net/training.h"

#include "net/args.h"
#include "net/foreign.h"
#include "net/take.h"

#include <assert.h>
#include <string.h>

Setting *training_add(Training *t, const SettingSpec *spec, ArgValue *values, Span span)
{
    Setting s = { .name = spec->name, .word = spec->word, .span = span, .specs = spec->args, .args = values,
                  .arg_count = spec->arg_count };

    if (values == NULL) {
        s.args = arena_array(t->u->arena, (size_t)spec->arg_count + 1, sizeof *s.args);
        for (int i = 0; i < spec->arg_count; i++)
            s.args[i] = take_fallback(&spec->args[i], span);
    }
    LIST_ADD(t->u->arena, &t->recipe->settings, s);
    return &t->recipe->settings.at[t->recipe->settings.count - 1];
}

const Setting *training_find(const Training *t, const char *name)
{
    return recipe_setting(t->recipe, name);
}

/* ---- words */

/* The words of a setting's rows, "sgd adam adamw". */
static const char *words_of(Unit *u, const char *name)
{
    const char *words = "";

    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *spec = &setting_table[i];
        if (strcmp(spec->name, name) == 0 && spec->word != NULL && !spec->hidden)
            words = arena_print(u->arena, "%s%s%s", words, *words == 0 ? "" : " ", spec->word);
    }
    return words;
}

/* The row that a word or call chooses; NULL after reporting. */
static const SettingSpec *chosen_row(Training *t, const AstLayer *line, const AstExpr *e)
{
    Unit *u = t->u;
    const char *words = words_of(u, line->name), *all = words_text(u, words);

    if (e == NULL) {
        error_at(u, line->name_span, "'%s' needs a word: %s", line->name, all);
        help(u, "for example '%s'", setting_find(line->name, NULL)->example);
        return NULL;
    }
    if (e->failed)
        return NULL;
    if (e->kind != AST_NAME && e->kind != AST_CALL) {
        error_at(u, e->span, "'%s' begins with a word: %s", line->name, all);
        return NULL;
    }
    const SettingSpec *spec = setting_find(line->name, e->text);
    if (spec != NULL && !spec->hidden)
        return spec;
    Spelling s = { .word = e->text };
    spelling_offer_words(u, &s, words);
    Span at = e->span;
    at.to = at.from + (uint32_t)strlen(e->text);
    error_at(u, at, "'%s' is %s, not '%s'", line->name, all, e->text);
    spelling_help(u, at, &s);
    return NULL;
}

static ArgOwner owner_of(Training *t, const SettingSpec *spec, const AstLayer *line, Span span)
{
    const char *name = spec->word == NULL ? spec->name
                     : spec->form == FORM_EACH ? spec->word : arena_print(t->u->arena, "%s %s", spec->name, spec->word);

    return (ArgOwner){ .name = name, .name_span = line->name_span, .line = span, .call = spec->form == FORM_EACH,
                       .word_first = spec->word != NULL,
                       .specs = spec->args, .spec_count = spec->arg_count, .example = spec->example };
}

static void bind(Training *t, const SettingSpec *spec, const ArgOwner *owner, const AstArg *args, Span span)
{
    ArgValue *values = arena_array(t->u->arena, (size_t)spec->arg_count + 1, sizeof *values);

    if (args_bind(t->items->scope, owner, args, values, NULL))
        training_add(t, spec, values, span);
}

/* The arguments of `sgd(lr=0.1)` and those behind it as one list. */
static const AstArg *joined_args(Unit *u, const AstArg *first, const AstArg *rest)
{
    AstArg *copy;

    if (first == NULL)
        return rest;
    copy = ARENA_NEW(u->arena, AstArg);
    *copy = *first;
    AstArg *last = copy;
    for (const AstArg *a = first->next; a != NULL; a = a->next) {
        last->next = ARENA_NEW(u->arena, AstArg);
        last = last->next;
        *last = *a;
    }
    last->next = (AstArg *)rest;
    return copy;
}

/* ---- the forms */

static void read_plain(Training *t, const AstLayer *line)
{
    const SettingSpec *spec = setting_find(line->name, NULL);
    ArgOwner owner = owner_of(t, spec, line, line->span);

    bind(t, spec, &owner, line->args, line->span);
}

static void read_word(Training *t, const AstLayer *line)
{
    const AstArg *first = line->args;
    const AstExpr *e = first != NULL && first->key == NULL && first->high == NULL ? first->value : NULL;
    const SettingSpec *spec = chosen_row(t, line, e);

    if (spec == NULL)
        return;
    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *other = &t->recipe->settings.at[i];
        if (spec->many && strcmp(other->name, spec->name) == 0 && strcmp(other->word, spec->word) == 0) {
            error_at(t->u, line->span, "'%s %s' is given twice", spec->name, spec->word);
            note_at(t->u, other->span, "it is given first");
            return;
        }
    }
    ArgOwner owner = owner_of(t, spec, line, line->span);
    bind(t, spec, &owner, joined_args(t->u, e->kind == AST_CALL ? e->args : NULL, first->next), line->span);
}

static void read_each(Training *t, const AstLayer *line)
{
    if (line->args == NULL)
        chosen_row(t, line, NULL);
    for (const AstArg *arg = line->args; arg != NULL; arg = arg->next) {
        if (arg->key != NULL || arg->high != NULL) {
            error_at(t->u, arg->span, "'%s' is a list such as '%s'", line->name, setting_find(line->name, NULL)->example + strlen(line->name) + 1);
            continue;
        }
        const SettingSpec *spec = chosen_row(t, line, arg->value);
        if (spec == NULL)
            continue;
        ArgOwner owner = owner_of(t, spec, line, arg->span);
        owner.name_span = arg->span;
        bind(t, spec, &owner, arg->value->kind == AST_CALL ? arg->value->args : NULL, arg->span);
    }
}

/* The word or string of a list; `per-class` reads as a difference. NULL after reporting. */
static const char *list_word(Training *t, const AstLayer *line, const AstArg *arg)
{
    const AstExpr *e = arg->value;

    if (arg->key == NULL && arg->high == NULL) {
        if (e->kind == AST_NAME || e->kind == AST_STRING)
            return e->text;
        if (e->kind == AST_BINARY && e->op == '-' && e->left->kind == AST_NAME && e->right->kind == AST_NAME)
            return arena_print(t->u->arena, "%s-%s", e->left->text, e->right->text);
    }
    if (!e->failed)
        error_at(t->u, arg->span, "'%s' is a list of words, such as '%s'", line->name, setting_find(line->name, NULL)->example);
    return NULL;
}

static bool report_word(Training *t, const AstArg *arg, const char *word)
{
    Unit *u = t->u;

    if (word_index(report_words, word) >= 0)
        return true;
    Spelling s = { .word = word };
    spelling_offer_words(u, &s, report_words);
    error_at(u, arg->span, "'report' knows %s, not '%s'", words_text(u, report_words), word);
    spelling_help(u, arg->span, &s);
    return false;
}

/* A layer of the network that has something to freeze. */
static bool freeze_word(Training *t, const AstArg *arg, const char *word)
{
    Unit *u = t->u;
    Spelling s = { .word = word };

    if (t->net == NULL)
        return true;
    for (int i = 0; i < t->net->sites.count; i++) {
        const Site *site = t->net->sites.at[i];
        if (strcmp(site->name, word) == 0) {
            if (site->params.count > 0)
                return true;
            error_at(u, arg->span, "'%s' has no parameters that could be frozen", word);
            return false;
        }
        if (site->params.count > 0)
            spelling_offer(&s, site->name);
    }
    error_at(u, arg->span, "network '%s' has no layer '%s'", t->net->name, word);
    spelling_help(u, arg->span, &s);
    return false;
}

static void read_list(Training *t, const AstLayer *line)
{
    const SettingSpec *spec = setting_find(line->name, NULL);
    LIST(const char *) words = { 0 };
    bool ok = true;

    if (line->args == NULL) {
        error_at(t->u, line->name_span, "'%s' needs a list of words, such as '%s'", line->name, spec->example);
        return;
    }
    for (const AstArg *arg = line->args; arg != NULL; arg = arg->next) {
        const char *word = list_word(t, line, arg);
        bool is_report = strcmp(line->name, "report") == 0;
        if (word != NULL && strcmp(word, "per_class") == 0)
            word = "per-class";
        if (word == NULL || !(is_report ? report_word : freeze_word)(t, arg, word)) {
            ok = false;
            continue;
        }
        LIST_ADD(t->u->arena, &words, word);
    }
    if (!ok)
        return;
    ArgValue *values = ARENA_NEW(t->u->arena, ArgValue);
    *values = (ArgValue){ .given = true, .span = line->span, .count = words.count, .texts = words.at };
    training_add(t, spec, values, line->span);
}

/* The loss called so, or by another framework so; NULL after reporting. */
static const LayerKind *find_loss(Training *t, const AstLayer *line, const AstExpr *e)
{
    Unit *u = t->u;
    Spelling s = { .word = e != NULL && (e->kind == AST_NAME || e->kind == AST_CALL) ? e->text : "" };
    const char *all = "";
    Span at = e != NULL ? e->span : line->name_span;

    for (int i = 0; i < layer_table_count; i++) {
        const LayerKind *kind = layer_table[i];
        if (!kind->loss)
            continue;
        if (strcmp(s.word, kind->name) == 0)
            return kind;
        if (*s.word != 0 && kind->foreign != NULL && word_index(kind->foreign, s.word) >= 0) {
            error_at(u, at, "'%s' is called '%s' here", s.word, kind->name);
            fix_at(u, at, kind->name, "write 'loss %s'", kind->name);
            return NULL;
        }
        spelling_offer(&s, kind->name);
        all = arena_print(u->arena, "%s%s%s", all, *all == 0 ? "" : " ", kind->name);
    }
    if (e != NULL && e->failed)
        return NULL;
    if (*s.word == 0)
        error_at(u, at, "'loss' needs a word: %s", words_text(u, all));
    else {
        error_at(u, at, "'loss' is %s, not '%s'", words_text(u, all), s.word);
        spelling_help(u, at, &s);
    }
    return NULL;
}

static void read_loss(Training *t, const AstLayer *line)
{
    const AstArg *first = line->args;
    const AstExpr *e = first != NULL && first->key == NULL && first->high == NULL ? first->value : NULL;
    const LayerKind *kind = find_loss(t, line, e);

    if (kind == NULL)
        return;
    SettingSpec *spec = ARENA_NEW(t->u->arena, SettingSpec);
    *spec = (SettingSpec){ .name = "loss", .word = kind->name, .form = FORM_LOSS, .args = kind->args,
                           .arg_count = kind->arg_count, .example = "loss crossentropy" };
    ArgOwner owner = owner_of(t, spec, line, line->span);
    bind(t, spec, &owner, joined_args(t->u, e->kind == AST_CALL ? e->args : NULL, first->next), line->span);
}

/* `expect accuracy >= 98.8%` */
static void read_expect(Training *t, const AstStmt *line)
{
    Unit *u = t->u;
    const SettingSpec *spec = setting_find("expect", NULL);
    const AstExpr *metric = line->low;
    Datum d;

    if (metric->failed || line->high->failed)
        return;
    if (metric->kind != AST_NAME || word_index(metric_words, metric->text) < 0) {
        Spelling s = { .word = metric->kind == AST_NAME ? metric->text : "" };
        spelling_offer_words(u, &s, metric_words);
        error_at(u, metric->span, "a train block can expect something of %s", words_text(u, metric_words));
        spelling_help(u, metric->span, &s);
        return;
    }
    if (!expr_eval(t->items->scope, line->high, &d))
        return;
    bool is_loss = strstr(metric->text, "loss") != NULL;
    if (d.kind != DATUM_NUMBER || d.number < 0 || (!is_loss && d.number > 1)) {
        error_at(u, line->high->span, is_loss ? "a loss is a number of at least 0" : "'%s' lies between 0 and 1, that is, 0%% and 100%%",
                 metric->text);
        if (d.kind == DATUM_NUMBER && d.number > 1 && d.number <= 100 && line->high->kind == AST_NUMBER)
            fix_at(u, line->high->span, arena_print(u->arena, "%s%%", span_text(u, line->high->span)), "write '%s%%'",
                   span_text(u, line->high->span));
        return;
    }
    ArgValue *values = arena_array(u->arena, 2, sizeof *values);
    values[0] = (ArgValue){ .given = true, .span = line->relation_span, .word = word_index(spec->args[0].words, line->relation) };
    values[1] = (ArgValue){ .given = true, .span = line->high->span, .real = d.number, .high = d.number };
    training_add(t, spec, values, line->span)->word = metric->text;
}

/* ---- lines */

/* Something that belongs elsewhere, or is misspelt. */
static void unknown_setting(Training *t, const AstLayer *line, bool in_train)
{
    Unit *u = t->u;
    Spelling s = { .word = line->name };

    for (int i = 0; i < setting_table_count; i++)
        if (in_train ? setting_table[i].train : setting_table[i].data)
            spelling_offer(&s, setting_table[i].name);
    error_at(u, line->name_span, "unknown setting '%s'", line->name);
    if (s.best == NULL && is_layer_word(t->items, line->name)) {
        help(u, "layers belong into a network");
        return;
    }
    for (int i = 0; s.best == NULL && i < setting_table_count; i++)
        for (int j = 0; j < setting_table[i].arg_count; j++) {
            const SettingSpec *spec = &setting_table[i];
            const ArgSpec *a = &spec->args[j];
            if (strcmp(a->name, line->name) == 0 || (a->foreign != NULL && word_index(a->foreign, line->name) >= 0)) {
                help(u, "it is an argument of '%s', such as '%s'", spec->name, spec->example);
                return;
            }
        }
    spelling_help(u, line->name_span, &s);
}

static bool allowed(const char *name, bool in_train)
{
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *spec = &setting_table[i];
        if (strcmp(spec->name, name) == 0 && (in_train ? spec->train : spec->data))
            return true;
    }
    return false;
}

/* A setting of that name that the block has already; the data block may have given `validate` too. */
static const Setting *setting_in(const Training *t, const char *name, const AstItem *block)
{
    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *s = &t->recipe->settings.at[i];
        if (strcmp(s->name, name) == 0 && s->span.source == block->span.source && s->span.from >= block->span.from
            && s->span.to <= block->span.to)
            return s;
    }
    return NULL;
}

static void read_setting(Training *t, const AstItem *block, const AstStmt *stmt)
{
    Unit *u = t->u;
    AstLayer line = *stmt->flow;
    bool in_train = block->kind == AST_TRAIN, off = strcmp(line.name, "noshuffle") == 0;

    if (off)
        line.name = "shuffle";
    const SettingSpec *spec = setting_find(line.name, NULL);
    if (stmt->name != NULL || line.next != NULL || line.from != NULL || line.has_paths) {
        error_at(u, stmt->span, "this is a line of a network; a %s block has settings, such as '%s'", in_train ? "train" : "data",
                 in_train ? "batch 32" : "source idx, \"DIR\"");
        return;
    }
    if (spec == NULL || spec->form == FORM_EXPECT) {
        unknown_setting(t, &line, in_train);
        return;
    }
    if (!allowed(line.name, in_train)) {
        error_at(u, line.name_span, "'%s' belongs into a %s block", line.name, in_train ? "data" : "train");
        return;
    }
    const Setting *other = setting_in(t, line.name, block);
    if (other != NULL && !spec->many) {
        error_at(u, line.span, "'%s' is given twice", line.name);
        note_at(u, other->span, "it is given first");
        return;
    }
    switch (spec->form) {
    case FORM_PLAIN:
        if (strcmp(line.name, "shuffle") == 0 && line.args == NULL) {
            ArgValue *value = ARENA_NEW(u->arena, ArgValue);
            *value = (ArgValue){ .given = true, .span = line.span, .word = !off };
            training_add(t, spec, value, line.span);
        } else
            read_plain(t, &line);
        break;
    case FORM_WORD: read_word(t, &line); break;
    case FORM_EACH: read_each(t, &line); break;
    case FORM_LIST: read_list(t, &line); break;
    case FORM_LOSS: read_loss(t, &line); break;
    case FORM_EXPECT: break;
    }
}

void setting_lines(Training *t, const AstItem *block)
{
    Unit *u = t->u;
    bool in_train = block->kind == AST_TRAIN;

    for (const AstStmt *line = block->body; line != NULL; line = line->next)
        switch (line->kind) {
        case AST_FLOW:
            read_setting(t, block, line);
            break;
        case AST_REPEAT:
            error_at(u, line->span, "'repeat' belongs into a network or block");
            break;
        case AST_EXPECT:
            if (in_train)
                read_expect(t, line);
            else
                error_at(u, line->span, "'expect' belongs into a network or train block");
            break;
        case AST_ROW:
            if (in_train)
                error_at(u, line->span, "a row belongs into a data block");
            else
                dataset_row(t, line);
            break;
        case AST_FAILED:
            t->lines_failed = true;
            break;
        }
}
