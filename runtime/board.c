/* board.c: event files. A file is a row of records (TFRecord):
 *
 *   length, 8 bytes | masked CRC-32C of these 8 | the event, `length` bytes | masked CRC-32C of the event         all little-endian
 *
 * An event is a protobuf message: field 1 the time (double, seconds since 1970), 2 the step, then 3 "brain.Event:2" in the first record, or
 * 5 a summary in the others: a list (field 1) of { 1: tag, 2: value (float) }. */
#include "board.h"
#include "fail.h"
#include "memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_RECORD = 1024 };    /* bytes of an event */
enum { MOST_TRIES = 1000 };     /* names, if others write into the folder in the same seconds */

/* ---- CRC-32C (Castagnoli), from the lowest bit on, masked so that a record may hold records */

static uint32_t crc(const unsigned char *from, size_t bytes)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < bytes; i++) {
        c ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
    }
    return ~c;
}

static uint32_t masked(uint32_t c)
{
    return (c >> 15 | c << 17) + 0xa282ead8u;
}

/* ---- protobuf */

typedef struct Message {
    unsigned char bytes[MOST_RECORD];
    size_t length;
} Message;

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };              /* the kinds of fields */

static void put(Message *m, const void *from, size_t bytes)
{
    if (bytes <= sizeof m->bytes - m->length) {
        memcpy(m->bytes + m->length, from, bytes);
        m->length += bytes;
    }
}

static void put_little(Message *m, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        put(m, &(unsigned char){ (unsigned char)(number >> 8 * i) }, 1);
}

static void put_varint(Message *m, uint64_t number)
{
    for (; number >= 128; number >>= 7)
        put(m, &(unsigned char){ (unsigned char)(number | 128) }, 1);
    put(m, &(unsigned char){ (unsigned char)number }, 1);
}

static void put_field(Message *m, int field, int kind)
{
    put_varint(m, (uint64_t)(field << 3 | kind));
}

static void put_bytes(Message *m, int field, const void *from, size_t bytes)
{
    put_field(m, field, LENGTH);
    put_varint(m, bytes);
    put(m, from, bytes);
}

static void put_time(Message *m)
{
    struct timespec now;
    double time;
    uint64_t bits;
    clock_gettime(CLOCK_REALTIME, &now);
    time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    memcpy(&bits, &time, sizeof bits);
    put_field(m, 1, EIGHT_BYTES);
    put_little(m, bits, 8);
}

static bool add_record(Board *board, const Message *event, cnn_error *error)
{
    Message record = { .length = 0 };
    put_little(&record, event->length, 8);
    put_little(&record, masked(crc(record.bytes, 8)), 4);
    put(&record, event->bytes, event->length);
    put_little(&record, masked(crc(event->bytes, event->length)), 4);
    return cnn_io_log_add(&board->log, record.bytes, record.length, error);
}

bool cnn_board_add(Board *board, int64_t step, const BoardValue *values, int count, cnn_error *error)
{
    Message event = { .length = 0 }, summary = { .length = 0 };
    put_time(&event);
    put_field(&event, 2, VARINT);
    put_varint(&event, (uint64_t)step);
    for (int i = 0; i < count; i++) {
        Message value = { .length = 0 };
        float number = (float)values[i].value;
        uint32_t bits;
        if (isnan(values[i].value))
            continue;
        memcpy(&bits, &number, sizeof bits);
        put_bytes(&value, 1, values[i].tag, strlen(values[i].tag));
        put_field(&value, 2, FOUR_BYTES);
        put_little(&value, bits, 4);
        put_bytes(&summary, 1, value.bytes, value.length);
    }
    put_bytes(&event, 5, summary.bytes, summary.length);
    return add_record(board, &event, error);
}

/* ---- files */

bool cnn_board_open(Board *board, const char *folder, cnn_error *error)
{
    static const char version[] = "brain.Event:2";
    *board = (Board){ .log.fd = -1 };
    if (!cnn_io_make_folder(folder, error))
        return false;
    bool good = false, exists = true;
    long long second = (long long)time(NULL);
    for (int tries = 0; !good && exists && tries < MOST_TRIES; tries++, second++) {
        char name[80];
        snprintf(name, sizeof name, "events.out.tfevents.%010lld.cnn", second);         /* files are read in the order of their names */
        char *path = cnn_io_join(folder, name, error);
        if (!path)
            return false;
        good = cnn_io_log_open(&board->log, path, &exists, error);
        cnn_memory_release(path);
    }
    if (!good)
        return exists ? cnn_fail(error, "%s: holds too many event files of these seconds", folder) : false;
    Message event = { .length = 0 };
    put_time(&event);
    put_bytes(&event, 3, version, sizeof version - 1);
    good = add_record(board, &event, error);
    if (!good)
        cnn_board_close(board);
    return good;
}

void cnn_board_close(Board *board)
{
    cnn_io_log_close(&board->log);
}
