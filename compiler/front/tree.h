/* tree.h: how the grammar makes the nodes of the tree. For the front room alone. */
#ifndef CNNC_FRONT_TREE_H
#define CNNC_FRONT_TREE_H

#include "front/parse.h"

/* Adds an item to the file. */
AstItem *tree_item(Parse *p, AstItemKind kind, Span s, AstName *name);

AstStmt *tree_stmt(Parse *p, AstStmtKind kind, Span s);
/* `failed`: a path in it could not be understood, and so neither can it. */
AstStmt *tree_flow(Parse *p, Span s, AstName *name, AstLayer *flow, bool failed);
AstStmt *tree_failed(Parse *p, Span s, AstName *name);

AstName *tree_word(Parse *p, const char *text, Span s);
AstFormal *tree_formal(Parse *p, const char *name, Span s, AstExpr *fallback);
AstLayer *tree_layer(Parse *p, Span s, const char *name, Span name_span, AstArg *args, AstName *from);
AstPath *tree_path(Parse *p, Span s, AstName *name, AstStmt *body);
AstArg *tree_arg(Parse *p, Span s, AstExpr *value);

AstExpr *tree_expr(Parse *p, AstExprKind kind, Span s);
AstExpr *tree_name(Parse *p, Span s, const char *name);
/* These limit the depth of expressions. */
AstExpr *tree_call(Parse *p, Span s, const char *name, AstArg *args);
AstExpr *tree_binary(Parse *p, Span s, char op, AstExpr *left, AstExpr *right);
AstExpr *tree_negate(Parse *p, Span s, AstExpr *of);

/* The name in a CALL, which ends with its parenthesis. */
Span tree_call_name(Span call);

#endif
