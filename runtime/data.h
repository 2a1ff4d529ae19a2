/* data.h: the training and test images of a network, and where they are found. */
#ifndef CNN_DATA_H
#define CNN_DATA_H

#include "set.h"
#include "cnn/cnn.h"

struct cnn_data {
    const cnn_model *model;
    Set train, test;            /* count 0: there are none */
    bool other;                 /* not the source that the network names */
    const char *const *labels;  /* names of the classes of a well-known set, to a NULL; or NULL */
    char **classes;             /* [class_count] names that the data themselves have; or NULL */
    int class_count;
    char note[512];             /* what people should know about the data; or "" */
};

enum { DATA_TRAIN = 1, DATA_TEST = 2 };

/* cnn_data_open for the wanted parts alone. */
cnn_data *cnn_data_find(const cnn_net *net, const char *folder, int parts, cnn_error *error);

/* The name of a class: of the data block, else of a well-known set, else its number in `buffer`, of 24 bytes. `data` may be NULL. */
const char *cnn_data_label(const cnn_model *model, const cnn_data *data, size_t class, char *buffer);

#endif
