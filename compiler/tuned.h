/* tuned.h: files for --tuned, which --tune writes: what was fastest on the machine where it was measured. People can read, compare and change them:
 *
 *     machine avx2
 *     real float
 *     for training
 *     layout images                                        # channels take 1.31 of the time
 *     tile 16
 *     winograd 2
 *     nest conv2: ow 5, vectors 2, inside co               # takes 0.81 of the time
 *
 * Behind # stands what is for people alone. Only the machine must be said. A nest has the places of its register tile along each loop (1 where none is
 * named), the vectors of the lanes in it, and, where it is not the policy's, which loop over places stands innermost outside the tile and which loop is
 * summed innermost. Nothing of it changes a result but for rounding. */
#ifndef CNNC_TUNED_H
#define CNNC_TUNED_H

#include "loops/choice.h"

/* Reads u->options.tuned into u->tuned. False after reporting an error. */
bool tuned_read(Unit *u);

/* The same for a text, which must outlive the unit, under the name that messages print. */
bool tuned_parse(Unit *u, const char *name, const char *text, size_t length);

/* The programs for its machine get the layout and so on of the file, where the command line does not say otherwise; the images of a call only if there
 * is no other machine. */
void tuned_apply(Unit *u);

/* When the programs of its machine are scheduled: warns of lines that nothing could follow. */
void tuned_report(Unit *u);

/* A line of the file, with a remark for people, or NULL. */
void tuned_put(Text *t, const char *line, const char *remark);

#endif
