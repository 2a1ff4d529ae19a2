/* look.c: runs the program for looking (cnn/model.h) on one image, and reads its maps. */
#include "look.h"
#include "data.h"
#include "fail.h"
#include "memory.h"
#include "picture.h"

/* What a run works on. */
typedef struct Run {
    const cnn_net *net;
    void *x, *y, *target, *dx, *loss, *scratch, *shared;
} Run;

static void run_phases(const Run *r, int first, int end)
{
    const cnn_model *model = r->net->model;
    const Reals *reals = r->net->reals;
    double share, images;       /* large enough for any real */
    reals->set(&share, 0, 1);
    reals->set(&images, 0, 1);
    for (int i = first; i < end; i++) {
        const cnn_phase *phase = &model->look->program.phases[i];
        cnn_job job = { .images = &images, .weights = r->net->weights, .state = r->net->state, .shared = r->shared };
        if (!phase->once) {
            job.x = r->x;
            job.y = r->y;
            job.target = r->target;
            job.share = &share;
            job.loss = r->loss;
            job.dx = r->dx;
            job.scratch = r->scratch;
        }
        phase->run(&job);
        for (int s = 0; s < phase->sum_count; s++)      /* over one tile */
            for (size_t k = 0; k < phase->sums[s].count; k++)
                reals->set(r->shared, phase->sums[s].to + k, reals->get(r->scratch, phase->sums[s].from + k));
    }
}

/* A block of numbers that the look keeps; NULL without memory. */
static double *block(Look *look, const Reals *reals, const void *from, size_t offset, size_t count, cnn_error *error)
{
    double *to = cnn_memory_get(count, sizeof *to, "the maps", error);
    for (size_t i = 0; to && i < count; i++)
        to[i] = reals->get(from, offset + i);
    if (to)
        look->blocks[look->block_count++] = to;
    return to;
}

/* The numbers at a place of the descriptor, into *to; NULL where there are none. */
static bool read_place(Look *look, const Run *r, int64_t place, size_t count, bool gradient, const double **to, cnn_error *error)
{
    const Reals *reals = r->net->reals;
    *to = NULL;
    if (place == CNN_MAP_SAME)
        return true;
    const void *from = place == CNN_MAP_RESULT ? r->y : place == CNN_MAP_INPUT ? (gradient ? r->dx : r->x) : r->scratch;
    return (*to = block(look, reals, from, place < 0 ? 0 : (size_t)place, count, error)) != NULL;
}

static bool read_map(Look *look, const Run *r, int i, bool gradients, cnn_error *error)
{
    const cnn_model *model = r->net->model;
    const cnn_map *from = &model->look->maps[i];
    cnn_walk_map *to = &look->maps[i];
    size_t count = 1;
    for (int axis = 0; axis < from->rank; axis++)
        count *= (size_t)from->dim[axis];
    if (gradients)
        return read_place(look, r, from->gradient, count, true, &to->gradient, error);
    *to = (cnn_walk_map){ .name = from->name, .written = from->written, .rank = from->rank, .dim = { from->dim[0], from->dim[1], from->dim[2] } };
    if (from->kernels >= 0) {
        const cnn_tensor *t = &model->weights[from->kernels];
        to->kernels = block(look, r->net->reals, r->net->weights, t->offset, t->count, error);
        for (int axis = 0; axis < 4; axis++)
            to->kernel[axis] = t->dim[axis];
        if (!to->kernels)
            return false;
    }
    return read_place(look, r, from->values, count, false, &to->values, error);
}

static bool read_maps(Look *look, const Run *r, bool gradients, cnn_error *error)
{
    bool good = true;
    for (int i = 0; good && i < look->walk.map_count; i++)
        good = read_map(look, r, i, gradients, error);
    return good;
}

/* Labels of a command that opens no data set; those that are numbers are the drawing's business. */
static bool read_labels(Look *look, const cnn_model *model, cnn_error *error)
{
    enum { NUMBER = 24 };
    char buffer[NUMBER];
    look->labels = cnn_memory_get(model->outputs, sizeof *look->labels, "the names of the classes", error);
    for (size_t i = 0; look->labels && i < model->outputs; i++) {
        const char *label = cnn_data_label(model, NULL, i, buffer);
        look->labels[i] = label == buffer ? NULL : label;
    }
    look->walk.labels = look->labels;
    return look->labels != NULL;
}

