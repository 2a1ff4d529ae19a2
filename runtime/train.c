/* train.c: epochs, steps, and what happens between them. */
#include "checkpoint.h"
#include "data.h"
#include "detective.h"
#include "fail.h"
#include "feed.h"
#include "history.h"
#include "memory.h"
#include "random.h"
#include "schedule.h"
#include "settings.h"
#include "statistics.h"
#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What one thread counts; no other writes into its lines. */
typedef struct Count {
    _Alignas(64) Metrics metrics;
} Count;

typedef struct Trainer {
    cnn_net *net;
    const cnn_data *data;
    const cnn_plan *plan;
    const cnn_listener *listener;
    cnn_outcome *outcome;
    cnn_error *error;

    Optimizer optimizer;
    Schedule schedule;
    Augment augment;
    Feed feed;
    Batch *batch;               /* of training */
    Batch *check;               /* of inference, for the validation images; NULL: there are none */
    Metrics train;
    Count *counts;              /* [threads] of a step */
    RunState run;

    uint32_t *training, *validation, *order;    /* numbers of images in data->train; order: the training images of this epoch */
    size_t training_count, validation_count;
    bool check_is_test;         /* without validation images the test images are watched, though nothing is decided by them */
    Watch stop, plateau, best;
    int64_t epochs, epoch_steps, all_steps;
    void *last_weights, *last_state;            /* at the last whole epoch, for when the loss is no number any more */
    double rate, step_loss;     /* of the last step */
    double began, trained;      /* seconds: when this epoch began, how long it has trained */
    size_t trained_images;
    Mover mover;                /* for the batch: weights move as their gradient comes */
} Trainer;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* True if all ranks could do their part; what one could not, all report. */
static bool together(const Trainer *t, bool good)
{
    return cnn_ranks_agree(t->net->ranks, &t->net->together, good, t->error);
}

/* Rank 0 writes the files and is listened to; the others learn whether it could. */
static bool writes(const Trainer *t)
{
    return cnn_ranks_speaks(t->net->ranks);
}

static void note(const Trainer *t, const char *text)
{
    if (writes(t) && t->listener && t->listener->note)
        t->listener->note(t->listener->context, text);
}

/* ---- the plan */

cnn_plan cnn_plan_of(const cnn_model *model)
{
    const cnn_setting *optimizer = cnn_setting_find(model, "optimizer"), *save = cnn_setting_find(model, "save");
    double images = cnn_setting_number(cnn_setting_find(model, "batch"), "images", cnn_setting_is(optimizer, "perceptron") ? 1 : 32);
    return (cnn_plan){
        .epochs = (int64_t)cnn_setting_number(cnn_setting_find(model, "epochs"), "epochs", 1),
        .batch = (int64_t)images,
        .rate = cnn_optimizer_rate(model),
        .seed = (uint64_t)cnn_setting_number(cnn_setting_find(model, "seed"), "seed", 1),
        .validate = cnn_setting_number(cnn_setting_find(model, "validate"), "share", 0),
        .shuffle = cnn_setting_number(cnn_setting_find(model, "shuffle"), "on", 1) != 0,
        .keep = cnn_setting_is(save, "best") ? CNN_KEEP_BEST : cnn_setting_is(save, "every") ? CNN_KEEP_EVERY : CNN_KEEP_LAST,
        .save = cnn_setting_text(save, "file", NULL),
        .keep_epochs = (int64_t)cnn_setting_number(save, "epochs", 1),
    };
}

bool cnn_trainable(const cnn_model *model, cnn_error *error)
{
    if (model->train.phase_count >= 1 && model->train_phases >= 1)
        return true;
    return cnn_fail(error, "the network %s was compiled for inference alone: compile it without --infer, with a train block or a loss", model->name);
}

static bool check_plan(const cnn_model *model, const cnn_data *data, const cnn_plan *plan, cnn_error *error)
{
    if (!cnn_trainable(model, error))
        return false;
    if (!data->train.count)
        return cnn_fail(error, "there are no training images");
    if (plan->batch < 1 || (!plan->whole && plan->batch > UINT32_MAX))
        return cnn_fail(error, "a batch has %lld images, but 1 or more were expected", (long long)plan->batch);
    if (plan->epochs < 0 || plan->steps < 0 || (!plan->epochs && !plan->steps))
        return cnn_fail(error, "there is nothing to train: epochs or steps were expected");
    if (!(plan->rate >= 0) || !isfinite(plan->rate))
        return cnn_fail(error, "the learning rate is %g, but a number from 0 on was expected", plan->rate);
    if (!(plan->validate >= 0 && plan->validate < 1))
        return cnn_fail(error, "the share of the validation images is %g, but a number from 0 to below 1 was expected", plan->validate);
    return true;
}

