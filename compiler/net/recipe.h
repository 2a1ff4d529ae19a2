/* recipe.h: the settings of train and data blocks, as the checker leaves them and as the runtime reads them.
 *
 * The checker fills Recipe.settings with one Setting for each line of the table below, every default filled in, in the
 * order of the table (several of one name in the order of the source). recipe_rows flattens a Setting into the rows
 * { name, number, text } that an emitter prints as `cnn_argument`s, so that the table is also the runtime's contract:
 *
 *   a count or a number      { name, number, NULL }
 *   a flag                   { name, 1 or 0, NULL }
 *   a word or a string       { name, 0, text }; an optional string that was not given: no row
 *   a list of words          { "", 0, text } for each
 *   a size                   { "NAME_h", height, NULL } { "NAME_w", width, NULL }
 *   a range                  { "NAME_low", ... } { "NAME_high", ... }
 *
 * Setting     Word          Rows (default)                                 Source, meaning
 * ---------   -----------   --------------------------------------------   ------------------------------------------------------
 * source      mnist         [dir]                                          `train N on mnist`: looked for in --data, $CNN_DATA, data/mnist;
 *                                                                          or `source mnist, "DIR"`
 *             fashion_mnist [dir]                                          the same
 *             cifar10       [dir]                                          the same
 *             cifar100      [dir]                                          the same
 *             digits        train (20000) test (4000) seed (1)             the built-in generator; `source digits, train=5000`
 *             idx           dir                                            `source idx, "DIR"`: train-* and t10k-* files, .gz or not
 *             folder        dir                                            a folder for each class
 *             npy           inputs targets [test_inputs] [test_targets]    `source npy, "x.npy", "y.npy"`
 *             rows          -                                              cnn_model.rows
 *             auto          dir                                            `train N on "DIR"`: told from what is there
 *                                                                          absent: no train block; data comes by --data or --input
 * labels      NULL          a list                                         names of the classes; absent: numbers
 * validate    NULL          share (0)                                      part of the training set kept for validation, 0 <= share < 1;
 *                                                                          also allowed in a train block, which then wins
 * loss        crossentropy  smooth (0)                                     the arguments of the layer file of that loss
 *             quadratic     -
 * optimizer   sgd           lr (0.01) momentum (0) nesterov (0) decay (0)
 *             adam          lr (0.001) beta1 (0.9) beta2 (0.999) eps (1e-8) decay (0)
 *             adamw         lr (0.001) beta1 (0.9) beta2 (0.999) eps (1e-8) decay (0.01)
 *             rmsprop       lr (0.001) rho (0.99) momentum (0) eps (1e-8) decay (0)
 *             perceptron    lr (1)                                         p -= lr*g with the gradient of quadratic, passed straight
 *                                                                          through `step`
 * schedule    constant      warmup (0)                                     warmup: epochs over which the rate rises from 0; in every schedule
 *             step          every factor warmup (0)                        times factor after each `every` epochs
 *             exponential   factor warmup (0)                              times factor after each epoch
 *             cosine        least (0) warmup (0)                           half a cosine from lr down to least
 *             linear        least (0) warmup (0)                           a straight line from lr down to least
 *             plateau       metric (val_loss with a validation set,        times factor after `patience` epochs without improvement
 *                           else loss) factor (0.1) patience (10)
 *                           least (0) warmup (0)
 * batch       NULL          images (32; perceptron 1)
 * epochs      NULL          epochs                                         must be written in a train block; 1 without one
 * seed        NULL          seed (1)                                       0 ... 2^53
 * shuffle     NULL          on (1)                                         `noshuffle` gives 0
 * augment     flip          axis: horizontal or vertical (horizontal)      mirrored with probability 1/2
 *             shift         by                                             up to `by` pixels along each side, filled with 0
 *             crop          size_h size_w pad (0)                          a random window of the image padded by `pad`
 *             rotate        degrees                                        up to that many, either way
 *             scale         factor_low factor_high                         `scale(0.9..1.1)`
 *             cutout        size                                           a square of that side set to 0
 *             noise         sigma                                          normal noise of that deviation
 *                                                                          (several, in order; absent: none)
 * stop        METRIC        patience                                       after `patience` epochs without improvement; absent: never
 * save        best          file (NETWORK.safetensors), metric (as         the best epoch by that metric
 *                           plateau)
 *             last          file                                           after the last epoch
 *             every         file epochs (1)                                after each `epochs` epochs
 *                                                                          (absent: nothing but what --save says)
 * report      NULL          a list of: loss accuracy top5 confusion per-class; absent: loss accuracy
 * expect      METRIC        relation (a word: == != < <= > >=) value       `expect accuracy >= 98.8%`: of the test set after training;
 *                                                                          the exit status is 1 if it does not hold. Several may stand.
 * clip        NULL          norm                                           the gradient's norm is brought down to that; absent: never
 * freeze      NULL          a list of layers, "conv1"                      tensors "conv1.*" keep their first values; absent: none
 *
 * METRIC is one of: loss accuracy top5 val_loss val_accuracy val_top5. A val_ metric is accepted with a validation set only.
 */
#ifndef CNNC_NET_RECIPE_H
#define CNNC_NET_RECIPE_H

#include "net/layer.h"

/* How a setting is written. */
typedef enum SettingForm {
    FORM_PLAIN,                     /* `batch 32` */
    FORM_WORD,                      /* `optimizer sgd, lr=0.1` or `optimizer sgd(lr=0.1)` */
    FORM_EACH,                      /* `augment flip(horizontal), shift(2)`: one Setting each */
    FORM_LIST,                      /* `report accuracy, confusion`: one Setting with a list */
    FORM_LOSS,                      /* `loss crossentropy, smooth=0.1`: the word is a layer's */
    FORM_EXPECT                     /* `expect accuracy >= 98.8%` */
} SettingForm;

/* A row of the table of settings. */
typedef struct SettingSpec {
    const char *name;
    const char *word;               /* the variant that this row is about, or NULL */
    SettingForm form;
    const char *help;               /* one line for the reference */
    const char *example;            /* a line that is right */
    const ArgSpec *args;
    int arg_count;
    bool data, train;               /* the blocks in which it may stand */
    bool many;                      /* may stand several times */
    bool hidden;                    /* made by the checker alone: source rows, source auto, ... */
} SettingSpec;

/* In the order in which a Recipe holds them; the rows of one name stand together. `loss` and `expect` have one row each
 * without arguments: losses are layers (net/layer.h), and expect has a syntax of its own. */
extern const SettingSpec setting_table[];
extern const int setting_table_count;

/* The words that METRIC above lists, and those of `report`. */
extern const char metric_words[], report_words[];

/* The row of that name and word (the first of that name if `word` is NULL), or NULL. */
const SettingSpec *setting_find(const char *name, const char *word);

/* A row for the runtime, see the top. */
typedef struct RecipeRow {
    const char *name;
    double number;
    const char *text;               /* NULL for a number */
} RecipeRow;

/* The rows of a setting, in the unit's arena; *count says how many. */
const RecipeRow *recipe_rows(Unit *u, const Setting *s, int *count);

#endif
