/* loops_test.c: the passes on nests, each by what it promises. Numbers come from the evaluator. */
#include "loops/choice.h"
#include "loops/evaluate.h"
#include "loops/layout.h"
#include "loops/lower.h"
#include "loops/machine.h"
#include "loops/transform.h"
#include "support/dice.h"
#include "support/network.h"
#include "tuned.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Unit *unit_of(const char *text, NetworkOptions options)
{
    Unit *u = network_from("test.cnn", text, options);
    assert_non_null(u);
    return u;
}

static int64_t batch_count(const Program *p, const Tensor *t, int64_t batch)
{
    return tensor_count(t) * (t->per_image ? (batch + p->tile - 1) / p->tile : 1);
}

/* Fills what the caller gives with the same numbers for every program of a network. */
static void fill_inputs(Evaluation *e, const Program *p, int64_t batch)
{
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        bool one_hot = t->role == ROLE_TARGET;
        if (t->view_of || (t->role != ROLE_INPUT && t->role != ROLE_PARAM && t->role != ROLE_STATE && !one_hot))
            continue;
        uint64_t seed = 7;
        for (const char *c = t->name; *c; c++)
            seed = seed * 31 + (unsigned char)*c;
        Dice dice = dice_new(seed);
        double *at = evaluation_tensor(e, t);
        int64_t each = batch_count(p, t, batch);
        for (int64_t j = 0; j < each; j++)
            at[j] = one_hot ? j % 3 == 0 : dice_real(&dice) + 0.1;
    }
}

static const uint32_t draw[4] = { 1, 2, 3, 0 };

/* All that the caller sees of a program's results: y, loss, gradients of params and input. */
static double *results(Unit *u, const Program *p, int64_t batch, int64_t *count)
{
    Evaluation *e = evaluation_new(u, p, batch);
    const Tensor *seen[] = { p->y, p->loss, p->dx };
    int64_t most = 0;

    for (int i = 0; i < p->tensors.count; i++)
        most += p->tensors.at[i]->role == ROLE_GRADIENT ? tensor_count(p->tensors.at[i]) : 0;
    for (int i = 0; i < countof(seen); i++)
        most += seen[i] ? tensor_count(seen[i]) * batch : 0;
    double *all = arena_array(u->arena, (size_t)most + 1, sizeof(double));
    *count = 0;
    fill_inputs(e, p, batch);
    evaluation_run(e, p->phases.count, draw);
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        if (t->role == ROLE_GRADIENT && !t->view_of)
            for (int64_t j = 0; j < tensor_count(t); j++)
                all[(*count)++] = evaluation_tensor(e, t)[j];
    }
    for (int i = 0; i < countof(seen); i++)
        for (int64_t j = 0; seen[i] && j < tensor_count(seen[i]) / (seen[i]->per_image ? p->tile : 1) * batch; j++)
            all[(*count)++] = evaluation_tensor(e, seen[i])[j];
    assert_true(*count <= most);
    return all;
}

static void assert_same(const double *a, int64_t a_count, const double *b, int64_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (int64_t i = 0; i < a_count; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-12 * (1 + fabs(b[i]))))
            fail_msg("element %lld: %.17g is not %.17g", (long long)i, a[i], b[i]);
}

/* So many images have the same results in a program of one unit as in one of another. */
static void assert_alike(Unit *a, const Program *in_a, Unit *b, const Program *in_b, int64_t batch)
{
    int64_t a_count, b_count;
    double *of_a = results(a, in_a, batch, &a_count), *of_b = results(b, in_b, batch, &b_count);
    assert_same(of_a, a_count, of_b, b_count);
}

static void assert_trains_alike(Unit *a, Unit *b, int64_t batch)
{
    assert_alike(a, a->train, b, b->train, batch);
}

static const char mixed[] =
    "network T { input 9x8x2; normalise; stem = conv 4, 3x3, pad=(1,0,2,1), batchnorm, relu; conv 4, 3x3, same, tanh\n"
    "add stem; maxpool 2x2; dropout 25%; conv 3, 2x2, stride=2, nobias; dense 5, sigmoid; dense 3, softmax }\n";

static void tensors_that_never_meet_share(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 8x8x1; gelu; gelu; gelu; gelu }", (NetworkOptions){ .infer = true });
    assert_int_equal(u->infer->scratch, 64);            /* one picture, each written over the one before */
    assert_int_equal(u->infer->lower_bound, 64);
    unit_free(u);

    u = unit_of("network T { input 8x8x1; conv 1, 3x3, same; conv 1, 3x3, same; conv 1, 3x3, same }", (NetworkOptions){ .infer = true });
    assert_true(u->infer->scratch <= 64 + 2 * 112);     /* ping-pong of bordered images (100, rounded up to lines), not six tensors */
    unit_free(u);
}

static void the_plan_stays_near_its_bound(void **state)
{
    (void)state;
    static const struct { const char *text; NetworkOptions options; } cases[] = {
        { mixed, { 0 } },
        /* LeNet: the borders of gradients are larger than what they are made for; the largest first gives 1.23 times the bound. */
        { "network T { input 28x28x1; normalise; conv 6, 5x5, same, tanh; avgpool 2x2; conv 16, 5x5, tanh; avgpool 2x2\n"
          "dense 120, tanh; dense 84, tanh; dense 10, softmax }", { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES } },
    };
    for (int i = 0; i < countof(cases); i++) {
        Unit *u = unit_of(cases[i].text, cases[i].options);
        assert_true(u->train->scratch >= u->train->lower_bound);
        if ((double)u->train->scratch > 1.02 * (double)u->train->lower_bound)
            fail_msg("network %d: a plan of %lld, but the bound is %lld", i, (long long)u->train->scratch, (long long)u->train->lower_bound);
        unit_free(u);
    }
}

static void tiles_of_any_size_give_the_same_results(void **state)
{
    (void)state;
    int64_t one_count, four_count;
    Unit *one = unit_of(mixed, (NetworkOptions){ .tile = 1 }), *four = unit_of(mixed, (NetworkOptions){ .tile = 4 });
    double *a = results(one, one->train, 6, &one_count), *b = results(four, four->train, 6, &four_count);
    assert_same(a, one_count, b, four_count);
    unit_free(one);
    unit_free(four);
}

static void the_fast_style_changes_no_result(void **state)
{
    (void)state;
    int64_t lesson_count, fast_count;
    Unit *lesson = unit_of(mixed, (NetworkOptions){ .tile = 16 });
    Unit *fast = unit_of(mixed, (NetworkOptions){ .tile = 16, .style = STYLE_FAST });
    double *a = results(lesson, lesson->train, 19, &lesson_count), *b = results(fast, fast->train, 19, &fast_count);
    assert_same(a, lesson_count, b, fast_count);
    assert_alike(lesson, lesson->eval, fast, fast->eval, 19);
    unit_free(lesson);
    unit_free(fast);
}

/* Every pass that a layout brings: rows of maps, panels, room for ragged channels, runs of one image, sums in two parts, relu behind maxpool. */
static void no_layout_changes_a_result(void **state)
{
    (void)state;
    static const char text[] = "network T { input 10x9x3; conv 12, 3x3, same, relu; maxpool 2x2; conv 16, 3x3, relu; conv 7, 1x1, tanh; "
                               "maxpool 3x2, stride=1, relu; dense 37, relu; dense 3, softmax }";
    static const struct { Layout layout; int64_t tile; bool channels; } cases[] = {
        { LAYOUT_CHANNELS, 3, true }, { LAYOUT_CHANNELS, 1, true }, { LAYOUT_IMAGES, 16, false }, { LAYOUT_AUTO, 1, true },
        { LAYOUT_AUTO, 16, false }, { LAYOUT_AUTO, 12, true },              /* 12 images fill no whole vectors */
    };
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    double *expected = results(plain, plain->train, 5, &plain_count);

    for (int i = 0; i < countof(cases); i++) {
        Unit *u = unit_of(text, (NetworkOptions){ .tile = cases[i].tile, .style = STYLE_FAST, .layout = cases[i].layout });
        double *got = results(u, u->train, 5, &count);
        assert_same(expected, plain_count, got, count);
        assert_int_equal(u->train->channels_last, cases[i].channels);
        unit_free(u);
    }
    unit_free(plain);
}

/* A row of 13 takes two vectors of 8, which share three places; one of 19 would take twelve. */
static void rows_are_covered_by_vectors(void **state)
{
    (void)state;
    static const int64_t rows[][2] = { { 8, 1 }, { 9, 2 }, { 13, 2 }, { 16, 2 }, { 17, 4 }, { 20, 3 }, { 5, 0 }, { 19, 0 }, { 84, 0 } };
    for (int i = 0; i < countof(rows); i++)
        assert_int_equal(vectors_of_row(rows[i][0], 8), rows[i][1]);

    for (int width = 9; width < 25; width++) {
        Unit *u = unit_new();
        const char *text = arena_print(u->arena, "network T { input 4x%dx2; conv 3, 3x3, same, relu; conv 2, 3x3, same; l2pool 2x2; dense 3, softmax }", width);
        Unit *lesson = unit_of(text, (NetworkOptions){ 0 }), *fast = unit_of(text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
        assert_trains_alike(lesson, fast, 3);
        const Nest *n = nest_named(fast->train, "conv1");
        assert_int_equal(n->loops[n->loop_count - 1]->kind == LOOP_LANES, vectors_of_row(width, 8) > 0);
        assert_int_equal(nest_places(n), 3 * 4 * width);
        unit_free(lesson);
        unit_free(fast);
        unit_free(u);
    }
}

/* 3x5x9 elements are 17 vectors, the last of which goes on behind them; what the caller takes has no room for that, so it overlaps the one before. */
static void elements_are_handled_as_they_lie(void **state)
{
    (void)state;
    static const struct { const char *text, *nest; int64_t vectors; bool overlaps; } cases[] = {
        { "network T { input 5x9x2; conv 3, 3x3, same; sigmoid; dense 3, softmax }", "sigmoid1", 17, false },
        { "network T { input 45x1x3; conv 3, 3x1, same; sigmoid; dense 3, softmax }", "sigmoid1", 17, false },
        { "network T { input 5x9x3; sigmoid; maxpool 2x2; dense 3, softmax }", "sigmoid1", 0, false },     /* 135 are no row of vectors */
        { "network T { input 7; dense 13; tanh; dense 3 }", "tanh1", 2, false },
        { "network T { input 3x15x1; tanh }", "tanh1", 0, false },
        { "network T { input 3x9x1; tanh }", "tanh1", 0, false },
        { "network T { input 2x10x1; tanh }", "tanh1", 3, true },
    };
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };

    for (int i = 0; i < countof(cases); i++)
        for (int k = 0; k < countof(layouts); k++) {
            Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 });
            Unit *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = layouts[k] });
            assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
            assert_trains_alike(lesson, fast, 3);
            const Nest *n = nest_named(fast->infer, cases[i].nest);
            bool lanes = n->loops[n->loop_count - 1]->kind == LOOP_LANES;
            if (layouts[k] == LAYOUT_IMAGES && ((lanes ? nest_work(n) / 8 : 0) != cases[i].vectors || (lanes && n->loops[0]->overlaps != cases[i].overlaps)))
                fail_msg("case %d: %d, %lld", i, lanes, (long long)nest_work(n));
            unit_free(lesson);
            unit_free(fast);
        }
}

static bool has_nest(const Program *p, const char *name)
{
    for (int i = 0; i < p->nests.count; i++)
        if (strcmp(p->nests.at[i]->name, name) == 0)
            return true;
    return false;
}

/* Unless somebody else reads what is between, as the backward pass does, or the outer one reads it twice. */
static void a_function_of_a_function_is_one_nest(void **state)
{
    (void)state;
    static const struct { const char *text, *inner; bool infer, train; } cases[] = {    /* which has a nest of its own for the inner function */
        { "network T { input 8x8x2; conv 4, 3x3, same, silu; dense 3, softmax }", "silu1_gate", false, true },
        { "network T { input 6; sigmoid; tanh; dense 3 }", "sigmoid1", false, true },
        { "network T { input 5x4x2; elu; relu; sigmoid; tanh; dense 3 }", "elu1", false, true },
        { "network T { input 6; sigmoid; concat { path { tanh }; path { elu } }; dense 3 }", "sigmoid1", true, true },
        { "network T { input 6; sigmoid; elu; dense 3 }", "sigmoid1", true, true },                 /* elu reads it twice */
        { "network T { input 6; relu; tanh; dense 3 }", "relu1", false, true },
    };
    static const int tiles[] = { 1, 16 };

    for (int i = 0; i < countof(cases); i++)
        for (int k = 0; k < countof(tiles); k++) {
            Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 });
            Unit *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = tiles[k], .style = STYLE_FAST });
            assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
            assert_trains_alike(lesson, fast, 3);
            assert_true(has_nest(lesson->infer, cases[i].inner));
            if (has_nest(fast->infer, cases[i].inner) != cases[i].infer || has_nest(fast->train, cases[i].inner) != cases[i].train)
                fail_msg("case %d, tile %d", i, tiles[k]);
            unit_free(lesson);
            unit_free(fast);
        }
}

/* It passes a relu and its kin as it is, which then goes, outside training; what may be negative does not. */
static void what_is_never_negative_passes(void **state)
{
    (void)state;
    static const struct { const char *text, *passed; bool stays; } cases[] = {
        { "network T { input 6x6x2; l1pool 3x3, elu; flatten; dense 3 }", "elu1", false },
        { "network T { input 6; sigmoid; relu; dense 3 }", "relu1", false },
        { "network T { input 6; softplus; leaky(0.1); dense 3 }", "leaky1", false },
        { "network T { input 6; relu; tanh; elu; dense 3 }", "elu1", false },
        { "network T { input 6x6x2; relu; maxpool 2x2; elu; dense 3 }", "elu1", false },
        { "network T { input 6x6x2; conv 2, 3x3, relu; avgpool 2x2; elu; dense 3 }", "elu1", false },
        { "network T { input 6; tanh; elu; dense 3 }", "elu1", true },
        { "network T { input 6; elu; dense 3 }", "elu1", true },                            /* the caller's may be negative */
        { "network T { input 6x6x2; relu; conv 2, 3x3; elu; dense 3 }", "elu1", true },       /* weights are */
        { "network T { input 6x6x2; maxpool 2x2; elu; dense 3 }", "elu1", true },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 }), *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST });
        assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
        assert_true(has_nest(lesson->infer, cases[i].passed) && has_nest(fast->train, cases[i].passed));
        if (has_nest(fast->infer, cases[i].passed) != cases[i].stays)
            fail_msg("case %d", i);
        unit_free(lesson);
        unit_free(fast);
    }
}

