/* settings.c: the table of settings. Its comment, for people and for the runtime, is at the top of recipe.h. */
#include "net/recipe.h"

#include <math.h>
#include <string.h>

const char metric_words[] = "loss accuracy top5 val_loss val_accuracy val_top5";
const char report_words[] = "loss accuracy top5 confusion per-class";

/* Whole numbers that a double holds exactly. */
#define EXACT 9007199254740992.0     /* 2^53 */

/* ---- data */

static const ArgSpec dir_args[] = {
    { .name = "dir", .kind = ARG_TEXT, .required = true, .positional = true, .help = "the folder with the files" },
};
static const ArgSpec optional_dir_args[] = {
    { .name = "dir", .kind = ARG_TEXT, .positional = true, .help = "the folder with the files" },
};
static const ArgSpec npy_args[] = {
    { .name = "inputs", .kind = ARG_TEXT, .required = true, .positional = true, .help = "the .npy file of the images" },
    { .name = "targets", .kind = ARG_TEXT, .required = true, .positional = true, .help = "the .npy file of labels or targets" },
    { .name = "test_inputs", .kind = ARG_TEXT, .help = "the same of the test set" },
    { .name = "test_targets", .kind = ARG_TEXT, .help = "the same of the test set" },
};
static const ArgSpec digits_args[] = {
    { .name = "train", .kind = ARG_COUNT, .fallback = 20000, .help = "images to train on" },
    { .name = "test", .kind = ARG_COUNT, .fallback = 4000, .help = "images to test with" },
    { .name = "seed", .kind = ARG_COUNT, .fallback = 1, .low = 0, .high = EXACT, .help = "what the drawings are a function of" },
};
static const ArgSpec labels_args[] = {
    { .name = "labels", .kind = ARG_TEXT, .required = true, .positional = true, .many = true, .help = "a name for each class" },
};
static const ArgSpec validate_args[] = {
    { .name = "share", .kind = ARG_REAL, .required = true, .positional = true, .low = 0, .high = 1, .below_high = true,
      .help = "the part of the training set that is kept for validation" },
};

/* ---- optimizers */

#define LR(rate) { .name = "lr", .kind = ARG_REAL, .fallback = rate, .low = 0, .high = INFINITY, \
                   .help = "the learning rate", .foreign = "learning_rate" }
#define MOMENTUM { .name = "momentum", .kind = ARG_REAL, .fallback = 0, .low = 0, .high = 1, .below_high = true, \
                   .help = "the part of the last step that goes on" }
#define DECAY(rate) { .name = "decay", .kind = ARG_REAL, .fallback = rate, .low = 0, .high = INFINITY, \
                      .help = "how strongly parameters are pulled to 0", .foreign = "weight_decay" }
#define EPS { .name = "eps", .kind = ARG_REAL, .fallback = 1e-8, .low = 0, .high = INFINITY, \
              .help = "keeps the division finite", .foreign = "epsilon" }
#define BETA1 { .name = "beta1", .kind = ARG_REAL, .fallback = 0.9, .low = 0, .high = 1, .below_high = true, \
                .help = "how slowly the mean of the gradient forgets", .foreign = "beta_1" }
#define BETA2 { .name = "beta2", .kind = ARG_REAL, .fallback = 0.999, .low = 0, .high = 1, .below_high = true, \
                .help = "how slowly the mean of its square forgets", .foreign = "beta_2" }

static const ArgSpec sgd_args[] = {
    LR(0.01), MOMENTUM,
    { .name = "nesterov", .kind = ARG_FLAG, .positional = true, .help = "look ahead along the momentum" },
    DECAY(0),
};
static const ArgSpec adam_args[] = { LR(0.001), BETA1, BETA2, EPS, DECAY(0) };
static const ArgSpec adamw_args[] = { LR(0.001), BETA1, BETA2, EPS, DECAY(0.01) };
static const ArgSpec rmsprop_args[] = {
    LR(0.001),
    { .name = "rho", .kind = ARG_REAL, .fallback = 0.99, .low = 0, .high = 1, .below_high = true,
      .help = "how slowly the mean of the gradient's square forgets", .foreign = "alpha" },
    MOMENTUM, EPS, DECAY(0),
};
static const ArgSpec perceptron_args[] = { LR(1) };

/* ---- schedules */

