/* picture_test.c: pictures in files and folders of them, and sets that are larger than memory. */
#include "tiny.h"
#include "../../runtime/cifar.h"
#include "../../runtime/data.h"
#include "../../runtime/memory.h"
#include "../../runtime/picture.h"

#include <sys/stat.h>

#define CORPUS "fuzz/picture/"

static void is(const char *file, int64_t h, int64_t w, int channels, const uint8_t *bytes)
{
    Picture p;
    cnn_error error = { "" };
    if (!cnn_picture_read(&p, file, false, &error))
        fail_msg("%s", error.text);
    if (p.h != h || p.w != w || p.channels != channels || memcmp(p.bytes, bytes, (size_t)(h * w) * (size_t)channels))
        fail_msg("%s is %ldx%ld with %d channels, or has other bytes", file, (long)p.h, (long)p.w, p.channels);
    cnn_picture_free(&p);
    assert_true(cnn_picture_read(&p, file, true, &error));
    assert_true(p.h == h && p.w == w && p.channels == channels && !p.bytes);
    cnn_picture_free(&p);
}

static void refused(const char *file, const char *why)
{
    Picture p;
    cnn_error error = { "" };
    if (cnn_picture_read(&p, file, false, &error) || !strstr(error.text, why) || !strstr(error.text, file))
        fail_msg("%s: '%s' does not say '%s'", file, error.text, why);
    assert_int_equal(cnn_memory_blocks(), 0);
}

#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ })

static void pgm_and_ppm_are_read(void **state)
{
    (void)state;
    is(CORPUS "grey.pgm", 2, 3, 1, BYTES(10, 20, 30, 40, 50, 60));
    is(CORPUS "colour.ppm", 1, 2, 3, BYTES(255, 0, 0, 0, 255, 0));
    is(CORPUS "text.pgm", 1, 3, 1, BYTES(0, 119, 255));
    is(CORPUS "text.ppm", 1, 1, 3, BYTES(1, 2, 3));
    is(CORPUS "deep.pgm", 1, 2, 1, BYTES(18, 255));
    refused(CORPUS "short.pgm", "a PGM of 2x3 needs 6 bytes after byte 11, but the file has 3 there");
    refused(CORPUS "over.pgm", "byte 12 is 200, but the largest value is 100");
    refused(CORPUS "text_short.pgm", "byte 17 begins a value, a number up to 15, but none is there");
    refused(CORPUS "wide.pgm", "byte 3 begins the width, a number up to 32768, but none is there");
    refused(CORPUS "none.pgm", "none of them can be 0");
    refused("fuzz/data/cifar", "begins neither as a PNG nor as a PGM or PPM");
    refused("fuzz/picture", "is a folder, but a file was expected");
}

static void png_is_read(void **state)
{
    (void)state;
    Picture p;
    cnn_error error = { "" };
    if (!cnn_picture_read(&p, CORPUS "grey.png", false, &error)) {
        assert_non_null(strstr(error.text, "PNG is not supported by this build of libcnn"));
        skip();
    }
    cnn_picture_free(&p);
    is(CORPUS "grey.png", 2, 3, 1, BYTES(10, 20, 30, 40, 50, 60));
    is(CORPUS "interlaced.png", 2, 3, 1, BYTES(10, 20, 30, 40, 50, 60));
    is(CORPUS "colour.png", 2, 3, 3, BYTES(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 100, 150, 200));
    is(CORPUS "palette.png", 2, 3, 3, BYTES(255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0));
    is(CORPUS "bits.png", 2, 3, 1, BYTES(255, 0, 255, 0, 255, 0));
    is(CORPUS "deep.png", 1, 2, 1, BYTES(18, 255));
    is(CORPUS "alpha.png", 1, 2, 3, BYTES(200, 100, 50, 0, 0, 0));
    refused(CORPUS "short.png", "is damaged: ");
    refused(CORPUS "damaged.png", "is damaged: ");
    refused(CORPUS "huge.png", "says at byte 16 that it is 30000x30000, more than 73 bytes can hold");
    refused(CORPUS "none.png", "says at byte 16 that it is 7x0");
}

