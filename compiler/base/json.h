/* json.h: text as JSON writes it. */
#ifndef CNNC_BASE_JSON_H
#define CNNC_BASE_JSON_H

#include "base/text.h"

/* A string with its quotes; what is no UTF-8 becomes U+FFFD. */
void json_string(Text *t, const char *text);

#endif
