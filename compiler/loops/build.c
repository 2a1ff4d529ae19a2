/* build.c: the words in which layers write their nests (build.h).
 *
 * A nest is collected between nest_begin and nest_put. The loop over images and its axis are added here: a nest that
 * touches a tensor that is per image runs over n, outermost. */
#include "loops/lower.h"

#include <assert.h>
#include <string.h>

/* ---- tensors */

static Tensor *tensor_new(Build *b, const char *owner, const char *symbol, const char *meaning, Role role,
                          bool per_image, Shape shape)
{
    Tensor *t = ARENA_NEW(b->u->arena, Tensor);

    t->name = owner ? arena_print(b->u->arena, "%s.%s", owner, symbol) : symbol;
    t->symbol = symbol;
    t->meaning = meaning;
    t->role = role;
    t->site = b->site;
    t->per_image = t->has_n = per_image;
    if (per_image)
        t->dim[t->rank++] = b->program->tile;
    for (int i = 0; i < shape.rank; i++)
        t->dim[t->rank++] = shape.dim[i];
    LIST_ADD(b->u->arena, &b->program->tensors, t);
    return t;
}

Tensor *program_tensor(Build *b, const char *name, const char *symbol, Role role, bool per_image, Shape shape)
{
    Tensor *t = tensor_new(b, NULL, symbol, NULL, role, per_image, shape);
    t->name = name;
    t->site = NULL;
    return t;
}

Shape shape_of(const Tensor *t)
{
    Shape s = { .rank = t->rank - t->has_n };
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = t->dim[i + t->has_n];
    return s;
}

Tensor *input(Build *b, int i)
{
    return b->site->in[i]->tensor;
}

Tensor *output(Build *b)
{
    Value *y = b->site->y;
    if (!y->tensor)
        y->tensor = tensor_new(b, b->site->name, "y", NULL, ROLE_SCRATCH, true, y->shape);
    return y->tensor;
}

void output_is(Build *b, Tensor *t)
{
    b->site->y->tensor = t;
}

Tensor *param(Build *b, const char *role)
{
    Param *p = site_find_param(b->site, role);
    if (!p)
        return NULL;
    if (!p->tensor) {
        Tensor *t = tensor_new(b, NULL, p->symbol, NULL, p->trained ? ROLE_PARAM : ROLE_STATE, false, p->shape);
        t->name = p->name;
        t->meaning = p->role;
        t->param = p;
        p->tensor = t;
    }
    return p->tensor;
}

Tensor *image_tensor(Build *b, const char *symbol, const char *meaning, Shape shape)
{
    return tensor_new(b, b->site->name, symbol, meaning, ROLE_SCRATCH, true, shape);
}

Tensor *batch_tensor(Build *b, const char *symbol, const char *meaning, Shape shape)
{
    return tensor_new(b, b->site->name, symbol, meaning, ROLE_SHARED, false, shape);
}

Tensor *constant_tensor(Build *b, const char *symbol, const char *meaning, Shape shape, const double *values)
{
    Tensor *t = tensor_new(b, b->site->name, symbol, meaning, ROLE_CONSTANT, false, shape);
    int64_t count = tensor_count(t);
    double *copy = arena_array(b->u->arena, (size_t)count, sizeof(double));

    memcpy(copy, values, (size_t)count * sizeof(double));
    t->constant = copy;
    return t;
}

Tensor *view(Build *b, Tensor *t, Shape shape)
{
    Tensor *v = tensor_new(b, t->name, "flat", t->meaning, t->role, t->per_image, shape);

    v->symbol = t->symbol;
    v->view_of = t;
    v->param = t->param;
    assert(tensor_count(v) == tensor_count(t));
    return v;
}

Tensor *view_called(Build *b, const char *symbol, Tensor *t, Shape shape)
{
    Tensor *v = view(b, t, shape);

    v->name = arena_print(b->u->arena, "%s.%s", b->site->name, symbol);
    v->symbol = symbol;
    v->own_symbol = true;
    return v;
}

