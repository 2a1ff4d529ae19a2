/* ranks.c: what ranks cost on this machine, for the constants of docs/SCALE.md. Only run by hand:
 *
 *     mpirun -np N build/tests/bench_ranks [MEGABYTES...]
 *
 * Prints the time of the small messages that every step sends, and for arrays of so many megabytes of floats the time of a sum over all
 * ranks: the tree of libcnn, which has the same bits for any number of ranks, and MPI_Allreduce, which --any-order takes. */
#include "../../runtime/ranks.h"
#include "../../runtime/reals.h"
#include <cnn/mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The least of some tries, in seconds: what others do to the machine only adds. */
static double least(const cnn_ranks *ranks, bool (*work)(void *context, cnn_error *error), void *context, int tries)
{
    double best = 1e30;
    for (int i = 0; i < tries; i++) {
        cnn_error error = { "" };
        bool flag = false;
        if (!cnn_ranks_any(ranks, &flag, &error))               /* all begin together */
            exit(1);
        double began = seconds();
        if (!work(context, &error)) {
            fprintf(stderr, "%s\n", error.text);
            exit(1);
        }
        double took = seconds() - began;
        best = took < best ? took : best;
    }
    return best;
}

typedef struct Sum {
    Tree tree;
    size_t slices, count;
    float *array;
} Sum;

static bool agree(void *context, cnn_error *error)
{
    const Sum *s = context;
    bool flag = false;
    return cnn_ranks_any(s->tree.ranks, &flag, error);
}

static bool by_tree(void *context, cnn_error *error)
{
    Sum *s = context;
    return cnn_ranks_tree(&s->tree, s->slices, (void *[]){ s->array }, s->array, s->count, error);
}

static bool in_any_order(void *context, cnn_error *error)
{
    Sum *s = context;
    return s->tree.ranks->sum(s->tree.ranks->context, s->array, sizeof *s->array, s->count, error);
}

static bool alone(void *context, cnn_error *error)
{
    (void)error;
    Sum *s = context;
    cnn_reals_float.add(s->array, s->array + s->count / 2, s->count / 2);
    return true;
}

int main(int argc, char **argv)
{
    cnn_error error = { "" };
    const cnn_ranks *ranks = cnn_mpi_begin(&argc, &argv, &error);
    if (!ranks || ranks->ranks < 2) {
        fprintf(stderr, "%s\n", ranks ? "ranks: start it with mpirun -np 2 or more" : error.text);
        return 1;
    }
    bool speaks = ranks->rank == 0;
    Sum s = { .tree = { .ranks = ranks, .add = cnn_reals_float.add, .size = sizeof(float), .threads = 1 }, .slices = 1 };
    while (s.slices < (size_t)ranks->ranks)
        s.slices *= 2;
    double small = least(ranks, agree, &s, 200);
    if (speaks)
        printf("%d ranks: %.1f us to agree\n%8s %10s %10s %12s %12s\n", ranks->ranks, 1e6 * small, "MB", "tree ms", "any ms", "tree GB/s", "add GB/s");
    for (int i = 1; i < argc || i == 1; i++) {
        double megabytes = argc > 1 ? atof(argv[i]) : 64;
        s.count = (size_t)(megabytes * 1e6 / sizeof(float));
        s.tree.room_bytes = cnn_ranks_room(ranks, s.slices, s.count, sizeof(float));
        s.array = calloc(s.count, sizeof(float));
        s.tree.room = aligned_alloc(64, (s.tree.room_bytes + 63) / 64 * 64);
        if (!s.array || !s.tree.room)
            ranks->abort(ranks->context);
        for (size_t k = 0; k < s.count; k++)
            s.array[k] = 1;
        double tree = least(ranks, by_tree, &s, 5), any = least(ranks, in_any_order, &s, 5), add = least(ranks, alone, &s, 5);
        double moved = 2.0 * (ranks->ranks - 1) / ranks->ranks * megabytes * 1e6;       /* bytes that a rank sends */
        if (speaks)
            printf("%8g %10.2f %10.2f %12.2f %12.2f\n", megabytes, 1e3 * tree, 1e3 * any, 1e-9 * moved / tree, 1.5e-3 * megabytes / add);
        free(s.array);
        free(s.tree.room);
    }
    cnn_mpi_end(ranks);
    return 0;
}
