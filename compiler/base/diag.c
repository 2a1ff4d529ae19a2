/* diag.c: the sources, and the reports about them. */
#include "base/diag.h"

#include "base/checked.h"
#include "base/codes.h"
#include "base/list.h"
#include "base/snippet.h"
#include "base/utf8.h"
#include "unit.h"

#include <assert.h>
#include <string.h>

typedef struct Source {
    const char *name, *text;
    size_t length;
    LIST(uint32_t) lines;           /* where each line starts; made when first asked for */
} Source;

struct Diags {
    LIST(Source) sources;
    LIST(Report *) reports;
    Report *last;                   /* what note and help attach to */
    Report dropped;                 /* stands for reports that are not kept; what is attached to it is lost */
    int count[SEVERITY_COUNT];      /* all that were found, also those that were not kept for being too many */
    int kept[SEVERITY_COUNT];
    int printed;                    /* reports that diag_print has shown */
    bool told[SEVERITY_COUNT];      /* that the limit is reached */
};

typedef struct Look {
    const char *name, *colour;
} Look;

static const Look report_look[] = {
    [ERROR] = { "error", "\033[1;31m" },
    [WARNING] = { "warning", "\033[1;35m" },
};
static const Look part_look[] = {
    [NOTE] = { "note", "\033[1;36m" },
    [HELP] = { "help", "\033[1;32m" },
};
static const char bold[] = "\033[1m", plain[] = "\033[0m";

Diags *diags_new(Arena *arena)
{
    return ARENA_NEW(arena, Diags);
}

int diag_add_source(Unit *u, const char *name, const char *text, size_t length)
{
    assert(length < UINT32_MAX);
    Source source = { .name = name, .text = text, .length = length };
    LIST_ADD(u->arena, &u->diags->sources, source);
    return u->diags->sources.count;
}

static Source *source_of(const Unit *u, int source)
{
    assert(source >= 1 && source <= u->diags->sources.count);
    return &u->diags->sources.at[source - 1];
}

const char *source_name(const Unit *u, int source)
{
    return source_of(u, source)->name;
}

const char *source_text(const Unit *u, int source, size_t *length)
{
    Source *s = source_of(u, source);
    *length = s->length;
    return s->text;
}

/* A byte order mark is no part of the first line. */
static void find_lines(const Unit *u, Source *s)
{
    bool marked = s->length >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0;
    LIST_ADD(u->arena, &s->lines, marked ? 3 : 0);
    for (size_t i = 0; i < s->length; i++)
        if (s->text[i] == '\n')
            LIST_ADD(u->arena, &s->lines, (uint32_t)i + 1);
}

