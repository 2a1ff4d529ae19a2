/* page.c: the report as a page. It loads nothing and runs nothing; it is light or dark as the reader's system is, and fits a telephone. */
#include "page.h"
#include "fail.h"
#include "html.h"
#include "memory.h"
#include "mistakes.h"
#include "net.h"
#include "settings.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CLASSES = 40, MOST_FILTERS = 64, MOST_MISTAKES = 24, MOST_PAIRS = 5 };
enum { LABEL = 24 };            /* bytes for the number of a class without a name */

static const char style[] =
    ":root{--paper:#fbfaf7;--ink:#22252a;--soft:#6b7078;--line:#dedbd2;--card:#fff;--one:#2563a8;--two:#c2571a;--good:37,99,168;--bad:194,87,26}"
    "@media(prefers-color-scheme:dark){:root{--paper:#16181c;--ink:#e6e4df;--soft:#9a9ea6;--line:#34383f;--card:#1e2126;--one:#6aa9ec;--two:#f0935a;"
    "--good:106,169,236;--bad:240,147,90}}"
    "*{box-sizing:border-box}body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:62rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.4rem 0 .6rem}p{margin:.4rem 0}"
    ".soft{color:var(--soft)}.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.2rem 0}.tile{background:var(--card);border:1px solid var(--line);"
    "border-radius:.5rem;padding:.5rem .9rem;min-width:7rem}.tile b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}"
    ".tile span{color:var(--soft);font-size:.85rem}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem}"
    "svg{width:100%;height:auto;background:var(--card);border:1px solid var(--line);border-radius:.5rem}svg text{fill:var(--soft);font:12px system-ui,"
    "sans-serif}svg .t{fill:var(--ink);font-weight:600;font-size:13px}.g{stroke:var(--line);stroke-width:1}.l{fill:none;stroke-width:2;"
    "stroke-linejoin:round}.a{stroke:var(--one)}.b{stroke:var(--two)}.fa{fill:var(--one)}svg text.a,svg text.b{stroke:none}svg text.a{fill:var(--one)}"
    "svg text.b{fill:var(--two)}.fb{fill:var(--two)}.m{stroke:var(--soft);stroke-dasharray:3 3}.wide{overflow-x:auto}table{border-collapse:collapse;"
    "font-variant-numeric:tabular-nums;font-size:.85rem}th{font-weight:500;color:var(--soft);text-align:left;padding:.15rem .5rem .15rem 0;"
    "white-space:nowrap}td{padding:.2rem .45rem;text-align:right;white-space:nowrap}.c td{border:1px solid var(--line);min-width:2.3rem}"
    ".c thead th{vertical-align:bottom;padding:.2rem 0}.c thead th span{writing-mode:vertical-rl;transform:rotate(180deg)}.d{color:var(--soft)}"
    ".c tbody th{position:sticky;left:0;background:var(--paper)}"
    ".e thead th{text-align:right;padding:.15rem .45rem}.e thead th:first-child{text-align:left;padding-left:0}.e td{border-top:1px solid var(--line)}.e th{padding-right:.9rem}.best td{font-weight:600}"
    ".pictures{display:flex;flex-wrap:wrap;gap:.7rem}figure{margin:0;width:6.5rem;font-size:.8rem;line-height:1.35}figure img{display:block;"
    "width:100%;height:auto;image-rendering:pixelated;border:1px solid var(--line);border-radius:.3rem;margin-bottom:.25rem}"
    ".filters figure{width:3.2rem}.filters{gap:.4rem}";

static const char *label(const Page *p, size_t class, char buffer[LABEL])
{
    return cnn_data_label(p->net->model, p->data, class, buffer);
}

static void tile(Html *h, const char *what, const char *format, double value)
{
    char text[64];
    if (isnan(value))
        return;
    snprintf(text, sizeof text, format, value);
    cnn_html_put(h, "<div class=\"tile\"><b>%s</b><span>%s</span></div>", text, what);
}

