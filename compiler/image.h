/* image.h: a picture in a file as the input of a network. */
#ifndef CNNC_IMAGE_H
#define CNNC_IMAGE_H

#include "net/net.h"

/* The picture in the size and with the channels of the input, [c][h][w], 0 to 255; in the arena. NULL after reporting an error. */
double *image_read(Unit *u, const Net *net, const char *path);

#endif
