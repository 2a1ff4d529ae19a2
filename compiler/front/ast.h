/* ast.h: the tree that the parser makes of a source, with nothing decided yet.
 *
 * Names are plain strings in the arena. Lists are linked by `next`, in source order. Every node has its span. */
#ifndef CNNC_FRONT_AST_H
#define CNNC_FRONT_AST_H

#include "base/text.h"
#include "unit.h"

typedef enum AstExprKind { AST_NUMBER, AST_SIZE, AST_STRING, AST_NAME, AST_CALL, AST_BINARY, AST_NEGATE } AstExprKind;

typedef struct AstExpr {
    AstExprKind kind;
    Span span;
    struct AstExpr *next;           /* in a list of expressions (rows, tuples) */
    bool whole;                     /* AST_NUMBER: `integer` holds the exact value */
    int64_t integer;
    double number;                  /* AST_NUMBER: the value, suffix applied (5% is 0.05) */
    bool too_large;                 /* AST_NUMBER, AST_SIZE: a whole number beyond 64 bits; reported by the parser */
    int size_count;                 /* AST_SIZE: 28x28x1 has three */
    int64_t size[8];
    const char *text;               /* AST_STRING: its bytes (NUL cannot occur); AST_NAME, AST_CALL: the name */
    char op;                        /* AST_BINARY: + - * / */
    struct AstExpr *left, *right;   /* AST_BINARY; AST_NEGATE has left */
    struct AstArg *args;            /* AST_CALL */
    int depth;                      /* of operators and calls in it, at most LIMIT_DEPTH */
    bool failed;                    /* stands for text that could not be parsed */
} AstExpr;

/* One argument: `expr`, `expr..expr`, `key=expr` or `key=(expr, expr, ...)`. */
typedef struct AstArg {
    Span span;
    struct AstArg *next;
    const char *key;                /* NULL: positional */
    Span key_span;
    AstExpr *value;                 /* of a tuple, the first, linked by next */
    bool tuple;
    AstExpr *high;                  /* the end of a range, or NULL */
} AstArg;

typedef struct AstName {
    Span span;
    struct AstName *next;
    const char *text;
} AstName;

typedef struct AstPath {
    Span span;
    struct AstPath *next;
    AstName *name;                  /* or NULL */
    struct AstStmt *body;
} AstPath;

/* One layer of a line: `conv 32, 3x3, relu`, `conv(32, 3x3) from stem`, `add { path {...} }`. */
typedef struct AstLayer {
    Span span;
    struct AstLayer *next;          /* after -> */
    const char *name;
    Span name_span;
    bool call;                      /* written with parentheses */
    AstArg *args;
    AstName *from;                  /* or NULL */
    bool has_paths;
    AstPath *paths;
} AstLayer;

typedef enum AstStmtKind { AST_FLOW, AST_REPEAT, AST_EXPECT, AST_ROW, AST_FAILED } AstStmtKind;

typedef struct AstStmt {
    AstStmtKind kind;
    Span span;
    struct AstStmt *next;
    AstName *name;                  /* AST_FLOW: the name given with `name = ...`; AST_REPEAT: the counter of `i in a..b`; AST_FAILED: the
                                     * name that it would have given, where that is known; or NULL */
    AstLayer *flow;                 /* AST_FLOW. In data and train bodies a setting is a flow of one layer. */
    AstExpr *low, *high;            /* AST_REPEAT: high is NULL for a plain count; AST_EXPECT: left and right side */
    const char *relation;           /* AST_EXPECT: "==", "!=", "<", "<=", ">", ">=" */
    Span relation_span;
    struct AstStmt *body;           /* AST_REPEAT */
    AstExpr *inputs, *targets;      /* AST_ROW */
} AstStmt;

typedef struct AstFormal {
    Span span;
    struct AstFormal *next;
    const char *name;
    AstExpr *fallback;              /* or NULL */
} AstFormal;

typedef enum AstItemKind { AST_PARAM, AST_NETWORK, AST_BLOCK, AST_DATA, AST_TRAIN, AST_IMPORT } AstItemKind;

typedef struct AstItem {
    AstItemKind kind;
    Span span;
    struct AstItem *next;
    AstName *name;                  /* AST_TRAIN: the trainee or NULL; AST_IMPORT: NULL */
    AstExpr *value;                 /* AST_PARAM: its default; AST_IMPORT: the path; AST_TRAIN: the source, a name or a string */
    AstFormal *formals;             /* AST_BLOCK */
    AstStmt *body;                  /* AST_NETWORK, AST_BLOCK, AST_DATA, AST_TRAIN */
    struct AstFile *imported;       /* AST_IMPORT: filled by front/import.c */
} AstItem;

typedef struct AstFile {
    int source;
    const char *name;               /* as messages say it */
    AstItem *items;
    bool failed;                    /* items or braces could not be understood: a name may be unknown and a line misplaced
                                     * for that reason. Errors within lines leave it false; they are AST_FAILED. */
    struct AstFile *next;           /* the unit's files, each once, in the order of reading; Unit.ast is the first */
} AstFile;

/* Parses source number `source`, at most LIMIT_FILE bytes. Reports every syntax error and returns what could be
 * understood, never NULL; a statement that failed is kept as AST_FAILED so that the shape behind it is unknown rather
 * than wrong. */
AstFile *ast_parse(Unit *u, int source);

/* Reads the main program ("-" is standard input) and what it imports, each file once: sets u->ast, and `imported` of
 * the items. False if an error was reported. u->ast is NULL only if the main program cannot be read. */
bool ast_load(Unit *u, const char *path);

/* Whether every file was understood but for single lines, so that a check finds real mistakes and no consequences. */
bool ast_sound(const AstFile *file);

/* The tree as indented text, for --dump=ast and golden tests, with the files that it imports behind it. */
void ast_dump(const AstFile *file, Text *t);

#endif
