/* explain.c: cnnc explain: one layer as text, or what a code of an error means. What it says of the window is in window_drawing.c. */
#include "inspect/inspect.h"

#include "emit/c.h"
#include "inspect/explain_code.h"
#include "inspect/facts.h"
#include "inspect/window_drawing.h"
#include "net/layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 6, TEXT_COLUMN = 14, WIDTH = 100 };

typedef struct Explain {
    Unit *u;
    Text *t;
    const Facts *facts;
    CFile *c;
    const Text *code;
    CPages pages;
} Explain;

/* ---- which layers */

typedef struct Sites {
    LIST(const Site *) list;
} Sites;

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static void add_if(Unit *u, Sites *sites, const Site *s, const char *place)
{
    bool found = is_number(place) ? s->span.source == u->net->span.source && span_line(u, s->span) == atoi(place)
                                  : strcmp(s->name, place) == 0 || (s->y && strcmp(s->y->name, place) == 0);
    if (found)
        LIST_ADD(u->arena, &sites->list, s);
}

static const char *names_of(Unit *u, const Sites *sites)
{
    Text *t = text_new(u->arena);

    for (int i = 0; i < sites->list.count; i++)
        text_put(t, "%s%s", i ? ", " : "", sites->list.at[i]->name);
    return t->at;
}

static bool find_sites(Unit *u, const char *place, Sites *found)
{
    Sites all = { 0 };

    for (int i = 0; i < u->net->sites.count; i++) {
        LIST_ADD(u->arena, &all.list, u->net->sites.at[i]);
        add_if(u, found, u->net->sites.at[i], place);
    }
    if (u->net->loss)
        add_if(u, found, u->net->loss, place);
    if (found->list.count > 0 && (found->list.count <= MOST_LAYERS || !is_number(place)))
        return true;
    if (found->list.count > 0) {
        error_at(u, found->list.at[0]->span, "line %s makes %d layers, too many to explain at once", place, found->list.count);
        help(u, "name one of them: %s", names_of(u, found));
    } else {
        error_at(u, u->net->span, is_number(place) ? "line %s makes no layer of network '%s'" : "'%s' is no layer of network '%s'", place,
                 u->net->name);
        help(u, "its layers are %s", names_of(u, &all));
    }
    return false;
}

/* ---- what is said of one */

static void head(Text *t, const char *title)
{
    text_put(t, "  %s", title);
    text_column(t, TEXT_COLUMN);
}

static void put_shape(const Explain *e, const LayerFacts *l)
{
    Unit *u = e->u;
    const Site *s = l->site;

    head(e->t, "shape");
    for (int i = 0; i < s->in_count; i++)
        text_put(e->t, "%s%s", i ? ", " : "", shape_text(u, s->in[i]->shape));
    text_put(e->t, " -> %s", shape_text(u, l->shape));
    text_put(e->t, *l->arithmetic ? ":  %s\n" : "%s\n", l->arithmetic);
}

/* How the first values are drawn, with the bound that follows from the fans. */
static const char *first_values(Unit *u, const Param *p)
{
    double in = (double)p->fan_in, out = (double)p->fan_out;

    switch (p->init) {
    case INIT_ZEROS:          return "0";
    case INIT_ONES:           return "1";
    case INIT_GLOROT:         return arena_print(u->arena, "uniform in +-sqrt(6/(%.0f + %.0f)) = +-%.3g", in, out, sqrt(6 / (in + out)));
    case INIT_HE:             return arena_print(u->arena, "uniform in +-sqrt(6/%.0f) = +-%.3g", in, sqrt(6 / in));
    case INIT_LECUN:          return arena_print(u->arena, "uniform in +-sqrt(3/%.0f) = +-%.3g", in, sqrt(3 / in));
    case INIT_DATA_MEAN:      return "the mean of the training images";
    case INIT_DATA_DEVIATION: return "the standard deviation of the training images";
    }
    return "";
}

static void put_parameters(const Explain *e, const LayerFacts *l)
{
    const Site *s = l->site;

    head(e->t, "parameters");
    if (s->params.count == 0) {
        text_put(e->t, "none: there is nothing to learn here\n");
        return;
    }
    text_put(e->t, "%s\n", l->parameters ? parameter_arithmetic(e->u, s) : "none that are trained");
    for (int i = 0; i < s->params.count; i++) {
        const Param *p = s->params.at[i];
        head(e->t, "");
        text_put(e->t, "%s ", p->role);
        for (int j = 0; j < p->shape.rank; j++)
            text_put(e->t, "%s%" PRId64, j ? "x" : "", p->shape.dim[j]);
        text_put(e->t, ", %sfirst values %s\n", p->trained ? "" : "not trained, ", first_values(e->u, p));
    }
}

