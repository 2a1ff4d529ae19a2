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

/* gradient: of weights [from, end). */
static void tell_of_weights(const Batch *b, size_t from, size_t end, const void *gradient)
{
    const cnn_model *model = b->net->model;
    for (int i = tensor_at(model, from); i < model->weight_tensors && model->weights[i].offset < end; i++) {
        const cnn_tensor *t = &model->weights[i];
        size_t first = from > t->offset ? from - t->offset : 0, last = end - t->offset < t->count ? end - t->offset : t->count;
        Part part = { i, first, last - first, cnn_at(b->net->reals, gradient, t->offset + first - from) };
        b->mover->move(b->mover->context, &part);
    }
}

static size_t pieces_of(const Batch *b)
{
    return (b->net->model->weight_count + PIECE - 1) / PIECE;
}

/* Pieces that a thread adds up where each thread has a group. */
static Span share_of(const Batch *b, size_t thread)
{
    size_t threads = (size_t)b->threads, pieces = pieces_of(b);
    return (Span){ thread * pieces / threads, (thread + 1) * pieces / threads };
}

size_t cnn_run_largest_share(const Batch *b)
{
    return (pieces_of(b) / (size_t)b->threads + 1) * PIECE;
}

/* Weights of those pieces. */
static Span weights_of(const Batch *b, Span pieces)
{
    size_t all = b->net->model->weight_count;
    return (Span){ pieces.first * PIECE, pieces.end * PIECE < all ? pieces.end * PIECE : all };
}

void cnn_run_send(const Run *r, size_t group)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    for (size_t to = 0; to < groups_of(r); to++) {
        Span w = weights_of(b, share_of(b, to));
        if (to != group && w.first < w.end)
            memcpy(cnn_letter(&b->letters, group, to), cnn_at(reals, gradient_of(r, group), w.first), (w.end - w.first) * reals->bytes);
    }
}

/* What a group made, numbers from `from` on, for the thread that adds them up. */
static const void *made_by(const Run *r, size_t group, size_t from, int thread)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    if (!r->sends || group == (size_t)thread)
        return cnn_at(reals, gradient_of(r, group), from);
    return cnn_at(reals, cnn_letter(&b->letters, group, (size_t)thread), from - share_of(b, (size_t)thread).first * PIECE);
}

/* The sum of the gradients of `groups` from `group` on, numbers [w.first, w.end), as each_pair adds them: in `room`, or where it is. */
static const void *sum_of_groups(const Run *r, size_t group, size_t groups, Span w, char *room, int thread)
{
    const Reals *reals = r->batch->net->reals;
    if (groups == 1)
        return made_by(r, group, w.first, thread);
    const void *left = sum_of_groups(r, group, groups / 2, w, room, thread);
    if (left != room)
        memcpy(room, left, (w.end - w.first) * reals->bytes);
    reals->add(room, sum_of_groups(r, group + groups / 2, groups / 2, w, room + PIECE * reals->bytes, thread), w.end - w.first);
    return room;
}

/* Gradients of our groups, one piece of them, by which its weights may move while it is near. */
static void add_piece(void *context, size_t piece, int thread)
{
    const Run *r = context;
    const Batch *b = r->batch;
    Span w = weights_of(b, (Span){ piece, piece + 1 });
    Gradients g = { r, w.first, w.end - w.first };
    if (!r->tells) {
        each_pair(r, r->group, add_gradient, &g);
        return;
    }
    char *room = cnn_at(b->net->reals, b->sums, (size_t)thread * b->sum_depth * PIECE);
    tell_of_weights(b, w.first, w.end, sum_of_groups(r, 0, r->slices / r->group, w, room, thread));
}

/* What a thread adds up of what the others sent it. The next piece is on its way meanwhile. */
static void add_share(void *context, size_t share, int ignored)
{
    (void)ignored;
    const Run *r = context;
    Span pieces = share_of(r->batch, share);
    for (size_t piece = pieces.first; piece < pieces.end; piece++) {
        Span next = { piece + (piece > pieces.first), piece + 1 < pieces.end ? piece + 2 : piece + 1 };
        Span w = weights_of(r->batch, next);
        for (size_t group = 0; group < groups_of(r); group++)
            if (group != share && w.first < w.end)
                cnn_letter_fetch(made_by(r, group, w.first, (int)share), (w.end - w.first) * r->batch->net->reals->bytes);
        add_piece(context, piece, (int)share);
    }
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
    if (groups > 1 && r->tells && r->sends)
        cnn_threads_share(b->threads, groups, add_share, r);
    else if (groups > 1)
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
