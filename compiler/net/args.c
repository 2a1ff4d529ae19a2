/* args.c: which argument belongs to which spec; what it says is read by take.c. */
#include "net/args.h"

#include "net/foreign.h"
#include "net/take.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* One line's arguments under way. */
typedef struct Binder {
    Unit *u;
    Scope *scope;
    const ArgOwner *owner;
    const AstArg *args;
    ArgValue *values;
    bool *failed;                   /* one for each spec: given, but wrong */
    Inlines *inlines;
    bool ok;
    bool foreign;                   /* a foreign spelling was reported with the whole line */
} Binder;

bool is_layer_word(const Items *items, const char *word)
{
    const LayerKind *kind = layer_find(word);

    return (kind != NULL && !kind->loss) || dict_find(&items->blocks, word) != NULL;
}

void offer_layers(const Items *items, Spelling *s)
{
    for (int i = 0; i < layer_table_count; i++)
        if (!layer_table[i]->loss)
            spelling_offer(s, layer_table[i]->name);
    spelling_offer_dict(s, &items->blocks);
}

/* ---- positional arguments */

/* A bit for every kind of spec that a positional argument fits. */
static unsigned kinds_of(const AstArg *arg, const Datum *d)
{
    if (arg->high != NULL)
        return 1u << ARG_RANGE;
    switch (d->kind) {
    case DATUM_NUMBER: return 1u << ARG_COUNT | 1u << ARG_REAL | 1u << ARG_SHAPE | 1u << ARG_RANGE | 1u << ARG_PAIR | 1u << ARG_PAD;
    case DATUM_SIZE:   return 1u << ARG_SIZE | 1u << ARG_SHAPE;
    case DATUM_TEXT:   return 1u << ARG_TEXT;
    case DATUM_UNKNOWN: break;
    }
    return 0;
}

/* The first positional spec of such a kind that is free; or the first that is taken, so that giving it twice is said. */
static int positional_spec(const Binder *b, unsigned kinds)
{
    int taken = -1;

    for (int i = 0; i < b->owner->spec_count; i++) {
        const ArgSpec *spec = &b->owner->specs[i];
        if (!spec->positional || !(kinds >> spec->kind & 1))
            continue;
        if (!b->values[i].given || spec->many)
            return i;
        if (taken < 0)
            taken = i;
    }
    return taken;
}

/* The spec whose word this is: a flag, or a choice that needs no name. */
static int word_spec(const Binder *b, const char *word)
{
    for (int i = 0; i < b->owner->spec_count; i++) {
        const ArgSpec *spec = &b->owner->specs[i];
        if (spec->kind == ARG_FLAG && strcmp(spec->name, word) == 0)
            return i;
        if (spec->kind == ARG_CHOICE && spec->positional && word_index(spec->words, word) >= 0)
            return i;
    }
    return -1;
}

static int key_spec(const Binder *b, const char *key)
{
    for (int i = 0; i < b->owner->spec_count; i++)
        if (strcmp(b->owner->specs[i].name, key) == 0)
            return i;
    return -1;
}

static bool has_kind(const Binder *b, ArgKind kind)
{
    for (int i = 0; i < b->owner->spec_count; i++)
        if (b->owner->specs[i].kind == kind && b->owner->specs[i].positional)
            return true;
    return false;
}

/* Gives the spec its argument, unless it or another of its group has one. */
static void give(Binder *b, int index, const AstArg *arg)
{
    const ArgSpec *spec = &b->owner->specs[index];
    ArgValue *v = &b->values[index];

    if (v->given && !spec->many) {
        error_at(b->u, arg->span, "'%s' is given twice: '%s' and '%s'", spec->name, span_text(b->u, v->span),
                 span_text(b->u, arg->span));
        b->ok = false;
        return;
    }
    for (int i = 0; spec->group > 0 && i < b->owner->spec_count; i++)
        if (i != index && b->owner->specs[i].group == spec->group && b->values[i].given) {
            error_at(b->u, arg->span, "'%s' and '%s' exclude each other", span_text(b->u, b->values[i].span),
                     span_text(b->u, arg->span));
            b->ok = false;
            return;
        }
    ArgValue read = v->given ? *v : (ArgValue){ 0 };
    read.given = true;
    read.span = v->given ? span_join(v->span, arg->span) : arg->span;
    if (take(b->scope, spec, arg, &read))
        *v = read;
    else {
        v->given = true;            /* wrong, but not missing */
        v->span = arg->span;
        b->failed[index] = true;
        b->ok = false;
    }
}

