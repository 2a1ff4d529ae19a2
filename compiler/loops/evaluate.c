/* evaluate.c: runs nests directly (evaluate.h). Written to be obviously right: one odometer over the loops, one offset for
 * every access, one recursive function for the value. */
#include "loops/evaluate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct Evaluation {
    Unit *u;
    const Program *p;
    int64_t batch, tiles;
    double **storage;           /* by number of the tensor; NULL for scratch and shared */
    double *scratch;            /* [tiles][scratch_size] */
    int64_t scratch_size;
    double *shared;
    int64_t *offset;            /* by number of the tensor: in its block */
    const uint32_t *draw;
    int64_t tile;               /* at work */
};

/* An affine function of the odometer's digits. */
typedef struct Line {
    int64_t base;
    int64_t factor[MAX_LOOPS];
} Line;

/* An expression with its accesses resolved. */
typedef struct Node {
    Op op;
    double number;
    const double *from;
    Line line[2];               /* the element; for OP_RANDOM the image and the element */
    struct Node *a, *b, *c, *d;
} Node;

typedef struct Run {
    Evaluation *e;
    const Nest *n;
    int64_t digit[MAX_LOOPS];
    double total;
} Run;

static int number_of(const Program *p, const Tensor *t)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i] == t)
            return i;
    assert(!"a tensor of another program");
    return -1;
}

static bool is_private(Role role) { return role == ROLE_SCRATCH; }

Evaluation *evaluation_new(Unit *u, const Program *p, int64_t batch)
{
    Evaluation *e = ARENA_NEW(u->arena, Evaluation);
    int64_t shared = 0;

    *e = (Evaluation){ .u = u, .p = p, .batch = batch, .tiles = (batch + p->tile - 1) / p->tile };
    e->storage = arena_array(u->arena, (size_t)p->tensors.count + 1, sizeof *e->storage);
    e->offset = arena_array(u->arena, (size_t)p->tensors.count + 1, sizeof *e->offset);
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->view_of)
            continue;
        int64_t count = tensor_count(t);
        if (is_private(t->role)) {
            e->offset[i] = p->planned ? t->offset : e->scratch_size;
            e->scratch_size += p->planned ? 0 : tensor_room(t);
        } else if (t->role == ROLE_SHARED) {
            e->offset[i] = shared;
            shared += count;
        } else if (t->role == ROLE_CONSTANT) {
            e->storage[i] = (double *)t->constant;
        } else {
            e->storage[i] = arena_array(u->arena, (size_t)(count * (t->per_image ? e->tiles : 1)), sizeof(double));
        }
    }
    if (p->planned)
        e->scratch_size = p->scratch;
    e->scratch = arena_array(u->arena, (size_t)(e->tiles * e->scratch_size) + 1, sizeof(double));
    e->shared = arena_array(u->arena, (size_t)shared + 1, sizeof(double));
    for (int64_t i = 0; i < e->tiles * e->scratch_size; i++)
        e->scratch[i] = NAN;                /* what is read before it is written shows */
    for (int64_t i = 0; i < shared; i++)
        e->shared[i] = NAN;
    if (p->share)
        for (int64_t i = 0; i < batch; i++)
            evaluation_tensor(e, p->share)[i] = 1.0 / (double)batch;
    if (p->images)
        evaluation_tensor(e, p->images)[0] = (double)batch;
    if (p->keep)
        evaluation_tensor(e, p->keep)[0] = 1;
    return e;
}

/* Where the elements of t begin for the tile at work. */
static double *place(Evaluation *e, const Tensor *t)
{
    const Tensor *base = tensor_base((Tensor *)t);
    int i = number_of(e->p, base);

    if (is_private(base->role))
        return e->scratch + e->tile * e->scratch_size + e->offset[i];
    if (base->role == ROLE_SHARED)
        return e->shared + e->offset[i];
    return e->storage[i] + (base->per_image ? e->tile * tensor_count(base) : 0);
}

double *evaluation_tensor(Evaluation *e, const Tensor *t)
{
    e->tile = 0;
    return place(e, t);
}

void evaluation_clear(Evaluation *e)
{
    for (int i = 0; i < e->p->tensors.count; i++) {
        const Tensor *t = e->p->tensors.at[i];
        if (!t->view_of && (t->role == ROLE_GRADIENT || t->role == ROLE_INPUT_GRADIENT))
            memset(e->storage[i], 0, (size_t)(tensor_count(t) * (t->per_image ? e->tiles : 1)) * sizeof(double));
    }
}

