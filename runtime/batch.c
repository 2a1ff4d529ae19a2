/* batch.c: tiles, slices and barriers. */
#include "batch.h"
#include "run.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

#include <math.h>
#include <string.h>

enum { LEAST_IMAGES = 8 };      /* of a slice: adding its gradient must cost little beside making it, */
enum { FAR_IMAGES = 32 };       /* also where the gradients of all slices leave the cache */
enum { NEAR_SLICES = 32 };
#define MOST_BYTES ((size_t)256 << 20)          /* of the gradients that are near */

enum { KEEPS_AT_ONCE = 2 };     /* cnn_program.keeps */

/* Places in Batch.keep. */
enum { KEEP_NOTHING, KEEP_ALL, KEEP_STRAIGHT, KEEPS };

static bool near(const cnn_model *model, size_t slices)
{
    return slices <= NEAR_SLICES && model->weight_count * (size_t)model->real_bytes <= MOST_BYTES / slices;
}

size_t cnn_batch_slices(const cnn_model *model, size_t images)
{
    size_t tiles = (images + (size_t)model->tile - 1) / (size_t)model->tile, slices = 1;
    while (2 * slices <= MOST_SLICES && 2 * slices <= tiles
           && 2 * slices * (size_t)(slices == 1 || near(model, 2 * slices) ? LEAST_IMAGES : FAR_IMAGES) <= images)
        slices *= 2;
    return slices;
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

/* A tile may add to the gradient of the tiles before it as if it had one of its own, which is then added. */
static bool adds_at_once(const Batch *b)
{
    return b->program->keeps == KEEPS_AT_ONCE;
}

/* Groups of slices are for programs that go once over the images: others add to a slice's gradient in several phases. Phases that run once may add to
 * that of the first slice, but not where tiles add at once. */
static bool goes_once(const Batch *b)
{
    int over_images = 0;
    for (int p = 0; p < b->phases; p++)
        over_images += !b->program->phases[p].once;
    return over_images == 1 && (b->phases == 1 || adds_at_once(b));
}

/* Slices that follow one another, whose gradients one thread adds up as they come. All that matters is memory: sums have the
 * same order in groups of any power of two. */
static size_t slices_of_group(const Batch *b, size_t slices)
{
    size_t group = 1;
    while (slices / group > b->most_groups)
        group *= 2;
    return group;
}

/* How many groups of slices this rank may have. Spans of slices can be cut into groups where the ranks are a power of two. Within a group gradients are
 * added while they are near, and each second one need not be; what the groups made, other threads read. So there are no more than the threads share
 * evenly. */
static size_t count_groups(const Batch *b)
{
    size_t ranks = b->ranks ? (size_t)b->ranks->ranks : 1, threads = (size_t)b->threads, groups = 1, most = b->slices_room;
    if (!goes_once(b) || ranks & (ranks - 1))
        return most;
    if (threads == 1)
        most = 1;
    else if (adds_at_once(b) && most / 2 >= threads)
        most /= 2;
    while (groups < most && (groups < threads || (groups % threads && near(b->net->model, 2 * groups))))
        groups *= 2;
    return groups;
}

/* Most tiles that this rank has of any batch of up to `images`: of batches with so many slices, the largest. */
static size_t most_tiles(const Batch *b, size_t images)
{
    const cnn_model *model = b->net->model;
    size_t most = 0, ranks = b->ranks ? (size_t)b->ranks->ranks : 1;
    for (size_t slices = cnn_batch_slices(model, images); slices; slices /= 2) {
        size_t low = 0, high = images;          /* low has no more slices than that */
        while (low < high) {
            size_t middle = low + (high - low + 1) / 2;
            if (cnn_batch_slices(model, middle) <= slices)
                low = middle;
            else
                high = middle - 1;
        }
        size_t tiles = low / b->tile + (low % b->tile != 0);
        size_t ours = ((slices + ranks - 1) / ranks) * ((tiles + slices - 1) / slices);
        most = ours > most ? ours : most;
    }
    return most;
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

/* What several ranks need besides. */
static bool get_shared(Batch *b, size_t images, cnn_error *error)
{
    const cnn_model *model = b->net->model;
    size_t slices = cnn_batch_slices(model, images), sums = cnn_ranks_room(b->ranks, slices, b->partial_room, sizeof *b->partial);
    b->incoming_bytes = cnn_ranks_room(b->ranks, slices, model->weight_count, b->net->reals->bytes);
    if (b->incoming_bytes < sums)
        b->incoming_bytes = sums;
    b->incoming = cnn_memory_get(b->incoming_bytes, 1, "the gradients of other ranks", error);
    bool once = false;
    for (int p = 0; p < b->phases; p++)
        once |= b->program->phases[p].once != 0;
    return b->incoming && get(b, &b->losses, images, "the losses of a batch", error)
        && (!once || b->ranks->rank == 0 || get(b, &b->aside, model->weight_count, "a gradient", error));
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

    b->ranks = use == BATCH_TRAIN ? net->ranks : NULL;
    size_t tiles = has_gradient(b) && b->ranks ? most_tiles(b, images) : images / b->tile + (images % b->tile != 0);
    b->room = blocks(tiles, b->tile);
    b->slices_room = tiles;
    size_t buffers = 0, workers = tiles;
    if (has_gradient(b)) {
        /* A smaller batch never has more slices than a larger one, nor larger groups. */
        size_t slices = cnn_batch_slices(model, images), ranks = b->ranks ? (size_t)b->ranks->ranks : 1;
        b->slices_room = (slices + ranks - 1) / ranks;
        b->most_groups = count_groups(b);
        size_t group = slices_of_group(b, b->slices_room);
        workers = b->slices_room / group;
        for (size_t groups = workers; groups > 1; groups /= 2)
            b->sum_depth++;
        while (group >> b->spare > 1)
            b->spare++;
        buffers = workers + (workers < (size_t)b->threads ? workers : (size_t)b->threads) * b->spare;
    }
    workers = workers < (size_t)b->threads ? workers : (size_t)b->threads;
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
             && get(b, &b->images, 1, "a number", error) && get(b, &b->keep, KEEPS, "numbers", error);
    if (good && has_gradient(b))
        good = get(b, &b->share, b->room, "the shares of a batch", error)
            && get(b, &b->sums, blocks((size_t)b->threads * b->sum_depth, PIECE), "sums of gradients", error)
            && get(b, &b->loss, b->room, "the losses of a batch", error)
            && get(b, &b->gradients, blocks(buffers, aligned(b, model->weight_count)), "the gradients", error);
    good = good && cnn_team_new(b, error);
    if (good && (use == BATCH_GRADIENT || use == BATCH_EVAL_GRADIENT))
        good = get(b, &b->dx, blocks(b->room, model->inputs), "the gradient of the images", error);
    if (good && use == BATCH_GRADIENT)
        good = get(b, &b->state, model->state_count, "a copy of the state", error);
    if (good && b->partial_room) {
        b->partial = cnn_memory_get(blocks(b->slices_room, b->partial_room), sizeof *b->partial, "sums over the images", error);
        good = b->partial != NULL;
    }
    if (good && b->ranks)
        good = get_shared(b, images, error);
    if (!good) {
        cnn_batch_free(b);
        return NULL;
    }
    b->gradient = b->gradients;
    net->reals->set(b->keep, KEEP_ALL, 1);
    return b;
}

void cnn_batch_free(Batch *b)
{
    if (!b)
        return;
    void *all[] = { b->x, b->target, b->y, b->dx, b->share, b->loss, b->gradients, b->sums, b->scratch, b->shared, b->state, b->images, b->keep, b->partial,
                    b->aside, b->losses, b->incoming };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnn_memory_release(all[i]);
    cnn_team_free(b);
    cnn_memory_release(b);
}

/* ---- a run */

/* More buffers of a thread lie behind those of all groups. */
static void *spare_gradient(const Run *r, size_t i, int thread)
{
    size_t groups = groups_of(r);
    return gradient_buffer(r->batch, groups + (size_t)thread * r->batch->spare + i);
}

/* What the first tile of a slice leaves of what is there. */
static int first_keep(const Run *r)
{
    return r->batch->gradient == r->batch->gradients ? KEEP_NOTHING : KEEP_STRAIGHT;
}

static cnn_job job_of(const Run *r, void *gradient, int thread)
{
    const Batch *b = r->batch;
    return (cnn_job){ .images = b->images, .weights = cnn_run_weights(r, thread), .state = r->state, .gradient = gradient, .shared = b->shared,
                      .draw = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32), r->step, 0 } };
}

