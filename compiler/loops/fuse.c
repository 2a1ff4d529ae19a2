/* fuse.c: what is done to every element of a result is done before it is stored.
 *
 *     t[i] = sum;  y[i] = f(t[i])              becomes    y[i] = f(sum)
 *
 * where nothing else reads t: a convolution with its relu, a gradient with the slope of the relu before it, the sum of two branches. f may read
 * other things at the same place, if they are there by then; it is made of operations that every vector has and that cost little, for they stand
 * in the store of a register tile, once for each of its totals.
 *
 *     t[i] = max(x...);  y[i] = max(t[i], 0)   becomes    y[i] = max(0, x...)
 *
 * even where the backward pass looks for the first cell that holds the largest value: where that is positive it holds y as well, and where it
 * is not, relu lets no gradient pass, whichever cell is found.
 *
 *     t[i] = g(x[i]);  y[i] = f(t[i])          becomes    y[i] = f(g(x[i]))
 *
 * whatever f and g are, if f takes t once: what is computed for an element of a map is not stored only to be fetched again. */
#include "loops/layout.h"
#include "loops/lower.h"

static bool is_scratch(const Program *p, const Tensor *t)
{
    return t->role == ROLE_SCRATCH && !t->view_of && !t->kept && !program_has_views(p, t);
}

/* True if all of it is there when nest number `where` runs. */
static bool is_there(const Program *p, const Tensor *t, int where)
{
    for (int i = where; i < p->nests.count; i++)
        if (tensor_base(p->nests.at[i]->dst) == tensor_base((Tensor *)t))
            return false;
    return true;
}

/* ---- the function of an element */

typedef struct Element {
    const Program *p;
    const Nest *nest;
    int maker;                      /* the number of the nest whose total it may take */
    const Tensor *taken;            /* which that nest makes */
    bool good;
} Element;

/* True if the load takes the place of dst from a tensor of the same shape. */
static bool is_same_place(const Nest *n, const Expr *load)
{
    if (load->tensor->rank != n->dst->rank)
        return false;
    for (int i = 0; i < n->dst->rank; i++)
        if (load->tensor->dim[i] != n->dst->dim[i] || !affine_equal(&load->index[i], &n->index[i]))
            return false;
    return true;
}

static bool is_cheap(const Expr *e)
{
    static const Op cheap[] = { OP_CONSTANT, OP_LOAD, OP_NEG, OP_ABS, OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN, OP_SELECT_GT, OP_SELECT_EQ };
    bool found = false;

    if (!e)
        return true;
    for (int i = 0; i < countof(cheap) && !found; i++)
        found = e->op == cheap[i];
    return found && is_cheap(e->a) && is_cheap(e->b) && is_cheap(e->c) && is_cheap(e->d);
}

/* y[a][b]... = f, each axis under a loop of its own. */
static bool is_by_element(const Program *p, const Nest *n)
{
    if (n->put != PUT_SET || n->fill || n->start || n->finish || n->dst->view_of || !nest_covers(n) || n->loop_count != n->dst->rank)
        return false;
    for (int i = 0; i < n->dst->rank; i++)
        if (n->index[i].count != 1 || n->index[i].term[0].factor != 1 || n->index[i].offset != 0)
            return false;
    return program_maker(p, n->dst) >= 0;
}

static bool is_for_a_store(const Program *p, const Nest *n)
{
    return is_by_element(p, n) && n->dst->role == ROLE_SCRATCH && is_cheap(n->value);
}

/* The total must be loaded from the place at work; the rest must be there when it is made. */
static void see_load(void *context, const Expr *load)
{
    Element *e = context;
    const Tensor *t = load->tensor;

    if (t == e->taken)
        e->good = e->good && is_same_place(e->nest, load);
    else
        e->good = e->good && is_there(e->p, t, e->maker);
}

/* ---- the rewrite */

typedef struct Replace {
    const Nest *by;                 /* by element */
    const Nest *maker;
    const Tensor *taken;
} Replace;

