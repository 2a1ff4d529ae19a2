/* expand.c: the body of a network becomes a list of sites: blocks are put in place, loops run, names are given. */
#include "net/expansion.h"

#include "net/foreign.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Blocks that a note lists, from the innermost. */
enum { MOST_FRAMES = 4 };

static Value *expand_body(Expansion *e, const Place *place, const AstStmt *body, Value *x);
static Value *expand_use(Expansion *e, const Place *place, const Use *use, const AstLayer *layer, Value *x, const char *name);

/* ---- errors */

bool expansion_has_failed(const Expansion *e, const void *node)
{
    for (int i = 0; i < e->failed.count; i++)
        if (e->failed.at[i] == node)
            return true;
    return false;
}

void expansion_blame(Expansion *e, int errors_before, const void *node)
{
    int blocks = 0;

    if (diag_errors(e->u) == errors_before)
        return;
    LIST_ADD(e->u->arena, &e->failed, node);
    for (int i = e->frames.count - 1; i >= 0 && blocks < MOST_FRAMES; i--) {
        const Frame *f = &e->frames.at[i];
        if (f->block == NULL) {
            note(e->u, "%s is %" PRId64 " in this round", f->counter, f->number);
        } else {
            note_at(e->u, f->span, "block '%s' is used", f->block->name->text);
            blocks++;
        }
    }
    if (diag_errors(e->u) >= LIMIT_ERRORS)
        e->stopped = true;
}

/* ---- names */

/* "residual2.stem" */
static const char *full_name(Expansion *e, const Place *place, const char *name)
{
    return place->instance == NULL ? name : arena_print(e->u->arena, "%s.%s", place->instance, name);
}

/* Takes the name that a line or path is given. NULL if it meets another. */
static const char *take_given(Expansion *e, const Place *place, const AstName *name)
{
    Unit *u = e->u;
    const Binding *other = scope_find(place->scope, name->text);
    const Constant *constant = dict_find(&e->items->constants, name->text);

    if (other != NULL || constant != NULL) {
        error_at(u, name->span, "the name '%s' is given twice", name->text);
        note_at(u, other != NULL ? other->span : constant->item->name->span, "it is given first");
        return NULL;
    }
    if (place->instance != NULL && dict_find(&e->names, place->instance) == NULL
        && !expansion_take_name(e, place->instance, place->instance_span, false))
        return NULL;
    const char *full = full_name(e, place, name->text);
    return expansion_take_name(e, full, name->span, true) ? full : NULL;
}

/* Calls a value by the name given to its line or path, if it was made there. */
static void bind_value(const Expansion *e, const Place *place, const AstName *name, const char *full, Value *v, int first_site)
{
    if (dict_find(&place->scope->names, name->text) != NULL)
        return;
    scope_bind(place->scope, name->text, name->span)->value = v;
    if (full != NULL && ((v->from == NULL && v == e->net->x) || (v->from != NULL && v->from->number >= first_site)))
        v->name = full;
}

/* ---- layers */

static ArgOwner owner_of(const Use *use, const AstLayer *layer, const LayerKind *kind)
{
    bool replaceable = layer == NULL || (layer->from == NULL && !layer->has_paths);

    return (ArgOwner){ .name = use->name, .name_span = use->name_span, .line = replaceable ? use->span : NO_SPAN,
                       .call = use->inlined, .specs = kind == NULL ? NULL : kind->args,
                       .spec_count = kind == NULL ? 0 : kind->arg_count, .example = kind == NULL ? NULL : kind->example };
}

static void unknown_layer(Expansion *e, const Use *use, const AstLayer *layer, const LayerKind *kind)
{
    ArgOwner owner = owner_of(use, layer, NULL);

    if (kind != NULL) {
        error_at(e->u, use->name_span, "'%s' is a loss: it belongs into a train block", use->name);
        help(e->u, "there it is written 'loss %s'", use->name);
        return;
    }
    if (foreign_layer(e->u, &owner, use->args))
        return;
    Spelling s = { .word = use->name };
    offer_layers(e->items, &s);
    error_at(e->u, use->name_span, "unknown layer '%s'", use->name);
    spelling_help(e->u, use->name_span, &s);
}

