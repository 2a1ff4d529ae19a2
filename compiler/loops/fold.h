/* fold.h: scales and shifts of single channels, folded into the weights beside them. */
#ifndef CNNC_LOOPS_FOLD_H
#define CNNC_LOOPS_FOLD_H

#include "loops/loops.h"

/* For inference programs, after tidy: see fold.c. */
void program_fold(Unit *u, Program *p);

#endif
