/* parse_fuzz.c: any bytes are parsed, dumped and reported about without a step out of bounds, and the tree is as its
 * header promises: places within the text, nesting within the limits, an error wherever something failed.
 *
 * The corpus in parse/ is run by the tests (see CMakeLists.txt for how to look for more). */
#include "base/checked.h"
#include "front/ast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Not assert: it has to hold in every build. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "parse_fuzz: %s\n", what);
    abort();
}

typedef struct Walk {
    int source;
    size_t length;
    bool failed;            /* something in the tree did */
} Walk;

static void walk_span(const Walk *w, Span s)
{
    require(s.source == w->source && s.from <= s.to && s.to <= w->length, "a span lies outside of its source");
}

static int walk_args(Walk *w, const AstArg *arg);

/* The depth of an expression. */
static int walk_expr(Walk *w, const AstExpr *e)
{
    walk_span(w, e->span);
    w->failed |= e->failed || e->too_large;
    if (e->failed)
        return 0;
    int left = e->left != NULL ? walk_expr(w, e->left) : 0, right = e->right != NULL ? walk_expr(w, e->right) : 0;
    int inner = left > right ? left : right, args = walk_args(w, e->args);
    int depth = (inner > args ? inner : args) + (e->kind == AST_BINARY || e->kind == AST_NEGATE || e->kind == AST_CALL);
    require(depth <= LIMIT_DEPTH, "an expression is too deep");
    require(e->kind != AST_SIZE || (e->size_count >= 2 && e->size_count <= 8), "a size has a wrong number of sides");
    require((e->kind != AST_NAME && e->kind != AST_CALL && e->kind != AST_STRING) || e->text != NULL, "a name is missing");
    return depth;
}

static int walk_exprs(Walk *w, const AstExpr *e)
{
    int most = 0;
    for (; e != NULL; e = e->next) {
        int depth = walk_expr(w, e);
        most = depth > most ? depth : most;
    }
    return most;
}

static int walk_args(Walk *w, const AstArg *arg)
{
    int most = 0;
    for (; arg != NULL; arg = arg->next) {
        walk_span(w, arg->span);
        require(arg->value != NULL && arg->tuple == (arg->value->next != NULL), "a tuple is none");
        int value = walk_exprs(w, arg->value), high = walk_exprs(w, arg->high);
        most = value > most ? value : most;
        most = high > most ? high : most;
    }
    return most;
}

static void walk_names(Walk *w, const AstName *name)
{
    for (; name != NULL; name = name->next)
        walk_span(w, name->span);
}

static void walk_stmts(Walk *w, const AstStmt *stmt, int depth);

static void walk_layer(Walk *w, const AstLayer *layer, int depth)
{
    walk_span(w, layer->span);
    walk_span(w, layer->name_span);
    require(strlen(layer->name) == layer->name_span.to - layer->name_span.from, "a name is not where it says");
    walk_args(w, layer->args);
    walk_names(w, layer->from);
    require(layer->has_paths || layer->paths == NULL, "paths come from nowhere");
    for (const AstPath *path = layer->paths; path != NULL; path = path->next) {
        walk_span(w, path->span);
        walk_names(w, path->name);
        walk_stmts(w, path->body, depth + 2);
    }
}

static void walk_stmts(Walk *w, const AstStmt *stmt, int depth)
{
    require(depth <= LIMIT_DEPTH, "bodies are nested too deeply");
    for (; stmt != NULL; stmt = stmt->next) {
        walk_span(w, stmt->span);
        walk_names(w, stmt->name);
        w->failed |= stmt->kind == AST_FAILED;
        for (const AstLayer *layer = stmt->flow; layer != NULL; layer = layer->next)
            walk_layer(w, layer, depth);
        walk_exprs(w, stmt->low);
        walk_exprs(w, stmt->high);
        walk_exprs(w, stmt->inputs);
        walk_exprs(w, stmt->targets);
        if (stmt->body != NULL)
            walk_stmts(w, stmt->body, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > (size_t)LIMIT_FILE)
        return 0;
    Unit *u = unit_new();
    int source = diag_add_source(u, "fuzz.cnn", (const char *)bytes, length);
    AstFile *file = ast_parse(u, source);
    Walk w = { source, length, file->failed };

    for (const AstItem *item = file->items; item != NULL; item = item->next) {
        walk_span(&w, item->span);
        walk_names(&w, item->name);
        walk_exprs(&w, item->value);
        for (const AstFormal *formal = item->formals; formal != NULL; formal = formal->next) {
            walk_span(&w, formal->span);
            walk_exprs(&w, formal->fallback);
        }
        walk_stmts(&w, item->body, 1);
    }
    require(!w.failed || diag_errors(u) > 0, "something failed without a word");

    Text *t = text_new(u->arena);
    ast_dump(file, t);
    FILE *nowhere = fopen("/dev/null", "w");
    require(nowhere != NULL, "/dev/null cannot be opened");
    diag_print(u, nowhere, length % 2 == 1);
    fclose(nowhere);
    unit_free(u);
    return 0;
}
