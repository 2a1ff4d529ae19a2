/* expect.h: the relations of `expect`. */
#ifndef CNNC_NET_EXPECT_H
#define CNNC_NET_EXPECT_H

#include "net/expr.h"

/* Whether `a relation b` holds between two numbers: == != < <= > >=. Exact where both are whole. */
bool relation_holds(const char *relation, const Datum *a, const Datum *b);

#endif
