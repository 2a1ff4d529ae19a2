/* native.h: what LLVM makes of a unit: the arrow from the outputs to the files that know LLVM.
 *
 * The functions are there in every build; where LLVM is missing they report that. Those files are behind one table, NativeMaker, which is
 * asked for when something is to be made: LLVM takes 50 ms to be loaded, and who writes C need not wait for it. */
#ifndef CNNC_EMIT_NATIVE_H
#define CNNC_EMIT_NATIVE_H

#include "emit/emit.h"

typedef enum NativeKind { NATIVE_IR, NATIVE_BITCODE, NATIVE_ASM, NATIVE_OBJECT } NativeKind;

/* Names that an object defines for others. */
typedef struct NativeNames {
    const char *model;              /* of the descriptor: "Fashion_model" */
    LIST(const char *) all;
} NativeNames;

/* Appends the unit as that kind of code for the machine that the options name. False after reporting an error. */
bool native_emit(Unit *u, NativeKind kind, Text *t, NativeNames *names);

/* The unit in memory, for this machine: its descriptor (cnn/model.h), which lives until native_unload. NULL after reporting an error. */
typedef struct NativeCode NativeCode;
const struct cnn_model *native_load(Unit *u, NativeCode **code);
void native_unload(NativeCode *code);

/* What makes the code: "LLVM 19"; NULL in a build without it. */
const char *native_maker(void);

/* The machine of the fast style (loops/machine.h) that this machine is, by name. */
const char *native_machine(void);

/* The machines that objects can be made for, for people. False after saying on stderr that there is no LLVM. */
bool native_list_targets(Text *t);

/* ---- between native.c and the files that know LLVM */

typedef struct NativeMaker {
    bool (*emit)(Unit *u, NativeKind kind, Text *t, NativeNames *names);
    const struct cnn_model *(*load)(Unit *u, NativeCode **code);
    void (*unload)(NativeCode *code);
    void (*list_targets)(Text *t);
} NativeMaker;

extern const NativeMaker llvm_maker;        /* emit/llvm.c */

/* Finds that table: the tool loads it (llvm_module.c), the tests have it linked in (emit/llvm_linked.c). NULL, and why, where it cannot be
 * loaded. Only in builds with LLVM. */
const NativeMaker *native_open(const char **why);

#endif
