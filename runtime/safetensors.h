/* safetensors.h: the file format of weights: tensors by name, from Hugging Face.
 *
 * Eight bytes: the length of the header, little-endian; the header, a JSON object { "name": { "dtype", "shape", "data_offsets" },
 * ..., "__metadata__": { strings } }; then the numbers. What is read is held to the published rules: a header of at most 100
 * MB, no name twice, sizes that agree, and numbers that follow one another from the first byte to the last of the file. */
#ifndef CNN_SAFETENSORS_H
#define CNN_SAFETENSORS_H

#include "io.h"
#include "reals.h"

enum { STORED_AXES = 8 };

typedef enum StoredType {
    STORED_BOOL, STORED_U8, STORED_I8, STORED_F8_E4M3, STORED_F8_E5M2, STORED_I16, STORED_U16, STORED_F16, STORED_BF16, STORED_I32, STORED_U32,
    STORED_F32, STORED_I64, STORED_U64, STORED_F64
} StoredType;

typedef struct StoredTensor {
    const char *name;           /* UTF-8; may hold any character but NUL */
    StoredType type;
    int rank;
    int64_t dim[STORED_AXES];
    uint64_t from, end;         /* bytes after the header */
} StoredTensor;

typedef struct StoredText {
    const char *key, *value;
} StoredText;

typedef struct Stored {
    IoFile file;
    uint64_t first;             /* byte of the file where the numbers begin */
    StoredTensor *tensors;      /* sorted by name */
    size_t count;
    StoredText *texts;          /* the metadata, sorted by key */
    size_t text_count;
    char *names;                /* memory of all strings */
} Stored;

/* Opens a file and checks everything but the numbers. */
bool cnn_stored_open(Stored *s, const char *path, cnn_error *error);
void cnn_stored_close(Stored *s);

/* The check alone, of a header in memory in front of `bytes` of numbers; s->file stays closed. */
bool cnn_stored_parse(Stored *s, const char *header, size_t length, uint64_t bytes, const char *path, cnn_error *error);

const StoredTensor *cnn_stored_find(const Stored *s, const char *name);
const char *cnn_stored_text(const Stored *s, const char *key);          /* or NULL */
const char *cnn_stored_type_name(StoredType type);
uint64_t cnn_stored_elements(const StoredTensor *t);

/* The numbers of an F32 or F64 tensor in reals; other types are reported. */
bool cnn_stored_read(const Stored *s, const StoredTensor *t, void *to, const Reals *reals, cnn_error *error);

/* A checksum of all numbers: CRC-64 of ECMA-182, also known from xz. */
uint64_t cnn_stored_sum(uint64_t sum, const void *from, size_t bytes);
bool cnn_stored_sum_file(const Stored *s, uint64_t *sum, cnn_error *error);

/* ---- writing */

typedef struct StoreItem {
    const char *prefix, *name;  /* the tensor is called prefix + name */
    const Reals *reals;
    int rank;
    const int64_t *dim;
    const void *from;
} StoreItem;

/* Writes items in their order, and the metadata. With `sum`, a checksum of the numbers joins the metadata as "checksum". */
bool cnn_store(const char *path, const StoreItem *items, size_t count, const StoredText *texts, size_t text_count, bool sum, cnn_error *error);

#endif
