/* summary.c: cnnc summary: the network as a table, its totals, and its memory over time. */
#include "inspect/inspect.h"

#include "emit/lesson.h"
#include "inspect/facts.h"

#include <inttypes.h>
#include <string.h>

enum { MAP_WIDTH = 84, LEAST_WIDTH = 16, MAP_LEFT = 13, MAP_ROWS = 14, LONGEST_ARITHMETIC = 64 };

/* The columns of the table. A column without anything in it is left out, but for its head. */
enum { LABEL, LINE, LAYER, SHAPE, ARITHMETIC, PARAMETERS, WORK, BYTES, SEES, COLUMNS };

static const struct { const char *head; bool right; } column[COLUMNS] = {
    [LABEL] = { "", false }, [LINE] = { "line", true }, [LAYER] = { "layer", false }, [SHAPE] = { "output", false },
    [ARITHMETIC] = { "how its size comes about", false }, [PARAMETERS] = { "parameters", true }, [WORK] = { "work", true },
    [BYTES] = { "bytes", true }, [SEES] = { "sees", false },
};

typedef struct TableRow {
    const char *cell[COLUMNS];
} TableRow;

static const char *number(Unit *u, int64_t n)
{
    return n ? grouped(u->arena, n) : "";
}

/* What the layer reads, where that is not the line above. */
static const char *layer_text(Unit *u, const Facts *f, int i)
{
    const LayerFacts *l = &f->layers.at[i];
    const char *text = l->name, *before = i > 0 ? f->layers.at[i - 1].name : "";

    if (!l->site)
        return text;
    if (strcmp(l->site->y->name, l->site->name) != 0)
        text = arena_print(u->arena, "%s = %s", text, l->site->y->name);
    if (l->site->in_count == 1 && (i == 0 || strcmp(l->site->x->from ? l->site->x->from->name : l->site->x->name, before) == 0))
        return text;
    for (int j = 0; j < l->site->in_count; j++)
        text = arena_print(u->arena, "%s%s%s", text, j ? ", " : " < ", l->site->in[j]->name);
    return text;
}

static TableRow row_of(Unit *u, const Facts *f, int i)
{
    const LayerFacts *l = &f->layers.at[i];
    TableRow r = { .cell = {
        [LABEL] = l->label, [LINE] = l->place, [LAYER] = layer_text(u, f, i), [SHAPE] = shape_text(u, l->shape),
        [ARITHMETIC] = l->arithmetic, [PARAMETERS] = number(u, l->parameters), [WORK] = number(u, l->forward),
        [BYTES] = number(u, l->bytes), [SEES] = field_text(u, &l->field),
    } };

    if (strlen(r.cell[ARITHMETIC]) > LONGEST_ARITHMETIC)
        r.cell[ARITHMETIC] = arena_print(u->arena, "%.*s ...", LONGEST_ARITHMETIC - 4, r.cell[ARITHMETIC]);
    return r;
}

/* What a narrow terminal does without, the first of them first. */
static const int dispensable[] = { ARITHMETIC, SEES, BYTES, PARAMETERS };

typedef struct Widths {
    int of[COLUMNS];
    bool left_out[COLUMNS];
} Widths;

static int width_of(const Widths *w)
{
    int sum = 0;

    for (int i = 0; i < COLUMNS; i++)
        sum += w->left_out[i] ? 0 : w->of[i] + (i ? 2 : 0);
    return sum;
}

static void put_row(Text *t, const TableRow *r, const Widths *w)
{
    int last = COLUMNS - 1;

    while (last > 0 && (w->left_out[last] || !*r->cell[last]))
        last--;
    for (int i = 0; i <= last; i++) {
        if (w->left_out[i])
            continue;
        text_put(t, "%s", i ? "  " : "");
        if (i == last && !column[i].right)
            text_put(t, "%s", r->cell[i]);
        else
            text_put(t, column[i].right ? "%*s" : "%-*s", w->of[i], r->cell[i]);
    }
    text_put(t, "\n");
}

static void put_left_out(const Subject *s, const Widths *w, Text *t)
{
    const char *between = "";

    for (int i = 0; i < countof(dispensable); i++)
        if (w->left_out[dispensable[i]]) {
            if (!*between)
                text_put(t, "left out in %d columns: ", s->columns);
            text_put(t, "%s%s", between, column[dispensable[i]].head);
            between = ", ";
        }
    if (*between)
        text_put(t, "\n");
}