/* Weights whose gradient the only tile has made move while it is near, unless a loss is no number: then they stay as they were. */
static void tell_of_tile(void *context, int32_t tensor, size_t from, size_t count)
{
    Batch *b = context;
    if (!b->seen_loss)
        b->good_loss = b->net->reals->finite(b->loss, b->update_images);
    b->seen_loss = true;
    size_t at = b->net->model->weights[tensor].offset + from;
    Part part = { tensor, from, count, cnn_at(b->net->reals, b->gradient, at), cnn_at(b->net->reals, b->net->weights, at) };
    if (b->good_loss)
        b->mover->move(b->mover->context, &part);
}

/* With several threads it is better that all of them move weights afterwards. */
static bool tile_tells(const Run *r)
{
    const Batch *b = r->batch;
    return r->tiles == 1 && !b->ranks && b->mover && cnn_threads_worth(b->threads, b->net->model->weight_count) == 1;
}

/* Brings the images of a tile. Images that only fill the last tile are copies of its first one, with no share in the loss: a copy cannot bring numbers
 * that no image has. */
static void begin_tile(const Run *r, size_t first, int thread)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    size_t inputs = b->net->model->inputs, outputs = b->net->model->outputs, end = first + b->tile;
    size_t last = end < r->our_images ? end : r->our_images;
    for (size_t i = first; b->bring && i < last; i++)
        b->bring(b->from, i, thread);
    for (size_t i = last; i < end; i++) {
        memcpy(cnn_at(reals, b->x, i * inputs), cnn_at(reals, b->x, first * inputs), inputs * reals->bytes);
        if (has_gradient(b))
            memcpy(cnn_at(reals, b->target, i * outputs), cnn_at(reals, b->target, first * outputs), outputs * reals->bytes);
    }
}

