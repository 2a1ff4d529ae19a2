/* reference.h: what a checked network computes, done again the naive way.
 *
 * Straightforward loops in double over a whole batch, every gradient written by hand from the formulas of docs/LANGUAGE.md. It reads
 * the checked Net (sites, arguments by name, values, params) and nothing of the loops, so that a mistake in a layer's lowering, in the
 * derived backward pass, in the scheduling or in an emitter cannot hide behind the same mistake here.
 *
 * Beside every gradient stands its *magnitude*, the sum of the absolute values of the terms that it is made of: where the terms cancel
 * (the bias of a convolution before batchnorm has gradient 0), rounding is to be measured against the terms. And it watches the kinks:
 * `nearest` is how close, relative to the size of the numbers, the run came to a place where a derivative jumps. */
#ifndef CNNC_TESTS_REFERENCE_H
#define CNNC_TESTS_REFERENCE_H

#include "net/net.h"
#include "support/dice.h"

typedef struct Field {
    double *at;                 /* values: [batch][elements]; params: [elements] */
    double *gradient;           /* of the loss, the same shape */
    double *magnitude;          /* sum of |terms| of the gradient */
    int64_t count;              /* elements, the batch included */
    struct {
        double largest;         /* sum of |terms| that one element is made of */
        int fraction;           /* binary places behind the point that some term has */
    } forward, backward;        /* how many bits exact arithmetic needs; kept while Reference.watch_bits */
    bool watch_bits;
    Dice *noise;                /* see Reference.noise */
} Field;

typedef struct Reference {
    Arena *arena;
    const Net *net;
    int64_t batch;
    bool training;
    uint32_t draw[4];           /* seed low, seed high, step, index of the first image */
    Field *params;              /* like net->params */
    double **new_state;         /* like net->params: running statistics after a training step, or NULL */
    double **state_magnitude;   /* of those, the sum of the absolute values of the terms */
    Field *values;              /* [0] is the input, [1 + site->number] what the site makes */
    double *target;             /* [batch][outputs] */
    double *loss;               /* [batch], not yet divided by the images of the batch */
    double nearest;             /* smallest |distance| / scale to a kink seen by the last forward pass */
    const char *nearest_site;
    bool watch_bits;            /* see reference_bits; slow */
    Dice *noise;                /* not NULL: every product, sum and value is rounded to float, up or down by chance (Monte Carlo arithmetic,
                                   Parker 1997): how far such runs scatter is what no program in float can be expected to beat */
    uint64_t seed;              /* of the noise */
} Reference;

/* Everything zero: the caller fills params, the input and the target. */
Reference *reference_new(Arena *arena, const Net *net, int64_t batch);

Field *reference_value(Reference *r, const Value *v);
Field *reference_param(Reference *r, const Param *p);

/* True if every layer of the network is known here; otherwise its name goes to *unknown. */
bool reference_knows(const Net *net, const char **unknown);

/* y, the loss of each image (where the net has a loss) and, in training, new_state. */
void reference_forward(Reference *r, bool training, const uint32_t draw[4]);

/* Gradients of the mean loss over the batch of every value and param, for the pass that reference_forward did. */
void reference_backward(Reference *r);

/* Only the gradients of `values` and `params`, given that of y: for programs without a loss. */
void reference_clear(Reference *r);

/* Bits that a number needs so that every sum of the last forward and backward pass is exact in any order: those of the whole
 * part and those of the fraction. Wants watch_bits to be set before; for networks without exp and the like. */
int reference_bits(const Reference *r);

/* Philox 4x32-10: ten rounds of the counter under the key. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011. */
void philox_4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The uniform number in [0, 1) that the language documents for an element: a multiple of 2^-24. */
double reference_uniform(const uint32_t draw[4], uint32_t image, uint32_t stream, uint32_t element);

#endif
