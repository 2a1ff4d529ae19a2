/* c.h: what the files that print C share.
 *
 *   c.c, header.c   the two outputs: which parts, in which order
 *   c_plan.c        what is decided before the first line: names, functions, steps
 *   c_math.c        exp, tanh, erf, log1p of the fast style, of vectors as well      c_same.c        those of --strict, and log
 *   c_variant.c     one file for several machines
 *   c_head.c        the comment at the top, sizes, structs, prototypes
 *   c_scope.c       what loops and tensors are called inside one function
 *   c_expr.c        expressions, indices and numbers, as C and as formulas
 *   c_statement.c   the statements inside the loops
 *   c_nest.c        a nest as a function with loops         c_unrolled.c    without loops      c_tile.c   with register tiles
 *   c_sums.c        lanes that are added up                 c_turn.c        copies through squares
 *   lesson.c        the comment above a function
 *   c_step.c        the functions that call the functions of nests, phase by phase
 *   c_model.c       the descriptor for the runtime          c_values.c      constants and embedded weights
 *   c_lines.c       -g: which line of the source code is for
 *   c_text.c        lines that are wrapped, strings, grouped digits */
#ifndef CNNC_EMIT_C_H
#define CNNC_EMIT_C_H

#include "emit/emit.h"
#include "emit/map.h"

enum { PAGE_WIDTH = 100 };          /* columns of generated text */

/* ---- the file */

/* What a function of a phase takes from its caller, in the order of the parameters. */
typedef enum Use {
    USE_WEIGHTS, USE_STATE, USE_X, USE_TARGET, USE_SHARE, USE_IMAGES, USE_KEEP, USE_GRADIENT, USE_DX, USE_Y, USE_LOSS, USE_SCRATCH, USE_SHARED,
    USE_DRAW, USE_UPDATE, USE_COUNT
} Use;

/* The function of a phase. */
typedef struct Step {
    const Program *program;
    const Phase *phase;
    const char *name;               /* legal and unique */
    bool is_public;                 /* it is an entry itself */
    bool for_input;                 /* it belongs to the gradient of the input, which training leaves out */
    bool uses[USE_COUNT];
    bool ignores[USE_COUNT];        /* of those: what other machines' functions of this phase use, and this one does not */
    bool writes_state;
    const struct Step *same;        /* an earlier step that does exactly the same and stands for this one, or NULL */
} Step;

/* What the header offers for a program: its one step, or a function that calls all of them. */
typedef struct Entry {
    const Program *program;
    const char *name;
    Step *const *steps;
    int step_count;
    bool uses[USE_COUNT];
    bool writes_state;
} Entry;

/* What the generated file must contain because some function that was printed uses it. */
typedef struct Needs {
    bool op[OP_SELECT_EQ + 1];      /* a function of libm; OP_MAX, OP_MIN: larger, smaller; OP_RANDOM: uniform */
    bool exp_of_libm;               /* beside the one of the fast style */
    bool infinity;
    bool lanes;                     /* vectors of the fast style, of the machine of this variant */
    bool sum_of_lanes;              /* their lanes are added up, */
    bool sums_of_lanes;             /* those of several together */
    bool turn;                      /* squares of them are turned */
    bool choose;                    /* a choice for each of their lanes */
    bool all;                       /* one number in each of them */
    bool larger, smaller;           /* of two numbers in each of them */
    bool op_in_lanes[OP_SELECT_EQ + 1];     /* a function of every lane */
    bool fresh;                     /* rounds of a sum that read anew */
    bool held;                      /* what they read stays in a register */
    bool used;                      /* until a round ends */
    bool rolled, unrolled;          /* a short loop that stays one, or is written out by the C compiler */
} Needs;

