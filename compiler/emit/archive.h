/* archive.h: a static library with one object in it, as `ar` and `ranlib` write it. */
#ifndef CNNC_EMIT_ARCHIVE_H
#define CNNC_EMIT_ARCHIVE_H

#include "base/text.h"

/* Appends an archive that holds `object` under `name` (at most 15 bytes), and an index of the symbols that it defines. Without dates and
 * owners: the same object gives the same bytes. */
void archive_write(Text *t, const char *name, const Text *object, const char *const *symbols, int symbol_count);

#endif
