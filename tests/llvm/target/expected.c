/* expected.c: compares what driver.c printed on some machine with the evaluator.
 *
 *   expected LENET.cnn < WORDS
 *
 * Norm-wise, in float: results and losses within 2e-6, each gradient within 1e-5 of its largest element. */
#include "numbers.h"

#include "loops/evaluate.h"
#include "support/network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double output_limit = 2e-6, gradient_limit = 1e-5;

static bool read_words(double *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        union { uint32_t bits; float number; } u;
        unsigned word;
        if (scanf("%8x", &word) != 1)
            return false;
        u.bits = word;
        to[i] = (double)u.number;
    }
    return true;
}

static bool compare(Arena *arena, const char *what, const double *want, int64_t count, double limit)
{
    double *got = arena_array(arena, (size_t)count, sizeof *got), apart = 0, largest = 0;

    if (!read_words(got, count)) {
        printf("%s: the output ends too early\n", what);
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        apart = fmax(apart, isfinite(got[i]) ? fabs(got[i] - want[i]) : INFINITY);
    }
    if (apart <= limit * largest)
        return true;
    printf("%s: %.3g apart, more than %.3g of %.3g\n", what, apart, limit, largest);
    return false;
}

static Evaluation *evaluate(Unit *u, const Program *p, int phases)
{
    static const uint32_t draw[4] = { 1, 2, 3, 0 };
    Evaluation *e = evaluation_new(u, p, IMAGES);
    int64_t outputs = shape_count(u->net->y->shape), done[2] = { 0, 0 };

    for (int64_t i = 0; i < IMAGES * shape_count(u->net->input); i++)
        evaluation_tensor(e, p->x)[i] = (double)image_number((uint32_t)i);
    for (int64_t i = 0; p->target && i < IMAGES * outputs; i++)
        evaluation_tensor(e, p->target)[i] = (double)target_number((uint32_t)(i / outputs), (uint32_t)(i % outputs));
    for (int i = 0; i < u->net->params.count; i++) {
        const Param *param = u->net->params.at[i];
        int64_t count = shape_count(param->shape), *at = &done[param->trained];
        Tensor *t = p->of_param[i];
        for (int64_t j = 0; t && j < count; j++)
            evaluation_tensor(e, t)[j] = (double)(param->trained ? weight_number((uint32_t)(*at + j)) : state_number((uint32_t)(*at + j)));
        *at += count;
    }
    evaluation_clear(e);
    evaluation_run(e, phases, draw);
    return e;
}

int main(int argc, char **argv)
{
    Arena *arena = arena_new();
    const char *text = argc == 2 ? text_of_file(arena, argv[1]) : NULL;
    Unit *u = text ? network_from("lenet.cnn", text, (NetworkOptions){ 0 }) : NULL;

    if (!u)
        return 2;
    Evaluation *e = evaluate(u, u->train, u->train->grad_phase);
    int64_t outputs = IMAGES * shape_count(u->net->y->shape);
    bool good = compare(arena, "y in training", evaluation_tensor(e, u->train->y), outputs, output_limit)
        && compare(arena, "loss", evaluation_tensor(e, u->train->loss), IMAGES, output_limit);
    for (int i = 0; good && i < u->net->params.count; i++) {
        const Param *p = u->net->params.at[i];
        if (p->trained)
            good = compare(arena, p->name, evaluation_tensor(e, u->train->of_param[i]->gradient), shape_count(p->shape), gradient_limit);
    }
    if (good) {
        e = evaluate(u, u->infer, u->infer->phases.count);
        good = compare(arena, "y in inference", evaluation_tensor(e, u->infer->y), outputs, output_limit);
    }
    unit_free(u);
    arena_free(arena);
    return !good;
}
