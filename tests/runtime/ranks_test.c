/* ranks_test.c: training on several ranks gives the bits of training alone. Here a rank is a thread, and the transport is memory: the same
 * five functions that libcnn_mpi has, without MPI. */
#include "tiny.h"
#include "tiny_rules.h"
#include "../../runtime/batch.h"
#include "../../runtime/memory.h"
#include "../../runtime/data.h"
#include <cnn/ranks.h>

#include <pthread.h>

/* ---- ranks that are threads */

enum { MOST_RANKS = 16, REALS = 64 };

typedef struct World {
    pthread_barrier_t barrier;
    int ranks;
    const void *data[MOST_RANKS];
    const cnn_block *blocks[MOST_RANKS];
} World;

typedef struct Member {
    World *world;
    cnn_ranks ranks;
} Member;

static void meet(Member *m, const void *data, const cnn_block *blocks)
{
    m->world->data[m->ranks.rank] = data;
    m->world->blocks[m->ranks.rank] = blocks;
    pthread_barrier_wait(&m->world->barrier);
}

static void part(Member *m)
{
    pthread_barrier_wait(&m->world->barrier);
}

static bool exchange(void *context, const void *out, const cnn_block *to, void *in, const cnn_block *from, cnn_error *error)
{
    Member *m = context;
    bool good = true;
    meet(m, out, to);
    for (int r = 0; r < m->world->ranks; r++) {
        const cnn_block *theirs = &m->world->blocks[r][m->ranks.rank];
        good &= theirs->bytes == from[r].bytes;
        memcpy((char *)in + from[r].at, (const char *)m->world->data[r] + theirs->at, theirs->bytes);
    }
    part(m);
    if (!good && error)
        strcpy(error->text, "the ranks expect different numbers of bytes");
    return good;
}

static bool gather(void *context, void *all, const cnn_block *blocks, cnn_error *error)
{
    (void)error;
    Member *m = context;
    meet(m, all, blocks);
    for (int r = 0; r < m->world->ranks; r++)
        if (r != m->ranks.rank)
            memcpy((char *)all + blocks[r].at, (const char *)m->world->data[r] + blocks[r].at, blocks[r].bytes);
    part(m);
    return true;
}

static bool broadcast(void *context, void *data, size_t bytes, int from, cnn_error *error)
{
    (void)error;
    Member *m = context;
    meet(m, data, NULL);
    if (m->ranks.rank != from)
        memcpy(data, m->world->data[from], bytes);
    part(m);
    return true;
}

/* In an order that no tree has: from the last rank to the first. */
static bool sum(void *context, void *reals, int real_bytes, size_t count, cnn_error *error)
{
    (void)error;
    Member *m = context;
    double sums[REALS] = { 0 };
    meet(m, reals, NULL);
    for (size_t i = 0; i < count; i++)
        for (int r = m->world->ranks; r-- > 0;)
            sums[i] += real_bytes == 8 ? ((const double *)m->world->data[r])[i] : (double)((const float *)m->world->data[r])[i];
    part(m);
    for (size_t i = 0; i < count; i++)
        real_bytes == 8 ? (void)(((double *)reals)[i] = sums[i]) : (void)(((float *)reals)[i] = (float)sums[i]);
    return true;
}

static void leave(void *context)
{
    (void)context;
    abort();
}

/* ---- a run */

typedef struct Case {
    const cnn_model *model;
    int ranks, threads;
    size_t images;
    int64_t batch;              /* 0: as the settings say */
    int64_t stop_after;         /* steps, by the last rank */
    bool resume, any_order;
    int64_t wrong_batch;        /* that the last rank is given */
} Case;

typedef struct Result {
    double numbers[27];         /* weights and state */
    cnn_error error;
    cnn_scores scores;
    int64_t confusion[9];
    bool good, stopped;
    int told;                   /* epochs that its listener heard of */
} Result;

typedef struct Process {
    const Case *c;
    Member member;
    int64_t left;               /* steps before it stops */
    Result *result;
} Process;

static bool stop_now(void *context)
{
    return --((Process *)context)->left == 0;
}

static void count_epoch(void *context, const cnn_progress *now)
{
    (void)now;
    ((Process *)context)->result->told++;
}

