/* predict_test.c: what is predicted of scheduled nests, where the truth can be counted, and how one prediction stands to another. */
#include "loops/predict.h"
#include "loops/transform.h"
#include "support/network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Unit *fast(const char *text, Layout layout, int64_t tile)
{
    Unit *u = network_from("test.cnn", text, (NetworkOptions){ .tile = tile, .style = STYLE_FAST, .layout = layout, .winograd = WINOGRAD_OFF });
    assert_non_null(u);
    return u;
}

static Prediction prediction(Unit *u, const Program *p, const char *name)
{
    const Nest *n = nest_named(p, name);
    assert_non_null(n);
    return nest_predict(u, n);
}

#define SAME(got, want) do { double got_ = (got), want_ = (want); if (!(fabs(got_ - want_) <= 1e-9 * fabs(want_))) fail_msg("%.12g is not %.12g", got_, want_); } while (0)

static const char lenet[] =
    "network T { input 28x28x1; conv 6, 5x5, same, relu; maxpool 2x2; conv 16, 5x5, relu; maxpool 2x2; dense 120, relu; dense 84, relu; dense 10, softmax }";

static void more_totals_never_do_worse(void **state)
{
    (void)state;
    const char *const machines[] = { "avx2", "avx512", "neon", "scalar" };

    for (int i = 0; i < countof(machines); i++) {
        const Machine *m = machine_find(machines[i]);
        for (int64_t totals = 1; totals < 40; totals++) {
            double share = predict_totals(m, totals);
            assert_true(share > 0 && share < 1);
            assert_true(share <= predict_totals(m, totals + 1));
        }
    }
    SAME(predict_totals(machine_find("avx2"), 12), 0.97);       /* what was measured is what is predicted */
    SAME(predict_totals(machine_find("avx512"), 16), 0.90);
    SAME(predict_totals(machine_find("avx512"), 14), 0.87);     /* half way between 12 and 16 */
}

static void a_round_is_counted(void **state)
{
    (void)state;
    Unit *u = fast(lenet, LAYOUT_IMAGES, 16);
    Prediction conv1 = prediction(u, u->train, "conv1"), dw = prediction(u, u->train, "conv1_dw");

    assert_true(conv1.is_product);
    assert_int_equal(conv1.lanes, 8);
    assert_int_equal(conv1.totals, 12);             /* 6 channels, 2 columns, a vector of images */
    assert_int_equal(conv1.operations, 12);
    assert_int_equal(conv1.loads, 6 + 2);
    assert_int_equal(dw.totals, 10);                /* 2 filters, 5 cells */
    assert_int_equal(dw.loads, 2 + 5);
    assert_false(prediction(u, u->train, "maxpool1").is_product);
    unit_free(u);
}

static void what_the_layers_ask_for_is_stated(void **state)
{
    (void)state;
    /* conv1 and conv2, the dense layers; each of them forward, for its weights and, but for conv1, for what it reads */
    double conv1 = 16.0 * 6 * 28 * 28 * 25, others = 16.0 * (16 * 100 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 10);
    static const Layout layouts[] = { LAYOUT_CHANNELS, LAYOUT_IMAGES };

    for (int i = 0; i < countof(layouts); i++) {
        Unit *u = fast(lenet, layouts[i], 16);
        double sum = 0;
        for (int k = 0; k < u->train->nests.count; k++)
            sum += u->train->nests.at[k]->for_input ? 0 : u->train->nests.at[k]->stated;
        SAME(u->train->stated, 2 * conv1 + 3 * others);
        SAME(sum, 2 * conv1 + 3 * others);
        unit_free(u);
    }
}

static void parts_share_what_is_stated(void **state)
{
    (void)state;
    /* tiles of 2x3 leave two columns, and those of 3x2 in these two rows; a stride has four residues; a row of 20 numbers leaves 4 */
    Unit *u = fast("network T { input 14x14x16; conv 16, 3x3, same; conv 16, 3x3, stride=2, pad=1 }", LAYOUT_CHANNELS, 16);
    double forward = 0, back = 0;
    for (int k = 0; k < u->train->nests.count; k++)
        if (strcmp(u->train->nests.at[k]->name, "conv1") == 0 || strncmp(u->train->nests.at[k]->name, "conv1_rest", 10) == 0)
            forward += u->train->nests.at[k]->stated;
    for (int k = 0; k < u->train->nests.count; k++)
        if (strncmp(u->train->nests.at[k]->name, "conv2_dx", 8) == 0)
            back += u->train->nests.at[k]->stated;
    SAME(forward, 16.0 * 14 * 14 * 16 * 16 * 9);
    SAME(back, 16.0 * 7 * 7 * 16 * 16 * 9);
    unit_free(u);

    u = network_from("test.cnn", "network T { input 20; dense 10 }", (NetworkOptions){ .style = STYLE_FAST, .infer = true });
    SAME(nest_named(u->infer, "dense1")->stated, 10 * 16);
    SAME(nest_named(u->infer, "dense1_rest")->stated, 10 * 4);
    unit_free(u);
}

