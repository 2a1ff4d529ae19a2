/* lesson.c: the comment above a function: what it is for, its formula, the shapes and how they come about, its work, and
 * for backward functions how it answers to the forward one. All of it is derived from the nest, so it is never wrong; the
 * sentence in words is the nest's `why`. */
#include "emit/c.h"
#include "emit/lesson.h"
#include "net/layer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char line_start[] = " * ", body_start[] = " *   ";

/* ---- places in the source */

static const char *place_of(CFile *f, const Site *s)
{
    if (!s || s->span.source == 0)
        return "";
    return arena_print(f->u->arena, "%s:%d", f->source, span_line(f->u, s->span));
}

/* The length of a line without what `#` or `//` begins outside of strings. */
static size_t without_comment(const char *line, size_t length)
{
    bool inside = false;

    for (size_t i = 0; i < length; i++) {
        if (line[i] == '"' && (i == 0 || line[i - 1] != '\\'))
            inside = !inside;
        if (!inside && (line[i] == '#' || (line[i] == '/' && i + 1 < length && line[i + 1] == '/')))
            return i;
    }
    return length;
}

/* For a comment: runs of spaces and tabs are one space. */
static const char *spaced(CFile *f, const char *text, size_t length)
{
    char *copy = arena_copy(f->u->arena, text, length), *to = copy;

    for (size_t i = 0; i < length; i++) {
        bool space = text[i] == ' ' || text[i] == '\t';
        if (!space || to == copy || to[-1] != ' ')
            *to++ = space ? ' ' : text[i];
    }
    *to = '\0';
    return names_comment(f->u->arena, copy);
}

const char *source_line(CFile *f, Span span)
{
    size_t length, from, to;
    const char *text;

    if (span.source == 0)
        return "";
    text = source_text(f->u, span.source, &length);
    for (from = span.from; from > 0 && text[from - 1] != '\n'; from--)
        ;
    for (to = span.from; to < length && text[to] != '\n' && text[to] != '\r'; to++)
        ;
    while (from < to && (text[from] == ' ' || text[from] == '\t'))
        from++;
    to = from + without_comment(text + from, to - from);
    while (to > from && (text[to - 1] == ' ' || text[to - 1] == '\t'))
        to--;
    return spaced(f, text + from, to - from);
}

/* "28x28x1 -> 28x28x32" */
static const char *change_of_shape(CFile *f, const Site *s)
{
    if (!s->x || !s->y)
        return "";
    return arena_print(f->u->arena, "%s -> %s", shape_text(f->u, s->x->shape), shape_text(f->u, s->y->shape));
}

const char *lesson_as_written(CFile *f, const Site *s)
{
    const char *text = s->span.source ? span_text(f->u, s->span) : s->kind->name;
    size_t length = strcspn(text, "\r\n");

    length = without_comment(text, length);
    while (length > 0 && strchr(" \t{", text[length - 1]))
        length--;
    return length > 50 ? s->kind->name : spaced(f, text, length);
}

void lesson_banner(CFile *f, const Site *s)
{
    const char *source = lesson_as_written(f, s);
    Text *t = f->t;

    text_put(t, "/* ---- %s: %s ", names_comment(f->u->arena, s->name), source);
    const char *shapes = change_of_shape(f, s);
    size_t start = t->length;
    while (start > 0 && t->at[start - 1] != '\n')
        start--;
    int rest = PAGE_WIDTH - 8 - (int)(t->length - start) - (int)strlen(shapes) - 2;
    for (int i = 0; i < rest; i++)
        text_put(t, "-");
    text_put(t, "%s%s%s---- */\n", *shapes ? " " : "", shapes, *shapes ? " " : "--");
}

/* ---- formulas */

static void put_names(Text *t, const Scope *s, bool summed)
{
    int written = 0;

    for (int i = 0; i < s->nest->loop_count; i++)
        if (!summed || !nest_places_loop(s->nest, s->nest->loops[i]))
            text_put(t, "%s%s", written++ ? ", " : "", scope_name(s, s->nest->loops[i]));
}

static bool has_summed(const Scope *s)
{
    return scope_places(s) < s->nest->loop_count;
}

static bool is_number(const Expr *e, double number)
{
    return e && e->op == OP_CONSTANT && e->number == number;
}

static bool is_sum(const Expr *e)
{
    return e->op == OP_ADD || e->op == OP_SUB || e->op == OP_SELECT_GT || e->op == OP_SELECT_EQ;
}

