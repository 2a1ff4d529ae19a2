/* blocks.c: a dense layer sums in blocks where all that it sums does not stay near. With images innermost,
 *
 *     y[co][n] = sum over ci of w[co][ci] * x[ci][n]        goes through all of x for every few outputs,
 *     dx[ci][n] = sum over co of w[co][ci] * dy[co][n]      through as many rows of w, a line of each, for every few inputs,
 *
 * and so does block after block, all outputs of one before the next: begun by a nest before it, and what else is done to a total by one behind it,
 *
 *     s[co][n] = b[co];   s[co][n] += sum over the ci of a block of w * x, for every block;   y[co][n] = max(s[co][n], 0)
 *
 * Of x as much as half of the nearest cache holds. Rows of w that are a power of two apart meet in few sets of it, and the line of one is gone before
 * the next inputs come for the rest of it: so many rows that they stay, if 16 are. (Zen 3 with AVX2, 32 images, gcc 12.2, time before by time with
 * blocks: 3136 to 128, y 1.2, dx 1.2 to 1.3; 512 to 512, dx 1.4. What fits gains nothing: y of 784 to 512 0.9 to 1.0.) */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <assert.h>
#include <string.h>

enum {
    LINE = 64,                  /* bytes of a line of a cache */
    WAYS = 8,                   /* lines that a set of the nearest cache holds */
    FEWEST = 16,                /* rounds of a block: below, to load and store the totals takes too long */
    GROUPS = 4                  /* of images, that a register tile of a dense layer has at most */
};

/* ---- which sums */

typedef struct Dense {
    const Expr *weights, *map;  /* the factors */
    int summed;                 /* number of the loop */
    bool along_row;             /* of the weights: else from row to row */
} Dense;

/* A dense layer's sum for each of several images, which lie innermost. */
static bool is_dense(const Nest *n, Dense *d)
{
    int images = nest_images_loop(n), summed = -1;

    if (images < 0 || n->put != PUT_ADD || !n->start || n->fill || n->dst->role != ROLE_SCRATCH || n->dst->view_of || n->value->op != OP_MUL || !nest_is_gather(n)
        || n->loop_count == MAX_LOOPS || !nest_covers(n) || n->value->a->op != OP_LOAD || n->value->b->op != OP_LOAD)
        return false;
    for (int i = 0; i < n->loop_count; i++)
        if (nest_sums_over(n, i)) {
            if (summed >= 0)
                return false;
            summed = i;
        }
    if (summed < 0 || n->loops[summed]->kind != LOOP_PLAIN || nest_sums_over(n, images))
        return false;
    bool first = !n->value->a->tensor->per_image;
    *d = (Dense){ first ? n->value->a : n->value->b, first ? n->value->b : n->value->a, summed, false };
    const Expr *w = d->weights;
    d->along_row = is_just(&w->index[1], n->loops[summed]);
    return !w->tensor->per_image && d->map->tensor->per_image && w->tensor->rank == 2 && (d->along_row || is_just(&w->index[0], n->loops[summed]));
}

/* ---- how large a block is */

/* Lines of rows so far apart that the nearest cache keeps at one time. */
static int64_t lines_that_stay(const Machine *m, int64_t apart)
{
    int64_t sets = m->level1 / (LINE * WAYS), step = apart / LINE;

    if (apart % LINE != 0)
        return sets * WAYS;                                     /* they wander through all sets */
    while (sets > 1 && step % 2 == 0) {                         /* every second set is left out */
        sets /= 2;
        step /= 2;
    }
    return sets * WAYS;
}

/* Rounds of a block; 0 if the sum stays in one. */
static int64_t block_of(const Unit *u, const Nest *n, const Dense *d, int64_t images)
{
    const Machine *m = u->options.machine;
    int64_t real = u->options.real == REAL_DOUBLE ? 8 : 4, all = n->loops[d->summed]->extent, most;

    if (d->along_row) {
        if (all * images * real <= m->level2 / 2)
            return 0;
        most = m->level1 / 2 / (images * real);
    } else {
        int64_t lines = lines_that_stay(m, d->weights->tensor->dim[1] * real);
        if (4 * all <= 3 * lines)                               /* what else the sum reads has to stay there, too */
            return 0;
        most = lines / 4 > FEWEST ? lines / 4 : lines >= FEWEST ? FEWEST : 0;
    }
    most = most < FEWEST || all <= 2 * most ? 0 : largest_divisor(all, most);
    return most >= FEWEST ? most : 0;
}

/* ---- what the sum becomes */

typedef struct Total { Tensor *sums; const Affine *index; } Total;

static Expr *total_is_load(void *context, Expr *e)
{
    const Total *total = context;

    if (e->op == OP_TOTAL) {
        *e = (Expr){ .op = OP_LOAD, .tensor = total->sums };
        memcpy(e->index, total->index, sizeof e->index);
    }
    return e;
}

/* A nest for every place that `like` makes, which sets it to something once. */
static Nest *nest_of_places(Unit *u, const Program *p, const Nest *like, const char *suffix, const char *why, Tensor *dst, Expr *value)
{
    Nest *n = nest_copy(u, like);

    n->name = nest_name(u, p, arena_print(u->arena, "%s_%s", like->name, suffix));
    n->why = why;
    n->put = PUT_SET;
    n->dst = dst;
    n->value = value;
    n->start = n->finish = NULL;
    n->stated = 0;
    n->loop_count = 0;
    for (int i = 0; i < like->loop_count; i++)
        if (nest_places_loop(like, like->loops[i]))
            n->loops[n->loop_count++] = like->loops[i];
    nest_own_loops(u, n);
    return n;
}

/* Nest number `where` in blocks. Returns how many nests came. */
static int sum_in_blocks(Unit *u, Program *p, int where, const Dense *d, int64_t block)
{
    Nest *n = p->nests.at[where], *end = NULL;
    Tensor *dst = n->dst;

    if (n->finish) {
        Total total = { tensor_twin(u, p, dst, ROLE_SCRATCH, "sums"), n->index };
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ total.sums, "sum" }));
        end = nest_of_places(u, p, n, "end", "What is done to the totals, now that they are whole.", dst, expr_map(u, n->finish, total_is_load, &total));
        n->finish = NULL;
        n->note = NULL;
        n->dst = total.sums;
    }
    Nest *begin = nest_of_places(u, p, n, "begin", "What the totals begin with.", n->dst, n->start);
    begin->note = NULL;
    n->start = NULL;
    nest_remark(u, n, "in blocks of %lld of %lld %s, which stay near", (long long)block, (long long)n->loops[d->summed]->extent, n->loops[d->summed]->name);
    bool split = nest_split(u, n, d->summed, block);
    assert(split);
    (void)split;
    n->loops[d->summed]->blocks = true;
    if (end) {
        program_insert(u, p, where, end);                       /* before it, for what comes behind the last nest of a phase is in the next one */
        p->nests.at[where] = n;
        p->nests.at[where + 1] = end;
    }
    program_insert(u, p, where, begin);
    return end ? 2 : 1;
}

void program_blocks(Unit *u, Program *p)
{
    for (int i = 0; p->tile > 1 && i < p->nests.count; i++) {
        Dense d;
        int64_t vector = machine_lanes(u->options.machine, u->options.real);
        int64_t images = p->groups && p->tile > GROUPS * vector ? GROUPS * vector : p->tile;       /* that meet a block one after the other */
        int64_t block = is_dense(p->nests.at[i], &d) ? block_of(u, p->nests.at[i], &d, images) : 0;
        if (block)
            i += sum_in_blocks(u, p, i, &d, block);
    }
}
