/* net.c: a network in memory, and its first weights. */
#include "net.h"
#include "fail.h"
#include "memory.h"
#include "random.h"
#include "threads.h"

#include <math.h>
#include <stdlib.h>

int cnn_net_tensors(const cnn_model *model)
{
    return model->weight_tensors + model->state_tensors;
}

bool cnn_net_trained(const cnn_model *model, int i)
{
    return i < model->weight_tensors;
}

const cnn_tensor *cnn_net_tensor(const cnn_model *model, int i)
{
    return cnn_net_trained(model, i) ? &model->weights[i] : &model->state[i - model->weight_tensors];
}

void *cnn_net_place(const cnn_net *net, int i)
{
    return cnn_at(net->reals, cnn_net_trained(net->model, i) ? net->weights : net->state, cnn_net_tensor(net->model, i)->offset);
}

static bool check_tensors(const cnn_tensor *tensors, int count, size_t total, cnn_error *error)
{
    size_t end = 0;
    for (int i = 0; i < count; i++) {
        const cnn_tensor *t = &tensors[i];
        size_t elements = 1;
        bool good = t->rank >= 0 && t->rank <= 4 && t->offset >= end && t->count <= total && t->offset <= total - t->count;
        for (int axis = 0; good && axis < t->rank; axis++)
            good = t->dim[axis] > 0 && !__builtin_mul_overflow(elements, (size_t)t->dim[axis], &elements);
        if (!good || elements != t->count)
            return cnn_fail(error, "the model is damaged: tensor %s does not fit", t->name);
        end = t->offset + t->count;
    }
    return true;
}

bool cnn_net_check(const cnn_model *model, cnn_error *error)
{
    if (model->abi != CNN_ABI)
        return cnn_fail(error, "the model was generated for version %d of the runtime's contract, this libcnn has version %d: generate it again with "
                        "the cnnc that came with this libcnn", model->abi, CNN_ABI);
    if (model->real_bytes != 4 && model->real_bytes != 8)
        return cnn_fail(error, "the model is damaged: numbers of %d bytes", model->real_bytes);
    if (model->tile < 1 || !model->inputs || !model->outputs || model->infer.phase_count < 1)
        return cnn_fail(error, "the model is damaged: no images a call, no inputs, no outputs, or no inference");
    return check_tensors(model->weights, model->weight_tensors, model->weight_count, error)
        && check_tensors(model->state, model->state_tensors, model->state_count, error);
}

/* Half the width of the uniform distribution that a tensor begins with (Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998). */
static double spread(const cnn_tensor *t)
{
    double in = (double)t->fan_in, out = (double)t->fan_out;
    switch (t->init) {
    case CNN_INIT_GLOROT: return in + out > 0 ? sqrt(6 / (in + out)) : 0;
    case CNN_INIT_HE: return in > 0 ? sqrt(6 / in) : 0;
    case CNN_INIT_LECUN: return in > 0 ? sqrt(3 / in) : 0;
    }
    return 0;
}

typedef struct First {
    const Reals *reals;
    uint64_t seed;
    uint32_t tensor;
    double spread;
    char *to;
    size_t count;
} First;

enum { PIECE = 1 << 16 };       /* elements that one call makes; even, so that no Philox block is cut */

static void fill_piece(void *context, size_t piece, int thread)
{
    (void)thread;
    const First *f = context;
    size_t end = (piece + 1) * PIECE < f->count ? (piece + 1) * PIECE : f->count;
    for (size_t i = piece * PIECE; i < end; i++) {
        double u = cnn_random_uniform(f->seed, STREAM_WEIGHTS, (uint32_t)(i / 2), (uint32_t)((uint64_t)i / 2 >> 32), f->tensor, (int)(i % 2));
        f->reals->set(f->to, i, (2 * u - 1) * f->spread);
    }
}

static void first_values(cnn_net *net, uint64_t seed)
{
    for (int i = 0; i < cnn_net_tensors(net->model); i++) {
        const cnn_tensor *t = cnn_net_tensor(net->model, i);
        First f = { net->reals, seed, (uint32_t)i, spread(t), cnn_net_place(net, i), t->count };
        if (f.spread > 0)
            cnn_threads_each(net->threads, (t->count + PIECE - 1) / PIECE, fill_piece, &f);
        else if (t->init == CNN_INIT_ONES || t->init == CNN_INIT_DATA_DEVIATION)
            net->reals->fill(f.to, 1, t->count);
    }
}

cnn_net *cnn_new(const cnn_model *model, uint64_t seed, cnn_error *error)
{
    if (!cnn_net_check(model, error))
        return NULL;
    cnn_net *net = cnn_memory_get(1, sizeof *net, "the network", error);
    if (!net)
        return NULL;
    net->model = model;
    net->reals = cnn_reals(model->real_bytes);
    net->version = 1;
    cnn_set_threads(net, 0);
    net->weights = cnn_memory_get(model->weight_count, net->reals->bytes, "the weights", error);
    net->state = cnn_memory_get(model->state_count, net->reals->bytes, "the state", error);
    if (!net->weights || !net->state) {
        cnn_free(net);
        return NULL;
    }
    first_values(net, seed);
    return net;
}

void cnn_free(cnn_net *net)
{
    if (!net)
        return;
    cnn_memory_release(net->weights);
    cnn_memory_release(net->state);
    cnn_memory_release(net);
}

const cnn_model *cnn_model_of(const cnn_net *net)
{
    return net->model;
}

void cnn_set_threads(cnn_net *net, int threads)
{
    net->threads = threads > 0 ? threads : cnn_threads_available();
}

void cnn_set_ranks(cnn_net *net, const cnn_ranks *ranks)
{
    net->ranks = cnn_ranks_several(ranks) ? ranks : NULL;
}

void *cnn_weights(cnn_net *net)
{
    return net->weights;
}

void *cnn_state(cnn_net *net)
{
    return net->state;
}

void cnn_changed(cnn_net *net)
{
    net->version++;
}
