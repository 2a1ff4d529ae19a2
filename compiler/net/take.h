/* take.h: one argument, as the kind of its spec wants it. */
#ifndef CNNC_NET_TAKE_H
#define CNNC_NET_TAKE_H

#include "net/layer.h"
#include "net/scope.h"

/* Puts what `arg` says into *to, by the kind of the spec. Reports what does not fit and returns false. */
bool take(Scope *scope, const ArgSpec *spec, const AstArg *arg, ArgValue *to);

/* What a kind wants to see: "a size such as 3x3". */
const char *kind_words(ArgKind kind);

/* "valid, same or full" */
const char *words_text(Unit *u, const char *words);

/* The value of a spec that is not given. */
ArgValue take_fallback(const ArgSpec *spec, Span at);

#endif
