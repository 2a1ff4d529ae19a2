/* safetensors.c: reads files that may say anything, by a JSON parser for just this header. store.c writes them. */
#include "safetensors.h"
#include "fail.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors and npy files are little-endian, and so must be the machine"
#endif

enum { LENGTH_BYTES = 8, MOST_HEADER = 100000000 };     /* the limit of the reference implementation */

static const struct {
    const char *name;
    unsigned bytes;
} types[] = {
    [STORED_BOOL] = { "BOOL", 1 }, [STORED_U8] = { "U8", 1 }, [STORED_I8] = { "I8", 1 }, [STORED_F8_E4M3] = { "F8_E4M3", 1 },
    [STORED_F8_E5M2] = { "F8_E5M2", 1 }, [STORED_I16] = { "I16", 2 }, [STORED_U16] = { "U16", 2 }, [STORED_F16] = { "F16", 2 },
    [STORED_BF16] = { "BF16", 2 }, [STORED_I32] = { "I32", 4 }, [STORED_U32] = { "U32", 4 }, [STORED_F32] = { "F32", 4 }, [STORED_I64] = { "I64", 8 },
    [STORED_U64] = { "U64", 8 }, [STORED_F64] = { "F64", 8 },
};
enum { TYPES = sizeof types / sizeof *types };

const char *cnn_stored_type_name(StoredType type)
{
    return types[type].name;
}

uint64_t cnn_stored_elements(const StoredTensor *t)
{
    uint64_t count = 1;
    for (int i = 0; i < t->rank; i++)
        count *= (uint64_t)t->dim[i];
    return count;
}

/* ---- JSON */

typedef struct Reader {
    const char *first, *at, *end, *path;
    char *names;                /* where the next string goes; all of them together are shorter than the header */
    Stored *s;
    size_t tensor_room, text_room;
    cnn_error *error;
} Reader;

static bool bad(const Reader *r, const char *expected)
{
    if (r->at >= r->end)
        return cnn_fail(r->error, "%s: the header ends at byte %zu, where %s was expected", r->path, LENGTH_BYTES + (size_t)(r->at - r->first), expected);
    char safe[TEXT_SAFE];
    return cnn_fail(r->error, "%s: byte %zu of the header is '%s', where %s was expected", r->path, LENGTH_BYTES + (size_t)(r->at - r->first),
                    cnn_text_safe(safe, r->at, 1), expected);
}

