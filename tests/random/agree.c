/* agree.c: do all ways to run a network give the same numbers?
 *
 *   agree --cnnc=PATH [--libcnn=PATH] [--dir=DIR] [--seed=N] [--count=N] [--work=N] [--jobs=N] [--cc="CC FLAGS"]... [--long-cc="CC FLAGS"] [--llvm]
 *         [--whole] [--quick] [--for=avx512] [--make | --made] [FILE.cnn...]
 *
 * Random networks (generate.h), by seed, or the networks of files. For each:
 *   evaluator = naive reference                        within 1e-11
 *   generated C in double, of every style = it         within 1e-11
 *   generated C in float, of every style = it          outputs within 2e-6, gradients within 1e-5
 *   the program that it makes with libcnn              the same, for its commands `run` and `grad`
 * The C is that of the styles lesson, unrolled and fast, and that for inference alone; `--llvm` adds the shared objects that cnnc makes
 * by LLVM and its commands `run` and `grad`, `--quick` leaves most of them out. `--work` bounds the multiply-adds of a random network for
 * one image (1000). Compared are, norm-wise, y, the losses, the gradients of
 * every param and of the input, and the running statistics, in training, in inference and for the derivative of inference, with tiles
 * that do not divide the batch.
 * `--for=avx512` makes code for processors that have it. Where this one has not: `--make` compiles all that is compared and leaves it in DIR,
 * `--made`, on the other machine or its emulator, compares what it finds there (tests/emulated).
 *
 * `--long-cc` compiles code without loops that is not optimised, of three networks in four: gcc takes several times as long as clang for it.
 *
 * `--whole` makes networks of small whole numbers with ties and zeros and expects the same numbers everywhere, exactly.
 *
 * Some gradients are the small difference of large terms (that of a bias before batchnorm is 0): there float cannot come within 1e-5 of
 * their norm. Such a one may be as far away as runs of the reference scatter that round every operation to float by chance
 * (trial_scatter); how many are is printed.
 *
 * The numbers are ones that float holds exactly, drawn again until nothing comes so close to a kink that rounding could step over it;
 * how often is printed. A network that fails stays in DIR as FILE.cnn with its seed; status 1. */

#include "agree.h"
#include "generate.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const double closest = 1e-4;     /* a kink may be: some hundred roundings of float in the layers before it */
enum { BATCH = 5, WHOLE_BATCH = 4, MOST_DRAWS = 400, QUICK_BUILDS = 4 };

void trial_fails(Trial *t, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    printf("  %s: %s\n", t->name, arena_vprint(t->arena, format, values));
    va_end(values);
    fflush(stdout);
    t->result->failed = true;
}

bool run_command(Trial *t, const char *command, const char *log)
{
    int status = system(arena_print(t->arena, "ulimit -t %d; %s > '%s' 2>&1 < /dev/null", SECONDS, command, log));

    if (status == 0)
        return true;
    trial_fails(t, "this failed: %s", command);
    const char *text = text_of_file(t->arena, log);
    if (text)
        printf("%.2000s\n", text);
    return false;
}

static void draw_numbers(Trial *t, Dice *d)
{
    int again = t->o->whole ? trial_draw_exact(t->r, d, t->draw, 24, 60) : trial_draw_clear(t->r, d, t->draw, closest, MOST_DRAWS);

    t->result->again = again;
    t->result->skipped = again < 0;
}

/* Numbers for the network, and the evaluator's answers against the reference's. False if there is nothing to compare with. */
static bool evaluated(Trial *t, Dice *d, int tile)
{
    const Wishes *o = t->o;

    t->r = reference_new(t->arena, t->u->net, o->whole ? WHOLE_BATCH : BATCH);
    draw_numbers(t, d);
    if (t->result->skipped) {
        printf("  %s: left out; %s\n", t->name, t->r->nearest_site ? arena_print(t->arena, "no numbers keep away from a kink at %s",
               t->r->nearest_site) : "no numbers stay exact");
        return false;
    }
    for (Pass pass = PASS_TRAIN; pass <= PASS_EVAL; pass++) {
        reference_pass(t, pass, false);
        evaluate(t, t->u, arena_print(t->arena, "evaluator, tile %d", tile), pass);
    }
    return !t->result->failed;
}

