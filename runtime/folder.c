/* folder.c: from folders of pictures to a set. */
#include "folder.h"
#include "fail.h"
#include "memory.h"
#include "picture.h"
#include "threads.h"

#include <stdatomic.h>
#include <string.h>

/* The pictures of a set, when they stay in their files. */
typedef struct Album {
    char **paths;
    size_t count, room;
    int64_t dim[3];             /* c, h, w of the network */
} Album;

bool cnn_folder_classes(const char *folder, char ***names, int *count, cnn_error *error)
{
    if (!cnn_io_list(folder, "", "", names, count, error))
        return false;
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        char *path = cnn_io_join(folder, (*names)[i], error);
        if (!path) {
            cnn_io_list_release(*names, *count);
            *names = NULL;
            *count = 0;
            return false;
        }
        char *name = (*names)[i];
        (*names)[i] = (*names)[kept];
        (*names)[kept] = name;
        kept += cnn_io_is_folder(path);
        cnn_memory_release(path);
    }
    for (int i = kept; i < *count; i++)
        cnn_memory_release((*names)[i]);
    *count = kept;
    return true;
}

/* ---- the list of files */

static void release(void *context)
{
    Album *a = context;
    for (size_t i = 0; i < a->count; i++)
        cnn_memory_release(a->paths[i]);
    cnn_memory_release(a->paths);
    cnn_memory_release(a);
}

static bool add(Album *a, char *path, cnn_error *error)
{
    if (a->count == a->room) {
        size_t room = a->room ? 2 * a->room : 64;
        char **more = cnn_memory_get(room, sizeof *more, "a list of files", error);
        if (!more)
            return false;
        if (a->count)
            memcpy(more, a->paths, a->count * sizeof *more);
        cnn_memory_release(a->paths);
        a->paths = more;
        a->room = room;
    }
    a->paths[a->count++] = path;
    return true;
}

/* The pictures of one class, sorted by name. */
static bool add_class(Album *a, const char *folder, FolderNews *news, cnn_error *error)
{
    char **names;
    int count;
    size_t before = a->count;
    const char *other = NULL;
    if (!cnn_io_list(folder, "", "", &names, &count, error))
        return false;
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        if (!cnn_picture_name(names[i])) {
            news->others++;
            other = other ? other : names[i];
            continue;
        }
        char *path = cnn_io_join(folder, names[i], error);
        good = path && add(a, path, error);
        if (!good)
            cnn_memory_release(path);
    }
    if (good && a->count == before)
        good = cnn_fail(error, "%s: holds no pictures%s%s%s: PNG, PGM or PPM were expected", folder, other ? ", but " : "", other ? other : "",
                        other ? "" : " at all");
    cnn_io_list_release(names, count);
    return good;
}

static bool find_files(Album *a, Set *set, const char *folder, char *const *classes, int count, FolderNews *news, cnn_error *error)
{
    size_t *ends = cnn_memory_get((size_t)count, sizeof *ends, "a list of classes", error);
    bool good = ends != NULL;
    for (int k = 0; good && k < count; k++) {
        char *path = cnn_io_join(folder, classes[k], error);
        /* A class of which nothing is kept for the test is no mistake. */
        good = path && (!cnn_io_is_folder(path) || add_class(a, path, news, error));
        ends[k] = a->count;
        cnn_memory_release(path);
    }
    if (good && a->count > UINT32_MAX)
        good = cnn_fail(error, "%s: holds too many pictures", folder);
    if (good && !a->count)
        good = cnn_fail(error, "%s: holds no pictures of the classes, in folders of their names", folder);
    if (good) {
        set->labels = cnn_memory_get(a->count, sizeof *set->labels, "the labels", error);
        good = set->labels != NULL;
    }
    for (size_t i = 0, k = 0; good && i < a->count; i++) {
        while (ends[k] <= i)
            k++;
        set->labels[i] = (uint32_t)k;
    }
    cnn_memory_release(ends);
    return good;
}

/* ---- the pictures */

/* to NULL: only the size is looked at. */
static bool bring(const Album *a, size_t i, uint8_t *to, bool *other_size, cnn_error *error)
{
    Picture p;
    if (!cnn_picture_read(&p, a->paths[i], !to, error))
        return false;
    *other_size = p.h != a->dim[1] || p.w != a->dim[2];
    bool good = !to || cnn_picture_fit(&p, a->dim[0], a->dim[1], a->dim[2], to, error);
    cnn_picture_free(&p);
    return good;
}

static bool read_one(const void *context, size_t i, void *to, cnn_error *error)
{
    bool other_size;
    return bring(context, i, to, &other_size, error);
}

typedef struct Work {
    const Album *album;
    Set *set;
    atomic_size_t scaled;
    atomic_bool failed;
} Work;

static void bring_one(void *context, size_t i, int thread)
{
    (void)thread;
    Work *w = context;
    bool other_size = false;
    if (!bring(w->album, i, w->set->images ? (uint8_t *)w->set->images + i * w->set->inputs : NULL, &other_size, NULL))
        atomic_store(&w->failed, true);
    atomic_fetch_add(&w->scaled, other_size);
}

static bool bring_all(const Album *a, Set *set, int threads, FolderNews *news, cnn_error *error)
{
    Work w = { .album = a, .set = set };
    cnn_threads_each(cnn_threads_worth(threads, a->count * set->inputs * 64), a->count, bring_one, &w);
    news->scaled += atomic_load(&w.scaled);
    bool other_size;
    for (size_t i = 0; atomic_load(&w.failed) && i < a->count; i++)            /* once more, to say which one it was */
        if (!bring(a, i, set->images ? (uint8_t *)set->images + i * set->inputs : NULL, &other_size, error))
            return false;
    return true;
}

static bool load(Album *a, Set *set, const char *folder, char *const *classes, int count, int threads, FolderNews *news, cnn_error *error)
{
    set->name = cnn_memory_text(folder, error);
    if (!set->name || !find_files(a, set, folder, classes, count, news, error))
        return false;
    set->count = a->count;
    return (cnn_set_stays(set) || cnn_set_room(set, error)) && bring_all(a, set, threads, news, error);
}

bool cnn_folder_load(Set *set, const char *folder, char *const *classes, int count, const cnn_model *model, int threads, FolderNews *news,
                     cnn_error *error)
{
    if (model->input_rank != 3 || (model->input_dim[0] != 1 && model->input_dim[0] != 3))
        return cnn_fail(error, "%s: pictures have 1 channel (grey) or 3 (red, green, blue), but the network's input is not of that kind", folder);
    Album *a = cnn_memory_get(1, sizeof *a, "a list of files", error);
    if (!a)
        return false;
    memcpy(a->dim, model->input_dim, sizeof a->dim);
    set->rank = 3;
    memcpy(set->dim, model->input_dim, sizeof set->dim);
    set->inputs = model->inputs;
    set->outputs = model->outputs;
    set->form = SET_BYTES;
    bool good = load(a, set, folder, classes, count, threads, news, error);
    if (good && !set->images) {
        set->read = read_one;
        set->release = release;
        set->reader = a;
    } else {
        release(a);
    }
    if (good)
        cnn_set_find_kind(set);
    return good;
}
