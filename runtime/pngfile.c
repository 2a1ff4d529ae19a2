/* pngfile.c: libpng's simplified interface, with the limits of picture.h before it. */
#include "pngfile.h"
#include "fail.h"
#include "memory.h"

#include <string.h>

#ifdef CNN_PNG
#include <png.h>
#endif

enum { SIGNATURE = 8, HEAD = 8 + 8 + 13 };      /* bytes: the signature; with the first chunk's length, name and 13 bytes of content */
enum { MOST_RATIO = 1032 };                     /* deflate makes at most so many bytes of one */

bool cnn_png_is(const uint8_t *from, size_t bytes)
{
    return bytes >= SIGNATURE && !memcmp(from, "\211PNG\r\n\032\n", SIGNATURE);
}

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Width, height and whether there is colour, from the first chunk. */
static bool read_head(Picture *p, const uint8_t *from, size_t bytes, const char *path, cnn_error *error)
{
    enum { COLOUR = 2 };        /* the bit of the colour type that says so */
    if (bytes < HEAD || memcmp(from + 12, "IHDR", 4))
        return cnn_fail(error, "%s: ends at byte %zu or has no header, where a PNG has its size", path, bytes);
    uint32_t w = big_endian(from + 16), h = big_endian(from + 20);
    if (!w || !h || w > PICTURE_SIDE || h > PICTURE_SIDE)
        return cnn_fail(error, "%s: says at byte 16 that it is %ux%u, but sides of 1 to %d were expected", path, h, w, PICTURE_SIDE);
    /* At least a bit a pixel, packed as well as deflate can. */
    if ((uint64_t)h * ((w + 7) / 8) / MOST_RATIO > bytes)
        return cnn_fail(error, "%s: says at byte 16 that it is %ux%u, more than %zu bytes can hold", path, h, w, bytes);
    *p = (Picture){ .h = h, .w = w, .channels = from[25] & COLOUR ? 3 : 1 };
    return true;
}

#ifdef CNN_PNG
static bool read_pixels(Picture *p, const uint8_t *from, size_t bytes, const char *path, cnn_error *error)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    png_color black = { 0, 0, 0 };
    p->bytes = cnn_memory_get((size_t)p->h * (size_t)p->w, (size_t)p->channels, "a picture", error);
    if (!p->bytes)
        return false;
    bool good = png_image_begin_read_from_memory(&image, from, bytes) && image.width == p->w && image.height == p->h;
    if (good) {
        image.format = p->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
        image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;               /* without a word about it, 16 bits mean what 8 bits mean */
        good = png_image_finish_read(&image, &black, p->bytes, 0, NULL);
    }
    if (!good)
        cnn_fail(error, "%s: is damaged: %s", path, image.message[0] ? image.message : "its size is not what its head says");
    png_image_free(&image);
    return good;
}
#else
static bool read_pixels(Picture *p, const uint8_t *from, size_t bytes, const char *path, cnn_error *error)
{
    (void)p;
    (void)from;
    (void)bytes;
    return cnn_fail(error, "%s: PNG is not supported by this build of libcnn: libpng was not found. PGM and PPM are", path);
}
#endif

bool cnn_png_decode(Picture *picture, const uint8_t *from, size_t bytes, bool sizes, const char *path, cnn_error *error)
{
    return read_head(picture, from, bytes, path, error) && (sizes || read_pixels(picture, from, bytes, path, error));
}
