/* checked.h: arithmetic on sizes that come from input. Every function returns false on overflow and leaves *to alone. */
#ifndef CNNC_BASE_CHECKED_H
#define CNNC_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Limits of what the language accepts; docs/LANGUAGE.md lists them. */
enum {
    LIMIT_DIM = 1 << 24,          /* one side, depth or number of features */
    LIMIT_LAYERS = 10000,         /* layers of an expanded network */
    LIMIT_DEPTH = 64,             /* blocks in blocks, imports in imports, parentheses in parentheses */
    LIMIT_ERRORS = 20,            /* errors that one run reports */
    LIMIT_NAME = 63               /* bytes of a name */
};
#define LIMIT_ELEMENTS ((int64_t)1 << 40)   /* elements of one tensor, parameters of a network */
#define LIMIT_FILE ((int64_t)1 << 24)       /* bytes of a source file */

static inline bool checked_add(int64_t a, int64_t b, int64_t *to)
{
    return !__builtin_add_overflow(a, b, to);
}

static inline bool checked_sub(int64_t a, int64_t b, int64_t *to)
{
    return !__builtin_sub_overflow(a, b, to);
}

static inline bool checked_mul(int64_t a, int64_t b, int64_t *to)
{
    return !__builtin_mul_overflow(a, b, to);
}

/* a * b * c for factors >= 0, or INT64_MAX where 64 bits do not hold it. */
static inline int64_t checked_product(int64_t a, int64_t b, int64_t c)
{
    int64_t p;
    return checked_mul(a, b, &p) && checked_mul(p, c, &p) ? p : INT64_MAX;
}

#endif
