/* c_model.c: the descriptor that the runtime reads (cnn/model.h), and the functions that unpack its jobs. */
#include "emit/c.h"
#include "net/recipe.h"

#include <inttypes.h>
#include <string.h>

static const char *init_name(ParamInit init)
{
    switch (init) {
    case INIT_ZEROS:          return "CNN_INIT_ZEROS";
    case INIT_ONES:           return "CNN_INIT_ONES";
    case INIT_GLOROT:         return "CNN_INIT_GLOROT";
    case INIT_HE:             return "CNN_INIT_HE";
    case INIT_LECUN:          return "CNN_INIT_LECUN";
    case INIT_DATA_MEAN:      return "CNN_INIT_DATA_MEAN";
    case INIT_DATA_DEVIATION: return "CNN_INIT_DATA_DEVIATION";
    }
    return NULL;
}

/* ---- jobs */

static const char *job_name(CFile *f, const Step *step)
{
    if (step->same)
        return job_name(f, step->same);
    void **known = map_at(f->places, &step, sizeof step);

    if (!*known)
        *known = (void *)names_unique(f->names, arena_print(f->u->arena, "run_%s", step->name));
    return *known;
}

static void put_job(CFile *f, const Step *step)
{
    const char *arguments[USE_COUNT];
    int count = step_arguments(f, step->program, step->uses, true, arguments);

    text_blank(f->t);
    text_line(f->t, "static void %s(const cnn_job *job)", job_name(f, step));
    text_open(f->t, "{");
    put_list(f->t, arena_print(f->u->arena, "%s%s(", c_step_prefix(f, step), step->name), arguments, count, ");");
    text_close(f->t, "}");
}

/* ---- tables */

static int put_tensors(CFile *f, const char *table, bool trained)
{
    const Net *net = f->u->net;
    int64_t offset = 0;
    int count = 0;

    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        if (p->trained != trained)
            continue;
        if (count++ == 0) {
            text_blank(f->t);
            text_open(f->t, "static const cnn_tensor %s[] = {", table);
        }
        text_indent(f->t);
        text_put(f->t, "{ ");
        put_string(f->t, p->name);
        text_put(f->t, ", %d, { ", p->shape.rank);
        for (int axis = 0; axis < p->shape.rank; axis++)
            text_put(f->t, "%s%" PRId64, axis ? ", " : "", p->shape.dim[axis]);
        text_put(f->t, "%s }, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %s },\n", p->shape.rank ? "" : "0", offset,
                 shape_count(p->shape), p->fan_in, p->fan_out, init_name(p->init));
        offset += shape_count(p->shape);
    }
    if (count)
        text_close(f->t, "};");
    return count;
}

/* The tables of a program's phases. Returns the name of the table of phases. */
static const char *put_phases(CFile *f, const Program *p)
{
    Arena *arena = f->u->arena;
    const char *table = names_unique(f->names, arena_print(arena, "%s_phases", p->name));
    const char **sums = arena_array(arena, (size_t)f->steps.count + 1, sizeof *sums);

    for (int i = 0, number = 1; i < f->steps.count; i++) {
        const Step *s = f->steps.at[i];
        if (s->program != p || (number++, s->phase->sums.count == 0))
            continue;
        sums[i] = names_unique(f->names, arena_print(arena, "%s_sums_%d", p->name, number - 1));
        text_blank(f->t);
        text_open(f->t, "static const cnn_sum %s[] = {", sums[i]);
        for (int j = 0; j < s->phase->sums.count; j++) {
            const PhaseSum *sum = &s->phase->sums.at[j];
            text_line(f->t, "{ %" PRId64 ", %" PRId64 ", %" PRId64 " },    /* %s */", sum->partial->offset, tensor_stated(sum->total),
                      sum->total->offset, names_comment(arena, sum->total->name));
        }
        text_close(f->t, "};");
    }
    text_blank(f->t);
    text_open(f->t, "static const cnn_phase %s[] = {", table);
    for (int i = 0; i < f->steps.count; i++) {
        const Step *s = f->steps.at[i];
        if (s->program == p)
            text_line(f->t, "{ \"%s\", %d, %s, %s, %d },", s->name, s->phase->once, job_name(f, s), sums[i] ? sums[i] : "NULL",
                      s->phase->sums.count);
    }
    text_close(f->t, "};");
    return table;
}

static const char *double_text(CFile *f, double number)
{
    return c_number(f->u->arena, number, REAL_DOUBLE);
}

