/* data_test.c: files of images that are right, and files that lie. */
#include "tiny.h"
#include "../../runtime/cifar.h"
#include "../../runtime/data.h"
#include "../../runtime/idx.h"
#include "../../runtime/memory.h"
#include "../../runtime/net.h"
#include "../../runtime/npy.h"
#include "../../runtime/rows.h"

/* ---- IDX */

/* Two images of 2x3 and their labels 2 and 0. */
static const char idx_images[] = "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3" "\1\2\3\4\5\6" "\7\10\11\12\13\377";
static const char idx_labels[] = "\0\0\10\1\0\0\0\2" "\2\0";

static bool idx(const char *images, size_t image_bytes, const char *labels, size_t label_bytes, Set *set, cnn_error *error)
{
    *set = (Set){ .file.fd = -1 };
    const char *x = tiny_path("x-idx"), *y = tiny_path("y-idx");
    tiny_write(x, images, image_bytes);
    tiny_write(y, labels, label_bytes);
    return cnn_idx_load(set, x, y, 3, error);
}

static void idx_refused(const char *images, size_t image_bytes, const char *labels, size_t label_bytes, const char *why)
{
    Set set;
    cnn_error error = { "" };
    if (idx(images, image_bytes, labels, label_bytes, &set, &error) || !strstr(error.text, why))
        fail_msg("'%s' does not say '%s'", error.text, why);
    cnn_set_free(&set);
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void idx_files_are_read(void **state)
{
    (void)state;
    Set set;
    assert_true(idx(idx_images, 28, idx_labels, 10, &set, NULL));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.labels[0], 2);
    float x[6], t[3], buffer[12];
    assert_true(cnn_set_image(&set, 1, x, &cnn_reals_float, buffer, NULL));
    assert_true(x[0] == 7 && x[5] == 255);
    cnn_set_target(&set, 0, t, &cnn_reals_float);
    assert_true(t[0] == 0 && t[1] == 0 && t[2] == 1);
    cnn_set_free(&set);

    setenv("CNN_MEMORY", "5", 1);               /* larger than memory: read from the file, with the same result */
    assert_true(idx(idx_images, 28, idx_labels, 10, &set, NULL));
    assert_null(set.images);
    memset(x, 0, sizeof x);
    assert_true(cnn_set_image(&set, 1, x, &cnn_reals_float, buffer, NULL));
    assert_true(x[0] == 7 && x[5] == 255);
    cnn_error error;
    assert_int_equal(truncate(set.file.path, 20), 0);
    assert_false(cnn_set_image(&set, 1, x, &cnn_reals_float, buffer, &error));
    assert_non_null(strstr(error.text, "ends at byte"));
    cnn_set_free(&set);
    unsetenv("CNN_MEMORY");
}

static void idx_files_that_lie_are_refused(void **state)
{
    (void)state;
    char lie[28];
    memcpy(lie, idx_images, 28);
    idx_refused(lie, 27, idx_labels, 10, "2 images of 2x3 are 12 bytes after byte 16, but the file has 11 there");
    idx_refused(lie, 10, idx_labels, 10, "ends at byte 10");
    lie[3] = 1;
    idx_refused(lie, 28, idx_labels, 10, "begins with the bytes 00 00 08 01, but IDX images begin with 00 00 08 03");
    lie[3] = 3;
    memset(lie + 4, 0xff, 12);
    idx_refused(lie, 28, idx_labels, 10, "more than this machine can address");
    memcpy(lie, idx_images, 28);
    memset(lie + 4, 0, 4);
    idx_refused(lie, 28, idx_labels, 10, "says at byte 4 that it holds no images");
    idx_refused(idx_images, 28, "\0\0\10\1\0\0\0\3\2\0\1", 11, "holds 3 labels, but");
    idx_refused(idx_images, 28, "\0\0\10\1\0\0\0\2\2\3", 10, "byte 9 is the label 3, but the network's labels are 0 to 2");
    idx_refused(idx_images, 28, "\0\0\10\1\0\0\0\2\2", 9, "the file has 1 there");
}

