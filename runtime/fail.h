/* fail.h: the one way in which the library says what went wrong. It never prints and never exits. */
#ifndef CNN_FAIL_H
#define CNN_FAIL_H

#include "cnn/cnn.h"

#include <stdarg.h>

/* Writes the sentence into `error` (which may be NULL) and returns false, so that `return cnn_fail(...)` reads well.
 * A sentence that is too long is cut. */
bool cnn_fail(cnn_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a line to the sentence that is there. */
void cnn_fail_more(cnn_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True if `error` (or NULL) holds nothing yet. */
bool cnn_fail_empty(const cnn_error *error);

#endif
