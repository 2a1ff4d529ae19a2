/* json.c: text as JSON writes it (json.h). */
#include "base/json.h"

#include "base/utf8.h"

#include <string.h>

void json_string(Text *t, const char *text)
{
    size_t length = strlen(text);

    text_put(t, "\"");
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t bytes = (size_t)utf8_read(text + i, length - i, &code);
        if (code == UTF8_BAD)
            text_put(t, "\\ufffd");
        else if (code == '"' || code == '\\')
            text_put(t, "\\%c", (char)code);
        else if (code == '\n')
            text_put(t, "\\n");
        else if (code < 0x20 || code == 0x7f)
            text_put(t, "\\u%04x", (unsigned)code);
        else
            text_bytes(t, text + i, bytes);
        i += bytes;
    }
    text_put(t, "\"");
}
