/* same.c: does LLVM make of a network what the C compiler makes of the C file?
 *
 *   same --cnnc=PATH --cc="CC FLAGS" [--dir=DIR] [--seed=N] [--count=N] [FILE.cnn...]
 *
 * For the networks of files and for random ones (random/generate.h), in every style, in float and double, the shared object of
 * `cnnc --strict -o net.so` at some level of optimisation and that of the C file of `cnnc --strict` have
 *   the same descriptor, in every field and string, and
 *   the same bits in y, the losses, all gradients and states, in training, in inference and for the derivative of inference.
 * A network that fails stays in DIR; status 1. */
#include "random/generate.h"
#include "random/model.h"
#include "support/dice.h"
#include "support/network.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 5, WORK = 1500, MOST_BUDGET = 30000 };

typedef struct Same {
    const char *cnnc, *cc, *dir;
    Arena *arena;
    const char *name, *path;        /* of the network */
    uint64_t seed;
    const char *way;                /* "fast float, tile 8, -O2" */
    bool failed;                    /* this network */
    long compared;                  /* pairs of objects */
} Same;

static void complain(Same *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(Same *s, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    printf("  %s, %s: %s\n", s->name, s->way, arena_vprint(s->arena, format, values));
    va_end(values);
    s->failed = true;
}

/* ---- descriptors */

static void same_number(Same *s, const char *what, double a, double b)
{
    if (a != b)
        complain(s, "%s is %.17g in C and %.17g from LLVM", what, a, b);
}

static void same_text(Same *s, const char *what, const char *a, const char *b)
{
    if (!a != !b || (a && strcmp(a, b) != 0))
        complain(s, "%s is '%s' in C and '%s' from LLVM", what, a ? a : "NULL", b ? b : "NULL");
}

#define NUMBER(field) same_number(s, #field, (double)a->field, (double)b->field)
#define TEXT(field) same_text(s, #field, a->field, b->field)

static void same_tensors(Same *s, const cnn_tensor *a, const cnn_tensor *b, int count)
{
    for (int i = 0; i < count; i++, a++, b++) {
        TEXT(name); NUMBER(rank); NUMBER(offset); NUMBER(count); NUMBER(fan_in); NUMBER(fan_out); NUMBER(init);
        for (int axis = 0; axis < a->rank; axis++)
            NUMBER(dim[axis]);
    }
}

static void same_phases(Same *s, const cnn_phase *a, const cnn_phase *b, int count)
{
    for (int i = 0; i < count; i++, a++, b++) {
        TEXT(name); NUMBER(once); NUMBER(sum_count);
        for (int j = 0; j < a->sum_count && !s->failed; j++) {
            NUMBER(sums[j].from); NUMBER(sums[j].count); NUMBER(sums[j].to);
        }
    }
}

static void same_program(Same *s, const cnn_program *a, const cnn_program *b)
{
    NUMBER(phase_count); NUMBER(scratch); NUMBER(shared); NUMBER(keeps);
    if (!s->failed)
        same_phases(s, a->phases, b->phases, a->phase_count);
}

static void same_settings(Same *s, const cnn_setting *a, const cnn_setting *b, int count)
{
    for (int i = 0; i < count; i++, a++, b++) {
        TEXT(name); TEXT(word); NUMBER(argument_count);
        for (int j = 0; j < a->argument_count && !s->failed; j++) {
            TEXT(arguments[j].name); NUMBER(arguments[j].number); TEXT(arguments[j].text);
        }
    }
}

static void same_descriptors(Same *s, const cnn_model *a, const cnn_model *b)
{
    NUMBER(abi); NUMBER(real_bytes); TEXT(name); TEXT(source); NUMBER(tile); NUMBER(input_rank);
    for (int i = 0; i < 3; i++)
        NUMBER(input_dim[i]);
    NUMBER(inputs); NUMBER(outputs); NUMBER(weight_tensors); NUMBER(weight_count); NUMBER(state_tensors); NUMBER(state_count);
    NUMBER(train_phases); NUMBER(setting_count); NUMBER(row_count); NUMBER(row_inputs); NUMBER(row_targets);
    if (s->failed)
        return;
    same_tensors(s, a->weights, b->weights, a->weight_tensors);
    same_tensors(s, a->state, b->state, a->state_tensors);
    same_program(s, &a->train, &b->train);
    same_program(s, &a->infer, &b->infer);
    same_program(s, &a->eval_grad, &b->eval_grad);
    same_settings(s, a->settings, b->settings, a->setting_count);
    for (int i = 0; i < a->row_count * (a->row_inputs + a->row_targets); i++)
        NUMBER(rows[i]);
}

/* ---- numbers */

/* Bits of what model_run left; NaN counts as itself. */
static void same_bits(Same *s, const char *pass, const char *what, const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(a[i] != a[i] && b[i] != b[i])) {
            complain(s, "%s: %s[%zu] is %.17g in C and %.17g from LLVM", pass, what, i, a[i], b[i]);
            return;
        }
}

