/* codes.h: the errors of the compiler by number and its warnings by name, each with a paragraph: what `cnnc explain E012` prints.
 *
 * A code never changes its meaning and is never given again. An error belongs to the family that lists its format (or the beginning of
 * it); tests/messages.py checks that every error belongs to exactly one, that no family lists what nobody says, and that no warning is left out. */
#ifndef CNNC_BASE_CODES_H
#define CNNC_BASE_CODES_H

#include "base/text.h"

enum { MOST_FORMATS = 20 };

typedef struct Code {
    const char *name;               /* "E012", "unused-param" */
    const char *title;
    const char *text;               /* one paragraph, or several with a newline between them; indented lines stay as they are */
    const char *formats[MOST_FORMATS];
} Code;

extern const Code code_table[];
extern const int code_table_count;

const Code *code_find(const char *name);                /* or NULL */
const Code *code_of_format(const char *format);         /* the family of an error, or NULL */

#endif
