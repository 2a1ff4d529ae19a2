/* command.h: cnnc train, test, run and grad: the unit is compiled into memory and handed to the runtime. */
#ifndef CNNC_COMMAND_H
#define CNNC_COMMAND_H

#include "options.h"

/* A unit in memory. */
typedef struct Command {
    const struct cnn_model *model;
    struct NativeCode *code;
    double seconds;                 /* that all stages and LLVM took */
} Command;

/* Compiles the unit. False after reporting an error. */
bool command_compile(Unit *u, Command *c);

/* Runs it with the arguments behind the input file, and ends it. Returns the exit status. */
int command_run(Unit *u, Command *c, const CommandLine *line, int argc, char **argv);

#endif