/* Where the loop over an axis of the element stood stands the maker's index. */
static Affine moved(const Replace *r, const Affine *a)
{
    Affine sum = { .offset = a->offset };

    for (int i = 0; i < a->count; i++)
        for (int axis = 0; axis < r->by->dst->rank; axis++)
            if (a->term[i].loop == r->by->index[axis].term[0].loop) {
                const Affine *place = &r->maker->index[axis];
                sum.offset += a->term[i].factor * place->offset;
                for (int k = 0; k < place->count; k++) {
                    sum.term[sum.count].loop = place->term[k].loop;
                    sum.term[sum.count++].factor = a->term[i].factor * place->term[k].factor;
                }
            }
    return sum;
}

static Expr *replace(void *context, Expr *e)
{
    const Replace *r = context;

    if (e->op == OP_LOAD && e->tensor == r->taken) {
        *e = (Expr){ .op = OP_TOTAL };
    } else if (e->op == OP_LOAD) {
        for (int i = 0; i < e->tensor->rank; i++)
            e->index[i] = moved(r, &e->index[i]);
    }
    return e;
}

static Expr *show_instead(void *context, Expr *e)
{
    const Replace *r = context;

    if (e->op == OP_LOAD && e->tensor == r->taken)
        e->tensor = r->by->dst;
    return e;
}

static bool has_simple_places(const Nest *n)
{
    for (int i = 0; i < n->dst->rank; i++)
        if (n->index[i].count > 1)
            return false;
    return true;
}

static void copy_symbols(Unit *u, Nest *to, const Nest *from, const Tensor *but)
{
    for (int i = 0; i < from->symbols.count; i++)
        if (from->symbols.at[i].tensor != but)
            LIST_ADD(u->arena, &to->symbols, from->symbols.at[i]);
}

/* max(t, 0) behind the largest of a window. */
static bool is_relu_of_largest(const Nest *element, const Nest *maker)
{
    const Expr *e = element->value;

    return maker->put == PUT_MAX && maker->start && maker->start->op == OP_CONSTANT && maker->start->number <= 0 && element->site && maker->site
        && element->site->kind->rises && maker->site->kind->picks_largest && e->op == OP_MAX && e->a->op == OP_LOAD && e->a->tensor == maker->dst && e->b->op == OP_CONSTANT
        && e->b->number == 0;
}

/* True if all that reads the total beside the element belongs to the maker's layer, and is its search for the cell. */
static bool is_else_read_by(const Program *p, const Tensor *t, int element, const Nest *maker, bool *any)
{
    *any = false;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (i == element || !nest_reads(n, t))
            continue;
        if (n->site != maker->site || n->put != PUT_MIN || n->value->op != OP_SELECT_EQ || n->value->b->op != OP_LOAD || n->value->b->tensor != t)
            return false;
        *any = true;
    }
    return true;
}

/* ---- a function of a function */

enum { LONGEST = 64 };              /* operations: a reader shall still see through it, and so shall whoever walks down its levels */

static int length(const Expr *e)
{
    return e ? 1 + length(e->a) + length(e->b) + length(e->c) + length(e->d) : 0;
}

/* True if the function keeps no other from being computed in vectors (lanes.c). */
static bool is_for_vectors(const Expr *e)
{
    return !e || (e->op != OP_LOG && e->op != OP_RANDOM && is_for_vectors(e->a) && is_for_vectors(e->b) && is_for_vectors(e->c) && is_for_vectors(e->d));
}

typedef struct Loads {
    const Tensor *of;
    int count;
} Loads;

static void count_load(void *context, const Expr *load)
{
    Loads *l = context;
    l->count += load->tensor == l->of;
}

/* True if all that a nest loads is the same from nest number `where` on to `end`. */
typedef struct Lasting {
    const Program *p;
    int where, end;
    bool good;
} Lasting;

static void see_lasting(void *context, const Expr *load)
{
    Lasting *l = context;
    for (int i = l->where; i < l->end; i++)
        l->good = l->good && tensor_base(l->p->nests.at[i]->dst) != tensor_base(load->tensor);
}

/* The value of r->by stands for the element that r->maker loads. */
static Expr *move_load(void *context, Expr *e)
{
    const Replace *r = context;

    if (e->op == OP_LOAD || e->op == OP_INDEX)
        for (int i = 0; i < (e->op == OP_LOAD ? e->tensor->rank : 1); i++)
            e->index[i] = moved(r, &e->index[i]);
    return e;
}

typedef struct Insert {
    const Tensor *taken;
    const Expr *value;
} Insert;

static Expr *insert(void *context, Expr *e)
{
    const Insert *in = context;

    if (e->op == OP_LOAD && e->tensor == in->taken)
        *e = *in->value;
    return e;
}

