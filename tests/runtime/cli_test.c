/* cli_test.c: the command line as people meet it: what it prints, what it returns, and that no kill leaves half a file. */
#include "tiny.h"
#include "../../runtime/io.h"
#include "../../runtime/npy.h"
#include "../../runtime/safetensors.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static cnn_model model;
static const cnn_setting usual[] = {
    SETTING("source", "idx", { "dir", 0, "nowhere" }),
    SETTING("loss", "crossentropy", { "smooth", 0, NULL }),
    SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, { "momentum", 0.9, NULL }),
    SETTING("epochs", NULL, { "epochs", 3, NULL }),
    SETTING("batch", NULL, { "images", 20, NULL }),
    SETTING("labels", NULL, { "", 0, "apple" }, { "", 0, "pear" }, { "", 0, "plum" }),
    SETTING("report", NULL, { "", 0, "accuracy" }, { "", 0, "confusion" }, { "", 0, "per-class" }),
};

enum { MOST_WORDS = 24 };

/* Splits a command at its spaces; %/ becomes the folder of the test. */
static int words_of(const char *command, char *words[MOST_WORDS], char *room, size_t bytes)
{
    int count = 0;
    char *to = room;
    for (const char *c = command; *c; c++) {
        if (c == command || (c[-1] == ' ' && *c != ' '))
            words[count++] = to;
        if (*c == '%')
            to += snprintf(to, bytes - (size_t)(to - room), "%s", tiny_folder);
        else
            *to++ = (char)(*c == ' ' ? 0 : *c);
    }
    *to = 0;
    words[count] = NULL;
    return count;
}

/* Runs a command in a process of its own. Its output is in files "out" and "err". */
static pid_t start(const char *command)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child)
        return child;
    char room[1024], *words[MOST_WORDS];
    int count = words_of(command, words, room, sizeof room);
    if (!freopen(tiny_path("out"), "w", stdout) || !freopen(tiny_path("err"), "w", stderr))
        _exit(99);
    int status = cnn_main(&model, count, words);
    fflush(NULL);
    _exit(status);
}

static int finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *command)
{
    return finish(start(command));
}

static void holds(const char *file, const char *text)
{
    size_t bytes;
    char *there = tiny_read(tiny_path(file), &bytes);
    if (!strstr(there, text))
        fail_msg("'%s' is not in:\n%s", text, there);
    free(there);
}

static void same_files(const char *a, const char *b)
{
    size_t bytes, others;
    char *x = tiny_read(tiny_path(a), &bytes), *y = tiny_read(tiny_path(b), &others);
    assert_int_equal(bytes, others);
    assert_memory_equal(x, y, bytes);
    free(x);
    free(y);
}

static void misuse_is_answered_with_what_was_meant(void **state)
{
    (void)state;
    static const struct { const char *command, *answer; } tries[] = {
        { "net trian", "unknown command 'trian'\n  help: did you mean 'train'?" },
        { "net xyzzy", "help: the commands are train, test, run, grad, step and help" },
        { "net train --epcohs 3", "unknown option --epcohs\n  help: did you mean --epochs?" },
        { "net test --epochs 3", "--epochs is no option of test" },
        { "net train --epochs", "--epochs needs a value: N" },
        { "net train --epochs many", "--epochs is 'many', but a whole number from 1 on was expected" },
        { "net train --epochs=0", "--epochs is '0'" },
        { "net train --lr -1", "--lr is '-1', but a number from 0 on was expected" },
        { "net train 7", "'7' stands alone, but an option was expected" },
        { "net test", "test needs --weights FILE" },
        { "net run --weights w", "run needs --input X.npy" },
        { "net step --weights w", "step needs --image FILE" },
        { "net step --weights w --image x --class -1", "--class is '-1', but a whole number from 0 on was expected" },
        { "net train --input x.npy", "--input and --target belong together" },
        { "net train --resume a --weights b", "--resume and --weights exclude each other" },
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        assert_int_equal(run(tries[i].command), 2);
        holds("err", tries[i].answer);
        holds("err", "net: error: ");
    }
    assert_int_equal(run("net"), 2);
    assert_int_equal(run("net help"), 0);
    holds("out", "net: the network Stats, compiled from linear.cnn");
    assert_int_equal(run("net help train"), 0);
    holds("out", "--resume FILE");
    assert_int_equal(run("net train --help"), 0);
    assert_int_equal(run("net test --weights none"), 1);
    holds("err", "none: cannot be opened: No such file");
}

