/* loops.h: the loop IR that every back end prints and the evaluator runs.
 *
 * The unit is the nest: one statement under a list of loops,
 *
 *     fill dst with a constant                       (if `fill`)
 *     for every loop:  dst[f(loops)] put= value      (beginning with `start`, ended by `finish`)
 *
 * A nest never reads what it writes, so every order, split and tiling of its loops is legal up to rounding. (Once its loops are in order, one
 * that writes each place once may read that place just before; see keep.c.) Indices are
 * affine in the loops. Loops whose variable appears in dst's index are its *places*, the others are *summed*. There are
 * two forms:
 *
 *   gather    each place is written once, or never (in rounds that overlap again, and alike): every axis of dst has loops of its own
 *             (with a `fill`, which the places of the nest must then be all of). A total is made for each place: it begins with `start`
 *             (NULL: with what dst holds), goes through the summed loops, and is stored through `finish`.
 *   scatter   any other index of dst (start and finish are NULL): each value is put into memory at once.
 *
 * A program is an array of nests, cut into phases. Tensors keep their axes and names until an emitter prints them. */
#ifndef CNNC_LOOPS_LOOPS_H
#define CNNC_LOOPS_LOOPS_H

#include "base/list.h"
#include "base/text.h"
#include "net/net.h"

enum { MAX_AXES = MAX_RANK + 1, MAX_TERMS = 4, MAX_LOOPS = 12 };

/* Where a tensor lives. */
typedef enum Role {
    ROLE_INPUT,         /* x of the tile, given by the caller */
    ROLE_TARGET,        /* what the output should be, given by the caller */
    ROLE_SHARE,         /* one number an image: its share of the loss, 1/(images of the batch), 0 for an image that only fills the tile */
    ROLE_IMAGES,        /* one number: the images of the batch */
    ROLE_KEEP,          /* one number: how much gradients keep of what they hold when a tile begins (keep.c) */
    ROLE_PARAM,         /* trained, in the weights */
    ROLE_STATE,         /* kept with the weights but not trained */
    ROLE_GRADIENT,      /* of a param: nests add to it. The caller clears it before a step, or says what it keeps (keep.c) */
    ROLE_INPUT_GRADIENT,/* of the input: written only by the nests marked for_input; cleared by the caller */
    ROLE_OUTPUT,        /* y of the tile, the caller's */
    ROLE_LOSS,          /* one number an image, the caller's */
    ROLE_SCRATCH,       /* per image of the tile, or a private sum of the tile: placed by loops/memory.c */
    ROLE_SHARED,        /* over the whole batch: statistics. Placed by loops/memory.c in the shared block */
    ROLE_CONSTANT       /* known numbers */
} Role;

typedef struct Tensor {
    const char *name;           /* unique in the program: "conv1.y", "conv1.weight", "conv1.y.d" for a gradient */
    const char *symbol;         /* as formulas of its own site call it: "y", "w", "m", "dy" */
    const char *meaning;        /* for lessons, "the largest feature"; or NULL */
    Role role;
    int rank;                   /* axes, the n of per_image included while it is there */
    int64_t dim[MAX_AXES];
    bool per_image;             /* one for every image of the tile: its first axis is n */
    bool has_n;                 /* that axis is there (tile.c drops it) */
    bool images_last;           /* per image, with n for its last axis (layout.c) */
    bool grouped;               /* such a one in groups of a vector: its first axis is the group (groups.c) */
    bool one_image;             /* per image, but lives in a run of nests that handle one image, or one group, at a time: it has room for that one */
    bool one_band;              /* lives in nests that handle one band at a time: it has room for that one */
    bool channels_last;         /* a map with its channels innermost: n, h, w, c (channels.c) */
    bool never_negative;        /* whatever lies in it (sign.c) */
    bool rows_innermost;        /* a map that stays as it is where those behind it get their channels innermost (front.c) */
    bool room;                  /* channels.c: it gets that room */
    int64_t channels;           /* of such a map, or of numbers for each channel with room; its last axis may have room for more, up to whole
                                   vectors, that nobody reads */
    int64_t spare;              /* of its last axis: the last ones, where nothing lies (spread.c) */
    Site *site;                 /* which layer it belongs to, or NULL */
    Param *param;               /* ROLE_PARAM, ROLE_STATE, ROLE_GRADIENT */
    bool own_symbol;            /* of a view: it has a symbol of its own, and is not called like the tensor it shows */
    struct Tensor *view_of;     /* the same storage under another shape (flatten), or NULL */
    struct Tensor *gradient;    /* made on demand by adjoint.c; of a view: a view of the gradient */
    struct Tensor *primal;      /* of a gradient: the tensor it belongs to */
    const double *constant;     /* ROLE_CONSTANT: its elements */
    bool written_out;           /* ROLE_CONSTANT: a small matrix; its loops are written out, its elements are numbers in the code (unfold.c) */

    int64_t offset;             /* in reals: in the scratch block, the shared block or the weights; by loops/memory.c */
    int first, last;            /* first write and last read, positions in Program.nests; by loops/memory.c */
    int mark;                   /* for the pass at work; see Program.marks */
    bool in_place;              /* shares its place with the tensor it is computed from, element by element */
    bool kept;                  /* it is looked at when the program has ended */
} Tensor;

