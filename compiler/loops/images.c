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

static bool depends_on_any(const Nest *n, const Nests *list)
{
    for (int i = 0; i < list->count; i++)
        if (nests_depend(n, list->at[i]))
            return true;
    return false;
}

/* ---- runs */

/* It reads a sum over the images that a nest of the list makes: that is not there before all have passed. */
static bool reads_sum(const Nest *n, const Nests *list)
{
    for (int i = 0; i < list->count; i++) {
        const Nest *m = list->at[i];
        if (!nest_places_loop(m, m->loops[0]) && nest_touches(n, m->dst) && tensor_base(n->dst) != tensor_base(m->dst))
            return true;
    }
    return false;
}

static void insert(Unit *u, Nests *list, int where, Nest *n)
{
    LIST_ADD(u->arena, list, n);
    memmove(list->at + where + 1, list->at + where, (size_t)(list->count - 1 - where) * sizeof n);
    list->at[where] = n;
}

/* Those of the nests that wait for `n`, since that touches what they clear, go before it: into the list that it goes to, or before the run. */
static void take_waiting(Unit *u, const Program *p, Nests *waiting, const Nest *n, Nests *to, const Nests *run, Nests *before_run)
{
    int kept = 0;

    for (int i = 0; i < waiting->count; i++) {
        Nest *clear = waiting->at[i];
        if (!nest_touches(n, clear->dst))
            waiting->at[kept++] = clear;
        else if (to == run && !can_run_by_image(p, clear))
            LIST_ADD(u->arena, before_run, clear);
        else
            insert(u, to, nests_before_band(to->at, to->count, n), clear);
    }
    waiting->count = kept;
}

/* Takes one run from the queue, with what stands before it; what comes after it is left in the queue. False if there is none. */
static bool take_run(Unit *u, const Program *p, const Nests *queue, Nests *out, Nests *left)
{
    Nests run = { 0 }, waiting = { 0 };
    Loop *images = ARENA_NEW(u->arena, Loop);

    memset(left, 0, sizeof *left);
    for (int i = 0; i < queue->count; i++) {
        Nest *n = queue->at[i];
        Nests *to = can_run_by_image(p, n) && !depends_on_any(n, left) && !reads_sum(n, &run) ? &run
                  : depends_on_any(n, &run) || depends_on_any(n, left) ? left : out;
        if (nest_is_clear(n))
            to = &waiting;
        else
            take_waiting(u, p, &waiting, n, to, &run, out);
        LIST_ADD(u->arena, to, n);
    }
    for (int i = 0; i < waiting.count; i++)
        LIST_ADD(u->arena, out, waiting.at[i]);
    for (int i = 0; i < run.count; i++) {
        if (i == 0)
            *images = *run.at[i]->loops[0];
        nest_replace_loop(u, run.at[i], 0, images);
        LIST_ADD(u->arena, out, run.at[i]);
    }
    if (run.count > 1)                                  /* after the last look at which loops are places */
        images->kind = LOOP_IMAGE;
    return run.count > 0;
}

static void order_runs(Unit *u, const Program *p, Nest **nests, int count)
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

/* True if all nests that touch the storage of t stand in one run. */
static bool lives_in_a_run(const Program *p, const Tensor *t)
{
    int first = -1, last = -1;

    for (int i = 0; i < p->nests.count; i++)
        if (nest_touches(p->nests.at[i], t)) {
            first = first < 0 ? i : first;
            last = i;
        }
    return first >= 0 && nests_shared_loops(p, first, last) > 0;
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
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        t->one_image = takes_turns(t) && tensor_base(t)->role == ROLE_SCRATCH && lives_in_a_run(p, t);
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
