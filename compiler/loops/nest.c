/* nest.c: questions about tensors, nests and their indices. Nothing here changes anything. */
#include "loops/loops.h"

#include <string.h>

int64_t tensor_count(const Tensor *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++)
        count *= t->dim[i];
    return count;
}

int64_t tensor_stated(const Tensor *t)
{
    return t->channels ? tensor_count(t) / t->dim[t->rank - 1] * t->channels : tensor_count(t);
}

int64_t tensor_places(const Tensor *t)
{
    return t->rank == 0 ? 1 : tensor_count(t) / t->dim[t->rank - 1] * (t->dim[t->rank - 1] - t->spare);
}

int tensor_last_axis(const Tensor *t)
{
    int axis = t->rank - 1;

    while (axis > 0 && t->dim[axis] == 1)
        axis--;
    return axis;
}

const char *tensor_name(Unit *u, const Program *p, const char *wanted)
{
    const char *name = wanted;

    for (int again = 2, i = 0; i < p->tensors.count; i++)
        if (strcmp(p->tensors.at[i]->name, name) == 0) {
            name = arena_print(u->arena, "%s%d", wanted, again++);
            i = -1;
        }
    return name;
}

const char *nest_name(Unit *u, const Program *p, const char *wanted)
{
    const char *name = wanted;

    for (int again = 2, i = 0; i < p->nests.count; i++)
        if (strcmp(p->nests.at[i]->name, name) == 0) {
            name = arena_print(u->arena, "%s%d", wanted, again++);
            i = -1;
        }
    return name;
}

Tensor *tensor_base(Tensor *t)
{
    while (t->view_of)
        t = t->view_of;
    return t;
}

bool affine_equal(const Affine *a, const Affine *b)
{
    if (a->offset != b->offset || a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop != b->term[i].loop || a->term[i].factor != b->term[i].factor)
            return false;
    return true;
}

static void add_term(Affine *a, Loop *l, int64_t factor)
{
    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop == l) {
            a->term[i].factor += factor;
            return;
        }
    if (a->count < MAX_TERMS) {
        a->term[a->count].loop = l;
        a->term[a->count++].factor = factor;
    } else {                                            /* as far as it may go */
        a->count = MAX_TERMS + 1;
    }
}

static void plain_reach(const Affine *a, int64_t *low, int64_t *high)
{
    *low = *high = a->offset;
    for (int i = 0; i < a->count; i++) {
        int64_t far = a->term[i].factor * (a->term[i].loop->extent - 1);
        *low += far < 0 ? far : 0;
        *high += far > 0 ? far : 0;
    }
}

/* The index with a bound in place of a trimmed loop; false if that has too many terms. */
static bool with_bound(const Affine *a, int term, const Affine *bound, int64_t by, Affine *out)
{
    int64_t factor = a->term[term].factor;

    *out = (Affine){ .offset = a->offset + factor * (bound->offset + by) };
    for (int i = 0; i < a->count && out->count <= MAX_TERMS; i++)
        if (i != term)
            add_term(out, a->term[i].loop, a->term[i].factor);
    for (int i = 0; i < bound->count && out->count <= MAX_TERMS; i++)
        add_term(out, bound->term[i].loop, factor * bound->term[i].factor);
    return out->count <= MAX_TERMS;
}

void affine_reach(const Affine *a, int64_t *low, int64_t *high)
{
    plain_reach(a, low, high);
    for (int i = 0; i < a->count; i++) {
        const Loop *l = a->term[i].loop;
        bool up = a->term[i].factor > 0;
        Affine first, last;
        int64_t least, most, unused;
        if (!l->trimmed)
            continue;
        if (with_bound(a, i, up ? &l->from : &l->to, up ? 0 : -1, &first)) {
            plain_reach(&first, &least, &unused);
            *low = least > *low ? least : *low;
        }
        if (with_bound(a, i, up ? &l->to : &l->from, up ? -1 : 0, &last)) {
            plain_reach(&last, &unused, &most);
            *high = most < *high ? most : *high;
        }
    }
}

static bool affine_uses(const Affine *a, const Loop *l)
{
    for (int i = 0; i < a->count; i++)
        if (a->term[i].loop == l)
            return true;
    return false;
}

bool indices_use(const Affine *index, int count, const Loop *l)
{
    for (int i = 0; i < count; i++)
        if (affine_uses(&index[i], l))
            return true;
    return false;
}

int nest_step_loops(const Nest *n)
{
    int count = 0;
    while (count < n->loop_count && (n->loops[count]->kind == LOOP_IMAGE || n->loops[count]->kind == LOOP_BAND))
        count++;
    return count;
}

int nests_shared_loops(const Program *p, int a, int b)
{
    const Nest *n = p->nests.at[a], *m = p->nests.at[b];
    int count = 0;
    while (count < nest_step_loops(n) && count < nest_step_loops(m) && n->loops[count] == m->loops[count])
        count++;
    return count;
}

