/* memory_map.c: the plan of the scratch block as a picture (facts.h): time runs to the right, addresses upwards. */
#include "inspect/facts.h"

#include <ctype.h>
#include <string.h>

enum { LEAST_REALS = 16 };              /* of a row: what tensors are aligned to */

static char letter_of(const Facts *f, const Site *s)
{
    const LayerFacts *l = facts_find(f, s);
    return l ? l->letter : '*';             /* the loss */
}

/* The tensor that stands at [from, to) of the block while nest `time` runs: the one with most of it, the younger of equals. */
static const Tensor *owner(const Program *p, int64_t from, int64_t to, int time)
{
    const Tensor *best = NULL;
    int64_t most = 0;

    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (t->role != ROLE_SCRATCH || t->view_of || t->first < 0 || time < t->first || time > t->last)
            continue;
        int64_t low = t->offset > from ? t->offset : from, end = t->offset + tensor_count(t), high = end < to ? end : to;
        if (high - low > most || (best && high - low == most && t->first > best->first)) {
            most = high - low;
            best = t;
        }
    }
    return best;
}

MemoryMap memory_map(Unit *u, const Facts *f, const Program *p, int most_columns, int rows)
{
    int nests = p->nests.count;
    MemoryMap m = { .width = nests < most_columns ? nests : most_columns, .height = rows };

    if (p->scratch < LEAST_REALS * rows)
        m.height = p->scratch > LEAST_REALS ? (int)(p->scratch / LEAST_REALS) : 1;
    m.cell = arena_alloc(u->arena, (size_t)(m.width * m.height) + 1);
    m.work = arena_alloc(u->arena, (size_t)m.width + 1);
    for (int x = 0; x < m.width; x++) {
        int time = (int)((int64_t)x * nests / m.width);
        m.work[x] = letter_of(f, p->nests.at[time]->site);
        if (!p->nests.at[time]->backward)
            m.forward = x + 1;
        for (int y = 0; y < m.height; y++) {
            int64_t from = p->scratch * (m.height - 1 - y) / m.height, to = p->scratch * (m.height - y) / m.height;
            const Tensor *t = owner(p, from, to, time);
            char letter = t ? letter_of(f, t->site ? t->site : NULL) : '.';
            m.cell[y * m.width + x] = t && t->primal ? (char)toupper((unsigned char)letter) : letter;
        }
    }
    return m;
}