typedef struct Values {
    LIST(Value *) list;
} Values;

/* True for a name that is given somewhere in the network. */
static bool is_hidden(const Expansion *e, const char *name)
{
    for (int i = 0; i < e->names.entries.count; i++) {
        const char *full = e->names.entries.at[i].name, *dot = strrchr(full, '.');
        if (strcmp(dot == NULL ? full : dot + 1, name) == 0)
            return true;
    }
    return false;
}

/* The values after `from`; false if one is unknown. */
static bool read_from(Expansion *e, const Place *place, const AstName *from, Values *to)
{
    Unit *u = e->u;
    bool ok = true;

    for (const AstName *n = from; n != NULL; n = n->next) {
        Value *v = scope_value(place->scope, n->text);
        if (v != NULL) {
            LIST_ADD(u->arena, &to->list, v);
            continue;
        }
        Spelling s = { .word = n->text };
        scope_offer(place->scope, true, &s);
        error_at(u, n->span, "no value is called '%s' here", n->text);
        if (s.best == NULL && is_hidden(e, n->text))
            note(u, "blocks, loops and paths keep the names to themselves that are given in them, and a block sees no others");
        spelling_help(u, n->span, &s);
        ok = false;
    }
    return ok;
}

/* Every path begins with x; their ends are what the layer reads. */
static void expand_paths(Expansion *e, const Place *place, const AstPath *paths, Value *x, Values *to)
{
    for (const AstPath *p = paths; p != NULL; p = p->next) {
        Place inside = *place;
        int first_site = e->net->sites.count;
        inside.scope = scope_new(e->items, place->scope);
        Value *y = expand_body(e, &inside, p->body, x);
        LIST_ADD(e->u->arena, &to->list, y);
        if (p->name != NULL) {
            int errors = diag_errors(e->u);
            const char *full = take_given(e, place, p->name);
            bind_value(e, place, p->name, full, y, first_site);
            expansion_blame(e, errors, p);
        }
    }
}

static Value *expand_inlines(Expansion *e, const Place *place, const Inlines *inlines, Span line, Value *x)
{
    for (int i = 0; i < inlines->list.count; i++) {
        const AstExpr *expr = inlines->list.at[i];
        Span name_span = expr->span;
        name_span.to = name_span.from + (uint32_t)strlen(expr->text);
        Use use = { .name = expr->text, .name_span = name_span, .span = expr->span, .line = line, .node = expr,
                    .args = expr->kind == AST_CALL ? expr->args : NULL, .inlined = true };
        x = expand_use(e, place, &use, NULL, x, NULL);
    }
    return x;
}

/* What the layer reads: the line above, or `from`, or the ends of its paths; then the values among its arguments. */
static bool inputs_of(Expansion *e, const Place *place, const Use *use, const AstLayer *layer, bool paths_allowed, Value *x,
                      Values *to)
{
    Unit *u = e->u;
    Values base = { 0 };

    if (layer != NULL && layer->from != NULL) {
        if (!read_from(e, place, layer->from, &base))
            return false;
    } else {
        LIST_ADD(u->arena, &base.list, x);
    }
    if (layer == NULL || !layer->has_paths) {
        *to = base;
        return true;
    }
    if (!paths_allowed) {
        error_at(u, use->name_span, "'%s' has no paths", use->name);
        help(u, "'add' and 'concat' have");
        return false;
    }
    if (base.list.count > 1) {
        error_at(u, layer->from->next->span, "paths begin with one value; %d are given", base.list.count);
        return false;
    }
    expand_paths(e, place, layer->paths, base.list.at[0], to);
    return true;
}