/* Optimising code without loops takes most of the time: one network of sixteen has it, so that all pairs of compilers come by. */
static bool is_optimised(const Trial *t) { return t->seed / 4 % 16 == 0; }

enum { MOST_BUILDS = 16 };

static int builds_for_this_machine(const Trial *t, Dice *d, BuildOf *builds)
{
    const Wishes *o = t->o;
    /* Which compiler builds which file turns with the seed; every network meets two of them. */
    const char *one = o->compiler[t->seed % (uint64_t)o->compilers], *two = o->compiler[(t->seed + 1) % (uint64_t)o->compilers];
    const char *plain = is_optimised(t) ? "" : " -O0";
    const char *one_plain = arena_print(t->arena, "%s%s", one, plain), *two_plain = arena_print(t->arena, "%s%s", two, plain);
    if (o->long_compiler && !is_optimised(t) && t->seed % 4 != 0)
        one_plain = two_plain = o->long_compiler;
    /* The fast style, for machines with long and with short vectors; what a C compiler does not have it puts together. */
    static const char *const fast[] = {
        "--style=fast --target=avx2 --layout=images", "--style=fast --target=sse2 --layout=channels", "--style=fast --target=avx512",
        "--style=fast --target=avx2 --layout=channels", "--style=fast --target=sse2", "--style=fast --target=avx512 --layout=channels",
        "--style=fast --target=scalar", "--style=fast", "--style=fast --target=x86-64-v2,x86-64-v3 --layout=images",
    };
    static const int fast_tile[] = { 8, 1, 16, 3, 4, 2, 3, 5, 8 };
    const char *native = arena_print(t->arena, "%s%s", two, t->seed % 2 == 0 ? " -march=native" : "");
    /* LLVM at all levels, with and without contraction; optimising takes most of the time here, too. */
    static const char *const llvm[] = {
        "--style=lesson -O3 --cpu=native", "--style=lesson -O0 --strict", "--style=lesson -O0", "--style=lesson -O2", "--style=lesson -O0 --strict",
        "--style=lesson -O1",
    };
    static const char *const llvm_fast[] = { "--style=fast -O2 --strict", "--style=fast -O0", "--style=fast -O3 --cpu=native", "--style=fast -O1 --strict" };
    const BuildOf all[] = {
        { "lesson.float", "--style=lesson", false, 4, one },
        { "unrolled.float", "--style=unrolled", false, (int)dice_between(d, 1, 2), two_plain },
        { "fast.float", fast[t->seed % countof(fast)], false, fast_tile[t->seed % countof(fast)], native },
        { "infer.float", "--infer", false, 1, two },
        { "lesson.double", "--style=lesson", true, (int)dice_between(d, 1, 3), two },
        { "unrolled.double", "--style=unrolled", true, 1, one_plain },
        { "fast.double", fast[(t->seed + 1) % countof(fast)], true, 0, one },
        { "infer.double", "--infer", true, (int)dice_between(d, 1, 3), one },
        { "llvm.float", o->llvm ? llvm[t->seed % countof(llvm)] : NULL, false, (int)dice_between(d, 1, 3), NULL },
        { "llvm.double", o->llvm ? llvm[(t->seed + 1) % countof(llvm)] : NULL, true, 1, NULL },
        { "llvm.fast", o->llvm ? llvm_fast[t->seed % countof(llvm_fast)] : NULL, false, 0, NULL },
    };

    memcpy(builds, all, sizeof all);
    return o->quick ? QUICK_BUILDS : countof(all);
}

