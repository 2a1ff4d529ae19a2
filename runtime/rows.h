/* rows.h: the `row`s of a data block, which are in the model. */
#ifndef CNN_ROWS_H
#define CNN_ROWS_H

#include "set.h"

/* Fills an empty set. A row has a number for each output, or one whole number that is a label. */
bool cnn_rows_load(Set *set, const cnn_model *model, cnn_error *error);

#endif
