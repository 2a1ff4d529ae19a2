/* checkpoint.c: what of a network is stored under which name, and what must fit when it comes back. */
#include "checkpoint.h"
#include "fail.h"
#include "memory.h"
#include "safetensors.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIFFERENCES = 20 };
enum { NAME_ROOM = 8192, WHAT_ROOM = 512 };     /* bytes: names are as long as blocks are deep */

/* ---- weights out */

static StoreItem item_of(const cnn_net *net, const char *prefix, const cnn_tensor *t, const void *array)
{
    return (StoreItem){ prefix, t->name, net->reals, t->rank, t->dim, cnn_at(net->reals, array, t->offset) };
}

/* All tensors of a pair of arrays, from items[0] on; returns how many. `state` may be NULL. */
static size_t add_items(StoreItem *items, const cnn_net *net, const char *prefix, const void *weights, const void *state)
{
    size_t count = 0;
    for (int i = 0; i < cnn_net_tensors(net->model); i++) {
        bool trained = cnn_net_trained(net->model, i);
        if (trained || state)
            items[count++] = item_of(net, prefix, cnn_net_tensor(net->model, i), trained ? weights : state);
    }
    return count;
}

bool cnn_save(const cnn_net *net, const char *path, cnn_error *error)
{
    size_t room = (size_t)cnn_net_tensors(net->model);
    StoreItem *items = cnn_memory_get(room, sizeof *items, "a list of tensors", error);
    if (!items)
        return false;
    StoredText texts[] = { { "network", net->model->name } };
    bool good = cnn_store(path, items, add_items(items, net, "", net->weights, net->state), texts, 1, false, error);
    cnn_memory_release(items);
    return good;
}

/* ---- weights in */

static bool same_shape(const cnn_tensor *ours, const StoredTensor *theirs)
{
    if (ours->rank != theirs->rank)
        return false;
    for (int i = 0; i < ours->rank; i++)
        if (ours->dim[i] != theirs->dim[i])
            return false;
    return true;
}

/* What is wrong with tensor `theirs` (NULL: missing) for ours, in `to`; false if nothing is. */
static bool difference(char *to, size_t room, const cnn_tensor *ours, const StoredTensor *theirs)
{
    char here[TEXT_SHAPE], there[TEXT_SHAPE];
    cnn_text_shape(here, ours->dim, ours->rank);
    if (!theirs)
        snprintf(to, room, "%s %s is missing", ours->name, here);
    else if (!same_shape(ours, theirs))
        snprintf(to, room, "%s is %s, but the network has %s", ours->name, cnn_text_shape(there, theirs->dim, theirs->rank), here);
    else if (theirs->type != STORED_F32 && theirs->type != STORED_F64)
        snprintf(to, room, "%s holds %s, but F32 or F64 was expected", ours->name, cnn_stored_type_name(theirs->type));
    else
        return false;
    return true;
}

static bool fits(const Stored *s, const cnn_model *model, const char *prefix, const char *path, cnn_error *error)
{
    int differences = 0;
    for (int i = 0; i < cnn_net_tensors(model); i++) {
        const cnn_tensor *t = cnn_net_tensor(model, i);
        char name[NAME_ROOM], what[WHAT_ROOM];
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        if (!difference(what, sizeof what, t, cnn_stored_find(s, name)))
            continue;
        if (differences == 0)
            cnn_fail(error, "%s: does not fit the network %s:", path, model->name);
        if (differences < MOST_DIFFERENCES)
            cnn_fail_more(error, "  %s", what);
        differences++;
    }
    if (differences > MOST_DIFFERENCES)
        cnn_fail_more(error, "  and %d more differences", differences - MOST_DIFFERENCES);
    return differences == 0;
}

static void note_others(const Stored *s, const cnn_model *model, const char *path, cnn_note *note, void *context)
{
    size_t others = s->count;
    const char *example = NULL;
    for (int i = 0; i < cnn_net_tensors(model); i++)
        others -= cnn_stored_find(s, cnn_net_tensor(model, i)->name) != NULL;
    for (size_t k = 0; k < s->count && !example; k++) {
        bool ours = false;
        for (int i = 0; i < cnn_net_tensors(model) && !ours; i++)
            ours = !strcmp(cnn_net_tensor(model, i)->name, s->tensors[k].name);
        if (!ours)
            example = s->tensors[k].name;
    }
    if (!others || !note || !example)
        return;
    char text[512], safe[TEXT_SAFE];
    snprintf(text, sizeof text, "%s: %zu tensor%s that the network does not have, such as %s, %s left alone", path, others, others == 1 ? "" : "s",
             cnn_text_safe(safe, example, strlen(example)), others == 1 ? "is" : "are");
    note(context, text);
}

