/* safetensors_fuzz.c: any bytes as a safetensors file: read without a step out of bounds, or refused; what is read keeps the rules of the
 * format.
 *
 * The corpus in safetensors/ is run by the tests (see CMakeLists.txt for how to look for more). */
#include "../../runtime/memory.h"
#include "../../runtime/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Not assert: it has to hold in every build. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "safetensors_fuzz: %s\n", what);
    abort();
}

static int by_place(const void *a, const void *b)
{
    const StoredTensor *s = a, *t = b;
    return s->from != t->from ? (s->from < t->from ? -1 : 1) : (s->end > t->end) - (s->end < t->end);
}

static void check(Stored *s, uint64_t room)
{
    uint64_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const StoredTensor *t = &s->tensors[i];
        require(cnn_stored_find(s, t->name) == t, "a tensor is not found by its name");
        require(t->rank >= 0 && t->rank <= STORED_AXES, "a tensor has too many axes");
        require(i == 0 || strcmp(s->tensors[i - 1].name, t->name) < 0, "a name is there twice");
    }
    if (s->count)
        qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    for (size_t i = 0; i < s->count; i++) {
        const StoredTensor *t = &s->tensors[i];
        require(t->from == at && t->end >= t->from, "tensors do not follow one another");
        require((t->end > t->from) == (cnn_stored_elements(t) > 0), "elements and bytes disagree");
        at = t->end;
    }
    require(at == room, "tensors do not fill the file");
    for (size_t i = 0; i < s->text_count; i++)
        require(cnn_stored_text(s, s->texts[i].key) == s->texts[i].value, "a text is not found by its key");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint64_t header = 0;
    if (length < 8)
        return 0;
    for (int i = 8; i-- > 0;)
        header = header << 8 | bytes[i];
    if (header > length - 8)
        return 0;
    Stored s;
    cnn_error error = { "" };
    if (cnn_stored_parse(&s, (const char *)bytes + 8, (size_t)header, length - 8 - header, "fuzz", &error)) {
        check(&s, length - 8 - header);
        cnn_stored_close(&s);
    } else {
        require(error.text[0], "a refusal says nothing");
    }
    require(cnn_memory_blocks() == 0, "memory is left");
    return 0;
}
