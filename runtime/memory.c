/* memory.c: allocation, counted, aligned for vectors, in huge pages where the block is large. */
#include "memory.h"
#include "fail.h"
#include "text.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { LINE = 64 };                             /* bytes of a cache line, and of the widest vector */
#define HUGE_PAGE ((size_t)2 << 20)             /* bytes; blocks of two of them and more ask for such pages */

static bool (*hook)(void *context, size_t bytes);
static void *hook_context;
static atomic_llong blocks;

void cnn_memory_hook(bool (*refuses)(void *context, size_t bytes), void *context)
{
    hook = refuses;
    hook_context = context;
}

int64_t cnn_memory_blocks(void)
{
    return atomic_load(&blocks);
}

static void *get(size_t bytes)
{
    if (hook && hook(hook_context, bytes))
        return NULL;
    void *memory = NULL;
    size_t line = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE;
    if (posix_memalign(&memory, line, bytes ? bytes : 1) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (line == HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE);  /* advice: it may be refused */
#endif
    memset(memory, 0, bytes);
    atomic_fetch_add(&blocks, 1);
    return memory;
}

void *cnn_memory_get(size_t count, size_t size, const char *what, cnn_error *error)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) {
        cnn_fail(error, "out of memory: %s of %zu times %zu bytes is more than this machine can address", what, count, size);
        return NULL;
    }
    void *memory = get(bytes);
    if (!memory) {
        char amount[TEXT_AMOUNT];
        cnn_fail(error, "out of memory: %s for %s could not be had", cnn_text_bytes(amount, bytes), what);
    }
    return memory;
}

void cnn_memory_release(void *memory)
{
    if (memory) {
        atomic_fetch_sub(&blocks, 1);
        free(memory);
    }
}

char *cnn_memory_text(const char *text, cnn_error *error)
{
    size_t bytes = strlen(text) + 1;
    char *copy = cnn_memory_get(bytes, 1, "a text", error);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}
