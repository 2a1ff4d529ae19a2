/* reals_test.c: the loops over reals are the same for every processor, and moments end where they move nothing any more. */
#include "tiny.h"
#include "../../runtime/reals.h"

#include <float.h>

enum { COUNT = 1003 };          /* no whole number of any vectors */

typedef struct Arrays {
    double p[COUNT], g[COUNT], m[COUNT], v[COUNT];      /* room for both kinds */
} Arrays;

static void fill(const Reals *reals, Arrays *a, uint32_t seed)
{
    void *const arrays[] = { a->p, a->g, a->m, a->v };
    memset(a, 0, sizeof *a);
    for (int k = 0; k < 4; k++)
        for (size_t i = 0; i < COUNT; i++) {
            seed = seed * 1664525u + 1013904223u;
            double x = ((double)(seed >> 8) / (1 << 23) - 1) * pow(2, -(double)(seed % 97));
            reals->set(arrays[k], i, k == 3 ? fabs(x) : x);
        }
}

static const RuleNumbers numbers = { .tidy = true, .rate = 0.01, .factor = 0.7, .momentum = 0.9, .decay = 0.001, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .rho = 0.99,
                                     .correction1 = 0.19, .correction2 = 0.002 };

static void every_processor_has_the_same_bits(void **state)
{
    (void)state;
    const Reals *const plain[] = { &cnn_reals_float, &cnn_reals_double };
    for (int kind = 0; kind < 2; kind++) {
        const Reals *a = plain[kind], *b = cnn_reals((int)a->bytes);
        RuleUpdate *const rules[][2] = { { a->sgd, b->sgd }, { a->momentum, b->momentum }, { a->after_momentum, b->after_momentum }, { a->adam, b->adam }, { a->adamw, b->adamw },
                                         { a->rmsprop, b->rmsprop } };
        assert_string_equal(a->dtype, b->dtype);
        for (int i = 0; i < 12; i++) {
            Arrays x, y;
            RuleNumbers n = numbers;
            n.nesterov = i >= 6;
            fill(a, &x, 5);
            fill(b, &y, 5);
            for (int step = 0; step < 3; step++) {
                assert_true(rules[i % 6][0](&n, x.p, x.g, x.m, x.v, COUNT));
                assert_true(rules[i % 6][1](&n, y.p, y.g, y.m, y.v, COUNT));
            }
            assert_memory_equal(&x, &y, sizeof x);
        }
        Arrays x;
        fill(a, &x, 7);
        double first = a->squares(x.p, COUNT), second = b->squares(x.p, COUNT);
        assert_memory_equal(&first, &second, sizeof first);
    }
}

/* Places among numbers, of which some are equal and some are none. */
static void the_largest_is_the_first_of_them(void **state)
{
    (void)state;
    static const struct { double x[4]; size_t largest, before[4]; } all[] = {
        { { 1, 3, 2, 0 }, 1, { 2, 0, 1, 3 } },
        { { 2, 2, 5, 5 }, 2, { 2, 3, 0, 1 } },
        { { NAN, 1, NAN, 1 }, 1, { 0, 0, 0, 1 } },
        { { NAN, NAN, NAN, NAN }, 3, { 0, 0, 0, 0 } },
        { { -INFINITY, NAN, -1, INFINITY }, 3, { 2, 0, 1, 0 } },
    };
    const Reals *const tables[] = { &cnn_reals_float, &cnn_reals_double, cnn_reals(4), cnn_reals(8) };
    for (int t = 0; t < 4; t++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            double x[4];
            for (size_t i = 0; i < 4; i++)
                tables[t]->set(x, i, all[k].x[i]);
            assert_int_equal(tables[t]->largest(x, 4), all[k].largest);
            assert_int_equal(tables[t]->largest(x, 1), 0);
            for (size_t i = 0; i < 4; i++)
                assert_int_equal(tables[t]->before(x, 4, i), all[k].before[i]);
        }
}

/* The value of a picture [h][w] between its pixels, 0 outside. */
static double at_place(const Reals *reals, const void *from, int h, int w, double y, double x)
{
    double fy = floor(y), fx = floor(x), sum = 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            double weight = (dy ? y - fy : 1 - (y - fy)) * (dx ? x - fx : 1 - (x - fx));
            if (fy + dy >= 0 && fy + dy < h && fx + dx >= 0 && fx + dx < w)
                sum += weight * reals->get(from, (size_t)((fy + dy) * w + fx + dx));
        }
    return sum;
}

