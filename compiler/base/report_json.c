/* report_json.c: reports as JSON (report.h). Lines and columns count from 1, columns in characters; `from` and `to` are bytes from 0. */
#include "base/codes.h"
#include "base/json.h"
#include "base/report.h"

static void put_place(Unit *u, Text *t, Span s)
{
    Span end = { s.source, s.to, s.to };

    text_put(t, "{\"file\": ");
    json_string(t, source_name(u, s.source));
    text_put(t, ", \"line\": %d, \"column\": %d, \"end_line\": %d, \"end_column\": %d, \"from\": %u, \"to\": %u}", span_line(u, s),
             span_column(u, s), span_line(u, end), span_column(u, end), (unsigned)s.from, (unsigned)s.to);
}

static void put_part(Unit *u, Text *t, const Part *part)
{
    text_put(t, "{\"message\": ");
    json_string(t, part->text);
    if (part->span.source) {
        text_put(t, ", \"at\": ");
        put_place(u, t, part->span);
    }
    if (part->replacement) {
        text_put(t, ", \"replacement\": ");
        json_string(t, part->replacement);
    }
    text_put(t, "}");
}

static void put_parts(Unit *u, Text *t, const Report *r, PartKind kind, const char *name)
{
    int count = 0;

    text_put(t, ", \"%s\": [", name);
    for (int i = 0; i < r->parts.count; i++)
        if (r->parts.at[i].kind == kind) {
            text_put(t, "%s", count++ ? ", " : "");
            put_part(u, t, &r->parts.at[i]);
        }
    text_put(t, "]");
}

void report_json(Unit *u, Text *t)
{
    text_put(t, "{\n  \"errors\": %d,\n  \"warnings\": %d,\n  \"reports\": [", diag_errors(u), diag_warnings(u));
    for (int i = 0; i < diag_count(u); i++) {
        const Report *r = diag_report(u, i);
        text_put(t, "%s\n    {\"severity\": \"%s\", ", i ? "," : "", r->severity == ERROR ? "error" : "warning");
        if (r->severity == WARNING)
            text_put(t, "\"name\": \"%s\", ", warning_table[r->which].name);
        else if (r->code)
            text_put(t, "\"code\": \"%s\", ", r->code->name);
        text_put(t, "\"message\": ");
        json_string(t, r->text);
        if (r->span.source) {
            text_put(t, ", \"at\": ");
            put_place(u, t, r->span);
        }
        put_parts(u, t, r, NOTE, "notes");
        put_parts(u, t, r, HELP, "helps");
        text_put(t, "}");
    }
    text_put(t, "%s]\n}\n", diag_count(u) ? "\n  " : "");
}
