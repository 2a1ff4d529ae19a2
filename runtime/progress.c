/* progress.c: the screen during training.
 *
 * Everything is one table whose head comes before its first line, so that it reads the same in a terminal, in a pipe and in a
 * file. A terminal also has a line below it that is written over, at most ten times a second and never wider than the terminal. */
#include "progress.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double often = 0.1;                /* seconds between two looks of the living line */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int cnn_progress_columns(FILE *to)
{
    struct winsize size;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

Progress cnn_progress_new(FILE *to, bool quiet, const cnn_model *model)
{
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool terminal = isatty(fileno(to)) && term && strcmp(term, "dumb");
    return (Progress){ .to = to, .quiet = quiet, .terminal = terminal, .colour = terminal && !(no_colour && *no_colour),
                       .digits = model->real_bytes == 8 ? 17 : 9 };
}

void cnn_progress_clear(Progress *p)
{
    if (p->line)
        fputs("\r\033[K", p->to);
    p->line = false;
}

void cnn_progress_note(void *context, const char *text)
{
    Progress *p = context;
    if (p->quiet)
        return;
    cnn_progress_clear(p);
    fprintf(p->to, "note: %s\n", text);
    fflush(p->to);
}

/* ---- the living line */

/* A line that is put together of parts, each only if it fits. */
typedef struct Line {
    char text[512];
    int length, columns;        /* one byte is one column: parts are ASCII */
} Line;

static void part(Line *l, const char *text)
{
    int length = (int)strlen(text);
    if (l->length + length > l->columns)
        return;
    memcpy(l->text + l->length, text, (size_t)length + 1);
    l->length += length;
}

static void bar(Line *l, int width, double done)
{
    char text[64];
    int full = (int)(done * width + 0.5);
    text[0] = '[';
    for (int i = 0; i < width; i++)
        text[i + 1] = i < full ? '#' : '.';
    text[width + 1] = ']';
    text[width + 2] = 0;
    part(l, text);
}

void cnn_progress_step(void *context, const cnn_progress *now)
{
    Progress *p = context;
    double time = seconds();
    if (!p->terminal || p->quiet || now->steps <= 1 || (time - p->shown < often && now->step < now->steps))
        return;
    p->shown = time;
    int columns = cnn_progress_columns(p->to) - 1;              /* the last column would move the cursor on */
    Line l = { .columns = columns < (int)sizeof l.text - 1 ? columns : (int)sizeof l.text - 1 };
    char text[128], amount[TEXT_AMOUNT];
    double left = now->images_per_second > 0 ? now->seconds / (double)now->step * (double)(now->steps - now->step) : NAN;

    snprintf(text, sizeof text, "%lld/%lld ", (long long)now->epoch + 1, (long long)now->epochs);
    part(&l, text);
    bar(&l, columns >= 72 ? 20 : columns >= 50 ? 10 : 5, (double)now->step / (double)now->steps);
    snprintf(text, sizeof text, " %3d %%", (int)(100 * (double)now->step / (double)now->steps));
    part(&l, text);
    snprintf(text, sizeof text, "  loss %.4f", now->train.loss);
    part(&l, text);
    snprintf(text, sizeof text, "  %s left", cnn_text_time(amount, left));
    part(&l, text);
    if (!isnan(now->train.accuracy)) {
        snprintf(text, sizeof text, "  %.2f %%", 100 * now->train.accuracy);
        part(&l, text);
    }
    snprintf(text, sizeof text, "  %s images/s", cnn_text_count(amount, (int64_t)now->images_per_second));
    part(&l, text);
    fprintf(p->to, "\r%s%s%s\033[K", p->colour ? "\033[36m" : "", l.text, p->colour ? "\033[0m" : "");
    fflush(p->to);
    p->line = true;
}

/* ---- the table */

static void percent(char to[16], double share)
{
    if (isnan(share))
        snprintf(to, 16, "-");
    else
        snprintf(to, 16, "%.2f %%", 100 * share);
}

static void number(char to[16], double value)
{
    if (isnan(value))
        snprintf(to, 16, "-");
    else
        snprintf(to, 16, "%.4f", value);
}

static void print_head(Progress *p, const cnn_progress *now)
{
    const char *what = now->validation_is_test ? "test" : "val";
    char loss[24], accuracy[24];
    snprintf(loss, sizeof loss, "%s loss", what);
    snprintf(accuracy, sizeof accuracy, "%s acc", what);
    fprintf(p->to, "%9s %9s %9s", "epoch", "loss", "accuracy");
    if (now->validation.images)
        fprintf(p->to, " %10s %9s", loss, accuracy);
    fprintf(p->to, " %10s %8s\n", "images/s", "time");
    p->head = true;
}

/* A batch that is learnt again and again: about twenty lines, and every digit. */
static void print_step(Progress *p, const cnn_progress *now)
{
    if (!p->step_lines)
        p->step_lines = now->epochs > 20 ? now->epochs / 20 : 1;
    if ((now->epoch + 1) % p->step_lines && now->epoch + 1 < now->epochs)
        return;
    fprintf(p->to, "step %lld  loss %.*g\n", (long long)now->epoch + 1, p->digits, now->train.loss);
    fflush(p->to);
}

void cnn_progress_epoch(void *context, const cnn_progress *now)
{
    Progress *p = context;
    if (p->quiet)
        return;
    if (now->steps <= 1) {
        print_step(p, now);
        return;
    }
    char epoch[48], loss[16], accuracy[16], amount[TEXT_AMOUNT], time[TEXT_AMOUNT];
    cnn_progress_clear(p);
    if (!p->head)
        print_head(p, now);
    snprintf(epoch, sizeof epoch, "%lld/%lld", (long long)now->epoch + 1, (long long)now->epochs);
    number(loss, now->train.loss);
    percent(accuracy, now->train.accuracy);
    fprintf(p->to, "%9s %9s %9s", epoch, loss, accuracy);
    if (now->validation.images) {
        number(loss, now->validation.loss);
        percent(accuracy, now->validation.accuracy);
        fprintf(p->to, " %10s %9s", loss, accuracy);
    }
    fprintf(p->to, " %10s %8s%s\n", cnn_text_count(amount, (int64_t)now->images_per_second), cnn_text_time(time, now->seconds), now->best ? "  *" : "");
    fflush(p->to);
}
