/* lesson_backward.c: why the formula of a backward nest holds, and how its loops answer to those of the forward pass. */
#include "emit/lesson.h"

#include <string.h>

enum { LONG_SLOPE = 60 };           /* bytes of a formula that still can be read in a sentence */

/* ---- the chain rule in words */

/* The first gradient that an expression reads, or NULL. */
static const Expr *gradient_in(const Expr *e)
{
    if (!e || (e->op == OP_LOAD && e->tensor->primal))
        return e;
    const Expr *const parts[] = { e->a, e->b, e->c, e->d };
    const Expr *found = NULL;
    for (int i = 0; i < countof(parts) && !found; i++)
        found = gradient_in(parts[i]);
    return found;
}

/* The gradient that a nest hands on: dy in `dy * part`, where it is the first factor. */
static const Expr *handed_on(const Expr *e)
{
    while (e->op == OP_MUL)
        e = e->a;
    return e->op == OP_LOAD && e->tensor->primal ? e : NULL;
}

/* e without its leftmost factor; NULL if that is all. */
static Expr *other_factors(Arena *arena, const Expr *e)
{
    if (e->op != OP_MUL)
        return NULL;
    Expr *rest = other_factors(arena, e->a);
    if (!rest)
        return e->b;
    Expr *product = ARENA_NEW(arena, Expr);
    *product = (Expr){ .op = OP_MUL, .a = rest, .b = e->b };
    return product;
}

static bool is_sum(const Expr *e)
{
    return e->op == OP_ADD || e->op == OP_SUB;
}

static const char *text_of(const Scope *s, const Expr *e)
{
    Text *t = text_new(s->file->u->arena);
    c_expr(t, s, FORM_FORMULA, e, s->total);
    return t->at;
}

/* The element of the forward pass that an element of a gradient belongs to: y[co][oh][ow] for dy[co][oh][ow]. */
static const char *primal_element(const Scope *s, const Tensor *t, const Affine *index)
{
    Text *text = text_new(s->file->u->arena);
    c_element(text, s, FORM_FORMULA, t, index);
    return text->at[0] == 'd' ? text->at + 1 : text->at;
}

/* True if the expression reads any gradient. */
static bool reads_gradient(const Expr *e)
{
    return e && ((e->op == OP_LOAD && e->tensor->primal) || reads_gradient(e->a) || reads_gradient(e->b) || reads_gradient(e->c)
                 || reads_gradient(e->d));
}

static const char *summed_loops(const Scope *s)
{
    Text *t = text_new(s->file->u->arena);
    int written = 0, left = s->nest->loop_count - scope_places(s);

    for (int i = 0; i < s->nest->loop_count; i++)
        if (!nest_places_loop(s->nest, s->nest->loops[i])) {
            left--;
            text_put(t, "%s%s", !written++ ? "" : left ? ", " : " and ", scope_name(s, s->nest->loops[i]));
        }
    return t->at;
}

const char *lesson_chain_rule(CFile *f, const Scope *s)
{
    const Nest *n = s->nest;
    Arena *arena = f->u->arena;
    const Expr *dy = n->put == PUT_ADD || n->put == PUT_SET ? handed_on(n->value) : NULL;

    if (!n->dst->primal || !dy)
        return "";
    const char *y = primal_element(s, dy->tensor, dy->index), *x = primal_element(s, n->dst, n->index);
    const char *dy_name = scope_name(s, dy->tensor), *summed = summed_loops(s);
    Expr *slope = other_factors(arena, n->value);
    Text *t = text_new(arena);

    if (slope && (reads_gradient(slope) || strlen(text_of(s, slope)) > LONG_SLOPE))
        return "";                                              /* the formula says it better */
    void **told = map_text(f->told, arena_print(arena, "%s of %s", dy_name, n->site ? n->site->name : ""));
    if (!*told)                                                 /* once a layer */
        text_put(t, "%s tells how much the loss grows per unit of %s. ", dy_name, dy_name + (dy_name[0] == 'd'));
    *told = f;
    if (slope)
        text_put(t, "A little more of %s makes %s%s%s times as much more of %s; the chain rule takes that times %s", x,
                 is_sum(slope) ? "(" : "", text_of(s, slope), is_sum(slope) ? ")" : "", y, dy_name);
    else
        text_put(t, "Whatever is added to %s is added to %s as well, so the gradient passes as it is", x, y);
    if (*summed)
        text_put(t, ", and adds up over all %s in which it had a part", summed);
    text_put(t, ":");
    return t->at;
}

/* ---- the loops of both passes */

static bool same_loop(const Loop *a, const Loop *b)
{
    return a->extent == b->extent && strcmp(a->name, b->name) == 0;
}

static bool same_loops(const Nest *a, const Nest *b)
{
    if (a->loop_count != b->loop_count)
        return false;
    for (int i = 0; i < a->loop_count; i++) {
        int j = 0;
        while (j < b->loop_count && !same_loop(a->loops[i], b->loops[j]))
            j++;
        if (j == b->loop_count)
            return false;
    }
    return true;
}

/* The forward nest of the same layer that made what this one derives, if it has the same loops. */
static const Function *forward_of(CFile *f, const Nest *n)
{
    const Expr *dy = gradient_in(n->value);
    const FunctionList *list = functions_of_site(f->functions, n->site);

    for (int i = 0; i < list->of.count; i++) {
        const Function *other = list->of.at[i];
        const Nest *m = other->nest;
        if (dy && !m->backward && same_loops(m, n) && strcmp(dy->tensor->primal->name, m->dst->name) == 0)
            return other;
    }
    return NULL;
}

static const char *number_word(CFile *f, int number)
{
    static const char *const words[] = { "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten" };
    return number < countof(words) ? words[number] : arena_print(f->u->arena, "%d", number);
}

static bool has_summed_loops(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return true;
    return false;
}

void lesson_compare(CFile *f, const Function *function, const Scope *s, const char *prefix)
{
    const Nest *n = function->nest;
    const Function *forward = n->dst->primal ? forward_of(f, n) : NULL;
    Text *t = text_new(f->u->arena);

    if (forward && n->loop_count > 0) {
        const Nest *m = forward->nest;
        text_put(t, "The same %s%s as %s", n->loop_count == 1 ? "" : arena_print(f->u->arena, "%s ", number_word(f, n->loop_count)),
                 n->loop_count == 1 ? "loop" : "loops", forward->name);
        if (nest_is_gather(n) && has_summed_loops(n) && nest_is_gather(m) && has_summed_loops(m))
            text_put(t, ": what was summed is read, what was read is summed. ");
        else if (!nest_is_gather(n) && nest_is_gather(m))
            text_put(t, ": it writes where %s read, and reads where it wrote. ", forward->name);
        else
            text_put(t, ". ");
    }
    if (n->dst->role == ROLE_GRADIENT && n->put == PUT_ADD)
        text_put(t, "It is += because a batch adds up the gradients of its images. ");
    else if (n->dst->role == ROLE_INPUT_GRADIENT && n->put == PUT_ADD)
        text_put(t, "It is added to what the caller has there. ");
    else if (n->put == PUT_ADD && !n->start && !n->fill && n->dst->primal)
        text_put(t, "It is += because %s had another reader, which has sent its share before. ",
                 scope_name(s, n->dst)[0] == 'd' ? scope_name(s, n->dst) + 1 : scope_name(s, n->dst));
    while (t->length && t->at[t->length - 1] == ' ')
        t->at[--t->length] = '\0';
    put_paragraph(f->t, prefix, t->at, 0);
}
