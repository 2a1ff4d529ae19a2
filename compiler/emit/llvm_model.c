/* llvm_model.c: the descriptor that the runtime reads (cnn/model.h), laid out for the machine that the code is for, and the functions
 * that unpack its jobs. */
#include "emit/llvm.h"

#include "net/recipe.h"

#include <string.h>

/* ---- the structs of cnn/model.h */

typedef struct Types {
    LLVMTypeRef tensor, job, sum, phase, program, argument, setting, map, look, model;
} Types;

static LLVMTypeRef named_struct(Module *m, const char *name, LLVMTypeRef *fields, int count)
{
    LLVMTypeRef type = LLVMStructCreateNamed(m->context, name);

    LLVMStructSetBody(type, fields, (unsigned)count, false);
    return type;
}

static Types contract_types(Module *m)
{
    LLVMTypeRef p = m->pointer, i32 = m->i32, i64 = m->i64, size = m->size, number = LLVMDoubleTypeInContext(m->context);
    LLVMTypeRef tensor[] = { p, i32, LLVMArrayType(i64, 4), size, size, i64, i64, i32 };
    LLVMTypeRef job[] = { p, p, p, p, p, p, p, p, p, p, p, p, p, LLVMArrayType(i32, 4), p };
    LLVMTypeRef sum[] = { size, size, size }, phase[] = { p, i32, p, p, i32 }, program[] = { p, i32, size, size, i32 };
    LLVMTypeRef argument[] = { p, number, p }, setting[] = { p, p, p, i32 }, map[] = { p, p, i32, LLVMArrayType(i64, 3), i64, i64, i32 };
    Types t = {
        .tensor = named_struct(m, "cnn_tensor", tensor, countof(tensor)), .job = named_struct(m, "cnn_job", job, countof(job)),
        .sum = named_struct(m, "cnn_sum", sum, countof(sum)), .phase = named_struct(m, "cnn_phase", phase, countof(phase)),
        .program = named_struct(m, "cnn_program", program, countof(program)),
        .argument = named_struct(m, "cnn_argument", argument, countof(argument)),
        .setting = named_struct(m, "cnn_setting", setting, countof(setting)), .map = named_struct(m, "cnn_map", map, countof(map)),
    };
    LLVMTypeRef look[] = { t.program, i32, i32, i32, p };
    t.look = named_struct(m, "cnn_look", look, countof(look));
    LLVMTypeRef model[] = {
        i32, i32, p, p, i32, i32, LLVMArrayType(i64, 3), size, size,        /* abi ... outputs */
        p, i32, size, p, i32, size,                                         /* weights, state */
        t.program, i32, t.program, t.program, p, i32, p, i32, i32, i32, p   /* train ... look */
    };
    t.model = named_struct(m, "cnn_model", model, countof(model));
    return t;
}

/* ---- jobs */

/* Which field of a cnn_job is what a step takes. */
static const unsigned job_field[USE_COUNT] = {
    [USE_X] = 0, [USE_TARGET] = 1, [USE_SHARE] = 2, [USE_IMAGES] = 3, [USE_KEEP] = 4, [USE_WEIGHTS] = 5, [USE_STATE] = 6, [USE_GRADIENT] = 7,
    [USE_DX] = 8, [USE_Y] = 9, [USE_LOSS] = 10, [USE_SCRATCH] = 11, [USE_SHARED] = 12, [USE_DRAW] = 13, [USE_UPDATE] = 14,
};

