/* files.c: npy and safetensors files (files.h). Both begin with a text and go on with the numbers, in the byte order of x86 and ARM. */
#include "files.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t count_of(int rank, const int64_t *dim)
{
    int64_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= dim[i];
    return count;
}

static bool put_numbers(FILE *to, const double *at, int64_t count, bool wide)
{
    for (int64_t i = 0; i < count; i++) {
        float narrow = (float)at[i];
        if (fwrite(wide ? (const void *)&at[i] : (const void *)&narrow, wide ? 8 : 4, 1, to) != 1)
            return false;
    }
    return true;
}

static double *get_numbers(Arena *arena, const unsigned char *from, int64_t count, bool wide)
{
    double *at = arena_array(arena, (size_t)count + 1, sizeof *at);

    for (int64_t i = 0; i < count; i++) {
        float narrow;
        if (wide) {
            memcpy(&at[i], from + 8 * i, 8);
        } else {
            memcpy(&narrow, from + 4 * i, 4);
            at[i] = narrow;
        }
    }
    return at;
}

/* `(2, 3)`, and `(2,)` for one. */
static void put_tuple(Text *t, int rank, const int64_t *dim)
{
    text_put(t, "(");
    for (int i = 0; i < rank; i++)
        text_put(t, "%lld%s", (long long)dim[i], i + 1 < rank ? ", " : rank == 1 ? "," : "");
    text_put(t, ")");
}

bool npy_write(const char *path, const double *at, int rank, const int64_t *dim, bool wide)
{
    Arena *arena = arena_new();
    Text *t = text_new(arena);
    FILE *to = fopen(path, "wb");

    text_put(t, "{'descr': '<f%d', 'fortran_order': False, 'shape': ", wide ? 8 : 4);
    put_tuple(t, rank, dim);
    text_put(t, ", }");
    while ((10 + t->length + 1) % 64)
        text_put(t, " ");
    text_put(t, "\n");
    unsigned char head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(t->length & 255), (unsigned char)(t->length >> 8) };
    bool done = to && fwrite(head, 10, 1, to) == 1 && fwrite(t->at, t->length, 1, to) == 1
             && put_numbers(to, at, count_of(rank, dim), wide);
    if (to)
        done = fclose(to) == 0 && done;
    arena_free(arena);
    return done;
}

/* A whole file, with a zero behind it. */
static unsigned char *whole_file(Arena *arena, const char *path, size_t *size)
{
    FILE *from = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long length = -1;

    if (from && fseek(from, 0, SEEK_END) == 0)
        length = ftell(from);
    if (length >= 0) {
        rewind(from);
        bytes = arena_alloc(arena, (size_t)length + 1);
        *size = fread(bytes, 1, (size_t)length, from);
    }
    if (from)
        fclose(from);
    return length >= 0 && *size == (size_t)length ? bytes : NULL;
}

double *npy_read(Arena *arena, const char *path, int rank, const int64_t *dim, bool wide)
{
    size_t size;
    unsigned char *bytes = whole_file(arena, path, &size);
    Text *shape = text_new(arena);

    put_tuple(shape, rank, dim);
    if (!bytes || size < 10 || memcmp(bytes, "\x93NUMPY\1", 7) != 0)
        return NULL;
    size_t head = 10 + bytes[8] + 256u * bytes[9], body = (size_t)count_of(rank, dim) * (wide ? 8 : 4);
    const char *text = (const char *)bytes + 10;
    if (size != head + body || !strstr(text, shape->at) || !strstr(text, wide ? "<f8" : "<f4"))
        return NULL;
    return get_numbers(arena, bytes + head, count_of(rank, dim), wide);
}

bool safetensors_write(Arena *arena, const char *path, const FileTensor *tensors, int count, bool wide)
{
    Text *t = text_new(arena);
    FILE *to = fopen(path, "wb");
    int64_t offset = 0;

    text_put(t, "{");
    for (int i = 0; i < count; i++) {
        int64_t end = offset + count_of(tensors[i].rank, tensors[i].dim) * (wide ? 8 : 4);
        text_put(t, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "", tensors[i].name, wide ? "F64" : "F32");
        for (int k = 0; k < tensors[i].rank; k++)
            text_put(t, "%s%lld", k ? "," : "", (long long)tensors[i].dim[k]);
        text_put(t, "],\"data_offsets\":[%lld,%lld]}", (long long)offset, (long long)end);
        offset = end;
    }
    text_put(t, "}");
    while (t->length % 8)
        text_put(t, " ");
    uint64_t length = t->length;
    bool done = to && fwrite(&length, 8, 1, to) == 1 && fwrite(t->at, t->length, 1, to) == 1;
    for (int i = 0; done && i < count; i++)
        done = put_numbers(to, tensors[i].at, count_of(tensors[i].rank, tensors[i].dim), wide);
    if (to)
        done = fclose(to) == 0 && done;
    return done;
}

double *safetensors_read(Arena *arena, const char *path, const char *name, int rank, const int64_t *dim, bool wide)
{
    size_t size;
    uint64_t head;
    unsigned char *bytes = whole_file(arena, path, &size);
    Text *shape = text_new(arena);

    if (!bytes || size < 8)
        return NULL;
    memcpy(&head, bytes, 8);
    if (head > size - 8)
        return NULL;
    char *text = arena_copy(arena, (const char *)bytes + 8, head);
    const char *entry = strstr(text, arena_print(arena, "\"%s\":", name));
    const char *end = entry ? strchr(entry, '}') : NULL;
    if (!end)
        return NULL;
    entry = arena_copy(arena, entry, (size_t)(end - entry));
    text_put(shape, "\"shape\":[");
    for (int i = 0; i < rank; i++)
        text_put(shape, "%s%lld", i ? "," : "", (long long)dim[i]);
    text_put(shape, "]");
    const char *offsets = strstr(entry, "\"data_offsets\":[");
    uint64_t from = offsets ? strtoull(offsets + 16, NULL, 10) : 0, body = (uint64_t)count_of(rank, dim) * (wide ? 8 : 4);
    if (!offsets || !strstr(entry, shape->at) || !strstr(entry, wide ? "F64" : "F32") || 8 + head + from + body > size)
        return NULL;
    return get_numbers(arena, bytes + 8 + head + from, count_of(rank, dim), wide);
}
