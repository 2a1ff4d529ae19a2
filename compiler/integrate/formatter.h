/* formatter.h: cnnc format, and the same for editors. */
#ifndef CNNC_INTEGRATE_FORMATTER_H
#define CNNC_INTEGRATE_FORMATTER_H

#include "base/text.h"
#include "unit.h"

/* The text of a source laid out anew, in the unit's arena, proved to have the same tree. NULL after reporting what keeps it from being parsed. */
const Text *format_text(Unit *u, const char *name, const char *text, size_t length);

/* The exit status of `cnnc format ARGUMENTS`. */
int format_run(int argc, char **argv);

#endif
