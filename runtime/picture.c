/* picture.c: PGM and PPM, and how a picture becomes another size. PNG is in pngfile.c. */
#include "picture.h"
#include "fail.h"
#include "io.h"
#include "memory.h"
#include "pngfile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 512 };            /* bytes that are read when only the sizes are wanted; comments in a PGM's head may need more */
#define MOST_BYTES ((uint64_t)1 << 30)          /* of a file */

bool cnn_picture_name(const char *name)
{
    static const char *const endings[] = { ".png", ".pgm", ".ppm", ".pnm" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i]))
            return true;
    return false;
}

void cnn_picture_free(Picture *picture)
{
    cnn_memory_release(picture->bytes);
    *picture = (Picture){ 0 };
}

/* ---- PGM and PPM: P2, P3 (numbers as text), P5, P6 (bytes) */

typedef struct Reader {
    const uint8_t *from;
    size_t bytes, at;
    const char *path;
    cnn_error *error;
} Reader;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next whole number, behind white space and comments. */
static bool number(Reader *r, const char *what, uint32_t most, uint32_t *to)
{
    while (r->at < r->bytes && (is_space(r->from[r->at]) || r->from[r->at] == '#'))
        if (r->from[r->at++] == '#')
            while (r->at < r->bytes && r->from[r->at] != '\n')
                r->at++;
    uint32_t value = 0;
    size_t begin = r->at;
    while (r->at < r->bytes && r->from[r->at] >= '0' && r->from[r->at] <= '9' && value <= most)
        value = 10 * value + (uint32_t)(r->from[r->at++] - '0');
    if (r->at == begin || value > most)
        return cnn_fail(r->error, "%s: byte %zu begins %s, a number up to %u, but none is there", r->path, begin, what, most);
    *to = value;
    return true;
}

static bool decode_netpbm(Picture *p, Reader *r, bool sizes)
{
    uint32_t w, h, most, value;
    bool text = r->from[1] <= '3';
    *p = (Picture){ .channels = r->from[1] == '3' || r->from[1] == '6' ? 3 : 1 };
    r->at = 2;
    if (!number(r, "the width", PICTURE_SIDE, &w) || !number(r, "the height", PICTURE_SIDE, &h) || !number(r, "the largest value", 65535, &most))
        return false;
    if (!w || !h || !most)
        return cnn_fail(r->error, "%s: says that it is %ux%u with values up to %u, but none of them can be 0", r->path, h, w, most);
    p->h = h;
    p->w = w;
    if (sizes)
        return true;
    size_t count = (size_t)h * w * (size_t)p->channels, wide = most > 255 ? 2 : 1, least = text ? 2 * count - 1 : wide * count;
    r->at++;                                    /* one white space */
    if (r->at > r->bytes || r->bytes - r->at < least)
        return cnn_fail(r->error, "%s: %s of %ux%u needs %zu bytes after byte %zu, but the file has %zu there", r->path,
                        p->channels == 3 ? "a PPM" : "a PGM", h, w, least, r->at, r->at > r->bytes ? 0 : r->bytes - r->at);
    p->bytes = cnn_memory_get(count, 1, "a picture", r->error);
    if (!p->bytes)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text) {
            if (!number(r, "a value", most, &value))
                return false;
        } else {
            value = wide == 2 ? (uint32_t)r->from[r->at] << 8 | r->from[r->at + 1] : r->from[r->at];
            r->at += wide;
            if (value > most)
                return cnn_fail(r->error, "%s: byte %zu is %u, but the largest value is %u", r->path, r->at - wide, value, most);
        }
        p->bytes[i] = (uint8_t)(most == 255 ? value : (value * 255 + most / 2) / most);
    }
    return true;
}

bool cnn_picture_decode(Picture *picture, const uint8_t *from, size_t bytes, bool sizes, const char *path, cnn_error *error)
{
    Reader r = { .from = from, .bytes = bytes, .path = path, .error = error };
    bool good;
    *picture = (Picture){ 0 };
    if (cnn_png_is(from, bytes))
        good = cnn_png_decode(picture, from, bytes, sizes, path, error);
    else if (bytes > 2 && from[0] == 'P' && (from[1] == '2' || from[1] == '3' || from[1] == '5' || from[1] == '6') && is_space(from[2]))
        good = decode_netpbm(picture, &r, sizes);
    else
        good = cnn_fail(error, "%s: begins neither as a PNG nor as a PGM or PPM (P2, P3, P5, P6)", path);
    if (!good)
        cnn_picture_free(picture);
    return good;
}

