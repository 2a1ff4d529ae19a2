/* evaluate.c: runs nests directly (evaluate.h). Written to be obviously right: one odometer over the loops, one offset for
 * every access, one recursive function for the value. That function makes the values of up to RUN rounds of one loop at a time,
 * so that most of the time goes into numbers and not into finding out what to do; no number depends on it. */
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
    struct Ready *ready;        /* by number of the nest; made when it runs for the first time */
};

enum { RUN = 256 };             /* rounds at a time */

/* Some loops of a nest, the outermost first. */
typedef struct Among {
    int count, loop[MAX_LOOPS];
} Among;

/* An affine function of the odometer's digits, of those alone that it depends on. */
typedef struct Line {
    int64_t base;
    int64_t step;               /* the factor of the loop to run along: by how much the line moves from one round to the next */
    int count;
    struct { int loop; int64_t factor; } term[MAX_LOOPS];
} Line;

/* An expression with its accesses resolved. */
typedef struct Node {
    Op op;
    double number;
    const Tensor *tensor;
    const double *from;         /* its elements, for the tile at work */
    Line line[2];               /* the element; for OP_RANDOM the image and the element */
    struct Node *a, *b, *c, *d;
    double *values;             /* [RUN] */
} Node;

/* A nest whose accesses are resolved. */
typedef struct Ready {
    bool done;
    Node *value, *start, *finish;
    Line line;                  /* the element of dst */
    int along;                  /* the loop of which RUN rounds are handled at a time, or -1 */
    Among places, summed, outside;      /* loops of the odometer, without `along`; outside: those of a scatter */
} Ready;

typedef struct Run {
    Evaluation *e;
    const Nest *n;
    int64_t digit[MAX_LOOPS];
    int along;                  /* as in Ready; its digit is the first of the rounds at work */
    int64_t count;              /* of them; 1 without such a loop */
    double total[RUN];
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
    e->ready = arena_array(u->arena, (size_t)p->nests.count + 1, sizeof *e->ready);
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

static void add_affine(Line *line, const Nest *n, int along, const Affine *a, int64_t stride)
{
    line->base += a->offset * stride;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < n->loop_count; j++)
            if (n->loops[j] == a->term[i].loop) {
                int k = 0;
                while (k < line->count && line->term[k].loop != j)
                    k++;
                line->count += k == line->count;
                line->term[k].loop = j;
                line->term[k].factor += a->term[i].factor * stride;
                line->step += j == along ? a->term[i].factor * stride : 0;
            }
}

static Line element_line(const Nest *n, int along, const Tensor *t, const Affine *index)
{
    Line line = { 0 };
    int64_t stride = 1;

    for (int i = t->rank - 1; i >= 0; i--) {
        add_affine(&line, n, along, &index[i], stride);
        stride *= t->dim[i];
    }
    return line;
}

static Node *resolve(Evaluation *e, const Nest *n, int along, const Expr *x)
{
    if (!x)
        return NULL;
    Node *node = ARENA_NEW(e->u->arena, Node);
    *node = (Node){ .op = x->op, .number = x->number };
    if (x->op == OP_LOAD) {
        node->tensor = x->tensor;
        node->line[0] = element_line(n, along, x->tensor, x->index);
    } else if (x->op == OP_INDEX || x->op == OP_RANDOM) {
        add_affine(&node->line[0], n, along, &x->index[0], 1);
        add_affine(&node->line[1], n, along, &x->index[1], 1);
    }
    node->a = resolve(e, n, along, x->a);
    node->b = resolve(e, n, along, x->b);
    node->c = resolve(e, n, along, x->c);
    node->d = resolve(e, n, along, x->d);
    node->values = arena_array(e->u->arena, RUN, sizeof *node->values);
    return node;
}

/* Finds the elements of all tensors for the tile at work. */
static void find_elements(Evaluation *e, Node *x)
{
    if (!x)
        return;
    if (x->tensor)
        x->from = place(e, x->tensor);
    find_elements(e, x->a);
    find_elements(e, x->b);
    find_elements(e, x->c);
    find_elements(e, x->d);
}

/* True if the bounds of another loop depend on this one. */
static bool bounds_use(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->trimmed && (indices_use(&n->loops[i]->from, 1, l) || indices_use(&n->loops[i]->to, 1, l)))
            return true;
    return false;
}

