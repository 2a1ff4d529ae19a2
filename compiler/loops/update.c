/* update.c: weights of large layers move while their gradient is near.
 *
 * A rule like w -= lr*v reads all gradients once more, long after they were made. Where a step is one tile, the gradient of some rows is complete
 * when their nest has written them, so the caller, whose the rule is, is told row after row (cnn_update of cnn/model.h):
 *
 *     dw[band*8 + o][i] = keep*dw[band*8 + o][i] + dy[band*8 + o] * x[i];  update rows band*8 ... band*8 + 7
 *
 * for one band after the other; the step runs that loop. Nobody may read those weights any more: the nest goes behind all that do. Of a dense layer
 * and a single image the gradient of its input, dx = w' dy, comes into the same bands, as a sum over them, so that the weights too are read from
 * memory once.
 *
 * After program_keep and program_depth_first: the gradients are made in their last form, and nests that stand between two of one run are known. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

enum {
    LEAST_BYTES = 16 << 10,         /* of a gradient: what is smaller stays near by itself, and a call for each would cost more */
    PARTS_OF_CACHE = 8              /* of the second cache: the rows of a band, the gradient's alone; the weights' are as many */
};

static int64_t bytes_of(const Unit *u, int64_t reals)
{
    return reals * (u->options.real == REAL_DOUBLE ? 8 : 4);
}

/* ---- who makes a gradient, who reads the weights */

/* The one nest that makes all of a gradient, at once; NULL otherwise. */
static Nest *only_maker(const Program *p, const Tensor *gradient)
{
    int number = program_maker(p, gradient);
    Nest *n = number < 0 ? NULL : p->nests.at[number];

    if (!n || n->dst != gradient || nest_step_loops(n) || n->part || !nest_covers(n))
        return NULL;
    for (int i = 0; i < n->hold; i++)
        if (nest_comes_again(n, n->loops[i]))
            return NULL;
    return n;
}

/* Behind which nest of a step of training the weights of gradient nest number `maker` are not read any more. */
static int last_reader(const Program *p, int maker)
{
    const Tensor *weights = tensor_base(p->nests.at[maker]->dst)->primal;
    int last = maker;

    for (int i = maker + 1; i < p->nests.count; i++)
        if (!p->nests.at[i]->for_input && nest_reads(p->nests.at[i], weights))
            last = i;
    while (last > maker && last + 1 < p->nests.count && nests_shared_loops(p, last, last + 1) > 0)
        last++;
    return last;
}

static const Phase *phase_of(const Program *p, int nest)
{
    for (int i = 0; i < p->phases.count; i++)
        if (nest < p->phases.at[i].end)
            return &p->phases.at[i];
    return NULL;
}

/* Moves nest `from` behind nest `to` of the same phase. False, and nothing is done, if one of those between has to do with it. */
static bool move_behind(Program *p, int from, int to)
{
    Nest *n = p->nests.at[from];

    if (to >= phase_of(p, from)->end)
        return false;
    for (int i = from + 1; i <= to; i++)
        if (nests_depend(n, p->nests.at[i]))
            return false;
    memmove(p->nests.at + from, p->nests.at + from + 1, (size_t)(to - from) * sizeof n);
    p->nests.at[to] = n;
    return true;
}

/* ---- bands */

/* The loop whose rounds are rows of the gradient that lie side by side, outside of all others along its first axis; -1 if it is none to be split. */
static int rows_loop(const Nest *n)
{
    const Loop *rows = NULL;
    int64_t factor = 0;

    for (int i = 0; i < n->index[0].count; i++)
        if (n->index[0].term[i].factor > factor) {
            factor = n->index[0].term[i].factor;
            rows = n->index[0].term[i].loop;
        }
    int at = rows ? nest_find_loop(n, rows) : -1;
    bool whole = at >= 0 && n->index[0].offset == 0 && rows->kind == LOOP_PLAIN && !rows->overlaps && !rows->trimmed && at < n->hold;
    return whole && factor * rows->extent == n->dst->dim[0] && n->loop_count < MAX_LOOPS ? at : -1;
}

/* The fewest bands, all alike, that are small enough; 1 if all rows are. */
static int64_t bands_of(const Unit *u, const Nest *n, int64_t rounds)
{
    int64_t most = u->options.machine->level2 / PARTS_OF_CACHE, all = bytes_of(u, tensor_count(n->dst)), bands = 1;

    while (bands < rounds && (rounds % bands || all / bands > most))
        bands++;
    return bands;
}

