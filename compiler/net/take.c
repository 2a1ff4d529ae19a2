/* take.c: a function for every kind of argument. All numbers that leave here lie within the limits of the language. */
#include "net/take.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *kind_words(ArgKind kind)
{
    static const char *const words[] = {
        [ARG_COUNT]  = "a whole number",
        [ARG_REAL]   = "a number",
        [ARG_SIZE]   = "a size such as 3x3",
        [ARG_PAIR]   = "a number or (height, width)",
        [ARG_PAD]    = "a number, (height, width) or (top, bottom, left, right)",
        [ARG_CHOICE] = "a word",
        [ARG_FLAG]   = "nothing",
        [ARG_SHAPE]  = "a size such as 28x28x1, or a number of features",
        [ARG_VALUES] = "the name of a value",
        [ARG_TEXT]   = "a string",
        [ARG_RANGE]  = "a range such as 0.9..1.1",
    };
    return words[kind];
}

const char *words_text(Unit *u, const char *words)
{
    const char *text = "", *word;
    int length;

    for (bool first = true; next_word(&words, &word, &length); first = false) {
        bool last = words[strspn(words, " ")] == 0;
        text = arena_print(u->arena, "%s%s%.*s", text, first ? "" : last ? " or " : ", ", length, word);
    }
    return text;
}

/* One value that is a number, a size or a string; not a tuple, not a range. */
static bool single(Scope *scope, const ArgSpec *spec, const AstArg *arg, DatumKind wanted, Datum *to)
{
    Unit *u = scope->items->u;

    if (arg->tuple || arg->high != NULL) {
        error_at(u, arg->span, "'%s' takes %s, not %s", spec->name, kind_words(spec->kind),
                 arg->tuple ? "several in parentheses" : "a range");
        return false;
    }
    if (!expr_eval(scope, arg->value, to))
        return false;
    if (to->kind != wanted) {
        error_at(u, arg->value->span, "'%s' takes %s, not %s", spec->name, kind_words(spec->kind), datum_kind(to));
        return false;
    }
    return true;
}

/* A whole number within [low, high]. `what` is what the message calls it. */
static bool whole_within(Unit *u, const AstExpr *e, const Datum *d, const char *what, int64_t low, int64_t high, int64_t *to)
{
    if (!datum_whole(d, to)) {
        if (e->kind == AST_NUMBER)
            error_at(u, e->span, "%s must be a whole number, not %s", what, datum_text(u, d));
        else
            error_at(u, e->span, "%s must be a whole number; %s is %s", what, span_text(u, e->span), datum_text(u, d));
        return false;
    }
    if (*to < low || *to > high) {
        error_at(u, e->span, "%s is %" PRId64 ", but must lie between %" PRId64 " and %s", what, *to, low,
                 arena_print(u->arena, "%" PRId64, high));
        return false;
    }
    return true;
}

static const char *quoted(Unit *u, const ArgSpec *spec)
{
    return arena_print(u->arena, "'%s'", spec->name);
}

static bool take_count(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    bool bounded = spec->low != 0 || spec->high != 0;
    Datum d;

    to->count = 1;
    return single(scope, spec, arg, DATUM_NUMBER, &d)
        && whole_within(u, arg->value, &d, quoted(u, spec), bounded ? (int64_t)spec->low : 1,
                        bounded ? (int64_t)spec->high : LIMIT_DIM, &to->number[0]);
}

static const char *bounds_text(Unit *u, const ArgSpec *spec)
{
    if (isinf(spec->high))
        return arena_print(u->arena, "at least %.9g", spec->low);
    if (spec->below_high)
        return arena_print(u->arena, "at least %.9g and below %.9g", spec->low, spec->high);
    return arena_print(u->arena, "between %.9g and %.9g", spec->low, spec->high);
}

static bool real_within(Unit *u, const ArgSpec *spec, const AstExpr *e, double number)
{
    if (spec->low == 0 && spec->high == 0)
        return true;
    if (number >= spec->low && number <= spec->high && !(spec->below_high && number == spec->high))
        return true;
    error_at(u, e->span, "'%s' is %.9g, but must be %s", spec->name, number, bounds_text(u, spec));
    return false;
}

static bool take_real(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Datum d;

    if (!single(scope, spec, arg, DATUM_NUMBER, &d) || !real_within(scope->items->u, spec, arg->value, d.number))
        return false;
    to->real = to->high = d.number;
    return true;
}

static bool take_range(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    AstArg low = *arg, high = *arg;
    Datum a, b;

    low.high = high.high = NULL;
    if (arg->high != NULL)
        high.value = arg->high;
    if (!single(scope, spec, &low, DATUM_NUMBER, &a) || !single(scope, spec, &high, DATUM_NUMBER, &b)
        || !real_within(u, spec, low.value, a.number) || !real_within(u, spec, high.value, b.number))
        return false;
    if (a.number > b.number) {
        error_at(u, arg->span, "the range of '%s' goes down, from %.9g to %.9g", spec->name, a.number, b.number);
        return false;
    }
    to->real = a.number;
    to->high = b.number;
    return true;
}