static void pictures_become_the_size_of_the_network(void **state)
{
    (void)state;
    uint8_t grey[] = { 0, 100, 200, 100 }, colour[] = { 255, 0, 0, 10, 20, 30 }, to[48];
    Picture p = { .h = 2, .w = 2, .channels = 1, .bytes = grey }, q = { .h = 1, .w = 2, .channels = 3, .bytes = colour };
    assert_true(cnn_picture_fit(&p, 3, 2, 2, to, NULL));        /* its own size: nothing is lost; grey is all three */
    for (int k = 0; k < 3; k++)
        assert_memory_equal(to + 4 * k, grey, 4);
    assert_true(cnn_picture_fit(&p, 1, 1, 1, to, NULL));
    assert_int_equal(to[0], 100);
    assert_true(cnn_picture_fit(&p, 1, 2, 4, to, NULL));
    assert_memory_equal(to, BYTES(0, 25, 75, 100), 4);
    assert_true(cnn_picture_fit(&q, 1, 1, 2, to, NULL));
    assert_memory_equal(to, BYTES(76, 18), 2);
    assert_true(cnn_picture_fit(&q, 3, 1, 2, to, NULL));        /* planes, as networks want them */
    assert_memory_equal(to, BYTES(255, 10, 0, 20, 0, 30), 6);
    uint8_t flat[7 * 5];
    memset(flat, 200, sizeof flat);
    p = (Picture){ .h = 7, .w = 5, .channels = 1, .bytes = flat };
    assert_true(cnn_picture_fit(&p, 1, 3, 4, to, NULL));        /* what is even stays even */
    for (int i = 0; i < 12; i++)
        assert_int_equal(to[i], 200);
}

/* ---- a folder for each class */

static void write_pgm(const char *name, int h, int w, int value)
{
    char text[64];
    int head = snprintf(text, sizeof text, "P5 %d %d 255\n", w, h);
    memset(text + head, value, (size_t)(h * w));
    text[head] = (char)(value + 1);
    tiny_write(tiny_path(name), text, (size_t)(head + h * w));
}

static void folder(const char *name)
{
    assert_int_equal(mkdir(tiny_path(name), 0777), 0);
}

static void same_sets(const Set *a, const Set *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        float x[6], y[6], buffer[12];
        assert_true(cnn_set_image(a, i, x, &cnn_reals_float, buffer, NULL) && cnn_set_image(b, i, y, &cnn_reals_float, buffer, NULL));
        assert_memory_equal(x, y, sizeof x);
        assert_int_equal(a->labels[i], b->labels[i]);
    }
}

