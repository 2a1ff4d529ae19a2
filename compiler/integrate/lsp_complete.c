/* lsp_complete.c: what could be written here (lsp.h). While somebody types, the text can rarely be parsed, so this reads no tree: it looks at the words from the
 * beginning of the text to the cursor and at the tables of layers and settings. */
#include "integrate/lsp.h"

#include "base/checked.h"
#include "front/ast.h"
#include "net/layer.h"
#include "net/recipe.h"

#include <ctype.h>
#include <string.h>

enum { NAME_ROOM = LIMIT_NAME + 1, MOST_BRACES = 256 };

/* Where the cursor is. */
typedef struct Cursor {
    char body[MOST_BRACES][NAME_ROOM];      /* the first word of what opened each brace around it */
    int depth;
    char first[NAME_ROOM];          /* the first word of the statement, "" at its beginning */
    char layer[NAME_ROOM];          /* the layer or setting whose arguments are written: the first word, or that after '=' or '->' */
    char word[NAME_ROOM];           /* the first word behind it, `adam` of `optimizer adam` */
    char call[NAME_ROOM];           /* conv( ... around the cursor, or "" */
    char key[NAME_ROOM];            /* of key=, directly before the cursor, or "" */
    bool hidden;                    /* in a comment or a string */
} Cursor;

