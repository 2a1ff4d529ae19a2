/* picture.h: pictures in files, PNG, PGM or PPM, brought to the size and the channels of a network. */
#ifndef CNN_PICTURE_H
#define CNN_PICTURE_H

#include "cnn/cnn.h"

/* A picture as it lies in its file: rows from the top, the channels of a pixel together. */
typedef struct Picture {
    int64_t h, w;
    int channels;               /* 1: grey, 3: red, green, blue */
    uint8_t *bytes;             /* [h][w][channels], from cnn_memory_get; NULL: only the sizes are known */
} Picture;

enum { PICTURE_SIDE = 1 << 15 };                /* pixels: longer sides are refused */

/* True for a name that ends like a picture's; .png, .pgm, .ppm or .pnm, in small or capital letters. */
bool cnn_picture_name(const char *name);

/* Reads a file; with `sizes` only its head. What the file says of itself is checked before memory is taken for it. */
bool cnn_picture_read(Picture *picture, const char *path, bool sizes, cnn_error *error);
/* The same from memory; `path` is for messages. */
bool cnn_picture_decode(Picture *picture, const uint8_t *from, size_t bytes, bool sizes, const char *path, cnn_error *error);
void cnn_picture_free(Picture *picture);

/* to [c][h][w], c 1 or 3: every pixel of the network is the mean of what it covers of the picture, or lies between pixels if the picture is
 * smaller (a triangle as wide as the larger of the two pixels). Grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601). */
bool cnn_picture_fit(const Picture *picture, int64_t c, int64_t h, int64_t w, uint8_t *to, cnn_error *error);

#endif