static bool accept(Reader *r, char c)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
    if (r->at >= r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool expect(Reader *r, char c, const char *name)
{
    return accept(r, c) || bad(r, name);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits of \uXXXX, or -1. */
static int32_t unit16(Reader *r)
{
    int32_t unit = 0;
    if (r->end - r->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(r->at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    r->at += 4;
    return unit;
}

static void put_utf8(char **to, int32_t c)
{
    char *p = *to;
    if (c < 0x80) {
        *p++ = (char)c;
    } else if (c < 0x800) {
        *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *p++ = (char)(0xe0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    } else {
        *p++ = (char)(0xf0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 63));
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    }
    *to = p;
}

/* What follows a backslash. No name may hold a NUL: C could not tell where it ends. */
static bool escape(Reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (r->at >= r->end)
        return bad(r, "an escape");
    const char *letter = *r->at ? strchr(letters, *r->at) : NULL;
    if (letter) {
        *(*to)++ = meant[letter - letters];
        r->at++;
        return true;
    }
    if (*r->at != 'u')
        return bad(r, "an escape of JSON");
    r->at++;
    int32_t c = unit16(r);
    if (c >= 0xd800 && c < 0xdc00) {
        int32_t low = r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u' ? (r->at += 2, unit16(r)) : -1;
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
    } else if (c >= 0xdc00 && c < 0xe000) {
        c = -1;
    }
    if (c <= 0)
        return bad(r, "the number of a character");
    put_utf8(to, c);
    return true;
}

/* Bytes of the well-formed UTF-8 character at the reader, or 0. */
static size_t utf8_bytes(const Reader *r)
{
    const unsigned char *s = (const unsigned char *)r->at;
    size_t left = (size_t)(r->end - r->at);
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    if (!n || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool bad_second = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return bad_second ? 0 : n;
}

/* NULL after reporting. */
static const char *string(Reader *r)
{
    if (!expect(r, '"', "a string"))
        return NULL;
    char *begin = r->names, *to = begin;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at == '\\') {
            r->at++;
            if (!escape(r, &to))
                return NULL;
            continue;
        }
        size_t bytes = (unsigned char)*r->at < 0x20 ? 0 : utf8_bytes(r);
        if (!bytes) {
            bad(r, "a character of UTF-8");
            return NULL;
        }
        memcpy(to, r->at, bytes);
        to += bytes;
        r->at += bytes;
    }
    if (!expect(r, '"', "the end of a string"))
        return NULL;
    *to++ = 0;
    r->names = to;
    return begin;
}

/* A whole number >= 0 as JSON writes it. */
static bool whole(Reader *r, uint64_t *to)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
    const char *first = r->at;
    *to = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(*to, 10u, to) || __builtin_add_overflow(*to, (uint64_t)(*r->at - '0'), to))
            return bad(r, "a smaller number");
    if (r->at == first)
        return bad(r, "a whole number");
    if (*first == '0' && r->at - first > 1) {
        r->at = first;
        return bad(r, "a number without leading zeros");
    }
    return true;
}

/* ---- the header */

/* Makes room for one more thing in an array that doubles. */
static bool grow(void **array, size_t *room, size_t count, size_t size, cnn_error *error)
{
    if (count < *room)
        return true;
    size_t more = *room ? 2 * *room : 16;
    void *to = cnn_memory_get(more, size, "the header of a safetensors file", error);
    if (!to)
        return false;
    if (count)
        memcpy(to, *array, count * size);
    cnn_memory_release(*array);
    *array = to;
    *room = more;
    return true;
}

static bool read_type(Reader *r, StoredTensor *t)
{
    const char *name = string(r);
    char safe[TEXT_SAFE];
    for (int i = 0; name && i < TYPES; i++)
        if (!strcmp(name, types[i].name)) {
            t->type = (StoredType)i;
            return true;
        }
    return name && cnn_fail(r->error, "%s: the numbers of %s have the unknown type '%s'", r->path, t->name, cnn_text_safe(safe, name, strlen(name)));
}

static bool read_dims(Reader *r, StoredTensor *t)
{
    if (!expect(r, '[', "["))
        return false;
    if (accept(r, ']'))
        return true;
    do {
        uint64_t size;
        if (t->rank == STORED_AXES)
            return bad(r, "at most 8 sizes");
        if (!whole(r, &size))
            return false;
        if (size > INT64_MAX)
            return bad(r, "a smaller number");
        t->dim[t->rank++] = (int64_t)size;
    } while (accept(r, ','));
    return expect(r, ']', "]");
}

static bool read_offsets(Reader *r, StoredTensor *t)
{
    return expect(r, '[', "[") && whole(r, &t->from) && expect(r, ',', ",") && whole(r, &t->end) && expect(r, ']', "]");
}

static bool read_tensor(Reader *r, const char *name)
{
    enum { DTYPE, SHAPE, OFFSETS, KEYS };
    static const char *const keys[] = { "dtype", "shape", "data_offsets" };
    bool seen[KEYS] = { false };
    char safe[TEXT_SAFE];
    StoredTensor t = { .name = name };
    if (!grow((void **)&r->s->tensors, &r->tensor_room, r->s->count, sizeof t, r->error) || !expect(r, '{', "{"))
        return false;
    do {
        const char *key = string(r);
        int which = 0;
        if (!key || !expect(r, ':', ":"))
            return false;
        while (which < KEYS && strcmp(key, keys[which]))
            which++;
        if (which == KEYS || seen[which])
            return cnn_fail(r->error, "%s: tensor '%s' says '%s'%s", r->path, cnn_text_safe((char[TEXT_SAFE]){ 0 }, name, strlen(name)),
                            cnn_text_safe(safe, key, strlen(key)), which == KEYS ? ", which is not known" : " twice");
        seen[which] = true;
        if (which == DTYPE ? !read_type(r, &t) : which == SHAPE ? !read_dims(r, &t) : !read_offsets(r, &t))
            return false;
    } while (accept(r, ','));
    if (!expect(r, '}', "}"))
        return false;
    cnn_text_safe(safe, name, strlen(name));
    if (!seen[DTYPE] || !seen[SHAPE] || !seen[OFFSETS])
        return cnn_fail(r->error, "%s: tensor '%s' lacks its dtype, shape or data_offsets", r->path, safe);
    uint64_t bytes = types[t.type].bytes;
    for (int i = 0; i < t.rank; i++)
        if (__builtin_mul_overflow(bytes, (uint64_t)t.dim[i], &bytes))
            return cnn_fail(r->error, "%s: tensor '%s' is too large", r->path, safe);
    if (t.end < t.from || t.end - t.from != bytes)
        return cnn_fail(r->error, "%s: tensor '%s' has %llu bytes by its shape, but data_offsets from %llu to %llu", r->path, safe,
                        (unsigned long long)bytes, (unsigned long long)t.from, (unsigned long long)t.end);
    r->s->tensors[r->s->count++] = t;
    return true;
}

static bool read_texts(Reader *r)
{
    if (!expect(r, '{', "{"))
        return false;
    if (accept(r, '}'))
        return true;
    do {
        StoredText text;
        if (!(text.key = string(r)) || !expect(r, ':', ":") || !(text.value = string(r))
            || !grow((void **)&r->s->texts, &r->text_room, r->s->text_count, sizeof text, r->error))
            return false;
        r->s->texts[r->s->text_count++] = text;
    } while (accept(r, ','));
    return expect(r, '}', "}");
}

static bool read_header(Reader *r)
{
    bool texts = false;
    if (r->at >= r->end || *r->at != '{')
        return bad(r, "{");
    r->at++;
    if (!accept(r, '}')) {
        do {
            const char *name = string(r);
            if (!name || !expect(r, ':', ":"))
                return false;
            if (strcmp(name, "__metadata__")) {
                if (!read_tensor(r, name))
                    return false;
            } else if (texts || !read_texts(r)) {
                return texts ? bad(r, "__metadata__ only once") : false;
            } else {
                texts = true;
            }
        } while (accept(r, ','));
        if (!expect(r, '}', "}"))
            return false;
    }
    while (r->at < r->end && *r->at == ' ')
        r->at++;
    return r->at == r->end || bad(r, "the end of the header");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const StoredTensor *)a)->name, ((const StoredTensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const StoredText *)a)->key, ((const StoredText *)b)->key);
}