static void put_head(Html *h, const Page *p)
{
    const cnn_model *model = p->net->model;
    char amount[TEXT_AMOUNT];
    cnn_html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
                 "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    cnn_html_text(h, model->name);
    cnn_html_put(h, "</title>\n<style>");
    for (const char *c = style; *c; c += strlen(c) < 1024 ? strlen(c) : 1024)
        cnn_html_put(h, "%.1024s", c);
    cnn_html_put(h, "</style>\n</head>\n<body>\n<h1>");
    cnn_html_text(h, model->name);
    cnn_html_put(h, "</h1>\n<p class=\"soft\">from ");
    cnn_html_text(h, model->source);
    cnn_html_put(h, "</p>\n<div class=\"tiles\">");
    if (p->scores) {
        tile(h, "test accuracy", "%.2f %%", 100 * p->scores->accuracy);
        tile(h, "test top 5", "%.2f %%", model->outputs > 5 ? 100 * p->scores->top5 : NAN);
        tile(h, "test loss", "%.4f", p->scores->loss);
    }
    if (p->epoch_count)
        tile(h, "epochs", "%.0f", p->epochs[p->epoch_count - 1].epoch);
    if (p->best && p->epoch_count > 1)
        tile(h, "best epoch", "%.0f", (double)p->best);
    cnn_html_put(h, "<div class=\"tile\"><b>%s</b><span>parameters</span></div>", cnn_text_count(amount, (int64_t)model->weight_count));
    if (cnn_data_training_images(p->data))
        cnn_html_put(h, "<div class=\"tile\"><b>%s</b><span>training images</span></div>",
                     cnn_text_count(amount, (int64_t)cnn_data_training_images(p->data)));
    if (cnn_data_test_images(p->data))
        cnn_html_put(h, "<div class=\"tile\"><b>%s</b><span>test images</span></div>", cnn_text_count(amount, (int64_t)cnn_data_test_images(p->data)));
    cnn_html_put(h, "</div>\n");
}

/* ---- curves */

/* A column of the epochs; the chart is 400 x 240, its field from (48, 34) to (388, 206). */
enum { LEFT = 48, TOP = 34, RIGHT = 388, BOTTOM = 206 };

typedef struct Chart {
    double low, high, tick, scale;              /* scale: 100 for per cent */
} Chart;

static const double *column(const Page *p, size_t offset, size_t epoch)
{
    return (const double *)((const char *)&p->epochs[epoch] + offset);
}

static double chart_x(const Page *p, size_t epoch)
{
    return p->epoch_count > 1 ? LEFT + (double)(RIGHT - LEFT) * (double)epoch / (double)(p->epoch_count - 1) : (LEFT + RIGHT) / 2.0;
}

static double chart_y(const Chart *c, double value)
{
    return BOTTOM - (BOTTOM - TOP) * (value * c->scale - c->low) / (c->high - c->low);
}

/* Ticks at 1, 2 or 5 times a power of ten, about four of them. */
static double tick_of(double width)
{
    double tick = pow(10, floor(log10(width / 4)));
    return width / tick > 20 ? 5 * tick : width / tick > 8 ? 2 * tick : tick;
}

static bool find_range(const Page *p, Chart *c, const size_t offsets[2])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t e = 0; e < p->epoch_count; e++)
        for (int k = 0; k < 2; k++) {
            double v = *column(p, offsets[k], e) * c->scale;
            low = v < low ? v : low;            /* NAN is not */
            high = v > high ? v : high;
        }
    if (!(high >= low) || !isfinite(high - low))
        return false;
    double tick = tick_of(high > low ? high - low : fabs(high) > 0 ? fabs(high) : 1);
    c->tick = tick;
    c->low = floor(low / tick) * tick;
    c->high = ceil(high / tick) * tick;
    if (c->high <= c->low)
        c->high = c->low + tick;
    return true;
}

static void put_curve(Html *h, const Page *p, const Chart *c, size_t offset, char name)
{
    const char *move = "M";
    cnn_html_put(h, "<path class=\"l %c\" d=\"", name);
    for (size_t e = 0; e < p->epoch_count; e++) {
        double v = *column(p, offset, e);
        if (isfinite(v)) {
            cnn_html_put(h, "%s%.1f %.1f", move, chart_x(p, e), chart_y(c, v));
            move = "L";
        }
    }
    cnn_html_put(h, "\"/>");
    for (size_t e = 0; p->epoch_count <= 40 && e < p->epoch_count; e++)
        if (isfinite(*column(p, offset, e)))
            cnn_html_put(h, "<circle class=\"f%c\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", name, chart_x(p, e), chart_y(c, *column(p, offset, e)));
}

