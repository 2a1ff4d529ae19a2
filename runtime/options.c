/* options.c: the options of every command, in one table that is read, checked and printed. */
#include "options.h"
#include "fail.h"
#include "text.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef enum Kind { FLAG, TEXT, COUNT, WHOLE, RATE } Kind;       /* COUNT: from 1 on; WHOLE: from 0 on */

enum { TRAIN = 1 << COMMAND_TRAIN, TEST = 1 << COMMAND_TEST, RUN = 1 << COMMAND_RUN, GRAD = 1 << COMMAND_GRAD, STEP = 1 << COMMAND_STEP };

typedef struct Option {
    const char *name, *value;
    Kind kind;
    int commands, required;
    size_t offset;
    const char *help;
} Option;

#define AT(field) offsetof(Options, field)
static const Option options[] = {
    { "--weights", "FILE", TEXT, TRAIN | TEST | RUN | GRAD | STEP, TEST | RUN | GRAD | STEP, AT(weights), "weights to begin with, a safetensors file" },
    { "--fine-tune", NULL, FLAG, TRAIN, 0, AT(fine_tune), "load the weights that fit, and list the others" },
    { "--data", "DIR", TEXT, TRAIN | TEST, 0, AT(data), "where the data set is; 'digits' draws one" },
    { "--input", "X.npy", TEXT, TRAIN | TEST | RUN | GRAD, RUN | GRAD, AT(input), "images [n][c][h][w]; train takes them as one batch, in order" },
    { "--target", "Y.npy", TEXT, TRAIN | TEST | GRAD, GRAD, AT(target), "labels [n], or vectors [n][outputs]" },
    { "--output", "FILE", TEXT, RUN | GRAD, GRAD, AT(output), "where the results go: npy (run), safetensors (grad)" },
    { "--image", "FILE", TEXT, STEP, STEP, AT(image), "the picture, PNG, PGM or PPM" },
    { "--backward", NULL, FLAG, STEP, 0, AT(backward), "go back, too: which pixels move the loss" },
    { "--all", NULL, FLAG, STEP, 0, AT(all), "every map of a layer, not two rows of them" },
    { "--class", "N", WHOLE, STEP, 0, AT(class), "the right answer, if it is not the network's" },
    { "--epochs", "N", COUNT, TRAIN, 0, AT(epochs), "passes over the training images" },
    { "--steps", "N", COUNT, TRAIN, 0, AT(steps), "end after so many steps" },
    { "--batch", "N", COUNT, TRAIN, 0, AT(batch), "images a step" },
    { "--lr", "X", RATE, TRAIN, 0, AT(rate), "the learning rate to begin with" },
    { "--seed", "N", WHOLE, TRAIN | GRAD, 0, AT(seed), "what all random numbers are a function of" },
    { "--save", "FILE", TEXT, TRAIN, 0, AT(save), "where the weights go" },
    { "--csv", "FILE", TEXT, TRAIN | TEST, 0, AT(csv), "a table of the epochs (train), of the confusions (test)" },
    { "--plot", NULL, FLAG, TRAIN, 0, AT(plot), "draw the curves of loss and accuracy at the end" },
    { "--report", "FILE", TEXT, TRAIN | TEST, 0, AT(report), "a page with curves, confusions, filters, mistakes" },
    { "--tensorboard", "DIR", TEXT, TRAIN, 0, AT(tensorboard), "write the curves as event files for TensorBoard" },
    { "--find-lr", NULL, FLAG, TRAIN, 0, AT(find_lr), "instead of training, look for a good learning rate" },
    { "--checkpoint", "FILE", TEXT, TRAIN, 0, AT(checkpoint), "where an unfinished run is kept" },
    { "--resume", "FILE", TEXT, TRAIN, 0, AT(resume), "go on with an unfinished run, bit for bit" },
    { "--eval", NULL, FLAG, GRAD, 0, AT(eval), "the gradient of inference, not of training" },
    { "--threads", "N", COUNT, TRAIN | TEST | RUN | GRAD, 0, AT(threads), "cores to use; the results are the same" },
    { "--any-order", NULL, FLAG, TRAIN, 0, AT(any_order), "several ranks (mpirun) add gradients as is fastest" },
    { "--quiet", NULL, FLAG, TRAIN, 0, AT(quiet), "print the results alone" },
};
enum { OPTIONS = sizeof options / sizeof *options };

static const struct {
    const char *name, *help;
} commands[] = {
    [COMMAND_TRAIN] = { "train", "train the network" },
    [COMMAND_TEST] = { "test", "how well it does on the test images" },
    [COMMAND_RUN] = { "run", "its results for some images" },
    [COMMAND_GRAD] = { "grad", "loss and gradients of some images, to compare" },
    [COMMAND_STEP] = { "step", "one picture on its way through it, in the terminal" },
    [COMMAND_HELP] = { "help", "this, or the options of a command" },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- reading */

static bool read_command(const char *word, Command *to, cnn_error *error)
{
    const char *names[COMMANDS + 1] = { NULL };
    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (!strcmp(word, commands[i].name)) {
            *to = (Command)i;
            return true;
        }
    }
    char safe[TEXT_SAFE];
    const char *closest = cnn_text_closest(word, names);
    cnn_fail(error, "unknown command '%s'", cnn_text_safe(safe, word, strlen(word)));
    if (closest)
        cnn_fail_more(error, "  help: did you mean '%s'?", closest);
    else
        cnn_fail_more(error, "  help: the commands are train, test, run, grad, step and help");
    return false;
}