/* Reads tensors prefix + name into a pair of arrays; those that do not fit are left as they are and listed by `note`. */
static bool read_items(const Stored *s, const cnn_net *net, const char *prefix, void *weights, void *state, cnn_note *note, void *context,
                       cnn_error *error)
{
    for (int i = 0; i < cnn_net_tensors(net->model); i++) {
        const cnn_tensor *t = cnn_net_tensor(net->model, i);
        char name[NAME_ROOM], what[WHAT_ROOM];
        bool trained = cnn_net_trained(net->model, i);
        if (!trained && !state)
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        const StoredTensor *stored = cnn_stored_find(s, name);
        if (difference(what, sizeof what, t, stored)) {
            if (note)
                note(context, what);
        } else if (!cnn_stored_read(s, stored, cnn_at(net->reals, trained ? weights : state, t->offset), net->reals, error)) {
            return false;
        }
    }
    return true;
}

/* The network's own arrays are only written once everything has been read. */
static bool load_stored(cnn_net *net, const Stored *s, cnn_note *note, void *context, cnn_error *error)
{
    const cnn_model *model = net->model;
    size_t weight_bytes = model->weight_count * net->reals->bytes, state_bytes = model->state_count * net->reals->bytes;
    void *weights = cnn_memory_get(model->weight_count, net->reals->bytes, "the weights", error);
    void *state = cnn_memory_get(model->state_count, net->reals->bytes, "the state", error);
    bool good = weights && state;
    if (good) {
        memcpy(weights, net->weights, weight_bytes);
        memcpy(state, net->state, state_bytes);
        good = read_items(s, net, "", weights, state, note, context, error);
    }
    if (good) {
        memcpy(net->weights, weights, weight_bytes);
        memcpy(net->state, state, state_bytes);
        cnn_changed(net);
    }
    cnn_memory_release(weights);
    cnn_memory_release(state);
    return good;
}

bool cnn_load(cnn_net *net, const char *path, bool fine_tune, cnn_note *note, void *context, cnn_error *error)
{
    Stored s;
    if (!cnn_stored_open(&s, path, error))
        return false;
    bool good = (fine_tune || fits(&s, net->model, "", path, error)) && load_stored(net, &s, fine_tune ? note : NULL, context, error);
    if (good)
        note_others(&s, net->model, path, note, context);
    cnn_stored_close(&s);
    return good;
}

/* ---- a run */

/* The numbers of a run and their names in the metadata: whole ones in decimal, reals in hexadecimal, both exact. */
#define WHOLE(field) { #field, offsetof(RunState, field), false }
#define FRACTION(field) { #field, offsetof(RunState, field), true }
static const struct Field {
    const char *name;
    size_t offset;
    bool fraction;
} fields[] = {
    WHOLE(seed), WHOLE(batch), WHOLE(images), WHOLE(epoch), WHOLE(step), WHOLE(total_step), WHOLE(train_images), WHOLE(train_right),
    WHOLE(train_right5), FRACTION(train_loss), WHOLE(waited), WHOLE(plateau_waited), FRACTION(stop_value), FRACTION(plateau_value), FRACTION(drop),
    WHOLE(best_epoch), FRACTION(best_value), WHOLE(history_rows),
};
enum { FIELDS = sizeof fields / sizeof *fields, DIGITS = 40 };

/* No layer has a / in its name. */
static const char *const moment_prefixes[MOST_MOMENTS] = { "run/optimizer/0/", "run/optimizer/1/" };