bool cnn_picture_read(Picture *picture, const char *path, bool sizes, cnn_error *error)
{
    IoFile file;
    *picture = (Picture){ 0 };
    if (!cnn_io_open(&file, path, error))
        return false;
    size_t bytes = (size_t)(sizes && file.size > HEAD ? HEAD : file.size);
    bool good = file.size <= MOST_BYTES || cnn_fail(error, "%s: has %llu bytes, more than a picture may have", path, (unsigned long long)file.size);
    uint8_t *from = good ? cnn_memory_get(bytes, 1, "a picture's file", error) : NULL;
    good = from && cnn_io_read(&file, from, bytes, error);
    if (good && !cnn_picture_decode(picture, from, bytes, sizes, path, sizes ? NULL : error)) {
        cnn_memory_release(from);
        cnn_io_close(&file);
        return sizes && cnn_picture_read(picture, path, false, error);          /* the head alone did not say it */
    }
    cnn_memory_release(from);
    cnn_io_close(&file);
    return good;
}

/* ---- another size */

/* Which pixels of an old side make pixel `i` of a new one, and how much each counts; together 1. Returns the first. */
static int64_t shares(int64_t i, int64_t in, int64_t out, double *share, int64_t *count)
{
    double scale = (double)in / (double)out, reach = scale > 1 ? scale : 1, centre = ((double)i + 0.5) * scale - 0.5, sum = 0;
    int64_t first = (int64_t)ceil(centre - reach), last = (int64_t)floor(centre + reach);
    first = first < 0 ? 0 : first;
    last = last > in - 1 ? in - 1 : last;
    *count = last - first + 1;
    for (int64_t k = 0; k < *count; k++) {
        double away = fabs((double)(first + k) - centre) / reach;
        share[k] = away < 1 ? 1 - away : 0;
        sum += share[k];
    }
    for (int64_t k = 0; k < *count; k++)
        share[k] /= sum;
    return first;
}

/* The picture in the network's channels, [c][h][w] of its own size. */
static void to_planes(const Picture *p, int64_t c, double *to)
{
    size_t places = (size_t)p->h * (size_t)p->w;
    for (size_t i = 0; i < places; i++) {
        const uint8_t *from = p->bytes + i * (size_t)p->channels;
        for (int64_t k = 0; k < c; k++)
            to[(size_t)k * places + i] = p->channels == 1 ? from[0] : c == 1 ? 0.299 * from[0] + 0.587 * from[1] + 0.114 * from[2] : from[k];
    }
}

bool cnn_picture_fit(const Picture *p, int64_t c, int64_t h, int64_t w, uint8_t *to, cnn_error *error)
{
    double *planes = cnn_memory_get((size_t)c * (size_t)p->h, (size_t)p->w * sizeof *planes, "a picture", error);
    double *rows = cnn_memory_get((size_t)p->h, (size_t)w * sizeof *rows, "a picture", error);
    double *share = cnn_memory_get((size_t)(p->h > p->w ? p->h : p->w) + 2, sizeof *share, "a picture", error);
    bool good = planes && rows && share;
    if (good)
        to_planes(p, c, planes);
    for (int64_t k = 0; good && k < c; k++) {
        const double *plane = planes + (size_t)(k * p->h) * (size_t)p->w;
        int64_t count;
        for (int64_t x = 0; x < w; x++) {
            int64_t first = shares(x, p->w, w, share, &count);
            for (int64_t y = 0; y < p->h; y++) {
                double sum = 0;
                for (int64_t i = 0; i < count; i++)
                    sum += share[i] * plane[y * p->w + first + i];
                rows[y * w + x] = sum;
            }
        }
        for (int64_t y = 0; y < h; y++) {
            int64_t first = shares(y, p->h, h, share, &count);
            for (int64_t x = 0; x < w; x++) {
                double sum = 0.5;               /* rounds */
                for (int64_t i = 0; i < count; i++)
                    sum += share[i] * rows[(first + i) * w + x];
                to[(k * h + y) * w + x] = (uint8_t)(sum > 255 ? 255 : sum);
            }
        }
    }
    cnn_memory_release(planes);
    cnn_memory_release(rows);
    cnn_memory_release(share);
    return good;
}