/* The named arguments that such a positional one may have been meant for: "stride=, dilation=", or NULL. */
static const char *named_specs(const Binder *b, unsigned kinds)
{
    const char *text = NULL;

    for (int i = 0; i < b->owner->spec_count; i++) {
        const ArgSpec *spec = &b->owner->specs[i];
        if (!spec->positional && kinds >> spec->kind & 1)
            text = text == NULL ? arena_print(b->u->arena, "'%s='", spec->name)
                                : arena_print(b->u->arena, "%s, '%s='", text, spec->name);
    }
    return text;
}

static void no_place(Binder *b, const AstArg *arg, const Datum *d, unsigned kinds)
{
    const char *what = arg->high != NULL ? "range" : datum_kind(d) + 2;     /* without its article */
    int word = d->kind == DATUM_TEXT ? word_spec(b, d->text) : -1;

    b->ok = false;
    error_at(b->u, arg->span, "'%s' has no place for the %s %s", b->owner->name, what, span_text(b->u, arg->span));
    if (word >= 0) {
        fix_at(b->u, arg->span, d->text, "a word is written without quotes: '%s'", d->text);
        return;
    }
    const char *named = named_specs(b, kinds);
    if (named != NULL)
        note(b->u, "a %s can be given by name: %s", what, named);
}

static void bind_datum(Binder *b, const AstArg *arg)
{
    Datum d = { .kind = DATUM_UNKNOWN };

    if (arg->high == NULL && (!expr_eval(b->scope, arg->value, &d) || d.kind == DATUM_UNKNOWN)) {
        b->ok = false;
        return;
    }
    unsigned kinds = kinds_of(arg, &d);
    int index = positional_spec(b, kinds);
    int size = positional_spec(b, 1u << ARG_SIZE);
    bool size_is_free = d.kind == DATUM_NUMBER && arg->high == NULL && size >= 0 && !b->values[size].given;

    if (size_is_free && index < 0) {
        give(b, size, arg);         /* `maxpool 3`: no other number could be meant */
    } else if (size_is_free && b->values[index].given && d.whole) {
        error_at(b->u, arg->span, "'%s' is given already; a %s is written height x width", b->owner->specs[index].name,
                 b->owner->specs[size].name);
        const char *text = arena_print(b->u->arena, "%" PRId64 "x%" PRId64, d.integer, d.integer);
        fix_at(b->u, arg->span, text, "write '%s'", text);
        b->failed[size] = true;
        b->ok = false;
    } else if (index < 0) {
        no_place(b, arg, &d, kinds);
    } else {
        give(b, index, arg);
    }
}

/* ---- words */

static void unknown_word(Binder *b, const AstExpr *e)
{
    Unit *u = b->u;
    Spelling s = { .word = e->text };
    const char *words = NULL;

    b->ok = false;
    for (int i = 0; i < b->owner->spec_count; i++) {
        const ArgSpec *spec = &b->owner->specs[i];
        if (spec->kind == ARG_CHOICE && !spec->positional && word_index(spec->words, e->text) >= 0) {
            const char *text = arena_print(u->arena, "%s=%s", spec->name, e->text);
            error_at(u, e->span, "'%s' needs its name here", e->text);
            fix_at(u, e->span, text, "write '%s'", text);
            return;
        }
        const char *more = spec->kind == ARG_FLAG ? spec->name : spec->kind == ARG_CHOICE && spec->positional ? spec->words : NULL;
        spelling_offer_words(u, &s, more);
        if (more != NULL)
            words = words == NULL ? more : arena_print(u->arena, "%s %s", words, more);
    }
    if (b->inlines != NULL)
        offer_layers(b->scope->items, &s);
    scope_offer(b->scope, has_kind(b, ARG_VALUES), &s);
    if (has_kind(b, ARG_VALUES))
        error_at(u, e->span, "no value and no layer is called '%s' here", e->text);
    else
        error_at(u, e->span, "'%s' does not know '%s'", b->owner->name, e->text);
    if (s.best == NULL && words != NULL)
        note(u, "it knows the words %s", words_text(u, words));
    spelling_help(u, e->span, &s);
}