static void draw_numbers(Dice *d, double *to, size_t count, double low, double high)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (double)(float)(low + (high - low) * dice_real(d));
}

static void same_numbers(Same *s, const cnn_model *a, const cnn_model *b)
{
    static const char *const name[] = { [PASS_TRAIN] = "training", [PASS_INFER] = "inference", [PASS_EVAL] = "eval" };
    Dice d = dice_new(s->seed + 17);
    Numbers in_c = model_numbers(s->arena, a, BATCH);
    uint32_t draw[4] = { (uint32_t)dice_next(&d), (uint32_t)dice_next(&d), 3, 0 };

    draw_numbers(&d, in_c.x, BATCH * a->inputs, -1, 1);
    draw_numbers(&d, in_c.target, BATCH * a->outputs, 0, 1);
    draw_numbers(&d, in_c.weights, a->weight_count, -0.5, 0.5);
    draw_numbers(&d, in_c.state, a->state_count, 0.5, 1.5);
    for (Pass pass = PASS_TRAIN; pass <= PASS_EVAL && !s->failed; pass++) {
        Numbers of_llvm = model_numbers(s->arena, a, BATCH);
        of_llvm.x = in_c.x;
        of_llvm.target = in_c.target;
        of_llvm.weights = in_c.weights;
        of_llvm.state = in_c.state;
        model_run(s->arena, a, pass, draw, &in_c);
        model_run(s->arena, b, pass, draw, &of_llvm);
        if (of_llvm.wrong)
            complain(s, "%s: %s", name[pass], of_llvm.wrong);
        same_bits(s, name[pass], "y", in_c.y, of_llvm.y, BATCH * a->outputs);
        same_bits(s, name[pass], "loss", in_c.loss, of_llvm.loss, BATCH);
        same_bits(s, name[pass], "dx", in_c.dx, of_llvm.dx, BATCH * a->inputs);
        same_bits(s, name[pass], "gradient", in_c.gradient, of_llvm.gradient, a->weight_count);
        same_bits(s, name[pass], "state", in_c.new_state, of_llvm.new_state, a->state_count);
    }
}

/* ---- one network */

static bool run(Same *s, const char *command)
{
    if (system(arena_print(s->arena, "%s < /dev/null", command)) == 0)
        return true;
    complain(s, "this failed: %s", command);
    return false;
}

/* The name of the descriptor: the identifier behind `const cnn_model`. */
static const char *descriptor(Same *s, const char *c)
{
    const char *text = text_of_file(s->arena, c), *found = text ? strstr(text, "\nconst cnn_model ") : NULL;

    if (!found)
        return NULL;
    found += strlen("\nconst cnn_model ");
    return arena_copy(s->arena, found, strcspn(found, " ="));
}

static const cnn_model *open_model(Same *s, const char *path, const char *symbol, void **handle)
{
    const char *error = "no descriptor";
    const cnn_model *m = symbol ? model_open(path, symbol, handle, &error) : NULL;

    if (!m)
        complain(s, "%s: %s", path, error);
    return m;
}

typedef struct Way {
    const char *style, *real, *more;    /* options of cnnc */
    int tile;                           /* 0: the style's */
} Way;

