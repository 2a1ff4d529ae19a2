/* facts.c: gathers what is said of each layer (facts.h). */
#include "inspect/facts.h"

#include "emit/lesson.h"
#include "net/layer.h"

#include <inttypes.h>
#include <string.h>

const char *place_text(Unit *u, Span span)
{
    if (span.source == 0)
        return "";
    if (span.source == u->net->span.source)
        return arena_print(u->arena, "%d", span_line(u, span));
    return arena_print(u->arena, "%s:%d", source_name(u, span.source), span_line(u, span));
}

const char *bytes_text(Unit *u, int64_t bytes)
{
    static const struct { double of; const char *unit; } rows[] = { { 1e9, "GB" }, { 1e6, "MB" }, { 1e3, "kB" } };

    for (int i = 0; i < countof(rows); i++)
        if ((double)bytes >= rows[i].of)
            return arena_print(u->arena, "%.*f %s", (double)bytes < 10 * rows[i].of ? 2 : (double)bytes < 100 * rows[i].of ? 1 : 0,
                               (double)bytes / rows[i].of, rows[i].unit);
    return arena_print(u->arena, "%" PRId64 " bytes", bytes);
}

const char *parameter_arithmetic(Unit *u, const Site *s)
{
    Text *t = text_new(u->arena);
    int64_t all = 0, terms = 0;

    for (int i = 0; i < s->params.count; i++) {
        const Param *p = s->params.at[i];
        if (!p->trained)
            continue;
        text_put(t, "%s", terms++ ? " + " : "");
        for (int j = 0; j < p->shape.rank; j++)
            text_put(t, "%s%" PRId64, j ? "*" : "", p->shape.dim[j]);
        text_put(t, "%s", p->shape.rank ? "" : "1");
        all += shape_count(p->shape);
    }
    if (terms == 0)
        return "";
    bool plain = terms == 1 && !strchr(t->at, '*');
    return plain ? t->at : arena_print(u->arena, "%s = %s", t->at, grouped(u->arena, all));
}

static void add_parameters(LayerFacts *l)
{
    for (int i = 0; i < l->site->params.count; i++) {
        const Param *p = l->site->params.at[i];
        *(p->trained ? &l->parameters : &l->state) += shape_count(p->shape);
    }
}

static int64_t work_of(const Program *p, const Site *s, bool backward)
{
    int64_t work = 0;

    for (int i = 0; p && i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if ((!s || n->site == s) && n->backward == backward)
            work += lesson_multiply_adds(n);
    }
    return p ? work / p->tile : 0;
}

static bool has_a_place(const Tensor *t)
{
    return t && !t->view_of && t->role != ROLE_INPUT;
}

/* a to z, then a1 to z1, a2 to z2: of several letters it could not be seen in the map where one ends. */
static const char *label_of(Unit *u, int number)
{
    int letter = 'a' + number % 26, turn = number / 26;
    return turn ? arena_print(u->arena, "%c%d", letter, turn) : arena_print(u->arena, "%c", letter);
}

static LayerFacts facts_of_site(Unit *u, const Site *s, int real_bytes)
{
    const Program *p = u->infer;
    const Tensor *y = p->of_value[s->number + 1];
    LayerFacts l = { .site = s, .name = s->name, .place = place_text(u, s->span), .written = as_written(u, s->span), .shape = s->y->shape };

    l.label = label_of(u, s->number);
    l.arithmetic = s->kind->arithmetic ? s->kind->arithmetic(u, s) : "";
    add_parameters(&l);
    l.forward = work_of(p, s, false);
    l.backward = work_of(u->train, s, true);
    l.bytes = has_a_place(y) ? shape_count(s->y->shape) * real_bytes : 0;
    l.field = y ? field_of(u, p, y) : (Field){ .none = true };
    return l;
}

Facts *facts_of(Unit *u)
{
    Facts *f = ARENA_NEW(u->arena, Facts);
    const Net *net = u->net;
    Field one = field_of(u, u->infer, u->infer->x);

    f->real_bytes = u->options.real == REAL_DOUBLE ? 8 : 4;
    LayerFacts input = { .label = "", .name = net->x->name, .place = place_text(u, net->x->span), .written = as_written(u, net->x->span),
                         .shape = net->input, .arithmetic = "", .bytes = shape_count(net->input) * f->real_bytes, .field = one };
    LIST_ADD(u->arena, &f->layers, input);
    for (int i = 0; i < net->sites.count; i++)
        LIST_ADD(u->arena, &f->layers, facts_of_site(u, net->sites.at[i], f->real_bytes));
    for (int i = 0; i < f->layers.count; i++) {
        f->parameters += f->layers.at[i].parameters;
        f->state += f->layers.at[i].state;
        f->bytes += f->layers.at[i].bytes;
    }
    f->forward = work_of(u->infer, NULL, false);
    f->backward = work_of(u->train, NULL, true);
    return f;
}

const LayerFacts *facts_find(const Facts *f, const Site *s)
{
    for (int i = 0; i < f->layers.count; i++)
        if (s && f->layers.at[i].site == s)
            return &f->layers.at[i];
    return NULL;
}
