/* tokens.c: lines and braces. Turns the raw tokens of the scanner into those of the grammar:
 *
 * A newline or ';' becomes NL, unless a line that ends like this goes on. '}' and the end of the file get an NL before
 * them. A brace that nothing closes is closed at the next item or at the end of the file. Nesting is limited here, so
 * that the grammar's stack is. */
#include "front/parse.h"

#include "base/list.h"
#include "parser.h"

#include <assert.h>
#include <string.h>

typedef struct Keyword {
    const char *text;
    int kind;
    bool item;                      /* begins an item */
    bool body;                      /* what it begins has a body */
} Keyword;

static const Keyword keywords[] = {
    { .text = "param", PARAM, .item = true },
    { .text = "network", NETWORK, .item = true, .body = true },
    { .text = "block", BLOCK, .item = true, .body = true },
    { .text = "data", DATA, .item = true, .body = true },
    { .text = "train", TRAIN, .item = true, .body = true },
    { .text = "import", IMPORT, .item = true },
    { .text = "repeat", REPEAT, .body = true },
    { .text = "path", PATH, .body = true },
    { .text = "on", ON },
    { .text = "in", IN },
    { .text = "expect", EXPECT },
    { .text = "row", ROW },
    { .text = "from", FROM },
};

int keyword_kind(const char *text, int length)
{
    for (int i = 0; i < countof(keywords); i++)
        if (strncmp(keywords[i].text, text, (size_t)length) == 0 && keywords[i].text[length] == '\0')
            return keywords[i].kind;
    return ID;
}

static const Keyword *keyword_of(int kind)
{
    for (int i = 0; i < countof(keywords); i++)
        if (keywords[i].kind == kind)
            return &keywords[i];
    return NULL;
}

bool is_keyword(int kind)
{
    return keyword_of(kind) != NULL;
}

bool is_item_keyword(int kind)
{
    const Keyword *k = keyword_of(kind);
    return k != NULL && k->item;
}

/* ---- the next raw token */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether a keyword is given a value: data = conv 3. It is a name then, badly chosen. */
static bool is_assigned(const Parse *p, const Token *t)
{
    size_t after = t->span.to;
    while (after < p->length && is_blank(p->text[after]))
        after++;
    return after < p->length && p->text[after] == '=';
}

/* The key of an argument may be any word: source digits, train=5000. */
static bool is_key(const Parse *p, const Token *t)
{
    return is_keyword(t->kind) && (p->now.kind == ',' || p->now.kind == CALL) && is_assigned(p, t);
}

static const Token *peek(Parse *p)
{
    if (!p->has_ahead) {
        scanner_next(p, &p->ahead);
        if (is_key(p, &p->ahead))
            p->ahead.kind = ID;
        p->has_ahead = true;
    }
    return &p->ahead;
}

static Token take(Parse *p)
{
    Token t = *peek(p);
    p->has_ahead = false;
    return t;
}

/* A token that is nowhere in the text, in front of the raw token that comes next. */
static Token made(Parse *p, int kind)
{
    uint32_t at = peek(p)->span.from;
    return (Token){ .kind = kind, .span = { p->source, at, at } };
}

/* How far from the start of its line a token stands; -1 if something else stands before it. */
static int indent(const Parse *p, uint32_t at)
{
    uint32_t start = at;
    while (start > 0 && is_blank(p->text[start - 1]))
        start--;
    return start == 0 || p->text[start - 1] == '\n' ? (int)(at - start) : -1;
}

/* ---- statements */

/* Nothing of a statement stands before the next token. */
static bool at_start(const Parse *p)
{
    return p->now.kind == NL || p->now.kind == '{' || p->now.kind == 0;
}

static void begin_statement(Parse *p)
{
    if (p->comma.source != 0 && !p->failed) {
        warning_at(p->unit, WARN_COMMA, p->comma, "this comma joins the next line to this one, though both begin at the same indent");
        help(p->unit, "remove the comma, or indent the next line further");
    }
    p->comma = NO_SPAN;
    p->failed = false;
    p->statement = peek(p)->span.from;
    p->first = is_assigned(p, peek(p)) ? ID : peek(p)->kind;
    p->minus_count = 0;
}

/* Closes what a statement leaves open. The innermost is kept for the message. */
static void lose_parens(Parse *p)
{
    p->lost_paren = p->paren_count > 0 ? p->parens[p->paren_count - 1] : (Opening){ .span = NO_SPAN };
    p->paren_count = 0;
}

/* After these a line goes on. */
static bool goes_on(int kind)
{
    switch (kind) {
    case '(': case CALL: case ',': case ARROW: case DOTS: case '=': case '+': case '-': case '*': case '/':
        return true;
    default:
        return false;
    }
}

