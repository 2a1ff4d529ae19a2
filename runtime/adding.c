/* adding.c: what tiles and slices made, added up in an order that depends on nothing but how many slices there are. */
#include "run.h"
#include "threads.h"

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

bool cnn_run_add_up(const Run *r, const cnn_sum *sum, cnn_error *error)
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

/* The tensor in which weight `at` lies, or the first behind it. */
static int tensor_at(const cnn_model *model, size_t at)
{
    int low = 0, high = model->weight_tensors;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (model->weights[middle].offset + model->weights[middle].count <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* gradient: of weights w. */
void cnn_run_tell(const Batch *b, Span w, const void *gradient, void *weights)
{
    const cnn_model *model = b->net->model;
    const Reals *reals = b->net->reals;
    for (int i = tensor_at(model, w.first); i < model->weight_tensors && model->weights[i].offset < w.end; i++) {
        const cnn_tensor *t = &model->weights[i];
        size_t first = w.first > t->offset ? w.first - t->offset : 0, last = w.end - t->offset < t->count ? w.end - t->offset : t->count;
        Part part = { i, first, last - first, cnn_at(reals, gradient, t->offset + first - w.first), cnn_at(reals, weights, t->offset + first) };
        b->mover->move(b->mover->context, &part);
    }
}

const void *cnn_run_sum(const Reals *reals, const void *const *array, size_t parts, size_t count, char *room)
{
    if (parts == 1)
        return array[0];
    const void *left = cnn_run_sum(reals, array, parts / 2, count, room);
    if (left != room)
        memcpy(room, left, count * reals->bytes);
    reals->add(room, cnn_run_sum(reals, array + parts / 2, parts / 2, count, room + PIECE * reals->bytes), count);
    return room;
}

/* Gradients of our groups, one piece of them, by which its weights may move while it is near. */
static void add_piece(void *context, size_t piece, int thread)
{
    const Run *r = context;
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    size_t groups = r->slices / r->group;
    Span w = piece_at(b, piece);
    Gradients g = { r, w.first, w.end - w.first };
    if (!r->tells) {
        each_pair(r, r->group, add_gradient, &g);
        return;
    }
    const void *parts[MOST_SLICES];
    for (size_t group = 0; group < groups; group++)
        parts[group] = cnn_at(reals, gradient_of(r, group), w.first);
    char *room = cnn_at(reals, b->sums, (size_t)thread * b->sum_depth * PIECE);
    cnn_run_tell(b, w, cnn_run_sum(reals, parts, groups, g.count, room), b->net->weights);
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

bool cnn_run_add_gradients(Run *r, cnn_error *error)
{
    Batch *b = r->batch;
    size_t count = b->net->model->weight_count, groups = groups_of(r);
    if (groups > 1)
        cnn_threads_share(cnn_threads_worth(b->threads, groups * count), pieces_of(b), add_piece, r);
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
        Run theirs = cnn_run_of(b, rank, r->images);
        blocks[rank] = (cnn_block){ theirs.our_tiles.first * b->tile * bytes, theirs.our_images * bytes };
        if (!blocks[rank].bytes)
            blocks[rank].at = 0;
    }
    Span ours = cnn_batch_part(b, r->images);
    memcpy(cnn_at(b->net->reals, b->losses, ours.first), b->loss, (ours.end - ours.first) * bytes);
    return b->ranks->gather(b->ranks->context, b->losses, blocks, error);
}

bool cnn_run_mean_loss(const Run *r, double *loss, cnn_error *error)
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
