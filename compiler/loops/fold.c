/* fold.c: in inference, a scale and shift of single elements becomes part of the weights beside it.
 *
 *     y = (start + sum w*x) * A + B    is    start*A + B + sum (w*A)*x          batchnorm behind conv or dense
 *     y = start + sum w*(x*A + B)      is    start + sum w*B + sum (w*A)*x      rescale or normalise before them
 *
 * A and B must not depend on the image, and A must be constant or indexed like an axis of w. Padding between the two stays
 * exact only if B is 0 and the border is filled with 0. The new weights are made by nests that touch no image, so they run
 * once (phases.c), or when weights are embedded, in the compiler. What a fold changes is rounding alone. */
#include "loops/fold.h"

#include <string.h>

typedef struct Fold {
    Unit *u;
    Program *p;
} Fold;

/* ---- small expressions */

static Expr *node(Fold *f, Op op, Expr *a, Expr *b)
{
    Expr *e = ARENA_NEW(f->u->arena, Expr);
    *e = (Expr){ .op = op, .a = a, .b = b };
    return expr_fold(f->u, e);
}

static Expr *constant(Fold *f, double number)
{
    Expr *e = node(f, OP_CONSTANT, NULL, NULL);
    e->number = number;
    return e;
}

static bool is_number(const Expr *e, double number)
{
    return e->op == OP_CONSTANT && e->number == number;
}

static bool reads_images(const Expr *e)
{
    if (!e)
        return false;
    if (e->op == OP_RANDOM || (e->op == OP_LOAD && e->tensor->per_image))
        return true;
    return reads_images(e->a) || reads_images(e->b) || reads_images(e->c) || reads_images(e->d);
}

/* Writes e as A*load(t) + B. False if e is not of that form. */
static bool linear_in(Fold *f, Expr *e, const Tensor *t, Expr **A, Expr **B)
{
    Expr *a1, *b1, *a2, *b2;

    if (!expr_reads(e, t)) {
        *A = constant(f, 0);
        *B = e;
        return !reads_images(e);
    }
    switch (e->op) {
    case OP_LOAD:
        *A = constant(f, 1);
        *B = constant(f, 0);
        return true;
    case OP_NEG:
        if (!linear_in(f, e->a, t, &a1, &b1))
            return false;
        *A = node(f, OP_NEG, a1, NULL);
        *B = node(f, OP_NEG, b1, NULL);
        return true;
    case OP_ADD: case OP_SUB:
        if (!linear_in(f, e->a, t, &a1, &b1) || !linear_in(f, e->b, t, &a2, &b2))
            return false;
        *A = node(f, e->op, a1, a2);
        *B = node(f, e->op, b1, b2);
        return true;
    case OP_MUL: case OP_DIV: {
        bool first = expr_reads(e->a, t);
        Expr *other = first ? e->b : e->a;
        if (expr_reads(other, t) || reads_images(other) || (e->op == OP_DIV && !first)
            || !linear_in(f, first ? e->a : e->b, t, &a1, &b1))
            return false;
        *A = node(f, e->op, a1, other);
        *B = node(f, e->op, b1, other);
        return true;
    }
    case OP_CONSTANT: case OP_INDEX: case OP_TOTAL: case OP_RANDOM: case OP_ABS: case OP_EXP: case OP_LOG: case OP_LOG1P:
    case OP_SQRT: case OP_TANH: case OP_ERF: case OP_MAX: case OP_MIN: case OP_SELECT_GT: case OP_SELECT_EQ:
        return false;
    }
    return false;
}

/* Replaces every index that equals from[i] by to[i]; an index that equals none fails, unless it is constant. */
typedef struct Reindex {
    const Affine *from, *to;
    int count;
    bool ok;
} Reindex;

static Expr *reindex_load(void *context, Expr *e)
{
    Reindex *r = context;
    int axes = e->op == OP_LOAD ? e->tensor->rank : 0;

    if (e->op == OP_INDEX || e->op == OP_RANDOM)
        r->ok = false;
    for (int i = 0; i < axes; i++) {
        int j = 0;
        if (e->index[i].count == 0)
            continue;
        while (j < r->count && !affine_equal(&e->index[i], &r->from[j]))
            j++;
        if (j == r->count)
            r->ok = false;
        else
            e->index[i] = r->to[j];
    }
    return e;
}

static Expr *reindexed(Fold *f, Expr *e, const Affine *from, const Affine *to, int count)
{
    Reindex r = { from, to, count, true };
    Expr *copy = expr_map(f->u, e, reindex_load, &r);
    return r.ok ? copy : NULL;
}

