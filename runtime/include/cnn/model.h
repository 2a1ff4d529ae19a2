/* cnn/model.h: the contract between generated code and the runtime.
 *
 * Generated code exports one `const cnn_model`. It holds plain numbers, strings and functions; the functions work on
 * memory that the caller owns, call nothing but libm, are reentrant and single-threaded. Threads, the batch, the
 * optimizer, files and the screen are the runtime's.
 *
 * "Reals" are float or double, as `real_bytes` says: 4 or 8. Sizes and offsets count reals unless they say bytes.
 * Images are [channel][height][width] as in PyTorch; a tile is `tile` images one after the other. */
#ifndef CNN_MODEL_H
#define CNN_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define CNN_ABI 3

/* How the first values of a tensor are made. */
enum {
    CNN_INIT_ZEROS,
    CNN_INIT_ONES,
    CNN_INIT_GLOROT,            /* uniform in +-sqrt(6/(fan_in + fan_out)) */
    CNN_INIT_HE,                /* uniform in +-sqrt(6/fan_in) */
    CNN_INIT_LECUN,             /* uniform in +-sqrt(3/fan_in) */
    CNN_INIT_DATA_MEAN,         /* mean of each channel over the training images */
    CNN_INIT_DATA_DEVIATION     /* standard deviation of each channel, 1 where it is 0 */
};

typedef struct cnn_tensor {
    const char *name;           /* "conv1.weight", as in the weights file */
    int32_t rank;
    int64_t dim[4];             /* PyTorch's axes */
    size_t offset;              /* of its first element in the weights or the state */
    size_t count;               /* elements */
    int64_t fan_in, fan_out;    /* inputs that one output sums, outputs that one input reaches; for the first weights */
    int32_t init;               /* CNN_INIT_... */
} cnn_tensor;

/* Who wants to move weights while their gradient is still near: a program of training for a batch of one tile calls `weights` when the gradient of some
 * is complete and nothing reads them any more in this step. They are [from, from + count) of weights[tensor]. Large tensors come so, each place once;
 * of the others nothing is said: they can be moved after the step. */
typedef struct cnn_update {
    void (*weights)(void *context, int32_t tensor, size_t from, size_t count);
    void *context;
} cnn_update;

/* What a call works on. Pointers to reals; those that a program does not use may be NULL. */
typedef struct cnn_job {
    const void *x;              /* [tile][inputs] */
    const void *target;         /* [tile][outputs]; training */
    const void *share;          /* [tile] 1/images for an image of the batch, 0 for one that fills the tile; training */
    const void *images;         /* [1] the images of the whole batch; training */
    const void *keep;           /* [1] what the gradient keeps of what it holds; where the program says so */
    const void *weights;        /* [weight_count] */
    void *state;                /* [state_count] read; written by phases that run once, in training */
    void *gradient;             /* [weight_count] added to, or keep times itself first; training */
    void *dx;                   /* [tile][inputs] added to; phases from `train_phases` on */
    void *y;                    /* [tile][outputs] written */
    void *loss;                 /* [tile] written: the loss of each image, not yet times its share; training */
    void *scratch;              /* [program.scratch] of this tile, 64-byte aligned */
    void *shared;               /* [program.shared] of the whole batch, 64-byte aligned */
    uint32_t draw[4];           /* what random numbers are a function of: seed low, seed high, step, index in the batch of the tile's first image */
    const cnn_update *update;   /* told when weights may move; NULL: nobody is */
} cnn_job;

/* After a phase: shared[to + i] = the sum over the tiles of the batch of scratch[from + i], i < count, in an order that depends on
 * nothing but the number of tiles. */
typedef struct cnn_sum {
    size_t from, count, to;
} cnn_sum;

/* A phase runs for every tile of the batch (or once), any tile on any thread; between two phases stands a barrier. */
typedef struct cnn_phase {
    const char *name;
    int32_t once;               /* runs one time for the whole batch, with scratch, x, y, target, share, loss and dx NULL */
    void (*run)(const cnn_job *job);
    const cnn_sum *sums;
    int32_t sum_count;
} cnn_phase;

