/* cifar.c: reads the records of CIFAR. */
#include "cifar.h"
#include "fail.h"
#include "memory.h"
#include "stream.h"

/* Images in a file of that many bytes. */
static bool count_records(const IoFile *file, size_t record, size_t *records, cnn_error *error)
{
    if (!file->size || file->size % record)
        return cnn_fail(error, "%s: has %llu bytes, but a CIFAR file has a multiple of %zu", file->path, (unsigned long long)file->size, record);
    *records = (size_t)(file->size / record);
    return true;
}

static bool read_records(Set *set, IoFile *file, size_t first, size_t records, int label_bytes, cnn_error *error)
{
    for (size_t i = 0; i < records; i++) {
        unsigned char label[2];
        uint64_t at = file->at;
        if (!cnn_io_read(file, label, (size_t)label_bytes, error)
            || !cnn_io_read(file, (unsigned char *)set->images + (first + i) * CIFAR_PIXELS, CIFAR_PIXELS, error))
            return false;
        uint32_t fine = label[label_bytes - 1];
        if (fine >= cnn_set_classes(set->outputs))
            return cnn_fail(error, "%s: byte %llu is the label %u, but the network's labels are 0 to %zu", file->path,
                            (unsigned long long)at + (unsigned)label_bytes - 1, fine, cnn_set_classes(set->outputs) - 1);
        set->labels[first + i] = fine;
    }
    return true;
}

static bool load(Set *set, IoFile *files, int count, int label_bytes, cnn_error *error)
{
    size_t record = (size_t)label_bytes + CIFAR_PIXELS, all = 0, first = 0;
    for (int i = 0; i < count; i++) {
        size_t records = 0;
        if (!count_records(&files[i], record, &records, error))
            return false;
        all += records;
    }
    if (all > UINT32_MAX)
        return cnn_fail(error, "%s: holds too many images", set->name);
    set->count = all;
    set->labels = cnn_memory_get(all, sizeof *set->labels, "the labels", error);
    if (!set->labels || !cnn_set_room(set, error))
        return false;
    for (int i = 0; i < count; i++) {
        size_t records = 0;
        if (!count_records(&files[i], record, &records, error) || !read_records(set, &files[i], first, records, label_bytes, error))
            return false;
        first += records;
    }
    cnn_set_find_kind(set);
    return true;
}

bool cnn_cifar_load(Set *set, const char *folder, char *const *names, int count, int label_bytes, size_t outputs, cnn_error *error)
{
    set->outputs = outputs;
    set->inputs = CIFAR_PIXELS;
    set->rank = 3;
    set->dim[0] = 3, set->dim[1] = CIFAR_SIDE, set->dim[2] = CIFAR_SIDE;
    set->form = SET_BYTES;
    IoFile *files = cnn_memory_get((size_t)count, sizeof *files, "a list of files", error);
    if (!files)
        return false;
    int open = 0;
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        char *path = cnn_io_join(folder, names[i], error);
        good = path && cnn_io_open(&files[i], path, error);
        open += good;
        if (good && !set->name)
            set->name = cnn_memory_text(path, error);
        good = good && set->name;
        cnn_memory_release(path);
    }
    good = good && load(set, files, count, label_bytes, error);
    for (int i = 0; i < open; i++)
        cnn_io_close(&files[i]);
    cnn_memory_release(files);
    return good;
}
