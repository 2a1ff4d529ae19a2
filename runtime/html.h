/* html.h: an HTML file that is written piece by piece, and pictures inside it. */
#ifndef CNN_HTML_H
#define CNN_HTML_H

#include "io.h"

typedef struct Html {
    IoOutput out;
    bool failed;                /* stays until the end, so that nothing needs to be asked on the way */
    cnn_error *error;
} Html;

bool cnn_html_open(Html *h, const char *path, cnn_error *error);
/* Puts the file in place if nothing failed. */
bool cnn_html_finish(Html *h);

/* Markup, as it is. */
void cnn_html_put(Html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text of others: < > & and quotes become harmless, control bytes and broken UTF-8 question marks. */
void cnn_html_text(Html *h, const char *text);

/* An <img> with the pixels in it, a PNG; pixels [h][w][channels], channels 1 or 3. `alt` is what it shows, in words. */
void cnn_html_picture(Html *h, const uint8_t *pixels, int64_t rows, int64_t columns, int channels, const char *alt);

#endif
