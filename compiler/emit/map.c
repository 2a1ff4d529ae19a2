/* map.c: a hash table with open addressing, in the arena (map.h). */
#include "emit/map.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_ROOM = 64 };       /* a power of two, as every later size */

typedef struct Entry {
    const char *key;            /* NULL: empty */
    size_t length;
    uint64_t hash;
    void *value;
} Entry;

struct Map {
    Arena *arena;
    Entry *entries;
    size_t count, room;
};

Map *map_new(Arena *arena)
{
    Map *map = ARENA_NEW(arena, Map);
    map->arena = arena;
    map->room = FIRST_ROOM;
    map->entries = arena_array(arena, map->room, sizeof(Entry));
    return map;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash_of(const unsigned char *key, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ key[i]) * 0x100000001b3u;
    return hash;
}

static Entry *find(const Map *map, const void *key, size_t length, uint64_t hash)
{
    for (size_t i = hash & (map->room - 1);; i = (i + 1) & (map->room - 1)) {
        Entry *e = &map->entries[i];
        if (!e->key || (e->hash == hash && e->length == length && memcmp(e->key, key, length) == 0))
            return e;
    }
}

static void grow(Map *map)
{
    Map larger = *map;

    larger.room = map->room * 2;
    larger.entries = arena_array(map->arena, larger.room, sizeof(Entry));
    for (size_t i = 0; i < map->room; i++) {
        const Entry *e = &map->entries[i];
        if (e->key)
            *find(&larger, e->key, e->length, e->hash) = *e;
    }
    *map = larger;
}

void **map_at(Map *map, const void *key, size_t length)
{
    uint64_t hash = hash_of(key, length);
    Entry *e;

    if (map->count >= map->room / 2)
        grow(map);
    e = find(map, key, length, hash);
    if (!e->key) {
        e->key = arena_copy(map->arena, key, length);
        e->length = length;
        e->hash = hash;
        map->count++;
    }
    return &e->value;
}

void **map_text(Map *map, const char *key)
{
    return map_at(map, key, strlen(key));
}
