/* pipeline.c: the compiler as a table of stages. */
#include "pipeline.h"

#include "front/ast.h"
#include "loops/embed.h"
#include "loops/fold.h"
#include "loops/layout.h"
#include "loops/loops.h"
#include "loops/machine.h"
#include "loops/lower.h"
#include "net/net.h"
#include "tuned.h"
#include "weights.h"

#include <string.h>

enum { MOST_PROGRAMS = 4 };

/* The programs of a unit, in the order of dumps, without those that the options do not ask for. */
static int programs(const Unit *u, Program *list[MOST_PROGRAMS])
{
    int count = 0;
    if (u->train)
        list[count++] = u->train;
    if (u->eval)
        list[count++] = u->eval;
    if (u->infer)
        list[count++] = u->infer;
    if (u->look && u->variant == 0)
        list[count++] = u->look;
    return count;
}

static void each(Unit *u, void (*pass)(Unit *u, Program *p))
{
    Program *list[MOST_PROGRAMS];
    for (int i = 0, count = programs(u, list); i < count; i++)
        pass(u, list[i]);
}

static void each_but_look(Unit *u, void (*pass)(Unit *u, Program *p))
{
    Program *list[MOST_PROGRAMS];
    for (int i = 0, count = programs(u, list); i < count; i++)
        if (list[i] != u->look)
            pass(u, list[i]);
}

static bool parse(Unit *u)
{
    return ast_load(u, u->options.input);
}

/* Programs for people show themselves; so does cnnc, where it is given a picture. */
static bool is_looked_at(const Options *o)
{
    return (o->with_main && !o->infer) || o->image;
}

static bool lower(Unit *u)
{
    if (!u->options.tile)           /* for the machine with the widest vectors, if there are several */
        u->options.tile = tile_of_batch(u);
    if (u->variant == 0 && is_looked_at(&u->options))
        u->look = program_look(u, u->net);      /* before layers change places */
    if (u->options.style == STYLE_FAST)
        net_commute(u->net);
    if (!u->options.infer) {
        u->train = program_lower(u, u->net, MODE_TRAIN);
        u->eval = program_lower(u, u->net, MODE_EVAL);
    }
    u->infer = program_lower(u, u->net, MODE_INFER);
    return true;
}

static bool adjoint(Unit *u)
{
    if (u->train)
        program_adjoint(u, u->train);
    if (u->eval)
        program_adjoint(u, u->eval);
    return true;
}

static bool tidy(Unit *u)   { each(u, program_tidy); return true; }
static bool phases(Unit *u) { each(u, program_phases); return true; }
static bool tile(Unit *u)   { each(u, program_drop_n); return true; }
/* Trained numbers become constants. */
static bool embed(Unit *u)
{
    if (u->options.shown_weights)
        return weights_read(u, u->net, u->options.shown_weights);
    if (!u->options.weights)
        return true;
    if (u->variant == 0 && !weights_read(u, u->net, u->options.weights))
        return false;
    program_embed(u, u->infer);
    return true;
}

static bool memory(Unit *u) { each(u, program_memory); return true; }

static bool fold(Unit *u)
{
    if (u->options.infer)
        program_fold(u, u->infer);
    return true;
}

/* Style fast rewrites whole programs before they are cut and scheduled. What is looked at stays as people know it. */
static bool layout(Unit *u)
{
    static void (*const passes[])(Unit *u, Program *p) = {
        program_state, program_drop_single, program_gather, program_compose, program_fuse, program_sum_unpooled, program_channels_innermost, program_again, program_images_innermost, program_pack,
        program_winograd, program_bands, program_parts, program_cut, program_transpose
    };

    for (int i = 0; u->options.style == STYLE_FAST && i < countof(passes); i++)
        each_but_look(u, passes[i]);
    return true;
}

static bool schedule(Unit *u)
{
    Program *list[MOST_PROGRAMS];
    if (u->options.style == STYLE_FAST) {
        each_but_look(u, program_groups);
        each_but_look(u, program_apart);
    }
    for (int i = 0, count = programs(u, list); i < count; i++)
        if (!program_schedule(u, list[i]))
            return false;
    if (u->options.style == STYLE_FAST) {
        each_but_look(u, program_trim);
        each_but_look(u, program_narrow_borders);
        each_but_look(u, program_frame);
        each_but_look(u, program_begin_sums);
        each_but_look(u, program_keep);
        each_but_look(u, program_flatten);
        each_but_look(u, program_depth_first);
        each_but_look(u, program_remark);
        tuned_report(u);
    }
    return true;
}

/* Proves every program right before anything is printed of it. */
static bool verify(Unit *u)
{
    Program *list[MOST_PROGRAMS];

    for (int i = 0, count = programs(u, list); i < count; i++) {
        const char *wrong = program_verify(u, list[i]);
        if (wrong) {
            error_at(u, NO_SPAN, "internal error in program %s: %s", list[i]->name, wrong);
            help(u, "this is a mistake of cnnc, not of the network; please report it with the source");
            return false;
        }
    }
    return true;
}

