/* blocks.c: maps in a terminal (blocks.h): with colours two elements in a half block, without them shades of grey, or signs. */
#include "blocks.h"

#include <float.h>
#include <math.h>

enum { INDENT = 4, MOST_SIDE = 40, MOST_ROWS_OF_MAPS = 2 };

typedef struct Colour {
    int r, g, b;
} Colour;

/* v within [-1, 1]: black to white; or red over black to blue. */
static Colour colour_of(double v, bool is_signed)
{
    int light = (int)lround(255 * sqrt(fmin(fabs(v), 1)));      /* 255 for what is no number, too */

    if (!is_signed)
        return (Colour){ light, light, light };
    return v < 0 ? (Colour){ light, light / 4, light / 8 } : (Colour){ light / 6, light / 2, light };
}

static const char *sign_of(double v, bool is_signed)
{
    static const char *const shade[] = { " ", "\u2591", "\u2592", "\u2593", "\u2588" };
    static const char *const sign[] = { "=", "-", " ", "+", "#" };

    if (is_signed)
        return sign[v < -0.5 ? 0 : v < -0.12 ? 1 : v <= 0.12 ? 2 : v <= 0.5 ? 3 : 4];
    int level = (int)lround(4 * sqrt(fmax(fmin(v, 1), 0)));
    return shade[level];
}

static const double *map_of(const Maps *m, int64_t map)
{
    return m->values + map * (m->stride ? m->stride : m->h * m->w);
}

/* The largest of `most` and the sizes of some values. What is no number counts as nothing. */
static double larger(double most, const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        most = fabs(values[i]) > most ? fabs(values[i]) : most;
    return most;
}

static double largest(const Maps *m)
{
    double most = 0;

    for (int64_t map = 0; map < m->count; map++)
        most = larger(most, map_of(m, map), m->h * m->w);
    return most > 0 && most <= DBL_MAX ? most : 1;
}

/* The mean of the elements that a cell of the picture stands for; 0 below the last row. */
static double cell(const Maps *m, int64_t map, int64_t row, int64_t column, int64_t rows, int64_t columns)
{
    int64_t from_h = row * m->h / rows, to_h = (row + 1) * m->h / rows, from_w = column * m->w / columns, to_w = (column + 1) * m->w / columns;
    double sum = 0;

    if (row >= rows)
        return 0;
    for (int64_t i = from_h; i < to_h; i++)
        for (int64_t j = from_w; j < to_w; j++)
            sum += map_of(m, map)[i * m->w + j];
    return sum / (double)((to_h - from_h) * (to_w - from_w));
}

/* Two elements, one above the other, or a wide one. `lower` NULL: there is none below the last row. */
static void put_cell(const Paper *p, const Maps *m, double upper, const double *lower)
{
    if (!p->colour) {
        const char *sign = sign_of(lower ? (upper + *lower) / 2 : upper, m->is_signed);
        fprintf(p->to, "%s%s", sign, m->wide ? sign : "");
        return;
    }
    Colour a = colour_of(upper, m->is_signed), b = colour_of(lower ? *lower : 0, m->is_signed);
    if (m->wide)
        fprintf(p->to, "\033[48;2;%d;%d;%dm  ", a.r, a.g, a.b);
    else if (lower)
        fprintf(p->to, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\u2580", a.r, a.g, a.b, b.r, b.g, b.b);
    else
        fprintf(p->to, "\033[38;2;%d;%d;%dm\033[49m\u2580", a.r, a.g, a.b);
}

static void put_line(const Paper *p, const Maps *m, int64_t first, int64_t end, int64_t row, int64_t rows, int64_t columns, double scale)
{
    fputs("   ", p->to);
    for (int64_t map = first; map < end; map++) {
        fputs(p->colour ? " " : "|", p->to);
        for (int64_t j = 0; j < columns; j++) {
            double lower = cell(m, map, row + 1, j, rows, columns) / scale;
            put_cell(p, m, cell(m, map, row, j, rows, columns) / scale, m->wide || row + 1 == rows ? NULL : &lower);
        }
        fputs(p->colour ? "\033[0m" : map + 1 < end ? "" : "|", p->to);
    }
    fputc('\n', p->to);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t room(const Paper *p)
{
    return p->columns > 2 * INDENT ? p->columns - INDENT : INDENT;
}

void cnn_blocks_put(const Paper *p, const Maps *m)
{
    int wide = m->wide ? 2 : 1;
    int64_t side = m->h > m->w ? m->h : m->w, most = smaller(MOST_SIDE, (room(p) - 1) / wide), shrink = (side + most - 1) / most;
    int64_t rows = m->h / shrink > 0 ? m->h / shrink : 1, columns = m->w / shrink > 0 ? m->w / shrink : 1;
    int64_t in_a_row = room(p) / (columns * wide + 1), shown = p->all ? m->count : smaller(m->count, in_a_row * MOST_ROWS_OF_MAPS);
    double scale = largest(m);

    for (int64_t first = 0; first < shown; first += in_a_row) {
        int64_t end = smaller(first + in_a_row, shown);
        for (int64_t row = 0; row < rows; row += m->wide ? 1 : 2)
            put_line(p, m, first, end, row, rows, columns, scale);
        if (end < shown)
            fputc('\n', p->to);
    }
    if (shown < m->count)
        fprintf(p->to, "    and %lld more\n", (long long)(m->count - shown));
}

void cnn_blocks_line(const Paper *p, const double *values, int64_t count, bool is_signed)
{
    int64_t columns = smaller(count, room(p) - 1);
    Maps m = { .values = values, .count = 1, .h = 1, .w = count, .is_signed = is_signed };
    double scale = largest(&m);

    fputs(p->colour ? "    " : "   |", p->to);
    for (int64_t i = 0; i < columns; i++) {
        double strongest = 0;
        for (int64_t j = i * count / columns; j < (i + 1) * count / columns; j++)
            if (fabs(values[j]) > fabs(strongest))
                strongest = values[j];
        strongest /= scale;
        put_cell(p, &m, strongest, &strongest);
    }
    fprintf(p->to, "%s\n", p->colour ? "\033[0m" : "|");
}

void cnn_blocks_bar(FILE *to, double share, int width)
{
    static const char *const part[] = { "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589" };
    int eighths = share > 0 ? (int)lround(share * width * 8) : 0;

    for (int i = 0; i < eighths / 8; i++)
        fprintf(to, "\u2588");
    fprintf(to, "%s", part[eighths % 8]);
}

const char *cnn_blocks_legend(bool colour)
{
    return colour ? "white is the largest of a layer, black 0;\n  where there are negative numbers, blue is above 0 and red below"
                  : "the fullest block is the largest of a layer, a space 0;\n  where there are negative numbers, # and + are above 0, - and = below";
}
