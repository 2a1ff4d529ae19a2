/* utf8.c: reading and measuring characters. Decoding follows table 3-7 of the Unicode standard. */
#include "base/utf8.h"

int utf8_read(const char *at, size_t length, uint32_t *code)
{
    const unsigned char *byte = (const unsigned char *)at;
    unsigned char first = byte[0];
    int size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

    *code = UTF8_BAD;
    if (size == 0 || (size_t)size > length)
        return 1;
    if (size == 1) {
        *code = first;
        return 1;
    }
    /* The second byte is limited further where an overlong form, a surrogate or too large a value would begin. */
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte[1] < low || byte[1] > high)
        return 1;
    uint32_t value = first & (0xffu >> (size + 1));
    for (int i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (byte[i] & 0x3fu);
    }
    *code = value;
    return size;
}

typedef struct Range {
    uint32_t from, to;      /* inclusive */
} Range;

/* Combining marks and joiners that people meet in names and labels. */
static const Range narrow[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f }, { 0x1ab0, 0x1aff },
    { 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
    { 0xfeff, 0xfeff },
};

/* East Asian wide characters and emoji (Unicode's EastAsianWidth.txt, joined into few ranges). */
static const Range wide[] = {
    { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
    { 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
    { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

/* C0, DEL and C1 controls, line and paragraph separators, marks of direction
 * and of byte order. */
static const Range hidden[] = {
    { 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
    { 0xfeff, 0xfeff }, { UTF8_BAD, UTF8_BAD },
};

static int within(const Range *ranges, int count, uint32_t code)
{
    for (int i = 0; i < count; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return 1;
    return 0;
}

#define WITHIN(ranges, code) within((ranges), (int)(sizeof(ranges) / sizeof((ranges)[0])), (code))

int utf8_width(uint32_t code)
{
    return WITHIN(narrow, code) ? 0 : WITHIN(wide, code) ? 2 : 1;
}

int utf8_shown(uint32_t code)
{
    return !WITHIN(hidden, code);
}