/* "sum over ci, kh, kw of w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw]" */
static void put_all_values(Text *t, const Scope *s)
{
    static const char *const what[] = { [PUT_SET] = "each", [PUT_ADD] = "sum", [PUT_MAX] = "largest", [PUT_MIN] = "smallest" };
    const Expr *value = s->nest->value;
    bool parentheses = has_summed(s) && is_sum(value);

    if (has_summed(s)) {
        text_put(t, "%s over ", what[s->nest->put]);
        put_names(t, s, true);
        text_put(t, " of ");
    }
    text_put(t, parentheses ? "(" : "");
    c_expr(t, s, FORM_FORMULA, value, s->total);
    text_put(t, parentheses ? ")" : "");
}

/* What a place begins with, and all the values put to it. */
static const char *total_text(const Scope *s)
{
    const Nest *n = s->nest;
    Text *t = text_new(s->file->u->arena);
    bool extreme = n->put == PUT_MAX || n->put == PUT_MIN;
    bool says_nothing = n->put == PUT_ADD ? n->start && is_number(n->start, 0) : n->put == PUT_MAX ? n->start && is_number(n->start, -INFINITY)
                      : n->start && n->start->op == OP_CONSTANT;
    bool from_start = n->start && !says_nothing;

    if (extreme && from_start) {
        text_put(t, "%s(", n->put == PUT_MAX ? "max" : "min");
        c_expr(t, s, FORM_FORMULA, n->start, s->total);
        text_put(t, ", ");
    } else if (from_start) {
        c_expr(t, s, FORM_FORMULA, n->start, s->total);
        text_put(t, " + ");
    }
    put_all_values(t, s);
    text_put(t, extreme && from_start ? ")" : "");
    return t->at;
}

static void put_place_formula(CFile *f, const Scope *s, const char *prefix)
{
    const Nest *n = s->nest;
    const char *total = total_text(s);
    Text *place = text_new(f->u->arena), *t = text_new(f->u->arena);
    bool adds = n->put == PUT_ADD && !n->start && !n->finish;

    c_element(place, s, FORM_FORMULA, n->dst, n->index);
    if (!n->finish) {
        bool extreme = (n->put == PUT_MAX || n->put == PUT_MIN) && !n->start;
        text_put(t, extreme ? "%s %s %s(%s, %s)" : "%s %s %s%s%s", place->at, adds ? "+=" : "=",
                 extreme ? n->put == PUT_MAX ? "max" : "min" : "", extreme ? place->at : "", total);
        put_formula(f->t, prefix, t->at);
        return;
    }
    bool simple = !has_summed(s) && expr_is_plain(n->value) && (!n->start || is_number(n->start, 0));
    bool inside = expr_totals(n->finish) == 1 && strlen(total) < 50;
    if (!inside)
        put_formula(f->t, prefix, arena_print(f->u->arena, "%s = %s", s->total, total));
    text_put(t, "%s = ", place->at);
    c_expr(t, s, FORM_FORMULA, n->finish, inside ? arena_print(f->u->arena, simple ? "%s" : "(%s)", total) : s->total);
    put_formula(f->t, prefix, t->at);
}

static void put_scatter_formula(CFile *f, const Scope *s, const char *prefix)
{
    const Nest *n = s->nest;
    Text *t = text_new(f->u->arena);

    c_element(t, s, FORM_FORMULA, n->dst, n->index);
    text_put(t, n->put == PUT_ADD ? " += " : " = ");
    c_expr(t, s, FORM_FORMULA, n->value, s->total);
    put_formula(f->t, prefix, t->at);
    if (n->loop_count) {
        t = text_new(f->u->arena);
        text_put(t, "for every ");
        put_names(t, s, false);
        if (n->fill && n->put == PUT_ADD)
            text_put(t, "; all of %s is %s before", scope_name(s, n->dst), plain_number(f->u->arena, n->fill->number, f->u->options.real));
        else if (n->fill)
            text_put(t, "; the rest of %s is %s", scope_name(s, n->dst), plain_number(f->u->arena, n->fill->number, f->u->options.real));
        put_paragraph(f->t, prefix, t->at, 0);
    }
}

static void put_nest_formula(CFile *f, const Scope *s, const char *prefix)
{
    if (nest_is_gather(s->nest))
        put_place_formula(f, s, prefix);
    else
        put_scatter_formula(f, s, prefix);
}

