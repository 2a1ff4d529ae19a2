/* text.c: numbers, sizes and names as people read them and type them. */
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cnn_text_bytes(char *to, uint64_t bytes)
{
    static const char *const unit[] = { "KB", "MB", "GB", "TB", "PB", "EB" };
    double amount = (double)bytes;
    int u = -1;
    while (amount >= 1000 && u < 5) {
        amount /= 1000;
        u++;
    }
    if (u < 0)
        snprintf(to, TEXT_AMOUNT, "%d bytes", (int)bytes);
    else
        snprintf(to, TEXT_AMOUNT, "%.*f %s", amount < 100 ? 1 : 0, amount, unit[u]);
    return to;
}

const char *cnn_text_count(char *to, int64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count), n = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
            to[n++] = ' ';
        to[n++] = digits[i];
    }
    to[n] = 0;
    return to;
}

const char *cnn_text_time(char *to, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e9)) {
        snprintf(to, TEXT_AMOUNT, "?");
        return to;
    }
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < 3600)
        snprintf(to, TEXT_AMOUNT, "%d:%02d", (int)(s / 60), (int)(s % 60));
    else
        snprintf(to, TEXT_AMOUNT, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    return to;
}

const char *cnn_text_shape(char *to, const int64_t *dim, int rank)
{
    int n = snprintf(to, TEXT_SHAPE, "[");
    for (int i = 0; i < rank && n < TEXT_SHAPE; i++)
        n += snprintf(to + n, (size_t)(TEXT_SHAPE - n), "%s%lld", i ? ", " : "", (long long)dim[i]);
    if (n < TEXT_SHAPE)
        snprintf(to + n, (size_t)(TEXT_SHAPE - n), "]");
    return to;
}

/* Bytes of the well-formed, printable UTF-8 character that begins here, or 0. */
static size_t character(const unsigned char *s, size_t length)
{
    if (s[0] >= 0x20 && s[0] < 0x7f)
        return 1;
    size_t more = s[0] >= 0xc2 && s[0] < 0xe0 ? 1 : s[0] >= 0xe0 && s[0] < 0xf0 ? 2 : s[0] >= 0xf0 && s[0] < 0xf5 ? 3 : 0;
    if (!more || more >= length)
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (s[0] == 0xc2 && s[1] < 0xa0)            /* C1 control characters */
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return more + 1;
}

const char *cnn_text_safe(char *to, const char *text, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        size_t bytes = character((const unsigned char *)text + i, length - i);
        if (n + (bytes ? bytes : 1) > TEXT_SAFE - 4) {
            memcpy(to + n, "...", 3);
            n += 3;
            break;
        }
        if (bytes)
            memcpy(to + n, text + i, bytes);
        else
            to[n] = '?';
        n += bytes ? bytes : 1;
        i += bytes ? bytes : 1;
    }
    to[n] = 0;
    return to;
}

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b (optimal string alignment). */
static int distance(const char *a, const char *b)
{
    enum { MOST = 31 };
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > MOST || m > MOST)
        return MOST;
    int d[MOST + 1][MOST + 1];
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *cnn_text_closest(const char *word, const char *const *words)
{
    const char *best = NULL;
    int limit = (int)strlen(word) / 3 + 1;      /* a third of the letters may be wrong */
    for (; *words; words++) {
        int d = distance(word, *words);
        if (d <= limit) {
            best = *words;
            limit = d - 1;
        }
    }
    return best;
}

bool cnn_text_integer(const char *text, int64_t *to)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || text[0] == ' ')
        return false;
    *to = value;
    return true;
}

bool cnn_text_real(const char *text, double *to)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || text[0] == ' ')
        return false;
    *to = value;
    return true;
}