static void put_in_bands(Unit *u, Nest *n, int loop, Loop *band)
{
    nest_split_by(u, n, loop, band);
    nest_move_loop(n, nest_find_loop(n, band), 0);
    n->hold++;
}

/* ---- the gradient of the input in the same bands */

typedef struct Reads { const Tensor *weights; const Expr *load; int count; } Reads;

static void see_read(void *context, const Expr *load)
{
    Reads *r = context;
    if (tensor_base(load->tensor) == r->weights) {
        r->load = load;
        r->count++;
    }
}

/* The loop over rows of the weights that the nest sums over, from zero; -1 if it is no such sum, or does something with the total. */
static int summed_rows(const Nest *n, const Tensor *weights)
{
    Reads r = { .weights = weights };

    nest_loads(n, see_read, &r);
    if (r.count != 1 || r.load->tensor != weights || !n->start || !expr_is_zero(n->start) || n->finish || n->put != PUT_ADD || nest_step_loops(n)
        || n->dst->role != ROLE_SCRATCH || n->loop_count == MAX_LOOPS || !nest_is_gather(n))
        return -1;
    const Affine *row = &r.load->index[0];
    int at = row->count == 1 && row->offset == 0 && row->term[0].factor == 1 ? nest_find_loop(n, row->term[0].loop) : -1;
    bool whole = at >= 0 && nest_sums_over(n, at) && n->loops[at]->kind == LOOP_PLAIN && !n->loops[at]->trimmed && n->loops[at]->extent == weights->dim[0];
    return whole && at >= n->hold ? at : -1;
}

static Nest *clear_before(Unit *u, const Program *p, const Nest *n)
{
    Nest *clear = nest_over_all(u, nest_name(u, p, arena_print(u->arena, "%s_clear", n->name)), "The sum over the bands begins with zero.", n->dst);

    clear->site = n->site;
    clear->backward = n->backward;
    clear->value = n->start;
    return clear;
}

/* The nest right before the maker, if it is the gradient of the input, adds up a band of rows at a time. */
static void join_input(Unit *u, Program *p, int maker, Loop *band)
{
    const Tensor *weights = tensor_base(p->nests.at[maker]->dst)->primal;
    Nest *n = maker > phase_of(p, maker)->first ? p->nests.at[maker - 1] : NULL;
    int rows = n && p->tile == 1 ? summed_rows(n, weights) : -1;

    if (rows < 0)
        return;
    program_insert(u, p, maker - 1, clear_before(u, p, n));
    n->start = NULL;
    put_in_bands(u, n, rows, band);
    nest_remark(u, n, "%lld bands of rows, each before its weights move", (long long)band->extent);
}

/* ---- the pass */

static void update_early(Unit *u, Program *p, Tensor *gradient)
{
    Nest *n = only_maker(p, gradient);
    int maker = program_maker(p, gradient), last = n ? last_reader(p, maker) : -1;

    if (!n || phase_of(p, maker)->once || last >= phase_of(p, maker)->end || (last > maker && !move_behind(p, maker, last)))
        return;
    int rows = rows_loop(n);
    int64_t bands = rows < 0 ? 1 : bands_of(u, n, n->loops[rows]->extent);
    n->updates = p->mode == MODE_TRAIN;
    if (bands > 1) {
        Loop *band = ARENA_NEW(u->arena, Loop);
        *band = (Loop){ .name = "band", .extent = bands, .kind = LOOP_BAND };
        put_in_bands(u, n, rows, band);
        join_input(u, p, last, band);
    }
    if (n->updates)
        nest_remark(u, n, "its weights move when %s is there", bands > 1 ? "a band of it" : "it");
}

void program_update(Unit *u, Program *p)
{
    if ((p->mode != MODE_TRAIN && p->mode != MODE_EVAL) || net_batch(u->net) > p->tile)
        return;
    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *t = p->tensors.at[i];
        if (t->role == ROLE_GRADIENT && !t->view_of && t->rank > 1 && bytes_of(u, tensor_count(t)) >= LEAST_BYTES)
            update_early(u, p, t);
    }
}
