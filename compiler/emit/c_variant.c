/* c_variant.c: one C file for several machines (style fast).
 *
 * The functions of each machine stand in a section of their own, compiled for its instructions by an attribute and scheduled for its
 * vectors; one function asks the processor which of them to take. The last sections are for everything else: GNU vectors of 16 bytes,
 * which every GNU compiler makes something of, and plain C.
 *
 * Everything that callers and the runtime see is the same for all machines: parameters, phases, sums, and the most memory that one of them
 * needs. */
#include "emit/c.h"

#include "loops/machine.h"

#include <inttypes.h>
#include <string.h>

/* What compilers know a machine by. FMA is no part of AVX2 or AVX-512, but every processor that has those has it. */
typedef struct Isa {
    const char *machine;
    const char *about;
    const char *condition;          /* under which the compiler can make its code, besides that it is a GNU compiler */
    const char *target;             /* the attribute; NULL: what the compiler makes anyway */
    const char *asks[6];            /* what the processor must have */
} Isa;

#define X86 "defined(__GNUC__) && defined(__x86_64__) && __STDC_HOSTED__"

static const Isa isas[] = {
    { "avx512", "processors with AVX-512 (x86-64-v4)", X86, "avx2,fma,avx512f,avx512cd,avx512bw,avx512dq,avx512vl",
      { "avx512f", "avx512bw", "avx512dq", "avx512vl", "fma" } },
    { "avx2", "processors with AVX2 (x86-64-v3)", X86, "avx2,fma", { "avx2", "fma" } },
    { "sse2", "any processor with vectors of 16 bytes (x86-64-v2)", "defined(__GNUC__)", NULL, { NULL } },
    { "scalar", "any compiler", "!defined(__GNUC__)", NULL, { NULL } },
};

static const Isa *isa_of(const char *machine)
{
    for (int i = 0; i < countof(isas); i++)
        if (strcmp(isas[i].machine, machine) == 0)
            return &isas[i];
    return NULL;
}

int c_variants(CFile *f, CFile ***list)
{
    if (f->variants) {
        *list = f->variants;
        return f->u->variant_count;
    }
    *list = arena_array(f->u->arena, 1, sizeof **list);
    (*list)[0] = f;
    return 1;
}

const char *c_step_prefix(const CFile *f, const Step *step)
{
    return f->variants && step->program->mode != MODE_LOOK ? "this_machine()->" : "";
}

static int64_t most(const CFile *f, const Program *p, bool shared)
{
    int64_t size = shared ? p->shared : p->scratch;

    for (int i = 0; f->variants && i < f->u->variant_count; i++) {
        const Programs *programs = &f->variants[i]->programs;
        for (int j = 0; j < programs->count; j++) {
            int64_t own = shared ? programs->at[j]->shared : programs->at[j]->scratch;
            if (programs->at[j]->mode == p->mode && own > size)
                size = own;
        }
    }
    return size;
}

int c_keeps(const CFile *f, const Program *p)
{
    bool at_once = p->adds_at_once;

    for (int i = 0; f->variants && i < f->u->variant_count; i++) {
        const Programs *programs = &f->variants[i]->programs;
        for (int j = 0; j < programs->count; j++)
            at_once = at_once && (programs->at[j]->mode != p->mode || programs->at[j]->adds_at_once);
    }
    return !p->keep ? 0 : at_once ? 2 : 1;
}

int64_t c_scratch(const CFile *f, const Program *p) { return most(f, p, false); }
int64_t c_shared(const CFile *f, const Program *p)  { return most(f, p, true); }

/* ---- the same phases for all */

/* What must be alike in the steps that become one: those that run once come first, those for the gradient of the input last. 4: none is left. */
static int kind_of(const Step *s)
{
    return s ? 2 * s->for_input + !s->phase->once : 4;
}

static Step *next_step(const CFile *v, int program, int *at)
{
    while (*at < v->steps.count && v->steps.at[*at]->program != v->programs.at[program])
        ++*at;
    return *at < v->steps.count ? v->steps.at[*at] : NULL;
}

/* The step of a machine that has nothing to do where others have. */
static Step *idle_step(CFile *v, int program, const Step *like)
{
    Step *step = ARENA_NEW(v->u->arena, Step);
    Phase *phase = ARENA_NEW(v->u->arena, Phase);

    phase->once = like->phase->once;
    step->program = v->programs.at[program];
    step->phase = phase;
    step->for_input = like->for_input;
    step->name = names_unique(v->names, arena_print(v->u->arena, "%s_idle%s", like->name, v->suffix));
    return step;
}

