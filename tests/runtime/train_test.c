/* train_test.c: steps, epochs, the same bits on any number of threads and after resume. */
#include "tiny.h"
#include "tiny_rules.h"
#include "../../runtime/batch.h"
#include "../../runtime/memory.h"
#include "../../runtime/optimizer.h"
#include "../../runtime/schedule.h"
#include "../../runtime/threads.h"

/* ---- the gradient of a batch */

/* Loss of the whole batch, from the gradient's own function. */
static double loss_of(cnn_net *net, const double *x, const double *t, size_t n, double *gradient, double *dx)
{
    double loss;
    cnn_error error = { "" };
    assert_true(cnn_gradient(net, x, t, n, 7, false, &loss, gradient, dx, &error));
    return loss;
}

static void the_gradient_is_the_slope_of_the_loss(void **state)
{
    (void)state;
    enum { N = 11 };            /* two whole tiles and three images */
    const cnn_model models[] = { tiny_double_linear(), tiny_double_stats() };
    for (int m = 0; m < 2; m++) {
        cnn_net *net = cnn_new(&models[m], 3, NULL);
        double x[6 * N], t[3 * N], g[21], dx[6 * N], ignored[21], ignored_dx[6 * N];
        tiny_images(net, x, t, N, 5);
        loss_of(net, x, t, N, g, dx);
        double *w = cnn_weights(net);
        for (int i = 0; i < 21; i++) {
            double before = w[i], step = 1e-5;
            w[i] = before + step;
            double up = loss_of(net, x, t, N, ignored, ignored_dx);
            w[i] = before - step;
            double down = loss_of(net, x, t, N, ignored, ignored_dx);
            w[i] = before;
            assert_true(fabs((up - down) / (2 * step) - g[i]) < 1e-8);
        }
        for (int i = 0; m == 0 && i < 6 * N; i++) {
            double before = x[i], step = 1e-5;
            x[i] = before + step;
            double up = loss_of(net, x, t, N, ignored, ignored_dx);
            x[i] = before - step;
            double down = loss_of(net, x, t, N, ignored, ignored_dx);
            x[i] = before;
            assert_true(fabs((up - down) / (2 * step) - dx[i]) < 1e-8);
        }
        cnn_free(net);
    }
}

static void the_gradient_moves_no_state(void **state)
{
    (void)state;
    const cnn_model model = tiny_float_stats();
    cnn_net *net = cnn_new(&model, 3, NULL);
    float x[6 * 5], t[3 * 5], g[21], dx[6 * 5], before[6];
    double loss;
    tiny_images(net, x, t, 5, 5);
    ((float *)cnn_state(net))[2] = 4;
    memcpy(before, cnn_state(net), sizeof before);
    assert_true(cnn_gradient(net, x, t, 5, 7, false, &loss, g, dx, NULL));
    assert_memory_equal(cnn_state(net), before, sizeof before);
    cnn_error error;
    assert_false(cnn_gradient(net, x, t, 5, 7, true, &loss, g, dx, &error));
    assert_non_null(strstr(error.text, "gradient of inference"));
    cnn_free(net);
}

static void sums_over_the_batch_are_those_of_the_images_alone(void **state)
{
    (void)state;
    const cnn_model model = tiny_double_stats();
    cnn_net *net = cnn_new(&model, 3, NULL);
    for (size_t n = 1; n < 70; n += 3) {
        Batch *b = cnn_batch_new(net, BATCH_TRAIN, 70, NULL);
        double mean[6] = { 0 };
        tiny_images(net, b->x, b->target, n, (uint32_t)n);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 6; k++)
                mean[k] += ((double *)b->x)[6 * i + (size_t)k] / (double)n;
        cnn_batch_run(b, n, 1, 0);
        for (int k = 0; k < 6; k++)
            assert_true(fabs(((double *)b->shared)[k] - mean[k]) < 1e-14);
        cnn_batch_free(b);
    }
    cnn_free(net);
}

static void slices_depend_on_the_batch_alone(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    size_t before = 0;
    for (size_t n = 1; n < 2000; n++) {
        size_t slices = cnn_batch_slices(&model, n);
        assert_true(slices >= before && slices <= 32 && (slices & (slices - 1)) == 0 && slices <= (n + 3) / 4);
        before = slices;
    }
    assert_int_equal(cnn_batch_slices(&model, 2048), 64);       /* many ranks have large batches */
    assert_int_equal(cnn_batch_slices(&model, 1 << 20), 1024);
    model.weight_count = 138357544;             /* VGG16: few copies */
    assert_int_equal(cnn_batch_slices(&model, 16), 2);
    assert_int_equal(cnn_batch_slices(&model, 127), 2);
    assert_int_equal(cnn_batch_slices(&model, 256), 8);
}

