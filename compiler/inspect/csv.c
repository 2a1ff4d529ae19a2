/* csv.c: tables that the runtime wrote (page.h): RFC 4180, a head and rows of as many cells. */
#include "inspect/page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 16 << 20, MOST_COLUMNS = 2000 };

static char *whole_file(Unit *u, const char *path)
{
    FILE *file = fopen(path, "rb");
    Text *t = text_new(u->arena);
    char block[4096];
    size_t some;

    if (!file) {
        error_at(u, NO_SPAN, "cannot read '%s': %s", path, strerror(errno));
        return NULL;
    }
    while (t->length <= MOST_BYTES && (some = fread(block, 1, sizeof block, file)) > 0)
        text_bytes(t, block, some);
    bool failed = ferror(file) || t->length > MOST_BYTES;
    if (failed)
        error_at(u, NO_SPAN, "cannot read '%s': %s", path, t->length > MOST_BYTES ? "it has more than 16 MB" : strerror(errno));
    fclose(file);
    return failed ? NULL : t->at;
}

/* The cell at *at, which is moved behind it and its comma. */
static const char *cell_of(Unit *u, char **at)
{
    Text *t = text_new(u->arena);
    char *c = *at;
    bool quoted = *c == '"';

    for (c += quoted; *c && (quoted || !strchr(",\r\n", *c)); c++) {
        if (quoted && *c == '"' && c[1] != '"')
            break;
        if (quoted && *c == '"')
            c++;
        text_bytes(t, c, 1);
    }
    c += quoted && *c == '"';
    c += *c == ',';
    *at = c;
    return t->at ? t->at : "";
}

static bool wrong(Unit *u, const char *path, int row)
{
    error_at(u, NO_SPAN, "row %d of '%s' has not as many cells as its head", row, path);
    help(u, "'./net train --csv epochs.csv' and './net test --csv confusion.csv' write such tables");
    return false;
}

bool csv_read(Unit *u, const char *path, Csv *csv)
{
    char *at = whole_file(u, path);
    LIST(const char *) cells = { 0 };

    *csv = (Csv){ .path = path };
    if (!at)
        return false;
    for (int row = 0; *at; row++) {
        int count = 0;
        while (*at && *at != '\n' && *at != '\r') {
            bool last = false;
            LIST_ADD(u->arena, &cells, cell_of(u, &at));
            count++;
            last = at[-1] == ',' && (*at == '\n' || *at == '\r' || !*at);
            if (last) {
                LIST_ADD(u->arena, &cells, "");
                count++;
            }
            if (count > MOST_COLUMNS)
                return wrong(u, path, row);
        }
        at += *at == '\r';
        at += *at == '\n';
        if (row == 0)
            csv->columns = count;
        if (count != csv->columns || count == 0)
            return wrong(u, path, row);
        csv->rows = row;
    }
    csv->head = cells.at;
    csv->cell = cells.at ? cells.at + csv->columns : NULL;
    return csv->columns > 0 || wrong(u, path, 0);
}

double csv_number(const Csv *csv, int row, int column)
{
    const char *text = csv->cell[row * csv->columns + column];
    char *end;
    double number = strtod(text, &end);

    return *text && !*end && isfinite(number) ? number : NAN;
}
