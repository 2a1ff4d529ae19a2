/* data.c: finds the data set that a network names and loads it.
 *
 * A source is a row of the table below: where its folder may be, how its files are recognised, how they are loaded, and what to
 * tell people who do not have them. */
#include "data.h"
#include "cifar.h"
#include "digits.h"
#include "fail.h"
#include "folder.h"
#include "idx.h"
#include "memory.h"
#include "net.h"
#include "npy.h"
#include "rows.h"
#include "settings.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a loader is given. */
typedef struct Request {
    const cnn_net *net;
    const cnn_setting *source;  /* or NULL */
    const char *folder;         /* where `recognise` said yes; NULL for sources without one */
    const char *given;          /* --data, or NULL */
    int parts;
    cnn_error *error;
} Request;

typedef struct Source {
    const char *word;
    const char *const *folders;                 /* what people call its folder; NULL: it has none */
    bool (*recognise)(const char *folder);
    bool (*load)(cnn_data *data, const Request *r);
    const char *files;                          /* which files of which size */
    const char *origin;                         /* how to get them */
    const char *const *labels;
} Source;

/* ---- IDX */

/* "FOLDER/train-images-idx3-ubyte", packed or not, with - or . before idx; for cnn_memory_release. NULL if there is none. */
static char *idx_path(const char *folder, const char *part, const char *kind, int axes)
{
    static const char *const ends[] = { "", ".gz" };
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s%cidx%d-ubyte%s", part, kind, i % 2 ? '.' : '-', axes, ends[i / 2]);
        char *path = cnn_io_join(folder, name, NULL);
        if (path && cnn_io_exists(path))
            return path;
        cnn_memory_release(path);
    }
    return NULL;
}

static bool idx_recognise(const char *folder)
{
    char *path = idx_path(folder, "train", "images", 3);
    cnn_memory_release(path);
    return path != NULL;
}

static bool idx_part(Set *set, const Request *r, const char *part, bool required)
{
    char *images = idx_path(r->folder, part, "images", 3), *labels = idx_path(r->folder, part, "labels", 1);
    bool good;
    if (images && labels)
        good = cnn_idx_load(set, images, labels, r->net->model->outputs, r->error);
    else if (images || labels || required)
        good = cnn_fail(r->error, "%s: holds no %s-%s (.gz or not)", r->folder, part, images ? "labels-idx1-ubyte" : "images-idx3-ubyte");
    else
        good = true;
    cnn_memory_release(images);
    cnn_memory_release(labels);
    return good;
}

static bool idx_load(cnn_data *data, const Request *r)
{
    return (!(r->parts & DATA_TRAIN) || idx_part(&data->train, r, "train", true))
        && (!(r->parts & DATA_TEST) || idx_part(&data->test, r, "t10k", false));
}

/* ---- CIFAR */

static bool holds(const char *folder, const char *prefix)
{
    char **names;
    int count;
    if (!cnn_io_list(folder, prefix, ".bin", &names, &count, NULL))
        return false;
    cnn_io_list_release(names, count);
    return count > 0;
}

static bool cifar_part(Set *set, const Request *r, const char *prefix, int label_bytes, bool required)
{
    char **names;
    int count;
    if (!cnn_io_list(r->folder, prefix, ".bin", &names, &count, r->error))
        return false;
    bool good = count ? cnn_cifar_load(set, r->folder, names, count, label_bytes, r->net->model->outputs, r->error)
                      : !required || cnn_fail(r->error, "%s: holds no %s*.bin", r->folder, prefix);
    cnn_io_list_release(names, count);
    return good;
}

static bool cifar10_recognise(const char *folder)
{
    return holds(folder, "data_batch_");
}

static bool cifar10_load(cnn_data *data, const Request *r)
{
    return (!(r->parts & DATA_TRAIN) || cifar_part(&data->train, r, "data_batch_", 1, true))
        && (!(r->parts & DATA_TEST) || cifar_part(&data->test, r, "test_batch", 1, false));
}

static bool cifar100_recognise(const char *folder)
{
    return holds(folder, "train") && !cifar10_recognise(folder);
}