/* The places of a gather do not know of each other: those along the longest loop are made side by side. A scatter keeps its order. */
static int loop_to_run_along(const Nest *n)
{
    int longest = -1;

    if (!nest_is_gather(n))
        return n->loop_count > nest_step_loops(n) ? n->loop_count - 1 : -1;
    for (int i = nest_step_loops(n); i < n->loop_count; i++) {
        const Loop *l = n->loops[i];
        if (nest_places_loop(n, l) && !l->trimmed && !l->overlaps && !bounds_use(n, l) && (longest < 0 || l->extent > n->loops[longest]->extent))
            longest = i;
    }
    return longest;
}

static Ready *ready_nest(Evaluation *e, int number)
{
    const Nest *n = e->p->nests.at[number];
    Ready *ready = &e->ready[number];

    if (!ready->done) {
        int along = loop_to_run_along(n);
        *ready = (Ready){ .done = true, .along = along, .value = resolve(e, n, along, n->value), .start = resolve(e, n, along, n->start),
                          .finish = resolve(e, n, along, n->finish), .line = element_line(n, along, n->dst, n->index) };
        for (int i = nest_step_loops(n); i < n->loop_count; i++)
            if (i != ready->along) {
                Among *to = nest_places_loop(n, n->loops[i]) ? &ready->places : &ready->summed;
                to->loop[to->count++] = i;
                ready->outside.loop[ready->outside.count++] = i;
            }
    }
    find_elements(e, ready->value);
    find_elements(e, ready->start);
    find_elements(e, ready->finish);
    return ready;
}

/* ---- running */

static int64_t line_at(const Run *r, const Line *line)
{
    int64_t at = line->base;
    for (int i = 0; i < line->count; i++)
        at += line->term[i].factor * r->digit[line->term[i].loop];
    return at;
}

static double random_at(const Run *r, const Node *x, int64_t round)
{
    int64_t image = line_at(r, &x->line[0]) + round * x->line[0].step, element = line_at(r, &x->line[1]) + round * x->line[1].step;
    return uniform_number(r->e->draw, (uint32_t)x->number, (uint32_t)(r->e->tile * r->e->p->tile + image), (uint32_t)element);
}

/* The elements of the rounds at work: where they lie side by side, themselves. */
static const double *load(const Run *r, const Node *x)
{
    const double *from = x->from + line_at(r, &x->line[0]);
    int64_t count = r->count, step = x->line[0].step;
    double *v = x->values;

    if (step == 1 || count == 1)
        return from;
    for (int64_t i = 0; i < count; i++)
        v[i] = from[i * step];
    return v;
}

/* The values of the rounds at work. */
static const double *values_of(const Run *r, const Node *x)
{
    if (x->op == OP_LOAD)
        return load(r, x);
    const double *a = x->a ? values_of(r, x->a) : NULL, *b = x->b ? values_of(r, x->b) : NULL;
    const double *c = x->c ? values_of(r, x->c) : NULL, *d = x->d ? values_of(r, x->d) : NULL;
    double *restrict v = x->values;
    int64_t count = r->count;

#define FOR_ALL(EXPRESSION) for (int64_t i = 0; i < count; i++) v[i] = (EXPRESSION); return v
    switch (x->op) {
    case OP_LOAD:      break;
    case OP_CONSTANT:  FOR_ALL(x->number);
    case OP_INDEX:     FOR_ALL((double)(line_at(r, &x->line[0]) + i * x->line[0].step));
    case OP_TOTAL:     return r->total;
    case OP_RANDOM:    FOR_ALL(random_at(r, x, i));
    case OP_NEG:       FOR_ALL(-a[i]);
    case OP_ABS:       FOR_ALL(fabs(a[i]));
    case OP_EXP:       FOR_ALL(exp(a[i]));
    case OP_LOG:       FOR_ALL(log(a[i]));
    case OP_LOG1P:     FOR_ALL(log1p(a[i]));
    case OP_SQRT:      FOR_ALL(sqrt(a[i]));
    case OP_TANH:      FOR_ALL(tanh(a[i]));
    case OP_ERF:       FOR_ALL(erf(a[i]));
    case OP_ADD:       FOR_ALL(a[i] + b[i]);
    case OP_SUB:       FOR_ALL(a[i] - b[i]);
    case OP_MUL:       FOR_ALL(a[i] * b[i]);
    case OP_DIV:       FOR_ALL(a[i] / b[i]);
    case OP_MAX:       FOR_ALL(a[i] > b[i] ? a[i] : b[i]);
    case OP_MIN:       FOR_ALL(a[i] < b[i] ? a[i] : b[i]);
    case OP_SELECT_GT: FOR_ALL(a[i] > b[i] ? c[i] : d[i]);
    case OP_SELECT_EQ: FOR_ALL(a[i] == b[i] ? c[i] : d[i]);
    }
#undef FOR_ALL
    return NULL;
}