/* What stands before the second convolution keeps its rows innermost where channels would leave most of a vector empty; not where they fill it, where
 * there is no other convolution, nor going back. */
static void the_front_of_a_single_image_keeps_its_rows(void **state)
{
    (void)state;
    static const struct { const char *text; bool front; } cases[] = {
        { "network T { input 28x28x1; conv 6, 5x5, same, relu; maxpool 2x2; conv 16, 5x5, relu; maxpool 2x2; dense 10, softmax }", true },
        { "network T { input 28x28x1; conv 3, 5x5, same, relu; conv 32, 3x3, same, relu; globalavgpool; dense 10, softmax }", true },
        { "network T { input 28x28x1; conv 5, 5x5, same; maxpool 3x2, stride=(2,3), same, relu; conv 16, 5x5, relu; dense 10, softmax }", true },
        { "network T { input 16x16x1; conv 16, 5x5, same, relu; maxpool 2x2; conv 16, 5x5, relu; dense 10, softmax }", false },
        { "network T { input 28x28x1; conv 6, 5x5, same, relu; maxpool 2x2; dense 10, softmax }", false },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .machine = "avx512" });
        assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
        const Nest *first = nest_named(fast->infer, "conv1");
        if (fast->infer->front_by_rows != cases[i].front || (cases[i].front && (first->dst->channels_last || !first->dst->rows_innermost)))
            fail_msg("case %d: %d", i, fast->infer->front_by_rows);
        assert_false(fast->train->front_by_rows);
        if (cases[i].front) {
            assert_true(nest_named(fast->infer, "conv2")->dst->channels_last);
            assert_int_equal(has_nest(fast->infer, "maxpool1_columns"), has_nest(fast->infer, "maxpool1"));      /* which steps along a row */
            if (has_nest(fast->infer, "maxpool1_columns")) {
                const Nest *columns = nest_named(fast->infer, "maxpool1_columns");
                assert_int_equal(columns->loops[columns->loop_count - 1]->kind, LOOP_LANES);
            }
            assert_non_null(strstr(fast->infer->note, "; rows before the second convolution: channels would take "));
        }
        unit_free(lesson);
        unit_free(fast);
    }
}

/* For one image the predictions of both decide: few channels leave most lanes empty, 32 fill four vectors. Training and inference choose by themselves. */
static void single_images_get_the_faster_layout(void **state)
{
    (void)state;
    static const struct { const char *text; bool channels; } cases[] = {
        { "network T { input 16x16x3; conv 32, 3x3, same, relu; conv 32, 3x3, same, relu; maxpool 2x2; dense 3, softmax }", true },
        { "network T { input 8x13x2; conv 3, 1x3, same, softplus; conv 3, 2x2, same; l2pool 3x3, stride=1, pad=1; conv 1, 1x1; dense 3, softmax }", false },
        { "network T { input 4x8x4; conv 1, 3x3, same, stride=2, tanh; conv 2, 1x1; conv 4, 4x4, groups=2, same; dense 2 }", false },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 }), *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST });
        assert_trains_alike(lesson, fast, 3);
        assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
        assert_int_equal(fast->infer->channels_last, cases[i].channels);
        assert_non_null(strstr(fast->infer->note, cases[i].channels ? "channels innermost" : "rows innermost: channels would take"));
        unit_free(lesson);
        unit_free(fast);
    }
}

static bool is_trimmed(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->trimmed)
            return true;
    return false;
}

/* A valid convolution's dx would multiply mostly zeros, one with `same` only a few, which stay: loops of constant length cost less. */
static void sums_over_a_border_are_trimmed(void **state)
{
    (void)state;
    static const char text[] = "network T { input 12x11x1; conv 2, 3x3, same, relu; conv 3, 5x4, relu; conv 3, 5x5, pad=2, stride=2; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 16 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    double *expected = results(plain, plain->train, 19, &plain_count), *got = results(fast, fast->train, 19, &count);

    assert_same(expected, plain_count, got, count);
    assert_true(is_trimmed(nest_named(fast->train, "conv2_dx")));
    assert_true(is_trimmed(nest_named(fast->train, "conv3")));          /* a step of 1 for the cells, 2 for the places */
    assert_false(is_trimmed(nest_named(fast->train, "conv1")));
    assert_null(program_verify(fast, fast->train));

    Nest *n = nest_named(fast->train, "conv2_dx");
    int loop = 0;
    while (!n->loops[loop]->trimmed)
        loop++;
    n->loops[loop]->from.term[0].loop = n->loops[n->loop_count - 1];
    assert_non_null(strstr(program_verify(fast, fast->train), "conv2_dx trims "));
    unit_free(plain);
    unit_free(fast);

    /* A number's sum that is short enough to be written out keeps its constant bounds, border and all. */
    fast = unit_of("network T { input 5x5x2; conv 1, 3x3, same; dense 3 }", (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    assert_false(is_trimmed(nest_named(fast->infer, "conv1")));
    unit_free(fast);
    fast = unit_of("network T { input 5x5x1; conv 1, 7x7, same; dense 3 }", (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    assert_true(is_trimmed(nest_named(fast->infer, "conv1")));
    unit_free(fast);

    /* Places that lie inside the sum bound nothing: found by seed 7038. */
    unit_free(unit_of("network T { input 1x3x3; conv 1, 1x3, same, relu; conv 1, 2x2, same; dense 4 }", (NetworkOptions){ .style = STYLE_FAST }));
}

/* How many taps of a kernel the nest of this name goes through; 0 if there is none. */
static int64_t taps_of(const Program *p, const char *site, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", site, suffix);
    const Nest *n = nest_named(p, name);
    int64_t taps = n != NULL;

    for (int i = 0; n && i < n->loop_count; i++)
        taps *= strncmp(n->loops[i]->name, "kh", 2) == 0 || strncmp(n->loops[i]->name, "kw", 2) == 0 ? n->loops[i]->extent : 1;
    return taps;
}

static bool is_tensor_of(const Program *p, const char *name)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (strcmp(p->tensors.at[i]->name, name) == 0)
            return true;
    return false;
}

static const NetworkOptions fast_styles[] = {
    { .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_IMAGES }, { .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS },
    { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES }, { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS },
};

static void assert_same_as_lesson(const Unit *fast, const char *text)
{
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });

    assert_trains_alike(lesson, (Unit *)fast, 18);
    assert_alike(lesson, lesson->infer, (Unit *)fast, fast->infer, 18);
    unit_free(lesson);
}

/* Rows and columns of a kernel that lie on the border wherever it stands: on both sides, on one, with gaps, in groups, of patches that are cut off, of
 * pools. Those between others stay, and so do all where the border is not zero. */
static void taps_that_meet_border_alone_go(void **state)
{
    (void)state;
    static const struct { const char *text, *site; int64_t taps; } cases[] = {
        { "network T { input 2x3x2; conv 3, 5x7, same; dense 3, softmax }", "conv1", 15 },
        { "network T { input 3x4x2; conv 3, 4x3, pad=(0,5,4,4), dilation=(1,4), tanh; dense 3, softmax }", "conv1", 3 },
        { "network T { input 4x4x2; conv 4, 3x3, pad=(1,5,1,6), dilation=(3,2), stride=(5,3); dense 3, softmax }", "conv1", 3 },
        { "network T { input 3x3x2; conv 2, 3x3, same; conv 4, 7x6, pad=(5,6,4,5), stride=(4,3), tanh; dense 3, softmax }", "conv2", 36 },
        { "network T { input 1x3x2; conv 2, 5x3, pad=(3,4,1,1), stride=(3,1), tanh; dense 3, softmax }", "conv1", 12 },    /* rows 0 and 3 of 5 */
        { "network T { input 3x2x4; conv 8, 5x4, groups=2, dilation=(3,2), same, tanh; dense 3, softmax }", "conv1", 2 },
        { "network T { input 2x2x8; conv 16, 5x5, depthwise, same, tanh; dense 3, softmax }", "conv1", 9 },
        { "network T { input 2x2x16; conv 16, 5x7, same, relu; conv 16, 3x3, same, relu; dense 3, softmax }", "conv1", 9 },
        { "network T { input 3x3x2; deconv 3, 5x4, pad=(3,3,4,1), tanh; dense 3, softmax }", "deconv1", 6 },
        { "network T { input 3x3x2; deconv 3, 3x5, pad=(4,1,1,5), stride=2, dilation=(3,1), nobias; dense 3, softmax }", "deconv1", 12 },
        { "network T { input 1x4x3; tanh; l2pool 3x2, stride=3, pad=(1,2,0,0); dense 3, softmax }", "l2pool1", 2 },
        { "network T { input 1x4x3; tanh; avgpool 3x3, stride=3, pad=(1,1,1,1); dense 3, softmax }", "avgpool1", 3 },
        { "network T { input 2x3x2; conv 3, 5x7, same, fill=0.5; dense 3, softmax }", "conv1", 35 },
    };

    for (int i = 0; i < countof(cases); i++)
        for (int k = 0; k < countof(fast_styles); k++) {
            static const char *const suffixes[] = { "", "_dw" };
            Unit *fast = unit_of(cases[i].text, fast_styles[k]);
            assert_same_as_lesson(fast, cases[i].text);
            for (int j = 0; j < countof(suffixes); j++) {
                int64_t taps = taps_of(fast->train, cases[i].site, suffixes[j]);
                if (taps != cases[i].taps && taps != 0)
                    fail_msg("case %d, options %d: %s%s has %lld taps", i, k, cases[i].site, suffixes[j], (long long)taps);
            }
            unit_free(fast);
        }
}

/* Of 3x3 taps on a map of one place one is left: no border, no loop. */
static void maps_of_one_place_have_no_border(void **state)
{
    (void)state;
    static const char text[] = "network T { input 1x1x5; conv 4, 1x1, tanh; conv 4, 3x3, same; dense 3, softmax }";

    for (int k = 0; k < countof(fast_styles); k++) {
        Unit *fast = unit_of(text, fast_styles[k]);
        assert_same_as_lesson(fast, text);
        assert_int_equal(taps_of(fast->train, "conv2", ""), 1);
        assert_int_equal(taps_of(fast->train, "conv2", "_dw"), 1);
        assert_false(is_tensor_of(fast->train, "conv2.xp"));
        unit_free(fast);
    }
}

/* No tap is left: a sum is what it begins with, and neither x nor the weights get a gradient. */
static void kernels_that_meet_border_alone_add_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "network T { input 2x7x2; conv 3, 1x3, tanh; conv 2, 4x3, dilation=(4,1), same, tanh; dense 3, softmax }",
        "network T { input 2x7x2; conv 3, 1x3, tanh; conv 2, 4x3, dilation=(4,1), same, nobias, batchnorm; dense 3, softmax }",
        "network T { input 1x1x2; conv 3, 1x1, tanh; deconv 2, 2x2, dilation=4, pad=1; dense 3, softmax }",
        "network T { input 1x1x2; conv 3, 1x1, tanh; deconv 2, 2x1, dilation=4, pad=(1,1,0,0), nobias, tanh; dense 3, softmax }",
    };

    for (int i = 0; i < countof(texts); i++)
        for (int k = 0; k < countof(fast_styles); k++) {
            Unit *fast = unit_of(texts[i], fast_styles[k]);
            const char *site = strstr(texts[i], "deconv") ? "deconv1" : "conv2";
            assert_same_as_lesson(fast, texts[i]);
            assert_true(taps_of(fast->train, site, "") <= 1);
            assert_null(nest_named(fast->train, arena_print(fast->arena, "%s_dw", site)));
            assert_null(nest_named(fast->train, "conv1_dx"));
            assert_false(is_tensor_of(fast->train, "conv1.y.d"));
            unit_free(fast);
        }
}

/* Tiles that fill the map and tiles that reach over its edge, one band and several, x with a border and without, all images of a tile or one. */
static void products_of_tiles_change_no_result(void **state)
{
    (void)state;
    static const struct { const char *text, *products[3]; } nets[] = {
        { "network T { input 4x72x3; conv 64, 1x1; conv 64, 3x3, same, relu; maxpool 4x4; dense 3, softmax }",
          { "conv2_products", "conv2_dxp_products", "conv2_dw_products" } },
        { "network T { input 13x12x3; conv 64, 1x1; conv 64, 3x3, relu; conv 64, 3x3, same, relu; dense 3, softmax }",
          { "conv2_products", "conv3_dxp_products", "conv3_dw_products" } },
        { "network T { input 4x528x2; conv 16, 1x1; conv 16, 3x3, same, relu; maxpool 4x4; dense 3, softmax }",       /* its gradient has bands, too */
          { "conv2_products", "conv2_dxp_products", "conv2_dw_products" } },
    };
    static const struct { int64_t tile; Winograd size; } cases[] = { { 2, WINOGRAD_2 }, { 1, WINOGRAD_2 }, { 3, WINOGRAD_4 }, { 1, WINOGRAD_4 } };

    for (int k = 0; k < countof(nets); k++) {
        int64_t plain_count, count;
        Unit *plain = unit_of(nets[k].text, (NetworkOptions){ .tile = 2 });
        double *expected = results(plain, plain->train, 2, &plain_count);
        for (int i = 0; i < countof(cases); i++) {
            if (k == 2 && (cases[i].tile != 1 || cases[i].size != WINOGRAD_2))       /* large */
                continue;
            Unit *u = unit_of(nets[k].text, (NetworkOptions){ .tile = cases[i].tile, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .winograd = cases[i].size });
            for (int j = 0; j < countof(nets[k].products); j++)
                assert_non_null(nest_named(u->train, nets[k].products[j]));
            if (k == 0 && cases[i].size == WINOGRAD_2)          /* images, if there are several, and bands */
                assert_int_equal(nest_step_loops(nest_named(u->train, "conv2_products")), 1 + (cases[i].tile > 1));
            bool once = cases[i].tile == 1 && nest_step_loops(nest_named(u->train, nets[k].products[2])) == 0;
            assert_true(once == !nest_named(u->train, "conv2_dw_clear2"));      /* begin.c */
            double *got = results(u, u->train, 2, &count);
            assert_same(expected, plain_count, got, count);
            unit_free(u);
        }
        unit_free(plain);
    }
}

/* Weights are transformed once a step, their gradients once a tile: for few places of few images that costs more than the tiles save. Inference keeps
 * them. */
