/* data.h: the training and test images of a network, and where they are found. */
#ifndef CNN_DATA_H
#define CNN_DATA_H

#include "set.h"
#include "cnn/cnn.h"

struct cnn_data {
    const cnn_model *model;
    Set train, test;            /* count 0: there are none */
    const char *const *labels;  /* [10] names of the classes of a well-known set, or NULL; cnn_data_label knows better */
};

enum { DATA_TRAIN = 1, DATA_TEST = 2 };

/* cnn_data_open for the wanted parts alone. */
cnn_data *cnn_data_find(const cnn_net *net, const char *folder, int parts, cnn_error *error);

/* The name of a class as the data block or the set gives it, else its number in `buffer`, of 24 bytes. */
const char *cnn_data_label(const cnn_data *data, size_t class, char *buffer);

#endif