/* Nest number `where` computes what it takes from t itself. */
static bool take_in(Unit *u, Program *p, int where, const Tensor *t)
{
    Nest *element = p->nests.at[where];
    int number = program_maker(p, t);
    bool others;

    if (!is_scratch(p, t) || number < 0 || number >= where || !is_by_element(p, p->nests.at[number]))
        return false;
    Nest *maker = p->nests.at[number];
    Element e = { .p = p, .nest = element, .maker = where, .taken = t, .good = true };
    Loads loads = { .of = t };
    Lasting lasting = { p, number + 1, where, true };
    nest_loads(element, see_load, &e);
    nest_loads(element, count_load, &loads);
    nest_loads(maker, see_lasting, &lasting);
    if (!e.good || loads.count != 1 || !lasting.good || !is_for_vectors(element->value) || !is_for_vectors(maker->value)
        || length(element->value) + length(maker->value) > LONGEST || maker->for_input != element->for_input || maker->backward != element->backward
        || !is_else_read_by(p, t, where, maker, &others) || others)
        return false;
    Replace back = { .by = maker, .maker = element };
    element->value = expr_map(u, element->value, insert, &(Insert){ t, expr_map(u, maker->value, move_load, &back) });
    copy_symbols(u, element, maker, t);
    if (maker->why && element->why)
        element->why = arena_print(u->arena, "%s Then: %c%s", maker->why, element->why[0] | ('a' - 'A'), element->why + 1);
    nest_remark(u, element, "with %s in it, which is not stored", maker->name);
    program_remove(p, number);
    return true;
}

static bool fuse(Unit *u, Program *p, int where, const Tensor *t)
{
    Nest *element = p->nests.at[where];
    int number = program_maker(p, t);
    bool others;

    if (!is_scratch(p, t) || number < 0 || number >= where)
        return false;
    Nest *maker = p->nests.at[number];
    Element e = { .p = p, .nest = element, .maker = number, .taken = t, .good = true };
    nest_loads(element, see_load, &e);
    if (!e.good || maker->dst != t || maker->put == PUT_SET || maker->fill || maker->finish || (maker->put == PUT_ADD && !maker->start) || !nest_covers(maker)
        || maker->for_input != element->for_input || maker->backward != element->backward || !has_simple_places(maker))
        return false;
    bool relu = is_relu_of_largest(element, maker);
    if (!is_else_read_by(p, t, where, maker, &others) || (others && !relu))
        return false;
    Replace r = { element, maker, t };
    if (relu)
        maker->start = element->value->b;
    else
        maker->finish = expr_map(u, element->value, replace, &r);
    for (int i = 0; others && i < p->nests.count; i++)
        if (i != where && nest_reads(p->nests.at[i], t)) {
            p->nests.at[i]->value = expr_map(u, p->nests.at[i]->value, show_instead, &r);
            LIST_ADD(u->arena, &p->nests.at[i]->symbols, ((Symbol){ element->dst, nest_symbol(u, p->nests.at[i], t) }));
        }
    copy_symbols(u, maker, element, t);
    maker->dst = element->dst;
    if (maker->why && element->why)
        maker->why = arena_print(u->arena, "%s Then %s: %c%s", maker->why, element->name, element->why[0] | ('a' - 'A'), element->why + 1);
    nest_remark(u, maker, "with %s before it is stored", element->name);
    program_remove(p, where);
    return true;
}

typedef struct Candidates {
    const Tensor *at[4];
    int count;
} Candidates;

static void see_candidate(void *context, const Expr *load)
{
    Candidates *c = context;

    for (int i = 0; i < c->count; i++)
        if (c->at[i] == load->tensor)
            return;
    if (c->count < countof(c->at))
        c->at[c->count++] = load->tensor;
}

void program_fuse(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Candidates c = { .count = 0 };
        if (is_by_element(p, p->nests.at[i]))
            nest_loads(p->nests.at[i], see_candidate, &c);
        for (int k = 0; k < c.count; k++)
            if (is_for_a_store(p, p->nests.at[i]) && fuse(u, p, i, c.at[k])) {
                i--;
                break;
            } else if (take_in(u, p, i, c.at[k])) {
                i -= 2;             /* once more: it may take others */
                break;
            }
    }
}
