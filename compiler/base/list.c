/* list.c: how a list grows. The old array stays behind in the arena; doubling keeps the sum of what is left below the list. */
#include "base/list.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum { FIRST_ROOM = 8 };

void *list_grow(Arena *arena, void *at, int count, int *room, size_t size)
{
    assert(count >= 0 && count <= *room);
    if (count < *room)
        return at;
    /* A list of INT_MAX elements is beyond any memory that its elements would need. */
    size_t wanted = *room == 0 ? FIRST_ROOM : *room <= INT_MAX / 2 ? (size_t)*room * 2 : SIZE_MAX;
    void *grown = arena_array(arena, wanted, size);
    if (count > 0)
        memcpy(grown, at, (size_t)count * size);
    *room = (int)wanted;
    return grown;
}
