/* batch.c: tiles, slices, barriers and sums in a fixed order. */
#include "batch.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

#include <string.h>

enum { LEAST_IMAGES = 8 };      /* of a slice: adding its gradient must cost little beside making it, */
enum { FAR_IMAGES = 32 };       /* also where the gradients of all slices leave the cache */
enum { NEAR_SLICES = 32 };
enum { MOST_SLICES = 1024 };    /* and so ranks */
#define MOST_BYTES ((size_t)256 << 20)          /* of the gradients that are near */
enum { PIECE = 1 << 12 };       /* reals of the gradients that are added at a time: the pieces of all slices fit into a cache */
enum { ALIGNED = 64 };          /* bytes */

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

/* How many groups of slices this rank may have. Spans of slices can be cut into groups where the ranks are a power of two. The more there are, the
 * better the threads share them, but within a group gradients are added while they are near, and each second one need not be. */
static size_t count_groups(const Batch *b)
{
    size_t ranks = b->ranks ? (size_t)b->ranks->ranks : 1, threads = (size_t)b->threads, groups = 1, most = b->slices_room;
    if (!goes_once(b) || ranks & (ranks - 1))
        return most;
    if (threads == 1)
        most = 1;
    else if (adds_at_once(b) && most / 2 >= threads)
        most /= 2;
    while (groups < most && (groups < threads || near(b->net->model, 2 * groups)))
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
            && get(b, &b->loss, b->room, "the losses of a batch", error)
            && get(b, &b->gradients, blocks(buffers, aligned(b, model->weight_count)), "the gradients", error);
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
    void *all[] = { b->x, b->target, b->y, b->dx, b->share, b->loss, b->gradients, b->scratch, b->shared, b->state, b->images, b->keep, b->partial,
                    b->aside, b->losses, b->incoming };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnn_memory_release(all[i]);
    cnn_memory_release(b);
}

/* ---- a run */

typedef struct Run {
    Batch *batch;
    const cnn_phase *phase;
    size_t images, tiles, slices;               /* of the whole batch */
    Span ours, our_tiles;       /* slices and tiles of this rank; tile t lies at t - our_tiles.first */
    size_t our_images;
    size_t group;               /* slices */
    bool first;                 /* the first phase over the images: gradients begin at 0 */
    void *state;
    uint64_t seed;
    uint32_t step;
} Run;

static void *gradient_buffer(const Batch *b, size_t i)
{
    return has_gradient(b) ? cnn_at(b->net->reals, b->gradients, i * aligned(b, b->net->model->weight_count)) : NULL;
}

/* The sum of a group. */
static void *gradient_of(const Run *r, size_t group)
{
    return group ? gradient_buffer(r->batch, group) : r->batch->gradient;
}

/* More buffers of a thread lie behind those of all groups. */
static void *spare_gradient(const Run *r, size_t i, int thread)
{
    size_t groups = (r->ours.end - r->ours.first) / r->group;
    return gradient_buffer(r->batch, groups + (size_t)thread * r->batch->spare + i);
}

/* What the first tile of a slice leaves of what is there. */
static int first_keep(const Run *r)
{
    return r->batch->gradient == r->batch->gradients ? KEEP_NOTHING : KEEP_STRAIGHT;
}

static void clear_gradient(const Run *r, void *gradient)
{
    memset(gradient, 0, r->batch->net->model->weight_count * r->batch->net->reals->bytes);
}

/* The first tile of a slice. */
static size_t tile_of(const Run *r, size_t slice)
{
    return slice * r->tiles / r->slices;
}

static void *scratch_of(const Run *r, size_t tile, int thread)
{
    const Batch *b = r->batch;
    size_t block = b->private_scratch ? tile - r->our_tiles.first : (size_t)thread;
    return cnn_at(b->net->reals, b->scratch, block * aligned(b, b->program->scratch));
}

static cnn_job job_of(const Run *r, void *gradient)
{
    const Batch *b = r->batch;
    return (cnn_job){ .images = b->images, .weights = b->net->weights, .state = r->state, .gradient = gradient, .shared = b->shared,
                      .draw = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32), r->step, 0 } };
}

