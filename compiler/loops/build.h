/* build.h: how layers write nests. See layers/conv.c for the pattern.
 *
 * Layers speak of one image: the loop over images and its axis are added here, for every tensor that is per image. */
#ifndef CNNC_LOOPS_BUILD_H
#define CNNC_LOOPS_BUILD_H

#include "loops/loops.h"
#include "net/layer.h"

struct Build {
    Unit *u;
    const Net *net;
    Program *program;
    bool training;              /* as in training: dropout draws, batchnorm takes the statistics of the batch */
    Site *site;                 /* whose nests are being made */
    bool backward;
    Nest *nest;                 /* being made, or NULL */
    Loop *n;                    /* its loop over images */
};

/* ---- tensors of the site that is being lowered */

Tensor *input(Build *b, int i);                     /* of in[i] */
Tensor *output(Build *b);                           /* of y, made on the first call */
void output_is(Build *b, Tensor *t);                /* y is just another name for t (identity, dropout outside training) */
Tensor *param(Build *b, const char *role);
Tensor *image_tensor(Build *b, const char *symbol, const char *meaning, Shape shape);   /* one for every image */
Tensor *batch_tensor(Build *b, const char *symbol, const char *meaning, Shape shape);   /* one for the whole batch */
Tensor *constant_tensor(Build *b, const char *symbol, const char *meaning, Shape shape, const double *values);
Tensor *view(Build *b, Tensor *t, Shape shape);     /* the same elements under another shape */
Tensor *view_called(Build *b, const char *symbol, Tensor *t, Shape shape);     /* the same, with a symbol of its own, named SITE.symbol */
Tensor *site_tensor(Build *b, const Site *s, const char *symbol);   /* one that `s` made in its lower, or NULL */
Tensor *target(Build *b);                           /* [features] of the loss's target */
Tensor *share(Build *b);                            /* [] of each image */
Tensor *images(Build *b);                           /* [] of the batch */
Tensor *losses(Build *b);                           /* [] of each image; its gradient is `share` */
/* The tensor that collects the gradient of t (a param's is the caller's), for `backward`. */
Tensor *gradient(Build *b, Tensor *t);
/* False where no gradient of t is asked for (targets, states, constants): `backward` makes no nest for it. */
bool wants_gradient(Build *b, const Tensor *t);
/* Logical shape of a tensor, without n. */
Shape shape_of(const Tensor *t);

/* ---- a nest */

/* Starts a nest. The function's name is SITE for an empty suffix, else SITE_suffix. */
void nest_begin(Build *b, const char *suffix, const char *why);
Loop *loop(Build *b, const char *name, const char *meaning, int64_t extent);
void nest_fill(Build *b, double constant);
void nest_start_from(Build *b, Expr *start);
void nest_finish(Build *b, Expr *finish);
/* The statement; ends the nest. Each index list has one Affine an axis (without n): IX(at(co), at(oh)). */
void nest_put(Build *b, Put put, Tensor *dst, const Affine *index, Expr *value);
static inline void nest_set(Build *b, Tensor *dst, const Affine *index, Expr *value) { nest_put(b, PUT_SET, dst, index, value); }
static inline void nest_add(Build *b, Tensor *dst, const Affine *index, Expr *value) { nest_put(b, PUT_ADD, dst, index, value); }

#define IX(...) ((const Affine[]){ __VA_ARGS__ })
#define IX0 ((const Affine *)0)

static inline Affine at(Loop *l) { return (Affine){ .count = 1, .term = { { l, 1 } } }; }
static inline Affine number(int64_t k) { return (Affine){ .offset = k }; }
Affine scaled(Loop *l, int64_t factor);                         /* factor * l */
Affine plus(Affine a, Affine b);
Affine shifted(Affine a, int64_t by);
Affine stepped(Loop *place, int64_t step, Loop *inner, int64_t dilation);       /* place*step + inner*dilation */

/* ---- expressions; constants fold */

Expr *real(Build *b, double value);
Expr *load(Build *b, Tensor *t, const Affine *index);
Expr *index_value(Build *b, Affine a);
Expr *total(Build *b);
Expr *random_uniform(Build *b, Affine element);                 /* a stream of its own for every site */
Expr *neg(Build *b, Expr *x);
Expr *absolute(Build *b, Expr *x);
Expr *exp_of(Build *b, Expr *x);
Expr *log_of(Build *b, Expr *x);
Expr *log1p_of(Build *b, Expr *x);
Expr *sqrt_of(Build *b, Expr *x);       /* its derivative at 0 is taken as 0 */
Expr *tanh_of(Build *b, Expr *x);
Expr *erf_of(Build *b, Expr *x);
Expr *add(Build *b, Expr *x, Expr *y);
Expr *sub(Build *b, Expr *x, Expr *y);
Expr *mul(Build *b, Expr *x, Expr *y);
Expr *divide(Build *b, Expr *x, Expr *y);
Expr *larger(Build *b, Expr *x, Expr *y);
Expr *smaller(Build *b, Expr *x, Expr *y);
Expr *if_greater(Build *b, Expr *x, Expr *y, Expr *then, Expr *otherwise);      /* x > y ? then : otherwise */
Expr *if_equal(Build *b, Expr *x, Expr *y, Expr *then, Expr *otherwise);

#endif
