/* check.c: layers_check NET.cnn...: is every gradient right?
 *
 * For every network, in training and in inference, run by the evaluator with several tiles:
 *   - outputs, losses, gradients of params and input, running statistics = the naive reference, within 1e-11 of their norm;
 *   - gradients = central differences of the evaluator's own loss: eps 1e-5, error <= 1e-8 + 1e-6*|g|, for every element (of large
 *     tensors, for some).
 * Inputs and weights are drawn so that no kink (relu at 0, equal cells under a maxpool) lies within reach of eps.
 *
 * A line `# check: WORD...` in a net: `whole` draws small whole numbers with ties and expects exact equality with the reference,
 * without differences; `nodifferences` leaves the differences out (`step` passes gradients that are no derivatives).
 *
 * A network with a layer that the reference does not know yet gets its difference quotients alone, and the summary counts it.
 *
 * At the end every layer of the compiler and every argument of each must have been used by some network; `--uncovered` only warns. */
#include "loops/evaluate.h"
#include "net/layer.h"
#include "reference.h"
#include "support/network.h"
#include "trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double eps = 1e-5;             /* of the central differences */
static const double closest = 3e-4;         /* a kink may be, relative to the size of the numbers */
static const double same = 1e-11;           /* evaluator and reference, norm-wise */
enum { BATCH = 4, SOME = 60 };              /* images (1/4 is exact); elements of a tensor that get a difference quotient */
static const uint32_t draw[4] = { 20, 26, 7, 0 };

typedef struct Case {
    const char *name, *text;
    bool whole, differences;
    const char *unknown;        /* a layer that the reference does not know, or NULL */
    int failures;
    long quotients;
    double worst;               /* error / tolerance of the worst difference quotient */
    double apart;               /* worst distance from the reference */
} Case;

static void fail(Case *c, const char *what, const char *tensor, double value)
{
    if (c->failures++ < 10)
        printf("  %s: %s of %s: %.3g\n", c->name, what, tensor, value);
}

static void compare(Case *c, const char *what, const char *tensor, const double *got, const double *want, const double *magnitude,
                    int64_t count)
{
    double apart = trial_difference(got, want, magnitude, count);

    c->apart = fmax(c->apart, apart);
    if (!(apart <= (c->whole ? 0 : same)))
        fail(c, what, tensor, apart);
}

/* Fills an evaluation with the numbers of the reference. */
static Evaluation *evaluation_of(Unit *u, const Program *p, const Reference *r)
{
    Evaluation *e = evaluation_new(u, p, r->batch);

    memcpy(evaluation_tensor(e, p->x), r->values[0].at, (size_t)r->values[0].count * sizeof(double));
    if (p->target)
        memcpy(evaluation_tensor(e, p->target), r->target,
               (size_t)(r->batch * shape_count(r->net->y->shape)) * sizeof(double));
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (t->view_of || (t->role != ROLE_PARAM && t->role != ROLE_STATE))
            continue;
        for (int j = 0; j < r->net->params.count; j++)
            if (strcmp(r->net->params.at[j]->name, t->param->name) == 0)
                memcpy(evaluation_tensor(e, t), r->params[j].at, (size_t)r->params[j].count * sizeof(double));
    }
    return e;
}

static const Tensor *tensor_of(const Program *p, Role role, const char *param)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (!p->tensors.at[i]->view_of && p->tensors.at[i]->role == role && strcmp(p->tensors.at[i]->param->name, param) == 0)
            return p->tensors.at[i];
    return NULL;
}

/* The loss of the batch. */
static double loss_of(Evaluation *e, const Program *p)
{
    const double *loss = evaluation_tensor(e, p->loss);
    double sum = 0;

    for (int i = 0; i < BATCH; i++)
        sum += loss[i] / BATCH;
    return sum;
}

static Program *program_of(Unit *u, Mode mode)
{
    return mode == MODE_TRAIN ? u->train : mode == MODE_EVAL ? u->eval : u->infer;
}

/* The elements of a tensor; one that the program does not have is 0. */
static double *numbers_of(Evaluation *e, const Tensor *t, int64_t count, Arena *arena)
{
    return t ? evaluation_tensor(e, t) : arena_array(arena, (size_t)count + 1, sizeof(double));
}