static void run_tile(const Run *r, void *gradient, int keep, size_t tile, int thread)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    const cnn_model *model = b->net->model;
    size_t image = (tile - r->our_tiles.first) * b->tile;
    cnn_job job = job_of(r, gradient);
    job.x = cnn_at(reals, b->x, image * model->inputs);
    job.y = cnn_at(reals, b->y, image * model->outputs);
    job.keep = cnn_at(reals, b->keep, (size_t)keep);
    job.scratch = scratch_of(r, tile, thread);
    job.draw[3] = (uint32_t)(tile * b->tile);
    job.update = r->tiles == 1 && !b->ranks ? b->update : NULL;
    if (has_gradient(b)) {
        job.target = cnn_at(reals, b->target, image * model->outputs);
        job.share = cnn_at(reals, b->share, image);
        job.loss = cnn_at(reals, b->loss, image);
        job.dx = b->dx ? cnn_at(reals, b->dx, image * model->inputs) : NULL;
    }
    r->phase->run(&job);
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
static void run_group(void *context, size_t group, int thread)
{
    const Run *r = context;
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

/* ---- shares */

static Run run_of(const Batch *b, int rank, size_t count)
{
    Run r = { .batch = (Batch *)b, .images = count, .tiles = (count + b->tile - 1) / b->tile, .first = true };
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
    Run r = run_of(b, b->ranks ? b->ranks->rank : 0, count);
    return (Span){ r.our_tiles.first * b->tile, r.our_tiles.first * b->tile + r.our_images };
}

/* ---- sums over the slices */

/* Calls add for all pairs of nodes of the tree that are ours, smaller ones first: sizes and places in things of `unit` slices. */
static void each_pair(const Run *r, size_t unit, void (*add)(void *context, size_t left, size_t right), void *context)
{
    size_t first = r->ours.first / unit, end = r->ours.end / unit;
    for (size_t apart = 1; apart < r->slices / unit; apart *= 2)
        for (size_t left = (first + 2 * apart - 1) / (2 * apart) * (2 * apart); left + 2 * apart <= end; left += 2 * apart)
            add(context, left - first, left - first + apart);
}

/* Sums of this rank's roots, into those of all ranks. places: of things of `unit` slices. */
static bool join(const Run *r, const Reals *reals, char *array, size_t stride, size_t unit, size_t count, cnn_error *error)
{
    const Batch *b = r->batch;
    void *roots[2 * 64];        /* a span has at most two nodes of each size */
    size_t found = 0;
    for (size_t at = r->ours.first; at < r->ours.end; at += cnn_ranks_root(r->ours, at))
        roots[found++] = array + (at - r->ours.first) / unit * stride;
    Tree tree = { b->ranks, reals->add, reals->bytes, b->threads, b->incoming, b->incoming_bytes };
    return cnn_ranks_tree(&tree, r->slices, roots, array, count, error);
}

typedef struct Partial {
    double *partial;
    size_t count;
} Partial;

static void add_partial(void *context, size_t left, size_t right)
{
    const Partial *p = context;
    cnn_reals_double.add(p->partial + left * p->count, p->partial + right * p->count, p->count);
}

/* shared[to + i] = sum over the tiles of scratch[from + i]: in each slice in order, then over the slices as a tree. */
static bool add_up(const Run *r, const cnn_sum *sum, cnn_error *error)
{
    Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    Partial p = { b->partial, sum->count };
    for (size_t slice = r->ours.first; slice < r->ours.end; slice++) {
        double *partial = b->partial + (slice - r->ours.first) * sum->count;
        memset(partial, 0, sum->count * sizeof *partial);
        for (size_t tile = tile_of(r, slice); tile < tile_of(r, slice + 1); tile++)
            reals->sum(partial, cnn_at(reals, scratch_of(r, tile, 0), sum->from), sum->count);
    }
    each_pair(r, 1, add_partial, &p);
    if (b->ranks && !join(r, &cnn_reals_double, (char *)b->partial, sum->count * sizeof *b->partial, 1, sum->count, error))
        return false;
    reals->from_doubles(cnn_at(reals, b->shared, sum->to), b->partial, sum->count);
    return true;
}

typedef struct Gradients {
    const Run *run;
    size_t from, count;         /* reals */
} Gradients;

static void add_gradient(void *context, size_t left, size_t right)
{
    const Gradients *g = context;
    const Reals *reals = g->run->batch->net->reals;
    reals->add(cnn_at(reals, gradient_of(g->run, left), g->from), cnn_at(reals, gradient_of(g->run, right), g->from), g->count);
}

/* Gradients of our groups, one piece of them. */
static void add_piece(void *context, size_t piece, int thread)
{
    (void)thread;
    const Run *r = context;
    size_t from = piece * PIECE, all = r->batch->net->model->weight_count;
    Gradients g = { r, from, all - from < PIECE ? all - from : PIECE };
    each_pair(r, r->group, add_gradient, &g);
}

/* Without an order there is one sum a rank. */
static bool join_in_any_order(const Run *r, cnn_error *error)
{
    const Batch *b = r->batch;
    Gradients g = { r, 0, b->net->model->weight_count };
    for (size_t at = r->ours.first; at < r->ours.end; at += cnn_ranks_root(r->ours, at))
        if (at != r->ours.first)
            add_gradient(&g, 0, (at - r->ours.first) / r->group);
    if (r->ours.first == r->ours.end)
        clear_gradient(r, b->gradient);
    return b->ranks->sum(b->ranks->context, b->gradient, b->net->model->real_bytes, g.count, error);
}

static bool add_gradients(Run *r, cnn_error *error)
{
    Batch *b = r->batch;
    size_t count = b->net->model->weight_count, groups = (r->ours.end - r->ours.first) / r->group;
    if (groups > 1)
        cnn_threads_each(cnn_threads_worth(b->threads, groups * count), (count + PIECE - 1) / PIECE, add_piece, r);
    if (!b->ranks)
        return true;
    if (b->any_order)
        return join_in_any_order(r, error);
    return join(r, b->net->reals, b->gradient, aligned(b, count) * b->net->reals->bytes, r->group, count, error);
}

/* Every rank has the losses of its own images: now all of them. */
static bool gather_losses(const Run *r, cnn_error *error)
{
    const Batch *b = r->batch;
    size_t bytes = b->net->reals->bytes;
    cnn_block *blocks = b->incoming;
    for (int rank = 0; rank < b->ranks->ranks; rank++) {
        Run theirs = run_of(b, rank, r->images);
        blocks[rank] = (cnn_block){ theirs.our_tiles.first * b->tile * bytes, theirs.our_images * bytes };
        if (!blocks[rank].bytes)
            blocks[rank].at = 0;
    }
    Span ours = cnn_batch_part(b, r->images);
    memcpy(cnn_at(b->net->reals, b->losses, ours.first), b->loss, (ours.end - ours.first) * bytes);
    return b->ranks->gather(b->ranks->context, b->losses, blocks, error);
}

/* The mean of all losses, in the order of the images. */
static bool mean_loss(const Run *r, double *loss, cnn_error *error)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    const void *losses = b->ranks ? b->losses : b->loss;
    if (b->ranks && !gather_losses(r, error))
        return false;
    *loss = 0;
    for (size_t i = 0; i < r->images; i++)
        *loss += reals->get(losses, i);
    *loss /= (double)r->images;
    return true;
}