static void borders_and_padding_do_not_count(void **state)
{
    (void)state;
    Unit *u = fast(lenet, LAYOUT_IMAGES, 16);
    Prediction dx = prediction(u, u->train, "conv2_dx");
    SAME(dx.made / dx.counted, 54.0 / 50.0);        /* rounds of kw over 7 tiles of two columns: 2+4+5+5+5+4+2, twice; of kh as many as count */
    unit_free(u);

    u = fast("network T { input 14x14x1; conv 6, 3x3, same; conv 6, 3x3, same; conv 16, 3x3, same }", LAYOUT_CHANNELS, 16);
    Prediction conv = prediction(u, u->train, "conv2");
    SAME(conv.made / conv.counted, 8.0 / 6.0);      /* 6 channels in lanes for 8 */
    assert_true(predict_share(u, &conv) < 0.75);
    unit_free(u);
}

static void no_share_is_more_than_the_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        lenet,
        "network T { input 14x14x16; conv 32, 3x3, same, relu; conv 32, 3x3, depthwise, stride=2; maxpool 2x2; dense 40, tanh; dense 3, softmax }",
    };
    for (int i = 0; i < countof(texts); i++)
        for (int layout = LAYOUT_CHANNELS; layout <= LAYOUT_IMAGES; layout++) {
            Unit *u = fast(texts[i], (Layout)layout, 16);
            const Program *programs[] = { u->train, u->eval, u->infer };
            for (int k = 0; k < countof(programs); k++)
                for (int j = 0; j < programs[k]->nests.count; j++) {
                    Prediction x = nest_predict(u, programs[k]->nests.at[j]);
                    assert_true(x.time > 0 && isfinite(x.time));
                    assert_true(predict_share(u, &x) < 1);
                    assert_non_null(programs[k]->nests.at[j]->note);
                }
            assert_true(program_predict(u, u->train) > program_predict(u, u->infer));
            unit_free(u);
        }
}

static void large_operands_wait_for_memory(void **state)
{
    (void)state;
    Unit *u = fast("network T { input 64; dense 258; dense 4096; dense 4096; dense 10 }", LAYOUT_IMAGES, 16);
    Prediction small = prediction(u, u->train, "dense1"), large = prediction(u, u->train, "dense3");
    assert_true(small.memory == 0);
    assert_true(large.memory > 0);                  /* 64 MB of weights, read once for 16 images */
    assert_true(predict_share(u, &large) < predict_share(u, &small));
    unit_free(u);
}

/* A copy that turns a row of 18*18*16 features into a map reads 16 images of a feature, 64 bytes, far from those of the next channel. */
static void what_lies_between_places_is_not_touched(void **state)
{
    (void)state;
    Unit *u = fast("data d { source npy, \"x.npy\", \"y.npy\" }; network T { input 20x20x3; conv 16, 3x3; conv 16, 1x1, depthwise }; "
                   "train T on d { loss quadratic; epochs 1 }", LAYOUT_CHANNELS, 16);
    const Nest *n = nest_named(u->train, "quadratic_dy_map");
    int64_t places = 1;

    for (int i = 1; i < n->loop_count; i++)
        places *= n->loops[i]->extent;
    assert_string_equal(n->loops[0]->name, "h");
    SAME(predict_touched(u, n, 1), 2.0 * 4 * (double)places);
    unit_free(u);
}

static void fewer_totals_take_longer(void **state)
{
    (void)state;
    Unit *u = fast(lenet, LAYOUT_IMAGES, 16);
    Nest *n = nest_named(u->train, "conv1");
    double tiled = nest_predict(u, n).time;

    for (int i = 0; i < n->loop_count; i++)
        if (n->loops[i]->kind == LOOP_UNROLL && strcmp(n->loops[i]->name, "co") == 0) {
            n->loops[i]->kind = LOOP_PLAIN;         /* the tile loses most of its totals */
            nest_move_loop(n, i, n->hold++);
            break;
        }
    assert_int_equal(nest_predict(u, n).totals, 2);
    assert_true(nest_predict(u, n).time > 1.5 * tiled);
    unit_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_totals_never_do_worse),
        cmocka_unit_test(a_round_is_counted),
        cmocka_unit_test(what_the_layers_ask_for_is_stated),
        cmocka_unit_test(parts_share_what_is_stated),
        cmocka_unit_test(borders_and_padding_do_not_count),
        cmocka_unit_test(no_share_is_more_than_the_whole),
        cmocka_unit_test(large_operands_wait_for_memory),
        cmocka_unit_test(what_lies_between_places_is_not_touched),
        cmocka_unit_test(fewer_totals_take_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