typedef struct Moves {
    const Batch *batch;
    int told[21];               /* how often of each weight */
    double gradient[21];        /* what it was told */
} Moves;

static void note_move(void *context, const Part *part)
{
    Moves *m = context;
    for (size_t i = 0; i < part->count; i++) {
        size_t at = tiny_weights[part->tensor].offset + part->from + i;
        m->told[at]++;          /* no weight by two threads, or the counts are wrong */
        m->gradient[at] = ((const double *)part->gradient)[i];
    }
}

/* Of each weight once, with the gradient that a batch without a mover has; of none if the loss is not finite. */
static void a_mover_is_told_of_each_weight_once(void **state)
{
    (void)state;
    const cnn_model model = tiny_double_linear();
    cnn_threads_always(true);
    for (int threads = 2; threads < 6; threads++)
        for (int infinite = 0; infinite < 2; infinite++) {
            cnn_net *net = cnn_new(&model, 3, NULL);
            cnn_set_threads(net, threads);
            Batch *b = cnn_batch_new(net, BATCH_TRAIN, 70, NULL);
            Moves moves = { .batch = b };
            double plain[21];
            tiny_images(net, b->x, b->target, 70, 5);
            if (infinite)
                ((double *)b->x)[6 * 69] = INFINITY;
            cnn_batch_run(b, 70, 1, 0);
            memcpy(plain, b->gradient, sizeof plain);
            b->mover = &(Mover){ note_move, &moves };
            cnn_batch_run(b, 70, 1, 0);
            for (int i = 0; i < 21; i++)
                assert_int_equal(moves.told[i], infinite ? 0 : 1);
            if (!infinite)
                assert_memory_equal(moves.gradient, plain, sizeof plain);
            cnn_batch_free(b);
            cnn_free(net);
        }
    cnn_threads_always(false);
}

enum { WIDE = 3 * 4096 + 5 };    /* some pieces of a gradient, the last of them short */

/* The gradient of weight w[i]: the sum over the images of (i + w[i]) times their first pixel, in their order. */
static void wide_tile(const cnn_job *job, const double *w)
{
    double *gradient = job->gradient, x[4];
    for (int n = 0; n < 4; n++)
        x[n] = ((double *)job->loss)[n] = ((const double *)job->x)[6 * n] * ((const double *)job->share)[n];
    for (int i = 0; i < WIDE; i++) {
        double sum = 0;
        for (int n = 0; n < 4; n++)
            sum += (i + w[i]) * x[n];
        gradient[i] = *(const double *)job->keep * gradient[i] + sum;
    }
}

static void wide_train(const cnn_job *job)
{
    wide_tile(job, job->weights);
}

/* The same with weights that are prepared once a step, as packed ones are. */
static void wide_prepare(const cnn_job *job)
{
    memcpy(job->shared, job->weights, WIDE * sizeof(double));
}

static void wide_train_prepared(const cnn_job *job)
{
    wide_tile(job, job->shared);
}

static cnn_model wide_model(bool prepared)
{
    static const cnn_tensor weights[] = { { "wide", 1, { WIDE }, 0, WIDE, 6, 3, CNN_INIT_GLOROT } };
    static const cnn_phase phases[] = { { "train", 0, wide_train, NULL, 0 } };
    static const cnn_phase two_phases[] = { { "prepare", 1, wide_prepare, NULL, 0 }, { "train", 0, wide_train_prepared, NULL, 0 } };
    cnn_model model = tiny_double_linear();
    model.weights = weights;
    model.weight_tensors = 1;
    model.weight_count = WIDE;
    model.train = prepared ? (cnn_program){ two_phases, 2, 1, WIDE, 2 } : (cnn_program){ phases, 1, 1, 0, 1 };
    model.train_phases = prepared ? 2 : 1;
    return model;
}

