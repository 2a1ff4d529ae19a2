/* idx.c: reads IDX files, which may say anything. */
#include "idx.h"
#include "fail.h"
#include "memory.h"
#include "stream.h"

#include <stdio.h>
#include <string.h>

enum { UBYTE = 0x08, MOST_AXES = 3 };

static bool header(Stream *s, const char *what, int axes, uint32_t size[MOST_AXES], cnn_error *error)
{
    unsigned char h[4 + 4 * MOST_AXES];
    if (!cnn_stream_read(s, h, 4 + 4 * (size_t)axes, error))
        return false;
    if (h[0] || h[1] || h[2] != UBYTE || h[3] != axes)
        return cnn_fail(error, "%s: begins with the bytes %02x %02x %02x %02x, but IDX %s begin with 00 00 08 %02x", s->file.path, h[0], h[1], h[2],
                        h[3], what, axes);
    for (int i = 0; i < axes; i++) {
        const unsigned char *b = h + 4 + 4 * i;
        size[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (!size[i])
            return cnn_fail(error, "%s: says at byte %d that it holds no %s", s->file.path, 4 + 4 * i, what);
    }
    return true;
}

static bool load_images(Set *set, Stream *s, cnn_error *error)
{
    uint32_t size[MOST_AXES];
    size_t bytes;
    char what[80];
    if (!header(s, "images", 3, size, error))
        return false;
    snprintf(what, sizeof what, "%u images of %ux%u", size[0], size[1], size[2]);
    set->inputs = (size_t)size[1] * size[2];
    if (__builtin_mul_overflow((size_t)size[0], set->inputs, &bytes))
        return cnn_fail(error, "%s: %s are more than this machine can address", s->file.path, what);
    if (!cnn_stream_expect(s, bytes, what, error))
        return false;
    set->count = size[0];
    set->rank = 3;
    set->dim[0] = 1, set->dim[1] = size[1], set->dim[2] = size[2];
    set->form = SET_BYTES;
    if (!s->unpacker && cnn_set_stays(set)) {
        set->file_first = s->at;
        set->file_stride = set->inputs;
        set->file = s->file;                    /* the set keeps it open */
        s->file = (IoFile){ .fd = -1 };
        return true;
    }
    return cnn_set_room(set, error) && cnn_stream_read(s, set->images, bytes, error) && cnn_stream_end(s, error);
}

static bool load_labels(Set *set, Stream *s, size_t outputs, cnn_error *error)
{
    enum { CHUNK = 1 << 14 };
    unsigned char chunk[CHUNK];
    uint32_t size[MOST_AXES];
    if (!header(s, "labels", 1, size, error))
        return false;
    if (size[0] != set->count)
        return cnn_fail(error, "%s: says at byte 4 that it holds %u labels, but %s holds %zu images", s->file.path, size[0], set->name, set->count);
    if (!cnn_stream_expect(s, size[0], "the labels", error))
        return false;
    set->labels = cnn_memory_get(set->count, sizeof *set->labels, "the labels", error);
    if (!set->labels)
        return false;
    for (size_t i = 0; i < set->count;) {
        size_t some = set->count - i < CHUNK ? set->count - i : CHUNK;
        if (!cnn_stream_read(s, chunk, some, error))
            return false;
        for (size_t k = 0; k < some; k++, i++) {
            if (chunk[k] >= cnn_set_classes(outputs))
                return cnn_fail(error, "%s: byte %zu is the label %d, but the network's labels are 0 to %zu", s->file.path, 8 + i, chunk[k],
                                cnn_set_classes(outputs) - 1);
            set->labels[i] = chunk[k];
        }
    }
    return cnn_stream_end(s, error);
}

bool cnn_idx_load(Set *set, const char *images, const char *labels, size_t outputs, cnn_error *error)
{
    Stream s;
    set->outputs = outputs;
    set->name = cnn_memory_text(images, error);
    if (!set->name || !cnn_stream_open(&s, images, error))
        return false;
    bool good = load_images(set, &s, error);
    cnn_stream_close(&s);
    if (!good || !cnn_stream_open(&s, labels, error))
        return false;
    good = load_labels(set, &s, outputs, error);
    cnn_stream_close(&s);
    if (good)
        cnn_set_find_kind(set);
    return good;
}
