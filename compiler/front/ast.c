/* ast.c: a source becomes a tree. */
#include "front/ast.h"

#include "front/parse.h"
#include "parser.h"

#include <assert.h>

AstFile *ast_parse(Unit *u, int source)
{
    Parse *p = ARENA_NEW(u->arena, Parse);

    p->unit = u;
    p->source = source;
    p->text = source_text(u, source, &p->length);
    p->file = ARENA_NEW(u->arena, AstFile);
    p->file->source = source;
    p->file->name = source_name(u, source);
    assert(p->length <= LIMIT_FILE);
    scanner_open(p);
    if (grammar_parse(p) != 0)
        p->file->failed = true;     /* the parser gave up, which it has said */
    return p->file;
}