/* context: [WIDE] how often it was told of each weight. */
static void move_wide(void *context, const Part *part)
{
    int *told = context;
    assert_int_equal(part->tensor, 0);
    for (size_t i = 0; i < part->count; i++) {
        told[part->from + i]++;
        ((double *)part->weights)[i] -= 0.125 * ((const double *)part->gradient)[i];
    }
}

enum { WIDE_STEPS = 7, NO_NUMBER = 2, OTHER_WEIGHTS = 4, OTHER_SIZE = 5 };

/* Weights after some steps, of which one has a loss that is no number, one begins with other weights, and one has fewer images. */
static void run_wide(bool prepared, int threads, double *end)
{
    static int told[WIDE];
    static double plain[WIDE];
    const cnn_model model = wide_model(prepared);
    cnn_net *net = cnn_new(&model, 3, NULL);
    cnn_set_threads(net, threads);
    Batch *b = cnn_batch_new(net, BATCH_TRAIN, 70, NULL);
    double *w = cnn_weights(net);
    for (int step = 0; step < WIDE_STEPS; step++) {
        size_t images = step == OTHER_SIZE ? 20 : 70;
        memset(told, 0, sizeof told);
        tiny_images(net, b->x, b->target, images, (uint32_t)step);
        if (step == NO_NUMBER)
            ((double *)b->x)[6 * 69] = NAN;
        if (step == OTHER_WEIGHTS) {
            w[1] = 100;
            w[WIDE - 1] = -100;
            cnn_changed(net);
        }
        b->mover = NULL;
        cnn_batch_run(b, images, 1, 0);
        memcpy(plain, b->gradient, sizeof plain);
        b->mover = &(Mover){ move_wide, told };
        cnn_batch_run(b, images, 1, 0);
        assert_int_equal(b->moved, step != NO_NUMBER && (threads == 2 || (threads == 4 && images == 70)) && TEAMS);
        for (int i = 0; i < WIDE; i++)
            assert_int_equal(told[i], threads > 1 && step != NO_NUMBER);
        if (threads == 1 && step != NO_NUMBER)
            move_wide(told, &(Part){ 0, 0, WIDE, plain, w });
        cnn_changed(net);
        cnn_batch_moved(b);
        if (step == NO_NUMBER)
            assert_memory_equal(b->gradient, plain, sizeof plain);
    }
    memcpy(end, w, WIDE * sizeof *w);
    cnn_batch_free(b);
    cnn_free(net);
}

/* Groups are a power of two, so that three threads have more than one each: they are no team. */
static void a_team_moves_weights_as_one_thread_does(void **state)
{
    (void)state;
    static double one[WIDE], many[WIDE];
    cnn_threads_always(true);
    for (int prepared = 0; prepared < 2; prepared++) {
        run_wide(prepared, 1, one);
        for (int threads = 2; threads < 5; threads++) {
            run_wide(prepared, threads, many);
            assert_memory_equal(one, many, sizeof one);
        }
    }
    cnn_threads_always(false);
}

typedef struct Looks {
    const Batch *batch;
    int told[70];               /* how often of each image */
    double y[70][3];            /* what was there */
} Looks;

static void note_results(void *looker, size_t first, size_t count, int thread)
{
    Looks *l = looker;
    assert_in_range(thread, 0, l->batch->threads - 1);
    for (size_t i = first; i < first + count; i++) {
        l->told[i]++;
        memcpy(l->y[i], (const double *)l->batch->y + 3 * i, sizeof l->y[i]);
    }
}

/* Of each image once, when its result is there, however many phases there are; in the next run, unless told again, nobody is. */
static void results_are_looked_at_once(void **state)
{
    (void)state;
    const cnn_model models[] = { tiny_double_linear(), tiny_double_stats() };
    cnn_threads_always(true);
    for (int m = 0; m < 2; m++)
        for (int threads = 1; threads < 4; threads++) {
            cnn_net *net = cnn_new(&models[m], 3, NULL);
            cnn_set_threads(net, threads);
            Batch *b = cnn_batch_new(net, BATCH_TRAIN, 70, NULL);
            for (size_t n = 1; n <= 70; n += 23) {
                Looks looks = { .batch = b };
                tiny_images(net, b->x, b->target, n, (uint32_t)n);
                b->look = note_results;
                b->looker = &looks;
                cnn_batch_run(b, n, 1, 0);
                for (size_t i = 0; i < 70; i++)
                    assert_int_equal(looks.told[i], i < n);
                assert_memory_equal(looks.y, b->y, n * sizeof looks.y[0]);
                cnn_batch_run(b, n, 1, 0);
                assert_int_equal(looks.told[0], 1);
            }
            cnn_batch_free(b);
            cnn_free(net);
        }
    cnn_threads_always(false);
}

