/* verify.c: proves what the IR promises, or says what is wrong.
 *
 * Indices are affine and loops run over constant ranges, so the interval of an index is exact: it is the sum of the
 * intervals of its terms. Trimmed loops have bounds that are affine in places outside them; with those in their place it is one again. */
#include "loops/loops.h"

typedef struct Verify {
    Unit *u;
    const Program *p;
    const Nest *n;
    const char *wrong;
} Verify;

static bool loop_is_of(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] == l)
            return true;
    return false;
}

static void check_access(Verify *v, const Tensor *t, const Affine *index)
{
    for (int i = 0; i < t->rank && !v->wrong; i++) {
        int64_t low, high;
        for (int j = 0; j < index[i].count; j++) {
            const Loop *l = index[i].term[j].loop;
            if (!loop_is_of(v->n, l))
                v->wrong = arena_print(v->u->arena, "%s indexes %s with %s, which is no loop of it", v->n->name, t->name, l->name);
        }
        affine_reach(&index[i], &low, &high);
        if (low < 0 || high >= t->dim[i])
            v->wrong = arena_print(v->u->arena, "%s reaches %s[%lld ... %lld] on axis %d of %lld", v->n->name, t->name,
                                   (long long)low, (long long)high, i, (long long)t->dim[i]);
    }
}

/* A nest that sets each place once, and not again in rounds that overlap, may read it just before; so may the finish of a total, which is made once. */
static bool reads_own_place(const Nest *n, const Expr *load)
{
    for (int i = 0; i < load->tensor->rank; i++)
        if (load->tensor != n->dst || !affine_equal(&load->index[i], &n->index[i]))
            return false;
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->overlaps || (!nest_places_loop(n, n->loops[i]) && (i < n->hold || !n->finish)))
            return false;
    return load->tensor == n->dst && nest_is_gather(n) && (n->finish || n->put == PUT_SET);
}

/* It adds to what is there. */
static bool only_adds(const Nest *n)
{
    return n->put == PUT_ADD && !n->start && !n->fill;
}

/* True if the parts that are made of t before the nest at work are all of it. What is added to them, in parts or not, is none. */
static bool parts_are_all(const Verify *v, const Tensor *t)
{
    int64_t places = 0;
    bool some = false;

    for (int i = 0; i < v->p->nests.count && v->p->nests.at[i] != v->n; i++) {
        const Nest *n = v->p->nests.at[i];
        if (tensor_base(n->dst) != t || (some && only_adds(n)))
            continue;
        if (!n->part)                       /* it is made whole, and parts are not made again */
            return !some;
        some = true;
        places += nest_places(n);
    }
    return !some || places == tensor_places(t);
}

static void check_load(void *context, const Expr *load)
{
    Verify *v = context;
    const Tensor *base = tensor_base(load->tensor);

    check_access(v, load->tensor, load->index);
    if (v->wrong)
        return;
    if (base == tensor_base(v->n->dst) && !reads_own_place(v->n, load))
        v->wrong = arena_print(v->u->arena, "%s reads %s, which it writes", v->n->name, load->tensor->name);
    else if ((base->role == ROLE_SCRATCH || base->role == ROLE_SHARED) && !base->mark)
        v->wrong = arena_print(v->u->arena, "%s reads %s before anything is written to it", v->n->name, load->tensor->name);
    else if (!parts_are_all(v, base))
        v->wrong = arena_print(v->u->arena, "%s reads %s, of which parts are missing", v->n->name, load->tensor->name);
}

static bool has_total(const Expr *e)
{
    return e && (e->op == OP_TOTAL || has_total(e->a) || has_total(e->b) || has_total(e->c) || has_total(e->d));
}

static bool bounds_use_places(const Nest *n, const Affine *bound, int number)
{
    for (int i = 0; i < bound->count; i++) {
        int outer = 0;
        while (outer < number && n->loops[outer] != bound->term[i].loop)
            outer++;
        if (outer == number || outer >= n->hold || !nest_places_loop(n, bound->term[i].loop))
            return false;
    }
    return true;
}

/* Bounds can only be trimmed where a sum is made, and by what is known there. */
static void check_trimmed(Verify *v, const Nest *n)
{
    for (int i = 0; i < n->loop_count && !v->wrong; i++) {
        const Loop *l = n->loops[i];
        if (l->trimmed && (nest_places_loop(n, l) || !nest_is_gather(n) || !bounds_use_places(n, &l->from, i) || !bounds_use_places(n, &l->to, i)))
            v->wrong = arena_print(v->u->arena, "%s trims %s by what is not given there", n->name, l->name);
    }
}