/* The C file once, LLVM's object at the levels given. */
static void try_way(Same *s, const Way *w, const char *levels)
{
    const char *stem = arena_print(s->arena, "%s/%s.%s.%s", s->dir, s->name, w->style, w->real);
    const char *c = arena_print(s->arena, "%s.c", stem), *c_so = arena_print(s->arena, "%s.c.so", stem);
    const char *options = arena_print(s->arena, "--strict --style=%s --real=%s --unroll-budget=%d %s %s", w->style, w->real, MOST_BUDGET, w->more,
                                      w->tile ? arena_print(s->arena, "--tile=%d", w->tile) : "");
    void *in_c, *of_llvm;

    s->way = arena_print(s->arena, "%s %s", w->style, w->real);
    if (strcmp(w->style, "unrolled") == 0        /* too much for it is no failure */
        && system(arena_print(s->arena, "'%s' %s '%s' -o '%s' 2> /dev/null", s->cnnc, options, s->path, c)) != 0)
        return;
    if (!run(s, arena_print(s->arena, "'%s' %s '%s' -o '%s'", s->cnnc, options, s->path, c))
        || !run(s, arena_print(s->arena, "%s -w -fPIC -shared '%s' -o '%s' -lm", s->cc, c, c_so)))
        return;
    const char *symbol = descriptor(s, c);
    const cnn_model *a = open_model(s, c_so, symbol, &in_c);
    if (!a)
        return;
    for (const char *level = levels; *level && !s->failed; level++) {
        const char *so = arena_print(s->arena, "%s.O%c.so", stem, *level);
        s->way = arena_print(s->arena, "%s %s, tile %d, -O%c", w->style, w->real, a->tile, *level);
        if (!run(s, arena_print(s->arena, "'%s' %s -O%c '%s' -o '%s'", s->cnnc, options, *level, s->path, so)))
            return;
        const cnn_model *b = open_model(s, so, symbol, &of_llvm);
        if (!b)
            return;
        same_descriptors(s, a, b);
        if (!s->failed)
            same_numbers(s, a, b);
        dlclose(of_llvm);
        s->compared++;
        if (!s->failed)
            remove(so);
    }
    dlclose(in_c);
    if (!s->failed) {
        remove(c);
        remove(c_so);
    }
}

static void try_network(Same *s)
{
    /* Which levels meet which style turns with the seed. */
    static const char *const levels[] = { "02", "3", "1" };
    const Way ways[] = {
        { "lesson", "float", "", 1 + (int)(s->seed % 3) }, { "lesson", "double", "", 1 },
        { "unrolled", "float", "", 1 }, { "unrolled", "double", "", 1 + (int)(s->seed % 2) },
        { "fast", "float", "--target=avx2", 0 }, { "fast", "double", "--target=sse2", 0 },
    };

    for (int i = 0; i < countof(ways) && !s->failed; i++)
        try_way(s, &ways[i], levels[(s->seed + (uint64_t)i) % countof(levels)]);
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t length = strlen(with);

    *rest = text + length;
    return strncmp(text, with, length) == 0;
}

int main(int argc, char **argv)
{
    Same s = { .dir = ".", .arena = arena_new() };
    uint64_t seed = 1, count = 0;
    long networks = 0, failed = 0;
    int file = argc;

    for (int i = 1; i < argc && file == argc; i++) {
        const char *value;
        if (starts(argv[i], "--cnnc=", &value))
            s.cnnc = value;
        else if (starts(argv[i], "--cc=", &value))
            s.cc = value;
        else if (starts(argv[i], "--dir=", &value))
            s.dir = value;
        else if (starts(argv[i], "--seed=", &value))
            seed = strtoull(value, NULL, 10);
        else if (starts(argv[i], "--count=", &value))
            count = strtoull(value, NULL, 10);
        else
            file = i;
    }
    if (!s.cnnc || !s.cc) {
        fprintf(stderr, "usage: same --cnnc=PATH --cc=\"CC FLAGS\" [--dir=DIR] [--seed=N] [--count=N] [FILE.cnn...]\n");
        return 2;
    }
    for (uint64_t i = 0; i < (uint64_t)(argc - file) + count; i++) {
        bool random = i >= (uint64_t)(argc - file);
        s.failed = false;
        s.way = "text";
        if (!random) {
            s.path = argv[file + (int)i];
            const char *slash = strrchr(s.path, '/');
            s.name = slash ? slash + 1 : s.path;
            s.seed = seed + i;
        } else {
            s.seed = seed + i - (uint64_t)(argc - file);
            s.name = arena_print(s.arena, "net%llu", (unsigned long long)s.seed);
            s.path = arena_print(s.arena, "%s/%s.cnn", s.dir, s.name);
            FILE *to = fopen(s.path, "w");
            if (!to || fputs(random_network(s.arena, s.seed, FAMILY_REAL, WORK), to) < 0 || fclose(to) != 0)
                complain(&s, "cannot write %s", s.path);
        }
        if (!s.failed)
            try_network(&s);
        networks++;
        failed += s.failed;
        if (random && !s.failed)
            remove(s.path);
        fflush(stdout);
    }
    printf("same: %ld networks, %ld pairs of objects, %ld networks failed\n", networks, s.compared, failed);
    arena_free(s.arena);
    return failed > 0;
}
