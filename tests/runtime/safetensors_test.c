/* safetensors_test.c: the published rules of the format, one by one, and weights that do not fit. */
#include "tiny.h"
#include "../../runtime/checkpoint.h"
#include "../../runtime/memory.h"
#include "../../runtime/safetensors.h"

static bool parse(const char *header, uint64_t bytes, cnn_error *error)
{
    Stored s;
    bool good = cnn_stored_parse(&s, header, strlen(header), bytes, "w", error);
    if (good)
        cnn_stored_close(&s);
    assert_int_equal(cnn_memory_blocks(), 0);
    return good;
}

static void refused(const char *header, uint64_t bytes, const char *why)
{
    cnn_error error = { "" };
    if (parse(header, bytes, &error))
        fail_msg("%s was accepted", header);
    if (!strstr(error.text, why))
        fail_msg("%s: '%s' does not say '%s'", header, error.text, why);
}

#define T(dtype, shape, from, end) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #end "]}"

static void what_the_rules_allow_is_read(void **state)
{
    (void)state;
    cnn_error error = { "" };
    assert_true(parse("{}", 0, &error));
    assert_true(parse("{}   ", 0, &error));
    assert_true(parse("{\"a\":" T("F32", "[2,3]", 0, 24) "}", 24, &error));
    assert_true(parse("{ \"a\" : {\"data_offsets\":[ 0, 8 ], \"shape\" : [ ] , \"dtype\":\"F64\"} }", 8, &error));
    assert_true(parse("{\"b\":" T("U8", "[4]", 3, 7) ",\"a\":" T("I8", "[3]", 0, 3) "}", 7, &error));
    assert_true(parse("{\"none\":" T("F32", "[0,5]", 0, 0) ",\"a\":" T("BF16", "[1]", 0, 2) "}", 2, &error));
    assert_true(parse("{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\\n\":\"\\ud83d\\ude00\"}}", 0, &error));
    assert_string_equal(error.text, "");
}