/* A side of a size that was written. */
static bool side_within(Unit *u, const AstExpr *e, const ArgSpec *spec, int64_t side)
{
    if (side >= 1 && side <= LIMIT_DIM)
        return true;
    error_at(u, e->span, "a side of '%s' is %" PRId64 ", but must lie between 1 and %d", spec->name, side, LIMIT_DIM);
    return false;
}

static bool take_size(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    Datum d;

    if (arg->tuple && arg->value != NULL && arg->value->next != NULL && arg->value->next->next == NULL
        && arg->value->kind == AST_NUMBER && arg->value->next->kind == AST_NUMBER) {
        const char *size = arena_print(u->arena, "%sx%s", span_text(u, arg->value->span), span_text(u, arg->value->next->span));
        error_at(u, arg->span, "'%s' takes a size such as 3x3, not several in parentheses", spec->name);
        fix_at(u, arg->span, spec->positional ? size : arena_print(u->arena, "%s=%s", spec->name, size), "write '%s%s%s'",
               spec->positional ? "" : spec->name, spec->positional ? "" : "=", size);
        return false;
    }
    if (!arg->tuple && arg->high == NULL) {
        if (!expr_eval(scope, arg->value, &d))
            return false;
        if (d.kind == DATUM_NUMBER) {
            to->count = 2;
            if (!whole_within(u, arg->value, &d, quoted(u, spec), 1, LIMIT_DIM, &to->number[0]))
                return false;
            to->number[1] = to->number[0];
            return true;
        }
    }
    if (!single(scope, spec, arg, DATUM_SIZE, &d))
        return false;
    if (d.size_count != 2) {
        error_at(u, arg->value->span, "'%s' is height x width; %s has %d numbers", spec->name, datum_text(u, &d), d.size_count);
        return false;
    }
    to->count = 2;
    for (int i = 0; i < 2; i++) {
        if (!side_within(u, arg->value, spec, d.size[i]))
            return false;
        to->number[i] = d.size[i];
    }
    return true;
}

/* The numbers of `n` or `(n, n, ...)`: how many there are (-1: reported), the first `most` of them in `to`. */
static int take_tuple(Scope *scope, const ArgSpec *spec, const AstArg *arg, int64_t low, int most, int64_t *to)
{
    Unit *u = scope->items->u;
    int count = 0;

    for (AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL, count++) {
        AstArg one = { .span = e->span, .value = e, .high = arg->high };
        Datum d;
        if (count >= most)
            continue;
        if (!arg->tuple && arg->high == NULL && expr_eval(scope, e, &d) && d.kind == DATUM_SIZE && d.size_count == 2) {
            const char *pair = arena_print(u->arena, "%s=(%" PRId64 ", %" PRId64 ")", spec->name, d.size[0], d.size[1]);
            error_at(u, e->span, "'%s' takes %s, not a size", spec->name, kind_words(spec->kind));
            fix_at(u, arg->span, pair, "write '%s'", pair);
            return -1;
        }
        if (!single(scope, spec, &one, DATUM_NUMBER, &d)
            || !whole_within(u, e, &d, quoted(u, spec), low, LIMIT_DIM, &to[count]))
            return -1;
    }
    return count;
}

static bool wrong_count(Unit *u, const ArgSpec *spec, const AstArg *arg, int count)
{
    error_at(u, arg->span, "'%s' takes %s; here are %d numbers", spec->name, kind_words(spec->kind), count);
    return false;
}

static bool take_pair(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    int count = take_tuple(scope, spec, arg, 1, 2, to->number);

    if (count < 0)
        return false;
    if (count > 2)
        return wrong_count(scope->items->u, spec, arg, count);
    if (count == 1)
        to->number[1] = to->number[0];
    to->count = 2;
    return true;
}

/* number: top bottom left right. */
static bool take_pad(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    int64_t n[4] = { 0 };
    int count = take_tuple(scope, spec, arg, 0, 4, n);

    if (count < 0)
        return false;
    if (count == 3 || count > 4)
        return wrong_count(scope->items->u, spec, arg, count);
    if (count == 4)
        memcpy(to->number, n, sizeof n);
    else {
        to->number[0] = to->number[1] = n[0];
        to->number[2] = to->number[3] = count == 2 ? n[1] : n[0];
    }
    to->count = 4;
    return true;
}

/* A word is taken as it stands, even where a name of the program is the same. */
static bool take_choice(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    const AstExpr *e = arg->value;
    const char *all = words_text(u, spec->words);

    if (e->failed)
        return false;
    if (!arg->tuple && arg->high == NULL && e->kind == AST_NAME) {
        to->word = word_index(spec->words, e->text);
        if (to->word >= 0)
            return true;
        Spelling s = { .word = e->text };
        spelling_offer_words(u, &s, spec->words);
        error_at(u, e->span, "'%s' is %s, not '%s'", spec->name, all, e->text);
        spelling_help(u, e->span, &s);
        return false;
    }
    error_at(u, e->span, "'%s' is %s", spec->name, all);
    if (e->kind == AST_STRING && word_index(spec->words, e->text) >= 0)
        fix_at(u, e->span, e->text, "a word is written without quotes: '%s'", e->text);
    return false;
}

