/* cli.c: the commands of a compiled network. The only file besides progress.c, record.c, plot.c and report.c that speaks to people. */
#include "checkpoint.h"
#include "data.h"
#include "fail.h"
#include "feed.h"
#include "look.h"
#include "memory.h"
#include "npy.h"
#include "options.h"
#include "page.h"
#include "plot.h"
#include "record.h"
#include "report.h"
#include "safetensors.h"
#include "sweep.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, FAILED = 1, MISUSED = 2 };

/* A command at work. */
typedef struct Work {
    const cnn_model *model;
    const Options *options;
    const char *program;
    const char *call;           /* what stands before the options; NULL: argv[0] and the command */
    int argc;
    char **argv;
    const cnn_ranks *ranks;     /* NULL: this process is alone */
    bool launched;              /* by mpirun, be it as the only rank */
    bool together;              /* what went wrong is known to all ranks */
    cnn_net *net;
    cnn_data *data;
    cnn_error error;
} Work;

static void note(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "note: %s\n", text);
}

/* Rank 0 alone speaks and saves. */
static bool speaks(const Work *w)
{
    return cnn_ranks_speaks(w->ranks);
}

static bool together(Work *w, bool good)
{
    return cnn_ranks_agree(w->ranks, &w->together, good, &w->error);
}

static bool open_net(Work *w, uint64_t seed)
{
    w->net = cnn_new(w->model, seed, &w->error);
    if (!together(w, w->net != NULL))
        return false;
    cnn_set_ranks(w->net, w->ranks);
    if (w->options->threads > 0)
        cnn_set_threads(w->net, w->options->threads < 1024 ? (int)w->options->threads : 1024);
    if (!w->options->weights)
        return true;
    return together(w, !speaks(w) || cnn_load(w->net, w->options->weights, w->options->fine_tune, note, NULL, &w->error))
        && cnn_checkpoint_share_net(w->net, &w->error);
}

/* ---- train */

static volatile sig_atomic_t interrupted;

/* The first Ctrl-C asks for an orderly end; the next one is the system's. */
static void interrupt(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL);
}

static bool asked_to_stop(void *context)
{
    (void)context;
    return interrupted;
}

/* A word as a shell reads it back. */
static void print_word(FILE *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", to);
        else
            fputc(*word, to);
    fputc('\'', to);
}

/* The command that goes on with this run: the same one, but for where the weights come from. */
static void print_continuation(const Work *w, const char *checkpoint, FILE *to)
{
    static const char *const replaced[] = { "--resume", "--weights", "--fine-tune" };
    fputs(w->ranks ? "to go on, on any number of ranks: " : "to go on: ", to);
    if (w->call)
        fputs(w->call, to);
    else
        print_word(to, w->argv[0]);
    for (int i = w->call ? 2 : 1; i < w->argc; i++) {
        bool skip = false;
        for (size_t k = 0; k < sizeof replaced / sizeof *replaced; k++) {
            size_t length = strlen(replaced[k]);
            if (!strncmp(w->argv[i], replaced[k], length) && (!w->argv[i][length] || w->argv[i][length] == '=')) {
                skip = true;
                if (!w->argv[i][length] && strcmp(replaced[k], "--fine-tune"))
                    i++;
                break;
            }
        }
        if (skip)
            continue;
        fputc(' ', to);
        print_word(to, w->argv[i]);
    }
    fputs(" --resume ", to);
    print_word(to, checkpoint);
    fputc('\n', to);
}

static cnn_plan plan_of(const Work *w)
{
    const Options *o = w->options;
    cnn_plan plan = cnn_plan_of(w->model);
    if (o->steps > 0) {
        plan.steps = o->steps;
        plan.epochs = o->epochs > 0 ? o->epochs : 0;
    } else if (o->epochs > 0) {
        plan.epochs = o->epochs;
    }
    if (o->batch > 0)
        plan.batch = o->batch;
    if (!isnan(o->rate))
        plan.rate = o->rate;
    if (o->seed >= 0)
        plan.seed = (uint64_t)o->seed;
    if (o->save)
        plan.save = o->save;
    plan.whole = o->input != NULL;
    plan.csv = o->csv;
    plan.resume = o->resume;
    plan.keep_weights = o->weights != NULL;
    plan.any_order = o->any_order;
    return plan;
}