/* ---- runs */

typedef struct Run {
    int threads;
    int64_t stop_after;         /* steps, then a checkpoint; 0: runs to its end */
    bool resume;
} Run;

static bool stop_now(void *context)
{
    return --*(int64_t *)context == 0;
}

/* Trains and leaves weights and state in `to`, of 27 doubles. */
static void run(const cnn_model *model, Run r, double *to)
{
    cnn_error error = { "" };
    cnn_net *net = cnn_new(model, 9, &error);
    cnn_set_threads(net, r.threads);
    cnn_data *data = tiny_data(net, 203, 11);
    cnn_plan plan = cnn_plan_of(model);
    plan.save = tiny_path("run.safetensors");
    plan.csv = tiny_path("run.csv");
    plan.checkpoint = tiny_path("run.resume");
    plan.resume = r.resume ? plan.checkpoint : NULL;
    int64_t left = r.stop_after;
    cnn_listener listener = { .context = &left, .stop = r.stop_after ? stop_now : NULL };
    cnn_outcome outcome;
    bool good = cnn_train(net, data, &plan, &listener, &outcome, &error);
    assert_string_equal(error.text, "");
    assert_true(good);
    assert_int_equal(outcome.stopped, r.stop_after != 0);
    memset(to, 0, 27 * sizeof *to);
    size_t bytes = (size_t)model->real_bytes;
    memcpy(to, cnn_weights(net), model->weight_count * bytes);
    memcpy((char *)to + 21 * bytes, cnn_state(net), model->state_count * bytes);
    cnn_data_free(data);
    cnn_free(net);
    assert_int_equal(cnn_memory_blocks(), 0);
}

/* Without clipping weights move as the pieces of their gradient are added up, with it when all of them are. */
static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    cnn_threads_always(true);
    for (int kind = 0; kind < 8; kind++)
        for (int rule = 0; rule < RULES; rule++) {
            const cnn_model models[] = { tiny_float_linear(), tiny_float_stats(), tiny_double_linear(), tiny_double_stats() };
            cnn_model model = models[kind % 4];
            cnn_setting settings[OTHERS + 1];
            double one[27], many[27];
            with_rule(&model, rule, settings);
            for (int i = 0; i < OTHERS && kind >= 4; i++)
                if (!strcmp(settings[i].name, "clip"))
                    settings[i] = settings[0];
            run(&model, (Run){ .threads = 1 }, one);
            static const int counts[] = { 2, 3, 8 };
            for (int i = 0; i < 3; i++) {
                run(&model, (Run){ .threads = counts[i] }, many);
                assert_memory_equal(one, many, sizeof one);
            }
        }
    cnn_threads_always(false);
}

static void a_run_that_was_stopped_goes_on_bit_for_bit(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++)
        for (int rule = 0; rule < RULES; rule++) {
            cnn_model model = kind == 0 ? tiny_float_stats() : tiny_double_stats();
            cnn_setting settings[OTHERS + 1];
            double whole[27], parts[27];
            size_t bytes, csv_bytes, csv_again;
            with_rule(&model, rule, settings);
            run(&model, (Run){ .threads = 2 }, whole);
            char *file = tiny_read(tiny_path("run.safetensors"), &bytes), *csv = tiny_read(tiny_path("run.csv"), &csv_bytes);
            for (int64_t stop = 1; stop < 25; stop += 4) {      /* 25 steps; epochs of 5 */
                run(&model, (Run){ .threads = 3, .stop_after = stop }, parts);
                run(&model, (Run){ .threads = 1, .resume = true }, parts);
                assert_memory_equal(whole, parts, sizeof whole);
                size_t again;
                char *file_again = tiny_read(tiny_path("run.safetensors"), &again), *text = tiny_read(tiny_path("run.csv"), &csv_again);
                assert_int_equal(bytes, again);
                assert_memory_equal(file, file_again, bytes);
                assert_string_equal(csv, text);
                free(file_again);
                free(text);
            }
            free(file);
            free(csv);
        }
}