static void tiles_of_small_maps_need_images(void **state)
{
    (void)state;
    static const struct { int side, batch, tile; bool forward, dw; } cases[] = {
        { 7, 1, 1, false, false }, { 8, 1, 1, false, true }, { 14, 1, 1, true, true }, { 7, 32, 1, true, false }, { 7, 8, 8, true, true },
    };

    for (int i = 0; i < countof(cases); i++) {
        char text[300];
        snprintf(text, sizeof text, "network T { input %dx%dx3; conv 64, 1x1; conv 64, 3x3, same; maxpool %dx%d; dense 10, softmax }\n"
                                    "data d { source npy, \"x\", \"y\" }\ntrain T on d { loss crossentropy; batch %d; epochs 1 }", cases[i].side, cases[i].side, cases[i].side, cases[i].side, cases[i].batch);
        Unit *u = unit_of(text, (NetworkOptions){ .tile = cases[i].tile, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        assert_int_equal(nest_named(u->train, "conv2_products") != NULL, cases[i].forward);
        assert_int_equal(nest_named(u->train, "conv2_dxp_products") != NULL, cases[i].forward);
        assert_int_equal(nest_named(u->train, "conv2_dw_products") != NULL, cases[i].dw);
        assert_non_null(nest_named(u->infer, "conv2_products"));
        unit_free(u);
    }
}

/* The statistics of batchnorm cut the program into phases. What the backward pass makes of the map in front alone is made where it is read, several
 * phases later, a band at a time. */
static void tiles_stay_with_what_reads_them(void **state)
{
    (void)state;
    static const char text[] = "network T { input 4x528x2; conv 16, 1x1; conv 16, 3x3, same, batchnorm, tanh; maxpool 4x4; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 2, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .winograd = WINOGRAD_2 });
    const Nest *tiles = nest_named(fast->train, "conv2_dw_tiles"), *products = nest_named(fast->train, "conv2_dw_products");

    assert_int_equal(nest_step_loops(tiles), 2);                /* images and bands */
    assert_int_equal(nest_step_loops(products), 2);
    assert_true(nest_band(tiles) == nest_band(products));
    double *expected = results(plain, plain->train, 2, &plain_count), *got = results(fast, fast->train, 2, &count);
    assert_same(expected, plain_count, got, count);
    unit_free(plain);
    unit_free(fast);
}

/* What lives between two nests of a run has the room of one image; what the backward pass reads is kept for all. */
static void buffers_of_one_image(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 8x8x4; conv 8, 3x3, same; tanh; conv 8, 3x3, same; dense 3, softmax }",
                      (NetworkOptions){ .tile = 4, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    int one = 0, all = 0;

    for (int i = 0; i < u->train->tensors.count; i++) {
        const Tensor *t = u->train->tensors.at[i];
        bool kept = strcmp(t->name, "tanh1.y") == 0, passing = strcmp(t->name, "conv1.y") == 0;
        one += passing && t->one_image && tensor_count(t) == 8 * 8 * 8;
        all += kept && !t->one_image && tensor_count(t) == 4 * 8 * 8 * 8;
    }
    assert_int_equal(one, 1);
    assert_int_equal(all, 1);
    unit_free(u);
}

static void kernels_of_one_cell_have_no_loops(void **state)
{
    (void)state;
    const char *text = "network T { input 6x6x3; conv 16, 3x3, same, relu; conv 32, 1x1, relu; conv 16, 1x1, stride=2; dense 3, softmax }";
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    assert_trains_alike(lesson, fast, 5);

    assert_true(nest_is_gather(nest_named(fast->train, "conv2_dx")));
    const char *const without[] = { "conv2", "conv2_dw", "conv2_dx", "conv3", "conv3_dw" };
    for (int i = 0; i < countof(without); i++) {
        const Nest *n = nest_named(fast->train, without[i]);
        for (int j = 0; j < n->loop_count; j++)
            if (n->loops[j]->name[0] == 'k')
                fail_msg("%s has the loop %s over one cell", n->name, n->loops[j]->name);
    }
    unit_free(lesson);
    unit_free(fast);
}

/* The gradient before a pool is larger than the one behind it. Without a pool nothing would be won. */
static void the_gradient_of_the_input_keeps_nothing_large(void **state)
{
    (void)state;
    static const struct { const char *text; bool again; } cases[] = {
        { "network T { input 8x8x4; conv 8, 3x3, same; maxpool 2x2; tanh; conv 8, 3x3, same; dense 3, softmax }", true },
        { "network T { input 8x8x4; conv 8, 3x3, same; tanh; conv 8, 3x3, same; dense 3, softmax }", false },
    };
    for (int i = 0; i < countof(cases); i++) {
        int64_t fast_count, plain_count;
        Unit *plain = unit_of(cases[i].text, (NetworkOptions){ .tile = 4 });
        Unit *u = unit_of(cases[i].text, (NetworkOptions){ .tile = 4, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        bool found = false;
        for (int j = 0; j < u->train->nests.count; j++) {
            const Nest *n = u->train->nests.at[j];
            found = found || (n->for_input && strcmp(n->name, "maxpool1_dx") == 0);
        }
        for (int j = 0; j < u->train->tensors.count; j++)
            if (strcmp(u->train->tensors.at[j]->name, "conv1.y.d") == 0)
                assert_int_equal(u->train->tensors.at[j]->one_image, cases[i].again);
        assert_int_equal(found, cases[i].again);
        double *a = results(plain, plain->train, 8, &plain_count), *b = results(u, u->train, 8, &fast_count);
        assert_same(b, fast_count, a, plain_count);
        unit_free(plain);
        unit_free(u);
    }
}

static void splitting_a_loop_changes_nothing(void **state)
{
    (void)state;
    int64_t before_count, after_count;
    Unit *u = unit_of("network T { input 6x6x2; conv 4, 3x3, same; dense 3, softmax }", (NetworkOptions){ 0 });
    double *before = results(u, u->train, 2, &before_count);
    int split = 0;

    for (int i = 0; i < u->train->nests.count; i++) {
        Nest *n = u->train->nests.at[i];
        for (int l = n->loop_count - 1; l >= 0; l--)
            split += nest_split(u, n, l, 2);
    }
    assert_true(split > 10);
    assert_null(program_verify(u, u->train));
    double *after = results(u, u->train, 2, &after_count);
    assert_same(before, before_count, after, after_count);
    unit_free(u);
}

/* Puts a nest behind nest number `where` of a program that is cut into phases already. */
static void put_behind(Unit *u, Program *p, int where, Nest *n)
{
    LIST_ADD(u->arena, &p->nests, n);
    for (int i = p->nests.count - 1; i > where + 1; i--)
        p->nests.at[i] = p->nests.at[i - 1];
    p->nests.at[where + 1] = n;
    for (int i = 0; i < p->phases.count; i++) {
        p->phases.at[i].first += p->phases.at[i].first > where;
        p->phases.at[i].end += p->phases.at[i].end > where;
    }
}

static void cutting_places_changes_nothing(void **state)
{
    (void)state;
    int64_t before_count, after_count;
    Unit *u = unit_of("network T { input 7x6x2; conv 4, 3x3, same, tanh; maxpool 2x2; dense 3, softmax }", (NetworkOptions){ .tile = 2 });
    double *before = results(u, u->train, 3, &before_count);
    int cut = 0;

    for (int i = 0; i < u->train->nests.count; i++) {
        Nest *n = u->train->nests.at[i];
        int loop = n->hold - 1;
        if (!nest_is_gather(n) || n->fill || loop < 0 || !nest_places_loop(n, n->loops[loop]) || n->loops[loop]->extent < 3)
            continue;
        put_behind(u, u->train, i, nest_cut(u, n, loop, 2));
        i++;
        cut++;
    }
    assert_true(cut > 5);
    assert_null(program_verify(u, u->train));
    double *after = results(u, u->train, 3, &after_count);
    assert_same(before, before_count, after, after_count);
    unit_free(u);
}

/* Both parts had one list of names: what was added to one of them stood in the other's place. */
static void parts_have_names_of_their_own(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 9x8x2; conv 4, 3x3; dense 3, softmax }", (NetworkOptions){ .tile = 1 });
    Nest *n = nest_named(u->train, "conv1"), *rest = nest_cut(u, n, 0, 2);
    Tensor one = { .name = "one" }, other = { .name = "other" };

    LIST_ADD(u->arena, &n->symbols, ((Symbol){ &one, "p" }));
    LIST_ADD(u->arena, &rest->symbols, ((Symbol){ &other, "q" }));
    assert_string_equal(nest_symbol(u, n, &one), "p");
    assert_string_equal(nest_symbol(u, rest, &other), "q");
    unit_free(u);
}

/* Tiles of 6 places or of 14 do not divide 7x7 pixels; the first layer, with 27 rounds a sum, stays whole. */
static void what_tiles_leave_over_is_a_nest_of_its_own(void **state)
{
    (void)state;
    static const char text[] = "network T { input 9x11x3; conv 16, 3x3, same, relu; conv 16, 3x5; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 2, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    double *expected = results(plain, plain->train, 5, &plain_count), *got = results(fast, fast->train, 5, &count);
    Nest *rest = nest_named(fast->train, "conv2_rest");

    assert_same(expected, plain_count, got, count);
    /* 7x7 pixels, in tiles of 6: 6x7, 1x6 and one */
    assert_true(nest_places(rest) == 2 * 6 * 16);
    assert_true(nest_places(nest_named(fast->train, "conv2_rest2")) == 2 * 16);
    assert_true(nest_places(rest) + 2 * 16 + nest_places(nest_named(fast->train, "conv2")) == tensor_count(rest->dst));
    assert_false(nest_named(fast->train, "conv1")->part);
    rest->part = false;
    assert_non_null(program_verify(fast, fast->train));                 /* then it begins again what is made already */
    rest->part = true;
    rest->loops[1]->extent--;
    assert_non_null(strstr(program_verify(fast, fast->train), ", of which parts are missing"));
    unit_free(plain);
    unit_free(fast);
}

/* Each channel is a group of its own: 14 pixels of a vector of channels share its weights, 9 weights share a pixel of dy. */
static void depthwise_convolutions_have_tiles(void **state)
{
    (void)state;
    static const char text[] = "network T { input 14x14x3; conv 32, 1x1, relu; conv 32, 3x3, same, depthwise, relu; conv 8, 1x1, relu; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 2, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    static const struct { const char *name; int64_t totals; } nests[] = { { "conv2", 14 }, { "conv2_dxp", 14 }, { "conv2_dw", 9 } };

    double *expected = results(plain, plain->train, 7, &plain_count), *got = results(fast, fast->train, 7, &count);
    assert_same(expected, plain_count, got, count);
    for (int i = 0; i < countof(nests); i++) {
        const Nest *n = nest_named(fast->train, nests[i].name);
        int64_t totals = 1;
        for (int l = 0; l < n->loop_count; l++)
            totals *= n->loops[l]->kind == LOOP_UNROLL && nest_places_loop(n, n->loops[l]) ? n->loops[l]->extent : 1;
        assert_int_equal(totals, nests[i].totals);
        assert_true(n->loops[n->loop_count - 1]->kind == LOOP_LANES);
    }
    unit_free(plain);
    unit_free(fast);
}

/* Maps that come from far are read in whole lines of the cache, by tiles of two vectors, where those have places enough. */
static void depthwise_convolutions_of_far_maps_read_lines(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t places, vectors; } nets[] = {
        { "network T { input 100x100x1; conv 48, 1x1; conv 48, 3x1, pad=(1,0), depthwise; globalavgpool; dense 3, softmax }", 5, 2 },
        { "network T { input 50x50x1; conv 48, 1x1; conv 48, 3x1, pad=(1,0), depthwise; globalavgpool; dense 3, softmax }", 10, 1 },        /* near */
        { "network T { input 7x7x1; conv 8192, 1x1; conv 8192, 3x1, pad=(1,0), depthwise; globalavgpool; dense 3, softmax }", 7, 1 },       /* 7 places or 1 */
    };

    for (int k = 0; k < countof(nets); k++) {
        int64_t places = 1, vectors = 1, plain_count, count;
        Unit *fast = unit_of(nets[k].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        const Nest *n = nest_named(fast->infer, "conv2");
        for (int l = 0; l < n->loop_count; l++)
            if (n->loops[l]->kind == LOOP_UNROLL && nest_places_loop(n, n->loops[l]))
                *(indices_use(&n->index[n->dst->rank - 1], 1, n->loops[l]) ? &vectors : &places) *= n->loops[l]->extent;
        assert_int_equal(places, nets[k].places);
        assert_int_equal(vectors, nets[k].vectors);
        if (k == 0) {
            Unit *plain = unit_of(nets[k].text, (NetworkOptions){ .tile = 1 });
            double *expected = results(plain, plain->infer, 1, &plain_count), *got = results(fast, fast->infer, 1, &count);
            assert_same(expected, plain_count, got, count);
            unit_free(plain);
        }
        unit_free(fast);
    }
}

/* Weights that no cache holds are read panel by panel, not anew for each row of pixels; small ones leave the pixels outermost. */
static void far_weights_are_read_once(void **state)
{
    (void)state;
    static const struct { const char *text; bool panels; } nets[] = {
        { "network T { input 8x8x3; conv 64, 1x1, relu; conv 128, 3x3, same, relu; dense 3, softmax }", true },
        { "network T { input 8x8x3; conv 32, 1x1, relu; conv 16, 3x3, same, relu; dense 3, softmax }", false },
    };

    for (int k = 0; k < countof(nets); k++) {
        int64_t plain_count, count;
        Unit *plain = unit_of(nets[k].text, (NetworkOptions){ .tile = 1 });
        Unit *fast = unit_of(nets[k].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .winograd = WINOGRAD_OFF });
        const Nest *n = nest_named(fast->train, "conv2_dxp");
        assert_true(indices_use(&n->index[n->dst->rank - 1], 1, n->loops[0]) == nets[k].panels);
        double *expected = results(plain, plain->train, 1, &plain_count), *got = results(fast, fast->train, 1, &count);
        assert_same(expected, plain_count, got, count);
        assert_null(program_verify(fast, fast->train));
        unit_free(plain);
        unit_free(fast);
    }
}

/* The gradient of a 1x1 convolution's weights reads a copy of a map whose pixels lie far apart, if there are filters enough: panels of two vectors, of the
 * pixels that are read. */
static void pixels_that_lie_far_apart_are_copied(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t panels, rows; } nets[] = {
        { "network T { input 4x6x2; conv 256, 1x1, relu; conv 16, 1x1, relu; dense 3, softmax }", 16, 4 },
        { "network T { input 4x6x2; conv 256, 1x1, relu; conv 16, 1x1, stride=2, relu; dense 3, softmax }", 16, 2 },
        { "network T { input 4x6x2; conv 128, 1x1, relu; conv 16, 1x1, relu; dense 3, softmax }", 0, 0 },
        { "network T { input 4x6x2; conv 256, 1x1, relu; conv 8, 1x1, relu; dense 3, softmax }", 0, 0 },
        { "network T { input 4x6x2; conv 256, 1x1, relu; conv 256, 1x1, depthwise, relu; dense 3, softmax }", 0, 0 },
        { "network T { input 4x6x2; conv 256, 1x1, relu; conv 16, 3x3, relu; dense 3, softmax }", 0, 0 },
    };

    for (int k = 0; k < countof(nets); k++)
        for (int64_t tile = 1; tile <= 3; tile += 2) {
            int64_t plain_count, count;
            Unit *plain = unit_of(nets[k].text, (NetworkOptions){ .tile = tile });
            Unit *fast = unit_of(nets[k].text, (NetworkOptions){ .tile = tile, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .winograd = WINOGRAD_OFF });
            const Nest *copy = nest_named(fast->train, "conv2_dw_panels");
            assert_true((copy != NULL) == (nets[k].panels > 0));
            if (copy) {
                assert_int_equal(copy->dst->dim[copy->dst->rank - 4], nets[k].panels);
                assert_int_equal(copy->dst->dim[copy->dst->rank - 3], nets[k].rows);
                assert_true(nest_reads(nest_named(fast->train, "conv2_dw"), copy->dst));
                assert_true(copy->dst->one_image == (tile > 1));
            }
            double *expected = results(plain, plain->train, 4, &plain_count), *got = results(fast, fast->train, 4, &count);
            assert_same(expected, plain_count, got, count);
            assert_null(program_verify(fast, fast->train));
            unit_free(plain);
            unit_free(fast);
        }
}

/* Where channels lie innermost, lanes run over those that are made or over those that are summed, whatever the caller gets: one map or three, more
 * channels than a vector has lanes, what a deconvolution made; also for a network of a single convolution. */
static void every_convolution_has_lanes(void **state)
{
    (void)state;
    static const struct { const char *text; int pixels; } cases[] = {      /* pixels that share a vector of the last convolution's weights */
        { "network T { input 9x9x1; conv 16, 5x5, same, relu; conv 1, 3x3, same }", 9 },
        { "network T { input 9x9x1; conv 16, 5x5, same, relu; conv 3, 3x3, same }", 9 },
        { "network T { input 6x8x3; conv 16, 3x3, same, relu; conv 10, 1x1 }", 6 },
        { "network T { input 5x5x16; conv 16, 1x1 }", 5 },
        { "network T { input 4x8x3; conv 16, 3x3, same, relu; deconv 16, 2x2, stride=2, relu; conv 1, 1x1, sigmoid }", 8 },
        { "network T { input 4x6x3; conv 16, 3x3, same, relu; deconv 16, 2x2, stride=2 }", 6 },
    };

    for (int i = 0; i < countof(cases) * 2; i++) {
        const char *text = cases[i / 2].text;
        Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = 1 + i % 2, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        int64_t lesson_count, fast_count, pixels = 1;
        double *a = results(lesson, lesson->train, 3, &lesson_count), *b = results(fast, fast->train, 3, &fast_count);
        assert_same(a, lesson_count, b, fast_count);
        assert_alike(lesson, lesson->infer, fast, fast->infer, 3);
        assert_null(program_verify(fast, fast->train));
        const Nest *last = NULL;
        for (int k = 0; k < fast->infer->nests.count; k++) {
            const Nest *n = fast->infer->nests.at[k];
            if (n->stated > 0) {
                assert_true(n->loops[n->loop_count - 1]->kind == LOOP_LANES);
                last = !last || n->site != last->site ? n : last;
            }
        }
        for (int k = 0; k < last->loop_count; k++)
            pixels *= last->loops[k]->kind == LOOP_UNROLL && nest_places_loop(last, last->loops[k]) && strcmp(last->loops[k]->name, "co_") != 0 ? last->loops[k]->extent : 1;
        assert_int_equal(pixels, cases[i / 2].pixels);
        unit_free(lesson);
        unit_free(fast);
    }
}

/* Groups whose channels fill vectors, and those of which several together do: 2 of 4 channels, 4 of 2, 3 of 5 never. */
static void groups_have_lanes(void **state)
{
    (void)state;
    static const struct { const char *text; bool lanes, wide; } cases[] = {
        { "network T { input 5x7x3; conv 32, 1x1, relu; conv 32, 3x3, groups=2, same, relu; dense 3, softmax }", true, false },
        { "network T { input 5x7x3; conv 16, 1x1, relu; conv 48, 3x3, groups=2, stride=2, tanh; conv 16, 1x1; dense 3, softmax }", true, false },
        { "network T { input 5x7x3; conv 16, 1x1, relu; conv 16, 3x3, groups=4, same, relu; dense 3, softmax }", true, true },
        { "network T { input 5x7x3; conv 16, 1x1, relu; conv 32, 3x3, groups=8, stride=2, same, relu; dense 3, softmax }", true, true },
        { "network T { input 5x7x3; conv 15, 1x1, relu; conv 15, 3x3, groups=3, same; dense 3, softmax }", false, false },
    };

    for (int i = 0; i < countof(cases) * 3; i++) {
        static const int tiles[] = { 1, 2, 16 };
        const char *text = cases[i / 3].text;
        Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = tiles[i % 3], .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        assert_trains_alike(lesson, fast, 18);
        assert_alike(lesson, lesson->infer, fast, fast->infer, 18);
        assert_null(program_verify(fast, fast->train));
        for (int k = 0; k < fast->train->nests.count; k++) {
            const Nest *n = fast->train->nests.at[k];
            bool grouped = n->site && strcmp(n->site->name, "conv2") == 0 && n->stated > 0;
            assert_true(!grouped || (n->loops[n->loop_count - 1]->kind == LOOP_LANES) == cases[i / 3].lanes);
            assert_string_not_equal(n->dst->name, "conv2.xp.d");        /* what is outside of the image is not computed */
        }
        bool wide = false;
        for (int k = 0; k < fast->train->tensors.count; k++)
            wide = wide || strstr(fast->train->tensors.at[k]->name, ".wide");
        assert_true(wide == cases[i / 3].wide);
        unit_free(lesson);
        unit_free(fast);
    }
}

static const char *lanes_of_nest(const Program *p, const char *name)
{
    for (int i = 0; i < p->nests.count; i++) {
        const Nest *n = p->nests.at[i];
        if (strcmp(n->name, name) == 0)
            return n->loops[n->loop_count - 1]->kind == LOOP_LANES ? n->loops[n->loop_count - 1]->name : "none";
    }
    return "no nest";
}

/* Few channels of a result leave most lanes of a vector empty: those of what is summed are full. Whatever lies in the room then meets nothing. */
static void few_channels_are_summed_in_lanes(void **state)
{
    (void)state;
    static const struct { const char *text, *forward, *dx; } cases[] = {
        { "network T { input 9x7x3; conv 6, 3x3, relu; conv 48, 3x3, relu; dense 3, softmax }", "co", "co" },
        { "network T { input 9x7x3; conv 32, 1x1, relu; conv 3, 3x3, same, relu; conv 16, 1x1; dense 3, softmax }", "ci", "ci" },
        { "network T { input 9x7x3; conv 32, 1x1, relu; conv 12, 3x3, same, relu; conv 16, 1x1; dense 3, softmax }", "co", "ci" },
    };

    for (int i = 0; i < countof(cases) * 3; i++) {
        static const int tiles[] = { 1, 2, 16 };
        Unit *lesson = unit_of(cases[i / 3].text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(cases[i / 3].text, (NetworkOptions){ .tile = tiles[i % 3], .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        assert_trains_alike(lesson, fast, 18);
        assert_null(program_verify(fast, fast->train));
        assert_string_equal(lanes_of_nest(fast->train, "conv2"), cases[i / 3].forward);
        assert_string_equal(lanes_of_nest(fast->train, strstr(cases[i / 3].text, "same") ? "conv2_dxp" : "conv2_dx"), cases[i / 3].dx);
        unit_free(lesson);
        unit_free(fast);
    }
}

/* Gradients of 1x1 cells for one image are stored in place, and added to what the gradient keeps: of a map that leaves the cache a block of each row at a
 * time, of one that is too wide for that in panels. */
static void gradients_of_single_cells_are_stored_in_place(void **state)
{
    (void)state;
    static const struct { const char *text; bool in_place; int64_t block; } cases[] = {
        { "network T { input 9x8x3; conv 1024, 1x1; conv 16, 1x1, relu; dense 3, softmax }", true, 256 },
        { "network T { input 9x8x3; conv 832, 1x1; conv 16, 1x1; conv 32, 1x1; dense 3, softmax }", true, 0 },
        { "network T { input 30x28x3; conv 96, 1x1; conv 16, 1x1, relu; maxpool 5x4; dense 3, softmax }", false, 0 },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
        int64_t lesson_count, fast_count;
        double *a = results(lesson, lesson->train, 2, &lesson_count), *b = results(fast, fast->train, 2, &fast_count);
        const Nest *dw = nest_named(fast->train, "conv2_dw");
        assert_same(a, lesson_count, b, fast_count);
        assert_null(program_verify(fast, fast->train));
        assert_int_equal(nest_named(fast->train, "conv2_dw_join") == NULL, cases[i].in_place);
        assert_null(nest_named(fast->train, "conv2_dw_keep"));
        int64_t largest = 0;
        for (int j = 0; j < dw->index[1].count; j++)
            largest = dw->index[1].term[j].loop == dw->loops[0] ? dw->index[1].term[j].factor : largest;
        assert_int_equal(cases[i].block ? largest : 0, cases[i].block);
        unit_free(lesson);
        unit_free(fast);
    }
}

/* Channels that fill no whole vectors have room in their last one, and from five vectors on in the last of their panels of two; the weights have
 * zeros there. For vectors of 8: 6 is a part of one, 30 are four, 50 are eight for seven, 70 are ten for nine. */
static void channels_have_room(void **state)
{
    (void)state;
    static const int channels[] = { 6, 30, 50, 70 };

    static const char *const texts[] = {
        "network T { input 5x6x3; conv %d, 3x3, same, relu; conv %d, 3x3, same, relu; dense 3, softmax }",
        "network T { input 5x6x3; conv %d, 3x3, same, nobias, batchnorm, relu; conv %d, 3x3, same, depthwise, nobias, batchnorm; conv 8, 1x1; dense 3, softmax }",
    };

    for (int i = 0; i < countof(channels) * countof(texts); i++) {
        static const int64_t tiles[] = { 1, 2, 16 };
        char text[200];
        int64_t lesson_count, infer_count, fast_count;
        snprintf(text, sizeof text, texts[i % countof(texts)], channels[i / countof(texts)], channels[i / countof(texts)]);
        Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
        double *expected = results(lesson, lesson->train, 3, &lesson_count), *inferred = results(lesson, lesson->infer, 3, &infer_count);
        for (int j = 0; j < countof(tiles); j++) {
            Unit *fast = unit_of(text, (NetworkOptions){ .tile = tiles[j], .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
            double *got = results(fast, fast->train, 3, &fast_count);
            int64_t sums = 0;
            assert_same(expected, lesson_count, got, fast_count);
            got = results(fast, fast->infer, 3, &fast_count);
            assert_same(inferred, infer_count, got, fast_count);
            assert_null(program_verify(fast, fast->train));
            for (int k = 0; k < fast->train->nests.count; k++) {
                const Nest *n = fast->train->nests.at[k];
                if (n->stated > 0 && n->site && strncmp(n->site->name, "conv", 4) == 0 && !n->for_input) {
                    assert_true(n->loops[n->loop_count - 1]->kind == LOOP_LANES);
                    sums++;
                }
            }
            assert_true(sums >= 5);
            unit_free(fast);
        }
        unit_free(lesson);
    }
}

static void gradients_of_the_input_have_lanes(void **state)
{
    (void)state;
    static const struct { const char *text, *nest; } cases[] = {
        { "network T { input 4x5x2; dense 7, tanh; dense 3, softmax }", "dense1_dx" },
        { "network T { input 6x7x2; conv 4, 3x3, tanh; maxpool 2x2; dense 3, softmax }", "conv1_dx" },
        { "network T { input 6x7x2; a = conv 2, 1x1, tanh; conv 2, 1x1; add input; dense 3, softmax }", "a_dx" },
        { "network T { input 9; dense 5, tanh; dense 3, softmax }", "dense1_dx" },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *lesson = unit_of(cases[i].text, (NetworkOptions){ 0 });
        Unit *fast = unit_of(cases[i].text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
        assert_trains_alike(lesson, fast, 20);
        assert_null(program_verify(fast, fast->train));
        const Nest *n = nest_named(fast->train, cases[i].nest);
        assert_true(n->loops[n->loop_count - 1]->kind == LOOP_LANES);
        unit_free(lesson);
        unit_free(fast);
    }
}

/* 128 channels are 512 bytes: their places get a line more, those of 120 do not, nor does what the caller gives and takes. */
static void places_of_many_channels_are_spread(void **state)
{
    (void)state;
    static const char text[] = "network T { input 5x5x3; conv 128, 3x3, same, relu; conv 120, 1x1; conv 128, 3x3, tanh; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    Unit *fast = unit_of(text, (NetworkOptions){ .tile = 2, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    double *expected = results(plain, plain->train, 5, &plain_count), *got = results(fast, fast->train, 5, &count);
    int spread = 0;

    assert_same(expected, plain_count, got, count);
    for (int i = 0; i < fast->train->tensors.count; i++) {
        const Tensor *t = fast->train->tensors.at[i];
        int64_t last = t->rank > 0 ? t->dim[t->rank - 1] : 0;
        assert_false(t->channels_last && t->channels == 128 && last != 144 && tensor_count(t) / last >= 16);
        assert_true(t->spare == (t->channels_last && last == 144 ? 16 : 0));
        spread += t->spare > 0;
    }
    assert_true(spread >= 2);
    unit_free(plain);
    unit_free(fast);
}

/* With a stride dx is made residue by residue: gaps between filters, steps that differ along the axes, what is added to another gradient,
 * deconvolutions, and the borders that a copy took off. */
static void strides_become_gathers(void **state)
{
    (void)state;
    static const char text[] = "network T { input 13x11x2; conv 8, 3x3, same, relu; conv 8, 3x3, stride=2, pad=1, tanh; conv 8, 2x2, stride=(1,3); "
                                     "conv 8, 1x1, stride=2, relu; deconv 8, 3x2, stride=2, sigmoid; conv 9, 5x3, stride=(3,2), pad=(1,2,0,1); dense 3, softmax }";
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 2 });
    double *expected = results(plain, plain->train, 17, &plain_count);

    for (int i = 0; i < countof(layouts); i++) {
        Unit *u = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = layouts[i] });
        int residues = 0;
        double *got = results(u, u->train, 17, &count);
        assert_same(expected, plain_count, got, count);
        for (int k = 0; k < u->train->nests.count; k++) {
            const Nest *n = u->train->nests.at[k];
            residues += strstr(n->name, "_at") != NULL && !strstr(n->name, "_pack");
            assert_true(nest_is_gather(n) || n->put == PUT_SET);        /* a border may be filled; nothing is scattered */
        }
        assert_true(residues >= 4 + 3 + 4 + 4 + 6);
        unit_free(u);
    }
    unit_free(plain);
}

static void moving_loops_changes_nothing(void **state)
{
    (void)state;
    int64_t before_count, after_count;
    Unit *u = unit_of("network T { input 6x6x2; conv 4, 3x3, same; maxpool 3x3, stride=2; dense 3, softmax }", (NetworkOptions){ 0 });
    double *before = results(u, u->train, 2, &before_count);

    for (int i = 0; i < u->train->nests.count; i++)
        if (u->train->nests.at[i]->loop_count > 1)
            nest_move_loop(u->train->nests.at[i], 0, u->train->nests.at[i]->loop_count - 1);
    double *after = results(u, u->train, 2, &after_count);
    assert_same(before, before_count, after, after_count);
    unit_free(u);
}

static void an_access_out_of_bounds_is_found(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 6x6x2; conv 4, 3x3 }", (NetworkOptions){ 0 });
    Nest *n = nest_named(u->train, "conv1");

    assert_null(program_verify(u, u->train));
    n->index[1].offset = 1;
    assert_non_null(strstr(program_verify(u, u->train), "conv1 reaches conv1.y[1 ... 4] on axis 1 of 4"));
    n->index[1].offset = 0;
    n->loops[0]->extent = 5;
    assert_non_null(program_verify(u, u->train));
    unit_free(u);
}

static int number_of_nest(const Program *p, const char *name)
{
    for (int i = 0; i < p->nests.count; i++)
        if (!strcmp(p->nests.at[i]->name, name))
            return i;
    fail_msg("there is no nest %s", name);
    return -1;
}

/* In a step of one tile the weights of large layers move when their gradient is there, behind all that read them, a band of rows at a time where there
 * are many: those of conv2 and of the first two dense layers. A batch of more tiles has its gradient when they are added up. */
static void weights_move_when_their_gradient_is_there(void **state)
{
    (void)state;
    static const struct { int batch, tile; Layout layout; bool moves; } cases[] = {
        { 1, 1, LAYOUT_CHANNELS, true }, { 1, 1, LAYOUT_IMAGES, true }, { 16, 16, LAYOUT_CHANNELS, true }, { 16, 16, LAYOUT_IMAGES, true }, { 5, 8, LAYOUT_IMAGES, true },
        { 32, 16, LAYOUT_IMAGES, false }, { 2, 1, LAYOUT_CHANNELS, false },
    };

    for (int i = 0; i < countof(cases); i++) {
        char text[300];
        snprintf(text, sizeof text, "network T { input 16x16x1; conv 8, 3x3; maxpool 2x2; conv 64, 3x3, relu; maxpool 2x2; dense 40; dense 120, tanh; dense 10, softmax }\n"
                                    "data d { source npy, \"x\", \"y\" }\ntrain T on d { loss crossentropy; batch %d; epochs 1 }", cases[i].batch);
        Unit *lesson = unit_of(text, (NetworkOptions){ .tile = cases[i].tile });
        Unit *u = unit_of(text, (NetworkOptions){ .tile = cases[i].tile, .style = STYLE_FAST, .layout = cases[i].layout });
        int64_t lesson_count, count;
        double *a = results(lesson, lesson->train, 5, &lesson_count), *b = results(u, u->train, 5, &count);
        assert_same(a, lesson_count, b, count);
        for (int j = 0; j < u->train->nests.count; j++) {
            const Nest *n = u->train->nests.at[j];
            const Tensor *weights = tensor_base(n->dst)->primal;
            bool large = tensor_base(n->dst)->role == ROLE_GRADIENT && tensor_count(n->dst) >= 4096;
            assert_int_equal(n->updates, cases[i].moves && large);
            for (int k = j + 1; n->updates && k < u->train->nests.count; k++)
                assert_true(u->train->nests.at[k]->for_input || !nest_reads(u->train->nests.at[k], weights));
        }
        for (int j = 0; j < u->eval->nests.count; j++)
            assert_false(u->eval->nests.at[j]->updates);
        int dw = number_of_nest(u->train, "dense1_dw"), dx = number_of_nest(u->train, "dense1_dx");
        assert_int_equal(nest_band(u->train->nests.at[dw]) != NULL, cases[i].moves);
        assert_int_equal(nests_shared_loops(u->train, dx, dw), cases[i].moves && cases[i].tile == 1);   /* dx comes along */
        assert_null(program_verify(u, u->train));
        unit_free(lesson);
        unit_free(u);
    }
}

static void weights_that_move_too_early_are_found(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 28x28x1; dense 120, tanh; dense 40; dense 10, softmax }\ntrain T on digits { loss crossentropy; batch 1; epochs 1 }",
                      (NetworkOptions){ .tile = 1, .style = STYLE_FAST });
    int dw = number_of_nest(u->train, "dense2_dw"), dx = number_of_nest(u->train, "dense2_dx");
    Nest *first = u->train->nests.at[dx], *second = u->train->nests.at[dw];

    assert_null(program_verify(u, u->train));
    assert_true(dw == dx + 1 && second->updates);
    u->train->nests.at[dx] = second;
    u->train->nests.at[dw] = first;
    assert_non_null(strstr(program_verify(u, u->train), "dense2_dx has to do with dense2.weight, which have moved behind dense2_dw"));
    unit_free(u);
}

