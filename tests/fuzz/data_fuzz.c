/* data_fuzz.c: any bytes as a data file: the first byte says of which kind, the rest is the file. Read without a step out of bounds, or
 * refused with a sentence.
 *
 * The corpus in data/ is run by the tests (see CMakeLists.txt for how to look for more). */
#define _GNU_SOURCE
#include "../../runtime/cifar.h"
#include "../../runtime/idx.h"
#include "../../runtime/memory.h"
#include "../../runtime/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Not assert: it has to hold in every build. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "data_fuzz: %s\n", what);
    abort();
}

/* A file in memory; its path is in `path`. */
static int file_of(const uint8_t *bytes, size_t length, char path[64])
{
    int fd = memfd_create("fuzz", 0);
    require(fd >= 0 && write(fd, bytes, length) == (ssize_t)length, "no file in memory");
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* Every image and target of a set can be read. */
static void use(const Set *set)
{
    size_t count = set->count < 64 ? set->count : 64;
    double *to = calloc(set->inputs + set->outputs, sizeof *to), *buffer = calloc(set->inputs, sizeof *buffer);
    for (size_t i = 0; to && buffer && i < count; i++) {
        require(cnn_set_image(set, i, to, &cnn_reals_double, buffer, NULL), "an image that is there cannot be read");
        cnn_set_target(set, i, to, &cnn_reals_double);
    }
    free(to);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    enum { IMAGES, LABELS, NPY, TARGETS, CIFAR, KINDS };
    static const uint8_t images[] = "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3" "\1\2\3\4\5\6" "\7\10\11\12\13\14", labels[] = "\0\0\10\1\0\0\0\2" "\2\1";
    if (!length)
        return 0;
    char path[64], image_path[64], label_path[64];
    int kind = bytes[0] % KINDS, fd = file_of(bytes + 1, length - 1, path), x = file_of(images, 28, image_path), y = file_of(labels, 10, label_path);
    Set set = { .file.fd = -1 };
    cnn_error error = { "" };
    bool good = false;
    switch (kind) {
    case IMAGES: good = cnn_idx_load(&set, path, label_path, 3, &error); break;
    case LABELS: good = cnn_idx_load(&set, image_path, path, 3, &error); break;
    case NPY:
    case TARGETS:
        if (kind == NPY) {
            good = cnn_npy_images(&set, path, &error);
            set.outputs = 1;
            if (good)
                set.labels = cnn_memory_get(set.count, sizeof *set.labels, "labels", NULL);
        } else {
            good = cnn_idx_load(&set, image_path, label_path, 3, &error);
            cnn_memory_release(set.labels);
            set.labels = NULL;
            good = good && cnn_npy_targets(&set, path, 3, &error);
        }
        break;
    case CIFAR: good = cnn_cifar_load(&set, "", (char *[]){ path }, 1, 1, 10, &error); break;
    }
    if (good)
        use(&set);
    require(good == !error.text[0], "a refusal says nothing, or no refusal says something");
    cnn_set_free(&set);
    require(cnn_memory_blocks() == 0, "memory is left");
    close(fd);
    close(x);
    close(y);
    return 0;
}
