/* evaluate.h: runs a program directly, in double: the oracle for every back end. Needs no C compiler.
 *
 * It does what the runtime does with generated code: cuts the batch into tiles, runs phase by phase, adds up partial sums. */
#ifndef CNNC_LOOPS_EVALUATE_H
#define CNNC_LOOPS_EVALUATE_H

#include "loops/loops.h"

typedef struct Evaluation Evaluation;

/* Memory for `batch` images, all zero but share (1/batch) and images (batch). Scratch tensors lie where program_memory put them, or apart from each other if it has not run. */
Evaluation *evaluation_new(Unit *u, const Program *p, int64_t batch);

/* The elements of a tensor. Per image, and given or taken by the caller (x, target, share, y, loss, dx): [batch rounded up to
 * whole tiles][...]. Parameters, states, gradients and shared tensors: their elements. Scratch: those of the first tile. */
double *evaluation_tensor(Evaluation *e, const Tensor *t);

/* Runs the phases [0, phases). Gradients are added to: clear them before (evaluation_clear). draw: see cnn/model.h. */
void evaluation_run(Evaluation *e, int phases, const uint32_t draw[4]);

/* Zeroes all gradients of parameters and of the input. */
void evaluation_clear(Evaluation *e);

/* The uniform number in [0, 1) of OP_RANDOM: the first word of Philox 4x32-10 (Salmon et al., Parallel random numbers: as
 * easy as 1, 2, 3, 2011) with key draw[0..1] and counter { element, draw[3] + image, draw[2], stream }, its upper 24 bits as a fraction. */
double uniform_number(const uint32_t draw[4], uint32_t stream, uint32_t image, uint32_t element);

#endif