static void put_facts(const Explain *e, const LayerFacts *l)
{
    Arena *arena = e->u->arena;

    put_shape(e, l);
    put_parameters(e, l);
    head(e->t, "work");
    text_put(e->t, "%s multiply-adds an image, backward %s\n", grouped(arena, l->forward), grouped(arena, l->backward));
    head(e->t, "memory");
    text_put(e->t, l->bytes ? "%s for what it makes of an image\n" : "%s: it is its input under another name\n",
             l->bytes ? bytes_text(e->u, l->bytes) : "none");
    head(e->t, "sees");
    text_put(e->t, l->field.all ? "%s of the input\n" : "%s of the input: each element depends on so many rows and columns, and nothing else\n",
             field_text(e->u, &l->field));
}

/* "co 0..31, oh 0..27" */
static void put_loops(const Explain *e, const Nest *n)
{
    text_put(e->t, "    ");
    for (int i = 0; i < n->loop_count; i++)
        text_put(e->t, "%s%s 0..%" PRId64, i ? ", " : "with ", n->loops[i]->name, n->loops[i]->extent - 1);
    text_put(e->t, "%s", n->loop_count ? "\n" : "once\n");
}

static const Program *program_shown(const Unit *u)
{
    return u->train ? u->train : u->infer;
}

static void put_formulas(Explain *e, const Site *s)
{
    const Program *p = program_shown(e->u);
    Text *code = e->c->t;

    text_put(e->t, "\n  formula\n");
    e->c->t = e->t;
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (n->site != s || n->backward)
            continue;
        lesson_formula(e->c, n, "    ");
        put_loops(e, n);
    }
    e->c->t = code;
}

static void put_nests(const Explain *e, const Site *s, bool backward)
{
    const Program *p = program_shown(e->u);
    bool some = false;

    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (n->site != s || n->backward != backward)
            continue;
        if (!some)
            text_put(e->t, "\n  nests %s\n", backward ? "of the backward pass" : "of the forward pass");
        some = true;
        e->t->depth = 1;
        nest_print(n, e->t);
        e->t->depth = 0;
    }
}

static void put_code_of(const Explain *e, const Site *s)
{
    text_put(e->t, "\n  in C\n");
    for (int i = 0; i < e->pages.list.count; i++) {
        const CPage *p = &e->pages.list.at[i];
        const char *page = e->code->at + p->from, *end = e->code->at + p->to;
        page += strspn(page, "\n");
        if (p->function->nest->site != s)
            continue;
        text_blank(e->t);
        text_bytes(e->t, page, (size_t)(end - page));
    }
}

static void explain_site(Explain *e, const Site *s)
{
    const LayerFacts *l = facts_find(e->facts, s);
    const char *written = as_written(e->u, s->span), *place = place_text(e->u, s->span);

    text_put(e->t, "%s", s->name);
    if (*place)
        text_put(e->t, ", line %s: %s", place, *written ? written : s->kind->name);
    text_put(e->t, "\n  %s\n\n", s->kind->summary);
    if (l)
        put_facts(e, l);
    if (s->window)
        window_draw(e->u, s, e->t);
    put_formulas(e, s);
    put_nests(e, s, false);
    put_nests(e, s, true);
    put_code_of(e, s);
}

static bool run(const Subject *s, Text *t)
{
    Explain e = { .u = s->u, .t = t };
    Sites sites = { 0 };
    Text *code = text_new(s->u->arena);

    if (!find_sites(s->u, s->place, &sites))
        return false;
    e.facts = facts_of(s->u);
    e.c = c_write(s->u, code, &e.pages);
    e.code = code;
    for (int i = 0; i < sites.list.count; i++) {
        if (i)
            text_put(t, "\n%.*s\n\n", WIDTH, "----------------------------------------------------------------------------------------------------");
        explain_site(&e, sites.list.at[i]);
    }
    return true;
}

const Inspection inspection_explain = {
    .name = "explain", .takes = "net.cnn:9",
    .summary = "the layers of a line, or net.cnn:conv1, in every detail; E012: what an error means",
    .more = MORE_PLACE, .alone = explain_code, .run = run,
};