/* batchnorm in --layout=channels summed only the last image of a tile (seed 1458). */
static void a_total_that_begins_again_is_found(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 3x3x8; batchnorm; dense 4, softmax }",
                      (NetworkOptions){ .tile = 8, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    Nest *n = nest_named(u->train, "batchnorm1_sdy");
    int summed = n->loop_count - 1;

    assert_null(program_verify(u, u->train));
    while (nest_places_loop(n, n->loops[summed]))
        summed--;
    nest_move_loop(n, summed, 0);
    n->hold++;
    assert_non_null(strstr(program_verify(u, u->train), "batchnorm1_sdy begins its totals again for every"));
    unit_free(u);
}

static void a_gather_needs_no_fill(void **state)
{
    (void)state;
    /* The patches of this deconv lie side by side: 2*kh + ih and 3*iw + kw reach every place once. */
    Unit *u = unit_of("network T { input 2x3x2; deconv 1, 3x3, stride=(1,3), dilation=(2,1) }", (NetworkOptions){ .tile = 8, .style = STYLE_FAST });
    for (int i = 0; i < u->train->nests.count; i++)
        assert_false(u->train->nests.at[i]->fill && nest_is_gather(u->train->nests.at[i]));
    unit_free(u);
}

static void what_only_the_input_needs_comes_last(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 6x6x1; rescale 1/2; conv 2, 3x3; dense 2, softmax }", (NetworkOptions){ 0 });
    const Program *p = u->train;
    int step_end = p->phases.at[p->grad_phase].first;

    for (int i = 0; i < p->nests.count; i++)
        assert_int_equal(p->nests.at[i]->for_input, i >= step_end);
    assert_true(nest_named(p, "rescale1_dx")->for_input);
    assert_false(nest_named(p, "conv1_dw")->for_input);
    unit_free(u);
}