static bool take_flag(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    if (arg->key == NULL) {
        to->word = 1;
        return true;
    }
    error_at(scope->items->u, arg->span, "'%s' is written alone, without a value", spec->name);
    return false;
}

/* number: c h w, or the features. */
static bool take_shape(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    Datum d;
    int64_t elements;

    if (arg->tuple || arg->high != NULL)
        return single(scope, spec, arg, DATUM_SIZE, &d);
    if (!expr_eval(scope, arg->value, &d))
        return false;
    if (d.kind == DATUM_NUMBER) {
        to->count = 1;
        return whole_within(u, arg->value, &d, "the number of features", 1, LIMIT_DIM, &to->number[0]);
    }
    if (!single(scope, spec, arg, DATUM_SIZE, &d))
        return false;
    if (d.size_count != 3) {
        error_at(u, arg->value->span, "'%s' is height x width x depth; %s has %d numbers", spec->name, datum_text(u, &d),
                 d.size_count);
        if (d.size_count == 2 && arg->value->kind == AST_SIZE) {
            const char *size = arena_print(u->arena, "%sx1", datum_text(u, &d));
            fix_at(u, arg->value->span, size, "a grey image is '%s'", size);
        }
        return false;
    }
    for (int i = 0; i < 3; i++)
        if (!side_within(u, arg->value, spec, d.size[i]))
            return false;
    if (!checked_mul(d.size[0], d.size[1], &elements) || !checked_mul(elements, d.size[2], &elements)
        || elements > LIMIT_ELEMENTS) {
        error_at(u, arg->value->span, "%s has more than 2^40 elements", datum_text(u, &d));
        return false;
    }
    to->number[0] = d.size[2];
    to->number[1] = d.size[0];
    to->number[2] = d.size[1];
    to->count = 3;
    return true;
}

/* Adds to what was given before. */
static bool take_values(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    LIST(Value *) values = { to->values, to->count, to->count };

    for (AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL) {
        if (e->failed)
            return false;
        if (e->kind != AST_NAME || arg->high != NULL) {
            error_at(u, e->span, "'%s' takes %s", spec->name, kind_words(spec->kind));
            return false;
        }
        Value *v = scope_value(scope, e->text);
        if (v == NULL) {
            Spelling s = { .word = e->text };
            scope_offer(scope, true, &s);
            error_at(u, e->span, "no value is called '%s' here", e->text);
            spelling_help(u, e->span, &s);
            return false;
        }
        LIST_ADD(u->arena, &values, v);
    }
    to->values = values.at;
    to->count = values.count;
    return true;
}

/* Adds to what was given before. */
static bool take_text(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    Unit *u = scope->items->u;
    LIST(const char *) texts = { to->texts, to->count, to->count };

    for (AstExpr *e = arg->value; e != NULL; e = arg->tuple ? e->next : NULL) {
        AstArg one = { .span = e->span, .value = e, .high = arg->high };
        Datum d;
        if (!single(scope, spec, &one, DATUM_TEXT, &d))
            return false;
        if (texts.count > 0 && !spec->many) {
            error_at(u, e->span, "'%s' takes one string", spec->name);
            return false;
        }
        LIST_ADD(u->arena, &texts, d.text);
    }
    to->texts = texts.at;
    to->count = texts.count;
    return true;
}

bool take(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to)
{
    static bool (*const takes[])(Scope *, const ArgSpec *, const AstArg *, ArgValue *) = {
        [ARG_COUNT] = take_count, [ARG_REAL] = take_real, [ARG_SIZE] = take_size, [ARG_PAIR] = take_pair,
        [ARG_PAD] = take_pad, [ARG_CHOICE] = take_choice, [ARG_FLAG] = take_flag, [ARG_SHAPE] = take_shape,
        [ARG_VALUES] = take_values, [ARG_TEXT] = take_text, [ARG_RANGE] = take_range,
    };
    return takes[spec->kind](scope, spec, arg, to);
}

ArgValue take_fallback(const ArgSpec *spec, Span at)
{
    ArgValue v = { .span = at };

    switch (spec->kind) {
    case ARG_COUNT:
        v.number[0] = (int64_t)spec->fallback;
        v.count = 1;
        break;
    case ARG_REAL:
    case ARG_RANGE:
        v.real = v.high = spec->fallback;
        break;
    case ARG_SIZE:
    case ARG_PAIR:
    case ARG_PAD:
        v.count = spec->kind == ARG_PAD ? 4 : 2;
        for (int i = 0; i < v.count; i++)
            v.number[i] = (int64_t)spec->fallback;
        break;
    case ARG_CHOICE:
    case ARG_FLAG:
    case ARG_SHAPE:
    case ARG_VALUES:
    case ARG_TEXT:
        break;
    }
    return v;
}
