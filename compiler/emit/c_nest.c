/* c_nest.c: a nest as a C function with loops: the formula, read aloud.
 *
 * A gather makes its total in a local and stores it once. Where dst already holds something (the gradients of the images
 * before), the sum of this call begins at 0 and is added at the end, so that small shares are not lost one by one against
 * a large total. A scatter puts every value into memory at once. */
#include "emit/c.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char *loop_head(const Scope *s, const char *name, int64_t extent)
{
    return arena_print(s->file->u->arena, "for (%s %s = 0; %s < %" PRId64 "; %s++)", s->wide ? "int64_t" : "int", name, name,
                       extent, name);
}

/* `a > limit ? a : limit`, in parentheses; `relation` is > or <. */
static const char *bound(const Scope *s, const Affine *a, const char *relation, int64_t limit)
{
    Text *t = text_new(s->file->u->arena);

    text_put(t, "(");
    c_affine(t, s, a);
    text_put(t, " %s %" PRId64 " ? ", relation, limit);
    c_affine(t, s, a);
    text_put(t, " : %" PRId64 ")", limit);
    return t->at;
}

static const char *head_of(const Scope *s, const Loop *l)
{
    const char *name = scope_name(s, l), *before = l != s->short_loop ? "" : s->unrolled ? "UNROLLED " : "ROLLED ";

    if (!l->trimmed)
        return arena_print(s->file->u->arena, "%s%s", before, loop_head(s, name, l->extent));
    return arena_print(s->file->u->arena, "%sfor (%s %s = %s; %s < %s; %s++)", before, s->wide ? "int64_t" : "int", name, bound(s, &l->from, ">", 0), name,
                       bound(s, &l->to, "<", l->extent), name);
}

/* More than one statement stands under the loop. */
static bool has_brace(const Scope *s, int loop)
{
    bool gather = nest_is_gather(s->nest);

    if (loop == s->nest->loop_count - 1 && c_put_is_block(s))
        return true;
    return gather && c_needs_total(s) && loop == scope_places(s) - 1;
}

void c_comment_column(const CFile *f, Scope *s)
{
    int widest = 0;

    for (int i = 0; i < s->nest->loop_count; i++) {
        const Loop *l = s->nest->loops[i];
        int width = (f->t->depth + i) * 4 + (int)strlen(head_of(s, l)) + 2 * has_brace(s, i);
        if (s->meaning[i] && width > widest)
            widest = width;
    }
    s->comment_column = widest + 2;
}

static void open_loop(Text *t, const Scope *s, int i, bool brace)
{
    const Loop *l = s->nest->loops[i];

    text_indent(t);
    text_put(t, "%s%s", head_of(s, l), brace ? " {" : "");
    if (s->meaning[i]) {
        text_column(t, s->comment_column);
        text_put(t, "// %s", names_comment(t->arena, s->meaning[i]));
    }
    text_put(t, "\n");
    t->depth++;
}

/* A loop that is written out prints its body for every value. */
void c_loops(Text *t, Scope *s, int from, int to, bool block, Body *body)
{
    if (from == to) {
        body(t, s);
        return;
    }
    const Loop *l = s->nest->loops[from];
    bool last = from == to - 1;
    if (from < nest_step_loops(s->nest)) {  /* a parameter */
        c_loops(t, s, from + 1, to, block, body);
        return;
    }
    if (l->kind == LOOP_UNROLL) {
        for (s->bound[from] = 0; s->bound[from] < l->extent; s->bound[from]++) {
            if (last && block)
                text_open(t, "{");
            c_loops(t, s, from + 1, to, block, body);
            if (last && block)
                text_close(t, "}");
        }
        s->bound[from] = -1;
        return;
    }
    bool brace = last ? block : s->nest->loops[from + 1]->kind == LOOP_UNROLL;
    open_loop(t, s, from, brace);
    c_loops(t, s, from + 1, to, block, body);
    text_close(t, brace ? "}" : "");
}

