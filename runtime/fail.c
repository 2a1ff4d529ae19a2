/* fail.c: sentences about what went wrong, in memory that the caller owns, so that also "out of memory" can be said. */
#include "fail.h"

#include <stdio.h>
#include <string.h>

bool cnn_fail(cnn_error *error, const char *format, ...)
{
    if (error) {
        va_list values;
        va_start(values, format);
        vsnprintf(error->text, sizeof error->text, format, values);
        va_end(values);
    }
    return false;
}

void cnn_fail_more(cnn_error *error, const char *format, ...)
{
    if (!error)
        return;
    size_t length = strlen(error->text);
    if (length + 2 >= sizeof error->text)
        return;
    if (length)
        error->text[length++] = '\n';
    va_list values;
    va_start(values, format);
    vsnprintf(error->text + length, sizeof error->text - length, format, values);
    va_end(values);
}

bool cnn_fail_empty(const cnn_error *error)
{
    return !error || !error->text[0];
}
