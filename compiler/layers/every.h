/* every.h: the loops that visit every element of a value, be it an image or features. */
#ifndef CNNC_LAYERS_EVERY_H
#define CNNC_LAYERS_EVERY_H

#include "loops/build.h"

typedef struct Every {
    Affine index[MAX_RANK];     /* { c, h, w } or { c } */
    Affine channel[1];          /* { c }: for what each channel has one of */
    Affine number;              /* of the element, in row-major order */
    int64_t area;               /* elements of one channel */
} Every;

/* Adds the loops to the nest that was begun. */
Every every_element(Build *b, Shape shape);

/* t as features under a symbol of this site's own, for losses: they read what other layers made. */
Tensor *features_of(Build *b, Tensor *t, const char *symbol);

#endif