void lesson_formula(CFile *f, const Nest *n, const char *prefix)
{
    put_nest_formula(f, c_scope(f, n), prefix);
}

/* ---- shapes */

/* "26 = 28-3+1": how a place's extent follows from the axis that a window walks over, if that is what the index says. */
static const char *window_arithmetic(CFile *f, const Scope *s, const Affine *a, int64_t dim)
{
    const Loop *place = NULL, *inner = NULL;
    int64_t step = 1, dilation = 1;

    if (a->count != 2 || a->offset != 0)
        return NULL;
    for (int i = 0; i < 2; i++) {
        const Loop *l = a->term[i].loop;
        if (nest_places_loop(s->nest, l)) {
            place = l;
            step = a->term[i].factor;
        } else {
            inner = l;
            dilation = a->term[i].factor;
        }
    }
    if (!place || !inner || step < 1 || dilation < 1)
        return NULL;
    int64_t reach = (inner->extent - 1) * dilation + 1;
    if (reach > dim || (dim - reach) / step + 1 != place->extent || (place->extent == 1 && dim == reach))
        return NULL;
    if (step == 1)
        return arena_print(f->u->arena, "%" PRId64 " = %" PRId64 "-%" PRId64 "+1", place->extent, dim, reach);
    return arena_print(f->u->arena, "%" PRId64 " = (%" PRId64 "-%" PRId64 ")/%" PRId64 "+1", place->extent, dim, reach, step);
}

typedef struct Arithmetic {
    CFile *f;
    const Scope *s;
    LIST(const char *) texts;
} Arithmetic;

static void see_windows(void *context, const Expr *load)
{
    Arithmetic *a = context;

    for (int i = 0; i < load->tensor->rank; i++) {
        const char *text = window_arithmetic(a->f, a->s, &load->index[i], load->tensor->dim[i]);
        for (int j = 0; text && j < a->texts.count; j++)
            if (strcmp(a->texts.at[j], text) == 0)
                text = NULL;
        if (text)
            LIST_ADD(a->f->u->arena, &a->texts, text);
    }
}