static void a_run_that_is_stopped_at_an_epochs_end_goes_on_too(void **state)
{
    (void)state;
    cnn_model model = tiny_float_stats();
    cnn_setting settings[OTHERS + 1];
    double whole[27], parts[27];
    with_rule(&model, 3, settings);
    run(&model, (Run){ .threads = 2 }, whole);
    run(&model, (Run){ .threads = 1, .stop_after = 5 }, parts);
    run(&model, (Run){ .threads = 1, .resume = true }, parts);
    assert_memory_equal(whole, parts, sizeof whole);
}

static void another_run_is_not_resumed(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    cnn_setting settings[OTHERS + 1];
    double ignored[27];
    with_rule(&model, 1, settings);
    run(&model, (Run){ .threads = 1, .stop_after = 7 }, ignored);
    cnn_net *net = cnn_new(&model, 9, NULL);
    cnn_data *data = tiny_data(net, 203, 11);
    cnn_plan plan = cnn_plan_of(&model);
    cnn_error error;
    plan.save = NULL;
    plan.resume = tiny_path("run.resume");
    plan.batch = 36;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_non_null(strstr(error.text, "batches of 37 images, not 36"));
    plan.batch = 37;
    plan.seed = 2;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_non_null(strstr(error.text, "begun with seed 1, not 2"));
    plan.seed = 1;
    with_rule(&model, 3, settings);
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_non_null(strstr(error.text, "another optimizer"));
    cnn_data_free(data);
    cnn_free(net);
}

/* ---- rules against their formulas */

static void rules_follow_their_formulas(void **state)
{
    (void)state;
    enum { N = 9, STEPS = 4 };
    for (int rule = 0; rule < RULES; rule++) {
        cnn_model model = tiny_double_linear();
        cnn_setting settings[] = { rules[rule] };
        model.settings = settings;
        model.setting_count = 1;
        cnn_net *net = cnn_new(&model, 9, NULL);
        double x[6 * N], t[3 * N], g[21], dx[6 * N], p[21], m[21] = { 0 }, v[21] = { 0 }, loss;
        tiny_images(net, x, t, N, 4);
        memcpy(p, cnn_weights(net), sizeof p);
        for (int step = 1; step <= STEPS; step++) {
            cnn_net *at = cnn_new(&model, 1, NULL);
            memcpy(cnn_weights(at), p, sizeof p);
            assert_true(cnn_gradient(at, x, t, N, 1, false, &loss, g, dx, NULL));
            cnn_free(at);
            for (int i = 0; i < 21; i++) {
                double d = g[i];
                switch (rule) {
                case 0: p[i] -= 0.1 * (d + 0.01 * p[i]); break;
                case 1: m[i] = 0.9 * m[i] + d; p[i] -= 0.1 * m[i]; break;
                case 2: m[i] = 0.9 * m[i] + d; p[i] -= 0.1 * (d + 0.9 * m[i]); break;
                case 3:
                case 4:
                    if (rule == 3)
                        d += 0.01 * p[i];
                    else
                        p[i] -= 0.01 * 0.01 * p[i];
                    m[i] = 0.9 * m[i] + 0.1 * d;
                    v[i] = 0.999 * v[i] + 0.001 * d * d;
                    p[i] -= 0.01 * (m[i] / (1 - pow(0.9, step))) / (sqrt(v[i] / (1 - pow(0.999, step))) + 1e-8);
                    break;
                case 5:
                    v[i] = 0.99 * v[i] + 0.01 * d * d;
                    m[i] = 0.5 * m[i] + d / (sqrt(v[i]) + 1e-8);
                    p[i] -= 0.01 * m[i];
                    break;
                case 6: p[i] -= 0.1 * d; break;
                }
            }
        }
        cnn_data *data = cnn_data_arrays(net, x, t, N, NULL);
        cnn_plan plan = cnn_plan_of(&model);
        plan.whole = true;
        plan.epochs = STEPS;
        assert_true(cnn_train(net, data, &plan, NULL, NULL, NULL));
        for (int i = 0; i < 21; i++)
            assert_true(fabs(((double *)cnn_weights(net))[i] - p[i]) < 1e-12);
        cnn_data_free(data);
        cnn_free(net);
    }
}