/* ---- readers and writers */

static int readers(const Program *p, const Tensor *t, Nest **one)
{
    int count = 0;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (nest_reads(n, t)) {
            *one = n;
            count++;
        }
    }
    return count;
}

static int writers(const Program *p, const Tensor *t, Nest **one)
{
    int count = 0;
    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == tensor_base((Tensor *)t)) {
            *one = p->nests.at[i];
            count++;
        }
    return count;
}

static void insert_before(Fold *f, const Nest *where, Nest *n)
{
    Program *p = f->p;
    int at = 0;

    while (p->nests.at[at] != where)
        at++;
    LIST_ADD(f->u->arena, &p->nests, n);
    memmove(p->nests.at + at + 1, p->nests.at + at, (size_t)(p->nests.count - 1 - at) * sizeof n);
    p->nests.at[at] = n;
    p->forward_end++;
}

static void remove_nest(Program *p, const Nest *n)
{
    int at = 0;

    while (p->nests.at[at] != n)
        at++;
    p->nests.count--;
    p->forward_end--;
    memmove(p->nests.at + at, p->nests.at + at + 1, (size_t)(p->nests.count - at) * sizeof n);
}

/* ---- the weighted sum */

/* y[...] = start + sum of w * x, with w a tensor that no image changes and x per image. */
typedef struct Weighted {
    Nest *n;
    Expr *w, *x;                /* loads */
} Weighted;

static bool is_weighted(Nest *n, Weighted *out)
{
    if (n->put != PUT_ADD || n->finish || !nest_covers(n) || n->value->op != OP_MUL || !n->start)
        return false;
    Expr *a = n->value->a, *b = n->value->b;
    if (a->op != OP_LOAD || b->op != OP_LOAD || a->tensor->per_image == b->tensor->per_image || reads_images(n->start))
        return false;
    *out = (Weighted){ n, a->tensor->per_image ? b : a, a->tensor->per_image ? a : b };
    return true;
}

static Tensor *new_tensor(Fold *f, const Tensor *like, const char *suffix, int rank, const int64_t *dim, const char *meaning)
{
    Tensor *t = ARENA_NEW(f->u->arena, Tensor);
    *t = (Tensor){ .name = tensor_name(f->u, f->p, arena_print(f->u->arena, "%s.%s", like->name, suffix)), .symbol = like->symbol,
                   .meaning = meaning, .role = ROLE_SHARED, .rank = rank, .site = like->site };
    memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    LIST_ADD(f->u->arena, &f->p->tensors, t);
    return t;
}

static void add_symbols(Fold *f, Nest *to, const Expr *e, const Nest *from)
{
    if (!e)
        return;
    if (e->op == OP_LOAD) {
        const char *text = from ? nest_symbol(f->u, from, e->tensor) : e->tensor->symbol;
        bool known = false;
        for (int i = 0; i < to->symbols.count; i++) {
            known = known || to->symbols.at[i].tensor == e->tensor;
            if (!known && strcmp(to->symbols.at[i].text, text) == 0)
                text = arena_print(f->u->arena, "%s_%d", text, to->symbols.count);
        }
        if (!known)
            LIST_ADD(f->u->arena, &to->symbols, ((Symbol){ e->tensor, text }));
    }
    add_symbols(f, to, e->a, from);
    add_symbols(f, to, e->b, from);
    add_symbols(f, to, e->c, from);
    add_symbols(f, to, e->d, from);
}

static Loop *new_loop(Fold *f, Nest *n, const char *name, int64_t extent)
{
    Loop *l = ARENA_NEW(f->u->arena, Loop);
    *l = (Loop){ .name = name, .extent = extent };
    n->loops[n->loop_count++] = l;
    return l;
}

static Nest *once_nest(Fold *f, const Nest *of, const char *suffix, const char *why, Tensor *dst)
{
    static const char *const names[] = { "i", "j", "k", "l" };
    Nest *n = ARENA_NEW(f->u->arena, Nest);

    *n = (Nest){ .name = nest_name(f->u, f->p, arena_print(f->u->arena, "%s_%s", of->name, suffix)), .why = why, .site = of->site,
                 .put = PUT_SET, .dst = dst };
    for (int i = 0; i < dst->rank; i++)
        n->index[i] = (Affine){ .count = 1, .term = { { new_loop(f, n, names[i], dst->dim[i]), 1 } } };
    LIST_ADD(f->u->arena, &n->symbols, ((Symbol){ dst, arena_print(f->u->arena, "%s_folded", dst->symbol) }));
    return n;
}

