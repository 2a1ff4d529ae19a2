/* shape.c: shapes of values and parameters, and how people write them. */
#include "net/net.h"

#include <assert.h>
#include <inttypes.h>

int64_t shape_count(Shape s)
{
    int64_t count = 1;

    for (int i = 0; i < s.rank; i++) {
        bool fits = checked_mul(count, s.dim[i], &count);
        assert(fits);
        (void)fits;
    }
    return count;
}

bool shape_equal(Shape a, Shape b)
{
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i])
            return false;
    return true;
}

const char *shape_text(Unit *u, Shape s)
{
    switch (s.rank) {
    case 0:
        return "1 number";
    case 1:
        return arena_print(u->arena, "%" PRId64 " feature%s", s.dim[0], s.dim[0] == 1 ? "" : "s");
    case 3:
        return arena_print(u->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, s.dim[1], s.dim[2], s.dim[0]);
    default: {
        const char *text = arena_print(u->arena, "%" PRId64, s.dim[0]);
        for (int i = 1; i < s.rank; i++)
            text = arena_print(u->arena, "%sx%" PRId64, text, s.dim[i]);
        return text;
    }
    }
}