static bool put_settings(CFile *f, const char *table)
{
    const Recipe *recipe = &f->u->net->recipe;
    Arena *arena = f->u->arena;
    const char **arguments = arena_array(arena, (size_t)recipe->settings.count + 1, sizeof *arguments);
    int *counts = arena_array(arena, (size_t)recipe->settings.count + 1, sizeof *counts);

    if (recipe->settings.count == 0)
        return false;
    for (int i = 0; i < recipe->settings.count; i++) {
        const Setting *s = &recipe->settings.at[i];
        const RecipeRow *row = recipe_rows(f->u, s, &counts[i]);
        if (counts[i] == 0)
            continue;
        arguments[i] = names_unique(f->names, arena_print(arena, "setting_%s", s->name));
        text_blank(f->t);
        text_open(f->t, "static const cnn_argument %s[] = {", arguments[i]);
        for (int j = 0; j < counts[i]; j++) {
            text_indent(f->t);
            text_put(f->t, "{ ");
            put_string(f->t, row[j].name);
            text_put(f->t, ", %s, ", double_text(f, row[j].number));
            if (row[j].text)
                put_string(f->t, row[j].text);
            else
                text_put(f->t, "NULL");
            text_put(f->t, " },\n");
        }
        text_close(f->t, "};");
    }
    text_blank(f->t);
    text_open(f->t, "static const cnn_setting %s[] = {", table);
    for (int i = 0; i < recipe->settings.count; i++) {
        const Setting *s = &recipe->settings.at[i];
        text_indent(f->t);
        text_put(f->t, "{ ");
        put_string(f->t, s->name);
        text_put(f->t, ", ");
        if (s->word)
            put_string(f->t, s->word);
        else
            text_put(f->t, "NULL");
        text_put(f->t, ", %s, %d },\n", arguments[i] ? arguments[i] : "NULL", counts[i]);
    }
    text_close(f->t, "};");
    return true;
}

static bool put_rows(CFile *f, const char *table)
{
    const Recipe *recipe = &f->u->net->recipe;

    if (recipe->rows.count == 0)
        return false;
    text_blank(f->t);
    text_open(f->t, "static const double %s[] = {", table);
    for (int i = 0; i < recipe->rows.count; i++) {
        const Row *row = &recipe->rows.at[i];
        Text *line = text_new(f->u->arena);
        for (int64_t j = 0; j < recipe->row_inputs + recipe->row_targets; j++)
            text_put(line, "%s%s", j == 0 ? "" : j == recipe->row_inputs ? ",  " : ", ",
                     double_text(f, j < recipe->row_inputs ? row->inputs[j] : row->targets[j - recipe->row_inputs]));
        text_line(f->t, "%s,", line->at);
    }
    text_close(f->t, "};");
    return true;
}

/* ---- the descriptor */

/* How many phases there are, or of those that make no gradient of the input. */
static int phases_of(const CFile *f, const Program *p, bool all)
{
    int count = 0;

    for (int i = 0; i < f->steps.count; i++)
        count += f->steps.at[i]->program == p && (all || !f->steps.at[i]->for_input);
    return count;
}

static void put_program(CFile *f, const char *field, const Program *p, const char *phases)
{
    if (phases)
        text_line(f->t, ".%s = { %s, %d, %" PRId64 ", %" PRId64 ", %d },", field, phases, phases_of(f, p, true), c_scratch(f, p), c_shared(f, p),
                  c_keeps(f, p));
}

static const char *map_place(CFile *f, int64_t place)
{
    return place == MAP_SAME ? "CNN_MAP_SAME" : place == MAP_RESULT ? "CNN_MAP_RESULT" : place == MAP_INPUT ? "CNN_MAP_INPUT"
         : arena_print(f->u->arena, "%" PRId64, place);
}

/* The program that keeps its maps, and what they are. */
static void put_look(CFile *f, const Program *p, const char *phases)
{
    const MapRow *rows = map_rows(f->u, p);

    text_blank(f->t);
    text_open(f->t, "static const cnn_map maps[] = {");
    for (int i = 0; i < p->maps.count; i++) {
        text_indent(f->t);
        text_put(f->t, "{ ");
        put_string(f->t, rows[i].name);
        text_put(f->t, ", ");
        put_string(f->t, rows[i].written);
        text_put(f->t, ", %d, { ", rows[i].shape.rank);
        for (int axis = 0; axis < rows[i].shape.rank; axis++)
            text_put(f->t, "%s%" PRId64, axis ? ", " : "", rows[i].shape.dim[axis]);
        text_put(f->t, " }, %s, ", map_place(f, rows[i].values));
        text_put(f->t, "%s, %d },\n", map_place(f, rows[i].gradient), rows[i].kernels);
    }
    text_close(f->t, "};");
    text_blank(f->t);
    text_open(f->t, "static const cnn_look look_at = {");
    put_program(f, "program", p, phases);
    text_line(f->t, ".forward_phases = %d, .probabilities = %d,", p->grad_phase, ends_in_probabilities(f->u->net));
    text_line(f->t, ".map_count = %d, .maps = maps,", p->maps.count);
    text_close(f->t, "};");
}