static void put_summed(Text *t, Scope *s)
{
    c_statement_put(t, s, s->total, s->nest->value);
}

static void put_place(Text *t, Scope *s)
{
    int places = scope_places(s);

    if (!c_needs_total(s)) {
        c_single(t, s);
        return;
    }
    c_total_begin(t, s, true);
    if (s->nest->put != PUT_SET)            /* that is its beginning already */
        c_loops(t, s, places, s->nest->loop_count, c_put_is_block(s), put_summed);
    c_total_end(t, s);
}

static void put_scattered(Text *t, Scope *s)
{
    c_statement_put(t, s, NULL, s->nest->value);
}

/* The whole of dst is set first. */
static void put_fill(CFile *f, const Scope *s)
{
    static const char *const counter[] = { "i", "j", "k", "l", "m" };
    const Tensor *dst = s->nest->dst;
    Text *place = text_new(f->u->arena);

    _Static_assert(countof(counter) == MAX_AXES, "a counter for every axis");
    int first = nest_fills_image(s->nest);  /* axes that are given */

    text_put(place, "%s", scope_name(s, dst));
    if (first)
        text_put(place, "[%s]", scope_name(s, s->nest->loops[0]));
    for (int i = first; i < dst->rank; i++) {
        text_put(place, "[%s]", counter[i]);
        text_open(f->t, "%s%s", loop_head(s, counter[i], dst->dim[i]), i > first ? "" : "   // first, all of it");
    }
    put_code(f->t, arena_print(f->u->arena, "%s%s = %s;", place->at, dst->rank ? "" : "[0]",
                               c_number(f->u->arena, s->nest->fill->number, f->u->options.real)));
    f->needs.infinity |= s->nest->fill->number - s->nest->fill->number != 0;
    f->t->depth -= dst->rank - first;
}

/* A function of its own that is not inlined (c_variant.c); in a file for several machines it has the attributes of its machine besides. */
static const char *attribute_of(const CFile *f, const Nest *n)
{
    bool nest = f->u->options.style == STYLE_FAST && !f->variants && (f->u->variant_count > 1 || !nest_is_trifle(n));
    return nest ? "NEST " : "";
}

void c_signature(CFile *f, const char *name, const Scope *s)
{
    LIST(const char *) parameters = { 0 };

    for (int i = 0; i < s->tensors.count; i++)
        LIST_ADD(f->u->arena, &parameters, c_parameter(s, s->tensors.at[i]));
    for (int i = 0; i < nest_step_loops(s->nest); i++)
        if (nest_reads_loop(s->nest, s->nest->loops[i]))
            LIST_ADD(f->u->arena, &parameters, arena_print(f->u->arena, "int %s", scope_name(s, s->nest->loops[i])));
    if (s->draws)
        LIST_ADD(f->u->arena, &parameters, "const uint32_t draw[4]");
    put_list(f->t, arena_print(f->u->arena, "%sstatic void %s(", attribute_of(f, s->nest), name), parameters.at, parameters.count, ")");
    text_open(f->t, "{");
}

static void assert_places_come_first(const Scope *s)
{
    int places = scope_places(s);

    for (int i = 0; i < s->nest->loop_count; i++)
        assert((i < places) == nest_places_loop(s->nest, s->nest->loops[i]));
    (void)places;
}

void c_nest(CFile *f, const Function *function)
{
    Scope *s = c_scope(f, function->nest);
    bool gather = nest_is_gather(s->nest);

    c_hold_choices(s);
    c_signature(f, function->name, s);
    lesson_meanings(f, s);
    c_comment_column(f, s);
    if (s->nest->fill)
        put_fill(f, s);
    if (gather) {
        assert_places_come_first(s);
        c_loops(f->t, s, 0, scope_places(s), c_needs_total(s) || c_put_is_block(s), put_place);
    } else {
        c_loops(f->t, s, 0, s->nest->loop_count, c_put_is_block(s), put_scattered);
    }
    text_close(f->t, "}");
}