static void packed_files_are_read_and_checked(void **state)
{
    (void)state;
    Set set;
    cnn_error error = { "" };
    const char *x = tiny_path("p"), *y = tiny_path("q");
    char command[600];
    tiny_write(x, idx_images, 28);
    tiny_write(y, idx_labels, 10);
    snprintf(command, sizeof command, "gzip -nkf %s %s", x, y);
    assert_int_equal(system(command), 0);
    set = (Set){ .file.fd = -1 };
    bool good = cnn_idx_load(&set, tiny_path("p.gz"), tiny_path("q.gz"), 3, &error);
    if (!good && strstr(error.text, "without zlib")) {
        cnn_set_free(&set);
        skip();
    }
    assert_true(good);
    assert_int_equal(((uint8_t *)set.images)[11], 255);
    cnn_set_free(&set);

    size_t bytes;
    char *packed = tiny_read(tiny_path("p.gz"), &bytes);
    for (size_t i = 0; i < bytes; i++) {        /* any damage is found, or harmless, like that of the date */
        char kept = packed[i];
        packed[i] = (char)(kept ^ 0x41);
        tiny_write(tiny_path("damaged.gz"), packed, bytes);
        packed[i] = kept;
        set = (Set){ .file.fd = -1 };
        if (cnn_idx_load(&set, tiny_path("damaged.gz"), y, 3, &error))
            assert_memory_equal(set.images, idx_images + 16, 12);
        cnn_set_free(&set);
        tiny_write(tiny_path("short.gz"), packed, i);
        set = (Set){ .file.fd = -1 };
        assert_false(cnn_idx_load(&set, tiny_path("short.gz"), y, 3, &error));
        cnn_set_free(&set);
    }
    free(packed);
    assert_int_equal(cnn_memory_blocks(), 0);
}

/* ---- npy */

static size_t npy(char *to, const char *header, const void *numbers, size_t bytes)
{
    size_t length = strlen(header);
    memcpy(to, "\x93NUMPY\1\0", 8);
    to[8] = (char)length;
    to[9] = (char)(length >> 8);
    memcpy(to + 10, header, length);
    memcpy(to + 10 + length, numbers, bytes);
    return 10 + length + bytes;
}

static bool load_npy(const char *header, const void *numbers, size_t bytes, Set *set, cnn_error *error)
{
    char file[512];
    *set = (Set){ .file.fd = -1 };
    tiny_write(tiny_path("x.npy"), file, npy(file, header, numbers, bytes));
    return cnn_npy_images(set, tiny_path("x.npy"), error);
}

static void npy_refused(const char *header, size_t bytes, const char *why)
{
    char numbers[256] = { 0 };
    Set set;
    cnn_error error = { "" };
    if (load_npy(header, numbers, bytes, &set, &error) || !strstr(error.text, why))
        fail_msg("%s: '%s' does not say '%s'", header, error.text, why);
    cnn_set_free(&set);
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void npy_files_are_read(void **state)
{
    (void)state;
    Set set;
    float numbers[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.5f }, x[6];
    assert_true(load_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 2, 3), }      \n", numbers, 48, &set, NULL));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.rank, 3);
    assert_true(cnn_set_image(&set, 1, x, &cnn_reals_float, NULL, NULL));
    assert_true(x[5] == 12.5f);
    cnn_set_free(&set);
    assert_true(load_npy("{\"shape\":(2,6),\"fortran_order\":False,\"descr\":\"<f4\"}", numbers, 48, &set, NULL));
    assert_int_equal(set.rank, 1);
    cnn_set_free(&set);
    assert_true(load_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (48, 1), }", numbers, 48, &set, NULL));
    cnn_set_free(&set);
}

static void npy_files_that_lie_are_refused(void **state)
{
    (void)state;
    npy_refused("", 0, "ends at byte 10");
    npy_refused("{ ", 0, "a string was expected");
    npy_refused("{'descr': '<f4', 'fortran_order': False, }", 48, "lacks descr, fortran_order or shape");
    npy_refused("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 6), }", 48, "type is '>f4'");
    npy_refused("{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (2, 6), }", 48, "holds records");
    npy_refused("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 6), }", 48, "Fortran's order");
    npy_refused("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 6), }", 48, "False was expected");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 7), }", 48, "are 56 bytes after byte");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 5), }", 48, "the file has 48 there");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 6), }", 48, "a size was expected");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", 48, "more numbers than");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 48, "too long");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, "more than 8 axes");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 6), }", 0, "shape is [0, 6]");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (12,), }", 48, "[images, features] was expected");
    npy_refused("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }", 48, "images are float32, float64 or uint8");
    npy_refused("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 6), }", 48, "once each");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 6), } x", 48, "goes on after its dictionary");
}

