/* images.c: depth first. Where the channels are innermost, an image passes through a run of nests before the next one enters it, so that
 * what one nest makes is still in the nearest caches when the next one reads it, and what lives in the run alone needs the room of
 * one image, not of all images of the tile. Where groups of images are innermost (groups.c), a group does.
 *
 * The loop over images of every nest of the run is run by the step, around all of them (LOOP_IMAGE). Nests that stand in the way and
 * have nothing to do with the run move before it or behind it. */
#include "loops/transform.h"

#include <string.h>

typedef LIST(Nest *) Nests;

/* ---- what may run for one image alone */

/* Its first axis is the images that pass one after the other, or the groups. */
static bool takes_turns(const Tensor *t)
{
    return t->channels_last || t->grouped;
}

/* True if the first loop runs over images and each of its rounds has to do with one image alone, or adds to sums over all. */
static bool can_run_by_image(const Program *p, const Nest *n)
{
    const Loop *l = n->loop_count ? n->loops[0] : NULL;

    if (!l || strcmp(l->name, p->groups ? "n_" : "n") != 0 || l->kind != LOOP_PLAIN || n->hold == 0)     /* held over all images */
        return false;
    if (nest_places_loop(n, l))
        return takes_turns(n->dst) && n->index[0].count == 1 && n->index[0].term[0].loop == l;
    return nest_is_gather(n) && n->put == PUT_ADD && !n->start && !n->finish && !n->fill;
}

/* ---- runs */

/* What the nests of a run, and those that are left, have to do with each tensor: a set of these, in the tensor's mark. */
enum { RUN_READS = 1, RUN_WRITES = 2, RUN_SUMS = 4, LEFT_READS = 8, LEFT_WRITES = 16, ALL_USES = 32 };

typedef struct Uses {
    int none;                   /* the mark of a tensor that nobody uses */
    int reads;                  /* what a load adds */
} Uses;

static Uses new_uses(Program *p)
{
    Uses uses = { .none = p->marks + 1 };

    p->marks += ALL_USES;
    return uses;
}

static int uses_of(const Uses *uses, Tensor *t)
{
    int use = tensor_base(t)->mark - uses->none;
    return use > 0 && use < ALL_USES ? use : 0;
}

static void add_use(const Uses *uses, Tensor *t, int use)
{
    tensor_base(t)->mark = uses->none + (uses_of(uses, t) | use);
}

static void add_read(void *context, const Expr *load)
{
    const Uses *uses = context;
    add_use(uses, load->tensor, uses->reads);
}

static void add_to_run(Uses *uses, const Nest *n)
{
    uses->reads = RUN_READS;
    nest_loads(n, add_read, uses);
    add_use(uses, n->dst, nest_places_loop(n, n->loops[0]) ? RUN_WRITES : RUN_WRITES | RUN_SUMS);
}

static void add_to_left(Uses *uses, const Nest *n)
{
    uses->reads = LEFT_READS;
    nest_loads(n, add_read, uses);
    add_use(uses, n->dst, LEFT_WRITES);
}

/* What a nest has to do with those of the run, and with those that are left. */
typedef struct Ties {
    const Uses *uses;
    const Tensor *made;
    bool run, left;             /* one of them is to come before the other */
    bool sum;                   /* it reads a sum over the images that the run makes, which is not there before all have passed */
} Ties;

static void see_use(void *context, const Expr *load)
{
    Ties *ties = context;
    int use = uses_of(ties->uses, load->tensor);

    ties->run = ties->run || use & RUN_WRITES;
    ties->left = ties->left || use & LEFT_WRITES;
    ties->sum = ties->sum || (use & RUN_SUMS && tensor_base(load->tensor) != ties->made);
}

static Ties ties_of(const Uses *uses, const Nest *n)
{
    int use = uses_of(uses, n->dst);
    Ties ties = { uses, tensor_base(n->dst), use & (RUN_READS | RUN_WRITES), use & (LEFT_READS | LEFT_WRITES), false };

    nest_loads(n, see_use, &ties);
    return ties;
}

/* A run that is being taken from the queue. */
typedef struct Taking {
    Unit *u;
    const Program *p;
    Uses uses;
    Nests run;
    Nests *before, *left;       /* what comes before the run, and after it */
    Nests waiting;              /* clears, until it is known where what they clear goes */
} Taking;

static void insert(Taking *t, Nests *list, int where, Nest *n)
{
    LIST_ADD(t->u->arena, list, n);
    memmove(list->at + where + 1, list->at + where, (size_t)(list->count - 1 - where) * sizeof n);
    list->at[where] = n;
    if (list == &t->run)
        add_to_run(&t->uses, n);
    if (list == t->left)
        add_to_left(&t->uses, n);
}

/* Those of the nests that wait for `n`, since that touches what they clear, go before it: into the list that it goes to, or before the run. */
static void take_waiting(Taking *t, const Nest *n, Nests *to)
{
    int kept = 0;

    for (int i = 0; i < t->waiting.count; i++) {
        Nest *clear = t->waiting.at[i];
        if (!nest_touches(n, clear->dst))
            t->waiting.at[kept++] = clear;
        else if (to == &t->run && !can_run_by_image(t->p, clear))
            LIST_ADD(t->u->arena, t->before, clear);
        else
            insert(t, to, nests_before_band(to->at, to->count, n), clear);
    }
    t->waiting.count = kept;
}

