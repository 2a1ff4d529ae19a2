/* llvm.h: what the files that make LLVM IR share. Only they see llvm-c/.
 *
 *   llvm.c            one unit as a module: the parts in their order, and the forms in which it is written
 *   llvm_machine.c    the machine that code is made for: triple, processor, features; passes and code generation
 *   llvm_alias.c      what is true of the arguments of a function in all of its calls: alignment, overlap
 *   llvm_expr.c       expressions and indices
 *   llvm_math.c       exp and tanh of the fast style
 *   llvm_loop.c       loops, and what is held in registers while they run
 *   llvm_nest.c       a nest as a function
 *   llvm_step.c       the functions that call the functions of nests, phase by phase
 *   llvm_model.c      the descriptor for the runtime
 *   llvm_debug.c      -g: lines and variables for debuggers
 *   llvm_jit.c        the unit in memory
 *
 * Names, functions, steps and the parameters of functions are those of the C file: c_plan.c, c_scope.c. */
#ifndef CNNC_EMIT_LLVM_H
#define CNNC_EMIT_LLVM_H

#include "emit/c.h"
#include "emit/native.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

enum { LLVM_CONSTANT_ALIGN = 64 };      /* bytes: where constants, and memory on the stack, begin */

typedef struct Debug Debug;

/* A module that is being made. */
typedef struct Module {
    Unit *u;
    CFile *plan;                    /* names, functions and steps */
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef at;              /* where instructions are appended */
    LLVMTargetMachineRef machine;
    LLVMTargetDataRef layout;
    LLVMTypeRef nothing, i32, i64, size, real, pointer;     /* size: an integer as wide as a pointer */
    unsigned real_bytes;
    Map *functions;                 /* Function * -> LLVMValueRef */
    Map *arguments;                 /* Function * -> Argument * */
    Map *steps;                     /* Step * -> LLVMValueRef */
    Map *globals;                   /* name of a constant tensor -> LLVMValueRef */
    Map *strings;                   /* text -> LLVMValueRef */
    LLVMValueRef uniform;           /* the function of OP_RANDOM, made when first asked for */
    LLVMValueRef updated;           /* the function that tells that weights may move, the same */
    LLVMValueRef model;             /* the descriptor */
    Debug *debug;                   /* with -g, else NULL */
} Module;

/* ---- llvm_machine.c */

/* The machine that the options name, with code for position-independent objects. NULL after reporting an error. */
LLVMTargetMachineRef llvm_machine(Unit *u, int optimise);
/* Runs the passes of a level over a module. False after reporting an error. */
bool llvm_optimise(Unit *u, LLVMModuleRef module, LLVMTargetMachineRef machine, int level);
/* Appends assembly or an object. False after reporting an error. */
bool llvm_code(Unit *u, LLVMModuleRef module, LLVMTargetMachineRef machine, LLVMCodeGenFileType type, Text *t);

/* The machines that objects can be made for (native.h). */
void llvm_list_targets(Text *t);

/* ---- llvm.c, llvm_jit.c: see native.h */

bool llvm_emit(Unit *u, NativeKind kind, Text *t, NativeNames *names);
const struct cnn_model *llvm_jit(Unit *u, NativeCode **code);
void llvm_jit_end(NativeCode *code);

LLVMTypeRef llvm_array(LLVMTypeRef element, const int64_t *dim, int rank);
LLVMValueRef llvm_int(LLVMTypeRef type, int64_t number);
LLVMValueRef llvm_real(const Module *m, double number);
/* Numbers of the unit's real type in the shape of `dim`. */
LLVMValueRef llvm_reals(const Module *m, const double *value, const int64_t *dim, int rank);
/* An attribute without a value, or with a number or a type; nothing where this LLVM does not know it. */
void llvm_attribute(const Module *m, LLVMValueRef function, LLVMAttributeIndex index, const char *name, uint64_t number);
/* A function with its first block, where the builder then stands. The parameters have no names yet. */
LLVMValueRef llvm_function(Module *m, const char *name, LLVMTypeRef result, LLVMTypeRef *parameters, int count, bool is_public);
LLVMValueRef llvm_call(Module *m, LLVMValueRef function, LLVMValueRef *arguments, int count);
LLVMValueRef llvm_string(Module *m, const char *text);      /* the address of a NUL-terminated text; a null pointer for NULL */
/* A constant that nobody else sees. */
LLVMValueRef llvm_constant(Module *m, const char *name, LLVMValueRef value, unsigned align);

/* A function of its own is made while another one is: where that goes on. */
typedef struct Spot {
    LLVMBasicBlockRef block;
    LLVMMetadataRef line;
} Spot;
Spot llvm_spot(const Module *m);
void llvm_go_on(Module *m, Spot spot);

/* ---- llvm_debug.c */

