/* variants.c: what a compiled network computes in one step of training and in inference, written to a file or compared with one.
 *
 *   variants FILE         writes it
 *   variants FILE same    fails unless every bit is that of FILE
 *   variants FILE near    fails if a number is further from FILE's than rounding explains
 *
 * The numbers of the step are drawn by a generator of its own, the same on every machine. */
#include <cnn/model.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const cnn_model MODEL;

enum { TILES = 2, ALIGN = 64 };
static const double near = 2e-4;        /* of the largest number of a kind: sums of some thousand products in another order */

static float *block(size_t count)
{
    size_t bytes = (count * sizeof(float) + ALIGN) / ALIGN * ALIGN;
    float *at = aligned_alloc(ALIGN, bytes);

    if (!at)
        exit(2);
    return memset(at, 0, bytes);
}

static float *drawn(size_t count, unsigned seed, float scale)
{
    float *at = block(count);

    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = ((float)(seed >> 8) / 16777216.0f - 0.5f) * scale;
    }
    return at;
}

typedef struct Run {
    const cnn_model *m;
    size_t tile;
    float *x, *target, *share, *images, *keep, *weights, *state, *gradient, *y, *loss, *shared;
} Run;

static void program(Run *r, const cnn_program *p, int phases)
{
    float *scratch[TILES];

    for (int k = 0; k < TILES; k++)
        scratch[k] = block(p->scratch);
    for (int i = 0; i < phases; i++) {
        const cnn_phase *phase = &p->phases[i];
        for (size_t k = 0; k < (phase->once ? 1 : TILES); k++) {
            cnn_job job = {
                .x = r->x + k * r->tile * r->m->inputs, .target = r->target + k * r->tile * r->m->outputs, .share = r->share,
                .images = r->images, .keep = r->keep + (k > 0), .weights = r->weights, .state = r->state, .gradient = r->gradient,
                .y = r->y + k * r->tile * r->m->outputs, .loss = r->loss + k * r->tile, .scratch = scratch[k], .shared = r->shared,
                .draw = { 1, 2, 3, (uint32_t)(k * r->tile) },
            };
            phase->run(&job);
        }
        for (int j = 0; j < phase->sum_count; j++)
            for (size_t n = 0; n < phase->sums[j].count; n++) {
                r->shared[phase->sums[j].to + n] = 0;
                for (int k = 0; k < TILES; k++)
                    r->shared[phase->sums[j].to + n] += scratch[k][phase->sums[j].from + n];
            }
    }
    for (int k = 0; k < TILES; k++)
        free(scratch[k]);
}

static int compare(const char *kind, FILE *with, const float *numbers, size_t count, bool same)
{
    float *other = block(count), most = 0;
    double apart = 0;

    if (fread(other, sizeof *other, count, with) != count) {
        printf("%s: the file has fewer numbers\n", kind);
        return 1;
    }
    int differ = memcmp(other, numbers, count * sizeof *other) != 0;
    for (size_t i = 0; i < count; i++) {
        most = fabsf(other[i]) > most ? fabsf(other[i]) : most;
        apart = !(fabs((double)other[i] - (double)numbers[i]) <= apart) ? fabs((double)other[i] - (double)numbers[i]) : apart;
    }
    free(other);
    if (same ? !differ : apart <= near * (double)most)
        return 0;
    printf("%s: %g apart, the largest is %g\n", kind, apart, (double)most);
    return 1;
}

int main(int argc, char **argv)
{
    const cnn_model *m = &MODEL;
    size_t tile = (size_t)m->tile, images = TILES * tile;
    float *infer = block(images * m->outputs);
    Run r = {
        .m = m, .tile = tile, .x = drawn(images * m->inputs, 1, 2.0f), .target = block(images * m->outputs), .share = block(tile),
        .images = block(1), .keep = block(2), .weights = drawn(m->weight_count, 2, 0.5f), .state = block(m->state_count), .gradient = block(m->weight_count),
        .y = block(images * m->outputs), .loss = block(images),
        .shared = block(m->train.shared > m->infer.shared ? m->train.shared : m->infer.shared),
    };
    const struct { const char *name; float *at; size_t count; } kinds[] = {
        { "outputs in training", r.y, images * m->outputs }, { "losses", r.loss, images }, { "gradients", r.gradient, m->weight_count },
        { "state", r.state, m->state_count }, { "outputs", infer, images * m->outputs },
    };
    FILE *file = argc > 1 ? fopen(argv[1], argc > 2 ? "rb" : "wb") : NULL;
    int wrong = 0;

    if (!file)
        return 2;
    for (size_t i = 0; i < images; i++)
        r.target[i * m->outputs + i % m->outputs] = 1;
    for (size_t i = 0; i < tile; i++)
        r.share[i] = 1.0f / (float)images;
    r.keep[1] = 1;
    for (size_t i = 0; i < m->state_count; i++)
        r.state[i] = 1;
    r.images[0] = (float)images;
    program(&r, &m->train, m->train_phases);
    float *y = r.y;
    r.y = infer;
    program(&r, &m->infer, m->infer.phase_count);
    r.y = y;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (argc > 2)
            wrong |= compare(kinds[i].name, file, kinds[i].at, kinds[i].count, strcmp(argv[2], "same") == 0);
        else
            wrong |= fwrite(kinds[i].at, sizeof(float), kinds[i].count, file) != kinds[i].count;
    return fclose(file) != 0 || wrong;
}
