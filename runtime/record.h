/* record.h: what is kept of a run while it goes: the screen, TensorBoard's file, and all epochs for the end. */
#ifndef CNN_RECORD_H
#define CNN_RECORD_H

#include "board.h"
#include "progress.h"

typedef struct Record {
    Progress progress;
    bool with_board;
    Board board;
    cnn_epoch *epochs;          /* [count], at the end of the run */
    size_t count;
    int64_t best;
    bool of_test;               /* the validation columns are of the test images */
    bool failed;                /* something could not be kept; the run went on */
    cnn_error error;
} Record;

/* `folder` for TensorBoard, or NULL. */
bool cnn_record_open(Record *record, FILE *to, bool quiet, const char *folder, const cnn_model *model, cnn_error *error);
void cnn_record_close(Record *record);

/* The listener of cnn_train that keeps it all. */
cnn_listener cnn_record_listener(Record *record, bool (*stop)(void *context));

/* The table of all epochs with the best marked, if there are two or more. */
void cnn_record_table(const Record *record);
/* Curves of loss and accuracy, if there are two epochs or more; else says why not. */
void cnn_record_plot(const Record *record);

#endif