static void put_chart(Html *h, const Page *p, const char *title, double scale, size_t train, size_t validation)
{
    const size_t offsets[2] = { train, validation };
    Chart c = { .scale = scale };
    if (!find_range(p, &c, offsets))
        return;
    bool both = false;
    for (size_t e = 0; e < p->epoch_count; e++)
        both |= isfinite(*column(p, validation, e));
    cnn_html_put(h, "<svg viewBox=\"0 0 400 240\" role=\"img\" aria-label=\"%s by epoch\"><text class=\"t\" x=\"12\" y=\"20\">%s</text>", title, title);
    cnn_html_put(h, "<text class=\"a\" x=\"%d\" y=\"20\" text-anchor=\"end\">training</text>", both ? 316 : RIGHT);
    if (both)
        cnn_html_put(h, "<text class=\"b\" x=\"%d\" y=\"20\" text-anchor=\"end\">%s</text>", RIGHT, p->of_test ? "test" : "validation");
    double tick = c.tick;
    for (int i = 0; c.low + i * tick <= c.high + tick / 2; i++) {
        double v = c.low + i * tick, y = chart_y(&c, v / scale);
        cnn_html_put(h, "<path class=\"g\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>", LEFT, y, RIGHT, LEFT - 6, y + 4,
                     fabs(v) < tick / 1000 ? 0 : v);
    }
    if (p->best >= 1 && (size_t)p->best <= p->epoch_count && p->epoch_count > 1)
        cnn_html_put(h, "<path class=\"m\" d=\"M%.1f %dV%d\"/>", chart_x(p, (size_t)p->best - 1), TOP, BOTTOM);
    put_curve(h, p, &c, train, 'a');
    if (both)
        put_curve(h, p, &c, validation, 'b');
    cnn_html_put(h, "<text x=\"%d\" y=\"226\">1</text><text x=\"%d\" y=\"226\" text-anchor=\"middle\">epoch</text><text x=\"%d\" y=\"226\" "
                 "text-anchor=\"end\">%zu</text></svg>", LEFT, (LEFT + RIGHT) / 2, RIGHT, p->epoch_count);
}

static void put_share(Html *h, double share)
{
    if (isnan(share))
        cnn_html_put(h, "<td>-</td>");
    else
        cnn_html_put(h, "<td>%.2f %%</td>", 100 * share);
}

static void put_number(Html *h, double number)
{
    if (isnan(number))
        cnn_html_put(h, "<td>-</td>");
    else
        cnn_html_put(h, "<td>%.4f</td>", number);
}

static void put_training(Html *h, const Page *p)
{
    const char *what = p->of_test ? "test" : "validation";
    if (!p->epoch_count)
        return;
    cnn_html_put(h, "<h2>Training</h2>\n<div class=\"charts\">");
    put_chart(h, p, "Loss", 1, offsetof(cnn_epoch, loss), offsetof(cnn_epoch, validation_loss));
    put_chart(h, p, "Accuracy, %", 100, offsetof(cnn_epoch, accuracy), offsetof(cnn_epoch, validation_accuracy));
    cnn_html_put(h, "</div>\n%s<details><summary>Every epoch</summary><div class=\"wide\"><table class=\"e\"><thead><tr><th>epoch</th><th>rate</th>"
                 "<th>loss</th><th>accuracy</th><th>%s loss</th><th>%s accuracy</th></tr></thead><tbody>\n",
                 p->best && p->epoch_count > 1 ? "<p class=\"soft\">The dashed line is the best epoch.</p>" : "", what, what);
    for (size_t e = 0; e < p->epoch_count; e++) {
        const cnn_epoch *row = &p->epochs[e];
        cnn_html_put(h, "<tr%s><td>%.0f</td><td>%.4g</td>", (int64_t)e + 1 == p->best ? " class=\"best\"" : "", row->epoch, row->rate);
        put_number(h, row->loss);
        put_share(h, row->accuracy);
        put_number(h, row->validation_loss);
        put_share(h, row->validation_accuracy);
        cnn_html_put(h, "</tr>\n");
    }
    cnn_html_put(h, "</tbody></table></div></details>\n");
}

