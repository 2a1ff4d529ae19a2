/* board.h: curves of a run as TensorBoard reads them: a file of events in a folder. */
#ifndef CNN_BOARD_H
#define CNN_BOARD_H

#include "io.h"

typedef struct Board {
    IoLog log;
} Board;

/* Makes the folder, and in it a new file; a run that goes on adds a file, and TensorBoard puts the two together. */
bool cnn_board_open(Board *board, const char *folder, cnn_error *error);
void cnn_board_close(Board *board);

/* Numbers of a step, one record: values that are NAN are left out. */
typedef struct BoardValue {
    const char *tag;            /* "loss/train" */
    double value;
} BoardValue;
bool cnn_board_add(Board *board, int64_t step, const BoardValue *values, int count, cnn_error *error);

#endif
