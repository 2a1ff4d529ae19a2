/* report.c: scores, the table of confusions, and expectations. */
#include "report.h"
#include "io.h"
#include "metrics.h"
#include "net.h"
#include "settings.h"
#include "text.h"

#include "fail.h"

#include <math.h>
#include <string.h>

enum { MOST_CLASSES = 40 };     /* of a printed table */

/* The first characters of a text, at most `columns` of them: UTF-8 counts one each. */
static void print_column(FILE *to, const char *text, int columns, bool right)
{
    int width = 0;
    size_t bytes = 0;
    while (text[bytes] && width < columns) {
        bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes++;
        width++;
    }
    fprintf(to, "%*s%.*s%*s", right ? columns - width : 0, "", (int)bytes, text, right ? 0 : columns - width, "");
}

/* Characters of a text: UTF-8 counts one each. */
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static int digits_of(int64_t n)
{
    char text[24];
    return snprintf(text, sizeof text, "%lld", (long long)n);
}

static void print_confusion(const cnn_model *model, const cnn_data *data, const int64_t *confusion, FILE *to)
{
    enum { LABEL = 14, PAGE = 79 };
    size_t n = model->outputs;
    char buffer[24];
    if (n > MOST_CLASSES) {
        fprintf(to, "\nthe table of confusions of %zu classes is too wide to print\n", n);
        return;
    }
    int width = 5, longest = 0;
    for (size_t i = 0; i < n * n; i++)
        if (digits_of(confusion[i]) + 1 > width)
            width = digits_of(confusion[i]) + 1;
    for (size_t i = 0; i < n; i++) {
        int columns = columns_of(cnn_data_label(model, data, i, buffer)) + 1;
        longest = columns > longest ? columns : longest;
    }
    while (width < longest && LABEL + (width + 1) * (int)n <= PAGE)             /* whole labels where there is room for them */
        width++;
    fprintf(to, "\nconfusion: what it is (down), what it was taken for (across)\n");
    print_column(to, "", LABEL, false);
    for (size_t k = 0; k < n; k++) {
        fputc(' ', to);
        print_column(to, cnn_data_label(model, data, k, buffer), width - 1, true);
    }
    fputc('\n', to);
    for (size_t i = 0; i < n; i++) {
        print_column(to, cnn_data_label(model, data, i, buffer), LABEL, false);
        for (size_t k = 0; k < n; k++)
            if (confusion[i * n + k])
                fprintf(to, "%*lld", width, (long long)confusion[i * n + k]);
            else
                fprintf(to, "%*s", width, ".");
        fputc('\n', to);
    }
    fprintf(to, "most often confused:\n");
    int64_t limit = INT64_MAX;
    size_t last = 0;
    for (int line = 0; line < 3; line++) {      /* the three largest beside the diagonal, equal ones in the order of the table */
        size_t best = 0;
        int64_t count = 0;
        for (size_t i = 0; i < n * n; i++) {
            bool after = confusion[i] < limit || (confusion[i] == limit && i > last);
            if (i / n != i % n && after && confusion[i] > count) {
                count = confusion[i];
                best = i;
            }
        }
        if (!count)
            break;
        limit = count;
        last = best;
        char other[24];
        fprintf(to, "  %s taken for %s: %lld times\n", cnn_data_label(model, data, best / n, buffer), cnn_data_label(model, data, best % n, other),
                (long long)count);
    }
}

static void print_classes(const cnn_model *model, const cnn_data *data, const int64_t *confusion, FILE *to)
{
    enum { LABEL = 20 };
    size_t n = model->outputs;
    char buffer[24];
    fprintf(to, "\n%-*s %8s %10s %10s\n", LABEL, "class", "images", "found", "precise");
    for (size_t i = 0; i < n; i++) {
        int64_t there = 0, guessed = 0, right = confusion[i * n + i];
        for (size_t k = 0; k < n; k++) {
            there += confusion[i * n + k];
            guessed += confusion[k * n + i];
        }
        print_column(to, cnn_data_label(model, data, i, buffer), LABEL, false);
        fprintf(to, " %8lld %8.2f %% %8.2f %%\n", (long long)there, there ? 100 * (double)right / (double)there : 0.0,
                guessed ? 100 * (double)right / (double)guessed : 0.0);
    }
    fprintf(to, "found: share of the class's images that were taken for it\nprecise: share of what was taken for it that is it\n");
}

/* A cell of a table: in quotation marks, which are doubled within. */
static bool write_label(IoOutput *out, const char *text, cnn_error *error)
{
    bool good = cnn_io_write(out, "\"", 1, error);
    for (; good && *text; text++)
        good = cnn_io_write(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1, error);
    return good && cnn_io_write(out, "\"", 1, error);
}

