/* letters.h: what threads of one step tell each other, through memory that changes hands.
 *
 * A core that writes a line which another one has read first has to take the copy away from it, and that is slow: 10 to 25 ns a line between two parts of
 * a server's processor (AMD EPYC, Zen 5), however far ahead it is asked for. Where the reader takes the line for writing at once, nobody is left with a
 * copy: 5 to 7 ns for both. So a letter is read by one thread alone, which keeps the memory, and writes its next letter back into it. */
#ifndef CNN_LETTERS_H
#define CNN_LETTERS_H

#include "cnn/cnn.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Letters {
    size_t threads, bytes;      /* of a letter, whole lines */
    void *all;                  /* two for each pair of threads */
    unsigned turn;              /* which of the two the first of the pair writes: the other one in each step */
} Letters;

/* Letters of up to `bytes` among so many threads. */
bool cnn_letters_new(Letters *letters, size_t threads, size_t bytes, cnn_error *error);
void cnn_letters_free(Letters *letters);

/* A step begins: who has read a letter may write there. */
void cnn_letters_begin(Letters *letters);

/* The letter of this step. */
void *cnn_letter(const Letters *letters, size_t from, size_t to);

/* By the reader, a while before it reads `bytes` of a letter. */
void cnn_letter_fetch(const void *letter, size_t bytes);

#endif
