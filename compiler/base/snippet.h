/* snippet.h: the picture in a message: the line of the source and what is meant in it. */
#ifndef CNNC_BASE_SNIPPET_H
#define CNNC_BASE_SNIPPET_H

#include "base/text.h"

#include <stdbool.h>

/* Adds `line` with its number and, below, `^~~` under its bytes [from, to); an empty range gets the `^` alone. Tabs
 * become spaces, characters that must not reach a terminal `?`, and of a long line only the part around `from` is
 * shown. `mark` and `plain` surround the underline (colours, or ""). A blank line is not drawn. */
void snippet_draw(Text *t, int number, const char *line, size_t length, size_t from, size_t to, const char *mark,
                  const char *plain);

/* Adds text from a user with everything replaced that must not reach a terminal. */
void snippet_clean(Text *t, const char *text, size_t length);

#endif
