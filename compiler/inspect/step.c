/* step.c: cnnc step: one picture on its way through the network: what every layer makes of it, what the network says, and with --backward how the
 * loss would change with each pixel and each layer's numbers. The evaluator runs the loops themselves, in double; the drawing is the
 * runtime's, which does the same for compiled networks. */
#include "inspect/inspect.h"

#include "emit/emit.h"
#include "loops/evaluate.h"
#include "net/layer.h"

#include <cnn/walk.h>
#include <stdlib.h>
#include <string.h>

static const double most_statements = 5e9;      /* a minute */

static bool is_there(const Program *p, const Tensor *t)
{
    for (int i = 0; t && i < p->tensors.count; i++)
        if (p->tensors.at[i] == t)
            return true;
    return false;
}

static void give(Evaluation *e, const Program *p, const double *image)
{
    const Net *net = p->net;

    memcpy(evaluation_tensor(e, p->x), image, (size_t)shape_count(net->input) * sizeof *image);
    for (int i = 0; i < net->params.count; i++) {
        Tensor *t = p->of_param[i];
        if (is_there(p, t))
            memcpy(evaluation_tensor(e, t), net->params.at[i]->values, (size_t)shape_count(net->params.at[i]->shape) * sizeof *image);
    }
}

static void run_phases(Evaluation *e, int phases)
{
    static const uint32_t draw[4] = { 1, 0, 0, 0 };

    evaluation_clear(e);
    evaluation_run(e, phases, draw);
}

/* What the classes are called; NULL for one that has a number. */
static const char *const *labels_of(Unit *u, int64_t outputs)
{
    const Recipe *recipe = &u->net->recipe;
    const Setting *own = recipe_setting(recipe, "labels"), *source = recipe_setting(recipe, "source");
    const char **labels = arena_array(u->arena, (size_t)outputs + 1, sizeof *labels);

    if (!own || own->arg_count == 0 || !own->args[0].texts)
        return cnn_data_labels(source ? source->word : NULL, (size_t)outputs);
    for (int64_t i = 0; i < outputs && i < own->args[0].count; i++)
        labels[i] = own->args[0].texts[i];
    return labels;
}

static const double *kernels_of(const Net *net, int number, cnn_walk_map *to)
{
    for (int i = 0, trained = 0; number >= 0 && i < net->params.count; trained += net->params.at[i++]->trained) {
        const Param *p = net->params.at[i];
        if (!p->trained || trained != number)
            continue;
        for (int axis = 0; axis < 4; axis++)
            to->kernel[axis] = p->shape.dim[axis];
        return p->values;
    }
    return NULL;
}

/* The maps as the evaluator left them. */
static cnn_walk_map *maps_of(Unit *u, Evaluation *e, bool backward)
{
    const Program *p = u->look;
    const MapRow *rows = map_rows(u, p);
    cnn_walk_map *maps = arena_array(u->arena, (size_t)p->maps.count + 1, sizeof *maps);

    for (int i = 0; i < p->maps.count; i++) {
        const ProgramMap *m = &p->maps.at[i];
        maps[i] = (cnn_walk_map){ .name = rows[i].name, .written = rows[i].written, .rank = m->shape.rank };
        for (int axis = 0; axis < m->shape.rank; axis++)
            maps[i].dim[axis] = m->shape.dim[axis];
        if (rows[i].values != MAP_SAME)
            maps[i].values = evaluation_tensor(e, m->y);
        if (backward && rows[i].gradient != MAP_SAME)
            maps[i].gradient = evaluation_tensor(e, m->site ? m->y->gradient : p->dx);
        maps[i].kernels = kernels_of(p->net, rows[i].kernels, &maps[i]);
    }
    return maps;
}

/* The evaluator runs some 10^8 statements a second. */
static bool takes_not_too_long(Unit *u, int phases)
{
    double statements = 0;

    for (int i = 0; i < phases; i++)
        for (int j = u->look->phases.at[i].first; j < u->look->phases.at[i].end; j++)
            statements += (double)nest_work(u->look->nests.at[j]);
    if (statements <= most_statements)
        return true;
    error_at(u, u->net->span, "network '%s' needs %.2g statements for a picture; a step of more than %.0g is not supported yet", u->net->name, statements,
             most_statements);
    help(u, "'cnnc --main' makes a program that shows the same at once: ./net step");
    return false;
}

static bool can(Unit *u, bool backward)
{
    int64_t outputs = shape_count(u->net->y->shape);

    if (backward && (u->options.infer || !u->net->loss)) {
        error_at(u, u->net->span, "--backward goes back from a loss, and network '%s' is compiled without one", u->net->name);
        help(u, "a train block with 'loss crossentropy' says how wrong an answer is");
        return false;
    }
    if (u->options.target >= outputs) {
        error_at(u, u->net->span, "--class %lld is none of the %lld classes of network '%s', which are counted from 0", (long long)u->options.target,
                 (long long)outputs, u->net->name);
        return false;
    }
    return takes_not_too_long(u, backward ? u->look->phases.count : u->look->grad_phase);
}

/* What the runtime prints, as a text. */
static void print_walk(const cnn_walk *walk, cnn_walk_paper paper, Text *t)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&bytes, &length);

    if (!to)
        arena_out_of_memory();
    cnn_walk_print(walk, paper, to);
    if (fclose(to) != 0)
        arena_out_of_memory();
    text_bytes(t, bytes, length);
    free(bytes);
}

static bool run(const Subject *s, Text *t)
{
    Unit *u = s->u;
    const Program *p = u->look;
    bool backward = u->options.backward;

    if (!can(u, backward))
        return false;
    int64_t outputs = shape_count(u->net->y->shape);
    Evaluation *e = evaluation_new(u, p, 1);
    give(e, p, s->image);
    run_phases(e, p->grad_phase);
    const double *y = evaluation_tensor(e, p->y);
    cnn_walk walk = {
        .network = u->net->name, .map_count = p->maps.count, .y = y, .outputs = outputs, .probabilities = ends_in_probabilities(u->net),
        .labels = labels_of(u, outputs), .backward = backward,
    };
    if (backward) {
        walk.target = u->options.target >= 0 ? u->options.target : cnn_walk_best(y, outputs);
        evaluation_tensor(e, p->target)[walk.target] = 1;
        run_phases(e, p->phases.count);
        walk.loss = evaluation_tensor(e, p->loss)[0];
    }
    walk.maps = maps_of(u, e, backward);
    print_walk(&walk, (cnn_walk_paper){ s->colour, s->columns, u->options.all }, t);
    return true;
}

const Inspection inspection_step = {
    .name = "step", .takes = "net.cnn",
    .summary = "one picture through the network, in the terminal: --weights FILE --image FILE, --backward",
    .needs_image = true, .run = run,
};
