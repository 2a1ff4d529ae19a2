/* npy.c: reads and writes arrays of NumPy. What it reads may say anything. */
#include "npy.h"
#include "fail.h"
#include "memory.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_HEADER = 1 << 16, PREFIX = 12 };    /* bytes */

static const struct {
    const char *descr;
    size_t bytes;
} types[] = {
    [NPY_U8] = { "|u1", 1 }, [NPY_I8] = { "|i1", 1 }, [NPY_I32] = { "<i4", 4 }, [NPY_I64] = { "<i8", 8 }, [NPY_F32] = { "<f4", 4 },
    [NPY_F64] = { "<f8", 8 },
};

size_t cnn_npy_bytes(NpyType type)
{
    return types[type].bytes;
}

/* ---- the dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), } */

typedef struct Reader {
    const char *at, *end, *path;
    cnn_error *error;
} Reader;

static void skip_space(Reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n'))
        r->at++;
}

static bool accept(Reader *r, const char *text)
{
    skip_space(r);
    size_t length = strlen(text);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, text, length))
        return false;
    r->at += length;
    return true;
}

static bool expect(Reader *r, const char *text)
{
    return accept(r, text) || cnn_fail(r->error, "%s: the header of the npy file is damaged: %s was expected", r->path, text);
}

/* A string without escapes, at most 31 bytes. */
static bool read_string(Reader *r, char to[32])
{
    skip_space(r);
    char quote = r->at < r->end ? *r->at : 0;
    if (quote != '\'' && quote != '"')
        return cnn_fail(r->error, "%s: the header of the npy file is damaged: a string was expected", r->path);
    size_t n = 0;
    for (r->at++; r->at < r->end && *r->at != quote; r->at++) {
        if (n == 31 || *r->at == '\\' || (unsigned char)*r->at < 0x20)
            return cnn_fail(r->error, "%s: the header of the npy file holds a string that is none of its own", r->path);
        to[n++] = *r->at;
    }
    to[n] = 0;
    return expect(r, quote == '"' ? "\"" : "'");
}

static bool read_descr(Reader *r, NpyHeader *h)
{
    char descr[32], safe[TEXT_SAFE];
    skip_space(r);
    if (r->at < r->end && *r->at == '[')
        return cnn_fail(r->error, "%s: the array holds records, but plain numbers were expected", r->path);
    if (!read_string(r, descr))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(descr, types[i].descr) || (types[i].bytes == 1 && strlen(descr) == 3 && !strcmp(descr + 1, types[i].descr + 1))) {
            h->type = (NpyType)i;
            return true;
        }
    return cnn_fail(r->error, "%s: the array's type is '%s', but float32, float64, uint8, int8, int32 or int64 (little-endian) was expected", r->path,
                    cnn_text_safe(safe, descr, strlen(descr)));
}

static bool read_shape(Reader *r, NpyHeader *h)
{
    if (!expect(r, "("))
        return false;
    for (h->rank = 0; !accept(r, ")"); h->rank++) {
        if (h->rank == NPY_AXES)
            return cnn_fail(r->error, "%s: the array has more than %d axes", r->path, NPY_AXES);
        skip_space(r);
        int64_t size = 0;
        const char *first = r->at;
        for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
            if (__builtin_mul_overflow(size, 10, &size) || __builtin_add_overflow(size, *r->at - '0', &size))
                return cnn_fail(r->error, "%s: the array has an axis that is too long", r->path);
        if (r->at == first)
            return cnn_fail(r->error, "%s: the header of the npy file is damaged: a size was expected", r->path);
        h->dim[h->rank] = size;
        if (!accept(r, ",") && !accept(r, ")"))
            return cnn_fail(r->error, "%s: the header of the npy file is damaged: a comma was expected", r->path);
        if (r->at[-1] == ')') {
            h->rank++;
            break;
        }
    }
    return true;
}

static bool read_dictionary(Reader *r, NpyHeader *h)
{
    bool seen[3] = { false, false, false };
    if (!expect(r, "{"))
        return false;
    while (!accept(r, "}")) {
        char key[32];
        if (!read_string(r, key) || !expect(r, ":"))
            return false;
        int which = !strcmp(key, "descr") ? 0 : !strcmp(key, "fortran_order") ? 1 : !strcmp(key, "shape") ? 2 : -1;
        if (which < 0 || seen[which])
            return cnn_fail(r->error, "%s: the header of the npy file is damaged: descr, fortran_order and shape were expected, once each", r->path);
        seen[which] = true;
        if (which == 0 && !read_descr(r, h))
            return false;
        if (which == 1 && accept(r, "True"))
            return cnn_fail(r->error, "%s: the array is in Fortran's order: save it with numpy.ascontiguousarray", r->path);
        if (which == 1 && !expect(r, "False"))
            return false;
        if (which == 2 && !read_shape(r, h))
            return false;
        if (!accept(r, ",") && !(r->at < r->end && *r->at == '}'))
            return expect(r, ",");
    }
    if (!seen[0] || !seen[1] || !seen[2])
        return cnn_fail(r->error, "%s: the header of the npy file lacks descr, fortran_order or shape", r->path);
    skip_space(r);
    return r->at == r->end || cnn_fail(r->error, "%s: the header of the npy file goes on after its dictionary", r->path);
}

