/* faults_test.c: every allocation and every call of the system fails once, and from then on for ever. Nothing may crash, leak or leave half
 * a file, and every failure is said. */
#include "tiny.h"
#include "../../runtime/io.h"
#include "../../runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* ---- faults */

typedef struct Fault {
    atomic_long calls;
    long at;                    /* the call that fails, counted from 0 */
    bool for_ever;
    int number;                 /* errno; 0: a short read or write */
} Fault;

static bool now(Fault *fault)
{
    long call = atomic_fetch_add(&fault->calls, 1);
    return call == fault->at || (fault->for_ever && call >= fault->at);
}

static bool refuse_memory(void *context, size_t bytes)
{
    (void)bytes;
    return now(context);
}

static int refuse_call(void *context, IoCall call, size_t *bytes)
{
    Fault *fault = context;
    if (fault->number == EINTR && call != IO_OPEN && call != IO_READ && call != IO_WRITE && call != IO_SYNC)
        return 0;               /* the others are not interrupted */
    if (!now(fault))
        return 0;
    if (!fault->number && *bytes > 1)
        *bytes = 1;
    return fault->number;
}

/* ---- what is tried */

static cnn_model model;

static bool job_train(cnn_error *error)
{
    cnn_net *net = cnn_new(&model, 9, error);
    cnn_data *data = net ? cnn_data_open(net, tiny_folder, error) : NULL;
    cnn_plan plan = cnn_plan_of(&model);
    plan.save = tiny_path("net.safetensors");
    plan.csv = tiny_path("net.csv");
    plan.checkpoint = tiny_path("train.resume");
    plan.checkpoint_always = true;
    bool good = data && cnn_train(net, data, &plan, NULL, NULL, error);
    cnn_data_free(data);
    cnn_free(net);
    return good;
}

static bool job_resume(cnn_error *error)
{
    cnn_net *net = cnn_new(&model, 9, error);
    cnn_data *data = net ? cnn_data_open(net, tiny_folder, error) : NULL;
    cnn_plan plan = cnn_plan_of(&model);
    plan.save = tiny_path("net.safetensors");
    plan.resume = tiny_path("net.resume");
    bool good = data && cnn_train(net, data, &plan, NULL, NULL, error);
    cnn_data_free(data);
    cnn_free(net);
    return good;
}

static bool job_test(cnn_error *error)
{
    cnn_net *net = cnn_new(&model, 9, error);
    cnn_data *data = net ? cnn_data_open(net, tiny_folder, error) : NULL;
    cnn_scores scores;
    bool good = data && cnn_load(net, tiny_path("net.safetensors"), false, NULL, NULL, error) && cnn_test(net, data, &scores, NULL, error);
    cnn_data_free(data);
    cnn_free(net);
    return good;
}

static bool job_command(cnn_error *error, int argc, char **argv)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);               /* what it prints is not for the log of the test */
    int status = cnn_main(&model, argc, argv);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(nowhere);
    snprintf(error->text, sizeof error->text, "%s", status ? "status" : "");
    assert_in_range(status, 0, 1);
    return status == 0;
}

static bool job_run(cnn_error *error)
{
    char weights[128], input[128], output[128];
    snprintf(weights, sizeof weights, "--weights=%s", tiny_path("net.safetensors"));
    snprintf(input, sizeof input, "--input=%s", tiny_path("x.npy"));
    snprintf(output, sizeof output, "--output=%s", tiny_path("y.npy"));
    return job_command(error, 5, (char *[]){ "net", "run", weights, input, output, NULL });
}

static bool job_grad(cnn_error *error)
{
    char weights[128], input[128], target[128], output[128];
    snprintf(weights, sizeof weights, "--weights=%s", tiny_path("net.safetensors"));
    snprintf(input, sizeof input, "--input=%s", tiny_path("x.npy"));
    snprintf(target, sizeof target, "--target=%s", tiny_path("t.npy"));
    snprintf(output, sizeof output, "--output=%s", tiny_path("g.safetensors"));
    return job_command(error, 6, (char *[]){ "net", "grad", weights, input, target, output, NULL });
}

/* Everything that a run leaves behind, by its command line. */
static bool job_leave(cnn_error *error)
{
    static int boards;                          /* a folder for each: a thousand files of one second are too many */
    char data[128], save[128], report[128], board[160], weights[128];
    snprintf(data, sizeof data, "--data=%s", tiny_folder);
    snprintf(save, sizeof save, "--save=%s", tiny_path("left.safetensors"));
    snprintf(report, sizeof report, "--report=%s", tiny_path("left.html"));
    snprintf(board, sizeof board, "--tensorboard=%s%d", tiny_path("left.board"), boards++);
    snprintf(weights, sizeof weights, "--epochs=2");
    return job_command(error, 8, (char *[]){ "net", "train", data, save, report, board, weights, "--plot", NULL });
}

static bool job_find(cnn_error *error)
{
    char data[128];
    snprintf(data, sizeof data, "--data=%s", tiny_folder);
    return job_command(error, 4, (char *[]){ "net", "train", data, "--find-lr", NULL });
}