static void dump_ast(Unit *u, Text *t)      { ast_dump(u->ast, t); }
static void dump_net(Unit *u, Text *t)      { net_dump(u, u->net, t); }

static void dump_programs(Unit *u, Text *t)
{
    Program *list[MOST_PROGRAMS];
    for (int i = 0, count = programs(u, list); i < count; i++)
        program_dump(u, list[i], t);
}

static void dump_memory(Unit *u, Text *t)
{
    Program *list[MOST_PROGRAMS];
    for (int i = 0, count = programs(u, list); i < count; i++)
        memory_dump(u, list[i], t);
}

const Stage stage_table[] = {
    { "ast",      "the tree of the source",                           parse,     dump_ast,      false },
    { "net",      "the network: layers, shapes, parameters, recipe",  net_check, dump_net,      false },
    { "nests",    "the loops of the forward pass",                    lower,     dump_programs, true },
    { "adjoint",  "with the backward pass derived from them",         adjoint,   dump_programs, true },
    { "tidy",     "with what is not needed gone",                     tidy,      dump_programs, true },
    { "fold",     "with scales folded into weights (--infer)",        fold,      dump_programs, true },
    { "layout",   "laid out for vectors (--style=fast)",             layout,    dump_programs, true },
    { "phases",   "cut where the whole batch must be summed",         phases,    dump_programs, true },
    { "tile",     "without the loop over images in tiles of one",     tile,      dump_programs, true },
    { "schedule", "ordered and unrolled as the style wants",          schedule,  dump_programs, true },
    { "embed",    "with weights as constants (--weights)",            embed,     dump_programs, true },
    { "memory",   "the place of every tensor",                        memory,    dump_memory,   true },
    { "verify",   "proved in bounds",                                 verify,    dump_programs, true },
};
const int stage_table_count = countof(stage_table);

const Stage *stage_find(const char *name)
{
    for (int i = 0; i < stage_table_count; i++)
        if (strcmp(stage_table[i].name, name) == 0)
            return &stage_table[i];
    return NULL;
}

void stage_dump(const Stage *stage, Unit *u, Text *t)
{
    int count = stage->by_machine ? u->variant_count : 1;

    for (int i = 0; i < count; i++) {
        unit_choose_variant(u, i);
        if (count > 1)
            text_line(t, "%smachine %s", i ? "\n" : "", u->options.machine->name);
        stage->dump(u, t);
    }
    unit_choose_variant(u, 0);
}

static int sums_of(const Program *p, const PhaseSum *list[], int most)
{
    int count = 0;

    for (int i = 0; p && i < p->phases.count; i++)
        for (int j = 0; j < p->phases.at[i].sums.count; j++, count++)
            if (count < most)
                list[count] = &p->phases.at[i].sums.at[j];
    return count;
}

/* One descriptor serves the programs of every machine, so what the runtime adds up must lie in the same places. */
static bool variants_agree(Unit *u)
{
    for (int i = 1; i < u->variant_count; i++) {
        const Program *const one[] = { u->variants[0].train, u->variants[0].eval }, *const two[] = { u->variants[i].train, u->variants[i].eval };
        for (int j = 0; j < 2; j++) {
            int count = sums_of(one[j], NULL, 0);
            const PhaseSum **a = arena_array(u->arena, (size_t)count + 1, sizeof *a), **b = arena_array(u->arena, (size_t)count + 1, sizeof *b);
            bool same = sums_of(one[j], a, count) == sums_of(two[j], b, count);
            for (int k = 0; k < count && same; k++)
                same = a[k]->partial->offset == b[k]->partial->offset && a[k]->total->offset == b[k]->total->offset
                    && tensor_count(a[k]->total) == tensor_count(b[k]->total);
            if (!same) {
                error_at(u, NO_SPAN, "internal error: the programs for %s and %s sum different things over a batch",
                         u->variants[0].machine->name, u->variants[i].machine->name);
                help(u, "this is a mistake of cnnc, not of the network; please report it with the source");
                return false;
            }
        }
    }
    return true;
}

/* A stage for every machine that the output serves. */
static bool run_stage(const Stage *stage, Unit *u)
{
    bool done = true;

    for (int i = 0; i < (stage->by_machine ? u->variant_count : 1) && done; i++) {
        unit_choose_variant(u, i);
        done = stage->run(u);
    }
    unit_choose_variant(u, 0);
    return done;
}

bool pipeline_run(Unit *u, const Stage *last)
{
    if (u->options.tuned && !u->tuned && !tuned_read(u))
        return false;
    unit_make_variants(u);
    tuned_apply(u);
    for (int i = 0; i < stage_table_count; i++) {
        bool done = run_stage(&stage_table[i], u);
        if (i == 0 && &stage_table[i] != last && u->ast && ast_sound(u->ast))
            continue;                       /* what could not be parsed is marked, and the rest is checked too */
        if (!done || diag_failed(u))
            return false;
        if (&stage_table[i] == last)
            return true;
    }
    return variants_agree(u);
}