/* Joins the steps that machines have in one phase: they take what one of them needs. Returns what the file has for all of them. */
static Step *joined(CFile *f, Step *const *own, int count, int program)
{
    Step *all = ARENA_NEW(f->u->arena, Step);

    *all = *own[0];
    all->program = f->programs.at[program];
    for (int i = 0; i < count; i++) {
        if (own[i]->phase->sums.count)
            all->phase = own[i]->phase;
        for (int use = 0; use < USE_COUNT; use++)
            all->uses[use] = all->uses[use] || own[i]->uses[use];
        all->writes_state = all->writes_state || own[i]->writes_state;
    }
    for (int i = 0; i < count; i++)
        for (int use = 0; use < USE_COUNT; use++) {
            own[i]->ignores[use] = all->uses[use] && !own[i]->uses[use];
            own[i]->uses[use] = all->uses[use];
            own[i]->writes_state = all->writes_state;
        }
    return all;
}

/* The steps of the file are those of all machines, and those of each machine are as many. */
static void join_program(CFile *f, int program, int count)
{
    int *at = arena_array(f->u->arena, (size_t)count, sizeof *at);
    Step **own = arena_array(f->u->arena, (size_t)count, sizeof *own);

    for (;;) {
        int kind = 4;
        const Step *first = NULL;
        for (int i = 0; i < count; i++) {
            const Step *next = next_step(f->variants[i], program, &at[i]);
            if (kind_of(next) < kind) {
                kind = kind_of(next);
                first = next;
            }
        }
        if (!first)
            return;
        for (int i = 0; i < count; i++) {
            CFile *v = f->variants[i];
            own[i] = next_step(v, program, &at[i]);
            if (kind_of(own[i]) == kind)
                at[i]++;
            else
                own[i] = idle_step(v, program, first);
            LIST_ADD(f->u->arena, &v->joined, own[i]);
        }
        LIST_ADD(f->u->arena, &f->steps, joined(f, own, count, program));
    }
}

void c_join_variants(CFile *f)
{
    int count = f->u->variant_count;

    for (int i = 0; i < f->variants[0]->programs.count; i++)
        join_program(f, i, count);
    for (int i = 0; i < count; i++) {
        f->variants[i]->steps.count = 0;
        for (int j = 0; j < f->variants[i]->joined.count; j++)
            LIST_ADD(f->u->arena, &f->variants[i]->steps, f->variants[i]->joined.at[j]);
    }
}

/* ---- what compilers are told */

/* In double choices are left as they are: gcc 12.2 fails on vectors of some (an internal error of its pass isel, for vectors of SSE2). */
void c_pragmas(CFile *f)
{
    bool single = f->u->options.real == REAL_FLOAT;

    text_line(f->t, "#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)");
    text_line(f->t, "/* Loops over images become vectors at -O2 too%s; predictive commoning costs", single ? ", and those with choices because no operation traps" : "");
    text_line(f->t, " * registers, of which there are none to spare. */");
    text_line(f->t, "#pragma GCC optimize(\"O3\", \"no-predictive-commoning\"%s)", single ? ", \"no-trapping-math\"" : "");
    text_line(f->t, "#endif");
}

static void put_attribute(CFile *f, const char *name, const char *attributes, bool long_vectors)
{
    if (long_vectors) {             /* clang would cut them in halves where it prefers shorter ones */
        text_line(f->t, "#ifdef __clang__");
        text_line(f->t, "#define %s __attribute__((%s, min_vector_width(512)))", name, attributes);
        text_line(f->t, "#else");
    }
    text_line(f->t, "#define %s __attribute__((%s))", name, attributes);
    if (long_vectors)
        text_line(f->t, "#endif");
}

static bool is_long(const CFile *f)
{
    return f->u->options.machine->vector_bytes == 64;
}

static void about_nests(CFile *f)
{
    text_line(f->t, "/* A nest with some work is a function of its own: among others its totals would not stay in registers. It begins where a line of the cache does: loops");
    text_line(f->t, " * that lie across two take up to a fifth longer, and would lie otherwise after any change elsewhere. */");
}

void c_nest_attribute(CFile *f)
{
    text_blank(f->t);
    about_nests(f);
    text_line(f->t, "#ifdef __GNUC__");
    put_attribute(f, "NEST", "noinline, aligned(64)", is_long(f));
    text_line(f->t, "#else");
    text_line(f->t, "#define NEST");
    text_line(f->t, "#endif");
}

