/* embed.h: weights as constants of the generated code. */
#ifndef CNNC_LOOPS_EMBED_H
#define CNNC_LOOPS_EMBED_H

#include "loops/loops.h"

/* For inference programs whose params have values, after program_schedule and before program_memory: see embed.c. */
void program_embed(Unit *u, Program *p);

#endif
