/* driver.c: one step of training and one inference on any machine, without the runtime: fills in numbers.h, runs the phases of the
 * descriptor and gives what came out as the bits of floats: y, the losses and the gradient of training, then y of inference. */
#include "numbers.h"

#include "cnn/model.h"

extern const cnn_model LeNet_model;

enum { MOST_WEIGHTS = 64 * 1024, MOST_SCRATCH = 64 * 1024, MOST_SHARED = 128 * 1024, MOST_PIXELS = 28 * 28, OUTPUTS = 10, MOST_STATE = 16 };

static float weights[MOST_WEIGHTS], gradient[MOST_WEIGHTS], state[MOST_STATE];
static float x[IMAGES][MOST_PIXELS], target[IMAGES][OUTPUTS], share[IMAGES], y[IMAGES][OUTPUTS], loss[IMAGES];
static float scratch[IMAGES][MOST_SCRATCH] __attribute__((aligned(64))), shared[MOST_SHARED] __attribute__((aligned(64)));
static uint32_t words[MOST_WEIGHTS + 2 * IMAGES * OUTPUTS + IMAGES];
static uint32_t word_count;

static void put_words(const float *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        union { float number; uint32_t bits; } u = { from[i] };
        words[word_count++] = u.bits;
    }
}

static void fill(const cnn_model *m)
{
    for (uint32_t i = 0; i < m->weight_count; i++)
        weights[i] = weight_number(i);
    for (uint32_t i = 0; i < m->state_count; i++)
        state[i] = state_number(i);
    for (uint32_t n = 0; n < IMAGES; n++) {
        for (uint32_t i = 0; i < m->inputs; i++)
            x[n][i] = image_number(n * (uint32_t)m->inputs + i);
        for (uint32_t i = 0; i < OUTPUTS; i++)
            target[n][i] = target_number(n, i);
        share[n] = 1.0f / IMAGES;
    }
}

static void sum_up(const cnn_sum *sum)
{
    for (uint32_t i = 0; i < sum->count; i++) {
        shared[sum->to + i] = 0;
        for (uint32_t n = 0; n < IMAGES; n++)
            shared[sum->to + i] += scratch[n][sum->from + i];
    }
}

static void run(const cnn_program *p, int phases)
{
    static const float images = IMAGES, keep = 1;

    for (int i = 0; i < phases; i++) {
        const cnn_phase *phase = &p->phases[i];
        for (uint32_t n = 0; n < (phase->once ? 1 : IMAGES); n++) {
            const cnn_job job = {
                .x = x[n], .target = target[n], .share = &share[n], .images = &images, .keep = &keep, .weights = weights, .state = state,
                .gradient = gradient, .y = y[n], .loss = &loss[n], .scratch = scratch[n], .shared = shared, .draw = { 1, 2, 3, n },
            };
            phase->run(&job);
        }
        for (int j = 0; j < phase->sum_count; j++)
            sum_up(&phase->sums[j]);
    }
}

/* The words, or NULL if the network is not the one that this is made for. */
const uint32_t *run_network(uint32_t *count);

const uint32_t *run_network(uint32_t *count)
{
    const cnn_model *m = &LeNet_model;

    if (m->abi != CNN_ABI || m->real_bytes != 4 || m->tile != 1 || m->inputs != MOST_PIXELS || m->outputs != OUTPUTS
        || m->weight_count > MOST_WEIGHTS || m->state_count > MOST_STATE || m->train.scratch > MOST_SCRATCH || m->train.shared > MOST_SHARED
        || m->infer.scratch > MOST_SCRATCH || m->infer.shared > MOST_SHARED)
        return 0;
    fill(m);
    run(&m->train, m->train_phases);
    put_words(y[0], IMAGES * OUTPUTS);
    put_words(loss, IMAGES);
    put_words(gradient, (uint32_t)m->weight_count);
    run(&m->infer, m->infer.phase_count);
    put_words(y[0], IMAGES * OUTPUTS);
    *count = word_count;
    return words;
}

#ifdef __wasm__                     /* no library: the page asks for the words (run.js) */

uint32_t count_of_words;

const uint32_t *page_words(void) { return run_network(&count_of_words); }
uint32_t page_count(void)        { return count_of_words; }

void *memset(void *to, int value, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
        ((volatile char *)to)[i] = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

#else

#include <stdio.h>

int main(void)
{
    uint32_t count = 0;
    const uint32_t *out = run_network(&count);

    if (!out)
        return 1;
    for (uint32_t i = 0; i < count; i++)
        printf("%08lx\n", (unsigned long)out[i]);
    return fflush(stdout) != 0;
}

#endif
