/* bands.c: a map that only the pooling behind it reads is made and read a band of rows at a time:
 *
 *     t[h][w] = convolution for 28 rows;  y[oh][ow] = max over kh, kw of t[2*oh + kh][2*ow + kw]
 *
 * becomes, for one of 14 bands after the other (the step runs that loop, around both nests),
 *
 *     t[h][w] = convolution for row 2*band + h of 2;  y[band + oh][ow] = max over kh, kw of t[2*oh + kh][2*ow + kw]
 *
 * What is read of t still lies in the nearest cache, and t needs the room of a band alone. Windows that reach over rows of another band keep
 * their map; so do maps that stay in the cache whole, and those whose weights, read again for every band, would move more than the map. After
 * program_winograd, whose nests may run in bands already. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <stdlib.h>
#include <string.h>

/* A map and the nests that make it, one after the other. */
typedef struct Pooled {
    const Unit *u;
    Program *p;
    Tensor *map;
    int first, readers;                     /* nests [first, readers) make it, those that read it come from there on */
    int64_t step;                           /* rows of the map for one of a reader's result */
    const Loop *row;                        /* of the reader at hand */
    double weights;                         /* bytes that its maker reads, whatever the place */
    bool good;
} Pooled;

/* The axis of rows: n h w c, c h w n, or of a single image n c h w. */
static int rows_of(const Tensor *map)
{
    return map->channels_last || map->images_last ? 1 : 2;
}

static double bytes_of(const Unit *u, const Tensor *t)
{
    return (double)tensor_count(t) * (u->options.real == REAL_DOUBLE ? 8 : 4);
}

/* It is what another one that reads the map has made of the same rows. */
static bool comes_along(const Pooled *f, const Expr *load)
{
    int maker = program_maker(f->p, load->tensor);
    const Affine *a = &load->index[rows_of(load->tensor)];

    return maker >= f->readers && nest_reads(f->p->nests.at[maker], f->map) && load->tensor->rank == 4
        && a->count == 1 && a->offset == 0 && a->term[0].factor == 1 && a->term[0].loop == f->row;
}

/* Of the map, rows from step * row on, fewer than step of them; of others, what another reader has just made. Who reads weights as well is no
 * pooling, and has tiles over rows of its own. */
static void see_read(void *context, const Expr *load)
{
    Pooled *f = context;
    const Affine *a = &load->index[rows_of(load->tensor)];
    int64_t reach = 1;

    if (load->tensor != f->map) {
        f->good = f->good && comes_along(f, load);
        return;
    }
    bool along = false;
    for (int i = 0; i < a->count; i++) {
        bool row = a->term[i].loop == f->row;
        along = along || row;
        f->step = row && f->step == 0 ? a->term[i].factor : f->step;
        f->good = f->good && (!row || a->term[i].factor == f->step);
        reach += row ? 0 : llabs(a->term[i].factor) * (a->term[i].loop->extent - 1);
        f->good = f->good && a->term[i].factor > 0;
    }
    f->good = f->good && along && a->offset == 0 && reach <= f->step;
}

static void see_weights(void *context, const Expr *load)
{
    Pooled *f = context;
    if (!load->tensor->per_image)
        f->weights += bytes_of(f->u, load->tensor);
}

static bool is_whole(const Nest *n)
{
    return nest_is_gather(n) && !n->fill && (n->put == PUT_SET || n->start) && n->dst->per_image && n->dst->rank == 4 && n->dst->role == ROLE_SCRATCH
        && !n->dst->view_of;
}

/* Its result is made row after row of the map, each by what those rows alone hold. */
static bool reads_by_row(Pooled *f, const Nest *n)
{
    f->row = is_whole(n) && !nest_band(n) ? nest_axis_loop(n, rows_of(n->dst)) : NULL;
    f->good = f->row != NULL;
    if (f->good)
        nest_loads(n, see_read, f);
    return f->good && f->row->extent * f->step == f->map->dim[rows_of(f->map)] && n->loop_count < MAX_LOOPS;
}

static bool on_one_side(const Nest *a, const Nest *b)
{
    return a->backward == b->backward && a->for_input == b->for_input;
}

/* True if a reader, nest number `reader`, may run right behind the makers: it has nothing to do with the others that stand between. */
static bool can_follow(const Pooled *f, int reader)
{
    const Program *p = f->p;
    const Nest *n = p->nests.at[reader];

    for (int i = f->readers; i < reader; i++)
        if (!nest_reads(p->nests.at[i], f->map) && (!on_one_side(n, p->nests.at[i]) || nests_depend(n, p->nests.at[i])))
            return false;
    return on_one_side(n, p->nests.at[f->first]);
}