static void a_network_for_inference_alone_says_so(void **state)
{
    (void)state;
    cnn_model whole = model;
    model.train.phase_count = model.train_phases = 0;
    assert_int_equal(run("net train --data nowhere"), 1);
    holds("err", "was compiled for inference alone");
    assert_int_equal(run("net run --input %/missing.npy"), 2);
    holds("err", "run needs --weights");
    model.weight_tensors = model.state_tensors = 0;     /* they are constants of the code: none are asked for */
    assert_int_equal(run("net run --input %/missing.npy"), 1);
    holds("err", "missing.npy");
    assert_int_equal(run("net step --image %/missing.pgm"), 1);
    holds("err", "the network Stats cannot show itself: 'cnnc --main' without --infer makes a program that does");
    model = whole;
}

static void training_says_what_it_does(void **state)
{
    (void)state;
    assert_int_equal(run("net train --data % --threads 2"), 0);
    holds("out", "Stats: 21 parameters, 100 training images, 50 test images\n");
    holds("out", "    epoch      loss  accuracy  test loss  test acc   images/s     time\n      1/3    ");
    holds("out", "nothing was saved: say where with --save FILE, or with a `save` line in the train block of linear.cnn");
    holds("out", "confusion: what it is (down), what it was taken for (across)\n               apple  pear  plum\napple  ");
    holds("out", "class                  images      found    precise\napple                      17 ");
    holds("out", "\ntest accuracy ");
    assert_int_equal(run("net train --data % --save %/a.safetensors --csv %/a.csv"), 0);
    holds("out", "saved ");
    holds("a.csv", "epoch,step,rate,loss,accuracy,test_loss,test_accuracy\n1,5,0.1");
    assert_int_equal(run("net train --data % --save %/b.safetensors --csv %/b.csv --threads 3"), 0);
    same_files("a.safetensors", "b.safetensors");
    same_files("a.csv", "b.csv");
    assert_int_not_equal(access(tiny_path("a.resume.safetensors"), F_OK), 0);
    assert_int_equal(run("net test --data % --weights %/a.safetensors --csv %/confusion.csv"), 0);
    holds("out", "test accuracy ");
    holds("confusion.csv", "truth,\"apple\",\"pear\",\"plum\"\n\"apple\",");
    assert_int_equal(run("net train --data % --seed 2 --save %/c.safetensors --quiet"), 0);
    assert_int_equal(run("net train --data %/none"), 1);
    holds("err", "the data set idx was not found. Looked in:\n    ");
}

static void expectations_decide_the_exit_status(void **state)
{
    (void)state;
    cnn_setting settings[8];
    cnn_model kept = model;
    memcpy(settings, usual, sizeof usual);
    settings[7] = (cnn_setting)SETTING("expect", "accuracy", { "relation", 0, ">=" }, { "value", 0.3, NULL });
    model.settings = settings;
    model.setting_count = 8;
    assert_int_equal(run("net train --data % --threads 1"), 0);
    settings[7] = (cnn_setting)SETTING("expect", "loss", { "relation", 0, "<" }, { "value", 0.001, NULL });
    assert_int_equal(run("net train --data % --threads 1"), 1);
    holds("err", "net: error: expected loss < 0.001, but it is ");
    settings[7] = (cnn_setting)SETTING("expect", "accuracy", { "relation", 0, ">" }, { "value", 1, NULL });
    assert_int_equal(run("net train --data % --threads 1"), 1);
    holds("err", "net: error: expected accuracy > 100 %, but it is ");
    model = kept;
}

