/* dict.c: an open-addressing table over the names; nothing is ever taken out. */
#include "net/dict.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { FIRST_SLOTS = 16 };

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u;

    for (const char *c = name; *c != 0; c++)
        h = (h ^ (unsigned char)*c) * 16777619u;
    return h;
}

/* The slot that holds the name, or the free one where it belongs. */
static int *slot_of(const Dict *d, const char *name)
{
    uint32_t mask = (uint32_t)d->slot_count - 1;

    for (uint32_t i = hash(name) & mask;; i = (i + 1) & mask) {
        int *slot = &d->slots[i];
        if (*slot == 0 || strcmp(d->entries.at[*slot - 1].name, name) == 0)
            return slot;
    }
}

void *dict_find(const Dict *d, const char *name)
{
    if (d->slot_count == 0)
        return NULL;
    int slot = *slot_of(d, name);
    return slot == 0 ? NULL : d->entries.at[slot - 1].value;
}

void dict_put(Arena *arena, Dict *d, const char *name, void *value)
{
    if (2 * (d->entries.count + 1) > d->slot_count) {
        d->slot_count = d->slot_count == 0 ? FIRST_SLOTS : 2 * d->slot_count;
        d->slots = arena_array(arena, (size_t)d->slot_count, sizeof *d->slots);
        for (int i = 0; i < d->entries.count; i++)
            *slot_of(d, d->entries.at[i].name) = i + 1;
    }
    int *slot = slot_of(d, name);
    assert(*slot == 0);
    LIST_ADD(arena, &d->entries, ((DictEntry){ name, value }));
    *slot = d->entries.count;
}