static const cnn_setting straight_or_not[][2] = {
    { SETTING("optimizer", "sgd", { "momentum", 0.9, NULL }), SETTING("seed", NULL, { "seed", 1, NULL }) },
    { SETTING("optimizer", "sgd", { "momentum", 0.9, NULL }), SETTING("clip", NULL, { "norm", 1, NULL }) },
    { SETTING("optimizer", "sgd", { "momentum", 0.9, NULL }), SETTING("freeze", NULL, { "", 0, "dense1" }) },
    { SETTING("optimizer", "sgd", { "momentum", 0.9, NULL }, { "nesterov", 1, NULL }), SETTING("seed", NULL, { "seed", 1, NULL }) },
    { SETTING("optimizer", "sgd", { "momentum", 0.9, NULL }, { "decay", 0.1, NULL }), SETTING("seed", NULL, { "seed", 1, NULL }) },
    { SETTING("optimizer", "adam", { "beta1", 0.9, NULL }), SETTING("seed", NULL, { "seed", 1, NULL }) },
    { SETTING("optimizer", "sgd", { "lr", 0.1, NULL }), SETTING("seed", NULL, { "seed", 1, NULL }) },
};

/* The momentum takes the gradient of a batch of one slice where nothing else needs it. */
static void gradients_go_straight_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof straight_or_not / sizeof *straight_or_not; i++) {
        cnn_model model = tiny_double_linear();
        model.settings = straight_or_not[i];
        model.setting_count = 2;
        cnn_net *net = cnn_new(&model, 9, NULL);
        Optimizer o;
        double keep;
        assert_true(cnn_optimizer_new(&o, net, NULL));
        void *straight = cnn_optimizer_straight(&o, &keep);
        assert_true(i ? !straight : straight == o.moments[0] && keep == 0.9);
        cnn_optimizer_free(&o);
        cnn_free(net);
    }

    double weights[2][21];
    for (int keeps = 0; keeps < 2; keeps++) {
        cnn_model model = tiny_double_linear();
        SETTINGS(model, SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, { "momentum", 0.9, NULL }), SETTING("batch", NULL, { "images", 11, NULL }));
        model.train.keeps = keeps;
        cnn_net *net = cnn_new(&model, 9, NULL);
        cnn_data *data = tiny_data(net, 50, 3);
        cnn_plan plan = cnn_plan_of(&model);
        plan.epochs = 4;
        assert_true(cnn_train(net, data, &plan, NULL, NULL, NULL));
        memcpy(weights[keeps], cnn_weights(net), sizeof weights[keeps]);
        cnn_data_free(data);
        cnn_free(net);
    }
    for (int i = 0; i < 21; i++)
        assert_true(fabs(weights[0][i] - weights[1][i]) < 1e-12);
}

static void schedules_follow_their_formulas(void **state)
{
    (void)state;
    const cnn_setting kinds[] = {
        SETTING("schedule", "step", { "every", 4, NULL }, { "factor", 0.5, NULL }),
        SETTING("schedule", "exponential", { "factor", 0.9, NULL }),
        SETTING("schedule", "cosine", { "least", 0.1, NULL }),
        SETTING("schedule", "linear", { "least", 0.1, NULL }, { "warmup", 2, NULL }),
        SETTING("schedule", "plateau", { "factor", 0.1, NULL }, { "least", 0.05, NULL }),
    };
    cnn_model model = tiny_float_linear();
    model.setting_count = 1;
    Schedule s[5];
    for (int i = 0; i < 5; i++) {
        model.settings = &kinds[i];
        s[i] = cnn_schedule_of(&model, 1, 10, 100);
    }
    assert_true(cnn_schedule_rate(&s[0], 39) == 1 && cnn_schedule_rate(&s[0], 40) == 0.5 && cnn_schedule_rate(&s[0], 80) == 0.25);
    assert_true(cnn_schedule_rate(&s[1], 9) == 1 && fabs(cnn_schedule_rate(&s[1], 25) - 0.81) < 1e-15);
    assert_true(cnn_schedule_rate(&s[2], 0) == 1 && fabs(cnn_schedule_rate(&s[2], 50) - 0.55) < 1e-12);
    assert_true(fabs(cnn_schedule_rate(&s[3], 0) - 0.05) < 1e-15 && fabs(cnn_schedule_rate(&s[3], 19) - 1) < 1e-15);
    assert_true(cnn_schedule_rate(&s[3], 20) == 1 && fabs(cnn_schedule_rate(&s[3], 60) - 0.55) < 1e-12);
    cnn_schedule_drop(&s[4]);
    assert_true(cnn_schedule_rate(&s[4], 0) == 0.1);
    cnn_schedule_drop(&s[4]);
    assert_true(cnn_schedule_rate(&s[4], 0) == 0.05);
}

