/* cnn/mpi.h: libcnn_mpi, the ranks of MPI.
 *
 * A program that cnnc wrote with --main needs nothing of this: linked with libcnn_mpi before libcnn it trains on as many ranks as mpirun
 * starts, because libcnn_mpi brings its own cnn_main. */
#ifndef CNN_MPI_H
#define CNN_MPI_H

#include "cnn/ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts MPI, unless it runs already, and gives the ranks of MPI_COMM_WORLD, for cnn_set_ranks. NULL with a sentence if it cannot. */
CNN_API const cnn_ranks *cnn_mpi_begin(int *argc, char ***argv, cnn_error *error);

/* Ends what cnn_mpi_begin began. All ranks must come here. */
CNN_API void cnn_mpi_end(const cnn_ranks *ranks);

#ifdef __cplusplus
}
#endif

#endif
