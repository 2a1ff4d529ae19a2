/* letters_test.c: no two letters of a step share memory, and who has read one writes its next one there. */
#include "tiny.h"
#include "../../runtime/letters.h"
#include "../../runtime/memory.h"

enum { BYTES = 200 };           /* no whole lines */

static void letters_change_hands(void **state)
{
    (void)state;
    for (size_t threads = 2; threads < 6; threads++) {
        Letters l;
        assert_true(cnn_letters_new(&l, threads, BYTES, NULL));
        for (int step = 0; step < 3; step++) {
            const void *before[5][5];
            for (size_t from = 0; from < threads; from++)
                for (size_t to = 0; to < threads; to++)
                    before[from][to] = from == to ? NULL : cnn_letter(&l, from, to);
            cnn_letters_begin(&l);
            for (size_t from = 0; from < threads; from++)
                for (size_t to = 0; to < threads; to++) {
                    if (from == to)
                        continue;
                    assert_ptr_equal(cnn_letter(&l, from, to), before[to][from]);
                    assert_int_equal((uintptr_t)cnn_letter(&l, from, to) % 64, 0);
                    memset(cnn_letter(&l, from, to), (int)(5 * from + to), BYTES);
                }
            for (size_t from = 0; from < threads; from++)
                for (size_t to = 0; to < threads; to++)
                    for (size_t i = 0; from != to && i < BYTES; i++)
                        assert_int_equal(((const unsigned char *)cnn_letter(&l, from, to))[i], 5 * from + to);
        }
        cnn_letter_fetch(cnn_letter(&l, 0, 1), BYTES);          /* changes nothing */
        assert_int_equal(((const unsigned char *)cnn_letter(&l, 0, 1))[BYTES - 1], 1);
        cnn_letters_free(&l);
    }
    assert_int_equal(cnn_memory_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(letters_change_hands) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
