/* picture_fuzz.c: any bytes as a picture: decoded and brought to another size without a step out of bounds, or refused with a sentence; the
 * sizes alone are those of the whole.
 *
 * The corpus in picture/ is run by the tests (see CMakeLists.txt for how to look for more). */
#include "../../runtime/memory.h"
#include "../../runtime/picture.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Not assert: it has to hold in every build. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "picture_fuzz: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Picture sizes, whole;
    cnn_error error = { "" };
    uint8_t to[3 * 5 * 4];

    bool known = cnn_picture_decode(&sizes, bytes, length, true, "fuzz", NULL), good = false;
    /* Some tens of bytes can say truly that they are a billion equal pixels: right, but slow. */
    if (!known || sizes.h * sizes.w <= 1 << 20)
        good = cnn_picture_decode(&whole, bytes, length, false, "fuzz", &error);
    else
        return 0;
    require(good == !error.text[0], "a refusal says nothing, or no refusal says something");
    if (good) {
        require(known && sizes.h == whole.h && sizes.w == whole.w && sizes.channels == whole.channels, "the sizes are others");
        for (int c = 1; c <= 3; c += 2)
            require(cnn_picture_fit(&whole, c, 5, 4, to, NULL), "a picture does not become another size");
        cnn_picture_free(&whole);
    }
    require(cnn_memory_blocks() == 0, "memory is left");
    return 0;
}
