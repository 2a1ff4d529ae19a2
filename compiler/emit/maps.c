/* maps.c: what the descriptor says of the maps that the program for looking keeps (emit.h). */
#include "emit/emit.h"
#include "net/layer.h"

#include <string.h>

/* Up to the comment, the end of the line or the brace of a body. Spaces are as written. */
const char *as_written(Unit *u, Span span)
{
    const char *text = span.source ? span_text(u, span) : "";
    size_t length = 0;
    bool inside = false;

    for (; text[length] && text[length] != '\n' && text[length] != '\r'; length++) {
        inside ^= text[length] == '"';
        if (!inside && (text[length] == '#' || text[length] == '{' || (text[length] == '/' && text[length + 1] == '/')))
            break;
    }
    while (length > 0 && strchr(" \t", text[length - 1]))
        length--;
    return arena_copy(u->arena, text, length);
}

static bool is_there(const Program *p, const Tensor *t)
{
    for (int i = 0; t && i < p->tensors.count; i++)
        if (p->tensors.at[i] == t)
            return true;
    return false;
}

static int64_t place_of(const Program *p, const Tensor *t)
{
    if (!is_there(p, t) || t->view_of)
        return MAP_SAME;
    if (t->role == ROLE_OUTPUT)
        return MAP_RESULT;
    return t->role == ROLE_INPUT || t->role == ROLE_INPUT_GRADIENT ? MAP_INPUT : t->role == ROLE_SCRATCH ? t->offset : MAP_SAME;
}

/* The number of a layer's kernels among what is trained, or -1. */
static int kernels_of(const Net *net, const Site *s)
{
    for (int i = 0, trained = 0; i < net->params.count; trained += net->params.at[i++]->trained) {
        const Param *p = net->params.at[i];
        if (p->site == s && p->trained && p->shape.rank == 4 && strcmp(p->role, "weight") == 0)
            return trained;
    }
    return -1;
}

static bool learns(const Site *s)
{
    for (int i = 0; i < s->params.count; i++)
        if (s->params.at[i]->trained)
            return true;
    return false;
}

const MapRow *map_rows(Unit *u, const Program *p)
{
    MapRow *rows = arena_array(u->arena, (size_t)p->maps.count + 1, sizeof *rows);
    bool first = true;              /* of those that learn: its kernels look at the picture itself */

    for (int i = 0; i < p->maps.count; i++) {
        const ProgramMap *m = &p->maps.at[i];
        const Site *s = m->site;
        rows[i] = (MapRow){ .name = s ? s->name : u->net->x->name, .written = s ? as_written(u, s->span) : "", .shape = m->shape,
                            .values = place_of(p, m->y), .gradient = m->y ? place_of(p, s ? m->y->gradient : p->dx) : MAP_SAME, .kernels = -1 };
        if (s && first && learns(s)) {
            rows[i].kernels = kernels_of(u->net, s);
            first = false;
        }
    }
    return rows;
}

bool ends_in_probabilities(const Net *net)
{
    return net->y->from && strcmp(net->y->from->kind->name, "softmax") == 0;
}