/* void run_NAME(const cnn_job *job); steps that are one function share it. */
static LLVMValueRef job_of(Module *m, const Types *t, const Step *step, Map *jobs)
{
    LLVMValueRef function = *map_at(m->steps, &step, sizeof step), arguments[USE_COUNT];
    void **known = map_at(jobs, &function, sizeof function);
    const char *names[USE_COUNT];
    int count = 0;

    if (*known)
        return *known;
    const char *name = names_unique(m->plan->names, arena_print(m->u->arena, "run_%s", step->name));
    LLVMValueRef run = llvm_function(m, name, m->nothing, &m->pointer, 1, false), job = LLVMGetParam(run, 0);
    LLVMSetValueName2(job, "job", strlen("job"));
    llvm_debug_function(m, run, name, m->u->net->span);
    step_arguments(m->plan, step->program, step->uses, false, names);
    for (int use = 0; use < USE_COUNT; use++) {
        if (!step->uses[use])
            continue;
        LLVMValueRef field = LLVMBuildStructGEP2(m->at, t->job, job, job_field[use], arena_print(m->u->arena, "job.%s", names[count]));
        arguments[count] = use == USE_DRAW ? field : LLVMBuildLoad2(m->at, m->pointer, field, names[count]);
        count++;
    }
    llvm_call(m, function, arguments, count);
    LLVMBuildRetVoid(m->at);
    *map_at(jobs, &function, sizeof function) = run;
    return run;
}

/* ---- tables */

/* The address of an array of structs, named .NAME; a null pointer for none. */
static LLVMValueRef table(Module *m, const char *name, LLVMTypeRef type, LLVMValueRef *rows, int count)
{
    if (count == 0)
        return LLVMConstNull(m->pointer);
    return llvm_constant(m, name, LLVMConstArray(type, rows, (unsigned)count), 0);
}

static int32_t init_number(ParamInit init)
{
    /* CNN_INIT_... of cnn/model.h */
    static const int32_t number[] = {
        [INIT_ZEROS] = 0, [INIT_ONES] = 1, [INIT_GLOROT] = 2, [INIT_HE] = 3, [INIT_LECUN] = 4, [INIT_DATA_MEAN] = 5,
        [INIT_DATA_DEVIATION] = 6,
    };
    return number[init];
}

static LLVMValueRef tensors(Module *m, const Types *t, bool trained, int *count, int64_t *elements)
{
    const Net *net = m->u->net;
    LIST(LLVMValueRef) rows = { 0 };

    *elements = 0;
    for (int i = 0; i < net->params.count; i++) {
        const Param *p = net->params.at[i];
        LLVMValueRef dim[4];
        if (p->trained != trained || !(trained ? m->plan->uses_weights : m->plan->uses_state))
            continue;
        for (int axis = 0; axis < 4; axis++)
            dim[axis] = llvm_int(m->i64, axis < p->shape.rank ? p->shape.dim[axis] : 0);
        LLVMValueRef row[] = {
            llvm_string(m, p->name), llvm_int(m->i32, p->shape.rank), LLVMConstArray(m->i64, dim, 4), llvm_int(m->size, *elements),
            llvm_int(m->size, shape_count(p->shape)), llvm_int(m->i64, p->fan_in), llvm_int(m->i64, p->fan_out),
            llvm_int(m->i32, init_number(p->init)),
        };
        LIST_ADD(m->u->arena, &rows, LLVMConstNamedStruct(t->tensor, row, countof(row)));
        *elements += shape_count(p->shape);
    }
    *count = rows.count;
    return table(m, trained ? "weight_tensors" : "state_tensors", t->tensor, rows.at, rows.count);
}

static LLVMValueRef sums(Module *m, const Types *t, const Program *p, const Phase *phase)
{
    LIST(LLVMValueRef) rows = { 0 };

    for (int i = 0; i < phase->sums.count; i++) {
        const PhaseSum *s = &phase->sums.at[i];
        LLVMValueRef row[] = {
            llvm_int(m->size, s->partial->offset), llvm_int(m->size, tensor_stated(s->total)), llvm_int(m->size, s->total->offset)
        };
        LIST_ADD(m->u->arena, &rows, LLVMConstNamedStruct(t->sum, row, countof(row)));
    }
    return table(m, arena_print(m->u->arena, "%s_sums", p->name), t->sum, rows.at, rows.count);
}