/* Where an unfinished run is kept: beside what it saves, "net.resume.safetensors" for "net.safetensors". */
static char *checkpoint_path(const Work *w, const cnn_plan *plan, cnn_error *error)
{
    static const char suffix[] = ".safetensors", addition[] = ".resume.safetensors";
    const Options *o = w->options;
    if (o->checkpoint || o->resume)
        return cnn_memory_text(o->checkpoint ? o->checkpoint : o->resume, error);
    const char *stem = plan->save ? plan->save : w->model->name;
    size_t length = strlen(stem), tail = sizeof suffix - 1;
    if (length > tail && !strcmp(stem + length - tail, suffix))
        length -= tail;
    char *path = cnn_memory_get(length + sizeof addition, 1, "a file name", error);
    if (path)
        snprintf(path, length + sizeof addition, "%.*s%s", (int)length, stem, addition);
    return path;
}

/* The page of --report, if it is asked for. `record` NULL: there was no training; `scores` NULL: there are no test images. */
static bool write_page(Work *w, const Record *record, const cnn_scores *scores, const int64_t *confusion)
{
    if (!w->options->report || !speaks(w))
        return true;
    if (record && record->failed)               /* a page without its curves would look as if there were none */
        return cnn_fail(&w->error, "%s", record->error.text);
    Page page = { .net = w->net, .data = w->data, .scores = scores, .confusion = confusion };
    if (record) {
        page.epochs = record->epochs;
        page.epoch_count = record->count;
        page.best = record->best;
        page.of_test = record->of_test;
    }
    if (!cnn_page_write(&page, w->options->report, &w->error))
        return false;
    if (!w->options->quiet)
        printf("report in %s\n", w->options->report);
    return true;
}

static bool test_and_report(Work *w, const Record *record, cnn_scores *scores)
{
    size_t n = w->model->outputs;
    int64_t *confusion = n <= 1000 ? cnn_memory_get(n * n, sizeof *confusion, "the table of confusions", &w->error) : NULL;
    if (!together(w, n > 1000 || confusion))
        return false;
    bool good = cnn_test(w->net, w->data, scores, confusion, &w->error);
    if (good && speaks(w))
        cnn_report(w->model, w->data, scores, confusion, stdout);
    if (good && w->options->command == COMMAND_TEST && w->options->csv)
        good = confusion ? cnn_report_csv(w->model, w->data, confusion, w->options->csv, &w->error)
                         : cnn_fail(&w->error, "a table of the confusions of %zu classes is too large", n);
    good = together(w, good && write_page(w, record, scores, confusion));
    cnn_memory_release(confusion);
    return good;
}

static void print_end(const Work *w, const cnn_plan *plan, const cnn_outcome *outcome, FILE *to)
{
    if (outcome->early)
        fprintf(to, "ended early, after epoch %lld\n", (long long)outcome->epochs);
    if (outcome->best_epoch && outcome->epochs > 1)
        fprintf(to, "best epoch %lld\n", (long long)outcome->best_epoch);
    if (outcome->saved)
        fprintf(to, "saved %s\n", plan->save);
    else
        fprintf(to, "nothing was saved: say where with --save FILE, or with a `save` line in the train block of %s\n", w->model->source);
}

static bool after_training(Work *w, const cnn_plan *plan, const Record *record, const cnn_outcome *outcome)
{
    const bool quiet = w->options->quiet || !speaks(w);
    if (outcome->stopped && !speaks(w))
        return true;
    if (!plan->whole && !quiet)
        cnn_record_table(record);
    if (w->options->plot && speaks(w))
        cnn_record_plot(record);
    if (speaks(w) && (w->options->plot || (!plan->whole && !quiet && record->count > 1)))
        putchar('\n');
    if (outcome->stopped) {
        printf("stopped after epoch %lld, step %lld; the run is in %s\n", (long long)outcome->epochs, (long long)outcome->steps, plan->checkpoint);
        print_continuation(w, plan->checkpoint, stdout);
        return true;
    }
    if (!quiet)
        print_end(w, plan, outcome, stdout);
    if (plan->whole)
        return together(w, write_page(w, record, NULL, NULL));
    cnn_scores test;
    bool tested = cnn_data_test_images(w->data) > 0;
    if (tested ? !test_and_report(w, record, &test) : !together(w, write_page(w, record, NULL, NULL)))
        return false;
    return together(w, cnn_report_expect(w->model, tested ? &test : NULL, outcome->validation.images ? &outcome->validation : NULL, &w->error));
}

