/* unit.h: one compilation, from the options to the outputs.
 *
 * Every room may include this header: it names the things of the rooms to its right without knowing them.
 * Nothing in the compiler is global; what a stage needs it finds here. */
#ifndef CNNC_UNIT_H
#define CNNC_UNIT_H

#include "base/arena.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Style { STYLE_LESSON, STYLE_UNROLLED, STYLE_FAST } Style;
typedef enum Layout { LAYOUT_AUTO, LAYOUT_CHANNELS, LAYOUT_IMAGES } Layout;
typedef enum Winograd { WINOGRAD_AUTO, WINOGRAD_2, WINOGRAD_4, WINOGRAD_OFF } Winograd;         /* places of a tile along an axis (loops/winograd.c); auto: 2 */
typedef enum RealType { REAL_FLOAT, REAL_DOUBLE } RealType;

/* One -D name=value of the command line; `used` is set when a param of that name is met. */
typedef struct Define {
    const char *name, *value;
    bool used;
} Define;

typedef struct Options {
    const char *input;             /* path of the .cnn file, or "-" */
    const char *network;           /* the network to compile, NULL: the only one, or the one that is trained */
    Style style;
    RealType real;
    bool infer;                    /* inference alone */
    bool with_main;                /* add a main that calls the runtime's command line */
    const char *weights;           /* .safetensors to embed as constants, or NULL */
    const char *shown_weights;     /* .safetensors to look at (Param.values), or NULL */
    const char *image;             /* picture for cnnc step, or NULL */
    bool all;                      /* cnnc step: every map of a layer */
    bool backward;                 /* cnnc step: the gradients, too, */
    int64_t target;                /* if the right answer is this class; -1: the one that the network gives */
    const char *reports[4];        /* tables of a training to look at */
    int report_count;
    Layout layout;                 /* what --style=fast puts innermost */
    Winograd winograd;
    const char *tuned;             /* a file with choices of --style=fast that were measured (tuned.h), or NULL */
    int choice;                    /* loops/choice.h: which of its choices --style=fast takes for every nest that has so many; 0: the policy's */
    const struct Machine *machine; /* loops/machine.h: what --style=fast schedules for; of several, that of the variant at work */
    const struct Machine **machines;        /* --target=A,B: all that one C file serves, widest vectors first; NULL: `machine` alone */
    int machine_count;
    int64_t tile;                  /* images that one call of the generated code handles; 0: what the style prefers */
    const char *triple;            /* LLVM: the machine that objects are for, "aarch64-linux-gnu"; NULL: this one */
    const char *cpu, *features;    /* LLVM: "x86-64-v3" or "native", "+fma,-sse4a"; NULL: what every machine of that kind has */
    int optimise;                  /* LLVM: 0 to 3; -1: what the output prefers */
    bool strict;                   /* the same bits by every compiler: no contraction, own functions for those of libm */
    bool debug;                    /* code says which line of the source it is for */
    int64_t unroll_budget;         /* multiply-adds that --style=unrolled may write out */
    Define *defines;
    int define_count;
    unsigned warnings;             /* the Warnings that are given, bit by bit */
    bool warnings_are_errors;
    /* What an editor holds of a file in place of what the disk has, with its length; NULL: it holds nothing of that path. NULL: there is no editor. */
    const char *(*held)(void *editor, const char *path, size_t *length);
    void *editor;
} Options;

/* The programs of the network for one machine: a C file of the fast style has one of these for each that it serves. */
typedef struct Variant {
    const struct Machine *machine;
    Layout layout;
    Winograd winograd;
    struct Program *train, *infer, *eval;
} Variant;

typedef struct Unit {
    Arena *arena;
    Diags *diags;
    Options options;
    struct AstFile *ast;           /* front/ast.h */
    struct Net *net;               /* net/net.h */
    struct Program *train;         /* loops/loops.h: forward as in training, loss, backward; NULL with --infer */
    struct Program *infer;         /* loops/loops.h: forward outside training */
    struct Program *eval;          /* loops/loops.h: forward outside training, loss, backward; NULL with --infer */
    struct Program *look;          /* loops/loops.h: the same, keeping what every layer makes; NULL where nobody wants to see that. One for all machines */
    struct Tuned *tuned;           /* loops/choice.h: what that file says, or NULL */
    Variant *variants;             /* train, infer and eval are those of the variant at work; NULL while there is one alone */
    int variant_count, variant;    /* at least 1; the one at work */
} Unit;

/* One variant for every machine of the options, and the first of them at work. */
void unit_make_variants(Unit *u);
/* Puts a variant to work: its programs become the unit's, its machine, layout and winograd those of the options. */
void unit_choose_variant(Unit *u, int variant);

/* A unit with an empty arena and default options. Free it with unit_free, which ends everything made for it. */
Unit *unit_new(void);
void unit_free(Unit *u);

#endif
