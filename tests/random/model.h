/* model.h: drives generated code by its contract (cnn/model.h), the way the runtime does, for the tests that compare numbers.
 *
 * Written apart from the runtime so that both are tests of each other. What the caller sees is double; a model in float is given the
 * same numbers rounded. Every block that generated code must fill is handed over full of NaN, and images that only fill a tile hold
 * numbers that would show. */
#ifndef CNNC_TESTS_RANDOM_MODEL_H
#define CNNC_TESTS_RANDOM_MODEL_H

#include "base/arena.h"
#include "cnn/model.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum Pass { PASS_TRAIN, PASS_INFER, PASS_EVAL } Pass;

typedef struct Numbers {
    int64_t batch;
    double *x, *target;         /* [batch][inputs], [batch][outputs] */
    double *weights, *state;    /* in the model's order */
    /* Filled by model_run. */
    double *y, *loss, *dx, *gradient, *new_state;
    const char *wrong;          /* a broken promise of the contract, or NULL */
} Numbers;

/* The descriptor in a shared object; NULL with a message in *error. */
const cnn_model *model_open(const char *path, const char *symbol, void **handle, const char **error);

/* Memory for a batch of this model. */
Numbers model_numbers(Arena *arena, const cnn_model *m, int64_t batch);

/* Runs a pass; training with the gradient of the input. */
void model_run(Arena *arena, const cnn_model *m, Pass pass, const uint32_t draw[4], Numbers *n);

#endif