static void dropout_is_gone_outside_training(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 4; dropout 50%; dense 2 }", (NetworkOptions){ 0 });
    for (int i = 0; i < u->infer->nests.count; i++)
        assert_null(strstr(u->infer->nests.at[i]->name, "dropout"));
    assert_int_equal(u->infer->nests.count, 1);
    unit_free(u);
}

static void batch_statistics_cut_the_program(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 5x5x2; conv 2, 3x3, batchnorm, relu; dense 2, softmax }", (NetworkOptions){ 0 });
    int sums = 0;
    for (int i = 0; i < u->train->phases.count; i++)
        sums += u->train->phases.at[i].sums.count;
    assert_true(u->train->phases.count >= 4);
    assert_true(sums >= 3);                             /* mean, variance, and at least one on the way back */
    assert_true(u->infer->phases.at[0].once);           /* scale and shift need no image */
    assert_int_equal(u->infer->phases.count, 2);
    unit_free(u);

    u = unit_of("network T { input 5x5x2; conv 2, 3x3, relu; dense 2, softmax }", (NetworkOptions){ 0 });
    assert_int_equal(u->train->grad_phase, 1);          /* nothing waits */
    unit_free(u);
}

/* Nests that run for every image. */
static int image_nests(const Program *p)
{
    int count = 0;
    for (int i = 0; i < p->phases.count; i++)
        if (!p->phases.at[i].once)
            count += p->phases.at[i].end - p->phases.at[i].first;
    return count;
}

static void folding_changes_rounding_alone(void **state)
{
    (void)state;
    static const struct { const char *text; int nests; } cases[] = {
        { "network T { input 6x6x2; conv 3, 3x3, batchnorm }", 1 },
        { "network T { input 6x6x2; conv 3, 3x3, nobias, batchnorm, relu }", 2 },
        { "network T { input 6x6x2; conv 4, 3x3, groups=2, batchnorm }", 1 },
        { "network T { input 6; dense 3, batchnorm }", 1 },
        { "network T { input 6x6x2; rescale 1/7; conv 3, 3x3 }", 1 },
        { "network T { input 6x6x2; rescale 1/7; conv 3, 3x3, same, batchnorm }", 2 },    /* the border stays */
        { "network T { input 6x6x2; normalise; conv 3, 3x3 }", 1 },
        { "network T { input 6x6x2; normalise; conv 3, 3x3, same }", 3 },                 /* not exact: the border is 0 after, not before */
        { "network T { input 6x6x2; rescale 1/7; conv 3, 3x3, pad=1, fill=1 }", 3 },      /* not exact either */
        { "network T { input 6x6x2; rescale 1/7; dense 3 }", 1 },
        { "network T { input 6x6x2; stem = conv 2, 3x3, same; batchnorm; add stem }", 4 },        /* two readers */
        { "network T { input 6x6x2; deconv 2, 1x1, pad=(0, 1, 0, 1) }", 2 },              /* the cut is no scale: found by seed 1403 */
    };
    for (int i = 0; i < countof(cases); i++) {
        int64_t plain_count, folded_count;
        Unit *plain = unit_of(cases[i].text, (NetworkOptions){ 0 });
        Unit *folded = unit_of(cases[i].text, (NetworkOptions){ .infer = true });
        double *a = results(plain, plain->infer, 3, &plain_count), *b = results(folded, folded->infer, 3, &folded_count);
        assert_same(a, plain_count, b, folded_count);
        if (image_nests(folded->infer) != cases[i].nests)
            fail_msg("%s: %d nests run for every image, not %d", cases[i].text, image_nests(folded->infer), cases[i].nests);
        unit_free(plain);
        unit_free(folded);
    }
}

/* Where the numbers of a map are when `phases` have run; NULL for those of the map before. */
static const double *map_values(Evaluation *e, const ProgramMap *m)
{
    return m->y->view_of ? NULL : evaluation_tensor(e, m->y);
}

/* The maps of the source in its order, whatever the style does to its own programs, none written over by what comes later. */
static void what_is_looked_at_stays(void **state)
{
    (void)state;
    static const char *const text = "network T { input 8x8x2; conv 3, 3x3, same, relu; maxpool 2x2; gelu; gelu; flatten; dense 3, softmax }";
    static const char *const names[] = { "conv1", "relu1", "maxpool1", "gelu1", "gelu2", "flatten1", "dense1", "softmax1" };
    static const NetworkOptions options[] = {
        { .with_main = true }, { .with_main = true, .tile = 4 }, { .with_main = true, .style = STYLE_FAST, .tile = 8 },
    };
    for (int i = 0; i < countof(options); i++) {
        Unit *u = unit_of(text, options[i]);
        const Program *p = u->look;
        assert_int_equal(p->tile, 1);
        assert_int_equal(p->maps.count, countof(names) + 1);
        Evaluation *forward = evaluation_new(u, p, 1), *all = evaluation_new(u, p, 1);
        fill_inputs(forward, p, 1);
        fill_inputs(all, p, 1);
        evaluation_run(forward, p->grad_phase, draw);
        evaluation_run(all, p->phases.count, draw);
        for (int m = 1; m < p->maps.count; m++) {
            const ProgramMap *map = &p->maps.at[m];
            assert_string_equal(map->site->name, names[m - 1]);
            const double *before = map_values(forward, map), *after = map_values(all, map);
            for (int64_t j = 0; before && j < shape_count(map->shape); j++)
                assert_true(before[j] == after[j]);
            for (int64_t j = 0; before && strcmp(names[m - 1], "relu1") == 0 && j < shape_count(map->shape); j++) {
                double x = evaluation_tensor(all, p->maps.at[m - 1].y)[j];      /* conv1 is still there, with what is below 0 */
                assert_true(before[j] == (x > 0 ? x : 0));
            }
        }
        unit_free(u);
    }
    Unit *plain = unit_of(text, (NetworkOptions){ 0 });
    assert_null(plain->look);
    unit_free(plain);
}

static void the_random_numbers_are_philox(void **state)
{
    (void)state;
    /* Known answers of Philox 4x32-10 (Random123, kat_vectors): counter and key all 0, then all ones. */
    const uint32_t zeros[4] = { 0 }, ones[4] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };
    assert_true(uniform_number(zeros, 0, 0, 0) == (double)(0x6627e8d5u >> 8) / 16777216.0);
    assert_true(uniform_number(ones, 0xffffffff, 0, 0xffffffff) == (double)(0x408f276du >> 8) / 16777216.0);
}