static bool cifar100_load(cnn_data *data, const Request *r)
{
    return (!(r->parts & DATA_TRAIN) || cifar_part(&data->train, r, "train", 2, true))
        && (!(r->parts & DATA_TEST) || cifar_part(&data->test, r, "test", 2, false));
}

/* ---- npy */

static bool npy_part(Set *set, const Request *r, const char *inputs, const char *targets)
{
    const char *x = cnn_setting_text(r->source, inputs, NULL), *y = cnn_setting_text(r->source, targets, NULL);
    if (!x || !y)
        return true;
    char *x_path = cnn_io_join(r->given && x[0] != '/' ? r->given : "", x, r->error);
    char *y_path = cnn_io_join(r->given && y[0] != '/' ? r->given : "", y, r->error);
    bool good = x_path && y_path && cnn_npy_images(set, x_path, r->error)
             && cnn_npy_targets(set, y_path, r->net->model->outputs, r->error);
    cnn_memory_release(x_path);
    cnn_memory_release(y_path);
    return good;
}

static bool npy_load(cnn_data *data, const Request *r)
{
    return (!(r->parts & DATA_TRAIN) || npy_part(&data->train, r, "inputs", "targets"))
        && (!(r->parts & DATA_TEST) || npy_part(&data->test, r, "test_inputs", "test_targets"));
}

/* ---- sources without files */

static bool digits_load(cnn_data *data, const Request *r)
{
    uint64_t seed = (uint64_t)cnn_setting_number(r->source, "seed", 1);
    size_t train = (size_t)cnn_setting_number(r->source, "train", 20000), test = (size_t)cnn_setting_number(r->source, "test", 4000);
    size_t outputs = r->net->model->outputs;
    int threads = r->net->threads;
    return (!(r->parts & DATA_TRAIN) || cnn_digits_load(&data->train, seed, 0, train, outputs, threads, r->error))
        && (!(r->parts & DATA_TEST) || !test || cnn_digits_load(&data->test, seed, 1, test, outputs, threads, r->error));
}

/* The rows of the data block are both: what is learnt is also what is tested. */
static bool rows_load(cnn_data *data, const Request *r)
{
    return (!(r->parts & DATA_TRAIN) || cnn_rows_load(&data->train, r->net->model, r->error))
        && (!(r->parts & DATA_TEST) || cnn_rows_load(&data->test, r->net->model, r->error));
}

/* ---- a folder for each class: DIR/CLASS, or DIR/train/CLASS and DIR/test/CLASS */

static void note_news(cnn_data *data, const Request *r, const FolderNews *news)
{
    const int64_t *dim = r->net->model->input_dim;
    int length = 0;
    if (news->scaled)
        length = snprintf(data->note, sizeof data->note, "%s: %zu picture%s of another size %s scaled to %lldx%lld", r->folder, news->scaled,
                          news->scaled == 1 ? "" : "s", news->scaled == 1 ? "is" : "are", (long long)dim[1], (long long)dim[2]);
    if (news->others && length < (int)sizeof data->note)
        snprintf(data->note + length, sizeof data->note - (size_t)length, "%s%zu file%s no PNG, PGM or PPM, and left out", length ? "; " : "",
                 news->others, news->others == 1 ? " is" : "s are");
}

static bool folder_parts(cnn_data *data, const Request *r, const char *train, const char *test)
{
    const cnn_model *model = r->net->model;
    FolderNews news = { 0 };
    char **names;
    int count;
    if (!cnn_folder_classes(train, &names, &count, r->error))
        return false;
    data->classes = names;
    data->class_count = count;
    if ((size_t)count != cnn_set_classes(model->outputs))
        return cnn_fail(r->error, "%s: holds %d folder%s, one for each class, but the network knows %zu classes", train, count, count == 1 ? "" : "s",
                        cnn_set_classes(model->outputs));
    bool good = (!(r->parts & DATA_TRAIN) || cnn_folder_load(&data->train, train, names, count, model, r->net->threads, &news, r->error))
             && (!(r->parts & DATA_TEST) || !test || cnn_folder_load(&data->test, test, names, count, model, r->net->threads, &news, r->error));
    if (good)
        note_news(data, r, &news);
    return good;
}