/* ---- confusions */

static int64_t row_sum(const Page *p, size_t class)
{
    int64_t sum = 0;
    for (size_t k = 0; k < p->net->model->outputs; k++)
        sum += p->confusion[class * p->net->model->outputs + k];
    return sum;
}

static int64_t column_sum(const Page *p, size_t class)
{
    int64_t sum = 0;
    for (size_t k = 0; k < p->net->model->outputs; k++)
        sum += p->confusion[k * p->net->model->outputs + class];
    return sum;
}

static void put_confusion(Html *h, const Page *p)
{
    size_t n = p->net->model->outputs;
    char buffer[LABEL];
    if (n > MOST_CLASSES)
        return;
    cnn_html_put(h, "<h2>What was taken for what</h2>\n<p class=\"soft\">Rows: what it is. Columns: what it was taken for.</p>\n<div class=\"wide\">"
                 "<table class=\"c\"><thead><tr><th></th>");
    for (size_t k = 0; k < n; k++) {
        cnn_html_put(h, "<th scope=\"col\"><span>");
        cnn_html_text(h, label(p, k, buffer));
        cnn_html_put(h, "</span></th>");
    }
    cnn_html_put(h, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        int64_t sum = row_sum(p, i);
        cnn_html_put(h, "<tr><th scope=\"row\">");
        cnn_html_text(h, label(p, i, buffer));
        cnn_html_put(h, "</th>");
        for (size_t k = 0; k < n; k++) {
            int64_t count = p->confusion[i * n + k];
            double share = sum ? (double)count / (double)sum : 0;
            /* A few in a hundred matter beside the diagonal, so that colour grows with the root there. */
            if (count)
                cnn_html_put(h, "<td style=\"background:rgba(var(--%s),%.2f)\">%lld</td>", i == k ? "good" : "bad", i == k ? 0.45 * share : 0.8 * sqrt(share),
                             (long long)count);
            else
                cnn_html_put(h, "<td class=\"d\">\302\267</td>");
        }
        cnn_html_put(h, "</tr>\n");
    }
    cnn_html_put(h, "</tbody></table></div>\n");
}

static void put_pairs(Html *h, const Page *p)
{
    size_t n = p->net->model->outputs, last = 0;
    int64_t limit = INT64_MAX;
    char buffer[LABEL];
    for (int line = 0; line < MOST_PAIRS; line++) {             /* equal ones in the order of the table */
        size_t best = 0;
        int64_t count = 0;
        for (size_t i = 0; i < n * n; i++)
            if (i / n != i % n && (p->confusion[i] < limit || (p->confusion[i] == limit && i > last)) && p->confusion[i] > count) {
                count = p->confusion[i];
                best = i;
            }
        if (!count)
            break;
        cnn_html_put(h, "%s", line ? "" : "<h2>Most often confused</h2>\n<ol>");
        cnn_html_put(h, "<li>");
        cnn_html_text(h, label(p, best / n, buffer));
        cnn_html_put(h, " taken for ");
        cnn_html_text(h, label(p, best % n, buffer));
        cnn_html_put(h, ": %lld time%s</li>", (long long)count, count == 1 ? "" : "s");
        limit = count;
        last = best;
    }
    cnn_html_put(h, "%s", limit < INT64_MAX ? "</ol>\n" : "");
}

