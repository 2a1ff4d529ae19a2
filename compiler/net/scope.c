/* scope.c: the items of the program and the scopes of its bodies. */
#include "net/scope.h"

#include "net/layer.h"

#include <string.h>

Scope *scope_new(Items *items, Scope *parent)
{
    Scope *scope = ARENA_NEW(items->u->arena, Scope);

    scope->items = items;
    scope->parent = parent;
    return scope;
}

Binding *scope_bind(Scope *scope, const char *name, Span span)
{
    Binding *b = ARENA_NEW(scope->items->u->arena, Binding);

    b->span = span;
    dict_put(scope->items->u->arena, &scope->names, name, b);
    return b;
}

Binding *scope_find(const Scope *scope, const char *name)
{
    for (; scope != NULL; scope = scope->parent) {
        Binding *b = dict_find(&scope->names, name);
        if (b != NULL)
            return b;
    }
    return NULL;
}

Value *scope_value(const Scope *scope, const char *name)
{
    const Binding *b = scope_find(scope, name);

    return b == NULL ? NULL : b->value;
}

/* ---- params */

/* The expression that -D gives, as a source of its own so that mistakes in it are shown. NULL if it was reported. */
static const AstExpr *define_expr(Unit *u, const Define *define)
{
    const char *text = arena_print(u->arena, "param %s = %s\n", define->name, define->value);
    int source = diag_add_source(u, arena_print(u->arena, "-D %s", define->name), text, strlen(text));
    int errors = diag_errors(u);
    const AstFile *file = ast_parse(u, source);
    const AstItem *item = file->items;

    if (diag_errors(u) > errors)
        return NULL;
    if (item == NULL || item->next != NULL || item->kind != AST_PARAM) {
        error_at(u, NO_SPAN, "-D %s=%s does not give one number or size", define->name, define->value);
        return NULL;
    }
    return item->value;
}

static void constant_evaluate(Items *items, Constant *c)
{
    Unit *u = items->u;

    if (c->progress == DONE)
        return;
    if (c->progress == UNDER_WAY) {
        error_at(u, c->item->name->span, "the value of param '%s' depends on itself", c->item->name->text);
        c->progress = DONE;
        return;
    }
    if (items->depth == LIMIT_DEPTH) {
        error_at(u, c->item->name->span, "params are defined by params more than %d deep", LIMIT_DEPTH);
        c->progress = DONE;
        return;
    }
    c->progress = UNDER_WAY;
    items->depth++;
    const AstExpr *e = c->define != NULL ? define_expr(u, c->define) : c->item->value;
    Datum d = { .kind = DATUM_UNKNOWN };
    if (e != NULL)
        expr_eval(items->scope, e, &d);
    items->depth--;
    c->datum = d;
    c->progress = DONE;
}

bool scope_datum(Scope *scope, const char *name, Datum *to)
{
    const Binding *b = scope_find(scope, name);

    if (b != NULL) {
        if (b->value != NULL)
            return false;
        *to = b->datum;
        return true;
    }
    Constant *c = dict_find(&scope->items->constants, name);
    if (c == NULL)
        return false;
    c->used = true;
    constant_evaluate(scope->items, c);
    *to = c->datum;
    return true;
}

void scope_offer(const Scope *scope, bool values, Spelling *s)
{
    const Items *items = scope->items;

    for (; scope != NULL; scope = scope->parent)
        for (int i = 0; i < scope->names.entries.count; i++) {
            const Binding *b = scope->names.entries.at[i].value;
            if ((b->value != NULL) == values)
                spelling_offer(s, scope->names.entries.at[i].name);
        }
    if (!values)
        spelling_offer_dict(s, &items->constants);
}

/* ---- items */

static void taken(Items *items, const char *what, const AstName *name, Span first)
{
    error_at(items->u, name->span, "there are two %s called '%s'", what, name->text);
    note_at(items->u, first, "the other is here");
}

