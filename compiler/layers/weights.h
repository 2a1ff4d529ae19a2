/* weights.h: what layers with trained weights have in common: how the first weights are drawn, and the bias. */
#ifndef CNNC_LAYERS_WEIGHTS_H
#define CNNC_LAYERS_WEIGHTS_H

#include "net/layer.h"

/* The words of ARG_CHOICE `init`, and what they mean. */
#define INIT_WORDS "glorot he lecun zeros ones"
ParamInit init_of(const Site *s, int index);

/* Rows of a table of arguments. */
#define NOBIAS_ARG { .name = "nobias", .kind = ARG_FLAG, .positional = true, .help = "without a bias", .foreign = "use_bias" }
#define INIT_ARG { .name = "init", .kind = ARG_CHOICE, .words = INIT_WORDS, .foreign = "kernel_initializer", \
                   .help = "how the first weights are drawn: glorot, he and lecun are uniform within a width made of the fan-in" }

#endif