static void arrays_are_run_and_differentiated(void **state)
{
    (void)state;
    cnn_net *net = cnn_new(&model, 1, NULL);
    float x[30], y[15], t[15], g[21], dx[30];
    cnn_set_threads(net, 1);                    /* OpenMP does not survive a fork, and more commands follow */
    tiny_images(net, x, t, 5, 3);
    assert_true(cnn_npy_save(tiny_path("x.npy"), &cnn_reals_float, x, (int64_t[]){ 5, 1, 2, 3 }, 4, NULL));
    assert_true(cnn_npy_save(tiny_path("t.npy"), &cnn_reals_float, t, (int64_t[]){ 5, 3 }, 2, NULL));
    assert_true(cnn_save(net, tiny_path("w.safetensors"), NULL));

    assert_int_equal(run("net run --weights %/w.safetensors --input %/x.npy --output %/y.npy"), 0);
    assert_true(cnn_run(net, x, 5, y, NULL));
    size_t bytes;
    char *file = tiny_read(tiny_path("y.npy"), &bytes);
    assert_memory_equal(file + bytes - sizeof y, y, sizeof y);
    free(file);
    assert_int_equal(run("net run --weights %/w.safetensors --input %/x.npy"), 0);
    holds("out", "     4  ");
    assert_int_equal(run("net run --weights %/w.safetensors --input %/t.npy"), 1);
    holds("err", "the images are 3 features, but the network's input is 2x3x1");

    assert_int_equal(run("net grad --weights %/w.safetensors --input %/x.npy --target %/t.npy --output %/g.safetensors"), 0);
    double loss;
    char line[64];
    assert_true(cnn_gradient(net, x, t, 5, 1, false, &loss, g, dx, NULL));
    snprintf(line, sizeof line, "loss %.9g\n", loss);
    holds("out", line);
    Stored s;
    float stored[30];
    assert_true(cnn_stored_open(&s, tiny_path("g.safetensors"), NULL));
    const StoredTensor *input = cnn_stored_find(&s, "input");
    assert_true(input && input->rank == 4 && input->dim[0] == 5 && input->dim[3] == 3);
    assert_true(cnn_stored_read(&s, input, stored, &cnn_reals_float, NULL));
    assert_memory_equal(stored, dx, sizeof dx);
    assert_true(cnn_stored_read(&s, cnn_stored_find(&s, "dense1.bias"), stored, &cnn_reals_float, NULL));
    assert_memory_equal(stored, g + 18, 3 * sizeof(float));
    cnn_stored_close(&s);
    assert_int_equal(run("net grad --eval --weights %/w.safetensors --input %/x.npy --target %/t.npy --output %/g.safetensors"), 1);

    assert_int_equal(run("net train --input %/x.npy --target %/t.npy --steps 3 --save %/v.safetensors --csv %/v.csv"), 0);
    holds("out", "step 3  loss ");
    holds("v.csv", "\n3,3,0.1");
    cnn_free(net);
}

/* ---- stopping and killing */

static void wait_a_moment(long microseconds)
{
    struct timespec time = { 0, 1000 * microseconds };
    nanosleep(&time, NULL);
}

static void ctrl_c_ends_the_step_and_says_how_to_go_on(void **state)
{
    (void)state;
    assert_int_equal(run("net train --data % --epochs 400 --save %/whole.safetensors --quiet --threads 1"), 0);
    int stopped = 0;
    for (int tries = 0; tries < 50 && !stopped; tries++) {
        pid_t child = start("net train --data % --epochs 400 --save %/parts.safetensors --threads 1");
        wait_a_moment(20000 + 3000 * tries);
        kill(child, SIGINT);
        int status = finish(child);             /* 130: it had not begun to train */
        stopped = status == 0 && access(tiny_path("parts.resume.safetensors"), F_OK) == 0;
    }
    assert_true(stopped);
    holds("out", "stopped after epoch ");
    holds("out", "to go on: net train --data ");
    holds("out", "--threads 1 --resume ");
    assert_int_equal(run("net train --data % --epochs 400 --save %/parts.safetensors --quiet --resume %/parts.resume.safetensors"), 0);
    same_files("whole.safetensors", "parts.safetensors");
    assert_int_not_equal(access(tiny_path("parts.resume.safetensors"), F_OK), 0);
}