static LLVMValueRef program(Module *m, const Types *t, Mode mode, Map *jobs)
{
    LIST(LLVMValueRef) rows = { 0 };
    const Program *p = NULL;

    for (int i = 0; i < m->plan->programs.count; i++)
        if (m->plan->programs.at[i]->mode == mode)
            p = m->plan->programs.at[i];
    if (!p || p->phases.count == 0)
        return LLVMConstNull(t->program);
    for (int i = 0; i < m->plan->steps.count; i++) {
        const Step *s = m->plan->steps.at[i];
        if (s->program != p)
            continue;
        LLVMValueRef row[] = {
            llvm_string(m, s->name), llvm_int(m->i32, s->phase->once), job_of(m, t, s, jobs), sums(m, t, p, s->phase),
            llvm_int(m->i32, s->phase->sums.count),
        };
        LIST_ADD(m->u->arena, &rows, LLVMConstNamedStruct(t->phase, row, countof(row)));
    }
    LLVMValueRef fields[] = {
        table(m, arena_print(m->u->arena, "%s_phases", p->name), t->phase, rows.at, rows.count), llvm_int(m->i32, rows.count),
        llvm_int(m->size, p->scratch), llvm_int(m->size, p->shared), llvm_int(m->i32, !p->keep ? 0 : p->adds_at_once ? 2 : 1),
    };
    return LLVMConstNamedStruct(t->program, fields, countof(fields));
}

static LLVMValueRef double_of(Module *m, double number)
{
    return LLVMConstReal(LLVMDoubleTypeInContext(m->context), number);
}

static LLVMValueRef settings(Module *m, const Types *t)
{
    const Recipe *recipe = &m->u->net->recipe;
    LIST(LLVMValueRef) rows = { 0 };

    for (int i = 0; i < recipe->settings.count; i++) {
        const Setting *s = &recipe->settings.at[i];
        int count;
        const RecipeRow *of = recipe_rows(m->u, s, &count);
        LIST(LLVMValueRef) arguments = { 0 };
        for (int j = 0; j < count; j++) {
            LLVMValueRef row[] = { llvm_string(m, of[j].name), double_of(m, of[j].number), llvm_string(m, of[j].text) };
            LIST_ADD(m->u->arena, &arguments, LLVMConstNamedStruct(t->argument, row, countof(row)));
        }
        LLVMValueRef row[] = {
            llvm_string(m, s->name), llvm_string(m, s->word),
            table(m, arena_print(m->u->arena, "setting_%s", s->name), t->argument, arguments.at, arguments.count), llvm_int(m->i32, count),
        };
        LIST_ADD(m->u->arena, &rows, LLVMConstNamedStruct(t->setting, row, countof(row)));
    }
    return table(m, "settings", t->setting, rows.at, rows.count);
}

static LLVMValueRef data_rows(Module *m)
{
    const Recipe *recipe = &m->u->net->recipe;
    LIST(LLVMValueRef) numbers = { 0 };

    for (int i = 0; i < recipe->rows.count; i++) {
        for (int64_t j = 0; j < recipe->row_inputs; j++)
            LIST_ADD(m->u->arena, &numbers, double_of(m, recipe->rows.at[i].inputs[j]));
        for (int64_t j = 0; j < recipe->row_targets; j++)
            LIST_ADD(m->u->arena, &numbers, double_of(m, recipe->rows.at[i].targets[j]));
    }
    return table(m, "rows", LLVMDoubleTypeInContext(m->context), numbers.at, numbers.count);
}

/* What `step` shows; a null pointer where nobody asked for it. */
static LLVMValueRef look(Module *m, const Types *t, Map *jobs)
{
    const Program *p = m->u->look;
    LIST(LLVMValueRef) rows = { 0 };

    if (!p)
        return LLVMConstNull(m->pointer);
    const MapRow *of = map_rows(m->u, p);
    for (int i = 0; i < p->maps.count; i++) {
        LLVMValueRef dim[3];
        for (int axis = 0; axis < 3; axis++)
            dim[axis] = llvm_int(m->i64, axis < of[i].shape.rank ? of[i].shape.dim[axis] : 0);
        LLVMValueRef row[] = {
            llvm_string(m, of[i].name), llvm_string(m, of[i].written), llvm_int(m->i32, of[i].shape.rank), LLVMConstArray(m->i64, dim, 3),
            llvm_int(m->i64, of[i].values), llvm_int(m->i64, of[i].gradient), llvm_int(m->i32, of[i].kernels),
        };
        LIST_ADD(m->u->arena, &rows, LLVMConstNamedStruct(t->map, row, countof(row)));
    }
    LLVMValueRef fields[] = {
        program(m, t, MODE_LOOK, jobs), llvm_int(m->i32, p->grad_phase),
        llvm_int(m->i32, ends_in_probabilities(m->u->net)), llvm_int(m->i32, rows.count), table(m, "maps", t->map, rows.at, rows.count),
    };
    return llvm_constant(m, "look", LLVMConstNamedStruct(t->look, fields, countof(fields)), 0);
}