static void put_classes(Html *h, const Page *p)
{
    size_t n = p->net->model->outputs;
    char buffer[LABEL];
    cnn_html_put(h, "<h2>Each class</h2>\n<div class=\"wide\"><table class=\"e\"><thead><tr><th>class</th><th>images</th><th>found</th><th>precise</th>"
                 "</tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        int64_t there = row_sum(p, i), guessed = column_sum(p, i);
        double right = (double)p->confusion[i * n + i];
        cnn_html_put(h, "<tr><th scope=\"row\">");
        cnn_html_text(h, label(p, i, buffer));
        cnn_html_put(h, "</th><td>%lld</td>", (long long)there);
        put_share(h, there ? right / (double)there : NAN);
        put_share(h, guessed ? right / (double)guessed : NAN);
        cnn_html_put(h, "</tr>\n");
    }
    cnn_html_put(h, "</tbody></table></div>\n<p class=\"soft\">Found: the share of the class's images that were taken for it. Precise: the share of what was "
                 "taken for it that is it.</p>\n");
}

/* ---- pictures */

/* A weight from -1 to 1: orange, white, blue, as cnnc step and net.html have it. */
static void put_weight(uint8_t *to, double w)
{
    static const double ends[2][3] = { { 33, 92, 168 }, { 201, 86, 20 } };
    for (int k = 0; k < 3; k++)
        to[k] = (uint8_t)(248 + (ends[w < 0][k] - 248) * fabs(w) + 0.5);
}

/* The weights that look at the image: a convolution's filters, or those of a dense layer for an image. NULL: there are none. */
static const cnn_tensor *first_filters(const cnn_model *model)
{
    const cnn_tensor *t = model->weight_tensors ? &model->weights[0] : NULL;
    if (!t || model->input_rank != 3)
        return NULL;
    bool conv = t->rank == 4 && t->dim[1] == model->input_dim[0] && t->dim[2] * t->dim[3] > 1;
    bool dense = t->rank == 2 && (size_t)t->dim[1] == model->inputs && (model->input_dim[0] == 1 || model->input_dim[0] == 3);
    return conv || dense ? t : NULL;
}

/* One filter as [h][w][3]: three channels are colours, one is signed; of others, the first. */
static void put_filter(Html *h, const Page *p, const cnn_tensor *t, size_t number, double most, uint8_t *pixels, bool dense)
{
    const int64_t *in = p->net->model->input_dim;
    int64_t c = dense ? in[0] : t->dim[1], rows = dense ? in[1] : t->dim[2], columns = dense ? in[2] : t->dim[3], places = rows * columns;
    char alt[64];
    for (int64_t i = 0; i < places; i++)
        for (int64_t k = 0; k < (c == 3 ? 3 : 1); k++) {
            double w = p->net->reals->get(p->net->weights, t->offset + number * (size_t)(c * places) + (size_t)(k * places + i)) / most;
            if (c == 3)
                pixels[3 * i + k] = (uint8_t)(127.5 + 127.5 * w);
            else
                put_weight(pixels + 3 * i, w);
        }
    snprintf(alt, sizeof alt, "filter %zu", number + 1);
    cnn_html_put(h, "<figure>");
    cnn_html_picture(h, pixels, rows, columns, 3, alt);
    cnn_html_put(h, "</figure>");
}

static void put_filters(Html *h, const Page *p)
{
    const cnn_tensor *t = first_filters(p->net->model);
    if (!t)
        return;
    bool dense = t->rank == 2;
    size_t count = (size_t)t->dim[0] < MOST_FILTERS ? (size_t)t->dim[0] : MOST_FILTERS, one = t->count / (size_t)t->dim[0];
    uint8_t *pixels = cnn_memory_get(one, 3, "a picture", h->error);
    double most = 0;
    for (size_t i = 0; i < t->count; i++)
        most = fmax(most, fabs(p->net->reals->get(p->net->weights, t->offset + i)));
    h->failed |= !pixels;
    cnn_html_put(h, "<h2>What the first layer looks for</h2>\n<p class=\"soft\">");
    cnn_html_text(h, t->name);
    if ((dense ? p->net->model->input_dim[0] : t->dim[1]) == 3)
        cnn_html_put(h, ": %zu of %lld, in the colours of the image; grey is 0.</p>\n", count, (long long)t->dim[0]);
    else
        cnn_html_put(h, ": %zu of %lld. Blue weights are positive, orange ones negative, white is 0.</p>\n", count, (long long)t->dim[0]);
    cnn_html_put(h, "<div class=\"pictures filters\">");
    for (size_t i = 0; pixels && i < count; i++)
        put_filter(h, p, t, i, most > 0 ? most : 1, pixels, dense);
    cnn_html_put(h, "</div>\n");
    cnn_memory_release(pixels);
}