bool cnn_report_csv(const cnn_model *model, const cnn_data *data, const int64_t *confusion, const char *path, cnn_error *error)
{
    IoOutput out;
    size_t n = model->outputs;
    char buffer[24], number[32];
    if (!cnn_io_create(&out, path, error))
        return false;
    bool good = cnn_io_write(&out, "truth", 5, error);
    for (size_t k = 0; good && k < n; k++)
        good = cnn_io_write(&out, ",", 1, error) && write_label(&out, cnn_data_label(model, data, k, buffer), error);
    for (size_t i = 0; good && i < n; i++) {
        good = cnn_io_write(&out, "\n", 1, error) && write_label(&out, cnn_data_label(model, data, i, buffer), error);
        for (size_t k = 0; good && k < n; k++)
            good = cnn_io_write(&out, number, (size_t)snprintf(number, sizeof number, ",%lld", (long long)confusion[i * n + k]), error);
    }
    if (good && cnn_io_write(&out, "\n", 1, error))
        return cnn_io_finish(&out, error);
    cnn_io_abandon(&out);
    return false;
}

void cnn_report(const cnn_model *model, const cnn_data *data, const cnn_scores *scores, const int64_t *confusion, FILE *to)
{
    const cnn_setting *report = cnn_setting_find(model, "report");
    bool classes = model->outputs > 1 && !isnan(scores->top5) && confusion;
    if (!isnan(scores->loss) && (!report || cnn_setting_lists(report, "loss") || isnan(scores->accuracy)))
        fprintf(to, "test loss %.4f\n", scores->loss);
    if (cnn_setting_lists(report, "top5") && !isnan(scores->top5))
        fprintf(to, "test top5 %.2f %%\n", 100 * scores->top5);
    if (cnn_setting_lists(report, "per-class") && classes)
        print_classes(model, data, confusion, to);
    if (cnn_setting_lists(report, "confusion") && classes)
        print_confusion(model, data, confusion, to);
    if (!isnan(scores->accuracy))
        fprintf(to, "%stest accuracy %.2f %%\n", cnn_setting_lists(report, "confusion") || cnn_setting_lists(report, "per-class") ? "\n" : "",
                100 * scores->accuracy);
}

/* ---- expectations */

static bool holds(double value, const char *relation, double wanted)
{
    return !strcmp(relation, ">=") ? value >= wanted : !strcmp(relation, "<=") ? value <= wanted : !strcmp(relation, ">") ? value > wanted
         : !strcmp(relation, "<") ? value < wanted : !strcmp(relation, "==") ? value == wanted : !strcmp(relation, "!=") && value != wanted;
}

bool cnn_report_expect(const cnn_model *model, const cnn_scores *test, const cnn_scores *validation, cnn_error *error)
{
    for (const cnn_setting *s = cnn_setting_find(model, "expect"); s; s = cnn_setting_next(model, s)) {
        const char *metric = s->word ? s->word : "", *relation = cnn_setting_text(s, "relation", ">=");
        bool of_validation = !strncmp(metric, "val_", 4);
        const cnn_scores *scores = of_validation ? validation : test;
        double value = scores ? cnn_metrics_named(scores, of_validation ? metric + 4 : metric) : NAN, wanted = cnn_setting_number(s, "value", 0);
        bool share = !cnn_metrics_less_is_better(metric);
        if (isnan(value))
            return cnn_fail(error, "expected %s %s %g%s, but it could not be measured", metric, relation, share ? 100 * wanted : wanted, share ? " %" : "");
        if (!holds(value, relation, wanted))
            return cnn_fail(error, share ? "expected %s %s %g %%, but it is %.2f %%" : "expected %s %s %g, but it is %.6g", metric, relation,
                            share ? 100 * wanted : wanted, share ? 100 * value : value);
    }
    return true;
}

/* ---- results */

void cnn_report_results(const cnn_net *net, const void *y, size_t images, FILE *to)
{
    enum { TOP = 3, LABEL = 16 };
    const cnn_model *model = net->model;
    size_t n = model->outputs, top = n < TOP ? n : TOP;
    char buffer[24];
    for (size_t i = 0; i < images; i++) {
        const void *row = cnn_at(net->reals, y, i * n);
        fprintf(to, "%6zu", i);
        if (n == 1)
            fprintf(to, "  %.6g", net->reals->get(row, 0));
        size_t taken[TOP];
        for (size_t place = 0; n > 1 && place < top; place++) {
            size_t best = n;
            for (size_t k = 0; k < n; k++) {
                bool before = false;
                for (size_t p = 0; p < place; p++)
                    before |= taken[p] == k;
                if (!before && (best == n || net->reals->get(row, k) > net->reals->get(row, best)))
                    best = k;
            }
            taken[place] = best;
            fprintf(to, "  ");
            print_column(to, cnn_data_label(model, NULL, best, buffer), LABEL, false);
            fprintf(to, " %8.4f", net->reals->get(row, best));
        }
        fputc('\n', to);
    }
}