static void *train(void *context)
{
    Process *p = context;
    const Case *c = p->c;
    Result *r = p->result;
    bool last = p->member.ranks.rank == c->ranks - 1;
    cnn_net *net = cnn_new(c->model, 9, &r->error);
    cnn_set_threads(net, c->threads);
    cnn_set_ranks(net, &p->member.ranks);
    cnn_data *data = tiny_data(net, c->images, 11);
    cnn_data *other = tiny_data(net, 50, 12);
    other->test = other->train;
    other->train = (Set){ .file.fd = -1 };
    cnn_plan plan = cnn_plan_of(c->model);
    char save[128], csv[128], checkpoint[128];
    snprintf(save, sizeof save, "%s/run.safetensors", tiny_folder);
    snprintf(csv, sizeof csv, "%s/run.csv", tiny_folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/run.resume", tiny_folder);
    plan.save = save;
    plan.csv = csv;
    plan.checkpoint = checkpoint;
    plan.resume = c->resume ? checkpoint : NULL;
    plan.any_order = c->any_order;
    if (c->batch)
        plan.batch = c->batch;
    if (c->wrong_batch && last)
        plan.batch = c->wrong_batch;
    p->left = last ? c->stop_after : 0;
    cnn_listener listener = { .context = p, .stop = stop_now, .epoch = count_epoch };
    cnn_outcome outcome;
    r->good = cnn_train(net, data, &plan, &listener, &outcome, &r->error);
    r->stopped = outcome.stopped;
    r->good = r->good && cnn_test(net, other, &r->scores, r->confusion, &r->error);
    size_t bytes = (size_t)c->model->real_bytes;
    memcpy(r->numbers, cnn_weights(net), c->model->weight_count * bytes);
    memcpy((char *)r->numbers + 21 * bytes, cnn_state(net), c->model->state_count * bytes);
    cnn_data_free(data);
    cnn_data_free(other);
    cnn_free(net);
    return NULL;
}

/* Runs all ranks; what rank 0 has is what all have, and it alone was told. */
static Result run(Case c)
{
    World world = { .ranks = c.ranks };
    static Process all[MOST_RANKS];
    Result results[MOST_RANKS] = { 0 };
    pthread_t threads[MOST_RANKS];
    pthread_barrier_init(&world.barrier, NULL, (unsigned)c.ranks);
    for (int r = 0; r < c.ranks; r++) {
        all[r] = (Process){ .c = &c, .member = { .world = &world }, .result = &results[r] };
        all[r].member.ranks = (cnn_ranks){ &all[r].member, r, c.ranks, exchange, gather, broadcast, sum, leave };
        assert_int_equal(pthread_create(&threads[r], NULL, train, &all[r]), 0);
    }
    for (int r = 0; r < c.ranks; r++)
        assert_int_equal(pthread_join(threads[r], NULL), 0);
    pthread_barrier_destroy(&world.barrier);
    for (int r = 1; r < c.ranks; r++) {
        assert_string_equal(results[r].error.text, results[0].error.text);
        assert_memory_equal(results[r].numbers, results[0].numbers, sizeof results[0].numbers);
        assert_memory_equal(results[r].confusion, results[0].confusion, sizeof results[0].confusion);
        assert_memory_equal(&results[r].scores, &results[0].scores, sizeof results[0].scores);
        assert_int_equal(results[r].told, 0);
    }
    assert_int_equal(cnn_memory_blocks(), 0);
    return results[0];
}

static void same(const Result *one, const Result *other)
{
    assert_string_equal(other->error.text, "");
    assert_true(one->good && other->good);
    assert_memory_equal(one->numbers, other->numbers, sizeof one->numbers);
    assert_memory_equal(one->confusion, other->confusion, sizeof one->confusion);
    assert_memory_equal(&one->scores, &other->scores, sizeof one->scores);
    assert_int_equal(one->told, other->told);
}

static cnn_model model_of(int kind)
{
    return kind == 0 ? tiny_float_stats() : kind == 1 ? tiny_double_stats() : kind == 2 ? tiny_float_linear() : tiny_double_linear();
}

/* ---- tests */

static void ranks_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (int rule = 0; rule < RULES; rule += kind < 2 ? 1 : 3) {
            cnn_model model = model_of(kind);
            cnn_setting settings[OTHERS + 1];
            size_t bytes, csv_bytes, again;
            with_rule(&model, rule, settings);
            Result alone = run((Case){ .model = &model, .ranks = 1, .threads = 1, .images = 203 });
            char *file = tiny_read(tiny_path("run.safetensors"), &bytes), *csv = tiny_read(tiny_path("run.csv"), &csv_bytes);
            static const int counts[] = { 2, 3, 4, 7 };         /* 7: more than there are slices */
            for (int i = 0; i < 4; i++) {
                Result many = run((Case){ .model = &model, .ranks = counts[i], .threads = 1 + i % 2, .images = 203 });
                same(&alone, &many);
                char *file_again = tiny_read(tiny_path("run.safetensors"), &again), *text = tiny_read(tiny_path("run.csv"), &again);
                assert_memory_equal(file, file_again, bytes);
                assert_string_equal(csv, text);
                free(file_again);
                free(text);
            }
            free(file);
            free(csv);
        }
}