static Value *expand_kind(Expansion *e, const Place *place, const Use *use, const AstLayer *layer, const LayerKind *kind,
                          Value *x, const char *name)
{
    Unit *u = e->u;
    int errors = diag_errors(u);
    ArgOwner owner = owner_of(use, layer, kind);
    ArgValue *args = arena_array(u->arena, (size_t)kind->arg_count + 1, sizeof *args);
    Inlines inlines = { 0 };
    Values in = { 0 };
    Value *y;

    bool ok = args_bind(place->scope, &owner, use->args, args, &inlines);
    expansion_blame(e, errors, use->node);
    errors = diag_errors(u);
    ok = inputs_of(e, place, use, layer, kind->paths, x, &in) && ok;
    if (ok) {
        for (int i = 0; i < kind->arg_count; i++)
            for (int j = 0; kind->args[i].kind == ARG_VALUES && j < args[i].count; j++)
                LIST_ADD(u->arena, &in.list, args[i].values[j]);
        y = site_add(e, use, kind, args, name, in.list.at, in.list.count);
    } else {
        expansion_number(e, kind->name);
        y = unknown_value(u, use->line);
    }
    expansion_blame(e, errors, use->node);
    return expand_inlines(e, place, &inlines, use->line, y);
}

/* A block that uses itself would never end. */
static bool reaches_itself(Expansion *e, const Use *use, const AstItem *block)
{
    const char *chain = NULL;

    for (int i = 0; i < e->frames.count; i++) {
        const AstItem *outer = e->frames.at[i].block;
        if (outer == NULL)
            continue;
        if (chain != NULL)
            chain = arena_print(e->u->arena, "%s -> %s", chain, outer->name->text);
        else if (outer == block)
            chain = outer->name->text;
    }
    if (chain == NULL)
        return false;
    error_at(e->u, use->span, "block '%s' uses itself: %s -> %s", block->name->text, chain, block->name->text);
    return true;
}

static Value *expand_block(Expansion *e, const Place *place, const Use *use, const AstLayer *layer, const AstItem *block, Value *x)
{
    Unit *u = e->u;
    int errors = diag_errors(u);
    ArgOwner owner = owner_of(use, layer, NULL);
    Inlines inlines = { 0 };
    Values in = { 0 };
    Scope *inside = scope_new(e->items, NULL);
    Value *y = NULL;

    if (dict_find(&e->items->used_blocks, block->name->text) == NULL)
        dict_put(u->arena, &e->items->used_blocks, block->name->text, (void *)block);
    bool ok = !reaches_itself(e, use, block);
    if (ok && e->frames.count >= LIMIT_DEPTH) {
        error_at(u, use->span, "blocks are used in blocks more than %d deep", LIMIT_DEPTH);
        ok = false;
    }
    ok = ok && inputs_of(e, place, use, layer, false, x, &in);
    if (ok && in.list.count > 1) {
        error_at(u, layer->from->next->span, "block '%s' reads one value; here are %d", block->name->text, in.list.count);
        ok = false;
    }
    ok = ok && args_bind_block(place->scope, block, &owner, use->args, inside, &inlines);
    expansion_blame(e, errors, use->node);
    if (ok) {
        const char *instance = arena_print(u->arena, "%s%d", block->name->text, expansion_number(e, block->name->text));
        Place body = { inside, instance, use->span };
        Frame frame = { .block = block, .span = use->span };
        LIST_ADD(u->arena, &e->frames, frame);
        y = expand_body(e, &body, block->body, in.list.at[0]);
        e->frames.count--;
    } else {
        y = unknown_value(u, use->line);
    }
    return expand_inlines(e, place, &inlines, use->line, y);
}

/* One layer or block, and what is inlined after it. `layer` is NULL for an inline one. */
static Value *expand_use(Expansion *e, const Place *place, const Use *use, const AstLayer *layer, Value *x, const char *name)
{
    const LayerKind *kind = layer_find(use->name);
    const AstItem *block = dict_find(&e->items->blocks, use->name);
    int errors = diag_errors(e->u);

    if (e->stopped || expansion_has_failed(e, use->node))
        return unknown_value(e->u, use->line);
    if (block != NULL)
        return expand_block(e, place, use, layer, block, x);
    if (strcmp(use->name, "input") == 0)
        error_at(e->u, use->span, "'input' is the first line of the network itself");
    else if (strcmp(use->name, "init") == 0)
        error_at(e->u, use->span, "'init' is a line of the network itself");
    else if (kind == NULL || kind->loss)
        unknown_layer(e, use, layer, kind);
    else
        return expand_kind(e, place, use, layer, kind, x, name);
    expansion_blame(e, errors, use->node);
    return unknown_value(e->u, use->line);
}