/* The line that holds byte `at`, counted from 0. */
static int line_of(const Unit *u, Source *s, uint32_t at)
{
    if (s->lines.count == 0)
        find_lines(u, s);
    int low = 0, high = s->lines.count;         /* it is in [low, high) */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (s->lines.at[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int span_line(const Unit *u, Span s)
{
    return s.source == 0 ? 0 : line_of(u, source_of(u, s.source), s.from) + 1;
}

int span_column(const Unit *u, Span s)
{
    if (s.source == 0)
        return 0;
    Source *source = source_of(u, s.source);
    int line = line_of(u, source, s.from);
    size_t at = source->lines.at[line];
    int column = 1;
    while (at < s.from && at < source->length) {
        uint32_t code;
        at += (size_t)utf8_read(source->text + at, source->length - at, &code);
        column += at <= s.from;
    }
    return column;
}

const char *span_text(const Unit *u, Span s)
{
    if (s.source == 0)
        return "";
    Source *source = source_of(u, s.source);
    assert(s.from <= s.to && s.to <= source->length);
    return arena_copy(u->arena, source->text + s.from, s.to - s.from);
}

Span span_join(Span a, Span b)
{
    if (a.source == 0)
        return b;
    if (b.source == 0)
        return a;
    assert(a.source == b.source);
    return (Span){ a.source, a.from < b.from ? a.from : b.from, a.to > b.to ? a.to : b.to };
}

/* Two reports that say the same of one place are one. */
static bool is_known(const Diags *d, const Report *r)
{
    for (int i = 0; i < d->reports.count; i++) {
        const Report *other = d->reports.at[i];
        if (other->severity == r->severity && other->span.source == r->span.source && other->span.from == r->span.from
            && other->span.to == r->span.to && strcmp(other->text, r->text) == 0)
            return true;
    }
    return false;
}

static __attribute__((format(printf, 5, 0), nonnull)) void add_report(Unit *u, Severity severity, Warning which, Span s,
                                                                      const char *format, va_list values)
{
    Diags *d = u->diags;
    d->last = &d->dropped;
    if (d->kept[severity] == LIMIT_ERRORS) {
        d->count[severity]++;
        return;
    }
    Report *r = ARENA_NEW(u->arena, Report);
    *r = (Report){ .severity = severity, .which = which, .span = s, .text = arena_vprint(u->arena, format, values), .code = code_of_format(format) };
    if (is_known(d, r))
        return;
    d->count[severity]++;
    d->kept[severity]++;
    LIST_ADD(u->arena, &d->reports, r);
    d->last = r;
}

void verror_at(Unit *u, Span s, const char *format, va_list values)
{
    add_report(u, ERROR, 0, s, format, values);
}

void error_at(Unit *u, Span s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add_report(u, ERROR, 0, s, format, values);
    va_end(values);
}

void warning_at(Unit *u, Warning which, Span s, const char *format, ...)
{
    va_list values;

    if (!(u->options.warnings >> which & 1)) {
        u->diags->last = &u->diags->dropped;
        return;
    }
    va_start(values, format);
    add_report(u, WARNING, which, s, format, values);
    va_end(values);
}

static __attribute__((format(printf, 5, 0), nonnull(5))) void add_part(Unit *u, PartKind kind, Span s,
                                                                       const char *replacement, const char *format,
                                                                       va_list values)
{
    Report *r = u->diags->last;
    assert(r != NULL);
    if (r == &u->diags->dropped)
        return;
    Part part = { .kind = kind, .span = s, .text = arena_vprint(u->arena, format, values), .replacement = replacement };
    LIST_ADD(u->arena, &r->parts, part);
}

void note(Unit *u, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add_part(u, NOTE, NO_SPAN, NULL, format, values);
    va_end(values);
}

void note_at(Unit *u, Span s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add_part(u, NOTE, s, NULL, format, values);
    va_end(values);
}

void help(Unit *u, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add_part(u, HELP, NO_SPAN, NULL, format, values);
    va_end(values);
}

void fix_at(Unit *u, Span s, const char *replacement, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    add_part(u, HELP, s, arena_copy(u->arena, replacement, strlen(replacement)), format, values);
    va_end(values);
}

int diag_errors(const Unit *u)
{
    return u->diags->count[ERROR];
}

int diag_warnings(const Unit *u)
{
    return u->diags->count[WARNING];
}

bool diag_failed(const Unit *u)
{
    return diag_errors(u) > 0 || (u->options.warnings_are_errors && diag_warnings(u) > 0);
}

int diag_count(const Unit *u)
{
    return u->diags->reports.count;
}

const Report *diag_report(const Unit *u, int i)
{
    return u->diags->reports.at[i];
}

static void put_clean(Text *t, const char *text)
{
    snippet_clean(t, text, strlen(text));
}

/* The line of the span's start; of a span over several lines the part on the first. */
static void draw_source(Unit *u, Text *t, Span s, const Look *look, bool colour)
{
    Source *source = source_of(u, s.source);
    int line = line_of(u, source, s.from);
    size_t start = source->lines.at[line];
    size_t end = line + 1 < source->lines.count ? source->lines.at[line + 1] - 1 : source->length;
    if (end > start && source->text[end - 1] == '\r')
        end--;
    size_t from = s.from > start ? s.from - start : 0, to = s.to > start ? s.to - start : 0;
    snippet_draw(t, line + 1, source->text + start, end - start, from, to, colour ? look->colour : "",
                 colour ? plain : "");
}

static void draw_report(Unit *u, Text *t, const Report *r, bool colour)
{
    bool raised = r->severity == WARNING && u->options.warnings_are_errors;
    const Look *look = &report_look[raised ? ERROR : r->severity];
    const char *strong = colour ? bold : "", *weak = colour ? plain : "";

    text_put(t, "%s", strong);
    put_clean(t, r->span.source == 0 ? "cnnc" : source_name(u, r->span.source));
    if (r->span.source != 0)
        text_put(t, ":%d:%d", span_line(u, r->span), span_column(u, r->span));
    text_put(t, ": %s%s: %s%s", colour ? look->colour : "", look->name, weak, strong);
    put_clean(t, r->text);
    if (r->severity == WARNING)
        text_put(t, " [-W%s%s]", raised ? "error=" : "", warning_table[r->which].name);
    else if (r->code)
        text_put(t, " [%s]", r->code->name);
    text_put(t, "%s\n", weak);
    if (r->span.source != 0)
        draw_source(u, t, r->span, look, colour);

    for (int i = 0; i < r->parts.count; i++) {
        const Part *part = &r->parts.at[i];
        const Look *part_colour = &part_look[part->kind];
        text_put(t, "  %s%s:%s ", colour ? part_colour->colour : "", part_colour->name, weak);
        put_clean(t, part->text);
        if (part->kind == NOTE && part->span.source != 0) {
            text_put(t, " at ");
            if (part->span.source != r->span.source) {
                put_clean(t, source_name(u, part->span.source));
                text_put(t, ":");
            }
            text_put(t, "%d:%d", span_line(u, part->span), span_column(u, part->span));
        }
        text_put(t, "\n");
    }
}

void diag_print(Unit *u, FILE *to, bool colour)
{
    Diags *d = u->diags;
    Text *t = text_new(u->arena);

    for (; d->printed < d->reports.count; d->printed++)
        draw_report(u, t, d->reports.at[d->printed], colour);
    for (Severity s = ERROR; s < SEVERITY_COUNT; s++)
        if (d->count[s] > d->kept[s] && !d->told[s]) {
            text_put(t, "cnnc: too many %ss: %d; the first %d are shown\n", report_look[s].name, d->count[s], LIMIT_ERRORS);
            d->told[s] = true;
        }
    fwrite(t->at, 1, t->length, to);
}
