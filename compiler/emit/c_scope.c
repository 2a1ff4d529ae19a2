/* c_scope.c: what loops and tensors are called inside the function of one nest, and its parameters. */
#include "emit/c.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Above this, products of loops might not fit into an int. */
#define INT_INDEX_LIMIT ((int64_t)1 << 30)

static bool is_taken(const Scope *s, const char *text)
{
    static const char *const own[] = { "draw", "uniform", "larger", "smaller", 
                                        "lanes1", "lanes2", "lanes4", "lanes8", "lanes16", "turn_lanes4", "turn_lanes8", "turn_lanes16",
                                        "bits_of", "number_of", "exp_lane", "tanh_lane", "erf_lane", "log1p_lane", "exp_less", "log_of",
                                        "same_exp", "same_tanh", "same_log", "same_log1p", "same_erf" };

    for (int i = 0; i < s->names.count; i++)
        if (strcmp(s->names.at[i].text, text) == 0)
            return true;
    for (int i = 0; i < countof(own); i++)
        if (strcmp(own[i], text) == 0)
            return true;
    return false;
}

static void add_name(Scope *s, const void *of, const char *wanted)
{
    Arena *arena = s->file->u->arena;
    const char *text = wanted;

    for (int again = 2; is_taken(s, text); again++)
        text = arena_print(arena, "%s_%d", wanted, again);
    LIST_ADD(arena, &s->names, ((LocalName){ of, text }));
}

static void add_tensor(Scope *s, const Tensor *t)
{
    for (int i = 0; i < s->names.count; i++)
        if (s->names.at[i].of == t)
            return;
    if (!t->written_out)                                        /* its elements are numbers in the code */
        LIST_ADD(s->file->u->arena, &s->tensors, t);
    add_name(s, t, nest_symbol(s->file->u, s->nest, t));
    for (int i = 0; i < t->rank; i++)
        s->wide = s->wide || t->dim[i] > INT_INDEX_LIMIT;
}

/* What a layer has learnt or keeps, in memory of the caller or as constants. */
static bool is_of_layer(const Tensor *t)
{
    return t->role == ROLE_PARAM || t->role == ROLE_STATE || (t->role == ROLE_CONSTANT && t->param);
}

/* Adds what e reads: values first, or else what belongs to the layer. */
static void add_loads(Scope *s, const Expr *e, bool params)
{
    if (!e)
        return;
    if (e->op == OP_LOAD && is_of_layer(e->tensor) == params)
        add_tensor(s, e->tensor);
    add_loads(s, e->a, params);
    add_loads(s, e->b, params);
    add_loads(s, e->c, params);
    add_loads(s, e->d, params);
}

static bool uses_op(const Expr *e, Op op)
{
    return e && (e->op == op || uses_op(e->a, op) || uses_op(e->b, op) || uses_op(e->c, op) || uses_op(e->d, op));
}

/* The first of these words that no loop and no tensor has, or else one with a number. */
const char *c_free_name(Scope *s, const char *wanted, const char *instead)
{
    if (is_taken(s, wanted) && !is_taken(s, instead))
        wanted = instead;
    add_name(s, wanted, wanted);
    return s->names.at[s->names.count - 1].text;
}

static void name_total(Scope *s)
{
    switch (s->nest->put) {
    case PUT_SET: case PUT_ADD:
        s->total = c_free_name(s, "sum", "total");
        break;
    case PUT_MAX:
        s->total = c_free_name(s, "largest", "best");
        break;
    case PUT_MIN:
        s->total = uses_op(s->nest->value, OP_INDEX) ? c_free_name(s, "first", "least") : c_free_name(s, "smallest", "least");
        break;
    }
    s->value = c_free_name(s, "value", "here");
}

