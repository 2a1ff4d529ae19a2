/* tune.h: cnnc --tune: what is fastest on this machine. */
#ifndef CNNC_TUNE_H
#define CNNC_TUNE_H

#include "options.h"

/* Measures the network of the unit; what its options say of layout, tile and winograd stays. Appends a file for --tuned, and a line for people. The
 * code is LLVM's or, `by_c`, that of the C compiler. False after reporting an error to the unit. */
bool tune(Unit *u, bool by_c, Text *file, Text *said);

#endif