/* Which training images are kept for validation: a function of the seed. Both parts stay in the order of the data. */
static bool split(Trainer *t)
{
    size_t count = t->data->train.count, kept = t->plan->whole ? 0 : (size_t)(t->plan->validate * (double)count + 0.5);
    if (kept >= count)
        kept = count - 1;
    uint32_t *index = cnn_memory_get(count, sizeof *index, "the order of the images", t->error);
    unsigned char *chosen = cnn_memory_get(count, 1, "the order of the images", t->error);
    t->training = cnn_memory_get(count - kept, sizeof *index, "the order of the images", t->error);
    t->order = cnn_memory_get(count - kept, sizeof *index, "the order of the images", t->error);
    t->validation = cnn_memory_get(kept, sizeof *index, "the order of the images", t->error);
    bool good = index && chosen && t->training && t->order && t->validation;
    for (size_t i = 0; good && i < count; i++)
        index[i] = (uint32_t)i;
    if (good && kept) {
        cnn_random_shuffle(t->plan->seed, STREAM_VALIDATE, 0, index, count);
        for (size_t i = 0; i < kept; i++)
            chosen[index[i]] = 1;
    }
    for (size_t i = 0; good && i < count; i++)
        if (chosen[i])
            t->validation[t->validation_count++] = (uint32_t)i;
        else
            t->training[t->training_count++] = (uint32_t)i;
    cnn_memory_release(index);
    cnn_memory_release(chosen);
    return good;
}

static bool check_watch(const Trainer *t, const Watch *w, const char *setting)
{
    if (cnn_watch_is_validation(w) && !t->validation_count && !t->plan->whole)
        return cnn_fail(t->error, "%s watches %s, but no training images are kept for validation: add `validate 10%%` to the data block", setting, w->metric);
    return true;
}

static bool find_watches(Trainer *t)
{
    const cnn_model *model = t->net->model;
    const cnn_setting *stop = cnn_setting_find(model, "stop"), *schedule = cnn_setting_find(model, "schedule"), *save = cnn_setting_find(model, "save");
    const char *usual = t->validation_count ? "val_loss" : "loss";
    t->stop = cnn_watch_of(stop, stop ? stop->word : NULL, usual, 1);
    t->plateau = cnn_watch_of(cnn_setting_is(schedule, "plateau") ? schedule : NULL, NULL, usual, 10);
    t->best = cnn_watch_of(cnn_setting_is(save, "best") ? save : NULL, NULL, usual, 0);
    if (!t->best.metric)        /* the best epoch is always told, even if it is not kept */
        t->best.metric = usual;
    if (t->plan->whole)         /* one batch again and again: every step is taken */
        t->stop.metric = t->best.metric = NULL;
    return check_watch(t, &t->stop, "stop") && check_watch(t, &t->plateau, "schedule plateau") && check_watch(t, &t->best, "save best");
}

/* ---- preparing */

static bool get_copy(Trainer *t, void **weights, void **state)
{
    const cnn_model *model = t->net->model;
    *weights = cnn_memory_get(model->weight_count, t->net->reals->bytes, "a copy of the weights", t->error);
    *state = cnn_memory_get(model->state_count, t->net->reals->bytes, "a copy of the state", t->error);
    return *weights && *state;
}

static void copy(const cnn_net *net, void *weights, void *state, const void *from_weights, const void *from_state)
{
    memcpy(weights, from_weights, net->model->weight_count * net->reals->bytes);
    memcpy(state, from_state, net->model->state_count * net->reals->bytes);
}

