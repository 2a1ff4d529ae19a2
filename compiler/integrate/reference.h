/* reference.h: manual pages and completions of shells, made from the tables of options, outputs, stages, warnings, layers and settings. */
#ifndef CNNC_INTEGRATE_REFERENCE_H
#define CNNC_INTEGRATE_REFERENCE_H

#include "base/text.h"

/* The exit status of `cnnc reference FILE`: prints the file with every line that is @NAME@ alone replaced by what a table says. */
int reference_run(int argc, char **argv);

/* What may stand between the @. One file for each kind of text; the tables end with a NULL name. */
typedef struct Filling {
    const char *name;
    void (*put)(Text *t);
} Filling;

extern const Filling manual_fillings[];     /* reference_manual.c */
extern const Filling shell_fillings[];      /* reference_shell.c */

#endif