/* Meanings of more than two words, and those with numbers or signs, stand behind a colon. */
static bool is_long(const char *meaning)
{
    int words = 1;

    for (const char *c = meaning; *c; c++) {
        words += *c == ' ';
        if (*c != ' ' && *c != '_' && !((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')))
            return true;
    }
    return words > 2;
}

/* "weights", "biases": what the numbers of a trained parameter are called. */
static const char *plural_ending(const Tensor *t)
{
    if (!t->param || !t->param->trained || strcmp(t->meaning, t->param->role) != 0 || strchr(t->meaning, '_') || tensor_count(t) == 1)
        return "";
    return t->meaning[strlen(t->meaning) - 1] == 's' ? "es" : "s";
}

/* "x 1x28x28 image" */
static const char *shape_item(CFile *f, const Scope *s, const Tensor *t)
{
    Text *item = text_new(f->u->arena);

    text_put(item, "%s ", scope_name(s, t));
    for (int i = 0; i < t->rank; i++)
        text_put(item, "%s%" PRId64, i ? "x" : "", t->dim[i]);
    text_put(item, "%s", t->rank ? "" : "1");
    if (t->meaning && strcmp(t->meaning, scope_name(s, t)) != 0)
        text_put(item, "%s %s%s", is_long(t->meaning) ? ":" : "", names_comment(f->u->arena, t->meaning), plural_ending(t));
    return item->at;
}

static void put_shapes(CFile *f, const Scope *s)
{
    Arithmetic a = { .f = f, .s = s };
    int column = 0;

    if (!s->nest->backward)
        nest_loads(s->nest, see_windows, &a);
    for (int i = 1; i <= s->tensors.count; i++) {
        const char *item = shape_item(f, s, s->tensors.at[i % s->tensors.count]);
        if (i == s->tensors.count)
            for (int j = 0; j < a.texts.count; j++)
                item = arena_print(f->u->arena, "%s, %s", item, a.texts.at[j]);
        if (column > 0 && column + 4 + (int)strlen(item) > PAGE_WIDTH) {
            text_put(f->t, "\n");
            column = 0;
        }
        text_put(f->t, "%s%s", column ? "    " : body_start, item);
        column += (int)strlen(item) + (column ? 4 : 5);
    }
    text_put(f->t, "\n");
}

/* ---- the comment */

/* The first sentence and, at the right end of its first line, the place in the source. */
static void put_title(CFile *f, const char *title, const char *place)
{
    int room = PAGE_WIDTH - 3 - (*place ? (int)strlen(place) + 2 : 0);
    size_t end = strlen(title);

    if ((int)end > room) {
        for (end = (size_t)room; end > 0 && title[end] != ' '; end--)
            ;
        end = end ? end : strlen(title);
    }
    text_put(f->t, "/* ");
    text_bytes(f->t, title, end);
    if (*place) {
        text_column(f->t, PAGE_WIDTH - (int)strlen(place));
        text_put(f->t, "%s", place);
    }
    text_put(f->t, "\n");
    if (title[end])
        put_paragraph(f->t, line_start, title + end + 1, 0);
}

/* What the gradient of `t` is called after: w for dw. */
static const char *primal_name(const Scope *s, const Tensor *t)
{
    const char *name = scope_name(s, t);
    return name[0] == 'd' && name[1] ? name + 1 : name;
}

/* Where the first sentence ends. */
static size_t first_sentence(const char *why)
{
    for (size_t i = 0; why[i]; i++)
        if (strchr(".?!:", why[i]) && why[i + 1] == ' ' && why[i + 2] >= 'A' && why[i + 2] <= 'Z')
            return i + 1;
    return strlen(why);
}

/* The first sentence, as it goes on after a colon. */
static const char *title_of(CFile *f, const Function *function, const Scope *s)
{
    const Nest *n = function->nest;
    const char *whole = n->why ? names_comment(f->u->arena, n->why) : "";
    char *why = arena_copy(f->u->arena, whole, first_sentence(whole));

    if (why[0] >= 'A' && why[0] <= 'Z' && (why[1] == ' ' || (why[1] >= 'a' && why[1] <= 'z')))
        why[0] = (char)(why[0] - 'A' + 'a');
    if (n->backward && n->dst->primal && n->site)
        return arena_print(f->u->arena, "%s, backward to %s: %s", names_comment(f->u->arena, n->site->name),
                           primal_name(s, n->dst), why);
    return arena_print(f->u->arena, "%s: %s", function->name, why);
}

/* Derived nests have the loops of the forward pass, whose meanings do not fit any more: they get new ones. */
void lesson_meanings(CFile *f, Scope *s)
{
    const Nest *n = s->nest;
    bool derived = n->backward && n->site && !n->site->kind->backward && n->dst->primal;
    int places = scope_places(s);

    for (int i = 0; i < n->loop_count; i++)
        s->meaning[i] = derived ? NULL : n->loops[i]->meaning;
    if (!derived || n->loop_count == 0)
        return;
    if (!nest_is_gather(n)) {
        s->meaning[0] = "the walk of the forward pass";
        return;
    }
    const char *one = n->dst->param ? n->dst->param->role : arena_print(f->u->arena, "element of %s", primal_name(s, n->dst));
    if (places > 0)
        s->meaning[0] = arena_print(f->u->arena, "for every %s", one);
    if (places < n->loop_count)
        s->meaning[places] = "add up all that it had a part in";
}

void lesson_comment(CFile *f, const Function *function)
{
    Scope *s = c_scope(f, function->nest);
    const Nest *n = function->nest;

    const char *why = n->why ? names_comment(f->u->arena, n->why) : "", *rest = why + first_sentence(why);
    rest += *rest == ' ';
    put_title(f, title_of(f, function, s), place_of(f, n->site));
    text_put(f->t, " *\n");
    const char *rule = n->backward ? lesson_chain_rule(f, s) : "";
    if ((*rest || *rule) && f->u->variant == 0) {
        put_paragraph(f->t, body_start, *rule ? rule : rest, 0);
        text_put(f->t, " *\n");
    }
    put_nest_formula(f, s, body_start);
    text_put(f->t, " *\n");
    if (f->u->options.style == STYLE_FAST && !f->variants)
        lesson_schedule(f, s, body_start);
    if (f->u->variant > 0) {                /* the rest stands above the function of the first machine */
        put_comment_end(f->t);
        return;
    }
    put_shapes(f, s);
    text_put(f->t, "%sWork: %s.", body_start, lesson_work(f, n));
    if (n->backward) {
        text_put(f->t, "\n");
        lesson_compare(f, function, s, body_start);
    }
    put_comment_end(f->t);
}
