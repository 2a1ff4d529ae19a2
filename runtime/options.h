/* options.h: what the command line of a compiled network says. */
#ifndef CNN_OPTIONS_H
#define CNN_OPTIONS_H

#include "cnn/cnn.h"

#include <stdio.h>

typedef enum Command { COMMAND_TRAIN, COMMAND_TEST, COMMAND_RUN, COMMAND_GRAD, COMMAND_STEP, COMMAND_HELP } Command;

typedef struct Options {
    Command command, about;     /* about: what help is asked for; COMMAND_HELP: everything */
    const char *data, *weights, *save, *csv, *checkpoint, *resume, *input, *target, *output, *report, *tensorboard, *image;
    int64_t epochs, batch, steps, seed, threads, class;         /* -1: not given */
    double rate;                                                /* NAN: not given */
    bool fine_tune, eval, quiet, any_order, plot, find_lr, backward, all;
} Options;

/* Reads the arguments. False after a sentence, with what may have been meant. */
bool cnn_options_read(Options *o, const cnn_model *model, int argc, char **argv, cnn_error *error);

void cnn_options_help(const Options *o, const cnn_model *model, const char *program, FILE *to);

#endif
