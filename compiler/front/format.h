/* format.h: a source in the one way to lay it out. */
#ifndef CNNC_FRONT_FORMAT_H
#define CNNC_FRONT_FORMAT_H

#include "base/text.h"
#include "unit.h"

/* Appends source number `source`, laid out anew, to `to`: two spaces a brace, one space where one belongs, at most one empty line; line ends and
 * comments stay. What its author has set out in columns (comments behind lines, the second words of settings) stays in columns. The tree does not
 * change, and what was formatted is not changed by formatting it again. The source must have been parsed without an error. */
void format_source(Unit *u, int source, Text *to);

#endif
