/* map.h: from keys of bytes to things, for the tables of the emitters. */
#ifndef CNNC_EMIT_MAP_H
#define CNNC_EMIT_MAP_H

#include "base/arena.h"

typedef struct Map Map;

Map *map_new(Arena *arena);

/* The place of the value for a key; NULL is in it the first time. The key is copied. The place stays where it is until the next
 * map_at. */
void **map_at(Map *map, const void *key, size_t length);
void **map_text(Map *map, const char *key);

#endif