/* Puts the values of the rounds at work, one after the other, `step` numbers apart (0: all into one). */
static void put_values(const Run *r, double *to, int64_t step, Put put, const double *value)
{
    int64_t count = r->count;

#define FOR_ALL(STATEMENT) for (int64_t i = 0; i < count; i++, to += step) STATEMENT; break
    switch (put) {
    case PUT_SET: FOR_ALL(*to = value[i]);
    case PUT_ADD: FOR_ALL(*to += value[i]);
    case PUT_MAX: FOR_ALL(*to = value[i] > *to ? value[i] : *to);
    case PUT_MIN: FOR_ALL(*to = value[i] < *to ? value[i] : *to);
    }
#undef FOR_ALL
}

static int64_t affine_at(const Run *r, const Affine *a)
{
    int64_t at = a->offset;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < r->n->loop_count; j++)
            if (r->n->loops[j] == a->term[i].loop)
                at += a->term[i].factor * r->digit[j];
    return at;
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

/* Sets the digits of some loops to their first rounds. */
static void begin(Run *r, const Among *among)
{
    for (int i = 0; i < among->count; i++)
        r->digit[among->loop[i]] = first_of(r, r->n->loops[among->loop[i]]);
}

/* Advances the digits of some loops, the last fastest. False when all have run through. */
static bool advance(Run *r, const Among *among)
{
    for (int i = among->count - 1; i >= 0; i--) {
        int at = among->loop[i];
        if (++r->digit[at] < end_of(r, r->n->loops[at]))
            return true;
        r->digit[at] = first_of(r, r->n->loops[at]);
    }
    return false;
}

/* Takes the first rounds of the loop to run along, then the next ones. False when there are none left. */
static bool begin_rounds(Run *r, int64_t from)
{
    int64_t end = r->along < 0 ? 1 : end_of(r, r->n->loops[r->along]);

    if (r->along >= 0)
        r->digit[r->along] = from;
    r->count = end - from < RUN ? end - from : RUN;
    return r->count > 0;
}

static bool first_rounds(Run *r) { return begin_rounds(r, r->along < 0 ? 0 : first_of(r, r->n->loops[r->along])); }
static bool next_rounds(Run *r) { return r->along >= 0 && begin_rounds(r, r->digit[r->along] + r->count); }

/* Runs a nest; `round` has the values of the loops that the step runs around it. */
static void run_nest(Evaluation *e, int number, const int64_t *round)
{
    const Nest *n = e->p->nests.at[number];
    const Ready *ready = ready_nest(e, number);
    Run r = { .e = e, .n = n, .along = ready->along };
    double *dst = place(e, n->dst);
    int64_t step = ready->line.step;

    for (int i = 0; i < nest_step_loops(n); i++)
        r.digit[i] = round[i];
    if (n->fill) {
        int64_t count = tensor_count(n->dst) / (nest_fills_image(n) ? n->dst->dim[0] : 1);
        double *from = dst + (nest_fills_image(n) ? round[0] * count : 0);
        for (int64_t i = 0; i < count; i++)
            from[i] = n->fill->number;
    }
    if (!nest_is_gather(n)) {
        begin(&r, &ready->outside);
        do
            for (bool more = first_rounds(&r); more; more = next_rounds(&r))
                put_values(&r, &dst[line_at(&r, &ready->line)], step, n->put, values_of(&r, ready->value));
        while (advance(&r, &ready->outside));
        return;
    }
    begin(&r, &ready->places);
    do
        for (bool more = first_rounds(&r); more; more = next_rounds(&r)) {
            double *to = &dst[line_at(&r, &ready->line)];
            begin(&r, &ready->summed);
            const double *start = ready->start ? values_of(&r, ready->start) : NULL;
            for (int64_t i = 0; i < r.count; i++)
                r.total[i] = start ? start[i] : n->put == PUT_SET ? 0 : to[i * step];
            do
                put_values(&r, r.total, 1, n->put, values_of(&r, ready->value));
            while (advance(&r, &ready->summed));
            put_values(&r, to, step, PUT_SET, ready->finish ? values_of(&r, ready->finish) : r.total);
        }
    while (advance(&r, &ready->places));
}

static void add_partials(Evaluation *e, const Phase *phase)
{
    for (int i = 0; i < phase->sums.count; i++) {
        const PhaseSum *s = &phase->sums.at[i];
        int64_t count = tensor_stated(s->total);
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
            run_nest(e, i, round);
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