/* A comma at the end of a line, when the next begins like a layer of its own: probably one too many. */
static void look_at_comma(Parse *p)
{
    const Token *next = peek(p);
    if (p->now.kind == ',' && p->paren_count == 0 && (next->kind == ID || next->kind == CALL) && p->comma.source == 0) {
        int before = indent(p, p->statement);
        if (before >= 0 && before == indent(p, next->span.from))
            p->comma = p->now.span;
    }
}

/* A body whose '{' stands on a line of its own belongs to the line above. */
static void look_at_brace(Parse *p)
{
    Span head = { p->source, p->statement, p->last.to };
    if (complain(p, peek(p)->span, "the '{' must stand on the line of '%s'", quoted(p, head)))
        fix_at(p->unit, (Span){ p->source, head.to, peek(p)->span.to }, " {", "write '%s {'", quoted(p, head));
}

/* Whether a body begins on the next line, by its indentation, though the line that just ended has no '{'. */
static bool lacks_brace(Parse *p)
{
    const Token *next = peek(p);
    int before = indent(p, p->statement);
    if (at_start(p) || p->now.kind == '}' || before < 0 || indent(p, next->span.from) <= before)
        return false;
    const Keyword *k = keyword_of(p->first);
    bool within_layer = p->brace_count > 0 && p->braces[p->brace_count - 1].branches;
    if (k == NULL)
        return next->kind == PATH && p->forgiving == 0 && !within_layer;
    return k->body;
}

/* The brace that is missing, at the end of the line. */
static Token missing_brace(Parse *p)
{
    Span head = { p->source, p->statement, p->last.to };
    Span end = { p->source, p->last.to, p->last.to };
    if (complain(p, end, "missing '{' at the end of the line"))
        fix_at(p->unit, end, " {", "write '%s {'", quoted(p, head));
    return (Token){ .kind = '{', .span = end };
}

/* Whether the newlines that were just read end a statement. */
static bool ends_here(Parse *p)
{
    while (peek(p)->kind == RAW_NEWLINE)
        take(p);
    if (goes_on(p->now.kind)) {
        look_at_comma(p);
        return is_keyword(peek(p)->kind);       /* those never stand within a line that goes on */
    }
    if (peek(p)->kind == ')')
        return false;
    if (peek(p)->kind == '{' && !at_start(p) && p->now.kind != '}') {
        look_at_brace(p);
        return false;
    }
    return true;
}

/* ---- braces */

/* An item that begins in the first column: the bodies that are open there lack their '}'. */
static bool is_lost_item(const Parse *p, const Token *t)
{
    return is_item_keyword(t->kind) && indent(p, t->span.from) == 0 && !is_assigned(p, t);
}

/* How many bodies lack their '}' in front of a token. A path ends those within the braces of its layer. */
static int lost_braces(const Parse *p, const Token *t)
{
    if (t->kind == GRAMMAR_EOF || is_lost_item(p, t))
        return p->brace_count;
    if (t->kind == PATH && at_start(p) && p->forgiving == 0 && !is_assigned(p, t))
        for (int i = p->brace_count - 1; i >= 0; i--)
            if (p->braces[i].branches)
                return p->brace_count - 1 - i;
    return 0;
}

enum { SHOWN = 3 };         /* bodies around an open one that a message names */

/* Begins to close `count` braces where nothing in the text does. */
static void close_lost(Parse *p, int count)
{
    const Opening *inner = &p->braces[p->brace_count - 1];
    bool ended = peek(p)->kind == GRAMMAR_EOF;
    Span at = ended ? (Span){ p->source, p->last.to, p->last.to } : peek(p)->span;
    Unit *u = p->unit;

    error_at(u, at, "missing '}' for '%s' opened at %d:%d", quoted(p, inner->head), span_line(u, inner->span),
             span_column(u, inner->span));
    for (int i = 1; i < count && i <= SHOWN; i++)
        note_at(u, inner[-i].span, "'%s' is still open too, opened", quoted(p, inner[-i].head));
    if (p->doubtful.span.source != 0)
        note_at(u, p->doubtful_end, "judged by its indentation, it is '%s' that is closed too late,", quoted(p, p->doubtful.head));
    p->closing = count;
    p->file->failed = true;
}

static void open_brace(Parse *p, Span s)
{
    Span head = { p->source, p->statement, p->last.to };
    p->braces[p->brace_count++] = (Opening){ .span = s, .head = head.from < head.to ? head : s };
}

void tokens_branch(Parse *p)
{
    assert(p->now.kind == '{' && p->brace_count > 0);
    p->braces[p->brace_count - 1].branches = true;
}

