/* c_unrolled.c: a nest as C without any loop: every statement written out, every index a number.
 *
 * C compilers need more than linear time for one long function, so the statements are cut into functions NAME_part1,
 * NAME_part2, ... of `piece` places each, and NAME calls them. */
#include "emit/c.h"

#include <assert.h>
#include <string.h>

typedef struct Parts {
    CFile *f;
    Scope *s;
    const Function *function;
    LIST(const char *) names;
    LIST(bool) fill;                /* whether that part takes dst alone */
    int64_t left;                   /* statements or places that the open part still takes; 0: none is open */
    bool open;
    bool alone;                     /* one part is all: it is the function itself */
} Parts;

static void close_part(Parts *p)
{
    if (p->open)
        text_close(p->f->t, "}");
    p->open = false;
    p->left = 0;
}

static void open_part(Parts *p, bool fill, int64_t places)
{
    Arena *arena = p->f->u->arena;
    const char *name = p->alone ? p->function->name
                       : names_unique(p->f->names, arena_print(arena, "%s_part%d", p->function->name, p->names.count + 1));

    if (p->names.count)
        text_blank(p->f->t);
    LIST_ADD(arena, &p->names, name);
    LIST_ADD(arena, &p->fill, fill);
    if (fill) {
        const char *parameter = c_parameter(p->s, p->s->nest->dst);
        put_list(p->f->t, arena_print(arena, "static void %s(", name), &parameter, 1, ")");
        text_open(p->f->t, "{");
    } else {
        c_signature(p->f, name, p->s);
    }
    p->open = true;
    p->left = places;
}

static void put_fill(Parts *p)
{
    const Scope *s = p->s;
    const Tensor *dst = s->nest->dst;
    const char *value = c_number(p->f->u->arena, s->nest->fill->number, p->f->u->options.real);
    int64_t count = tensor_count(dst);

    p->f->needs.infinity |= s->nest->fill->number - s->nest->fill->number != 0;
    for (int64_t i = 0; i < count; i++) {
        Affine index[MAX_AXES] = { { 0 } };
        int64_t rest = i;
        for (int axis = dst->rank - 1; axis >= 0; axis--) {
            index[axis].offset = rest % dst->dim[axis];
            rest /= dst->dim[axis];
        }
        if (p->left == 0) {
            close_part(p);
            open_part(p, true, FILL_STATEMENTS);
        }
        p->left--;
        text_indent(p->f->t);
        c_element(p->f->t, s, FORM_C, dst, index);
        text_put(p->f->t, " = %s;\n", value);
    }
    close_part(p);
}

/* Runs loops [from, to) of the scope through all their values. */
static void for_each(Parts *p, int from, int to, void (*body)(Parts *p))
{
    if (from == to) {
        body(p);
        return;
    }
    int64_t *value = &p->s->bound[from];
    for (*value = 0; *value < p->s->nest->loops[from]->extent; ++*value)
        for_each(p, from + 1, to, body);
    *value = -1;
}

static void put_summed(Parts *p)
{
    c_statement_put(p->f->t, p->s, p->s->total, p->s->nest->value);
}

bool c_is_unrolled(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind != LOOP_UNROLL)
            return false;
    return n->piece > 0;
}

/* A piece is meant in places with all their summands. */
int64_t c_part_size(const Nest *n)
{
    int64_t size = n->piece;

    if (!nest_is_gather(n))
        for (int i = 0; i < n->loop_count; i++)
            size *= nest_places_loop(n, n->loops[i]) ? 1 : n->loops[i]->extent;
    return size;
}

int64_t c_whole_size(const Nest *n)
{
    int64_t places = 1;

    for (int i = 0; i < n->loop_count; i++)
        places *= nest_places_loop(n, n->loops[i]) ? n->loops[i]->extent : 1;
    return nest_is_gather(n) ? places : nest_work(n);
}

/* One place of a gather, or one statement of a scatter. */
static void put_place(Parts *p)
{
    Scope *s = p->s;
    bool total = c_needs_total(s), gather = nest_is_gather(s->nest);

    if (p->left == 0) {
        close_part(p);
        open_part(p, false, c_part_size(s->nest));
        if (total)
            text_line(p->f->t, "%s %s;", s->real, s->total);
    }
    p->left--;
    if (!gather) {
        c_statement_put(p->f->t, s, NULL, s->nest->value);
    } else if (total) {
        c_total_begin(p->f->t, s, false);
        for_each(p, scope_places(s), s->nest->loop_count, put_summed);
        c_total_end(p->f->t, s);
    } else {
        c_single(p->f->t, s);
    }
}

void c_unrolled(CFile *f, const Function *function)
{
    Parts p = { .f = f, .s = c_scope(f, function->nest), .function = function };
    const Nest *n = function->nest;

    assert(n->piece > 0);
    p.alone = !n->fill && c_whole_size(n) <= c_part_size(n);
    if (n->fill)
        put_fill(&p);
    for_each(&p, 0, nest_is_gather(n) ? scope_places(p.s) : n->loop_count, put_place);
    close_part(&p);
    if (p.alone)
        return;

    text_blank(f->t);
    c_signature(f, function->name, p.s);
    for (int i = 0; i < p.names.count; i++) {
        LIST(const char *) arguments = { 0 };
        for (int j = 0; j < (p.fill.at[i] ? 1 : p.s->tensors.count); j++)
            LIST_ADD(f->u->arena, &arguments, scope_name(p.s, p.s->tensors.at[j]));
        if (p.s->draws && !p.fill.at[i])
            LIST_ADD(f->u->arena, &arguments, "draw");
        put_list(f->t, arena_print(f->u->arena, "%s(", p.names.at[i]), arguments.at, arguments.count, ");");
    }
    text_close(f->t, "}");
}