/* Images that only fill the last tile are copies of its first one, with no share in the loss: a copy cannot bring numbers that no
 * image has. */
static void fill_last_tile(const Run *r)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    size_t inputs = b->net->model->inputs, outputs = b->net->model->outputs, ours = r->our_tiles.end - r->our_tiles.first;
    if (!ours)
        return;
    size_t from = (ours - 1) * b->tile;
    for (size_t i = r->our_images; i < ours * b->tile; i++) {
        memcpy(cnn_at(reals, b->x, i * inputs), cnn_at(reals, b->x, from * inputs), inputs * reals->bytes);
        if (has_gradient(b))
            memcpy(cnn_at(reals, b->target, i * outputs), cnn_at(reals, b->target, from * outputs), outputs * reals->bytes);
    }
    if (has_gradient(b)) {
        reals->fill(b->share, 1 / (double)r->images, r->our_images);
        reals->fill(cnn_at(reals, b->share, r->our_images), 0, ours * b->tile - r->our_images);
    }
}

void *cnn_batch_gradient(const Batch *b, size_t count)
{
    bool one_slice = run_of(b, b->ranks ? b->ranks->rank : 0, count).slices == 1;
    return b->straight && b->program->keeps && one_slice ? b->straight : b->gradients;
}

bool cnn_batch_step(Batch *b, size_t count, uint64_t seed, uint32_t step, double *loss, cnn_error *error)
{
    const cnn_net *net = b->net;
    const Reals *reals = net->reals;
    Run run = run_of(b, b->ranks ? b->ranks->rank : 0, count);
    size_t groups = (run.ours.end - run.ours.first) / run.group;
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
    reals->set(b->keep, KEEP_STRAIGHT, b->straight_keep);
    fill_last_tile(&run);

    bool prepared = b->use == BATCH_INFER && b->seen == net->version;
    for (int p = 0; p < b->phases; p++) {
        run.phase = &b->program->phases[p];
        if (run.phase->once) {
            /* A gradient that is made once belongs to the first slice, which must have begun at 0. */
            if (run.first && has_gradient(b) && !prepared && !b->program->keeps)
                for (size_t group = 0; group < groups; group++)
                    clear_gradient(&run, gradient_of(&run, group));
            run.first = false;
            cnn_job job = job_of(&run, b->aside ? b->aside : gradient_of(&run, 0));
            if (!prepared)
                run.phase->run(&job);
        } else {
            /* One group each: that of the images which the thread has brought (feed.c). */
            (groups <= (size_t)b->threads ? cnn_threads_share : cnn_threads_each)(cnn_threads_worth(b->threads, run.our_images * net->model->weight_count),
                                                                                groups, run_group, &run);
            run.first = false;
        }
        for (int s = 0; s < run.phase->sum_count; s++)
            if (!add_up(&run, &run.phase->sums[s], error))
                return false;
    }
    b->seen = net->version;
    *loss = 0;
    return !has_gradient(b) || (add_gradients(&run, error) && mean_loss(&run, loss, error));
}

double cnn_batch_run(Batch *b, size_t count, uint64_t seed, uint32_t step)
{
    double loss;
    cnn_batch_step(b, count, seed, step, &loss, NULL);
    return loss;
}