/* ---- statements */

/* `input 28x28x1`: the first line of the network. */
static Value *expand_input(Expansion *e, const Place *place, const AstLayer *layer, const char *name)
{
    Unit *u = e->u;
    const LayerKind *kind = layer_find("input");
    Use use = { .name = layer->name, .name_span = layer->name_span, .span = layer->span, .line = layer->span, .node = layer,
                .args = layer->args };
    ArgOwner owner = owner_of(&use, layer, kind);
    ArgValue *args = arena_array(u->arena, (size_t)kind->arg_count, sizeof *args);
    Value *v = unknown_value(u, layer->span);
    Inlines inlines = { 0 };
    Site site = { .kind = kind, .name = "input", .span = layer->span, .args = args, .y = v };

    e->net->x = v;
    v->name = "input";
    if (layer->from != NULL || layer->has_paths)
        error_at(u, layer->span, "'input' reads nothing");
    else if (args_bind(place->scope, &owner, layer->args, args, &inlines) && kind->shape(u, &site)) {
        v->known = true;
        e->net->input = v->shape;
    }
    if (name == NULL) {
        expansion_take_name(e, "input", layer->span, false);
        scope_bind(place->scope, "input", layer->span)->value = v;
    }
    return expand_inlines(e, place, &inlines, layer->span, v);
}

/* True if the network's input is there; reports it once otherwise. */
static bool has_input(Expansion *e, const AstLayer *layer)
{
    if (e->net->x != NULL)
        return true;
    /* It may have been a line that failed, or have another name elsewhere. */
    if (e->lines_failed || !is_layer_word(e->items, layer->name)) {
        e->net->x = unknown_value(e->u, layer->span);
        return true;
    }
    error_at(e->u, layer->name_span, "network '%s' has no input before its first layer", e->net->name);
    help(e->u, "begin with a line such as 'input 28x28x1'");
    e->net->x = unknown_value(e->u, layer->span);
    e->input_missing = true;
    return false;
}

static Value *expand_flow(Expansion *e, const Place *place, const AstStmt *line, Value *x, bool top)
{
    int errors = diag_errors(e->u), first_site = e->net->sites.count;
    const AstName *given = line->name;
    const char *name = NULL;

    if (given != NULL && !expansion_has_failed(e, line)) {
        name = take_given(e, place, given);
        expansion_blame(e, errors, line);
    }
    for (const AstLayer *layer = line->flow; layer != NULL; layer = layer->next) {
        bool is_input = strcmp(layer->name, "input") == 0, is_init = strcmp(layer->name, "init") == 0;
        bool first = layer == line->flow;
        if (top && first && is_init)
            continue;               /* read by network_init */
        errors = diag_errors(e->u);
        if (top && first && is_input && e->net->x == NULL) {
            x = expand_input(e, place, layer, name);
            expansion_blame(e, errors, layer);
            continue;
        }
        if (is_input && e->net->x != NULL && e->frames.count == 0 && !expansion_has_failed(e, layer)) {
            if (!e->input_missing) {
                error_at(e->u, layer->span, "a network has one input");
                note_at(e->u, e->net->x->span, "it is");
                expansion_blame(e, errors, layer);
            }
            x = unknown_value(e->u, layer->span);
            continue;
        }
        if (!is_input && !has_input(e, layer))
            x = e->net->x;
        if (x == NULL)
            x = unknown_value(e->u, layer->span);
        Use use = { .name = layer->name, .name_span = layer->name_span, .span = layer->span, .line = layer->span,
                    .node = layer, .args = layer->args };
        x = expand_use(e, place, &use, layer, x, first ? name : NULL);
    }
    if (given != NULL && x != NULL)
        bind_value(e, place, given, name, x, first_site);
    return x;
}