static bool folder_load(cnn_data *data, const Request *r)
{
    char *train = cnn_io_join(r->folder, "train", r->error), *test = cnn_io_join(r->folder, "test", r->error);
    bool good = train && test;
    if (good) {
        bool parts = cnn_io_is_folder(train);
        good = folder_parts(data, r, parts ? train : r->folder, parts && cnn_io_is_folder(test) ? test : NULL);
    }
    cnn_memory_release(train);
    cnn_memory_release(test);
    return good;
}

/* ---- the table */

#define NAMES(...) (const char *const[]){ __VA_ARGS__, NULL }

static const Source sources[] = {
    { "mnist", NAMES("mnist", "MNIST", "MNIST/raw"), idx_recognise, idx_load,
      "train-images-idx3-ubyte (47040016 bytes, .gz 9912422)\n"
      "train-labels-idx1-ubyte (60008 bytes, .gz 28881)\n"
      "t10k-images-idx3-ubyte (7840016 bytes, .gz 1648877)\n"
      "t10k-labels-idx1-ubyte (10008 bytes, .gz 4542)",
      "https://ossci-datasets.s3.amazonaws.com/mnist/ has the four .gz files", NULL },
    { "fashion_mnist", NAMES("fashion_mnist", "fashion-mnist", "FashionMNIST", "FashionMNIST/raw"), idx_recognise, idx_load,
      "train-images-idx3-ubyte (47040016 bytes, .gz 26421880)\n"
      "train-labels-idx1-ubyte (60008 bytes, .gz 29515)\n"
      "t10k-images-idx3-ubyte (7840016 bytes, .gz 4422102)\n"
      "t10k-labels-idx1-ubyte (10008 bytes, .gz 5148)",
      "https://github.com/zalandoresearch/fashion-mnist (data/fashion) has the four .gz files",
      NAMES("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot") },
    { "cifar10", NAMES("cifar10", "cifar-10", "cifar-10-batches-bin"), cifar10_recognise, cifar10_load,
      "data_batch_1.bin ... data_batch_5.bin (30730000 bytes each; one is enough)\n"
      "test_batch.bin (30730000 bytes)",
      "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz holds them",
      NAMES("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck") },
    { "cifar100", NAMES("cifar100", "cifar-100", "cifar-100-binary"), cifar100_recognise, cifar100_load,
      "train.bin (153700000 bytes)\ntest.bin (30740000 bytes)", "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz holds them", NULL },
    { "idx", NULL, idx_recognise, idx_load,
      "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, .gz or not", NULL, NULL },
    { "folder", NULL, cnn_io_is_folder, folder_load, "a folder of pictures (PNG, PGM, PPM) for each class; or train/ and test/ with such folders", NULL, NULL },
    { "npy", NULL, NULL, npy_load, NULL, NULL, NULL },
    { "digits", NULL, NULL, digits_load, NULL, NULL, NULL },
    { "rows", NULL, NULL, rows_load, NULL, NULL, NULL },
};
enum { SOURCES = sizeof sources / sizeof *sources };

static const Source *source_find(const char *word)
{
    for (int i = 0; i < SOURCES; i++)
        if (!strcmp(sources[i].word, word))
            return &sources[i];
    return NULL;
}

/* ---- looking for a folder */

/* Folders tried so far, as lines of a message, and the one that was right. */
typedef struct Search {
    const Source *source;       /* NULL: whichever recognises the folder */
    const Source *found;
    char *folder;
    char tried[1024];
} Search;

static void try_folder(Search *s, const char *folder)
{
    if (s->folder)
        return;
    size_t length = strlen(s->tried);
    snprintf(s->tried + length, sizeof s->tried - length, "\n    %s", folder);
    if (s->source) {
        if (s->source->recognise(folder))
            s->found = s->source;
    } else {
        for (int i = 0; i < SOURCES && !s->found; i++)
            if (sources[i].recognise && !sources[i].folders && sources[i].recognise != cnn_io_is_folder && sources[i].recognise(folder))
                s->found = &sources[i];
        if (!s->found && cifar10_recognise(folder))
            s->found = source_find("cifar10");
        if (!s->found && cifar100_recognise(folder))
            s->found = source_find("cifar100");
    }
    if (s->found)
        s->folder = cnn_memory_text(folder, NULL);
}