Tensor *site_tensor(Build *b, const Site *s, const char *symbol)
{
    for (int i = 0; i < b->program->tensors.count; i++) {
        Tensor *t = b->program->tensors.at[i];
        if (t->site == s && !t->primal && strcmp(t->symbol, symbol) == 0)
            return t;
    }
    return NULL;
}

Tensor *target(Build *b) { return b->program->target; }
Tensor *share(Build *b)  { return b->program->share; }
Tensor *images(Build *b) { return b->program->images; }
Tensor *losses(Build *b) { return b->program->loss; }

bool wants_gradient(Build *b, const Tensor *t)
{
    (void)b;
    switch (tensor_base((Tensor *)t)->role) {
    case ROLE_INPUT: case ROLE_PARAM: case ROLE_OUTPUT: case ROLE_SCRATCH: case ROLE_SHARED: case ROLE_LOSS:
        return true;
    case ROLE_TARGET: case ROLE_SHARE: case ROLE_IMAGES: case ROLE_KEEP: case ROLE_STATE: case ROLE_GRADIENT:
    case ROLE_INPUT_GRADIENT: case ROLE_CONSTANT:
        return false;
    }
    return false;
}

Tensor *gradient(Build *b, Tensor *t)
{
    if (t->gradient)
        return t->gradient;

    Tensor *d = ARENA_NEW(b->u->arena, Tensor);
    *d = *t;
    d->name = arena_print(b->u->arena, "%s.d", t->name);
    d->symbol = arena_print(b->u->arena, "d%s", t->symbol);
    d->meaning = NULL;
    d->gradient = NULL;
    d->primal = t;
    d->view_of = t->view_of ? gradient(b, t->view_of) : NULL;
    switch (t->role) {
    case ROLE_PARAM:  d->role = ROLE_GRADIENT; break;
    case ROLE_INPUT:  d->role = ROLE_INPUT_GRADIENT; break;
    case ROLE_OUTPUT: d->role = ROLE_SCRATCH; break;
    case ROLE_SCRATCH: case ROLE_SHARED: break;
    case ROLE_LOSS: case ROLE_TARGET: case ROLE_SHARE: case ROLE_IMAGES: case ROLE_KEEP: case ROLE_STATE: case ROLE_GRADIENT:
    case ROLE_INPUT_GRADIENT: case ROLE_CONSTANT:
        assert(!"a tensor without a gradient");
    }
    LIST_ADD(b->u->arena, &b->program->tensors, d);
    t->gradient = d;
    if (t == b->program->x)
        b->program->dx = d;
    return d;
}

/* ---- a nest */

/* How the formulas of this site call a tensor: x for what it reads (x1, x2, ... if there are several), y for what it
 * makes, the symbol of its own tensors, d in front for gradients. */
const char *symbol_here(Build *b, const Tensor *t)
{
    const Site *s = b->site;

    if (t->primal && t != b->program->share)
        return arena_print(b->u->arena, "d%s", symbol_here(b, t->primal));
    if (s && s->y && s->y->tensor == t)
        return "y";
    if (s)
        for (int i = 0; i < s->in_count; i++)
            if (s->in[i]->tensor == t)
                return s->in_count == 1 ? "x" : arena_print(b->u->arena, "x%d", i + 1);
    if (s && t->view_of && !t->own_symbol)
        return symbol_here(b, t->view_of);
    return t->symbol;
}

static void name_tensor(Build *b, const Tensor *t)
{
    Nest *n = b->nest;
    const char *text = symbol_here(b, t);

    for (int i = 0; i < n->symbols.count; i++)
        if (n->symbols.at[i].tensor == t)
            return;
    for (int again = 2, i = 0; i < n->symbols.count; i++)
        if (strcmp(n->symbols.at[i].text, text) == 0) {         /* two views of one tensor, say */
            text = arena_print(b->u->arena, "%s_%d", symbol_here(b, t), again++);
            i = -1;
        }
    LIST_ADD(b->u->arena, &n->symbols, ((Symbol){ t, text }));
}