/* A bound of a repeat, or its count. */
static bool repeat_number(Expansion *e, Scope *scope, const AstExpr *expr, int64_t *to)
{
    Datum d;

    if (!expr_eval(scope, expr, &d))
        return false;
    if (datum_whole(&d, to) && *to >= -LIMIT_DIM && *to <= LIMIT_DIM)
        return true;
    if (d.kind == DATUM_NUMBER)
        error_at(e->u, expr->span, "'repeat' needs a whole number of at most %d; this is %s", LIMIT_DIM, datum_text(e->u, &d));
    else
        error_at(e->u, expr->span, "'repeat' needs a number, not %s", datum_kind(&d));
    return false;
}

/* The counter's first and last number; false if it was reported. */
static bool repeat_bounds(Expansion *e, Scope *scope, const AstStmt *line, int64_t *low, int64_t *high)
{
    if (line->high == NULL) {
        *low = 1;
        if (!repeat_number(e, scope, line->low, high))
            return false;
        if (*high >= 0)
            return true;
        error_at(e->u, line->low->span, "'repeat' cannot run %" PRId64 " times", *high);
        return false;
    }
    if (!repeat_number(e, scope, line->low, low) || !repeat_number(e, scope, line->high, high))
        return false;
    if (*high >= *low - 1)          /* 1..0 is no round at all */
        return true;
    error_at(e->u, span_join(line->low->span, line->high->span), "'repeat' counts upwards: from %" PRId64 " to %" PRId64 " there is no way",
             *low, *high);
    return false;
}

static Value *expand_repeat(Expansion *e, const Place *place, const AstStmt *line, Value *x)
{
    int errors = diag_errors(e->u);
    int64_t low, high;

    if (expansion_has_failed(e, line))
        return unknown_value(e->u, line->span);
    if (line->low->failed || (line->high != NULL && line->high->failed) || !repeat_bounds(e, place->scope, line, &low, &high)) {
        expansion_blame(e, errors, line);
        return unknown_value(e->u, line->span);
    }
    for (int64_t i = low; i <= high && expansion_step(e, line->span); i++) {
        const char *instance = arena_print(e->u->arena, "repeat%d", expansion_number(e, "repeat"));
        Place body = { scope_new(e->items, place->scope), instance, line->span };
        if (line->name != NULL) {
            Frame frame = { .span = line->span, .counter = line->name->text, .number = i };
            LIST_ADD(e->u->arena, &e->frames, frame);
            Binding *b = scope_bind(body.scope, line->name->text, line->name->span);
            b->datum = (Datum){ .kind = DATUM_NUMBER, .whole = true, .integer = i, .number = (double)i };
        }
        x = expand_body(e, &body, line->body, x);
        e->frames.count -= line->name != NULL;
    }
    return x;
}

/* A line that the parser could not read: its value is unknown, also under the name that it has. */
static Value *expand_failed(Expansion *e, const Place *place, const AstStmt *line)
{
    Value *v = unknown_value(e->u, line->span);

    e->lines_failed = true;
    if (line->name != NULL && scope_find(place->scope, line->name->text) == NULL)
        scope_bind(place->scope, line->name->text, line->name->span)->value = v;
    return v;
}

Value *expand_stmt(Expansion *e, const Place *place, const AstStmt *line, Value *x, bool top)
{
    switch (line->kind) {
    case AST_FLOW:
        return expand_flow(e, place, line, x, top);
    case AST_REPEAT:
        return expand_repeat(e, place, line, x);
    case AST_EXPECT:
        expect_line(e, place->scope, line, x);
        return x;
    case AST_ROW:
        error_at(e->u, line->span, "a row belongs into a data block");
        return x;
    case AST_FAILED:
        return expand_failed(e, place, line);
    }
    return NULL;
}

static Value *expand_body(Expansion *e, const Place *place, const AstStmt *body, Value *x)
{
    for (const AstStmt *line = body; line != NULL && expansion_step(e, line->span); line = line->next)
        x = expand_stmt(e, place, line, x, false);
    return x;
}