/* An image of the test set as [h][w][channels] bytes. Numbers that are no bytes are stretched from the least to the largest. */
static bool image_pixels(const Page *p, size_t image, double *numbers, void *buffer, uint8_t *pixels, cnn_error *error)
{
    const cnn_model *model = p->net->model;
    const Set *set = &p->data->test;
    int64_t places = model->input_dim[1] * model->input_dim[2], channels = model->input_dim[0] == 3 ? 3 : 1;
    double low = 0, high = 255;
    if (!cnn_set_image(set, image, numbers, &cnn_reals_double, buffer, error))
        return false;
    if (set->form != SET_BYTES) {
        low = high = numbers[0];
        for (size_t i = 0; i < model->inputs; i++) {
            low = fmin(low, numbers[i]);
            high = fmax(high, numbers[i]);
        }
    }
    for (int64_t i = 0; i < places; i++)
        for (int64_t k = 0; k < channels; k++) {
            double v = high > low ? 255 * (numbers[k * places + i] - low) / (high - low) : 0;
            pixels[channels * i + k] = (uint8_t)(v >= 0 && v <= 255 ? v + 0.5 : 0);
        }
    return true;
}

static void put_mistakes(Html *h, const Page *p)
{
    const cnn_model *model = p->net->model;
    Mistake worst[MOST_MISTAKES];
    size_t count = 0;
    char buffer[LABEL], other[LABEL], alt[256];
    if (h->failed || model->input_rank != 3)
        return;
    h->failed = !cnn_mistakes_find(p->net, &p->data->test, worst, MOST_MISTAKES, &count, h->error);
    if (h->failed || !count)
        return;
    double *numbers = cnn_memory_get(model->inputs, sizeof *numbers, "an image", h->error);
    void *room = cnn_memory_get(model->inputs, sizeof(double), "an image", h->error);
    uint8_t *pixels = cnn_memory_get(model->inputs, 1, "an image", h->error);
    h->failed |= !numbers || !room || !pixels;
    cnn_html_put(h, "<h2>Worst mistakes</h2>\n<p class=\"soft\">Test images that it was most wrongly sure about.</p>\n<div class=\"pictures\">");
    for (size_t i = 0; !h->failed && i < count; i++) {
        const Mistake *m = &worst[i];
        if (!image_pixels(p, m->image, numbers, room, pixels, h->error)) {
            h->failed = true;
            break;
        }
        snprintf(alt, sizeof alt, "test image %zu", m->image);
        cnn_html_put(h, "<figure>");
        cnn_html_picture(h, pixels, model->input_dim[1], model->input_dim[2], model->input_dim[0] == 3 ? 3 : 1, alt);
        cnn_html_put(h, "<figcaption>");
        cnn_html_text(h, label(p, m->truth, buffer));
        cnn_html_put(h, "<br><span class=\"soft\">taken for ");
        cnn_html_text(h, label(p, m->guess, other));
        cnn_html_put(h, ", %.4g</span></figcaption></figure>\n", m->of_guess);
    }
    cnn_html_put(h, "</div>\n");
    cnn_memory_release(numbers);
    cnn_memory_release(room);
    cnn_memory_release(pixels);
}

bool cnn_page_write(const Page *page, const char *path, cnn_error *error)
{
    Html h;
    if (!cnn_html_open(&h, path, error))
        return false;
    put_head(&h, page);
    put_training(&h, page);
    if (page->confusion && page->scores && !isnan(page->scores->top5) && page->net->model->outputs > 1) {
        put_confusion(&h, page);
        put_pairs(&h, page);
        if (page->net->model->outputs <= 1000)
            put_classes(&h, page);
    }
    put_filters(&h, page);
    if (page->scores)
        put_mistakes(&h, page);
    cnn_html_put(&h, "</body>\n</html>\n");
    return cnn_html_finish(&h);
}
