/* letters.h: what threads tell each other, through memory that changes hands.
 *
 * A core that writes a line which another one has read must first take the copy away from it, and that is slow where the two do not share a cache: 10 to
 * 25 ns a line on a server's processor (AMD EPYC, Zen 5), however far ahead it is asked for. Where the reader takes the line for writing at once, nobody
 * is left with a copy: 3 to 7 ns for writing and reading. So a letter has one reader, who writes the answer into the same memory. */
#ifndef CNN_LETTERS_H
#define CNN_LETTERS_H

#include "cnn/cnn.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Letters {
    size_t threads, bytes;      /* of a letter, whole lines */
    void *all;                  /* [threads][threads - 1] */
} Letters;

/* A letter of up to `bytes` from each thread to each other. */
bool cnn_letters_new(Letters *letters, size_t threads, size_t bytes, cnn_error *error);
void cnn_letters_free(Letters *letters);

void *cnn_letter(const Letters *letters, size_t from, size_t to);

/* By who is going to read `bytes` of a letter, or of an answer, a while before. */
void cnn_letter_fetch(const void *letter, size_t bytes);

#endif
