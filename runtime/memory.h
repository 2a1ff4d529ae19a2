/* memory.h: the one allocator of the runtime. */
#ifndef CNN_MEMORY_H
#define CNN_MEMORY_H

#include "cnn/cnn.h"

/* `count` zeroed things of `size` bytes, aligned to 64 bytes, for cnn_memory_release. NULL and a sentence that says how
 * much was wanted for `what` ("the gradients") if there is not that much, or if the product overflows. */
void *cnn_memory_get(size_t count, size_t size, const char *what, cnn_error *error);

/* NULL is allowed. */
void cnn_memory_release(void *memory);

/* A copy of a text. */
char *cnn_memory_text(const char *text, cnn_error *error);

/* For tests: asked before every allocation; true refuses it. NULL: every one is tried. Blocks not yet released are counted. */
void cnn_memory_hook(bool (*refuses)(void *context, size_t bytes), void *context);
int64_t cnn_memory_blocks(void);

#endif
