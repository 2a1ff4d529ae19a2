/* walk.c: draws an image on its way through a network (cnn/walk.h). */
#include "cnn/walk.h"

#include "blocks.h"

#include <math.h>
#include <stdio.h>

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
static void print_statistics(FILE *to, const double *values, int64_t count)
{
    double low = INFINITY, high = -INFINITY;
    int64_t zeros = 0;
    for (int64_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        zeros += values[i] == 0;
    }
    fprintf(to, "from %.3g to %.3g", low, high);
    if (zeros)
        fprintf(to, ", %.0f %% are 0", 100.0 * (double)zeros / (double)count);
    fputc('\n', to);
}

static void print_values(FILE *to, const cnn_walk_map *m, const double *values, bool is_signed, bool colour)
{
    if (m->rank == 3)
        cnn_blocks_put(to, &(Maps){ .values = values, .count = m->dim[0], .h = m->dim[1], .w = m->dim[2], .is_signed = is_signed }, colour);
    else
        cnn_blocks_line(to, values, count_of(m), is_signed, colour);
}

static void print_title(FILE *to, const char *name, bool colour)
{
    fprintf(to, "\n%s%s%s", colour ? "\033[1m" : "", name, colour ? "\033[0m" : "");
}

/* "conv1  conv 8, 3x3  26x26x8  " */
static void print_head(FILE *to, const cnn_walk_map *m, bool colour)
{
    print_title(to, m->name, colour);
    if (*m->written)
        fprintf(to, "  %s", m->written);
    if (m->rank == 3)
        fprintf(to, "  %lldx%lldx%lld  ", (long long)m->dim[1], (long long)m->dim[2], (long long)m->dim[0]);
    else
        fprintf(to, "  %lld features  ", (long long)count_of(m));
}

/* ---- forward */

static void print_kernels(FILE *to, const cnn_walk_map *m, bool colour)
{
    fprintf(to, "  its kernels%s\n", m->kernel[1] > 1 ? ", of the first channel" : "");
    cnn_blocks_put(to, &(Maps){ .values = m->kernels, .count = m->kernel[0], .stride = m->kernel[1] * m->kernel[2] * m->kernel[3],
                                .h = m->kernel[2], .w = m->kernel[3], .is_signed = true, .wide = true }, colour);
    fputs("  its answers\n", to);
}

static void print_layer(FILE *to, const cnn_walk_map *m, bool colour)
{
    print_head(to, m, colour);
    if (!m->values) {
        fputs("the same numbers as before\n", to);
        return;
    }
    print_statistics(to, m->values, count_of(m));
    if (m->kernels)
        print_kernels(to, m, colour);
    print_values(to, m, m->values, has_negative(m->values, count_of(m)), colour);
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

static void print_answer(FILE *to, const cnn_walk *w, bool colour)
{
    char number[NUMBER];
    int64_t last = -1;
    print_title(to, "answer", colour);
    fputc('\n', to);
    for (int i = 0; i < TOP && i < w->outputs; i++) {
        last = next_best(w->y, w->outputs, last);
        if (last < 0)
            return;                             /* what is left is no number */
        fprintf(to, "  %-*s ", NAME, label_of(w, last, number));
        if (w->probabilities) {
            fprintf(to, "%6.2f %%  ", 100 * w->y[last]);
            cnn_blocks_bar(to, w->y[last], BAR);
        } else {
            fprintf(to, "%9.4g", w->y[last]);
        }
        fputc('\n', to);
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

static void print_layer_gradients(FILE *to, const cnn_walk *w)
{
    double most = 0;
    fprintf(to, "  %-*s %12s   the mean size of the change of the loss with one number that the layer made\n", NAME, "layer", "mean |dy|");
    for (int i = 1; i < w->map_count; i++)
        if (w->maps[i].gradient)
            most = fmax(most, mean_size(&w->maps[i]));
    for (int i = w->map_count - 1; i > 0; i--) {
        if (!w->maps[i].gradient)
            continue;
        double mean = mean_size(&w->maps[i]);
        fprintf(to, "  %-*s %12.3g   ", NAME, w->maps[i].name, mean);
        cnn_blocks_bar(to, most > 0 ? mean / most : 0, BAR);
        fputc('\n', to);
    }
}

static void print_backward(FILE *to, const cnn_walk *w, bool colour)
{
    char number[NUMBER];
    const cnn_walk_map *image = &w->maps[0];
    print_title(to, "backward: ", colour);
    fprintf(to, "the loss is %.3g if the right answer is %s\n", w->loss, label_of(w, w->target, number));
    print_layer_gradients(to, w);
    if (!image->gradient)
        return;
    fputs("\n  the pixels that move the loss: a brighter one raises it where this is above 0 and lowers it where it is below\n  ", to);
    print_statistics(to, image->gradient, count_of(image));
    print_values(to, image, image->gradient, true, colour);
}

void cnn_walk_print(const cnn_walk *w, bool colour, FILE *to)
{
    fprintf(to, "%s: %s\n", w->network, cnn_blocks_legend(colour));
    for (int i = 0; i < w->map_count; i++)
        print_layer(to, &w->maps[i], colour);
    print_answer(to, w, colour);
    if (w->backward)
        print_backward(to, w, colour);
}
