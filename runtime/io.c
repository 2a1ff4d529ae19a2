/* io.c: files. Calls that a signal interrupts are repeated, short reads and writes are continued. */
#include "io.h"
#include "fail.h"
#include "memory.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16 };                      /* bytes held back before a write */
enum { LIMIT_NAMES = 100000 };                  /* names that a folder may hold */

static int (*hook)(void *context, IoCall call, size_t *bytes);
static void *hook_context;

void cnn_io_hook(int (*to)(void *context, IoCall call, size_t *bytes), void *context)
{
    hook = to;
    hook_context = context;
}

/* True, with errno set, if the test wants this call to fail. */
static bool faulty(IoCall call, size_t *bytes)
{
    size_t none = 0;
    int number = hook ? hook(hook_context, call, bytes ? bytes : &none) : 0;
    if (number)
        errno = number;
    return number != 0;
}

/* ---- the calls of the system, each asked about */

static int system_open(const char *path, int flags)
{
    int fd;
    do
        fd = faulty(IO_OPEN, NULL) ? -1 : open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static ssize_t system_read(int fd, void *to, size_t bytes, uint64_t at)
{
    ssize_t got;
    do
        got = faulty(IO_READ, &bytes) ? -1 : pread(fd, to, bytes, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t system_write(int fd, const void *from, size_t bytes)
{
    ssize_t put;
    do
        put = faulty(IO_WRITE, &bytes) ? -1 : write(fd, from, bytes);
    while (put < 0 && errno == EINTR);
    return put;
}

static int system_stat(int fd, struct stat *to)
{
    return faulty(IO_STAT, NULL) ? -1 : fstat(fd, to);
}

static int system_sync(int fd)
{
    int status;
    do
        status = faulty(IO_SYNC, NULL) ? -1 : fsync(fd);
    while (status < 0 && errno == EINTR);
    return status;
}

/* The descriptor is gone whatever close says; after EINTR too, on Linux. */
static int system_close(int fd)
{
    bool fault = faulty(IO_CLOSE, NULL);
    int number = errno;
    int status = close(fd);
    if (fault) {
        errno = number;
        return -1;
    }
    return status < 0 && errno == EINTR ? 0 : status;
}

/* ---- reading */

bool cnn_io_open(IoFile *file, const char *path, cnn_error *error)
{
    *file = (IoFile){ .fd = -1 };
    file->path = cnn_memory_text(path, error);
    if (!file->path)
        return false;
    file->fd = system_open(path, O_RDONLY | O_NONBLOCK);    /* a pipe without a writer must not hold us up */
    struct stat status;
    if (file->fd < 0)
        cnn_fail(error, "%s: cannot be opened: %s", path, strerror(errno));
    else if (system_stat(file->fd, &status) < 0)
        cnn_fail(error, "%s: its size cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        cnn_fail(error, "%s: is %s, but a file was expected", path, S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    else {
        file->size = (uint64_t)status.st_size;
        return true;
    }
    cnn_io_close(file);
    return false;
}

bool cnn_io_exists(const char *path)
{
    return access(path, R_OK) == 0;
}

bool cnn_io_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool read_from(const IoFile *file, uint64_t at, void *to, size_t bytes, size_t *got, cnn_error *error)
{
    *got = 0;
    while (*got < bytes) {
        ssize_t some = system_read(file->fd, (char *)to + *got, bytes - *got, at + *got);
        if (some < 0)
            return cnn_fail(error, "%s: byte %llu cannot be read: %s", file->path, (unsigned long long)(at + *got), strerror(errno));
        if (some == 0)
            break;
        *got += (size_t)some;
    }
    return true;
}

bool cnn_io_read_some(IoFile *file, void *to, size_t bytes, size_t *got, cnn_error *error)
{
    bool good = read_from(file, file->at, to, bytes, got, error);
    file->at += *got;
    return good;
}

bool cnn_io_read_at(const IoFile *file, uint64_t at, void *to, size_t bytes, cnn_error *error)
{
    size_t got;
    if (!read_from(file, at, to, bytes, &got, error))
        return false;
    if (got < bytes)
        return cnn_fail(error, "%s: ends at byte %llu, but %zu more were expected", file->path, (unsigned long long)(at + got), bytes - got);
    return true;
}

bool cnn_io_read(IoFile *file, void *to, size_t bytes, cnn_error *error)
{
    if (!cnn_io_read_at(file, file->at, to, bytes, error))
        return false;
    file->at += bytes;
    return true;
}

void cnn_io_close(IoFile *file)
{
    if (file->fd >= 0)
        system_close(file->fd);
    cnn_memory_release(file->path);
    *file = (IoFile){ .fd = -1 };
}

/* ---- writing */

/* Opens the temporary file alone: another process that writes the same path now would mix its bytes with ours. A lock is
 * kept on it; the file may have been renamed by its former owner between our open and our lock, then we try again. */
static bool open_temporary(IoOutput *output, cnn_error *error)
{
    for (int tries = 0; tries < 100; tries++) {
        output->fd = system_open(output->temporary, O_WRONLY | O_CREAT | O_NOFOLLOW);
        if (output->fd < 0)
            return cnn_fail(error, "%s: cannot be written: %s", output->temporary, strerror(errno));
        if (flock(output->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
            system_close(output->fd);
            output->fd = -1;
            break;
        }
        output->ours = true;
        struct stat ours, there;
        if (system_stat(output->fd, &ours) < 0)
            return cnn_fail(error, "%s: cannot be written: %s", output->temporary, strerror(errno));
        if (stat(output->temporary, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
            if (faulty(IO_TRUNCATE, NULL) || ftruncate(output->fd, 0) < 0)
                return cnn_fail(error, "%s: cannot be written: %s", output->temporary, strerror(errno));
            return true;
        }
        system_close(output->fd);
        output->fd = -1;
        output->ours = false;
    }
    return cnn_fail(error, "%s: another program is writing it", output->path);
}

bool cnn_io_create(IoOutput *output, const char *path, cnn_error *error)
{
    *output = (IoOutput){ .fd = -1 };
    output->path = cnn_memory_text(path, error);
    output->buffer = cnn_memory_get(BUFFER, 1, "a file buffer", error);
    if (!output->path || !output->buffer) {
        cnn_io_abandon(output);
        return false;
    }
    struct stat status;
    bool good;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        good = cnn_fail(error, "%s: is a folder, but a file was to be written", path);
    } else if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        output->fd = system_open(path, O_WRONLY);
        good = output->fd >= 0 || cnn_fail(error, "%s: cannot be written: %s", path, strerror(errno));
    } else {
        size_t length = strlen(path) + sizeof ".tmp";
        output->temporary = cnn_memory_get(length, 1, "a file name", error);
        if (output->temporary)
            snprintf(output->temporary, length, "%s.tmp", path);
        good = output->temporary && open_temporary(output, error);
    }
    if (!good)
        cnn_io_abandon(output);
    return good;
}

static bool flush(IoOutput *output, const unsigned char *from, size_t bytes, cnn_error *error)
{
    while (bytes) {
        ssize_t put = system_write(output->fd, from, bytes);
        if (put <= 0) {
            output->failed = true;
            return cnn_fail(error, "%s: cannot be written: %s", output->path, put < 0 ? strerror(errno) : "the disk takes no more");
        }
        from += put;
        bytes -= (size_t)put;
    }
    return true;
}

bool cnn_io_write(IoOutput *output, const void *from, size_t bytes, cnn_error *error)
{
    if (!bytes)
        return true;
    if (output->held + bytes > BUFFER) {
        if (!flush(output, output->buffer, output->held, error))
            return false;
        output->held = 0;
        if (bytes > BUFFER)
            return flush(output, from, bytes, error);
    }
    memcpy(output->buffer + output->held, from, bytes);
    output->held += bytes;
    return true;
}

/* The rename itself must reach the disk too. File systems that cannot sync a folder say EINVAL. */
static bool sync_folder_of(const char *path, cnn_error *error)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (slash == path ? 1 : (size_t)(slash - path)) : 1;
    char *folder = cnn_memory_get(length + 1, 1, "a file name", error);
    if (!folder)
        return false;
    memcpy(folder, slash ? path : ".", length);
    int fd = system_open(folder, O_RDONLY | O_DIRECTORY);
    bool good = fd >= 0 && (system_sync(fd) == 0 || errno == EINVAL);
    if (!good)
        cnn_fail(error, "%s: the folder cannot be written to the disk: %s", folder, strerror(errno));
    if (fd >= 0)
        system_close(fd);
    cnn_memory_release(folder);
    return good;
}

bool cnn_io_finish(IoOutput *output, cnn_error *error)
{
    bool good = !output->failed && flush(output, output->buffer, output->held, error);
    output->held = 0;
    if (good && output->temporary && system_sync(output->fd) < 0)
        good = cnn_fail(error, "%s: cannot be written to the disk: %s", output->path, strerror(errno));
    if (good && output->temporary && (faulty(IO_RENAME, NULL) || rename(output->temporary, output->path) < 0))
        good = cnn_fail(error, "%s: cannot be put in place: %s", output->path, strerror(errno));
    if (good && output->temporary) {
        output->ours = false;                   /* its name is free for others */
        good = sync_folder_of(output->path, error);
    }
    if (output->fd >= 0 && system_close(output->fd) < 0 && good)
        good = cnn_fail(error, "%s: cannot be written: %s", output->path, strerror(errno));
    output->fd = -1;
    cnn_io_abandon(output);
    return good;
}

void cnn_io_abandon(IoOutput *output)
{
    if (output->ours)
        unlink(output->temporary);
    if (output->fd >= 0)
        system_close(output->fd);
    cnn_memory_release(output->path);
    cnn_memory_release(output->temporary);
    cnn_memory_release(output->buffer);
    *output = (IoOutput){ .fd = -1 };
}

/* ---- logs */

bool cnn_io_log_open(IoLog *log, const char *path, bool *exists, cnn_error *error)
{
    *exists = false;
    *log = (IoLog){ .fd = -1, .path = cnn_memory_text(path, error) };
    if (!log->path)
        return false;
    log->fd = system_open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
    if (log->fd >= 0)
        return true;
    *exists = errno == EEXIST;
    if (!*exists)
        cnn_fail(error, "%s: cannot be written: %s", path, strerror(errno));
    cnn_io_log_close(log);
    return false;
}

bool cnn_io_log_add(IoLog *log, const void *from, size_t bytes, cnn_error *error)
{
    struct stat status;
    if (system_stat(log->fd, &status) < 0)
        return cnn_fail(error, "%s: its size cannot be read: %s", log->path, strerror(errno));
    for (size_t done = 0; done < bytes;) {
        ssize_t put = system_write(log->fd, (const char *)from + done, bytes - done);
        if (put <= 0) {
            cnn_fail(error, "%s: cannot be written: %s", log->path, put < 0 ? strerror(errno) : "the disk takes no more");
            if (ftruncate(log->fd, status.st_size) < 0)
                cnn_fail_more(error, "  and its end is a part of a record");
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

void cnn_io_log_close(IoLog *log)
{
    if (log->fd >= 0)
        system_close(log->fd);
    cnn_memory_release(log->path);
    *log = (IoLog){ .fd = -1 };
}

bool cnn_io_make_folder(const char *path, cnn_error *error)
{
    char *part = cnn_memory_text(path, error);
    if (!part)
        return false;
    bool good = true;
    for (char *c = part + 1; good && c[-1]; c++) {
        if (*c != '/' && *c)
            continue;
        char kept = *c;
        *c = 0;
        if (!cnn_io_is_folder(part) && (faulty(IO_FOLDER, NULL) || mkdir(part, 0777) < 0))
            good = cnn_fail(error, "%s: the folder cannot be made: %s", part, strerror(errno));
        *c = kept;
    }
    cnn_memory_release(part);
    return good;
}

bool cnn_io_remove(const char *path, cnn_error *error)
{
    if (faulty(IO_REMOVE, NULL) || unlink(path) < 0)
        return cnn_fail(error, "%s: cannot be removed: %s", path, strerror(errno));
    return true;
}

/* ---- folders */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool wanted(const char *name, const char *prefix, const char *suffix)
{
    size_t length = strlen(name), head = strlen(prefix), tail = strlen(suffix);
    return length >= head + tail && !strncmp(name, prefix, head) && !strcmp(name + length - tail, suffix);
}

bool cnn_io_list(const char *folder, const char *prefix, const char *suffix, char ***names, int *count, cnn_error *error)
{
    *names = NULL;
    *count = 0;
    DIR *directory = faulty(IO_LIST, NULL) ? NULL : opendir(folder);
    if (!directory)
        return errno == ENOENT || errno == ENOTDIR || cnn_fail(error, "%s: cannot be listed: %s", folder, strerror(errno));

    bool good = true;
    int room = 0;
    for (struct dirent *entry; good && (entry = readdir(directory));) {
        if (!wanted(entry->d_name, prefix, suffix) || entry->d_name[0] == '.')
            continue;
        if (*count == LIMIT_NAMES) {
            good = cnn_fail(error, "%s: holds more than %d names", folder, LIMIT_NAMES);
            break;
        }
        if (*count == room) {
            room = room ? 2 * room : 16;
            char **more = cnn_memory_get((size_t)room, sizeof *more, "a list of files", error);
            if (!more) {
                good = false;
                break;
            }
            if (*count)
                memcpy(more, *names, (size_t)*count * sizeof *more);
            cnn_memory_release(*names);
            *names = more;
        }
        (*names)[*count] = cnn_memory_text(entry->d_name, error);
        good = (*names)[*count] != NULL;
        *count += good;
    }
    closedir(directory);
    if (!good) {
        cnn_io_list_release(*names, *count);
        *names = NULL;
        *count = 0;
        return false;
    }
    if (*count)
        qsort(*names, (size_t)*count, sizeof **names, by_bytes);
    return true;
}

void cnn_io_list_release(char **names, int count)
{
    for (int i = 0; i < count; i++)
        cnn_memory_release(names[i]);
    cnn_memory_release(names);
}

char *cnn_io_join(const char *folder, const char *name, cnn_error *error)
{
    size_t head = strlen(folder), length = head + strlen(name) + 2;
    char *path = cnn_memory_get(length, 1, "a file name", error);
    if (path)
        snprintf(path, length, "%s%s%s", folder, head && folder[head - 1] != '/' ? "/" : "", name);
    return path;
}