static bool read_picture(const Run *r, const char *path, cnn_error *error)
{
    const cnn_model *model = r->net->model;
    const int64_t *dim = model->input_dim;
    Picture picture = { 0 };
    uint8_t *bytes = cnn_memory_get(model->inputs, 1, "the picture", error);
    bool good = bytes && cnn_picture_read(&picture, path, false, error) && cnn_picture_fit(&picture, dim[0], dim[1], dim[2], bytes, error);
    for (size_t i = 0; good && i < model->inputs; i++)
        r->net->reals->set(r->x, i, bytes[i]);
    cnn_picture_free(&picture);
    cnn_memory_release(bytes);
    return good;
}

static bool get_memory(Run *r, cnn_error *error)
{
    const cnn_model *model = r->net->model;
    const struct { void **to; size_t reals; } blocks[] = {
        { &r->x, model->inputs }, { &r->dx, model->inputs }, { &r->y, model->outputs }, { &r->target, model->outputs }, { &r->loss, 1 },
        { &r->scratch, model->look->program.scratch }, { &r->shared, model->look->program.shared },
    };
    bool good = true;
    for (size_t i = 0; good && i < sizeof blocks / sizeof *blocks; i++)
        good = (*blocks[i].to = cnn_memory_get(blocks[i].reals, r->net->reals->bytes, "the maps", error)) != NULL;
    return good;
}

static void free_memory(Run *r)
{
    void *const blocks[] = { r->x, r->dx, r->y, r->target, r->loss, r->scratch, r->shared };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        cnn_memory_release(blocks[i]);
}

static bool can(const cnn_model *model, int64_t target, cnn_error *error)
{
    const int64_t *dim = model->input_dim;
    if (!model->look)
        return cnn_fail(error, "the network %s cannot show itself: 'cnnc --main' without --infer makes a program that does", model->name);
    if (model->input_rank != 3 || (dim[0] != 1 && dim[0] != 3))
        return cnn_fail(error, "step needs a network that reads pictures, grey or red, green and blue; %s does not", model->name);
    if (target >= 0 && (uint64_t)target >= model->outputs)
        return cnn_fail(error, "--class %lld is none of the %zu classes of the network %s, which are counted from 0", (long long)target,
                        model->outputs, model->name);
    return true;
}

/* Forward and, if asked for, backward, with what the descriptor says about it in `look`. */
static bool walk(Look *look, Run *r, bool backward, int64_t target, cnn_error *error)
{
    const cnn_model *model = r->net->model;
    const cnn_look *from = model->look;
    const double *y;
    run_phases(r, 0, from->forward_phases);
    if (!read_maps(look, r, false, error) || !read_place(look, r, CNN_MAP_RESULT, model->outputs, false, &y, error))
        return false;
    look->walk.y = y;
    if (!backward)
        return true;
    look->walk.backward = true;
    look->walk.target = target >= 0 ? target : cnn_walk_best(y, (int64_t)model->outputs);
    r->net->reals->set(r->target, (size_t)look->walk.target, 1);
    run_phases(r, 0, from->program.phase_count);        /* the loss is on the way forward */
    look->walk.loss = r->net->reals->get(r->loss, 0);
    return read_maps(look, r, true, error);
}

bool cnn_look_new(Look *look, const cnn_net *net, const char *picture, bool backward, int64_t target, cnn_error *error)
{
    const cnn_model *model = net->model;
    *look = (Look){ 0 };
    if (!can(model, target, error))
        return false;
    const cnn_look *from = model->look;
    Run r = { .net = net };
    look->walk = (cnn_walk){ .network = model->name, .map_count = from->map_count, .outputs = (int64_t)model->outputs,
                             .probabilities = from->probabilities != 0 };
    look->maps = cnn_memory_get((size_t)from->map_count, sizeof *look->maps, "the maps", error);
    look->blocks = cnn_memory_get(3 * (size_t)from->map_count + 1, sizeof *look->blocks, "the maps", error);
    look->walk.maps = look->maps;
    bool good = look->maps && look->blocks && get_memory(&r, error) && read_labels(look, model, error) && read_picture(&r, picture, error)
             && walk(look, &r, backward, target, error);
    free_memory(&r);
    return good;
}

void cnn_look_free(Look *look)
{
    for (size_t i = 0; i < look->block_count; i++)
        cnn_memory_release(look->blocks[i]);
    cnn_memory_release(look->blocks);
    cnn_memory_release(look->maps);
    cnn_memory_release(look->labels);
    *look = (Look){ 0 };
}
