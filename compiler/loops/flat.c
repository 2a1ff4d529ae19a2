/* flat.c: what is done to every element of a map of a single image is done along its memory, whatever the axes are:
 *
 *     y[c][h][w] = exp(x[c][h][w])     for c 3, h 5, w 10        becomes        y[i] = exp(x[i])     for 152 in vectors
 *
 * No axis of a small map fills vectors, all of them together do. What lies behind the last element in the same vector is computed with it: a
 * scratch tensor has room for that (tensor_room), and nobody reads it. What the caller gives or takes has none: there the last vector overlaps the
 * one before, unless the plan of the memory may put a result over what it is made of. A C compiler cannot do the same, as it does not know
 * whether that is so. */
#include "loops/layout.h"

#include "loops/lanes.h"
#include "loops/machine.h"
#include "loops/transform.h"

typedef struct Flat {
    Unit *u;
    Program *p;
    Nest *n;
    Loop *along;                    /* all elements */
    bool by_element;                /* every access is to the place of dst, or to the same place for all elements */
    bool has_room;                  /* those to the place of dst are to tensors with room */
    bool apart;                     /* none of those that it reads can lie where dst does */
} Flat;

static bool runs_through_all(const Tensor *t, const Affine *index)
{
    for (int i = 0; i < t->rank; i++) {
        const Affine *a = &index[i];
        bool single = t->dim[i] == 1 && a->count == 0;
        if (a->offset != 0 || (!single && (a->count != 1 || a->term[0].factor != 1 || a->term[0].loop->extent != t->dim[i])))
            return false;
    }
    return tensor_count(t) == tensor_count(tensor_base((Tensor *)t));
}

static bool is_same_place(const Nest *n, const Expr *load)
{
    for (int i = 0; i < n->dst->rank; i++)
        if (load->tensor->rank != n->dst->rank || load->tensor->dim[i] != n->dst->dim[i] || !affine_equal(&load->index[i], &n->index[i]))
            return false;
    return runs_through_all(load->tensor, load->index);
}

static bool is_one_place(const Expr *load)
{
    for (int i = 0; i < load->tensor->rank; i++)
        if (load->index[i].count > 0)
            return false;
    return true;
}

static bool has_room(const Tensor *t)
{
    return tensor_base((Tensor *)t)->role == ROLE_SCRATCH;
}

static void see_load(void *context, const Expr *load)
{
    Flat *f = context;

    if (is_same_place(f->n, load)) {
        f->has_room = f->has_room && has_room(load->tensor);
        f->apart = f->apart && !(has_room(load->tensor) && has_room(f->n->dst)) && tensor_base(load->tensor) != tensor_base(f->n->dst);
    } else {
        f->by_element = f->by_element && is_one_place(load);
    }
}

static bool is_by_element(Flat *f)
{
    const Nest *n = f->n;

    if (n->put != PUT_SET || n->fill || n->start || n->finish || n->part || n->loop_count == 0 || !nest_covers(n) || !runs_through_all(n->dst, n->index))
        return false;
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind != LOOP_PLAIN || !nest_places_loop(n, n->loops[i]))
            return false;
    f->by_element = f->apart = true;
    f->has_room = has_room(n->dst);
    nest_loads(n, see_load, f);
    return f->by_element;
}

/* The same storage as a row of `count`. A nest that reads the place that it writes has one row for both. */
static Tensor *row_of(Flat *f, Tensor *t, int64_t count)
{
    for (int i = 0; i < f->n->symbols.count; i++) {
        const Tensor *known = f->n->symbols.at[i].tensor;
        if (known->view_of == t && known->rank == 1 && known->dim[0] == count)
            return (Tensor *)known;
    }
    Tensor *row = ARENA_NEW(f->u->arena, Tensor);

    *row = *t;
    row->name = tensor_name(f->u, f->p, arena_print(f->u->arena, "%s.row", t->name));
    row->view_of = t;
    row->rank = 1;
    row->dim[0] = count;
    row->channels_last = false;
    LIST_ADD(f->u->arena, &f->p->tensors, row);
    LIST_ADD(f->u->arena, &f->n->symbols, ((Symbol){ row, nest_symbol(f->u, f->n, t) }));
    return row;
}

static Expr *flatten_load(void *context, Expr *e)
{
    Flat *f = context;

    if (e->op == OP_LOAD && !is_one_place(e)) {
        e->tensor = row_of(f, e->tensor, f->along->extent);
        e->index[0] = (Affine){ .count = 1, .term = { { f->along, 1 } } };
    }
    return e;
}

/* True if lanes could run through the nest as it is, but for the number of rounds of each loop. */
static bool has_vectors(const Flat *f)
{
    const Nest *n = f->n;
    const Affine *last = &n->index[tensor_last_axis(n->dst)];
    return last->count > 0 && !lanes_obstacle(f->u, n, last->term[0].loop, 1);
}

static bool calls_function(const Expr *e)
{
    return e && (e->op == OP_EXP || e->op == OP_TANH || e->op == OP_ERF || e->op == OP_LOG1P
                 || calls_function(e->a) || calls_function(e->b) || calls_function(e->c) || calls_function(e->d));
}

static void flatten(Flat *f, int64_t vector, int64_t count)
{
    Nest *n = f->n;

    f->along = ARENA_NEW(f->u->arena, Loop);
    *f->along = (Loop){ .name = "i", .extent = count };
    n->value = expr_map(f->u, n->value, flatten_load, f);
    n->dst = row_of(f, n->dst, count);
    n->index[0] = (Affine){ .count = 1, .term = { { f->along, 1 } } };
    n->loops[0] = f->along;
    n->loop_count = 1;
    if (count > vector)
        nest_split_into_vectors(f->u, n, 0, vector);
    n->hold = n->loop_count - 1;
    n->loops[n->hold]->kind = LOOP_LANES;
    nest_remark(f->u, n, "element after element, as they lie in memory");
}

void program_flatten(Unit *u, Program *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    for (int i = 0; p->tile == 1 && vector > 1 && i < p->nests.count; i++) {
        Flat f = { .u = u, .p = p, .n = p->nests.at[i] };
        if (!is_by_element(&f) || !has_vectors(&f) || (nest_is_trifle(f.n) && !calls_function(f.n->value)))
            continue;
        int64_t count = tensor_count(f.n->dst), whole = (count + vector - 1) / vector * vector;
        if (f.has_room && count >= vector)      /* less was just stored number by number, for which a vector would have to wait */
            flatten(&f, vector, whole);
        else if (count % vector == 0 || (f.apart && vectors_of_row(count, vector) > 0))
            flatten(&f, vector, count);
    }
}
