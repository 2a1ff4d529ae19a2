/* defaults.c: the style and the machines of a compilation where nobody says which (defaults.h). */
#include "defaults.h"

#include "emit/emit.h"
#include "emit/native.h"
#include "loops/machine.h"

#include <string.h>

void options_set_machines(Options *o, Arena *arena, const Machine *const *list, int count)
{
    o->machines = arena_array(arena, (size_t)count + 1, sizeof *o->machines);
    o->machine_count = 0;
    for (int i = 0; i < count; i++) {
        int at = o->machine_count++;
        for (; at > 0 && o->machines[at - 1]->vector_bytes < list[i]->vector_bytes; at--)
            o->machines[at] = o->machines[at - 1];
        o->machines[at] = list[i];
    }
    o->machine = o->machines[0];
}

/* True if `feature`, such as +v, is one of those asked for. */
static bool has_feature(const Options *o, const char *feature)
{
    size_t length = strlen(feature);

    for (const char *at = o->features; at; at = strchr(at, ','), at += at != NULL)
        if (strncmp(at, feature, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* The machine that the fast style schedules for where only the processor is known. */
static const Machine *machine_of_processor(const Options *o)
{
    static const struct { const char *triple, *cpu, *features, *machine; } known[] = {
        { "aarch64", "",          "",   "neon" },
        { "arm64",   "",          "",   "neon" },
        { "wasm",    "",          "",   "simd128" },
        { "x86_64",  "x86-64-v3", "",   "avx2" },
        { "x86_64",  "x86-64-v4", "",   "avx512" },
        { "riscv64", "",          "+v", "rvv-128" },
        { "riscv",   "",          "",   "scalar" },
        { "thumb",   "",          "",   "scalar" },
        { "",        "",          "",   "sse2" },               /* vectors of 16 bytes, which every other machine has or does without */
    };
    const char *triple = o->triple ? o->triple : "x86_64", *cpu = o->cpu ? o->cpu : "";

    if (strcmp(cpu, "native") == 0)
        return machine_find(native_machine());
    for (int i = 0; i < countof(known); i++)
        if (strncmp(triple, known[i].triple, strlen(known[i].triple)) == 0 && (!*known[i].cpu || strcmp(cpu, known[i].cpu) == 0)
            && (!*known[i].features || has_feature(o, known[i].features)))
            return machine_find(known[i].machine);
    return o->machine;
}

/* What is run at once is made for this machine. */
void default_for_command(Unit *u, const CommandLine *line)
{
    Options *o = &u->options;

    if (line->command && strcmp(line->command, "check") == 0) {       /* in double, and as it is read */
        o->real = REAL_DOUBLE;
        return;
    }
    if (!o->cpu && !line->machine_given)
        o->cpu = "native";
}

static const Output *output_of(const Target *t)
{
    return t->emit ? output_find(t->emit) : output_for_path(t->path);
}

int outputs_to_look_at(const CommandLine *line)
{
    int looks = 0;

    for (int i = 0; i < line->targets.count; i++)
        looks += output_of(&line->targets.at[i])->looks;
    return looks;
}

void default_style(Unit *u, const CommandLine *line)
{
    bool check = line->command && strcmp(line->command, "check") == 0;
    bool looks = line->targets.count > 0 && outputs_to_look_at(line) == line->targets.count;

    if (!line->style_given)
        u->options.style = line->inspection || check || looks ? STYLE_LESSON : STYLE_FAST;
}

/* What is written is C, every bit of it, or nothing but a stage is shown. */
static bool only_c(const CommandLine *line)
{
    if (line->command || line->inspection || line->tune)
        return false;
    for (int i = 0; i < line->targets.count; i++)
        if (!output_of(&line->targets.at[i])->for_several)
            return false;
    return true;
}

bool default_machines(Unit *u, const CommandLine *line)
{
    Options *o = &u->options;
    const Machine *all[] = { machine_find("avx512"), machine_find("avx2"), machine_find("sse2"), NULL };
    bool asked = o->machine_count > 1;

    if (!line->machine_given && (o->triple || o->cpu))
        o->machine = machine_of_processor(o);
    else if (!line->machine_given && o->style == STYLE_FAST && only_c(line))
        options_set_machines(o, u->arena, all, 3);
    if (o->style != STYLE_FAST || o->machine_count < 2) {
        o->machine_count = 0;
    } else if (asked && !only_c(line)) {
        return false;
    } else {
        for (int i = 0; i < o->machine_count; i++)
            all[i] = o->machines[i];
        all[o->machine_count] = machine_find("scalar");
        options_set_machines(o, u->arena, all, o->machine_count + 1);
    }
    if (!o->tile && o->style != STYLE_FAST)
        o->tile = 1;
    return true;
}