/* A file for several machines has one for itself, with what they share, and one for each machine: its functions and its steps. */
typedef struct CFile {
    Unit *u;
    struct CFile **variants;        /* those of the machines, in the order of the unit; NULL in a file for one machine, and in those */
    const char *suffix;             /* of all names of functions: "", or "_avx2" */
    const char *lanes;              /* the type of a vector, "lanes8" */
    Text *t;
    Names *names;                   /* functions, places, macros: everything at file scope and inside steps */
    Names *members;                 /* of the structs */
    Map *places;                    /* name of a tensor -> what steps call its place */
    Map *told;                      /* what lessons have explained already */
    const char *net;                /* "Fashion" */
    const char *macro;              /* "FASHION" */
    const char *real;               /* "float" or "double" */
    const char *source;             /* "fashion.cnn" */
    bool freestanding;              /* no <math.h>: inference alone */
    bool uses_weights, uses_state;  /* the caller has them; false without any, or where they are constants */
    Programs programs;
    Functions *functions;
    LIST(Step *) steps;             /* of a file for several machines: what stands for those of all */
    LIST(Step *) joined;            /* c_variant.c, at work */
    LIST(Entry) entries;
    Needs needs;                    /* set while functions are printed; of a file for several machines: what some function of any machine needs */
    Needs own;                      /* of such a file: what its functions for all machines need */
    LIST(const Tensor *) constants; /* of all programs */
} CFile;

/* Where in the text of the file a function stands, with the comment above it. */
typedef struct CPage {
    const Function *function;
    size_t from, to;
} CPage;

typedef struct CPages {
    LIST(CPage) list;
} CPages;

/* The whole file, and where its functions stand in `t`; of several machines those of the first. */
CFile *c_write(Unit *u, Text *t, CPages *pages);

/* Everything that is decided before the first line is printed: names, functions, steps. The first machine is at work then. */
CFile *c_file(Unit *u, Text *t);

/* The variants of a file as a list; a file for one machine is its own. */
int c_variants(CFile *f, CFile ***list);
/* In a file for several machines: the condition of the preprocessor under which the functions of this one stand there. */
const char *c_machine_condition(const CFile *f, int variant);
/* ... under which there are some of those that are wanted, one at least; NULL if all are. */
const char *c_condition_where(const CFile *f, const bool *wanted);
/* Plans the phases of all machines so that they are the same, and with the same parameters. */
void c_join_variants(CFile *f);
/* For GCC: what it makes worse by optimising. */
void c_pragmas(CFile *f);
void c_nest_attribute(CFile *f);            /* NEST, which every function of a nest begins with, in a file for one machine */
const char *c_choose(CFile *f);              /* "CHOOSE16": the macro that chooses lane by lane; the file has it from now on */
const char *c_all(CFile *f);                 /* "ALL16": of one number, a vector that has it in every lane; likewise */
const char *c_extreme(CFile *f, bool larger);   /* "LARGER16", "SMALLER16": of (a, b) lane by lane a where it is larger, else b; likewise */
void c_lanes(CFile *f);                     /* the type of vectors */
/* The code of each machine, the functions of nests as printed before, under the conditions in which there is any; the choice. Returns
 * where the functions of the first machine begin in the text. */
size_t c_sections(CFile *f, Text *const *functions);
/* What a call of a step begins with: nothing, or `this_machine()->`. */
const char *c_step_prefix(const CFile *f, const Step *step);
int c_keeps(const CFile *f, const Program *p);          /* of cnn_program */
int64_t c_scratch(const CFile *f, const Program *p);     /* of a program, the most that a machine needs; */
int64_t c_shared(const CFile *f, const Program *p);

/* ---- one function */

typedef struct LocalName {
    const void *of;                 /* a Loop or a Tensor */
    const char *text;
} LocalName;

typedef struct HeldLoad {
    const Expr *load;
    const char *name;
    const char *base;               /* c_tile.c: the name without the place in the tile */
    bool passes;                    /* c_tile.c: one vector at a time stands there */
    bool number;                    /* ... which has the same number in all lanes */
} HeldLoad;

/* A load whose element is found from a pointer by a number (c_tile.c). */
typedef struct NearLoad {
    const Expr *load;
    const char *name;               /* of the pointer */
    int axis;                       /* along which it is that number away */
} NearLoad;