static void bind_word(Binder *b, const AstArg *arg)
{
    const AstExpr *e = arg->value;
    int index = word_spec(b, e->text);
    const Binding *binding = scope_find(b->scope, e->text);
    Datum d;

    if (index >= 0) {
        give(b, index, arg);
    } else if (binding != NULL && binding->value != NULL && has_kind(b, ARG_VALUES)) {
        give(b, positional_spec(b, 1u << ARG_VALUES), arg);
    } else if (scope_datum(b->scope, e->text, &d)) {
        bind_datum(b, arg);
    } else if (b->inlines != NULL && is_layer_word(b->scope->items, e->text)) {
        LIST_ADD(b->u->arena, &b->inlines->list, e);
    } else if (b->inlines != NULL && foreign_layer(b->u, &(ArgOwner){ .name = e->text, .name_span = e->span,
                                                                      .line = e->span, .call = true }, NULL)) {
        b->ok = false;
    } else if (binding != NULL && binding->value != NULL) {
        error_at(b->u, e->span, "'%s' takes no value by name", b->owner->name);
        help(b->u, "a layer reads another value with 'from': '... from %s'", e->text);
        b->ok = false;
    } else {
        unknown_word(b, e);
    }
}

static void bind_call(Binder *b, const AstArg *arg)
{
    const AstExpr *e = arg->value;
    ArgOwner owner = { .name = e->text, .name_span = { e->span.source, e->span.from, e->span.from + (uint32_t)strlen(e->text) },
                       .line = e->span, .call = true };

    if (b->inlines != NULL && is_layer_word(b->scope->items, e->text)) {
        LIST_ADD(b->u->arena, &b->inlines->list, e);
        return;
    }
    b->ok = false;
    if (b->inlines != NULL && foreign_layer(b->u, &owner, e->args))
        return;
    Spelling s = { .word = e->text };
    if (b->inlines != NULL)
        offer_layers(b->scope->items, &s);
    error_at(b->u, owner.name_span, b->inlines != NULL ? "unknown layer '%s'" : "'%s' takes no arguments of its own here", e->text);
    spelling_help(b->u, owner.name_span, &s);
}

/* ---- named arguments */

static void foreign_key(Binder *b, const AstArg *arg, const ArgSpec *spec)
{
    b->ok = false;
    if (b->foreign)
        return;                     /* the help of the first shows the whole line */
    b->foreign = true;
    if (spec != NULL && strcmp(spec->name, arg->key) == 0)
        error_at(b->u, arg->value->span, "a word is written without quotes");
    else if (spec != NULL && spec->kind != ARG_FLAG)
        error_at(b->u, arg->key_span, "'%s' is called '%s' here", arg->key, spec->name);
    else
        error_at(b->u, arg->key_span, "'%s' has no argument '%s'", b->owner->name, arg->key);
    foreign_advise(b->u, b->owner, b->args);
}

/* Ours by name, but not by meaning: `padding=1` is our `pad=1`, `padding="same"` our `same`. */
static bool means_another(const Binder *b, int index, const ArgSpec *foreign, const AstArg *arg)
{
    const ArgSpec *spec = &b->owner->specs[index];

    if (spec->kind != ARG_CHOICE || foreign == NULL)
        return false;
    return foreign != spec || arg->value->kind == AST_STRING;
}

