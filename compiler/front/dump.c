/* dump.c: the tree as text, close to the language but with every decision of the parser visible: arguments in
 * parentheses, operations in parentheses, one layer a line. */
#include "front/ast.h"

#include <stdio.h>
#include <stdlib.h>

static void put_args(const AstArg *arg, Text *t);

static void put_string(const char *text, Text *t)
{
    text_put(t, "\"");
    for (; *text != '\0'; text++)
        text_put(t, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    text_put(t, "\"");
}

/* The fewest digits that are this number. */
static void put_real(double value, Text *t)
{
    char digits[32];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    text_put(t, "%s", digits);
}

static void put_expr(const AstExpr *e, Text *t)
{
    if (e->failed) {
        text_put(t, "failed");
        return;
    }
    switch (e->kind) {
    case AST_NUMBER:
        if (e->whole)
            text_put(t, "%lld", (long long)e->integer);
        else
            put_real(e->number, t);
        break;
    case AST_SIZE:
        for (int i = 0; i < e->size_count; i++)
            text_put(t, "%s%lld", i > 0 ? "x" : "", (long long)e->size[i]);
        break;
    case AST_STRING:
        put_string(e->text, t);
        break;
    case AST_NAME:
        text_put(t, "%s", e->text);
        break;
    case AST_CALL:
        text_put(t, "%s", e->text);
        put_args(e->args, t);
        break;
    case AST_BINARY:
        text_put(t, "(");
        put_expr(e->left, t);
        text_put(t, " %c ", e->op);
        put_expr(e->right, t);
        text_put(t, ")");
        break;
    case AST_NEGATE:
        text_put(t, "(-");
        put_expr(e->left, t);
        text_put(t, ")");
        break;
    }
}

static void put_exprs(const AstExpr *e, Text *t)
{
    for (const AstExpr *first = e; e != NULL; e = e->next) {
        text_put(t, "%s", e == first ? "" : ", ");
        put_expr(e, t);
    }
}

static void put_args(const AstArg *arg, Text *t)
{
    text_put(t, "(");
    for (const AstArg *first = arg; arg != NULL; arg = arg->next) {
        text_put(t, "%s", arg == first ? "" : ", ");
        if (arg->key != NULL)
            text_put(t, "%s=", arg->key);
        if (arg->tuple)
            text_put(t, "(");
        put_exprs(arg->value, t);
        if (arg->tuple)
            text_put(t, ")");
        if (arg->high != NULL) {
            text_put(t, "..");
            put_expr(arg->high, t);
        }
    }
    text_put(t, ")");
}

static void put_stmts(const AstStmt *stmt, Text *t);

static void put_layer(const AstLayer *layer, Text *t)
{
    text_put(t, "%s", layer->name);
    put_args(layer->args, t);
    for (const AstName *name = layer->from; name != NULL; name = name->next)
        text_put(t, "%s%s", name == layer->from ? " from " : ", ", name->text);
    text_put(t, "\n");
    if (!layer->has_paths)
        return;
    t->depth++;
    for (const AstPath *path = layer->paths; path != NULL; path = path->next) {
        text_open(t, "path%s%s", path->name != NULL ? " " : "", path->name != NULL ? path->name->text : "");
        put_stmts(path->body, t);
        t->depth--;
    }
    t->depth--;
}

static void put_stmt(const AstStmt *stmt, Text *t)
{
    text_indent(t);
    switch (stmt->kind) {
    case AST_FLOW:
        if (stmt->name != NULL)
            text_put(t, "%s = ", stmt->name->text);
        for (const AstLayer *layer = stmt->flow; layer != NULL; layer = layer->next) {
            if (layer != stmt->flow) {
                text_indent(t);
                text_put(t, "-> ");
            }
            put_layer(layer, t);
        }
        break;
    case AST_REPEAT:
        text_put(t, "repeat ");
        if (stmt->name != NULL)
            text_put(t, "%s in ", stmt->name->text);
        put_expr(stmt->low, t);
        if (stmt->high != NULL) {
            text_put(t, "..");
            put_expr(stmt->high, t);
        }
        text_put(t, "\n");
        t->depth++;
        put_stmts(stmt->body, t);
        t->depth--;
        break;
    case AST_EXPECT:
        text_put(t, "expect ");
        put_expr(stmt->low, t);
        text_put(t, " %s ", stmt->relation);
        put_expr(stmt->high, t);
        text_put(t, "\n");
        break;
    case AST_ROW:
        text_put(t, "row ");
        put_exprs(stmt->inputs, t);
        text_put(t, " -> ");
        put_exprs(stmt->targets, t);
        text_put(t, "\n");
        break;
    case AST_FAILED:
        text_put(t, "failed%s%s\n", stmt->name != NULL ? " " : "", stmt->name != NULL ? stmt->name->text : "");
        break;
    }
}

static void put_stmts(const AstStmt *stmt, Text *t)
{
    for (; stmt != NULL; stmt = stmt->next)
        put_stmt(stmt, t);
}

static void put_formals(const AstFormal *formal, Text *t)
{
    for (const AstFormal *first = formal; formal != NULL; formal = formal->next) {
        text_put(t, "%s%s", formal == first ? "(" : ", ", formal->name);
        if (formal->fallback != NULL) {
            text_put(t, "=");
            put_expr(formal->fallback, t);
        }
        if (formal->next == NULL)
            text_put(t, ")");
    }
}

static void put_item(const AstItem *item, Text *t)
{
    text_indent(t);
    switch (item->kind) {
    case AST_PARAM:
        text_put(t, "param %s = ", item->name->text);
        put_expr(item->value, t);
        break;
    case AST_NETWORK:
        text_put(t, "network %s", item->name->text);
        break;
    case AST_BLOCK:
        text_put(t, "block %s", item->name->text);
        put_formals(item->formals, t);
        break;
    case AST_DATA:
        text_put(t, "data %s", item->name->text);
        break;
    case AST_TRAIN:
        text_put(t, "train%s%s on ", item->name != NULL ? " " : "", item->name != NULL ? item->name->text : "");
        put_expr(item->value, t);
        break;
    case AST_IMPORT:
        text_put(t, "import ");
        put_string(item->value->text, t);
        break;
    }
    text_put(t, "\n");
    t->depth++;
    put_stmts(item->body, t);
    t->depth--;
}

void ast_dump(const AstFile *file, Text *t)
{
    for (const AstFile *f = file; f != NULL; f = f->next) {
        if (f != file) {
            text_blank(t);
            text_line(t, "file %s", f->name);
        }
        for (const AstItem *item = f->items; item != NULL; item = item->next)
            put_item(item, t);
    }
}