/* Vectors as GCC and Clang know them: the images of a tile side by side. A machine without them takes one image at a time, in plain C. */
const char *c_choose(CFile *f)
{
    f->needs.choose = true;
    return arena_print(f->u->arena, "CHOOSE%d", machine_lanes(f->u->options.machine, f->u->options.real));
}

const char *c_extreme(CFile *f, bool larger)
{
    f->needs.choose = true;
    *(larger ? &f->needs.larger : &f->needs.smaller) = true;
    return arena_print(f->u->arena, "%s%d", larger ? "LARGER" : "SMALLER", machine_lanes(f->u->options.machine, f->u->options.real));
}

const char *c_all(CFile *f)
{
    f->needs.all = true;
    return arena_print(f->u->arena, "ALL%d", machine_lanes(f->u->options.machine, f->u->options.real));
}

/* What holds where one vector fits into a register; the functions of a file for several machines have those by their attribute. */
static const char *held_in(const CFile *f, int bytes)
{
    if (bytes == 16)
        return "(defined(__SSE2__) || defined(__aarch64__))";
    if (f->suffix[0])
        return "1";
    return bytes == 32 ? "defined(__AVX__)" : "defined(__AVX512F__)";
}

/* An assembly of no instruction that has a vector in a register: `begin` goes up to the letter for those. Nothing where there are none, or `never` says so. */
static void put_in_register(CFile *f, int bytes, const char *name, const char *never, const char *begin)
{
    text_line(f->t, "#if %s!%s", never, held_in(f, bytes));
    text_line(f->t, "#define %s(vector) (void)(vector)", name);
    if (bytes == 16) {
        text_line(f->t, "#elif defined(__aarch64__)");
        text_line(f->t, "#define %s(vector) %sw\" (vector))", name, begin);
    }
    text_line(f->t, "#else");
    text_line(f->t, "#define %s(vector) %sv\" (vector))", name, begin);
    text_line(f->t, "#endif");
}

static void put_held(CFile *f, int bytes)
{
    text_line(f->t, "/* Stays in a register: what several totals multiply is read once, and a total is made round by round. */");
    put_in_register(f, bytes, "HELD", "", "__asm__ (\"\" : \"+");
    if (!f->needs.used)
        return;
    text_line(f->t, "/* Is in use until here: GCC would give its register to the last total that it is multiplied for, and move totals about. */");
    put_in_register(f, bytes, "USED", "defined(__clang__) || ", "__asm__ volatile (\"\" : : \"");
}

static void put_short_loops(CFile *f, int bytes)
{
    text_line(f->t, "/* A short loop stays one: GCC would mix its rounds, and the totals lose their registers. */");
    text_line(f->t, "#if defined(__GNUC__) && __GNUC__ >= 8 && !defined(__clang__)");
    text_line(f->t, "#define ROLLED _Pragma(\"GCC unroll 1\")");
    text_line(f->t, "#else");
    text_line(f->t, "#define ROLLED");
    text_line(f->t, "#endif");
    if (!f->needs.unrolled)
        return;
    text_line(f->t, "/* It is written out where HELD keeps the rounds apart: processors often guess wrong where it ends. */");
    text_line(f->t, "#if defined(__OPTIMIZE_SIZE__) || !%s", held_in(f, bytes));
    text_line(f->t, "#define UNROLLED ROLLED");
    text_line(f->t, "#elif defined(__clang__)");
    text_line(f->t, "#define UNROLLED _Pragma(\"clang loop unroll(full)\")");
    text_line(f->t, "#elif defined(__GNUC__) && __GNUC__ >= 8");
    text_line(f->t, "#define UNROLLED _Pragma(\"GCC unroll 16\")");
    text_line(f->t, "#else");
    text_line(f->t, "#define UNROLLED");
    text_line(f->t, "#endif");
}

/* x86 has one instruction for it, which gives the second number where neither is larger, as the choice does. Clang sees that, GCC does not
 * (maxpool of LeNet: 1.6 times the time). */
static void put_extreme(CFile *f, bool larger, int bytes)
{
    const char *name = c_extreme(f, larger), *numbers = f->u->options.real == REAL_DOUBLE ? "pd" : "ps";
    const char *instruction = arena_print(f->u->arena, "__builtin_ia32_%s%s", larger ? "max" : "min", numbers);

    if (machine_lanes(f->u->options.machine, f->u->options.real) == 1) {
        text_line(f->t, "#define %s(a, b) %s((a) %c (b), a, b)", name, c_choose(f), larger ? '>' : '<');
        return;
    }
    const char *where = bytes == 16 ? " && defined(__SSE2__)" : f->suffix[0] ? "" : arena_print(f->u->arena, " && %s", held_in(f, bytes));

    text_line(f->t, "#if defined(__GNUC__) && !defined(__clang__)%s", where);
    if (bytes == 64)
        text_line(f->t, "#define %s(a, b) %s512_mask(a, b, (%s){ 0 }, -1, 4)", name, instruction, f->lanes);
    else
        text_line(f->t, "#define %s(a, b) %s%s(a, b)", name, instruction, bytes == 32 ? "256" : "");
    text_line(f->t, "#else");
    text_line(f->t, "#define %s(a, b) %s((a) %c (b), a, b)", name, c_choose(f), larger ? '>' : '<');
    text_line(f->t, "#endif");
}