Scope *c_scope(CFile *f, const Nest *n)
{
    Scope *s = ARENA_NEW(f->u->arena, Scope);

    s->file = f;
    s->nest = n;
    s->real = f->real;
    s->draws = uses_op(n->value, OP_RANDOM) || uses_op(n->start, OP_RANDOM) || uses_op(n->finish, OP_RANDOM);
    for (int i = 0; i < n->loop_count; i++) {
        add_name(s, n->loops[i], n->loops[i]->name);
        s->bound[i] = -1;
    }
    add_tensor(s, n->dst);
    for (int params = 0; params < 2; params++) {
        add_loads(s, n->value, params);
        add_loads(s, n->start, params);
        add_loads(s, n->finish, params);
    }
    name_total(s);
    return s;
}

static bool reads(const Expr *e, const Expr *load)
{
    if (!e)
        return false;
    return (e->op == OP_LOAD && expr_equal(e, load)) || reads(e->a, load) || reads(e->b, load) || reads(e->c, load)
        || reads(e->d, load);
}

/* Adds the loads of e that stand in a side of a choice. */
static void hold_sides(Scope *s, const Expr *e, bool in_side)
{
    bool choice = e && (e->op == OP_SELECT_GT || e->op == OP_SELECT_EQ);

    if (!e)
        return;
    if (e->op == OP_LOAD && in_side) {
        for (int i = 0; i < s->held.count; i++)
            if (expr_equal(s->held.at[i].load, e))
                return;
        HeldLoad held = { .load = e, .name = s->held.count == 0 ? s->value : c_free_name(s, "other", "other") };
        LIST_ADD(s->file->u->arena, &s->held, held);
        return;
    }
    hold_sides(s, e->a, in_side);
    hold_sides(s, e->b, in_side);
    hold_sides(s, e->c, in_side || choice);
    hold_sides(s, e->d, in_side || choice);
}

/* What the first condition reads is read anyway. */
void c_hold_choices(Scope *s)
{
    const Expr *value = s->nest->value;
    int kept = 0;

    if (s->nest->put != PUT_SET && s->nest->put != PUT_ADD)     /* the candidate for a maximum is a local already */
        return;
    hold_sides(s, value, false);
    for (int i = 0; i < s->held.count; i++)
        if ((value->op != OP_SELECT_GT && value->op != OP_SELECT_EQ)
            || (!reads(value->a, s->held.at[i].load) && !reads(value->b, s->held.at[i].load)))
            s->held.at[kept++] = s->held.at[i];
    s->held.count = kept;
}

const char *scope_name(const Scope *s, const void *loop_or_tensor)
{
    for (int i = 0; i < s->names.count; i++)
        if (s->names.at[i].of == loop_or_tensor)
            return s->names.at[i].text;
    assert(!"a loop or a tensor of another nest");
    return "";
}

int scope_places(const Scope *s)
{
    int places = 0;

    for (int i = 0; i < s->nest->loop_count; i++)
        places += nest_places_loop(s->nest, s->nest->loops[i]);
    return places;
}

const char *c_dims(Arena *arena, const Tensor *t)
{
    Text *dims = text_new(arena);

    for (int i = 0; i < t->rank; i++)
        text_put(dims, "[%" PRId64 "]", t->dim[i]);
    return t->rank ? dims->at : "[1]";
}

/* A tile that is written out reads again between its stores what a compiler could keep, if it knew that they are apart. Never in place:
 * memory.c does that for nests without sums alone. */
static bool is_apart(const Scope *s, const Tensor *t)
{
    return t == s->nest->dst && t->rank > 0 && nest_is_unfolded(s->nest);
}

const char *c_parameter(const Scope *s, const Tensor *t)
{
    Arena *arena = s->file->u->arena;
    if (is_apart(s, t))
        return arena_print(arena, "%s %s[restrict %s", s->real, scope_name(s, t), c_dims(arena, t) + 1);
    return arena_print(arena, "%s%s %s%s", t == s->nest->dst ? "" : "const ", s->real, scope_name(s, t), c_dims(arena, t));
}