static void targets_are_checked(void **state)
{
    (void)state;
    static const struct { const char *header, *why; int bytes; int64_t first; } tries[] = {
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", NULL, 16, 2 },
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1), }", NULL, 16, 2 },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", NULL, 48, 0 },
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "target 0 is the label 3, but the network's labels are 0 to 2", 16, 3 },
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "target 0 is the label -1", 16, -1 },
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", "holds 2 images", 24, 0 },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", "targets in float are [images, 3]", 32, 0 },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", "is not finite", 48, 0x7ff0000000000000 },
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        float numbers[12] = { 0 };
        int64_t targets[8] = { tries[i].first };
        char file[512];
        Set set;
        cnn_error error = { "" };
        assert_true(load_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 6), }", numbers, 48, &set, NULL));
        tiny_write(tiny_path("y.npy"), file, npy(file, tries[i].header, targets, (size_t)tries[i].bytes));
        bool good = cnn_npy_targets(&set, tiny_path("y.npy"), 3, &error);
        if (good == (tries[i].why != NULL) || (tries[i].why && !strstr(error.text, tries[i].why)))
            fail_msg("%s: '%s'", tries[i].header, error.text);
        cnn_set_free(&set);
    }
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void npy_files_are_written_as_numpy_does(void **state)
{
    (void)state;
    float numbers[6] = { 1, 2, 3, 4, 5, 6 };
    size_t bytes;
    assert_true(cnn_npy_save(tiny_path("o.npy"), &cnn_reals_float, numbers, (int64_t[]){ 2, 3 }, 2, NULL));
    char *file = tiny_read(tiny_path("o.npy"), &bytes);
    assert_int_equal(bytes, 128 + 24);
    assert_memory_equal(file, "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  ", 71);
    assert_int_equal(file[127], '\n');
    assert_memory_equal(file + 128, numbers, 24);
    free(file);
}

/* ---- CIFAR, rows, folders */