#define WARMUP { .name = "warmup", .kind = ARG_REAL, .fallback = 0, .low = 0, .high = INFINITY, \
                 .help = "epochs over which the rate rises from 0" }
#define FACTOR(more) { .name = "factor", .kind = ARG_REAL, .low = 0, .high = INFINITY, .help = "what the rate is multiplied by", \
                       .foreign = "gamma drop_rate decay_rate", more }
#define LEAST { .name = "least", .kind = ARG_REAL, .fallback = 0, .low = 0, .high = INFINITY, .help = "the rate at the end", \
                .foreign = "eta_min min_lr" }

static const ArgSpec constant_args[] = { WARMUP };
static const ArgSpec step_args[] = {
    { .name = "every", .kind = ARG_COUNT, .required = true, .help = "epochs between two changes", .foreign = "step_size" },
    FACTOR(.required = true), WARMUP,
};
static const ArgSpec exponential_args[] = { FACTOR(.required = true), WARMUP };
static const ArgSpec decline_args[] = { LEAST, WARMUP };
static const ArgSpec plateau_args[] = {
    { .name = "metric", .kind = ARG_CHOICE, .words = metric_words, .fallback_text = "val_loss with a validation set, else loss",
      .help = "what should improve", .foreign = "monitor" },
    FACTOR(.fallback = 0.1),
    { .name = "patience", .kind = ARG_COUNT, .fallback = 10, .help = "epochs without improvement" },
    LEAST, WARMUP,
};

/* ---- the rest of a train block */

static const ArgSpec batch_args[] = {
    { .name = "images", .kind = ARG_COUNT, .required = true, .positional = true, .help = "images of a step", .foreign = "batch_size" },
};
static const ArgSpec epochs_args[] = {
    { .name = "epochs", .kind = ARG_COUNT, .required = true, .positional = true, .help = "passes over the training set" },
};
static const ArgSpec seed_args[] = {
    { .name = "seed", .kind = ARG_COUNT, .required = true, .positional = true, .low = 0, .high = EXACT,
      .help = "what all random numbers are a function of" },
};
static const ArgSpec shuffle_args[] = {
    { .name = "on", .kind = ARG_FLAG, .help = "draw the order of the images anew for every epoch" },
};
static const ArgSpec flip_args[] = {
    { .name = "axis", .kind = ARG_CHOICE, .positional = true, .words = "horizontal vertical", .help = "left and right, or top and bottom" },
};
static const ArgSpec shift_args[] = {
    { .name = "by", .kind = ARG_COUNT, .required = true, .positional = true, .help = "most pixels along each side" },
};
static const ArgSpec crop_args[] = {
    { .name = "size", .kind = ARG_SIZE, .required = true, .positional = true, .help = "height and width of the window" },
    { .name = "pad", .kind = ARG_COUNT, .fallback = 0, .low = 0, .high = LIMIT_DIM, .help = "border around the image first", .foreign = "padding" },
};
static const ArgSpec rotate_args[] = {
    { .name = "degrees", .kind = ARG_REAL, .required = true, .positional = true, .low = 0, .high = 180, .help = "most degrees, either way" },
};
static const ArgSpec scale_args[] = {
    { .name = "factor", .kind = ARG_RANGE, .required = true, .positional = true, .low = 0.01, .high = 100, .help = "least and most size" },
};
static const ArgSpec cutout_args[] = {
    { .name = "size", .kind = ARG_COUNT, .required = true, .positional = true, .help = "side of the square" },
};
static const ArgSpec noise_args[] = {
    { .name = "sigma", .kind = ARG_REAL, .required = true, .positional = true, .low = 0, .high = INFINITY, .help = "standard deviation" },
};
static const ArgSpec stop_args[] = {
    { .name = "patience", .kind = ARG_COUNT, .required = true, .help = "epochs without improvement" },
};
#define FILE_ARG { .name = "file", .kind = ARG_TEXT, .positional = true, .fallback_text = "NETWORK.safetensors", \
                   .help = "where the weights go" }
