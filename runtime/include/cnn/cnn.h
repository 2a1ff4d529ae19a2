/* cnn/cnn.h: the API of libcnn: initialise, train, test, run, load and save the networks that cnnc compiles.
 *
 *     #include <cnn/cnn.h>
 *     extern const cnn_model LeNet_model;                  // of the generated C file
 *
 *     cnn_error error = { "" };
 *     cnn_net *net = cnn_new(&LeNet_model, 1, &error);
 *     cnn_data *data = cnn_data_open(net, NULL, &error);
 *     cnn_plan plan = cnn_plan_of(&LeNet_model);
 *     plan.save = "lenet.safetensors";
 *     if (!net || !data || !cnn_train(net, data, &plan, NULL, NULL, &error))
 *         fprintf(stderr, "%s\n", error.text);
 *     cnn_data_free(data);
 *     cnn_free(net);
 *
 * Functions that can fail return NULL or false and write a sentence (in UTF-8, without a newline at its end) into `error`, which may be
 * NULL. Nothing here prints or ends the program, but for cnn_main. "Reals" are float or double, as the model was compiled; images
 * are [n][c][h][w]. One cnn_net may be used by one thread at a time; different ones by different threads. */
#ifndef CNN_CNN_H
#define CNN_CNN_H

#include "cnn/model.h"

#include <stdbool.h>

#if defined(__GNUC__)
#define CNN_API __attribute__((visibility("default")))
#else
#define CNN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cnn_error {
    char text[4096];
} cnn_error;

/* ---- a network in memory */

typedef struct cnn_net cnn_net;

/* A network with its first weights, a function of the seed. `model` must outlive it. */
CNN_API cnn_net *cnn_new(const cnn_model *model, uint64_t seed, cnn_error *error);
CNN_API void cnn_free(cnn_net *net);
CNN_API const cnn_model *cnn_model_of(const cnn_net *net);

/* Threads to use, at least 1; 0: one a core, which is also what a new network has. Results have the same bits for any number. They are
 * OpenMP's: a process that forks after it used several must keep to 1 in the child. */
CNN_API void cnn_set_threads(cnn_net *net, int threads);

/* The weights [weight_count] and the state [state_count] in reals, as model->weights and model->state describe them. Call
 * cnn_changed after writing to them. */
CNN_API void *cnn_weights(cnn_net *net);
CNN_API void *cnn_state(cnn_net *net);
CNN_API void cnn_changed(cnn_net *net);

/* ---- weights in files: safetensors with PyTorch's names and axes, F32 or F64 */

/* Called with a sentence that is not an error. NULL: nobody listens. */
typedef void cnn_note(void *context, const char *text);

/* Reads all weights and the state. Every tensor of the network must be there with its shape, or nothing is changed and the error lists up
 * to 20 differences; other tensors are left alone with one note. With `fine_tune` what fits is loaded and a note lists what does not. */
CNN_API bool cnn_load(cnn_net *net, const char *path, bool fine_tune, cnn_note *note, void *context, cnn_error *error);

/* Writes all weights and the state: the file is replaced as a whole, or stays as it was. The same weights give the same bytes. */
CNN_API bool cnn_save(const cnn_net *net, const char *path, cnn_error *error);

/* ---- use */

/* y [images][outputs] = the network at x [images][inputs], in reals. */
CNN_API bool cnn_run(cnn_net *net, const void *x, size_t images, void *y, cnn_error *error);

/* The loss of the whole array as one batch, and its gradient: [weight_count] by the weights and [images][inputs] by x, in reals. target
 * [images][outputs] in reals. Differentiates the training function (statistics of the batch, random numbers of step 0 and `seed`), or
 * the inference function with `eval`. The network stays as it is. */
CNN_API bool cnn_gradient(cnn_net *net, const void *x, const void *target, size_t images, uint64_t seed, bool eval, double *loss,
                          void *gradient, void *dx, cnn_error *error);

/* ---- data */

typedef struct cnn_data cnn_data;

/* The data set that the network's data or train block names. `folder` is looked in first, then $CNN_DATA, then data/NAME; NULL: none. */
CNN_API cnn_data *cnn_data_open(const cnn_net *net, const char *folder, cnn_error *error);

/* Two npy files: images [n][c][h][w] or [n][features] in float32, float64 or uint8; targets [n] whole numbers, or [n][outputs] in
 * float32 or float64. */
CNN_API cnn_data *cnn_data_npy(const cnn_net *net, const char *inputs, const char *targets, cnn_error *error);

/* Copies of images x [images][inputs] and targets [images][outputs], in reals. */
CNN_API cnn_data *cnn_data_arrays(const cnn_net *net, const void *x, const void *target, size_t images, cnn_error *error);

/* [outputs] What the classes of a well-known set ("fashion_mnist") are called; NULL: nobody knows, or they are not so many. */
CNN_API const char *const *cnn_data_labels(const char *set, size_t outputs);

/* A sentence about the data that people should know (pictures that were scaled); NULL: there is none. */
CNN_API const char *cnn_data_note(const cnn_data *data);

CNN_API void cnn_data_free(cnn_data *data);
CNN_API size_t cnn_data_training_images(const cnn_data *data);
CNN_API size_t cnn_data_test_images(const cnn_data *data);

