/* npy.h: NumPy's format of one array: a header that is a Python dictionary, then the numbers (NEP 1, versions 1 to 3). */
#ifndef CNN_NPY_H
#define CNN_NPY_H

#include "set.h"
#include "stream.h"

enum { NPY_AXES = 8 };

typedef enum NpyType { NPY_U8, NPY_I8, NPY_I32, NPY_I64, NPY_F32, NPY_F64 } NpyType;

typedef struct NpyHeader {
    NpyType type;
    int rank;
    int64_t dim[NPY_AXES];
    size_t count;               /* numbers in all */
} NpyHeader;

size_t cnn_npy_bytes(NpyType type);

/* Reads the header of `length` bytes, from the magic on, of a file called `path`. *used: where the numbers begin. */
bool cnn_npy_header(NpyHeader *h, const unsigned char *from, size_t length, size_t *used, const char *path, cnn_error *error);

/* Images [n][c][h][w], [n][h][w] or [n][features] into an empty set. */
bool cnn_npy_images(Set *set, const char *path, cnn_error *error);

/* Targets [n] or [n][1] whole numbers, or [n][outputs] reals, of a set that has its images. */
bool cnn_npy_targets(Set *set, const char *path, size_t outputs, cnn_error *error);

/* Writes an array of reals. */
bool cnn_npy_save(const char *path, const Reals *reals, const void *from, const int64_t *dim, int rank, cnn_error *error);

#endif