/* ---- what a train block asks for */

static void frozen_layers_keep_their_weights(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    SETTINGS(model, SETTING("freeze", NULL, { "", 0, "dense1" }));
    cnn_net *net = cnn_new(&model, 1, NULL);
    cnn_data *data = tiny_data(net, 20, 1);
    cnn_plan plan = cnn_plan_of(&model);
    float before[21];
    memcpy(before, cnn_weights(net), sizeof before);
    for (int threads = 1; threads < 3; threads++) {
        cnn_threads_always(threads > 1);
        cnn_set_threads(net, threads);
        assert_true(cnn_train(net, data, &plan, NULL, NULL, NULL));
        assert_memory_equal(before, cnn_weights(net), sizeof before);
    }
    cnn_threads_always(false);
    cnn_error error;
    SETTINGS(model, SETTING("freeze", NULL, { "", 0, "conv7" }));
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_string_equal(error.text, "freeze: the network has no layer conv7 with parameters");
    cnn_data_free(data);
    cnn_free(net);
}

/* The whole gradient, of all layers together, is made shorter; one that is short enough stays. */
static void long_gradients_are_clipped(void **state)
{
    (void)state;
    enum { N = 9 };
    static const double norms[] = { 0.01, 1e6 };
    for (int i = 0; i < 2; i++) {
        cnn_model model = tiny_double_linear();
        SETTINGS(model, SETTING("optimizer", "sgd", { "lr", 0.5, NULL }), SETTING("clip", NULL, { "norm", norms[i], NULL }));
        cnn_net *net = cnn_new(&model, 9, NULL);
        double x[6 * N], t[3 * N], g[21], dx[6 * N], p[21], loss, norm = 0;
        tiny_images(net, x, t, N, 4);
        memcpy(p, cnn_weights(net), sizeof p);
        assert_true(cnn_gradient(net, x, t, N, 1, false, &loss, g, dx, NULL));
        for (int k = 0; k < 21; k++)
            norm += g[k] * g[k];
        norm = sqrt(norm);
        double factor = norm > norms[i] ? norms[i] / norm : 1;
        assert_true(i == 0 ? factor < 0.5 : factor == 1);
        cnn_data *data = cnn_data_arrays(net, x, t, N, NULL);
        cnn_plan plan = cnn_plan_of(&model);
        plan.whole = true;
        plan.epochs = 1;
        assert_true(cnn_train(net, data, &plan, NULL, NULL, NULL));
        for (int k = 0; k < 21; k++)
            assert_true(fabs(((double *)cnn_weights(net))[k] - (p[k] - 0.5 * factor * g[k])) < 1e-6 * factor);
        cnn_data_free(data);
        cnn_free(net);
    }
}

/* Of a smoothed target no result gets all: the validation loss is that of (1 - e) t + e/classes. */
static void smoothed_targets_are_what_the_loss_is_of(void **state)
{
    (void)state;
    enum { N = 8 };
    cnn_model model = tiny_double_linear();
    SETTINGS(model, SETTING("loss", "crossentropy", { "smooth", 0.3, NULL }), SETTING("optimizer", "sgd", { "lr", 0, NULL }),
             SETTING("epochs", NULL, { "epochs", 1, NULL }), SETTING("validate", NULL, { "share", 0.5, NULL }));
    cnn_net *net = cnn_new(&model, 1, NULL);
    double x[6], t[3], y[3], want = 0;
    double all_x[6 * N], all_t[3 * N];
    tiny_images(net, x, t, 1, 3);
    for (int i = 0; i < N; i++) {               /* the same image again and again, so that any half of them will do */
        memcpy(all_x + 6 * i, x, sizeof x);
        memcpy(all_t + 3 * i, t, sizeof t);
    }
    assert_true(cnn_run(net, x, 1, y, NULL));
    for (int k = 0; k < 3; k++)
        want -= (0.7 * t[k] + 0.1) * log(y[k]);
    cnn_data *data = cnn_data_arrays(net, all_x, all_t, N, NULL);
    cnn_plan plan = cnn_plan_of(&model);
    cnn_outcome outcome;
    assert_true(cnn_train(net, data, &plan, NULL, &outcome, NULL));
    assert_true(fabs(outcome.validation.loss - want) < 1e-12);
    cnn_data_free(data);
    cnn_free(net);
}

