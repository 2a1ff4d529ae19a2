/* walk.c: draws an image on its way through a network (cnn/walk.h). */
#include "cnn/walk.h"

#include "blocks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TOP = 5, BAR = 30, NAME = 14, NUMBER = 24 };

static int64_t count_of(const cnn_walk_map *m)
{
    int64_t count = 1;
    for (int i = 0; i < m->rank; i++)
        count *= m->dim[i];
    return count;
}

static bool has_negative(const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (values[i] < 0)
            return true;
    return false;
}

/* "from -0.3 to 2.1, 41 % are 0" */
static void print_statistics(const Paper *p, const double *values, int64_t count)
{
    double low = INFINITY, high = -INFINITY;
    int64_t zeros = 0;
    for (int64_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        zeros += values[i] == 0;
    }
    fprintf(p->to, "from %.3g to %.3g", low, high);
    if (zeros)
        fprintf(p->to, ", %.0f %% are 0", 100.0 * (double)zeros / (double)count);
    fputc('\n', p->to);
}

static void print_values(const Paper *p, const cnn_walk_map *m, const double *values, bool is_signed)
{
    if (m->rank == 3)
        cnn_blocks_put(p, &(Maps){ .values = values, .count = m->dim[0], .h = m->dim[1], .w = m->dim[2], .is_signed = is_signed });
    else
        cnn_blocks_line(p, values, count_of(m), is_signed);
}

static void print_title(const Paper *p, const char *name)
{
    fprintf(p->to, "\n%s%s%s", p->colour ? "\033[1m" : "", name, p->colour ? "\033[0m" : "");
}

/* "conv1  conv 8, 3x3  26x26x8  " */
static void print_head(const Paper *p, const cnn_walk_map *m)
{
    print_title(p, m->name);
    if (*m->written)
        fprintf(p->to, "  %s", m->written);
    if (m->rank == 3)
        fprintf(p->to, "  %lldx%lldx%lld  ", (long long)m->dim[1], (long long)m->dim[2], (long long)m->dim[0]);
    else
        fprintf(p->to, "  %lld features  ", (long long)count_of(m));
}

/* ---- forward */

static void print_kernels(const Paper *p, const cnn_walk_map *m)
{
    fprintf(p->to, "  its kernels%s\n", m->kernel[1] > 1 ? ", of the first channel" : "");
    cnn_blocks_put(p, &(Maps){ .values = m->kernels, .count = m->kernel[0], .stride = m->kernel[1] * m->kernel[2] * m->kernel[3],
                                .h = m->kernel[2], .w = m->kernel[3], .is_signed = true, .wide = true });
    fputs("  its answers\n", p->to);
}

/* A dropout outside training, a relu of what has no negative number: there is nothing new to see. */
static bool is_same(const cnn_walk_map *before, const cnn_walk_map *m)
{
    int64_t count = count_of(m);
    return !m->values || (count_of(before) == count && before->rank == m->rank && !memcmp(before->values, m->values, (size_t)count * sizeof *m->values));
}

static void print_layer(const Paper *p, const cnn_walk_map *m, bool same)
{
    print_head(p, m);
    if (same) {
        fputs("the same numbers as before\n", p->to);
        return;
    }
    print_statistics(p, m->values, count_of(m));
    if (m->kernels)
        print_kernels(p, m);
    print_values(p, m, m->values, has_negative(m->values, count_of(m)));
}

static const char *label_of(const cnn_walk *w, int64_t class, char buffer[NUMBER])
{
    if (w->labels && w->labels[class])
        return w->labels[class];
    snprintf(buffer, NUMBER, "%lld", (long long)class);
    return buffer;
}

/* The largest result that is smaller than those before; classes of equal results in their order. */
static int64_t next_best(const double *y, int64_t count, int64_t last)
{
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++) {
        bool after = last < 0 || y[i] < y[last] || (y[i] == y[last] && i > last);
        if (after && (best < 0 || y[i] > y[best]))
            best = i;
    }
    return best;
}

int64_t cnn_walk_best(const double *y, int64_t outputs)
{
    int64_t best = next_best(y, outputs, -1);
    return best < 0 ? 0 : best;
}

static void print_answer(const Paper *p, const cnn_walk *w)
{
    char number[NUMBER];
    int64_t last = -1;
    print_title(p, "answer");
    fputc('\n', p->to);
    for (int i = 0; i < TOP && i < w->outputs; i++) {
        last = next_best(w->y, w->outputs, last);
        if (last < 0)
            return;                             /* what is left is no number */
        fprintf(p->to, "  %-*s ", NAME, label_of(w, last, number));
        if (w->probabilities) {
            fprintf(p->to, "%6.2f %%  ", 100 * w->y[last]);
            cnn_blocks_bar(p->to, w->y[last], BAR);
        } else {
            fprintf(p->to, "%9.4g", w->y[last]);
        }
        fputc('\n', p->to);
    }
}

/* ---- backward */

static double mean_size(const cnn_walk_map *m)
{
    double sum = 0;
    int64_t count = count_of(m);
    for (int64_t i = 0; i < count; i++)
        sum += fabs(m->gradient[i]);
    return sum / (double)count;
}

static void print_layer_gradients(const Paper *p, const cnn_walk *w)
{
    double most = 0;
    fprintf(p->to, "  %-*s %12s   how much the loss changes with one number of the layer\n", NAME, "layer", "mean |dy|");
    for (int i = 1; i < w->map_count; i++)
        if (w->maps[i].gradient)
            most = fmax(most, mean_size(&w->maps[i]));
    for (int i = w->map_count - 1; i > 0; i--) {
        if (!w->maps[i].gradient)
            continue;
        double mean = mean_size(&w->maps[i]);
        fprintf(p->to, "  %-*s %12.3g   ", NAME, w->maps[i].name, mean);
        cnn_blocks_bar(p->to, most > 0 ? mean / most : 0, BAR);
        fputc('\n', p->to);
    }
}

static void print_backward(const Paper *p, const cnn_walk *w)
{
    char number[NUMBER];
    const cnn_walk_map *image = &w->maps[0];
    print_title(p, "backward: ");
    fprintf(p->to, "the loss is %.3g if the right answer is %s\n", w->loss, label_of(w, w->target, number));
    print_layer_gradients(p, w);
    if (!image->gradient)
        return;
    fputs("\n  the pixels that move the loss: above 0 a brighter one raises it, below 0 it lowers it\n  ", p->to);
    print_statistics(p, image->gradient, count_of(image));
    print_values(p, image, image->gradient, true);
}

void cnn_walk_print(const cnn_walk *w, cnn_walk_paper how, FILE *to)
{
    const Paper paper = { to, how.colour, how.columns, how.all }, *p = &paper;
    fprintf(to, "%s: %s\n", w->network, cnn_blocks_legend(how.colour));
    const cnn_walk_map *before = NULL;
    for (int i = 0; i < w->map_count; i++) {
        print_layer(p, &w->maps[i], before && is_same(before, &w->maps[i]));
        before = w->maps[i].values ? &w->maps[i] : before;
    }
    print_answer(p, w);
    if (w->backward)
        print_backward(p, w);
}
