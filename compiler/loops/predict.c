/* predict.c: how long a scheduled nest takes (predict.h): a small model, all of whose figures were measured.
 *
 * The time of a nest is the sum of four things, in multiply-adds of whole vectors at peak, two of which a core begins every cycle:
 *
 *     busy     the operations of all rounds, longer where few totals are in flight, or the loads, if they are more
 *     ends     for every tile, its totals begin, are stored, and the next ones wait for nothing to do
 *     level2   what does not stay in the first level of the cache between its uses comes from the second level
 *     memory   what does not stay there comes from beyond
 *
 * Where each figure is from is said beside it: "hand-written" are the measurements of kernels that were written by hand for one core with AVX-512
 * and run with AVX2 as well; "nets" is tests/bench/profile.py of lenet, fashion and cifar on one core of Zen 3 with AVX2 (docs/PERFORMANCE.md). */
#include "loops/predict.h"

#include "loops/lanes.h"

#include <stdlib.h>
#include <string.h>

/* ---- figures */

typedef struct Reached { int64_t totals; double share; } Reached;

/* Hand-written convolutions by the totals of a tile, best of gcc and clang. A multiply-add takes 4 cycles, and two begin in each: t totals
 * keep at most t/8 of the units busy, which the first rows are. */
static const Reached with_16[] = { { 1, 0.12 }, { 4, 0.48 }, { 7, 0.73 }, { 8, 0.84 }, { 10, 0.91 }, { 12, 0.97 } };
static const Reached with_32[] = { { 1, 0.12 }, { 4, 0.47 }, { 8, 0.75 }, { 12, 0.84 }, { 16, 0.90 }, { 20, 0.93 }, { 24, 0.95 }, { 28, 0.97 } };

#define STORE 1.0               /* one a cycle, half of which runs beside the sums of the next tile (nets: first layers) */
#define BEGIN 0.5               /* a load for each total, likewise */
#define DRAIN 8.0               /* 4 cycles until the last multiply-add is done */
#define ADD_LANES 8.0           /* three or four shuffles and additions, one after the other, for a total that is alone; */
#define ADD_LANES_TOGETHER 3.0  /* several share them: 15 times three for 16 of 16 lanes (c_sums.c) */
#define WINDOW 224.0            /* operations that wait to be done at one time: Skylake has 224, Zen 3 256 */
#define FUNCTION 20.0           /* exp and tanh are polynomials with so many operations (emit/c_math.c) */
#define LONG_FUNCTION 40.0      /* erf and log1p take twice as long (layers of 4096 elements on Zen 3: 1.4 ns of an element, sigmoid 0.7) */
#define LIBRARY 80.0            /* log, and all of them in double, are libm's: 10 to 17 ns */
#define CALL 16.0               /* 3 ns, and the pipeline begins anew */
#define RANDOM 60.0             /* Philox: ten rounds of two long multiplications */
#define LEFT_TO_COMPILER 3.0    /* hand-written loops without tiles, totals in memory: 17 to 36 % of peak, a load and a store for each multiply-add */
#define FULL 0.75               /* of a cache before some of its lines replace others that are still needed */
#define LEVEL2_BYTES 32.0       /* 1 MB in 6 us is 25; loads for later rounds run beside what is computed, so that half of it shows (nets) */
#define LEVEL3_BYTES 12.0       /* (nets) */
#define LEVEL3 (8 << 20)        /* bytes of a third level, that the machines of the table have at least */
#define MEMORY_BYTES 4.0        /* hand-written: 30 GB/s, beside 7.2 billion vectors a second */
#define HIDDEN 0.75             /* of what is moved from there while there is something to compute (nets; hand-written 512 channels at 7x7) */

double predict_totals(const Machine *m, int64_t totals)
{
    const Reached *row = m->registers < 32 ? with_16 : with_32;
    int last = (m->registers < 32 ? countof(with_16) : countof(with_32)) - 1;

    if (totals >= row[last].totals)
        return row[last].share;
    int i = 1;
    while (row[i].totals < totals)
        i++;
    double part = (double)(totals - row[i - 1].totals) / (double)(row[i].totals - row[i - 1].totals);
    return row[i - 1].share + part * (row[i].share - row[i - 1].share);
}

/* ---- what a nest does in a round */

