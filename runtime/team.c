/* team.c: a step of threads that have a group of slices each.
 *
 * Each runs its group, and sends to every other one the gradients of the weights that those move. They meet. Each adds up the gradients of its share, in
 * the order that holds for any number of threads, moves the weights of it, and answers every letter with them. They meet again, and take the answers.
 *
 * Every thread has weights of its own, the first one those of the network: of what many read, each line would be slow to write (letters.h). */
#include "run.h"
#include "memory.h"
#include "threads.h"

#define MOST_BYTES ((size_t)64 << 20)           /* of the weights of all threads: larger ones do not stay in a cache between two steps anyway */

/* Pieces whose weights a thread moves. */
static Span share_of(const Batch *b, size_t thread)
{
    size_t threads = b->letters.threads, pieces = pieces_of(b);
    return (Span){ thread * pieces / threads, (thread + 1) * pieces / threads };
}

static size_t bytes_of(const Batch *b, Span weights)
{
    return (weights.end - weights.first) * b->net->reals->bytes;
}

/* Gradients are complete when all tiles have run their one phase over the images, if it is the last phase; what runs once before, only prepares. */
static bool ends_with_tiles(const Batch *b)
{
    return !b->private_scratch && !b->program->phases[b->phases - 1].once;
}

bool cnn_team_new(Batch *b, cnn_error *error)
{
    size_t threads = (size_t)b->threads, all = b->net->model->weight_count;
    if (b->use != BATCH_TRAIN || b->ranks || threads < 2 || !ends_with_tiles(b) || b->most_groups != threads
        || all > MOST_BYTES / threads / b->net->reals->bytes)
        return true;
    b->copies = cnn_memory_get((threads - 1) * aligned(b, all), b->net->reals->bytes, "the weights of the threads", error);
    return b->copies && cnn_letters_new(&b->letters, threads, (pieces_of(b) / threads + 1) * PIECE * b->net->reals->bytes, error);
}

void cnn_team_free(Batch *b)
{
    cnn_letters_free(&b->letters);
    cnn_memory_release(b->copies);
}

void *cnn_run_weights(const Run *r, int thread)
{
    const Batch *b = r->batch;
    return r->team && thread ? cnn_at(b->net->reals, b->copies, (size_t)(thread - 1) * aligned(b, b->net->model->weight_count)) : b->net->weights;
}

/* The letter that `from` writes to `to` about weights of its share, at weight `at`; and its answer. */
static void *letter(const Batch *b, size_t from, size_t to, size_t at)
{
    return cnn_at(b->net->reals, cnn_letter(&b->letters, from, to), at - share_of(b, to).first * PIECE);
}

static void send(const Run *r, size_t me)
{
    const Batch *b = r->batch;
    for (size_t to = 0; to < b->letters.threads; to++) {
        Span w = weights_in(b, share_of(b, to));
        if (to != me && w.first < w.end)
            memcpy(letter(b, me, to, w.first), cnn_at(b->net->reals, gradient_of(r, me), w.first), bytes_of(b, w));
    }
}

static void fetch(const Batch *b, size_t from, size_t to, size_t piece)
{
    if (piece < share_of(b, to).end)
        cnn_letter_fetch(letter(b, from, to, piece * PIECE), bytes_of(b, piece_at(b, piece)));
}

static void move(const Run *r, size_t me)
{
    const Batch *b = r->batch;
    const Reals *reals = b->net->reals;
    Span share = share_of(b, me);
    void *room = cnn_at(reals, b->sums, me * b->sum_depth * PIECE), *weights = cnn_run_weights(r, (int)me);
    for (size_t other = 0; other < b->letters.threads; other++)
        if (other != me)
            fetch(b, other, me, share.first);
    for (size_t piece = share.first; piece < share.end; piece++) {
        Span w = piece_at(b, piece);
        const void *parts[MOST_SLICES];
        for (size_t other = 0; other < b->letters.threads; other++) {
            parts[other] = other == me ? cnn_at(reals, gradient_of(r, me), w.first) : letter(b, other, me, w.first);
            if (other != me)
                fetch(b, other, me, piece + 1);         /* on its way meanwhile */
        }
        cnn_run_tell(b, w, cnn_run_sum(reals, parts, b->letters.threads, w.end - w.first, room), weights);
        for (size_t other = 0; other < b->letters.threads; other++)
            if (other != me)
                memcpy(letter(b, other, me, w.first), cnn_at(reals, weights, w.first), bytes_of(b, w));
    }
}

static void take_answers(const Run *r, size_t me)
{
    const Batch *b = r->batch;
    for (size_t other = 0; other < b->letters.threads; other++) {
        Span share = share_of(b, other);
        for (size_t piece = share.first; other != me && piece < share.end; piece++) {
            Span w = piece_at(b, piece);
            if (piece == share.first)
                fetch(b, me, other, piece);
            fetch(b, me, other, piece + 1);
            memcpy(cnn_at(b->net->reals, cnn_run_weights(r, (int)me), w.first), letter(b, me, other, w.first), bytes_of(b, w));
        }
    }
}

static void work(void *context, int thread)
{
    Run *r = context;
    Batch *b = r->batch;
    size_t me = (size_t)thread;
    if (me && b->copied != b->net->version)
        memcpy(cnn_run_weights(r, thread), b->net->weights, b->net->model->weight_count * b->net->reals->bytes);
    cnn_run_group(r, me, thread);
    send(r, me);
    cnn_threads_meet();
    if (!b->net->reals->finite(b->loss, r->our_images))         /* all threads see the same losses */
        return;
    move(r, me);
    cnn_threads_meet();
    take_answers(r, me);
    if (!me)
        b->moved = true;
}

bool cnn_run_team(Run *r)
{
    Batch *b = r->batch;
    size_t groups = groups_of(r);
    b->moved = false;
    r->team = b->letters.threads && b->mover && groups == b->letters.threads
           && cnn_threads_worth(b->threads, groups * b->net->model->weight_count) == b->threads;
    r->team = r->team && cnn_threads_team(b->threads, work, r);
    return r->team;
}