int64_t tensor_count(const Tensor *t);
int64_t tensor_stated(const Tensor *t);                     /* as many as there were before channels got room in it */
int64_t tensor_places(const Tensor *t);                     /* those of them that hold something */
int tensor_last_axis(const Tensor *t);                      /* the last one with more than one place: its neighbours are neighbours in memory */
int64_t tensor_room(const Tensor *t);                       /* of a scratch or shared tensor, by memory.c: up to 16 reals, the longest vector */
/* Names as wanted, with a number behind them where they are taken. */
const char *tensor_name(Unit *u, const struct Program *p, const char *wanted);
const char *nest_name(Unit *u, const struct Program *p, const char *wanted);
/* The tensor that owns the storage. */
Tensor *tensor_base(Tensor *t);

typedef enum LoopKind {
    LOOP_PLAIN,
    LOOP_UNROLL,                /* written out: the emitters print its body once for every value */
    LOOP_LANES,                 /* the lanes of one vector: its extent is the width of a vector of the machine */
    LOOP_TURN,                  /* one of those before the lanes whose places lie side by side on the other side of a copy (fast_turn.c) */
    LOOP_IMAGE,                 /* over images, or groups of them, the outermost: the step runs it around this nest and its neighbours (images.c) */
    LOOP_BAND                   /* over bands of an image, behind the images: the step runs it around nests that share the buffer of a band (winograd.c) */
} LoopKind;

/* offset + sum of factor * loop; what an axis is indexed with. */
typedef struct Affine {
    int64_t offset;
    int count;
    struct { struct Loop *loop; int64_t factor; } term[MAX_TERMS];
} Affine;

typedef struct Loop {
    const char *name;           /* "co" */
    const char *meaning;        /* "for every filter", or NULL */
    int64_t extent;             /* runs from 0 to extent - 1 */
    LoopKind kind;
    bool trimmed;               /* one that is summed, by trim.c: only from the larger of 0 and `from` to before the smaller of extent and */
    Affine from, to;            /* `to`, of loops of places outside it; the rounds that are left out would add zeros */
    bool overlaps;              /* its rounds share places, which they make again, and alike (nest_split_into_vectors) */
    bool blocks;                /* of a sum, and around its places, whose totals go on where the block before left them (blocks.c) */
} Loop;

typedef enum Op {
    OP_CONSTANT,                /* number */
    OP_LOAD,                    /* tensor[index...] */
    OP_INDEX,                   /* index[0] as a number */
    OP_TOTAL,                   /* in finish: the finished total */
    OP_RANDOM,                  /* uniform in [0, 1): a function of (seed, step, stream = number, image = index[0], element = index[1]) */
    OP_NEG, OP_ABS, OP_EXP, OP_LOG, OP_LOG1P, OP_SQRT, OP_TANH, OP_ERF,     /* of a */
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MAX, OP_MIN,                         /* of a and b */
    OP_SELECT_GT,               /* a > b ? c : d */
    OP_SELECT_EQ                /* a == b ? c : d */
} Op;

typedef struct Expr {
    Op op;
    double number;
    Tensor *tensor;
    Affine index[MAX_AXES];
    struct Expr *a, *b, *c, *d;
} Expr;

typedef enum Put { PUT_SET, PUT_ADD, PUT_MAX, PUT_MIN } Put;

typedef struct Symbol {
    const Tensor *tensor;
    const char *text;           /* "y", "x", "x2", "w", "dy" */
} Symbol;

