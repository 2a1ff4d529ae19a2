/* explain_code.h: cnnc explain E012. */
#ifndef CNNC_INSPECT_EXPLAIN_CODE_H
#define CNNC_INSPECT_EXPLAIN_CODE_H

#include "base/text.h"

#include <stdbool.h>

/* Appends what there is to say of an error or a warning; false for a word that is no code. */
bool explain_code(const char *word, Text *t);

/* Appends a text in lines of `width` columns, each after `indent` spaces. Newlines in it stay. */
void put_wrapped(Text *t, const char *text, int indent, int width);

#endif