/* The names inside the function of a nest. */
typedef struct Scope {
    CFile *file;
    const Nest *nest;
    LIST(LocalName) names;
    LIST(const Tensor *) tensors;   /* parameters: dst, what is read of the images, weights */
    const char *total;              /* "sum", "largest", "smallest", "first" */
    const char *value;              /* one candidate for it */
    LIST(HeldLoad) held;            /* loads of n->value that stand in locals of their own: c_hold_choices, c_tile.c */
    LIST(NearLoad) near;            /* c_tile.c */
    const char *real;               /* "float" */
    bool draws;                     /* takes `draw` */
    bool wide;                      /* loops count in int64_t */
    const char *meaning[MAX_LOOPS]; /* comments behind loops, or NULL */
    int comment_column;             /* of them */
    const Loop *lanes;              /* accesses that run over this loop are vectors; NULL: all are numbers */
    const char *plain_total;        /* c_tile.c: `total` without the places of the tile */
    const Loop *short_loop;         /* c_tile.c: begins with UNROLLED or ROLLED; NULL: none does */
    bool unrolled;                  /* with UNROLLED */
    const struct Square *square;    /* c_turn.c */
    int64_t bound[MAX_LOOPS];       /* value of each loop that is written out now, or -1 */
} Scope;

Scope *c_scope(CFile *f, const Nest *n);
const char *scope_name(const Scope *s, const void *loop_or_tensor);
/* A name that no loop and no tensor has: the first of the two if it is free. */
const char *c_free_name(Scope *s, const char *wanted, const char *instead);
/* From now on, what only one side of a choice reads is read before the choice. gcc 12.2 -O3 -mavx turns `dx[i] += y > 0 ? dy[i] : 0` under
 * nested loops into masked loads and stores of which some are lost; a load that is not conditional stays right. tests/layers/relu_uneven.cnn
 * shows it, in style lesson. */
void c_hold_choices(Scope *s);
int scope_places(const Scope *s);   /* loops that place dst; in a gather those come first */
/* `float y[8][26][26]` */
const char *c_parameter(const Scope *s, const Tensor *t);
/* Dimensions as C declares them: "[8][26][26]", "[1]" for one number. */
const char *c_dims(Arena *arena, const Tensor *t);

/* ---- expressions */

typedef enum Form { FORM_C, FORM_FORMULA } Form;

void c_expr(Text *t, const Scope *s, Form form, const Expr *e, const char *total);
void c_affine(Text *t, const Scope *s, const Affine *a);
/* `y[co][oh][ow]`; y[0] in C and y in a formula for one number. */
void c_element(Text *t, const Scope *s, Form form, const Tensor *tensor, const Affine *index);
/* The same as texts of C, with the total that the scope has. */
const char *c_code(const Scope *s, const Expr *e);
const char *c_place(const Scope *s, const Tensor *tensor, const Affine *index);
void c_load(Text *t, const Scope *s, Form form, const Expr *load);      /* the element that a load reads */
const char *c_number(Arena *arena, double value, RealType real);        /* 0.5f */
const char *plain_number(Arena *arena, double value, RealType real);    /* 0.5, shortest that gives the same real; "infinity" */

/* "expf"; NULL for what is an operator of C. */
const char *c_function_of(Op op, RealType real);
const char *c_function_in(const CFile *f, Op op);       /* the same, or what the fast style has in its place: "exp_lane" */
void c_math(CFile *f);                                  /* the definitions of those */
/* "EXP8": what computes the function for every lane of a vector; the file has it from here on. */
const char *c_function_of_lanes(CFile *f, Op op);
void c_math_of_lanes(CFile *f);                         /* the definitions, behind the type of vectors */
const char *c_same_function(Op op);                     /* what --strict has in their place: "same_exp"; NULL for what is no function */
void c_same(CFile *f);                                  /* the definitions of those */
void c_no_contraction(CFile *f);                        /* --strict: what compilers are told */
/* True if a choice between values may name this one twice. */
bool expr_is_plain(const Expr *e);
/* The two sides joined by a put: a + b, the larger of a and b, ... */
Expr *expr_joined(Arena *arena, Put put, const Expr *a, const Expr *b);
/* The places of OP_TOTAL filled with `total`. */
Expr *expr_with_total(const Scope *s, const Expr *finish, const Expr *total);
int expr_totals(const Expr *e);     /* how often OP_TOTAL stands in it */
Expr *expr_of_dst(const Scope *s);  /* a load of the nest's place */

