/* set.c: images and targets. */
#include "set.h"
#include "fail.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cnn_set_free(Set *set)
{
    cnn_memory_release(set->name);
    cnn_memory_release(set->images);
    cnn_memory_release(set->labels);
    cnn_memory_release(set->targets);
    if (set->reader)
        set->release(set->reader);
    if (set->file.path)         /* an empty set need not know that -1 is no file */
        cnn_io_close(&set->file);
    *set = (Set){ .file.fd = -1 };
}

size_t cnn_set_form_bytes(SetForm form)
{
    static const size_t bytes[] = { [SET_BYTES] = 1, [SET_FLOATS] = 4, [SET_DOUBLES] = 8 };
    return bytes[form];
}

bool cnn_set_room(Set *set, cnn_error *error)
{
    size_t bytes;
    if (__builtin_mul_overflow(set->inputs, cnn_set_form_bytes(set->form), &bytes))
        bytes = SIZE_MAX;
    set->images = cnn_memory_get(set->count, bytes, "the images", error);
    return set->images != NULL;
}

bool cnn_set_image(const Set *set, size_t i, void *to, const Reals *reals, void *buffer, cnn_error *error)
{
    size_t bytes = set->inputs * cnn_set_form_bytes(set->form);
    const void *from;
    if (set->images) {
        from = (const char *)set->images + i * bytes;
    } else if (set->read) {
        if (!set->read(set->reader, i, buffer, error))
            return false;
        from = buffer;
    } else {
        if (!cnn_io_read_at(&set->file, set->file_first + i * set->file_stride, buffer, bytes, error))
            return false;
        from = buffer;
    }
    switch (set->form) {
    case SET_BYTES: reals->from_bytes(to, from, set->inputs); break;
    case SET_FLOATS: reals->from_floats(to, from, set->inputs); break;
    case SET_DOUBLES: reals->from_doubles(to, from, set->inputs); break;
    }
    return true;
}

void cnn_set_expect(const Set *set, size_t i)
{
    enum { LINE = 64, MOST = 8192 };            /* bytes; what is more comes by itself, one line after the other */
    size_t bytes = set->inputs * cnn_set_form_bytes(set->form);
    const char *from = set->images ? (const char *)set->images + i * bytes : NULL;
    for (size_t at = 0; from && at < bytes && at < MOST; at += LINE)
        __builtin_prefetch(from + at);
    if (set->targets)
        __builtin_prefetch(set->targets + i * set->outputs);
}

void cnn_set_target(const Set *set, size_t i, void *to, const Reals *reals)
{
    if (!set->labels) {
        reals->from_doubles(to, set->targets + i * set->outputs, set->outputs);
    } else if (set->outputs == 1) {
        reals->set(to, 0, set->labels[i]);
    } else {
        reals->fill(to, 0, set->outputs);
        reals->set(to, set->labels[i], 1);
    }
}

size_t cnn_set_classes(size_t outputs)
{
    return outputs == 1 ? 2 : outputs;
}

void cnn_set_find_kind(Set *set)
{
    set->kind = set->outputs > 1 ? SET_CLASSES : SET_SIDES;
    if (set->labels)
        return;
    bool sides = true, classes = set->outputs > 1;
    for (size_t i = 0; i < set->count && sides; i++) {
        size_t ones = 0;
        for (size_t k = 0; k < set->outputs; k++) {
            double t = set->targets[i * set->outputs + k];
            sides &= t == 0 || t == 1;
            ones += t == 1;
        }
        classes &= ones == 1;
    }
    set->kind = !sides ? SET_VALUES : classes ? SET_CLASSES : SET_SIDES;
}

/* "28x28x1" or "784 features": height x width x depth, as in the language. */
static const char *size_text(char *to, const int64_t *dim, int rank)
{
    if (rank == 3)
        snprintf(to, TEXT_SHAPE, "%lldx%lldx%lld", (long long)dim[1], (long long)dim[2], (long long)dim[0]);
    else
        snprintf(to, TEXT_SHAPE, "%lld features", (long long)dim[0]);
    return to;
}

bool cnn_set_fits(const Set *set, const cnn_model *model, cnn_error *error)
{
    char ours[TEXT_SHAPE], theirs[TEXT_SHAPE];
    bool same = set->inputs == model->inputs;
    if (set->rank == 3 && model->input_rank == 3)
        same = set->dim[0] == model->input_dim[0] && set->dim[1] == model->input_dim[1] && set->dim[2] == model->input_dim[2];
    if (!same)
        return cnn_fail(error, "%s: the images are %s, but the network's input is %s", set->name, size_text(theirs, set->dim, set->rank),
                        size_text(ours, model->input_dim, model->input_rank));
    if (set->outputs != model->outputs)
        return cnn_fail(error, "%s: a target has %zu numbers, but the network gives %zu", set->name, set->outputs, model->outputs);
    return true;
}

static uint64_t memory_limit(void)
{
    const char *given = getenv("CNN_MEMORY");
    int64_t bytes;
    if (given && cnn_text_integer(given, &bytes) && bytes > 0)
        return (uint64_t)bytes;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 4 : UINT64_MAX;
}

bool cnn_set_stays(const Set *set)
{
    return set->stays || set->count > memory_limit() / set->inputs / cnn_set_form_bytes(set->form);
}
