/* ranks.c: spans, agreement and trees over several processes. */
#include "ranks.h"
#include "fail.h"
#include "memory.h"
#include "threads.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 64 };             /* bytes: alignment of arrays in the working memory */
enum { STRETCH = 1 << 12 };     /* numbers of all roots that are added at a time, within a cache */
#define MOST_ROOM ((size_t)64 << 20)            /* bytes that come in at a time: long messages, and far below 2^31 */

bool cnn_ranks_several(const cnn_ranks *ranks)
{
    return ranks && ranks->ranks > 1;
}

bool cnn_ranks_speaks(const cnn_ranks *ranks)
{
    return !ranks || ranks->rank == 0;
}

/* The first of `count` things of a rank. Rounded up, so that the first thing is rank 0's even if there are fewer of them than ranks. */
static size_t first_of(const cnn_ranks *ranks, int rank, size_t count)
{
    size_t all = (size_t)ranks->ranks, r = (size_t)rank;
    return count / all * r + (count % all * r + all - 1) / all;
}

Span cnn_ranks_span(const cnn_ranks *ranks, int rank, size_t count)
{
    if (!cnn_ranks_several(ranks))
        return (Span){ 0, count };
    return (Span){ first_of(ranks, rank, count), first_of(ranks, rank + 1, count) };
}

/* ---- agreement */

static cnn_block *blocks_new(const cnn_ranks *ranks, size_t lists, cnn_error *error)
{
    return cnn_memory_get((size_t)ranks->ranks, lists * sizeof(cnn_block), "a list of ranks", error);
}

bool cnn_ranks_gather(const cnn_ranks *ranks, void *all, size_t count, size_t size, cnn_error *error)
{
    if (!cnn_ranks_several(ranks))
        return true;
    cnn_block *blocks = blocks_new(ranks, 1, error);
    if (!blocks)
        return false;
    bool good = true;
    size_t some = size < MOST_ROOM ? MOST_ROOM / size : 1;      /* things at a time */
    for (size_t from = 0; good && from < count; from += some) {
        size_t end = count - from < some ? count : from + some;
        for (int r = 0; r < ranks->ranks; r++) {
            Span s = cnn_ranks_span(ranks, r, count);
            s.first = s.first < from ? from : s.first > end ? end : s.first;
            s.end = s.end < s.first ? s.first : s.end > end ? end : s.end;
            blocks[r] = (cnn_block){ (s.first - from) * size, (s.end - s.first) * size };
        }
        good = ranks->gather(ranks->context, (char *)all + from * size, blocks, error);
    }
    cnn_memory_release(blocks);
    return good;
}

bool cnn_ranks_broadcast(const cnn_ranks *ranks, void *data, size_t bytes, cnn_error *error)
{
    return !cnn_ranks_several(ranks) || !bytes || ranks->broadcast(ranks->context, data, bytes, 0, error);
}

/* The first rank that says so, or -1 in *first. */
static bool first_that(const cnn_ranks *ranks, bool says, int *first, cnn_error *error)
{
    unsigned char *flags = cnn_memory_get((size_t)ranks->ranks, 1, "a list of ranks", error);
    if (!flags)
        return false;
    flags[ranks->rank] = says;
    bool good = cnn_ranks_gather(ranks, flags, (size_t)ranks->ranks, 1, error);
    *first = -1;
    for (int r = ranks->ranks; good && r-- > 0;)
        if (flags[r])
            *first = r;
    cnn_memory_release(flags);
    return good;
}

bool cnn_ranks_agree(const cnn_ranks *ranks, bool *together, bool good, cnn_error *error)
{
    if (!cnn_ranks_several(ranks))
        return good;
    int first;
    cnn_error said = { "" }, broken = { "" };
    if (!first_that(ranks, !good, &first, &broken))
        return cnn_fail(error, "%s", good || cnn_fail_empty(error) ? broken.text : error->text);
    if (first < 0)
        return true;
    if (ranks->rank == first && error)
        said = *error;
    if (!ranks->broadcast(ranks->context, &said, sizeof said, first, error))
        return false;
    *together = true;
    return first ? cnn_fail(error, "rank %d: %s", first, said.text) : cnn_fail(error, "%s", said.text);
}

bool cnn_ranks_any(const cnn_ranks *ranks, bool *flag, cnn_error *error)
{
    int first;
    if (!cnn_ranks_several(ranks))
        return true;
    if (!first_that(ranks, *flag, &first, error))
        return false;
    *flag = first >= 0;
    return true;
}

/* ---- trees */

size_t cnn_ranks_root(Span span, size_t at)
{
    size_t leaves = 1;
    while (at % (2 * leaves) == 0 && at + 2 * leaves <= span.end)
        leaves *= 2;
    return leaves;
}

static size_t roots_of(Span span)
{
    size_t count = 0;
    for (size_t at = span.first; at < span.end; at += cnn_ranks_root(span, at))
        count++;
    return count;
}

static size_t all_roots(const cnn_ranks *ranks, size_t slices, size_t *most)
{
    size_t all = 0;
    *most = 0;
    for (int r = 0; r < ranks->ranks; r++) {
        size_t roots = roots_of(cnn_ranks_span(ranks, r, slices));
        *most = roots > *most ? roots : *most;
        all += roots;
    }
    return all;
}

/* In front of the numbers that come in lie two lists of blocks. */
static size_t head_bytes(const cnn_ranks *ranks)
{
    return (2 * (size_t)ranks->ranks * sizeof(cnn_block) + LINE - 1) / LINE * LINE;
}

