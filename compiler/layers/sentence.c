/* sentence.c: what several layers tell a user in the same words (sentence.h). */
#include "layers/sentence.h"

#include <string.h>

const char *first_line(Unit *u, Span at)
{
    const char *text = span_text(u, at);
    size_t length = strcspn(text, "\r\n");

    if (!text[length])
        return text;
    while (length > 0 && strchr(" \t", text[length - 1]))
        length--;
    return arena_print(u->arena, "%.*s ...", (int)length, text);
}

/* 28x28x1 is one thing, 120 features are many. */
static bool is_one(Shape s)
{
    return s.rank > 1 || shape_count(s) == 1;
}

void note_origin(Unit *u, const Value *v)
{
    note(u, "%s %s from '%s' at %d:%d", shape_text(u, v->shape), is_one(v->shape) ? "comes" : "come", first_line(u, v->span),
         span_line(u, v->span), span_column(u, v->span));
}

const char *line_with(Unit *u, const Site *s, Span at, const char *text)
{
    Span before = s->span, after = s->span;

    if (at.source != s->span.source || at.from < s->span.from || at.to > s->span.to)
        return NULL;
    before.to = at.from;
    after.from = at.to;
    const char *line = arena_print(u->arena, "%s%s%s", span_text(u, before), text, span_text(u, after));
    return strpbrk(line, "\r\n") ? NULL : line;
}

bool needs_image(Unit *u, const Site *s)
{
    if (s->x->shape.rank == 3)
        return true;
    error_at(u, s->span, "%s %s no image; '%s' needs height x width x depth", shape_text(u, s->x->shape),
             is_one(s->x->shape) ? "is" : "are", s->kind->name);
    note_origin(u, s->x);
    if (s->x->from)
        help(u, "a layer for images stands above the first 'flatten', 'dense' or global pool");
    else
        help(u, "'input 28x28x1' makes the input an image of 28 rows and 28 columns");
    return false;
}

const char *features_in(Unit *u, Shape s)
{
    long long all = (long long)shape_count(s);
    const char *ending = all == 1 ? "" : "s";

    if (s.rank != 3)
        return arena_print(u->arena, "%lld feature%s in", all, ending);
    return arena_print(u->arena, "%lld*%lld*%lld = %lld feature%s in", (long long)s.dim[1], (long long)s.dim[2], (long long)s.dim[0], all, ending);
}