/* What has the code of style fast for AVX-512, and loops that compilers make vectors of. */
static int builds_for_avx512(const Trial *t, Dice *d, BuildOf *builds)
{
    const Wishes *o = t->o;
    static const char *const fast[] = {
        "--style=fast --target=avx512 --layout=images", "--style=fast --target=avx512 --layout=channels", "--style=fast --target=avx512",
        "--style=fast --target=x86-64-v3,x86-64-v4 --layout=images",
    };
    static const int fast_tile[] = { 16, 1, 0, 5, 2 };
    /* Gather and scatter by one of the upper 16 registers are what bochs 2.7 does not decode. */
    static const char *const llvm[] = {
        "--style=fast --cpu=x86-64-v4 --features=+prefer-no-gather,+prefer-no-scatter -O3", "--style=fast --cpu=x86-64-v4 -O1 --strict",
    };
    const char *cc[2];

    for (int i = 0; i < 2; i++)
        cc[i] = arena_print(t->arena, "%s -march=x86-64-v4", o->compiler[(t->seed + (uint64_t)i) % (uint64_t)o->compilers]);
    const BuildOf all[] = {
        { "lesson.float", "--style=lesson", false, (int)dice_between(d, 1, 4), cc[0] },
        { "fast.float", fast[t->seed % countof(fast)], false, fast_tile[t->seed % countof(fast_tile)], cc[1] },
        { "infer.float", "--infer", false, 1, cc[1] },
        { "fast.double", fast[(t->seed + 1) % countof(fast)], true, 0, cc[0] },
        { "llvm.fast", o->llvm ? llvm[t->seed % 2] : NULL, false, 0, NULL },
    };

    memcpy(builds, all, sizeof all);
    return countof(all);
}

/* The network as a program, and run by cnnc in memory. */
static void try_programs(Trial *t, Dice *d)
{
    const Wishes *o = t->o;
    const char *one = o->compiler[t->seed % (uint64_t)o->compilers];
    const char *const jit[] = { "--style=fast -O2", "--style=lesson -O0", is_optimised(t) ? "--style=unrolled -O3" : "--style=unrolled -O0" };
    const BuildOf program = { "program", "--style=lesson", t->seed % 2 == 0, (int)dice_between(d, 1, 4), one };

    program_and_compare(t, &program);
    const BuildOf in_memory = { "jit", jit[t->seed % 3], t->seed % 2 != 0, (int)dice_between(d, 1, 4), NULL };
    if (o->llvm && !t->result->failed)
        program_and_compare(t, &in_memory);
}

static void try_network(Trial *t)
{
    const Wishes *o = t->o;
    /* What is built does not depend on the numbers, which `--make` does not draw. */
    Dice numbers = dice_new(t->seed + 1), ways = dice_new(t->seed + 2);
    const char *unknown;
    int tile = (int)dice_between(&numbers, 1, 4);
    BuildOf builds[MOST_BUILDS];

    for (int i = 0; i < 4; i++)
        t->draw[i] = i == 3 ? 0 : (uint32_t)dice_next(&numbers);
    t->u = network_from(t->name, t->text, (NetworkOptions){ .tile = tile });
    if (!t->u) {
        trial_fails(t, "the compiler does not accept this valid network");
        return;
    }
    if (!reference_knows(t->u->net, &unknown)) {
        trial_fails(t, "the reference does not know the layer '%s'", unknown);
        return;
    }
    if (!o->make && !evaluated(t, &numbers, tile))
        return;

    int count = o->for_avx512 ? builds_for_avx512(t, &ways, builds) : builds_for_this_machine(t, &ways, builds);
    for (int i = 0; i < count; i++)
        if (builds[i].options && !(o->whole && strcmp(builds[i].options, "--infer") == 0))
            build_and_compare(t, &builds[i]);
    if (o->libcnn && !o->whole && !o->make && !t->result->failed)
        try_programs(t, &ways);
}

