/* batch.c: tiles, slices, barriers and sums in a fixed order. */
#include "batch.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

#include <string.h>

enum { LEAST_IMAGES = 8 };      /* of a slice: adding its gradient must cost little beside making it */
enum { MOST_SLICES = 32 };
#define MOST_BYTES ((size_t)256 << 20)          /* of the gradients of all slices, unless they are no more than two */
enum { PIECE = 1 << 12 };       /* reals of the gradients that are added at a time: the pieces of all slices fit into a cache */
enum { ALIGNED = 64 };          /* bytes */

size_t cnn_batch_slices(const cnn_model *model, size_t images)
{
    size_t tiles = (images + (size_t)model->tile - 1) / (size_t)model->tile, slices = 1;
    size_t bytes = model->weight_count * (size_t)model->real_bytes;
    while (2 * slices <= MOST_SLICES && 2 * slices <= tiles && 2 * slices * LEAST_IMAGES <= images
           && (slices == 1 || bytes <= MOST_BYTES / (2 * slices)))
        slices *= 2;
    return slices;
}

static bool has_gradient(const Batch *b)
{
    return b->use != BATCH_INFER;
}

/* Reals, rounded up so that the next block begins aligned. */
static size_t aligned(const Batch *b, size_t reals)
{
    size_t line = ALIGNED / b->net->reals->bytes;
    return (reals + line - 1) / line * line;
}

/* A thread's scratch is enough if nobody reads what a tile left there in an earlier phase. */
static bool needs_private_scratch(const Batch *b)
{
    int over_images = 0;
    bool sums = false;
    for (int p = 0; p < b->phases; p++) {
        over_images += !b->program->phases[p].once;
        sums |= b->program->phases[p].sum_count > 0;
    }
    return over_images > 1 || sums;
}

/* Bytes of `count` blocks of `reals`, or SIZE_MAX if they are too many, for which no memory will be had. */
static size_t blocks(size_t count, size_t reals)
{
    size_t all;
    return __builtin_mul_overflow(count, reals, &all) ? SIZE_MAX : all;
}

static bool get(const Batch *b, void **to, size_t reals, const char *what, cnn_error *error)
{
    *to = cnn_memory_get(reals, b->net->reals->bytes, what, error);
    return *to != NULL;
}

Batch *cnn_batch_new(const cnn_net *net, BatchUse use, size_t images, cnn_error *error)
{
    const cnn_model *model = net->model;
    Batch *b = cnn_memory_get(1, sizeof *b, "a batch", error);
    if (!b)
        return NULL;
    b->net = net;
    b->use = use;
    b->program = use == BATCH_INFER ? &model->infer : use == BATCH_EVAL_GRADIENT ? &model->eval_grad : &model->train;
    b->phases = use == BATCH_TRAIN ? model->train_phases : b->program->phase_count;
    b->threads = net->threads;
    b->private_scratch = needs_private_scratch(b);
    b->tile = (size_t)model->tile;

    size_t tiles = images / b->tile + (images % b->tile != 0);
    b->room = blocks(tiles, b->tile);
    /* A smaller batch never has more slices than a larger one. */
    b->slices_room = has_gradient(b) ? cnn_batch_slices(model, images) : tiles;
    size_t workers = b->slices_room < (size_t)b->threads ? b->slices_room : (size_t)b->threads;
    b->scratch_room = b->private_scratch ? tiles : workers;
    for (int p = 0; p < b->phases; p++)
        for (int s = 0; s < b->program->phases[p].sum_count; s++)
            if (b->program->phases[p].sums[s].count > b->partial_room)
                b->partial_room = b->program->phases[p].sums[s].count;

    bool good = get(b, &b->x, blocks(b->room, model->inputs), "the images of a batch", error)
             && get(b, &b->target, blocks(b->room, model->outputs), "the targets of a batch", error)
             && get(b, &b->y, blocks(b->room, model->outputs), "the results of a batch", error)
             && get(b, &b->shared, b->program->shared, "the block that all images share", error)
             && get(b, &b->scratch, blocks(b->scratch_room, aligned(b, b->program->scratch)), "the scratch blocks", error)
             && get(b, &b->images, 1, "a number", error);
    if (good && has_gradient(b))
        good = get(b, &b->share, b->room, "the shares of a batch", error)
            && get(b, &b->loss, b->room, "the losses of a batch", error)
            && get(b, &b->gradients, blocks(b->slices_room, aligned(b, model->weight_count)), "the gradients", error);
    if (good && (use == BATCH_GRADIENT || use == BATCH_EVAL_GRADIENT))
        good = get(b, &b->dx, blocks(b->room, model->inputs), "the gradient of the images", error);
    if (good && use == BATCH_GRADIENT)
        good = get(b, &b->state, model->state_count, "a copy of the state", error);
    if (good && b->partial_room) {
        b->partial = cnn_memory_get(blocks(b->slices_room, b->partial_room), sizeof *b->partial, "sums over the images", error);
        good = b->partial != NULL;
    }
    if (!good) {
        cnn_batch_free(b);
        return NULL;
    }
    b->gradient = b->gradients;
    return b;
}

