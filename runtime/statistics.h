/* statistics.h: what `normalise` learns from the training images: the mean and the standard deviation of each channel. */
#ifndef CNN_STATISTICS_H
#define CNN_STATISTICS_H

#include "feed.h"

/* Fills the tensors that begin with them from images index[0 ... count) of the set. In double, in an order that does not depend on
 * the threads. */
bool cnn_statistics_learn(cnn_net *net, const Set *set, const uint32_t *index, size_t count, cnn_error *error);

#endif
