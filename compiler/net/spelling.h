/* spelling.h: the word that somebody may have meant. */
#ifndef CNNC_NET_SPELLING_H
#define CNNC_NET_SPELLING_H

#include "net/dict.h"
#include "unit.h"

/* Offer every word that would have been right; `best` is then the nearest one, or NULL if none is near. */
typedef struct Spelling {
    const char *word;
    const char *best;
    int distance;                   /* of best, in single edits */
} Spelling;

void spelling_offer(Spelling *s, const char *candidate);
/* Every word of a list separated by spaces; NULL is the empty list. */
void spelling_offer_words(Unit *u, Spelling *s, const char *words);
void spelling_offer_dict(Spelling *s, const Dict *d);

/* "did you mean 'conv'?" for what stands at `at`, if something is near enough. */
void spelling_help(Unit *u, Span at, const Spelling *s);

/* Walks through words separated by spaces: sets *word and *length to the next one and moves *rest behind it. */
bool next_word(const char **rest, const char **word, int *length);
/* The position of a word in such a list, or -1. */
int word_index(const char *words, const char *word);
/* A copy of the word at that position. */
const char *word_at(Unit *u, const char *words, int index);

#endif
