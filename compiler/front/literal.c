/* literal.c: what single tokens mean, and what is wrong with those that mean nothing. */
#include "front/parse.h"
#include "front/tree.h"

#include "base/list.h"
#include "base/utf8.h"
#include "parser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Replacement {
    const char *text, *instead;
} Replacement;

static const char *text_at(const Parse *p, Span s)
{
    return p->text + s.from;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- names and relations */

static const char *read_name(Parse *p, Span s)
{
    uint32_t length = s.to - s.from;
    if (length > LIMIT_NAME)
        complain(p, s, "a name has at most %d characters, this one has %u", LIMIT_NAME, length);
    return arena_copy(p->unit->arena, text_at(p, s), length);
}

/* ---- numbers */

/* A number as it is written: mantissa * 10^ten * 2^two. */
typedef struct Decimal {
    const char *digits;             /* of the mantissa, with its point, and no suffix */
    int digit_count;
    int ten, two;                   /* ten is for the digits without their point; exponents are clamped to +-EXPONENT */
    int fraction;                   /* digits behind the point */
    bool plain;                     /* written with digits and a factor only: it is meant to be a whole number */
} Decimal;

enum { EXPONENT = 100000000 };

typedef struct Suffix {
    const char *text;
    int ten, two;
    bool plain;
} Suffix;

static const Suffix suffixes[] = {
    { "KB", 0, 10, true }, { "MB", 0, 20, true }, { "k", 3, 0, true }, { "M", 6, 0, true }, { "%", -2, 0, false },
};

static Decimal decimal(const char *text, int length)
{
    Decimal d = { .digits = text, .plain = true };
    int i = 0;

    while (i < length && is_digit(text[i]))
        i++;
    if (i < length && text[i] == '.') {
        int point = i++;
        while (i < length && is_digit(text[i]))
            i++;
        d.fraction = i - point - 1;
        d.plain = false;
    }
    d.digit_count = i;
    if (i < length && text[i] == 'e') {
        bool negative = text[++i] == '-';
        if (negative || text[i] == '+')
            i++;
        int exponent = 0;
        for (; i < length && is_digit(text[i]); i++)
            exponent = exponent < EXPONENT / 10 ? exponent * 10 + (text[i] - '0') : EXPONENT;
        d.ten = negative ? -exponent : exponent;
        d.plain = false;
    }
    for (int k = 0; k < countof(suffixes) && i < length; k++)
        if ((int)strlen(suffixes[k].text) == length - i && memcmp(suffixes[k].text, text + i, (size_t)(length - i)) == 0) {
            d.ten += suffixes[k].ten;
            d.two = suffixes[k].two;
            d.plain = d.plain && suffixes[k].plain;
            break;
        }
    return d;
}

/* Whether the value is whole and fits 64 bits. */
static bool exact(const Decimal *d, int64_t *to)
{
    int64_t value = 0;
    for (int i = 0; i < d->digit_count; i++)
        if (d->digits[i] != '.' && (!checked_mul(value, 10, &value) || !checked_add(value, d->digits[i] - '0', &value)))
            return false;
    if (!checked_mul(value, (int64_t)1 << d->two, &value))
        return false;
    int ten = d->ten - d->fraction;
    for (; ten > 0 && value != 0; ten--)
        if (!checked_mul(value, 10, &value))
            return false;
    for (; ten < 0 && value != 0; ten++) {
        if (value % 10 != 0)
            return false;
        value /= 10;
    }
    *to = value;
    return true;
}

static AstExpr *read_number(Parse *p, Span s)
{
    AstExpr *e = tree_expr(p, AST_NUMBER, s);
    Decimal d = decimal(text_at(p, s), (int)(s.to - s.from));

    e->whole = exact(&d, &e->integer);
    if (e->whole) {
        e->number = (double)e->integer;
        return e;
    }
    /* One rounding: the exponent of ten goes through strtod together with the digits. */
    e->number = ldexp(strtod(arena_print(p->unit->arena, "%.*se%d", d.digit_count, d.digits, d.ten), NULL), d.two);
    e->too_large = d.plain || isinf(e->number);
    if (d.plain)
        complain(p, s, "%s is too large: whole numbers have 64 bits, at most %lld", quoted(p, s), (long long)INT64_MAX);
    else if (e->too_large)
        complain(p, s, "%s is too large: numbers end at 1.8e308", quoted(p, s));
    return e;
}

/* ---- sizes */

static bool is_hexadecimal(const char *text, int length)
{
    return length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')
           && (int)strspn(text + 2, "0123456789abcdefABCDEF") >= length - 2;
}

/* `text` is the token and NUL. */
static bool wrong_hexadecimal(Parse *p, Span s, const char *text)
{
    if (!is_hexadecimal(text, (int)strlen(text)))
        return false;
    if (complain(p, s, "'%s' is neither a number nor a size: numbers are decimal, and no side of a size is 0", quoted(p, s))
        && strlen(text) <= 2 + 15) {
        const char *value = arena_print(p->unit->arena, "%lld", strtoll(text, NULL, 16));
        fix_at(p->unit, s, value, "write %s", value);
    }
    return true;
}

/* NULL if it is useless. */
static AstExpr *read_size(Parse *p, Span s)
{
    AstExpr *e = tree_expr(p, AST_SIZE, s);
    const char *text = span_text(p->unit, s);
    int count = 1;

    if (text[0] == '0' && text[1] == 'x' && wrong_hexadecimal(p, s, text))
        return NULL;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == 'x';
    if (count > countof(e->size)) {
        complain(p, s, "a size has at most %d numbers, this one has %d", countof(e->size), count);
        return NULL;
    }
    int64_t value = 0;
    for (const char *c = text;; c++) {
        if (is_digit(*c)) {
            if (!checked_mul(value, 10, &value) || !checked_add(value, *c - '0', &value))
                e->too_large = true;
            continue;
        }
        e->size[e->size_count++] = value;
        value = 0;
        if (*c == '\0')
            break;
    }
    if (e->too_large)
        complain(p, s, "%s is too large: whole numbers have 64 bits, at most %lld", quoted(p, s), (long long)INT64_MAX);
    return e;
}

/* ---- letters behind a number */

static const Replacement factors[] = {
    { "K", "k" },   { "m", "M" },   { "kb", "KB" }, { "kB", "KB" }, { "Kb", "KB" }, { "KiB", "KB" },
    { "mb", "MB" }, { "mB", "MB" }, { "Mb", "MB" }, { "MiB", "MB" },
};

/* Bytes of a token that are digits, points and 'x' between digits. */
static int leading_number(const char *text)
{
    int i = 0;
    while (is_digit(text[i]) || ((text[i] == '.' || text[i] == 'x') && is_digit(text[i + 1])))
        i++;
    return i;
}

/* A copy of `text` with every byte `from` turned into `to`, or left out where that is 0. */
static const char *changed(Parse *p, const char *text, char from, char to)
{
    char *copy = arena_copy(p->unit->arena, text, strlen(text)), *end = copy;
    for (; *text != '\0'; text++)
        if (*text != from)
            *end++ = *text;
        else if (to != '\0')
            *end++ = to;
    *end = '\0';
    return copy;
}

static bool consists_of(const char *text, const char *bytes)
{
    return text[strspn(text, bytes)] == '\0';
}

static void complain_wrong(Parse *p, Span s)
{
    Unit *u = p->unit;
    const char *text = span_text(u, s), *instead = NULL;

    if (wrong_hexadecimal(p, s, text) || !complain(p, s, "'%s' is neither a number, a size nor a name", quoted(p, s)))
        return;
    if (strlen(text) > LIMIT_NAME)
        return;
    int number = leading_number(text);
    if (consists_of(text, "0123456789_."))
        instead = changed(p, text, '_', '\0');
    else if (consists_of(text, "0123456789X"))
        instead = changed(p, text, 'X', 'x');
    else if (text[number] == 'E' && consists_of(text + number + 1, "0123456789") && text[number + 1] != '\0')
        instead = changed(p, text, 'E', 'e');
    for (int i = 0; i < countof(factors); i++)
        if (strcmp(text + number, factors[i].text) == 0)
            instead = arena_print(u->arena, "%.*s%s", number, text, factors[i].instead);
    if (text[number] == '\0') {
        help(u, "the sides of a size are whole numbers");
        return;
    }
    if (instead == NULL && text[number] != '_' && text[number + 1] != '\0')
        instead = arena_print(u->arena, "%.*s, %s", number, text, text + number);
    if (instead != NULL)
        fix_at(u, s, instead, "write '%s'", instead);
    else
        help(u, "a number may end with k, M, KB, MB or %%");
}

/* ---- strings */

int literal_control(const char *text, int length)
{
    int i = 0;
    while (i < length && (text[i] == '\t' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f)))
        i++;
    return i;
}