static void put_table(const Subject *s, const Facts *f, Text *t)
{
    Unit *u = s->u;
    Widths w = { 0 };
    TableRow head, *rows = arena_array(u->arena, (size_t)f->layers.count, sizeof *rows);

    for (int i = 0; i < COLUMNS; i++) {
        head.cell[i] = column[i].head;
        w.of[i] = (int)strlen(column[i].head);
    }
    for (int i = 0; i < f->layers.count; i++) {
        rows[i] = row_of(u, f, i);
        for (int j = 0; j < COLUMNS; j++)
            if ((int)strlen(rows[i].cell[j]) > w.of[j])
                w.of[j] = (int)strlen(rows[i].cell[j]);
    }
    for (int i = 0; s->terminal && i < countof(dispensable) && width_of(&w) > s->columns; i++)
        w.left_out[dispensable[i]] = true;
    put_row(t, &head, &w);
    for (int i = 0; i < f->layers.count; i++)
        put_row(t, &rows[i], &w);
    put_left_out(s, &w, t);
}

static void put_total(Unit *u, Text *t, const char *name, int64_t count, const char *unit, int64_t bytes)
{
    text_put(t, "  %-26s %15s %s", name, grouped(u->arena, count), unit);
    if (bytes) {
        text_column(t, 64);
        text_put(t, "%s", bytes_text(u, bytes));
    }
    text_put(t, "\n");
}

static void put_totals(Unit *u, const Facts *f, Text *t)
{
    int b = f->real_bytes;

    text_put(t, "inference, for one image\n");
    put_total(u, t, "parameters", f->parameters, "numbers", f->parameters * b);
    if (f->state)
        put_total(u, t, "state", f->state, "numbers", f->state * b);
    put_total(u, t, "work", f->forward, "multiply-adds", 0);
    put_total(u, t, "between the layers", u->infer->scratch / u->infer->tile, "numbers at a time", u->infer->scratch / u->infer->tile * b);
    if (!u->train)
        return;
    text_put(t, "training, for one image\n");
    put_total(u, t, "parameters and gradients", 2 * f->parameters, "numbers", 2 * f->parameters * b);
    put_total(u, t, "work, there and back", f->forward + f->backward, "multiply-adds", 0);
    put_total(u, t, "between the layers", u->train->scratch / u->train->tile, "numbers at a time", u->train->scratch / u->train->tile * b);
    if (u->train->shared)
        put_total(u, t, "of the whole batch", u->train->shared, "numbers", u->train->shared * b);
}

static void put_cells(Text *t, const MemoryMap *m, const char *const *cell)
{
    for (int x = 0; x < m->width; x++)
        text_put(t, "%-*s", x == m->width - 1 ? 0 : m->wide, cell[x]);
    text_put(t, "\n");
}

/* The border below the picture, with a mark where the forward pass ends. */
static void put_scale(Text *t, const MemoryMap *m, bool backward)
{
    text_put(t, "  %9s +", "");
    for (int x = 0; x < m->width * m->wide; x++)
        text_put(t, "%s", backward && x == m->forward * m->wide ? "|" : "-");
    text_put(t, "> time\n  %9s  ", "at work");
    put_cells(t, m, m->work);
    if (backward) {
        text_put(t, "  %9s  forward", "");
        text_column(t, MAP_LEFT + m->forward * m->wide);
        text_put(t, "| backward\n");
    }
}

static void put_map(const Subject *s, const Facts *f, const Program *p, Text *t)
{
    Unit *u = s->u;

    if (p->scratch == 0 || p->nests.count == 0)
        return;
    int room = s->columns - MAP_LEFT - (int)strlen("> time");
    room = !s->terminal || room > MAP_WIDTH ? MAP_WIDTH : room < LEAST_WIDTH ? LEAST_WIDTH : room;
    MemoryMap m = memory_map(u, f, p, room, MAP_ROWS);
    bool backward = m.forward < m.width;

    text_put(t, "memory of %s: %s at the most; no plan needs less than %s\n", p->mode == MODE_INFER ? "inference" : "training",
             bytes_text(u, p->scratch * f->real_bytes), bytes_text(u, p->lower_bound * f->real_bytes));
    for (int y = 0; y < m.height; y++) {
        text_put(t, "  %9s |", y == 0 ? bytes_text(u, p->scratch * f->real_bytes) : "");
        put_cells(t, &m, m.cell + y * m.width);
    }
    put_scale(t, &m, backward);
    text_put(t, "\n");
}

static bool run(const Subject *s, Text *t)
{
    Unit *u = s->u;
    const Facts *f = facts_of(u);

    text_put(t, "network %s, numbers of %d bytes\n\n", u->net->name, f->real_bytes);
    put_table(s, f, t);
    text_put(t, "\n");
    put_totals(u, f, t);
    text_put(t, "\n");
    put_map(s, f, u->infer, t);
    if (u->train)
        put_map(s, f, u->train, t);
    text_put(t, "a letter is what that layer made, a capital its gradient, * the loss, . free\nwork: multiply-adds for an image\nsees: as much of the input as one element depends on\n");
    return true;
}

const Inspection inspection_summary = {
    .name = "summary", .takes = "net.cnn",
    .summary = "the network as a table: shapes and how they come about, parameters, work, memory over time",
    .run = run,
};