/* Makes w*A the weights of the sum. A is written in its loops; false (and nothing changed) if A does not follow an axis of w. */
static bool scale_weights(Fold *f, Weighted *s, Expr *A)
{
    Tensor *w = s->w->tensor;
    Tensor *scaled = new_tensor(f, w, "folded", w->rank, w->dim, w->meaning);
    Nest *n = once_nest(f, s->n, "weights", "The scale beside the sum becomes part of its weights.", scaled);
    Expr *factor = reindexed(f, A, s->w->index, n->index, w->rank);
    Expr *old = node(f, OP_LOAD, NULL, NULL);

    if (!factor) {
        f->p->tensors.count--;
        return false;
    }
    old->tensor = w;
    memcpy(old->index, n->index, sizeof old->index);
    n->value = node(f, OP_MUL, old, factor);
    add_symbols(f, n, n->value, s->n);
    insert_before(f, s->n, n);
    s->w->tensor = scaled;
    LIST_ADD(f->u->arena, &s->n->symbols, ((Symbol){ scaled, nest_symbol(f->u, s->n, w) }));
    return true;
}

/* The axis of dst that the start and the shift may follow: that of the channels or features. */
static int channel_axis(const Nest *n)
{
    return n->dst->has_n ? 1 : 0;
}

/* Replaces the start of the sum by `start`, an expression in its loops that follows the channels alone; `sum` is added for every
 * summed place (or NULL). False if they follow something else. Call it before anything else changes. */
static Nest *new_start(Fold *f, const Weighted *s, Expr *start, Expr *sum)
{
    int axis = channel_axis(s->n);
    Tensor *b = new_tensor(f, s->n->dst, "start", 1, &s->n->dst->dim[axis], "start");
    Nest *n;

    b->symbol = "b";
    n = once_nest(f, s->n, "start", "The shift beside the sum becomes part of what it starts from.", b);
    Expr *first = reindexed(f, start, &s->n->index[axis], &n->index[0], 1);
    if (!first) {
        f->p->tensors.count--;
        return NULL;
    }
    n->value = first;
    if (sum) {                              /* start + sum over the axes of w but the first of w*B */
        Affine from[MAX_AXES], to[MAX_AXES];
        const Tensor *w = s->w->tensor;
        static const char *const names[] = { "i", "j", "k", "l" };
        memcpy(from, s->w->index, sizeof from);
        for (int i = 0; i < w->rank; i++)
            to[i] = affine_equal(&from[i], &s->n->index[axis]) ? n->index[0]
                    : (Affine){ .count = 1, .term = { { new_loop(f, n, names[i], w->dim[i]), 1 } } };
        Expr *value = reindexed(f, sum, from, to, w->rank);
        if (!value || !affine_equal(&to[0], &n->index[0])) {
            f->p->tensors.count--;
            return NULL;
        }
        n->start = first;
        n->value = value;
        n->put = PUT_ADD;
    }
    add_symbols(f, n, n->start, s->n);
    add_symbols(f, n, n->value, s->n);
    return n;
}

static void use_start(Fold *f, Weighted *s, Nest *made)
{
    Expr *load = node(f, OP_LOAD, NULL, NULL);

    load->tensor = made->dst;
    load->index[0] = s->n->index[channel_axis(s->n)];
    insert_before(f, s->n, made);
    s->n->start = load;
    LIST_ADD(f->u->arena, &s->n->symbols, ((Symbol){ made->dst, "b_folded" }));
}

/* ---- the two folds */

/* The one load of a tensor that is per image; *several is set if there are different ones. */
static void find_image(Expr *e, Expr **x, bool *several)
{
    if (!e)
        return;
    if (e->op == OP_LOAD && e->tensor->per_image) {
        *several = *several || (*x && !expr_equal(*x, e));
        *x = e;
    }
    find_image(e->a, x, several);
    find_image(e->b, x, several);
    find_image(e->c, x, several);
    find_image(e->d, x, several);
}

/* An element-wise nest y = A*x + B of a tensor of its own shape. */
static bool is_scale(Fold *f, Nest *n, Expr **x, Expr **A, Expr **B)
{
    bool several = false;

    *x = NULL;
    if (n->put != PUT_SET || n->start || n->finish || n->fill || !nest_covers(n) || !n->dst->per_image)
        return false;
    find_image(n->value, x, &several);
    if (!*x || several || (*x)->tensor->rank != n->dst->rank)
        return false;
    for (int i = 0; i < n->dst->rank; i++)          /* a nest that cuts at the far end alone has the same indices, and less of them */
        if (!affine_equal(&(*x)->index[i], &n->index[i]) || (*x)->tensor->dim[i] != n->dst->dim[i])
            return false;
    return linear_in(f, n->value, (*x)->tensor, A, B);
}

