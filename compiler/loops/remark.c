/* remark.c: what a dump says of a schedule, below each nest:
 *
 *     (lanes n, tile 3x2 of co, ow times 2 vectors: 12 of 16 registers hold sums; 7 loads for 12 multiply-adds; predicted 84 % of peak, 9 % of the time)
 *
 * The first half is read off the nest, the last predicted (predict.c); between them stand the reasons that passes gave (nest_remark). */
#include "loops/predict.h"

#include "loops/lanes.h"

#include <stdarg.h>
#include <string.h>

void nest_remark(Unit *u, Nest *n, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const char *clause = arena_vprint(u->arena, format, values);
    va_end(values);
    n->note = n->note ? arena_print(u->arena, "%s; %s", n->note, clause) : clause;
}

/* ---- what the layers ask for */

void program_state(Unit *u, Program *p)
{
    (void)u;
    p->stated = 0;
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        bool product = n->put == PUT_ADD && n->value->op == OP_MUL && n->value->a->op == OP_LOAD && n->value->b->op == OP_LOAD;
        n->stated = product ? (double)nest_work(n) : 0;
        p->stated += n->for_input ? 0 : n->stated;
    }
}

/* ---- the notes */

/* True for the vectors of one place that lie side by side: the loop that was split off the lanes. */
static bool is_of_lanes(const Loop *l, const Loop *lanes)
{
    size_t length = strlen(lanes ? lanes->name : "");
    return lanes && strncmp(l->name, lanes->name, length) == 0 && strcmp(l->name + length, "_") == 0;
}

/* tile 3x2 of co, ow times 2 vectors */
static void put_tile(const Nest *n, const Loop *lanes, Text *t)
{
    int64_t vectors = 1;
    int count = 0;

    for (int pass = 0; pass < 2; pass++) {
        int shown = 0;
        for (int i = n->hold; i < n->loop_count; i++) {
            const Loop *l = n->loops[i];
            if (l->kind != LOOP_UNROLL || !nest_places_loop(n, l))
                continue;
            if (is_of_lanes(l, lanes)) {
                vectors = l->extent;
                continue;
            }
            if (pass == 0)
                text_put(t, "%s%lld", shown ? "x" : ", tile ", (long long)l->extent);
            else
                text_put(t, "%s%s", shown ? ", " : " of ", l->name);
            shown++;
        }
        count += shown;
    }
    if (vectors > 1)
        text_put(t, "%s%lld vectors", count ? " times " : ", ", (long long)vectors);
}

static const Loop *lanes_of(const Nest *n)
{
    const Loop *last = n->loop_count ? n->loops[n->loop_count - 1] : NULL;
    return last && last->kind == LOOP_LANES ? last : NULL;
}

static bool sums(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return true;
    return false;
}

static bool has_exp(const Expr *e)
{
    return e && (e->op == OP_EXP || has_exp(e->a) || has_exp(e->b) || has_exp(e->c) || has_exp(e->d));
}

static void remark(Unit *u, Nest *n, const Prediction *x, double share_of_time)
{
    Text *t = text_new(u->arena);
    const Loop *lanes = lanes_of(n);

    if (lanes)
        text_put(t, "lanes %s", lanes->name);
    else
        text_put(t, x->left ? "vectors left to the C compiler" : "no vectors");
    if (sums(n) && nest_is_gather(n)) {
        put_tile(n, lanes, t);
        text_put(t, ": %lld of %d registers hold sums", (long long)x->totals, u->options.machine->registers);
    }
    if (x->is_product)
        text_put(t, "; %lld load%s for %lld multiply-add%s", (long long)x->loads, x->loads == 1 ? "" : "s", (long long)x->operations,
                 x->operations == 1 ? "" : "s");
    if (x->counted > 0 && x->made > 1.005 * x->counted)
        text_put(t, "; %.2f times what counts, for borders and padding", x->made / x->counted);
    if (n->note)
        text_put(t, "; %s", n->note);
    if (has_exp(n->value) && nest_takes_exp_of_libm(u, n))
        text_put(t, "; exp of libm: for few numbers it takes less time");
    if (x->memory > 0.1 * x->time)
        text_put(t, "; waits for memory %.0f %% of its time", 100 * x->memory / x->time);
    text_put(t, "; predicted ");
    if (x->is_product)
        text_put(t, "%.0f %% of peak, ", 100 * predict_share(u, x));
    text_put(t, n->for_input ? "%.1f %% of the time on top of it" : "%.1f %% of the time", 100 * share_of_time);
    n->note = t->at;
}

void program_remark(Unit *u, Program *p)
{
    int vector = machine_lanes(u->options.machine, u->options.real);
    double time = program_predict(u, p);

    for (int i = 0; i < p->nests.count; i++) {
        Prediction x = nest_predict(u, p->nests.at[i]);
        remark(u, p->nests.at[i], &x, predict_part(p, i) * x.time / time);
    }
    if (p->stated > 0)
        p->note = arena_print(u->arena, "%s%spredicted %.0f %% of the peak of %s for %.0f multiply-adds a tile", p->note ? p->note : "", p->note ? "; " : "",
                              100 * p->stated / vector / time, u->options.machine->name, p->stated);
}
