/* stream.c: plain files, and packed ones where zlib was found. */
#include "stream.h"
#include "fail.h"
#include "memory.h"

#include <string.h>
#ifdef CNN_ZLIB
#include <limits.h>
#include <zlib.h>
#endif

enum { MOST_RATIO = 1032 };     /* deflate makes 258 bytes of at least 2 bits (zlib's own documentation) */
enum { CHUNK = 1 << 16 };       /* packed bytes held */

#ifdef CNN_ZLIB
typedef struct Unpacker {
    z_stream z;
    bool ended;                 /* the last byte was unpacked and its checksum is right */
    unsigned char packed[CHUNK];
} Unpacker;

/* zlib's own memory comes from our allocator too, so that its failures are met in the tests. */
static void *unpacker_get(void *context, unsigned count, unsigned size)
{
    (void)context;
    return cnn_memory_get(count, size, "unpacking", NULL);
}

static void unpacker_release(void *context, void *memory)
{
    (void)context;
    cnn_memory_release(memory);
}

static bool unpacker_new(Stream *stream, cnn_error *error)
{
    Unpacker *u = cnn_memory_get(1, sizeof *u, "unpacking", error);
    if (!u)
        return false;
    u->z.zalloc = unpacker_get;
    u->z.zfree = unpacker_release;
    if (inflateInit2(&u->z, 16 + MAX_WBITS) != Z_OK) {
        cnn_memory_release(u);
        return cnn_fail(error, "%s: out of memory for unpacking", stream->file.path);
    }
    stream->unpacker = u;
    return true;
}

static void unpacker_free(Unpacker *u)
{
    if (u)
        inflateEnd(&u->z);
    cnn_memory_release(u);
}

static bool unpack(Stream *stream, void *to, size_t bytes, size_t *got, cnn_error *error)
{
    Unpacker *u = stream->unpacker;
    *got = 0;
    while (*got < bytes && !u->ended) {
        if (!u->z.avail_in) {
            size_t some;
            if (!cnn_io_read_some(&stream->file, u->packed, CHUNK, &some, error))
                return false;
            if (!some)
                return cnn_fail(error, "%s: the packed file ends at byte %llu, in the middle", stream->file.path, (unsigned long long)stream->file.at);
            u->z.next_in = u->packed;
            u->z.avail_in = (unsigned)some;
        }
        size_t room = bytes - *got < UINT_MAX ? bytes - *got : UINT_MAX;
        u->z.next_out = (unsigned char *)to + *got;
        u->z.avail_out = (unsigned)room;
        int status = inflate(&u->z, Z_NO_FLUSH);
        *got += room - u->z.avail_out;
        if (status == Z_STREAM_END) {
            u->ended = true;
            if (u->z.avail_in || stream->file.at < stream->file.size)
                return cnn_fail(error, "%s: the packed file ends at byte %llu, but the file goes on", stream->file.path,
                                (unsigned long long)(stream->file.at - u->z.avail_in));
        } else if (status != Z_OK) {
            return cnn_fail(error, "%s: the packed file is damaged before byte %llu: %s", stream->file.path,
                            (unsigned long long)stream->file.at, u->z.msg ? u->z.msg : "it cannot be unpacked");
        }
    }
    return true;
}
#else
typedef struct Unpacker { int none; } Unpacker;

static bool unpacker_new(Stream *stream, cnn_error *error)
{
    return cnn_fail(error, "%s: is packed, and this libcnn was built without zlib: unpack it with 'gunzip -k %s'", stream->file.path,
                    stream->file.path);
}

static void unpacker_free(Unpacker *u)
{
    (void)u;
}

static bool unpack(Stream *stream, void *to, size_t bytes, size_t *got, cnn_error *error)
{
    (void)to, (void)bytes;
    *got = 0;
    return cnn_fail(error, "%s: is packed, and this libcnn was built without zlib", stream->file.path);
}
#endif

bool cnn_stream_open(Stream *stream, const char *path, cnn_error *error)
{
    *stream = (Stream){ .file.fd = -1 };
    if (!cnn_io_open(&stream->file, path, error))
        return false;
    unsigned char magic[2];
    size_t got;
    bool good = cnn_io_read_some(&stream->file, magic, 2, &got, error);
    stream->file.at = 0;
    if (good && got == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
        good = unpacker_new(stream, error);
    if (!good)
        cnn_stream_close(stream);
    return good;
}

void cnn_stream_close(Stream *stream)
{
    unpacker_free(stream->unpacker);
    cnn_io_close(&stream->file);
    *stream = (Stream){ .file.fd = -1 };
}

static bool read_some(Stream *stream, void *to, size_t bytes, size_t *got, cnn_error *error)
{
    bool good = stream->unpacker ? unpack(stream, to, bytes, got, error) : cnn_io_read_some(&stream->file, to, bytes, got, error);
    stream->at += *got;
    return good;
}

bool cnn_stream_read(Stream *stream, void *to, size_t bytes, cnn_error *error)
{
    size_t got;
    if (!read_some(stream, to, bytes, &got, error))
        return false;
    if (got < bytes)
        return cnn_fail(error, "%s: ends at byte %llu, but %zu more were expected", stream->file.path, (unsigned long long)stream->at, bytes - got);
    return true;
}

bool cnn_stream_expect(const Stream *stream, uint64_t bytes, const char *what, cnn_error *error)
{
    const IoFile *file = &stream->file;
    if (!stream->unpacker) {
        uint64_t there = file->size > stream->at ? file->size - stream->at : 0;
        if (there != bytes)
            return cnn_fail(error, "%s: %s are %llu bytes after byte %llu, but the file has %llu there", file->path, what,
                            (unsigned long long)bytes, (unsigned long long)stream->at, (unsigned long long)there);
    } else if (bytes / MOST_RATIO > file->size) {
        return cnn_fail(error, "%s: %s are %llu bytes, more than a packed file of %llu bytes can hold", file->path, what,
                        (unsigned long long)bytes, (unsigned long long)file->size);
    }
    return true;
}

bool cnn_stream_end(Stream *stream, cnn_error *error)
{
    unsigned char more;
    size_t got;
    if (!read_some(stream, &more, 1, &got, error))
        return false;
    if (got)
        return cnn_fail(error, "%s: goes on after byte %llu, where its end was expected", stream->file.path, (unsigned long long)(stream->at - 1));
    return true;
}
