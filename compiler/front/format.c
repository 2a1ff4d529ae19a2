/* format.c: a source laid out anew (format.h). It works on the raw tokens of the scanner, a line at a time, and takes comments from between them. */
#include "front/format.h"

#include "front/parse.h"
#include "parser.h"

#include <string.h>

enum {
    STEP = 2,                       /* columns of a brace */
    GOES_ON = 4,                    /* columns more of a line that goes on */
    BEFORE_COMMENT = 2              /* least columns before a comment behind a line */
};

typedef struct Word {
    int kind;
    Span span;
    bool spaced;                    /* stood apart from the word before it */
    bool sign;                      /* a '-' before one operand */
    bool begins;                    /* a statement */
} Word;

typedef struct Line {
    LIST(Word) words;
    Span comment;                   /* or NO_SPAN */
    int comment_column;             /* where it stood */
    int second_column;              /* of the second word, from the first; 0: there is none that may stand in a column */
    bool second_padded;             /* by more than one space */
    bool goes_on;                   /* it belongs to the statement of the line above */
    bool blank_before;
    int indent;                     /* columns */
    int pad_to;                     /* column of the second word, or 0 */
    Text *code;
} Line;

typedef struct Format {
    Unit *u;
    int source;
    const char *text;
    size_t length;
    LIST(Line) lines;
} Format;

/* ---- reading */

static bool opens_operand(int kind)
{
    switch (kind) {
    case 0: case '(': case CALL: case ',': case ARROW: case DOTS: case '=': case '+': case '-': case '*': case '/': case REL: case '{':
        return true;
    default:
        return is_keyword(kind);
    }
}

static bool carries_on(int kind)
{
    return kind != 0 && kind != '{' && kind != REL && !is_keyword(kind) && opens_operand(kind);
}

/* Columns of a piece of the source, a character each. */
static int columns(const Format *f, size_t from, size_t to)
{
    int count = 0;

    for (size_t i = from; i < to; i++)
        count += ((unsigned char)f->text[i] & 0xc0) != 0x80;
    return count;
}

static size_t line_start(const Format *f, size_t at)
{
    while (at > 0 && f->text[at - 1] != '\n')
        at--;
    return at;
}

static bool is_name(int kind)
{
    return kind == ID || is_keyword(kind);
}

/* Where the second word stands, if the line may be one of a table: `batch  64`, but not `a = conv 3` or `conv(3)`. */
static void look_at_second(const Format *f, Line *l)
{
    if (l->words.count < 2 || !is_name(l->words.at[0].kind))
        return;
    const Word *first = &l->words.at[0], *second = &l->words.at[1];
    if (!second->spaced || strchr("=(){};,", second->kind < 128 ? second->kind : 'x') || second->kind == ARROW || second->kind == REL
        || second->kind == RAW_SEMICOLON)
        return;
    l->second_column = columns(f, first->span.from, second->span.from);
    l->second_padded = second->span.from > first->span.to + 1;
}

/* The comment in the text between two tokens, or NO_SPAN. */
static Span comment_between(const Format *f, size_t from, size_t to)
{
    while (from < to && (f->text[from] == ' ' || f->text[from] == '\t' || f->text[from] == '\r' || (unsigned char)f->text[from] >= 0x80))
        from++;
    while (to > from && strchr(" \t\r\n", f->text[to - 1]))
        to--;
    return from < to ? (Span){ f->source, (uint32_t)from, (uint32_t)to } : NO_SPAN;
}

static void read_lines(Format *f)
{
    Parse p = { .unit = f->u, .source = f->source, .text = f->text, .length = f->length };
    Line line = { 0 };
    bool blank = false, begins = true;
    size_t behind = 0;                      /* the last token */
    int before = 0;                         /* its kind */

    scanner_open(&p);
    for (;;) {
        Token t;
        scanner_next(&p, &t);
        bool ends = t.kind == RAW_NEWLINE || t.kind == GRAMMAR_EOF;
        Span comment = ends ? comment_between(f, behind, t.span.from) : NO_SPAN;
        if (!ends) {
            Word w = { .kind = t.kind, .span = t.span, .spaced = line.words.count > 0 && t.span.from > behind, .begins = begins };
            w.sign = t.kind == '-' && opens_operand(before);
            if (line.words.count == 0)
                line.goes_on = carries_on(before) || t.kind == ')';
            begins = t.kind == RAW_SEMICOLON || t.kind == '{' || t.kind == '}';
            LIST_ADD(f->u->arena, &line.words, w);
            before = t.kind;
        } else {
            if (comment.source != 0) {
                line.comment = comment;
                line.comment_column = columns(f, line_start(f, comment.from), comment.from);
                if (line.words.count == 0)
                    line.goes_on = carries_on(before);
            }
            if (line.words.count > 0 || line.comment.source != 0) {
                line.blank_before = blank && f->lines.count > 0;
                look_at_second(f, &line);
                LIST_ADD(f->u->arena, &f->lines, line);
                blank = false;
                begins = begins || !carries_on(before);
            } else {
                blank = true;
            }
            line = (Line){ 0 };
        }
        behind = t.span.to;
        if (t.kind == GRAMMAR_EOF)
            return;
    }
}

/* ---- laying out */

static void indent_lines(Format *f)
{
    int depth = 0;

    for (int i = 0; i < f->lines.count; i++) {
        Line *l = &f->lines.at[i];
        int closing = 0;
        while (closing < l->words.count && l->words.at[closing].kind == '}')
            closing++;
        int own = depth - closing;
        l->indent = STEP * (own > 0 ? own : 0) + (l->goes_on ? GOES_ON : 0);
        for (int j = 0; j < l->words.count; j++)
            depth += l->words.at[j].kind == '{' ? 1 : l->words.at[j].kind == '}' ? -1 : 0;
        bool after_brace = i > 0 && f->lines.at[i - 1].words.count > 0
                           && f->lines.at[i - 1].words.at[f->lines.at[i - 1].words.count - 1].kind == '{';
        if (after_brace || closing > 0)
            l->blank_before = false;
    }
}

