/* network.h: a compiled network from a text, for tests. */
#ifndef CNNC_TESTS_SUPPORT_NETWORK_H
#define CNNC_TESTS_SUPPORT_NETWORK_H

#include "loops/loops.h"
#include "net/net.h"
#include "unit.h"

typedef struct NetworkOptions {
    int64_t tile;               /* 0: 1 */
    RealType real;
    Style style;
    Layout layout;              /* of STYLE_FAST */
    const char *machine;        /* of STYLE_FAST; NULL: avx2 */
    Winograd winograd;
    const char *tuned;          /* the text of a file for --tuned */
    int choice;                 /* of STYLE_FAST: which of those that a nest has */
    bool infer;                 /* inference alone */
    bool with_main;             /* a program that shows itself */
} NetworkOptions;

/* Runs all stages on a text. NULL if one failed; its messages are on stderr. End it with unit_free. */
Unit *network_from(const char *name, const char *text, NetworkOptions options);

/* The nest of that name, or NULL. */
Nest *nest_named(const Program *p, const char *name);

/* The text of a file, in the arena; NULL with a message on stderr. */
const char *text_of_file(Arena *arena, const char *path);

#endif