static void name_load(void *context, const Expr *load)
{
    name_tensor(context, load->tensor);
}

/* Unique among the nests of the site so far; names of different sites differ anyway, and emit/functions.c has the last word. */
static const char *unique_nest_name(Build *b, const char *name)
{
    const Program *p = b->program;
    const char *unique = name;

    for (int again = 2, i = p->nests.count - 1; i >= 0 && p->nests.at[i]->site == b->site; i--)
        if (strcmp(p->nests.at[i]->name, unique) == 0) {
            unique = arena_print(b->u->arena, "%s%d", name, again++);
            i = p->nests.count;
        }
    return unique;
}

void nest_begin(Build *b, const char *suffix, const char *why)
{
    assert(!b->nest);
    Nest *n = ARENA_NEW(b->u->arena, Nest);
    const char *owner = b->site ? b->site->name : b->net->name;

    n->name = unique_nest_name(b, suffix[0] ? arena_print(b->u->arena, "%s_%s", owner, suffix) : owner);
    n->why = why;
    n->site = b->site;
    n->backward = b->backward;
    b->nest = n;
    b->n = ARENA_NEW(b->u->arena, Loop);
    *b->n = (Loop){ .name = "n", .meaning = "for every image of the tile", .extent = b->program->tile };
}

Loop *loop(Build *b, const char *name, const char *meaning, int64_t extent)
{
    Nest *n = b->nest;
    Loop *l = ARENA_NEW(b->u->arena, Loop);

    assert(n && n->loop_count < MAX_LOOPS - 1 && extent > 0);
    *l = (Loop){ .name = name, .meaning = meaning, .extent = extent };
    n->loops[n->loop_count++] = l;
    return l;
}

void nest_fill(Build *b, double constant)
{
    b->nest->fill = real(b, constant);
}

void nest_start_from(Build *b, Expr *start)
{
    b->nest->start = start;
}

void nest_finish(Build *b, Expr *finish)
{
    b->nest->finish = finish;
}

static void set_index(Build *b, const Tensor *t, Affine *to, const Affine *from)
{
    int axis = 0;
    if (t->has_n)
        to[axis++] = at(b->n);
    for (int i = 0; axis < t->rank; i++)
        to[axis++] = from[i];
}

static void note_image(void *context, const Expr *load)
{
    bool *per_image = context;
    *per_image = *per_image || load->tensor->per_image;
}

/* Uniform numbers differ from image to image. */
static bool draws(const Expr *e)
{
    return e && (e->op == OP_RANDOM || draws(e->a) || draws(e->b) || draws(e->c) || draws(e->d));
}

void nest_put(Build *b, Put put, Tensor *dst, const Affine *index, Expr *value)
{
    Nest *n = b->nest;
    bool per_image = dst->per_image || draws(value);

    n->put = put;
    n->dst = dst;
    set_index(b, dst, n->index, index);
    n->value = value;
    nest_loads(n, note_image, &per_image);
    if (per_image) {
        memmove(n->loops + 1, n->loops, (size_t)n->loop_count * sizeof n->loops[0]);
        n->loops[0] = b->n;
        n->loop_count++;
    }
    nest_end(b);
}

void nest_end(Build *b)
{
    Nest *n = b->nest;

    name_tensor(b, n->dst);
    nest_loads(n, name_load, b);
    assert(!expr_reads(n->value, n->dst) && !expr_reads(n->start, n->dst));
    LIST_ADD(b->u->arena, &b->program->nests, n);
    b->nest = NULL;
}

/* ---- indices */

Affine scaled(Loop *l, int64_t factor)
{
    return (Affine){ .count = 1, .term = { { l, factor } } };
}

Affine plus(Affine a, Affine b)
{
    a.offset += b.offset;
    for (int i = 0; i < b.count; i++) {
        int j = 0;
        while (j < a.count && a.term[j].loop != b.term[i].loop)
            j++;
        if (j < a.count) {
            a.term[j].factor += b.term[i].factor;
        } else {
            assert(a.count < MAX_TERMS);
            a.term[a.count++] = b.term[i];
        }
    }
    return a;
}

