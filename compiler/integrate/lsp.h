/* lsp.h: cnnc lsp, a language server (Language Server Protocol 3.17) over standard input and output, as its parts share it. For lsp*.c alone, which alone
 * see cJSON.
 *
 * Every document that an editor has open is a unit of its own, made anew with each change: its text, its paths and what was found in it live in its arena.
 * Places in the protocol are lines and UTF-16 units, both from 0. */
#ifndef CNNC_INTEGRATE_LSP_H
#define CNNC_INTEGRATE_LSP_H

#include "base/list.h"
#include "base/text.h"
#include "unit.h"

#include <cjson/cJSON.h>

typedef struct Document {
    Unit *u;                        /* checked up to the net; NULL: the slot is free */
    Unit *whole;                    /* compiled to the end when first asked for, or NULL */
    bool whole_tried;
    const char *uri, *path;
    const char *text;               /* in u's arena */
    size_t length;
} Document;

typedef struct Server {
    Arena *arena;                   /* of the table below */
    LIST(Document) documents;
    FILE *from, *to;
    bool shut_down;
} Server;

/* ---- lsp_document.c */

/* Takes a text for a document, new or changed, and checks it. The document; it may move with the next one. */
Document *document_set(Server *s, const char *uri, const char *text);
Document *document_find(Server *s, const char *uri);
void document_close(Document *d);
/* The document compiled to the end, so that its layers have facts; NULL if it has errors. */
Unit *document_whole(Server *s, Document *d);
/* Where a place of the protocol is in the text, in bytes. */
uint32_t document_offset(const Document *d, const cJSON *position);
/* The source of the document in one of its units, or 0. */
int document_source(const Unit *u);
/* The word around a byte: where it begins and ends; empty if there is none. */
Span document_word(const Document *d, uint32_t at);
const char *document_word_text(const Document *d, Span word);
cJSON *range_of(const Unit *u, Span s);
/* "file:///a%20b" for a path, and back; what is no file stays as it is. */
const char *uri_of_path(Arena *arena, const char *path);
const char *path_of_uri(Arena *arena, const char *uri);

/* ---- lsp_answers.c: a result for each request; NULL: null */

cJSON *answer_hover(Server *s, Document *d, uint32_t at);
cJSON *answer_definition(Server *s, Document *d, uint32_t at);
cJSON *answer_formatting(Document *d);
cJSON *answer_symbols(Document *d);
cJSON *answer_actions(Document *d, uint32_t from, uint32_t to);
cJSON *diagnostics_of(Document *d);

/* ---- lsp_complete.c */

cJSON *answer_completion(Document *d, uint32_t at);

#endif