/* `s` is nowhere for a brace that is not in the text. */
static void close_brace(Parse *p, Span s)
{
    p->closed = p->braces[--p->brace_count];
    p->closed_end = s;
    p->statement = p->closed.head.from;
    int inside = indent(p, p->closed.head.from);
    if (s.source != 0 && p->doubtful.span.source == 0 && indent(p, s.from) >= 0 && indent(p, s.from) < inside) {
        p->doubtful = p->closed;
        p->doubtful_end = s;
    }
}

/* A body that is nested too deeply is left out as a whole. */
static void skip_body(Parse *p)
{
    for (int depth = 1; depth > 0;) {
        const Token *t = peek(p);
        if (t->kind == GRAMMAR_EOF || is_lost_item(p, t))
            return;
        depth += t->kind == '{' ? 1 : t->kind == '}' ? -1 : 0;
        take(p);
    }
}

/* A '}' where no brace is open. */
static void stray_brace(Parse *p, Span s)
{
    if (complain(p, s, "this '}' closes nothing") && p->closed_end.source != 0)
        note_at(p->unit, p->closed_end, "'%s' ends", quoted(p, p->closed.head));
    p->astray = true;
    p->file->failed = true;
    p->statement = s.to;
}

/* ---- parentheses and signs */

static bool open_paren(Parse *p, const Token *t)
{
    if (p->paren_count == LIMIT_DEPTH) {
        complain(p, t->span, "parentheses are nested more than %d deep", LIMIT_DEPTH);
        return false;
    }
    bool spaced = t->kind == '(' && p->now.kind == ID;
    p->parens[p->paren_count++] = (Opening){ .span = t->span, .head = spaced ? p->now.span : NO_SPAN };
    p->minus_count = 0;
    return true;
}

static bool count_minus(Parse *p, const Token *t)
{
    p->minus_count = t->kind == '-' ? p->minus_count + 1 : 0;
    if (p->minus_count <= LIMIT_DEPTH)
        return true;
    complain(p, t->span, "more than %d signs in a row", LIMIT_DEPTH);
    return false;
}

/* ---- tokens */

/* The next token for the grammar. Whatever ends a line is one NL, and a '}' or the end always comes after an NL. */
static Token next_token(Parse *p)
{
    for (;;) {
        if (p->closing > 0) {
            if (p->now.kind != NL)
                return made(p, NL);
            p->closing--;
            close_brace(p, NO_SPAN);
            return made(p, '}');
        }
        const Token *ahead = peek(p);
        int lost = lost_braces(p, ahead);
        if (lost > 0) {
            close_lost(p, lost);
            continue;
        }
        bool closed_here = p->now.kind == '}' && p->now.span.from == p->now.span.to;
        if (closed_here || ((ahead->kind == GRAMMAR_EOF || ahead->kind == '}') && p->now.kind != NL))
            return made(p, NL);

        Token t = take(p);
        switch (t.kind) {
        case RAW_NEWLINE:
            if (!ends_here(p))
                continue;
            t.kind = NL;
            if (lacks_brace(p) && p->brace_count < LIMIT_DEPTH) {
                t = missing_brace(p);
                open_brace(p, t.span);
            }
            return t;
        case RAW_SEMICOLON:
            t.kind = NL;
            return t;
        case RAW_COMMENT:
            literal_read(p, &t);
            continue;
        case '}':
            if (p->brace_count == 0) {
                stray_brace(p, t.span);
                continue;
            }
            close_brace(p, t.span);
            return t;
        case '{':
            if (p->brace_count == LIMIT_DEPTH) {
                complain(p, t.span, "bodies are nested more than %d deep", LIMIT_DEPTH);
                skip_body(p);
                t.kind = GRAMMAR_error;
                return t;
            }
            open_brace(p, t.span);
            return t;
        case '(':
        case CALL:
            if (!open_paren(p, &t))
                t.kind = GRAMMAR_error;
            return t;
        case ')':
            if (p->paren_count > 0)
                p->paren_count--;
            return t;
        default:
            if (!count_minus(p, &t))
                t.kind = GRAMMAR_error;
            return t;
        }
    }
}

int grammar_lex(union Meaning *meaning, Span *span, Parse *p)
{
    if (at_start(p)) {
        begin_statement(p);
        if (is_item_keyword(peek(p)->kind))
            p->astray = false;
    }
    Token t = next_token(p);
    if (!literal_read(p, &t))
        t.kind = GRAMMAR_error;
    if (t.kind == NL || t.kind == '{')
        lose_parens(p);
    p->before = p->now;
    p->now = t;
    if (t.kind != NL && t.span.to > t.span.from)
        p->last = t.span;
    *meaning = t.meaning;
    *span = t.span;
    return t.kind;
}
