/* record.c: hands on what the training tells, and keeps the epochs. */
#include "record.h"
#include "fail.h"
#include "memory.h"
#include "plot.h"

#include <math.h>
#include <string.h>

enum { BOARD_STEPS = 100 };     /* steps of an epoch that TensorBoard hears of */
enum { MOST_LINES = 24 };       /* of the table; of more epochs, some */

bool cnn_record_open(Record *r, FILE *to, bool quiet, const char *folder, const cnn_model *model, cnn_error *error)
{
    *r = (Record){ .progress = cnn_progress_new(to, quiet, model), .with_board = folder != NULL, .board.log.fd = -1 };
    return !folder || cnn_board_open(&r->board, folder, error);
}

void cnn_record_close(Record *r)
{
    cnn_board_close(&r->board);
    cnn_memory_release(r->epochs);
    r->epochs = NULL;
}

/* ---- listening */

static void add(Record *r, int64_t step, const BoardValue *values, int count)
{
    if (r->with_board && !r->failed)
        r->failed = !cnn_board_add(&r->board, step, values, count, &r->error);
}

static void on_note(void *context, const char *text)
{
    cnn_progress_note(&((Record *)context)->progress, text);
}

static void on_step(void *context, const cnn_progress *now)
{
    Record *r = context;
    int64_t each = now->steps > BOARD_STEPS ? now->steps / BOARD_STEPS : 1;
    if (now->step % each == 0)
        add(r, now->total_step, (BoardValue[]){ { "step/loss", now->step_loss }, { "step/rate", now->rate } }, 2);
    cnn_progress_step(&r->progress, now);
}

static void on_epoch(void *context, const cnn_progress *now)
{
    Record *r = context;
    bool test = now->validation_is_test;
    r->of_test = test;
    add(r, now->total_step, (BoardValue[]){
        { "loss/train", now->train.loss }, { "accuracy/train", now->train.accuracy },
        { test ? "loss/test" : "loss/validation", now->validation.loss }, { test ? "accuracy/test" : "accuracy/validation", now->validation.accuracy },
    }, 4);
    cnn_progress_epoch(&r->progress, now);
}

static void on_history(void *context, const cnn_epoch *epochs, size_t count, int64_t best)
{
    Record *r = context;
    cnn_memory_release(r->epochs);
    r->epochs = cnn_memory_get(count, sizeof *epochs, "the epochs", r->failed ? NULL : &r->error);
    r->failed |= !r->epochs;
    r->count = r->epochs ? count : 0;
    r->best = best;
    if (r->count)
        memcpy(r->epochs, epochs, count * sizeof *epochs);
}

cnn_listener cnn_record_listener(Record *record, bool (*stop)(void *context))
{
    return (cnn_listener){ .context = record, .note = on_note, .step = on_step, .epoch = on_epoch, .history = on_history, .stop = stop };
}

/* ---- the end */

static bool known(const Record *r, const double *first)
{
    for (size_t i = 0; i < r->count; i++)
        if (!isnan(first[i * (sizeof(cnn_epoch) / sizeof(double))]))
            return true;
    return false;
}

static void put_number(FILE *to, int width, double value, double scale, const char *unit)
{
    char text[32];
    if (isnan(value))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, scale == 1 ? "%.4f%s" : "%.2f%s", scale * value, unit);
    fprintf(to, " %*s", width, text);
}

void cnn_record_table(const Record *r)
{
    const Progress *p = &r->progress;
    FILE *to = p->to;
    if (p->quiet || r->count < 2)
        return;
    const char *what = r->of_test ? "test" : "val";
    bool validation = known(r, &r->epochs[0].validation_loss) || known(r, &r->epochs[0].validation_accuracy);
    fprintf(to, "\n  %7s %10s %9s %9s", "epoch", "rate", "loss", "accuracy");
    if (validation)
        fprintf(to, " %5s loss %5s acc", what, what);
    fputc('\n', to);
    size_t each = (r->count + MOST_LINES - 1) / MOST_LINES;
    for (size_t i = 0; i < r->count; i++) {
        const cnn_epoch *e = &r->epochs[i];
        bool best = (int64_t)i + 1 == r->best;
        if (!best && i + 1 < r->count && i % each)
            continue;
        fprintf(to, "%s%s %7.0f %10.4g", best && p->colour ? "\033[1m" : "", best ? ">" : " ", e->epoch, e->rate);
        put_number(to, 9, e->loss, 1, "");
        put_number(to, 9, e->accuracy, 100, " %");
        if (validation) {
            put_number(to, 10, e->validation_loss, 1, "");
            put_number(to, 9, e->validation_accuracy, 100, " %");
        }
        fprintf(to, "%s%s\n", best ? "  best" : "", best && p->colour ? "\033[0m" : "");
    }
}

static void plot(const Record *r, const char *title, double scale, const double *train, const double *validation)
{
    enum { STRIDE = sizeof(cnn_epoch) / sizeof(double) };
    bool both = known(r, validation);
    Plot p = { .title = title, .across = "epoch", .x = &r->epochs[0].epoch, .x_stride = STRIDE, .points = r->count,
               .columns = cnn_progress_columns(r->progress.to) - 1, .utf8 = cnn_plot_utf8(), .colour = r->progress.colour };
    p.curves[0] = (Curve){ "train", train, STRIDE, scale };
    p.curves[1] = (Curve){ r->of_test ? "test" : "validation", validation, STRIDE, scale };
    p.count = both ? 2 : 1;
    fputc('\n', r->progress.to);
    cnn_plot(&p, r->progress.to);
}

void cnn_record_plot(const Record *r)
{
    if (r->count < 2) {
        fprintf(r->progress.to, "no curves: they need two epochs or more\n");
        return;
    }
    plot(r, "loss", 1, &r->epochs[0].loss, &r->epochs[0].validation_loss);
    if (known(r, &r->epochs[0].accuracy))
        plot(r, "accuracy, %", 100, &r->epochs[0].accuracy, &r->epochs[0].validation_accuracy);
}