static int by_place(const void *a, const void *b)
{
    const StoredTensor *s = a, *t = b;
    if (s->from != t->from)
        return s->from < t->from ? -1 : 1;
    return s->end < t->end ? -1 : s->end > t->end;
}

/* No holes, no overlaps, no tail; no name and no key twice. */
static bool check(Stored *s, uint64_t bytes, const char *path, cnn_error *error)
{
    char safe[TEXT_SAFE];
    uint64_t at = 0;
    if (s->count)
        qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    for (size_t i = 0; i < s->count; i++) {
        const StoredTensor *t = &s->tensors[i];
        if (t->from != at)
            return cnn_fail(error, "%s: tensor '%s' begins at byte %llu of the numbers, but the one before ends at %llu", path,
                            cnn_text_safe(safe, t->name, strlen(t->name)), (unsigned long long)t->from, (unsigned long long)at);
        at = t->end;
    }
    if (at != bytes)
        return cnn_fail(error, "%s: the tensors have %llu bytes, but the file has %llu for them", path, (unsigned long long)at, (unsigned long long)bytes);
    if (s->count)
        qsort(s->tensors, s->count, sizeof *s->tensors, by_name);
    for (size_t i = 1; i < s->count; i++)
        if (!strcmp(s->tensors[i - 1].name, s->tensors[i].name))
            return cnn_fail(error, "%s: tensor '%s' is there twice", path, cnn_text_safe(safe, s->tensors[i].name, strlen(s->tensors[i].name)));
    if (s->text_count)
        qsort(s->texts, s->text_count, sizeof *s->texts, by_key);
    for (size_t i = 1; i < s->text_count; i++)
        if (!strcmp(s->texts[i - 1].key, s->texts[i].key))
            return cnn_fail(error, "%s: the metadata say '%s' twice", path, cnn_text_safe(safe, s->texts[i].key, strlen(s->texts[i].key)));
    return true;
}

bool cnn_stored_parse(Stored *s, const char *header, size_t length, uint64_t bytes, const char *path, cnn_error *error)
{
    *s = (Stored){ .file.fd = -1 };
    s->names = cnn_memory_get(length + 1, 1, "the header of a safetensors file", error);
    if (!s->names)
        return false;
    Reader r = { header, header, header + length, path, s->names, s, 0, 0, error };
    if (read_header(&r) && check(s, bytes, path, error))
        return true;
    cnn_stored_close(s);
    return false;
}