/* Bytes before the numbers, told from the first PREFIX of them; 0 after reporting. */
static size_t header_bytes(const unsigned char *from, size_t length, size_t *text, const char *path, cnn_error *error)
{
    if (length < PREFIX || memcmp(from, "\x93NUMPY", 6)) {
        cnn_fail(error, "%s: does not begin like an npy file (\\x93NUMPY)", path);
        return 0;
    }
    if (from[6] < 1 || from[6] > 3 || from[7] != 0) {
        cnn_fail(error, "%s: byte 6 says version %d.%d of the npy format, but 1.0, 2.0 or 3.0 was expected", path, from[6], from[7]);
        return 0;
    }
    size_t size = (size_t)from[8] | (size_t)from[9] << 8;
    if (from[6] > 1)
        size |= (size_t)from[10] << 16 | (size_t)from[11] << 24;
    *text = from[6] > 1 ? 12 : 10;
    if (size > MOST_HEADER) {
        cnn_fail(error, "%s: byte 8 says that the header has %zu bytes, but at most %d were expected", path, size, MOST_HEADER);
        return 0;
    }
    return *text + size;
}

bool cnn_npy_header(NpyHeader *h, const unsigned char *from, size_t length, size_t *used, const char *path, cnn_error *error)
{
    size_t text, bytes = header_bytes(from, length, &text, path, error);
    if (!bytes)
        return false;
    if (bytes > length)
        return cnn_fail(error, "%s: ends at byte %zu, in its header", path, length);
    *h = (NpyHeader){ 0 };
    Reader r = { (const char *)from + text, (const char *)from + bytes, path, error };
    if (!read_dictionary(&r, h))
        return false;
    h->count = 1;
    for (int i = 0; i < h->rank; i++)
        if (h->dim[i] < 0 || __builtin_mul_overflow(h->count, (size_t)h->dim[i], &h->count) || h->count > SIZE_MAX / 8)
            return cnn_fail(error, "%s: the array has more numbers than this machine can address", path);
    *used = bytes;
    return true;
}

/* Opens a file and reads its header; the stream stands at the numbers, which are all there. */
static bool open_array(Stream *s, NpyHeader *h, const char *path, cnn_error *error)
{
    unsigned char *from = cnn_memory_get(PREFIX + MOST_HEADER, 1, "the header of an npy file", error);
    if (!from || !cnn_stream_open(s, path, error)) {
        cnn_memory_release(from);
        return false;
    }
    size_t text, used = 0, bytes = 0;
    bool good = cnn_stream_read(s, from, PREFIX, error) && (bytes = header_bytes(from, PREFIX, &text, path, error));
    if (good && bytes < PREFIX)
        good = cnn_fail(error, "%s: the header of the npy file is empty", path);
    good = good && cnn_stream_read(s, from + PREFIX, bytes - PREFIX, error) && cnn_npy_header(h, from, bytes, &used, path, error)
        && cnn_stream_expect(s, h->count * types[h->type].bytes, "the array's numbers", error);
    cnn_memory_release(from);
    if (!good)
        cnn_stream_close(s);
    return good;
}

bool cnn_npy_images(Set *set, const char *path, cnn_error *error)
{
    Stream s;
    NpyHeader h;
    set->name = cnn_memory_text(path, error);
    if (!set->name || !open_array(&s, &h, path, error))
        return false;
    char shape[TEXT_SHAPE];
    bool good = true;
    if (h.rank < 2 || h.rank > 4 || !h.count)
        good = cnn_fail(error, "%s: the array's shape is %s, but [images, depth, height, width] or [images, features] was expected", path,
                        cnn_text_shape(shape, h.dim, h.rank));
    else if (h.type != NPY_U8 && h.type != NPY_F32 && h.type != NPY_F64)
        good = cnn_fail(error, "%s: the array's type is %s, but images are float32, float64 or uint8", path, types[h.type].descr);
    if (good) {
        set->count = (size_t)h.dim[0];
        set->inputs = h.count / set->count;
        set->rank = h.rank == 2 ? 1 : 3;
        set->dim[0] = h.rank == 3 ? 1 : h.dim[1];
        if (set->rank == 3)
            set->dim[1] = h.dim[h.rank - 2], set->dim[2] = h.dim[h.rank - 1];
        set->form = h.type == NPY_U8 ? SET_BYTES : h.type == NPY_F32 ? SET_FLOATS : SET_DOUBLES;
        if (set->count > UINT32_MAX)
            good = cnn_fail(error, "%s: the array holds more than %u images", path, UINT32_MAX);
    }
    size_t bytes = h.count * types[h.type].bytes;
    if (good && !s.unpacker && cnn_set_stays(set)) {
        set->file_first = s.at;
        set->file_stride = bytes / set->count;
        set->file = s.file;                     /* the set keeps it open */
        s.file = (IoFile){ .fd = -1 };
    } else if (good) {
        good = cnn_set_room(set, error) && cnn_stream_read(&s, set->images, bytes, error) && cnn_stream_end(&s, error);
    }
    cnn_stream_close(&s);
    return good;
}

