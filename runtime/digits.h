/* digits.h: pictures of handwritten-looking digits, drawn from strokes; the data set that needs no download. */
#ifndef CNN_DIGITS_H
#define CNN_DIGITS_H

#include "set.h"

enum { DIGITS_SIDE = 28, DIGITS_PIXELS = DIGITS_SIDE * DIGITS_SIDE };

/* Picture `index` of part 0 (training) or 1 (test), bright ink on black. Returns what it shows, 0..9. A function of its arguments with the
 * same bits on every machine: it needs no more than + - * / and sqrt. */
int cnn_digits_draw(uint64_t seed, uint32_t part, uint32_t index, uint8_t pixels[DIGITS_PIXELS]);

/* Fills an empty set with the first `count` pictures of a part. */
bool cnn_digits_load(Set *set, uint64_t seed, uint32_t part, size_t count, size_t outputs, int threads, cnn_error *error);

#endif