static void run_tile(const Run *r, void *gradient, int keep, size_t tile, int thread)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    const cnn_model *model = b->net->model;
    size_t image = (tile - r->our_tiles.first) * b->tile;
    cnn_job job = job_of(r, gradient, thread);
    if (r->brings)
        begin_tile(r, image, thread);
    job.x = cnn_at(reals, b->x, image * model->inputs);
    job.y = cnn_at(reals, b->y, image * model->outputs);
    job.keep = cnn_at(reals, b->keep, (size_t)keep);
    job.scratch = scratch_of(r, tile, thread);
    job.draw[3] = (uint32_t)(tile * b->tile);
    job.update = tile_tells(r) ? &b->update : NULL;
    if (has_gradient(b)) {
        job.target = cnn_at(reals, b->target, image * model->outputs);
        job.share = cnn_at(reals, b->share, image);
        job.loss = cnn_at(reals, b->loss, image);
        job.dx = b->dx ? cnn_at(reals, b->dx, image * model->inputs) : NULL;
    }
    r->phase->run(&job);
    if (r->ends && b->look && image < r->our_images)
        b->look(b->looker, image, image + b->tile < r->our_images ? b->tile : r->our_images - image, thread);
}

/* keep: what the first tile leaves of what is there. */
static void run_slice(const Run *r, size_t slice, void *gradient, int keep, int thread)
{
    if (r->first && gradient && !r->batch->program->keeps)
        clear_gradient(r, gradient);
    for (size_t first = tile_of(r, slice), tile = first; tile < tile_of(r, slice + 1); tile++)
        run_tile(r, gradient, tile == first ? keep : KEEP_ALL, tile, thread);
}

/* The slices of a group from left to right. What has been added up waits in a stack until its right neighbour of the same size is there:
 * after slice i there are as many as i + 1 has ones in binary. A right neighbour of one tile is added by that itself where it may. */
void cnn_run_group(const Run *r, size_t group, int thread)
{
    const Batch *b = r->batch;
    void *stack[64];
    size_t depth = 0;
    for (size_t i = 0; i < r->group; i++) {
        size_t slice = r->ours.first + group * r->group + i, whole = i;
        if (i & 1 && adds_at_once(b) && tile_of(r, slice + 1) - tile_of(r, slice) == 1) {
            run_slice(r, slice, stack[depth - 1], KEEP_ALL, thread);
            whole >>= 1;
        } else {
            stack[depth] = depth ? spare_gradient(r, depth - 1, thread) : gradient_of(r, group);
            run_slice(r, slice, stack[depth], first_keep(r), thread);
            depth++;
        }
        for (; whole & 1; whole >>= 1, depth--)
            b->net->reals->add(stack[depth - 2], stack[depth - 1], b->net->model->weight_count);
    }
}

static void run_group(void *context, size_t group, int thread)
{
    cnn_run_group(context, group, thread);
}

/* ---- shares */