/* Neighbouring lines of one depth whose second words stand in one column, which somebody has padded. */
static void keep_columns(Format *f)
{
    for (int i = 0; i < f->lines.count;) {
        const Line *first = &f->lines.at[i];
        int end = i, words = 0;
        bool padded = false, fits = true;

        for (; end < f->lines.count; end++) {
            const Line *l = &f->lines.at[end];
            if (l->second_column == 0 || l->goes_on || l->indent != first->indent || (end > i && l->blank_before))
                break;
            fits = fits && l->second_column == first->second_column;
            padded = padded || l->second_padded;
            words++;
        }
        for (int j = i; j < end; j++)
            f->lines.at[j].pad_to = fits && padded && words > 1 ? first->second_column : 0;
        i = end > i ? end : i + 1;
    }
}

static bool is_operator(int kind)
{
    return kind == '+' || kind == '-' || kind == '*' || kind == '/';
}

/* Whether the '=' of a line names a value (spaced) or an argument (not). */
static bool assigns(const Line *l, int equals)
{
    if (equals >= 1 && l->words.at[equals - 1].begins)
        return true;                        /* stem = conv */
    return equals >= 2 && l->words.at[equals - 2].begins && l->words.at[equals - 2].kind == PARAM;
}

/* Whether a space stands before word i > 0 of a line, which was in `parens` parentheses. */
static bool space_before(const Line *l, int i, int parens)
{
    const Word *w = &l->words.at[i], *before = &l->words.at[i - 1];
    bool wide = w->spaced || (i + 1 < l->words.count && l->words.at[i + 1].spaced);

    if (w->kind == RAW_SEMICOLON || w->kind == ',' || w->kind == ')' || before->kind == '(' || before->kind == CALL || before->sign)
        return false;
    if (w->kind == DOTS || before->kind == DOTS)
        return false;
    if (before->kind == ',')
        return parens == 0 || w->spaced;
    if (w->kind == '=')
        return assigns(l, i);
    if (before->kind == '=')
        return assigns(l, i - 1);
    if (is_operator(w->kind) && !w->sign)
        return wide;
    if (is_operator(before->kind))
        return w->spaced || before->spaced;
    return true;
}

static void put_code(Format *f, Line *l)
{
    int parens = 0;

    l->code = text_new(f->u->arena);
    for (int i = 0; i < l->words.count; i++) {
        const Word *w = &l->words.at[i];
        if (w->kind == ')')
            parens--;
        if (i == 1 && l->pad_to > 0) {
            for (int column = columns(f, l->words.at[0].span.from, l->words.at[0].span.to); column < l->pad_to; column++)
                text_put(l->code, " ");
        } else if (i > 0 && space_before(l, i, parens)) {
            text_put(l->code, " ");
        }
        text_bytes(l->code, f->text + w->span.from, w->span.to - w->span.from);
        parens += w->kind == '(' || w->kind == CALL;
    }
}

static int width_of(const Line *l)
{
    int count = l->indent;

    for (size_t i = 0; i < l->code->length; i++)
        count += ((unsigned char)l->code->at[i] & 0xc0) != 0x80;
    return count;
}

/* Comments behind neighbouring lines stand in one column: theirs if they did, else behind the longest line. */
static void align_comments(Format *f, int *column)
{
    for (int i = 0; i < f->lines.count;) {
        int end = i, widest = 0, kept = -1;

        for (; end < f->lines.count; end++) {
            const Line *l = &f->lines.at[end];
            if (l->words.count == 0 || (end > i && l->blank_before))
                break;
            if (l->comment.source == 0)
                continue;
            widest = width_of(l) > widest ? width_of(l) : widest;
            kept = kept < 0 || kept == l->comment_column ? l->comment_column : 0;
        }
        for (int j = i; j < end; j++)
            column[j] = kept >= widest + BEFORE_COMMENT ? kept : widest + BEFORE_COMMENT;
        i = end > i ? end : i + 1;
    }
}

void format_source(Unit *u, int source, Text *to)
{
    Format f = { .u = u, .source = source };
    f.text = source_text(u, source, &f.length);
    const char *newline = memchr(f.text, '\n', f.length);
    const char *end = newline && newline > f.text && newline[-1] == '\r' ? "\r\n" : "\n";
    bool marked = f.length >= 3 && memcmp(f.text, "\xef\xbb\xbf", 3) == 0;

    read_lines(&f);
    indent_lines(&f);
    keep_columns(&f);
    for (int i = 0; i < f.lines.count; i++)
        put_code(&f, &f.lines.at[i]);
    int *column = arena_array(u->arena, (size_t)f.lines.count + 1, sizeof *column);
    align_comments(&f, column);
    text_put(to, "%s", marked ? "\xef\xbb\xbf" : "");
    for (int i = 0; i < f.lines.count; i++) {
        const Line *l = &f.lines.at[i];
        if (l->blank_before)
            text_put(to, "%s", end);
        text_put(to, "%*s%s", l->indent, "", l->code->at);
        if (l->comment.source != 0) {
            for (int at = width_of(l); l->words.count > 0 && at < column[i]; at++)
                text_put(to, " ");
            text_bytes(to, f.text + l->comment.from, l->comment.to - l->comment.from);
        }
        text_put(to, "%s", end);
    }
}
