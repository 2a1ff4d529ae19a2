/* io.h: the one way to the file system: reading, and writing so that a file is either the old one or the new one, whole. */
#ifndef CNN_IO_H
#define CNN_IO_H

#include "cnn/cnn.h"

/* ---- reading */

typedef struct IoFile {
    int fd;                     /* -1: closed */
    char *path;                 /* for messages */
    uint64_t size;              /* bytes, when it was opened */
    uint64_t at;                /* place of the next cnn_io_read */
} IoFile;

/* Opens a regular file. Anything else (a folder, a pipe) is refused. */
bool cnn_io_open(IoFile *file, const char *path, cnn_error *error);
/* True if the path can be opened; says nothing. */
bool cnn_io_exists(const char *path);
bool cnn_io_is_folder(const char *path);
/* Reads exactly `bytes`; a shorter file is an error that names file and byte. */
bool cnn_io_read(IoFile *file, void *to, size_t bytes, cnn_error *error);
/* Reads up to `bytes`, less only at the end of the file. */
bool cnn_io_read_some(IoFile *file, void *to, size_t bytes, size_t *got, cnn_error *error);
/* Exactly `bytes` from a place; does not move cnn_io_read's. May be called by several threads. */
bool cnn_io_read_at(const IoFile *file, uint64_t at, void *to, size_t bytes, cnn_error *error);
void cnn_io_close(IoFile *file);

/* ---- writing: into PATH.tmp, which becomes PATH in cnn_io_finish, after everything has reached the disk */

typedef struct IoOutput {
    int fd;                     /* -1: none */
    char *path, *temporary;     /* temporary NULL: written in place (/dev/null, a pipe) */
    bool ours;                  /* the temporary file is there and locked by us */
    bool failed;
    size_t held;                /* bytes in the buffer */
    unsigned char *buffer;
} IoOutput;

bool cnn_io_create(IoOutput *output, const char *path, cnn_error *error);
bool cnn_io_write(IoOutput *output, const void *from, size_t bytes, cnn_error *error);
bool cnn_io_finish(IoOutput *output, cnn_error *error);
/* Gives up: the old file stays as it was. Harmless after cnn_io_finish. */
void cnn_io_abandon(IoOutput *output);

/* ---- a file that grows by whole records */

typedef struct IoLog {
    int fd;                     /* -1: none */
    char *path;
} IoLog;

/* Makes a new file; one that is there already is not touched: false without a sentence, with *exists. */
bool cnn_io_log_open(IoLog *log, const char *path, bool *exists, cnn_error *error);
/* Adds bytes; if they cannot all be written, none of them stay. */
bool cnn_io_log_add(IoLog *log, const void *from, size_t bytes, cnn_error *error);
void cnn_io_log_close(IoLog *log);

/* Makes a folder, and those that it lies in, unless they are there. */
bool cnn_io_make_folder(const char *path, cnn_error *error);

bool cnn_io_remove(const char *path, cnn_error *error);

/* ---- folders */

/* The names in a folder that begin with `prefix` and end with `suffix`, sorted by bytes, each from cnn_memory_get as is the
 * list. A folder that is not there has none. */
bool cnn_io_list(const char *folder, const char *prefix, const char *suffix, char ***names, int *count, cnn_error *error);
void cnn_io_list_release(char **names, int count);
/* "folder/name", for cnn_memory_release. */
char *cnn_io_join(const char *folder, const char *name, cnn_error *error);

/* ---- for tests */

typedef enum IoCall { IO_OPEN, IO_STAT, IO_READ, IO_WRITE, IO_TRUNCATE, IO_SYNC, IO_CLOSE, IO_RENAME, IO_REMOVE, IO_LIST, IO_FOLDER } IoCall;

/* Asked before every call of the system: 0 lets it go on, anything else is the errno with which it fails. It may lower *bytes
 * of a read or write, for short ones. NULL: none is asked. */
void cnn_io_hook(int (*hook)(void *context, IoCall call, size_t *bytes), void *context);

#endif