double uniform_number(const uint32_t draw[4], uint32_t stream, uint32_t image, uint32_t element)
{
    uint32_t c[4] = { element, draw[3] + image, draw[2], stream }, key[2] = { draw[0], draw[1] };

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = { (uint32_t)(p1 >> 32) ^ c[1] ^ key[0], (uint32_t)p1,
                             (uint32_t)(p0 >> 32) ^ c[3] ^ key[1], (uint32_t)p0 };
        memcpy(c, next, sizeof c);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return (double)(c[0] >> 8) / 16777216.0;
}

/* ---- resolving */

static void add_affine(Line *line, const Nest *n, const Affine *a, int64_t stride)
{
    line->base += a->offset * stride;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < n->loop_count; j++)
            if (n->loops[j] == a->term[i].loop)
                line->factor[j] += a->term[i].factor * stride;
}

static Line element_line(const Nest *n, const Tensor *t, const Affine *index)
{
    Line line = { 0 };
    int64_t stride = 1;

    for (int i = t->rank - 1; i >= 0; i--) {
        add_affine(&line, n, &index[i], stride);
        stride *= t->dim[i];
    }
    return line;
}

static Node *resolve(Evaluation *e, const Nest *n, const Expr *x)
{
    if (!x)
        return NULL;
    Node *node = ARENA_NEW(e->u->arena, Node);
    *node = (Node){ .op = x->op, .number = x->number };
    if (x->op == OP_LOAD) {
        node->from = place(e, x->tensor);
        node->line[0] = element_line(n, x->tensor, x->index);
    } else if (x->op == OP_INDEX || x->op == OP_RANDOM) {
        add_affine(&node->line[0], n, &x->index[0], 1);
        add_affine(&node->line[1], n, &x->index[1], 1);
    }
    node->a = resolve(e, n, x->a);
    node->b = resolve(e, n, x->b);
    node->c = resolve(e, n, x->c);
    node->d = resolve(e, n, x->d);
    return node;
}

/* ---- running */

static int64_t line_at(const Run *r, const Line *line)
{
    int64_t at = line->base;
    for (int i = 0; i < r->n->loop_count; i++)
        at += line->factor[i] * r->digit[i];
    return at;
}

static double value_of(const Run *r, const Node *x)
{
    switch (x->op) {
    case OP_CONSTANT:  return x->number;
    case OP_LOAD:      return x->from[line_at(r, &x->line[0])];
    case OP_INDEX:     return (double)line_at(r, &x->line[0]);
    case OP_TOTAL:     return r->total;
    case OP_RANDOM:
        return uniform_number(r->e->draw, (uint32_t)x->number,
                              (uint32_t)(r->e->tile * r->e->p->tile + line_at(r, &x->line[0])), (uint32_t)line_at(r, &x->line[1]));
    case OP_NEG:       return -value_of(r, x->a);
    case OP_ABS:       return fabs(value_of(r, x->a));
    case OP_EXP:       return exp(value_of(r, x->a));
    case OP_LOG:       return log(value_of(r, x->a));
    case OP_LOG1P:     return log1p(value_of(r, x->a));
    case OP_SQRT:      return sqrt(value_of(r, x->a));
    case OP_TANH:      return tanh(value_of(r, x->a));
    case OP_ERF:       return erf(value_of(r, x->a));
    case OP_ADD:       return value_of(r, x->a) + value_of(r, x->b);
    case OP_SUB:       return value_of(r, x->a) - value_of(r, x->b);
    case OP_MUL:       return value_of(r, x->a) * value_of(r, x->b);
    case OP_DIV:       return value_of(r, x->a) / value_of(r, x->b);
    case OP_MAX: {
        double a = value_of(r, x->a), b = value_of(r, x->b);
        return a > b ? a : b;
    }
    case OP_MIN: {
        double a = value_of(r, x->a), b = value_of(r, x->b);
        return a < b ? a : b;
    }
    case OP_SELECT_GT: return value_of(r, x->a) > value_of(r, x->b) ? value_of(r, x->c) : value_of(r, x->d);
    case OP_SELECT_EQ: return value_of(r, x->a) == value_of(r, x->b) ? value_of(r, x->c) : value_of(r, x->d);
    }
    return NAN;
}

static void put_value(double *to, Put put, double value)
{
    switch (put) {
    case PUT_SET: *to = value; break;
    case PUT_ADD: *to += value; break;
    case PUT_MAX: *to = value > *to ? value : *to; break;
    case PUT_MIN: *to = value < *to ? value : *to; break;
    }
}

