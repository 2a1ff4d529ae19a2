/* args.h: arguments as written are bound to a table of ArgSpecs, or to the formals of a block.
 *
 * Positional arguments are told apart by kind. A bare word is, in this order: a word of the layer (`same`, `nobias`), a
 * name that is visible (a number, or a value where the layer takes values), an inline layer that is appended. */
#ifndef CNNC_NET_ARGS_H
#define CNNC_NET_ARGS_H

#include "net/layer.h"
#include "net/scope.h"

/* Whose arguments are bound, for messages and helps. */
typedef struct ArgOwner {
    const char *name;               /* "conv", "optimizer adam" */
    Span name_span;
    Span line;                      /* all of it, as far as a help may replace it; empty where it may not */
    bool call;                      /* help writes `conv(32, 3x3)` */
    bool word_first;                /* help writes a comma after the name: `optimizer adam, lr=0.1` */
    const ArgSpec *specs;
    int spec_count;
    const char *example;            /* or NULL */
} ArgOwner;

/* Names and calls among the arguments that are layers, in order. */
typedef struct Inlines {
    LIST(const AstExpr *) list;
} Inlines;

/* The example as one writes it there: `leaky 0.01` on a line, `leaky(0.01)` among the arguments of another layer. NULL: there is none. */
const char *args_example(Unit *u, const ArgOwner *owner);

/* Fills one ArgValue for each spec. Layers among the arguments go to `inlines`; where that is NULL they are unknown words.
 * Reports every argument that is wrong; false if there was one. */
bool args_bind(Scope *scope, const ArgOwner *owner, const AstArg *args, ArgValue *values, Inlines *inlines);

/* Evaluates the arguments of a call of `block` and binds its formals in `inside`. */
bool args_bind_block(Scope *scope, const AstItem *block, const ArgOwner *owner, const AstArg *args, Scope *inside,
                     Inlines *inlines);

/* True for a word that can stand in a line as a layer: a kind that is no loss, or a block. */
bool is_layer_word(const Items *items, const char *word);
/* Offers all of them. */
void offer_layers(const Items *items, Spelling *s);

#endif