static void cifar_files_are_read_one_after_the_other(void **state)
{
    (void)state;
    enum { RECORD = 1 + CIFAR_PIXELS };
    unsigned char *records = calloc(2, RECORD);
    char *names[] = { "data_batch_1.bin", "data_batch_2.bin" };
    Set set = { .file.fd = -1 };
    cnn_error error = { "" };
    records[0] = 9;
    records[RECORD] = 3;
    records[2 * RECORD - 1] = 77;
    tiny_write(tiny_path(names[0]), records, 2 * RECORD);
    tiny_write(tiny_path(names[1]), records + RECORD, RECORD);
    assert_true(cnn_cifar_load(&set, tiny_folder, names, 2, 1, 10, NULL));
    assert_int_equal(set.count, 3);
    assert_true(set.labels[0] == 9 && set.labels[1] == 3 && set.labels[2] == 3);
    assert_int_equal(((uint8_t *)set.images)[3 * CIFAR_PIXELS - 1], 77);
    cnn_set_free(&set);

    tiny_write(tiny_path(names[1]), records, 2 * RECORD - 1);
    set = (Set){ .file.fd = -1 };
    assert_false(cnn_cifar_load(&set, tiny_folder, names, 2, 1, 10, &error));
    assert_non_null(strstr(error.text, "data_batch_2.bin: has 6145 bytes, but a CIFAR file has a multiple of 3073"));
    cnn_set_free(&set);
    records[RECORD] = 10;
    tiny_write(tiny_path(names[1]), records, 2 * RECORD);
    set = (Set){ .file.fd = -1 };
    assert_false(cnn_cifar_load(&set, tiny_folder, names, 2, 1, 10, &error));
    assert_non_null(strstr(error.text, "data_batch_2.bin: byte 3073 is the label 10, but the network's labels are 0 to 9"));
    cnn_set_free(&set);
    free(records);
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void rows_are_images(void **state)
{
    (void)state;
    static const double rows[] = { 0, 1, 2, 3, 4, 5, 2, 6, 5, 4, 3, 2, 1, 0 };
    cnn_model model = tiny_double_linear();
    Set set = { .file.fd = -1 };
    cnn_error error;
    model.rows = rows;
    model.row_count = 2;
    model.row_inputs = 6;
    model.row_targets = 1;
    assert_true(cnn_rows_load(&set, &model, NULL));
    assert_true(set.count == 2 && set.labels[0] == 2 && set.labels[1] == 0);
    cnn_set_free(&set);
    model.row_inputs = 5;
    assert_false(cnn_rows_load(&set, &model, &error));
    assert_non_null(strstr(error.text, "have 5 inputs and 1 targets, but the network has 6 inputs and 3 outputs"));
    cnn_set_free(&set);
}

static void a_data_set_that_is_not_there_is_described(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    cnn_error error = { "" };
    SETTINGS(model, { "source", "fashion_mnist", NULL, 0 });
    cnn_net *net = cnn_new(&model, 1, NULL);
    setenv("CNN_DATA", "/nowhere", 1);
    assert_null(cnn_data_open(net, NULL, &error));
    unsetenv("CNN_DATA");
    assert_non_null(strstr(error.text, "the data set fashion_mnist was not found. Looked in:\n    /nowhere\n    /nowhere/fashion_mnist\n"));
    assert_non_null(strstr(error.text, "\n    data/fashion-mnist\n"));
    assert_non_null(strstr(error.text, "train-images-idx3-ubyte (47040016 bytes, .gz 26421880)"));
    assert_non_null(strstr(error.text, "https://"));
    assert_non_null(strstr(error.text, "--data DIR or CNN_DATA=DIR"));
    cnn_free(net);
    model.settings = NULL;
    model.setting_count = 0;
    net = cnn_new(&model, 1, NULL);
    assert_null(cnn_data_open(net, NULL, &error));
    assert_non_null(strstr(error.text, "without a train block"));

    tiny_write(tiny_path("train-images-idx3-ubyte"), idx_images, 28);
    tiny_write(tiny_path("train-labels-idx1-ubyte"), idx_labels, 10);
    cnn_data *data = cnn_data_open(net, tiny_folder, NULL);             /* told from what is there */
    assert_int_equal(cnn_data_training_images(data), 2);
    assert_int_equal(cnn_data_test_images(data), 0);
    cnn_data_free(data);
    cnn_free(net);
    assert_int_equal(cnn_memory_blocks(), 0);
}

static void the_mean_and_deviation_of_the_images_are_learnt(void **state)
{
    (void)state;
    static const cnn_tensor statistics[] = {
        { "normalise1.mean", 1, { 1 }, 0, 1, 0, 0, CNN_INIT_DATA_MEAN },
        { "normalise1.deviation", 1, { 1 }, 1, 1, 0, 0, CNN_INIT_DATA_DEVIATION },
    };
    cnn_model model = tiny_double_linear();
    model.state = statistics;
    model.state_tensors = 2;
    model.state_count = 2;
    cnn_net *net = cnn_new(&model, 1, NULL);
    double x[18] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 }, t[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    cnn_data *data = cnn_data_arrays(net, x, t, 3, NULL);
    cnn_plan plan = cnn_plan_of(&model);
    plan.rate = 0;
    assert_true(cnn_train(net, data, &plan, NULL, NULL, NULL));
    const double *s = cnn_state(net);
    assert_true(s[0] == 9.5 && fabs(s[1] - sqrt(323.0 / 12)) < 1e-15);
    cnn_data_free(data);
    cnn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_files_are_read),
        cmocka_unit_test(idx_files_that_lie_are_refused),
        cmocka_unit_test(packed_files_are_read_and_checked),
        cmocka_unit_test(npy_files_are_read),
        cmocka_unit_test(npy_files_that_lie_are_refused),
        cmocka_unit_test(targets_are_checked),
        cmocka_unit_test(npy_files_are_written_as_numpy_does),
        cmocka_unit_test(cifar_files_are_read_one_after_the_other),
        cmocka_unit_test(rows_are_images),
        cmocka_unit_test(a_data_set_that_is_not_there_is_described),
        cmocka_unit_test(the_mean_and_deviation_of_the_images_are_learnt),
    };
    return cmocka_run_group_tests(tests, tiny_folder_make, tiny_folder_remove);
}
