/* expansion.h: a network while its program is expanded line by line into sites. */
#ifndef CNNC_NET_EXPANSION_H
#define CNNC_NET_EXPANSION_H

#include "net/args.h"

/* A block, or a round of a `repeat` with a counter, that is being expanded. */
typedef struct Frame {
    const AstItem *block;           /* NULL: a round */
    Span span;                      /* where the block is used */
    const char *counter;
    int64_t number;                 /* of the counter */
} Frame;

/* A line `expect params ...`, which waits for the end. */
typedef struct Waiting {
    const AstStmt *line;
    Datum wanted;
} Waiting;

typedef struct Expansion {
    Unit *u;
    Items *items;
    Net *net;
    Dict names;                     /* NameUse *: every name of the network, of sites, values and instances of blocks */
    Dict counts;                    /* int *: uses of each kind, block, and of repeat */
    LIST(Frame) frames;             /* outermost first */
    LIST(const void *) failed;      /* nodes that were reported: what they make is unknown from then on */
    LIST(Waiting) waiting;
    int64_t steps;                  /* lines expanded so far */
    bool input_missing;             /* a layer stands before the input: reported */
    bool lines_failed;              /* the parser could not read some line */
    bool stopped;                   /* a limit is reached: nothing more is expanded */
} Expansion;

/* What a line is expanded in. */
typedef struct Place {
    Scope *scope;
    const char *instance;           /* "residual2": stands before the names given here; NULL in the network itself and its paths */
    Span instance_span;
} Place;

/* If there were errors since: notes where the expansion stands, and takes `node` as failed. */
void expansion_blame(Expansion *e, int errors_before, const void *node);
bool expansion_has_failed(const Expansion *e, const void *node);

/* A value behind an error. */
Value *unknown_value(Unit *u, Span span);

/* The next number among the uses of `what`. */
int expansion_number(Expansion *e, const char *what);

/* Takes a name; `given` by the program, or made here. False, and reported, if it meets another. */
bool expansion_take_name(Expansion *e, const char *name, Span span, bool given);

/* site.c: adds a site of a layer that reads `in`, and returns its value. `name` is the one given, or NULL. */
typedef struct Use {
    const char *name;               /* of the layer or block */
    Span name_span;
    Span span;                      /* as written */
    Span line;                      /* the whole line, for values */
    const void *node;               /* of the tree */
    const AstArg *args;
    bool inlined;                   /* after another layer: conv(...) or a bare word */
} Use;
Value *site_add(Expansion *e, const Use *use, const LayerKind *kind, const ArgValue *args, const char *name,
                Value **in, int in_count);

/* expect.c */
void expect_line(Expansion *e, Scope *scope, const AstStmt *line, const Value *here);
void expect_end(Expansion *e);

/* expand.c: one line of a body, which reads x (NULL before the input); its value. `top`: of the network itself. */
Value *expand_stmt(Expansion *e, const Place *place, const AstStmt *line, Value *x, bool top);

/* network.c: counts a line, or a round of a loop, so that loops around nothing end too. False when it is enough. */
bool expansion_step(Expansion *e, Span span);

/* network.c: the network of that item; NULL if there were errors. */
Net *expand_network(Items *items, const AstItem *network);

#endif