typedef struct Nest {
    const char *name;           /* "conv1", "conv1_dw": the name of its function, unique among different nests */
    const char *why;            /* one sentence for the lesson */
    Site *site;
    bool backward;
    bool for_input;             /* needed for the gradient of the input alone; comes after all others */
    Loop *loops[MAX_LOOPS];     /* outermost first */
    int loop_count;
    Expr *fill;                 /* a constant that the whole of dst is set to first, or NULL */
    Expr *start;                /* gather form: NULL begins with what dst holds (PUT_SET needs none) */
    Put put;
    Tensor *dst;
    Affine index[MAX_AXES];     /* of dst */
    Expr *value;
    Expr *finish;               /* of OP_TOTAL, or NULL */
    LIST(struct Symbol) symbols;/* how its formula calls the tensors it touches */
    int hold;                   /* loops[hold...] run with dst held in locals, one for every value of the places among them;
                                   set by loops/schedule.c. Lanes that are summed are added up when the total is stored. */
    int64_t piece;              /* unrolled: places that one function handles; 0: all */
    bool part;                  /* its places are a box of dst, or of every second row of it; nests beside it make the others (parts.c, gather.c) */
    bool updates;               /* when it has run, the weights whose gradient it made may move (update.c) */
    double stated;              /* multiply-adds that it makes of those in the formula of its layer, if that is a sum of products; else 0 (remark.c) */
    const struct Choice *prefers;   /* choice.h: the register tile that it shall have (edge.c), or NULL: the policy's own */
    const struct Choice *choice;/* the one that it got, or NULL */
    const char *note;           /* for dumps: what passes chose for it, and why; or NULL */
} Nest;

/* A list of sums over the tiles that follow a phase: scratch [from, from + count) of every tile goes to shared [to, ...). */
typedef struct PhaseSum {
    Tensor *partial;            /* ROLE_SCRATCH, one a tile */
    Tensor *total;              /* ROLE_SHARED */
} PhaseSum;

/* Nests [first, end) of a program that may run tile after tile without waiting for the other tiles. */
typedef struct Phase {
    int first, end;
    bool once;                  /* touches no image: runs once for the whole batch */
    LIST(PhaseSum) sums;
} Phase;

/* What a layer makes, where that can be looked at; the first is the input, with site NULL. */
typedef struct ProgramMap {
    const Site *site;
    Shape shape;
    Tensor *y;                  /* its gradient is that of the loss */
} ProgramMap;

/* What a program computes. */
typedef enum Mode {
    MODE_TRAIN,                 /* forward as in training, loss, backward */
    MODE_INFER,                 /* forward outside training */
    MODE_EVAL,                  /* forward outside training, loss, backward: the derivative of the inference function */
    MODE_LOOK                   /* the same for one image, as the source has it: keeps what every layer makes (look.c) */
} Mode;

typedef struct Program {
    const char *name;           /* "train", "infer", "eval" or "look" */
    Mode mode;
    const Net *net;
    int64_t tile;
    LIST(Nest *) nests;
    LIST(Tensor *) tensors;
    LIST(Phase) phases;
    int grad_phase;             /* phases[grad_phase...] hold the nests marked for_input */
    int forward_end;            /* nests[0 ... forward_end) are the forward pass (and the loss) */
    struct { int first, end; } *made;       /* for every site, and last the loss: its nests in the forward pass, until tidy */
    Tensor **of_value, **of_param;          /* tensors of the net's values (the input, then those of the sites) and params */
    Tensor *x, *y, *target, *share, *images, *keep, *loss, *dx;   /* NULL where the program has none */
    bool adds_at_once;          /* what a tile adds to a gradient does not depend on what that holds (keep.c) */
    LIST(ProgramMap) maps;      /* MODE_LOOK: in the order of the source */
    int marks;                  /* numbers given out: a pass marks tensors with a new one */
    Layout layout;              /* which of its axes is wanted innermost; auto: channels.c decides */
    const char *layout_note;    /* why that one; NULL: it was asked for */
    bool channels_last;         /* its maps have their channels innermost, */
    bool front_by_rows;         /* but those before the second convolution (front.c) */
    int64_t groups;             /* of images that lie innermost, each of one vector; 0: all images of the tile lie side by side */
    bool planned;               /* program_memory has run */
    int64_t scratch;            /* reals of the scratch block of a tile */
    int64_t shared;             /* reals of the shared block */
    int64_t lower_bound;        /* the largest sum of what is alive at one time, in reals */
    double stated;              /* multiply-adds of a tile, as the formulas of the layers have them */
    const char *note;           /* for dumps, as that of a nest */
} Program;

/* lower.c: the forward nests of all sites and, but for MODE_INFER, those of the loss. */
Program *program_lower(Unit *u, const Net *net, Mode mode);

