/* spelling.c: edit distance, and lists of words. */
#include "net/spelling.h"

#include "base/checked.h"

#include <ctype.h>
#include <string.h>

static int least(int a, int b) { return a < b ? a : b; }

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b, letters of either case being equal: the optimal string
 * alignment distance of Damerau. Longer words than a name can be are far from everything. */
static int distance(const char *a, const char *b)
{
    int la = (int)strnlen(a, LIMIT_NAME + 1), lb = (int)strnlen(b, LIMIT_NAME + 1);
    int row[3][LIMIT_NAME + 1];     /* the rows i - 2, i - 1 and i of the table, in turn */

    if (la > LIMIT_NAME || lb > LIMIT_NAME)
        return LIMIT_NAME;
    for (int j = 0; j <= lb; j++)
        row[0][j] = j;
    for (int i = 1; i <= la; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= lb; j++) {
            bool same = same_letter(a[i - 1], b[j - 1]);
            now[j] = least(last[j - 1] + !same, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[la % 3][lb];
}

/* As many edits as still look like a slip: one in three letters, and never a whole word. */
static int tolerance(const char *word)
{
    size_t length = strlen(word);

    return length <= 1 ? 0 : length <= 4 ? 1 : length <= 7 ? 2 : 3;
}

void spelling_offer(Spelling *s, const char *candidate)
{
    int d = distance(s->word, candidate);

    if (d <= tolerance(s->word) && (s->best == NULL || d < s->distance)) {
        s->best = candidate;
        s->distance = d;
    }
}

void spelling_offer_words(Unit *u, Spelling *s, const char *words)
{
    const char *word;
    int length;

    while (next_word(&words, &word, &length))
        spelling_offer(s, arena_copy(u->arena, word, (size_t)length));
}

void spelling_offer_dict(Spelling *s, const Dict *d)
{
    for (int i = 0; i < d->entries.count; i++)
        spelling_offer(s, d->entries.at[i].name);
}

void spelling_help(Unit *u, Span at, const Spelling *s)
{
    if (s->best != NULL && at.source != 0)
        fix_at(u, at, s->best, "did you mean '%s'?", s->best);
    else if (s->best != NULL)
        help(u, "did you mean '%s'?", s->best);
}

bool next_word(const char **rest, const char **word, int *length)
{
    if (*rest == NULL)
        return false;
    *rest += strspn(*rest, " ");
    *word = *rest;
    *length = (int)strcspn(*rest, " ");
    *rest += *length;
    return *length > 0;
}

int word_index(const char *words, const char *word)
{
    const char *at;
    int length;

    for (int i = 0; next_word(&words, &at, &length); i++)
        if ((size_t)length == strlen(word) && memcmp(at, word, (size_t)length) == 0)
            return i;
    return -1;
}

const char *word_at(Unit *u, const char *words, int index)
{
    const char *at;
    int length;

    for (int i = 0; next_word(&words, &at, &length); i++)
        if (i == index)
            return arena_copy(u->arena, at, (size_t)length);
    return NULL;
}