/* Takes one run from the queue, with what stands before it; what comes after it is left in the queue. False if there is none. */
static bool take_run(Unit *u, Program *p, const Nests *queue, Nests *out, Nests *left)
{
    Taking t = { .u = u, .p = p, .uses = new_uses(p), .before = out, .left = left };
    Loop *images = ARENA_NEW(u->arena, Loop);

    memset(left, 0, sizeof *left);
    for (int i = 0; i < queue->count; i++) {
        Nest *n = queue->at[i];
        Ties ties = ties_of(&t.uses, n);
        Nests *to = can_run_by_image(p, n) && !ties.left && !ties.sum ? &t.run : ties.run || ties.left ? left : out;
        if (nest_is_clear(n)) {
            LIST_ADD(u->arena, &t.waiting, n);
            continue;
        }
        take_waiting(&t, n, to);
        insert(&t, to, to->count, n);
    }
    for (int i = 0; i < t.waiting.count; i++)
        LIST_ADD(u->arena, out, t.waiting.at[i]);
    for (int i = 0; i < t.run.count; i++) {
        if (i == 0)
            *images = *t.run.at[i]->loops[0];
        nest_replace_loop(u, t.run.at[i], 0, images);
        LIST_ADD(u->arena, out, t.run.at[i]);
    }
    if (t.run.count > 1)                                /* after the last look at which loops are places */
        images->kind = LOOP_IMAGE;
    return t.run.count > 0;
}

static void order_runs(Unit *u, Program *p, Nest **nests, int count)
{
    Nests queue = { 0 }, out = { 0 }, left;

    for (int i = 0; i < count; i++)
        LIST_ADD(u->arena, &queue, nests[i]);
    while (take_run(u, p, &queue, &out, &left))
        queue = left;
    for (int i = 0; i < out.count; i++)
        nests[i] = out.at[i];
}

/* ---- buffers of one image */

/* The nests that touch the storage of a tensor stand from the first to the last of these; the mark of its base is their number. */
typedef struct Stretch { int first, last; } Stretch;

typedef struct Stretches {
    Stretch *at;
    int none, count;            /* marks from none + 1 to none + count are numbers */
    int nest;                   /* at hand */
} Stretches;

static Stretch *stretch_of(const Stretches *s, Tensor *t)
{
    int number = tensor_base(t)->mark - s->none - 1;
    return number >= 0 && number < s->count ? &s->at[number] : NULL;
}

static void stretch(const Stretches *s, Tensor *t)
{
    Stretch *of = stretch_of(s, t);

    if (!of)
        return;
    if (of->first < 0)
        of->first = s->nest;
    of->last = s->nest;
}

static void see_touched(void *context, const Expr *load)
{
    stretch(context, load->tensor);
}

static Stretches find_stretches(Unit *u, Program *p)
{
    Stretches s = { arena_array(u->arena, (size_t)p->tensors.count, sizeof(Stretch)), p->marks, p->tensors.count, 0 };

    p->marks += s.count;
    for (int i = 0; i < s.count; i++) {
        s.at[i] = (Stretch){ -1, -1 };
        tensor_base(p->tensors.at[i])->mark = s.none + 1 + i;
    }
    for (; s.nest < p->nests.count; s.nest++) {
        nest_loads(p->nests.at[s.nest], see_touched, &s);
        stretch(&s, p->nests.at[s.nest]->dst);
    }
    return s;
}

/* True if all nests that touch the storage of t stand in one run. */
static bool lives_in_a_run(const Program *p, const Stretches *s, Tensor *t)
{
    const Stretch *of = stretch_of(s, t);
    return of && of->first >= 0 && nests_shared_loops(p, of->first, of->last) > 0;
}

static Expr *drop_load(void *context, Expr *e)
{
    (void)context;
    if (e->op == OP_LOAD && e->tensor->one_image)
        memmove(e->index, e->index + 1, (MAX_AXES - 1) * sizeof e->index[0]);
    return e;
}

static void shrink_buffers(Unit *u, Program *p)
{
    Stretches s = find_stretches(u, p);

    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        t->one_image = takes_turns(t) && tensor_base(t)->role == ROLE_SCRATCH && lives_in_a_run(p, &s, t);
    }
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (!t->one_image)
            continue;
        t->rank--;
        memmove(t->dim, t->dim + 1, (MAX_AXES - 1) * sizeof t->dim[0]);
        t->has_n = false;
    }
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        n->value = expr_map(u, n->value, drop_load, NULL);
        n->start = expr_map(u, n->start, drop_load, NULL);
        n->finish = expr_map(u, n->finish, drop_load, NULL);
        if (n->dst->one_image)
            memmove(n->index, n->index + 1, (MAX_AXES - 1) * sizeof n->index[0]);
    }
}

void program_depth_first(Unit *u, Program *p)
{
    if ((!p->channels_last && !p->groups) || p->tile == 1)
        return;
    for (int i = 0; i < p->phases.count; i++) {
        int first = p->phases.at[i].first, end = p->phases.at[i].end, turn = first;
        while (turn < end && !p->nests.at[turn]->backward)
            turn++;
        order_runs(u, p, p->nests.at + first, turn - first);
        order_runs(u, p, p->nests.at + turn, end - turn);
    }
    shrink_buffers(u, p);
}
