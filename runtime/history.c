/* history.c: the table of epochs. */
#include "history.h"
#include "io.h"
#include "memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool cnn_history_add(RunState *run, const double row[HISTORY_COLUMNS], cnn_error *error)
{
    /* The room is the next power of two, so that rows that came from a checkpoint need no note of theirs. */
    size_t rows = (size_t)run->history_rows;
    if (!run->history || (rows & (rows - 1)) == 0) {
        double *more = cnn_memory_get(rows ? 2 * rows : 1, HISTORY_COLUMNS * sizeof *more, "the epochs so far", error);
        if (!more)
            return false;
        if (rows)
            memcpy(more, run->history, rows * HISTORY_COLUMNS * sizeof *more);
        cnn_memory_release(run->history);
        run->history = more;
    }
    memcpy(run->history + rows * HISTORY_COLUMNS, row, HISTORY_COLUMNS * sizeof *row);
    run->history_rows++;
    return true;
}

static bool write_text(IoOutput *out, const char *text, cnn_error *error)
{
    return cnn_io_write(out, text, strlen(text), error);
}

bool cnn_history_csv(const RunState *run, const char *path, int digits, bool of_test, cnn_error *error)
{
    enum { EPOCH, STEP };       /* whole numbers */
    IoOutput out;
    if (!cnn_io_create(&out, path, error))
        return false;
    bool good = write_text(&out, of_test ? "epoch,step,rate,loss,accuracy,test_loss,test_accuracy\n" : "epoch,step,rate,loss,accuracy,val_loss,val_accuracy\n",
                           error);
    for (int64_t r = 0; good && r < run->history_rows; r++)
        for (int c = 0; good && c < HISTORY_COLUMNS; c++) {
            double value = run->history[r * HISTORY_COLUMNS + c];
            char text[40] = "";
            if (c == EPOCH || c == STEP)
                snprintf(text, sizeof text, "%.0f", value);
            else if (!isnan(value))
                snprintf(text, sizeof text, "%.*g", digits, value);
            good = write_text(&out, text, error) && write_text(&out, c + 1 < HISTORY_COLUMNS ? "," : "\n", error);
        }
    if (good)
        return cnn_io_finish(&out, error);
    cnn_io_abandon(&out);
    return false;
}
