/* set.h: images with what they should give, in memory or, when they are too many for it, in their files. */
#ifndef CNN_SET_H
#define CNN_SET_H

#include "io.h"
#include "reals.h"
#include "cnn/cnn.h"

typedef enum SetForm { SET_BYTES, SET_FLOATS, SET_DOUBLES } SetForm;

/* What can be said about a result. */
typedef enum SetKind {
    SET_CLASSES,                /* the largest of several results is the class */
    SET_SIDES,                  /* every result is on one of two sides, 0 and 1 */
    SET_VALUES                  /* numbers: no accuracy */
} SetKind;

typedef struct Set {
    char *name;                 /* the file with the images, for messages */
    size_t count;
    int rank;                   /* 3: { c, h, w }; 1: { features } */
    int64_t dim[3];
    size_t inputs, outputs;     /* numbers of one image and of one target */
    SetForm form;
    void *images;               /* [count][inputs] of that form; NULL: they are read from the file */
    bool stays;                 /* in its file, however small */
    IoFile file;
    uint64_t file_first, file_stride;           /* bytes: where the first image lies, from one to the next */
    /* Where several files hold the images: brings image i in that form, on any thread. NULL: they are in memory or in `file`. */
    bool (*read)(const void *reader, size_t i, void *to, cnn_error *error);
    void (*release)(void *reader);
    void *reader;
    uint32_t *labels;           /* [count] below outputs (below 2 if outputs is 1), or NULL */
    double *targets;            /* [count][outputs] where there are no labels */
    SetKind kind;
} Set;

void cnn_set_free(Set *set);
size_t cnn_set_form_bytes(SetForm form);

/* Memory for the images of a set whose count, inputs and form are known. */
bool cnn_set_room(Set *set, cnn_error *error);

/* Image i in reals, as raw numbers; `buffer` has room for inputs * 8 bytes. Fails only if the file cannot be read. */
bool cnn_set_image(const Set *set, size_t i, void *to, const Reals *reals, void *buffer, cnn_error *error);
/* Image i is wanted soon: the beginning of what lies in memory is on its way to the caches. */
void cnn_set_expect(const Set *set, size_t i);
/* Target i in reals: labels become 1 among zeros, or 0 or 1 if there is one result. */
void cnn_set_target(const Set *set, size_t i, void *to, const Reals *reals);

/* Labels that a network with so many outputs may have. */
size_t cnn_set_classes(size_t outputs);

/* Finds the kind, after labels or targets are there. */
void cnn_set_find_kind(Set *set);

/* Reports images or targets that are not of the network's size. */
bool cnn_set_fits(const Set *set, const cnn_model *model, cnn_error *error);

/* Images of a set whose count, inputs and form are known stay in their file if they are more bytes than a quarter of the machine's
 * memory, or than $CNN_MEMORY. */
bool cnn_set_stays(const Set *set);

#endif