bool expr_uses(const Expr *e, const Loop *l)
{
    int count = !e ? 0 : e->op == OP_LOAD ? e->tensor->rank : e->op == OP_INDEX ? 1 : e->op == OP_RANDOM ? 2 : 0;

    return e && (indices_use(e->index, count, l) || expr_uses(e->a, l) || expr_uses(e->b, l) || expr_uses(e->c, l) || expr_uses(e->d, l));
}

bool nest_reads_loop(const Nest *n, const Loop *l)
{
    return indices_use(n->index, n->dst->rank, l) || expr_uses(n->value, l) || expr_uses(n->start, l) || expr_uses(n->finish, l);
}

bool nest_fills_image(const Nest *n)
{
    return n->fill && nest_step_loops(n) && n->dst->rank && affine_uses(&n->index[0], n->loops[0]);
}

bool nest_places_loop(const Nest *n, const Loop *l)
{
    if (l->kind == LOOP_IMAGE || l->kind == LOOP_BAND)
        return true;
    return indices_use(n->index, n->dst->rank, l);
}

typedef struct Tap {
    const Loop *loop;
    bool added;                     /* to another loop */
    bool alone;                     /* all that a map is indexed by along an axis */
} Tap;

static void see_access(Tap *tap, const Tensor *t, const Affine *index)
{
    for (int i = 0; i < t->rank; i++)
        if (affine_uses(&index[i], tap->loop)) {
            tap->added = tap->added || index[i].count > 1;
            tap->alone = tap->alone || (index[i].count == 1 && t->per_image);
        }
}

static void see_tap(void *context, const Expr *load)
{
    see_access(context, load->tensor, load->index);
}

bool nest_is_tap(const Nest *n, const Loop *l)
{
    Tap tap = { .loop = l };

    see_access(&tap, n->dst, n->index);
    nest_loads(n, see_tap, &tap);
    return tap.added && !tap.alone;
}

bool nest_comes_again(const Nest *n, const Loop *l)
{
    return !indices_use(n->index, n->dst->rank, l) && !(l->kind == LOOP_IMAGE && n->dst->one_image) && !(l->kind == LOOP_BAND && n->dst->one_band);
}

/* True if term i of an index is a lower digit than term k. */
static bool is_lower(const Affine *a, int i, int k)
{
    int64_t own = a->term[i].factor, other = a->term[k].factor;
    return own != other ? own < other : a->term[k].loop->overlaps && !a->term[i].loop->overlaps;
}

/* What the terms of an index run through, as digits of a mixed radix: no value twice if each factor is at least the number of values
 * below it, and `whole` if they run through 0 ... dim - 1. A loop of a single round is no digit; one whose rounds overlap may be less. */
static bool runs_once(const Affine *a, int64_t dim, bool whole)
{
    int64_t values = 1;
    bool used[MAX_TERMS] = { false };

    for (int i = 0; i < a->count; i++)
        used[i] = a->term[i].loop->extent == 1;
    for (int digit = 0; digit < a->count; digit++) {
        int next = -1;
        for (int i = 0; i < a->count; i++)
            if (!used[i] && (next < 0 || is_lower(a, i, next)))
                next = i;
        if (next < 0)
            break;
        int64_t factor = a->term[next].factor;
        if ((factor < values && !a->term[next].loop->overlaps) || (whole && factor > values))
            return false;
        used[next] = true;
        values += a->term[next].factor * (a->term[next].loop->extent - 1);
    }
    return !whole || (a->offset == 0 && values == dim);
}

static bool places_once(const Nest *n, bool whole)
{
    for (int i = 0; i < n->dst->rank; i++) {
        int64_t places = n->dst->dim[i] - (i == n->dst->rank - 1 ? n->dst->spare : 0);
        if (!runs_once(&n->index[i], places, whole))
            return false;
        for (int j = 0; j < n->index[i].count; j++)
            for (int k = 0; k < i; k++)
                if (affine_uses(&n->index[k], n->index[i].term[j].loop))
                    return false;
    }
    return true;
}

/* How many values an index of a gather has. Rounds that overlap leave nothing out between them. */
static int64_t values_of(const Affine *a)
{
    int64_t values = 1, reach = 1;
    bool overlaps = false;

    for (int i = 0; i < a->count; i++) {
        values *= a->term[i].loop->extent;
        reach += a->term[i].factor * (a->term[i].loop->extent - 1);
        overlaps = overlaps || a->term[i].loop->overlaps;
    }
    return overlaps ? reach : values;
}

int64_t nest_places(const Nest *n)
{
    int64_t places = 1;
    for (int i = 0; i < n->dst->rank; i++)
        places *= values_of(&n->index[i]);
    return places;
}

bool nest_covers(const Nest *n)
{
    return places_once(n, true);
}

bool nest_is_gather(const Nest *n)
{
    return places_once(n, n->fill != NULL);
}

int64_t nest_work(const Nest *n)
{
    int64_t work = 1;
    for (int i = 0; i < n->loop_count; i++)
        if (!checked_mul(work, n->loops[i]->extent, &work))
            return INT64_MAX;
    return work;
}

