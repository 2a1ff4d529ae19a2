/* c_text.c: lines of generated text: wrapped at the width of a page, strings, numbers for people. */
#include "emit/c.h"

#include <inttypes.h>
#include <string.h>

const char *grouped(Arena *arena, int64_t number)
{
    char digits[32], out[48];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number), to = 0;

    for (int i = 0; i < length; i++) {
        out[to++] = digits[i];
        if ((length - 1 - i) % 3 == 0 && i < length - 1 && digits[i] != '-')
            out[to++] = ' ';
    }
    return arena_copy(arena, out, (size_t)to);
}

void put_string(Text *t, const char *bytes)
{
    text_put(t, "\"");
    for (const unsigned char *c = (const unsigned char *)bytes; *c; c++) {
        if (*c == '"' || *c == '\\' || *c == '?')               /* ?? may begin a trigraph */
            text_put(t, "\\%c", *c);
        else if (*c >= ' ' && *c < 0x7f)
            text_put(t, "%c", *c);
        else
            text_put(t, "\\%03o", *c);
    }
    text_put(t, "\"");
}

/* Columns of `length` bytes of UTF-8. */
static int columns(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void spaces(Text *t, int count)
{
    for (int i = 0; i < count; i++)
        text_bytes(t, " ", 1);
}

enum { NO_BREAK = 100000, COST_OF_DEPTH = 4, LIST_COST = 9 };

/* How bad it is to go on on the next line at a space that is `depth` deep in brackets: best before an operator or behind a word
 * of formulas, worse in a list of loops (`sum over kh, kw of`). */
static int break_cost(const char *code, const char *space, int depth)
{
    static const char *const before[] = { "where ", "else " };

    if (space[1] && strchr("?:+-*/<>", space[1]) && space[2] == ' ')      /* the looser the sign binds, the better */
        return depth * COST_OF_DEPTH + (strchr("*/<>", space[1]) ? 2 : strchr("+-", space[1]) ? 1 : 0);
    for (int i = 0; i < countof(before); i++)
        if (strncmp(space + 1, before[i], strlen(before[i])) == 0)
            return depth * COST_OF_DEPTH;
    if (space >= code + 3 && strncmp(space - 3, " of", 3) == 0)
        return depth * COST_OF_DEPTH;
    if (space > code && space[-1] == ',')
        return depth ? depth * COST_OF_DEPTH : LIST_COST;
    return NO_BREAK;
}

/* How much of `code` stands on a line of `width` columns: up to the last of the best breaks. */
static size_t line_length(const char *code, int width)
{
    size_t best = 0;
    int depth = 0, best_cost = NO_BREAK;

    if (columns(code, strlen(code)) <= width)
        return strlen(code);
    for (size_t i = 0; code[i]; i++) {
        if (strchr("([{", code[i]))
            depth++;
        if (strchr(")]}", code[i]))
            depth--;
        bool late = columns(code, i) > width;
        if (late && best)
            break;
        int cost = code[i] == ' ' ? break_cost(code, code + i, depth) : NO_BREAK;
        if (cost < NO_BREAK && (cost <= best_cost || late)) {
            best = i;
            best_cost = cost;
        }
    }
    return best ? best : strlen(code);
}

static void put_wrapped_code(Text *t, const char *prefix, const char *code, int hang)
{
    int indent = t->depth * 4 + columns(prefix, strlen(prefix));

    for (int line = 0; *code; line++) {
        int more = line ? hang : 0;
        size_t length = line_length(code, PAGE_WIDTH - indent - more);
        text_indent(t);
        text_put(t, "%s", prefix);
        spaces(t, more);
        text_bytes(t, code, length);
        text_put(t, "\n");
        code += length;
        code += *code == ' ';
    }
}

void put_code(Text *t, const char *code)
{
    put_wrapped_code(t, "", code, 4);
}

void put_formula(Text *t, const char *prefix, const char *formula)
{
    const char *equals = strstr(formula, " = ");
    const char *adds = strstr(formula, " += ");
    const char *right = adds && (!equals || adds < equals) ? adds + 4 : equals ? equals + 3 : formula + 4;

    put_wrapped_code(t, prefix, formula, right - formula > 40 ? 8 : (int)(right - formula));
}

void put_list(Text *t, const char *head, const char *const *items, int count, const char *tail)
{
    int start = t->depth * 4 + columns(head, strlen(head)), column = start;

    text_indent(t);
    text_put(t, "%s", head);
    for (int i = 0; i < count; i++) {
        bool last = i == count - 1;
        int width = columns(items[i], strlen(items[i])) + (last ? (int)strlen(tail) : 1);
        if (i > 0 && column + 1 + width > PAGE_WIDTH) {
            text_put(t, "\n");
            spaces(t, start);
            column = start;
        } else if (i > 0) {
            text_put(t, " ");
            column++;
        }
        text_put(t, "%s%s", items[i], last ? "" : ",");
        column += width;
    }
    text_put(t, "%s\n", tail);
}

/* A sign that stands alone between spaces. */
static bool is_sign(const char *word)
{
    return strchr("+-*/=", word[0]) && word[0] && (word[1] == ' ' || word[1] == '\0');
}

/* How much of a paragraph stands on a line of `width` columns. Formulas in it stay whole where they can: no line ends within
 * brackets or beside a sign. */
static size_t paragraph_line(const char *text, int width)
{
    size_t end = 0, any = 0;
    int depth = 0;

    for (size_t i = 0;; i++) {
        depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
        if (text[i] == '\0' && columns(text, i) <= width)
            return i;
        if (text[i] == ' ' && columns(text, i) <= width) {
            any = i;
            if (depth == 0 && !is_sign(text + i + 1) && !(i >= 2 && text[i - 2] == ' ' && is_sign(text + i - 1)))
                end = i;
        }
        if (columns(text, i) > width && (text[i] == ' ' || text[i] == '\0'))
            return end ? end : any ? any : i;
    }
}

void put_paragraph(Text *t, const char *prefix, const char *text, int hang)
{
    int indent = t->depth * 4 + columns(prefix, strlen(prefix));
    bool first = true;

    while (*text) {
        int more = first ? 0 : hang;
        size_t end = paragraph_line(text, PAGE_WIDTH - indent - more);
        text_indent(t);
        text_put(t, "%s", first || prefix[0] != '/' ? prefix : " * ");
        spaces(t, more);
        text_bytes(t, text, end);
        text_put(t, "\n");
        text += end;
        text += strspn(text, " ");
        first = false;
    }
}

void put_comment_end(Text *t)
{
    while (t->length && t->at[t->length - 1] == '\n')
        t->at[--t->length] = '\0';
    text_put(t, " */\n");
}
