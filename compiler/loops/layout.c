/* layout.c: images innermost. The n of every tensor in the scratch block moves from the first axis to the last.
 *
 * Then every nest of every layer runs over the images of the tile in its innermost loop, one image a lane, whatever the depth
 * or the size of the image, and pooling, softmax and dropout need no shuffles (measured: 92 to 99 % of peak for convolutions of
 * up to 32 channels). What the caller gives and takes keeps its images outermost: it is copied once on the way in and out. */
#include "loops/layout.h"

#include "loops/machine.h"

#include <string.h>

static bool rotates(const Tensor *t)
{
    return t->per_image && t->role == ROLE_SCRATCH && t->rank > 1 && !t->channels_last;
}

static void rotate(Affine *index, int rank)
{
    Affine first = index[0];
    memmove(index, index + 1, (size_t)(rank - 1) * sizeof first);
    index[rank - 1] = first;
}

static Expr *rotate_load(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && rotates(e->tensor))
        rotate(e->index, e->tensor->rank);
    return e;
}

void program_insert(Unit *u, Program *p, int where, Nest *n)
{
    LIST_ADD(u->arena, &p->nests, n);
    memmove(p->nests.at + where + 1, p->nests.at + where, (size_t)(p->nests.count - 1 - where) * sizeof n);
    p->nests.at[where] = n;
    if (!n->backward)
        p->forward_end++;
    for (int i = 0; i < p->phases.count; i++) {
        Phase *phase = &p->phases.at[i];
        phase->end += phase->end > where || (i == p->phases.count - 1 && phase->end == where);
        phase->first += phase->first > where;
    }
}

void program_remove(Program *p, int where)
{
    p->nests.count--;
    memmove(p->nests.at + where, p->nests.at + where + 1, (size_t)(p->nests.count - where) * sizeof p->nests.at[0]);
    p->forward_end -= where < p->forward_end;
    for (int i = 0; i < p->phases.count; i++) {
        p->phases.at[i].first -= p->phases.at[i].first > where;
        p->phases.at[i].end -= p->phases.at[i].end > where;
    }
}

/* ---- copies on the way in and out */

Tensor *tensor_twin(Unit *u, Program *p, const Tensor *t, Role role, const char *suffix)
{
    Tensor *copy = ARENA_NEW(u->arena, Tensor);
    *copy = *t;
    copy->name = tensor_name(u, p, arena_print(u->arena, "%s.%s", t->name, suffix));
    copy->role = role;
    LIST_ADD(u->arena, &p->tensors, copy);
    return copy;
}

Nest *nest_over_all(Unit *u, const char *name, const char *why, Tensor *dst)
{
    static const char *const names[] = { "i", "j", "k", "l", "m" };
    Nest *n = ARENA_NEW(u->arena, Nest);

    *n = (Nest){ .name = name, .why = why, .put = PUT_SET, .dst = dst, .hold = dst->rank };
    for (int i = 0; i < dst->rank; i++) {
        Loop *l = ARENA_NEW(u->arena, Loop);
        *l = (Loop){ .name = i == 0 && dst->has_n ? "n" : names[i], .extent = dst->dim[i] };
        n->loops[n->loop_count++] = l;
        n->index[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
    }
    return n;
}

Nest *nest_that_copies(Unit *u, const char *name, const char *why, Tensor *to, Tensor *from)
{
    static const char *const image[] = { "n", "c", "h", "w" }, *const features[] = { "n", "i", "j", "k", "l" };
    Nest *n = ARENA_NEW(u->arena, Nest);
    Expr *load = ARENA_NEW(u->arena, Expr);

    *n = (Nest){ .name = name, .why = why, .put = PUT_SET, .dst = to, .value = load };
    *load = (Expr){ .op = OP_LOAD, .tensor = from };
    for (int i = 0; i < to->rank; i++) {
        Loop *l = ARENA_NEW(u->arena, Loop);
        *l = (Loop){ .name = to->rank == 4 ? image[i] : features[i], .extent = to->dim[i] };
        n->loops[n->loop_count++] = l;
        n->index[i] = load->index[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
    }
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ to, "y" }));
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ from, "x" }));
    return n;
}

typedef struct Replace {
    Unit *u;
    Program *p;
    Tensor *from, *to;
    Nest *n;
    bool some;
} Replace;

/* Loads of `from`, or of a view of it, read `to`, or a view of that. */
static Expr *replace_load(void *context, Expr *e)
{
    Replace *r = context;

    if (e->op != OP_LOAD || tensor_base(e->tensor) != r->from)
        return e;
    Tensor *old = e->tensor, *now = r->to;
    if (old != r->from) {
        now = tensor_twin(r->u, r->p, old, r->to->role, "lanes");
        now->view_of = r->to;
    }
    LIST_ADD(r->u->arena, &r->n->symbols, ((Symbol){ now, nest_symbol(r->u, r->n, old) }));
    e->tensor = now;
    r->some = true;
    return e;
}

/* What the caller gives or takes is copied, but for maps where those keep their images outermost. */
static bool is_copied(const Program *p, const Tensor *t)
{
    return t && (t->rank == 2 || (t->rank > 2 && !p->channels_last));
}