/* Operations on vectors that a value takes; a product that is added is one of them. */
static double operations_of(const Unit *u, const Expr *e)
{
    if (!e)
        return 0;
    double own = operations_of(u, e->a) + operations_of(u, e->b) + operations_of(u, e->c) + operations_of(u, e->d);
    bool library = u->options.real == REAL_DOUBLE;
    switch (e->op) {
    case OP_CONSTANT: case OP_LOAD: case OP_INDEX: case OP_TOTAL:
        return own;
    case OP_RANDOM:
        return own + RANDOM;
    case OP_EXP: case OP_TANH:
        return own + (library ? LIBRARY : FUNCTION);
    case OP_ERF: case OP_LOG1P:
        return own + (library ? LIBRARY : LONG_FUNCTION);
    case OP_LOG:
        return own + LIBRARY;
    case OP_SELECT_GT: case OP_SELECT_EQ:
        return own + 2;
    case OP_NEG: case OP_ABS: case OP_SQRT: case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_MAX: case OP_MIN:
        return own + 1;
    }
    return own;
}

static bool is_product(const Nest *n)
{
    return n->put == PUT_ADD && n->value->op == OP_MUL && n->value->a->op == OP_LOAD && n->value->b->op == OP_LOAD
        && !n->value->a->tensor->written_out && !n->value->b->tensor->written_out;
}

static bool is_summed(const Nest *n, const Loop *l)
{
    return !nest_places_loop(n, l);
}