/* adjoint.c: appends the backward pass: sites in reverse, each by its own `backward` or derived from its nests. */
void program_adjoint(Unit *u, Program *p);

/* look.c: the program of MODE_LOOK, with its backward pass. Its phases up to `grad_phase` go forward, the others backward. */
Program *program_look(Unit *u, const Net *net);

/* tidy.c: makes the program say only what is needed: zero gradients and unread tensors go, the first contribution to a
 * gradient becomes its start, what serves only the input's gradient moves to the end. */
void program_tidy(Unit *u, Program *p);

/* tile.c: the images of a call that suit the style, the machine and the batch of the recipe. */
int64_t tile_of_batch(const Unit *u);
int64_t net_batch(const Net *net);                          /* images of a step, as the recipe has it */
/* In programs for tiles of one image, tensors and nests lose their n. */
void program_drop_n(Unit *u, Program *p);

/* phases.c: cuts the program where a nest needs the sum over all images of the batch. */
void program_phases(Unit *u, Program *p);

/* schedule.c: the policy of a style: order, what is held, what is unrolled. False if over the budget (reported). */
bool program_schedule(Unit *u, Program *p);

/* begin.c: sums that are made at once begin with zero by themselves. After program_schedule. */
void program_begin_sums(Unit *u, Program *p);

/* keep.c: gradients begin with a part of what they hold, so that nobody need clear them. After program_schedule. */
void program_keep(Unit *u, Program *p);

/* edge.c: other register tiles than the policy's for sums that meet less of a border with them. Before program_schedule. */
void program_meet_edges(Unit *u, Program *p);

/* trim.c: sums over a border of zeros stop where it begins. After program_schedule. */
void program_trim(Unit *u, Program *p);
void nest_trim(const Program *p, Nest *n);                      /* the same for one nest, which may be a copy of one of the program's */
bool nest_meets_border(const Program *p, const Nest *n);        /* a sum that reads one along an axis that it steps on, wide enough for that */

/* border.c: borders of zeros that sums do not reach any more go. After program_trim. */
void program_narrow_borders(Unit *u, Program *p);

/* unfold.c: True for a sum that is written out whole, with elements of small matrices as numbers. */
bool nest_is_unfolded(const Nest *n);
/* All that such a nest sums up at one of its places, as one expression. bound[i] is the value of loops[i] where that is written out now. */
Expr *nest_unfold(Unit *u, const Nest *n, const int64_t *bound);

/* fast_turn.c: a copy through squares that are turned in registers. The loops [hold, end) have `count` rounds, whose places lie side by side in dst, if rows are
 * stored, or else in what is read. Those of the last loop, the lanes, lie so on the other side, and so do the vectors of the one between, if it is there. */
typedef struct Turn {
    const Expr *load;           /* what is read */
    const Expr *keep;           /* OP_LOAD: dst keeps that part of what it holds; or NULL */
    bool adds;                  /* dst keeps all of it */
    bool rows_are_stored;
    bool goes_on;               /* the loop around the squares goes on along the rows: what comes next can be asked for (Zen 3: weights that come from the third
                                   level of the cache are packed in 0.8 of the time) */
    int end;
    int64_t count, vectors;
    int64_t again;              /* numbers of a row that the last square moves, which begins before the last whole one ends; 0: there are whole ones alone, */
    int64_t rest;               /* or these are added one by one */
} Turn;
enum { SQUARES_AHEAD = 2 };     /* rounds of that loop */
bool nest_is_turned(const Nest *n);
Turn nest_turn(const Nest *n);

/* images.c: one image, or one group of them, after the other through runs of nests. After program_schedule. */
void program_depth_first(Unit *u, Program *p);

/* remark.c: what dumps say of a schedule. First, before anything is laid out, what the formulas of the layers ask for; last, when everything
 * is scheduled, the notes: what each nest got and which share of peak is predicted for it. Between them passes say why they chose what. */
