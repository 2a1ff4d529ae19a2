/* choices.c: what else than the policy's choice would do for a nest (choice.h). Tiles that divide the loops and fit into the registers are put in
 * the order of the time that is predicted for them (predict.c); of the best of them, and of the policy's, come those with other orders of the loops:
 * one that goes round inside the others reads the same again while it is near. */
#include "loops/choice.h"

#include "loops/predict.h"
#include "loops/transform.h"

#include <stdlib.h>
#include <string.h>

#define HOPELESS 1.25               /* so much longer than the policy's choice: the prediction is not that wrong where it compares two tiles of one nest */

enum {
    MOST_TOTALS = 32,               /* of a tile */
    MOST_VECTORS = 4,
    MOST_TILES = 512,               /* that are looked at for one nest */
    MOST_ORDERED = 3                /* of which other orders are looked at, too */
};

/* ---- questions */

int choice_loop(const Nest *n, const char *name, int from, int to)
{
    size_t length = strlen(name);

    for (int i = from; i < to; i++)
        if (strcmp(n->loops[i]->name, name) == 0 && n->loops[i]->kind == LOOP_PLAIN)
            return i;
    for (int i = from; i < to; i++) {
        const char *own = n->loops[i]->name;
        if (strncmp(own, name, length) == 0 && own[length + strspn(own + length, "_")] == '\0' && n->loops[i]->kind == LOOP_PLAIN)
            return i;
    }
    return -1;
}

const char *choice_misfit(Unit *u, const Nest *n, const Choice *asked)
{
    const Choice *own = n->choice;

    if (!own)
        return "it has no register tile";
    for (int i = 0; i < asked->count; i++) {
        int k = 0;
        while (k < own->count && strcmp(own->tile[k].loop, asked->tile[i].loop) != 0)
            k++;
        if (k == own->count)
            return arena_print(u->arena, "its tile cannot go along %s", asked->tile[i].loop);
        if (asked->tile[i].size < 1 || own->tile[k].extent % asked->tile[i].size != 0)
            return arena_print(u->arena, "%lld does not divide the %lld rounds of %s", (long long)asked->tile[i].size, (long long)own->tile[k].extent,
                               asked->tile[i].loop);
    }
    if (asked->vectors && own->all_vectors ? own->all_vectors % asked->vectors != 0 : asked->vectors && asked->vectors != own->vectors)
        return arena_print(u->arena, "its tile cannot have %lld vectors", (long long)asked->vectors);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? asked->round : asked->inside;
        int l = name ? choice_loop(n, name, 0, n->loop_count) : -1;
        bool images = name && (strcmp(name, "n") == 0 || (strcmp(name, "n_") == 0 && n->dst->grouped));     /* the step has these, if anyone */
        if (name && (images || l < 0 || nest_places_loop(n, n->loops[l]) == i))
            return arena_print(u->arena, "it has no loop %s that %s", name, i ? "is summed" : "goes over places");
    }
    return NULL;
}

void choice_print(const Choice *c, Text *t)
{
    const char *between = "";

    for (int i = 0; i < c->count; i++)
        if (c->tile[i].size > 1) {
            text_put(t, "%s%s %lld", between, c->tile[i].loop, (long long)c->tile[i].size);
            between = ", ";
        }
    text_put(t, "%svectors %lld", between, (long long)c->vectors);
    if (c->inside)
        text_put(t, ", inside %s", c->inside);
    if (c->round)
        text_put(t, ", round %s", c->round);
}

/* ---- the list */

typedef struct Search {
    Unit *u;
    const Nest *n;
    Choice list[MOST_TILES];
    int count;
} Search;

/* Predicts a choice, and adds it if it fits into the registers and is not there yet. */
static void consider(Search *s, Choice c, bool whatever)
{
    Nest copy = *s->n;

    if (s->count == MOST_TILES)
        return;
    nest_own_loops(s->u, &copy);
    nest_schedule_fast(s->u, &copy, &c);
    Prediction x = nest_predict(s->u, &copy);
    if (copy.choice->misfit || (!whatever && x.registers > s->u->options.machine->registers))
        return;
    c = *copy.choice;
    c.time = x.time;
    s->list[s->count++] = c;
}