static void add_param(Items *items, const AstItem *item)
{
    Unit *u = items->u;
    const Constant *other = dict_find(&items->constants, item->name->text);
    const AstItem *block = dict_find(&items->blocks, item->name->text);

    if (other != NULL) {
        taken(items, "params", item->name, other->item->name->span);
        return;
    }
    if (block != NULL) {
        error_at(u, item->name->span, "'%s' is the name of a block already", item->name->text);
        note_at(u, block->name->span, "the block is here");
        return;
    }
    Constant *c = ARENA_NEW(u->arena, Constant);
    c->item = item;
    for (int i = 0; i < u->options.define_count; i++)
        if (strcmp(u->options.defines[i].name, item->name->text) == 0) {
            u->options.defines[i].used = true;
            c->define = &u->options.defines[i];     /* the last one holds */
        }
    dict_put(u->arena, &items->constants, item->name->text, c);
}

static void add_block(Items *items, const AstItem *item)
{
    Unit *u = items->u;
    const AstItem *other = dict_find(&items->blocks, item->name->text);
    const Constant *constant = dict_find(&items->constants, item->name->text);

    if (layer_find(item->name->text) != NULL || strcmp(item->name->text, "init") == 0) {
        error_at(u, item->name->span, "'%s' is a layer of the language; a block needs a name of its own", item->name->text);
        return;
    }
    if (other != NULL) {
        taken(items, "blocks", item->name, other->name->span);
        return;
    }
    Dict formals = { 0 };
    for (AstFormal *f = item->formals; f != NULL; f = f->next) {
        const AstFormal *same = dict_find(&formals, f->name);
        if (same == NULL) {
            dict_put(u->arena, &formals, f->name, f);
            continue;
        }
        error_at(u, f->span, "block '%s' has two arguments called '%s'", item->name->text, f->name);
        note_at(u, same->span, "the other is here");
    }
    if (constant != NULL) {
        error_at(u, item->name->span, "'%s' is the name of a param already", item->name->text);
        note_at(u, constant->item->name->span, "the param is here");
        return;
    }
    dict_put(u->arena, &items->blocks, item->name->text, (void *)item);
}

static void add_network(Items *items, const AstItem *item, bool imported)
{
    const ItemRef *other = dict_find(&items->networks, item->name->text);

    if (other != NULL) {
        taken(items, "networks", item->name, other->item->name->span);
        return;
    }
    ItemRef *ref = ARENA_NEW(items->u->arena, ItemRef);
    *ref = (ItemRef){ item, imported };
    dict_put(items->u->arena, &items->networks, item->name->text, ref);
}

static void add_data(Items *items, const AstItem *item)
{
    const AstItem *other = dict_find(&items->data, item->name->text);

    if (other != NULL) {
        taken(items, "data blocks", item->name, other->name->span);
        return;
    }
    dict_put(items->u->arena, &items->data, item->name->text, (void *)item);
}

static void collect(Items *items, const AstFile *file, bool imported)
{
    for (int i = 0; i < items->files.count; i++)
        if (items->files.at[i] == file || items->files.at[i]->source == file->source)
            return;
    LIST_ADD(items->u->arena, &items->files, file);

    for (const AstItem *item = file->items; item != NULL; item = item->next)
        switch (item->kind) {
        case AST_PARAM:   add_param(items, item); break;
        case AST_NETWORK: add_network(items, item, imported); break;
        case AST_BLOCK:   add_block(items, item); break;
        case AST_DATA:    add_data(items, item); break;
        case AST_TRAIN:   LIST_ADD(items->u->arena, &items->trains, ((ItemRef){ item, imported })); break;
        case AST_IMPORT:
            if (item->imported != NULL)         /* else the parser has said why */
                collect(items, item->imported, true);
            break;
        }
}

Items *items_collect(Unit *u)
{
    Items *items = ARENA_NEW(u->arena, Items);

    items->u = u;
    items->scope = scope_new(items, NULL);
    collect(items, u->ast, false);
    return items;
}

void items_evaluate(Items *items)
{
    Unit *u = items->u;

    for (int i = 0; i < items->constants.entries.count; i++)
        constant_evaluate(items, items->constants.entries.at[i].value);

    for (int i = 0; i < u->options.define_count; i++) {
        const Define *d = &u->options.defines[i];
        if (d->used)
            continue;
        Spelling s = { .word = d->name };
        spelling_offer_dict(&s, &items->constants);
        error_at(u, NO_SPAN, "-D %s=%s: the program has no param '%s'", d->name, d->value, d->name);
        spelling_help(u, NO_SPAN, &s);
    }
}