/* One program against the reference. */
static void against_reference(Case *c, Unit *u, Reference *r, Mode mode)
{
    Program *p = program_of(u, mode);
    Evaluation *e = evaluation_of(u, p, r);
    const char *where = p->name;

    reference_forward(r, mode == MODE_TRAIN, draw);
    evaluation_clear(e);
    evaluation_run(e, p->phases.count, draw);
    compare(c, where, "the output", evaluation_tensor(e, p->y), reference_value(r, r->net->y)->at, NULL,
            reference_value(r, r->net->y)->count);
    if (mode == MODE_INFER)
        return;
    reference_backward(r);
    compare(c, where, "the loss", evaluation_tensor(e, p->loss), r->loss, NULL, r->batch);
    compare(c, where, "the gradient of the input", numbers_of(e, p->dx, r->values[0].count, u->arena), r->values[0].gradient, r->values[0].magnitude,
            r->values[0].count);
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *param = r->net->params.at[i];
        const Field *f = &r->params[i];
        const Tensor *t = tensor_of(p, param->trained ? ROLE_GRADIENT : ROLE_STATE, param->name);
        if (param->trained)
            compare(c, where, param->name, numbers_of(e, t, f->count, u->arena), f->gradient, f->magnitude, f->count);
        else if (t)
            compare(c, where, param->name, evaluation_tensor(e, t), mode == MODE_TRAIN ? r->new_state[i] : f->at, NULL, f->count);
    }
}

/* Difference quotients of the loss by the elements of one tensor, against its gradient. Its own unit, as the evaluator's memory
 * goes with it. */
static void against_differences(Case *c, const Reference *r, Mode mode, int param, const double *gradient)
{
    Unit *u = network_from(c->name, c->text, (NetworkOptions){ .tile = BATCH });
    Program *p = program_of(u, mode);
    Evaluation *e = evaluation_of(u, p, r);
    const char *name = param < 0 ? "the input" : r->net->params.at[param]->name;
    const Tensor *t = param < 0 ? p->x : tensor_of(p, ROLE_PARAM, name);
    int64_t count = param < 0 ? r->values[0].count : r->params[param].count;
    int64_t step = count > SOME ? count / SOME : 1;

    for (int64_t i = 0; t && i < count; i += step) {
        double *at = &evaluation_tensor(e, t)[i], was = *at, side[2];
        for (int s = 0; s < 2; s++) {
            *at = was + (s ? eps : -eps);
            evaluation_run(e, p->phases.count, draw);
            side[s] = loss_of(e, p);
        }
        *at = was;
        double quotient = (side[1] - side[0]) / (2 * eps), tolerance = 1e-8 + 1e-6 * fabs(gradient[i]);
        double error = fabs(quotient - gradient[i]) / tolerance;
        c->quotients++;
        c->worst = fmax(c->worst, error);
        if (!(error <= 1)) {
            char where[200];
            snprintf(where, sizeof where, "%s[%lld], %s: quotient %.9g, gradient %.9g; error/tolerance", name, (long long)i, p->name,
                     quotient, gradient[i]);
            fail(c, "difference", where, error);
        }
    }
    unit_free(u);
}

static bool draw_numbers(Case *c, Reference *r, uint64_t seed)
{
    Dice d = dice_new(seed);
    int again = c->whole ? trial_draw_exact(r, &d, draw, 50, 50) : trial_draw_clear(r, &d, draw, closest, 2000);

    if (again < 0)
        printf("  %s: no numbers were found %s (%s)\n", c->name, c->whole ? "that stay exact" : "that keep away from every kink",
               r->nearest_site ? r->nearest_site : "-");
    c->failures += again < 0;
    return again >= 0;
}

static void check_gradients(Case *c, Unit *u, Reference *r)
{
    for (int mode = MODE_TRAIN; mode <= MODE_EVAL; mode++) {
        if (mode == MODE_INFER)
            continue;
        /* The evaluator's own gradients; they were compared with the reference's before. */
        Program *p = program_of(u, (Mode)mode);
        Evaluation *e = evaluation_of(u, p, r);
        evaluation_clear(e);
        evaluation_run(e, p->phases.count, draw);
        against_differences(c, r, (Mode)mode, -1, numbers_of(e, p->dx, r->values[0].count, u->arena));
        for (int i = 0; i < r->net->params.count; i++) {
            const Tensor *t = r->net->params.at[i]->trained ? tensor_of(p, ROLE_GRADIENT, r->net->params.at[i]->name) : NULL;
            if (t)
                against_differences(c, r, (Mode)mode, i, evaluation_tensor(e, t));
        }
    }
}

/* A new layer, before the reference learns it: its gradients against difference quotients alone, at numbers that know of no kink. */
static void check_alone(Case *c, Unit *u)
{
    Reference *r = reference_new(u->arena, u->net, BATCH);      /* holds the numbers */
    Dice d = dice_new(1);

    for (int64_t i = 0; i < r->values[0].count; i++)
        r->values[0].at[i] = dice_real(&d) * 2 - 1;
    for (int64_t i = 0; i < BATCH * shape_count(u->net->y->shape); i++)
        r->target[i] = dice_real(&d);
    for (int i = 0; i < u->net->params.count; i++)
        for (int64_t j = 0; j < r->params[i].count; j++)
            r->params[i].at[j] = dice_real(&d) * 2 - 1;
    check_gradients(c, u, r);
}