Run cnn_run_of(const Batch *b, int rank, size_t count)
{
    Run r = { .batch = (Batch *)b, .images = count, .tiles = (count + b->tile - 1) / b->tile, .brings = true, .first = true };
    r.slices = has_gradient(b) ? cnn_batch_slices(b->net->model, count) : r.tiles;
    r.ours = cnn_ranks_span(b->ranks, rank, r.slices);
    r.our_tiles = (Span){ tile_of(&r, r.ours.first), tile_of(&r, r.ours.end) };
    size_t end = r.our_tiles.end * b->tile < count ? r.our_tiles.end * b->tile : count;
    r.our_images = end - (r.our_tiles.first * b->tile < end ? r.our_tiles.first * b->tile : end);
    r.group = has_gradient(b) ? slices_of_group(b, r.ours.end - r.ours.first) : 1;
    return r;
}

Span cnn_batch_part(const Batch *b, size_t count)
{
    Run r = cnn_run_of(b, b->ranks ? b->ranks->rank : 0, count);
    return (Span){ r.our_tiles.first * b->tile, r.our_tiles.first * b->tile + r.our_images };
}

/* ---- a step */

/* Every image has the same share in the loss, what only fills the last tile has none. */
static void share_loss(const Run *r)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    reals->fill(b->share, 1 / (double)r->images, r->our_images);
    reals->fill(cnn_at(reals, b->share, r->our_images), 0, (r->our_tiles.end - r->our_tiles.first) * b->tile - r->our_images);
}

void *cnn_batch_gradient(const Batch *b, size_t count)
{
    bool one_slice = cnn_run_of(b, b->ranks ? b->ranks->rank : 0, count).slices == 1;
    return b->straight && b->program->keeps && one_slice ? b->straight : b->gradients;
}

bool cnn_batch_step(Batch *b, size_t count, uint64_t seed, uint32_t step, double *loss, cnn_error *error)
{
    const cnn_net *net = b->net;
    const Reals *reals = net->reals;
    Run run = cnn_run_of(b, b->ranks ? b->ranks->rank : 0, count);
    size_t groups = groups_of(&run);
    run.state = net->state;
    run.seed = seed;
    run.step = step;
    if (b->use == BATCH_GRADIENT) {
        run.state = b->state;
        memcpy(b->state, net->state, net->model->state_count * reals->bytes);
    }
    if (b->dx)
        memset(b->dx, 0, run.tiles * b->tile * net->model->inputs * reals->bytes);
    reals->set(b->images, 0, (double)count);
    b->gradient = cnn_batch_gradient(b, count);
    b->update = (cnn_update){ tell_of_tile, b };
    b->update_images = count;
    b->seen_loss = false;
    reals->set(b->keep, KEEP_STRAIGHT, b->straight_keep);
    if (has_gradient(b))
        share_loss(&run);

    bool prepared = b->use == BATCH_INFER && b->seen == net->version;
    int last = b->phases - 1;
    while (last > 0 && b->program->phases[last].once)
        last--;
    for (int p = 0; p < b->phases; p++) {
        run.phase = &b->program->phases[p];
        if (run.phase->once) {
            /* A gradient that is made once belongs to the first slice, which must have begun at 0. */
            if (run.first && has_gradient(b) && !prepared && !b->program->keeps)
                for (size_t group = 0; group < groups; group++)
                    clear_gradient(&run, gradient_of(&run, group));
            run.first = false;
            cnn_job job = job_of(&run, b->aside ? b->aside : gradient_of(&run, 0), 0);
            if (!prepared)
                run.phase->run(&job);
        } else {
            run.ends = p == last;
            /* One group each, the same in each step: its buffers are still near. */
            if (!cnn_run_team(&run))
                (groups <= (size_t)b->threads ? cnn_threads_share : cnn_threads_each)(cnn_threads_worth(b->threads, run.our_images * net->model->weight_count),
                                                                                    groups, run_group, &run);
            run.first = run.brings = false;
        }
        for (int s = 0; s < run.phase->sum_count; s++)
            if (!cnn_run_add_up(&run, &run.phase->sums[s], error))
                return false;
    }
    b->seen = net->version;
    b->bring = NULL;
    b->look = NULL;
    *loss = 0;
    if (!has_gradient(b))
        return true;
    if (!cnn_run_mean_loss(&run, loss, error))
        return false;
    if (b->moved)
        return true;
    run.tells = b->mover && !b->ranks && isfinite(*loss);
    return cnn_run_add_gradients(&run, error);
}

void cnn_batch_moved(Batch *b)
{
    if (b->moved)
        b->copied = b->net->version;
}

double cnn_batch_run(Batch *b, size_t count, uint64_t seed, uint32_t step)
{
    double loss;
    cnn_batch_step(b, count, seed, step, &loss, NULL);
    return loss;
}
