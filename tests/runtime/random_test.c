/* random_test.c: the known answers of Philox, and what is made of its bits. */
#include "tiny.h"
#include "../../runtime/digits.h"
#include "../../runtime/random.h"

/* kat_vectors of the authors' Random123. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct { uint32_t counter[4], key[2], answer[4]; } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (int i = 0; i < 3; i++) {
        uint32_t answer[4];
        cnn_random_block((uint64_t)known[i].key[1] << 32 | known[i].key[0], known[i].counter, answer);
        assert_memory_equal(answer, known[i].answer, sizeof answer);
    }
}

static void uniform_numbers_are_uniform(void **state)
{
    (void)state;
    Draws d = { .seed = 5, .stream = STREAM_AUGMENT };
    double sum = 0, squares = 0, normal = 0, normal_squares = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double u = cnn_draw(&d), g = cnn_draw_normal(&d);
        assert_true(u >= 0 && u < 1);
        sum += u, squares += u * u, normal += g, normal_squares += g * g;
    }
    assert_true(fabs(sum / N - 0.5) < 0.005 && fabs(squares / N - 1.0 / 3) < 0.005);
    assert_true(fabs(normal / N) < 0.01 && fabs(normal_squares / N - 1) < 0.02);
}

static void a_shuffle_is_a_permutation_of_its_own_for_every_epoch(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t first[N], second[N], again[N];
    for (uint32_t i = 0; i < N; i++)
        first[i] = second[i] = again[i] = i;
    cnn_random_shuffle(1, STREAM_SHUFFLE, 0, first, N);
    cnn_random_shuffle(1, STREAM_SHUFFLE, 1, second, N);
    cnn_random_shuffle(1, STREAM_SHUFFLE, 0, again, N);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, second, sizeof first);
    bool seen[N] = { false };
    for (int i = 0; i < N; i++) {
        assert_false(seen[first[i]]);
        seen[first[i]] = true;
    }
}

static void first_weights_are_a_function_of_the_seed(void **state)
{
    (void)state;
    const cnn_model narrow = tiny_float_linear(), wide = tiny_double_linear();
    cnn_net *a = cnn_new(&narrow, 1, NULL), *b = cnn_new(&wide, 1, NULL), *c = cnn_new(&narrow, 2, NULL);
    const float *fa = cnn_weights(a), *fc = cnn_weights(c);
    const double *db = cnn_weights(b);
    double limit = sqrt(6.0 / 9), largest = 0;
    for (int i = 0; i < 18; i++) {
        assert_true(fa[i] == (float)db[i]);     /* float and double models begin alike */
        assert_true(fa[i] != fc[i]);
        assert_true(fabs(db[i]) < limit);
        largest = fmax(largest, fabs(db[i]));
    }
    assert_true(largest > limit / 2);
    for (int i = 18; i < 21; i++)
        assert_true(fa[i] == 0);
    cnn_free(a);
    cnn_free(b);
    cnn_free(c);
}

/* FNV-1a: the pictures are part of what the program promises, so a change of them must be meant. */
static uint64_t hash(uint64_t h, const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ from[i]) * 0x100000001b3u;
    return h;
}

static void digits_are_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t h = 0xcbf29ce484222325u;
    int count[10] = { 0 };
    uint8_t pixels[DIGITS_PIXELS], other[DIGITS_PIXELS];
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t digit = (uint8_t)cnn_digits_draw(1, 0, i, pixels);
        count[digit]++;
        h = hash(hash(h, &digit, 1), pixels, sizeof pixels);
    }
    for (int k = 0; k < 10; k++)
        assert_in_range(count[k], 60, 140);
    cnn_digits_draw(1, 0, 7, pixels);
    cnn_digits_draw(1, 1, 7, other);
    assert_memory_not_equal(pixels, other, sizeof pixels);
    assert_int_equal(h, 0x4d68e85523c96bffu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(uniform_numbers_are_uniform),
        cmocka_unit_test(a_shuffle_is_a_permutation_of_its_own_for_every_epoch),
        cmocka_unit_test(first_weights_are_a_function_of_the_seed),
        cmocka_unit_test(digits_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
