/* arena.h: the one memory of a compilation. Everything is freed together; nothing is freed alone. */
#ifndef CNNC_BASE_ARENA_H
#define CNNC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);

/* `bytes` zeroed bytes, aligned for any type. Never returns NULL: without memory the compiler says so and ends with
 * status 1 before any output is opened. */
void *arena_alloc(Arena *arena, size_t bytes);

/* That end. */
_Noreturn void arena_out_of_memory(void);
/* Room for `count` things of `size` bytes; an overflow of the product counts as out of memory. */
void *arena_array(Arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of `length` bytes. */
char *arena_copy(Arena *arena, const char *text, size_t length);

/* sprintf into the arena. */
char *arena_print(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprint(Arena *arena, const char *format, va_list values) __attribute__((format(printf, 2, 0), nonnull));

/* Bytes handed out so far. */
size_t arena_used(const Arena *arena);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))

#endif