/* Of 3 a gradient keeps a quarter, whatever adds to it: once a place, image after image, here and there, or once a batch. */
static void gradients_keep_what_they_are_told(void **state)
{
    (void)state;
    static const char *const texts[] = {
        mixed,
        "network T { input 8x8x3; conv 8, 3x3, same, relu; conv 8, 3x3, relu; maxpool 2x2; deconv 4, 2x2, stride=2; dense 4, softmax }\n",
        "network T { input 6; dense 4; step; dense 3, softmax }\n",                    /* nothing adds to dense1 */
        "network T { input 2x3x3; conv 8, 5x7, same, tanh; conv 8, 4x4, dilation=(4,4), same; dense 3, softmax }\n",       /* nor to some taps, or all */
    };
    static const struct { int64_t tile; Layout layout; } cases[] = { { 1, LAYOUT_AUTO }, { 8, LAYOUT_CHANNELS }, { 8, LAYOUT_IMAGES } };
    for (int i = 0; i < 3 * countof(texts); i++) {
        Unit *u = unit_of(texts[i / 3], (NetworkOptions){ .tile = cases[i % 3].tile, .style = STYLE_FAST, .layout = cases[i % 3].layout });
        const Program *p = u->train;
        int64_t batch = p->tile, count, again = 0;
        const double *plain = results(u, p, batch, &count);
        Evaluation *e = evaluation_new(u, p, batch);
        fill_inputs(e, p, batch);
        evaluation_tensor(e, p->keep)[0] = 0.25;
        for (int j = 0; j < p->tensors.count; j++) {
            const Tensor *t = p->tensors.at[j];
            for (int64_t k = 0; t->role == ROLE_GRADIENT && !t->view_of && k < tensor_count(t); k++)
                evaluation_tensor(e, t)[k] = 3;
        }
        evaluation_run(e, p->phases.count, draw);
        for (int j = 0; j < p->tensors.count; j++) {
            const Tensor *t = p->tensors.at[j];
            for (int64_t k = 0; t->role == ROLE_GRADIENT && !t->view_of && k < tensor_count(t); k++)
                assert_true(fabs(evaluation_tensor(e, t)[k] - 0.75 - plain[again++]) < 1e-12);
        }
        assert_true(again > 0);
        unit_free(u);
    }
}

static const char wide[] =
    "network T { input 8x8x4; conv 8, 3x3, same, relu; conv 16, 5x5; maxpool 2x2; conv 8, 3x3, stride=2, pad=1; dense 24, tanh; dense 10, softmax }";

/* Whatever is chosen for every nest, the results stay the same, and the policy's choice is the first. */
static void no_choice_changes_a_result(void **state)
{
    (void)state;
    static const NetworkOptions options[] = {
        { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES }, { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS },
        { .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .winograd = WINOGRAD_OFF }, { .tile = 1, .style = STYLE_FAST },
    };
    int64_t lesson_count, fast_count;
    Unit *lesson = unit_of(wide, (NetworkOptions){ .tile = 16 });
    double *a = results(lesson, lesson->train, 11, &lesson_count);

    for (int i = 0; i < countof(options); i++)
        for (int choice = 0; choice < MOST_CHOICES; choice += choice < 2 ? 1 : 2) {
            NetworkOptions o = options[i];
            int other = 0;
            o.choice = choice;
            Unit *policy = unit_of(wide, options[i]), *fast = unit_of(wide, o);
            double *b = results(fast, fast->train, 11, &fast_count);
            assert_same(a, lesson_count, b, fast_count);
            for (int k = 0; k < fast->train->nests.count; k++) {
                Text *x = text_new(fast->arena), *y = text_new(fast->arena);
                nest_print(fast->train->nests.at[k], x);
                nest_print(policy->train->nests.at[k], y);
                other += strcmp(x->at, y->at) != 0;
            }
            if (choice == 0)
                assert_int_equal(other, 0);
            else if (choice < 3)
                assert_true(other > 3);                 /* nests that are scheduled otherwise */
            unit_free(policy);
            unit_free(fast);
        }
    unit_free(lesson);
}

/* A file of choices is followed, and changes no result. */
static void a_tuned_network_gives_the_same_results(void **state)
{
    (void)state;
    static const struct { NetworkOptions options; const char *nest[2], *note[2]; } cases[] = {
        { { .tile = 16, .style = STYLE_FAST,
            .tuned = "machine avx2 # here\nlayout images\nnest conv2: co 4, ow 2, vectors 1, inside oh, round ci\r\nnest dense1_dw: co 3" },
          { "conv2", "dense1_dw" }, { "lanes n, tile 4x2 of co, ow: 8 of 16", "tile 3 of co" } },
        { { .tile = 16, .style = STYLE_FAST, .tuned = "machine avx2\nlayout channels\nwinograd off\nnest conv2: ow 2\nnest conv1: ow 4\n" },
          { "conv2", "conv1" }, { "tile 2 of ow times 2 vectors", "tile 4 of ow" } },
    };
    int64_t lesson_count, fast_count;
    Unit *lesson = unit_of(wide, (NetworkOptions){ .tile = 16 });
    double *a = results(lesson, lesson->train, 11, &lesson_count);

    for (int i = 0; i < countof(cases); i++) {
        Unit *fast = unit_of(wide, cases[i].options);
        double *b = results(fast, fast->train, 11, &fast_count);
        assert_same(a, lesson_count, b, fast_count);
        assert_int_equal(diag_warnings(fast), 0);
        for (int k = 0; k < 2; k++) {
            const Nest *n = nest_named(fast->train, cases[i].nest[k]);
            assert_non_null(strstr(n->note, cases[i].note[k]));
            assert_non_null(strstr(n->note, "as tuned"));
        }
        unit_free(fast);
    }
    unit_free(lesson);
}

/* A line for a machine that is not at work, or of a nest that is not there, changes nothing. */
static void other_machines_are_left_alone(void **state)
{
    (void)state;
    Unit *u = unit_of(wide, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES }), *v;
    const Machine *machines[] = { machine_find("avx2"), machine_find("sse2") };
    const char *text = "machine avx2\nlayout channels\nwinograd off\nnest conv2: co 4, ow 2, vectors 1";

    v = unit_new();
    v->options = u->options;
    v->options.layout = LAYOUT_AUTO;
    v->options.machines = machines;
    v->options.machine_count = 2;
    assert_true(tuned_parse(v, "a.tuned", text, strlen(text)));
    unit_make_variants(v);
    tuned_apply(v);
    unit_choose_variant(v, 1);
    assert_int_equal(v->options.layout, LAYOUT_AUTO);           /* sse2 */
    assert_int_equal(v->options.winograd, WINOGRAD_AUTO);
    unit_choose_variant(v, 0);
    assert_int_equal(v->options.layout, LAYOUT_CHANNELS);
    assert_int_equal(v->options.winograd, WINOGRAD_OFF);
    unit_free(u);
    unit_free(v);
}

/* Whatever stands in the file: there are messages, or there are none. */
static void no_text_breaks_the_reader(void **state)
{
    (void)state;
    static const char good[] = "machine avx2\nreal float\nfor training\nlayout images # x\ntile 16\nwinograd 2\nnest conv1: co 3, ow 2, vectors 2, inside oh, round ci\n";
    Dice dice = dice_new(5);
    int sound = 0;

    for (int i = 0; i < 3000; i++) {
        char text[sizeof good];
        size_t length = sizeof good - 1 - (i % 7 == 0) * (size_t)(dice_real(&dice) * (double)(sizeof good - 1));
        memcpy(text, good, sizeof good);
        for (int k = 0; k < i % 5; k++)
            text[(size_t)(dice_real(&dice) * (double)length * 0.999)] = " \n:,#0999999axz\x00\x7f\xff\r_"[(int)(dice_real(&dice) * 20)];
        Unit *u = unit_new();
        const char *copy = arena_copy(u->arena, text, length);
        bool read = tuned_parse(u, "a.tuned", copy, length);
        assert_int_equal(read, diag_errors(u) == 0);
        sound += read;
        unit_free(u);
    }
    assert_true(sound > 500 && sound < 2500);
}

/* The list for one nest: the policy's choice first, then the others by the time that is predicted for them, no two the same. */
static void choices_come_in_order(void **state)
{
    (void)state;
    Unit *u = unit_of(wide, (NetworkOptions){ .tile = 16 });
    u->options.style = STYLE_FAST;
    u->train = program_lower(u, u->net, MODE_TRAIN);
    u->train->tile = 16;
    program_images_innermost(u, u->train);
    Nest *n = nest_named(u->train, "conv2"), copy = *n;
    Choice list[MOST_CHOICES];
    int count = nest_choices(u, n, list);

    nest_own_loops(u, &copy);
    nest_schedule_fast(u, &copy, NULL);
    assert_true(count > 2);
    for (int i = 0; i < count; i++) {
        Text *t = text_new(u->arena), *first = text_new(u->arena);
        choice_print(&list[i], t);
        choice_print(copy.choice, first);
        assert_int_equal(strcmp(t->at, first->at) == 0, i == 0);
        assert_true(list[i].time > 0 && (i < 2 || list[i].time >= list[i - 1].time));
        for (int k = 0; k < i; k++) {
            Text *other = text_new(u->arena);
            choice_print(&list[k], other);
            assert_string_not_equal(t->at, other->at);
        }
    }
    /* what does not fit is not taken, and said */
    Choice no = { .count = 1, .tile = { { "ow", 3, 0 } } };
    Nest other = *n;
    nest_own_loops(u, &other);
    nest_schedule_fast(u, &other, &no);
    assert_string_equal(other.choice->misfit, "3 does not divide the 4 rounds of ow");
    assert_int_equal(other.choice->tile[0].size, copy.choice->tile[0].size);
    unit_free(u);
}

static void small_batches_have_small_tiles(void **state)
{
    (void)state;
    static const struct { const char *machine; int batch; int64_t tile; } cases[] = {
        { "avx2", 1, 1 }, { "avx2", 5, 1 }, { "avx2", 6, 8 }, { "avx2", 8, 8 }, { "avx2", 9, 1 }, { "avx2", 12, 16 }, { "avx2", 16, 16 }, { "avx2", 20, 8 },
        { "avx2", 32, 32 }, { "avx2", 48, 16 }, { "avx2", 100, 16 }, { "avx2", 128, 32 }, { "sse2", 128, 32 }, { "avx512", 8, 1 }, { "avx512", 16, 16 }, { "avx512", 32, 32 }, { "avx512", 64, 32 }, { "scalar", 1, 1 },
        { "scalar", 2, 2 },
    };
    for (int i = 0; i < countof(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "network T { input 28x28x1; flatten; dense 10, softmax }\ntrain T on digits { loss crossentropy; batch %d; epochs 1 }", cases[i].batch);
        Unit *u = unit_of(text, (NetworkOptions){ .tile = 1 });
        assert_int_equal(tile_of_batch(u), 1);
        u->options.style = STYLE_FAST;
        u->options.machine = machine_find(cases[i].machine);
        assert_int_equal(tile_of_batch(u), cases[i].tile);
        u->options.infer = true;
        assert_int_equal(tile_of_batch(u), 1);
        unit_free(u);
    }
}

/* The maps of 224x224 that a tile of 32 images would keep are 2 GB. */
static void large_maps_have_small_tiles(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 224x224x3; conv 64, 3x3, same; tanh; conv 64, 3x3, same; tanh; globalavgpool; dense 10, softmax }", (NetworkOptions){ .infer = true });

    u->options.infer = false;
    u->options.style = STYLE_FAST;
    u->options.machine = machine_find("avx2");
    assert_int_equal(tile_of_batch(u), 16);
    unit_free(u);
}

static int nest_number(const Program *p, const char *name)
{
    int number = 0;
    while (number < p->nests.count && strcmp(p->nests.at[number]->name, name) != 0)
        number++;
    return number;
}

/* With images innermost a tile is groups of one vector, which the step takes one by one. */
static void groups_of_images_pass_one_by_one(void **state)
{
    (void)state;
    const char *text = "network T { input 18x18x1; conv 6, 3x3, same; tanh; maxpool 2x2; conv 5, 3x3; dense 20, relu; dense 3, softmax }";
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 }), *fast = unit_of(text, (NetworkOptions){ .tile = 32, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    int64_t vector = machine_lanes(fast->options.machine, REAL_FLOAT), groups = 32 / vector, lesson_count, fast_count;
    const Program *p = fast->train;
    int one = 0, all = 0;

    double *a = results(lesson, lesson->train, 40, &lesson_count), *b = results(fast, p, 40, &fast_count);
    assert_same(a, lesson_count, b, fast_count);
    assert_int_equal(p->groups, groups);
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *t = p->tensors.at[i];
        bool kept = strcmp(t->name, "tanh1.y") == 0, passing = strcmp(t->name, "tanh1.y.d") == 0;
        one += passing && t->one_image && tensor_count(t) == 6 * 18 * 18 * vector;
        all += kept && !t->one_image && t->rank == 5 && t->dim[0] == groups && t->dim[4] == vector;
    }
    assert_int_equal(one, 1);
    assert_int_equal(all, 1);
    assert_true(nest_step_loops(nest_named(p, "conv1")) == 2 && nest_step_loops(nest_named(p, "conv1_dw")) == 1);     /* conv1 by bands (bands.c) */
    assert_int_equal(nest_step_loops(nest_named(p, "dense1")), 0);              /* it reads its weights once for all groups */
    assert_int_equal(nest_step_loops(nest_named(p, "conv2_dw")), 1);            /* its lanes stay apart until the last group */
    assert_int_equal(nest_step_loops(nest_named(p, "conv2_dw_join")), 0);
    assert_true(nest_number(p, "conv1_dw_join") < p->phases.at[p->grad_phase].first);       /* what comes then is for the input's gradient alone */
    unit_free(lesson);
    unit_free(fast);
}

static const Tensor *tensor_named(const Program *p, const char *name)
{
    for (int i = 0; i < p->tensors.count; i++)
        if (strcmp(p->tensors.at[i]->name, name) == 0)
            return p->tensors.at[i];
    return NULL;
}