/* Reports the first byte of a string that it must not have. */
static bool check_string(Parse *p, Span s)
{
    for (uint32_t i = s.from + 1; i < s.to - 1;) {
        uint32_t code;
        int bytes = utf8_read(p->text + i, s.to - 1 - i, &code);
        Span place = { s.source, i, i + (uint32_t)bytes };

        if (code == UTF8_BAD) {
            complain(p, place, "byte 0x%02x is not UTF-8", (unsigned char)p->text[i]);
            return false;
        }
        if (literal_control(p->text + i, 1) == 0) {
            complain(p, place, "control byte 0x%02x in a string", (unsigned)code);
            return false;
        }
        i += (uint32_t)bytes;
        if (code == '\\') {
            char escaped = p->text[i++];
            if (escaped != '\\' && escaped != '"') {
                place.to++;
                if (complain(p, place, "a string has no escapes but '\\\\' and '\\\"'"))
                    fix_at(p->unit, place, "\\\\", "write '\\\\' for one backslash");
                return false;
            }
        }
    }
    return true;
}

static AstExpr *read_string(Parse *p, Span s)
{
    if (!check_string(p, s))
        return NULL;
    AstExpr *e = tree_expr(p, AST_STRING, s);
    char *to = arena_alloc(p->unit->arena, s.to - s.from);
    e->text = to;
    for (uint32_t i = s.from + 1; i < s.to - 1; i++) {
        if (p->text[i] == '\\')
            i++;
        *to++ = p->text[i];
    }
    return e;
}

