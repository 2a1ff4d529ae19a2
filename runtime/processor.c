/* processor.c: which tables of reals this processor takes. A library for all processors of a kind does not know what they can do: where CMake
 * found that the compiler makes code for longer vectors, it is asked here. */
#include "reals.h"

#ifdef CNN_AVX2
extern const Reals cnn_reals_float_avx2, cnn_reals_double_avx2;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#endif

const Reals *cnn_reals(int real_bytes)
{
#ifdef CNN_AVX2
    if (has_avx2())
        return real_bytes == 8 ? &cnn_reals_double_avx2 : &cnn_reals_float_avx2;
#endif
    return real_bytes == 8 ? &cnn_reals_double : &cnn_reals_float;
}