static const ArgSpec save_best_args[] = {
    FILE_ARG,
    { .name = "metric", .kind = ARG_CHOICE, .words = metric_words, .fallback_text = "val_loss with a validation set, else loss",
      .help = "what is best", .foreign = "monitor" },
};
static const ArgSpec save_last_args[] = { FILE_ARG };
static const ArgSpec save_every_args[] = {
    FILE_ARG,
    { .name = "epochs", .kind = ARG_COUNT, .fallback = 1, .help = "epochs between two saves" },
};
static const ArgSpec report_args[] = {
    { .name = "report", .kind = ARG_TEXT, .required = true, .positional = true, .many = true, .help = "what is printed" },
};
static const ArgSpec expect_args[] = {
    { .name = "relation", .kind = ARG_CHOICE, .words = "== != < <= > >=", .help = "how they are compared" },
    { .name = "value", .kind = ARG_REAL, .help = "what it is compared with" },
};
static const ArgSpec clip_args[] = {
    { .name = "norm", .kind = ARG_REAL, .required = true, .positional = true, .low = 0, .high = INFINITY,
      .help = "the largest norm of the gradient", .foreign = "max_norm clipnorm" },
};
static const ArgSpec freeze_args[] = {
    { .name = "freeze", .kind = ARG_TEXT, .required = true, .positional = true, .many = true, .help = "layers that are not trained" },
};

#define ARGS(list) .args = list, .arg_count = countof(list)

