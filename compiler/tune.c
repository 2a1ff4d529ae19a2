/* tune.c: cnnc --tune (tune.h): what the fast style had better choose on this machine, by measurement.
 *
 * First what concerns the whole network, one after the other: what lies innermost, the images of a call, convolutions by tiles. Then, for every nest,
 * the choices of its register tile that are predicted to be best (loops/choice.h): the network is compiled once with choice number 0 for all nests,
 * once with number 1 for all that have one, and so on, each nest as a phase of its own, so that it can be timed between the others, with what they leave
 * in the caches. The code is LLVM's, in memory, or what a C compiler makes of the C file: they like different tiles.
 *
 * Contenders take turns, and what counts is the median of the ratios of turns in the same round: the clock of a machine changes, and others work on it,
 * for which the time is that of the processor, not of the wall. One that wins by less than `noise`, or in the even rounds alone, is not kept. */
#include "tune.h"

#include "c_code.h"
#include "emit/native.h"
#include "loops/choice.h"
#include "loops/machine.h"
#include "net/net.h"
#include "pipeline.h"
#include "tuned.h"

#include <cnn/cnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LEAST_ROUNDS = 8, MOST_ROUNDS = 40, MOST_CONTENDERS = MOST_CHOICES };

static const double noise = 0.03;               /* of the time, of one choice */
static const double gain = 0.01;                /* of the time, of those for all nests together: what they lose elsewhere counts */
static const double turn = 0.01;                /* seconds of a turn, at least one run */
static const double race_time = 2;              /* seconds of all turns together, at least LEAST_ROUNDS */
static const double least_share = 0.003;        /* of the time: nests below are left as they are */

/* The network compiled in one way. */
typedef struct Contender {
    Unit *u;
    NativeCode *code;
    CCode c_code;
    const cnn_model *model;
    const cnn_program *program;
    int phases;                     /* of the program, that run */
} Contender;

/* Memory that all contenders use in turn: what a job points to. */
enum { X, TARGET, SHARE, IMAGES, KEEP, WEIGHTS, STATE, GRADIENT, DX, Y, LOSS, SCRATCH, SHARED, ROOMS };

typedef struct Room {
    void *memory;
    size_t bytes;
} Room;

typedef struct Tuning {
    Unit *u;
    Room rooms[ROOMS];
    cnn_job job;
    int32_t filled;                             /* images that the rooms have numbers for; 0: no weights either */
    bool terminal, by_c;                        /* by_c: the code of a C compiler */
    LIST(Contender *) all;
} Tuning;

/* That this thread has had of a processor. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The living line of a terminal; in a pipe nothing. */
static void show(const Tuning *t, const char *what)
{
    if (t->terminal)
        fprintf(stderr, "\r%s\033[K", what);
    fflush(stderr);
}

/* ---- contenders */

/* Every nest becomes a phase of its own. What several of them keep in the buffer of one image is then that of the last one: the numbers are wrong, the
 * work is the same. */
static void phase_each(Unit *u, Program *p)
{
    Program whole = *p;

    p->phases.at = NULL;
    p->phases.count = p->phases.room = 0;
    for (int i = 0; i < whole.phases.count; i++) {
        const Phase *phase = &whole.phases.at[i];
        if (i == whole.grad_phase)
            p->grad_phase = p->phases.count;
        for (int k = phase->first; k < phase->end; k++) {
            Phase one = { .first = k, .end = k + 1, .once = phase->once };
            if (k + 1 == phase->end)
                one.sums = phase->sums;
            LIST_ADD(u->arena, &p->phases, one);
        }
    }
    if (whole.grad_phase >= whole.phases.count)
        p->grad_phase = p->phases.count;
}

static Program *program_of(Unit *u)
{
    return u->train ? u->train : u->infer;
}

