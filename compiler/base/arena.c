/* arena.c: memory by the chunk. An allocation moves a mark forward; only the whole is given back.
 *
 * Chunks grow with what has been used. Large ones ask for huge pages: a page fault for every 4 KB was up to half of the time to compile VGG16 on a virtual machine. */
#include "base/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Under the address sanitizer every allocation is a chunk of its own, so that a step past its end is seen. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_CHECKED 1
#endif

enum {
    ALIGN = _Alignof(max_align_t),
#ifdef ARENA_CHECKED
    LEAST_BYTES = 1, MOST_BYTES = 1,
#else
    LEAST_BYTES = 64 << 10,     /* holds the whole of a small network in a few chunks */
    MOST_BYTES = 16 << 20,
#endif
    HUGE_BYTES = 4 << 20        /* has a huge page of 2 MB, wherever it begins */
};

typedef struct Chunk {
    struct Chunk *before;
    size_t used, room;          /* bytes of at[] */
    _Alignas(max_align_t) char at[];
} Chunk;

struct Arena {
    Chunk *last;
    size_t used;
};

_Noreturn void arena_out_of_memory(void)
{
    fputs("cnnc: error: out of memory\n", stderr);
    _Exit(1);              /* nothing is open that a later end would have to close */
}

Arena *arena_new(void)
{
    Arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        arena_out_of_memory();
    return arena;
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    Chunk *before;
    for (Chunk *chunk = arena->last; chunk != NULL; chunk = before) {
        before = chunk->before;
        free(chunk);
    }
    free(arena);
}

/* Bytes of the next chunk. */
static size_t usual_room(const Arena *arena)
{
    size_t room = LEAST_BYTES;

    while (room < MOST_BYTES && room < arena->used / 4)
        room *= 2;
    return room;
}

/* Advice: it may be refused. */
static void ask_for_huge_pages(Chunk *chunk, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)chunk + page - 1) / page * page;
    if (bytes >= HUGE_BYTES)
        madvise((void *)first, bytes - (first - (uintptr_t)chunk), MADV_HUGEPAGE);
#else
    (void)chunk;
    (void)bytes;
#endif
}

/* A chunk with room for `bytes`. A large one goes behind the last, whose rest stays in use. */
static Chunk *add_chunk(Arena *arena, size_t bytes)
{
    size_t usual = usual_room(arena);
    bool large = bytes > usual / 4;
    size_t room = large ? bytes : usual;
    if (room > SIZE_MAX - sizeof(Chunk))
        arena_out_of_memory();
    Chunk *chunk = calloc(1, sizeof(Chunk) + room);
    if (chunk == NULL)
        arena_out_of_memory();
    ask_for_huge_pages(chunk, sizeof(Chunk) + room);
    chunk->room = room;
    if (large && arena->last != NULL) {
        chunk->before = arena->last->before;
        arena->last->before = chunk;
    } else {
        chunk->before = arena->last;
        arena->last = chunk;
    }
    return chunk;
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    size_t need = bytes > 0 ? bytes : 1;
#ifndef ARENA_CHECKED
    if (need > SIZE_MAX - ALIGN)
        arena_out_of_memory();
    need = (need + ALIGN - 1) / ALIGN * ALIGN;
#endif
    Chunk *chunk = arena->last;
    if (chunk == NULL || need > chunk->room - chunk->used)
        chunk = add_chunk(arena, need);
    void *at = chunk->at + chunk->used;
    chunk->used += need;
    arena->used += need;
    return at;
}

void *arena_array(Arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        arena_out_of_memory();
    return arena_alloc(arena, bytes);
}

char *arena_copy(Arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        arena_out_of_memory();
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_print(Arena *arena, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *text = arena_vprint(arena, format, values);
    va_end(values);
    return text;
}

char *arena_vprint(Arena *arena, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}