/* The gradient of a dense layer's weights has its lanes over the layer's inputs, whose copy lies in panels: of two vectors where they are whole pairs. */
static void copies_for_dense_gradients_lie_in_panels(void **state)
{
    (void)state;
    const char *text = "network T { input 64; dense 48, relu; dense 24, relu; dense 20, relu; dense 3, softmax }";
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });

    for (int i = 0; i < countof(layouts); i++) {
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = 32, .style = STYLE_FAST, .layout = layouts[i], .machine = "avx2" });
        assert_trains_alike(lesson, fast, 40);
        const Tensor *pairs = tensor_named(fast->train, "relu1.y.images"), *single = tensor_named(fast->train, "relu2.y.images");
        assert_true(pairs->rank == 3 && pairs->dim[0] == 3 && pairs->dim[1] == 32 && pairs->dim[2] == 16);
        assert_true(single->rank == 3 && single->dim[0] == 3 && single->dim[1] == 32 && single->dim[2] == 8);
        assert_null(tensor_named(fast->train, "relu3.y.images"));                 /* 20 are no whole vectors */
        const Nest *dw = nest_named(fast->train, "dense2_dw");
        assert_int_equal(dw->choice->vectors, 2);
        assert_int_equal(dw->choice->count, 1);                                   /* a tile goes along the outputs */
        unit_free(fast);
    }
    unit_free(lesson);
}

/* A dense layer sums in blocks where its input, or the rows of its weights, do not stay near. */
static void dense_sums_that_do_not_stay_near_are_made_in_blocks(void **state)
{
    (void)state;
    const char *text = "network T { input 2304; dense 64, relu; dense 512, relu; dense 20, relu; dense 3, softmax }";
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 }), *fast = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES, .machine = "avx2" });
    int64_t lesson_count, fast_count;
    double *a = results(lesson, lesson->train, 20, &lesson_count), *b = results(fast, fast->train, 20, &fast_count);
    static const struct { const char *name; int64_t block; } cases[] = {
        { "dense1", 256 },              /* 2304 features of 16 images are more than half of the second level, 256 of them half of the first */
        { "dense2", 0 },
        { "dense2_dx", 32 },            /* 512 rows, 256 bytes from each to the next: 128 lines stay, a quarter of which is free for them */
        { "dense3_dx", 0 },             /* 20 rows, of 2048 bytes */
    };

    assert_same(a, lesson_count, b, fast_count);
    for (int i = 0; i < countof(cases); i++) {
        const Nest *n = nest_named(fast->train, cases[i].name);
        int64_t block = 0;
        for (int l = 0; l < n->loop_count; l++)
            if (l > 0 && n->loops[0]->blocks && nest_sums_over(n, l))
                block = n->loops[l]->extent;
        assert_int_equal(block, cases[i].block);
    }
    assert_true(nest_number(fast->train, "dense1_begin") < nest_number(fast->train, "dense1"));
    assert_non_null(nest_named(fast->train, "dense1_end")->value);
    unit_free(lesson);
    unit_free(fast);
}

/* Many outputs of a dense layer that tiles of 12 totals do not divide are made by two nests, the first of which has them; few are not, nor sums that stop
 * after a few rounds (blocks.c). */
static void features_that_tiles_leave_over_are_a_nest_of_their_own(void **state)
{
    (void)state;
    const char *text = "network T { input 72; dense 256, relu; dense 512, tanh; dense 258, relu; dense 128; dense 3, softmax }";
    static const struct { const char *name; int64_t whole[2], all; } cases[] = {
        { "dense1", { 246, 252 }, 256 },        /* where groups lie one after the other, 252 would get tiles of 14 by one vector */
        { "dense2", { 510, 510 }, 512 }, { "dense3", { 258, 258 }, 258 }, { "dense4", { 128, 128 }, 128 },
        { "dense2_dx", { 256, 256 }, 256 }, { "dense3_dx", { 510, 510 }, 512 },
    };
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });

    for (int i = 0; i < countof(layouts); i++) {
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = 32, .style = STYLE_FAST, .layout = layouts[i], .machine = "avx2" });
        assert_trains_alike(lesson, fast, 40);
        for (int k = 0; k < countof(cases); k++) {
            const Nest *n = nest_named(fast->train, cases[k].name), *rest = nest_named(fast->train, arena_print(fast->arena, "%s_rest", cases[k].name));
            assert_int_equal(nest_places(n), cases[k].whole[i] * 32);
            assert_int_equal(rest ? nest_places(rest) : 0, (cases[k].all - cases[k].whole[i]) * 32);
            int64_t totals = n->choice->vectors;
            for (int t = 0; t < n->choice->count; t++)
                totals *= n->choice->tile[t].size;
            assert_true(!rest || totals == 12);
        }
        assert_null(program_verify(fast, fast->train));
        unit_free(fast);
    }
    unit_free(lesson);
}

/* What one pooling reads is made a band of rows at a time: with images innermost, with channels, for one image, and by Winograd's algorithm. */
static void pooled_maps_are_made_by_bands(void **state)
{
    (void)state;
    static const struct { const char *text; NetworkOptions options; int64_t rows; } cases[] = {
        { "network T { input 40x40x1; conv 16, 3x3, same, relu; maxpool 2x2; dense 3, softmax }", { .tile = 8, .layout = LAYOUT_IMAGES }, 4 },
        { "network T { input 40x40x1; conv 16, 3x3, same, relu; maxpool 2x2; conv 8, 3x3, same; dense 3, softmax }", { .tile = 2, .layout = LAYOUT_CHANNELS }, 4 },
        { "network T { input 40x40x1; conv 16, 3x3, same, relu; maxpool 2x2; conv 8, 3x3, same; dense 3, softmax }", { .tile = 1 }, 4 },
        { "network T { input 40x40x1; conv 16, 3x3, same; avgpool 4x4; dense 3, softmax }", { .tile = 1, .layout = LAYOUT_IMAGES }, 4 },
        { "network T { input 40x40x1; conv 16, 3x3, same; avgpool 2x2; conv 8, 1x1; dense 3, softmax }", { .tile = 1, .layout = LAYOUT_CHANNELS }, 4 },
        /* a row of windows takes more than half of the cache, but not all of it */
        { "network T { input 28x28x1; conv 6, 5x5, same, relu; maxpool 2x2; dense 3, softmax }", { .tile = 16, .layout = LAYOUT_IMAGES, .machine = "avx512" }, 2 },
        { "network T { input 28x28x1; conv 8, 5x5, same, relu; maxpool 2x2; dense 3, softmax }", { .tile = 16, .layout = LAYOUT_IMAGES, .machine = "avx512" }, 0 },
        { "network T { input 4x528x2; conv 16, 1x1; conv 16, 3x3, same, relu; maxpool 2x2; globalavgpool; dense 3, softmax }", { .tile = 2, .layout = LAYOUT_CHANNELS, .winograd = WINOGRAD_2 }, 2 },
        { "network T { input 40x40x1; conv 16, 3x3, same, relu; maxpool 3x3, stride=2, same; dense 3, softmax }", { .tile = 1 }, 0 },     /* windows share rows */
        { "network T { input 40x40x1; conv 16, 3x3, same; conv 4, 1x1; globalavgpool; dense 3, softmax }", { .tile = 1, .layout = LAYOUT_IMAGES }, 0 },    /* no pooling */
        { "network T { input 40x40x1; conv 16, 3x3, same, relu; concat { path { maxpool 2x2 -> globalavgpool }; path { globalavgpool } }; dense 3, softmax }", { .tile = 1 }, 0 },
        { "network T { input 30x30x40; conv 8, 3x3, same; maxpool 2x2; globalavgpool; dense 3, softmax }", { .tile = 1, .winograd = WINOGRAD_OFF }, 0 },      /* weights again and again */
    };

    for (int i = 0; i < countof(cases); i++) {
        NetworkOptions options = cases[i].options;
        int64_t plain_count, count;
        options.style = STYLE_FAST;
        Unit *plain = unit_of(cases[i].text, (NetworkOptions){ .tile = 2 }), *u = unit_of(cases[i].text, options);
        const char *name = cases[i].options.winograd == WINOGRAD_2 ? "conv2.y" : "conv1.y";
        const Tensor *map = tensor_named(u->train, name);
        int64_t rows = map->dim[!map->channels_last || map->has_n];             /* h w c, or c h w n */
        if (map->one_band != (cases[i].rows > 0) || (map->one_band && rows != cases[i].rows))
            fail_msg("%s: %lld rows of %s", cases[i].text, (long long)rows, name);
        double *expected = results(plain, plain->train, 2, &plain_count), *got = results(u, u->train, 2, &count);
        assert_same(expected, plain_count, got, count);
        unit_free(plain);
        unit_free(u);
    }
}

/* The gradient of a bias before a pooling adds up what the windows get, not where it went: with relu, without, with rows that are left over, and
 * where windows overlap. */
static void sums_of_unpooled_maps_read_windows(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t windows; } cases[] = {
        { "network T { input 8x8x2; conv 3, 3x3, same, relu; maxpool 2x2; dense 3, softmax }", 4 * 4 },
        { "network T { input 8x8x2; conv 3, 3x3, same; maxpool 2x4; dense 3, softmax }", 4 * 2 },
        { "network T { input 7x8x2; conv 3, 3x3, same, relu; maxpool 2x2; dense 3, softmax }", 3 * 4 },
        { "network T { input 7x7x2; conv 3, 3x3, same, relu; maxpool 3x3, stride=2; dense 3, softmax }", 3 * 3 },
        { "network T { input 8x8x2; conv 3, 3x3, same; globalmaxpool; dense 3, softmax }", 1 },
        { "network T { input 8x8x2; conv 3, 3x3, same; avgpool 2x2; dense 3, softmax }", 8 * 8 },
        /* what goes around the second convolution is added element by element, and no sum */
        { "network T { input 6x8x2; conv1 = conv 3, 3x3, same, tanh; conv 3, 3x3, same; add conv1; maxpool 2x2; dense 3, softmax }", 6 * 8 },
        { "network T { input 8x8x3; conv 3, 3x3, same; add input; maxpool 2x2; dense 3, softmax }", 8 * 8 },
    };

    for (int i = 0; i < countof(cases); i++)
        for (Layout layout = LAYOUT_CHANNELS; layout <= LAYOUT_IMAGES; layout++) {
            int64_t plain_count, count;
            Unit *plain = unit_of(cases[i].text, (NetworkOptions){ .tile = 2 }), *u = unit_of(cases[i].text, (NetworkOptions){ .tile = 8, .style = STYLE_FAST, .layout = layout });
            double *expected = results(plain, plain->train, 5, &plain_count), *got = results(u, u->train, 5, &count);
            const Nest *n = nest_named(u->train, "conv1_db");
            int64_t rounds = 1;
            assert_same(expected, plain_count, got, count);
            for (int j = 0; j < n->loop_count; j++)
                rounds *= nest_sums_over(n, j) && n->loops[j]->name[0] == 'o' ? n->loops[j]->extent : 1;
            assert_int_equal(rounds, cases[i].windows);
            unit_free(plain);
            unit_free(u);
        }
}

static int64_t size_of_tile(const Nest *n, const char *loop)
{
    for (int i = 0; i < n->choice->count; i++)
        if (strcmp(n->choice->tile[i].loop, loop) == 0)
            return n->choice->tile[i].size;
    return 1;
}

/* With 32 registers a tile of 3 by 7 has more totals than one of 6 by 2, but meets the border in all of its columns: it took 1.3 times as long. */
static void a_tile_that_meets_less_of_a_border_is_taken(void **state)
{
    (void)state;
    static const char text[] = "network T { input 14x14x6; conv 6, 1x1, relu; conv 16, 5x5; dense 3, softmax }";
    int64_t plain_count, count;
    Unit *plain = unit_of(text, (NetworkOptions){ .tile = 16 });
    Unit *u = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES, .machine = "avx512" });
    const Nest *n = nest_named(u->train, "conv2_dx");
    int trimmed = 0;

    assert_int_equal(size_of_tile(n, "ci"), 6);
    assert_int_equal(size_of_tile(n, "iw"), 2);
    for (int i = 0; i < n->loop_count; i++)
        trimmed += n->loops[i]->trimmed;
    assert_int_equal(trimmed, 2);
    assert_ptr_equal(nest_named(u->train, "conv2")->prefers, NULL);         /* there is no border */
    double *expected = results(plain, plain->train, 19, &plain_count), *got = results(u, u->train, 19, &count);
    assert_same(expected, plain_count, got, count);
    unit_free(plain);
    unit_free(u);
}

/* Of a single channel a tile had the cells of one row, 5 totals that wait for each other: all 25 of the kernel took 0.7 of the time. */
static void cells_of_a_single_channel_are_one_tile(void **state)
{
    (void)state;
    static const struct { const char *machine; int64_t rows, columns; } cases[] = { { "avx512", 5, 5 }, { "avx2", 2, 5 } };        /* 16 registers: 4 of 5 rows are cut off, two by two */

    for (int i = 0; i < countof(cases); i++) {
        Unit *u = unit_of("network T { input 12x12x1; conv 6, 5x5, same, relu; conv 8, 3x3; dense 3, softmax }",
                          (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .machine = cases[i].machine });
        const Nest *dw = nest_named(u->train, "conv1_dw");
        assert_int_equal(size_of_tile(dw, "kh") * size_of_tile(dw, "kw"), cases[i].rows * cases[i].columns);
        unit_free(u);
    }
}

/* 8 images fill no vector of 16: beside maps with their channels innermost, and without maps, lanes go over features. Number by number, a step of VGG16 took three times as long. */
static void few_images_have_lanes_over_features(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "network T { input 6x6x16; conv 16, 3x3, same, relu; maxpool 2x2; dense 48, relu; dense 33, dropout(0.5); dense 10, softmax }",
        "network T { input 64; dense 48, relu; dense 33; dense 10, softmax }",
    };
    static const char *const dense[] = { "dense1", "dense1_dx", "dense1_dw", "dense2", "dense2_dx", "dense2_dw" };

    for (int k = 0; k < countof(texts); k++)
        for (int64_t tile = 6; tile <= 8; tile += 2) {
            int64_t plain_count, count;
            Unit *plain = unit_of(texts[k], (NetworkOptions){ .tile = tile });
            Unit *u = unit_of(texts[k], (NetworkOptions){ .tile = tile, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS, .machine = "avx512" });
            for (int i = 0; i < countof(dense); i++) {
                const Nest *n = nest_named(u->train, dense[i]);
                bool input = strcmp(dense[i], "dense1_dx") == 0 && k == 1;                  /* nobody asks for it */
                assert_true(input || (n && n->loops[n->loop_count - 1]->kind == LOOP_LANES && n->loops[n->loop_count - 1]->extent == 16));
            }
            assert_int_equal(size_of_tile(nest_named(u->train, "dense1"), "n"), tile);      /* weights are read once */
            double *expected = results(plain, plain->train, 19, &plain_count), *got = results(u, u->train, 19, &count);
            assert_same(expected, plain_count, got, count);
            unit_free(plain);
            unit_free(u);
        }
}