static bool job_pictures(cnn_error *error)
{
    cnn_model pictures = model;
    SETTINGS(pictures, SETTING("source", "folder", { "dir", 0, NULL }));
    cnn_net *net = cnn_new(&pictures, 9, error);
    cnn_data *data = net ? cnn_data_open(net, tiny_path("pictures"), error) : NULL;
    bool good = data != NULL;
    cnn_data_free(data);
    cnn_free(net);
    return good;
}

/* One image on its way, its maps at places of their own. */
static void look_forward(const cnn_job *job)
{
    for (int i = 0; i < 3; i++)
        ((float *)job->y)[i] = ((float *)job->scratch)[i] = ((const float *)job->x)[i];
    *(float *)job->loss = 1;
}

static void look_back(const cnn_job *job)
{
    for (int i = 0; i < 3; i++)
        ((float *)job->dx)[i] = ((float *)job->scratch)[3 + i] = ((const float *)job->target)[i];
}

static const cnn_phase look_phases[] = { { "look", 0, look_forward, NULL, 0 }, { "look_back", 0, look_back, NULL, 0 } };
static const cnn_map look_maps[] = {
    { "input", "", 3, { 1, 2, 3 }, CNN_MAP_INPUT, CNN_MAP_INPUT, -1 }, { "dense1", "dense 3, softmax", 1, { 3 }, 0, 3, -1 },
    { "softmax1", "softmax", 1, { 3 }, CNN_MAP_RESULT, CNN_MAP_SAME, -1 },
};
static const cnn_look look = { { look_phases, 2, 6, 0, 0 }, 1, 1, 3, look_maps };

static bool job_step(cnn_error *error)
{
    char weights[128], image[128];
    snprintf(weights, sizeof weights, "--weights=%s", tiny_path("net.safetensors"));
    snprintf(image, sizeof image, "--image=%s", tiny_path("pictures/a/x.pgm"));
    return job_command(error, 5, (char *[]){ "net", "step", weights, image, "--backward", NULL });
}

static const struct {
    const char *name;
    bool (*job)(cnn_error *error);
    const char *writes[3];
} jobs[] = {
    { "train", job_train, { "net.safetensors", "net.csv", NULL } },
    { "resume", job_resume, { "net.safetensors", NULL } },
    { "test", job_test, { NULL } },
    { "run", job_run, { "y.npy", NULL } },
    { "grad", job_grad, { "g.safetensors", NULL } },
    { "leave", job_leave, { "left.html", NULL } },
    { "find", job_find, { NULL } },
    { "pictures", job_pictures, { NULL } },
    { "step", job_step, { NULL } },
};
enum { JOBS = sizeof jobs / sizeof *jobs, MOST_CALLS = 5000 };

/* The good contents of the files, by job. */
static struct { char *text; size_t bytes; } good_files[JOBS][2];

static void files_are_whole(int j, bool done)
{
    for (int i = 0; i < 2 && jobs[j].writes[i]; i++) {
        const char *path = tiny_path(jobs[j].writes[i]);
        if (access(path, F_OK) != 0 && !done)
            continue;
        size_t bytes;
        char *text = tiny_read(path, &bytes);
        bool csv = strstr(path, ".csv") != NULL;                        /* grows from epoch to epoch, a line each */
        bool same = csv && !done ? bytes <= good_files[j][i].bytes && !memcmp(text, good_files[j][i].text, bytes)
                                 : bytes == good_files[j][i].bytes && !memcmp(text, good_files[j][i].text, bytes);
        if (!same && (done || !strstr(path, "net.safetensors")))
            fail_msg("%s: %s is not what it should be", jobs[j].name, path);
        assert_true(bytes > 0);
        free(text);
    }
    assert_int_not_equal(access(tiny_path("net.safetensors.tmp"), F_OK), 0);
    assert_int_not_equal(access(tiny_path("net.csv.tmp"), F_OK), 0);
}

/* Runs a job with its 1st, 2nd, ... call failing, until it no longer comes to the call that would. */
static void try_all(int j, bool memory, int number, bool for_ever)
{
    for (long at = 0;; at++) {
        Fault fault = { .at = at, .for_ever = for_ever, .number = number };
        cnn_error error = { "" };
        assert_true(at < MOST_CALLS);
        if (memory)
            cnn_memory_hook(refuse_memory, &fault);
        else
            cnn_io_hook(refuse_call, &fault);
        bool done = jobs[j].job(&error);
        cnn_memory_hook(NULL, NULL);
        cnn_io_hook(NULL, NULL);
        if (cnn_memory_blocks())
            fail_msg("%s: call %ld leaves %ld blocks", jobs[j].name, at, (long)cnn_memory_blocks());
        if (done == (error.text[0] != 0))
            fail_msg("%s: call %ld: '%s'", jobs[j].name, at, error.text);
        if (!memory && (number == EINTR || number == 0))
            assert_true(done);
        files_are_whole(j, done);
        if (atomic_load(&fault.calls) <= at)
            break;
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int j = 0; j < JOBS; j++) {
        try_all(j, true, 0, false);
        try_all(j, true, 0, true);
    }
}

