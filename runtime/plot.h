/* plot.h: curves drawn with characters. */
#ifndef CNN_PLOT_H
#define CNN_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct Curve {
    const char *name;           /* NULL: there is one curve, and the title says what it is */
    const double *y;            /* NAN: no point there */
    size_t stride;              /* numbers from one y to the next */
    double scale;               /* what they are multiplied with: 100 for per cent */
} Curve;

typedef struct Plot {
    const char *title, *across; /* what the axis is: "epoch" */
    const double *x;            /* rising */
    size_t x_stride, points;
    bool log_x;
    Curve curves[2];
    int count;
    double low, high;           /* of the y axis; both 0: what the curves need */
    int columns;                /* of the whole drawing */
    bool utf8, colour;
} Plot;

/* Ten lines with their axes; nothing if there are not two points to join. */
void cnn_plot(const Plot *plot, FILE *to);

/* True if the locale's characters are those of UTF-8. */
bool cnn_plot_utf8(void);

#endif
