/* store.c: writes safetensors files. The same tensors give the same bytes: nothing in them depends on the time or the place. */
#include "safetensors.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };      /* of the length in front of the header, and what the numbers are aligned to */

/* Text that grows; `failed` stays until the end, so that nothing needs to be asked on the way. */
typedef struct Header {
    char *text;
    size_t length, room;
    bool failed;
    cnn_error *error;
} Header;

static void put(Header *h, const char *text, size_t length)
{
    if (h->failed)
        return;
    if (h->length + length > h->room) {
        size_t room = 2 * (h->length + length) + 256;
        char *more = cnn_memory_get(room, 1, "the header of a safetensors file", h->error);
        if (!more) {
            h->failed = true;
            return;
        }
        if (h->length)
            memcpy(more, h->text, h->length);
        cnn_memory_release(h->text);
        h->text = more;
        h->room = room;
    }
    memcpy(h->text + h->length, text, length);
    h->length += length;
}

static void put_text(Header *h, const char *text)
{
    put(h, text, strlen(text));
}

static void put_number(Header *h, uint64_t number)
{
    char digits[24];
    put(h, digits, (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number));
}

/* The inside of a JSON string. */
static void put_escaped(Header *h, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        char code[8];
        if (c == '"' || c == '\\')
            put(h, (char[2]){ '\\', (char)c }, 2);
        else if (c < 0x20)
            put(h, code, (size_t)snprintf(code, sizeof code, "\\u%04x", c));
        else
            put(h, text, 1);
    }
}

static uint64_t item_bytes(const StoreItem *item)
{
    uint64_t bytes = item->reals->bytes;
    for (int i = 0; i < item->rank; i++)
        bytes *= (uint64_t)item->dim[i];
    return bytes;
}

static void put_item(Header *h, const StoreItem *item, uint64_t at)
{
    put_text(h, ",\"");
    put_escaped(h, item->prefix);
    put_escaped(h, item->name);
    put_text(h, "\":{\"dtype\":\"");
    put_text(h, item->reals->dtype);
    put_text(h, "\",\"shape\":[");
    for (int i = 0; i < item->rank; i++) {
        put_text(h, i ? "," : "");
        put_number(h, (uint64_t)item->dim[i]);
    }
    put_text(h, "],\"data_offsets\":[");
    put_number(h, at);
    put_text(h, ",");
    put_number(h, at + item_bytes(item));
    put_text(h, "]}");
}

static void put_header(Header *h, const StoreItem *items, size_t count, const StoredText *texts, size_t text_count, bool sum)
{
    put(h, "\0\0\0\0\0\0\0", LENGTH_BYTES);     /* the length, known at the end */
    put_text(h, "{\"__metadata__\":{\"format\":\"pt\"");
    for (size_t i = 0; i < text_count; i++) {
        put_text(h, ",\"");
        put_escaped(h, texts[i].key);
        put_text(h, "\":\"");
        put_escaped(h, texts[i].value);
        put_text(h, "\"");
    }
    if (sum) {
        uint64_t all = 0;
        char hex[32];
        for (size_t i = 0; i < count; i++)
            all = cnn_stored_sum(all, items[i].from, item_bytes(&items[i]));
        snprintf(hex, sizeof hex, ",\"checksum\":\"%016llx\"", (unsigned long long)all);
        put_text(h, hex);
    }
    put_text(h, "}");
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        put_item(h, &items[i], at);
        at += item_bytes(&items[i]);
    }
    put_text(h, "}");
    while (!h->failed && h->length % LENGTH_BYTES)              /* so that the numbers begin aligned */
        put_text(h, " ");
    for (int i = 0; !h->failed && i < LENGTH_BYTES; i++)
        h->text[i] = (char)((h->length - LENGTH_BYTES) >> (8 * i) & 0xff);
}

bool cnn_store(const char *path, const StoreItem *items, size_t count, const StoredText *texts, size_t text_count, bool sum, cnn_error *error)
{
    Header h = { .error = error };
    put_header(&h, items, count, texts, text_count, sum);
    IoOutput out = { .fd = -1 };
    bool good = !h.failed && cnn_io_create(&out, path, error) && cnn_io_write(&out, h.text, h.length, error);
    for (size_t i = 0; good && i < count; i++)
        good = cnn_io_write(&out, items[i].from, item_bytes(&items[i]), error);
    if (good)
        good = cnn_io_finish(&out, error);
    else
        cnn_io_abandon(&out);
    cnn_memory_release(h.text);
    return good;
}
