/* model.c: drives generated code by its contract (model.h). */
#include "model.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

enum { ALIGN = 64 };            /* bytes; what the contract promises for scratch and shared */

const cnn_model *model_open(const char *path, const char *symbol, void **handle, const char **error)
{
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) {
        *error = dlerror();
        return NULL;
    }
    const cnn_model *m = dlsym(*handle, symbol);
    *error = m ? m->abi == CNN_ABI ? NULL : "another ABI" : dlerror();
    return *error ? NULL : m;
}

/* `count` reals of the model, aligned, full of NaN. */
static void *reals(Arena *arena, const cnn_model *m, size_t count)
{
    uintptr_t at = (uintptr_t)arena_alloc(arena, (count + 1) * (size_t)m->real_bytes + ALIGN);

    at = (at + ALIGN - 1) / ALIGN * ALIGN;
    memset((void *)at, 0xff, count * (size_t)m->real_bytes);      /* a NaN in both formats */
    return (void *)at;
}

static void set(const cnn_model *m, void *to, size_t i, double value)
{
    if (m->real_bytes == 4)
        ((float *)to)[i] = (float)value;
    else
        ((double *)to)[i] = value;
}

static double get(const cnn_model *m, const void *from, size_t i)
{
    return m->real_bytes == 4 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static void *at(const cnn_model *m, void *block, size_t i)
{
    return (char *)block + i * (size_t)m->real_bytes;
}

static void *reals_of(Arena *arena, const cnn_model *m, const double *from, size_t count)
{
    void *to = reals(arena, m, count);

    for (size_t i = 0; i < count; i++)
        set(m, to, i, from ? from[i] : 0);
    return to;
}

Numbers model_numbers(Arena *arena, const cnn_model *m, int64_t batch)
{
    size_t b = (size_t)batch;

    return (Numbers){
        .batch = batch,
        .x = arena_array(arena, b * m->inputs, sizeof(double)), .dx = arena_array(arena, b * m->inputs, sizeof(double)),
        .y = arena_array(arena, b * m->outputs, sizeof(double)), .target = arena_array(arena, b * m->outputs, sizeof(double)),
        .loss = arena_array(arena, b, sizeof(double)),
        .weights = arena_array(arena, m->weight_count + 1, sizeof(double)),
        .gradient = arena_array(arena, m->weight_count + 1, sizeof(double)),
        .state = arena_array(arena, m->state_count + 1, sizeof(double)),
        .new_state = arena_array(arena, m->state_count + 1, sizeof(double)),
    };
}

/* Everything that a run works on. Per-image arrays hold whole tiles. */
typedef struct Run {
    const cnn_model *m;
    const cnn_program *p;
    Numbers *n;
    size_t tiles;
    void *x, *target, *share, *images, *keep, *weights, *state, *gradient, *dx, *y, *loss, *shared;
    void **scratch;             /* of each tile */
} Run;

static void once(const Run *r, const cnn_phase *phase, const uint32_t draw[4])
{
    cnn_job job = {
        .images = r->images, .weights = r->weights, .state = r->state, .gradient = r->gradient, .shared = r->shared,
        .draw = { draw[0], draw[1], draw[2], draw[3] },
    };

    phase->run(&job);
}

static void tile(const Run *r, const cnn_phase *phase, const uint32_t draw[4], size_t t)
{
    const cnn_model *m = r->m;
    size_t images = (size_t)m->tile, first = t * images;
    cnn_job job = {
        .x = at(m, r->x, first * m->inputs), .target = at(m, r->target, first * m->outputs), .share = at(m, r->share, first),
        .images = r->images, .keep = at(m, r->keep, t > 0), .weights = r->weights, .state = r->state, .gradient = r->gradient,
        .dx = at(m, r->dx, first * m->inputs),
        .y = at(m, r->y, first * m->outputs), .loss = at(m, r->loss, first), .scratch = r->scratch[t], .shared = r->shared,
        .draw = { draw[0], draw[1], draw[2], draw[3] + (uint32_t)first },
    };

    phase->run(&job);
}

static void add_sums(const Run *r, const cnn_phase *phase)
{
    for (int32_t s = 0; s < phase->sum_count; s++) {
        const cnn_sum *sum = &phase->sums[s];
        for (size_t i = 0; i < sum->count; i++) {
            double total = 0;
            for (size_t t = 0; t < r->tiles; t++)
                total += get(r->m, r->scratch[t], sum->from + i);
            set(r->m, r->shared, sum->to + i, total);
        }
    }
}

void model_run(Arena *arena, const cnn_model *m, Pass pass, const uint32_t draw[4], Numbers *n)
{
    const cnn_program *p = pass == PASS_TRAIN ? &m->train : pass == PASS_INFER ? &m->infer : &m->eval_grad;
    size_t images = (size_t)n->batch, whole = (images + (size_t)m->tile - 1) / (size_t)m->tile * (size_t)m->tile;
    Run r = { .m = m, .p = p, .n = n, .tiles = whole / (size_t)m->tile };

    n->wrong = NULL;
    r.x = reals_of(arena, m, NULL, whole * m->inputs);
    r.target = reals_of(arena, m, NULL, whole * m->outputs);
    r.share = reals_of(arena, m, NULL, whole);
    for (size_t i = 0; i < whole * m->inputs; i++)
        set(m, r.x, i, i < images * m->inputs ? n->x[i] : 1.5 + (double)(i % 7));
    for (size_t i = 0; i < whole * m->outputs; i++)
        set(m, r.target, i, i < images * m->outputs ? n->target[i] : (double)(i % 3));
    for (size_t i = 0; i < images; i++)
        set(m, r.share, i, 1.0 / (double)images);
    double count = (double)images;
    r.images = reals_of(arena, m, &count, 1);
    r.weights = reals_of(arena, m, n->weights, m->weight_count);
    r.state = reals_of(arena, m, n->state, m->state_count);
    r.keep = reals_of(arena, m, (const double[]){ 0, 1 }, 2);
    r.gradient = reals_of(arena, m, NULL, m->weight_count);
    for (size_t i = 0; p->keeps && i < m->weight_count; i++)      /* nobody clears it */
        set(m, r.gradient, i, 1000.5 + (double)i);
    r.dx = reals_of(arena, m, NULL, whole * m->inputs);
    r.y = reals(arena, m, whole * m->outputs);
    r.loss = reals(arena, m, whole);
    r.shared = reals(arena, m, p->shared);
    r.scratch = arena_array(arena, r.tiles, sizeof *r.scratch);
    for (size_t t = 0; t < r.tiles; t++)
        r.scratch[t] = reals(arena, m, p->scratch);

    for (int32_t i = 0; i < p->phase_count; i++) {
        if (p->phases[i].once)
            once(&r, &p->phases[i], draw);
        for (size_t t = 0; !p->phases[i].once && t < r.tiles; t++)
            tile(&r, &p->phases[i], draw, t);
        add_sums(&r, &p->phases[i]);
        /* What a training step needs is done: the rest is the gradient of the input's alone. */
        if (pass == PASS_TRAIN && i + 1 == m->train_phases)
            for (size_t g = 0; g < m->weight_count; g++)
                n->gradient[g] = get(m, r.gradient, g);
    }
    for (size_t i = 0; i < m->weight_count; i++) {
        if (pass == PASS_TRAIN && n->gradient[i] != get(m, r.gradient, i) && n->gradient[i] == n->gradient[i])
            n->wrong = "a phase behind train_phases changed a gradient";
        n->gradient[i] = get(m, r.gradient, i);
        if (get(m, r.weights, i) != (m->real_bytes == 4 ? (double)(float)n->weights[i] : n->weights[i]))
            n->wrong = "the weights were changed";
    }
    for (size_t i = 0; i < images * m->outputs; i++)
        n->y[i] = get(m, r.y, i);
    for (size_t i = 0; i < images; i++)
        n->loss[i] = pass == PASS_INFER ? 0 : get(m, r.loss, i);
    for (size_t i = 0; i < images * m->inputs; i++)
        n->dx[i] = get(m, r.dx, i);
    for (size_t i = images * m->inputs; i < whole * m->inputs; i++)
        if (get(m, r.dx, i) != 0)
            n->wrong = "an image that only fills the tile has a gradient";
    for (size_t i = 0; i < m->state_count; i++) {
        n->new_state[i] = get(m, r.state, i);
        if (pass != PASS_TRAIN && n->new_state[i] != (m->real_bytes == 4 ? (double)(float)n->state[i] : n->state[i]))
            n->wrong = "a pass that does not train changed the state";
    }
}
