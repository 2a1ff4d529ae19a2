/* facts.h: what can be said of each layer in numbers, and of the whole network. */
#ifndef CNNC_INSPECT_FACTS_H
#define CNNC_INSPECT_FACTS_H

#include "emit/emit.h"

/* What one element of a value, in the middle of it, sees of the input. */
typedef struct Field {
    int64_t h, w;                   /* rows and columns; of features: h of them, w 1 */
    bool all;                       /* nothing is left out */
    bool none;                      /* it depends on no input */
} Field;

/* The receptive field of a value of `p`, read from the loads of its nests. */
Field field_of(Unit *u, const Program *p, const Tensor *value);
const char *field_text(Unit *u, const Field *f);    /* "5x5", "all" */

typedef struct LayerFacts {
    const Site *site;               /* NULL: the input */
    const char *label;              /* in the map of the memory: "a", or "a1" after "z"; "": its tensors stand nowhere in it */
    const char *name, *place;       /* "conv1", "9" or "blocks.cnn:9" */
    const char *written;            /* "conv 32, 3x3, same": the source of the layer, on one line */
    Shape shape;
    const char *arithmetic;         /* how the shape comes about, or "" */
    int64_t parameters, state;      /* numbers that are trained, and that are not */
    int64_t forward, backward;      /* multiply-adds for an image: of inference, of the backward pass of training */
    int64_t bytes;                  /* of y; 0: it is its input under another name */
    Field field;
} LayerFacts;

typedef struct Facts {
    LIST(LayerFacts) layers;        /* the input, then the sites */
    int real_bytes;
    int64_t parameters, state, forward, backward, bytes;    /* sums; forward and backward with the loss */
} Facts;

Facts *facts_of(Unit *u);
const LayerFacts *facts_find(const Facts *f, const Site *s);

/* "1*32*3*3 + 32 = 320", or "" */
const char *parameter_arithmetic(Unit *u, const Site *s);
/* "9", or "blocks.cnn:9" of another file than the network's. */
const char *place_text(Unit *u, Span span);
/* "412 bytes", "1.2 MB" (10^6 bytes). */
const char *bytes_text(Unit *u, int64_t bytes);

/* A map of the scratch block over time: `width` columns of nests, `height` rows of addresses, the highest on top. */
typedef struct MemoryMap {
    int width, height;
    int wide;                       /* characters of a column: as many as the longest label has */
    const char **cell;              /* [height][width]: the label of a layer, with a capital for gradients, "." for what is free */
    const char **work;              /* [width]: whose nest runs */
    int forward;                    /* columns up to the end of the forward pass and the loss */
} MemoryMap;

/* At most `most` characters wide. */
MemoryMap memory_map(Unit *u, const Facts *f, const Program *p, int most, int rows);

#endif