void program_state(Unit *u, Program *p);
void program_remark(Unit *u, Program *p);
/* Adds a clause to the note of a nest. */
void nest_remark(Unit *u, Nest *n, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* memory.c: offsets of all scratch and shared tensors; scratch, shared and lower_bound of the program. */
void program_memory(Unit *u, Program *p);

/* verify.c: asserts what the IR promises: every access in bounds, nothing read before it is written, no nest reads what
 * it writes. Returns NULL, or a sentence that says what is wrong and where. */
const char *program_verify(Unit *u, const Program *p);

/* True for a nest whose places are written once (see the top). */
bool nest_is_gather(const Nest *n);
bool nest_is_trifle(const Nest *n);                         /* so little work that a call of a function of its own would be felt */
bool nest_covers(const Nest *n);                            /* a gather that writes all of dst */
bool nest_places_loop(const Nest *n, const Loop *l);        /* the loop appears in dst's index, or is the step's */
bool nest_is_tap(const Nest *n, const Loop *l);             /* over taps: indices add it to another loop, and no axis of a map has it alone */
bool nest_comes_again(const Nest *n, const Loop *l);        /* every round of the loop, be it the step's, comes to the same places of dst */
bool nest_sums_over(const Nest *n, int loop);               /* it does not */
int nest_find_loop(const Nest *n, const Loop *l);           /* where it stands, or -1 */
int nest_images_loop(const Nest *n);                        /* that over the images of a tile, or of a group of them, or -1 */
Loop *nest_band(const Nest *n);                             /* that over bands, or NULL */
int nests_before_band(Nest *const *list, int count, const Nest *n);     /* of `count` nests, those before the ones that share a band with n */
Loop *nest_neighbours(const Nest *n);                       /* the loop that runs through neighbours of dst, or NULL */
Loop *nest_axis_loop(const Nest *n, int axis);              /* that of a place along this axis of dst if nothing else is added there, or NULL */
bool indices_use(const Affine *index, int count, const Loop *l);
/* True for an index that is this loop (NULL: any one loop) and nothing else. */
static inline bool is_just(const Affine *a, const Loop *l)
{
    return a->count == 1 && a->offset == 0 && a->term[0].factor == 1 && (!l || a->term[0].loop == l);
}
int nest_step_loops(const Nest *n);                         /* how many of its first loops the step runs around it: images, bands */
bool nest_reads_loop(const Nest *n, const Loop *l);         /* something in it depends on where that loop is */
bool nest_fills_image(const Nest *n);                       /* of dst, its fill clears the part of one image */
int64_t nest_places(const Nest *n);                         /* of a gather, that it writes */
int nests_shared_loops(const Program *p, int a, int b);     /* how many of those loops the step runs around both before it goes on */
int64_t nest_work(const Nest *n);                           /* times that the statement runs */
bool expr_reads(const Expr *e, const Tensor *t);            /* storage of t, views included */
bool nest_reads(const Nest *n, const Tensor *t);            /* the same */
bool expr_uses(const Expr *e, const Loop *l);               /* an index in it does */
bool nest_is_clear(const Nest *n);                          /* it writes a number, and waits for nothing */
bool nest_touches(const Nest *n, const Tensor *t);          /* or writes it */
bool nests_depend(const Nest *a, const Nest *b);            /* one of them writes what the other one touches */
int program_maker(const Program *p, const Tensor *t);       /* the number of the one nest that writes the storage of t; -1 if there are none or several */
/* How far along an axis of t nests read or write it, other than through views; low > high: nowhere. */
void program_reads(const Program *p, const Tensor *t, int axis, int64_t *low, int64_t *high);
void program_writes(const Program *p, const Tensor *t, int axis, int64_t *low, int64_t *high);
bool program_has_views(const Program *p, const Tensor *t);  /* another tensor shows it */
/* Calls visit for every load of the nest (value, start, finish). */
void nest_loads(const Nest *n, void (*visit)(void *context, const Expr *load), void *context);

/* Rebuilds an expression bottom up: `change` sees every node after its children and returns it or another. */
Expr *expr_map(Unit *u, const Expr *e, Expr *(*change)(void *context, Expr *e), void *context);
bool affine_equal(const Affine *a, const Affine *b);
/* The smallest and the largest value of an index, or less and more: trimmed loops count with the bounds that the places outside them give. */
void affine_reach(const Affine *a, int64_t *low, int64_t *high);
bool expr_is_zero(const Expr *e);                           /* the constant; not for NULL */
bool expr_equal(const Expr *a, const Expr *b);
Expr *expr_fold(Unit *u, Expr *e);                          /* constants folded, 0 and 1 gone, in this node alone */

/* print.c: the one text dump. */
void program_dump(Unit *u, const Program *p, Text *t);
void memory_dump(Unit *u, const Program *p, Text *t);
void nest_print(const Nest *n, Text *t);
void expr_print(const Nest *n, const Expr *e, Text *t);
void affine_print(const Affine *a, Text *t);
/* How the formulas of this nest call a tensor: "y", "x", "w", "dy", "x2". */
const char *nest_symbol(Unit *u, const Nest *n, const Tensor *t);

#endif