bool cnn_stored_open(Stored *s, const char *path, cnn_error *error)
{
    unsigned char prefix[LENGTH_BYTES];
    IoFile file;
    *s = (Stored){ .file.fd = -1 };
    if (!cnn_io_open(&file, path, error))
        return false;
    uint64_t length = 0;
    bool good = cnn_io_read(&file, prefix, sizeof prefix, error);
    for (int i = LENGTH_BYTES; good && i-- > 0;)
        length = length << 8 | prefix[i];
    if (good && (length > MOST_HEADER || length > file.size - LENGTH_BYTES))
        good = cnn_fail(error, "%s: its first 8 bytes say that the header has %llu bytes, but the file has %llu; is it a safetensors file?", path,
                        (unsigned long long)length, (unsigned long long)file.size);
    char *header = good ? cnn_memory_get((size_t)length + 1, 1, "the header of a safetensors file", error) : NULL;
    good = header && cnn_io_read(&file, header, (size_t)length, error)
        && cnn_stored_parse(s, header, (size_t)length, file.size - LENGTH_BYTES - length, path, error);
    cnn_memory_release(header);
    if (!good) {
        cnn_io_close(&file);
        return false;
    }
    s->file = file;
    s->first = LENGTH_BYTES + length;
    return true;
}

void cnn_stored_close(Stored *s)
{
    if (s->file.path)
        cnn_io_close(&s->file);
    cnn_memory_release(s->tensors);
    cnn_memory_release(s->texts);
    cnn_memory_release(s->names);
    *s = (Stored){ .file.fd = -1 };
}

const StoredTensor *cnn_stored_find(const Stored *s, const char *name)
{
    StoredTensor key = { .name = name };
    return s->count ? bsearch(&key, s->tensors, s->count, sizeof key, by_name) : NULL;
}

const char *cnn_stored_text(const Stored *s, const char *key)
{
    StoredText wanted = { .key = key };
    const StoredText *found = s->text_count ? bsearch(&wanted, s->texts, s->text_count, sizeof wanted, by_key) : NULL;
    return found ? found->value : NULL;
}

/* ---- the numbers */

enum { CHUNK = 1 << 16 };       /* bytes that are converted or summed at a time */

bool cnn_stored_read(const Stored *s, const StoredTensor *t, void *to, const Reals *reals, cnn_error *error)
{
    char safe[TEXT_SAFE];
    if (t->type != STORED_F32 && t->type != STORED_F64)
        return cnn_fail(error, "%s: tensor '%s' holds %s, but F32 or F64 was expected", s->file.path, cnn_text_safe(safe, t->name, strlen(t->name)),
                        types[t->type].name);
    union { float f[CHUNK / 4]; double d[CHUNK / 8]; } *chunk = cnn_memory_get(1, CHUNK, "reading weights", error);
    size_t bytes = types[t->type].bytes;
    bool good = chunk != NULL;
    for (uint64_t at = t->from, done = 0; good && at < t->end;) {
        size_t some = t->end - at < CHUNK ? (size_t)(t->end - at) : CHUNK;
        good = cnn_io_read_at(&s->file, s->first + at, chunk, some, error);
        if (good && t->type == STORED_F32)
            reals->from_floats(cnn_at(reals, to, done), chunk->f, some / bytes);
        else if (good)
            reals->from_doubles(cnn_at(reals, to, done), chunk->d, some / bytes);
        at += some;
        done += some / bytes;
    }
    cnn_memory_release(chunk);
    return good;
}

uint64_t cnn_stored_sum(uint64_t sum, const void *from, size_t bytes)
{
    static const uint64_t polynomial = 0xC96C5795D7870F42u;     /* reflected */
    static const int NIBBLE = 4;
    uint64_t table[16];
    for (uint64_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int bit = 0; bit < NIBBLE; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ polynomial : table[i] >> 1;
    }
    const unsigned char *p = from;
    sum = ~sum;
    for (size_t i = 0; i < bytes; i++) {
        sum ^= p[i];
        sum = sum >> NIBBLE ^ table[sum & 15];
        sum = sum >> NIBBLE ^ table[sum & 15];
    }
    return ~sum;
}

bool cnn_stored_sum_file(const Stored *s, uint64_t *sum, cnn_error *error)
{
    unsigned char *chunk = cnn_memory_get(1, CHUNK, "reading weights", error);
    bool good = chunk != NULL;
    *sum = 0;
    for (uint64_t at = s->first; good && at < s->file.size;) {
        size_t some = s->file.size - at < CHUNK ? (size_t)(s->file.size - at) : CHUNK;
        good = cnn_io_read_at(&s->file, at, chunk, some, error);
        if (good)
            *sum = cnn_stored_sum(*sum, chunk, some);
        at += some;
    }
    cnn_memory_release(chunk);
    return good;
}