void cnn_batch_free(Batch *b)
{
    if (!b)
        return;
    void *all[] = { b->x, b->target, b->y, b->dx, b->share, b->loss, b->gradients, b->scratch, b->shared, b->state, b->images, b->partial };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnn_memory_release(all[i]);
    cnn_memory_release(b);
}

/* ---- a run */

typedef struct Run {
    Batch *batch;
    const cnn_phase *phase;
    size_t images, tiles, slices;
    bool first;                 /* the first phase over the images: gradients begin at 0 */
    void *state;
    uint64_t seed;
    uint32_t step;
} Run;

static void *gradient_of(const Batch *b, size_t slice)
{
    return has_gradient(b) ? cnn_at(b->net->reals, b->gradients, slice * aligned(b, b->net->model->weight_count)) : NULL;
}

static void *scratch_of(const Batch *b, size_t tile, int thread)
{
    size_t block = b->private_scratch ? tile : (size_t)thread;
    return cnn_at(b->net->reals, b->scratch, block * aligned(b, b->program->scratch));
}

static cnn_job job_of(const Run *r, size_t slice)
{
    const Batch *b = r->batch;
    return (cnn_job){ .images = b->images, .weights = b->net->weights, .state = r->state, .gradient = gradient_of(b, slice), .shared = b->shared,
                      .draw = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32), r->step, 0 } };
}

static void run_tile(const Run *r, size_t slice, size_t tile, int thread)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    const cnn_model *model = b->net->model;
    size_t image = tile * b->tile;
    cnn_job job = job_of(r, slice);
    job.x = cnn_at(reals, b->x, image * model->inputs);
    job.y = cnn_at(reals, b->y, image * model->outputs);
    job.scratch = scratch_of(b, tile, thread);
    job.draw[3] = (uint32_t)image;
    if (has_gradient(b)) {
        job.target = cnn_at(reals, b->target, image * model->outputs);
        job.share = cnn_at(reals, b->share, image);
        job.loss = cnn_at(reals, b->loss, image);
        job.dx = b->dx ? cnn_at(reals, b->dx, image * model->inputs) : NULL;
    }
    r->phase->run(&job);
}

static void run_slice(void *context, size_t slice, int thread)
{
    const Run *r = context;
    size_t from = slice * r->tiles / r->slices, end = (slice + 1) * r->tiles / r->slices;
    if (r->first && has_gradient(r->batch))
        memset(gradient_of(r->batch, slice), 0, r->batch->net->model->weight_count * r->batch->net->reals->bytes);
    for (size_t tile = from; tile < end; tile++)
        run_tile(r, slice, tile, thread);
}

/* shared[to + i] = sum over the tiles of scratch[from + i]: in each slice in order, then over the slices as a tree. */
static void add_up(const Run *r, const cnn_sum *sum)
{
    Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    for (size_t slice = 0; slice < r->slices; slice++) {
        double *partial = b->partial + slice * sum->count;
        memset(partial, 0, sum->count * sizeof *partial);
        for (size_t tile = slice * r->tiles / r->slices; tile < (slice + 1) * r->tiles / r->slices; tile++)
            reals->sum(partial, cnn_at(reals, scratch_of(b, tile, 0), sum->from), sum->count);
    }
    for (size_t apart = 1; apart < r->slices; apart *= 2)
        for (size_t slice = 0; slice + apart < r->slices; slice += 2 * apart)
            for (size_t i = 0; i < sum->count; i++)
                b->partial[slice * sum->count + i] += b->partial[(slice + apart) * sum->count + i];
    reals->from_doubles(cnn_at(reals, b->shared, sum->to), b->partial, sum->count);
}