/* "filters, kernel, stride" */
static const char *names_of(const Binder *b)
{
    const char *text = "";

    for (int i = 0; i < b->owner->spec_count; i++)
        if (b->owner->specs[i].kind != ARG_FLAG)
            text = arena_print(b->u->arena, "%s%s%s", text, *text == 0 ? "" : ", ", b->owner->specs[i].name);
    return text;
}

static void bind_key(Binder *b, const AstArg *arg)
{
    int index = key_spec(b, arg->key);

    const ArgSpec *spec = foreign_spec(b->owner, arg);
    if (index >= 0 && !means_another(b, index, spec, arg)) {
        give(b, index, arg);
        return;
    }
    if (spec != NULL || foreign_noise(arg)) {
        foreign_key(b, arg, spec);
        return;
    }
    Spelling s = { .word = arg->key };
    for (int i = 0; i < b->owner->spec_count; i++)
        if (b->owner->specs[i].kind != ARG_FLAG)
            spelling_offer(&s, b->owner->specs[i].name);
    error_at(b->u, arg->key_span, "'%s' has no argument '%s'", b->owner->name, arg->key);
    if (s.best == NULL && *names_of(b) != 0)
        note(b->u, "it has %s", names_of(b));
    spelling_help(b->u, arg->key_span, &s);
    b->ok = false;
}

/* ---- all of them */

const char *args_example(Unit *u, const ArgOwner *owner)
{
    size_t length = strlen(owner->name);

    if (owner->example == NULL || !owner->call || strncmp(owner->example, owner->name, length) != 0 || owner->example[length] != ' ')
        return owner->example;
    return arena_print(u->arena, "%s(%s)", owner->name, owner->example + length + 1);
}

static void check_required(Binder *b)
{
    for (int i = 0; i < b->owner->spec_count; i++) {
        const ArgSpec *spec = &b->owner->specs[i];
        if (!spec->required || b->values[i].given || b->failed[i])
            continue;
        error_at(b->u, b->owner->name_span, "'%s' needs %s%s (%s)", b->owner->name, spec->name, spec->positional ? "" : "=",
                 spec->help);
        if (b->owner->example != NULL)
            help(b->u, "for example '%s'", args_example(b->u, b->owner));
        b->ok = false;
    }
}

bool args_bind(Scope *scope, const ArgOwner *owner, const AstArg *args, ArgValue *values, Inlines *inlines)
{
    Unit *u = scope->items->u;
    Binder b = { .u = u, .scope = scope, .owner = owner, .args = args, .values = values, .inlines = inlines, .ok = true };

    b.failed = arena_array(u->arena, (size_t)owner->spec_count + 1, sizeof *b.failed);
    for (int i = 0; i < owner->spec_count; i++)
        values[i] = take_fallback(&owner->specs[i], owner->name_span);

    bool whole = true;              /* every argument could be parsed */
    for (const AstArg *arg = args; arg != NULL; arg = arg->next) {
        if (arg->value->failed) {
            whole = b.ok = false;
            continue;
        }
        if (arg->key != NULL)
            bind_key(&b, arg);
        else if (arg->high == NULL && arg->value->kind == AST_NAME)
            bind_word(&b, arg);
        else if (arg->high == NULL && arg->value->kind == AST_CALL)
            bind_call(&b, arg);
        else
            bind_datum(&b, arg);
    }
    if (whole && b.ok)              /* a wrong argument may be the one that is missing */
        check_required(&b);
    return b.ok;
}

/* ---- blocks */

/* "stage(n, filters, stride=1)" */
static const char *signature(Unit *u, const AstItem *block)
{
    const char *text = arena_print(u->arena, "%s(", block->name->text);

    for (const AstFormal *f = block->formals; f != NULL; f = f->next)
        text = arena_print(u->arena, "%s%s%s", text, f == block->formals ? "" : ", ", span_text(u, f->span));
    return arena_print(u->arena, "%s)", text);
}

