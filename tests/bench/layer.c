/* layer.c: the nests of one layer, as a contestant (see worker.h). Linked with C that cnnc made, with -DMODEL=Name_model and -DLAYER="name".
 *
 * The generated C is compiled with -finstrument-functions and -Dstatic=, so that the functions below are told of every call and find its
 * name; the program must export its names (-rdynamic). A turn runs inference of one tile, again and again, and then steps of training. The answer is
 * the time of both, and behind it the seconds of: forward (in inference, where weights are packed once, when they come) dx dw (in training). What
 * the layer does before and after (borders, the bias, in training the packing) counts too. */
#define _GNU_SOURCE             /* dladdr */
#include "worker.h"

#include <cnn/model.h>
#include <dlfcn.h>

#define PLAIN __attribute__((no_instrument_function))

extern const cnn_model MODEL;

enum { FORWARD, DX, DW, OTHER, KINDS };
enum { MOST = 512, DEEPEST = 16 };

typedef struct Known {
    void *function;
    int kind;
} Known;

static Known known[MOST];
static int known_count, depth;
static double began[DEEPEST], spent[KINDS];

/* LAYER_dw and LAYER_db belong to the gradient of the weights, LAYER_dx to that of the input, what else begins with LAYER is forward. */
PLAIN static int kind_of_name(const char *name)
{
    size_t length = strlen(LAYER);
    if (!name || strncmp(name, LAYER, length) != 0)
        return OTHER;
    name += length;
    if (*name != '\0' && *name != '_')
        return OTHER;
    if (!strncmp(name, "_dx", 3))
        return DX;
    return !strncmp(name, "_dw", 3) || !strncmp(name, "_db", 3) ? DW : FORWARD;
}

PLAIN static int kind_of(void *function)
{
    for (int i = 0; i < known_count; i++)
        if (known[i].function == function)
            return known[i].kind;
    Dl_info info;
    int kind = kind_of_name(dladdr(function, &info) && info.dli_saddr == function ? info.dli_sname : NULL);
    if (known_count < MOST)
        known[known_count++] = (Known){ function, kind };
    return kind;
}

PLAIN void __cyg_profile_func_enter(void *function, void *site);
PLAIN void __cyg_profile_func_exit(void *function, void *site);

void __cyg_profile_func_enter(void *function, void *site)
{
    (void)function;
    (void)site;
    if (depth < DEEPEST)
        began[depth] = worker_now();
    depth++;
}

void __cyg_profile_func_exit(void *function, void *site)
{
    (void)site;
    if (--depth < DEEPEST)
        spent[kind_of(function)] += worker_now() - began[depth];
}

static float *reals(size_t count, float value)
{
    float *memory = worker_block(count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        memory[i] = value * (float)((i * 2654435761U >> 16) % 1024) / 1024;
    return memory;
}

/* Inference, as often as is said, and then as many steps of training, whose forward pass does not count. */
static void steps(const cnn_job *infer, const cnn_job *train, long calls)
{
    for (long i = 0; i < calls; i++)
        for (int p = 0; p < MODEL.infer.phase_count; p++)
            if (!MODEL.infer.phases[p].once)
                MODEL.infer.phases[p].run(infer);
    double forward = spent[FORWARD];
    for (long i = 0; i < calls; i++)
        for (int p = 0; p < MODEL.train_phases; p++)
            MODEL.train.phases[p].run(train);
    spent[FORWARD] = forward;
}

int main(void)
{
    size_t tile = (size_t)MODEL.tile;
    float images = (float)tile, keep = 0, *share = reals(tile, 0);
    for (size_t i = 0; i < tile; i++)
        share[i] = 1 / images;
    cnn_job job = { .x = reals(tile * MODEL.inputs, 1), .target = reals(tile * MODEL.outputs, 1), .share = share, .images = &images, .keep = &keep,
                    .weights = reals(MODEL.weight_count, 0.1f), .state = reals(MODEL.state_count, 1), .gradient = reals(MODEL.weight_count, 0),
                    .y = reals(tile * MODEL.outputs, 0), .loss = reals(tile, 0), .scratch = reals(MODEL.train.scratch, 0),
                    .shared = reals(MODEL.train.shared, 0) };
    cnn_job infer = job;
    infer.scratch = reals(MODEL.infer.scratch, 0);
    infer.shared = reals(MODEL.infer.shared, 0);
    for (int p = 0; p < MODEL.infer.phase_count; p++)
        if (MODEL.infer.phases[p].once)
            MODEL.infer.phases[p].run(&infer);
    steps(&infer, &job, 1);
    printf("ready %d\n", MODEL.tile);
    fflush(stdout);
    for (double seconds; (seconds = worker_order()) > 0; ) {
        double first = worker_now();
        steps(&infer, &job, 1);
        double once = worker_now() - first;
        long calls = once < seconds ? (long)(seconds / once) : 1;
        memset(spent, 0, sizeof spent);
        first = worker_now();
        steps(&infer, &job, calls);
        printf("%.9g %ld %ld %.9g %.9g %.9g\n", (worker_now() - first) / (double)calls, calls, worker_memory(), spent[FORWARD] / (double)calls,
               spent[DX] / (double)calls, spent[DW] / (double)calls);
        fflush(stdout);
    }
    return 0;
}