bool cnn_checkpoint_save(const char *path, const cnn_net *net, const Optimizer *optimizer, const RunState *run, cnn_error *error)
{
    char numbers[FIELDS][DIGITS], updates[DIGITS];
    StoredText texts[FIELDS + 4];
    size_t text_count = 0;
    texts[text_count++] = (StoredText){ "network", net->model->name };
    for (int i = 0; i < FIELDS; i++) {
        const void *at = (const char *)run + fields[i].offset;
        if (fields[i].fraction)
            snprintf(numbers[i], DIGITS, "%a", *(const double *)at);
        else
            snprintf(numbers[i], DIGITS, "%" PRId64, *(const int64_t *)at);
        texts[text_count++] = (StoredText){ fields[i].name, numbers[i] };
    }
    snprintf(updates, DIGITS, "%" PRId64, optimizer->updates);
    texts[text_count++] = (StoredText){ "updates", updates };
    texts[text_count++] = (StoredText){ "moment0", optimizer->moments[0] ? optimizer->moment_names[0] : "" };
    texts[text_count++] = (StoredText){ "moment1", optimizer->moments[1] ? optimizer->moment_names[1] : "" };

    size_t room = (size_t)cnn_net_tensors(net->model) * (2 + MOST_MOMENTS) + 1, count = 0;
    StoreItem *items = cnn_memory_get(room, sizeof *items, "a list of tensors", error);
    if (!items)
        return false;
    int64_t history[] = { run->history_rows, HISTORY_COLUMNS };
    items[count++] = (StoreItem){ "run/", "history", &cnn_reals_double, 2, history, run->history };
    count += add_items(items + count, net, "", net->weights, net->state);
    for (int m = 0; m < MOST_MOMENTS; m++)
        if (optimizer->moments[m])
            count += add_items(items + count, net, moment_prefixes[m], optimizer->moments[m], NULL);
    if (run->best_weights)
        count += add_items(items + count, net, "run/best/", run->best_weights, run->best_state);
    bool good = cnn_store(path, items, count, texts, text_count, true, error);
    cnn_memory_release(items);
    return good;
}

static bool read_fields(const Stored *s, RunState *run, Optimizer *optimizer, const char *path, cnn_error *error)
{
    for (int i = 0; i < FIELDS; i++) {
        const char *text = cnn_stored_text(s, fields[i].name);
        void *at = (char *)run + fields[i].offset;
        char *end = NULL;
        if (text && fields[i].fraction)
            *(double *)at = strtod(text, &end);         /* also inf and nan */
        else if (text)
            *(int64_t *)at = strtoll(text, &end, 10);
        if (!text || end == text || *end || (!fields[i].fraction && fields[i].offset != offsetof(RunState, seed) && *(int64_t *)at < 0))
            return cnn_fail(error, "%s: is not a checkpoint of a run: its metadata have no good '%s'", path, fields[i].name);
    }
    const char *updates = cnn_stored_text(s, "updates");
    if (!updates || !cnn_text_integer(updates, &optimizer->updates) || optimizer->updates < 0)
        return cnn_fail(error, "%s: is not a checkpoint of a run: its metadata have no good 'updates'", path);
    return true;
}

/* A run goes on with the same seed, batch and images, or its result would be one that no run could have. */
static bool same_run(const RunState *now, const RunState *then, const char *path, cnn_error *error)
{
    if (then->seed != now->seed)
        return cnn_fail(error, "%s: the run was begun with seed %" PRIu64 ", not %" PRIu64, path, then->seed, now->seed);
    if (then->batch != now->batch)
        return cnn_fail(error, "%s: the run was begun with batches of %" PRId64 " images, not %" PRId64, path, then->batch, now->batch);
    if (then->images != now->images)
        return cnn_fail(error, "%s: the run was begun with %" PRId64 " training images, not %" PRId64, path, then->images, now->images);
    return true;
}

/* For as many rows as the run says. */
static bool history_room(RunState *run, cnn_error *error)
{
    cnn_memory_release(run->history);
    size_t room = 1;                            /* a power of two, as cnn_history_add wants it */
    while (room < (size_t)run->history_rows)
        room *= 2;
    run->history = cnn_memory_get(room, HISTORY_COLUMNS * sizeof *run->history, "the epochs so far", error);
    return run->history != NULL;
}

static bool read_history(const Stored *s, RunState *run, const char *path, cnn_error *error)
{
    const StoredTensor *t = cnn_stored_find(s, "run/history");
    if (!t || t->type != STORED_F64 || t->rank != 2 || t->dim[0] != run->history_rows || t->dim[1] != HISTORY_COLUMNS)
        return cnn_fail(error, "%s: is not a checkpoint of a run: run/history is not there as expected", path);
    return history_room(run, error) && cnn_stored_read(s, t, run->history, &cnn_reals_double, error);
}

