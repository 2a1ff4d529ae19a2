/* check.h: cnnc check: is the gradient of this network right, and do all ways to run it agree? */
#ifndef CNNC_CHECK_H
#define CNNC_CHECK_H

#include "unit.h"

/* Compiles the unit (in double) and prints a table. Returns the exit status: 0 all within the limits, 1 not, or after reporting an error. */
int check_run(Unit *u);

#endif
