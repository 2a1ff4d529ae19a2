/* lanes.h: which loop the lanes of a vector can run over, and what stands in the way of another. */
#ifndef CNNC_LOOPS_LANES_H
#define CNNC_LOOPS_LANES_H

#include "loops/loops.h"

/* Of an access: 1 if neighbouring lanes are neighbours in memory, 0 if all lanes read the same, -1 otherwise. */
int lane_step(const Tensor *t, const Affine *index, const Loop *lanes);

/* NULL if the lanes of vectors of so many numbers can run over this loop of the nest; else what stands in the way, as a clause. */
const char *lanes_obstacle(const Unit *u, const Nest *n, const Loop *lanes, int vector);

/* True if the nest makes so few numbers, and none in lanes, that libm's exp for each of them takes less time than the exp of the fast style, which has no
 * branch but waits for itself. Of machines with vectors alone: others may count in double only slowly, as libm does. */
bool nest_takes_exp_of_libm(const Unit *u, const Nest *n);

#endif
