/* depfile.h: what a compilation read, for make and ninja. */
#ifndef CNNC_INTEGRATE_DEPFILE_H
#define CNNC_INTEGRATE_DEPFILE_H

#include "base/text.h"
#include "unit.h"

/* A rule without a command: the `count` targets depend on the source, its imports and the weights. Each of those but the
 * source is a target of its own too, so that one that is gone is no error. */
void depfile_put(const Unit *u, const char *const *targets, int count, Text *t);

/* Where -MD without -MF writes it: the target with the ending .d in place of its own. */
const char *depfile_path(Unit *u, const char *target);

#endif
