/* netjson.c: networks with numbers and answers as JSON, for compare.py.
 *
 *   netjson [--seed=N] [--count=N] [--whole] [FILE.cnn...]
 *
 * One line a network: its sites with all arguments, the params, an input and a target, the masks of dropout, and what the evaluator
 * makes of them in training and outside: y, the losses, every gradient, the new running statistics. */
#include "../random/generate.h"
#include "loops/evaluate.h"
#include "net/layer.h"
#include "reference.h"
#include "support/network.h"
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4, WORK = 4000 };

static const uint32_t draw[4] = { 3, 1, 4, 0 };

static void numbers(const char *name, const double *at, int64_t count)
{
    printf("\"%s\": [", name);
    for (int64_t i = 0; i < count; i++)
        printf("%s%.17g", i ? ", " : "", at[i]);
    printf("]");
}

static void whole_numbers(const char *name, const int64_t *at, int count)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < count; i++)
        printf("%s%lld", i ? ", " : "", (long long)at[i]);
    printf("]");
}

/* The word that an ARG_CHOICE chose. */
static void word(const ArgSpec *spec, const ArgValue *value)
{
    const char *at = spec->words;

    for (int i = 0; i < value->word; i++)
        at = strchr(at, ' ') + 1;
    printf("\"word\": \"%.*s\"", (int)strcspn(at, " "), at);
}

static void site(const Reference *r, const Site *s)
{
    printf("{\"kind\": \"%s\", \"name\": \"%s\", \"in\": [", s->kind->name, s->name);
    for (int i = 0; i < s->in_count; i++)
        printf("%s%d", i ? ", " : "", s->in[i]->from ? 1 + s->in[i]->from->number : 0);
    printf("], \"args\": {");
    for (int i = 0; i < s->kind->arg_count; i++) {
        const ArgSpec *spec = &s->kind->args[i];
        const ArgValue *value = &s->args[i];
        printf("%s\"%s\": {\"given\": %s, \"real\": %.17g, \"flag\": %s, ", i ? ", " : "", spec->name, value->given ? "true" : "false",
               value->real, value->word ? "true" : "false");
        whole_numbers("number", value->number, 4);
        if (spec->kind == ARG_CHOICE) {
            printf(", ");
            word(spec, value);
        }
        printf("}");
    }
    printf("}, \"params\": {");
    for (int i = 0; i < s->params.count; i++)
        printf("%s\"%s\": \"%s\"", i ? ", " : "", s->params.at[i]->role, s->params.at[i]->name);
    printf("}");
    if (s->y) {
        printf(", ");
        whole_numbers("shape", s->y->shape.dim, s->y->shape.rank);
    }
    if (strcmp(s->kind->name, "dropout") == 0) {
        int64_t count = shape_count(s->y->shape);
        printf(", \"uniform\": [");
        for (int64_t i = 0; i < r->batch * count; i++)
            printf("%s%.17g", i ? ", " : "", reference_uniform(draw, (uint32_t)(i / count), (uint32_t)s->number, (uint32_t)(i % count)));
        printf("]");
    }
    printf("}");
}

static const Tensor *tensor_of(const Program *p, Role role, const char *param)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (!p->tensors.at[i]->view_of && p->tensors.at[i]->role == role && strcmp(p->tensors.at[i]->param->name, param) == 0)
            return p->tensors.at[i];
    return NULL;
}

