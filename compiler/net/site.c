/* site.c: one use of a layer: its name, its inputs, its shape. */
#include "net/expansion.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Who has a name. */
typedef struct NameUse {
    Span span;
    bool given;                     /* by the program; else made of a kind and its number */
} NameUse;

Value *unknown_value(Unit *u, Span span)
{
    Value *v = ARENA_NEW(u->arena, Value);

    v->name = "unknown";
    v->span = span;
    return v;
}

int expansion_number(Expansion *e, const char *what)
{
    int *count = dict_find(&e->counts, what);

    if (count == NULL) {
        count = ARENA_NEW(e->u->arena, int);
        dict_put(e->u->arena, &e->counts, what, count);
    }
    return ++*count;
}

bool expansion_take_name(Expansion *e, const char *name, Span span, bool given)
{
    const NameUse *other = dict_find(&e->names, name);

    if (other == NULL) {
        NameUse *use = ARENA_NEW(e->u->arena, NameUse);
        *use = (NameUse){ span, given };
        dict_put(e->u->arena, &e->names, name, use);
        return true;
    }
    if (other->given && given) {
        error_at(e->u, span, "the name '%s' is given twice", name);
        note_at(e->u, other->span, "it is given first");
    } else {
        error_at(e->u, given ? span : other->span, "the name '%s' meets another: it is what a line gets that is given none", name);
        note_at(e->u, given ? other->span : span, "that line is");
    }
    return false;
}

/* "one value", "2 values", "2 or more" */
static const char *inputs_text(Unit *u, int least, int most)
{
    if (most == 1)
        return "one value";
    if (most < 0)
        return arena_print(u->arena, "%d or more values", least);
    return least == most ? arena_print(u->arena, "%d values", least) : arena_print(u->arena, "%d to %d values", least, most);
}

static bool inputs_fit(Unit *u, const Use *use, const LayerKind *kind, int count)
{
    bool one = kind->least_inputs == 0 && kind->most_inputs == 0;
    int least = one ? 1 : kind->least_inputs, most = one ? 1 : kind->most_inputs;

    if (count >= least && (most < 0 || count <= most))
        return true;
    error_at(u, use->span, "'%s' reads %s; here %s %d", use->name, inputs_text(u, least, most), count == 1 ? "is" : "are",
             count);
    if (count < least && kind->paths)
        help(u, "name another value, '%s', or write paths, '%s { path { ... }; path { ... } }'", kind->example, kind->name);
    return false;
}

/* What a layer's shape rule made must be a shape that everything behind can calculate with. */
static bool shape_fits(Unit *u, const Use *use, Shape s)
{
    int64_t elements = 1;

    assert(s.rank == 1 || s.rank == 3);
    for (int i = 0; i < s.rank; i++) {
        assert(s.dim[i] >= 1);
        if (s.dim[i] > LIMIT_DIM || !checked_mul(elements, s.dim[i], &elements) || elements > LIMIT_ELEMENTS) {
            error_at(u, use->span, "the result of '%s' would be %s, which is too large", use->name, shape_text(u, s));
            note(u, "a side, a depth or a number of features is at most %d, a tensor has at most 2^40 elements", LIMIT_DIM);
            return false;
        }
    }
    return true;
}

Value *site_add(Expansion *e, const Use *use, const LayerKind *kind, const ArgValue *args, const char *name,
                Value **in, int in_count)
{
    Unit *u = e->u;
    int number = expansion_number(e, kind->name);
    Site *s = ARENA_NEW(u->arena, Site);
    Value *y = ARENA_NEW(u->arena, Value);
    bool known = inputs_fit(u, use, kind, in_count);

    if (name == NULL) {
        name = arena_print(u->arena, "%s%d", kind->name, number);
        expansion_take_name(e, name, use->span, false);
    }
    *s = (Site){ .kind = kind, .name = name, .number = e->net->sites.count, .span = use->span, .args = (ArgValue *)args,
                 .in = in, .in_count = in_count, .x = in_count > 0 ? in[0] : NULL, .y = y };
    *y = (Value){ .name = name, .from = s, .span = use->line };

    for (int i = 0; i < in_count; i++) {
        in[i]->readers++;
        known = known && in[i]->known;
    }
    y->known = known && kind->shape(u, s) && shape_fits(u, use, y->shape);
    if (e->net->sites.count == LIMIT_LAYERS) {
        error_at(u, use->span, "the network has more than %d layers", LIMIT_LAYERS);
        e->stopped = true;
        y->known = false;
        return y;
    }
    LIST_ADD(u->arena, &e->net->sites, s);
    return y;
}
