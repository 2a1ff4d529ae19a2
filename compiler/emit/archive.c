/* archive.c: a static library with one object in it (archive.h), in System V's form, which the linkers of Linux and of embedded
 * systems read: a magic line, then members with a header of text each, the first of them the index. */
#include "emit/archive.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static void put_header(Text *t, const char *name, size_t bytes)
{
    size_t before = t->length;

    text_put(t, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644", bytes);
    assert(t->length - before == 60);
    (void)before;
}

static void put_big_endian(Text *t, uint32_t number)
{
    const char bytes[4] = { (char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number };
    text_bytes(t, bytes, sizeof bytes);
}

/* Members begin at even places. */
static void pad(Text *t, size_t bytes)
{
    if (bytes % 2)
        text_bytes(t, "\n", 1);
}

void archive_write(Text *t, const char *name, const Text *object, const char *const *symbols, int symbol_count)
{
    static const char magic[] = "!<arch>\n";
    size_t index = 4 + 4 * (size_t)symbol_count;

    for (int i = 0; i < symbol_count; i++)
        index += strlen(symbols[i]) + 1;
    assert(strlen(name) < 16);
    text_put(t, "%s", magic);
    put_header(t, "/", index);
    put_big_endian(t, (uint32_t)symbol_count);
    for (int i = 0; i < symbol_count; i++)      /* where the member begins that defines it */
        put_big_endian(t, (uint32_t)(strlen(magic) + 60 + index + index % 2));
    for (int i = 0; i < symbol_count; i++)
        text_bytes(t, symbols[i], strlen(symbols[i]) + 1);
    pad(t, index);
    put_header(t, arena_print(t->arena, "%s/", name), object->length);
    text_bytes(t, object->at, object->length);
    pad(t, object->length);
}