static bool prepare_lengths(Trainer *t)
{
    const cnn_plan *plan = t->plan;
    int64_t images = (int64_t)t->training_count, batch = plan->whole ? images : plan->batch;
    t->run.batch = batch;
    t->run.images = images;
    t->run.seed = plan->seed;
    t->epoch_steps = (images + batch - 1) / batch;
    t->epochs = plan->whole && plan->steps ? plan->steps : plan->epochs;
    if (!t->epochs)
        t->epochs = (plan->steps + t->epoch_steps - 1) / t->epoch_steps;
    if (__builtin_mul_overflow(t->epochs, t->epoch_steps, &t->all_steps) || t->all_steps > UINT32_MAX)
        return cnn_fail(t->error, "%lld epochs of %lld steps are more than the %u steps that random numbers are made for", (long long)t->epochs,
                        (long long)t->epoch_steps, UINT32_MAX);
    if (plan->steps && plan->steps < t->all_steps)
        t->all_steps = plan->steps;
    t->epochs = (t->all_steps + t->epoch_steps - 1) / t->epoch_steps;
    return true;
}

static void note_idle_ranks(const Trainer *t, size_t batch)
{
    size_t slices = cnn_batch_slices(t->net->model, batch);
    if (!t->net->ranks || (size_t)t->net->ranks->ranks <= slices)
        return;
    char text[160];
    snprintf(text, sizeof text, "a batch of %zu images is cut into %zu slice%s, so that %zu of %d ranks have nothing to do: take a larger --batch", batch,
             slices, slices == 1 ? "" : "s", (size_t)t->net->ranks->ranks - slices, t->net->ranks->ranks);
    note(t, text);
}

static void move_weights(void *context, const Part *part)
{
    Trainer *t = context;
    cnn_optimizer_move(&t->optimizer, part);
}

static bool get_counts(Trainer *t)
{
    t->counts = cnn_memory_get((size_t)t->batch->threads, sizeof *t->counts, "what the threads count", t->error);
    for (int thread = 0; t->counts && thread < t->batch->threads; thread++) {
        t->counts[thread].metrics = cnn_metrics_new(t->net, t->data->train.kind);
        t->counts[thread].metrics.has_loss = false;
    }
    return t->counts != NULL;
}

static bool prepare(Trainer *t)
{
    const cnn_plan *plan = t->plan;
    cnn_net *net = t->net;
    if (!check_plan(net->model, t->data, plan, t->error) || !split(t) || !find_watches(t) || !prepare_lengths(t)
        || !cnn_optimizer_new(&t->optimizer, net, t->error) || !cnn_augment_new(&t->augment, net, t->error) || !cnn_feed_new(&t->feed, net, t->error)
        || !get_copy(t, &t->last_weights, &t->last_state))
        return false;
    if (plan->keep == CNN_KEEP_BEST && t->best.metric && !get_copy(t, &t->run.best_weights, &t->run.best_state))
        return false;
    t->schedule = cnn_schedule_of(net->model, plan->rate, t->epoch_steps, t->all_steps);
    t->run.drop = 1;
    size_t batch = (size_t)(t->run.batch < t->run.images ? t->run.batch : t->run.images);
    t->batch = cnn_batch_new(net, BATCH_TRAIN, batch, t->error);
    if (!t->batch || !get_counts(t))
        return false;
    t->batch->any_order = plan->any_order;
    t->batch->straight = cnn_optimizer_straight(&t->optimizer, &t->batch->straight_keep);
    t->mover = (Mover){ move_weights, t };
    t->batch->mover = cnn_optimizer_takes_parts(&t->optimizer) ? &t->mover : NULL;
    note_idle_ranks(t, batch);
    t->check_is_test = !t->validation_count;
    size_t checked = t->check_is_test ? t->data->test.count : t->validation_count;
    if (checked && !plan->whole) {
        t->check = cnn_batch_new(net, BATCH_INFER, cnn_feed_chunk(net, checked), t->error);
        if (!t->check)
            return false;
    }
    t->train = cnn_metrics_new(net, t->data->train.kind);
    t->train.has_loss = false;                  /* the step says what it was */
    return true;
}

