/* scope.h: what names mean: the items of the program, and the values and numbers that are visible at a line. */
#ifndef CNNC_NET_SCOPE_H
#define CNNC_NET_SCOPE_H

#include "net/dict.h"
#include "net/expr.h"
#include "net/net.h"
#include "net/spelling.h"

typedef enum Progress { NOT_BEGUN, UNDER_WAY, DONE } Progress;

/* A `param` of the program; evaluated when it is first asked for. */
typedef struct Constant {
    const AstItem *item;
    const Define *define;           /* the -D that sets it, or NULL */
    Progress progress;
    Datum datum;
    bool used;                      /* something asked for it */
} Constant;

typedef struct ItemRef {
    const AstItem *item;
    bool imported;
} ItemRef;

/* Everything that the file and its imports declare. */
typedef struct Items {
    Unit *u;
    Dict constants;                 /* Constant * */
    Dict blocks;                    /* const AstItem * */
    Dict used_blocks;               /* those of them that a network uses */
    Dict networks;                  /* ItemRef * */
    Dict data;                      /* const AstItem * */
    LIST(ItemRef) trains;
    LIST(const AstFile *) files;    /* read already, so that two ways to one file count once */
    Scope *scope;                   /* sees the params alone */
    int depth;                      /* params whose value is being found */
} Items;

/* Collects the items of u->ast and of what it imports. Reports names given twice. */
Items *items_collect(Unit *u);

/* Evaluates every param of the main file and matches the -D options. */
void items_evaluate(Items *items);

/* A name that a body binds: a number (formals, counters) or a value. */
typedef struct Binding {
    Span span;
    Value *value;                   /* or NULL: a number, size or string */
    Datum datum;
} Binding;

/* One body. Names are looked up outwards; behind the outermost stand the params. */
struct Scope {
    Items *items;
    Scope *parent;
    Dict names;                     /* Binding * */
};

Scope *scope_new(Items *items, Scope *parent);
/* Makes a name known; it is not yet in this very scope. */
Binding *scope_bind(Scope *scope, const char *name, Span span);
Binding *scope_find(const Scope *scope, const char *name);
/* The value of that name, or NULL. */
Value *scope_value(const Scope *scope, const char *name);
/* The number, size or string of that name; false if there is none. */
bool scope_datum(Scope *scope, const char *name, Datum *to);
/* Offers all names of values (or of numbers) that are visible. */
void scope_offer(const Scope *scope, bool values, Spelling *s);

#endif
