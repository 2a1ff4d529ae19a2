/* history.h: what was measured after every epoch, and the table of it that --csv writes. */
#ifndef CNN_HISTORY_H
#define CNN_HISTORY_H

#include "checkpoint.h"

/* Adds a row. */
bool cnn_history_add(RunState *run, const double row[HISTORY_COLUMNS], cnn_error *error);

/* Writes the whole table: numbers with `digits` digits, what is not known left empty, nothing that depends on the time it took. The last
 * two columns are of the test images if `of_test`, else of the validation images. */
bool cnn_history_csv(const RunState *run, const char *path, int digits, bool of_test, cnn_error *error);

#endif
