/* page_training.c: curves, confusions and filters of a trained network (page.h). */
#include "inspect/page.h"

#include "inspect/drawing.h"
#include "net/layer.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 420, HEIGHT = 200, LEFT = 48, TOP = 12, LOWER = 34, TICKS = 4, CELL = 10, MOST_FILTERS = 128, MOST_CELLS = 121, MOST_CLASSES = 100, MOST_DOTS = 30 };

static int column_of(const Csv *csv, const char *name)
{
    for (int i = 0; i < csv->columns; i++)
        if (strcmp(csv->head[i], name) == 0)
            return i;
    return -1;
}

static void put_text(Text *t, const char *text)
{
    put_escaped(t, text, strlen(text));
}

/* A line, and a dot at every epoch while they are few: of a single one there is no line. */
static void put_curve(const Csv *csv, int column, const char *class, double low, double high, Text *t)
{
    Text *dots = text_new(t->arena);
    bool pen = false;

    text_put(t, "<path class=\"curve %s\" d=\"", class);
    for (int i = 0; i < csv->rows; i++) {
        double value = csv_number(csv, i, column), x = LEFT + (csv->rows > 1 ? (double)i * WIDTH / (csv->rows - 1) : WIDTH / 2.0);
        double y = TOP + HEIGHT * (1 - (value - low) / (high - low));
        if (isnan(value))
            continue;
        text_put(t, "%c%.1f %.1f", pen ? 'L' : 'M', x, y);
        if (csv->rows <= MOST_DOTS)
            text_put(dots, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n", class, x, y);
        pen = true;
    }
    text_put(t, "\"/>\n%s", dots->at);
}

static void put_epoch(const Csv *csv, int row, int x, const char *anchor, Text *t)
{
    text_put(t, "<text class=\"small\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">epoch ", x, TOP + HEIGHT + 18, anchor);
    put_text(t, csv->cell[row * csv->columns]);
    text_put(t, "</text>\n");
}

static void put_chart(Unit *u, const Csv *csv, const char *what, Text *t)
{
    const char *const checks[] = { "val", "test" };
    int train = column_of(csv, what), check = -1;
    const char *check_name = "";
    double low = INFINITY, high = -INFINITY;

    for (int i = 0; i < countof(checks) && check < 0; i++) {
        check_name = arena_print(u->arena, "%s_%s", checks[i], what);
        check = column_of(csv, check_name);
    }
    for (int i = 0; i < csv->rows; i++)
        for (int j = 0; j < 2; j++) {
            int column = j ? check : train;
            double value = column < 0 ? NAN : csv_number(csv, i, column);
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    if (!(low <= high))
        return;
    if (high == low)
        high = low + 1;
    text_put(t, "<figure style=\"margin:0\"><figcaption class=\"legend\"><b>%s</b> <span class=\"train\">training</span>", what);
    if (check >= 0)
        text_put(t, " <span class=\"check\">%s</span>", strncmp(check_name, "val", 3) == 0 ? "validation" : "test");
    text_put(t, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" style=\"max-width:100%%;height:auto\">\n", LEFT + WIDTH + 12,
             TOP + HEIGHT + LOWER, LEFT + WIDTH + 12, TOP + HEIGHT + LOWER);
    for (int i = 0; i <= TICKS; i++) {
        double y = TOP + HEIGHT * (1 - (double)i / TICKS);
        text_put(t, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                    "<text class=\"small\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n", LEFT, y, LEFT + WIDTH,
                 LEFT - 5, y + 4, low + (high - low) * i / TICKS);
    }
    put_epoch(csv, 0, csv->rows > 1 ? LEFT : LEFT + WIDTH / 2, csv->rows > 1 ? "start" : "middle", t);
    if (csv->rows > 1)
        put_epoch(csv, csv->rows - 1, LEFT + WIDTH, "end", t);
    if (train >= 0)
        put_curve(csv, train, "train", low, high, t);
    if (check >= 0)
        put_curve(csv, check, "check", low, high, t);
    text_put(t, "</svg></figure>\n");
}

void page_curves(Unit *u, const Csv *csv, Text *t)
{
    text_put(t, "<h3>the training, epoch by epoch</h3>\n<div class=\"filters\">\n");
    put_chart(u, csv, "loss", t);
    put_chart(u, csv, "accuracy", t);
    text_put(t, "</div>\n");
}

void page_confusion(Unit *u, const Csv *csv, Text *t)
{
    (void)u;
    text_put(t, "<h3>confusion: what it is (down), what it was taken for (across)</h3>\n<div class=\"scroll\"><table id=\"confusion\">\n<tr><th></th>");
    for (int j = 1; j < csv->columns; j++) {
        text_put(t, "<th>");
        put_text(t, csv->head[j]);
        text_put(t, "</th>");
    }
    text_put(t, "</tr>\n");
    for (int i = 0; i < csv->rows; i++) {
        double sum = 0;
        for (int j = 1; j < csv->columns; j++)
            sum += isnan(csv_number(csv, i, j)) ? 0 : csv_number(csv, i, j);
        text_put(t, "<tr><th>");
        put_text(t, csv->cell[i * csv->columns]);
        text_put(t, "</th>");
        for (int j = 1; j < csv->columns; j++) {
            double count = csv_number(csv, i, j), share = sum > 0 && count > 0 ? count / sum : 0;
            bool right = j == i + 1;
            text_put(t, "<td%s style=\"background:hsl(%d 75%% 50%% / %.2f)\">", right ? " class=\"right-one\"" : "", right ? 215 : 20,
                     right ? 0.5 * share : share > 0 ? 0.12 + 0.6 * sqrt(share) : 0);
            if (count > 0)
                text_put(t, "%.0f", count);
            text_put(t, "</td>");
        }
        text_put(t, "</tr>\n");
    }
    text_put(t, "</table></div>\n");
}

/* ---- filters */

/* The first weights that are small pictures: { filters, channels, h, w }. */
static const Param *pictures(const Net *net)
{
    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        if (p->values && p->shape.rank == 4 && strcmp(p->role, "weight") == 0 && p->shape.dim[2] * p->shape.dim[3] <= MOST_CELLS)
            return p;
    }
    return NULL;
}

static void put_filter(const Param *p, int64_t filter, double largest, Text *t)
{
    int64_t channels = p->shape.dim[1], h = p->shape.dim[2], w = p->shape.dim[3];
    const double *values = p->values + filter * channels * h * w;

    text_put(t, "<figure><svg width=\"%lld\" height=\"%lld\">", (long long)(w * CELL), (long long)(h * CELL));
    for (int64_t i = 0; i < h * w; i++) {
        text_put(t, "<rect x=\"%lld\" y=\"%lld\" width=\"%d\" height=\"%d\" fill=\"", (long long)(i % w * CELL), (long long)(i / w * CELL), CELL, CELL);
        if (channels == 3) {
            int rgb[3];
            for (int c = 0; c < 3; c++)
                rgb[c] = (int)lround(127.5 * (1 + values[c * h * w + i] / largest));
            text_put(t, "rgb(%d,%d,%d)", rgb[0], rgb[1], rgb[2]);
        } else {
            double v = values[i] / largest, pale = 255 * (1 - fabs(v));
            text_put(t, v < 0 ? "rgb(255,%.0f,%.0f)" : "rgb(%.0f,%.0f,255)", pale, pale);
        }
        text_put(t, "\"/>");
    }
    text_put(t, "</svg><br>%lld</figure>\n", (long long)filter);
}

void page_filters(Unit *u, Text *t)
{
    const Param *p = pictures(u->net);
    double largest = 0;

    if (!p)
        return;
    for (int64_t i = 0; i < shape_count(p->shape); i++)
        largest = fabs(p->values[i]) > largest ? fabs(p->values[i]) : largest;
    text_put(t, "<h3>what the filters of ");
    put_text(t, p->site->name);
    text_put(t, " have learnt</h3>\n<p>%s; the largest weight is %.3g</p>\n<div class=\"filters\" id=\"filters\">\n",
             p->shape.dim[1] == 3 ? "grey is 0; red, green and blue are the channels" : "blue adds, red takes away, white is 0; of the first channel", largest);
    for (int64_t i = 0; i < p->shape.dim[0] && i < MOST_FILTERS; i++)
        put_filter(p, i, largest > 0 ? largest : 1, t);
    text_put(t, "</div>\n");
}

bool page_training(Unit *u, Text *t)
{
    for (int i = 0; i < u->options.report_count; i++) {
        Csv csv;
        if (!csv_read(u, u->options.reports[i], &csv))
            return false;
        bool curves = strcmp(csv.head[0], "epoch") == 0, confusion = strcmp(csv.head[0], "truth") == 0;
        if ((!curves && !confusion) || csv.rows == 0 || (confusion && (csv.rows != csv.columns - 1 || csv.rows > MOST_CLASSES))) {
            error_at(u, NO_SPAN, "'%s' is neither a table of epochs nor one of confusions of at most %d classes", csv.path, MOST_CLASSES);
            help(u, "'./net train --csv epochs.csv' writes the one, './net test --csv confusion.csv' the other");
            return false;
        }
        (curves ? page_curves : page_confusion)(u, &csv, t);
    }
    page_filters(u, t);
    return true;
}
