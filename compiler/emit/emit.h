/* emit.h: what an output is, and what the outputs share: which nests become which function, and their names.
 *
 * An emitter prints; it decides nothing. One file an output; CMake finds `const Output output_NAME` and makes the table. */
#ifndef CNNC_EMIT_EMIT_H
#define CNNC_EMIT_EMIT_H

#include "loops/loops.h"
#include "unit.h"

typedef struct Output {
    const char *name;               /* as in --emit=NAME */
    const char *suffixes;           /* file name endings that choose it: ".c", or ".ll .bc" */
    const char *summary;            /* for --help */
    bool looks;                     /* for people: shows style lesson; --weights and --report are shown, not embedded */
    bool for_several;               /* one file can serve several machines (unit.h); the others are made for one */
    bool (*emit)(Unit *u, Text *t); /* appends the whole output; false after reporting an error */
} Output;

extern const Output *const output_table[];
extern const int output_table_count;
const Output *output_find(const char *name);
const Output *output_for_path(const char *path);

extern const char contract_text[];  /* cnn/model.h, whole */

/* The one way for a name from a source into generated text: a legal identifier of C, unique among all that were asked for in this table,
 * never a keyword, a libm or library name, or a name the emitters use themselves. The same name always gives the same answer. */
typedef struct Names Names;
Names *names_new(Arena *arena);
void names_reserve(Names *names, const char *identifier);
const char *names_legal(Names *names, const char *name);
/* The same for something new: an identifier that nobody has got yet, each time. */
const char *names_unique(Names *names, const char *name);
bool names_is_free(const Names *names, const char *name);
/* Text for inside a comment: control bytes, comment ends and line splices made harmless. */
const char *names_comment(Arena *arena, const char *text);

/* The programs of the unit in a fixed order: training, inference, the derivative of inference, that for looking; without those that it lacks. */
typedef struct Programs {
    const Program *at[4];
    int count;
} Programs;

Programs programs_of(const Unit *u);

/* A map of the program for looking, as the descriptor has it (cnn_map of cnn/model.h). */
enum { MAP_SAME = -1, MAP_RESULT = -2, MAP_INPUT = -3 };

typedef struct MapRow {
    const char *name, *written;     /* "conv1", "conv 32, 3x3, same" */
    Shape shape;
    int64_t values, gradient;       /* in scratch, or MAP_... */
    int kernels;                    /* the number of a trained tensor, or -1 */
} MapRow;

const MapRow *map_rows(Unit *u, const Program *look);      /* as many as look->maps */
const char *as_written(Unit *u, Span span);                 /* the first line of what the source says there, without the comment */
bool ends_in_probabilities(const Net *net);

/* A function of the generated code: one nest, shared by the programs that contain an equal one. */
typedef struct Function {
    const char *name;               /* legal and unique */
    const Nest *nest;               /* the first of those that are alike */
    unsigned programs;              /* bit i: programs.at[i] calls it */
} Function;

typedef struct Functions {
    LIST(Function *) list;          /* in the order of first use: forward as in training, backward, what other programs add */
    Programs programs;
    struct Map *of_nest, *of_site;  /* see function_of, functions_of_site */
} Functions;

typedef struct FunctionList {
    LIST(const Function *) of;
} FunctionList;

/* The functions of these programs; two nests of one name that print alike become one function. Where one name means
 * different nests the later function is called NAME_PROGRAM. All end in `suffix`. */
Functions *functions_of(Unit *u, const Programs *programs, Names *names, const char *suffix);
const Function *function_of(const Functions *f, const Nest *nest);
/* Those of one layer in the order of the list; NULL: those that belong to none. */
const FunctionList *functions_of_site(const Functions *f, const Site *s);
/* All in the order of the output: layer by layer as in the network, the forward functions of each before its backward functions, and
 * last the loss. */
FunctionList *functions_in_order(Unit *u, const Functions *f);

#endif