enum { TRIFLE = 128 };                  /* rounds: some tens of nanoseconds, of which a call takes three */

bool nest_is_trifle(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind != LOOP_PLAIN)    /* its long vectors would slow down what libm does behind it (measured: erf took six times as long) */
            return false;
    return nest_work(n) <= TRIFLE;
}

static void visit_loads(const Expr *e, void (*visit)(void *context, const Expr *load), void *context)
{
    if (!e)
        return;
    if (e->op == OP_LOAD)
        visit(context, e);
    visit_loads(e->a, visit, context);
    visit_loads(e->b, visit, context);
    visit_loads(e->c, visit, context);
    visit_loads(e->d, visit, context);
}

void nest_loads(const Nest *n, void (*visit)(void *context, const Expr *load), void *context)
{
    visit_loads(n->start, visit, context);
    visit_loads(n->value, visit, context);
    visit_loads(n->finish, visit, context);
}

bool expr_reads(const Expr *e, const Tensor *t)
{
    if (!e)
        return false;
    if (e->op == OP_LOAD && tensor_base(e->tensor) == tensor_base((Tensor *)t))
        return true;
    return expr_reads(e->a, t) || expr_reads(e->b, t) || expr_reads(e->c, t) || expr_reads(e->d, t);
}

const char *nest_symbol(Unit *u, const Nest *n, const Tensor *t)
{
    (void)u;
    for (int i = 0; i < n->symbols.count; i++)
        if (n->symbols.at[i].tensor == t)
            return n->symbols.at[i].text;
    return t->symbol;
}

int nest_find_loop(const Nest *n, const Loop *l)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i] == l)
            return i;
    return -1;
}

Loop *nest_band(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind == LOOP_BAND)
            return n->loops[i];
    return NULL;
}

int nests_before_band(Nest *const *list, int count, const Nest *n)
{
    while (count > 0 && nest_band(n) && nest_band(list[count - 1]) == nest_band(n))
        count--;
    return count;
}

int nest_images_loop(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->name[0] == 'n' && n->loops[i]->name[1] == '\0')
            return i;
    return -1;
}

bool nest_sums_over(const Nest *n, int i)
{
    return !nest_places_loop(n, n->loops[i]);
}

Loop *nest_neighbours(const Nest *n)
{
    if (n->dst->rank == 0)
        return NULL;
    const Affine *last = &n->index[tensor_last_axis(n->dst)];
    for (int i = 0; i < last->count; i++)
        if (last->term[i].factor == 1)
            return last->term[i].loop;
    return NULL;
}

Loop *nest_axis_loop(const Nest *n, int axis)
{
    if (axis < 0)
        return NULL;
    const Affine *a = &n->index[axis];
    return a->count == 1 && a->term[0].factor == 1 ? a->term[0].loop : NULL;
}

bool nest_reads(const Nest *n, const Tensor *t)
{
    return expr_reads(n->value, t) || expr_reads(n->start, t) || expr_reads(n->finish, t);
}

bool nest_is_clear(const Nest *n)
{
    return n->put == PUT_SET && n->value->op == OP_CONSTANT && !n->fill && !n->start && !n->finish;
}

bool nest_touches(const Nest *n, const Tensor *t)
{
    return tensor_base(n->dst) == tensor_base((Tensor *)t) || nest_reads(n, t);
}

bool nests_depend(const Nest *a, const Nest *b)
{
    return nest_touches(a, b->dst) || nest_touches(b, a->dst);
}

int program_maker(const Program *p, const Tensor *t)
{
    int found = -1;

    for (int i = 0; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == tensor_base((Tensor *)t)) {
            if (found >= 0)
                return -1;
            found = i;
        }
    return found;
}

/* How far an axis of t is reached. */
typedef struct Reach {
    const Tensor *t;
    int axis;
    int64_t *low, *high;
} Reach;

static void reach_index(const Reach *r, const Tensor *t, const Affine *index)
{
    int64_t low, high;

    if (t != r->t)
        return;
    affine_reach(&index[r->axis], &low, &high);
    *r->low = low < *r->low ? low : *r->low;
    *r->high = high > *r->high ? high : *r->high;
}

static void see_reach(void *context, const Expr *load)
{
    reach_index(context, load->tensor, load->index);
}

void program_reads(const Program *p, const Tensor *t, int axis, int64_t *low, int64_t *high)
{
    Reach r = { t, axis, low, high };

    *low = INT64_MAX;
    *high = INT64_MIN;
    for (int i = 0; i < p->nests.count; i++)
        nest_loads(p->nests.at[i], see_reach, &r);
}

void program_writes(const Program *p, const Tensor *t, int axis, int64_t *low, int64_t *high)
{
    Reach r = { t, axis, low, high };

    *low = INT64_MAX;
    *high = INT64_MIN;
    for (int i = 0; i < p->nests.count; i++)
        reach_index(&r, p->nests.at[i]->dst, p->nests.at[i]->index);
}

bool program_has_views(const Program *p, const Tensor *t)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (p->tensors.at[i]->view_of == t)
            return true;
    return false;
}