/* The weights that training begins with. */
static bool begin(Trainer *t)
{
    cnn_net *net = t->net;
    const cnn_plan *plan = t->plan;
    if (!plan->resume)
        return plan->keep_weights || cnn_statistics_learn(net, &t->data->train, t->training, t->training_count, t->error);

    if (!together(t, !writes(t) || cnn_checkpoint_load(plan->resume, net, &t->optimizer, &t->run, t->error))
        || !cnn_checkpoint_share(net, &t->optimizer, &t->run, t->error))
        return false;
    const RunState *r = &t->run;
    if (r->step >= t->epoch_steps || r->epoch > t->all_steps || r->epoch * t->epoch_steps + r->step != r->total_step
        || r->train_images > t->run.images || r->history_rows > r->epoch || r->best_epoch > r->epoch)
        return together(t, cnn_fail(t->error, "%s: its counters contradict each other", plan->resume));
    t->schedule.drop = r->drop;
    t->train.images = (size_t)r->train_images;
    t->train.right = (size_t)r->train_right;
    t->train.right5 = (size_t)r->train_right5;
    t->train.loss = r->train_loss;
    t->train.added_loss = r->train_images > 0;
    return true;
}

static void release(Trainer *t)
{
    cnn_optimizer_free(&t->optimizer);
    cnn_feed_free(&t->feed);
    cnn_batch_free(t->batch);
    cnn_batch_free(t->check);
    void *all[] = { t->counts, t->training, t->validation, t->order, t->last_weights, t->last_state, t->run.history, t->run.best_weights, t->run.best_state };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnn_memory_release(all[i]);
}

/* ---- a step */

/* The loss or a weight is no number: says what can be known, and goes back to the last weights that were good. */
static bool report_not_finite(Trainer *t, double loss, const uint32_t *numbers, size_t ours, size_t count)
{
    const RunState *r = &t->run;
    Incident incident = { .net = t->net, .batch = t->batch, .ours = ours, .images = count, .numbers = numbers, .seed = t->plan->seed, .epoch = r->epoch,
                          .step = r->step, .total_step = r->total_step, .loss = loss, .rate = t->rate, .first_rate = t->plan->rate };
    t->batch->mover = NULL;                     /* steps that only look for the cause */
    cnn_detective_report(&incident, t->error);
    copy(t->net, t->net->weights, t->net->state, t->last_weights, t->last_state);
    cnn_changed(t->net);
    if (r->epoch > 0)
        cnn_fail_more(t->error, "  the last good weights are those after epoch %lld", (long long)r->epoch);
    return false;
}

/* For the batch: counts results while they are near. */
static void count_tile(void *looker, size_t first, size_t count, int thread)
{
    Trainer *t = looker;
    const Batch *b = t->batch;
    size_t at = first * t->net->model->outputs;
    cnn_metrics_add(&t->counts[thread].metrics, cnn_at(t->net->reals, b->y, at), cnn_at(t->net->reals, b->target, at), count);
}

/* How many results of this step are right, of all ranks. */
static bool end_counting(Trainer *t, size_t all)
{
    int64_t counts[] = { 0, 0 };
    for (int thread = 0; thread < t->batch->threads; thread++) {
        Metrics *m = &t->counts[thread].metrics;
        counts[0] += (int64_t)m->right;
        counts[1] += (int64_t)m->right5;
        m->right = m->right5 = 0;
    }
    if (!cnn_ranks_add(t->net->ranks, counts, 2, t->error))
        return false;
    t->train.images += all;
    t->train.right += (size_t)counts[0];
    t->train.right5 += (size_t)counts[1];
    return true;
}

static bool take_step(Trainer *t)
{
    RunState *r = &t->run;
    size_t first = (size_t)(r->step * r->batch), count = t->training_count - first;
    if (count > (size_t)r->batch)
        count = (size_t)r->batch;
    double began = seconds();
    Span part = cnn_batch_part(t->batch, count);
    double loss;
    if (!together(t, cnn_feed_batch(&t->feed, t->batch, &t->data->train, t->order + first + part.first, 0, part.end - part.first, &t->augment,
                                    t->plan->seed, (uint32_t)r->epoch, t->error)))
        return false;
    t->rate = cnn_schedule_rate(&t->schedule, r->total_step);
    t->batch->look = count_tile;
    t->batch->looker = t;
    cnn_optimizer_begin(&t->optimizer, cnn_batch_gradient(t->batch, count), t->rate);
    if (!cnn_batch_step(t->batch, count, t->plan->seed, (uint32_t)r->total_step, &loss, t->error))
        return false;
    if (!isfinite(loss) || !cnn_optimizer_end(&t->optimizer, t->net->threads))
        return together(t, report_not_finite(t, loss, t->order + first + part.first, part.end - part.first, count));
    cnn_batch_moved(t->batch);
    if (!end_counting(t, count))
        return false;
    cnn_metrics_add_loss(&t->train, loss, count);
    t->trained += seconds() - began;
    t->trained_images += count;
    t->step_loss = loss;
    r->step++;
    r->total_step++;
    return true;
}

