/* diag.h: errors, warnings, notes and helps, each with a place in a source.
 *
 * The one sink for everything a user is told about his input. Reports are collected, sorted by nothing (they come in the
 * order in which they were found), limited to LIMIT_ERRORS, and printed by diag_print for people (colour on a terminal
 * unless NO_COLOR is set), or by report.h for machines. note, note_at, help and fix_at attach to the report before them. */
#ifndef CNNC_BASE_DIAG_H
#define CNNC_BASE_DIAG_H

#include "base/arena.h"
#include "base/list.h"
#include "base/warning.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Unit Unit;
typedef struct Diags Diags;

/* A piece of a source: bytes [from, to) of source number `source`, counted from 1; source 0 is nowhere. */
typedef struct Span {
    int source;
    uint32_t from, to;
} Span;

#define NO_SPAN ((Span){ 0, 0, 0 })

Diags *diags_new(Arena *arena);

/* Makes a text known under the name that messages print. Returns its number. The text must outlive the unit. */
int diag_add_source(Unit *u, const char *name, const char *text, size_t length);
const char *source_name(const Unit *u, int source);
const char *source_text(const Unit *u, int source, size_t *length);

/* 1-based line and column (in characters of UTF-8, a tab is one) of a span's start. */
int span_line(const Unit *u, Span s);
int span_column(const Unit *u, Span s);
/* The text of a span, in the arena. */
const char *span_text(const Unit *u, Span s);
/* The smallest span that holds both. */
Span span_join(Span a, Span b);

void error_at(Unit *u, Span s, const char *format, ...) __attribute__((format(printf, 3, 4)));
void verror_at(Unit *u, Span s, const char *format, va_list values) __attribute__((format(printf, 3, 0), nonnull(3)));
void warning_at(Unit *u, Warning which, Span s, const char *format, ...) __attribute__((format(printf, 4, 5)));
void note(Unit *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note_at(Unit *u, Span s, const char *format, ...) __attribute__((format(printf, 3, 4)));
void help(Unit *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A help that says what to write in place of `s` (an empty span inserts), so that tools can apply it. */
void fix_at(Unit *u, Span s, const char *replacement, const char *format, ...) __attribute__((format(printf, 4, 5)));

int diag_errors(const Unit *u);
int diag_warnings(const Unit *u);
/* Whether the unit must make nothing: there is an error, or a warning under -Werror. */
bool diag_failed(const Unit *u);

/* ---- what was reported, for those who print it otherwise */

typedef enum Severity { ERROR, WARNING, SEVERITY_COUNT } Severity;
typedef enum PartKind { NOTE, HELP } PartKind;

/* A line below a report. */
typedef struct Part {
    PartKind kind;
    Span span;                      /* NOTE: the place it speaks of; HELP: what the replacement replaces */
    const char *text;
    const char *replacement;        /* HELP from fix_at, or NULL */
} Part;

typedef struct Report {
    Severity severity;
    Warning which;                  /* WARNING: what it is about */
    Span span;
    const char *text;
    const struct Code *code;        /* ERROR: base/codes.h; or NULL */
    LIST(Part) parts;
} Report;

int diag_count(const Unit *u);
const Report *diag_report(const Unit *u, int i);

/* Prints what was collected since the last call. `colour` as decided by the caller. */
void diag_print(Unit *u, FILE *to, bool colour);

#endif