static void check(Case *c)
{
    static const int64_t tiles[] = { 1, 2, 3, 4 };

    for (int i = 0; i < countof(tiles); i++) {
        Unit *u = network_from(c->name, c->text, (NetworkOptions){ .tile = tiles[i] });
        if (!u) {
            c->failures++;
            return;
        }
        if (!reference_knows(u->net, &c->unknown)) {
            check_alone(c, u);
            unit_free(u);
            return;
        }
        Reference *r = reference_new(u->arena, u->net, BATCH);
        if (draw_numbers(c, r, 1)) {
            for (int mode = MODE_TRAIN; mode <= MODE_EVAL; mode++)
                against_reference(c, u, r, (Mode)mode);
            if (c->differences && tiles[i] == 1)
                check_gradients(c, u, r);
        }
        unit_free(u);
        if (c->failures)
            return;
    }
}

/* ---- what the networks use */

typedef struct Covered {
    bool layer, *args;
} Covered;

static void cover(Covered *covered, const Net *net)
{
    for (int i = 0; i <= net->sites.count; i++) {
        const Site *s = i < net->sites.count ? net->sites.at[i] : net->loss;
        for (int k = 0; s && k < layer_table_count; k++) {
            if (layer_table[k] != s->kind)
                continue;
            covered[k].layer = true;
            for (int a = 0; a < s->kind->arg_count; a++)
                covered[k].args[a] |= s->args[a].given;
        }
    }
}

static Covered *coverage(int count, char **paths, Arena *arena)
{
    Covered *covered = arena_array(arena, (size_t)layer_table_count + 1, sizeof *covered);

    for (int k = 0; k < layer_table_count; k++)
        covered[k].args = arena_array(arena, (size_t)layer_table[k]->arg_count + 1, sizeof(bool));
    for (int i = 0; i < count; i++) {
        const char *text = text_of_file(arena, paths[i]);
        Unit *u = text ? network_from(paths[i], text, (NetworkOptions){ 0 }) : NULL;
        if (!u)
            continue;
        cover(covered, u->net);
        unit_free(u);
    }
    return covered;
}

static int uncovered(const Covered *covered)
{
    int missing = 0;

    for (int k = 0; k < layer_table_count; k++) {
        if (strcmp(layer_table[k]->name, "input") == 0)
            continue;
        if (!covered[k].layer) {
            printf("no network in tests/layers uses '%s'\n", layer_table[k]->name);
            missing++;
            continue;
        }
        for (int a = 0; a < layer_table[k]->arg_count; a++) {
            const ArgSpec *spec = &layer_table[k]->args[a];
            /* How first weights are drawn, or which values are joined, changes no formula. */
            if (covered[k].args[a] || strcmp(spec->name, "init") == 0 || spec->kind == ARG_VALUES)
                continue;
            printf("no network in tests/layers uses '%s' of '%s'\n", spec->name, layer_table[k]->name);
            missing++;
        }
    }
    return missing;
}

static bool asks(const char *text, const char *word)
{
    for (const char *line = strstr(text, "# check:"); line; line = strstr(line + 1, "# check:")) {
        const char *found = strstr(line, word), *end = strchr(line, '\n');
        if (found && (!end || found < end))
            return true;
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    bool must_cover = true;
    int failed = 0, alone = 0, first = 1;
    Arena *arena = arena_new();

    if (argc > 1 && strcmp(argv[1], "--uncovered") == 0) {
        must_cover = false;
        first = 2;
    }
    for (int i = first; i < argc; i++) {
        Case c = { .name = base_name(argv[i]), .text = text_of_file(arena, argv[i]) };
        if (!c.text) {
            failed++;
            continue;
        }
        c.whole = asks(c.text, "whole");
        c.differences = !c.whole && !asks(c.text, "nodifferences");
        check(&c);
        printf("%-4s %-28s ", c.failures ? "FAIL" : "ok", c.name);
        if (c.unknown)
            printf("no reference for '%s'", c.unknown);
        else
            printf("%.1e from the reference", c.apart);
        alone += c.unknown != NULL;
        if (c.differences)
            printf("; %ld differences, the worst at %.2f of its tolerance", c.quotients, c.worst);
        printf("\n");
        fflush(stdout);
        failed += c.failures > 0;
    }
    int missing = uncovered(coverage(argc - first, argv + first, arena));
    printf("layers: %d networks, %d failed, %d without a reference, %d layers or arguments without a network\n", argc - first, failed,
           alone, missing);
    arena_free(arena);
    return argc == first || failed || (must_cover && missing);
}
