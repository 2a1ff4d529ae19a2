/* feed.h: brings images and targets of a set into a batch, and runs whole sets through the network. */
#ifndef CNN_FEED_H
#define CNN_FEED_H

#include "augment.h"
#include "batch.h"
#include "metrics.h"
#include "set.h"

#include <stdatomic.h>

/* The images of the batch at work. */
typedef struct FeedWork {
    const struct Feed *feed;
    Batch *batch;
    const Set *set;
    const uint32_t *index;
    size_t first, count;
    const Augment *augment;
    uint64_t seed;
    uint32_t epoch;
    atomic_bool failed;
} FeedWork;

/* Memory for reading and changing one image a thread. */
typedef struct Feed {
    cnn_net *net;
    int threads;
    size_t raw_bytes, changed_bytes;            /* a thread */
    unsigned char *raw, *changed;
    FeedWork work;
} Feed;

bool cnn_feed_new(Feed *feed, cnn_net *net, cnn_error *error);
void cnn_feed_free(Feed *feed);

/* Images index[0 ... count) of the set (NULL: the first ones from `first` on) and their targets to the beginning of a batch: now, or, if they lie in
 * memory, perhaps when the batch runs next, until when all that is given here must stay. augment NULL: as they are. */
bool cnn_feed_batch(Feed *feed, Batch *batch, const Set *set, const uint32_t *index, size_t first, size_t count, const Augment *augment,
                    uint64_t seed, uint32_t epoch, cnn_error *error);

/* Images of a call of inference, for a good share of work for every thread in bounded memory. */
size_t cnn_feed_chunk(const cnn_net *net, size_t images);

/* Counts the results of images index[0 ... count) (NULL: all of the first ones). The batch is for inference and has targets. The ranks
 * of the network share the images, and all of them have all counts. */
bool cnn_feed_evaluate(Feed *feed, Batch *batch, const Set *set, const uint32_t *index, size_t count, Metrics *metrics, cnn_error *error);

#endif