static cnn_progress progress_of(const Trainer *t)
{
    return (cnn_progress){
        .epoch = t->run.epoch, .epochs = t->epochs, .step = t->run.step, .steps = t->epoch_steps, .total_step = t->run.total_step, .rate = t->rate,
        .step_loss = t->step_loss, .train = cnn_metrics_scores(&t->train), .validation_is_test = t->check_is_test, .seconds = seconds() - t->began,
        .images_per_second = t->trained > 0 ? (double)t->trained_images / t->trained : 0,
    };
}

/* ---- the end of an epoch */

/* "net-{epoch}.safetensors" with the number in its place. */
static char *file_of_epoch(const char *pattern, int64_t epoch, cnn_error *error)
{
    const char *mark = strstr(pattern, "{epoch}");
    if (!mark)
        return cnn_memory_text(pattern, error);
    size_t room = strlen(pattern) + 24;
    char *path = cnn_memory_get(room, 1, "a file name", error);
    if (path)
        snprintf(path, room, "%.*s%lld%s", (int)(mark - pattern), pattern, (long long)epoch, mark + strlen("{epoch}"));
    return path;
}

static bool save(Trainer *t, const char *to)
{
    char *path = file_of_epoch(to, t->run.epoch, t->error);
    bool good = together(t, path && (!writes(t) || cnn_save(t->net, path, t->error)));
    cnn_memory_release(path);
    t->outcome->saved |= good;
    return good;
}

static bool keep_best(Trainer *t, cnn_progress *now)
{
    RunState *r = &t->run;
    if (!t->best.metric)
        return true;
    double value = cnn_watch_value(&t->best, now);
    if (r->best_epoch && !cnn_watch_better(&t->best, value, r->best_value))
        return true;
    now->best = true;
    r->best_epoch = r->epoch;
    r->best_value = value;
    if (!r->best_weights)
        return true;
    copy(t->net, r->best_weights, r->best_state, t->net->weights, t->net->state);
    return !t->plan->save || save(t, t->plan->save);
}

static bool write_csv(Trainer *t)
{
    return !t->plan->csv
        || together(t, !writes(t) || cnn_history_csv(&t->run, t->plan->csv, t->net->reals->digits, t->check_is_test, t->error));
}

static bool write_checkpoint(Trainer *t)
{
    RunState *r = &t->run;
    r->train_images = (int64_t)t->train.images;
    r->train_right = (int64_t)t->train.right;
    r->train_right5 = (int64_t)t->train.right5;
    r->train_loss = t->train.loss;
    r->drop = t->schedule.drop;
    return together(t, !writes(t) || cnn_checkpoint_save(t->plan->checkpoint, t->net, &t->optimizer, r, t->error));
}

static bool check_images(Trainer *t, cnn_progress *now)
{
    const Set *set = t->check_is_test ? &t->data->test : &t->data->train;
    Metrics m = cnn_metrics_new(t->net, set->kind);
    if (t->check && !cnn_feed_evaluate(&t->feed, t->check, set, t->check_is_test ? NULL : t->validation,
                                       t->check_is_test ? set->count : t->validation_count, &m, t->error))
        return false;
    now->validation = cnn_metrics_scores(&m);
    return true;
}

