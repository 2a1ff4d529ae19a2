/* html.c: text, and PNGs that are not packed, in base64. */
#include "html.h"
#include "memory.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(Html *h, const void *from, size_t bytes)
{
    if (!h->failed)
        h->failed = !cnn_io_write(&h->out, from, bytes, h->error);
}

bool cnn_html_open(Html *h, const char *path, cnn_error *error)
{
    *h = (Html){ .error = error };
    h->failed = !cnn_io_create(&h->out, path, error);
    return !h->failed;
}

bool cnn_html_finish(Html *h)
{
    if (!h->failed)
        return cnn_io_finish(&h->out, h->error);
    cnn_io_abandon(&h->out);
    return false;
}

void cnn_html_put(Html *h, const char *format, ...)
{
    char text[2048];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    put(h, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

void cnn_html_text(Html *h, const char *text)
{
    char safe[TEXT_SAFE];
    cnn_text_safe(safe, text, strlen(text));
    for (const char *c = safe; *c; c++)
        switch (*c) {
        case '<': put(h, "&lt;", 4); break;
        case '>': put(h, "&gt;", 4); break;
        case '&': put(h, "&amp;", 5); break;
        case '"': put(h, "&quot;", 6); break;
        case '\'': put(h, "&#39;", 5); break;
        default: put(h, c, 1); break;
        }
}

/* ---- PNG: signature, IHDR, IDAT (a zlib stream of stored blocks), IEND */

typedef struct Bytes {
    uint8_t *at;
    size_t count;
} Bytes;

static void add(Bytes *b, const void *from, size_t count)
{
    memcpy(b->at + b->count, from, count);
    b->count += count;
}

static void add_big_endian(Bytes *b, uint32_t number)
{
    add(b, (uint8_t[]){ (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number }, 4);
}

/* The CRC of PNG (ISO 3309). */
static uint32_t crc(const uint8_t *from, size_t count)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        c ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

/* `count` bytes of a chunk that was begun with its name are there: closes it. `from`: where its length belongs. */
static void end_chunk(Bytes *b, size_t from)
{
    uint32_t length = (uint32_t)(b->count - from - 8);
    for (int i = 0; i < 4; i++)
        b->at[from + (size_t)i] = (uint8_t)(length >> (24 - 8 * i));
    add_big_endian(b, crc(b->at + from + 4, b->count - from - 4));
}

static size_t begin_chunk(Bytes *b, const char *name)
{
    size_t from = b->count;
    add(b, "\0\0\0\0", 4);
    add(b, name, 4);
    return from;
}

enum { STORED = 65535 };        /* bytes of a stored block at most */

/* rows: each with its filter byte, 0, before it. */
static void add_stored(Bytes *b, const uint8_t *rows, size_t count)
{
    uint32_t s1 = 1, s2 = 0;
    add(b, "\x78\x01", 2);
    for (size_t at = 0; at < count;) {
        size_t some = count - at < STORED ? count - at : STORED;
        add(b, (uint8_t[]){ at + some == count, (uint8_t)some, (uint8_t)(some >> 8), (uint8_t)~some, (uint8_t)(~some >> 8) }, 5);
        add(b, rows + at, some);
        at += some;
    }
    for (size_t i = 0; i < count; i++) {        /* Adler's sum */
        s1 = (s1 + rows[i]) % 65521;
        s2 = (s2 + s1) % 65521;
    }
    add_big_endian(b, s2 << 16 | s1);
}

static void put_base64(Html *h, const uint8_t *from, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t n = (uint32_t)from[i] << 16 | (i + 1 < count ? (uint32_t)from[i + 1] << 8 : 0) | (i + 2 < count ? from[i + 2] : 0);
        char four[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < count ? digits[n >> 6 & 63] : '=', i + 2 < count ? digits[n & 63] : '=' };
        put(h, four, 4);
    }
}

void cnn_html_picture(Html *h, const uint8_t *pixels, int64_t rows, int64_t columns, int channels, const char *alt)
{
    size_t row = 1 + (size_t)columns * (size_t)channels, raw = (size_t)rows * row;
    Bytes png = { .at = cnn_memory_get(raw + raw / STORED * 5 + 256, 1, "a picture", h->error) };
    uint8_t *lines = cnn_memory_get(raw, 1, "a picture", h->error);
    h->failed |= !png.at || !lines;
    if (!h->failed) {
        for (int64_t y = 0; y < rows; y++)
            memcpy(lines + (size_t)y * row + 1, pixels + (size_t)y * (row - 1), row - 1);
        add(&png, "\211PNG\r\n\032\n", 8);
        size_t chunk = begin_chunk(&png, "IHDR");
        add_big_endian(&png, (uint32_t)columns);
        add_big_endian(&png, (uint32_t)rows);
        add(&png, (uint8_t[]){ 8, channels == 3 ? 2 : 0, 0, 0, 0 }, 5);
        end_chunk(&png, chunk);
        chunk = begin_chunk(&png, "IDAT");
        add_stored(&png, lines, raw);
        end_chunk(&png, chunk);
        end_chunk(&png, begin_chunk(&png, "IEND"));
        cnn_html_put(h, "<img alt=\"");
        cnn_html_text(h, alt);
        cnn_html_put(h, "\" width=\"%lld\" height=\"%lld\" src=\"data:image/png;base64,", (long long)columns, (long long)rows);
        put_base64(h, png.at, png.count);
        cnn_html_put(h, "\">");
    }
    cnn_memory_release(png.at);
    cnn_memory_release(lines);
}