/* All tiles whose loops before number `loop` are settled. */
static void consider_tiles(Search *s, Choice *c, int loop, int64_t totals)
{
    if (loop == c->count) {
        consider(s, *c, false);
        return;
    }
    for (int64_t size = 1; size <= c->tile[loop].extent && size * totals <= MOST_TOTALS; size++)
        if (c->tile[loop].extent % size == 0) {
            c->tile[loop].size = size;
            consider_tiles(s, c, loop + 1, totals * size);
        }
}

static bool same_tile(const Choice *a, const Choice *b)
{
    for (int i = 0; i < a->count; i++)
        if (a->tile[i].size != b->tile[i].size)
            return false;
    return a->vectors == b->vectors;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_choice(const Choice *a, const Choice *b)
{
    return same_tile(a, b) && same_name(a->inside, b->inside) && same_name(a->round, b->round);
}

/* What a loop was called before it was split: "oh" of "oh_", if the nest has that one. */
static const char *name_before(const Nest *n, const char *name)
{
    for (int i = 0; i < n->loop_count; i++) {
        size_t length = strlen(n->loops[i]->name);
        if (strncmp(n->loops[i]->name, name, length) == 0 && name[length + strspn(name + length, "_")] == '\0')
            return n->loops[i]->name;
    }
    return name;
}

/* Other orders of the loops around a tile. */
static void consider_orders(Search *s, const Choice *tile)
{
    Nest copy = *s->n;

    nest_own_loops(s->u, &copy);
    nest_schedule_fast(s->u, &copy, tile);
    for (int i = nest_step_loops(&copy); i < copy.loop_count; i++) {
        const Loop *l = copy.loops[i];
        bool last = i + 1 == copy.hold || (i >= copy.hold && (i + 1 == copy.loop_count || copy.loops[i + 1]->kind != LOOP_PLAIN));
        if (l->kind != LOOP_PLAIN || l->extent == 1 || last)
            continue;
        Choice c = *tile;
        *(i < copy.hold ? &c.inside : &c.round) = name_before(s->n, l->name);
        consider(s, c, false);
    }
}

static int by_time(const void *a, const void *b)
{
    const Choice *x = a, *y = b;
    int changed = (x->inside != NULL) + 2 * (x->round != NULL) - (y->inside != NULL) - 2 * (y->round != NULL);
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : changed;
}

int nest_choices(Unit *u, const Nest *n, Choice list[MOST_CHOICES])
{
    Search *s = ARENA_NEW(u->arena, Search);
    Nest policy = *n;
    int count = 0;

    *s = (Search){ .u = u, .n = n };
    nest_own_loops(u, &policy);
    nest_schedule_fast(u, &policy, n->prefers);
    if (!policy.choice)
        return 0;
    Choice first = *policy.choice, c = first;
    consider(s, first, true);
    first = s->list[0];
    s->count = 0;
    for (c.vectors = 1; c.vectors <= MOST_VECTORS; c.vectors++)
        if (c.all_vectors ? c.all_vectors % c.vectors == 0 : c.vectors == first.vectors)
            consider_tiles(s, &c, 0, c.vectors);
    qsort(s->list, (size_t)s->count, sizeof s->list[0], by_time);
    int tiles = s->count < MOST_CHOICES ? s->count : MOST_CHOICES;
    s->count = tiles;
    consider_orders(s, &first);
    for (int i = 0; i < tiles && i < MOST_ORDERED; i++)
        consider_orders(s, &s->list[i]);
    qsort(s->list, (size_t)s->count, sizeof s->list[0], by_time);
    list[count++] = first;
    for (int i = 0; i < s->count && count < MOST_CHOICES; i++) {
        bool known = s->list[i].time > HOPELESS * first.time;
        for (int k = 0; k < count; k++)
            known = known || same_choice(&list[k], &s->list[i]);
        if (!known)
            list[count++] = s->list[i];
    }
    return count;
}
