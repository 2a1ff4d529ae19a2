/* tiny.h: what the tests of the runtime share: small networks, settings for them, and images to learn. */
#ifndef TESTS_RUNTIME_TINY_H
#define TESTS_RUNTIME_TINY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cnn_tensor tiny_weights[] = {
    { "dense1.weight", 2, { 3, 6 }, 0, 18, 6, 3, CNN_INIT_GLOROT },
    { "dense1.bias", 1, { 3 }, 18, 3, 6, 3, CNN_INIT_ZEROS },
};
static const cnn_tensor tiny_state[] = { { "centre1.running_mean", 1, { 6 }, 0, 6, 0, 0, CNN_INIT_ZEROS } };

#define REAL float
#define TINY(name) tiny_float_##name
#include "tiny_model.h"
#undef REAL
#undef TINY
#define REAL double
#define TINY(name) tiny_double_##name
#include "tiny_model.h"
#undef REAL
#undef TINY

/* Settings of a train block: SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, ...). */
#define SETTING(name, word, ...) { name, word, (const cnn_argument[]){ __VA_ARGS__ }, sizeof((cnn_argument[]){ __VA_ARGS__ }) / sizeof(cnn_argument) }
/* Lives as long as the block it is written in. */
#define SETTINGS(model, ...) \
    (model).settings = (const cnn_setting[]){ __VA_ARGS__ }; \
    (model).setting_count = sizeof((cnn_setting[]){ __VA_ARGS__ }) / sizeof(cnn_setting)

/* Noisy images of three classes, and their targets, one of three. */
static inline void tiny_images(const cnn_net *net, void *x, void *target, size_t count, uint32_t seed)
{
    bool wide = cnn_model_of(net)->real_bytes == 8;
    for (size_t i = 0; i < count; i++) {
        int class = (int)(i % 3);
        for (int k = 0; k < 6; k++) {
            seed = seed * 1664525u + 1013904223u;
            double v = (double)(seed >> 8) / (1 << 24) - 0.5 + (k % 3 == class);
            wide ? (void)(((double *)x)[6 * i + (size_t)k] = v) : (void)(((float *)x)[6 * i + (size_t)k] = (float)v);
        }
        for (int k = 0; k < 3; k++)
            wide ? (void)(((double *)target)[3 * i + (size_t)k] = k == class) : (void)(((float *)target)[3 * i + (size_t)k] = k == class);
    }
}

static inline cnn_data *tiny_data(const cnn_net *net, size_t count, uint32_t seed)
{
    void *x = calloc(count, 6 * sizeof(double)), *target = calloc(count, 3 * sizeof(double));
    cnn_error error = { "" };
    tiny_images(net, x, target, count, seed);
    cnn_data *data = cnn_data_arrays(net, x, target, count, &error);
    free(x);
    free(target);
    assert_string_equal(error.text, "");
    return data;
}

/* A folder of its own for a test program; tiny_path("x") is a file in it, valid until eight more are asked for. */
static char tiny_folder[] = "/tmp/cnn-test-XXXXXX";

static inline int tiny_folder_make(void **state)
{
    (void)state;
    return mkdtemp(tiny_folder) ? 0 : -1;
}

static inline int tiny_folder_remove(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", tiny_folder);
    return system(command);
}

static inline const char *tiny_path(const char *name)
{
    static char paths[8][128];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", tiny_folder, name);
    return path;
}

static inline void tiny_write(const char *path, const void *from, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(from, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* The whole file; for free(). */
static inline char *tiny_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(*bytes + 1, 1);
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    fclose(file);
    return text;
}

#endif
