/* dict.h: names and what they stand for, in the order in which they were put in. */
#ifndef CNNC_NET_DICT_H
#define CNNC_NET_DICT_H

#include "base/arena.h"
#include "base/list.h"

typedef struct DictEntry {
    const char *name;
    void *value;
} DictEntry;

typedef struct Dict {
    LIST(DictEntry) entries;
    int *slots;                     /* open addressing: position in entries + 1, or 0 */
    int slot_count;                 /* a power of two, at least twice the entries */
} Dict;

/* The value of a name, or NULL. */
void *dict_find(const Dict *d, const char *name);

/* Puts in a name that is not there yet. */
void dict_put(Arena *arena, Dict *d, const char *name, void *value);

#endif