/* Measures, keeps, saves and tells. *last: nothing is left to do after this epoch. */
static bool end_epoch(Trainer *t, bool *last)
{
    RunState *r = &t->run;
    cnn_progress now = progress_of(t);
    if (!check_images(t, &now))
        return false;
    bool first = r->epoch == 0;
    r->epoch++;
    r->step = 0;
    double row[HISTORY_COLUMNS] = { (double)r->epoch, (double)r->total_step, t->rate, now.train.loss, now.train.accuracy, now.validation.loss,
                                    now.validation.accuracy };
    if (!keep_best(t, &now) || !together(t, cnn_history_add(r, row, t->error)))
        return false;
    if (cnn_watch_ends(&t->plateau, &now, &r->plateau_value, &r->plateau_waited, first)) {
        cnn_schedule_drop(&t->schedule);
        r->plateau_waited = 0;
    }
    t->outcome->early = cnn_watch_ends(&t->stop, &now, &r->stop_value, &r->waited, first);
    *last = t->outcome->early || r->total_step >= t->all_steps;
    if (*last)
        t->outcome->stopped = false;            /* it was asked for, but there was nothing more to do */
    t->outcome->train = now.train;
    t->outcome->validation = now.validation;
    t->train = cnn_metrics_new(t->net, t->data->train.kind);
    t->train.has_loss = false;
    copy(t->net, t->last_weights, t->last_state, t->net->weights, t->net->state);

    const cnn_plan *plan = t->plan;
    if (plan->keep == CNN_KEEP_EVERY && plan->save && plan->keep_epochs > 0 && r->epoch % plan->keep_epochs == 0 && !save(t, plan->save))
        return false;
    if ((!plan->whole || *last) && !write_csv(t))
        return false;
    if (!plan->whole && !*last && plan->checkpoint && plan->checkpoint_always && !write_checkpoint(t))
        return false;
    if (writes(t) && t->listener && t->listener->epoch)
        t->listener->epoch(t->listener->context, &now);
    return true;
}

/* ---- the run */

static void begin_epoch(Trainer *t)
{
    memcpy(t->order, t->training, t->training_count * sizeof *t->order);
    if (t->plan->shuffle && !t->plan->whole)
        cnn_random_shuffle(t->plan->seed, STREAM_SHUFFLE, (uint32_t)t->run.epoch, t->order, t->training_count);
    t->began = seconds();
    t->trained = 0;
    t->trained_images = 0;
}

/* One epoch, or what is left of it. */
static bool run_epoch(Trainer *t, bool *last)
{
    RunState *r = &t->run;
    begin_epoch(t);
    while (r->step < t->epoch_steps && r->total_step < t->all_steps) {
        if (!take_step(t))
            return false;
        if (writes(t) && t->listener && t->listener->step) {
            cnn_progress now = progress_of(t);
            t->listener->step(t->listener->context, &now);
        }
        bool stop = t->listener && t->listener->stop && t->listener->stop(t->listener->context);
        if (!cnn_ranks_any(t->net->ranks, &stop, t->error))
            return false;
        if (stop && r->total_step < t->all_steps) {
            t->outcome->stopped = true;
            break;
        }
    }
    if (t->outcome->stopped && r->step < t->epoch_steps)
        return true;
    return end_epoch(t, last);
}

static bool finish(Trainer *t)
{
    const cnn_plan *plan = t->plan;
    RunState *r = &t->run;
    _Static_assert(sizeof(cnn_epoch) == HISTORY_COLUMNS * sizeof(double), "a row of the history is a cnn_epoch");
    if (t->listener && t->listener->history)
        t->listener->history(t->listener->context, (const cnn_epoch *)r->history, (size_t)r->history_rows, r->best_epoch);
    t->outcome->epochs = r->epoch;
    t->outcome->steps = r->total_step;
    t->outcome->best_epoch = r->best_epoch;
    t->outcome->rate = t->rate;
    if (t->outcome->stopped)
        return write_csv(t) && (!plan->checkpoint || write_checkpoint(t));
    if (r->best_weights && r->best_epoch) {
        copy(t->net, t->net->weights, t->net->state, r->best_weights, r->best_state);
        cnn_changed(t->net);
    }
    bool there = plan->keep == CNN_KEEP_EVERY && plan->keep_epochs > 0 && r->epoch % plan->keep_epochs == 0 && t->outcome->saved;
    return !plan->save || there || save(t, plan->save);
}

bool cnn_train(cnn_net *net, const cnn_data *data, const cnn_plan *plan, const cnn_listener *listener, cnn_outcome *outcome, cnn_error *error)
{
    cnn_outcome unasked;
    Trainer t = { .net = net, .data = data, .plan = plan, .listener = listener, .outcome = outcome ? outcome : &unasked, .error = error };
    *t.outcome = (cnn_outcome){ 0 };
    net->together = false;
    bool good = together(&t, prepare(&t)) && begin(&t), last = false;
    if (good) {
        copy(net, t.last_weights, t.last_state, net->weights, net->state);
        last = t.run.total_step >= t.all_steps;
        if (last && plan->resume)
            note(&t, "the run had already come to its end");
    }
    while (good && !last && !t.outcome->stopped)
        good = run_epoch(&t, &last);
    good = good && finish(&t);
    release(&t);
    return good;
}
