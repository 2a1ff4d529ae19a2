/* reals.h: the loops over reals that do not depend on the network, for float and for double.
 *
 * reals.c is compiled for both, and for processors with longer vectors once more: whoever works for both kinds holds a pointer to one of the
 * tables. All tables of a kind give the same bits. */
#ifndef CNN_REALS_H
#define CNN_REALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of one update; those that a rule does not use are 0. */
typedef struct RuleNumbers {
    double rate, factor;        /* the gradient counts `factor` times (clipping) */
    double momentum, decay, beta1, beta2, eps, rho;
    double correction1, correction2;            /* 1 - beta^t */
    bool nesterov;
    bool tidy;                  /* this update sees to it that moments end: see after_momentum */
} RuleNumbers;

/* p, g and the moments m, v: [count]. A rule that has no such moment leaves the pointer alone. True if all of p is finite now. */
typedef bool RuleUpdate(const RuleNumbers *n, void *p, const void *g, void *m, void *v, size_t count);

typedef struct Reals {
    size_t bytes;               /* of one */
    const char *dtype, *descr;  /* in safetensors and in npy: "F32", "<f4" */
    int digits;                 /* that print it exactly */

    double (*get)(const void *from, size_t i);
    void (*set)(void *to, size_t i, double value);
    void (*fill)(void *to, double value, size_t count);
    void (*from_bytes)(void *to, const uint8_t *from, size_t count);
    void (*from_floats)(void *to, const float *from, size_t count);
    void (*from_doubles)(void *to, const double *from, size_t count);
    void (*add)(void *to, const void *from, size_t count);              /* to += from */
    void (*sum)(double *to, const void *from, size_t count);            /* to += from */
    double (*squares)(const void *from, size_t count);                  /* sum of squares, in order */
    bool (*finite)(const void *from, size_t count);                     /* all of them are */
    size_t (*largest)(const void *from, size_t count);                  /* its place; of equal ones the first. What is no number is never the largest */
    size_t (*before)(const void *from, size_t count, size_t i);         /* how many are larger than number i, or equal and come first */
    /* One channel [h][w] turned: the pixel at (y, x) from the middle takes what lies at (cosine*y + sine*x, cosine*x - sine*y) there, between
     * its four neighbours, and 0 outside. h * w fits into 32 bits. */
    void (*turn)(void *to, const void *from, int32_t h, int32_t w, double cosine, double sine);

    RuleUpdate *sgd, *momentum, *after_momentum, *adam, *adamw, *rmsprop;
} Reals;

/* What every processor takes. */
extern const Reals cnn_reals_float, cnn_reals_double;

/* The best table for this processor. */
const Reals *cnn_reals(int real_bytes);

/* The place of number `i` of an array of reals. */
static inline void *cnn_at(const Reals *reals, const void *array, size_t i)
{
    return (char *)array + i * reals->bytes;
}

#endif
