/* options.h: the command line. */
#ifndef CNNC_OPTIONS_H
#define CNNC_OPTIONS_H

#include "base/list.h"
#include "base/text.h"
#include "unit.h"

/* One file to write. */
typedef struct Target {
    const char *path;               /* "-" is standard output */
    const char *emit;               /* the name of the output, or NULL: chosen by the path */
} Target;

typedef struct CommandLine {
    LIST(Target) targets;
    const char *dump;               /* name of a stage, or NULL */
    const char *command;            /* "train", "test", "run", "grad" or "check", or NULL */
    const struct Inspection *inspection;    /* inspect/inspect.h: cnnc summary, ...; or NULL */
    const char *place, *second;     /* of an inspection: what it asks for in place of or behind the file; the second file */
    char **rest;                    /* of a command: what stands behind the input file */
    int rest_count;
    bool tune;                      /* --tune: measure, and write what was fastest */
    bool tune_c;                    /* what a C compiler makes, not LLVM */
    const char *tune_to;            /* where to; NULL: beside the source */
    const char *depfile;            /* -MF: where it goes, or NULL: beside the first target */
    bool depend;                    /* -MD or -MF */
    enum { REPORT_TEXT, REPORT_JSON, REPORT_SARIF } report;         /* how errors and warnings are written on stderr */
    bool style_given, machine_given;    /* by --style, by --target=MACHINE or a list of them */
    bool help, version, list_targets, makefile;
} CommandLine;

/* Reads the arguments into u->options and *line. False after saying on stderr what is wrong with them. */
bool options_read(Unit *u, CommandLine *line, int argc, char **argv);

/* The commands that compile a network and use it at once; those of inspect.h and tools.h have tables of their own. */
typedef struct CommandText {
    const char *name, *help;
} CommandText;
extern const CommandText command_table[];
extern const int command_table_count;

/* The rows of the table of options, for what is made of them. */
typedef struct OptionText {
    const char *name;               /* "--style" or "-o" */
    const char *value;              /* "STYLE"; NULL: a flag */
    const char *help;
} OptionText;
int options_count(void);
OptionText options_text(int i);

/* The text of --help. */
void options_help(Unit *u, Text *t);

#endif