/* ---- training */

typedef enum cnn_keep { CNN_KEEP_LAST, CNN_KEEP_BEST, CNN_KEEP_EVERY } cnn_keep;

/* What a run is to do. cnn_plan_of gives what the train block says; everything not here is as it says, too. */
typedef struct cnn_plan {
    int64_t epochs;             /* passes over the training images; 0: as many as `steps` need */
    int64_t steps;              /* most steps in all; 0: as the epochs give */
    int64_t batch;              /* images a step */
    double rate;                /* the learning rate that the schedule begins with */
    uint64_t seed;
    double validate;            /* share of the training images kept for validation, 0 <= validate < 1 */
    bool shuffle;
    bool whole;                 /* every step takes all images as one batch, in order; an epoch is a step */
    cnn_keep keep;              /* which weights are kept, */
    const char *save;           /* in which file; NULL: none is written */
    int64_t keep_epochs;        /* CNN_KEEP_EVERY: after so many epochs each; {epoch} in `save` becomes the number of the epoch */
    const char *csv;            /* a table with a line an epoch, or NULL */
    const char *checkpoint;     /* where the state of the run is kept when it is stopped, or NULL, */
    bool checkpoint_always;     /* and after each epoch, too */
    const char *resume;         /* such a file, to go on from bit for bit, or NULL */
    bool any_order;             /* gradients of several ranks may be added in any order: faster, but no promise about the last bits */
    bool keep_weights;          /* the network's weights were loaded: go on from them, do not learn the data's mean and deviation anew */
} cnn_plan;

/* False, with a sentence, if the model was compiled for inference alone. */
CNN_API bool cnn_trainable(const cnn_model *model, cnn_error *error);

CNN_API cnn_plan cnn_plan_of(const cnn_model *model);

/* How well a network does on some images. What cannot be said (no accuracy without classes) is NAN. */
typedef struct cnn_scores {
    size_t images;
    double loss;                /* mean */
    double accuracy;            /* share of the images whose largest result is the right one, 0..1 */
    double top5;                /* share of the images whose five largest results hold the right one */
} cnn_scores;

/* A step or an epoch that has ended. */
typedef struct cnn_progress {
    int64_t epoch, epochs;      /* epochs done before this one, of all */
    int64_t step, steps;        /* steps done in this epoch, of all of it */
    int64_t total_step;         /* steps done in all */
    double rate, step_loss;     /* learning rate and loss of the last step */
    cnn_scores train;           /* this epoch so far */
    cnn_scores validation;      /* at the end of an epoch: of the validation images, else of the test images; images 0: none */
    bool validation_is_test;
    bool best;                  /* at the end of an epoch: the best one so far */
    double seconds;             /* since the epoch began (or was resumed) */
    double images_per_second;   /* of training alone */
} cnn_progress;

/* An epoch that has ended. What is not known is NAN. */
typedef struct cnn_epoch {
    double epoch, step;         /* counted from 1, in all */
    double rate;                /* of its last step */
    double loss, accuracy;
    double validation_loss, validation_accuracy;                /* of the validation images, else of the test images */
} cnn_epoch;

/* Who is told how training goes; each may be NULL. */
typedef struct cnn_listener {
    void *context;
    cnn_note *note;
    void (*step)(void *context, const cnn_progress *now);
    void (*epoch)(void *context, const cnn_progress *now);
    /* At the end, once: all epochs, those before it was resumed too, and the best one, counted from 1, or 0. */
    void (*history)(void *context, const cnn_epoch *epochs, size_t count, int64_t best);
    bool (*stop)(void *context);                /* asked after each step: true ends the run there, with a checkpoint */
} cnn_listener;

/* What came of a run. */
typedef struct cnn_outcome {
    bool stopped;               /* the listener asked for it; plan->checkpoint can be resumed */
    bool early;                 /* ended by `stop` of the train block */
    int64_t epochs, steps;      /* done in all */
    int64_t best_epoch;         /* counted from 1, or 0 */
    bool saved;                 /* weights were written to plan->save */
    double rate;                /* of the last step */
    cnn_scores train, validation;
} cnn_outcome;

/* Trains. Afterwards the network has the weights that were kept. `listener` and `outcome` may be NULL. A loss that is not finite ends
 * the run with an error; the weights are then those of the last epoch that was whole. */
CNN_API bool cnn_train(cnn_net *net, const cnn_data *data, const cnn_plan *plan, const cnn_listener *listener, cnn_outcome *outcome,
                       cnn_error *error);

/* Scores on the test images. `confusion` [outputs][outputs] counts images by true and by predicted class; it may be NULL. */
CNN_API bool cnn_test(cnn_net *net, const cnn_data *data, cnn_scores *scores, int64_t *confusion, cnn_error *error);

/* ---- the command line of a compiled network: train, test, run, grad, help. Returns the exit status: 0 done, 1 failed, 2 misused. */
CNN_API int cnn_main(const cnn_model *model, int argc, char **argv);

/* The same for a program with other ways to be called: `call` is what a person types before the options, "cnnc train net.cnn". */
CNN_API int cnn_main_as(const cnn_model *model, const char *call, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