/* ---- printing */

void c_nest(CFile *f, const Function *function);
void c_unrolled(CFile *f, const Function *function);
bool c_is_unrolled(const Nest *n);  /* no loop is left: the nest is cut into functions of so many */
int64_t c_part_size(const Nest *n); /* places of a gather, or statements of a scatter; */
int64_t c_whole_size(const Nest *n);/* the nest has so many */
enum { FILL_STATEMENTS = 500 };     /* of one function that sets dst first: short ones */
bool c_is_tiled(const Nest *n);     /* totals are held for several places at once: */
int c_tile_of(const Nest *n);       /* for those of the loops from this one on */
bool c_rounds_overlap(const Nest *n);   /* compilers would mix the rounds of their sums: FRESH in c_tile.c */
/* The innermost loop of a sum of vectors, if it is short and C compilers and LLVM shall write it out, else NULL: UNROLLED in c_tile.c. */
const Loop *c_unrolled_loop(const Unit *u, const Nest *n);
int64_t c_count_totals(const Nest *n);  /* of a tile, in vectors */
bool c_uses_lanes(const Expr *e, const Loop *lanes);
void c_put_macros(Text *t, const char *macro, const char *names);       /* HELD(sum0_0); HELD(sum0_1); ... for names that a space ends */
bool c_sums_lanes(const Nest *n);   /* the lanes hold partial sums, added up when the total is stored */
void c_tiled(CFile *f, const Function *function);
void c_put_vector(Text *t, Scope *s);           /* what a round adds to the total at the place that is bound */
/* ---- c_turn.c */

void c_turned(CFile *f, const Function *function);      /* a nest that nest_is_turned */
void c_turn_of_lanes(CFile *f);                         /* the function that turns a square */
/* A square is turned in steps of 1, 2, 4, ..., each of which makes two vectors of two, for all numbers of pairs. lane[k] says of which lanes the one
 * for to[k] is made, those of the second numbered on. block: lanes that shuffles keep together. */
enum { MOST_LANES = 16 };
typedef struct TurnPair {
    int from[2], to[2], lane[2][MOST_LANES];
} TurnPair;
int c_turn_block(const Unit *u);
TurnPair c_turn_pair(int step, int number, int lanes, int block);

/* ---- c_sums.c */

/* Totals of a tile whose lanes are added up together, from number `first` on; stored as one vector along the innermost loop of the tile, or each for itself. */
typedef struct SumGroup {
    int64_t first;
    int count;
    bool along;
} SumGroup;
SumGroup c_sum_group(const Unit *u, const Nest *n, int64_t first);      /* that begins with this total */
void c_bind_total(const Nest *n, int64_t *bound, int64_t number);       /* binds the loops of the tile to the place of a total */
/* In steps of 1, 2, 4, ... two neighbouring vectors become one: their lanes lane[0] and lane[1], those of the second numbered on, are added up. */
void c_sum_pair(int step, int lanes, int block, int lane[2][MOST_LANES]);
void c_sums_of_lanes(CFile *f);                         /* the functions that add up, if any is needed */

/* What several totals of a round read: decided where the nest's scope is made, ... */
const Expr *c_shared_factor(const Nest *n);     /* of the two factors of a summed product, that of which a round reads fewer vectors; or NULL */
void c_hold_vectors(Scope *s);
void c_find_near(Scope *s);
void c_point_near(Text *t, const Scope *s, const NearLoad *near);       /* const float (*w_)[400] = w + 30*co_; */
void c_name_held(Scope *s);                     /* ... and called x_0 and x_1 along a loop of two, at the place that is bound */
void c_put_held_round(Text *t, Scope *s);       /* a round where vectors are held */
/* Loops [from, to) of the nest around a body that is one statement, or several if `block`. */
typedef void Body(Text *t, Scope *s);
void c_loops(Text *t, Scope *s, int from, int to, bool block, Body *body);
void c_comment_column(const CFile *f, Scope *s);        /* the comments behind loops stand in one column */
/* What the statements of a nest are, for every emitter: whether a local total is made for every place, what it begins with, whether it
 * is added to what the place holds; of a place without a local total the value that is set, or NULL: the nest's own put. */
