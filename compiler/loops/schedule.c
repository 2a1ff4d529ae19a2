/* schedule.c: the policy: which rewrites a style applies to which nest. The rewrites themselves are in transform.c.
 *
 * lesson     the places of the formula outermost, the summed loops inside, the total held in a local; nothing else.
 * unrolled   the same, with every loop written out, within a budget, in functions small enough that the C compiler
 *            needs time in proportion to the work: 117 600 multiply-adds in one function take gcc -O1 108 s, in
 *            functions of 700 they take 11 s.
 * fast       lanes and register tiles: fast.c. */
#include "loops/choice.h"
#include "loops/transform.h"

#include <string.h>

enum {
    PIECE_WORK = 700,               /* statements of one unrolled function */
    BYTES_PER_STATEMENT = 52        /* of C source, measured on lenet */
};
#define SECONDS_PER_STATEMENT (11.0 / 117600)       /* gcc -O1 */

static void schedule_lesson(Nest *n)
{
    nest_places_first(n);
}

static void schedule_unrolled(Nest *n)
{
    int64_t summed = 1;

    nest_places_first(n);
    for (int i = 0; i < n->loop_count; i++) {
        nest_unroll(n, i);
        if (!nest_places_loop(n, n->loops[i]))
            summed *= n->loops[i]->extent;
    }
    n->piece = summed >= PIECE_WORK ? 1 : PIECE_WORK / summed;
}

/* ---- the budget of the unrolled style */

typedef struct Cost {
    const Site *site;
    int64_t work;
} Cost;

static int64_t saturated_add(int64_t a, int64_t b)
{
    int64_t sum;
    return checked_add(a, b, &sum) ? sum : INT64_MAX;
}

static const char *amount(Unit *u, double x, const char *unit)
{
    static const char *const prefix[] = { "", "k", "M", "G", "T", "P", "E" };
    int step = 0;

    while (x >= 999.5 && step < 6) {
        x /= 1000;
        step++;
    }
    return arena_print(u->arena, x < 9.95 && step ? "%.1f %s%s" : "%.0f %s%s", x, prefix[step], unit);
}

/* 16 281 statements */
static const char *statements(Unit *u, int64_t count)
{
    const char *digits = arena_print(u->arena, "%lld", (long long)count);
    Text *t = text_new(u->arena);

    for (size_t i = 0, length = strlen(digits); i < length; i++)
        text_put(t, "%s%c", i > 0 && (length - i) % 3 == 0 ? " " : "", digits[i]);
    return t->at;
}

/* Reports an unrolling that would be too large, with what each layer costs; false if it is. */
static bool within_budget(Unit *u, const Program *p)
{
    LIST(Cost) costs = { 0 };
    int64_t work = 0;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        int64_t own = nest_work(n);
        if (n->fill)
            own = saturated_add(own, tensor_count(n->dst));
        int c = 0;
        while (c < costs.count && costs.at[c].site != n->site)
            c++;
        if (c == costs.count)
            LIST_ADD(u->arena, &costs, ((Cost){ n->site, 0 }));
        costs.at[c].work = saturated_add(costs.at[c].work, own);
        work = saturated_add(work, own);
    }
    if (work <= u->options.unroll_budget)
        return true;

    error_at(u, p->net->span, "unrolling %s needs %s statements, the budget is %s", p->net->name,
             statements(u, work), statements(u, u->options.unroll_budget));
    note(u, "about %s of C and %s of gcc -O1", amount(u, (double)work * BYTES_PER_STATEMENT, "B"),
         amount(u, (double)work * SECONDS_PER_STATEMENT, "s"));
    for (int shown = 0; shown < 5; shown++) {           /* the most expensive first */
        int most = -1;
        for (int c = 0; c < costs.count; c++)
            if (costs.at[c].work > 0 && costs.at[c].site && (most < 0 || costs.at[c].work > costs.at[most].work))
                most = c;
        if (most < 0)
            break;
        note_at(u, costs.at[most].site->span, "%s costs %s statements", costs.at[most].site->name,
                statements(u, costs.at[most].work));
        costs.at[most].work = 0;
    }
    help(u, "'--unroll-budget=%lld' allows it; '--style=lesson' keeps the loops; '--infer' leaves the backward pass out",
         (long long)work);
    return false;
}

/* The line of a file for --tuned that is about a nest, or NULL. */
static TunedNest *tuned_for(Unit *u, const Nest *n)
{
    if (!u->tuned || u->tuned->machine != u->options.machine)
        return NULL;
    for (int i = 0; i < u->tuned->nests.count; i++)
        if (strcmp(u->tuned->nests.at[i].name, n->name) == 0)
            return &u->tuned->nests.at[i];
    return NULL;
}

/* What the fast style is asked to choose for a nest, or NULL: the policy's own choice. */
static const Choice *asked_for(Unit *u, const Nest *n, const TunedNest *tuned)
{
    if (tuned)
        return &tuned->choice;
    if (u->options.choice == 0)
        return n->prefers;
    Choice *list = arena_array(u->arena, MOST_CHOICES, sizeof *list);
    return u->options.choice < nest_choices(u, n, list) ? &list[u->options.choice] : n->prefers;
}

static void schedule_fast(Unit *u, Nest *n)
{
    TunedNest *tuned = tuned_for(u, n);

    nest_schedule_fast(u, n, asked_for(u, n, tuned));
    if (!tuned)
        return;
    tuned->met = true;
    tuned->misfit = n->choice ? n->choice->misfit : "it has no register tile";
    tuned->taken = tuned->taken || !tuned->misfit;
    if (!tuned->misfit)
        nest_remark(u, n, "as tuned");
}

bool program_schedule(Unit *u, Program *p)
{
    switch (p->mode == MODE_LOOK ? STYLE_LESSON : u->options.style) {
    case STYLE_LESSON:
        for (int i = 0; i < p->nests.count; i++)
            schedule_lesson(p->nests.at[i]);
        return true;
    case STYLE_UNROLLED:
        if (!within_budget(u, p))
            return false;
        for (int i = 0; i < p->nests.count; i++)
            schedule_unrolled(p->nests.at[i]);
        return true;
    case STYLE_FAST:
        for (int i = 0; i < p->nests.count; i++)
            schedule_fast(u, p->nests.at[i]);
        return true;
    }
    return false;
}
