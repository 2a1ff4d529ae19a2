/* join.c: layers of the reference with several inputs. */
#include "inner.h"

static void add_forward(Reference *r, const Site *s)
{
    Field *y = reference_value(r, s->y);

    for (int in = 0; in < s->in_count; in++) {
        Field *x = reference_value(r, s->in[in]);
        assert(x->count == y->count);
        for (int64_t i = 0; i < y->count; i++)
            ref_add(y, i, x->at[i]);
    }
}

static void add_backward(Reference *r, const Site *s)
{
    Field *y = reference_value(r, s->y);

    for (int in = 0; in < s->in_count; in++)
        for (int64_t i = 0; i < y->count; i++)
            ref_give(reference_value(r, s->in[in]), i, y->gradient[i]);
}

/* One after the other along the channels (or the features). */
static void concat_walk(Reference *r, const Site *s, bool back)
{
    Field *y = reference_value(r, s->y);
    int64_t from = 0, whole = y->count / r->batch;

    for (int in = 0; in < s->in_count; in++) {
        Field *x = reference_value(r, s->in[in]);
        int64_t part = x->count / r->batch;
        for (int64_t n = 0; n < r->batch; n++)
            for (int64_t i = 0; i < part; i++) {
                if (back)
                    ref_give(x, n * part + i, y->gradient[n * whole + from + i]);
                else
                    y->at[n * whole + from + i] = x->at[n * part + i];
            }
        from += part;
    }
    assert(from == whole);
}

static void concat_forward(Reference *r, const Site *s) { concat_walk(r, s, false); }
static void concat_backward(Reference *r, const Site *s) { concat_walk(r, s, true); }

const RefLayer ref_join_layers[] = {
    { "add", add_forward, add_backward },
    { "concat", concat_forward, concat_backward },
    { NULL, NULL, NULL }
};
