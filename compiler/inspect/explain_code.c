/* explain_code.c: what a code of an error or a warning means (explain_code.h). The texts are in base/codes.c. */
#include "inspect/explain_code.h"

#include "base/codes.h"

#include <string.h>

void put_wrapped(Text *t, const char *text, int indent, int width)
{
    int column = 0;

    while (*text) {
        size_t word = strcspn(text, " \n");
        if (column > 0 && column + 1 + (int)word > width) {
            text_put(t, "\n");
            column = 0;
        }
        text_put(t, "%*s", column > 0 ? 1 : indent, "");
        text_bytes(t, text, word);
        column += (column > 0 ? 1 : indent) + (int)word;
        text += word;
        if (*text == '\n') {
            text_put(t, "\n");
            column = 0;
        }
        text += *text != '\0';
    }
    text_put(t, "\n");
}

bool explain_code(const char *word, Text *t)
{
    const Code *code = code_find(word);

    if (!code)
        return false;
    text_put(t, "%s: %s\n\n", code->name, code->title);
    put_wrapped(t, code->text, 0, 100);
    return true;
}