static bool read_moments(const Stored *s, const cnn_net *net, Optimizer *optimizer, const char *path, cnn_error *error)
{
    static const char *const keys[MOST_MOMENTS] = { "moment0", "moment1" };
    for (int m = 0; m < MOST_MOMENTS; m++) {
        const char *theirs = cnn_stored_text(s, keys[m]), *ours = optimizer->moments[m] ? optimizer->moment_names[m] : "";
        if (!theirs || strcmp(theirs, ours))
            return cnn_fail(error, "%s: the run was begun with another optimizer", path);
        for (int i = 0; optimizer->moments[m] && i < net->model->weight_tensors; i++) {
            const cnn_tensor *t = &net->model->weights[i];
            char name[NAME_ROOM], what[WHAT_ROOM];
            snprintf(name, sizeof name, "%s%s", moment_prefixes[m], t->name);
            const StoredTensor *stored = cnn_stored_find(s, name);
            if (difference(what, sizeof what, t, stored))
                return cnn_fail(error, "%s: the state of the optimizer does not fit: %s", path, what);
            if (!cnn_stored_read(s, stored, cnn_at(net->reals, optimizer->moments[m], t->offset), net->reals, error))
                return false;
        }
    }
    return true;
}

static bool check_sum(const Stored *s, const char *path, cnn_error *error)
{
    const char *text = cnn_stored_text(s, "checksum");
    uint64_t sum;
    char hex[24];
    if (!text)
        return cnn_fail(error, "%s: is not a checkpoint of a run: it has no checksum. Weights are loaded with --weights", path);
    if (!cnn_stored_sum_file(s, &sum, error))
        return false;
    snprintf(hex, sizeof hex, "%016" PRIx64, sum);
    return !strcmp(text, hex) || cnn_fail(error, "%s: is damaged: its checksum is %s, but it says %s", path, hex, text);
}

bool cnn_checkpoint_load(const char *path, cnn_net *net, Optimizer *optimizer, RunState *run, cnn_error *error)
{
    Stored s;
    RunState then = *run;
    if (!cnn_stored_open(&s, path, error))
        return false;
    bool good = check_sum(&s, path, error) && fits(&s, net->model, "", path, error) && read_fields(&s, &then, optimizer, path, error)
        && same_run(run, &then, path, error);
    if (good) {
        *run = then;                            /* history and best weights are still ours */
        good = read_history(&s, run, path, error) && read_moments(&s, net, optimizer, path, error) && load_stored(net, &s, NULL, NULL, error);
    }
    if (good && run->best_weights && run->best_epoch)
        good = fits(&s, net->model, "run/best/", path, error)
            && read_items(&s, net, "run/best/", run->best_weights, run->best_state, NULL, NULL, error);
    cnn_stored_close(&s);
    return good;
}

/* ---- several ranks */

bool cnn_checkpoint_share_net(cnn_net *net, cnn_error *error)
{
    bool good = cnn_ranks_broadcast(net->ranks, net->weights, net->model->weight_count * net->reals->bytes, error)
        && cnn_ranks_broadcast(net->ranks, net->state, net->model->state_count * net->reals->bytes, error);
    cnn_changed(net);
    return good;
}

bool cnn_checkpoint_share(cnn_net *net, Optimizer *optimizer, RunState *run, cnn_error *error)
{
    const cnn_ranks *ranks = net->ranks;
    size_t weight_bytes = net->model->weight_count * net->reals->bytes, state_bytes = net->model->state_count * net->reals->bytes;
    RunState theirs = *run;
    if (!cnn_ranks_broadcast(ranks, &theirs, sizeof theirs, error) || !cnn_ranks_broadcast(ranks, &optimizer->updates, sizeof optimizer->updates, error))
        return false;
    theirs.history = run->history;
    theirs.best_weights = run->best_weights;
    theirs.best_state = run->best_state;
    *run = theirs;
    if (ranks && ranks->rank && !history_room(run, error))
        return false;
    for (int m = 0; m < MOST_MOMENTS; m++)
        if (optimizer->moments[m] && !cnn_ranks_broadcast(ranks, optimizer->moments[m], weight_bytes, error))
            return false;
    if (run->best_weights && (!cnn_ranks_broadcast(ranks, run->best_weights, weight_bytes, error)
                              || !cnn_ranks_broadcast(ranks, run->best_state, state_bytes, error)))
        return false;
    return cnn_ranks_broadcast(ranks, run->history, (size_t)run->history_rows * HISTORY_COLUMNS * sizeof *run->history, error)
        && cnn_checkpoint_share_net(net, error);
}
