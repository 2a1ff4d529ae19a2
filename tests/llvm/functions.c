/* functions.c: the functions that cnnc writes into a file: how far they are from the truth, and whether those of vectors, and LLVM's, are the
 * same.
 *
 *   functions NET.so [STEP [START [NAME]]]       compiled with -DNET='"net.c"', the C file of functions.cnn by --strict, or with -DONLY_LOG and
 *                                                that of a network whose loss has the logarithm; with -DFAST that of --style=fast --tile=1,
 *                                                whose images no vector divides; NET.so: the same network by LLVM, or in tiles
 *
 * Goes through the floats by their bits, every STEP-th (default 4001; 1: all of them) from START on (default 0), compares same_exp, ...
 * with the math library in double and prints the largest error in units in the last place; half of one is what rounding costs anyway.
 * NAME measures one function alone. Status 1 beyond 0.501, for the fast style's beyond what docs/ARCHITECTURE.md says, or if some bits of
 * NET.so differ from those of the C file. */
#include NET

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 4095, PATHS = 5, MOST_TILE = 16 };

/* Which floats, by their bits; of which function, NULL: of all. */
typedef struct Floats {
    uint64_t step, start;
    const char *name;
} Floats;

static Floats floats_from(int argc, char **argv)
{
    return (Floats){ argc > 2 ? strtoull(argv[2], NULL, 10) : 4001, argc > 3 ? strtoull(argv[3], NULL, 10) : 0, argc > 4 ? argv[4] : NULL };
}

static float float_of(uint32_t bits)
{
    union { uint32_t bits; float number; } u = { bits };
    return u.number;
}

/* How far `got` is from `want`, in the distance of floats there. */
static double ulps(float got, double want)
{
    int exponent;

    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (isinf((float)want) || isinf(got))
        return (float)want == got ? 0 : INFINITY;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

static int measure(const char *name, float (*own)(float), double (*true_one)(double), double most, Floats floats)
{
    double worst = 0;
    float at = 0;

    if (floats.name && strcmp(floats.name, name) != 0)
        return 0;
    for (uint64_t bits = floats.start; bits <= UINT32_MAX; bits += floats.step) {
        float x = float_of((uint32_t)bits);
        double error = ulps(own(x), true_one((double)x));
        if (error > worst) {
            worst = error;
            at = x;
        }
    }
    printf("%-11s %.7f ulp at %.9g\n", name, worst, (double)at);
    return worst > most;
}

#ifdef ONLY_LOG                     /* a network that trains: its loss has the logarithm */

int main(int argc, char **argv)
{
    return measure("same_log", same_log, log, 0.501, floats_from(argc, argv));
}

#else

#ifdef FAST
/* exp_lane makes 0 of what is less than 3e-38. */
static double exp_or_zero(double x) { return x < (double)-86.6f ? 0 : exp(x); }
#endif

/* What the network makes of as many images as it takes at a time, one call after the other. */
static void run(const cnn_model *m, float *x, float *y, float *scratch)
{
    for (int image = 0; image < MOST_TILE; image += (int)m->tile) {
        cnn_job job = { .x = x + image * COUNT, .y = y + image * PATHS * COUNT, .scratch = scratch };
        for (int i = 0; i < m->infer.phase_count; i++)
            m->infer.phases[i].run(&job);
    }
}

/* The network on all floats, both ways. */
static int compare(const cnn_model *other, Floats floats)
{
    static float x[MOST_TILE * COUNT], y[2][MOST_TILE * PATHS * COUNT];
    size_t most = Functions_model.infer.scratch > other->infer.scratch ? Functions_model.infer.scratch : other->infer.scratch;
    float *scratch = malloc((most + 1) * sizeof *scratch);
    uint64_t bits = floats.start;
    int differ = 0;

    if (!scratch || other->inputs != COUNT || other->outputs != PATHS * COUNT || MOST_TILE % other->tile != 0)
        return 1;
    while (bits <= UINT32_MAX && !differ) {
        for (int i = 0; i < MOST_TILE * COUNT; i++, bits += floats.step)
            x[i] = float_of((uint32_t)bits);
        run(&Functions_model, x, y[0], scratch);
        run(other, x, y[1], scratch);
        for (int i = 0; i < MOST_TILE * PATHS * COUNT && !differ; i++)
            if (memcmp(&y[0][i], &y[1][i], sizeof y[0][i]) != 0 && !(isnan(y[0][i]) && isnan(y[1][i]))) {
                printf("path %d at %.9g: %.9g in C, %.9g from the other\n", i / COUNT % PATHS, (double)x[i / (PATHS * COUNT) * COUNT + i % COUNT],
                       (double)y[0][i], (double)y[1][i]);
                differ = 1;
            }
    }
    free(scratch);
    return differ;
}

int main(int argc, char **argv)
{
    Floats floats = floats_from(argc, argv);
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    const cnn_model *other = library ? dlsym(library, "Functions_model") : NULL;
    int failed = 0;

    if (!other || floats.step == 0)
        return 2;
#ifdef FAST
    failed |= measure("exp_lane", exp_lane, exp_or_zero, 1.03, floats);
    failed |= measure("tanh_lane", tanh_lane, tanh, 1.34, floats);
    failed |= measure("erf_lane", erf_lane, erf, 1.21, floats);
    failed |= measure("log1p_lane", log1p_lane, log1p, 1.27, floats);
#else
    failed |= measure("same_exp", same_exp, exp, 0.501, floats);
    failed |= measure("same_tanh", same_tanh, tanh, 0.501, floats);
    failed |= measure("same_log1p", same_log1p, log1p, 0.501, floats);
    failed |= measure("same_erf", same_erf, erf, 0.501, floats);
#endif
    return failed || (!floats.name && compare(other, floats));
}

#endif