typedef struct cnn_program {
    const cnn_phase *phases;
    int32_t phase_count;
    size_t scratch;             /* reals of scratch that a tile needs; with more than one phase every tile keeps its own until the last */
    size_t shared;              /* reals of the shared block */
    int32_t keeps;              /* 1: gradient = keep * gradient + what the tile adds, so that nothing need be cleared if keep is 0 for the first tile
                                   that adds to it, and 1 for the others; 2: that in one addition, so that what a tile adds has the same bits whatever
                                   is there; 0: tiles add to what is there */
} cnn_program;

/* Where the numbers of a map are, if not in scratch. */
enum {
    CNN_MAP_SAME = -1,          /* nowhere: they are those of the map before; of a gradient: there is none */
    CNN_MAP_RESULT = -2,        /* job.y */
    CNN_MAP_INPUT = -3          /* job.x, and of the gradient job.dx */
};

/* What a layer makes of an image. The first of the maps is the image. */
typedef struct cnn_map {
    const char *name;           /* "conv1" */
    const char *written;        /* "conv 32, 3x3, same, relu": the line of the source, or "" */
    int32_t rank;               /* 3: { c, h, w }; 1: { features } */
    int64_t dim[3];
    int64_t values, gradient;   /* offsets in scratch of what it holds, and of the derivative of the loss by that; or CNN_MAP_... */
    int32_t kernels;            /* of the first layer that learns: its kernels' place in the list of weights; else -1 */
} cnn_map;

/* For who wants to see an image on its way: a program that keeps every map. */
typedef struct cnn_look {
    cnn_program program;        /* of one image, whatever `tile` says: forward as in `infer`, the loss, backward to job.dx; adds to no other
                                   gradient */
    int32_t forward_phases;     /* those go forward, the rest backward */
    int32_t probabilities;      /* the result is probabilities of classes */
    int32_t map_count;
    const cnn_map *maps;
} cnn_look;

/* One line of a train or data block with every default filled in: { "optimizer", "sgd", { { "lr", 0.05, NULL }, ... }, 4 }. */
typedef struct cnn_argument {
    const char *name;           /* "" for the members of a list */
    double number;              /* a flag that is set: 1 */
    const char *text;           /* NULL for a number */
} cnn_argument;

typedef struct cnn_setting {
    const char *name;
    const char *word;           /* or NULL */
    const cnn_argument *arguments;
    int32_t argument_count;
} cnn_setting;

typedef struct cnn_model {
    int32_t abi;                /* CNN_ABI */
    int32_t real_bytes;         /* 4 or 8 */
    const char *name;           /* "Fashion" */
    const char *source;         /* "fashion.cnn" */
    int32_t tile;               /* images a call */
    int32_t input_rank;         /* 3: an image { c, h, w }; 1: { features } */
    int64_t input_dim[3];
    size_t inputs;              /* reals of one image */
    size_t outputs;             /* reals of one result */
    const cnn_tensor *weights;  /* trained, one after the other */
    int32_t weight_tensors;
    size_t weight_count;
    const cnn_tensor *state;    /* kept with the weights but not trained; may be NULL */
    int32_t state_tensors;
    size_t state_count;
    cnn_program train;          /* forward, loss, backward; phase_count 0 in a model for inference alone */
    int32_t train_phases;       /* a step runs these; the rest of `train` only adds the gradient of the input */
    cnn_program infer;          /* forward outside training. Its phases that run once depend on weights and state alone: they need not be
                                   repeated while those stay the same, as long as `shared` is kept */
    cnn_program eval_grad;      /* forward as in `infer`, loss, backward, in all its phases: adds the gradients of weights and input,
                                   writes no state. phase_count 0: the model has none */
    const cnn_setting *settings;
    int32_t setting_count;
    const double *rows;         /* `row`s of the data block: inputs, then targets, of each; or NULL */
    int32_t row_count, row_inputs, row_targets;
    const cnn_look *look;       /* NULL in what is no program with a command line of its own */
} cnn_model;

#endif