static void complain_unclosed(Parse *p, Span s)
{
    if (complain(p, s, "missing '\"': a string ends on the line on which it begins"))
        fix_at(p->unit, (Span){ s.source, s.to, s.to }, "\"", "write '\"' at its end");
}

/* ---- characters that begin nothing */

/* What people, word processors and other languages write for signs of ours. */
static const Replacement lookalikes[] = {
    { "×", "x" },  { "✕", "x" },  { "→", "->" }, { "−", "-" },  { "–", "-" },  { "—", "-" },
    { "“", "\"" }, { "”", "\"" }, { "„", "\"" }, { "‘", "\"" }, { "’", "\"" }, { "'", "\"" },
    { "`", "\"" }, { "≤", "<=" }, { "≥", ">=" }, { "≠", "!=" }, { "·", "*" },  { "÷", "/" },
    { "…", ".." }, { ":", "=" },  { "[", "(" },  { "]", ")" },
};

static void complain_stray(Parse *p, Span s)
{
    Unit *u = p->unit;
    const char *text = text_at(p, s);
    uint32_t code;
    s.to = s.from + (uint32_t)utf8_read(text, s.to - s.from, &code);

    if (code == UTF8_BAD) {
        complain(p, s, "byte 0x%02x is not UTF-8", (unsigned char)text[0]);
    } else if (code == '\r') {
        complain(p, s, "a carriage return without its newline");
    } else if (code < 0x20 || code == 0x7f) {
        complain(p, s, "control byte 0x%02x does not belong in a program", (unsigned)code);
    } else if (code == 0xa0 || code == 0xfeff) {
        if (complain(p, s, "an invisible character (U+%04X) that is no space", (unsigned)code))
            fix_at(u, s, " ", "replace it by a space");
    } else if (code == '.') {
        if (complain(p, s, "'.' stands only between two digits of a number") && p->text + p->length > text + 1)
            help(u, is_digit(text[1]) ? "write 0.5, not .5" : "write 1.0, not 1.");
    } else if (code == '%') {
        complain(p, s, "'%%' directly follows its number");
    } else {
        const char *character = span_text(u, s);
        const char *mark = *character == '\'' ? "\"" : "'";
        if (!complain(p, s, "%s%s%s does not belong in a program", mark, character, mark))
            return;
        for (int i = 0; i < countof(lookalikes); i++)
            if (strcmp(lookalikes[i].text, character) == 0)
                fix_at(u, s, lookalikes[i].instead, "write '%s'", lookalikes[i].instead);
    }
}

static void complain_comment(Parse *p, Span s)
{
    unsigned char byte = (unsigned char)*text_at(p, s);
    s.to = s.from + 1;
    if (byte == '\r')
        complain(p, s, "a carriage return without its newline");
    else
        complain(p, s, "control byte 0x%02x in a comment", byte);
}

/* ---- all of them */

bool literal_read(Parse *p, Token *t)
{
    switch (t->kind) {
    case ID:
        t->meaning.name = read_name(p, t->span);
        return true;
    case CALL:
        t->meaning.name = read_name(p, tree_call_name(t->span));
        return true;
    case REL:
        t->meaning.name = span_text(p->unit, t->span);
        return true;
    case NUM:
        t->meaning.expr = read_number(p, t->span);
        return true;
    case DIM:
        t->meaning.expr = read_size(p, t->span);
        return t->meaning.expr != NULL;
    case STR:
        t->meaning.expr = read_string(p, t->span);
        return t->meaning.expr != NULL;
    case RAW_WRONG:
        complain_wrong(p, t->span);
        return false;
    case RAW_UNCLOSED:
        complain_unclosed(p, t->span);
        return false;
    case RAW_STRAY:
        complain_stray(p, t->span);
        return false;
    case RAW_COMMENT:
        complain_comment(p, t->span);
        return false;
    default:
        return true;
    }
}
