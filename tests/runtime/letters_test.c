/* letters_test.c: no two letters share memory. */
#include "tiny.h"
#include "../../runtime/letters.h"
#include "../../runtime/memory.h"

enum { BYTES = 200 };           /* no whole lines */

static void letters_lie_apart(void **state)
{
    (void)state;
    for (size_t threads = 2; threads < 6; threads++) {
        Letters l;
        assert_true(cnn_letters_new(&l, threads, BYTES, NULL));
        for (size_t from = 0; from < threads; from++)
            for (size_t to = 0; to < threads; to++)
                if (from != to) {
                    assert_int_equal((uintptr_t)cnn_letter(&l, from, to) % 64, 0);
                    memset(cnn_letter(&l, from, to), (int)(5 * from + to), BYTES);
                    cnn_letter_fetch(cnn_letter(&l, from, to), BYTES);          /* changes nothing */
                }
        for (size_t from = 0; from < threads; from++)
            for (size_t to = 0; to < threads; to++)
                for (size_t i = 0; from != to && i < BYTES; i++)
                    assert_int_equal(((const unsigned char *)cnn_letter(&l, from, to))[i], 5 * from + to);
        cnn_letters_free(&l);
    }
    assert_int_equal(cnn_memory_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(letters_lie_apart) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