static int64_t affine_at(const Run *r, const Affine *a)
{
    Line line = { 0 };
    add_affine(&line, r->n, a, 1);
    return line_at(r, &line);
}

/* The first round of a loop, and the one after its last. */
static int64_t first_of(const Run *r, const Loop *l)
{
    int64_t from = l->trimmed ? affine_at(r, &l->from) : 0;
    return from > 0 ? from : 0;
}

static int64_t end_of(const Run *r, const Loop *l)
{
    int64_t to = l->trimmed ? affine_at(r, &l->to) : l->extent;
    return to < l->extent ? to : l->extent;
}

/* Advances the digits of the loops whose `among` is set, the last fastest. False when all have run through. */
static bool advance(Run *r, const bool *among)
{
    for (int i = r->n->loop_count - 1; i >= 0; i--)
        if (among[i]) {
            if (++r->digit[i] < end_of(r, r->n->loops[i]))
                return true;
            r->digit[i] = first_of(r, r->n->loops[i]);
        }
    return false;
}

/* Runs a nest; `round` has the values of the loops that the step runs around it. */
static void run_nest(Evaluation *e, const Nest *n, const int64_t *round)
{
    Run r = { .e = e, .n = n };
    bool places[MAX_LOOPS], summed[MAX_LOOPS], all[MAX_LOOPS];
    double *dst = place(e, n->dst);
    Line line = element_line(n, n->dst, n->index);
    Node *value = resolve(e, n, n->value), *start = resolve(e, n, n->start), *finish = resolve(e, n, n->finish);

    for (int i = 0; i < n->loop_count; i++) {
        places[i] = nest_places_loop(n, n->loops[i]);
        summed[i] = !places[i];
        all[i] = true;
    }
    for (int i = 0; i < nest_step_loops(n); i++) {
        places[i] = all[i] = false;
        r.digit[i] = round[i];
    }
    if (n->fill) {
        int64_t count = tensor_count(n->dst) / (nest_fills_image(n) ? n->dst->dim[0] : 1);
        double *from = dst + (nest_fills_image(n) ? round[0] * count : 0);
        for (int64_t i = 0; i < count; i++)
            from[i] = n->fill->number;
    }
    if (!nest_is_gather(n)) {
        do
            put_value(&dst[line_at(&r, &line)], n->put, value_of(&r, value));
        while (advance(&r, all));
        return;
    }
    do {
        double *to = &dst[line_at(&r, &line)];
        for (int i = 0; i < n->loop_count; i++)
            if (summed[i])
                r.digit[i] = first_of(&r, n->loops[i]);
        r.total = start ? value_of(&r, start) : n->put == PUT_SET ? 0 : *to;
        do
            put_value(&r.total, n->put, value_of(&r, value));
        while (advance(&r, summed));
        *to = finish ? value_of(&r, finish) : r.total;
    } while (advance(&r, places));
}

static void add_partials(Evaluation *e, const Phase *phase)
{
    for (int i = 0; i < phase->sums.count; i++) {
        const PhaseSum *s = &phase->sums.at[i];
        int64_t count = tensor_count(s->total);
        double *total = place(e, s->total);
        memset(total, 0, (size_t)count * sizeof *total);
        for (e->tile = 0; e->tile < e->tiles; e->tile++) {
            const double *partial = place(e, s->partial);
            for (int64_t j = 0; j < count; j++)
                total[j] += partial[j];
        }
        e->tile = 0;
    }
}

/* Nests [first, end), inside so many loops of the step. */
static void run_nests(Evaluation *e, int first, int end, int inside, int64_t *round)
{
    for (int i = first, next; i < end; i = next) {
        const Nest *n = e->p->nests.at[i];
        next = i + 1;
        if (nest_step_loops(n) == inside) {
            run_nest(e, n, round);
            continue;
        }
        while (next < end && nests_shared_loops(e->p, i, next) > inside)
            next++;
        for (round[inside] = 0; round[inside] < n->loops[inside]->extent; round[inside]++)
            run_nests(e, i, next, inside + 1, round);
    }
}

void evaluation_run(Evaluation *e, int phases, const uint32_t draw[4])
{
    e->draw = draw;
    for (int i = 0; i < phases; i++) {
        const Phase *phase = &e->p->phases.at[i];
        int64_t tiles = phase->once ? 1 : e->tiles, round[MAX_LOOPS];
        for (e->tile = 0; e->tile < tiles; e->tile++)
            run_nests(e, phase->first, phase->end, 0, round);
        e->tile = 0;
        add_partials(e, phase);
    }
}
