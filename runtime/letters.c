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

void *cnn_letter(const Letters *l, size_t from, size_t to)
{
    size_t others = to < from ? to : to - 1;
    return (char *)l->all + (from * (l->threads - 1) + others) * l->bytes;
}

/* x86 has an instruction that fetches a line for writing, but compilers take it only where it is asked for; processors that do not know it pass over it. */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("prfchw")))
#endif
void cnn_letter_fetch(const void *letter, size_t bytes)
{
    const char *at = letter;
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(at + i, 1);
}