static void put_extremes(CFile *f, int bytes)
{
    if (!f->needs.larger && !f->needs.smaller)
        return;
    bool vectors = machine_lanes(f->u->options.machine, f->u->options.real) > 1;
    text_line(f->t, "/* One of two numbers%s, the second where they are equal.%s */", vectors ? ", lane by lane" : "",
              vectors ? " GCC has to be told that there is an instruction for it." : "");
    if (f->needs.larger)
        put_extreme(f, true, bytes);
    if (f->needs.smaller)
        put_extreme(f, false, bytes);
}

void c_lanes(CFile *f)
{
    int bytes = f->u->options.machine->vector_bytes;
    int count = machine_lanes(f->u->options.machine, f->u->options.real);

    if (!f->needs.lanes)
        return;
    text_blank(f->t);
    if (count == 1) {
        text_line(f->t, "/* There are no vectors: one number of one image. */");
        text_line(f->t, "typedef %s %s, %s_at;", f->real, f->lanes, f->lanes);
    } else {
        text_line(f->t, "/* One number of each of %d images. */", count);
        text_line(f->t, "typedef %s %s __attribute__((vector_size(%d)));", f->real, f->lanes, bytes);
        text_line(f->t, "/* The same in an array, which may begin anywhere. */");
        text_line(f->t, "typedef %s %s_at __attribute__((vector_size(%d), aligned(%d), may_alias));", f->real, f->lanes, bytes, bytes / count);
    }
    if (f->needs.fresh) {
        text_line(f->t, "/* What a round of a sum reads is read in that round: numbers that are kept for the next one take registers from the totals. */");
        text_line(f->t, "#define FRESH __asm__ volatile (\"\" ::: \"memory\")");
    }
    if (f->needs.held)
        put_held(f, bytes);
    if (f->needs.rolled || f->needs.unrolled)
        put_short_loops(f, bytes);
    if (f->needs.all) {
        text_line(f->t, "/* The same number in every lane. */");
        text_line(f->t, "#define ALL%d(number) ((number) - (%s){ 0 })", count, f->lanes);
    }
    if (f->needs.choose && count > 1) {
        text_line(f->t, "/* Lane by lane: what a comparison found, and the choice between two numbers by it. */");
        text_line(f->t, "typedef %s masks%d __attribute__((vector_size(%d)));", bytes / count == 8 ? "long long" : "int", count, bytes);
        text_line(f->t, "#define %s(found, a, b) ((%s)(((found) & (masks%d)(a)) | (~(found) & (masks%d)(b))))", c_choose(f), f->lanes, count, count);
    } else if (f->needs.choose) {
        text_line(f->t, "#define %s(found, a, b) ((found) ? (a) : (b))", c_choose(f));
    }
    put_extremes(f, bytes);
    c_math_of_lanes(f);
    c_sums_of_lanes(f);
    if (f->needs.turn)
        c_turn_of_lanes(f);
}

/* ---- sections */

/* The functions of all phases, whatever machine they are for. */
static void put_table_type(CFile *f)
{
    const char *parameters[USE_COUNT];

    text_blank(f->t);
    text_line(f->t, "/* The phases of the network as functions for one kind of machine: there are several, with the same results but for rounding. */");
    text_open(f->t, "typedef struct machine {");
    for (int i = 0; i < f->steps.count; i++) {
        const Step *s = f->steps.at[i];
        if (s->program->mode == MODE_LOOK)
            continue;
        int count = step_parameters(f, s->program, s->uses, s->writes_state, parameters);
        put_list(f->t, arena_print(f->u->arena, "void (*%s)(", s->name), parameters, count, ");");
    }
    text_close(f->t, "} machine;");
}

static void put_table(CFile *v)
{
    text_blank(v->t);
    text_open(v->t, "static const machine machine%s = {", v->suffix);
    for (int i = 0; i < v->steps.count; i++) {
        const Step *s = v->steps.at[i];
        text_line(v->t, "%s,", s->same ? s->same->name : s->name);
    }
    text_close(v->t, "};");
}

