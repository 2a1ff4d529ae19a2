/* agree.h: what the files of agree share: a network under test and how answers are compared. See agree.c. */
#ifndef CNNC_TESTS_RANDOM_AGREE_H
#define CNNC_TESTS_RANDOM_AGREE_H

#include "model.h"
#include "reference.h"
#include "support/network.h"
#include "trial.h"

enum { MOST_COMPILERS = 16, SECONDS = 300 };     /* SECONDS: of one network, of one command */

typedef struct Wishes {
    const char *cnnc, *dir;
    const char *libcnn;         /* NULL: no programs */
    const char *compiler[MOST_COMPILERS];
    int compilers;
    const char *long_compiler;  /* of most code without loops; NULL: one of the others */
    uint64_t seed;
    long count;
    int64_t work;
    int jobs;
    bool whole, quick, llvm, for_avx512;
    bool make, made;            /* only compile; compare what was compiled */
    char **files;
    int file_count;
} Wishes;

/* What a child says of its network. */
typedef struct Result {
    long number;
    bool failed, skipped;
    int again, builds;
    double double_apart, float_output, float_gradient;
    long compared, scattered;   /* comparisons in float, and those that needed the scatter */
    double c_seconds;
} Result;

/* One network under test. */
typedef struct Trial {
    const Wishes *o;
    Arena *arena;
    const char *name, *path, *text;
    uint64_t seed;
    Unit *u;
    Reference *r;
    uint32_t draw[4];
    Result *result;
    const char *symbol;         /* of the descriptor, once some C was made */
    Scatter scatter;            /* of the pass that the reference holds; zero in double */
} Trial;

/* What a pass gave, in the reference's order of params; NULL stands for nothing to compare. */
typedef struct Answer {
    const double *y, *loss, *dx;
    const double **params;      /* gradients; of states, the new ones */
} Answer;

/* Prints a sentence about this network, which has failed. */
void trial_fails(Trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs a command line through the shell, its output to the file `log`. */
bool run_command(Trial *t, const char *command, const char *log);

/* answer.c: brings the reference to a pass, with its scatter where that of float is asked for. */
void reference_pass(Trial *t, Pass pass, bool in_float);

/* answer.c: what `who` answered in a pass against what the reference holds. Parts that are NULL are left out. */
void compare_answer(Trial *t, const char *who, Pass pass, bool in_float, Answer a);

/* evaluated.c: the evaluator against the reference. */
void evaluate(Trial *t, Unit *u, const char *who, Pass pass);

/* One way to make code of a network. */
typedef struct BuildOf {
    const char *label;          /* of its files */
    const char *options;        /* of cnnc */
    bool in_double;
    int tile;                   /* 0: what cnnc prefers */
    const char *compiler;       /* of the C, with its flags; NULL: cnnc makes the shared object itself, by LLVM */
} BuildOf;

/* generated.c: compiles the network in this way, drives it by its contract, and compares all passes that it has. */
void build_and_compare(Trial *t, const BuildOf *b);

/* program.c: compiles the network to a program with libcnn and compares what its commands `run` and `grad` write. */
void program_and_compare(Trial *t, const BuildOf *b);

#endif