/* Compiles the network as the options of a unit say; `each`: with every nest a phase. NULL if that fails, which the unit reports. */
static Contender *contender(Tuning *t, Unit *u, bool each)
{
    Contender *c = ARENA_NEW(t->u->arena, Contender);

    *c = (Contender){ .u = u };
    LIST_ADD(t->u->arena, &t->all, c);
    if (!pipeline_run(u, NULL))
        return NULL;
    u->eval = NULL;                             /* it has the nests of the others */
    if (each)
        phase_each(u, program_of(u));
    c->model = t->by_c ? c_code_load(u, "-O3 -march=native", &c->c_code) : native_load(u, &c->code);
    if (!c->model && t->by_c)
        error_at(u, NO_SPAN, "--tune needs a C compiler here: %s", c->c_code.why);
    if (!c->model)
        return NULL;
    c->program = u->train ? &c->model->train : &c->model->infer;
    c->phases = u->train ? c->model->train_phases : c->model->infer.phase_count;
    return c;
}

/* A unit for the same source with the same options. */
static Unit *another(const Unit *u)
{
    Unit *other = unit_new();
    other->options = u->options;
    return other;
}

static void end_contenders(Tuning *t)
{
    for (int i = 0; i < t->all.count; i++) {
        if (t->all.at[i]->code)
            native_unload(t->all.at[i]->code);
        c_code_unload(&t->all.at[i]->c_code);
        if (t->all.at[i]->u != t->u)
            unit_free(t->all.at[i]->u);
    }
    for (int i = 0; i < ROOMS; i++)
        free(t->rooms[i].memory);
}

static bool same_program(Unit *a, Unit *b)
{
    Text *one = text_new(a->arena), *two = text_new(b->arena);

    program_dump(a, program_of(a), one);
    program_dump(b, program_of(b), two);
    return strcmp(one->at, two->at) == 0;
}

/* ---- memory */

static bool make_room(Room *r, size_t bytes)
{
    enum { PAGE = 2 << 20 };                    /* a huge one, as the runtime asks for */

    bytes = (bytes + PAGE) / PAGE * PAGE;
    if (bytes <= r->bytes)
        return true;
    free(r->memory);
    *r = (Room){ aligned_alloc(PAGE, bytes), bytes };
    if (!r->memory)
        return false;
#ifdef MADV_HUGEPAGE
    madvise(r->memory, bytes, MADV_HUGEPAGE);
#endif
    memset(r->memory, 0, bytes);
    return true;
}