static bool train_on_data(Work *w, cnn_plan *plan)
{
    const bool quiet = w->options->quiet || !speaks(w);
    Record record;
    cnn_outcome outcome;
    if (!together(w, cnn_record_open(&record, stdout, quiet, speaks(w) ? w->options->tensorboard : NULL, w->model, &w->error))) {
        cnn_record_close(&record);
        return false;
    }
    record.progress.terminal &= !w->launched;   /* mpirun gives its processes a terminal of its own, whatever it writes to itself */
    cnn_listener listener = cnn_record_listener(&record, asked_to_stop);
    if (!quiet) {
        printf("%s: %zu parameters, %zu training images", w->model->name, w->model->weight_count, cnn_data_training_images(w->data));
        if (cnn_data_test_images(w->data))
            printf(", %zu test images", cnn_data_test_images(w->data));
        if (w->ranks)
            printf(", %d ranks", w->ranks->ranks);
        putchar('\n');
        fflush(stdout);
    }
    bool good = cnn_train(w->net, w->data, plan, &listener, &outcome, &w->error);
    cnn_progress_clear(&record.progress);
    /* The checkpoint has done its service; a run that ended here does not go on. */
    if (good && !outcome.stopped && plan->checkpoint && (plan->checkpoint_always || plan->resume))
        good = together(w, !speaks(w) || !cnn_io_exists(plan->checkpoint) || cnn_io_remove(plan->checkpoint, &w->error));
    good = good && after_training(w, plan, &record, &outcome);
    if (good)
        good = together(w, !record.failed || cnn_fail(&w->error, "%s", record.error.text));
    cnn_record_close(&record);
    return good;
}

/* --find-lr: a drawing, and what to type. */
static bool find_rate(Work *w, const cnn_plan *plan)
{
    if (cnn_ranks_several(w->ranks))
        return together(w, cnn_fail(&w->error, "--find-lr looks for a rate in one process: call it without mpirun"));
    Progress progress = cnn_progress_new(stdout, w->options->quiet, w->model);
    cnn_listener listener = { .context = &progress, .step = cnn_progress_step, .stop = asked_to_stop };
    Sweep sweep;
    bool good = cnn_sweep_run(w->net, w->data, plan, &listener, &sweep, &w->error);
    cnn_progress_clear(&progress);
    if (!good)
        return false;
    Plot plot = { .title = "loss, by learning rate", .across = "learning rate (logarithmic)", .x = sweep.rate, .x_stride = 1, .points = sweep.count,
                  .log_x = true, .curves = { { NULL, sweep.loss, 1, 1 } }, .count = 1, .columns = cnn_progress_columns(stdout) - 1,
                  .utf8 = cnn_plot_utf8(), .colour = progress.colour };
    if (!w->options->quiet)
        cnn_plot(&plot, stdout);
    if (sweep.suggested == 0) {
        printf("the loss falls at no learning rate from %g to %g: is something else wrong?\n", sweep.count ? sweep.rate[0] : 0.0,
               sweep.count ? sweep.rate[sweep.count - 1] : 0.0);
        return true;
    }
    printf("the loss falls fastest about %g, and is lowest at %.2g\n", sweep.suggested, sweep.last_good);
    printf("try: --lr %g        (the train block says %g)\n", sweep.suggested, cnn_plan_of(w->model).rate);
    return true;
}

static bool train(Work *w)
{
    cnn_plan plan = plan_of(w);
    if (!together(w, cnn_trainable(w->model, &w->error)) || !open_net(w, plan.seed))
        return false;
    w->data = w->options->input ? cnn_data_npy(w->net, w->options->input, w->options->target, &w->error)
                                : cnn_data_open(w->net, w->options->data, &w->error);
    if (w->data && cnn_data_note(w->data) && !w->options->quiet && speaks(w))
        note(NULL, cnn_data_note(w->data));
    if (w->data && w->options->find_lr)
        return find_rate(w, &plan);
    char *checkpoint = w->data ? checkpoint_path(w, &plan, &w->error) : NULL;
    if (!together(w, checkpoint != NULL)) {
        cnn_memory_release(checkpoint);
        return false;
    }
    plan.checkpoint = checkpoint;
    plan.checkpoint_always = plan.save || w->options->checkpoint || w->options->resume;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    bool good = train_on_data(w, &plan);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    cnn_memory_release(checkpoint);
    return good;
}