size_t cnn_ranks_room(const cnn_ranks *ranks, size_t slices, size_t count, size_t size)
{
    size_t most, roots = all_roots(ranks, slices, &most), piece = count / (size_t)ranks->ranks + 1, limit = MOST_ROOM / (roots * size);
    if (piece > limit)
        piece = limit ? limit : 1;
    return head_bytes(ranks) + roots * piece * size;
}

/* A piece of the array in the roots of all ranks, one after the other as they lie in the tree. */
typedef struct Piece {
    const Tree *tree;
    size_t slices;
    char *incoming;             /* [roots][length] */
    size_t length;
} Piece;

typedef struct Node {
    size_t at, leaves, root;
} Node;

/* The two on top, of which `left` is the lower one, are the halves of a larger node. */
static bool siblings(const Node *left)
{
    return left[0].leaves == left[1].leaves && left[0].at % (2 * left[0].leaves) == 0;
}

/* For one stretch of the piece, the sum of all roots into the first one. The stack holds what lies to the left, larger nodes below
 * smaller ones: at most one of each size. */
static void add_stretch(void *context, size_t item, int thread)
{
    (void)thread;
    const Piece *p = context;
    const Tree *t = p->tree;
    size_t first = item * STRETCH, count = p->length - first < STRETCH ? p->length - first : STRETCH, depth = 0, roots = 0;
    Node stack[64];
    for (int r = 0; r < t->ranks->ranks; r++) {
        Span span = cnn_ranks_span(t->ranks, r, p->slices);
        for (size_t at = span.first; at < span.end; at += cnn_ranks_root(span, at)) {
            stack[depth++] = (Node){ at, cnn_ranks_root(span, at), roots++ };
            while (depth > 1 && (siblings(&stack[depth - 2]) || stack[depth - 1].at + stack[depth - 1].leaves == p->slices)) {
                Node *left = &stack[depth - 2], *right = &stack[depth - 1];
                t->add(p->incoming + (left->root * p->length + first) * t->size, p->incoming + (right->root * p->length + first) * t->size, count);
                left->leaves += right->leaves;
                depth--;
            }
        }
    }
}

/* Numbers [from, from + some) of the array: every rank gets a piece of all roots, adds it up, and gives it to all. */
static bool tree_part(const Tree *t, Piece *p, size_t most, void *const *roots, char *to, size_t from, size_t some, cnn_error *error)
{
    const cnn_ranks *ranks = t->ranks;
    size_t n = (size_t)ranks->ranks, ours = roots_of(cnn_ranks_span(ranks, ranks->rank, p->slices));
    cnn_block *out = t->room, *in = out + n;
    Span piece = cnn_ranks_span(ranks, ranks->rank, some);
    p->length = piece.end - piece.first;
    for (size_t k = 0; k < most; k++) {         /* the k-th root of every rank that has so many */
        size_t before = 0;
        for (size_t r = 0; r < n; r++) {
            Span theirs = cnn_ranks_span(ranks, (int)r, some);
            size_t count = roots_of(cnn_ranks_span(ranks, (int)r, p->slices));
            out[r] = (cnn_block){ theirs.first * t->size, k < ours ? (theirs.end - theirs.first) * t->size : 0 };
            in[r] = (cnn_block){ (before + (k < count ? k : 0)) * p->length * t->size, k < count ? p->length * t->size : 0 };
            before += count;
        }
        const char *root = k < ours ? (const char *)roots[k] + from * t->size : to;
        if (!ranks->exchange(ranks->context, root, out, p->incoming, in, error))
            return false;
    }
    cnn_threads_each(cnn_threads_worth(t->threads, n * p->length), (p->length + STRETCH - 1) / STRETCH, add_stretch, p);
    memcpy(to + (from + piece.first) * t->size, p->incoming, p->length * t->size);
    for (size_t r = 0; r < n; r++) {
        Span theirs = cnn_ranks_span(ranks, (int)r, some);
        in[r] = (cnn_block){ theirs.first * t->size, (theirs.end - theirs.first) * t->size };
    }
    return ranks->gather(ranks->context, to + from * t->size, in, error);
}

bool cnn_ranks_tree(const Tree *t, size_t slices, void *const *roots, void *to, size_t count, cnn_error *error)
{
    size_t head = head_bytes(t->ranks), most, all = all_roots(t->ranks, slices, &most);
    size_t part = (t->room_bytes - head) / (all * t->size) * (size_t)t->ranks->ranks;
    Piece p = { .tree = t, .slices = slices, .incoming = (char *)t->room + head };
    for (size_t from = 0; from < count; from += part)
        if (!tree_part(t, &p, most, roots, to, from, count - from < part ? count - from : part, error))
            return false;
    return true;
}

static void add_whole(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((int64_t *)to)[i] += ((const int64_t *)from)[i];
}

bool cnn_ranks_add(const cnn_ranks *ranks, int64_t *counts, size_t count, cnn_error *error)
{
    if (!cnn_ranks_several(ranks))
        return true;
    size_t leaves = (size_t)ranks->ranks;
    Tree t = { .ranks = ranks, .add = add_whole, .size = sizeof *counts, .threads = 1 };
    t.room_bytes = cnn_ranks_room(ranks, leaves, count, sizeof *counts);
    t.room = cnn_memory_get(t.room_bytes, 1, "sums over the ranks", error);
    bool good = t.room && cnn_ranks_tree(&t, leaves, (void *[]){ counts }, counts, count, error);
    cnn_memory_release(t.room);
    return good;
}
