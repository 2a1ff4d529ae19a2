/* dump.c: the checked network as a table, for --dump=net and golden tests. */
#include "net/recipe.h"

#include <inttypes.h>
#include <string.h>

/* Where the columns of the table begin: as far right as what stands before them needs. */
typedef struct Columns {
    int name, reads, shape, params, tensors;
} Columns;

enum { LINE = 5, GAP = 2, NUMBER = 12 };

static int wider(int a, int b) { return a > b ? a : b; }

/* "relu1", or "relu1 = stem" for a value with another name than its site. */
static const char *name_text(Unit *u, const Site *s)
{
    if (strcmp(s->y->name, s->name) == 0)
        return s->name;
    return arena_print(u->arena, "%s = %s", s->name, s->y->name);
}

static const char *inputs_text(Unit *u, const Site *s)
{
    const char *text = "";

    for (int i = 0; i < s->in_count; i++)
        text = arena_print(u->arena, "%s%s%s", text, i == 0 ? "" : ", ", s->in[i]->name);
    return text;
}

/* Where a line stands: its number, and its file if that is an imported one. */
static const char *place_text(Unit *u, const Net *net, Span at)
{
    if (at.source == 0)
        return "";
    if (at.source == net->span.source)
        return arena_print(u->arena, "%*d", LINE, span_line(u, at));
    return arena_print(u->arena, "%s:%d", source_name(u, at.source), span_line(u, at));
}

static Columns columns_of(Unit *u, const Net *net)
{
    int place = LINE, name = (int)strlen(net->x->name), reads = (int)strlen("reads");
    int shape = (int)strlen(shape_text(u, net->input));

    for (int i = 0; i < net->sites.count; i++) {
        const Site *s = net->sites.at[i];
        place = wider(place, (int)strlen(place_text(u, net, s->span)));
        name = wider(name, (int)strlen(name_text(u, s)));
        reads = wider(reads, (int)strlen(inputs_text(u, s)));
        shape = wider(shape, (int)strlen(shape_text(u, s->y->shape)));
    }
    Columns c = { .name = place + GAP };
    c.reads = c.name + name + GAP;
    c.shape = c.reads + reads + GAP;
    c.params = c.shape + shape;
    c.tensors = c.params + NUMBER + GAP;
    return c;
}

/* "weight 6x1x5x5" */
static void put_param(Text *t, const Param *p, bool first)
{
    text_put(t, "%s%s ", first ? "" : ", ", p->role);
    for (int i = 0; i < p->shape.rank; i++)
        text_put(t, "%s%" PRId64, i == 0 ? "" : "x", p->shape.dim[i]);
    if (!p->trained)
        text_put(t, " (state)");
}

static void put_number(Text *t, int64_t number)
{
    text_put(t, "%*" PRId64, NUMBER, number);
}

static void dump_site(Unit *u, const Net *net, Text *t, const Site *s, const Columns *c)
{
    int64_t trained = 0;

    text_put(t, "%s", place_text(u, net, s->span));
    text_column(t, c->name);
    text_put(t, "%s", name_text(u, s));
    text_column(t, c->reads);
    text_put(t, "%s", inputs_text(u, s));
    text_column(t, c->shape);
    text_put(t, "%s", shape_text(u, s->y->shape));
    if (s->params.count > 0) {
        for (int i = 0; i < s->params.count; i++)
            if (s->params.at[i]->trained)
                trained += shape_count(s->params.at[i]->shape);
        text_column(t, c->params);
        put_number(t, trained);
        text_column(t, c->tensors);
        for (int i = 0; i < s->params.count; i++)
            put_param(t, s->params.at[i], i == 0);
    }
    text_put(t, "\n");
}

static void dump_totals(Unit *u, const Net *net, Text *t)
{
    int64_t values = shape_count(net->input), state = 0, bytes = u->options.real == REAL_DOUBLE ? 8 : 4;

    for (int i = 0; i < net->sites.count; i++)
        values += shape_count(net->sites.at[i]->y->shape);
    for (int i = 0; i < net->params.count; i++)
        if (!net->params.at[i]->trained)
            state += shape_count(net->params.at[i]->shape);
    text_blank(t);
    text_put(t, "parameters  ");
    put_number(t, net->trained_count);
    text_put(t, "  %12" PRId64 " bytes\n", bytes * net->trained_count);
    if (state > 0) {
        text_put(t, "state       ");
        put_number(t, state);
        text_put(t, "  %12" PRId64 " bytes\n", bytes * state);
    }
    text_put(t, "all values  ");
    put_number(t, values);
    text_put(t, "  %12" PRId64 " bytes an image\n", bytes * values);
}

static void dump_setting(Unit *u, Text *t, const Setting *s)
{
    int count;
    const RecipeRow *rows = recipe_rows(u, s, &count);

    text_put(t, "%s", s->name);
    text_column(t, 12);
    if (s->word != NULL)
        text_put(t, "%s", s->word);
    for (int i = 0; i < count; i++) {
        text_put(t, "%s%s%s", i == 0 ? (s->word == NULL ? "" : "  ") : ", ", rows[i].name, *rows[i].name == 0 ? "" : " ");
        if (rows[i].text != NULL)
            text_put(t, "\"%s\"", rows[i].text);
        else
            text_put(t, "%.9g", rows[i].number);
    }
    text_put(t, "\n");
}

static void dump_row(const Recipe *r, Text *t, const Row *row)
{
    text_put(t, "row");
    text_column(t, 12);
    for (int64_t i = 0; i < r->row_inputs; i++)
        text_put(t, "%s%.9g", i == 0 ? "" : ", ", row->inputs[i]);
    text_put(t, " -> ");
    for (int64_t i = 0; i < r->row_targets; i++)
        text_put(t, "%s%.9g", i == 0 ? "" : ", ", row->targets[i]);
    text_put(t, "\n");
}

void net_dump(Unit *u, const Net *net, Text *t)
{
    Columns c = columns_of(u, net);

    text_put(t, "network %s\n", net->name);
    text_blank(t);
    text_put(t, "%*s", LINE, "line");
    text_column(t, c.name);
    text_put(t, "layer");
    text_column(t, c.reads);
    text_put(t, "reads");
    text_column(t, c.shape);
    text_put(t, "shape");
    text_column(t, c.params);
    text_put(t, "%*s\n", NUMBER, "parameters");
    text_put(t, "%s", place_text(u, net, net->x->span));
    text_column(t, c.name);
    text_put(t, "%s", net->x->name);
    text_column(t, c.shape);
    text_put(t, "%s\n", shape_text(u, net->input));
    for (int i = 0; i < net->sites.count; i++)
        dump_site(u, net, t, net->sites.at[i], &c);
    dump_totals(u, net, t);
    text_blank(t);
    text_put(t, net->recipe.given ? "recipe\n" : "recipe (no train block)\n");
    for (int i = 0; i < net->recipe.settings.count; i++)
        dump_setting(u, t, &net->recipe.settings.at[i]);
    for (int i = 0; i < net->recipe.rows.count; i++)
        dump_row(&net->recipe, t, &net->recipe.rows.at[i]);
    if (net->recipe.straight_through)
        text_put(t, "the gradient passes straight through step\n");
}
