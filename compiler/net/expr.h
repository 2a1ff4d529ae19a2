/* expr.h: expressions of the language become numbers, sizes and strings. */
#ifndef CNNC_NET_EXPR_H
#define CNNC_NET_EXPR_H

#include "front/ast.h"
#include "unit.h"

typedef struct Scope Scope;         /* net/scope.h */

typedef enum DatumKind {
    DATUM_UNKNOWN,                  /* behind an error: nothing is reported about it again */
    DATUM_NUMBER,
    DATUM_SIZE,
    DATUM_TEXT
} DatumKind;

typedef struct Datum {
    DatumKind kind;
    bool whole;                     /* NUMBER: exact, in `integer`; else in `number` alone */
    int64_t integer;
    double number;
    int size_count;                 /* SIZE: 3x3 has two */
    int64_t size[8];
    const char *text;               /* TEXT */
} Datum;

/* False if the expression means nothing; that has been reported, here or by the parser. */
bool expr_eval(Scope *scope, const AstExpr *e, Datum *to);

/* The number as a whole one, exactly; false if it has a fraction or lies beyond what is exact. */
bool datum_whole(const Datum *d, int64_t *to);

/* As people write it: 12, 0.5, 3x3, "text". */
const char *datum_text(Unit *u, const Datum *d);

/* "a number", "a size", "a string". */
const char *datum_kind(const Datum *d);

#endif
