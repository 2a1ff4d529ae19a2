/* drawing.h: the network as boxes and arrows, for the pages. */
#ifndef CNNC_INSPECT_DRAWING_H
#define CNNC_INSPECT_DRAWING_H

#include "inspect/facts.h"

/* A box of the drawing: a layer, or the input. */
typedef struct Node {
    const LayerFacts *layer;
    int rank;                       /* longest way from the input */
    int column, columns;            /* among the boxes of its rank */
    double x, y;                    /* the middle of its upper edge, in pixels */
} Node;

typedef struct Drawing {
    Node *nodes;                    /* of facts->layers */
    int count, ranks;
    double width, height;
} Drawing;

Drawing drawing_of(Unit *u, const Facts *f);

/* Appends <svg>...</svg>. With `links`, boxes carry what a page needs to react to them: data-site and tabindex. */
void drawing_svg(Unit *u, const Facts *f, Text *t, bool links);

/* Appends text with the signs of HTML and XML made harmless. */
void put_escaped(Text *t, const char *text, size_t length);

#endif