bool c_needs_total(const Scope *s);
const Expr *c_total_start(const Scope *s);
bool c_total_is_added(const Nest *n);
const Expr *c_single_value(const Scope *s);
/* Statements of a nest without its loops, as bound in the scope. */
void c_total_begin(Text *t, const Scope *s, bool declare);                              /* float sum = b[co]; */
void c_total_end(Text *t, const Scope *s);                                              /* y[co][oh][ow] = sum; */
void c_single(Text *t, const Scope *s);                                                 /* what stands in place of these two */
void c_statement_put(Text *t, const Scope *s, const char *to, const Expr *value);       /* to += value; to NULL: y[...] */
bool c_put_is_block(const Scope *s);                                                    /* that is more than one statement */
void c_signature(CFile *f, const char *name, const Scope *s);                           /* with the { */

void lesson_comment(CFile *f, const Function *function);
void lesson_formula(CFile *f, const Nest *n, const char *prefix);                       /* its formula alone, every line behind a prefix */
void lesson_meanings(CFile *f, Scope *s);                                               /* fills in s->meaning */
void lesson_banner(CFile *f, const Site *s);
const char *lesson_as_written(CFile *f, const Site *s);                                 /* a layer as written, on one line */
const char *source_line(CFile *f, Span span);                                           /* the line of the source, without comment */

void c_about(CFile *f);             /* the comment at the top */
void c_sizes(CFile *f);
void c_structs(CFile *f);
void c_prototypes(CFile *f);
/* Appends code that is for a place of the source, with `#line` if it is to be debugged; ends that. */
void c_pinned(CFile *f, const Text *code, Span span);
void c_pinned_here(CFile *f, Span span);    /* the next line alone */
void c_unpinned(CFile *f);
void c_helpers(CFile *f);
void c_constants(CFile *f);
void c_predict(CFile *f);
/* The number of a param among those that are trained, or among the others: its place in the descriptor. */
int number_of_param(const Net *net, const Param *p);
int64_t nest_updated(const Nest *n);        /* weights that may move when such a nest has run once */
void c_update_prototype(CFile *f);          /* of what steps tell that to, where there are such nests; */
void c_update(CFile *f);                    /* and its definition, behind the contract */
void c_steps(CFile *f);
void c_entries(CFile *f);           /* those of several steps, or, in a file for several machines, all */
void c_model(CFile *f);
const char *member_of(const CFile *f, const Param *p);
/* `(const float (*)[28][28])`: a pointer to what the elements of the first axis are. */
const char *c_cast(const CFile *f, const Tensor *t, bool constant);
/* The parameters of a step or an entry as declared: "const Fashion_weights *w", ... Returns their number. */
int step_parameters(const CFile *f, const Program *p, const bool uses[USE_COUNT], bool writes_state, const char *to[USE_COUNT]);
/* What a caller passes for them; from a job if `job`. */
int step_arguments(const CFile *f, const Program *p, const bool uses[USE_COUNT], bool job, const char *to[USE_COUNT]);
bool program_has_sums(const Program *p);
const Tensor *tensor_of_use(const Program *p, Use use);     /* NULL for weights, state, scratch, ... */
const char *size_macro(const CFile *f, const char *what);    /* FASHION_TILE */
const char *program_macro(const CFile *f, const char *what, const Program *p);      /* FASHION_SCRATCH_TRAIN */

/* ---- text */

const char *grouped(Arena *arena, int64_t number);                                      /* 48 672 */
void put_string(Text *t, const char *bytes);                                            /* "..." as C writes it */
/* One statement, broken before operators and after commas where it is too long. */
void put_code(Text *t, const char *code);
/* `head` and the items after it, separated by ", ", lined up under the first; then tail. */
void put_list(Text *t, const char *head, const char *const *items, int count, const char *tail);
/* A paragraph in a comment: every line begins with `prefix`, later lines with `hang` more columns. */
void put_paragraph(Text *t, const char *prefix, const char *text, int hang);
/* Ends a comment on its last line. */
void put_comment_end(Text *t);
/* A formula in a comment. */
void put_formula(Text *t, const char *prefix, const char *formula);

#endif