/* ---- test, run, grad */

static bool test(Work *w)
{
    cnn_scores scores;
    if (!open_net(w, 0))
        return false;
    if (w->options->input) {
        w->data = cnn_data_npy(w->net, w->options->input, w->options->target, &w->error);
        if (w->data) {          /* what is given is what is tested */
            w->data->test = w->data->train;
            w->data->train = (Set){ .file.fd = -1 };
        }
    } else {
        w->data = cnn_data_find(w->net, w->options->data, DATA_TEST, &w->error);
    }
    return together(w, w->data != NULL) && test_and_report(w, NULL, &scores);
}

/* All images of --input in reals, and their targets if `target` is not NULL; for cnn_memory_release. */
static bool read_arrays(Work *w, Set *set, void **x, void **target)
{
    const cnn_model *model = w->model;
    const Reals *reals = w->net->reals;
    if (!cnn_npy_images(set, w->options->input, &w->error))
        return false;
    set->outputs = model->outputs;
    if ((target && !cnn_npy_targets(set, w->options->target, model->outputs, &w->error)) || !cnn_set_fits(set, model, &w->error))
        return false;
    void *buffer = cnn_memory_get(model->inputs, sizeof(double), "an image", &w->error);
    *x = cnn_memory_get(set->count, model->inputs * reals->bytes, "the images", &w->error);
    if (target)
        *target = cnn_memory_get(set->count, model->outputs * reals->bytes, "the targets", &w->error);
    bool good = buffer && *x && (!target || *target);
    for (size_t i = 0; good && i < set->count; i++) {
        good = cnn_set_image(set, i, cnn_at(reals, *x, i * model->inputs), reals, buffer, &w->error);
        if (target)
            cnn_set_target(set, i, cnn_at(reals, *target, i * model->outputs), reals);
    }
    cnn_memory_release(buffer);
    return good;
}

static bool run(Work *w)
{
    Set set = { .file.fd = -1 };
    void *x = NULL, *y = NULL;
    bool good = open_net(w, 0) && read_arrays(w, &set, &x, NULL);
    if (good) {
        y = cnn_memory_get(set.count, w->model->outputs * w->net->reals->bytes, "the results", &w->error);
        good = y && cnn_run(w->net, x, set.count, y, &w->error);
    }
    if (good && w->options->output)
        good = cnn_npy_save(w->options->output, w->net->reals, y, (int64_t[]){ (int64_t)set.count, (int64_t)w->model->outputs }, 2, &w->error);
    else if (good)
        cnn_report_results(w->net, y, set.count, stdout);
    cnn_memory_release(x);
    cnn_memory_release(y);
    cnn_set_free(&set);
    return good;
}

/* The gradients under the names of what they belong to, and "input" in the shape of the images. */
static bool save_gradients(Work *w, size_t images, const void *gradient, const void *dx)
{
    const cnn_model *model = w->model;
    size_t count = (size_t)model->weight_tensors;
    StoreItem *items = cnn_memory_get(count + 1, sizeof *items, "a list of tensors", &w->error);
    if (!items)
        return false;
    for (size_t i = 0; i < count; i++) {
        const cnn_tensor *t = &model->weights[i];
        items[i] = (StoreItem){ "", t->name, w->net->reals, t->rank, t->dim, cnn_at(w->net->reals, gradient, t->offset) };
    }
    int64_t dim[4] = { (int64_t)images, model->input_dim[0], model->input_dim[1], model->input_dim[2] };
    items[count] = (StoreItem){ "", "input", w->net->reals, 1 + model->input_rank, dim, dx };
    bool good = cnn_store(w->options->output, items, count + 1, NULL, 0, false, &w->error);
    cnn_memory_release(items);
    return good;
}

