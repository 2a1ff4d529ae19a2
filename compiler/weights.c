/* weights.c: trained numbers for generated code (weights.h). The reader of the file format is the runtime's. */
#include "weights.h"

#include "safetensors.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_DIFFERENCES = 20 };

static const char *dims_text(Unit *u, int rank, const int64_t *dim)
{
    Text *t = text_new(u->arena);

    for (int i = 0; i < rank; i++)
        text_put(t, "%s%" PRId64, i ? "x" : "", dim[i]);
    return rank ? t->at : "one number";
}

static bool fits(const Param *p, const StoredTensor *t)
{
    bool same = t->rank == p->shape.rank;
    for (int i = 0; same && i < t->rank; i++)
        same = t->dim[i] == p->shape.dim[i];
    return same;
}

static const char *difference(Unit *u, const Param *p, const StoredTensor *t)
{
    const char *wanted = dims_text(u, p->shape.rank, p->shape.dim);

    if (!t)
        return arena_print(u->arena, "%s (%s) is not in the file", p->name, wanted);
    return arena_print(u->arena, "%s is %s in the file, and %s in the network", p->name, dims_text(u, t->rank, t->dim), wanted);
}

static bool read_all(Unit *u, const Net *net, const Stored *s, const char *path)
{
    cnn_error error = { "" };

    for (int i = 0; i < net->params.count; i++) {
        Param *p = net->params.at[i];
        size_t count = (size_t)shape_count(p->shape);
        double *values = arena_array(u->arena, count, sizeof *values);
        if (!cnn_stored_read(s, cnn_stored_find(s, p->name), values, &cnn_reals_double, &error)) {
            error_at(u, NO_SPAN, "%s", error.text);
            return false;
        }
        for (size_t j = 0; j < count; j++)
            if (!isfinite(values[j])) {
                error_at(u, NO_SPAN, "element %zu of %s in '%s' is not finite", j, p->name, path);
                help(u, "weights are embedded as constants; train again from weights that are finite");
                return false;
            }
        p->values = values;
    }
    return true;
}

bool weights_read(Unit *u, const Net *net, const char *path)
{
    cnn_error error = { "" };
    Stored s;
    int differences = 0;

    if (!cnn_stored_open(&s, path, &error)) {
        error_at(u, NO_SPAN, "%s", error.text);
        return false;
    }
    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        const StoredTensor *t = cnn_stored_find(&s, p->name);
        if (t && fits(p, t))
            continue;
        if (differences++ == 0)
            error_at(u, net->span, "'%s' does not fit network %s", path, net->name);
        if (differences <= MOST_DIFFERENCES)
            note(u, "%s", difference(u, p, t));
    }
    if (differences > MOST_DIFFERENCES)
        note(u, "and %d more differences", differences - MOST_DIFFERENCES);
    bool read = differences == 0 && read_all(u, net, &s, path);
    cnn_stored_close(&s);
    return read;
}
