/* progress.h: tells on the screen how training goes: a table with a line an epoch, and on a terminal a line that lives. */
#ifndef CNN_PROGRESS_H
#define CNN_PROGRESS_H

#include "cnn/cnn.h"

#include <stdio.h>

typedef struct Progress {
    FILE *to;
    bool quiet;
    bool terminal;              /* the last line may be written over */
    bool colour;
    bool head;                  /* the head of the table was printed */
    bool line;                  /* a living line is on the screen */
    double shown;               /* seconds: when the living line was last written */
    int64_t step_lines;         /* whole batches: every so many steps get a line */
    int digits;
} Progress;

Progress cnn_progress_new(FILE *to, bool quiet, const cnn_model *model);

/* Callbacks of cnn_listener; context: a Progress. */
void cnn_progress_step(void *context, const cnn_progress *now);
void cnn_progress_epoch(void *context, const cnn_progress *now);
void cnn_progress_note(void *context, const char *text);

/* Takes the living line away. */
void cnn_progress_clear(Progress *p);

/* The columns of the terminal behind a stream; 80 if that is not known. */
int cnn_progress_columns(FILE *to);

#endif