static void every_call_of_the_system_may_fail(void **state)
{
    (void)state;
    for (int j = 0; j < JOBS; j++) {
        try_all(j, false, EIO, false);
        try_all(j, false, ENOSPC, true);
    }
}

static void short_and_interrupted_calls_change_nothing(void **state)
{
    (void)state;
    for (int j = 0; j < JOBS; j++) {
        try_all(j, false, EINTR, false);
        try_all(j, false, 0, false);
        try_all(j, false, 0, true);
    }
}

/* ---- */

static void write_idx(const char *images, const char *labels, uint8_t count)
{
    uint8_t x[16 + 6 * 256] = { 0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 3 }, y[8 + 256] = { 0, 0, 8, 1, 0, 0, 0, count };
    for (int i = 0; i < count; i++) {
        y[8 + i] = (uint8_t)(i % 3);
        for (int k = 0; k < 6; k++)
            x[16 + 6 * i + k] = (uint8_t)((k % 3 == i % 3) + (i * 7 + k * 5) % 3);
    }
    tiny_write(tiny_path(images), x, 16 + 6 * (size_t)count);
    tiny_write(tiny_path(labels), y, 8 + (size_t)count);
}

static bool stop_at_7(void *context)
{
    return ++*(int *)context == 7;
}

static const cnn_setting settings[] = {
    SETTING("optimizer", "adam", { "lr", 0.01, NULL }), SETTING("epochs", NULL, { "epochs", 3, NULL }),
    SETTING("validate", NULL, { "share", 0.2, NULL }), SETTING("save", "best", { "file", 0, "none" }),
    SETTING("loss", "crossentropy", { "smooth", 0, NULL }), SETTING("augment", "flip", { "axis", 0, "vertical" }),
};

static int prepare(void **state)
{
    if (tiny_folder_make(state))
        return -1;
    model = tiny_float_stats();
    model.look = &look;
    model.settings = settings;
    model.setting_count = sizeof settings / sizeof *settings;
    write_idx("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 100);
    write_idx("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 50);
    float x[30];
    for (int i = 0; i < 30; i++)
        x[i] = (float)(i % 7) / 7;
    char header[] = "\x93NUMPY\1\0\x3f\0{'descr': '<f4', 'fortran_order': False, 'shape': (5, 6), }   \n", npy[512];
    memcpy(npy, header, sizeof header - 1);
    header[8] = (char)(sizeof header - 1 - 10);
    npy[8] = header[8];
    memcpy(npy + sizeof header - 1, x, sizeof x);
    tiny_write(tiny_path("x.npy"), npy, sizeof header - 1 + sizeof x);
    char labels[] = "\x93NUMPY\1\0\x3f\0{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }\n\0\1\2\0\1";
    labels[8] = (char)(sizeof labels - 1 - 10 - 5);
    tiny_write(tiny_path("t.npy"), labels, sizeof labels - 1);

    static const char *const folders[] = { "pictures", "pictures/a", "pictures/b", "pictures/c" };
    for (int i = 0; i < 4; i++) {
        char name[64];
        if (mkdir(tiny_path(folders[i]), 0777) < 0)
            return -1;
        snprintf(name, sizeof name, "%s/x.pgm", folders[i]);
        if (i)
            tiny_write(tiny_path(name), "P5 3 2 255\n123456", 17);
    }

    /* cnn_main prints what is expected to fail. */
    if (!freopen(tiny_path("stderr"), "w", stderr))
        return -1;
    cnn_error error = { "" };
    int steps = 0;
    cnn_net *net = cnn_new(&model, 9, &error);
    cnn_data *data = cnn_data_open(net, tiny_folder, &error);
    cnn_plan plan = cnn_plan_of(&model);
    plan.save = NULL;
    plan.checkpoint = tiny_path("net.resume");
    cnn_listener listener = { .context = &steps, .stop = stop_at_7 };
    bool good = job_train(&error);
    cnn_net *first = cnn_new(&model, 9, &error);
    good = good && cnn_train(first, data, &plan, &listener, NULL, &error);
    cnn_free(first);
    cnn_data_free(data);
    cnn_free(net);
    for (int j = 0; j < JOBS && good; j++) {
        good = jobs[j].job(&error);
        for (int i = 0; i < 2 && jobs[j].writes[i]; i++)
            good_files[j][i].text = tiny_read(tiny_path(jobs[j].writes[i]), &good_files[j][i].bytes);
    }
    if (!good)
        printf("%s\n", error.text);
    return good ? 0 : -1;
}

static int leave(void **state)
{
    for (int j = 0; j < JOBS; j++)
        for (int i = 0; i < 2; i++)
            free(good_files[j][i].text);
    return tiny_folder_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_call_of_the_system_may_fail),
        cmocka_unit_test(short_and_interrupted_calls_change_nothing),
    };
    return cmocka_run_group_tests(tests, prepare, leave);
}