/* A process of its own for every network: a crash or a hang is a failure of that network alone. */
static void child(const Wishes *o, long number, int to)
{
    Arena *arena = arena_new();
    Result result = { .number = number };
    Trial t = { .o = o, .arena = arena, .result = &result };

    alarm(SECONDS);
    if (number < o->file_count) {
        const char *slash = strrchr(o->files[number], '/');
        t.path = o->files[number];
        t.name = slash ? slash + 1 : t.path;
        t.text = text_of_file(arena, t.path);
        t.seed = o->seed + (uint64_t)number;        /* other styles and compilers for each file */
    } else {
        t.seed = o->seed + (uint64_t)(number - o->file_count);
        t.name = arena_print(arena, "%s%llu", o->whole ? "whole" : "net", (unsigned long long)t.seed);
        t.path = arena_print(arena, "%s/%s.cnn", o->dir, t.name);
        t.text = random_network(arena, t.seed, o->whole ? FAMILY_WHOLE : FAMILY_REAL, o->work);
        FILE *f = fopen(t.path, "w");
        if (!f || fputs(t.text, f) < 0 || fclose(f) != 0)
            trial_fails(&t, "cannot write %s", t.path);
    }
    if (t.text && !result.failed)
        try_network(&t);
    else
        result.failed = true;
    if (result.failed)
        printf("  %s: kept as %s (seed %llu)\n", t.name, t.path, (unsigned long long)t.seed);
    else if (number >= o->file_count && !o->make)
        remove(t.path);
    fflush(stdout);
    if (write(to, &result, sizeof result) != (ssize_t)sizeof result)
        _exit(3);
    if (t.u)
        unit_free(t.u);
    arena_free(arena);
    exit(0);
}

/* ---- all of them */

typedef struct Totals {
    Result worst;
    long done, failed, skipped, again, builds;
    pid_t *pid;                 /* of each network's process */
    bool *reported;             /* that it wrote its result */
} Totals;

static void take(Totals *all, const Result *r)
{
    all->done++;
    all->failed += r->failed;
    all->skipped += r->skipped;
    all->again += r->again > 0 ? r->again : 0;
    all->builds += r->builds;
    all->worst.compared += r->compared;
    all->worst.scattered += r->scattered;
    all->worst.double_apart = fmax(all->worst.double_apart, r->double_apart);
    all->worst.float_output = fmax(all->worst.float_output, r->float_output);
    all->worst.float_gradient = fmax(all->worst.float_gradient, r->float_gradient);
    all->worst.c_seconds += r->c_seconds;
}

/* Reads what children have reported so far. */
static void take_reports(int from, Totals *all)
{
    Result r;

    while (read(from, &r, sizeof r) == (ssize_t)sizeof r) {
        take(all, &r);
        all->reported[r.number] = true;
    }
}

static void run_all(const Wishes *o, Totals *all)
{
    long total = o->file_count + o->count, next = 0;
    int running = 0, pipes[2];

    all->pid = calloc((size_t)total + 1, sizeof *all->pid);
    all->reported = calloc((size_t)total + 1, sizeof *all->reported);
    if (!all->pid || !all->reported || pipe(pipes) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0) {
        perror("agree");
        exit(2);
    }
    while (next < total || running > 0) {
        while (next < total && running < o->jobs) {
            fflush(stdout);
            all->pid[next] = fork();
            if (all->pid[next] == 0)
                child(o, next, pipes[1]);
            if (all->pid[next] < 0) {
                perror("agree: fork");
                exit(2);
            }
            next++;
            running++;
        }
        int status;
        pid_t ended = wait(&status);
        long number = 0;
        while (number < next && all->pid[number] != ended)
            number++;
        running--;
        take_reports(pipes[0], all);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && all->reported[number])
            continue;
        printf("  network %ld (seed %llu) ended with %s %d\n", number, (unsigned long long)o->seed + (unsigned long long)number,
               WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        all->failed++;
        all->done += !all->reported[number];
    }
    close(pipes[0]);
    close(pipes[1]);
    free(all->pid);
    free(all->reported);
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t length = strlen(with);

    *rest = text + length;
    return strncmp(text, with, length) == 0;
}