static void training_stops_when_nothing_becomes_better(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    SETTINGS(model, SETTING("stop", "loss", { "patience", 3, NULL }), SETTING("optimizer", "sgd", { "lr", 0, NULL }),
             SETTING("epochs", NULL, { "epochs", 50, NULL }));
    cnn_net *net = cnn_new(&model, 1, NULL);
    cnn_data *data = tiny_data(net, 64, 1);
    cnn_plan plan = cnn_plan_of(&model);
    cnn_outcome outcome;
    plan.shuffle = false;
    assert_true(cnn_train(net, data, &plan, NULL, &outcome, NULL));
    assert_true(outcome.early);
    assert_int_equal(outcome.epochs, 4);
    assert_int_equal(outcome.best_epoch, 1);
    cnn_data_free(data);
    cnn_free(net);
}

static void a_loss_that_is_no_number_ends_the_run(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    SETTINGS(model, SETTING("optimizer", "sgd", { "lr", 1e30, NULL }), SETTING("epochs", NULL, { "epochs", 5, NULL }));
    cnn_net *net = cnn_new(&model, 1, NULL);
    cnn_data *data = tiny_data(net, 64, 1);
    cnn_plan plan = cnn_plan_of(&model);
    cnn_error error;
    float before[21];
    memcpy(before, cnn_weights(net), sizeof before);
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_non_null(strstr(error.text, "the loss is infinite at epoch 1, step 2 (step 2 of the run)"));
    assert_non_null(strstr(error.text, "the largest weights are "));
    assert_non_null(strstr(error.text, "try --lr 1e+29"));
    assert_memory_equal(before, cnn_weights(net), sizeof before);
    plan.rate = INFINITY;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_string_equal(error.text, "the learning rate is inf, but a number from 0 on was expected");
    ((float *)cnn_weights(net))[20] = NAN;      /* no loss needs to show it: a relu makes 0 of it */
    plan.rate = 0.1;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_non_null(strstr(error.text, "at epoch 1, step 1"));
    cnn_data_free(data);
    cnn_free(net);
}

static void plans_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const cnn_model model = tiny_float_linear();
    cnn_net *net = cnn_new(&model, 1, NULL);
    cnn_data *data = tiny_data(net, 8, 1);
    cnn_error error;
    cnn_plan plan = cnn_plan_of(&model);
    plan.batch = 0;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    assert_string_equal(error.text, "a batch has 0 images, but 1 or more were expected");
    plan = cnn_plan_of(&model);
    plan.epochs = INT64_MAX;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    plan = cnn_plan_of(&model);
    plan.validate = 1;
    assert_false(cnn_train(net, data, &plan, NULL, NULL, &error));
    cnn_model old = model;
    old.abi = 99;
    assert_null(cnn_new(&old, 1, &error));
    assert_non_null(strstr(error.text, "version 99"));
    cnn_data_free(data);
    cnn_free(net);
    assert_int_equal(cnn_memory_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(the_gradient_moves_no_state),
        cmocka_unit_test(sums_over_the_batch_are_those_of_the_images_alone),
        cmocka_unit_test(slices_depend_on_the_batch_alone),
        cmocka_unit_test(a_mover_is_told_of_each_weight_once),
        cmocka_unit_test(a_team_moves_weights_as_one_thread_does),
        cmocka_unit_test(results_are_looked_at_once),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(a_run_that_was_stopped_goes_on_bit_for_bit),
        cmocka_unit_test(a_run_that_is_stopped_at_an_epochs_end_goes_on_too),
        cmocka_unit_test(another_run_is_not_resumed),
        cmocka_unit_test(rules_follow_their_formulas),
        cmocka_unit_test(gradients_go_straight_where_they_may),
        cmocka_unit_test(schedules_follow_their_formulas),
        cmocka_unit_test(frozen_layers_keep_their_weights),
        cmocka_unit_test(long_gradients_are_clipped),
        cmocka_unit_test(smoothed_targets_are_what_the_loss_is_of),
        cmocka_unit_test(training_stops_when_nothing_becomes_better),
        cmocka_unit_test(a_loss_that_is_no_number_ends_the_run),
        cmocka_unit_test(plans_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, tiny_folder_make, tiny_folder_remove);
}
