/* lsp_answers.c: what a document says when it is asked: errors, what a layer is, where a name comes from, its items, its fixes (lsp.h). */
#include "integrate/lsp.h"

#include "base/codes.h"
#include "front/ast.h"
#include "inspect/facts.h"
#include "integrate/formatter.h"
#include "net/layer.h"
#include "net/recipe.h"

#include <inttypes.h>
#include <string.h>

/* ---- diagnostics */

static bool imports(const AstFile *file, int source, int depth)
{
    if (file == NULL || depth > LIMIT_DEPTH)
        return false;
    if (file->source == source)
        return true;
    for (const AstItem *i = file->items; i; i = i->next)
        if (i->kind == AST_IMPORT && imports(i->imported, source, depth + 1))
            return true;
    return false;
}

/* Where a report is shown in the document: what is wrong in an import is shown at the line that imports it. */
static Span shown_at(const Unit *u, Span s)
{
    if (s.source == document_source(u) || u->ast == NULL)
        return s;
    for (const AstItem *i = u->ast->items; i; i = i->next)
        if (i->kind == AST_IMPORT && imports(i->imported, s.source, 0))
            return i->value->span;
    return NO_SPAN;
}

static cJSON *location(const Unit *u, Span s)
{
    cJSON *l = cJSON_CreateObject();

    cJSON_AddStringToObject(l, "uri", uri_of_path(u->arena, source_name(u, s.source)));
    cJSON_AddItemToObject(l, "range", range_of(u, s));
    return l;
}

static cJSON *diagnostic(Unit *u, const Report *r)
{
    cJSON *d = cJSON_CreateObject(), *related = cJSON_CreateArray();
    Span at = shown_at(u, r->span);
    Text *t = text_new(u->arena);

    if (r->span.source != 0 && r->span.source != at.source)
        text_put(t, "%s:%d:%d: ", source_name(u, r->span.source), span_line(u, r->span), span_column(u, r->span));
    text_put(t, "%s", r->text);
    for (int i = 0; i < r->parts.count; i++) {
        const Part *part = &r->parts.at[i];
        if (part->kind == NOTE && part->span.source != 0) {
            cJSON *one = cJSON_CreateObject();
            cJSON_AddItemToObject(one, "location", location(u, part->span));
            cJSON_AddStringToObject(one, "message", part->text);
            cJSON_AddItemToArray(related, one);
        } else {
            text_put(t, "\n%s: %s", part->kind == NOTE ? "note" : "help", part->text);
        }
    }
    cJSON_AddItemToObject(d, "range", range_of(u, at));
    cJSON_AddNumberToObject(d, "severity", r->severity == ERROR ? 1 : 2);
    if (r->severity == WARNING || r->code)
        cJSON_AddStringToObject(d, "code", r->severity == WARNING ? warning_table[r->which].name : r->code->name);
    cJSON_AddStringToObject(d, "source", "cnnc");
    cJSON_AddStringToObject(d, "message", t->at);
    cJSON_AddItemToObject(d, "relatedInformation", related);
    return d;
}

cJSON *diagnostics_of(Document *d)
{
    cJSON *list = cJSON_CreateArray();

    for (int i = 0; i < diag_count(d->u); i++)
        cJSON_AddItemToArray(list, diagnostic(d->u, diag_report(d->u, i)));
    return list;
}

/* The fixes that messages offer for what touches bytes from ... to. */
cJSON *answer_actions(Document *d, uint32_t from, uint32_t to)
{
    Unit *u = d->u;
    cJSON *list = cJSON_CreateArray();

    for (int i = 0; i < diag_count(u); i++) {
        const Report *r = diag_report(u, i);
        for (int j = 0; j < r->parts.count; j++) {
            const Part *part = &r->parts.at[j];
            bool touches = r->span.source == document_source(u) && r->span.from <= to && r->span.to >= from;
            if (!part->replacement || part->span.source != document_source(u) || part->span.source == 0 || !touches)
                continue;
            cJSON *action = cJSON_CreateObject(), *changes, *edits, *edit = cJSON_CreateObject();
            cJSON_AddStringToObject(action, "title", part->text);
            cJSON_AddStringToObject(action, "kind", "quickfix");
            changes = cJSON_AddObjectToObject(cJSON_AddObjectToObject(action, "edit"), "changes");
            edits = cJSON_AddArrayToObject(changes, d->uri);
            cJSON_AddItemToObject(edit, "range", range_of(u, part->span));
            cJSON_AddStringToObject(edit, "newText", part->replacement);
            cJSON_AddItemToArray(edits, edit);
            cJSON_AddItemToArray(list, action);
        }
    }
    return list;
}