static void keep(char *to, const char *from, size_t length)
{
    if (length >= NAME_ROOM)
        length = NAME_ROOM - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static void new_statement(Cursor *c)
{
    c->first[0] = c->layer[0] = c->word[0] = c->call[0] = c->key[0] = '\0';
}

/* A word of the statement; `last`, the last byte before it that is no blank. */
static void take_word(Cursor *c, const char *at, size_t length, char last, bool called)
{
    if (!c->first[0])
        keep(c->first, at, length);
    if (!c->layer[0])
        keep(c->layer, at, length);
    else if (!c->word[0] && last != '=')
        keep(c->word, at, length);
    if (called)
        keep(c->call, at, length);
}

/* Reads the text up to `end`, where the word begins that is being written. */
static Cursor cursor_at(const char *text, uint32_t end)
{
    Cursor c = { .depth = 0 };
    char last = '\n';               /* the last byte that is no blank, or the newline */
    uint32_t i = 0, word = 0, word_end = 0;

    while (i < end) {
        char b = text[i];
        if (b == '#' || (b == '/' && i + 1 < end && text[i + 1] == '/')) {
            while (i < end && text[i] != '\n')
                i++;
            c.hidden = i == end;
            continue;
        }
        if (b == '"') {
            for (i++; i < end && text[i] != '"' && text[i] != '\n'; i++)
                i += text[i] == '\\';
            c.hidden = i >= end;
            i += i < end && text[i] == '"';
            last = '"';
            continue;
        }
        if (isalpha((unsigned char)b) || b == '_') {
            word = i;
            while (i < end && (isalnum((unsigned char)text[i]) || text[i] == '_'))
                i++;
            word_end = i;
            c.key[0] = '\0';
            take_word(&c, text + word, i - word, last, i < end && text[i] == '(');
            last = 'a';
            continue;
        }
        i++;
        if (b == ' ' || b == '\t' || b == '\r')
            continue;
        if (b == '\n' && last != '\0' && strchr("(,=+-*/>.", last))
            continue;               /* the line goes on */
        if (b == '{' || b == '}' || b == ';' || b == '\n') {
            if (b == '{' && c.depth < MOST_BRACES)
                memcpy(c.body[c.depth], c.first, NAME_ROOM);
            c.depth += b == '{' ? 1 : b == '}' && c.depth > 0 ? -1 : 0;
            new_statement(&c);
        } else if (b == '=' && last == 'a' && (i >= end || text[i] != '=')) {
            bool names_value = c.word[0] == '\0' && strcmp(c.first, "param") != 0 && c.layer[0] && !c.call[0]
                               && strlen(c.first) == word_end - word && strncmp(c.first, text + word, word_end - word) == 0;
            if (names_value)
                c.layer[0] = '\0';
            else
                keep(c.key, text + word, word_end - word);
        } else if (b == '>' && last == '-') {
            c.layer[0] = c.word[0] = c.call[0] = '\0';
        } else if (b == ')') {
            c.call[0] = '\0';
        }
        if (b != '=')
            c.key[0] = '\0';
        last = b;
    }
    return c;
}

/* ---- what is offered */

enum { KIND_FUNCTION = 3, KIND_VARIABLE = 6, KIND_PROPERTY = 10, KIND_VALUE = 12, KIND_KEYWORD = 14, KIND_MODULE = 9 };

static void offer(cJSON *list, const char *label, size_t length, int kind, const char *detail, const char *insert)
{
    char name[NAME_ROOM];
    cJSON *item = cJSON_CreateObject();

    keep(name, label, length);
    cJSON_AddStringToObject(item, "label", name);
    cJSON_AddNumberToObject(item, "kind", kind);
    cJSON_AddStringToObject(item, "detail", detail);
    if (insert)
        cJSON_AddStringToObject(item, "insertText", insert);
    cJSON_AddItemToArray(list, item);
}

static void offer_word(cJSON *list, const char *label, int kind, const char *detail)
{
    offer(list, label, strlen(label), kind, detail, NULL);
}

static void offer_words(cJSON *list, const char *words, const char *detail)
{
    while (words && *words) {
        size_t length = strcspn(words, " ");
        if (isalpha((unsigned char)words[0]))
            offer(list, words, length, KIND_VALUE, detail, NULL);
        words += length + (words[length] == ' ');
    }
}

/* The arguments of a table; behind a key the words that it can be. */
static void offer_args(Unit *u, cJSON *list, const ArgSpec *args, int count, const char *key)
{
    for (int i = 0; i < count; i++) {
        const ArgSpec *a = &args[i];
        if (key[0]) {
            if (strcmp(a->name, key) == 0)
                offer_words(list, a->words, a->help);
            continue;
        }
        if (a->kind == ARG_CHOICE && a->positional)
            offer_words(list, a->words, a->help);
        else if (a->kind == ARG_FLAG)
            offer_word(list, a->name, KIND_VALUE, a->help);
        else if (a->kind != ARG_VALUES)
            offer(list, a->name, strlen(a->name), KIND_PROPERTY, a->help, arena_print(u->arena, "%s=", a->name));
    }
}

static void offer_items(const Unit *u, cJSON *list, AstItemKind wanted, int kind, const char *detail)
{
    for (const AstFile *f = u->ast; f; f = f->next)
        for (const AstItem *i = f->items; i; i = i->next)
            if (i->kind == wanted && i->name)
                offer_word(list, i->name->text, kind, detail);
}

static void offer_layers(const Unit *u, cJSON *list, bool losses)
{
    for (int i = 0; i < layer_table_count; i++)
        if (layer_table[i]->loss == losses)
            offer_word(list, layer_table[i]->name, KIND_FUNCTION, layer_table[i]->summary);
    if (!losses)
        offer_items(u, list, AST_BLOCK, KIND_MODULE, "a block of this program");
}

static void offer_values(cJSON *list, const AstStmt *body)
{
    for (; body; body = body->next) {
        if (body->name)
            offer_word(list, body->name->text, KIND_VARIABLE, "a value of this program");
        offer_values(list, body->body);
        for (const AstLayer *l = body->flow; l; l = l->next)
            for (const AstPath *p = l->paths; p; p = p->next) {
                if (p->name)
                    offer_word(list, p->name->text, KIND_VARIABLE, "the value of a path");
                offer_values(list, p->body);
            }
    }
}

static void offer_names(const Unit *u, cJSON *list)
{
    offer_items(u, list, AST_PARAM, KIND_VARIABLE, "a param");
    for (const AstItem *i = u->ast ? u->ast->items : NULL; i; i = i->next)
        if (i->kind == AST_NETWORK || i->kind == AST_BLOCK)
            offer_values(list, i->body);
}

static void offer_settings(Unit *u, cJSON *list, const Cursor *c, bool data)
{
    const char *last = "";

    if (!c->first[0]) {
        for (int i = 0; i < setting_table_count; i++) {
            const SettingSpec *s = &setting_table[i];
            if (s->hidden || !(data ? s->data : s->train) || strcmp(s->name, last) == 0)
                continue;
            offer_word(list, s->name, KIND_KEYWORD, s->word ? s->example : s->help);
            last = s->name;
        }
        if (data)
            offer_word(list, "row", KIND_KEYWORD, "inputs -> targets");
        return;
    }
    if (strcmp(c->first, "loss") == 0) {
        const LayerKind *loss = c->word[0] ? layer_find(c->word) : NULL;
        if (loss)
            offer_args(u, list, loss->args, loss->arg_count, c->key);
        else
            offer_layers(u, list, true);
        return;
    }
    if (strcmp(c->first, "report") == 0)
        offer_words(list, report_words, "what is printed");
    if (strcmp(c->first, "expect") == 0)
        offer_words(list, metric_words, "what must come out");
    const char *word = c->call[0] ? c->call : c->word;
    const SettingSpec *chosen = word[0] ? setting_find(c->first, word) : NULL;
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *s = &setting_table[i];
        if (strcmp(s->name, c->first) != 0 || s->hidden)
            continue;
        if (s->word && !chosen)
            offer_word(list, s->word, KIND_VALUE, s->help);
        else if (s == chosen || !s->word)
            offer_args(u, list, s->args, s->arg_count, c->key);
    }
}