/* Pictures of all shapes, turned and scaled much and little: augmentation gives the same pictures on every processor and in every version. */
static void a_turned_picture_has_the_same_bits(void **state)
{
    (void)state;
    static const int sides[][2] = { { 1, 1 }, { 1, 7 }, { 9, 1 }, { 2, 2 }, { 5, 8 }, { 28, 28 }, { 31, 17 } };
    static const double factors[] = { 1, 0.9, 1 / 1.3, 2.5, 1e-3, 1e6, 1e300 };
    const Reals *const all[] = { &cnn_reals_float, &cnn_reals_double, cnn_reals(4), cnn_reals(8) };
    for (int kind = 0; kind < 4; kind++)
        for (int side = 0; side < 7; side++)
            for (int degrees = -180; degrees <= 180; degrees += 5)
                for (int f = 0; f < 7; f++) {
                    const Reals *reals = all[kind];
                    int h = sides[side][0], w = sides[side][1];
                    double cosine = factors[f] * cos(degrees * 0.017453292519943295), sine = factors[f] * sin(degrees * 0.017453292519943295);
                    Arrays a;
                    fill(reals, &a, (uint32_t)(degrees + 180));
                    for (int i = 0; i < 3; i++)
                        reals->set(a.p, (size_t)i, -0.0);
                    reals->turn(a.m, a.p, h, w, cosine, sine);
                    for (int y = 0; y < h; y++)
                        for (int x = 0; x < w; x++) {
                            double middle_y = (h - 1) / 2.0, middle_x = (w - 1) / 2.0, dy = y - middle_y, dx = x - middle_x;
                            reals->set(a.v, (size_t)(y * w + x), at_place(reals, a.p, h, w, middle_y + cosine * dy + sine * dx, middle_x + cosine * dx - sine * dy));
                        }
                    assert_memory_equal(a.m, a.v, (size_t)(h * w) * reals->bytes);
                }
}

/* Wherever it stands, and after the rule that brings it. */
static void what_is_not_finite_is_found(void **state)
{
    (void)state;
    for (int bytes = 4; bytes <= 8; bytes += 4) {
        const Reals *reals = cnn_reals(bytes);
        static const double wrong[] = { NAN, INFINITY, -INFINITY };
        for (size_t i = 0; i < COUNT; i += 7)
            for (int k = 0; k < 3; k++) {
                Arrays a;
                fill(reals, &a, 3);
                reals->set(a.p, 0, bytes == 8 ? DBL_MAX : (double)FLT_MAX);
                reals->set(a.p, 1, 0);
                assert_true(reals->finite(a.p, COUNT));
                reals->set(a.g, i, wrong[k]);
                assert_true(reals->finite(a.p, COUNT) && !reals->finite(a.g, COUNT));
                RuleUpdate *const rules[] = { reals->sgd, reals->momentum, reals->adam, reals->adamw, reals->rmsprop };
                Arrays b = a;
                assert_false(rules[(i + (size_t)k) % 5](&numbers, b.p, b.g, b.m, b.v, COUNT));
                assert_false(reals->finite(b.p, COUNT));
            }
    }
}

/* Denormal numbers take a processor a hundred times longer, and 0.9 times the smallest of them is itself. */
static void moments_without_gradients_end(void **state)
{
    (void)state;
    for (int bytes = 4; bytes <= 8; bytes += 4) {
        const Reals *reals = cnn_reals(bytes);
        double least = bytes == 8 ? DBL_MIN : (double)FLT_MIN;
        RuleUpdate *const rules[] = { reals->momentum, reals->adam, reals->adamw, reals->rmsprop };
        for (int rule = 0; rule < 4; rule++) {
            Arrays a;
            RuleNumbers n = numbers;
            fill(reals, &a, 11);
            memset(a.g, 0, sizeof a.g);
            n.decay = 0;
            n.beta2 = n.rho = 0.5;
            for (int step = 0; step < 8000; step++) {
                assert_true(rules[rule](&n, a.p, a.g, a.m, a.v, COUNT));
                for (size_t i = step % 50 ? COUNT : 0; i < COUNT; i++) {
                    assert_true(reals->get(a.m, i) == 0 || fabs(reals->get(a.m, i)) >= least);
                    assert_true(rule == 0 || reals->get(a.v, i) == 0 || reals->get(a.v, i) >= least);
                }
            }
            for (size_t i = 0; i < COUNT; i++)
                assert_true(reals->get(a.m, i) == 0 && (rule == 0 || reals->get(a.v, i) == 0));
        }
        Arrays a, b;
        fill(reals, &a, 13);
        reals->set(a.m, 500, ldexp(-1, bytes == 8 ? -901 : -101));
        reals->set(a.m, 501, ldexp(-1, bytes == 8 ? -900 : -100));
        b = a;
        assert_true(reals->after_momentum(&numbers, a.p, NULL, a.m, NULL, COUNT));
        for (size_t i = 0; i < COUNT; i++)
            assert_true(reals->get(a.m, i) == (fabs(reals->get(b.m, i)) < ldexp(1, bytes == 8 ? -900 : -100) ? 0 : reals->get(b.m, i)));
        assert_true(reals->get(a.m, 500) == 0 && reals->get(a.m, 501) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_processor_has_the_same_bits),
        cmocka_unit_test(a_turned_picture_has_the_same_bits),
        cmocka_unit_test(what_is_not_finite_is_found),
        cmocka_unit_test(the_largest_is_the_first_of_them),
        cmocka_unit_test(moments_without_gradients_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