/* ---- hover */

enum { MOST_USES = 6 };             /* of one line, in a block or a loop, that a hover shows */

static void put_facts(Unit *u, const Facts *f, const LayerFacts *l, Text *t)
{
    text_put(t, "**%s** → %s", l->name, shape_text(u, l->shape));
    if (*l->arithmetic)
        text_put(t, "  \n%s", l->arithmetic);
    if (l->parameters || l->state) {
        const char *why = l->site ? parameter_arithmetic(u, l->site) : "";
        text_put(t, "  \nparameters: %s", *why ? why : arena_print(u->arena, "%" PRId64, l->parameters));
    }
    if (l->forward)
        text_put(t, "  \nmultiply-adds: %" PRId64 " forward, %" PRId64 " backward", l->forward, l->backward);
    text_put(t, "  \n%s, sees %s of the input\n\n", bytes_text(u, shape_count(l->shape) * f->real_bytes), field_text(u, &l->field));
}

/* The layer at that place, in every use of its line. */
static bool put_layer(Unit *u, uint32_t at, Text *t, const LayerKind **kind, Span *range)
{
    const Facts *f = facts_of(u);
    Span best = NO_SPAN;
    int uses = 0;

    for (int i = 0; i < f->layers.count; i++) {
        Span s = f->layers.at[i].site ? f->layers.at[i].site->span : u->net->x->span;
        if (s.source == document_source(u) && s.from <= at && at <= s.to && (best.source == 0 || s.to - s.from < best.to - best.from))
            best = s;
    }
    for (int i = 0; best.source != 0 && i < f->layers.count; i++) {
        const Site *site = f->layers.at[i].site;
        Span s = site ? site->span : u->net->x->span;
        if (s.source != best.source || s.from != best.from || s.to != best.to)
            continue;
        if (uses++ < MOST_USES)
            put_facts(u, f, &f->layers.at[i], t);
        *kind = site ? site->kind : layer_find("input");
    }
    if (uses > MOST_USES)
        text_put(t, "and %d more uses of this line\n\n", uses - MOST_USES);
    *range = best;
    return uses > 0;
}

static bool is_word_of(const ArgSpec *spec, const char *word)
{
    const char *rest = spec->kind == ARG_CHOICE ? spec->words : NULL;

    if (strcmp(spec->name, word) == 0)
        return true;
    while (rest && *rest) {
        size_t length = strcspn(rest, " ");
        if (strlen(word) == length && strncmp(rest, word, length) == 0)
            return true;
        rest += length + (rest[length] == ' ');
    }
    return false;
}

static void put_args(const ArgSpec *args, int count, const char *word, Text *t)
{
    for (int i = 0; i < count; i++)
        if (word == NULL || is_word_of(&args[i], word))
            text_put(t, "- `%s`%s: %s\n", args[i].name, args[i].required ? " (must be written)" : "", args[i].help);
}

static bool put_param(const Document *d, const char *word, Text *t)
{
    for (const AstItem *i = d->u->ast ? d->u->ast->items : NULL; i; i = i->next)
        if (i->kind == AST_PARAM && strcmp(i->name->text, word) == 0) {
            text_put(t, "`%s`\n\n", span_text(d->u, i->span));
            return true;
        }
    return false;
}

/* What the program and the language say of a word. `key`: it stands before '='. */
static bool put_word(const Document *d, const char *word, bool key, const LayerKind *around, Text *t)
{
    const LayerKind *kind = layer_find(word);
    bool setting = false;

    if (!key && put_param(d, word, t))
        return true;
    if (kind) {
        text_put(t, "`%s`: %s\n\n", kind->name, kind->summary);
        put_args(kind->args, kind->arg_count, NULL, t);
        return true;
    }
    if (around) {
        size_t before = t->length;
        put_args(around->args, around->arg_count, word, t);
        if (t->length > before)
            return true;
    }
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *s = &setting_table[i];
        if (s->hidden || (strcmp(s->name, word) != 0 && (!s->word || strcmp(s->word, word) != 0)))
            continue;
        text_put(t, "`%s`: %s\n\n", s->example, s->help);
        if (s->word && strcmp(s->word, word) == 0)
            put_args(s->args, s->arg_count, NULL, t);
        setting = true;
    }
    return setting;
}

