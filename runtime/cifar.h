/* cifar.h: the binary form of CIFAR-10 and CIFAR-100.
 *
 * Records of one label byte (CIFAR-100: coarse, then fine; the fine one counts), then 1024 red, 1024 green and 1024 blue
 * bytes, each 32x32 row by row. No header. */
#ifndef CNN_CIFAR_H
#define CNN_CIFAR_H

#include "set.h"

enum { CIFAR_SIDE = 32, CIFAR_PIXELS = 3 * CIFAR_SIDE * CIFAR_SIDE };

/* Fills an empty set from `count` files of folder, one after the other. `label_bytes`: 1 or 2. */
bool cnn_cifar_load(Set *set, const char *folder, char *const *names, int count, int label_bytes, size_t outputs, cnn_error *error);

#endif
