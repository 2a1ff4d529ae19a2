/* snippet.c: draws a line of the source as it looks in columns of a terminal. */
#include "base/snippet.h"

#include "base/utf8.h"

#include <string.h>

enum {
    TAB = 4,            /* columns between tab stops */
    WIDTH = 100,        /* columns of a line that are shown */
    BEFORE = 40         /* columns in front of the span, when the line does not fit */
};

/* The character at `at`: how many bytes it takes, and its columns when it begins in `column`. */
static int measure(const char *at, size_t length, size_t column, size_t *columns, uint32_t *code)
{
    int bytes = utf8_read(at, length, code);
    if (*code == '\t')
        *columns = TAB - column % TAB;
    else
        *columns = utf8_shown(*code) ? (size_t)utf8_width(*code) : 1;
    return bytes;
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

static void put_repeated(Text *t, const char *what, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_bytes(t, what, 1);
}

/* Columns [first, first + WIDTH) of the line. */
static void put_columns(Text *t, const char *line, size_t length, size_t first)
{
    size_t column = 0;
    for (size_t i = 0; i < length && column < first + WIDTH;) {
        uint32_t code;
        size_t columns;
        int bytes = measure(line + i, length - i, column, &columns, &code);
        size_t from = column > first ? column : first;
        size_t to = column + columns < first + WIDTH ? column + columns : first + WIDTH;
        if (column < first || column + columns > first + WIDTH || code == '\t')
            put_repeated(t, " ", to > from ? to - from : 0);
        else if (utf8_shown(code))
            text_bytes(t, line + i, (size_t)bytes);
        else
            text_bytes(t, "?", 1);
        column += columns;
        i += (size_t)bytes;
    }
}

void snippet_draw(Text *t, int number, const char *line, size_t length, size_t from, size_t to, const char *mark,
                  const char *plain)
{
    if (is_blank(line, length))
        return;

    size_t column = 0, start = 0, end = 0, whole;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t columns;
        if (i <= from)
            start = column;
        int bytes = measure(line + i, length - i, column, &columns, &code);
        column += columns;
        i += (size_t)bytes;
        if (i <= to)
            end = column;
    }
    whole = column;
    if (from >= length)
        start = whole;
    if (to >= length)
        end = whole;

    size_t first = 0;
    if (whole > WIDTH && start + BEFORE > WIDTH) {
        first = start - BEFORE;
        if (first + WIDTH > whole)
            first = whole - WIDTH;
    }
    bool more = whole > first + WIDTH;
    if (end > first + WIDTH)
        end = first + WIDTH;

    text_put(t, "%5d | %s", number, first > 0 ? "..." : "");
    put_columns(t, line, length, first);
    text_put(t, "%s\n      | %s", more ? "..." : "", first > 0 ? "   " : "");
    put_repeated(t, " ", start - first);
    text_put(t, "%s^", mark);
    put_repeated(t, "~", end > start + 1 ? end - start - 1 : 0);
    text_put(t, "%s\n", plain);
}

void snippet_clean(Text *t, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t code;
        int bytes = utf8_read(text + i, length - i, &code);
        if (utf8_shown(code))
            text_bytes(t, text + i, (size_t)bytes);
        else
            text_bytes(t, code == '\n' || code == '\t' ? " " : "?", 1);
        i += (size_t)bytes;
    }
}
