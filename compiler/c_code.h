/* c_code.h: the C file of a unit, compiled by the C compiler of this machine and loaded into this process. */
#ifndef CNNC_C_CODE_H
#define CNNC_C_CODE_H

#include "unit.h"

typedef struct CCode {
    void *library;                  /* of dlopen */
    const char *why;                /* there is none: a sentence without its end */
} CCode;

/* The compiler: what $CC names, or cc. */
const char *c_code_compiler(void);

/* Compiles with these options. The descriptor, which lives until c_code_unload; NULL if that fails, code->why says why. */
const struct cnn_model *c_code_load(Unit *u, const char *options, CCode *code);
void c_code_unload(CCode *code);

#endif
