/* diff.c: cnnc diff: what another program changes in the network. Layers are matched by the longest common subsequence of their kinds, where
 * equal ones count more. */
#include "inspect/inspect.h"

#include "emit/c.h"
#include "inspect/facts.h"
#include "net/layer.h"

#include <string.h>

enum { SAME_KIND = 2, EQUAL = 3 };

typedef struct Match {
    Unit *u;
    const Facts *a, *b;
    int *score;                     /* [a + 1][b + 1]: of what is left from there on */
    Text *t;
    int changes;
} Match;

static bool equal(const LayerFacts *a, const LayerFacts *b)
{
    return shape_equal(a->shape, b->shape) && a->parameters == b->parameters && a->forward == b->forward && a->bytes == b->bytes
        && strcmp(a->written, b->written) == 0;
}

static int likeness(const LayerFacts *a, const LayerFacts *b)
{
    if (!a->site || !b->site)
        return !a->site && !b->site ? EQUAL : 0;
    return a->site->kind != b->site->kind ? 0 : equal(a, b) ? EQUAL : SAME_KIND;
}

static int *score_at(const Match *m, int i, int j)
{
    return &m->score[i * (m->b->layers.count + 1) + j];
}

static void fill_scores(Match *m)
{
    m->score = arena_array(m->u->arena, ((size_t)m->a->layers.count + 1) * ((size_t)m->b->layers.count + 1), sizeof *m->score);
    for (int i = m->a->layers.count - 1; i >= 0; i--)
        for (int j = m->b->layers.count - 1; j >= 0; j--) {
            int like = likeness(&m->a->layers.at[i], &m->b->layers.at[j]);
            int best = *score_at(m, i + 1, j), other = *score_at(m, i, j + 1), both = like ? like + *score_at(m, i + 1, j + 1) : 0;
            best = other > best ? other : best;
            *score_at(m, i, j) = both > best ? both : best;
        }
}

/* "+1 234 (+12 %)" */
static const char *change(Unit *u, int64_t a, int64_t b)
{
    const char *amount = grouped(u->arena, b > a ? b - a : a - b);

    if (a == b)
        return "the same";
    double percent = a ? 100.0 * (double)(b - a) / (double)a : 0;
    return a ? arena_print(u->arena, "%c%s (%+.*f %%)", b > a ? '+' : '-', amount, percent < 10 && percent > -10 ? 1 : 0, percent)
             : arena_print(u->arena, "%c%s", b > a ? '+' : '-', amount);
}

static void put_number(Match *m, const char *what, int64_t a, int64_t b)
{
    if (a != b)
        text_put(m->t, "      %-14s %s -> %s, %s\n", what, grouped(m->u->arena, a), grouped(m->u->arena, b), change(m->u, a, b));
}

static void put_pair(Match *m, const LayerFacts *a, const LayerFacts *b)
{
    if (equal(a, b))
        return;
    m->changes++;
    bool same_words = strcmp(a->written, b->written) == 0;
    text_put(m->t, "  ~ %s: %s%s%s\n", b->name, a->written, same_words ? "" : " -> ", same_words ? "" : b->written);
    if (!shape_equal(a->shape, b->shape))
        text_put(m->t, "      %-14s %s -> %s\n", "shape", shape_text(m->u, a->shape), shape_text(m->u, b->shape));
    put_number(m, "parameters", a->parameters, b->parameters);
    put_number(m, "multiply-adds", a->forward, b->forward);
    put_number(m, "bytes", a->bytes, b->bytes);
}

static void put_single(Match *m, char sign, const LayerFacts *l)
{
    m->changes++;
    text_put(m->t, "  %c %s: %s, %s", sign, l->name, l->written, shape_text(m->u, l->shape));
    if (l->parameters)
        text_put(m->t, ", %s parameters", grouped(m->u->arena, l->parameters));
    text_put(m->t, "\n");
}

static void put_layers(Match *m)
{
    int i = 0, j = 0;

    while (i < m->a->layers.count || j < m->b->layers.count) {
        const LayerFacts *a = i < m->a->layers.count ? &m->a->layers.at[i] : NULL, *b = j < m->b->layers.count ? &m->b->layers.at[j] : NULL;
        int like = a && b ? likeness(a, b) : 0;
        if (like && *score_at(m, i, j) == like + *score_at(m, i + 1, j + 1)) {
            put_pair(m, a, b);
            i++;
            j++;
        } else if (a && (!b || *score_at(m, i, j) == *score_at(m, i + 1, j))) {
            put_single(m, '-', a);
            i++;
        } else {
            put_single(m, '+', b);
            j++;
        }
    }
}

static void put_total(Match *m, const char *what, int64_t a, int64_t b)
{
    text_put(m->t, "%-34s %16s %16s   %s\n", what, grouped(m->u->arena, a), grouped(m->u->arena, b), change(m->u, a, b));
}

static int64_t memory_of(const Program *p, const Facts *f)
{
    return p ? p->scratch / p->tile * f->real_bytes : 0;
}

static bool run(const Subject *s, Text *t)
{
    Match m = { .u = s->u, .a = facts_of(s->u), .b = facts_of(s->other), .t = t };
    const Facts *a = m.a, *b = m.b;

    text_put(t, "from %s in %s\n  to %s in %s\n\n", s->u->net->name, s->u->options.input, s->other->net->name, s->other->options.input);
    fill_scores(&m);
    put_layers(&m);
    text_put(t, m.changes ? "\n" : "the layers are the same\n\n");
    put_total(&m, "parameters", a->parameters, b->parameters);
    put_total(&m, "multiply-adds of inference", a->forward, b->forward);
    if (s->u->train && s->other->train)
        put_total(&m, "multiply-adds of training", a->forward + a->backward, b->forward + b->backward);
    put_total(&m, "bytes of weights", (a->parameters + a->state) * a->real_bytes, (b->parameters + b->state) * b->real_bytes);
    put_total(&m, "bytes for an image, inference", memory_of(s->u->infer, a), memory_of(s->other->infer, b));
    if (s->u->train && s->other->train)
        put_total(&m, "bytes for an image, training", memory_of(s->u->train, a), memory_of(s->other->train, b));
    return true;
}

const Inspection inspection_diff = {
    .name = "diff", .takes = "a.cnn b.cnn",
    .summary = "what b changes in the layers of a: shapes, parameters, work, memory",
    .more = MORE_FILE, .run = run,
};
