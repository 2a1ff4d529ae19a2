/* c_plan.c: what is decided before the first line of C is printed: names, functions, and which function a phase becomes. */
#include "emit/c.h"

#include "loops/machine.h"

#include <ctype.h>
#include <string.h>

/* Names that the emitter itself uses at file scope or inside steps. */
static const char *const own_names[] = {
    "w", "state", "x", "target", "share", "images", "keep", "dw", "dx", "y", "loss", "scratch", "shared", "draw", "update", "updated", "job", "uniform", "larger",
    "smaller", "machine", "this_machine", "NEST", "MACHINE", "FRESH", "HELD", "USED", "ROLLED", "UNROLLED", "CNN_MACHINE", "sum", "largest", "smallest", "first", "value", "image", "result", "pixels", "weight_tensors",
    "state_tensors", "maps", "look_at", "settings", "rows", "argc", "argv", "bits_of", "number_of", "exp_lane", "tanh_lane", "erf_lane", "log1p_lane",
    "exp_less", "log_of", "same_exp", "same_tanh",
    "same_log", "same_log1p", "same_erf"
};

/* What vectors need at file scope, with the number of their lanes behind it. */
static const char *const vector_names[] = {
    "lanes", "masks", "bits", "sum_of_lanes", "sums_of_lanes", "turn_lanes", "exp_lanes", "tanh_lanes", "erf_lanes", "log1p_lanes", "sqrt_lanes", "CHOOSE", "ALL", "LARGER", "SMALLER", "EXP", "TANH", "ERF", "LOG1P", "SQRT", "ABS"
};

/* Names that the file makes of the network's. */
static const char *const endings[] = { "_weights", "_state", "_model", "_train", "_infer", "_eval", "_predict", "_predict_u8" };
static const char *const sizes[] = {
    "TILE", "INPUTS", "OUTPUTS", "WEIGHTS", "STATE", "SCRATCH_TRAIN", "SCRATCH_INFER", "SCRATCH_EVAL", "SHARED_TRAIN", "SHARED_INFER",
    "SHARED_EVAL", "NETWORK_H"
};

