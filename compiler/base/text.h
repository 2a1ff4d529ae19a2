/* text.h: builds text line by line and owns its indentation.
 *
 *     text_open(t, "for (int i = 0; i < %d; i++) {", n);
 *     text_line(t, "y[i] = x[i];");
 *     text_close(t, "}");
 */
#ifndef CNNC_BASE_TEXT_H
#define CNNC_BASE_TEXT_H

#include "base/arena.h"

typedef struct Text {
    Arena *arena;
    char *at;               /* NUL-terminated */
    size_t length, room;
    int depth;              /* of indentation, in steps of four columns */
} Text;

Text *text_new(Arena *arena);
void text_put(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));      /* as it is */
void text_bytes(Text *t, const char *bytes, size_t length);
void text_indent(Text *t);                                                                  /* the indentation alone */
void text_line(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));     /* indented, with a newline */
void text_open(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));     /* a line, then one deeper */
void text_close(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));    /* one less deep, then a line; "" for no line */
void text_blank(Text *t);                                                                   /* an empty line, never two in a row */
void text_column(Text *t, int column);                                                      /* spaces up to a column of the line, at least one */

#endif
