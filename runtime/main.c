/* main.c: the main program of a compiled network, for one process. libcnn_mpi has another one of the same name, so this file holds nothing
 * else: a linker that has found that one does not come here. */
#include "cnn/cnn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What mpirun of Open MPI and of MPICH tells its processes: how many they are. */
static const char *const sizes[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };

int cnn_main(const cnn_model *model, int argc, char **argv)
{
    bool trains = argc > 1 && !strcmp(argv[1], "train");
    for (size_t i = 0; trains && i < sizeof sizes / sizeof *sizes; i++) {
        const char *ranks = getenv(sizes[i]);
        if (ranks && strtol(ranks, NULL, 10) > 1) {
            fprintf(stderr, "%s: error: started on %s ranks, but linked without libcnn_mpi: each would train alone, into the same files\n"
                    "  help: link with -lcnn_mpi before -lcnn, by mpicc\n", argv[0], ranks);
            return 2;
        }
    }
    return cnn_main_as(model, NULL, argc, argv);
}