static void what_they_forbid_is_not(void **state)
{
    (void)state;
    refused("", 0, "ends at byte 8");
    refused(" {}", 0, "where { was expected");
    refused("[]", 0, "where { was expected");
    refused("{}x", 0, "end of the header");
    refused("{\"a\":" T("F32", "[2]", 0, 8), 8, "ends");
    refused("{\"a\":" T("F32", "[2]", 0, 8) ",}", 8, "a string was expected");
    refused("{\"a\":" T("F32", "[2]", 0, 9) "}", 9, "has 8 bytes by its shape");
    refused("{\"a\":" T("F32", "[2]", 8, 0) "}", 8, "has 8 bytes by its shape");
    refused("{\"a\":" T("F32", "[2]", 4, 12) "}", 12, "begins at byte 4");
    refused("{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[2]", 9, 17) "}", 17, "the one before ends at 8");
    refused("{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[2]", 4, 12) "}", 12, "the one before ends at 8");
    refused("{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[2]", 0, 8) "}", 8, "the one before ends at 8");
    refused("{\"a\":" T("F32", "[2]", 0, 8) "}", 9, "the file has 9");
    refused("{\"a\":" T("F32", "[2]", 0, 8) "}", 4, "the file has 4");
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 4, 8) "}", 8, "is there twice");
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"\\u0061\":" T("F32", "[1]", 4, 8) "}", 8, "is there twice");
    refused("{\"a\":" T("F31", "[1]", 0, 4) "}", 4, "unknown type 'F31'");
    refused("{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "a whole number was expected");
    refused("{\"a\":" T("F32", "[1.0]", 0, 4) "}", 4, "was expected");
    refused("{\"a\":" T("F32", "[01]", 0, 4) "}", 4, "leading zeros");
    refused("{\"a\":" T("F32", "[4294967296,4294967296,4]", 0, 4) "}", 4, "too large");
    refused("{\"a\":" T("F32", "[99999999999999999999]", 0, 4) "}", 4, "smaller number");
    refused("{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "at most 8 sizes");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "lacks");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "'dtype' twice");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4, "not known");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "a string was expected");
    refused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "say 'a' twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "only once");
    refused("{\"\\u0000\":" T("F32", "[1]", 0, 4) "}", 4, "the number of a character");
    refused("{\"\\ud800\":" T("F32", "[1]", 0, 4) "}", 4, "the number of a character");
    refused("{\"\\x\":" T("F32", "[1]", 0, 4) "}", 4, "an escape of JSON");
    refused("{\"\xff\":" T("F32", "[1]", 0, 4) "}", 4, "a character of UTF-8");
    refused("{\"\xc0\xaf\":" T("F32", "[1]", 0, 4) "}", 4, "a character of UTF-8");
    refused("{\"a\nb\":" T("F32", "[1]", 0, 4) "}", 4, "a character of UTF-8");
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    Stored s;
    cnn_error error;
    const char *path = tiny_path("damaged");
    assert_false(cnn_stored_open(&s, tiny_path("none"), &error));
    assert_non_null(strstr(error.text, "cannot be opened"));
    assert_false(cnn_stored_open(&s, tiny_folder, &error));
    assert_non_null(strstr(error.text, "is a folder"));
    tiny_write(path, "\x02\0\0\0", 4);
    assert_false(cnn_stored_open(&s, path, &error));
    assert_non_null(strstr(error.text, "ends at byte 4"));
    tiny_write(path, "\x03\0\0\0\0\0\0\0{}", 10);
    assert_false(cnn_stored_open(&s, path, &error));
    assert_non_null(strstr(error.text, "the header has 3 bytes, but the file has 10"));
    tiny_write(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_false(cnn_stored_open(&s, path, &error));
    assert_int_equal(cnn_memory_blocks(), 0);
}

/* ---- weights */

typedef struct Notes {
    int count;
    char last[512];
} Notes;

static void take_note(void *context, const char *text)
{
    Notes *notes = context;
    notes->count++;
    snprintf(notes->last, sizeof notes->last, "%s", text);
}

static void weights_come_back_as_they_went(void **state)
{
    (void)state;
    const cnn_model narrow = tiny_float_stats(), wide = tiny_double_stats();
    cnn_net *a = cnn_new(&narrow, 1, NULL), *b = cnn_new(&narrow, 2, NULL), *c = cnn_new(&wide, 3, NULL);
    ((float *)cnn_state(a))[4] = 0.1f;
    const char *path = tiny_path("w.safetensors"), *path_wide = tiny_path("wide.safetensors");
    assert_true(cnn_save(a, path, NULL));
    assert_true(cnn_load(b, path, false, NULL, NULL, NULL));
    assert_memory_equal(cnn_weights(a), cnn_weights(b), 21 * sizeof(float));
    assert_memory_equal(cnn_state(a), cnn_state(b), 6 * sizeof(float));
    assert_true(cnn_load(c, path, false, NULL, NULL, NULL));            /* float into double and back */
    assert_true(cnn_save(c, path_wide, NULL));
    memset(cnn_weights(b), 0, 21 * sizeof(float));
    assert_true(cnn_load(b, path_wide, false, NULL, NULL, NULL));
    assert_memory_equal(cnn_weights(a), cnn_weights(b), 21 * sizeof(float));

    size_t bytes, again;
    char *first = tiny_read(path, &bytes);
    assert_true(cnn_save(b, path, NULL));
    char *second = tiny_read(path, &again);
    assert_int_equal(bytes, again);
    assert_memory_equal(first, second, bytes);
    assert_int_equal((bytes - 27 * sizeof(float)) % 8, 0);              /* the numbers begin aligned */
    free(first);
    free(second);
    cnn_free(a);
    cnn_free(b);
    cnn_free(c);
}

static void weights_that_do_not_fit_are_listed_and_leave_the_network_alone(void **state)
{
    (void)state;
    const cnn_model linear = tiny_float_linear(), stats = tiny_float_stats();
    cnn_model other = linear;
    static const cnn_tensor tensors[] = {
        { "dense1.weight", 2, { 3, 5 }, 0, 15, 5, 3, CNN_INIT_GLOROT },
        { "dense2.bias", 1, { 6 }, 15, 6, 5, 3, CNN_INIT_ZEROS },
    };
    other.weights = tensors;
    cnn_net *theirs = cnn_new(&other, 1, NULL), *ours = cnn_new(&stats, 2, NULL), *plain = cnn_new(&linear, 3, NULL);
    const char *path = tiny_path("other.safetensors");
    float before[21];
    cnn_error error;
    Notes notes = { 0 };
    memcpy(before, cnn_weights(ours), sizeof before);
    assert_true(cnn_save(theirs, path, NULL));
    assert_false(cnn_load(ours, path, false, take_note, &notes, &error));
    assert_non_null(strstr(error.text, "does not fit the network Stats:\n  dense1.weight is [3, 5], but the network has [3, 6]\n"
                                       "  dense1.bias [3] is missing\n  centre1.running_mean [6] is missing"));
    assert_memory_equal(before, cnn_weights(ours), sizeof before);
    assert_int_equal(notes.count, 0);

    assert_true(cnn_load(ours, path, true, take_note, &notes, &error));
    assert_int_equal(notes.count, 4);           /* three that are not loaded, one about the others */
    assert_memory_equal(before, cnn_weights(ours), sizeof before);

    assert_true(cnn_save(ours, path, NULL));    /* a tensor too many is only a note */
    notes.count = 0;
    assert_true(cnn_load(plain, path, false, take_note, &notes, &error));
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.last, "1 tensor that the network does not have, such as centre1.running_mean, is left alone"));
    assert_memory_equal(cnn_weights(plain), cnn_weights(ours), 21 * sizeof(float));
    cnn_free(theirs);
    cnn_free(ours);
    cnn_free(plain);
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void the_checksum_is_that_of_ecma_182(void **state)
{
    (void)state;
    assert_int_equal(cnn_stored_sum(0, "123456789", 9), 0x995dc9bbdf1939fau);           /* CRC-64/XZ's check value */
    assert_int_equal(cnn_stored_sum(cnn_stored_sum(0, "1234", 4), "56789", 5), 0x995dc9bbdf1939fau);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_rules_allow_is_read),
        cmocka_unit_test(what_they_forbid_is_not),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(weights_come_back_as_they_went),
        cmocka_unit_test(weights_that_do_not_fit_are_listed_and_leave_the_network_alone),
        cmocka_unit_test(the_checksum_is_that_of_ecma_182),
    };
    return cmocka_run_group_tests(tests, tiny_folder_make, tiny_folder_remove);
}
