/* inspect.h: the commands and pages for people who want to see what a network is: cnnc summary, explain, step, diff; net.html, net.svg.
 *
 * Everything that they say is read from the net, its nests, the generated C and the plan of the memory; what only a layer knows it says in
 * its own file (net/layer.h: arithmetic). One file a command; CMake finds `const Inspection inspection_NAME` and makes the table. */
#ifndef CNNC_INSPECT_INSPECT_H
#define CNNC_INSPECT_INSPECT_H

#include "base/text.h"
#include "unit.h"

/* What stands behind the name of the first file. */
typedef enum More {
    MORE_NOTHING,
    MORE_PLACE,                     /* ":9" or ":NAME" at its end; or a word in place of the file that `alone` knows */
    MORE_FILE                       /* a second file */
} More;

typedef struct Subject {
    Unit *u;                        /* compiled up to the last stage, in style lesson */
    Unit *other;                    /* the second file, or NULL */
    const char *place;              /* behind the ':', or NULL */
    const double *image;            /* [c][h][w], 0 to 255; or NULL */
    bool colour;                    /* the output is a terminal that shows colours; */
    bool terminal;                  /* it is one; */
    int columns;                    /* its width, or that of a file */
} Subject;

typedef struct Inspection {
    const char *name;               /* as in `cnnc summary` */
    const char *takes;              /* "net.cnn", for --help */
    const char *summary;            /* for --help */
    More more;
    bool needs_image;               /* --image and --weights must be given */
    bool (*alone)(const char *word, Text *t);       /* answers a word without any network; false if it knows none. NULL: never */
    bool (*run)(const Subject *s, Text *t);         /* false after reporting an error */
} Inspection;

extern const Inspection *const inspection_table[];
extern const int inspection_table_count;
const Inspection *inspection_find(const char *name);

#endif
