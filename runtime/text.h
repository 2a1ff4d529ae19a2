/* text.h: numbers, sizes and names as people read them. */
#ifndef CNN_TEXT_H
#define CNN_TEXT_H

#include "cnn/cnn.h"

enum { TEXT_AMOUNT = 32, TEXT_SHAPE = 128 };

/* "512 bytes", "3.1 MB". Returns `to`, of TEXT_AMOUNT bytes. */
const char *cnn_text_bytes(char *to, uint64_t bytes);

/* "60 000": digits in groups of three. */
const char *cnn_text_count(char *to, int64_t count);

/* "0:42", "12:03", "3:05:11". */
const char *cnn_text_time(char *to, double seconds);

/* "[8, 1, 3, 3]". Returns `to`, of TEXT_SHAPE bytes. */
const char *cnn_text_shape(char *to, const int64_t *dim, int rank);

/* What a file calls itself, safe to print: control bytes and broken UTF-8 become '?', long names are cut. */
enum { TEXT_SAFE = 80 };
const char *cnn_text_safe(char *to, const char *text, size_t length);

/* The word of `words` (NULL at its end) that a mistyped `word` most likely stands for, or NULL. */
const char *cnn_text_closest(const char *word, const char *const *words);

/* Whole numbers and reals as people type them; nothing may follow. */
bool cnn_text_integer(const char *text, int64_t *to);
bool cnn_text_real(const char *text, double *to);

#endif
