/* tree.c: nodes of the tree, in the arena. */
#include "front/tree.h"

AstItem *tree_item(Parse *p, AstItemKind kind, Span s, AstName *name)
{
    AstItem *item = ARENA_NEW(p->unit->arena, AstItem);
    item->kind = kind;
    item->span = s;
    item->name = name;
    if (p->last_item == NULL)
        p->file->items = item;
    else
        p->last_item->next = item;
    p->last_item = item;
    return item;
}

AstStmt *tree_stmt(Parse *p, AstStmtKind kind, Span s)
{
    AstStmt *stmt = ARENA_NEW(p->unit->arena, AstStmt);
    stmt->kind = kind;
    stmt->span = s;
    return stmt;
}

AstStmt *tree_flow(Parse *p, Span s, AstName *name, AstLayer *flow, bool failed)
{
    if (failed)
        return tree_failed(p, s, name);
    AstStmt *stmt = tree_stmt(p, AST_FLOW, s);
    stmt->name = name;
    stmt->flow = flow;
    return stmt;
}

AstStmt *tree_failed(Parse *p, Span s, AstName *name)
{
    AstStmt *stmt = tree_stmt(p, AST_FAILED, s);
    stmt->name = name;
    return stmt;
}

AstName *tree_word(Parse *p, const char *text, Span s)
{
    AstName *name = ARENA_NEW(p->unit->arena, AstName);
    name->span = s;
    name->text = text;
    return name;
}

AstFormal *tree_formal(Parse *p, const char *name, Span s, AstExpr *fallback)
{
    AstFormal *formal = ARENA_NEW(p->unit->arena, AstFormal);
    formal->span = s;
    formal->name = name;
    formal->fallback = fallback;
    return formal;
}

AstLayer *tree_layer(Parse *p, Span s, const char *name, Span name_span, AstArg *args, AstName *from)
{
    AstLayer *layer = ARENA_NEW(p->unit->arena, AstLayer);
    layer->span = s;
    layer->name = name;
    layer->name_span = name_span;
    layer->args = args;
    layer->from = from;
    return layer;
}

AstPath *tree_path(Parse *p, Span s, AstName *name, AstStmt *body)
{
    AstPath *path = ARENA_NEW(p->unit->arena, AstPath);
    path->span = s;
    path->name = name;
    path->body = body;
    return path;
}

AstArg *tree_arg(Parse *p, Span s, AstExpr *value)
{
    AstArg *arg = ARENA_NEW(p->unit->arena, AstArg);
    arg->span = s;
    arg->value = value;
    return arg;
}

AstExpr *tree_expr(Parse *p, AstExprKind kind, Span s)
{
    AstExpr *e = ARENA_NEW(p->unit->arena, AstExpr);
    e->kind = kind;
    e->span = s;
    return e;
}

AstExpr *tree_name(Parse *p, Span s, const char *name)
{
    AstExpr *e = tree_expr(p, AST_NAME, s);
    e->text = name;
    return e;
}

/* Makes `e` one deeper than `below`. Whoever walks the tree does so by recursion, hence the limit; what exceeds it
 * becomes a failed number. */
static AstExpr *deepen(Parse *p, AstExpr *e, int below)
{
    e->depth = below + 1;
    if (e->depth <= LIMIT_DEPTH)
        return e;
    if (complain(p, e->span, "an expression of more than %d operations within one another", LIMIT_DEPTH))
        help(p->unit, "give parts of it a name with 'param'");
    AstExpr *failed = tree_expr(p, AST_NUMBER, e->span);
    failed->failed = true;
    return failed;
}

static int deepest(const AstExpr *e)
{
    int depth = 0;
    for (; e != NULL; e = e->next)
        depth = e->depth > depth ? e->depth : depth;
    return depth;
}

AstExpr *tree_call(Parse *p, Span s, const char *name, AstArg *args)
{
    AstExpr *e = tree_expr(p, AST_CALL, s);
    int depth = 0;

    e->text = name;
    e->args = args;
    for (const AstArg *arg = args; arg != NULL; arg = arg->next) {
        int value = deepest(arg->value), high = deepest(arg->high);
        depth = value > depth ? value : depth;
        depth = high > depth ? high : depth;
    }
    return deepen(p, e, depth);
}

AstExpr *tree_binary(Parse *p, Span s, char op, AstExpr *left, AstExpr *right)
{
    AstExpr *e = tree_expr(p, AST_BINARY, s);
    e->op = op;
    e->left = left;
    e->right = right;
    return deepen(p, e, left->depth > right->depth ? left->depth : right->depth);
}

AstExpr *tree_negate(Parse *p, Span s, AstExpr *of)
{
    AstExpr *e = tree_expr(p, AST_NEGATE, s);
    e->left = of;
    return deepen(p, e, of->depth);
}

Span tree_call_name(Span call)
{
    return (Span){ call.source, call.from, call.to - 1 };
}
