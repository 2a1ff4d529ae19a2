/* dump.c: the checked network as a table, for --dump=net and golden tests. */
#include "net/recipe.h"

#include <inttypes.h>
#include <string.h>

/* Columns of the table. */
enum { LINE = 5, NAME = 7, READS = 24, SHAPE = 46, PARAMS = 62, TENSORS = 75 };

static void put_line_number(Unit *u, const Net *net, Text *t, Span at)
{
    if (at.source == 0)
        return;
    if (at.source == net->span.source)
        text_put(t, "%*d", LINE, span_line(u, at));
    else
        text_put(t, "%s:%d", source_name(u, at.source), span_line(u, at));
}

static void put_number(Text *t, int64_t number)
{
    text_put(t, "%12" PRId64, number);
}

static void put_inputs(Text *t, const Site *s)
{
    for (int i = 0; i < s->in_count; i++)
        text_put(t, "%s%s", i == 0 ? "" : ", ", s->in[i]->name);
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

static void dump_site(Unit *u, const Net *net, Text *t, const Site *s)
{
    int64_t trained = 0;

    put_line_number(u, net, t, s->span);
    text_column(t, NAME);
    text_put(t, "%s", s->name);
    if (strcmp(s->y->name, s->name) != 0)
        text_put(t, " = %s", s->y->name);
    text_column(t, READS);
    put_inputs(t, s);
    text_column(t, SHAPE);
    text_put(t, "%s", shape_text(u, s->y->shape));
    if (s->params.count > 0) {
        for (int i = 0; i < s->params.count; i++)
            if (s->params.at[i]->trained)
                trained += shape_count(s->params.at[i]->shape);
        text_column(t, PARAMS);
        put_number(t, trained);
        text_column(t, TENSORS);
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
    text_put(t, "network %s\n", net->name);
    text_blank(t);
    text_put(t, "%*s  layer", LINE, "line");
    text_column(t, READS);
    text_put(t, "reads");
    text_column(t, SHAPE);
    text_put(t, "shape");
    text_column(t, PARAMS);
    text_put(t, "  parameters\n");
    put_line_number(u, net, t, net->x->span);
    text_column(t, NAME);
    text_put(t, "%s", net->x->name);
    text_column(t, SHAPE);
    text_put(t, "%s\n", shape_text(u, net->input));
    for (int i = 0; i < net->sites.count; i++)
        dump_site(u, net, t, net->sites.at[i]);
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
