/* list.h: a growing array in the arena, for any element type.
 *
 *     LIST(Nest *) nests = { 0 };
 *     LIST_ADD(arena, &nests, nest);
 *     for (int i = 0; i < nests.count; i++) use(nests.at[i]);
 */
#ifndef CNNC_BASE_LIST_H
#define CNNC_BASE_LIST_H

#include "base/arena.h"

#define LIST(Type) struct { Type *at; int count, room; }

/* Appends `item`; the array may move. */
#define LIST_ADD(arena, list, item)                                                              \
    ((list)->at = list_grow((arena), (list)->at, (list)->count, &(list)->room, sizeof *(list)->at), \
     (list)->at[(list)->count++] = (item))

/* The array with room for one more element than `count`. Used by LIST_ADD. */
void *list_grow(Arena *arena, void *at, int count, int *room, size_t size);

#define countof(array) ((int)(sizeof(array) / sizeof((array)[0])))

#endif
