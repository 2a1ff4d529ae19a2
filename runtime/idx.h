/* idx.h: the IDX format of MNIST and its kin, plain or packed.
 *
 * Four bytes 00 00 08 D, D big-endian 32-bit sizes, then unsigned bytes: images have D = 3, labels D = 1. */
#ifndef CNN_IDX_H
#define CNN_IDX_H

#include "set.h"

/* Fills an empty set from a file of images and a file of labels. */
bool cnn_idx_load(Set *set, const char *images, const char *labels, size_t outputs, cnn_error *error);

#endif
