/* pipeline.c: the compiler as a table of stages. */
#include "pipeline.h"

#include "front/ast.h"
#include "loops/embed.h"
#include "loops/fold.h"
#include "loops/layout.h"
#include "loops/loops.h"
#include "loops/machine.h"
#include "loops/lower.h"
#include "loops/predict.h"
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

static bool tidy(Unit *u)
{
    if (u->options.style == STYLE_FAST)
        each_but_look(u, program_drop_taps);
    each(u, program_tidy);
    return true;
}

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

typedef void Pass(Unit *u, Program *p);

/* Style fast rewrites whole programs before they are cut, ... */
static Pass *const layout_passes[] = {
    program_drop_single, program_gather, program_pass_positive, program_compose, program_fuse, program_sum_unpooled, program_keep_front, program_channels_innermost, program_again, program_images_innermost,
    program_widen_groups, program_pack, program_winograd, program_bands, program_panels, program_parts, program_cut, program_transpose
};

/* ... and, once its nests are scheduled, what that leaves to be done. */
static Pass *const late_passes[] = {
    program_trim, program_narrow_borders, program_frame, program_begin_sums, program_keep, program_flatten, program_depth_first, program_update, program_spread
};

static void run_passes(Unit *u, Program *p, Pass *const *passes, int count)
{
    for (int i = 0; i < count; i++)
        passes[i](u, p);
}

/* The time that is predicted for a program with this layout, from the beginning to where it would be printed. */
static double time_with(Unit *u, Mode mode, Layout layout, bool front_by_rows)
{
    Program *p = program_lower(u, u->net, mode);

    p->layout = layout;
    p->front_by_rows = front_by_rows;
    if (mode != MODE_INFER)
        program_adjoint(u, p);
    program_drop_taps(u, p);
    program_tidy(u, p);
    if (u->options.infer)
        program_fold(u, p);
    program_state(u, p);
    run_passes(u, p, layout_passes, countof(layout_passes));
    program_phases(u, p);
    program_drop_n(u, p);
    program_groups(u, p);
    program_meet_edges(u, p);
    program_schedule(u, p);
    run_passes(u, p, late_passes, countof(late_passes));
    return program_predict(u, p);
}

/* What channels must be predicted to gain: their copies, and vectors of what was stored number by number, take longer than one predicts for small maps. */
static const double channels_gain = 0.15;

static const double front_gain = 0.01;  /* and rows at the front: of 10 random networks 4 took 0.5 to 0.9 of the time, those that were predicted to take as much 0.94 to 1.05 */

enum { WIDE = 2 };                      /* vectors of channels: with as many, channels won wherever both were measured, whatever was predicted of what surrounds them */

/* The most channels of a map. */
static int64_t widest_map(const Program *p)
{
    int64_t most = 0;

    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (t->per_image && t->rank == 4 && t->dim[1] > most)
            most = t->dim[1];
    }
    return most;
}

/* Where channels lie innermost: shall rows, at the front? Where the channels of its convolution are no whole vectors it is tried. Returns what there is to say;
 * `channels` is the time that is predicted without, 0 if nobody has asked yet. */
static const char *choose_front(Unit *u, Program *p, double channels)
{
    int64_t first = program_first_channels(p);

    if (first % machine_lanes(u->options.machine, u->options.real) == 0)        /* 0: there is none */
        return "";
    double front = time_with(u, p->mode, LAYOUT_CHANNELS, true), without = channels > 0 ? channels : time_with(u, p->mode, LAYOUT_CHANNELS, false);
    p->front_by_rows = front < (1 - front_gain) * without;
    return arena_print(u->arena, p->front_by_rows ? "; rows before the second convolution: channels would take %.2f of the time" : "; rows at the front would take %.2f of the time",
                       p->front_by_rows ? without / front : front / without);
}

/* For single images with few channels it is tried which layout is faster. Shares of peak, by which channels.c chooses for tiles of many, say too little: with rows
 * innermost everything depends on how rows fill vectors, and of a small network most of the time goes to what surrounds the sums. */
static void choose_layout(Unit *u, Program *p)
{
    if (p->tile != 1 || p->layout == LAYOUT_IMAGES)
        return;
    if (p->layout == LAYOUT_CHANNELS) {
        p->layout_note = arena_print(u->arena, ", as was asked for%s", choose_front(u, p, 0));
        return;
    }
    if (widest_map(p) >= WIDE * machine_lanes(u->options.machine, u->options.real)) {
        p->layout = LAYOUT_CHANNELS;
        p->layout_note = arena_print(u->arena, ": one image, whose channels fill vectors%s", choose_front(u, p, 0));
        return;
    }
    double channels = time_with(u, p->mode, LAYOUT_CHANNELS, false), rows = time_with(u, p->mode, LAYOUT_IMAGES, false);
    if (channels == rows)                           /* no map at all */
        return;
    bool better = channels < (1 - channels_gain) * rows;
    p->layout = better ? LAYOUT_CHANNELS : LAYOUT_IMAGES;
    p->layout_note = arena_print(u->arena, ": %s would take %.2f of the time%s", better ? "rows" : "channels", better ? rows / channels : channels / rows,
                                 better ? choose_front(u, p, channels) : "");
}

/* What is looked at stays as people know it. */
static bool layout(Unit *u)
{
    Program *list[MOST_PROGRAMS];

    for (int i = 0, count = programs(u, list); u->options.style == STYLE_FAST && i < count; i++)
        if (list[i] != u->look) {
            choose_layout(u, list[i]);
            program_state(u, list[i]);
            run_passes(u, list[i], layout_passes, countof(layout_passes));
        }
    return true;
}

static bool schedule(Unit *u)
{
    Program *list[MOST_PROGRAMS];
    bool fast = u->options.style == STYLE_FAST;

    if (fast) {
        each_but_look(u, program_groups);
        each_but_look(u, program_apart);
        each_but_look(u, program_blocks);
        each_but_look(u, program_dense_parts);
        each_but_look(u, program_meet_edges);
    }
    for (int i = 0, count = programs(u, list); i < count; i++) {
        if (!program_schedule(u, list[i]))
            return false;
        if (fast && list[i] != u->look) {
            run_passes(u, list[i], late_passes, countof(late_passes));
            program_remark(u, list[i]);
        }
    }
    if (fast)
        tuned_report(u);
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
                    && tensor_stated(a[k]->total) == tensor_stated(b[k]->total);
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