/* A batch of one slice leaves its gradient in the momentum; batches of 20 have two slices, the last one, of 3 images, has one. */
static void gradients_that_go_straight_are_no_other(void **state)
{
    (void)state;
    static const int64_t batches[] = { 1, 5, 11, 20 };
    for (int kind = 2; kind < 4; kind++)
        for (int i = 0; i < 8; i++) {
            cnn_model model = model_of(kind);
            SETTINGS(model, rules[1], SETTING("epochs", NULL, { "epochs", 3, NULL }));
            Case c = { .model = &model, .ranks = 1, .threads = 1, .images = 103, .batch = batches[i % 4] };
            Result alone = run(c);
            c.any_order = i >= 4;
            for (c.ranks = 2; c.ranks <= 4; c.ranks++) {
                Result many = run(c);
                same(&alone, &many);
            }
            c.ranks = 2;
            c.stop_after = 103 / c.batch + 1;
            assert_true(run(c).stopped);
            c.stop_after = 0;
            c.resume = true;
            Result resumed = run(c);
            assert_memory_equal(alone.numbers, resumed.numbers, sizeof alone.numbers);
        }
}

/* More slices than buffers: groups of them are added as they come, on one thread after the other. */
static void large_batches_are_no_other(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        cnn_model model = model_of(kind);
        cnn_setting settings[OTHERS + 1];
        with_rule(&model, 3, settings);
        assert_int_equal(cnn_batch_slices(&model, 4100), 128);
        Result alone = run((Case){ .model = &model, .ranks = 1, .threads = 1, .images = 5000, .batch = 4100 });
        static const int counts[][2] = { { 1, 3 }, { 2, 2 }, { 4, 1 }, { 5, 2 }, { 16, 1 } };
        for (int i = 0; i < 5; i++) {
            Result many = run((Case){ .model = &model, .ranks = counts[i][0], .threads = counts[i][1], .images = 5000, .batch = 4100 });
            same(&alone, &many);
        }
    }
}

static void a_run_goes_on_with_other_ranks(void **state)
{
    (void)state;
    static const int ranks[][2] = { { 4, 1 }, { 1, 4 }, { 2, 4 }, { 4, 3 } };
    for (int kind = 0; kind < 2; kind++)
        for (int rule = 1; rule < 5; rule += 2) {
            cnn_model model = model_of(kind);
            cnn_setting settings[OTHERS + 1];
            with_rule(&model, rule, settings);
            Result whole = run((Case){ .model = &model, .ranks = 1, .threads = 1, .images = 203 });
            for (int64_t stop = 3; stop < 25; stop += 7)        /* of 25 steps */
                for (int i = 0; i < 4; i++) {
                    Result first = run((Case){ .model = &model, .ranks = ranks[i][0], .threads = 1, .images = 203, .stop_after = stop });
                    assert_true(first.good && first.stopped);
                    Result rest = run((Case){ .model = &model, .ranks = ranks[i][1], .threads = 1, .images = 203, .resume = true });
                    rest.told = whole.told;
                    same(&whole, &rest);
                }
        }
}

static void any_order_is_near(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        cnn_model model = model_of(kind);
        cnn_setting settings[OTHERS + 1];
        with_rule(&model, 0, settings);
        Result tree = run((Case){ .model = &model, .ranks = 4, .threads = 1, .images = 203 });
        for (int ranks = 2; ranks <= 6; ranks++) {
            Result any = run((Case){ .model = &model, .ranks = ranks, .threads = 1, .images = 203, .any_order = true });
            assert_true(any.good);
            for (int i = 0; i < 21; i++) {
                double a = model.real_bytes == 8 ? tree.numbers[i] : (double)((const float *)tree.numbers)[i];
                double b = model.real_bytes == 8 ? any.numbers[i] : (double)((const float *)any.numbers)[i];
                assert_true(fabs(a - b) < (model.real_bytes == 8 ? 1e-12 : 1e-4));
            }
        }
    }
}

static void what_one_rank_cannot_all_report(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    cnn_setting settings[OTHERS + 1];
    with_rule(&model, 0, settings);
    Result r = run((Case){ .model = &model, .ranks = 3, .threads = 1, .images = 203, .wrong_batch = -1 });
    assert_false(r.good);
    assert_string_equal(r.error.text, "rank 2: a batch has -1 images, but 1 or more were expected");
    r = run((Case){ .model = &model, .ranks = 3, .threads = 1, .images = 203, .batch = -1 });
    assert_string_equal(r.error.text, "a batch has -1 images, but 1 or more were expected");
}

static void a_loss_that_is_no_number_ends_all_ranks(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    SETTINGS(model, SETTING("optimizer", "sgd", { "lr", 1e30, NULL }), SETTING("epochs", NULL, { "epochs", 5, NULL }));
    Result r = run((Case){ .model = &model, .ranks = 4, .threads = 1, .images = 64 });
    assert_false(r.good);
    assert_non_null(strstr(r.error.text, "the loss is infinite at epoch 1, step 2 (step 2 of the run)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_do_not_change_a_bit),
        cmocka_unit_test(gradients_that_go_straight_are_no_other),
        cmocka_unit_test(large_batches_are_no_other),
        cmocka_unit_test(a_run_goes_on_with_other_ranks),
        cmocka_unit_test(any_order_is_near),
        cmocka_unit_test(what_one_rank_cannot_all_report),
        cmocka_unit_test(a_loss_that_is_no_number_ends_all_ranks),
    };
    return cmocka_run_group_tests(tests, tiny_folder_make, tiny_folder_remove);
}
