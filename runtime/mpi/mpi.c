/* mpi.c: ranks by MPI, of at least version 2. The only file that knows it. */
#include "cnn/mpi.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 28 };        /* bytes or numbers of one call: MPI counts them in an int */

typedef struct World {
    MPI_Comm all;
    bool ours;                  /* we started MPI, we end it */
    int *counts, *places;       /* [2][ranks]: what goes out, what comes in */
    cnn_ranks ranks;
} World;

static bool fail(cnn_error *error, int status, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;
    MPI_Error_string(status, text, &length);
    if (error)
        snprintf(error->text, sizeof error->text, "MPI: %s: %s", what, text);
    return false;
}

/* Blocks as MPI wants them, in the first or the second list. */
static void list(World *w, int which, const cnn_block *blocks)
{
    int n = w->ranks.ranks;
    for (int r = 0; r < n; r++) {
        w->counts[which * n + r] = (int)blocks[r].bytes;
        w->places[which * n + r] = (int)blocks[r].at;
    }
}

static bool exchange(void *context, const void *out, const cnn_block *to, void *in, const cnn_block *from, cnn_error *error)
{
    World *w = context;
    int n = w->ranks.ranks;
    list(w, 0, to);
    list(w, 1, from);
    int status = MPI_Alltoallv((void *)out, w->counts, w->places, MPI_BYTE, in, w->counts + n, w->places + n, MPI_BYTE, w->all);
    return status == MPI_SUCCESS || fail(error, status, "the ranks could not exchange their gradients");
}

static bool gather(void *context, void *all, const cnn_block *blocks, cnn_error *error)
{
    World *w = context;
    list(w, 0, blocks);
    int status = MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, w->counts, w->places, MPI_BYTE, w->all);
    return status == MPI_SUCCESS || fail(error, status, "the ranks could not tell each other their results");
}

static bool broadcast(void *context, void *data, size_t bytes, int from, cnn_error *error)
{
    World *w = context;
    for (size_t done = 0; done < bytes; done += MOST) {
        int some = bytes - done < MOST ? (int)(bytes - done) : MOST;
        int status = MPI_Bcast((char *)data + done, some, MPI_BYTE, from, w->all);
        if (status != MPI_SUCCESS)
            return fail(error, status, "a rank could not tell the others");
    }
    return true;
}

static bool sum(void *context, void *reals, int real_bytes, size_t count, cnn_error *error)
{
    World *w = context;
    for (size_t done = 0; done < count; done += MOST) {
        int some = count - done < MOST ? (int)(count - done) : MOST;
        int status = MPI_Allreduce(MPI_IN_PLACE, (char *)reals + done * (size_t)real_bytes, some, real_bytes == 8 ? MPI_DOUBLE : MPI_FLOAT, MPI_SUM,
                                   w->all);
        if (status != MPI_SUCCESS)
            return fail(error, status, "the ranks could not add up their gradients");
    }
    return true;
}

static void end_all(void *context)
{
    World *w = context;
    MPI_Abort(w->all, 1);
    abort();                    /* MPI_Abort does not come back, but no header says so */
}

void cnn_mpi_end(const cnn_ranks *ranks)
{
    if (!ranks)
        return;
    World *w = ranks->context;
    bool ours = w->ours;
    MPI_Comm_free(&w->all);
    free(w->counts);
    free(w->places);
    free(w);
    if (ours)
        MPI_Finalize();
}

const cnn_ranks *cnn_mpi_begin(int *argc, char ***argv, cnn_error *error)
{
    int runs = 0, level, status = MPI_SUCCESS;
    MPI_Initialized(&runs);
    /* One thread of ours speaks to MPI; those of OpenMP compute. */
    if (!runs)
        status = MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
    World *w = calloc(1, sizeof *w);
    if (status != MPI_SUCCESS || !w) {
        fail(error, status == MPI_SUCCESS ? MPI_ERR_NO_MEM : status, "it could not be started");
        free(w);
        return NULL;
    }
    w->ours = !runs;
    w->ranks = (cnn_ranks){ .context = w, .exchange = exchange, .gather = gather, .broadcast = broadcast, .sum = sum, .abort = end_all };
    status = MPI_Comm_dup(MPI_COMM_WORLD, &w->all);
    if (status == MPI_SUCCESS)
        status = MPI_Comm_set_errhandler(w->all, MPI_ERRORS_RETURN);
    if (status == MPI_SUCCESS)
        status = MPI_Comm_rank(w->all, &w->ranks.rank);
    if (status == MPI_SUCCESS)
        status = MPI_Comm_size(w->all, &w->ranks.ranks);
    size_t n = (size_t)w->ranks.ranks;
    w->counts = calloc(2 * n, sizeof(int));
    w->places = calloc(2 * n, sizeof(int));
    if (status == MPI_SUCCESS && w->counts && w->places)
        return &w->ranks;
    fail(error, status == MPI_SUCCESS ? MPI_ERR_NO_MEM : status, "it could not be started");
    free(w->counts);
    free(w->places);
    free(w);
    return NULL;
}

int cnn_main(const cnn_model *model, int argc, char **argv)
{
    cnn_error error = { "" };
    const cnn_ranks *ranks = cnn_mpi_begin(&argc, &argv, &error);
    if (!ranks) {
        fprintf(stderr, "%s: error: %s\n", argv[0], error.text);
        return 1;
    }
    int status = cnn_main_ranks(model, ranks, argc, argv);
    cnn_mpi_end(ranks);
    return status;
}
