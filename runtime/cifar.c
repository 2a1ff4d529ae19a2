/* cifar.c: reads the records of CIFAR. */
#include "cifar.h"
#include "fail.h"
#include "memory.h"
#include "stream.h"

/* The files, one after the other. They stay open while images are read from them. */
typedef struct Records {
    IoFile *files;
    size_t *first;              /* number of the first image of each file, and of all images behind the last */
    int count;
    size_t label_bytes;
} Records;

static void release(void *context)
{
    Records *r = context;
    for (int i = 0; i < r->count; i++)
        cnn_io_close(&r->files[i]);
    cnn_memory_release(r->files);
    cnn_memory_release(r->first);
    cnn_memory_release(r);
}

static size_t record_bytes(const Records *r)
{
    return r->label_bytes + CIFAR_PIXELS;
}

/* Image i as bytes. */
static bool read_image(const void *context, size_t i, void *to, cnn_error *error)
{
    const Records *r = context;
    int file = 0;
    while (r->first[file + 1] <= i)
        file++;
    return cnn_io_read_at(&r->files[file], (i - r->first[file]) * record_bytes(r) + r->label_bytes, to, CIFAR_PIXELS, error);
}

static bool open_files(Records *r, Set *set, const char *folder, char *const *names, int count, cnn_error *error)
{
    r->files = cnn_memory_get((size_t)count, sizeof *r->files, "a list of files", error);
    r->first = cnn_memory_get((size_t)count + 1, sizeof *r->first, "a list of files", error);
    if (!r->files || !r->first)
        return false;
    for (int i = 0; i < count; i++) {
        char *path = cnn_io_join(folder, names[i], error);
        bool good = path && cnn_io_open(&r->files[i], path, error);
        r->count += good;
        if (good && !set->name)
            set->name = cnn_memory_text(path, error);
        cnn_memory_release(path);
        if (!good || !set->name)
            return false;
        const IoFile *file = &r->files[i];
        if (!file->size || file->size % record_bytes(r))
            return cnn_fail(error, "%s: has %llu bytes, but a CIFAR file has a multiple of %zu", file->path, (unsigned long long)file->size,
                            record_bytes(r));
        r->first[i + 1] = r->first[i] + (size_t)(file->size / record_bytes(r));
    }
    return r->first[count] <= UINT32_MAX || cnn_fail(error, "%s: holds too many images", set->name);
}

static bool read_labels(Records *r, Set *set, cnn_error *error)
{
    for (int f = 0; f < r->count; f++)
        for (size_t i = 0; i < r->first[f + 1] - r->first[f]; i++) {
            unsigned char label;
            uint64_t at = i * record_bytes(r) + r->label_bytes - 1;
            if (!cnn_io_read_at(&r->files[f], at, &label, 1, error))
                return false;
            if (label >= cnn_set_classes(set->outputs))
                return cnn_fail(error, "%s: byte %llu is the label %u, but the network's labels are 0 to %zu", r->files[f].path,
                                (unsigned long long)at, label, cnn_set_classes(set->outputs) - 1);
            set->labels[r->first[f] + i] = label;
        }
    return true;
}

static bool load(Records *r, Set *set, cnn_error *error)
{
    set->count = r->first[r->count];
    set->labels = cnn_memory_get(set->count, sizeof *set->labels, "the labels", error);
    if (!set->labels || !read_labels(r, set, error))
        return false;
    cnn_set_find_kind(set);
    if (cnn_set_stays(set))
        return true;
    if (!cnn_set_room(set, error))
        return false;
    for (size_t i = 0; i < set->count; i++)
        if (!read_image(r, i, (unsigned char *)set->images + i * CIFAR_PIXELS, error))
            return false;
    return true;
}

bool cnn_cifar_load(Set *set, const char *folder, char *const *names, int count, int label_bytes, size_t outputs, cnn_error *error)
{
    set->outputs = outputs;
    set->inputs = CIFAR_PIXELS;
    set->rank = 3;
    set->dim[0] = 3, set->dim[1] = CIFAR_SIDE, set->dim[2] = CIFAR_SIDE;
    set->form = SET_BYTES;
    Records *r = cnn_memory_get(1, sizeof *r, "a list of files", error);
    if (!r)
        return false;
    r->label_bytes = (size_t)label_bytes;
    bool good = open_files(r, set, folder, names, count, error) && load(r, set, error);
    if (good && !set->images) {
        set->read = read_image;
        set->release = release;
        set->reader = r;
    } else {
        release(r);
    }
    return good;
}
