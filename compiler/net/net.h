/* net.h: the network after checking: every block expanded, every shape known, every name unique.
 *
 * A Net is a list of sites in the order of the expanded program; a site is one use of a layer. Values flow between sites.
 * Shapes are logical and without the batch: { c, h, w } for an image, { features } after flatten or dense. */
#ifndef CNNC_NET_NET_H
#define CNNC_NET_NET_H

#include "base/checked.h"
#include "base/list.h"
#include "front/ast.h"
#include "unit.h"

enum { MAX_RANK = 4 };

typedef struct Shape {
    int rank;
    int64_t dim[MAX_RANK];
} Shape;

int64_t shape_count(Shape s);                           /* elements; shapes in a Net never overflow */
bool shape_equal(Shape a, Shape b);
/* As people write it: 28x28x6 for { 6, 28, 28 }, "120 features" for { 120 }. */
const char *shape_text(Unit *u, Shape s);

/* What flows from one layer to the next. */
typedef struct Value {
    const char *name;               /* "input", "stem" or the name of the site that made it */
    Shape shape;
    bool known;                     /* false behind an error: fits anything, and nothing is reported about it again */
    struct Site *from;              /* the site that makes it; NULL for the input */
    Span span;                      /* of the layer's line, for notes */
    int readers;                    /* sites that read it */
    bool output;                    /* the network's result */
    struct Tensor *tensor;          /* loops/lower.c */
} Value;

typedef enum ParamInit {
    INIT_ZEROS, INIT_ONES,
    INIT_GLOROT,                    /* uniform in +-sqrt(6/(fan_in + fan_out)) */
    INIT_HE,                        /* uniform in +-sqrt(6/fan_in) */
    INIT_LECUN,                     /* uniform in +-sqrt(3/fan_in) */
    INIT_DATA_MEAN,                 /* mean of each channel of the training images */
    INIT_DATA_DEVIATION             /* their standard deviation, 1 where it is 0 */
} ParamInit;

/* A tensor that belongs to a layer and is kept in the weights file. */
typedef struct Param {
    const char *name;               /* "conv1.weight" */
    const char *role;               /* "weight" */
    const char *symbol;             /* as formulas call it: "w" */
    struct Site *site;
    Shape shape;                    /* PyTorch's axes */
    bool trained;                   /* false: state such as running statistics, not counted by `params` */
    ParamInit init;
    int64_t fan_in, fan_out;        /* for the random inits */
    const double *values;           /* its elements, to be embedded in generated code; NULL without --weights */
    struct Tensor *tensor;          /* loops/lower.c */
} Param;

/* One use of a layer. */
typedef struct Site {
    const struct LayerKind *kind;
    const char *name;               /* "conv1", or the name given to it: unique in the net */
    int number;                     /* position in Net.sites */
    Span span;                      /* the layer as written */
    struct ArgValue *args;          /* one for each of kind->args */
    Value **in;                     /* what it reads: in[0] is the line above unless `from` says otherwise */
    int in_count;
    Value *x;                       /* in[0] */
    Value *y;                       /* what it makes */
    const struct Window *window;    /* layers/window.h: what steps over x, or NULL */
    LIST(Param *) params;
} Site;

/* One number, string or word of a setting; see net/recipe.h. */
typedef struct Setting {
    const char *name;               /* "optimizer" */
    const char *word;               /* "sgd", or NULL */
    Span span;
    const struct ArgSpec *specs;
    struct ArgValue *args;          /* one for each of specs */
    int arg_count;
} Setting;

/* `row 0, 1 -> 1` */
typedef struct Row {
    Span span;
    double *inputs, *targets;
} Row;

/* The train block and the data block that it names, every default filled in. */
typedef struct Recipe {
    bool given;                     /* false: no train block; the defaults hold */
    Span span;
    const char *data_name;          /* "mnist", the name of a data block, or NULL */
    const char *data_path;          /* `train N on "DIR"`, or NULL */
    LIST(Setting) settings;         /* in the order of the table in net/recipe.c, then of the source */
    LIST(Row) rows;                 /* all with the same numbers of inputs and targets */
    int64_t row_inputs, row_targets;
    bool straight_through;          /* the perceptron rule: step passes the gradient as if it were the identity */
} Recipe;

typedef struct Net {
    const char *name;
    Span span;
    Shape input;
    Value *x;                       /* the input */
    Value *y;                       /* the value of the last line */
    LIST(Site *) sites;             /* without the loss */
    LIST(Param *) params;           /* in the order of the weights file */
    Site *loss;                     /* a site whose kind->loss is set; in[0] is y. NULL for a network without a loss. */
    ParamInit init;                 /* how weights are drawn whose layer has no `init=` of its own: the line `init he`, else INIT_GLOROT */
    Recipe recipe;
    int64_t trained_count;          /* elements of trained params: what `expect params` compares */
} Net;

/* Checks the program of `u->ast` and fills u->net with the network that u->options chooses. Reports all errors it can
 * find; false if there was one. */
bool net_check(Unit *u);

/* The first setting of that name (and word, unless NULL), or NULL. */
const Setting *recipe_setting(const Recipe *r, const char *name);

void net_dump(Unit *u, const Net *net, Text *t);

#endif