/* The sum s made x and `scale` alone reads it: s takes over the scale and its result. */
static bool fold_behind(Fold *f, Nest *scale, const Expr *x, Expr *A, Expr *B)
{
    Nest *made = NULL, *reader = NULL;
    Weighted s;

    if (x->tensor->role != ROLE_SCRATCH || x->tensor->view_of || scale->dst->view_of || writers(f->p, x->tensor, &made) != 1
        || readers(f->p, x->tensor, &reader) != 1 || !is_weighted(made, &s) || made->dst != x->tensor)
        return false;
    Expr *a = reindexed(f, A, scale->index, made->index, made->dst->rank);
    Expr *b = reindexed(f, B, scale->index, made->index, made->dst->rank);
    Nest *start = a && b ? new_start(f, &s, node(f, OP_ADD, node(f, OP_MUL, made->start, a), b), NULL) : NULL;
    if (!start || !scale_weights(f, &s, a))
        return false;
    use_start(f, &s, start);
    LIST_ADD(f->u->arena, &made->symbols, ((Symbol){ scale->dst, "y" }));
    made->dst = scale->dst;
    /* A and B may be made after the sum: all move to where the scale stood. */
    Nest *weights = NULL;
    writers(f->p, s.w->tensor, &weights);
    Nest *const moved[] = { weights, start, made };
    for (int i = 0; i < countof(moved); i++) {
        remove_nest(f->p, moved[i]);
        insert_before(f, scale, moved[i]);
    }
    remove_nest(f->p, scale);
    return true;
}

/* `scale` made what only a sum reads, perhaps through a border of zeros: the sum reads what the scale read. */
static bool fold_before(Fold *f, Nest *scale, Expr *x, Expr *A, Expr *B)
{
    Nest *reader = NULL, *pad = NULL;
    const Tensor *t = scale->dst;
    Weighted s;

    if (t->role != ROLE_SCRATCH || t->view_of || readers(f->p, t, &reader) != 1)
        return false;
    if (reader->put == PUT_SET && reader->value->op == OP_LOAD && reader->fill && !nest_covers(reader)) {
        pad = reader;
        if (!is_number(B, 0) || !is_number(pad->fill, 0) || readers(f->p, pad->dst, &reader) != 1)
            return false;
    }
    if (!is_weighted(reader, &s))
        return false;
    bool flat = s.x->tensor->view_of != NULL;       /* an image read as features: its channels have no axis of their own */
    if (pad ? s.x->tensor != pad->dst : !flat && s.x->tensor != t)
        return false;
    Expr *a = flat ? reindexed(f, A, NULL, NULL, 0) : reindexed(f, A, scale->index, s.x->index, t->rank);
    Expr *b = flat ? reindexed(f, B, NULL, NULL, 0) : reindexed(f, B, scale->index, s.x->index, t->rank);
    if (!a || !b)
        return false;
    if (!is_number(b, 0)) {
        Nest *start = new_start(f, &s, reader->start, node(f, OP_MUL, s.w, b));
        if (!start || !scale_weights(f, &s, a))
            return false;
        use_start(f, &s, start);
    } else if (!scale_weights(f, &s, a)) {
        return false;
    }
    Expr *load = pad ? pad->value : s.x;
    const char *symbol = nest_symbol(f->u, pad ? pad : reader, load->tensor);
    if (flat) {
        load->tensor->view_of = x->tensor;
        load->tensor->role = x->tensor->role;
    } else {
        load->tensor = x->tensor;
        LIST_ADD(f->u->arena, &(pad ? pad : reader)->symbols, ((Symbol){ x->tensor, symbol }));
    }
    remove_nest(f->p, scale);
    return true;
}

void program_fold(Unit *u, Program *p)
{
    Fold f = { u, p };
    bool again = true;

    while (again) {
        again = false;
        for (int i = 0; i < p->nests.count && !again; i++) {
            Nest *n = p->nests.at[i];
            Expr *x, *A, *B;
            if (is_scale(&f, n, &x, &A, &B))
                again = fold_behind(&f, n, x, A, B) || fold_before(&f, n, x, A, B);
        }
    }
}