/* Rounds of a loop, on average over the places that its bounds depend on (trim.c). */
static double rounds_of(const Loop *l)
{
    if (!l->trimmed)
        return (double)l->extent;
    const Loop *place = l->from.term[0].loop;
    int64_t rounds = 0;
    for (int64_t i = 0; i < place->extent; i++) {
        int64_t from = l->from.offset + l->from.term[0].factor * i, to = l->to.offset + l->to.term[0].factor * i;
        rounds += (to < l->extent ? to : l->extent) - (from > 0 ? from : 0);
    }
    return (double)rounds / (double)place->extent;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum { MOST_COPIES = 1 << 12 };             /* of one access in a round; beyond them, none is taken for the same as another */

/* How many different places an access reads in the rounds that are written out. */
static int64_t loads_of(Unit *u, const Nest *n, const Expr *load)
{
    int64_t stride[MAX_LOOPS] = { 0 }, copies = 1, seen = 0;
    const Loop *out[MAX_LOOPS];
    int count = 0;

    for (int l = 0; l < n->loop_count; l++) {
        if (n->loops[l]->kind != LOOP_UNROLL || !indices_use(load->index, load->tensor->rank, n->loops[l]))
            continue;
        int64_t size = 1;
        for (int i = load->tensor->rank - 1; i >= 0; size *= load->tensor->dim[i--])
            for (int j = 0; j < load->index[i].count; j++)
                if (load->index[i].term[j].loop == n->loops[l])
                    stride[count] += size * load->index[i].term[j].factor;
        copies *= n->loops[l]->extent;
        out[count++] = n->loops[l];
    }
    if (count < 2 || copies > MOST_COPIES)
        return copies;
    int64_t *place = arena_array(u->arena, (size_t)copies, sizeof *place);
    for (int64_t i = 0; i < copies; i++) {
        place[i] = 0;
        for (int64_t l = 0, rest = i; l < count; rest /= out[l++]->extent)
            place[i] += stride[l] * (rest % out[l]->extent);
    }
    qsort(place, (size_t)copies, sizeof *place, by_number);
    for (int64_t i = 0; i < copies; i++)
        seen += i == 0 || place[i] != place[i - 1];
    return seen;
}

typedef struct Accesses {
    const Expr *list[16];
    int count;
} Accesses;

static void note_access(void *context, const Expr *load)
{
    Accesses *a = context;
    if (a->count < countof(a->list) && !load->tensor->written_out)
        a->list[a->count++] = load;
}

/* ---- what it moves */

/* Bytes, in lines of the cache, that an access touches in one round of the loops outside `from`. */
static double touched(const Unit *u, const Nest *n, const Tensor *t, const Affine *index, int from)
{
    double run = u->options.real == REAL_DOUBLE ? 8 : 4, all = 1;
    bool whole = true;                      /* so far, neighbours of a run */

    for (int i = t->rank - 1; i >= 0; i--) {
        int64_t span = 1, places = 1;
        for (int j = 0; j < index[i].count; j++)
            for (int l = from; l < n->loop_count; l++)
                if (n->loops[l] == index[i].term[j].loop) {
                    span += llabs(index[i].term[j].factor) * (n->loops[l]->extent - 1);
                    places *= n->loops[l]->extent;
                }
        span = span < t->dim[i] ? span : t->dim[i];
        double line = run < 64 ? 64 : run;
        if (places < span && (!whole || (double)places * line < (double)span * run)) {     /* a line for each place: they are far apart */
            run = line;
            whole = false;
            span = places;
        }
        *(whole ? &run : &all) *= (double)span;
        whole = whole && span == t->dim[i];
    }
    return all * (run < 64 ? 64 : run);
}

double predict_touched(const Unit *u, const Nest *n, int from)
{
    Accesses a = { .count = 0 };
    double sum = touched(u, n, n->dst, n->index, from);

    nest_loads(n, note_access, &a);
    for (int i = 0; i < a.count; i++)
        sum += touched(u, n, a.list[i]->tensor, a.list[i]->index, from);
    return sum;
}

bool predict_is_far(const Unit *u, const Nest *n)
{
    int images = nest_images_loop(n);
    double count = images >= 0 && n->loops[images]->kind == LOOP_PLAIN ? (double)n->loops[images]->extent : 1;

    return predict_touched(u, n, nest_step_loops(n)) / count > FULL * LEVEL3 / 2;
}

/* Bytes that come into a cache of this size while the nest runs. The loops from `fits` on have all they touch in it. Outside of them an access
 * is touched anew in every round of a loop that it depends on, and of those around that one; neighbouring rounds may share something. */
static double moved(const Unit *u, const Nest *n, const Accesses *a, double cache)
{
    int first = nest_step_loops(n), fits = first;
    double all = 0;

    for (; fits < n->loop_count; fits++) {
        if (predict_touched(u, n, fits) <= FULL * cache)
            break;
    }
    for (int i = -1; i < a->count; i++) {
        const Tensor *t = i < 0 ? n->dst : a->list[i]->tensor;
        const Affine *index = i < 0 ? n->index : a->list[i]->index;
        double bytes = touched(u, n, t, index, fits);
        bool anew = false;
        for (int l = fits - 1; l >= 0; l--) {
            bool step = l < first, depends = indices_use(index, t->rank, n->loops[l]);
            if (anew || step)
                bytes *= rounds_of(n->loops[l]);
            else if (depends)
                bytes = touched(u, n, t, index, l);
            anew = anew || depends;
        }
        all += i < 0 ? 2 * bytes : bytes;               /* what is stored comes and goes */
    }
    return all;
}

/* ---- the time */

/* What C compilers make vectors of without being told: the innermost loop, where all lie side by side. */
static bool compiler_has_lanes(const Unit *u, const Nest *n, int vector)
{
    const Loop *last = n->loop_count ? n->loops[n->loop_count - 1] : NULL;

    return last && last->kind == LOOP_PLAIN && !is_summed(n, last) && last->extent >= vector && lane_step(n->dst, n->index, last) == 1
        && !lanes_obstacle(u, n, last, 1);
}

/* How often the step runs a nest. */
static double step_rounds(const Nest *n)
{
    double rounds = 1;
    for (int i = 0; i < nest_step_loops(n); i++)
        rounds *= (double)n->loops[i]->extent;
    return rounds;
}

Prediction nest_predict(Unit *u, const Nest *n)
{
    const Machine *m = u->options.machine;
    int vector = machine_lanes(m, u->options.real);
    Prediction x = { .is_product = is_product(n), .lanes = 1, .totals = 1 };
    double rounds = 1, tiles = 1;
    int64_t copies = 1;
    bool sums = false, adds_lanes = false;
    Accesses all = { .count = 0 }, inner = { .count = 0 };
    Nest value = { .value = n->value };

    nest_loads(n, note_access, &all);
    nest_loads(&value, note_access, &inner);
    for (int i = 0; i < n->loop_count; i++) {
        const Loop *l = n->loops[i];
        double all_rounds = rounds_of(l);
        bool place = !is_summed(n, l);
        x.made = (x.made > 0 ? x.made : 1) * all_rounds;
        sums = sums || !place;
        if (l->kind == LOOP_LANES) {
            x.lanes = l->extent;
            adds_lanes = !place;
            continue;
        }
        if (l->kind == LOOP_UNROLL) {
            copies *= l->extent;
            x.totals *= place ? l->extent : 1;
            continue;
        }
        rounds *= all_rounds;
        if (place || l->blocks)
            tiles *= all_rounds;
    }
    x.left = x.lanes == 1 && vector > 1 && compiler_has_lanes(u, n, vector);
    if (x.left) {
        x.lanes = vector;
        rounds /= vector;
        tiles /= vector;
    }
    int64_t fewest = INT64_MAX;
    for (int i = 0; i < inner.count; i++) {
        int64_t loads = loads_of(u, n, inner.list[i]);
        fewest = loads < fewest ? loads : fewest;
        x.loads += loads;
    }
    x.registers = x.totals + (inner.count > 1 ? fewest : 0) + 1;
    double operations = operations_of(u, n->value) + (sums && !x.is_product);
    x.operations = (int64_t)((operations > 1 ? operations : 1) * (double)copies);
    x.counted = !x.is_product ? 0 : n->stated > 0 && n->stated < x.made ? n->stated : x.made;     /* a part may lie in the border (trim.c) */

    if (nest_is_turned(n))                  /* a vector is read and stored once more, and shuffled for every bit of a lane's number */
        for (int64_t lanes = x.lanes; lanes > 1; lanes /= 2)
            x.operations++;
    double work = (double)x.operations;
    if (nest_is_unfolded(n))                /* most of its products are additions that its places have in common (winograd.c) */
        work = (double)(x.operations = 2 * (x.loads > x.totals ? x.loads : x.totals));
    if (sums && !nest_is_unfolded(n)) {
        double tile = rounds / tiles * (double)(x.operations + x.loads);       /* short sums overlap with those of the next tiles */
        x.flight = x.totals * (tile < WINDOW ? (int64_t)(WINDOW / tile) : 1);
        work /= predict_totals(m, x.flight);
    }
    if (x.left && sums)
        work += LEFT_TO_COMPILER * (double)x.operations;
    if (n->fill)                            /* all of dst, or the part of one image */
        x.ends += STORE * (double)tensor_count(n->dst) / (double)(vector * (nest_fills_image(n) ? n->dst->dim[0] : 1)) * step_rounds(n);
    x.busy = rounds * (work > (double)x.loads ? work : (double)x.loads);
    x.ends += tiles * (double)x.totals * (STORE + (n->start && n->start->op != OP_CONSTANT) * BEGIN + operations_of(u, n->finish)
                                           + (!adds_lanes ? 0 : x.totals > 1 ? ADD_LANES_TOGETHER : ADD_LANES));
    if (sums)
        x.ends += tiles * DRAIN;
    if (!nest_is_trifle(n))
        x.ends += CALL * step_rounds(n);
    x.level2 = moved(u, n, &all, m->level1) / LEVEL2_BYTES;
    double all_touched = predict_touched(u, n, nest_step_loops(n));
    if (all_touched > FULL * m->level2)
        x.memory = moved(u, n, &all, m->level2) / LEVEL3_BYTES;
    if (all_touched > LEVEL3)
        x.memory += moved(u, n, &all, LEVEL3) / MEMORY_BYTES;
    double beside = x.busy + x.ends + x.level2;
    x.memory -= HIDDEN * (beside < x.memory ? beside : x.memory);
    x.time = beside + x.memory;
    return x;
}

double predict_share(const Unit *u, const Prediction *x)
{
    return x->counted / machine_lanes(u->options.machine, u->options.real) / x->time;
}

double predict_part(const Program *p, int i)
{
    double part = (double)p->tile / (double)net_batch(p->net);
    bool once = false;

    for (int k = 0; k < p->phases.count; k++)
        once = once || (p->phases.at[k].once && i >= p->phases.at[k].first && i < p->phases.at[k].end);
    return once && part < 1 ? part : 1;
}

double program_predict(Unit *u, const Program *p)
{
    double time = 0;

    for (int i = 0; i < p->nests.count; i++)
        if (!p->nests.at[i]->for_input)
            time += predict_part(p, i) * nest_predict(u, p->nests.at[i]).time;
    return time;
}