/* ---- the descriptor */

enum { CONTRACT = 3 };              /* CNN_ABI of cnn/model.h */

void llvm_model(Module *m)
{
    Types t = contract_types(m);
    Map *jobs = map_new(m->u->arena);
    const Net *net = m->u->net;
    const Recipe *recipe = &net->recipe;
    bool rows = recipe->rows.count > 0;
    int weight_tensors, state_tensors;
    int64_t weight_count, state_count;
    LLVMValueRef dim[3];

    for (int i = 0; i < 3; i++)
        dim[i] = llvm_int(m->i64, i < net->input.rank ? net->input.dim[i] : 0);
    LLVMValueRef weights = tensors(m, &t, true, &weight_tensors, &weight_count);
    LLVMValueRef state = tensors(m, &t, false, &state_tensors, &state_count);
    LLVMValueRef fields[] = {
        llvm_int(m->i32, CONTRACT), llvm_int(m->i32, m->real_bytes), llvm_string(m, net->name), llvm_string(m, m->plan->source),
        llvm_int(m->i32, m->plan->programs.at[0]->tile), llvm_int(m->i32, net->input.rank), LLVMConstArray(m->i64, dim, 3),
        llvm_int(m->size, shape_count(net->input)), llvm_int(m->size, shape_count(net->y->shape)),
        weights, llvm_int(m->i32, weight_tensors), llvm_int(m->size, weight_count),
        state, llvm_int(m->i32, state_tensors), llvm_int(m->size, state_count),
        program(m, &t, MODE_TRAIN, jobs), llvm_int(m->i32, m->u->train ? m->u->train->grad_phase : 0),
        program(m, &t, MODE_INFER, jobs), program(m, &t, MODE_EVAL, jobs),
        settings(m, &t), llvm_int(m->i32, recipe->settings.count),
        data_rows(m), llvm_int(m->i32, recipe->rows.count), llvm_int(m->i32, rows ? recipe->row_inputs : 0),
        llvm_int(m->i32, rows ? recipe->row_targets : 0), look(m, &t, jobs),
    };
    LLVMValueRef model = LLVMAddGlobal(m->module, t.model, arena_print(m->u->arena, "%s_model", m->plan->net));
    LLVMSetInitializer(model, LLVMConstNamedStruct(t.model, fields, countof(fields)));
    LLVMSetGlobalConstant(model, true);
    m->model = model;
}

/* int main(int argc, char **argv): the command line is the runtime's. */
void llvm_main(Module *m)
{
    LLVMTypeRef taken[] = { m->pointer, m->i32, m->pointer }, given[] = { m->i32, m->pointer };
    LLVMValueRef command = LLVMAddFunction(m->module, "cnn_main", LLVMFunctionType(m->i32, taken, countof(taken), false));
    LLVMValueRef function = llvm_function(m, "main", m->i32, given, countof(given), true);
    LLVMValueRef argc = LLVMGetParam(function, 0), argv = LLVMGetParam(function, 1), arguments[] = { m->model, argc, argv };

    LLVMSetValueName2(argc, "argc", strlen("argc"));
    LLVMSetValueName2(argv, "argv", strlen("argv"));
    LLVMBuildRet(m->at, llvm_call(m, command, arguments, countof(arguments)));
}