static void check_nest(Verify *v, const Nest *n)
{
    v->n = n;
    check_trimmed(v, n);
    check_access(v, n->dst, n->index);
    if (!v->wrong)
        nest_loads(n, check_load, v);
    if (v->wrong)
        return;
    if (!nest_is_gather(n) && (n->start || n->finish))
        v->wrong = arena_print(v->u->arena, "%s scatters but has a start or a finish", n->name);
    if (has_total(n->value) || has_total(n->start))
        v->wrong = arena_print(v->u->arena, "%s uses the total outside its finish", n->name);
    for (int i = 0; n->put == PUT_SET && i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            v->wrong = arena_print(v->u->arena, "%s sets a place more than once", n->name);
    for (int i = 0; (n->start || n->finish) && i < n->hold; i++)
        if (nest_comes_again(n, n->loops[i]))
            v->wrong = arena_print(v->u->arena, "%s begins its totals again for every %s", n->name, n->loops[i]->name);
}

/* What has room for one band alone lives in nests that stand side by side in one loop over bands. */
static void check_band(Verify *v, const Tensor *t)
{
    const Program *p = v->p;
    int first = 0, last = p->nests.count - 1;

    while (first < last && !nest_touches(p->nests.at[first], t))
        first++;
    while (last > first && !nest_touches(p->nests.at[last], t))
        last--;
    for (int i = first; i < last && !v->wrong; i++) {
        int shared = nests_shared_loops(p, i, i + 1);
        if (shared == 0 || p->nests.at[i]->loops[shared - 1]->kind != LOOP_BAND)
            v->wrong = arena_print(v->u->arena, "%s outlives a band between %s and %s", t->name, p->nests.at[i]->name, p->nests.at[i + 1]->name);
    }
}

typedef struct Moved { const Tensor *weights; const Loop *band; bool good; } Moved;

/* Of weights that move a band of rows at a time, those of the band at hand: their rows have the band as their largest term. */
static void see_moved(void *context, const Expr *load)
{
    Moved *m = context;
    const Affine *row = &load->index[0];
    int64_t below = row->offset, step = 0;

    if (tensor_base(load->tensor) != m->weights)
        return;
    for (int i = 0; i < row->count; i++)
        if (row->term[i].loop == m->band)
            step = row->term[i].factor;
        else
            below += row->term[i].factor * (row->term[i].loop->extent - 1);
    m->good = m->good && load->tensor == m->weights && m->band && row->offset >= 0 && below < step && step * m->band->extent == m->weights->dim[0];
}

/* Weights move when nest number `maker` has run: in a step of training nothing reads them any more, nor changes their gradient. What runs in the same
 * bands before it reads the rows of its own band alone. */
static void check_update(Verify *v, int maker)
{
    const Program *p = v->p;
    const Nest *n = p->nests.at[maker];
    Moved m = { tensor_base(n->dst)->primal, nest_band(n), true };

    for (int i = maker + 1; i < p->nests.count && !v->wrong; i++)
        if (!p->nests.at[i]->for_input && (nest_touches(p->nests.at[i], m.weights) || nest_touches(p->nests.at[i], n->dst)))
            v->wrong = arena_print(v->u->arena, "%s has to do with %s, which have moved behind %s", p->nests.at[i]->name, m.weights->name, n->name);
    for (int i = 0; i < maker; i++)
        if (m.band && nest_band(p->nests.at[i]) == m.band)
            nest_loads(p->nests.at[i], see_moved, &m);
    if (!m.good && !v->wrong)
        v->wrong = arena_print(v->u->arena, "%s is read by other bands than the one whose weights move behind %s", m.weights->name, n->name);
}

/* A partial sum is complete in the shared block when its phase has ended. */
static void end_phase(const Program *p, int nest)
{
    for (int i = 0; i < p->phases.count; i++)
        if (p->phases.at[i].end == nest + 1)
            for (int j = 0; j < p->phases.at[i].sums.count; j++)
                p->phases.at[i].sums.at[j].total->mark = 1;
}

const char *program_verify(Unit *u, const Program *p)
{
    Verify v = { .u = u, .p = p };

    for (int i = 0; i < p->tensors.count; i++)
        p->tensors.at[i]->mark = 0;
    for (int i = 0; i < p->nests.count && !v.wrong; i++) {
        check_nest(&v, p->nests.at[i]);
        if (p->nests.at[i]->updates)
            check_update(&v, i);
        tensor_base(p->nests.at[i]->dst)->mark = 1;
        end_phase(p, i);
    }
    for (int i = 0; i < p->tensors.count && !v.wrong; i++)
        if (p->tensors.at[i]->one_band)
            check_band(&v, p->tensors.at[i]);
    return v.wrong;
}
