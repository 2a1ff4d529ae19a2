/* lsp_document.c: the texts that an editor has open, and the places in them (lsp.h). */
#include "integrate/lsp.h"

#include "base/utf8.h"
#include "front/ast.h"
#include "net/net.h"
#include "pipeline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- paths */

const char *path_of_uri(Arena *arena, const char *uri)
{
    if (strncmp(uri, "file://", 7) != 0)
        return arena_copy(arena, uri, strlen(uri));
    char *path = arena_copy(arena, uri + 7, strlen(uri + 7)), *to = path;
    for (const char *c = path; *c; c++) {
        char hex[3] = { c[0] == '%' ? c[1] : '\0', c[0] == '%' && c[1] ? c[2] : '\0', '\0' };
        if (isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]) && strcmp(hex, "00") != 0) {
            *to++ = (char)strtol(hex, NULL, 16);
            c += 2;
        } else {
            *to++ = *c;
        }
    }
    *to = '\0';
    return path;
}

const char *uri_of_path(Arena *arena, const char *path)
{
    Text *t = text_new(arena);

    if (path[0] != '/')
        return path;
    text_put(t, "file://");
    for (; *path; path++)
        if (isalnum((unsigned char)*path) || strchr("/._-~", *path))
            text_put(t, "%c", *path);
        else
            text_put(t, "%%%02X", (unsigned char)*path);
    return t->at;
}

/* ---- documents */

/* For the imports of other documents. */
static const char *held(void *editor, const char *path, size_t *length)
{
    const Server *s = editor;

    for (int i = 0; i < s->documents.count; i++) {
        const Document *d = &s->documents.at[i];
        if (d->u && strcmp(d->path, path) == 0) {
            *length = d->length;
            return d->text;
        }
    }
    return NULL;
}

static Unit *unit_for(Server *s, const char *path)
{
    Unit *u = unit_new();

    u->options.input = path;
    u->options.held = held;
    u->options.editor = s;
    u->options.warnings = warnings_all();
    u->options.tile = 1;
    return u;
}

Document *document_find(Server *s, const char *uri)
{
    for (int i = 0; uri && i < s->documents.count; i++)
        if (s->documents.at[i].u && strcmp(s->documents.at[i].uri, uri) == 0)
            return &s->documents.at[i];
    return NULL;
}

void document_close(Document *d)
{
    if (d->whole)
        unit_free(d->whole);
    if (d->u)
        unit_free(d->u);
    *d = (Document){ 0 };
}

static Document *free_slot(Server *s)
{
    for (int i = 0; i < s->documents.count; i++)
        if (!s->documents.at[i].u)
            return &s->documents.at[i];
    Document none = { 0 };
    LIST_ADD(s->arena, &s->documents, none);
    return &s->documents.at[s->documents.count - 1];
}

Document *document_set(Server *s, const char *uri, const char *text)
{
    Unit *u = unit_for(s, NULL);
    Document *old = document_find(s, uri);
    Document d = { .u = u, .uri = arena_copy(u->arena, uri, strlen(uri)), .path = path_of_uri(u->arena, uri), .length = strlen(text) };

    d.text = arena_copy(u->arena, text, d.length);
    u->options.input = d.path;
    if (old)
        document_close(old);
    Document *place = old ? old : free_slot(s);
    *place = d;
    pipeline_run(u, stage_find("net"));
    return place;
}

Unit *document_whole(Server *s, Document *d)
{
    if (d->whole_tried || diag_errors(d->u) > 0)
        return d->whole;
    d->whole_tried = true;
    Unit *u = unit_for(s, d->path);
    if (pipeline_run(u, NULL))
        d->whole = u;
    else
        unit_free(u);
    return d->whole;
}

int document_source(const Unit *u)
{
    return u->ast ? u->ast->source : 0;
}

/* ---- places */

/* UTF-16 units of the character at `at`; its bytes go to *bytes. */
static int units(const char *text, size_t at, size_t length, size_t *bytes)
{
    uint32_t code;

    *bytes = (size_t)utf8_read(text + at, length - at, &code);
    return code != UTF8_BAD && code >= 0x10000 ? 2 : 1;
}

uint32_t document_offset(const Document *d, const cJSON *position)
{
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(position, "line"), *character = cJSON_GetObjectItemCaseSensitive(position, "character");
    double lines = cJSON_IsNumber(line) ? line->valuedouble : 0, wanted = cJSON_IsNumber(character) ? character->valuedouble : 0;
    size_t at = 0, bytes;

    for (; lines >= 1 && at < d->length; at++)
        if (d->text[at] == '\n')
            lines -= 1;
    for (int count = 0; count < wanted && at < d->length && d->text[at] != '\n'; at += bytes)
        count += units(d->text, at, d->length, &bytes);
    return (uint32_t)(at < d->length ? at : d->length);
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

Span document_word(const Document *d, uint32_t at)
{
    uint32_t from = at, to = at;

    while (from > 0 && in_word(d->text[from - 1]))
        from--;
    while (to < d->length && in_word(d->text[to]))
        to++;
    return (Span){ document_source(d->u), from, to };
}

const char *document_word_text(const Document *d, Span word)
{
    return arena_copy(d->u->arena, d->text + word.from, word.to - word.from);
}

static cJSON *position_of(const Unit *u, Span s, uint32_t at)
{
    size_t length, start = at, bytes;
    const char *text = source_text(u, s.source, &length);
    cJSON *p = cJSON_CreateObject();
    int column = 0;

    if (start > length)
        start = length;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    for (; start < at && start < length; start += bytes)
        column += units(text, start, length, &bytes);
    int line = 0;
    for (size_t i = 0; i < at && i < length; i++)
        line += text[i] == '\n';
    cJSON_AddNumberToObject(p, "line", line);
    cJSON_AddNumberToObject(p, "character", column);
    return p;
}

cJSON *range_of(const Unit *u, Span s)
{
    cJSON *r = cJSON_CreateObject();

    if (s.source == 0) {
        for (int i = 0; i < 2; i++) {
            cJSON *p = cJSON_AddObjectToObject(r, i ? "end" : "start");
            cJSON_AddNumberToObject(p, "line", 0);
            cJSON_AddNumberToObject(p, "character", 0);
        }
        return r;
    }
    cJSON_AddItemToObject(r, "start", position_of(u, s, s.from));
    cJSON_AddItemToObject(r, "end", position_of(u, s, s.to));
    return r;
}
