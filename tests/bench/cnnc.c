/* cnnc.c: a network that cnnc compiled, as a contestant (see worker.h). Linked with the generated code and libcnn, with -DMODEL=Name_model.
 *
 *     cnnc train N [THREADS]  steps of N images through cnn_train: forward, backward, SGD with momentum, and the images fetched from memory
 *     cnnc infer N X [FILE]   N images of the file X through the functions of the descriptor, as one calls NAME_infer; weights from FILE
 *     cnnc run N X [FILE]     the same through cnn_run, which finds its memory anew in each call
 *     cnnc save FILE          writes the first weights, for the other contestants
 *
 * X holds images, float after float, one at least; a batch of more takes them again from the first. `ready` is followed by the result for that. */
#include "worker.h"

#include <cnn/cnn.h>

extern const cnn_model MODEL;

static cnn_error error;

_Noreturn static void die(const char *what)
{
    printf("failed %s: %s\n", what, error.text);
    exit(1);
}

static float *reals(size_t count)
{
    return worker_block(count * sizeof(float));
}

static void ready(const float *y, size_t count)
{
    printf("ready");
    for (size_t i = 0; i < count; i++)
        printf(" %.7g", (double)y[i]);
    printf("\n");
    fflush(stdout);
}

/* ---- training */

typedef struct Turn {
    double seconds, began;      /* of the turn that is on */
    long warm, calls, done;     /* steps: not measured, to be measured, measured */
    bool over;
} Turn;

static void next_turn(Turn *t)
{
    *t = (Turn){ .seconds = worker_order() };
    t->over = t->seconds <= 0;
    t->began = worker_now();
}

/* After each step: warms up, measures, answers, waits for the next order. */
static void stepped(void *context, const cnn_progress *progress)
{
    (void)progress;
    Turn *t = context;
    if (!t->calls) {
        double now = worker_now();
        t->warm++;
        if (now - t->began < WORKER_WARM * t->seconds)
            return;
        t->calls = (long)(t->seconds * (double)t->warm / (now - t->began));
        if (t->calls < 1)
            t->calls = 1;
        t->began = worker_now();
    } else if (++t->done == t->calls) {
        worker_answer(worker_now() - t->began, t->calls);
        next_turn(t);
    }
}

static bool over(void *context)
{
    return ((const Turn *)context)->over;
}

static cnn_data *noise(const cnn_net *net, size_t images)
{
    float *x = reals(images * MODEL.inputs), *target = reals(images * MODEL.outputs);
    unsigned long long state = 1;
    for (size_t i = 0; i < images * MODEL.inputs; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x[i] = (float)(state >> 40) / (float)(1 << 24);
    }
    for (size_t i = 0; i < images; i++)
        target[i * MODEL.outputs + (i * 7 + i / 3) % MODEL.outputs] = 1;
    cnn_data *data = cnn_data_arrays(net, x, target, images, &error);
    free(x);
    free(target);
    return data;
}

static void train(cnn_net *net, size_t batch)
{
    /* An epoch ends with a copy of the weights: it has enough steps to make that no part of the time. */
    size_t images = batch * (MODEL.weight_count > 10000000 ? 8 : 64);
    if (images < 2048 && MODEL.inputs < 10000)
        images = 2048;
    cnn_data *data = noise(net, images);
    if (!data)
        die("data");
    cnn_plan plan = cnn_plan_of(&MODEL);
    Turn turn;
    cnn_listener listener = { .context = &turn, .step = stepped, .stop = over };
    plan.epochs = 0;
    plan.steps = 1000000000;
    plan.batch = (int64_t)batch;
    printf("ready\n");
    fflush(stdout);
    next_turn(&turn);
    if (!turn.over && !cnn_train(net, data, &plan, &listener, NULL, &error))
        die("train");
    cnn_data_free(data);
}

/* ---- inference */

typedef struct Inference {
    cnn_net *net;
    size_t images, calls;       /* calls: whole tiles */
    float *x, *y;
    cnn_job job;
} Inference;

static void infer(void *context)
{
    Inference *f = context;
    for (size_t call = 0; call < f->calls; call++) {
        f->job.x = f->x + call * (size_t)MODEL.tile * MODEL.inputs;
        f->job.y = f->y + call * (size_t)MODEL.tile * MODEL.outputs;
        for (int p = 0; p < MODEL.infer.phase_count; p++)
            if (!MODEL.infer.phases[p].once)
                MODEL.infer.phases[p].run(&f->job);
    }
}

static void run(void *context)
{
    Inference *f = context;
    if (!cnn_run(f->net, f->x, f->images, f->y, &error))
        die("run");
}

static void prepare(Inference *f, const char *path)
{
    size_t room = f->calls * (size_t)MODEL.tile;
    f->x = reals(room * MODEL.inputs);
    f->y = reals(room * MODEL.outputs);
    FILE *file = fopen(path, "rb");
    size_t found = file ? fread(f->x, MODEL.inputs * sizeof(float), room, file) : 0;
    if (!found)
        die(path);
    fclose(file);
    for (size_t i = found; i < room; i++)
        memcpy(f->x + i * MODEL.inputs, f->x + (i - found) * MODEL.inputs, MODEL.inputs * sizeof(float));
    f->job = (cnn_job){ .weights = cnn_weights(f->net), .state = cnn_state(f->net), .scratch = reals(MODEL.infer.scratch),
                        .shared = reals(MODEL.infer.shared) };
    for (int p = 0; p < MODEL.infer.phase_count; p++)       /* what depends on the weights alone */
        if (MODEL.infer.phases[p].once)
            MODEL.infer.phases[p].run(&f->job);
}

int main(int argc, char **argv)
{
    const char *task = argc > 2 ? argv[1] : "";
    cnn_net *net = cnn_new(&MODEL, 1, &error);
    if (!net)
        die("new");
    cnn_set_threads(net, 1);
    if (!strcmp(task, "save"))
        return cnn_save(net, argv[2], &error) ? 0 : (die("save"), 1);
    size_t batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (!strcmp(task, "train") && batch) {
        if (argc > 3)
            cnn_set_threads(net, (int)strtol(argv[3], NULL, 10));
        train(net, batch);
    } else if (argc > 3 && batch && (!strcmp(task, "infer") || !strcmp(task, "run"))) {
        Inference f = { .net = net, .images = batch, .calls = (batch + (size_t)MODEL.tile - 1) / (size_t)MODEL.tile };
        if (argc > 4 && !cnn_load(net, argv[4], false, NULL, NULL, &error))
            die("load");
        prepare(&f, argv[3]);
        void (*call)(void *) = !strcmp(task, "run") ? run : infer;
        call(&f);
        ready(f.y, MODEL.outputs);
        worker_turns(call, &f);
    } else {
        fprintf(stderr, "cnnc train|infer|run N ...\n");
        return 2;
    }
    cnn_free(net);
    return 0;
}
