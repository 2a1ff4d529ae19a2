/* utf8.h: characters in bytes that may be anything. */
#ifndef CNNC_BASE_UTF8_H
#define CNNC_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD UINT32_MAX     /* a byte that begins no character */

/* The character at the start of `length` > 0 bytes, in *code, and how many bytes it takes. A byte that is not UTF-8
 * (overlong forms, surrogates and values beyond U+10FFFF are not) counts one and gives UTF8_BAD. */
int utf8_read(const char *at, size_t length, uint32_t *code);

/* Columns that a character takes on a terminal: 0, 1 or 2. */
int utf8_width(uint32_t code);

/* Whether a character may be shown as it is: no control character and none that turns the direction of the text, by
 * which a line could look different from what it says. */
int utf8_shown(uint32_t code);

#endif
