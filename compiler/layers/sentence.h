/* sentence.h: what several layers tell a user in the same words. Layers with a message of their own keep it in their file. */
#ifndef CNNC_LAYERS_SENTENCE_H
#define CNNC_LAYERS_SENTENCE_H

#include "net/layer.h"

/* note: 4x4x6 comes from 'avgpool 3x3' at 7:3 */
void note_origin(Unit *u, const Value *v);

/* The text of a span for a message: its first line. */
const char *first_line(Unit *u, Span at);

/* The layer of `s` as written, with `text` in place of `at` (an empty span inserts): for helps that show the right line.
 * NULL where that is no line, as `at` stands elsewhere or the layer is written on several lines. */
const char *line_with(Unit *u, const Site *s, Span at, const char *text);

/* True if x is an image. Otherwise reports that the layer needs one, and returns false. */
bool needs_image(Unit *u, const Site *s);

/* "7*7*64 = 3136 features in", "120 features in" */
const char *features_in(Unit *u, Shape s);

#endif
