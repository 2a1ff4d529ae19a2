/* lower.h: what lower.c and adjoint.c, which both build nests of a program, share beyond build.h. */
#ifndef CNNC_LOOPS_LOWER_H
#define CNNC_LOOPS_LOWER_H

#include "loops/build.h"

/* A builder that appends to the program. */
Build *build_new(Unit *u, Program *p);

/* Makes the values and params of the net stand for the tensors of this program. */
void program_attach(const Program *p);

/* A tensor that belongs to no layer. */
Tensor *program_tensor(Build *b, const char *name, const char *symbol, Role role, bool per_image, Shape shape);

/* How the formulas of the site at work call a tensor: "y", "x", "x2", "w", "dy". */
const char *symbol_here(Build *b, const Tensor *t);

/* Ends the nest that nest_begin began and whose fields are filled in, the loop over images and its indices included. */
void nest_end(Build *b);

/* commute.c: for style fast, relu follows a maxpool that it stands before: max(max(a, 0), max(b, 0)) = max(max(a, b), 0), with a quarter of
 * the work, and what the larger map held need not be kept for the backward pass. The same bits. */
void net_commute(Net *net);

#endif