void llvm_debug_begin(Module *m);
void llvm_debug_end(Module *m);
/* What is appended from here on belongs to this function, and to this line of the source. */
void llvm_debug_function(Module *m, LLVMValueRef function, const char *name, Span span);
void llvm_debug_line(Module *m, Span span);
/* What is appended from here on belongs to nothing that a debugger should show. */
void llvm_debug_nothing(Module *m);
/* The elements of a tensor are at this address, under the name of its layer, or under another one. */
void llvm_debug_tensor(Module *m, LLVMValueRef address, const Tensor *t);
void llvm_debug_local(Module *m, LLVMValueRef address, const char *name, const Tensor *t, Span span);

/* ---- llvm_alias.c */

/* What holds for an argument in every call of a function. */
typedef struct Argument {
    unsigned align;                 /* bytes */
    bool apart;                     /* nothing that the function writes overlaps it; of dst: nothing that it reads */
} Argument;

/* Looks at all calls of the unit's programs. */
void llvm_see_calls(Module *m);
/* One for each tensor of the scope of the function. */
const Argument *llvm_arguments(const Module *m, const Function *function);

/* ---- llvm_math.c, llvm_expr.c, llvm_loop.c, llvm_nest.c */

/* A function of a nest that is being made. */
typedef struct Code {
    Module *m;
    const Scope *s;
    const Nest *nest;
    const Function *of;
    const Argument *arguments;
    LLVMValueRef function;
    LLVMValueRef round[MAX_LOOPS];  /* the loops that the step runs: parameters */
    LLVMValueRef loop[MAX_LOOPS];   /* values of the loops; a constant for one that is written out */
    int64_t bound[MAX_LOOPS];       /* of those that are written out; else -1 */
    LLVMValueRef *held;             /* totals in registers; loops carry them round */
    int held_count;
    LLVMValueRef array;             /* totals, or squares that are turned, in memory; or NULL */
    const Loop *lanes;              /* accesses that run over this loop are vectors; NULL: all are numbers */
    LLVMTypeRef vector;             /* type of such an access */
    const Loop *unrolled;           /* UNROLLED in c_tile.c, or NULL */
    LIST(LLVMValueRef) parts;       /* unrolled: the functions that the nest is cut into */
    bool alone;                     /* one of them is all */
    int64_t left;                   /* places that the open part still takes; -1: none is open */
} Code;

/* Marks an operation as one that may be rounded once with the next: a product and the sum behind it, as C compilers do. Not --strict. */
LLVMValueRef llvm_contracted(const Module *m, LLVMValueRef value);
/* The function of one number that computes an OP_EXP, ...: the C file's; that of the fast style for a type, numbers or vectors, or NULL. */
LLVMValueRef llvm_math(Module *m, Op op);
LLVMValueRef llvm_library(Module *m, const char *name);     /* of libm, of one number */
LLVMValueRef llvm_math_of(Module *m, Op op, LLVMTypeRef type);
LLVMValueRef llvm_affine(Code *c, const Affine *a);
LLVMValueRef llvm_address(Code *c, const Tensor *t, const Affine *index);
LLVMValueRef llvm_load(Code *c, const Tensor *t, const Affine *index, const char *name);
void llvm_store(Code *c, const Tensor *t, const Affine *index, LLVMValueRef value);
/* `total` stands for OP_TOTAL. The value is a vector if some access in it runs over the lanes or the total is one. */
LLVMValueRef llvm_expr(Code *c, const Expr *e, LLVMValueRef total);
/* a + b, the larger of a and b, ...: what a put leaves of `old` and a new value. */
LLVMValueRef llvm_put(Code *c, Put put, LLVMValueRef old, LLVMValueRef value, const char *name);
/* Makes a number a vector with it in every lane; leaves a vector alone. */
LLVMValueRef llvm_in_lanes(Code *c, LLVMValueRef value);
LLVMValueRef llvm_uniform(Module *m);

typedef void Inside(Code *c);
/* Loops [from, to) of the nest around `inside`. A loop that is written out makes it once for every value. */
void llvm_loops(Code *c, int from, int to, Inside *inside);
/* A loop around what the caller appends: llvm_loop_begin returns the loop's variable, which goes from 0 to extent, or to `to`. */
typedef struct OpenLoop {
    LLVMBasicBlockRef body;
    LLVMValueRef variable;
    LLVMValueRef *carried;          /* of held */
    LLVMValueRef end;
    const char *name;
    bool written_out;               /* by LLVM */
} OpenLoop;
LLVMValueRef llvm_loop_begin(Code *c, OpenLoop *l, const char *name, int64_t extent);
LLVMValueRef llvm_loop_between(Code *c, OpenLoop *l, const char *name, LLVMValueRef from, LLVMValueRef to);
void llvm_loop_end(Code *c, OpenLoop *l);

void llvm_nest(Module *m, const Function *function);

/* llvm_turn.c: what stands in the loops around the squares of a nest that nest_is_turned; c->array has room for their vectors. */
void llvm_squares(Code *c);

/* ---- llvm_step.c, llvm_model.c */

void llvm_steps(Module *m);
/* NAME_predict, where the weights are constants. */
void llvm_predict(Module *m);
void llvm_model(Module *m);
void llvm_main(Module *m);

#endif
