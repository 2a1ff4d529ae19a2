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

static const RuleNumbers numbers = { .rate = 0.01, .factor = 0.7, .momentum = 0.9, .decay = 0.001, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .rho = 0.99,
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
        cmocka_unit_test(what_is_not_finite_is_found),
        cmocka_unit_test(moments_without_gradients_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
