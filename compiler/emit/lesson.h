/* lesson.h: the parts of a lesson that take more than one look at the nest. */
#ifndef CNNC_EMIT_LESSON_H
#define CNNC_EMIT_LESSON_H

#include "emit/c.h"

/* "48 672 multiply-adds and 5 408 exponentials" */
const char *lesson_work(CFile *f, const Nest *n);
/* Multiply-adds of a nest; 0 if it only compares, copies or calls functions. */
int64_t lesson_multiply_adds(const Nest *n);

/* How a nest of the fast style runs, and what lies side by side in memory: whole lines of a comment. */
void lesson_schedule(CFile *f, const Scope *s, const char *prefix);

/* Why the formula of a backward nest holds; "" if there is nothing to say. */
const char *lesson_chain_rule(CFile *f, const Scope *s);
/* A paragraph that compares a backward nest with the forward nest that it answers to. */
void lesson_compare(CFile *f, const Function *function, const Scope *s, const char *prefix);

#endif
