/* plot.c: curves drawn with characters.
 *
 * With UTF-8 a character is 2x4 dots of Braille; without, a character is one dot. Where there are no colours the second curve is dashed. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 10, LABEL = 8, LEAST = 24, MOST = 110 };          /* characters */
enum { DOTS_ACROSS = 2 * MOST, DOTS_DOWN = 4 * ROWS };

typedef struct Canvas {
    const Plot *plot;
    int across, down;           /* dots */
    int columns;                /* characters of the field */
    double x_low, x_high, low, high;
    unsigned char dot[DOTS_DOWN][DOTS_ACROSS];  /* 1 and 2 for the curves, 3 for both */
} Canvas;

bool cnn_plot_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strstr(value, "UTF-8") || strstr(value, "utf-8") || strstr(value, "UTF8") || strstr(value, "utf8");
    }
    return false;
}

static double x_of(const Plot *p, size_t i)
{
    double x = p->x[i * p->x_stride];
    return p->log_x ? log10(x) : x;
}

static double y_of(const Curve *c, size_t i)
{
    return c->scale * c->y[i * c->stride];
}

/* The range of finite values; false if there are no two points. */
static bool find_range(Canvas *c)
{
    const Plot *p = c->plot;
    size_t points = 0;
    c->low = INFINITY;
    c->high = -INFINITY;
    for (int k = 0; k < p->count; k++)
        for (size_t i = 0; i < p->points; i++) {
            double y = y_of(&p->curves[k], i);
            if (!isfinite(y))
                continue;
            points += k == 0;
            c->low = y < c->low ? y : c->low;
            c->high = y > c->high ? y : c->high;
        }
    if (p->low || p->high) {
        c->low = p->low;
        c->high = p->high;
    }
    if (c->high <= c->low) {
        double width = fabs(c->low) > 0 ? fabs(c->low) / 10 : 1;
        c->low -= width;
        c->high += width;
    }
    c->x_low = x_of(p, 0);
    c->x_high = x_of(p, p->points ? p->points - 1 : 0);
    return points > 1 && c->x_high > c->x_low;
}

static void set_dot(Canvas *c, int x, double y, int curve)
{
    double row = (c->high - y) / (c->high - c->low) * (c->down - 1);
    if (row > -1 && row < c->down && x >= 0 && x < c->across && !(curve == 1 && !c->plot->colour && x % 4 > 1))
        c->dot[(int)(row + 0.5) < c->down ? (int)(row + 0.5) : c->down - 1][x] |= (unsigned char)(1 << curve);
}

/* A line between two points: a dot in every column, and in every row where it is steep. */
static void join(Canvas *c, double x0, double y0, double x1, double y1, int curve)
{
    double steps = ceil(fmax(fabs(x1 - x0), fabs(y1 - y0) / (c->high - c->low) * (c->down - 1)));
    if (!(steps < 10000))
        steps = 10000;
    for (int i = 0; i <= (int)steps; i++) {
        double part = steps > 0 ? i / steps : 0;
        set_dot(c, (int)(x0 + part * (x1 - x0) + 0.5), y0 + part * (y1 - y0), curve);
    }
}

static void draw(Canvas *c, int curve)
{
    const Plot *p = c->plot;
    double before_x = NAN, before_y = NAN;
    for (size_t i = 0; i < p->points; i++) {
        double y = y_of(&p->curves[curve], i), x = (x_of(p, i) - c->x_low) / (c->x_high - c->x_low) * (c->across - 1);
        if (!isfinite(y))
            continue;
        join(c, isnan(before_x) ? x : before_x, isnan(before_x) ? y : before_y, x, y, curve);
        before_x = x;
        before_y = y;
    }
}

/* ---- characters */

static const char *const colours[] = { "", "\033[36m", "\033[33m", "\033[32m" };

