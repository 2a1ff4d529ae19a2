/* mistakes.h: the test images that a network is most wrongly sure about. */
#ifndef CNN_MISTAKES_H
#define CNN_MISTAKES_H

#include "data.h"

typedef struct Mistake {
    size_t image;               /* number in the set */
    size_t truth, guess;        /* classes */
    double of_truth, of_guess;  /* the results for them */
} Mistake;

/* The worst `most` of the set's images that are taken for another class, those first where the wrong result is furthest above the right one. A
 * set without classes has none. */
bool cnn_mistakes_find(cnn_net *net, const Set *set, Mistake *to, size_t most, size_t *count, cnn_error *error);

#endif