static const AstFormal *formal_find(const AstItem *block, const char *name)
{
    for (const AstFormal *f = block->formals; f != NULL; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

/* What bind_formal found out about an argument. */
typedef struct Passing {
    Scope *scope, *inside;
    const AstItem *block;
    const ArgOwner *owner;
    bool ok;
} Passing;

static void pass(Passing *p, const AstFormal *formal, const AstArg *arg)
{
    Unit *u = p->scope->items->u;
    const Binding *before = dict_find(&p->inside->names, formal->name);

    if (before != NULL) {
        error_at(u, arg->span, "'%s' is given twice: '%s' and '%s'", formal->name, span_text(u, before->span),
                 span_text(u, arg->span));
        p->ok = false;
        return;
    }
    Binding *b = scope_bind(p->inside, formal->name, arg->span);
    if (arg->tuple || arg->high != NULL) {
        error_at(u, arg->span, "'%s' takes one number, size or string", formal->name);
        p->ok = false;
    } else if (!expr_eval(p->scope, arg->value, &b->datum)) {
        p->ok = false;
    }
}

static void pass_key(Passing *p, const AstArg *arg)
{
    Unit *u = p->scope->items->u;
    const AstFormal *formal = formal_find(p->block, arg->key);

    if (formal != NULL) {
        pass(p, formal, arg);
        return;
    }
    Spelling s = { .word = arg->key };
    for (const AstFormal *f = p->block->formals; f != NULL; f = f->next)
        spelling_offer(&s, f->name);
    error_at(u, arg->key_span, "block '%s' has no argument '%s'", p->block->name->text, arg->key);
    note(u, "it is declared as %s", signature(u, p->block));
    spelling_help(u, arg->key_span, &s);
    p->ok = false;
}

/* True for a word or call that is a layer to be appended, or was reported as wrong. */
static bool pass_inline(Passing *p, const AstArg *arg, Inlines *inlines)
{
    const AstExpr *e = arg->value;
    Datum d;

    if (arg->high != NULL || (e->kind != AST_CALL && e->kind != AST_NAME))
        return false;
    if (e->kind == AST_NAME && scope_datum(p->scope, e->text, &d))
        return false;
    /* A binder without specs knows layers alone. */
    Binder b = { .u = p->scope->items->u, .scope = p->scope, .owner = p->owner, .inlines = inlines, .ok = true };
    if (e->kind == AST_CALL)
        bind_call(&b, arg);
    else
        bind_word(&b, arg);
    p->ok = p->ok && b.ok;
    return true;
}

bool args_bind_block(Scope *scope, const AstItem *block, const ArgOwner *owner, const AstArg *args, Scope *inside,
                     Inlines *inlines)
{
    Unit *u = scope->items->u;
    Passing p = { .scope = scope, .inside = inside, .block = block, .owner = owner, .ok = true };
    const AstFormal *next = block->formals;

    for (const AstArg *arg = args; arg != NULL; arg = arg->next) {
        if (arg->value->failed) {
            p.ok = false;
            return false;
        }
        if (arg->key != NULL) {
            pass_key(&p, arg);
        } else if (!pass_inline(&p, arg, inlines)) {
            if (next == NULL) {
                error_at(u, arg->span, "block '%s' has no place for another argument", block->name->text);
                note(u, "it is declared as %s", signature(u, block));
                return false;
            }
            pass(&p, next, arg);
            next = next->next;
        }
    }
    if (!p.ok)
        return false;
    for (const AstFormal *f = block->formals; f != NULL; f = f->next) {
        if (dict_find(&inside->names, f->name) != NULL)
            continue;
        Datum d = { .kind = DATUM_UNKNOWN };
        if (f->fallback == NULL) {
            error_at(u, owner->name_span, "block '%s' needs '%s'", block->name->text, f->name);
            note(u, "it is declared as %s", signature(u, block));
            p.ok = false;
        } else if (!expr_eval(inside, f->fallback, &d)) {
            p.ok = false;
        }
        scope_bind(inside, f->name, f->span)->datum = d;
    }
    return p.ok;
}