static void put_cell(const Canvas *c, int row, int column, FILE *to)
{
    /* Dots of a Braille character by bit: the left column 0 1 2 6, the right one 3 4 5 7. */
    static const int bits[4][2] = { { 0, 3 }, { 1, 4 }, { 2, 5 }, { 6, 7 } };
    unsigned char curves = 0, braille = 0;
    if (!c->plot->utf8) {
        curves = c->dot[row][column];
        fputs(c->plot->colour && curves ? colours[curves] : "", to);
        fputc(" *o@"[curves], to);
    } else {
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 2; x++)
                if (c->dot[4 * row + y][2 * column + x]) {
                    curves |= c->dot[4 * row + y][2 * column + x];
                    braille |= (unsigned char)(1 << bits[y][x]);
                }
        fputs(c->plot->colour && curves ? colours[curves] : "", to);
        if (curves)
            fprintf(to, "%c%c%c", 0xe2, 0xa0 | braille >> 6, 0x80 | (braille & 0x3f));
        else
            fputc(' ', to);
    }
    fputs(c->plot->colour && curves ? "\033[0m" : "", to);
}

static void put_name(const Plot *p, int curve, FILE *to)
{
    static const char *const braille[] = { "\xe2\xa0\xa4\xe2\xa0\xa4", "\xe2\xa0\xa4\xe2\xa0\x84" }, *const plain[] = { "**", "oo" };
    fprintf(to, "   %s%s%s %s", p->colour ? colours[curve + 1] : "", (p->utf8 ? braille : plain)[curve], p->colour ? "\033[0m" : "",
            p->curves[curve].name);
}

static bool row_is_empty_from(const Canvas *c, int row, int column)
{
    int high = c->plot->utf8 ? 4 : 1, wide = c->plot->utf8 ? 2 : 1;
    for (int y = row * high; y < (row + 1) * high; y++)
        for (int x = column * wide; x < c->across; x++)
            if (c->dot[y][x])
                return false;
    return true;
}

static void put_field(const Canvas *c, FILE *to)
{
    const char *wall = c->plot->utf8 ? "\xe2\x94\x82" : "|", *floor = c->plot->utf8 ? "\xe2\x94\x80" : "-", *corner = c->plot->utf8 ? "\xe2\x94\x94" : "+";
    for (int row = 0; row < ROWS; row++) {
        double y = c->high - (c->high - c->low) * row / (ROWS - 1);
        if (row % 3 == 0)
            fprintf(to, "%*.4g %s", LABEL, fabs(y) < 1e-12 * (c->high - c->low) ? 0 : y, wall);
        else
            fprintf(to, "%*s %s", LABEL, "", wall);
        for (int column = 0; column < c->columns && !row_is_empty_from(c, row, column); column++)
            put_cell(c, row, column, to);
        fputc('\n', to);
    }
    fprintf(to, "%*s %s", LABEL, "", corner);
    for (int column = 0; column < c->columns; column++)
        fputs(floor, to);
    fputc('\n', to);
}

void cnn_plot(const Plot *plot, FILE *to)
{
    Canvas c = { .plot = plot };
    int columns = plot->columns < LEAST ? LEAST : plot->columns > MOST ? MOST : plot->columns;
    c.columns = columns - LABEL - 2;
    c.across = c.columns * (plot->utf8 ? 2 : 1);
    c.down = ROWS * (plot->utf8 ? 4 : 1);
    if (!find_range(&c))
        return;
    for (int k = plot->count; k-- > 0;)
        draw(&c, k);
    fprintf(to, "%*s %s", LABEL, "", plot->title);
    for (int k = 0; k < plot->count; k++)
        if (plot->curves[k].name)
            put_name(plot, k, to);
    fputc('\n', to);
    put_field(&c, to);
    char first[24], last[24];
    snprintf(first, sizeof first, "%g", plot->x[0]);
    snprintf(last, sizeof last, "%g", plot->x[(plot->points - 1) * plot->x_stride]);
    int gap = c.columns - (int)(strlen(first) + strlen(plot->across) + strlen(last));
    gap = gap < 2 ? 2 : gap;
    fprintf(to, "%*s%s%*s%s%*s%s\n", LABEL + 2, "", first, gap / 2, "", plot->across, gap - gap / 2, "", last);
}