/* True if all that is done with it is to copy it to where there is a border around it. */
static bool is_only_copied(const Program *p, const Tensor *given)
{
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (nest_reads(n, given) && (n->put != PUT_SET || n->value->op != OP_LOAD || n->start || n->finish))
            return false;
    }
    return true;
}

static void bring_in(Unit *u, Program *p, Tensor *given, const char *name, const char *why)
{
    if (!is_copied(p, given) || is_only_copied(p, given))
        return;
    Replace r = { .u = u, .p = p, .from = given, .to = tensor_twin(u, p, given, ROLE_SCRATCH, "lanes") };
    for (int i = 0; i < p->nests.count; i++) {
        r.n = p->nests.at[i];
        r.n->value = expr_map(u, r.n->value, replace_load, &r);
        r.n->start = expr_map(u, r.n->start, replace_load, &r);
    }
    if (r.some)
        program_insert(u, p, 0, nest_that_copies(u, name, why, r.to, given));
    else
        p->tensors.count--;
}

static void bring_out(Unit *u, Program *p)
{
    Tensor *inner = p->y;
    int last = 0;

    if (!is_copied(p, inner))
        return;
    p->y = tensor_twin(u, p, inner, ROLE_OUTPUT, "result");
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i] != p->y && tensor_base(p->tensors.at[i]) == inner)
            p->tensors.at[i]->role = ROLE_SCRATCH;
    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == inner)
            last = i;
    program_insert(u, p, last + 1, nest_that_copies(u, "images_out", "The results go back to one image after the other.", p->y, inner));
}

/* Sees to it that the first nest that makes all of dst begins it with zero by itself; false if it cannot. */
static bool begin_anew(Nest *n, Expr *zero)
{
    if (!nest_covers(n) || n->fill || (n->put == PUT_ADD && n->start))
        return false;
    n->start = n->put == PUT_ADD ? zero : n->start;
    return n->put == PUT_ADD || n->put == PUT_SET;
}

/* The gradient of the input is summed one image a lane, and added to the caller's when all of it is there; what only copies it there stays. */
static void bring_out_gradient(Unit *u, Program *p)
{
    Tensor *given = p->dx;
    int first = -1, last = -1;

    for (int i = 0; given && i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        bool writes = tensor_base(n->dst) == given;
        if (nest_reads(n, given))
            return;
        first = writes && first < 0 ? i : first;
        last = writes ? i : last;
    }
    if (first < 0 || !is_copied(p, given) || (first == last && p->nests.at[first]->value->op == OP_LOAD))
        return;
    Tensor *inner = tensor_twin(u, p, given, ROLE_SCRATCH, "lanes");
    Expr *zero = ARENA_NEW(u->arena, Expr);
    *zero = (Expr){ .op = OP_CONSTANT };
    for (int i = first; i <= last; i++) {
        Nest *n = p->nests.at[i];
        Tensor *old = n->dst, *now = inner;
        if (tensor_base(old) != given)
            continue;
        if (old != given) {
            now = tensor_twin(u, p, old, ROLE_SCRATCH, "lanes");
            now->view_of = inner;
        }
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ now, nest_symbol(u, n, old) }));
        n->dst = now;
    }
    Nest *out = nest_that_copies(u, "dx_out", "The gradients go back to one image after the other.", given, inner);
    out->put = PUT_ADD;
    out->backward = out->for_input = true;
    program_insert(u, p, last + 1, out);
    if (begin_anew(p->nests.at[first], zero))
        return;
    Nest *clear = nest_that_copies(u, "dx_clear", "The gradients begin with zero.", inner, given);
    clear->value = zero;
    clear->symbols.count = 0;
    LIST_ADD(u->arena, &clear->symbols, ((Symbol){ inner, "dx" }));
    clear->backward = clear->for_input = true;
    program_insert(u, p, first, clear);
}

/* Images that fill no vectors, beside maps whose channels do, or none: lanes go over the features of each, as they do for a single one. (VGG16, a step of 8 images with
 * AVX-512: its dense layers took two thirds of the time, number by number.) */
static bool keeps_images_outermost(const Unit *u, const Program *p)
{
    if (p->tile % machine_lanes(u->options.machine, u->options.real) == 0)
        return false;
    for (int i = 0; i < p->tensors.count; i++)
        if (rotates(p->tensors.at[i]) && p->tensors.at[i]->rank > 2)
            return false;
    return true;
}

void program_images_innermost(Unit *u, Program *p)
{
    if (p->tile == 1 || keeps_images_outermost(u, p))
        return;
    bring_in(u, p, p->target, "targets_in", "The targets of all images of the tile lie side by side, one a lane.");
    bring_in(u, p, p->x, "images_in", "The images of the tile are laid side by side, one a lane.");
    bring_out(u, p);
    bring_out_gradient(u, p);
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        n->value = expr_map(u, n->value, rotate_load, NULL);
        n->start = expr_map(u, n->start, rotate_load, NULL);
        n->finish = expr_map(u, n->finish, rotate_load, NULL);
        if (rotates(n->dst))
            rotate(n->index, n->dst->rank);
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (!rotates(t))
            continue;
        memmove(t->dim, t->dim + 1, (size_t)(t->rank - 1) * sizeof t->dim[0]);
        t->dim[t->rank - 1] = p->tile;
        t->images_last = true;
        t->has_n = false;
    }
}