/* A command that goes on where it was, or begins. */
static const char *train_or_resume(void)
{
    return access(tiny_path("k.resume.safetensors"), F_OK) == 0
        ? "net train --data % --epochs 150 --save %/k.safetensors --csv %/k.csv --quiet --threads 1 --resume %/k.resume.safetensors"
        : "net train --data % --epochs 150 --save %/k.safetensors --csv %/k.csv --quiet --threads 1";
}

static void no_kill_loses_the_run(void **state)
{
    (void)state;
    enum { KILLS = 200 };
    assert_int_equal(run("net train --data % --epochs 150 --save %/k0.safetensors --csv %/k0.csv --quiet --threads 1"), 0);
    uint32_t random = 1;
    int killed = 0;
    for (int i = 0; i < KILLS; i++) {
        pid_t child = start(train_or_resume());
        random = random * 1664525u + 1013904223u;
        wait_a_moment(1000 + (long)(random >> 8) % 20000);
        kill(child, SIGKILL);
        int status = finish(child);
        killed += status == 128 + SIGKILL;
        assert_true(status == 128 + SIGKILL || status == 0);
    }
    assert_true(killed > KILLS / 4);
    assert_int_equal(run(train_or_resume()), 0);
    same_files("k0.safetensors", "k.safetensors");
    same_files("k0.csv", "k.csv");
}

/* Ends the process like a kill would, at call number `deadly` of those that change the disk. */
static int deadly;

static int die(void *context, IoCall call, size_t *bytes)
{
    (void)context;
    if ((call == IO_WRITE || call == IO_SYNC || call == IO_RENAME || call == IO_REMOVE) && deadly-- == 0) {
        if (call == IO_WRITE && *bytes > 1)
            *bytes /= 2;                        /* half of it reaches the disk, and the next call is the last */
        else
            raise(SIGKILL);
        deadly = 0;
    }
    return 0;
}

static void a_kill_at_any_write_leaves_the_old_or_the_new_file(void **state)
{
    (void)state;
    const char *fresh = "net train --data % --epochs 4 --save %/d.safetensors --csv %/d.csv --quiet --threads 1";
    const char *resumed = "net train --data % --epochs 4 --save %/d.safetensors --csv %/d.csv --quiet --threads 1 --resume %/d.resume.safetensors";
    assert_int_equal(run("net train --data % --epochs 4 --save %/d0.safetensors --csv %/d0.csv --quiet --threads 1"), 0);
    cnn_io_hook(die, NULL);
    int status = 128 + SIGKILL;
    for (int at = 0; status == 128 + SIGKILL; at++) {
        assert_true(at < 1000);
        deadly = at;
        status = run(fresh);
        assert_true(status == 0 || status == 128 + SIGKILL);
        deadly = INT32_MAX;
        assert_int_equal(run(access(tiny_path("d.resume.safetensors"), F_OK) == 0 ? resumed : fresh), 0);
        same_files("d0.safetensors", "d.safetensors");
        same_files("d0.csv", "d.csv");
    }
    cnn_io_hook(NULL, NULL);
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

static int prepare(void **state)
{
    if (tiny_folder_make(state))
        return -1;
    model = tiny_float_stats();
    model.settings = usual;
    model.setting_count = sizeof usual / sizeof *usual;
    write_idx("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 100);
    write_idx("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 50);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misuse_is_answered_with_what_was_meant),
        cmocka_unit_test(a_network_for_inference_alone_says_so),
        cmocka_unit_test(training_says_what_it_does),
        cmocka_unit_test(expectations_decide_the_exit_status),
        cmocka_unit_test(arrays_are_run_and_differentiated),
        cmocka_unit_test(ctrl_c_ends_the_step_and_says_how_to_go_on),
        cmocka_unit_test(no_kill_loses_the_run),
        cmocka_unit_test(a_kill_at_any_write_leaves_the_old_or_the_new_file),
    };
    return cmocka_run_group_tests(tests, prepare, tiny_folder_remove);
}