static void answer(Unit *u, const Program *p, const Reference *r)
{
    Evaluation *e = evaluation_new(u, p, r->batch);
    int64_t outputs = r->batch * shape_count(r->net->y->shape);

    memcpy(evaluation_tensor(e, p->x), r->values[0].at, (size_t)r->values[0].count * sizeof(double));
    memcpy(evaluation_tensor(e, p->target), r->target, (size_t)outputs * sizeof(double));
    for (int i = 0; i < r->net->params.count; i++) {
        const Param *param = r->net->params.at[i];
        const Tensor *t = tensor_of(p, param->trained ? ROLE_PARAM : ROLE_STATE, param->name);
        if (t)
            memcpy(evaluation_tensor(e, t), r->params[i].at, (size_t)r->params[i].count * sizeof(double));
    }
    evaluation_clear(e);
    evaluation_run(e, p->phases.count, draw);
    printf("{");
    numbers("y", evaluation_tensor(e, p->y), outputs);
    printf(", ");
    numbers("loss", evaluation_tensor(e, p->loss), r->batch);
    if (p->dx) {
        printf(", ");
        numbers("dx", evaluation_tensor(e, p->dx), r->values[0].count);
    }
    printf(", \"params\": {");
    for (int i = 0, some = 0; i < r->net->params.count; i++) {
        const Param *param = r->net->params.at[i];
        const Tensor *t = tensor_of(p, param->trained ? ROLE_GRADIENT : ROLE_STATE, param->name);
        if (!t)
            continue;
        printf("%s", some++ ? ", " : "");
        numbers(param->name, evaluation_tensor(e, t), r->params[i].count);
    }
    printf("}}");
}

/* False if the network cannot be used; the reason is on stderr. */
static bool network(const char *name, const char *text, uint64_t seed, bool whole)
{
    Unit *u = network_from(name, text, (NetworkOptions){ .tile = BATCH });
    Dice d = dice_new(seed);
    bool printed = false;

    if (!u)
        return false;
    Reference *r = reference_new(u->arena, u->net, BATCH);
    /* In double a network may come close to a kink; only a step over it by rounding is to be kept out. */
    int again = whole ? trial_draw_exact(r, &d, draw, 50, 20) : trial_draw_clear(r, &d, draw, 1e-7, 50);
    if (again >= 0) {
        printf("{\"name\": \"%s\", \"seed\": %llu, \"batch\": %d, \"straight_through\": %s, ", name, (unsigned long long)seed, BATCH,
               u->net->recipe.straight_through ? "true" : "false");
        whole_numbers("input", u->net->x->shape.dim, u->net->x->shape.rank);
        printf(", \"result\": %d, \"sites\": [", u->net->y->from ? 1 + u->net->y->from->number : 0);
        for (int i = 0; i < u->net->sites.count; i++) {
            printf("%s", i ? ", " : "");
            site(r, u->net->sites.at[i]);
        }
        printf("], \"loss\": ");
        site(r, u->net->loss);
        printf(", \"params\": {");
        for (int i = 0; i < u->net->params.count; i++) {
            const Param *p = u->net->params.at[i];
            printf("%s\"%s\": {\"trained\": %s, ", i ? ", " : "", p->name, p->trained ? "true" : "false");
            whole_numbers("shape", p->shape.dim, p->shape.rank);
            printf(", ");
            numbers("at", r->params[i].at, r->params[i].count);
            printf("}");
        }
        printf("}, ");
        numbers("x", r->values[0].at, r->values[0].count);
        printf(", ");
        numbers("target", r->target, r->batch * shape_count(u->net->y->shape));
        printf(", \"train\": ");
        answer(u, u->train, r);
        printf(", \"eval\": ");
        answer(u, u->eval, r);
        printf("}\n");
        printed = true;
    } else {
        fprintf(stderr, "%s: no numbers were found away from the kinks\n", name);
    }
    unit_free(u);
    return printed;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    long count = 0;
    bool whole = false, fine = true;
    int first = 1;
    Arena *arena = arena_new();

    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strncmp(argv[first], "--seed=", 7) == 0)
            seed = strtoull(argv[first] + 7, NULL, 10);
        else if (strncmp(argv[first], "--count=", 8) == 0)
            count = strtol(argv[first] + 8, NULL, 10);
        else if (strcmp(argv[first], "--whole") == 0)
            whole = true;
    }
    for (int i = first; i < argc; i++) {
        const char *text = text_of_file(arena, argv[i]);
        fine = text && network(argv[i], text, 1, strstr(text, "# check: whole") != NULL) && fine;
    }
    for (long i = 0; i < count; i++)
        network(arena_print(arena, "net%llu", (unsigned long long)seed + (unsigned long long)i),
                random_network(arena, seed + (uint64_t)i, whole ? FAMILY_WHOLE : FAMILY_REAL, WORK), seed + (uint64_t)i, whole);
    arena_free(arena);
    return !fine;
}