/* Gradients of all slices into that of the first, for one piece of them. */
static void add_piece(void *context, size_t piece, int thread)
{
    (void)thread;
    const Run *r = context;
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    size_t from = piece * PIECE, all = b->net->model->weight_count, count = all - from < PIECE ? all - from : PIECE;
    for (size_t apart = 1; apart < r->slices; apart *= 2)
        for (size_t slice = 0; slice + apart < r->slices; slice += 2 * apart)
            reals->add(cnn_at(reals, gradient_of(b, slice), from), cnn_at(reals, gradient_of(b, slice + apart), from), count);
}

/* Images that only fill the last tile are copies of its first one, with no share in the loss: a copy cannot bring numbers that no
 * image has. */
static void fill_last_tile(const Run *r)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    size_t inputs = b->net->model->inputs, outputs = b->net->model->outputs;
    size_t from = (r->tiles - 1) * b->tile;
    for (size_t i = r->images; i < r->tiles * b->tile; i++) {
        memcpy(cnn_at(reals, b->x, i * inputs), cnn_at(reals, b->x, from * inputs), inputs * reals->bytes);
        if (has_gradient(b))
            memcpy(cnn_at(reals, b->target, i * outputs), cnn_at(reals, b->target, from * outputs), outputs * reals->bytes);
    }
    if (has_gradient(b)) {
        reals->fill(b->share, 1 / (double)r->images, r->images);
        reals->fill(cnn_at(reals, b->share, r->images), 0, r->tiles * b->tile - r->images);
    }
}

double cnn_batch_run(Batch *b, size_t count, uint64_t seed, uint32_t step)
{
    const cnn_net *net = b->net;
    const Reals *reals = net->reals;
    Run run = { .batch = b, .images = count, .tiles = (count + b->tile - 1) / b->tile, .first = true, .state = net->state, .seed = seed, .step = step };
    run.slices = has_gradient(b) ? cnn_batch_slices(net->model, count) : run.tiles;
    if (b->use == BATCH_GRADIENT) {
        run.state = b->state;
        memcpy(b->state, net->state, net->model->state_count * reals->bytes);
    }
    if (b->dx)
        memset(b->dx, 0, run.tiles * b->tile * net->model->inputs * reals->bytes);
    reals->set(b->images, 0, (double)count);
    fill_last_tile(&run);

    bool prepared = b->use == BATCH_INFER && b->seen == net->version;
    for (int p = 0; p < b->phases; p++) {
        run.phase = &b->program->phases[p];
        if (run.phase->once) {
            /* A gradient that is made once belongs to the first slice, which must have begun at 0. */
            if (run.first && has_gradient(b) && !prepared)
                for (size_t slice = 0; slice < run.slices; slice++)
                    memset(gradient_of(b, slice), 0, net->model->weight_count * reals->bytes);
            run.first = false;
            cnn_job job = job_of(&run, 0);
            if (!prepared)
                run.phase->run(&job);
        } else {
            cnn_threads_each(cnn_threads_worth(b->threads, count * net->model->weight_count), run.slices, run_slice, &run);
            run.first = false;
        }
        for (int s = 0; s < run.phase->sum_count; s++)
            add_up(&run, &run.phase->sums[s]);
    }
    b->seen = net->version;

    if (!has_gradient(b))
        return 0;
    if (run.slices > 1)
        cnn_threads_each(cnn_threads_worth(b->threads, run.slices * net->model->weight_count), (net->model->weight_count + PIECE - 1) / PIECE,
                         add_piece, &run);
    double loss = 0;
    for (size_t i = 0; i < count; i++)
        loss += reals->get(b->loss, i);
    return loss / (double)count;
}