static void put_descriptor(CFile *f, const char *const phases[], bool settings, bool rows, int weights, int state)
{
    const Net *net = f->u->net;

    text_blank(f->t);
    text_line(f->t, "extern const cnn_model %s_model;", f->net);
    text_open(f->t, "const cnn_model %s_model = {", f->net);
    text_line(f->t, ".abi = CNN_ABI,");
    text_line(f->t, ".real_bytes = sizeof(%s),", f->real);
    text_indent(f->t);
    text_put(f->t, ".name = ");
    put_string(f->t, net->name);
    text_put(f->t, ",\n");
    text_indent(f->t);
    text_put(f->t, ".source = ");
    put_string(f->t, f->source);
    text_put(f->t, ",\n");
    text_line(f->t, ".tile = %s,", size_macro(f, "TILE"));
    text_indent(f->t);
    text_put(f->t, ".input_rank = %d, .input_dim = { ", net->input.rank);
    for (int i = 0; i < net->input.rank; i++)
        text_put(f->t, "%s%" PRId64, i ? ", " : "", net->input.dim[i]);
    text_put(f->t, " },\n");
    text_line(f->t, ".inputs = %s, .outputs = %s,", size_macro(f, "INPUTS"), size_macro(f, "OUTPUTS"));
    if (weights)
        text_line(f->t, ".weights = weight_tensors, .weight_tensors = %d, .weight_count = %s,", weights, size_macro(f, "WEIGHTS"));
    if (state)
        text_line(f->t, ".state = state_tensors, .state_tensors = %d, .state_count = %s,", state, size_macro(f, "STATE"));
    for (int i = 0; i < f->programs.count; i++) {
        static const char *const field[] = { [MODE_TRAIN] = "train", [MODE_INFER] = "infer", [MODE_EVAL] = "eval_grad" };
        const Program *p = f->programs.at[i];
        if (p->mode == MODE_LOOK)
            continue;
        put_program(f, field[p->mode], p, phases[i]);
        if (p->mode == MODE_TRAIN)
            text_line(f->t, ".train_phases = %d,", phases_of(f, p, false));
    }
    if (settings)
        text_line(f->t, ".settings = settings, .setting_count = %d,", net->recipe.settings.count);
    if (rows)
        text_line(f->t, ".rows = rows, .row_count = %d, .row_inputs = %" PRId64 ", .row_targets = %" PRId64 ",",
                  net->recipe.rows.count, net->recipe.row_inputs, net->recipe.row_targets);
    if (f->u->look)
        text_line(f->t, ".look = &look_at,");
    text_close(f->t, "};");
}

static void put_size_check(CFile *f, const char *type, const char *macro)
{
    text_line(f->t, "_Static_assert(sizeof(%s_%s) == sizeof(%s) * (size_t)%s, \"one number behind the other\");", f->net, type,
              f->real, size_macro(f, macro));
}

void c_model(CFile *f)
{
    const char *phases[countof(f->programs.at)] = { NULL };

    text_blank(f->t);
    text_line(f->t, "/* ---- for the runtime: its contract, and this network in its words ---- */");
    text_blank(f->t);
    text_put(f->t, "%s", contract_text);
    c_update(f);
    text_blank(f->t);
    if (f->uses_weights)
        put_size_check(f, "weights", "WEIGHTS");
    if (f->uses_state)
        put_size_check(f, "state", "STATE");
    for (int i = 0; i < f->steps.count; i++)
        if (!f->steps.at[i]->same)
            put_job(f, f->steps.at[i]);
    int weights = f->uses_weights ? put_tensors(f, "weight_tensors", true) : 0;
    int state = f->uses_state ? put_tensors(f, "state_tensors", false) : 0;
    for (int i = 0; i < f->programs.count; i++)
        if (phases_of(f, f->programs.at[i], true))
            phases[i] = put_phases(f, f->programs.at[i]);
    bool settings = put_settings(f, "settings"), rows = put_rows(f, "rows");
    if (f->u->look)
        put_look(f, f->u->look, phases[f->programs.count - 1]);
    put_descriptor(f, phases, settings, rows, weights, state);
}
