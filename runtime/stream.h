/* stream.h: a data file read from its beginning to its end, unpacked on the way if it is a .gz. */
#ifndef CNN_STREAM_H
#define CNN_STREAM_H

#include "io.h"

typedef struct Stream {
    IoFile file;
    uint64_t at;                /* bytes read so far, unpacked */
    struct Unpacker *unpacker;  /* NULL: the file is plain */
} Stream;

/* Opens a file; whether it is packed is told from its first bytes, not from its name. */
bool cnn_stream_open(Stream *stream, const char *path, cnn_error *error);
void cnn_stream_close(Stream *stream);

/* Reads exactly `bytes`; a stream that ends before is an error. */
bool cnn_stream_read(Stream *stream, void *to, size_t bytes, cnn_error *error);

/* Reports unless `bytes` may still follow (a declared size, before anything is allocated for it) and, of a plain file, unless
 * exactly they do. `what` is for the message: "60000 images of 28x28". */
bool cnn_stream_expect(const Stream *stream, uint64_t bytes, const char *what, cnn_error *error);

/* Reports if anything follows. */
bool cnn_stream_end(Stream *stream, cnn_error *error);

#endif