int main(int argc, char **argv)
{
    Wishes o = { .dir = ".", .seed = 1, .work = 1000, .jobs = 2 };
    Totals all = { 0 };

    for (int i = 1; i < argc; i++) {
        const char *value;
        if (starts(argv[i], "--cnnc=", &value))
            o.cnnc = value;
        else if (starts(argv[i], "--libcnn=", &value))
            o.libcnn = value;
        else if (starts(argv[i], "--dir=", &value))
            o.dir = value;
        else if (starts(argv[i], "--seed=", &value))
            o.seed = strtoull(value, NULL, 10);
        else if (starts(argv[i], "--count=", &value))
            o.count = strtol(value, NULL, 10);
        else if (starts(argv[i], "--work=", &value))
            o.work = strtoll(value, NULL, 10);
        else if (starts(argv[i], "--jobs=", &value))
            o.jobs = (int)strtol(value, NULL, 10);
        else if (starts(argv[i], "--cc=", &value) && o.compilers < MOST_COMPILERS)
            o.compiler[o.compilers++] = value;
        else if (starts(argv[i], "--long-cc=", &value))
            o.long_compiler = value;
        else if (strcmp(argv[i], "--whole") == 0)
            o.whole = true;
        else if (strcmp(argv[i], "--llvm") == 0)
            o.llvm = true;
        else if (strcmp(argv[i], "--quick") == 0)
            o.quick = true;
        else if (strcmp(argv[i], "--for=avx512") == 0)
            o.for_avx512 = true;
        else if (strcmp(argv[i], "--make") == 0)
            o.make = true;
        else if (strcmp(argv[i], "--made") == 0)
            o.made = true;
        else if (argv[i][0] == '-')
            o.jobs = 0, argc = 0;
        else {
            o.files = argv + i;
            o.file_count = argc - i;
            break;
        }
    }
    if ((!o.cnnc && !o.made) || o.jobs < 1) {
        fprintf(stderr, "usage: agree --cnnc=PATH [--libcnn=PATH] [--dir=DIR] [--seed=N] [--count=N] [--work=N] [--jobs=N] [--cc=\"CC FLAGS\"]... [--long-cc=\"CC FLAGS\"] "
                        "[--llvm] [--whole] [--quick] [--for=avx512] [--make | --made] [FILE.cnn...]\n");
        return 2;
    }
    if (o.compilers == 0)
        o.compiler[o.compilers++] = "cc -O1 -Wall -Wextra -Werror -Wconversion -pedantic";
    if (mkdir(o.dir, 0777) != 0 && errno != EEXIST) {
        perror(o.dir);
        return 2;
    }
    run_all(&o, &all);
    printf("agree: %ld networks from seed %llu, %ld failed, %ld without numbers; %ld builds (C took %.0f s)\n", all.done,
           (unsigned long long)o.seed, all.failed, all.skipped, all.builds, all.worst.c_seconds);
    if (o.make)
        return all.failed > 0;
    if (o.whole)
        printf("agree: every number exactly equal; numbers drawn again %ld times to stay exact\n", all.again);
    else
        printf("agree: at most %.1e apart in double, %.1e (outputs) and %.1e (gradients) in float; %ld of %ld gradients in float cancel and are "
               "measured by their scatter; numbers drawn again %ld times near kinks\n",
               all.worst.double_apart, all.worst.float_output, all.worst.float_gradient, all.worst.scattered, all.worst.compared, all.again);
    /* A network that never gets numbers tests nothing; a few are bound to happen. */
    return all.failed > 0 || all.skipped * 10 > all.done;
}