static bool grad(Work *w)
{
    const cnn_model *model = w->model;
    Set set = { .file.fd = -1 };
    void *x = NULL, *target = NULL, *gradient = NULL, *dx = NULL;
    double loss;
    uint64_t seed = w->options->seed >= 0 ? (uint64_t)w->options->seed : cnn_plan_of(model).seed;
    bool good = open_net(w, seed) && read_arrays(w, &set, &x, &target);
    if (good) {
        gradient = cnn_memory_get(model->weight_count, w->net->reals->bytes, "the gradient", &w->error);
        dx = cnn_memory_get(set.count, model->inputs * w->net->reals->bytes, "the gradient of the images", &w->error);
        good = gradient && dx && cnn_gradient(w->net, x, target, set.count, seed, w->options->eval, &loss, gradient, dx, &w->error)
            && save_gradients(w, set.count, gradient, dx);
    }
    if (good)
        printf("loss %.*g\n", w->net->reals->digits, loss);
    cnn_memory_release(x);
    cnn_memory_release(target);
    cnn_memory_release(gradient);
    cnn_memory_release(dx);
    cnn_set_free(&set);
    return good;
}

/* ---- step */

static bool step(Work *w)
{
    enum { PAGE = 100 };        /* columns of a file */
    Look look = { 0 };
    Progress progress = cnn_progress_new(stdout, true, w->model);
    bool good = open_net(w, 0) && cnn_look_new(&look, w->net, w->options->image, w->options->backward, w->options->class, &w->error);
    if (good)
        cnn_walk_print(&look.walk, (cnn_walk_paper){ progress.colour, progress.terminal ? cnn_progress_columns(stdout) - 1 : PAGE, w->options->all }, stdout);
    cnn_look_free(&look);
    return good;
}

/* ---- main */

static const char *program_name(int argc, char **argv, const cnn_model *model)
{
    if (argc < 1 || !argv[0] || !*argv[0])
        return model->name;
    const char *slash = strrchr(argv[0], '/');
    return slash && slash[1] ? slash + 1 : argv[0];
}

/* A person gets the sentence once: from rank 0, or from a rank that failed alone. */
static void print_error(const Work *w)
{
    bool alone = w->ranks && !w->together && !(w->net && w->net->together);
    if (!speaks(w) && !alone)
        return;
    fflush(stdout);
    if (speaks(w))
        fprintf(stderr, "%s: error: %s\n", w->program, w->error.text);
    else
        fprintf(stderr, "%s: error: rank %d: %s\n", w->program, w->ranks->rank, w->error.text);
    if (alone)
        w->ranks->abort(w->ranks->context);
}

static int work(const cnn_model *model, const cnn_ranks *ranks, const char *call, int argc, char **argv)
{
    static bool (*const commands[])(Work *w) = { [COMMAND_TRAIN] = train, [COMMAND_TEST] = test, [COMMAND_RUN] = run, [COMMAND_GRAD] = grad, [COMMAND_STEP] = step };
    Options options;
    Work w = { .model = model, .options = &options, .program = program_name(argc, argv, model), .call = call, .argc = argc, .argv = argv };
    bool first = cnn_ranks_speaks(ranks);
    w.launched = ranks != NULL;
    if (!cnn_options_read(&options, model, argc, argv, &w.error)) {
        if (first)
            fprintf(stderr, "%s: error: %s\n", w.program, w.error.text);
        return MISUSED;
    }
    if (options.command == COMMAND_HELP) {
        bool asked = argc > 1;
        if (first)
            cnn_options_help(&options, model, w.program, asked ? stdout : stderr);
        return asked ? DONE : MISUSED;
    }
    if (options.command == COMMAND_TRAIN || options.command == COMMAND_TEST)
        w.ranks = cnn_ranks_several(ranks) ? ranks : NULL;
    else if (!first)
        return DONE;            /* the other commands are for one */
    bool good = commands[options.command](&w);
    if (good && (fflush(stdout) || ferror(stdout)))
        good = cnn_fail(&w.error, "the results could not be printed");
    if (!good)
        print_error(&w);
    cnn_data_free(w.data);
    cnn_free(w.net);
    return good ? DONE : FAILED;
}

int cnn_main_as(const cnn_model *model, const char *call, int argc, char **argv)
{
    return work(model, NULL, call, argc, argv);
}

int cnn_main_ranks(const cnn_model *model, const cnn_ranks *ranks, int argc, char **argv)
{
    return work(model, ranks, NULL, argc, argv);
}