/* Number i of an array as it lies in the file. */
static double number(NpyType type, const unsigned char *from, size_t i)
{
    union { int32_t i32; int64_t i64; float f32; double f64; } v;
    memcpy(&v, from + i * types[type].bytes, types[type].bytes);
    switch (type) {
    case NPY_U8: return from[i];
    case NPY_I8: return (int8_t)from[i];
    case NPY_I32: return v.i32;
    case NPY_I64: return (double)v.i64;
    case NPY_F32: return (double)v.f32;
    case NPY_F64: return v.f64;
    }
    return 0;
}

static bool read_labels(Set *set, NpyType type, const unsigned char *from, const char *path, cnn_error *error)
{
    set->labels = cnn_memory_get(set->count, sizeof *set->labels, "the labels", error);
    if (!set->labels)
        return false;
    size_t classes = cnn_set_classes(set->outputs);
    for (size_t i = 0; i < set->count; i++) {
        double label = number(type, from, i);
        if (!(label >= 0 && label < (double)classes))
            return cnn_fail(error, "%s: target %zu is the label %.0f, but the network's labels are 0 to %zu", path, i, label, classes - 1);
        set->labels[i] = (uint32_t)label;
    }
    return true;
}

static bool read_vectors(Set *set, NpyType type, const unsigned char *from, const char *path, cnn_error *error)
{
    size_t count = set->count * set->outputs;
    set->targets = cnn_memory_get(count, sizeof *set->targets, "the targets", error);
    if (!set->targets)
        return false;
    for (size_t i = 0; i < count; i++) {
        set->targets[i] = number(type, from, i);
        if (!isfinite(set->targets[i]))
            return cnn_fail(error, "%s: number %zu of target %zu is not finite", path, i % set->outputs, i / set->outputs);
    }
    return true;
}

bool cnn_npy_targets(Set *set, const char *path, size_t outputs, cnn_error *error)
{
    Stream s;
    NpyHeader h;
    set->outputs = outputs;
    if (!open_array(&s, &h, path, error))
        return false;
    bool whole = h.type != NPY_F32 && h.type != NPY_F64;
    bool one = h.rank == 1 || (h.rank == 2 && h.dim[1] == 1);           /* one number an image */
    char shape[TEXT_SHAPE];
    cnn_text_shape(shape, h.dim, h.rank);
    bool good = true;
    if (h.rank < 1 || (size_t)h.dim[0] != set->count)
        good = cnn_fail(error, "%s: the array's shape is %s, but %s holds %zu images", path, shape, set->name, set->count);
    else if (whole && !one)
        good = cnn_fail(error, "%s: the array's shape is %s, but labels are [images]", path, shape);
    else if (!whole && (h.count != set->count * outputs || h.rank > 2))
        good = cnn_fail(error, "%s: the array's shape is %s, but targets in float are [images, %zu]", path, shape, outputs);
    size_t bytes = h.count * types[h.type].bytes;
    unsigned char *from = good ? cnn_memory_get(bytes, 1, "the targets", error) : NULL;
    good = from && cnn_stream_read(&s, from, bytes, error) && cnn_stream_end(&s, error)
        && (whole ? read_labels(set, h.type, from, path, error) : read_vectors(set, h.type, from, path, error));
    cnn_memory_release(from);
    cnn_stream_close(&s);
    if (good)
        cnn_set_find_kind(set);
    return good;
}

bool cnn_npy_save(const char *path, const Reals *reals, const void *from, const int64_t *dim, int rank, cnn_error *error)
{
    char text[256], prefix[10] = "\x93NUMPY\x01";
    size_t count = 1;
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", reals->descr);
    for (int i = 0; i < rank; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, "%lld%s", (long long)dim[i], rank == 1 ? "," : i + 1 < rank ? ", " : "");
        count *= (size_t)dim[i];
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    while ((sizeof prefix + (size_t)n + 1) % 64)                        /* so that the numbers begin aligned */
        text[n++] = ' ';
    text[n++] = '\n';
    prefix[8] = (char)(n & 0xff);
    prefix[9] = (char)(n >> 8);

    IoOutput out;
    if (!cnn_io_create(&out, path, error))
        return false;
    if (cnn_io_write(&out, prefix, sizeof prefix, error) && cnn_io_write(&out, text, (size_t)n, error)
        && cnn_io_write(&out, from, count * reals->bytes, error))
        return cnn_io_finish(&out, error);
    cnn_io_abandon(&out);
    return false;
}
