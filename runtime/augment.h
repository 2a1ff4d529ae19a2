/* augment.h: training images changed a little, anew in every epoch. */
#ifndef CNN_AUGMENT_H
#define CNN_AUGMENT_H

#include "net.h"

enum { MOST_CHANGES = 16 };

typedef struct Augment {
    const cnn_model *model;
    const Reals *reals;
    const cnn_setting *changes[MOST_CHANGES];   /* in the order of the train block */
    int count;
} Augment;

/* What the train block says. Reports what the network's input does not allow. */
bool cnn_augment_new(Augment *a, const cnn_net *net, cnn_error *error);

/* Changes an image of reals in place: a function of (seed, epoch, number of the image in its set). `buffer` has room for another image. */
void cnn_augment_image(const Augment *a, void *image, void *buffer, uint64_t seed, uint32_t epoch, uint32_t number);

#endif
