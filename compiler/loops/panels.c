/* panels.c: the gradient of a 1x1 convolution's weights reads a vector or two of every pixel, and all pixels again for every few filters,
 *
 *     dw[co][16*ci_ + ci] += sum over n, oh, ow of dy[n][oh][ow][co] * x[n][oh][ow][16*ci_ + ci]
 *
 * Pixels of many channels lie so far apart that no processor looks ahead. So the map is copied, panel after panel,
 *
 *     panels[n][ci_][oh][ow][ci] = x[n][oh][ow][16*ci_ + ci]        with as many ci in a panel as the vectors of a register tile have lanes
 *
 * and what a tile reads lies in one piece. */
#include "loops/layout.h"

#include "loops/machine.h"

enum {
    APART = 1024,               /* bytes from pixel to pixel: of a page, whose end processors do not look beyond, four pixels */
    FILTERS = 16
};

/* How the lanes read a map. */
typedef struct Panels {
    Expr *load;
    Loop *images, *rows, *columns, *lanes;
    int64_t count;              /* of panels */
} Panels;

/* The loop that an axis is indexed with, from its first place on; NULL if there is more to it. */
static Loop *loop_along(const Affine *a)
{
    return a->count == 1 && a->offset == 0 ? a->term[0].loop : NULL;
}

/* True if an axis is indexed with whole panels and the lanes in one. */
static bool goes_by_panels(const Affine *a, Panels *p)
{
    int64_t width = p->lanes->extent;
    bool in_panel = false;

    p->count = a->offset / width + 1;
    for (int i = 0; i < a->count; i++) {
        int64_t factor = a->term[i].factor;
        if (a->term[i].loop == p->lanes && factor == 1)
            in_panel = true;
        else if (factor > 0 && factor % width == 0)
            p->count += factor / width * (a->term[i].loop->extent - 1);
        else
            return false;
    }
    return in_panel && a->offset >= 0 && a->offset % width == 0 && p->count > 1;
}

/* True if the nest sums over pixels what the lanes read of a map, pixel by pixel. */
static bool reads_panels(const Unit *u, const Nest *n, Panels *p)
{
    int64_t vector = machine_lanes(u->options.machine, u->options.real);

    *p = (Panels){ .lanes = nest_neighbours(n) };
    if (vector < 2 || !p->lanes || p->lanes->extent % vector != 0 || n->put != PUT_ADD || n->dst->per_image || n->value->op != OP_MUL || !nest_is_gather(n))
        return false;
    Expr *both[] = { n->value->a, n->value->b };
    for (int i = 0; i < 2; i++) {
        const Expr *e = both[i];
        if (e->op != OP_LOAD || !e->tensor->channels_last || e->tensor->rank != 4 || !goes_by_panels(&e->index[3], p))
            continue;
        *p = (Panels){ both[i], loop_along(&e->index[0]), loop_along(&e->index[1]), loop_along(&e->index[2]), p->lanes, p->count };
        return p->images && p->rows && p->columns && !nest_places_loop(n, p->rows) && !nest_places_loop(n, p->columns);
    }
    return false;
}

/* How often a sum reads the same: once for every filter. */
static int64_t times_read(const Nest *n, const Expr *load)
{
    int64_t times = 1;

    for (int i = 0; i < n->loop_count; i++)
        if (nest_places_loop(n, n->loops[i]) && !indices_use(load->index, load->tensor->rank, n->loops[i]))
            times *= n->loops[i]->extent;
    return times;
}

/* Time before by time with panels, where they are made (Zen 3 with AVX2, gcc 12.2, one image; 16): 28x28 and 56x56 pixels 0.96 to 1.16; 1.3, 14x14 1.1 to
 * 1.3; 1.1 to 1.5, 7x7 1.6 to 2.3; 1.4 to 1.5. With half the channels 0.93 to 0.96; 0.94 to 1.07, with half the filters 0.85; 1.3. */
static bool is_worth_it(const Unit *u, const Nest *n, const Expr *load)
{
    return load->tensor->dim[3] * (u->options.real == REAL_DOUBLE ? 8 : 4) >= APART && times_read(n, load) >= FILTERS;
}

static Affine just(Loop *l, int64_t factor)
{
    return (Affine){ .count = 1, .term = { { l, factor } } };
}

/* The copy, and before nest `where` the nest that makes it. */
static Tensor *copy_in_panels(Unit *u, Program *p, int where, const Panels *from)
{
    static const char *const names[] = { "n", "c_", "h", "w", "c" };
    const Nest *n = p->nests.at[where];
    const Affine *pixel = from->load->index;
    Tensor *x = from->load->tensor, *t = ARENA_NEW(u->arena, Tensor);
    Expr *load = ARENA_NEW(u->arena, Expr);

    *t = (Tensor){ .name = tensor_name(u, p, arena_print(u->arena, "%s.panels", x->name)), .symbol = "y", .role = ROLE_SCRATCH, .rank = countof(names),
                   .dim = { from->images->extent, from->count, from->rows->extent, from->columns->extent, from->lanes->extent },
                   .per_image = true, .has_n = true, .channels_last = true, .channels = from->lanes->extent, .site = n->site };
    LIST_ADD(u->arena, &p->tensors, t);
    Nest *copy = nest_over_all(u, nest_name(u, p, arena_print(u->arena, "%s_panels", n->name)), "Panel after panel, so that a few channels of all pixels lie in one piece.", t);
    copy->site = n->site;
    copy->backward = n->backward;
    copy->for_input = n->for_input;
    for (int i = 0; i < t->rank; i++)
        copy->loops[i]->name = names[i];
    *load = (Expr){ .op = OP_LOAD, .tensor = x,
                    .index = { just(copy->loops[0], 1), just(copy->loops[2], pixel[1].term[0].factor), just(copy->loops[3], pixel[2].term[0].factor),
                               { .count = 2, .term = { { copy->loops[1], t->dim[4] }, { copy->loops[4], 1 } } } } };
    copy->value = load;
    LIST_ADD(u->arena, &copy->symbols, ((Symbol){ x, "x" }));
    program_insert(u, p, where, copy);
    return t;
}

/* The number of the panel that lanes lie in. */
static Affine panel_of(const Affine *channel, const Loop *lanes)
{
    Affine panel = { .offset = channel->offset / lanes->extent };

    for (int i = 0; i < channel->count; i++)
        if (channel->term[i].loop != lanes) {
            panel.term[panel.count] = channel->term[i];
            panel.term[panel.count++].factor /= lanes->extent;
        }
    return panel;
}

void program_panels(Unit *u, Program *p)
{
    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        Panels from;
        if (!reads_panels(u, n, &from) || !is_worth_it(u, n, from.load))
            continue;
        Expr *x = from.load;
        const char *symbol = nest_symbol(u, n, x->tensor);
        x->tensor = copy_in_panels(u, p, i++, &from);
        x->index[4] = just(from.lanes, 1);
        x->index[1] = panel_of(&x->index[3], from.lanes);
        x->index[2] = just(from.rows, 1);
        x->index[3] = just(from.columns, 1);
        LIST_ADD(u->arena, &n->symbols, ((Symbol){ x->tensor, symbol }));
    }
}