static void try_joined(Search *s, const char *root, const char *name)
{
    char *path = cnn_io_join(root, name, NULL);
    if (path)
        try_folder(s, path);
    cnn_memory_release(path);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* `root` itself, then what the source may be called in it. */
static void try_root(Search *s, const char *root, const char *given)
{
    if (!root || !*root)
        return;
    try_folder(s, root);
    for (const char *const *name = s->source ? s->source->folders : NULL; name && *name; name++)
        try_joined(s, root, *name);
    if (given)
        try_joined(s, root, last_name(given));
}

static bool find_folder(Search *s, const Request *r, cnn_error *error)
{
    const char *written = cnn_setting_text(r->source, "dir", NULL);
    try_root(s, r->given, written);
    if (!r->given) {
        if (written)
            try_folder(s, written);
        try_root(s, getenv("CNN_DATA"), written);
        for (const char *const *name = s->source ? s->source->folders : NULL; name && *name; name++)
            try_joined(s, "data", *name);
    }
    if (s->folder)
        return true;
    const char *name = s->source ? s->source->word : "that the network trains on";
    cnn_fail(error, "the data set %s was not found. Looked in:%s", name, s->tried);
    if (s->source) {
        char files[512];
        size_t n = 0;
        for (const char *f = s->source->files; *f && n + 6 < sizeof files; f++) {
            files[n++] = *f;
            if (*f == '\n')
                for (int i = 0; i < 4; i++)
                    files[n++] = ' ';
        }
        files[n] = 0;
        cnn_fail_more(error, "  wanted there:\n    %s", files);
        if (s->source->origin)
            cnn_fail_more(error, "  %s; put them into data/%s, or say where they are with --data DIR or CNN_DATA=DIR", s->source->origin,
                          s->source->folders[0]);
    }
    if (r->net->model->inputs == DIGITS_PIXELS && r->net->model->outputs >= 10)
        cnn_fail_more(error, "  --data digits trains on drawn digits, which need no download");
    return false;
}

/* ---- the API */

cnn_data *cnn_data_find(const cnn_net *net, const char *folder, int parts, cnn_error *error)
{
    const cnn_setting *setting = cnn_setting_find(net->model, "source");
    Request r = { .net = net, .source = setting, .given = folder, .parts = parts, .error = error };
    const Source *source = NULL;
    if (folder && !strcmp(folder, "digits") && !cnn_io_is_folder(folder)) {
        source = source_find("digits");
        if (!cnn_setting_is(setting, "digits"))
            r.source = NULL;                    /* what the program says about another source is not for this one */
    } else if (setting && setting->word && strcmp(setting->word, "auto")) {
        source = source_find(setting->word);
        if (!source) {
            cnn_fail(error, "the model names the data source '%s', which this libcnn does not know", setting->word);
            return NULL;
        }
    } else if (!setting && !folder) {
        cnn_fail(error, "the network was compiled without a train block that names its data: say where they are with --data DIR or --input");
        return NULL;
    }

    Search search = { .source = source };
    if (!source || source->recognise) {
        if (!find_folder(&search, &r, error)) {
            cnn_memory_release(search.folder);
            return NULL;
        }
        source = search.found;
        r.folder = search.folder;
    }
    cnn_data *data = cnn_memory_get(1, sizeof *data, "the data", error);
    bool good = data != NULL;
    if (good) {
        data->model = net->model;
        data->train.stays = data->test.stays = net->ranks != NULL;      /* each rank reads the images of its share */
        data->labels = source->labels;
        data->other = setting && !cnn_setting_is(setting, source->word) && !cnn_setting_is(setting, "auto");
        good = source->load(data, &r) && (!data->train.count || cnn_set_fits(&data->train, net->model, error))
            && (!data->test.count || cnn_set_fits(&data->test, net->model, error));
    }
    cnn_memory_release(search.folder);
    if (good)
        return data;
    cnn_data_free(data);
    return NULL;
}

cnn_data *cnn_data_open(const cnn_net *net, const char *folder, cnn_error *error)
{
    return cnn_data_find(net, folder, DATA_TRAIN | DATA_TEST, error);
}

cnn_data *cnn_data_npy(const cnn_net *net, const char *inputs, const char *targets, cnn_error *error)
{
    cnn_data *data = cnn_memory_get(1, sizeof *data, "the data", error);
    if (!data)
        return NULL;
    data->model = net->model;
    data->train.stays = net->ranks != NULL;
    if (cnn_npy_images(&data->train, inputs, error) && cnn_npy_targets(&data->train, targets, net->model->outputs, error)
        && cnn_set_fits(&data->train, net->model, error))
        return data;
    cnn_data_free(data);
    return NULL;
}

cnn_data *cnn_data_arrays(const cnn_net *net, const void *x, const void *target, size_t images, cnn_error *error)
{
    const cnn_model *model = net->model;
    cnn_data *data = cnn_memory_get(1, sizeof *data, "the data", error);
    if (!data)
        return NULL;
    data->model = model;
    Set *set = &data->train;
    set->count = images;
    set->rank = model->input_rank;
    memcpy(set->dim, model->input_dim, sizeof set->dim);
    set->inputs = model->inputs;
    set->outputs = model->outputs;
    set->form = model->real_bytes == 4 ? SET_FLOATS : SET_DOUBLES;
    set->name = cnn_memory_text("array", error);
    size_t numbers;
    if (__builtin_mul_overflow(images, model->outputs, &numbers))
        numbers = SIZE_MAX;
    set->targets = set->name && images <= UINT32_MAX ? cnn_memory_get(numbers, sizeof *set->targets, "the targets", error) : NULL;
    if (!set->targets || !cnn_set_room(set, error)) {
        cnn_data_free(data);
        return NULL;
    }
    memcpy(set->images, x, images * model->inputs * (size_t)model->real_bytes);
    for (size_t i = 0; i < numbers; i++)
        set->targets[i] = net->reals->get(target, i);
    cnn_set_find_kind(set);
    return data;
}

void cnn_data_free(cnn_data *data)
{
    if (!data)
        return;
    cnn_set_free(&data->train);
    cnn_set_free(&data->test);
    cnn_io_list_release(data->classes, data->class_count);
    cnn_memory_release(data);
}

size_t cnn_data_training_images(const cnn_data *data)
{
    return data->train.count;
}

const char *cnn_data_note(const cnn_data *data)
{
    return data->note[0] ? data->note : NULL;
}

size_t cnn_data_test_images(const cnn_data *data)
{
    return data->test.count;
}

/* The list itself if it has so many names; NULL otherwise, or for no list. */
static const char *const *as_many(const char *const *labels, size_t outputs)
{
    size_t count = 0;
    while (labels && labels[count])
        count++;
    return count == outputs ? labels : NULL;
}

const char *const *cnn_data_labels(const char *set, size_t outputs)
{
    const Source *source = set ? source_find(set) : NULL;
    return source ? as_many(source->labels, outputs) : NULL;
}

const char *cnn_data_label(const cnn_model *model, const cnn_data *data, size_t class, char *buffer)
{
    const cnn_setting *labels = cnn_setting_find(model, "labels"), *named = cnn_setting_find(model, "source");
    if ((!data || !data->other) && labels && class < (size_t)labels->argument_count && labels->arguments[class].text)
        return labels->arguments[class].text;
    if (data && class < (size_t)data->class_count && (size_t)data->class_count == model->outputs)
        return data->classes[class];
    const char *const *known = data ? as_many(data->labels, model->outputs) : cnn_data_labels(named ? named->word : NULL, model->outputs);
    if (known && class < model->outputs)
        return known[class];
    snprintf(buffer, 24, "%zu", class);
    return buffer;
}
