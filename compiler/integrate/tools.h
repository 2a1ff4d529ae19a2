/* tools.h: the commands that compile no network: cnnc new, format, lsp, reference. */
#ifndef CNNC_INTEGRATE_TOOLS_H
#define CNNC_INTEGRATE_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Tool {
    const char *name;               /* as in `cnnc new` */
    const char *takes, *summary;    /* for --help */
    int (*run)(int argc, char **argv);      /* argv[0] is the name; the exit status */
} Tool;

extern const Tool tool_table[];
extern const int tool_table_count;

/* The tool of that name, or NULL, also for NULL. */
const Tool *tool_find(const char *name);

/* Whether stderr shows colours. */
bool tool_colour(void);

/* Says on stderr what is wrong with the command line; the status 2. */
int tool_misused(const char *text);

/* The folder in which this program lies, into `at`: what belongs to it is looked for from there, as it may have been moved with that.
 * "." where the system does not say. Returns `at`. */
const char *tool_folder(char *at, size_t size);

/* Prints where cnnc.mk lies, as make reads a path. The exit status: 1 if this cnnc was not installed. */
int tool_makefile(void);

#endif