static void folders_are_classes(void **state)
{
    (void)state;
    cnn_model model = tiny_float_linear();
    char where[128];
    snprintf(where, sizeof where, "%s", tiny_path("p"));
    SETTINGS(model, SETTING("source", "folder", { "dir", 0, where }));
    cnn_net *net = cnn_new(&model, 1, NULL);
    cnn_error error = { "" };
    char buffer[24];
    folder("p"), folder("p/train"), folder("p/train/plum"), folder("p/train/apple"), folder("p/train/pear"), folder("p/test"), folder("p/test/plum");
    write_pgm("p/train/plum/a.pgm", 2, 3, 30);
    write_pgm("p/train/apple/b.PGM", 2, 3, 10);
    write_pgm("p/train/apple/a.pgm", 4, 6, 11);                 /* another size */
    write_pgm("p/test/plum/t.pgm", 2, 3, 33);
    tiny_write(tiny_path("p/train/plum/notes.txt"), "x", 1);
    assert_null(cnn_data_open(net, NULL, &error));
    assert_non_null(strstr(error.text, "p/train/pear: holds no pictures at all: PNG, PGM or PPM were expected"));
    tiny_write(tiny_path("p/train/pear/c.jpg"), "x", 1);
    assert_null(cnn_data_open(net, NULL, &error));
    assert_non_null(strstr(error.text, "p/train/pear: holds no pictures, but c.jpg: PNG, PGM or PPM were expected"));
    write_pgm("p/train/pear/c.pgm", 2, 3, 20);
    error.text[0] = 0;

    cnn_data *data = cnn_data_open(net, NULL, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(data->train.count, 4);
    assert_true(data->train.labels[0] == 0 && data->train.labels[1] == 0 && data->train.labels[2] == 1 && data->train.labels[3] == 2);
    assert_int_equal(((uint8_t *)data->train.images)[6 * 2], 21);
    assert_true(data->test.count == 1 && data->test.labels[0] == 2);
    assert_string_equal(cnn_data_label(&model, data, 1, buffer), "pear");
    assert_non_null(strstr(cnn_data_note(data), "p: 1 picture of another size is scaled to 2x3; 2 files are no PNG, PGM or PPM, and left out"));

    setenv("CNN_MEMORY", "7", 1);               /* larger than memory: read when needed, with the same result */
    cnn_data *streamed = cnn_data_open(net, NULL, &error);
    unsetenv("CNN_MEMORY");
    assert_string_equal(error.text, "");
    assert_null(streamed->train.images);
    same_sets(&data->train, &streamed->train);
    assert_string_equal(cnn_data_note(data), cnn_data_note(streamed));
    float x[6], room[12];
    assert_int_equal(unlink(tiny_path("p/train/pear/c.pgm")), 0);
    assert_false(cnn_set_image(&streamed->train, 2, x, &cnn_reals_float, room, &error));
    assert_non_null(strstr(error.text, "pear/c.pgm: cannot be opened"));
    cnn_data_free(streamed);
    cnn_data_free(data);

    folder("p/train/quince");
    assert_null(cnn_data_open(net, NULL, &error));
    assert_non_null(strstr(error.text, "p/train: holds 4 folders, one for each class, but the network knows 3 classes"));
    assert_int_equal(rmdir(tiny_path("p/train/quince")), 0);
    tiny_write(tiny_path("p/train/pear/c.pgm"), "P5 3 2 255\n12", 13);
    assert_null(cnn_data_open(net, NULL, &error));
    assert_non_null(strstr(error.text, "pear/c.pgm: a PGM of 2x3 needs 6 bytes after byte 11, but the file has 2 there"));
    cnn_free(net);
    assert_int_equal(cnn_memory_blocks(), 0);
}

/* ---- larger than memory */

static void cifar_larger_than_memory_gives_the_same_images(void **state)
{
    (void)state;
    enum { RECORD = 2 + CIFAR_PIXELS, IMAGES = 5 };
    unsigned char *records = calloc(IMAGES, RECORD);
    char *names[] = { "train_1.bin", "train_2.bin" };
    Set whole = { .file.fd = -1 }, streamed = { .file.fd = -1 };
    float x[CIFAR_PIXELS], y[CIFAR_PIXELS];
    double buffer[CIFAR_PIXELS];
    cnn_error error = { "" };
    for (int i = 0; i < IMAGES * RECORD; i++)
        records[i] = (unsigned char)(i % RECORD == 1 ? i / RECORD * 17 % 100 : i * 31 % 251);
    tiny_write(tiny_path(names[0]), records, 2 * RECORD);
    tiny_write(tiny_path(names[1]), records + 2 * RECORD, 3 * RECORD);
    assert_true(cnn_cifar_load(&whole, tiny_folder, names, 2, 2, 100, &error));
    setenv("CNN_MEMORY", "10000", 1);
    assert_true(cnn_cifar_load(&streamed, tiny_folder, names, 2, 2, 100, &error));
    unsetenv("CNN_MEMORY");
    assert_true(whole.images && !streamed.images && streamed.count == IMAGES);
    for (size_t i = IMAGES; i-- > 0;) {
        assert_true(cnn_set_image(&whole, i, x, &cnn_reals_float, buffer, &error) && cnn_set_image(&streamed, i, y, &cnn_reals_float, buffer, &error));
        assert_memory_equal(x, y, sizeof x);
        assert_int_equal(whole.labels[i], streamed.labels[i]);
    }
    assert_int_equal(truncate(tiny_path(names[1]), 2 * RECORD), 0);
    assert_false(cnn_set_image(&streamed, 4, y, &cnn_reals_float, buffer, &error));
    assert_non_null(strstr(error.text, "train_2.bin: ends at byte "));
    cnn_set_free(&whole);
    cnn_set_free(&streamed);
    free(records);
    assert_int_equal(cnn_memory_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pgm_and_ppm_are_read),
        cmocka_unit_test(png_is_read),
        cmocka_unit_test(pictures_become_the_size_of_the_network),
        cmocka_unit_test(folders_are_classes),
        cmocka_unit_test(cifar_larger_than_memory_gives_the_same_images),
    };
    return cmocka_run_group_tests(tests, tiny_folder_make, tiny_folder_remove);
}
