/* text.c: text that grows in the arena, with one owner of its indentation. */
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ROOM = 256, STEP = 4 };

Text *text_new(Arena *arena)
{
    Text *t = ARENA_NEW(arena, Text);
    t->arena = arena;
    t->room = FIRST_ROOM;
    t->at = arena_alloc(arena, t->room);
    return t;
}

/* Room for `bytes` more and the NUL. */
static void reserve(Text *t, size_t bytes)
{
    if (bytes < t->room - t->length)
        return;
    size_t room = t->room;
    while (bytes >= room - t->length)
        room = room <= SIZE_MAX / 2 ? room * 2 : SIZE_MAX;
    char *grown = arena_alloc(t->arena, room);
    memcpy(grown, t->at, t->length + 1);
    t->at = grown;
    t->room = room;
}

void text_bytes(Text *t, const char *bytes, size_t length)
{
    reserve(t, length);
    if (length > 0)
        memcpy(t->at + t->length, bytes, length);
    t->length += length;
    t->at[t->length] = '\0';
}

static __attribute__((format(printf, 2, 0), nonnull)) void put_values(Text *t, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    assert(length >= 0);
    reserve(t, (size_t)length);
    vsnprintf(t->at + t->length, (size_t)length + 1, format, again);
    t->length += (size_t)length;
    va_end(again);
}

void text_put(Text *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_values(t, format, values);
    va_end(values);
}

void text_indent(Text *t)
{
    for (int i = 0; i < t->depth * STEP; i++)
        text_bytes(t, " ", 1);
}

/* An indented line with a newline; a line of nothing has no indentation either. */
static void put_line(Text *t, const char *format, va_list values)
{
    if (format[0] != '\0')
        text_indent(t);
    put_values(t, format, values);
    text_bytes(t, "\n", 1);
}

void text_line(Text *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_line(t, format, values);
    va_end(values);
}

void text_open(Text *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_line(t, format, values);
    va_end(values);
    t->depth++;
}

void text_close(Text *t, const char *format, ...)
{
    assert(t->depth > 0);
    t->depth--;
    if (format[0] == '\0')
        return;
    va_list values;
    va_start(values, format);
    put_line(t, format, values);
    va_end(values);
}

void text_blank(Text *t)
{
    if (t->length == 0 || (t->length >= 2 && memcmp(t->at + t->length - 2, "\n\n", 2) == 0))
        return;
    if (t->at[t->length - 1] != '\n')
        text_bytes(t, "\n", 1);
    text_bytes(t, "\n", 1);
}

/* Columns are characters of UTF-8, from 0. */
void text_column(Text *t, int column)
{
    int now = 0;
    for (size_t i = t->length; i > 0 && t->at[i - 1] != '\n'; i--)
        now += ((unsigned char)t->at[i - 1] & 0xc0) != 0x80;
    do
        text_bytes(t, " ", 1);
    while (++now < column);
}
