/* files.h: npy and safetensors files, the least that comparing the programs needs. Written apart from the runtime's readers and writers. */
#ifndef CNNC_TESTS_RANDOM_FILES_H
#define CNNC_TESTS_RANDOM_FILES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* A tensor of a safetensors file. */
typedef struct FileTensor {
    const char *name;
    int rank;
    const int64_t *dim;
    const double *at;
} FileTensor;

/* float64, or float32 unless `wide`. False if the file cannot be written. */
bool npy_write(const char *path, const double *at, int rank, const int64_t *dim, bool wide);
bool safetensors_write(Arena *arena, const char *path, const FileTensor *tensors, int count, bool wide);

/* `count` numbers; NULL if the file is not there, has another shape or another type. */
double *npy_read(Arena *arena, const char *path, int rank, const int64_t *dim, bool wide);
/* The numbers of one tensor. */
double *safetensors_read(Arena *arena, const char *path, const char *name, int rank, const int64_t *dim, bool wide);

#endif