static const char *upper(Arena *arena, const char *name)
{
    char *text = arena_copy(arena, name, strlen(name));
    for (char *c = text; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return text;
}

const char *size_macro(const CFile *f, const char *what)
{
    return arena_print(f->u->arena, "%s_%s", f->macro, what);
}

const char *program_macro(const CFile *f, const char *what, const Program *p)
{
    return arena_print(f->u->arena, "%s_%s_%s", f->macro, what, upper(f->u->arena, p->name));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void name_symbol(void *context, const Expr *load)
{
    CFile *f = context;
    names_reserve(f->names, load->tensor->symbol);
}

/* Loops and tensors are local names of the functions of nests: nothing at file scope may be hidden by them. */
static void reserve_local_names(CFile *f, const Programs *programs)
{
    for (int i = 0; i < programs->count; i++)
        for (int j = 0; j < programs->at[i]->nests.count; j++) {
            const Nest *n = programs->at[i]->nests.at[j];
            for (int k = 0; k < n->loop_count; k++)
                names_reserve(f->names, n->loops[k]->name);
            for (int k = 0; k < n->symbols.count; k++)
                names_reserve(f->names, n->symbols.at[k].text);
            names_reserve(f->names, n->dst->symbol);
            nest_loads(n, name_symbol, f);
        }
}

static void name_network(CFile *f, const Programs *programs, int count)
{
    Arena *arena = f->u->arena;

    for (int i = 0; i < countof(own_names); i++)
        names_reserve(f->names, own_names[i]);
    for (int lanes = 1; lanes <= 16; lanes *= 2) {
        for (int i = 0; i < countof(vector_names); i++)
            names_reserve(f->names, arena_print(arena, "%s%d", vector_names[i], lanes));
        names_reserve(f->names, arena_print(arena, "lanes%d_at", lanes));
    }
    for (int i = 0; i < count; i++)
        reserve_local_names(f, &programs[i]);
    f->net = names_legal(f->names, f->u->net->name);
    f->macro = upper(arena, f->net);
    for (int i = 0; i < countof(endings); i++)
        names_reserve(f->names, arena_print(arena, "%s%s", f->net, endings[i]));
    for (int i = 0; i < countof(sizes); i++)
        names_reserve(f->names, size_macro(f, sizes[i]));
}

/* ---- steps */

typedef struct Using {
    CFile *f;
    Step *step;
} Using;

static Use use_of(Role role)
{
    switch (role) {
    case ROLE_INPUT:          return USE_X;
    case ROLE_TARGET:         return USE_TARGET;
    case ROLE_SHARE:          return USE_SHARE;
    case ROLE_IMAGES:         return USE_IMAGES;
    case ROLE_KEEP:           return USE_KEEP;
    case ROLE_PARAM:          return USE_WEIGHTS;
    case ROLE_STATE:          return USE_STATE;
    case ROLE_GRADIENT:       return USE_GRADIENT;
    case ROLE_INPUT_GRADIENT: return USE_DX;
    case ROLE_OUTPUT:         return USE_Y;
    case ROLE_LOSS:           return USE_LOSS;
    case ROLE_SCRATCH:        return USE_SCRATCH;
    case ROLE_SHARED:         return USE_SHARED;
    case ROLE_CONSTANT:       break;
    }
    return USE_COUNT;
}

static void use_tensor(CFile *f, Step *step, const Tensor *t)
{
    const Tensor *base = tensor_base((Tensor *)t);
    Use use = use_of(base->role);

    if (use != USE_COUNT) {
        step->uses[use] = true;
        return;
    }
    if (base->written_out)
        return;
    for (int i = 0; i < f->constants.count; i++)
        if (strcmp(f->constants.at[i]->name, base->name) == 0)
            return;
    LIST_ADD(f->u->arena, &f->constants, base);
}

static void use_load(void *context, const Expr *load)
{
    Using *using = context;
    use_tensor(using->f, using->step, load->tensor);
}

static bool draws(const Expr *e)
{
    return e && (e->op == OP_RANDOM || draws(e->a) || draws(e->b) || draws(e->c) || draws(e->d));
}

static Step *new_step(CFile *f, const Program *p, const Phase *phase)
{
    Step *step = ARENA_NEW(f->u->arena, Step);
    Using using = { f, step };

    step->program = p;
    step->phase = phase;
    for (int i = phase->first; i < phase->end; i++) {
        const Nest *n = p->nests.at[i];
        use_tensor(f, step, n->dst);
        nest_loads(n, use_load, &using);
        step->writes_state = step->writes_state || tensor_base(n->dst)->role == ROLE_STATE;
        step->uses[USE_UPDATE] = step->uses[USE_UPDATE] || n->updates;
        step->uses[USE_DRAW] = step->uses[USE_DRAW] || draws(n->value) || draws(n->start) || draws(n->finish);
    }
    return step;
}

bool program_has_sums(const Program *p)
{
    for (int i = 0; i < p->phases.count; i++)
        if (p->phases.at[i].sums.count)
            return true;
    return false;
}

/* Phases that a caller of the header needs: those of a training step without those for the input's gradient; none where
 * the runtime has to add up tiles between them. */
static int entry_phases(const Program *p)
{
    if (program_has_sums(p) || p->mode == MODE_EVAL || p->mode == MODE_LOOK)
        return 0;
    return p->mode == MODE_TRAIN ? p->grad_phase : p->phases.count;
}

/* Phases that come before those for the gradient of the input; the program for looking goes backward for nothing else. */
static int own_phases(const Program *p)
{
    return p->mode == MODE_TRAIN || p->mode == MODE_LOOK ? p->grad_phase : p->phases.count;
}

/* Of phase `phase` of a program of which the first `own` are not for the gradient of the input. */
static const char *phase_name(CFile *f, const Program *p, int phase, int own)
{
    const char *rest = p->mode == MODE_LOOK ? "back" : "input";

    if (phase >= own)
        return arena_print(f->u->arena, phase == own ? "%s_%s" : "%s_%s_%d", p->name, rest, phase - own + 1);
    return own == 1 ? p->name : arena_print(f->u->arena, "%s_%d", p->name, phase + 1);
}

/* The functions of the phases of a program. */
static void plan_steps(CFile *f, const Program *p)
{
    Arena *arena = f->u->arena;

    for (int i = 0; i < p->phases.count; i++) {
        Step *step = new_step(f, p, &p->phases.at[i]);
        step->is_public = !f->suffix[0] && entry_phases(p) == 1 && i == 0 && !step->uses[USE_UPDATE];
        step->for_input = p->mode == MODE_TRAIN && i >= p->grad_phase;
        step->name = step->is_public ? arena_print(arena, "%s_%s", f->net, p->name)
                                     : names_unique(f->names, arena_print(arena, "%s%s", phase_name(f, p, i, own_phases(p)), f->suffix));
        LIST_ADD(arena, &f->steps, step);
    }
}

static void plan_entry(CFile *f, const Program *p)
{
    Arena *arena = f->u->arena;
    int first = 0, own = 0;

    if (entry_phases(p) == 0)
        return;
    while (first < f->steps.count && f->steps.at[first]->program != p)
        first++;
    for (int i = first; i < f->steps.count && f->steps.at[i]->program == p && !f->steps.at[i]->for_input; i++)
        own++;
    Entry entry = { .program = p, .name = arena_print(arena, "%s_%s", f->net, p->name), .step_count = own };
    Step **steps = arena_array(arena, (size_t)own, sizeof *steps);
    entry.steps = steps;
    for (int i = 0; i < own; i++) {
        steps[i] = f->steps.at[first + i];
        for (int use = 0; use < USE_COUNT; use++)
            entry.uses[use] = use != USE_UPDATE && (entry.uses[use] || steps[i]->uses[use]);
        entry.writes_state = entry.writes_state || steps[i]->writes_state;
    }
    LIST_ADD(arena, &f->entries, entry);
}

static CFile *new_file(Unit *u, Text *t, const Programs *programs, int count)
{
    CFile *f = ARENA_NEW(u->arena, CFile);
    const Net *net = u->net;

    f->u = u;
    f->t = t;
    f->suffix = "";
    f->lanes = arena_print(u->arena, "lanes%d", machine_lanes(u->options.machine, u->options.real));
    f->names = names_new(u->arena);
    f->places = map_new(u->arena);
    f->told = map_new(u->arena);
    f->members = names_new(u->arena);
    f->real = u->options.real == REAL_DOUBLE ? "double" : "float";
    f->source = names_comment(u->arena, base_name(source_name(u, net->span.source)));
    f->freestanding = u->options.infer && !u->options.with_main;
    f->programs = programs_of(u);
    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        if (!u->options.weights)
            *(p->trained ? &f->uses_weights : &f->uses_state) = true;
        names_legal(f->members, p->name);
    }
    name_network(f, programs, count);
    return f;
}

static void plan_functions(CFile *f)
{
    f->functions = functions_of(f->u, &f->programs, f->names, f->suffix);
    for (int i = 0; i < f->programs.count; i++)
        plan_steps(f, f->programs.at[i]);
}

/* What is looked at is in plain C, for all machines. */
static void plan_look(CFile *f)
{
    const Programs look = { { f->u->look }, f->u->look != NULL };

    f->functions = functions_of(f->u, &look, f->names, "_look");
    for (int i = 0; i < look.count; i++)
        plan_steps(f, look.at[i]);
}

static const char *joined_name(CFile *f, int program, int number)
{
    const Program *p = f->programs.at[program];
    int own = 0;

    for (int i = 0; i < f->steps.count; i++)
        own += f->steps.at[i]->program == p && !f->steps.at[i]->for_input;
    return phase_name(f, p, number, own);
}

/* Every machine has functions and steps with names of its own; what else is at file scope is the file's. */
static void plan_variants(CFile *f, const Programs *programs)
{
    Unit *u = f->u;
    int count = u->variant_count;

    f->variants = arena_array(u->arena, (size_t)count, sizeof(CFile *));
    for (int i = 0; i < count; i++) {
        unit_choose_variant(u, i);
        CFile *v = f->variants[i] = new_file(u, f->t, programs, count);
        v->programs.count -= v->programs.at[v->programs.count - 1] == u->look;
        v->suffix = arena_print(u->arena, "_%s", u->options.machine->name);
        plan_functions(v);
        for (int j = 0; j < v->functions->list.count; j++)
            names_reserve(f->names, v->functions->list.at[j]->name);
        for (int j = 0; j < v->steps.count; j++)
            names_reserve(f->names, v->steps.at[j]->name);
        names_reserve(f->names, arena_print(u->arena, "machine%s", v->suffix));
    }
    unit_choose_variant(u, 0);
    c_join_variants(f);
    for (int i = 0; i < f->programs.count; i++)
        for (int j = 0, number = 0; j < f->steps.count; j++)
            if (f->steps.at[j]->program == f->programs.at[i])
                f->steps.at[j]->name = names_unique(f->names, joined_name(f, i, number++));
    plan_look(f);
}

CFile *c_file(Unit *u, Text *t)
{
    Programs *programs = arena_array(u->arena, (size_t)u->variant_count, sizeof *programs);

    for (int i = 0; i < u->variant_count; i++) {
        unit_choose_variant(u, i);
        programs[i] = programs_of(u);
    }
    unit_choose_variant(u, 0);
    CFile *f = new_file(u, t, programs, u->variant_count);
    if (u->variants)
        plan_variants(f, programs);
    else
        plan_functions(f);
    for (int i = 0; i < f->programs.count; i++)
        plan_entry(f, f->programs.at[i]);
    return f;
}

const char *member_of(const CFile *f, const Param *p)
{
    return names_legal(f->members, p->name);
}