static void offer_in_network(Unit *u, cJSON *list, const Cursor *c)
{
    static const struct { const char *word, *detail; } lines[] = {
        { "repeat", "the same lines several times: repeat 3 { ... }" }, { "expect", "expect shape == 7x7x64, expect params <= 1M" },
        { "init", "how all weights are drawn: init he" }, { "path", "a branch, in the braces of add or concat" },
    };
    const char *name = c->call[0] ? c->call : c->layer;
    const LayerKind *kind = name[0] ? layer_find(name) : NULL;

    if (!name[0]) {
        offer_layers(u, list, false);
        for (int i = 0; !c->first[0] && i < countof(lines); i++)
            offer_word(list, lines[i].word, KIND_KEYWORD, lines[i].detail);
        return;
    }
    if (kind)
        offer_args(u, list, kind->args, kind->arg_count, c->key);
    else if (strcmp(name, "init") == 0)
        offer_words(list, "glorot he lecun zeros ones", "how weights are drawn");
    else if (strcmp(name, "expect") == 0)
        offer_words(list, "shape params", "what is compared");
    offer_names(u, list);
    if (!c->key[0] && !c->call[0]) {
        offer_layers(u, list, false);
        offer_word(list, "from", KIND_KEYWORD, "reads these values in place of the line above");
    }
}

static void offer_at_top(const Unit *u, cJSON *list, const Cursor *c)
{
    static const struct { const char *word, *detail; } items[] = {
        { "network", "network NAME { ... }" }, { "block", "block NAME(a, b=1) { ... }: lines to be used as one layer" },
        { "param", "param NAME = VALUE" }, { "data", "data NAME { ... }: what is trained on" },
        { "train", "train NETWORK on DATA { ... }" }, { "import", "import \"FILE\"" },
    };

    for (int i = 0; !c->first[0] && i < countof(items); i++)
        offer_word(list, items[i].word, KIND_KEYWORD, items[i].detail);
    if (strcmp(c->first, "train") != 0)
        return;
    if (!c->word[0])
        offer_items(u, list, AST_NETWORK, KIND_MODULE, "a network");
    offer_word(list, "on", KIND_KEYWORD, "the data");
    offer_items(u, list, AST_DATA, KIND_MODULE, "a data block");
    for (int i = 0; i < setting_table_count; i++)
        if (strcmp(setting_table[i].name, "source") == 0 && !setting_table[i].hidden)
            offer_word(list, setting_table[i].word, KIND_VALUE, setting_table[i].help);
}

cJSON *answer_completion(Document *d, uint32_t at)
{
    Cursor c = cursor_at(d->text, document_word(d, at).from);
    cJSON *list = cJSON_CreateArray();

    if (c.hidden)
        return list;
    if (c.depth == 0)
        offer_at_top(d->u, list, &c);
    else if (strcmp(c.body[0], "train") == 0 || strcmp(c.body[0], "data") == 0)
        offer_settings(d->u, list, &c, strcmp(c.body[0], "data") == 0);
    else
        offer_in_network(d->u, list, &c);
    return list;
}
