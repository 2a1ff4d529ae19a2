/* parse.h: one parse, as its parts share it. For the front room alone.
 *
 *     bytes --grammar/cnnc.l--> raw tokens --tokens.c--> tokens --grammar/cnnc.y--> tree
 *
 * The scanner knows bytes, tokens.c knows lines and braces, the grammar knows neither. */
#ifndef CNNC_FRONT_PARSE_H
#define CNNC_FRONT_PARSE_H

#include "base/checked.h"
#include "front/ast.h"

/* What a token or a part of the tree means to the grammar. Lists are built at their end. */
union Meaning {
    const char *name;               /* ID, CALL: the name; REL: the relation */
    AstExpr *expr;
    AstArg *arg;
    AstName *word;
    AstPath *path;                  /* NULL: it failed */
    AstStmt *stmt;
    AstFormal *formal;
    struct { AstExpr *first, *last; } exprs;
    struct { AstArg *first, *last; } args;
    struct { AstName *first, *last; } words;
    struct { AstPath *first, *last; bool given, failed; } paths;
    struct { AstLayer *first, *last; bool failed; } flow;
    struct { AstLayer *made; bool failed; } layer;
    struct { AstStmt *first, *last; } stmts;
    struct { AstFormal *first, *last; } formals;
    struct { AstName *counter; AstExpr *low, *high; } count;
};

/* Kinds of raw tokens beside those of the grammar, which never sees these. */
enum {
    RAW_NEWLINE = 1000, RAW_SEMICOLON,
    RAW_WRONG,                      /* a number or size with letters behind it */
    RAW_UNCLOSED,                   /* a string that its line does not end */
    RAW_STRAY,                      /* bytes that begin nothing */
    RAW_COMMENT                     /* the rest of a comment, from a byte that not even a comment may hold */
};

typedef struct Token {
    int kind;
    Span span;
    union Meaning meaning;
} Token;

/* An open brace or parenthesis. */
typedef struct Opening {
    Span span;                      /* the brace or parenthesis */
    Span head;                      /* of a brace, the statement up to it; of a parenthesis, the word before it */
    bool branches;                  /* a brace around paths */
    bool complained;                /* that one of these branches is no path */
} Opening;

typedef struct Parse {
    Unit *unit;
    int source;
    const char *text;
    size_t length;
    AstFile *file;
    AstItem *last_item;             /* of file->items */

    void *scanner;
    uint32_t scanned;               /* bytes that the scanner has passed */

    Token ahead;                    /* the raw token that comes next, if has_ahead */
    bool has_ahead;
    Token now, before;              /* the last two tokens that the grammar was given */
    Span last;                      /* the last of them that stands in the text */
    uint32_t statement;             /* where the statement of `now` begins, */
    int first;                      /* and the kind of its first token, ID for a keyword that is used as a name */
    Opening braces[LIMIT_DEPTH], parens[LIMIT_DEPTH];
    int brace_count, paren_count;
    Opening lost_paren;             /* one that the end of a statement closed */
    Opening closed;                 /* the brace that was closed last, */
    Span closed_end;                /* and where */
    Opening doubtful;               /* the first that a '}' closed which is indented less: its own may be missing */
    Span doubtful_end;              /* that '}' */
    int minus_count;                /* signs in a row */
    int closing;                    /* braces that are still to be closed where nothing in the text closes them */
    Span comma;                     /* a comma that joins two lines which look like two layers */

    bool failed;                    /* the statement has had its error */
    bool astray;                    /* the text between two items has had its error */
    int forgiving;                  /* bodies of statements that failed around this one */
} Parse;

/* ---- grammar/cnnc.l and grammar/cnnc.y */

/* The next raw token. */
void scanner_open(Parse *p);
void scanner_next(Parse *p, Token *to);

/* ---- tokens.c */

int grammar_lex(union Meaning *meaning, Span *span, Parse *p);
/* The innermost brace is around paths. */
void tokens_branch(Parse *p);
/* The kind of a keyword, or of a name, ID. */
int keyword_kind(const char *text, int length);
bool is_keyword(int kind);
/* Whether it begins an item: network, block, param, data, train, import. */
bool is_item_keyword(int kind);

/* ---- literal.c */

/* Gives a name, number, size, string or relation its meaning. False if the token is useless, which has been reported;
 * so are errors in tokens that can be kept. */
bool literal_read(Parse *p, Token *t);
/* Where in `length` bytes of a comment the first control byte is, or `length`. */
int literal_control(const char *text, int length);

/* ---- syntax.c: messages */

/* Reports an error unless the statement has had one. Only after true may notes and helps follow. */
bool complain(Parse *p, Span s, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The text of a span as it may stand in a message: one line, and not long. */
const char *quoted(Parse *p, Span s);
/* Nothing in the grammar fits p->now; expected[kind] tells what would. */
enum { TOKEN_KINDS = 512 };
void syntax_error(Parse *p, const bool expected[TOKEN_KINDS]);
/* p->now is a 'path' that is in the braces of no layer. */
void syntax_lost_path(Parse *p);

#endif
