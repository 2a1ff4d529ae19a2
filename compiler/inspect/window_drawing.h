/* window_drawing.h: a window on its image, in characters. */
#ifndef CNNC_INSPECT_WINDOW_DRAWING_H
#define CNNC_INSPECT_WINDOW_DRAWING_H

#include "loops/loops.h"

/* Appends the border with the window on the first corner, and the steps of the window along a row. */
void window_draw(Unit *u, const Site *s, Text *t);

#endif
