/* layer.h: the contract that every layer fulfils in its one file, and the table of them all.
 *
 * A file in layers/ defines `const LayerKind layer_NAME`; CMake finds the definitions and makes the table. */
#ifndef CNNC_NET_LAYER_H
#define CNNC_NET_LAYER_H

#include "net/net.h"

typedef struct Build Build;         /* loops/build.h */

typedef enum ArgKind {
    ARG_COUNT,      /* a whole number >= 1: `32`, `filters=32` */
    ARG_REAL,       /* a number within [low, high]: `0.1`, `eps=1e-5` */
    ARG_SIZE,       /* height x width: `3x3`, `kernel=3x3`, `kernel=3` for both */
    ARG_PAIR,       /* `stride=2` for both, `stride=(2,1)` for height and width; each >= 1 */
    ARG_PAD,        /* `pad=1`, `pad=(h,w)`, `pad=(top,bottom,left,right)`; each >= 0 */
    ARG_CHOICE,     /* one of `words`; a bare word if positional, else `init=he` */
    ARG_FLAG,       /* a bare word, its name: `nobias` */
    ARG_SHAPE,      /* height x width x depth, or a number of features: the input */
    ARG_VALUES,     /* names of values: `add stem` */
    ARG_TEXT,       /* a string, or strings */
    ARG_RANGE       /* `0.9..1.1`; a single number is both ends */
} ArgKind;

/* A row of a layer's table of arguments; the reference of the language is made from it. */
typedef struct ArgSpec {
    const char *name;
    ArgKind kind;
    const char *help;               /* "number of output channels" */
    bool required;
    bool positional;                /* may be written without its name; told apart by kind */
    bool many;                      /* ARG_TEXT, ARG_VALUES: any number of them */
    const char *words;              /* ARG_CHOICE: "valid same", separated by a space; the first is the default */
    double fallback;                /* default of ARG_COUNT and ARG_REAL, and of all numbers of ARG_PAIR, ARG_PAD, ARG_RANGE */
    const char *fallback_text;      /* how help describes a default that the shape rule computes ("the size") */
    double low, high;               /* ARG_REAL, ARG_RANGE: bounds; both 0: any finite number */
    bool below_high;                /* high itself is excluded */
    int group;                      /* at most one argument of a group (> 0) may be given */
    const char *foreign;            /* what Keras and PyTorch call it: "out_channels channels_out" */
} ArgSpec;

typedef struct ArgValue {
    bool given;
    Span span;                      /* of the whole argument; of the layer's name if not given */
    int64_t number[4];              /* COUNT 1; SIZE, PAIR 2: h w; PAD 4: top bottom left right; SHAPE: c h w or features */
    int count;                      /* how many of `number`, `values` or `texts` */
    double real, high;              /* REAL; RANGE: both ends */
    int word;                       /* CHOICE: index into words; FLAG: 1 if given */
    Value **values;                 /* VALUES */
    const char **texts;             /* TEXT */
} ArgValue;

typedef struct LayerKind {
    const char *name;               /* as the language spells it */
    const char *summary;            /* one line for the reference: "2-D cross-correlation with bias" */
    const ArgSpec *args;
    int arg_count;
    int least_inputs, most_inputs;  /* 0, 0 means exactly one; paths, `from` and ARG_VALUES give more; most -1: any number */
    bool paths;                     /* may be written with { path ... } */
    bool rises;                     /* y is a choice between x and a constant that never falls where x rises: exact, so it may as well
                                       follow the choice of a largest value */
    bool picks_largest;             /* y is the largest of some of x's values */
    bool loss;                      /* takes the network's output; used by `loss NAME`; makes no value */
    const char *foreign;            /* other frameworks' names: "Conv2D Conv2d Convolution2D" */
    const char *example;            /* a line that is right, for help: "conv 32, 3x3, same, relu" */

    /* Computes site->y->shape from site->in[]->shape and the arguments, and declares parameters by site_param.
     * All inputs are known. Reports what does not fit and returns false. */
    bool (*shape)(Unit *u, Site *s);

    /* How the shape of y comes about, with its numbers: "(28 - 5)/1 + 1 = 24". NULL: it is that of x. */
    const char *(*arithmetic)(Unit *u, const Site *s);

    /* Adds the nests that compute y from the inputs. */
    void (*lower)(Build *b, Site *s);

    /* NULL: the backward pass is derived from the nests of `lower`. Otherwise adds the nests that compute the gradients
     * of inputs and params from that of y; a comment at the definition says why it knows better. */
    void (*backward)(Build *b, Site *s);
} LayerKind;

/* All layers, sorted by name. */
extern const LayerKind *const layer_table[];
extern const int layer_table_count;
const LayerKind *layer_find(const char *name);

/* The arguments of a site by the index of its table. */
static inline const ArgValue *arg(const Site *s, int i) { return &s->args[i]; }
static inline bool arg_given(const Site *s, int i) { return s->args[i].given; }
static inline int64_t arg_count(const Site *s, int i) { return s->args[i].number[0]; }
static inline double arg_real(const Site *s, int i) { return s->args[i].real; }
static inline int arg_word(const Site *s, int i) { return s->args[i].word; }
static inline bool arg_flag(const Site *s, int i) { return s->args[i].word != 0; }
static inline Span arg_span(const Site *s, int i) { return s->args[i].span; }

/* Declares a parameter of this site, named SITE.role. Call it from `shape`. A shape with a side of 0 or with more than
 * LIMIT_ELEMENTS elements is reported and NULL is returned. `init` of weights: what `init=` of the layer or network says. */
Param *site_param(Unit *u, Site *s, const char *role, const char *symbol, Shape shape, bool trained,
                  ParamInit init, int64_t fan_in, int64_t fan_out);

/* The parameter with that role, or NULL. */
Param *site_find_param(const Site *s, const char *role);

#endif