Affine shifted(Affine a, int64_t by)
{
    a.offset += by;
    return a;
}

Affine stepped(Loop *place, int64_t step, Loop *inner, int64_t dilation)
{
    return plus(scaled(place, step), scaled(inner, dilation));
}

/* ---- expressions */

static Expr *expr(Build *b, Op op, Expr *x, Expr *y)
{
    Expr *e = ARENA_NEW(b->u->arena, Expr);
    *e = (Expr){ .op = op, .a = x, .b = y };
    return expr_fold(b->u, e);
}

Expr *real(Build *b, double value)
{
    Expr *e = expr(b, OP_CONSTANT, NULL, NULL);
    e->number = value;
    return e;
}

Expr *load(Build *b, Tensor *t, const Affine *index)
{
    Expr *e = expr(b, OP_LOAD, NULL, NULL);
    e->tensor = t;
    set_index(b, t, e->index, index);
    return e;
}

Expr *index_value(Build *b, Affine a)
{
    if (a.count == 0)
        return real(b, (double)a.offset);
    Expr *e = expr(b, OP_INDEX, NULL, NULL);
    e->index[0] = a;
    return e;
}

Expr *total(Build *b)
{
    return expr(b, OP_TOTAL, NULL, NULL);
}

Expr *random_uniform(Build *b, Affine element)
{
    Expr *e = expr(b, OP_RANDOM, NULL, NULL);
    e->number = b->site->number;
    e->index[0] = at(b->n);
    e->index[1] = element;
    return e;
}

Expr *neg(Build *b, Expr *x)                  { return expr(b, OP_NEG, x, NULL); }
Expr *absolute(Build *b, Expr *x)             { return expr(b, OP_ABS, x, NULL); }
Expr *exp_of(Build *b, Expr *x)               { return expr(b, OP_EXP, x, NULL); }
Expr *log_of(Build *b, Expr *x)               { return expr(b, OP_LOG, x, NULL); }
Expr *log1p_of(Build *b, Expr *x)             { return expr(b, OP_LOG1P, x, NULL); }
Expr *sqrt_of(Build *b, Expr *x)              { return expr(b, OP_SQRT, x, NULL); }
Expr *tanh_of(Build *b, Expr *x)              { return expr(b, OP_TANH, x, NULL); }
Expr *erf_of(Build *b, Expr *x)               { return expr(b, OP_ERF, x, NULL); }
Expr *add(Build *b, Expr *x, Expr *y)         { return expr(b, OP_ADD, x, y); }
Expr *sub(Build *b, Expr *x, Expr *y)         { return expr(b, OP_SUB, x, y); }
Expr *mul(Build *b, Expr *x, Expr *y)         { return expr(b, OP_MUL, x, y); }
Expr *divide(Build *b, Expr *x, Expr *y)      { return expr(b, OP_DIV, x, y); }
Expr *larger(Build *b, Expr *x, Expr *y)      { return expr(b, OP_MAX, x, y); }
Expr *smaller(Build *b, Expr *x, Expr *y)     { return expr(b, OP_MIN, x, y); }

static Expr *select_expr(Build *b, Op op, Expr *x, Expr *y, Expr *then, Expr *otherwise)
{
    Expr *e = ARENA_NEW(b->u->arena, Expr);
    *e = (Expr){ .op = op, .a = x, .b = y, .c = then, .d = otherwise };
    return expr_fold(b->u, e);
}

Expr *if_greater(Build *b, Expr *x, Expr *y, Expr *then, Expr *otherwise)
{
    return select_expr(b, OP_SELECT_GT, x, y, then, otherwise);
}

Expr *if_equal(Build *b, Expr *x, Expr *y, Expr *then, Expr *otherwise)
{
    return select_expr(b, OP_SELECT_EQ, x, y, then, otherwise);
}