/* Plain C is for those that have nothing better. */
static const char *condition_of(const CFile *f, const Isa *isa)
{
    bool gnu = false;

    for (int i = 0; i < f->u->variant_count; i++)
        gnu = gnu || strcmp(f->u->variants[i].machine->name, "sse2") == 0;
    return strcmp(isa->machine, "scalar") == 0 && !gnu ? "1" : isa->condition;
}

const char *c_machine_condition(const CFile *f, int variant)
{
    return condition_of(f, isa_of(f->u->variants[variant].machine->name));
}

const char *c_condition_where(const CFile *f, const bool *wanted)
{
    const char *condition = NULL, *last = NULL;
    bool all = true;

    for (int v = 0; v < f->u->variant_count; v++) {
        const char *of = c_machine_condition(f, v);
        all = all && wanted[v];
        if (wanted[v] && (!last || strcmp(last, of) != 0)) {
            condition = condition ? arena_print(f->u->arena, "%s || (%s)", condition, of) : arena_print(f->u->arena, "(%s)", of);
            last = of;
        }
    }
    return all ? NULL : condition;
}

/* Returns where the functions begin. */
static size_t put_section(CFile *f, CFile *v, const Text *functions)
{
    const Isa *isa = isa_of(v->u->options.machine->name);
    bool gnu = strcmp(isa->machine, "scalar") != 0;

    v->t = f->t;
    text_blank(f->t);
    text_blank(f->t);
    text_line(f->t, "/* ======== %s ======== */", isa->about);
    text_blank(f->t);
    text_line(f->t, "#if %s", condition_of(f, isa));
    text_blank(f->t);
    about_nests(f);
    if (isa->target) {
        put_attribute(v, "NEST", arena_print(f->u->arena, "noinline, aligned(64), target(\"%s\")", isa->target), is_long(v));
        put_attribute(v, "MACHINE", arena_print(f->u->arena, "target(\"%s\")", isa->target), is_long(v));
    } else {
        text_line(f->t, gnu ? "#define NEST __attribute__((noinline, aligned(64)))" : "#define NEST");
        text_line(f->t, "#define MACHINE");
    }
    c_lanes(v);
    text_blank(f->t);
    size_t begin = f->t->length;
    text_bytes(f->t, functions->at, functions->length);
    c_steps(v);
    put_table(v);
    text_blank(f->t);
    text_line(f->t, "#undef NEST");
    text_line(f->t, "#undef MACHINE");
    text_line(f->t, "#endif");
    return begin;
}

static void put_choice(CFile *f, const Isa *isa)
{
    Text *asked = text_new(f->u->arena);

    text_line(f->t, "#if %s", condition_of(f, isa));
    for (int i = 0; i < countof(isa->asks) && isa->asks[i]; i++)
        text_put(asked, "%s__builtin_cpu_supports(\"%s\")", i ? " && " : "", isa->asks[i]);
    if (asked->length) {
        put_code(f->t, arena_print(f->u->arena, "if (%s)", asked->at));
        f->t->depth++;
    }
    text_line(f->t, "return &machine_%s;", isa->machine);
    f->t->depth -= asked->length > 0;
    text_line(f->t, "#endif");
}

static void put_choices(CFile *f)
{
    text_blank(f->t);
    text_blank(f->t);
    text_line(f->t, "/* ======== all machines ======== */");
    text_blank(f->t);
    text_line(f->t, "/* The functions for the machine that this is. What its processor has stands in memory, where the C library looked it up when the");
    text_line(f->t, " * program began. A test takes others: -DCNN_MACHINE=machine_avx2. */");
    text_line(f->t, "static const machine *this_machine(void)");
    text_open(f->t, "{");
    text_line(f->t, "#ifdef CNN_MACHINE");
    text_line(f->t, "return &CNN_MACHINE;");
    text_line(f->t, "#else");
    for (int i = 0; i < f->u->variant_count; i++)
        put_choice(f, isa_of(f->u->variants[i].machine->name));
    text_line(f->t, "#endif");
    text_close(f->t, "}");
}

size_t c_sections(CFile *f, Text *const *functions)
{
    size_t begin = 0;

    put_table_type(f);
    for (int i = 0; i < f->u->variant_count; i++) {
        unit_choose_variant(f->u, i);
        size_t here = put_section(f, f->variants[i], functions[i]);
        begin = i ? begin : here;
    }
    unit_choose_variant(f->u, 0);
    put_choices(f);
    return begin;
}
