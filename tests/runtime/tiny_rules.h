/* tiny_rules.h: every optimizer, and a train block with all that could depend on who computes what: for tests of the same bits. */
#ifndef TESTS_RUNTIME_TINY_RULES_H
#define TESTS_RUNTIME_TINY_RULES_H

#include "tiny.h"

static const cnn_setting rules[] = {
    SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, { "decay", 0.01, NULL }),
    SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, { "momentum", 0.9, NULL }),
    SETTING("optimizer", "sgd", { "lr", 0.1, NULL }, { "momentum", 0.9, NULL }, { "nesterov", 1, NULL }),
    SETTING("optimizer", "adam", { "lr", 0.01, NULL }, { "decay", 0.01, NULL }),
    SETTING("optimizer", "adamw", { "lr", 0.01, NULL }, { "decay", 0.01, NULL }),
    SETTING("optimizer", "rmsprop", { "lr", 0.01, NULL }, { "momentum", 0.5, NULL }),
    SETTING("optimizer", "perceptron", { "lr", 0.1, NULL }),
};
enum { RULES = sizeof rules / sizeof *rules };

static const cnn_setting others[] = {
    SETTING("loss", "crossentropy", { "smooth", 0, NULL }),
    SETTING("epochs", NULL, { "epochs", 5, NULL }),
    SETTING("batch", NULL, { "images", 37, NULL }),
    SETTING("validate", NULL, { "share", 0.1, NULL }),
    SETTING("schedule", "cosine", { "warmup", 1, NULL }),
    SETTING("save", "best", { "file", 0, "none" }),
    SETTING("clip", NULL, { "norm", 0.5, NULL }),
    SETTING("augment", "flip", { "axis", 0, "horizontal" }),
    SETTING("augment", "shift", { "by", 1, NULL }),
    SETTING("augment", "rotate", { "degrees", 10, NULL }),
    SETTING("augment", "scale", { "factor_low", 0.9, NULL }, { "factor_high", 1.1, NULL }),
    SETTING("augment", "cutout", { "size", 1, NULL }),
    SETTING("augment", "noise", { "sigma", 0.05, NULL }),
};
enum { OTHERS = sizeof others / sizeof *others };

static inline void with_rule(cnn_model *model, int rule, cnn_setting to[OTHERS + 1])
{
    memcpy(to, others, sizeof others);
    to[OTHERS] = rules[rule];
    model->settings = to;
    model->setting_count = OTHERS + 1;
}

#endif
