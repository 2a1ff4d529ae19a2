/* report_sarif.c: reports as SARIF (report.h). The rules are the warnings by their names, the errors by their codes, and `error` for those without one. */
#include "base/codes.h"
#include "base/json.h"
#include "base/report.h"

#include <ctype.h>
#include <string.h>

/* A path as a URI: relative ones stay relative. */
static void put_uri(Text *t, const char *path)
{
    text_put(t, "\"%s", path[0] == '/' ? "file://" : "");
    for (; *path; path++)
        if (isalnum((unsigned char)*path) || strchr("/._-~", *path))
            text_put(t, "%c", *path);
        else
            text_put(t, "%%%02X", (unsigned char)*path);
    text_put(t, "\"");
}

static void put_region(Unit *u, Text *t, Span s)
{
    Span end = { s.source, s.to, s.to };

    text_put(t, "{\"startLine\": %d, \"startColumn\": %d, \"endLine\": %d, \"endColumn\": %d}", span_line(u, s), span_column(u, s),
             span_line(u, end), span_column(u, end));
}

static void put_location(Unit *u, Text *t, Span s)
{
    text_put(t, "\"physicalLocation\": {\"artifactLocation\": {\"uri\": ");
    put_uri(t, source_name(u, s.source));
    text_put(t, "}, \"region\": ");
    put_region(u, t, s);
    text_put(t, "}");
}

/* SARIF has one text for a result; notes without a place and helps become lines of it. */
static void put_message(Unit *u, Text *t, const Report *r)
{
    Text *all = text_new(u->arena);

    text_put(all, "%s", r->text);
    for (int i = 0; i < r->parts.count; i++) {
        const Part *part = &r->parts.at[i];
        if (part->kind == HELP || !part->span.source)
            text_put(all, "\n%s: %s", part->kind == HELP ? "help" : "note", part->text);
    }
    text_put(t, "\"message\": {\"text\": ");
    json_string(t, all->at);
    text_put(t, "}");
}

static void put_related(Unit *u, Text *t, const Report *r)
{
    int count = 0;

    for (int i = 0; i < r->parts.count; i++) {
        const Part *part = &r->parts.at[i];
        if (part->kind != NOTE || !part->span.source)
            continue;
        text_put(t, "%s{", count++ ? ", " : ",\n         \"relatedLocations\": [");
        put_location(u, t, part->span);
        text_put(t, ", \"message\": {\"text\": ");
        json_string(t, part->text);
        text_put(t, "}}");
    }
    text_put(t, "%s", count ? "]" : "");
}

static void put_fixes(Unit *u, Text *t, const Report *r)
{
    int count = 0;

    for (int i = 0; i < r->parts.count; i++) {
        const Part *part = &r->parts.at[i];
        if (!part->replacement || !part->span.source)
            continue;
        text_put(t, "%s{\"description\": {\"text\": ", count++ ? ", " : ",\n         \"fixes\": [");
        json_string(t, part->text);
        text_put(t, "}, \"artifactChanges\": [{\"artifactLocation\": {\"uri\": ");
        put_uri(t, source_name(u, part->span.source));
        text_put(t, "}, \"replacements\": [{\"deletedRegion\": ");
        put_region(u, t, part->span);
        text_put(t, ", \"insertedContent\": {\"text\": ");
        json_string(t, part->replacement);
        text_put(t, "}}]}]}");
    }
    text_put(t, "%s", count ? "]" : "");
}

static void put_result(Unit *u, Text *t, const Report *r)
{
    bool error = r->severity == ERROR || u->options.warnings_are_errors;

    text_put(t, "\n        {\"ruleId\": \"%s\", \"level\": \"%s\", ", r->severity != ERROR ? warning_table[r->which].name : r->code ? r->code->name : "error",
             error ? "error" : "warning");
    put_message(u, t, r);
    if (r->span.source) {
        text_put(t, ",\n         \"locations\": [{");
        put_location(u, t, r->span);
        text_put(t, "}]");
    }
    put_related(u, t, r);
    put_fixes(u, t, r);
    text_put(t, "}");
}

void report_sarif(Unit *u, Text *t, const char *version)
{
    text_put(t, "{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n  \"version\": \"2.1.0\",\n  \"runs\": [\n    {\n");
    text_put(t, "      \"tool\": {\"driver\": {\"name\": \"cnnc\", \"version\": \"%s\", \"rules\": [\n", version);
    text_put(t, "        {\"id\": \"error\", \"shortDescription\": {\"text\": \"what the compiler cannot accept\"}}");
    for (int i = 0; i < code_table_count; i++)           /* errors by number, warnings by name */
        text_put(t, ",\n        {\"id\": \"%s\", \"shortDescription\": {\"text\": \"%s\"}}", code_table[i].name, code_table[i].title);
    text_put(t, "\n      ]}},\n      \"columnKind\": \"unicodeCodePoints\",\n      \"results\": [");
    for (int i = 0; i < diag_count(u); i++) {
        text_put(t, "%s", i ? "," : "");
        put_result(u, t, diag_report(u, i));
    }
    text_put(t, "%s]\n    }\n  ]\n}\n", diag_count(u) ? "\n      " : "");
}