/* Finds the map that nest number `first` makes, and that nests behind it read. */
static bool is_pooled(Pooled *f)
{
    Program *p = f->p;
    const Nest *maker = p->nests.at[f->first];
    int count = 0;

    f->map = maker->dst;
    if (!is_whole(maker) || f->map->kept || f->map->one_band || program_has_views(p, f->map))
        return false;
    f->readers = f->first;
    while (f->readers < p->nests.count && p->nests.at[f->readers]->dst == f->map)
        f->readers++;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        bool reads = nest_reads(n, f->map);
        if ((n->dst == f->map && (i < f->first || i >= f->readers)) || (reads && (i < f->readers || !reads_by_row(f, n) || !can_follow(f, i))))
            return false;
        count += reads;
    }
    return count > 0;
}

/* ---- how many rows */

/* The rows of a band that fits into half of a cache, or a single one into three quarters, if there should be bands: then the map does not stay there
 * whole, and weights do not move more. 0: none. (LeNet's first map with 16 lanes, 21 KB a row of windows: convolution and pooling take 0.77 of the time.) */
static int64_t rows_for(const Pooled *f, double cache)
{
    int64_t images = f->map->images_last ? f->map->dim[3] / machine_lanes(f->u->options.machine, f->u->options.real) : f->map->dim[0];
    double all = bytes_of(f->u, f->map) / (double)(images > 1 ? images : 1);
    int64_t rows = f->map->dim[rows_of(f->map)] / f->step, most = (int64_t)(cache / 2 / (all / (double)rows));

    if (most < 1 && all / (double)rows <= 0.75 * cache)
        most = 1;
    if (all <= 0.75 * cache || most < 1)
        return 0;
    while (rows % most)
        most--;
    return most < rows && (double)(rows / most) * f->weights <= all ? most : 0;
}

/* The loop that the makers run under already, if its bands are whole rows of the readers; NULL otherwise. */
static Loop *band_of_makers(const Pooled *f)
{
    Loop *band = nest_band(f->p->nests.at[f->first]);

    for (int i = f->first; band && i < f->readers; i++)
        if (nest_band(f->p->nests.at[i]) != band || !indices_use(&f->p->nests.at[i]->index[rows_of(f->map)], 1, band))
            return NULL;
    return band && f->map->dim[rows_of(f->map)] / f->step % band->extent == 0 ? band : NULL;
}

/* The loop that the step is to run, or NULL if there should be none. */
static Loop *choose_band(Unit *u, Pooled *f)
{
    const Nest *maker = f->p->nests.at[f->first];

    if (nest_band(maker))
        return band_of_makers(f);
    if (f->readers > f->first + 1 || !nest_axis_loop(maker, rows_of(maker->dst)) || maker->loop_count == MAX_LOOPS)
        return NULL;
    nest_loads(maker, see_weights, f);
    int64_t height = rows_for(f, f->u->options.machine->level1);
    height = height ? height : rows_for(f, f->u->options.machine->level2);
    if (!height)
        return NULL;
    Loop *band = ARENA_NEW(u->arena, Loop);
    *band = (Loop){ .name = "band", .extent = f->map->dim[rows_of(f->map)] / f->step / height, .kind = LOOP_BAND };
    return band;
}

/* ---- the rewrite */

typedef struct Within { const Tensor *map; const Loop *band; } Within;

/* A row of the map counts from the first one of the band. */
static void begin_at_band(Affine *row, const Loop *band)
{
    int kept = 0;

    for (int i = 0; i < row->count; i++)
        if (row->term[i].loop != band)
            row->term[kept++] = row->term[i];
    row->count = kept;
}

static Expr *read_band(void *context, Expr *e)
{
    const Within *w = context;
    if (e->op == OP_LOAD && e->tensor == w->map)
        begin_at_band(&e->index[rows_of(w->map)], w->band);
    return e;
}

/* All readers come right behind the makers. Returns where the last one ends. */
static int gather_readers(const Pooled *f)
{
    Program *p = f->p;
    int end = f->readers;

    for (int i = end; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (!nest_reads(n, f->map))
            continue;
        memmove(p->nests.at + end + 1, p->nests.at + end, (size_t)(i - end) * sizeof n);
        p->nests.at[end++] = n;
    }
    return end;
}

static void split_rows(Unit *u, const Pooled *f, Loop *band)
{
    Within w = { f->map, band };
    int end = gather_readers(f);

    for (int i = f->first; i < end; i++) {
        Nest *n = f->p->nests.at[i];
        if (!nest_band(n))
            nest_split_by(u, n, nest_find_loop(n, nest_axis_loop(n, rows_of(n->dst))), band);
        if (i < f->readers)
            begin_at_band(&n->index[rows_of(f->map)], band);
        n->value = expr_map(u, n->value, read_band, &w);
        n->start = expr_map(u, n->start, read_band, &w);
        n->finish = expr_map(u, n->finish, read_band, &w);
    }
    f->map->dim[rows_of(f->map)] /= band->extent;
    f->map->one_band = true;
    nest_remark(u, f->p->nests.at[f->first], "%lld rows a band, which what reads them follows", (long long)f->map->dim[rows_of(f->map)]);
}

void program_bands(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Pooled f = { .u = u, .p = p, .first = i };
        Loop *band = is_pooled(&f) ? choose_band(u, &f) : NULL;
        if (band)
            split_rows(u, &f, band);
    }
}
