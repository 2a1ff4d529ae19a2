/* letters.c: memory that changes hands. */
#include "letters.h"
#include "memory.h"

enum { LINE = 64 };             /* bytes that caches hand over at a time */

bool cnn_letters_new(Letters *l, size_t threads, size_t bytes, cnn_error *error)
{
    *l = (Letters){ .threads = threads, .bytes = (bytes + LINE - 1) / LINE * LINE };
    l->all = cnn_memory_get(threads * (threads - 1), l->bytes, "what threads tell each other", error);
    return l->all != NULL;
}

void cnn_letters_free(Letters *l)
{
    cnn_memory_release(l->all);
    *l = (Letters){ 0 };
}

void cnn_letters_begin(Letters *l)
{
    l->turn ^= 1;
}

void *cnn_letter(const Letters *l, size_t from, size_t to)
{
    size_t low = from < to ? from : to, high = from < to ? to : from;
    size_t pair = high * (high - 1) / 2 + low, second = (from > to) ^ l->turn;
    return (char *)l->all + (2 * pair + second) * l->bytes;
}

/* Processors know an instruction that fetches a line for writing, but the least of them that a library for everybody is compiled for does not; there
 * it does nothing. */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("prfchw")))
#endif
void cnn_letter_fetch(const void *letter, size_t bytes)
{
    const char *at = letter;
#ifdef __GNUC__
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(at + i, 1);
#else
    (void)at;
    (void)bytes;
#endif
}
