/* memory_map.c: the plan of the scratch block as a picture (facts.h): time runs to the right, addresses upwards. */
#include "inspect/facts.h"

#include <ctype.h>
#include <string.h>

enum { LEAST_REALS = 16 };              /* of a row: what tensors are aligned to */

static const char *label_of(const Facts *f, const Site *s)
{
    const LayerFacts *l = facts_find(f, s);
    return l ? l->label : "*";              /* the loss */
}

/* What stands in the map for a tensor, or for none. */
static const char *cell_of(Unit *u, const Facts *f, const Tensor *t)
{
    if (!t)
        return ".";
    const char *label = label_of(f, t->site);
    return t->primal ? arena_print(u->arena, "%c%s", toupper((unsigned char)label[0]), label + 1) : label;
}

static int longest_label(const Facts *f)
{
    size_t longest = 1;

    for (int i = 0; i < f->layers.count; i++)
        if (strlen(f->layers.at[i].label) > longest)
            longest = strlen(f->layers.at[i].label);
    return (int)longest;
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

MemoryMap memory_map(Unit *u, const Facts *f, const Program *p, int most, int rows)
{
    int nests = p->nests.count, wide = longest_label(f), columns = most / wide;
    MemoryMap m = { .width = nests < columns ? nests : columns, .height = rows, .wide = wide };

    if (p->scratch < LEAST_REALS * rows)
        m.height = p->scratch > LEAST_REALS ? (int)(p->scratch / LEAST_REALS) : 1;
    m.cell = arena_array(u->arena, (size_t)(m.width * m.height), sizeof *m.cell);
    m.work = arena_array(u->arena, (size_t)m.width, sizeof *m.work);
    for (int x = 0; x < m.width; x++) {
        int time = (int)((int64_t)x * nests / m.width);
        m.work[x] = label_of(f, p->nests.at[time]->site);
        if (!p->nests.at[time]->backward)
            m.forward = x + 1;
        for (int y = 0; y < m.height; y++) {
            int64_t from = p->scratch * (m.height - 1 - y) / m.height, to = p->scratch * (m.height - y) / m.height;
            m.cell[y * m.width + x] = cell_of(u, f, owner(p, from, to, time));
        }
    }
    return m;
}
