/* inner.h: what the reference's layers share: looking up arguments, reaching an element, adding to a gradient. */
#ifndef CNNC_TESTS_REFERENCE_INNER_H
#define CNNC_TESTS_REFERENCE_INNER_H

#include "net/layer.h"
#include "reference.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct RefLayer {
    const char *name;
    void (*forward)(Reference *r, const Site *s);
    void (*backward)(Reference *r, const Site *s);
} RefLayer;

extern const RefLayer ref_conv_layers[], ref_pool_layers[], ref_point_layers[], ref_norm_layers[], ref_join_layers[];

typedef struct RefLoss {
    const char *name;
    void (*forward)(Reference *r, const Site *s);
    void (*backward)(Reference *r, const Site *s);
} RefLoss;

extern const RefLoss ref_losses[];

/* The argument of that name; a layer that has none is our error. */
const ArgValue *ref_arg(const Site *s, const char *name);
bool ref_has(const Site *s, const char *name);          /* the layer's table has it */
bool ref_flag(const Site *s, const char *name);
double ref_real(const Site *s, const char *name);
bool ref_word_is(const Site *s, const char *name, const char *word);

/* The field of a parameter by its role ("weight"), or NULL. */
Field *ref_param(Reference *r, const Site *s, const char *role);

/* c, h, w of an image. */
typedef struct Image {
    int64_t c, h, w;
} Image;

Image ref_image(const Value *v);

static inline int64_t ref_at(Image s, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return ((n * s.c + c) * s.h + h) * s.w + w;
}

/* Binary places behind the point, at most 60. */
int ref_fraction(double x);

/* One of the two floats around x, the nearer one more often; x itself without noise. */
double ref_round(Dice *noise, double x);

/* at[i] += term, in a forward pass. */
static inline void ref_add(Field *f, int64_t i, double term)
{
    if (f->noise)
        term = ref_round(f->noise, term);
    f->at[i] = f->noise ? ref_round(f->noise, f->at[i] + term) : f->at[i] + term;
    if (f->watch_bits) {
        f->magnitude[i] += fabs(term);
        f->forward.largest = fmax(f->forward.largest, f->magnitude[i]);
        f->forward.fraction = ref_fraction(term) > f->forward.fraction ? ref_fraction(term) : f->forward.fraction;
    }
}

/* gradient[i] += term. */
static inline void ref_give(Field *f, int64_t i, double term)
{
    if (f->noise)
        term = ref_round(f->noise, term);
    f->gradient[i] = f->noise ? ref_round(f->noise, f->gradient[i] + term) : f->gradient[i] + term;
    f->magnitude[i] += fabs(term);
    if (f->watch_bits) {
        f->backward.largest = fmax(f->backward.largest, f->magnitude[i]);
        f->backward.fraction = ref_fraction(term) > f->backward.fraction ? ref_fraction(term) : f->backward.fraction;
    }
}

/* The run came to `distance` from a kink of this site, where numbers are about `scale`. */
void ref_kink(Reference *r, const Site *s, double distance, double scale);

/* Root of the mean square. */
double ref_size(const double *at, int64_t count);

/* Windows of a layer over an image, one axis: `before` cells of border, `out` places. */
typedef struct Axis {
    int64_t in, out, kernel, stride, dilation, before, after;
} Axis;

/* Height (axis 0) or width (axis 1) of conv and the pools, by the rules of the language. */
Axis ref_axis(const Site *s, int axis, int64_t in, int64_t kernel, int64_t stride, int64_t dilation);

#endif