const SettingSpec setting_table[] = {
    { "source", "mnist", FORM_WORD, "the MNIST digits", "source mnist", ARGS(optional_dir_args), .data = true },
    { "source", "fashion_mnist", FORM_WORD, "Fashion-MNIST", "source fashion_mnist", ARGS(optional_dir_args), .data = true },
    { "source", "cifar10", FORM_WORD, "CIFAR-10, binary version", "source cifar10, \"data/cifar10\"", ARGS(optional_dir_args), .data = true },
    { "source", "cifar100", FORM_WORD, "CIFAR-100, binary version", "source cifar100, \"data/cifar100\"", ARGS(optional_dir_args), .data = true },
    { "source", "digits", FORM_WORD, "digits drawn by the runtime", "source digits, train=5000", ARGS(digits_args), .data = true },
    { "source", "idx", FORM_WORD, "IDX files, train-* and t10k-*, .gz or not", "source idx, \"data/mnist\"", ARGS(dir_args), .data = true },
    { "source", "folder", FORM_WORD, "a folder of pictures for each class", "source folder, \"flowers\"", ARGS(dir_args), .data = true },
    { "source", "npy", FORM_WORD, "two arrays", "source npy, \"x.npy\", \"y.npy\"", ARGS(npy_args), .data = true },
    { "source", "rows", FORM_WORD, "the rows of the data block", "row 0, 1 -> 1", .hidden = true },
    { "source", "auto", FORM_WORD, "told from what is in the folder", "train N on \"DIR\"", ARGS(dir_args), .hidden = true },
    { "labels", NULL, FORM_PLAIN, "names of the classes", "labels \"cat\", \"dog\"", ARGS(labels_args), .data = true },
    { "validate", NULL, FORM_PLAIN, "keeps a part of the training set for validation", "validate 10%", ARGS(validate_args), .data = true, .train = true },
    { "loss", NULL, FORM_LOSS, "what is made small", "loss crossentropy", .train = true },
    { "optimizer", "sgd", FORM_WORD, "stochastic gradient descent", "optimizer sgd, lr=0.05, momentum=0.9", ARGS(sgd_args), .train = true },
    { "optimizer", "adam", FORM_WORD, "Adam", "optimizer adam, lr=0.001", ARGS(adam_args), .train = true },
    { "optimizer", "adamw", FORM_WORD, "Adam with decoupled decay", "optimizer adamw, decay=0.01", ARGS(adamw_args), .train = true },
    { "optimizer", "rmsprop", FORM_WORD, "RMSprop", "optimizer rmsprop, lr=0.001", ARGS(rmsprop_args), .train = true },
    { "optimizer", "perceptron", FORM_WORD, "the perceptron rule", "optimizer perceptron, lr=1", ARGS(perceptron_args), .train = true },
    { "schedule", "constant", FORM_WORD, "the same rate throughout", "schedule constant, warmup=1", ARGS(constant_args), .train = true },
    { "schedule", "step", FORM_WORD, "times factor after each `every` epochs", "schedule step, every=4, factor=0.5", ARGS(step_args), .train = true },
    { "schedule", "exponential", FORM_WORD, "times factor after each epoch", "schedule exponential, factor=0.9", ARGS(exponential_args), .train = true },
    { "schedule", "cosine", FORM_WORD, "half a cosine down to least", "schedule cosine, warmup=2", ARGS(decline_args), .train = true },
    { "schedule", "linear", FORM_WORD, "a straight line down to least", "schedule linear", ARGS(decline_args), .train = true },
    { "schedule", "plateau", FORM_WORD, "times factor when nothing improves", "schedule plateau, patience=3", ARGS(plateau_args), .train = true },
    { "batch", NULL, FORM_PLAIN, "images of a step", "batch 32", ARGS(batch_args), .train = true },
    { "epochs", NULL, FORM_PLAIN, "passes over the training set", "epochs 10", ARGS(epochs_args), .train = true },
    { "seed", NULL, FORM_PLAIN, "what all random numbers are a function of", "seed 1", ARGS(seed_args), .train = true },
    { "shuffle", NULL, FORM_PLAIN, "a new order for every epoch; or `noshuffle`", "noshuffle", ARGS(shuffle_args), .train = true },
    { "augment", "flip", FORM_EACH, "mirrors", "augment flip(horizontal)", ARGS(flip_args), .train = true, .many = true },
    { "augment", "shift", FORM_EACH, "moves", "augment shift(2)", ARGS(shift_args), .train = true, .many = true },
    { "augment", "crop", FORM_EACH, "cuts a window out", "augment crop(32, pad=4)", ARGS(crop_args), .train = true, .many = true },
    { "augment", "rotate", FORM_EACH, "turns", "augment rotate(10)", ARGS(rotate_args), .train = true, .many = true },
    { "augment", "scale", FORM_EACH, "makes larger or smaller", "augment scale(0.9..1.1)", ARGS(scale_args), .train = true, .many = true },
    { "augment", "cutout", FORM_EACH, "covers a square", "augment cutout(8)", ARGS(cutout_args), .train = true, .many = true },
    { "augment", "noise", FORM_EACH, "adds normal noise", "augment noise(0.05)", ARGS(noise_args), .train = true, .many = true },
    { "stop", "loss", FORM_WORD, "stops when it no longer improves", "stop loss, patience=3", ARGS(stop_args), .train = true },
    { "stop", "accuracy", FORM_WORD, "the same", "stop accuracy, patience=3", ARGS(stop_args), .train = true },
    { "stop", "top5", FORM_WORD, "the same", "stop top5, patience=3", ARGS(stop_args), .train = true },
    { "stop", "val_loss", FORM_WORD, "the same", "stop val_loss, patience=3", ARGS(stop_args), .train = true },
    { "stop", "val_accuracy", FORM_WORD, "the same", "stop val_accuracy, patience=3", ARGS(stop_args), .train = true },
    { "stop", "val_top5", FORM_WORD, "the same", "stop val_top5, patience=3", ARGS(stop_args), .train = true },
    { "save", "best", FORM_WORD, "the best epoch", "save best, \"net.safetensors\"", ARGS(save_best_args), .train = true, .many = true },
    { "save", "last", FORM_WORD, "after the last epoch", "save last, \"net.safetensors\"", ARGS(save_last_args), .train = true, .many = true },
    { "save", "every", FORM_WORD, "after each `epochs` epochs", "save every, \"net.safetensors\", epochs=5", ARGS(save_every_args), .train = true, .many = true },
    { "report", NULL, FORM_LIST, "what is printed", "report accuracy, confusion", ARGS(report_args), .train = true },
    { "expect", NULL, FORM_EXPECT, "what must come out", "expect accuracy >= 98.8%", ARGS(expect_args), .train = true, .many = true },
    { "clip", NULL, FORM_PLAIN, "limits the norm of the gradient", "clip 1.0", ARGS(clip_args), .train = true },
    { "freeze", NULL, FORM_LIST, "layers that keep their weights", "freeze conv1, conv2", ARGS(freeze_args), .train = true },
};
const int setting_table_count = countof(setting_table);

const SettingSpec *setting_find(const char *name, const char *word)
{
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *spec = &setting_table[i];
        if (strcmp(spec->name, name) == 0 && (word == NULL || (spec->word != NULL && strcmp(spec->word, word) == 0)))
            return spec;
    }
    return NULL;
}