cJSON *answer_hover(Server *s, Document *d, uint32_t at)
{
    Span word = document_word(d, at), range = NO_SPAN;
    const char *text = document_word_text(d, word);
    Unit *whole = document_whole(s, d);
    Text *t = text_new(d->u->arena);
    const LayerKind *around = NULL;
    bool found = whole && put_layer(whole, at, t, &around, &range);

    if (found && t->length > 0 && *text)
        text_put(t, "---\n");
    found = (*text && put_word(d, text, word.to < d->length && d->text[word.to] == '=', around, t)) || found;
    if (!found)
        return NULL;
    cJSON *hover = cJSON_CreateObject(), *contents = cJSON_AddObjectToObject(hover, "contents");
    cJSON_AddStringToObject(contents, "kind", "markdown");
    cJSON_AddStringToObject(contents, "value", t->at);
    if (word.to > word.from && word.source)
        cJSON_AddItemToObject(hover, "range", range_of(d->u, word));
    return hover;
}

/* ---- definitions */

/* The place where a name is given that a body can see: the last one before `at`. */
typedef struct Search {
    const char *name;
    uint32_t at;
    Span found;
} Search;

static void offer(Search *s, Span at, const char *name)
{
    if (name && strcmp(name, s->name) == 0 && (s->found.source == 0 || at.from <= s->at))
        s->found = at;
}

static void search_body(Search *s, const AstStmt *body)
{
    for (; body; body = body->next) {
        if (body->name)
            offer(s, body->name->span, body->name->text);
        search_body(s, body->body);
        for (const AstLayer *l = body->flow; l; l = l->next)
            for (const AstPath *p = l->paths; p; p = p->next) {
                if (p->name)
                    offer(s, p->name->span, p->name->text);
                search_body(s, p->body);
            }
    }
}

static Span find_name(const Unit *u, const char *name, uint32_t at)
{
    Search s = { .name = name, .at = at };

    for (const AstItem *i = u->ast->items; i; i = i->next) {
        if (i->span.from > at || i->span.to < at)
            continue;
        for (const AstFormal *f = i->formals; f; f = f->next)
            offer(&s, f->span, f->name);
        search_body(&s, i->body);
    }
    for (const AstFile *file = u->ast; file && s.found.source == 0; file = file->next)
        for (const AstItem *i = file->items; i && s.found.source == 0; i = i->next)
            if (i->kind != AST_TRAIN && i->name && strcmp(i->name->text, name) == 0)
                s.found = i->name->span;
    return s.found;
}

cJSON *answer_definition(Server *s, Document *d, uint32_t at)
{
    Unit *u = d->u;
    Span word = document_word(d, at), found;

    (void)s;
    if (u->ast == NULL)
        return NULL;
    for (const AstItem *i = u->ast->items; i; i = i->next)
        if (i->kind == AST_IMPORT && i->imported && i->value->span.from <= at && at <= i->value->span.to)
            return location(u, (Span){ i->imported->source, 0, 0 });
    found = word.to > word.from ? find_name(u, document_word_text(d, word), at) : NO_SPAN;
    return found.source ? location(u, found) : NULL;
}

/* ---- the whole document */

cJSON *answer_formatting(Document *d)
{
    Unit *u = unit_new();
    const Text *t = format_text(u, d->path, d->text, d->length);
    cJSON *list = t ? cJSON_CreateArray() : NULL;

    if (t && (t->length != d->length || memcmp(t->at, d->text, t->length) != 0)) {
        cJSON *edit = cJSON_CreateObject();
        cJSON_AddItemToObject(edit, "range", range_of(d->u, (Span){ document_source(d->u), 0, (uint32_t)d->length }));
        cJSON_AddStringToObject(edit, "newText", t->at);
        cJSON_AddItemToArray(list, edit);
    }
    unit_free(u);
    return list;
}

cJSON *answer_symbols(Document *d)
{
    enum { MODULE = 2, CLASS = 5, FUNCTION = 12, CONSTANT = 14, ARRAY = 18, EVENT = 24 };
    static const int kinds[] = { [AST_PARAM] = CONSTANT, [AST_NETWORK] = CLASS, [AST_BLOCK] = FUNCTION, [AST_DATA] = ARRAY, [AST_TRAIN] = EVENT,
                                 [AST_IMPORT] = MODULE };
    cJSON *list = cJSON_CreateArray();

    for (const AstItem *i = d->u->ast ? d->u->ast->items : NULL; i; i = i->next) {
        cJSON *symbol = cJSON_CreateObject();
        cJSON_AddStringToObject(symbol, "name", i->name ? i->name->text : i->kind == AST_IMPORT ? i->value->text : "train");
        cJSON_AddNumberToObject(symbol, "kind", kinds[i->kind]);
        cJSON_AddItemToObject(symbol, "range", range_of(d->u, i->span));
        cJSON_AddItemToObject(symbol, "selectionRange", range_of(d->u, i->name ? i->name->span : i->value->span));
        cJSON_AddItemToArray(list, symbol);
    }
    return list;
}
