/* syntax.c: what is said about a line that the grammar does not understand.
 *
 * One statement has one error: the first. Where the mistake is a usual one the message names it and how to mend it;
 * otherwise it says what could have stood there. */
#include "front/parse.h"

#include "base/list.h"
#include "base/utf8.h"
#include "parser.h"

#include <string.h>

bool complain(Parse *p, Span s, const char *format, ...)
{
    bool lost = p->failed || (p->astray && p->brace_count == 0);
    p->failed = true;
    if (lost)
        return false;

    va_list values;
    va_start(values, format);
    verror_at(p->unit, s, format, values);
    va_end(values);
    if (p->comma.source != 0 && s.from > p->comma.from)
        note_at(p->unit, p->comma, "this line goes on with the one above, which ends with a comma");
    return true;
}

enum { QUOTED = 48 };       /* bytes of a quotation in a message */

const char *quoted(Parse *p, Span s)
{
    const char *text = p->text + s.from;
    uint32_t length = s.to - s.from;
    bool cut = false;

    for (uint32_t i = 0; i < length && !cut;) {
        uint32_t code;
        int bytes = utf8_read(text + i, length - i, &code);
        if (code == '\n' || code == '\r' || i + (uint32_t)bytes > QUOTED) {
            length = i;
            cut = true;
        }
        i += (uint32_t)bytes;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    return arena_print(p->unit->arena, "%.*s%s", (int)length, text, cut ? "..." : "");
}

/* ---- what was found */

/* The token that fits nowhere, and its surroundings. */
typedef struct Trouble {
    const Token *found;
    const bool *expected;           /* by kind of token */
    bool at_end;                    /* of a line, a body or the file */
    Span place;                     /* what to point at: the token, or the end of the line */
    Span gap;                       /* between it and the token before */
} Trouble;

static bool begins_expression(int kind)
{
    switch (kind) {
    case NUM: case DIM: case STR: case ID: case CALL: case '(':
        return true;
    default:
        return false;
    }
}

/* The next byte that is not blank, or 0. */
static char next_byte(const Parse *p, size_t at)
{
    while (at < p->length && (p->text[at] == ' ' || p->text[at] == '\t'))
        at++;
    return at < p->length ? p->text[at] : '\0';
}

/* Where the statement ends, in words. */
static const char *end_in_words(const Parse *p, const Token *end)
{
    if (end->span.from >= p->length)
        return "at the end of the file";
    switch (p->text[end->span.from]) {
    case ';': return "before ';'";
    case '}': return "before '}'";
    default: return "at the end of the line";
    }
}

/* ---- usual mistakes: each returns false if it is another */

static bool lost_paren(Parse *p, const Trouble *t)
{
    if (!(t->at_end || t->found->kind == '{') || !t->expected[')'] || p->lost_paren.span.source == 0)
        return false;
    Span paren = p->lost_paren.span;
    paren.from = paren.to - 1;
    Span place = { paren.source, t->gap.from, t->gap.from };
    if (complain(p, place, "missing ')' for the '(' at %d:%d", span_line(p->unit, paren), span_column(p->unit, paren)))
        fix_at(p->unit, place, ")", "close it, or go on in the next line after a comma or an operator");
    return true;
}

/* A keyword where a name could stand, or one that is given a value: row = conv 3. */
static bool keyword_as_name(Parse *p, const Trouble *t)
{
    Span word = t->found->span;
    bool named = t->found->kind == '=' && is_keyword(p->before.kind) && p->before.span.from == p->statement && p->brace_count > 0;
    if (named)
        word = p->before.span;
    else if (!is_keyword(t->found->kind) || !t->expected[ID] || (t->expected[REPEAT] && next_byte(p, word.to) != '='))
        return false;
    const char *text = quoted(p, word);
    if (complain(p, word, "'%s' is a word of the language and cannot be a name", text))
        fix_at(p->unit, word, arena_print(p->unit->arena, "%s1", text), "choose another, such as '%s1'", text);
    return true;
}

/* A keyword at the start of a statement of the wrong kind. */
static bool misplaced_keyword(Parse *p, const Trouble *t)
{
    int kind = t->found->kind;
    if (!is_keyword(kind))
        return false;
    const char *word = quoted(p, t->found->span);
    if (t->expected[REPEAT] && is_item_keyword(kind)) {
        const Opening *body = &p->braces[p->brace_count - 1];
        if (complain(p, t->place, "'%s' stands outside of all braces", word))
            note_at(p->unit, body->span, "this is inside '%s', opened", quoted(p, body->head));
        return true;
    }
    if (t->expected[NETWORK]) {
        if (complain(p, t->place, "'%s' stands inside the braces of a network, a block or another body", word))
            help(p->unit, "a file has param, network, block, data, train and import");
        p->astray = true;
        return true;
    }
    return false;
}

/* The item keyword that a word is one or two letters away from, or NULL. */
static const char *nearest_keyword(const char *word)
{
    static const char *const items[] = { "param", "network", "block", "data", "train", "import" };
    enum { LONGEST = 10 };
    int length = (int)strlen(word);
    const char *best = NULL;
    int best_distance = 3;

    for (int k = 0; k < countof(items) && length <= LONGEST; k++) {
        int distance[LONGEST + 1];      /* between a beginning of the item and the beginnings of the word */
        for (int i = 0; i <= length; i++)
            distance[i] = i;
        for (int j = 1; items[k][j - 1] != '\0'; j++) {
            int diagonal = distance[0];
            distance[0] = j;
            for (int i = 1; i <= length; i++) {
                int other = diagonal + (word[i - 1] != items[k][j - 1]);
                diagonal = distance[i];
                int least = distance[i] < distance[i - 1] ? distance[i] + 1 : distance[i - 1] + 1;
                distance[i] = least < other ? least : other;
            }
        }
        if (distance[length] < best_distance && distance[length] < length - 1) {
            best = items[k];
            best_distance = distance[length];
        }
    }
    return best;
}

static bool outside_of_items(Parse *p, const Trouble *t)
{
    if (!t->expected[NETWORK])
        return false;
    int kind = t->found->kind;
    const char *text = quoted(p, t->found->span);
    const char *near = kind == ID || kind == CALL ? nearest_keyword(t->found->meaning.name) : NULL;

    if (near != NULL) {
        p->astray = false;
        if (complain(p, t->place, "'%s' begins nothing that a file may have", t->found->meaning.name))
            fix_at(p->unit, t->place, near, "did you mean '%s'?", near);
        return true;
    }
    /* The lines that follow are lost for the same reason. */
    if (kind == ID && next_byte(p, t->place.to) == '=') {
        if (complain(p, t->place, "expected param, network, block, data, train or import, found '%s'", text))
            fix_at(p->unit, (Span){ t->place.source, t->place.from, t->place.from }, "param ", "a constant is written 'param %s = ...'", text);
    } else if (kind == ID || kind == CALL) {
        if (complain(p, t->place, "a layer stands inside the braces of a network or a block") && p->closed_end.source != 0)
            note_at(p->unit, p->closed_end, "'%s' ends", quoted(p, p->closed.head));
    } else {
        complain(p, t->place, "expected param, network, block, data, train or import, found '%s'", text);
    }
    p->astray = true;
    return true;
}

static bool beginning_arrow(Parse *p, const Trouble *t)
{
    if (t->found->kind != ARROW || !t->expected[REPEAT])
        return false;
    if (complain(p, t->place, "a line cannot begin with '->'"))
        help(p->unit, "end the line above with it");
    return true;
}

static bool single_equals(Parse *p, const Trouble *t)
{
    if (t->found->kind != '=' || !t->expected[REL])
        return false;
    if (complain(p, t->place, "'=' does not compare"))
        fix_at(p->unit, t->place, "==", "write '=='");
    return true;
}

/* Where a run of digits and 'x' that begins at `at` ends; `at` if a longer word begins there. */
static uint32_t size_end(const Parse *p, uint32_t at)
{
    uint32_t end = at;
    while (end < p->length && (p->text[end] == 'x' || (p->text[end] >= '0' && p->text[end] <= '9')))
        end++;
    char next = end < p->length ? p->text[end] : '\0';
    return next == '_' || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ? at : end;
}

/* 28 x 28 */
static bool spaced_size(Parse *p, const Trouble *t)
{
    Span whole = p->before.span;
    bool number = p->before.kind == NUM || p->before.kind == DIM;
    if (t->found->kind != ID || !number || !t->expected[','] || size_end(p, t->place.from) != t->place.to)
        return false;
    Text *joined = text_new(p->unit->arena);
    for (uint32_t at = whole.from, end; (end = size_end(p, at)) > at;) {
        text_bytes(joined, p->text + at, end - at);
        whole.to = end;
        for (at = end; at < p->length && (p->text[at] == ' ' || p->text[at] == '\t');)
            at++;
    }
    if (complain(p, whole, "a size has no spaces in it"))
        fix_at(p->unit, whole, joined->at, "write '%s'", joined->at);
    return true;
}

/* dropout (0.5), conv (6, 3x3) */
static bool spaced_call(Parse *p, const Trouble *t)
{
    Opening o = { .span = t->found->span, .head = p->before.span };
    bool opens = t->found->kind == '(' && p->before.kind == ID;
    if (t->found->kind == ',' && p->paren_count > 0 && t->expected[')'] && !t->expected[',']) {
        o = p->parens[p->paren_count - 1];
        opens = o.head.source != 0;
    }
    if (!opens)
        return false;
    if (complain(p, o.span, "there is a space between '%s' and the '(' of its arguments", quoted(p, o.head)))
        fix_at(p->unit, (Span){ o.span.source, o.head.to, o.span.from }, "", "write '%s('", quoted(p, o.head));
    return true;
}

static void ask_for_line(Parse *p, const Trouble *t)
{
    fix_at(p->unit, (Span){ p->source, t->gap.from, t->gap.from }, ";", "what follows needs a line of its own, or a ';' before it");
}

/* input 28x28x1 conv 6, 5x5: a word that a number follows begins a statement, for no argument is written so. */
static bool two_statements(Parse *p, const Trouble *t)
{
    char next = next_byte(p, t->found->span.to);
    if (t->found->kind != ID || !t->expected[','] || p->paren_count > 0 || p->comma.source != 0 || next < '0' || next > '9')
        return false;
    if (complain(p, t->place, "expected ',' or the end of the line, found '%s'", quoted(p, t->place)))
        ask_for_line(p, t);
    return true;
}

static bool missing_comma(Parse *p, const Trouble *t)
{
    if (!t->expected[','] || !begins_expression(t->found->kind))
        return false;
    if (!complain(p, t->place, "missing ',' before '%s'", quoted(p, t->place)))
        return true;
    if (p->comma.source != 0)
        fix_at(p->unit, p->comma, "", "remove the comma at the end of the line above");
    else
        fix_at(p->unit, (Span){ t->gap.source, t->gap.from, t->gap.from }, ",", "arguments are separated by commas: '%s, %s'",
               quoted(p, p->before.span), quoted(p, t->place));
    if (p->comma.source == 0 && p->before.kind == ID && t->found->kind != ID)          /* dense 32, leaky 0.01 */
        help(p->unit, "what belongs to a layer among them stands in parentheses: '%s(%s)'", quoted(p, p->before.span), quoted(p, t->place));
    return true;
}

/* conv, 32 */
static bool comma_after_layer(Parse *p, const Trouble *t)
{
    if (t->found->kind != ',' || p->before.kind != ID || !t->expected[ARROW])
        return false;
    if (complain(p, t->place, "no ',' stands between a layer and its first argument"))
        fix_at(p->unit, t->place, "", "remove the ','");
    return true;
}

static bool closing_paren(Parse *p, const Trouble *t)
{
    if (t->found->kind != ')' || p->paren_count > 0 || t->expected[')'] || begins_expression(p->before.kind) == false)
        return false;
    complain(p, t->place, "this ')' closes nothing");
    return true;
}

/* add { conv 3, 3x3 } */
static bool missing_path(Parse *p, const Trouble *t)
{
    if (!t->expected[PATH] || t->expected[REPEAT])
        return false;
    Opening *layer = &p->braces[p->brace_count - 1];
    p->failed |= layer->complained;         /* the other branches are written alike */
    layer->complained = true;
    if (complain(p, t->place, "expected 'path', found '%s'", quoted(p, t->place)))
        help(p->unit, "each branch is written 'path { ... }'");
    return true;
}

static bool missing_brace(Parse *p, const Trouble *t)
{
    if (!t->expected['{'] || t->expected[','] || !t->at_end || t->expected[NL])
        return false;
    Span head = { p->source, p->statement, p->last.to };
    if (complain(p, t->place, "missing '{' %s", end_in_words(p, t->found)))
        fix_at(p->unit, t->place, " {", "write '%s {'", quoted(p, head));
    return true;
}

/* conv 32, */
static bool comma_at_end(Parse *p, const Trouble *t)
{
    if (!t->at_end || p->before.kind != ',')
        return false;
    if (complain(p, p->before.span, "nothing follows this ','"))
        fix_at(p->unit, p->before.span, "", "remove it, or go on after it");
    return true;
}

/* block b() */
static bool no_formals(Parse *p, const Trouble *t)
{
    if (t->found->kind != ')' || p->before.kind != CALL || !t->expected[ID] || t->expected[NUM])
        return false;
    Span parens = { p->source, p->before.span.to - 1, t->place.to };
    if (complain(p, parens, "a block without arguments has no parentheses"))
        fix_at(p->unit, parens, "", "write 'block %s {'", p->before.meaning.name);
    return true;
}

/* ---- the rest */

typedef struct Word {
    int kind;
    const char *text;
} Word;

/* In the order in which they are listed, the last two only where nothing else fits. Operators are left out: they fit
 * nearly everywhere, and are seldom meant. */
static const Word words[] = {
    { ',', "','" }, { ')', "')'" }, { ARROW, "'->'" }, { '=', "'='" }, { REL, "a comparison such as '=='" },
    { ON, "'on'" }, { IN, "'in'" }, { STR, "a string in \"quotes\"" }, { NL, "the end of the line" },
    { '{', "'{'" }, { DOTS, "'..'" },
};
enum { LISTED = 4, STRONG = countof(words) - 2 };

static const char *expected_in_words(Parse *p, const bool *expected)
{
    const char *list[LISTED + 1];
    int count = 0;

    if (expected[REPEAT])
        return "the name of a layer";
    if (expected[NUM])
        return "a number, a size such as 3x3, or a word such as relu";
    if (expected[ID])
        list[count++] = expected[CALL] && p->before.kind != BLOCK ? "the name of a layer" : "a name";
    for (int i = 0; i < countof(words) && count < LISTED; i++)
        if (expected[words[i].kind] && (i < STRONG || count == 0))
            list[count++] = words[i].text;
    const char *text = count > 0 ? list[0] : "something else";
    for (int i = 1; i < count; i++)
        text = arena_print(p->unit->arena, "%s%s%s", text, i < count - 1 ? ", " : " or ", list[i]);
    return text;
}

static void anything_else(Parse *p, const Trouble *t)
{
    const char *wanted = expected_in_words(p, t->expected);
    if (t->at_end)
        complain(p, t->place, "expected %s %s", wanted, end_in_words(p, t->found));
    else if (complain(p, t->place, "expected %s, found '%s'", wanted, quoted(p, t->place)) && t->expected[NL]
             && !t->expected[','] && !t->expected[REPEAT])
        ask_for_line(p, t);
}

/* In the order in which they are tried. */
static bool (*const mistakes[])(Parse *p, const Trouble *t) = {
    lost_paren, keyword_as_name, misplaced_keyword, missing_path, outside_of_items, beginning_arrow, single_equals,
    spaced_size, spaced_call, two_statements, missing_comma, comma_after_layer, comma_at_end,
    no_formals, closing_paren, missing_brace,
};

void syntax_error(Parse *p, const bool expected[TOKEN_KINDS])
{
    Trouble t = { .found = &p->now, .expected = expected, .place = p->now.span };

    t.at_end = p->now.kind == NL || p->now.kind == GRAMMAR_EOF;
    if (t.at_end)
        t.place = (Span){ p->source, p->last.to, p->last.to };
    t.gap = (Span){ p->source, p->before.span.to, p->now.span.from };
    for (int i = 0; i < countof(mistakes); i++)
        if (mistakes[i](p, &t))
            return;
    anything_else(p, &t);
}

void syntax_lost_path(Parse *p)
{
    if (p->forgiving == 0 && complain(p, p->now.span, "'path' stands inside the braces of a layer such as add or concat"))
        help(p->unit, "write 'add { path { ... } path { ... } }', each path on a line of its own");
}
