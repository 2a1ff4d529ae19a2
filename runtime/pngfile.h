/* pngfile.h: PNG files, read by libpng where libcnn was built with it. */
#ifndef CNN_PNGFILE_H
#define CNN_PNGFILE_H

#include "picture.h"

/* True if the bytes begin as a PNG does. */
bool cnn_png_is(const uint8_t *from, size_t bytes);

/* As cnn_picture_decode. What is transparent lies on black. */
bool cnn_png_decode(Picture *picture, const uint8_t *from, size_t bytes, bool sizes, const char *path, cnn_error *error);

#endif
