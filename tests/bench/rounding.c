/* rounding.c: how far the floats of a convolution are from the truth, for each way of computing it. See rounding.sh.
 *
 *     rounding DOUBLE.so FLOAT.so...
 *
 * Each is a network Layer, the first one in double. One step of training of one tile with the same numbers: inputs even in [-1, 1], weights as
 * they begin (rounding.sh makes the fan-in the scale of nothing else). A line for each FLOAT.so: for the result, the gradient of the input
 * and that of the weights, the largest error and the root of the mean squared error, both divided by the root of the mean square. Status 1
 * if the latter is more than the agreement tests allow (tests/random/agree.c), or, for a name with "winograd=4", ten times that. */
#include <cnn/model.h>

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Run {
    const cnn_model *model;
    int bytes;                  /* of a real */
    void *y, *dx, *dw;
} Run;

static void fail(const char *what)
{
    fprintf(stderr, "rounding: %s\n", what);
    exit(2);
}

static void *reals(size_t count, int bytes)
{
    void *memory = aligned_alloc(64, (count * (size_t)bytes + 127) / 64 * 64);
    if (!memory)
        fail("no memory");
    for (size_t i = 0; i < count; i++)
        bytes == 8 ? (void)(((double *)memory)[i] = 0) : (void)(((float *)memory)[i] = 0);
    return memory;
}

static void put(void *to, size_t i, int bytes, double value)
{
    if (bytes == 8)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static double get(const void *from, size_t i, int bytes)
{
    return bytes == 8 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

/* The same floats for every network, even in [-scale, scale]. */
static void *drawn(size_t count, int bytes, uint64_t seed, double scale)
{
    void *memory = reals(count, bytes);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        put(memory, i, bytes, (double)(float)(scale * ((double)(seed >> 40) / (1 << 23) - 1)));
    }
    return memory;
}

static Run run(const char *path, int bytes)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const cnn_model *m = library ? dlsym(library, "Layer_model") : NULL;
    if (!m)
        fail(dlerror());
    size_t tile = (size_t)m->tile, weights = (size_t)m->weight_count;
    void *share = reals(tile, bytes), *images = reals(1, bytes), *keep = reals(1, bytes);      /* keep is 0 */
    Run r = { m, bytes, reals(tile * (size_t)m->outputs, bytes), reals(tile * (size_t)m->inputs, bytes), reals(weights, bytes) };

    put(images, 0, bytes, (double)tile);
    for (size_t i = 0; i < tile; i++)
        put(share, i, bytes, 1.0 / (double)tile);
    cnn_job job = { .x = drawn(tile * (size_t)m->inputs, bytes, 1, 1), .target = drawn(tile * (size_t)m->outputs, bytes, 2, 1), .share = share,
                    .images = images, .keep = keep, .weights = drawn(weights, bytes, 3, sqrt(3.0 / (double)weights)),
                    .state = reals((size_t)m->state_count + 1, bytes), .gradient = r.dw, .dx = r.dx, .y = r.y, .loss = reals(tile, bytes),
                    .scratch = reals((size_t)m->train.scratch + 1, bytes), .shared = reals((size_t)m->train.shared + 1, bytes) };
    for (int p = 0; p < m->train.phase_count; p++)
        m->train.phases[p].run(&job);
    return r;
}

/* Prints both; false if there is too much of it. */
static int compare(const void *truth, const void *got, size_t count, double allowed)
{
    double most = 0, errors = 0, squares = 0;

    for (size_t i = 0; i < count; i++) {
        double t = get(truth, i, 8), e = fabs(t - get(got, i, 4));
        most = fmax(most, e);
        errors += e * e;
        squares += t * t;
    }
    printf("    %8.1e    %8.1e", most / sqrt(squares / (double)count), sqrt(errors / squares));
    return sqrt(errors / squares) <= allowed;
}

int main(int count, char **names)
{
    if (count < 3)
        fail("usage: rounding DOUBLE.so FLOAT.so...");
    Run truth = run(names[1], 8);
    int near = 1;
    printf("   y: most  on average   dx: most  on average   dw: most  on average\n");
    for (int i = 2; i < count; i++) {
        Run got = run(names[i], 4);
        if (got.model->tile != truth.model->tile)
            fail("the tiles differ");
        size_t tile = (size_t)truth.model->tile;
        double less = strstr(names[i], "winograd=4") ? 10 : 1;
        int y = compare(truth.y, got.y, tile * (size_t)truth.model->outputs, 2e-6 * less);
        int dx = compare(truth.dx, got.dx, tile * (size_t)truth.model->inputs, 1e-5 * less);
        int dw = compare(truth.dw, got.dw, (size_t)truth.model->weight_count, 1e-5 * less);
        printf("   %s%s\n", names[i], y && dx && dw ? "" : "   too far");
        near = near && y && dx && dw;
    }
    return near ? 0 : 1;
}
