/* weights.c: how the first weights of a layer are drawn (weights.h). */
#include "layers/weights.h"

ParamInit init_of(const Site *s, int index)
{
    /* In the order of INIT_WORDS. */
    static const ParamInit inits[] = { INIT_GLOROT, INIT_HE, INIT_LECUN, INIT_ZEROS, INIT_ONES };

    return inits[arg_word(s, index)];
}