static void set_real(const Contender *c, void *to, size_t i, double value)
{
    if (c->model->real_bytes == 8)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

/* Numbers as a training begins with: images of noise, a class for each, first weights. They are the same for all contenders. */
static bool fill(Tuning *t, const Contender *c)
{
    const cnn_model *m = c->model;
    size_t tile = (size_t)m->tile, bytes = (size_t)m->real_bytes;
    uint32_t number = 1;
    cnn_error error;
    cnn_net *net = cnn_new(m, 1, &error);

    if (!net) {
        error_at(t->u, NO_SPAN, "--tune cannot run the network: %s", error.text);
        return false;
    }
    for (size_t i = 0; i < tile * m->inputs; i++) {
        number = number * 1664525u + 1013904223u;
        set_real(c, t->rooms[X].memory, i, (double)(number >> 8) / (1 << 24));
    }
    for (size_t i = 0; i < tile * m->outputs; i++)
        set_real(c, t->rooms[TARGET].memory, i, i % m->outputs == i / m->outputs % m->outputs);
    if (t->filled == 0) {
        memcpy(t->rooms[WEIGHTS].memory, cnn_weights(net), m->weight_count * bytes);
        memcpy(t->rooms[STATE].memory, cnn_state(net), m->state_count * bytes);
    }
    t->filled = m->tile;
    cnn_free(net);
    return true;
}

/* The memory for a contender, with what depends on it. False after reporting an error. */
static bool get_ready(Tuning *t, const Contender *c)
{
    const cnn_model *m = c->model;
    size_t tile = (size_t)m->tile, bytes = (size_t)m->real_bytes;
    const size_t reals[ROOMS] = {
        [X] = tile * m->inputs, [TARGET] = tile * m->outputs, [SHARE] = tile, [IMAGES] = 1, [KEEP] = 1, [WEIGHTS] = m->weight_count, [STATE] = m->state_count,
        [GRADIENT] = m->weight_count, [DX] = tile * m->inputs, [Y] = tile * m->outputs, [LOSS] = tile, [SCRATCH] = c->program->scratch,
        [SHARED] = c->program->shared
    };
    void *at[ROOMS];
    bool ready = true;

    for (int i = 0; i < ROOMS && ready; i++) {
        ready = make_room(&t->rooms[i], reals[i] * bytes);
        at[i] = t->rooms[i].memory;
    }
    if (!ready) {
        error_at(t->u, NO_SPAN, "--tune needs more memory than there is: %zu bytes for '%s'", (reals[SCRATCH] + 3 * reals[WEIGHTS]) * bytes, m->name);
        help(t->u, "--tile says how many images are handled together");
        return false;
    }
    if (t->filled < m->tile && !fill(t, c))
        return false;
    for (size_t i = 0; i < tile; i++)
        set_real(c, at[SHARE], i, 1.0 / (double)tile);
    set_real(c, at[IMAGES], 0, (double)tile);
    set_real(c, at[KEEP], 0, 0);
    t->job = (cnn_job){ .x = at[X], .target = at[TARGET], .share = at[SHARE], .images = at[IMAGES], .keep = at[KEEP], .weights = at[WEIGHTS],
                        .state = at[STATE], .gradient = at[GRADIENT], .dx = at[DX], .y = at[Y], .loss = at[LOSS], .scratch = at[SCRATCH],
                        .shared = at[SHARED], .draw = { 1, 0, 0, 0 } };
    return true;
}

/* ---- running */

static void run_phase(const Tuning *t, const Contender *c, int number)
{
    const cnn_phase *phase = &c->program->phases[number];
    size_t bytes = (size_t)c->model->real_bytes;
    cnn_job job = t->job;

    if (phase->once) {
        job.x = job.target = job.share = NULL;
        job.scratch = job.dx = job.y = job.loss = NULL;
    }
    phase->run(&job);
    for (int i = 0; i < phase->sum_count; i++)
        memcpy((char *)t->job.shared + phase->sums[i].to * bytes, (const char *)t->job.scratch + phase->sums[i].from * bytes,
               phase->sums[i].count * bytes);
}

/* Runs the program so often, and adds up what each phase takes, or all of them in took[0]. */
static void run(const Tuning *t, const Contender *c, int runs, bool each, double *took)
{
    double begun = seconds();

    memset(took, 0, (size_t)(each ? c->phases : 1) * sizeof *took);
    for (int i = 0; i < runs; i++)
        for (int k = 0; k < c->phases; k++) {
            run_phase(t, c, k);
            if (each) {
                double now = seconds();
                took[k] += now - begun;
                begun = now;
            }
        }
    if (!each)
        took[0] = seconds() - begun;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, int count)
{
    qsort(list, (size_t)count, sizeof *list, by_size);
    return count % 2 ? list[count / 2] : (list[count / 2 - 1] + list[count / 2]) / 2;
}

/* What a race finds: of every contender, the time of each of its phases, or of all, in each round. */
typedef struct Race {
    int count, rounds;
    double **took[MOST_CONTENDERS];             /* [round][phase] */
} Race;

/* Contenders in turns, in the next round the other way round. False after reporting an error. */
static bool race(Tuning *t, Contender *const *list, int count, bool each, Race *r)
{
    double first[MOST_CONTENDERS], all = 0;
    int runs[MOST_CONTENDERS];

    *r = (Race){ .count = count };
    for (int i = 0; i < count; i++) {
        double ignored;
        if (!get_ready(t, list[i]))
            return false;
        run(t, list[i], 1, false, &ignored);
        run(t, list[i], 1, false, &first[i]);
        runs[i] = (int)fmax(1, fmin(1000, turn / first[i]));
        all += (runs[i] + (runs[i] > 1)) * first[i];
    }
    r->rounds = (int)fmax(LEAST_ROUNDS, fmin(MOST_ROUNDS, race_time / all));
    for (int i = 0; i < count; i++) {
        r->took[i] = arena_array(t->u->arena, (size_t)r->rounds, sizeof *r->took[i]);
        for (int k = 0; k < r->rounds; k++)
            r->took[i][k] = arena_array(t->u->arena, (size_t)(each ? list[i]->phases : 1), sizeof(double));
    }
    for (int k = 0; k < r->rounds; k++)
        for (int turn_of = 0; turn_of < count; turn_of++) {
            int i = k % 2 ? count - 1 - turn_of : turn_of;
            if (!get_ready(t, list[i]))
                return false;
            if (runs[i] > 1)                    /* what the one before left in the caches goes */
                run(t, list[i], 1, each, r->took[i][k]);
            run(t, list[i], runs[i], each, r->took[i][k]);
            for (int p = 0; p < (each ? list[i]->phases : 1); p++)
                r->took[i][k][p] /= runs[i] * (double)list[i]->model->tile;
        }
    return true;
}

/* The time of an image by phase `own` of contender number i as a share of that by phase `other` of number 0, in every so many rounds from `first` on. */
static double ratio_in(const Tuning *t, const Race *r, int i, int own, int other, int first, int step)
{
    double *all = arena_array(t->u->arena, (size_t)r->rounds, sizeof *all);
    int count = 0;

    for (int k = first; k < r->rounds; k += step)
        all[count++] = r->took[i][k][own] / r->took[0][k][other];
    return median(all, count);
}

static double ratio(const Tuning *t, const Race *r, int i, int own, int other)
{
    return ratio_in(t, r, i, own, other, 0, 1);
}

/* It is faster by more than a part of the time, in the rounds in which it came before the other and in those in which it came after it. */
static bool wins(const Tuning *t, const Race *r, int i, int own, int other, double part)
{
    return ratio_in(t, r, i, own, other, 0, 2) < 1 - part && ratio_in(t, r, i, own, other, 1, 2) < 1 - part;
}

/* ---- the whole network */

typedef struct Best {
    Contender *of;
    double time;                                /* as a share of that of cnnc's own choices */
    const char *remark[3];                      /* of layout, tile and winograd: how the other one did */
} Best;

/* Lets `u` contend with the best so far; it becomes the best if it wins. `what` it has in place of the other. */
static bool contend(Tuning *t, Best *best, Unit *u, int about, const char *what, const char *before)
{
    show(t, arena_print(t->u->arena, "compiling and measuring %s", what));
    Contender *pair[] = { best->of, contender(t, u, false) };
    Race r;

    if (!pair[1])
        return true;                            /* what cannot be compiled cannot win */
    if (same_program(pair[0]->u, u))
        return true;
    if (!race(t, pair, 2, false, &r))
        return false;
    double share = ratio(t, &r, 1, 0, 0);
    bool won = wins(t, &r, 1, 0, 0, noise);
    best->remark[about] = won ? arena_print(t->u->arena, "%s: takes %.2f of the time", before, 1 / share)
                               : arena_print(t->u->arena, "%s: takes %.2f of the time", what, share);
    if (won) {
        best->of = pair[1];
        best->time *= share;
    }
    return true;
}

static bool choose_network(Tuning *t, Best *best, const Options *asked)
{
    int64_t vector = machine_lanes(t->u->options.machine, t->u->options.real), tile = program_of(best->of->u)->tile;

    if (asked->layout == LAYOUT_AUTO && tile > 1) {
        bool channels = program_of(best->of->u)->channels_last;
        Unit *u = another(best->of->u);
        u->options.layout = channels ? LAYOUT_IMAGES : LAYOUT_CHANNELS;
        if (!contend(t, best, u, 0, channels ? "layout images" : "layout channels", channels ? "layout channels" : "layout images"))
            return false;
    }
    if (!asked->tile && tile > 1 && vector > 1) {
        Unit *u = another(best->of->u);
        u->options.tile = tile == vector ? 2 * vector : vector;
        if (!contend(t, best, u, 1, arena_print(t->u->arena, "tile %lld", (long long)u->options.tile), arena_print(t->u->arena, "tile %lld", (long long)tile)))
            return false;
    }
    if (asked->winograd == WINOGRAD_AUTO) {
        Unit *u = another(best->of->u);
        u->options.winograd = WINOGRAD_OFF;
        if (!contend(t, best, u, 2, "winograd off", "winograd 2"))
            return false;
    }
    return true;
}

/* ---- nests */

static int nest_numbered(const Program *p, const char *name)
{
    for (int i = 0; i < p->nests.count; i++)
        if (strcmp(p->nests.at[i]->name, name) == 0)
            return i;
    return -1;
}

static const char *choice_text(Unit *u, const Choice *c)
{
    Text *t = text_new(u->arena);
    choice_print(c, t);
    return t->at;
}

/* True if some nest of the program was scheduled otherwise. */
static bool differs(Unit *u, const Program *a, const Program *b)
{
    for (int i = 0; i < a->nests.count; i++) {
        int k = nest_numbered(b, a->nests.at[i]->name);
        const Choice *one = a->nests.at[i]->choice, *two = k < 0 ? NULL : b->nests.at[k]->choice;
        if (one && two && strcmp(choice_text(u, one), choice_text(u, two)) != 0)
            return true;
    }
    return false;
}

/* The best choice for every nest that gains enough, into `tuned`, with a remark for each. */
static bool choose_nests(Tuning *t, const Best *best, Tuned *tuned, const char ***remarks)
{
    Contender *list[MOST_CONTENDERS];
    int count = 0;
    Race r;

    for (int choice = 0; choice < MOST_CHOICES; choice++) {
        show(t, arena_print(t->u->arena, "compiling choice %d of %d for all nests", choice + 1, MOST_CHOICES));
        Unit *u = another(best->of->u);
        u->options.choice = choice;
        list[count] = contender(t, u, true);
        if (!list[count] || (count > 0 && !differs(t->u, program_of(list[0]->u), program_of(u))))
            break;                              /* no nest has that many */
        count++;
    }
    if (count < 2)
        return true;
    show(t, "measuring every nest");
    if (!race(t, list, count, true, &r))
        return false;
    const Program *policy = program_of(list[0]->u);
    double *time = arena_array(t->u->arena, (size_t)list[0]->phases + 1, sizeof *time), all = 0;
    *remarks = arena_array(t->u->arena, (size_t)list[0]->phases + 1, sizeof **remarks);
    for (int p = 0; p < list[0]->phases; p++) {
        double *rounds = arena_array(t->u->arena, (size_t)r.rounds, sizeof *rounds);
        for (int k = 0; k < r.rounds; k++)
            rounds[k] = r.took[0][k][p];
        time[p] = median(rounds, r.rounds);
        all += time[p];
    }
    for (int p = 0; p < list[0]->phases; p++) {
        const Nest *n = policy->nests.at[p];
        double least = 1;
        TunedNest found = { .name = NULL };
        for (int i = 1; i < count && n->choice && time[p] > least_share * all; i++) {
            int other = nest_numbered(program_of(list[i]->u), n->name);
            const Choice *c = other < 0 ? NULL : program_of(list[i]->u)->nests.at[other]->choice;
            if (!c || other >= list[i]->phases || strcmp(choice_text(t->u, c), choice_text(t->u, n->choice)) == 0)
                continue;
            double share = ratio(t, &r, i, other, p);
            if (share < least && wins(t, &r, i, other, p, noise)) {
                least = share;
                found = (TunedNest){ .name = n->name, .choice = *c };
            }
        }
        if (!found.name)
            continue;
        (*remarks)[tuned->nests.count] = arena_print(t->u->arena, "takes %.2f of the time of %s; that was %.1f %% of all", least,
                                                     choice_text(t->u, n->choice), 100 * time[p] / all);
        LIST_ADD(t->u->arena, &tuned->nests, found);
    }
    return true;
}

/* ---- the file */

static void put_file(const Tuning *t, const Best *best, const Tuned *tuned, const char *const *remarks, Text *file)
{
    Unit *u = best->of->u;
    const Program *p = program_of(u);
    const char *maker = t->by_c ? arena_print(u->arena, "the C compiler '%s'", c_code_compiler()) : native_maker();

    text_put(file, "# What was fastest on the machine where it was measured, by cnnc --tune; 'cnnc --tuned=FILE' follows it. Lines may be changed or left\n"
                   "# out. %s of %s, %lld image%s at a time, code by %s, one thread: %.2f of the time of cnnc's own choices.\n",
             u->train ? "A step of training" : "Inference", u->net->name, (long long)p->tile, p->tile == 1 ? "" : "s", maker, best->time);
    tuned_put(file, arena_print(u->arena, "machine %s", u->options.machine->name), NULL);
    tuned_put(file, u->options.real == REAL_DOUBLE ? "real double" : "real float", NULL);
    tuned_put(file, u->options.infer ? "for inference" : "for training", NULL);
    tuned_put(file, p->channels_last ? "layout channels" : "layout images", best->remark[0]);
    tuned_put(file, arena_print(u->arena, "tile %lld", (long long)p->tile), best->remark[1]);
    tuned_put(file, u->options.winograd == WINOGRAD_OFF ? "winograd off" : u->options.winograd == WINOGRAD_4 ? "winograd 4" : "winograd 2", best->remark[2]);
    for (int i = 0; i < tuned->nests.count; i++)
        tuned_put(file, arena_print(u->arena, "nest %s: %s", tuned->nests.at[i].name, choice_text(u, &tuned->nests.at[i].choice)), remarks[i]);
}

static bool measure(Tuning *t, Text *file, Text *said)
{
    Unit *u = t->u;
    const Options asked = u->options;
    Tuned tuned = { .machine = asked.machine };
    const char **remarks = NULL;
    Best best = { .time = 1 };
    Race r;

    show(t, "compiling");
    best.of = contender(t, u, false);
    if (!best.of || !choose_network(t, &best, &asked) || !choose_nests(t, &best, &tuned, &remarks))
        return false;
    if (tuned.nests.count) {
        show(t, "compiling and measuring what was found");
        Unit *with = another(best.of->u);
        with->tuned = &tuned;
        with->options.tuned = "";
        Contender *pair[] = { best.of, contender(t, with, false) };
        if (!pair[1] || !race(t, pair, 2, false, &r))
            return false;
        if (wins(t, &r, 1, 0, 0, gain))
            best.time *= ratio(t, &r, 1, 0, 0);
        else
            tuned.nests.count = 0;
    }
    put_file(t, &best, &tuned, remarks, file);
    text_line(said, "%s takes %.2f of the time of cnnc's own choices (%s innermost, %lld image%s at a time; %d of %d nests otherwise)", u->net->name, best.time,
              program_of(best.of->u)->channels_last ? "channels" : "images", (long long)program_of(best.of->u)->tile,
              program_of(best.of->u)->tile == 1 ? "" : "s", tuned.nests.count, program_of(best.of->u)->nests.count);
    return true;
}

bool tune(Unit *u, bool by_c, Text *file, Text *said)
{
    const char *term = getenv("TERM");
    Tuning t = { .u = u, .by_c = by_c, .terminal = isatty(2) && term && strcmp(term, "dumb") != 0 };

    if (!native_maker() && !by_c) {
        error_at(u, NO_SPAN, "--tune is not supported by this build of cnnc: LLVM was not found when it was built");
        help(u, "'--emit=c' measures what the C compiler makes; or install LLVM 16 to 19 (llvm-19-dev) and build cnnc again");
        return false;
    }
    bool done = measure(&t, file, said);
    show(&t, "");
    end_contenders(&t);
    return done;
}