/* A loop whose number of rounds depends on the place goes around those that always run the same number of times. */
static void trimmed_loops_are_outside(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 14x14x6; conv 16, 5x5; dense 3, softmax }", (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    const Nest *n = nest_named(u->train, "conv1_dx") ? nest_named(u->train, "conv1_dx") : nest_named(u->train, "conv1_dxp");
    int trimmed = 0, others = 0;

    for (int i = n->hold; i < n->loop_count; i++) {
        trimmed += n->loops[i]->trimmed;
        others += !n->loops[i]->trimmed && !nest_places_loop(n, n->loops[i]);
        assert_true(!n->loops[i]->trimmed || others == 0);
    }
    assert_int_equal(trimmed, 2);
    assert_true(others > 0);
    unit_free(u);
}

/* A border is as wide as what is read of it: 5x5 cells made it 4 wide, but sums that stop at the border reach one column of a tile of two. */
static void borders_are_no_wider_than_they_are_read(void **state)
{
    (void)state;
    const char *text = "network T { input 14x14x2; conv 6, 3x3, same, relu; conv 16, 5x5; dense 3, softmax }";
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 }), *fast = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    int64_t lesson_count, fast_count;
    double *a = results(lesson, lesson->train, 20, &lesson_count), *b = results(fast, fast->train, 20, &fast_count);
    int narrow = 0, whole = 0;

    assert_same(a, lesson_count, b, fast_count);
    for (int i = 0; i < fast->train->tensors.count; i++) {
        const Tensor *t = fast->train->tensors.at[i];
        int rows = t->rank - 3;                         /* c, h, w, n, perhaps with groups before them */
        narrow += strcmp(t->name, "conv2.y.d.halo") == 0 && t->dim[rows] < 18 && t->dim[rows] >= 10 && t->dim[rows + 1] < 18;
        whole += strcmp(t->name, "conv1.xp") == 0 && t->dim[rows] == 16 && t->dim[rows + 1] == 16;      /* all of it is read */
    }
    assert_int_equal(narrow, 1);
    assert_int_equal(whole, 1);
    assert_null(program_verify(fast, fast->train));
    unit_free(lesson);
    unit_free(fast);
}

/* Of 2*i - k + 1 with k from 2*i - 3 to 2*i + 1, k below 5 and i below 4. */
static void trimmed_loops_bound_what_is_reached(void **state)
{
    (void)state;
    Loop i = { .name = "i", .extent = 4 }, k = { .name = "k", .extent = 5 };
    Affine a = { .offset = 1, .count = 2, .term = { { &i, 2 }, { &k, -1 } } };
    int64_t low, high;

    affine_reach(&a, &low, &high);
    assert_int_equal(low, -3);
    assert_int_equal(high, 7);
    k.trimmed = true;
    k.from = (Affine){ .offset = -3, .count = 1, .term = { { &i, 2 } } };
    k.to = (Affine){ .offset = 1, .count = 1, .term = { { &i, 2 } } };
    affine_reach(&a, &low, &high);
    assert_int_equal(low, 1);
    assert_int_equal(high, 4);
}

/* Weights lie [co][ci][kh][kw], their panels [co_][kh][kw][ci][co]: a line of either is used up while it is there. */
static void copies_that_turn_use_up_lines(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 8x8x16; conv 64, 3x3, same; dense 3, softmax }", (NetworkOptions){ .tile = 4, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    const Nest *n = nest_named(u->train, "conv1_pack");

    assert_non_null(n);
    assert_string_equal(n->loops[n->loop_count - 1]->name, "co");
    assert_string_equal(n->loops[n->loop_count - 2]->name, "co_");      /* of a line */
    assert_string_equal(n->loops[n->loop_count - 3]->name, "kw");
    assert_string_equal(n->loops[n->loop_count - 4]->name, "kh");
    unit_free(u);
}

/* Squares of vectors, with as many rows as fill them: 8 input channels of 3x3 cells. The second pass reads panels of the first. What has no whole vectors, or
 * would move 9 numbers in 16 lanes, goes number by number. */
static void copies_that_turn_go_through_squares(void **state)
{
    (void)state;
    static const char text[] = "network T { input 6x6x16; conv 32, 3x3, same; conv 16, 1x1; dense 3, softmax }";
    NetworkOptions options = { .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS };
    Unit *u = unit_of(text, options);
    const Nest *pack = nest_named(u->train, "conv1_pack"), *again = nest_named(u->train, "conv1_dxp_pack"), *join = nest_named(u->train, "conv1_dw_join");

    assert_true(pack && again && join && nest_is_turned(pack) && nest_is_turned(again) && nest_is_turned(join));
    assert_int_equal(nest_turn(pack).count, 72);
    assert_int_equal(nest_turn(pack).vectors, 2);
    assert_true(nest_turn(pack).goes_on && !nest_turn(pack).rows_are_stored && !nest_turn(pack).keep);
    assert_true(nest_turn(join).rows_are_stored && nest_turn(join).keep);
    assert_int_equal(nest_turn(join).count % 8, 0);
    assert_ptr_equal(nest_turn(again).load->tensor, pack->dst);
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
    assert_trains_alike(lesson, u, 3);
    unit_free(lesson);
    unit_free(u);
    u = unit_of("network T { input 6x6x16; conv 12, 3x3, same; conv 3, 3x3; dense 3, softmax }", options);
    assert_false(nest_is_turned(nest_named(u->train, "conv1_pack")));           /* 12 filters */
    unit_free(u);
    static const char rest[] = "network T { input 9x9x6; conv 16, 5x5; dense 3, softmax }";                /* 50 numbers of a row: two are added one by one */
    u = unit_of(rest, options);
    join = nest_named(u->train, "conv1_dw_join");
    assert_true(join && nest_is_turned(join) && nest_turn(join).rows_are_stored);
    assert_int_equal(nest_turn(join).count % 8, nest_turn(join).rest);
    assert_true(nest_turn(join).rest > 0 && nest_turn(join).again == 0);
    lesson = unit_of(rest, (NetworkOptions){ 0 });
    assert_trains_alike(lesson, u, 3);
    unit_free(lesson);
    unit_free(u);
    u = unit_of("network T { input 20; dense 9; dense 3, softmax }", (NetworkOptions){ .tile = 8, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    assert_int_equal(nest_turn(nest_named(u->train, "images_in")).again, 4);
    assert_true(nest_is_turned(nest_named(u->train, "images_in")));             /* 20 numbers in three squares, of which the last begins early */
    assert_false(nest_is_turned(nest_named(u->train, "images_out")));           /* 3 */
    unit_free(u);
}

/* relu and its slope stand in the stores of what is before them, also where maxpool looks for the first of the largest; what is read elsewhere,
 * too, or would cost the lanes of a convolution, stays. */
static void elements_are_fused_into_stores(void **state)
{
    (void)state;
    static const char text[] = "network T { input 12x12x3; conv 8, 3x3, same, relu; conv 8, 3x3, relu; maxpool 2x2; conv 5, 3x3, tanh; conv 4, 1x1; leaky 0.1; "
                               "dense 9, relu; dense 3, softmax }";
    static const struct { const char *gone, *still; } cases[] = {
        { "relu1", "conv1" }, { "relu2", "maxpool1" }, { "relu3", "dense1" }, { "relu1_dx", "maxpool1_dx" }, { "relu3_dx", "dense1_dx" }, { NULL, "tanh1" },
    };
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };
    int64_t lesson_count, fast_count;
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
    double *a = results(lesson, lesson->train, 20, &lesson_count);

    for (int k = 0; k < countof(layouts); k++) {
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = layouts[k] });
        double *b = results(fast, fast->train, 20, &fast_count);
        assert_same(a, lesson_count, b, fast_count);
        for (int i = 0; i < countof(cases); i++) {
            assert_true(!cases[i].gone || !nest_named(fast->train, cases[i].gone));
            assert_non_null(nest_named(fast->train, cases[i].still));
        }
        assert_non_null(nest_named(fast->train, "conv1")->finish);
        assert_null(nest_named(fast->train, "conv3")->finish);          /* exp is not for the store of a tile */
        assert_non_null(nest_named(fast->train, "leaky1_dx"));          /* a flattened map of its own */
        unit_free(fast);
    }
    unit_free(lesson);
}

/* A map that a convolution with a border reads is made within that border, whatever the layout. */
static void maps_are_made_within_their_borders(void **state)
{
    (void)state;
    static const char text[] = "network T { input 9x12x3; conv 8, 3x3, same, relu; conv 8, 3x3, same, relu; maxpool 3x3; dense 3, softmax }";
    static const Layout layouts[] = { LAYOUT_IMAGES, LAYOUT_CHANNELS };
    int64_t lesson_count, fast_count;
    Unit *lesson = unit_of(text, (NetworkOptions){ 0 });
    double *a = results(lesson, lesson->train, 20, &lesson_count);

    for (int k = 0; k < countof(layouts) * 2; k++) {
        Unit *fast = unit_of(text, (NetworkOptions){ .tile = k < 2 ? 16 : 1, .style = STYLE_FAST, .layout = layouts[k % 2] });
        double *b = results(fast, fast->train, 20, &fast_count);
        assert_same(a, lesson_count, b, fast_count);
        assert_null(program_verify(fast, fast->train));
        assert_null(nest_named(fast->train, "conv2_pad"));
        assert_string_equal(nest_named(fast->train, "conv1")->dst->name, "conv2.xp");
        assert_non_null(nest_named(fast->train, "conv2_pad_h"));
        unit_free(fast);
    }
    unit_free(lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_made_within_their_borders),
        cmocka_unit_test(elements_are_fused_into_stores),
        cmocka_unit_test(copies_that_turn_use_up_lines), cmocka_unit_test(copies_that_turn_go_through_squares),
        cmocka_unit_test(tensors_that_never_meet_share),
        cmocka_unit_test(the_plan_stays_near_its_bound),
        cmocka_unit_test(tiles_of_any_size_give_the_same_results),
        cmocka_unit_test(small_batches_have_small_tiles),
        cmocka_unit_test(large_maps_have_small_tiles),
        cmocka_unit_test(groups_of_images_pass_one_by_one), cmocka_unit_test(copies_for_dense_gradients_lie_in_panels), cmocka_unit_test(dense_sums_that_do_not_stay_near_are_made_in_blocks), cmocka_unit_test(features_that_tiles_leave_over_are_a_nest_of_their_own), cmocka_unit_test(pooled_maps_are_made_by_bands), cmocka_unit_test(sums_of_unpooled_maps_read_windows),
        cmocka_unit_test(a_tile_that_meets_less_of_a_border_is_taken),
        cmocka_unit_test(cells_of_a_single_channel_are_one_tile),
        cmocka_unit_test(few_images_have_lanes_over_features),
        cmocka_unit_test(trimmed_loops_are_outside),
        cmocka_unit_test(borders_are_no_wider_than_they_are_read),
        cmocka_unit_test(trimmed_loops_bound_what_is_reached),
        cmocka_unit_test(gradients_keep_what_they_are_told),
        cmocka_unit_test(the_fast_style_changes_no_result),
        cmocka_unit_test(no_layout_changes_a_result),
        cmocka_unit_test(rows_are_covered_by_vectors),
        cmocka_unit_test(a_function_of_a_function_is_one_nest),
        cmocka_unit_test(what_is_never_negative_passes),
        cmocka_unit_test(the_front_of_a_single_image_keeps_its_rows),
        cmocka_unit_test(single_images_get_the_faster_layout),
        cmocka_unit_test(elements_are_handled_as_they_lie),
        cmocka_unit_test(no_choice_changes_a_result),
        cmocka_unit_test(choices_come_in_order),
        cmocka_unit_test(a_tuned_network_gives_the_same_results),
        cmocka_unit_test(other_machines_are_left_alone),
        cmocka_unit_test(no_text_breaks_the_reader),
        cmocka_unit_test(sums_over_a_border_are_trimmed),
        cmocka_unit_test(taps_that_meet_border_alone_go),
        cmocka_unit_test(maps_of_one_place_have_no_border),
        cmocka_unit_test(kernels_that_meet_border_alone_add_nothing),
        cmocka_unit_test(products_of_tiles_change_no_result),
        cmocka_unit_test(tiles_stay_with_what_reads_them),
        cmocka_unit_test(tiles_of_small_maps_need_images),
        cmocka_unit_test(buffers_of_one_image),
        cmocka_unit_test(kernels_of_one_cell_have_no_loops),
        cmocka_unit_test(the_gradient_of_the_input_keeps_nothing_large),
        cmocka_unit_test(splitting_a_loop_changes_nothing),
        cmocka_unit_test(cutting_places_changes_nothing),
        cmocka_unit_test(parts_have_names_of_their_own), cmocka_unit_test(what_tiles_leave_over_is_a_nest_of_its_own),
        cmocka_unit_test(depthwise_convolutions_have_tiles), cmocka_unit_test(depthwise_convolutions_of_far_maps_read_lines), cmocka_unit_test(far_weights_are_read_once), cmocka_unit_test(pixels_that_lie_far_apart_are_copied),
        cmocka_unit_test(places_of_many_channels_are_spread), cmocka_unit_test(every_convolution_has_lanes), cmocka_unit_test(groups_have_lanes), cmocka_unit_test(few_channels_are_summed_in_lanes), cmocka_unit_test(gradients_of_single_cells_are_stored_in_place), cmocka_unit_test(channels_have_room), cmocka_unit_test(gradients_of_the_input_have_lanes),
        cmocka_unit_test(strides_become_gathers),
        cmocka_unit_test(moving_loops_changes_nothing),
        cmocka_unit_test(an_access_out_of_bounds_is_found),
        cmocka_unit_test(a_total_that_begins_again_is_found),
        cmocka_unit_test(weights_move_when_their_gradient_is_there),
        cmocka_unit_test(weights_that_move_too_early_are_found),
        cmocka_unit_test(a_gather_needs_no_fill),
        cmocka_unit_test(what_only_the_input_needs_comes_last),
        cmocka_unit_test(dropout_is_gone_outside_training),
        cmocka_unit_test(batch_statistics_cut_the_program),
        cmocka_unit_test(folding_changes_rounding_alone),
        cmocka_unit_test(what_is_looked_at_stays),
        cmocka_unit_test(the_random_numbers_are_philox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