static bool read_value(Options *o, const Option *option, const char *text, cnn_error *error)
{
    char safe[TEXT_SAFE];
    void *to = (char *)o + option->offset;
    cnn_text_safe(safe, text, strlen(text));
    switch (option->kind) {
    case FLAG:
        return cnn_fail(error, "%s takes no value", option->name);
    case TEXT:
        *(const char **)to = text;
        return *text || cnn_fail(error, "%s needs a name, but it is empty", option->name);
    case COUNT:
    case WHOLE:
        return (cnn_text_integer(text, to) && *(int64_t *)to >= (option->kind == COUNT))
            || cnn_fail(error, "%s is '%s', but a whole number from %d on was expected", option->name, safe, option->kind == COUNT);
    case RATE:
        return (cnn_text_real(text, to) && *(double *)to >= 0)
            || cnn_fail(error, "%s is '%s', but a number from 0 on was expected", option->name, safe);
    }
    return false;
}

/* The option that a word names up to its end or a '='. Reports unknown ones and those of other commands. */
static const Option *find(const Options *o, const char *word, cnn_error *error)
{
    const char *names[OPTIONS + 1];
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word), count = 0;
    char name[TEXT_SAFE];
    for (int i = 0; i < OPTIONS; i++) {
        bool ours = options[i].commands >> o->command & 1;
        if (strlen(options[i].name) == length && !strncmp(options[i].name, word, length)) {
            if (ours)
                return &options[i];
            cnn_fail(error, "%s is no option of %s", options[i].name, commands[o->command].name);
            return NULL;
        }
        if (ours)
            names[count++] = options[i].name;
    }
    names[count] = NULL;
    cnn_text_safe(name, word, length);
    const char *closest = cnn_text_closest(name, names);
    cnn_fail(error, "unknown option %s", name);
    if (closest)
        cnn_fail_more(error, "  help: did you mean %s?", closest);
    return NULL;
}

/* A network that brings its weights in its code has none to read. */
static bool brings_weights(const cnn_model *model)
{
    return model->weight_tensors == 0 && model->state_tensors == 0;
}

static bool check(const Options *o, const cnn_model *model, cnn_error *error)
{
    for (int i = 0; i < OPTIONS; i++)
        if ((options[i].required >> o->command & 1) && !*(const char *const *)((const char *)o + options[i].offset)
            && !(options[i].offset == offsetof(Options, weights) && brings_weights(model)))
            return cnn_fail(error, "%s needs %s %s", commands[o->command].name, options[i].name, options[i].value);
    if (o->command != COMMAND_RUN && (o->input != NULL) != (o->target != NULL))
        return cnn_fail(error, "--input and --target belong together");
    if (o->input && o->data)
        return cnn_fail(error, "--input and --data exclude each other");
    if (o->resume && o->weights)
        return cnn_fail(error, "--resume and --weights exclude each other: the run has its own weights");
    if (o->find_lr && (o->input || o->resume))
        return cnn_fail(error, "--find-lr and %s exclude each other", o->input ? "--input" : "--resume");
    if (o->fine_tune && !o->weights)
        return cnn_fail(error, "--fine-tune needs --weights FILE");
    return true;
}

bool cnn_options_read(Options *o, const cnn_model *model, int argc, char **argv, cnn_error *error)
{
    *o = (Options){ .command = COMMAND_HELP, .about = COMMAND_HELP, .epochs = -1, .batch = -1, .steps = -1, .seed = -1, .threads = -1, .class = -1, .rate = NAN };
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return true;
    if (!read_command(argv[1], &o->command, error))
        return false;
    if (o->command == COMMAND_HELP)
        return argc < 3 || read_command(argv[2], &o->about, error);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            o->about = o->command;
            o->command = COMMAND_HELP;
            return true;
        }
        if (argv[i][0] != '-') {
            char safe[TEXT_SAFE];
            return cnn_fail(error, "'%s' stands alone, but an option was expected", cnn_text_safe(safe, argv[i], strlen(argv[i])));
        }
        const Option *option = find(o, argv[i], error);
        if (!option)
            return false;
        const char *equals = strchr(argv[i], '=');
        if (option->kind == FLAG && !equals) {
            *(bool *)((char *)o + option->offset) = true;
            continue;
        }
        if (!equals && i + 1 == argc)
            return cnn_fail(error, "%s needs a value: %s", option->name, option->value);
        if (!read_value(o, option, equals ? equals + 1 : argv[++i], error))
            return false;
    }
    return check(o, model, error);
}

/* ---- help */

static void print_options(Command command, FILE *to)
{
    for (int pass = 0; pass < 2; pass++)        /* what must be given comes first */
        for (int i = 0; i < OPTIONS; i++) {
            const Option *option = &options[i];
            bool required = option->required >> command & 1;
            if (!(option->commands >> command & 1) || required != (pass == 0))
                continue;
            char left[40];
            snprintf(left, sizeof left, "%s %s", option->name, option->value ? option->value : "");
            fprintf(to, "  %-20s %s%s\n", left, option->help, required ? " (must be given)" : "");
        }
}

void cnn_options_help(const Options *o, const cnn_model *model, const char *program, FILE *to)
{
    if (o->about != COMMAND_HELP) {
        fprintf(to, "usage: %s %s [options]\n%s\n\n", program, commands[o->about].name, commands[o->about].help);
        print_options(o->about, to);
        return;
    }
    fprintf(to, "%s: the network %s, compiled from %s\n\n", program, model->name, model->source);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %s %-6s %s\n", program, commands[i].name, commands[i].help);
    fprintf(to, "\n'%s help train' lists the options of train.\n", program);
}
