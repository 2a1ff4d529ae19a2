/* Use, a convolutional network, compiled from use.cnn by cnnc.
 *
 *   layer           line   makes                   parameters     multiply-adds
 *   input                  4x4x1
 *   rescale1        5      4x4x1                            -                 -
 *   conv1           6      3x3x2                           10                72
 *   batchnorm1      6      3x3x2                            4                 -
 *   elu1            6      3x3x2                            -                 -
 *   avgpool1        7      3x3x2                            -                 -
 *   flatten1        8      18 features                      -                 -
 *   dropout1        9      18 features                      -                 -
 *   dense1          10     2 features                      38                36
 *   softmax1        10     2 features                       -                 -
 *   all                                                    52               108
 *
 * Use_infer says what the network makes of an image. The numbers that it has learnt are the
 * caller's.
 * Use_model, at the end, describes all this to the runtime (libcnn), which tests and runs the
 * network.
 * Nothing here allocates memory, keeps anything between calls or calls anything but the math
 * library. */

#include <stddef.h>
#include <stdint.h>

#define USE_TILE                 1           /* images of one call */
#define USE_INPUTS               16          /* numbers of one image */
#define USE_OUTPUTS              2           /* numbers of one result */
#define USE_WEIGHTS              52          /* numbers that are learnt */
#define USE_STATE                4           /* numbers that are kept with them */
#define USE_SCRATCH_INFER        64          /* doubles of scratch memory: 512 bytes */
#define USE_SHARED_INFER         80          /* doubles for the whole batch: 640 bytes */

/* What the network learns: the axes are those of PyTorch, the names those of the weights file. */
typedef struct Use_weights {
    double conv1_weight[2][1][2][2];   /* conv1.weight, 8 */
    double conv1_bias[2];              /* conv1.bias, 2 */
    double batchnorm1_weight[2];       /* batchnorm1.weight, 2 */
    double batchnorm1_bias[2];         /* batchnorm1.bias, 2 */
    double dense1_weight[2][18];       /* dense1.weight, 36 */
    double dense1_bias[2];             /* dense1.bias, 2 */
} Use_weights;

/* What is kept with the weights but not learnt by gradients. */
typedef struct Use_state {
    double batchnorm1_running_mean[2];   /* batchnorm1.running_mean, 2 */
    double batchnorm1_running_var[2];    /* batchnorm1.running_var, 2 */
} Use_state;

/* What the network makes of x.
 *
 *   w        what it has learnt
 *   state    what is kept with the weights
 *   x        the image: channel, row, column
 *   y        takes the result
 *   scratch  memory to work in: USE_SCRATCH_INFER doubles
 *   shared   memory to work in: USE_SHARED_INFER doubles */
void Use_infer(const Use_weights *w, const Use_state *state, const double x[1][4][4], double y[2],
               double *scratch, double *shared);

#define INFINITY (1.0f / 0.0f)
double exp(double x);
double sqrt(double x);

/* ---- conv1: conv 2, 2x2, batchnorm, elu --------------------------------- 4x4x1 -> 3x3x2 ---- */

/* conv1_weights: the scale beside the sum becomes part of its weights.                    use.cnn:6
 *
 *   w_folded[i][j][k][l] = w[i][j][k][l] * (1/255)
 *
 *   w 2x1x2x2 weights    w_folded 2x1x2x2 weight
 *   Work: 8 multiplications. */
static void conv1_weights(double w_folded[2][1][2][2], const double w[2][1][2][2])
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 1; j++)
            for (int k = 0; k < 2; k++)
                for (int l = 0; l < 2; l++)
                    w_folded[i][j][k][l] = w[i][j][k][l] * (1.0 / 255.0);
}

/* conv1_weights2: the scale beside the sum becomes part of its weights.                   use.cnn:6
 *
 *   w_folded[i][j][k][l] = w[i][j][k][l] * scale[i]
 *
 *   w 2x1x2x2 weight    scale 2: gamma/deviation of each channel    w_folded 2x1x2x2 weight
 *   Work: 8 multiplications. */
static void conv1_weights2(double w_folded[2][1][2][2], const double w[2][1][2][2],
                           const double scale[2])
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 1; j++)
            for (int k = 0; k < 2; k++)
                for (int l = 0; l < 2; l++)
                    w_folded[i][j][k][l] = w[i][j][k][l] * scale[i];
}

/* conv1_start: the shift beside the sum becomes part of what it starts from.              use.cnn:6
 *
 *   b_folded[i] = b[i] * scale[i] + shift[i]
 *
 *   scale 2: gamma/deviation of each channel
 *   shift 2: what brings the mean of each channel to beta    b 2 biases    b_folded 2 start
 *   Work: 2 multiplications. */
static void conv1_start(double b_folded[2], const double scale[2], const double shift[2],
                        const double b[2])
{
    for (int i = 0; i < 2; i++)
        b_folded[i] = b[i] * scale[i] + shift[i];
}

/* conv1: lay every filter on every place and add up what lies under it.                   use.cnn:6
 *
 *   y[co][oh][ow] = b_folded[co] + sum over ci, kh, kw of
 *                   w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw]
 *
 *   w 2x1x2x2 weight    x 1x4x4    b_folded 2 start    y 2x3x3, 3 = 4-2+1
 *   Work: 72 multiply-adds. */
static void conv1(double y[2][3][3], const double w[2][1][2][2], const double x[1][4][4],
                  const double b_folded[2])
{
    for (int co = 0; co < 2; co++)              // for every filter
        for (int oh = 0; oh < 3; oh++)          // and every place to lay its corner
            for (int ow = 0; ow < 3; ow++) {
                double sum = b_folded[co];
                for (int ci = 0; ci < 1; ci++)  // multiply what lies under it
                    for (int kh = 0; kh < 2; kh++)
                        for (int kw = 0; kw < 2; kw++)
                            sum += w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw];
                y[co][oh][ow] = sum;
            }
}

/* ---- batchnorm1: batchnorm ---------------------------------------------- 3x3x2 -> 3x3x2 ---- */

/* batchnorm1_scale: with fixed statistics all that is left is a scale for each channel    use.cnn:6
 * ...
 *
 *   scale[c] = gamma[c] / sqrt(running_var[c] + 1e-5)
 *
 *   gamma 2 weights    running_var 2    scale 2: gamma/deviation of each channel
 *   Work: 2 square roots. */
static void batchnorm1_scale(double scale[2], const double gamma[2], const double running_var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        scale[c] = gamma[c] / sqrt(running_var[c] + 1e-5);
}

/* batchnorm1_shift: ... and a shift.                                                      use.cnn:6
 *
 *   shift[c] = beta[c] - running_mean[c] * scale[c]
 *
 *   scale 2: gamma/deviation of each channel    beta 2 biases    running_mean 2
 *   shift 2: what brings the mean of each channel to beta
 *   Work: 2 multiplications. */
static void batchnorm1_shift(double shift[2], const double scale[2], const double beta[2],
                             const double running_mean[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        shift[c] = beta[c] - running_mean[c] * scale[c];
}

/* ---- elu1: elu ---------------------------------------------------------- 3x3x2 -> 3x3x2 ---- */

/* elu1: let pass what is positive, and bend the rest towards a floor.                     use.cnn:6
 *
 *   y[c][h][w] = x[c][h][w] where x[c][h][w] > 0, else exp(x[c][h][w]) - 1
 *
 *   x 2x3x3    y 2x3x3
 *   Work: 18 exponentials. */
static void elu1(double y[2][3][3], const double x[2][3][3])
{
    for (int c = 0; c < 2; c++)      // for every channel
        for (int h = 0; h < 3; h++)  // and every place in it
            for (int w = 0; w < 3; w++)
                y[c][h][w] = x[c][h][w] > 0.0 ? x[c][h][w] : exp(x[c][h][w]) - 1.0;
}

/* ---- avgpool1: avgpool 2x2, stride=1, same ------------------------------ 3x3x2 -> 3x3x2 ---- */

/* avgpool1_pad: put a border around the image, so that the window may stand at its edge.  use.cnn:7
 *
 *   xp[c][h][w] = x[c][h][w]
 *   for every c, h, w; the rest of xp is 0
 *
 *   x 2x3x3    xp 2x4x4: x with its border
 *   Work: 18 copies. */
static void avgpool1_pad(double xp[2][4][4], const double x[2][3][3])
{
    for (int i = 0; i < 2; i++)   // first, all of it
        for (int j = 0; j < 4; j++)
            for (int k = 0; k < 4; k++)
                xp[i][j][k] = 0.0;
    for (int c = 0; c < 2; c++)      // for every channel
        for (int h = 0; h < 3; h++)  // copy the image into the middle
            for (int w = 0; w < 3; w++)
                xp[c][h][w] = x[c][h][w];
}

/* avgpool1: take the mean of each window.                                                 use.cnn:7
 *
 *   y[c][oh][ow] = (sum over kh, kw of xp[c][oh + kh][ow + kw]) / (rows[oh] * columns[ow])
 *
 *   xp 2x4x4: x with its border    rows 3: rows of the image under the window
 *   columns 3: columns of the image under the window    y 2x3x3, 3 = 4-2+1
 *   Work: 72 additions and 18 divisions. */
static void avgpool1(double y[2][3][3], const double xp[2][4][4], const double rows[3],
                     const double columns[3])
{
    for (int c = 0; c < 2; c++)                 // for every channel
        for (int oh = 0; oh < 3; oh++)          // and every place of the window
            for (int ow = 0; ow < 3; ow++) {
                double sum = 0.0;
                for (int kh = 0; kh < 2; kh++)  // add up its cells
                    for (int kw = 0; kw < 2; kw++)
                        sum += xp[c][oh + kh][ow + kw];
                y[c][oh][ow] = sum / (rows[oh] * columns[ow]);
            }
}

/* ---- dense1: dense 2, softmax -------------------------------- 18 features -> 2 features ---- */

/* dense1: every neuron weighs every feature and adds up.                                 use.cnn:10
 *
 *   y[co] = b[co] + sum over ci of w[co][ci] * x[ci]
 *
 *   x 18    w 2x18 weights    b 2 biases    y 2
 *   Work: 36 multiply-adds. */
static void dense1(double y[2], const double x[18], const double w[2][18], const double b[2])
{
    for (int co = 0; co < 2; co++) {     // for every neuron
        double sum = b[co];
        for (int ci = 0; ci < 18; ci++)  // weigh every feature
            sum += w[co][ci] * x[ci];
        y[co] = sum;
    }
}

/* ---- softmax1: softmax ---------------------------------------- 2 features -> 2 features ---- */

/* softmax1_max: find the largest feature.                                                use.cnn:10
 *
 *   m = largest over c of x[c]
 *
 *   x 2    m 1: the largest feature
 *   Work: 2 comparisons. */
static void softmax1_max(double m[1], const double x[2])
{
    double largest = -INFINITY;
    for (int c = 0; c < 2; c++) {  // for every feature
        const double value = x[c];
        if (value > largest)
            largest = value;
    }
    m[0] = largest;
}

/* softmax1_exp: compare every feature with the largest: exp turns a difference into a    use.cnn:10
 * ratio.
 *
 *   e[c] = exp(x[c] - m)
 *
 *   x 2    m 1: the largest feature    e 2: how the features compare with the largest, 0 to 1
 *   Work: 2 exponentials. */
static void softmax1_exp(double e[2], const double x[2], const double m[1])
{
    for (int c = 0; c < 2; c++)  // for every feature
        e[c] = exp(x[c] - m[0]);
}

/* softmax1_sum: add up the ratios.                                                       use.cnn:10
 *
 *   s = sum over c of e[c]
 *
 *   e 2: how the features compare with the largest, 0 to 1    s 1: the sum of all e
 *   Work: 2 additions. */
static void softmax1_sum(double s[1], const double e[2])
{
    double sum = 0.0;
    for (int c = 0; c < 2; c++)  // for every feature
        sum += e[c];
    s[0] = sum;
}

/* softmax1: divide by their sum: now they are probabilities, which add up to 1.          use.cnn:10
 *
 *   y[c] = e[c] / s
 *
 *   e 2: how the features compare with the largest, 0 to 1    s 1: the sum of all e    y 2
 *   Work: 2 divisions. */
static void softmax1(double y[2], const double e[2], const double s[1])
{
    for (int c = 0; c < 2; c++)  // for every feature
        y[c] = e[c] / s[0];
}

/* avgpool1_rows: rows of the image under the window. */
static const double avgpool1_rows[3] =
    { 2.0, 2.0, 1.0 };

/* avgpool1_columns: columns of the image under the window. */
static const double avgpool1_columns[3] =
    { 2.0, 2.0, 1.0 };

/* ---- the whole network ----
 *
 * Every value between two layers has its place in one block of memory, `scratch`. Places are
 * numbers of the block; two values that are never needed at the same time share one. */

/* Inference, part 1 of 2: once for the whole batch. */
static void infer_1(const Use_weights *w, const Use_state *state, double *shared)
{
    void *conv1_weight_folded        = shared + 32;   // 2x1x2x2: weight
    void *batchnorm1_scale_at        = shared +  0;   // 2: gamma/deviation of each channel
    void *batchnorm1_shift_at        = shared + 16;   // 2
    void *conv1_weight_folded_folded = shared + 64;   // 2x1x2x2: weight
    void *conv1_y_start              = shared + 48;   // 2: start

    // conv 2, 2x2, batchnorm, elu
    conv1_weights(conv1_weight_folded, w->conv1_weight);
    batchnorm1_scale(batchnorm1_scale_at, w->batchnorm1_weight, state->batchnorm1_running_var);
    batchnorm1_shift(batchnorm1_shift_at, batchnorm1_scale_at, w->batchnorm1_bias,
                     state->batchnorm1_running_mean);
    conv1_weights2(conv1_weight_folded_folded, conv1_weight_folded, batchnorm1_scale_at);
    conv1_start(conv1_y_start, batchnorm1_scale_at, batchnorm1_shift_at, w->conv1_bias);
}

/* Inference, part 2 of 2: for every image. */
static void infer_2(const Use_weights *w, const double x[1][4][4], double y[2], double *scratch,
                    double *shared)
{
    void *batchnorm1_y               = scratch +  0;   // 2x3x3
    void *conv1_y_start              = shared + 48;   // 2: start
    void *conv1_weight_folded_folded = shared + 64;   // 2x1x2x2: weight
    void *elu1_y                     = scratch +  0;   // 2x3x3
    void *avgpool1_xp                = scratch + 32;   // 2x4x4: x with its border
    void *avgpool1_y                 = scratch +  0;   // 2x3x3
    void *dense1_y                   = scratch + 32;   // 2
    void *softmax1_m                 = scratch +  0;   // 1: the largest feature
    void *softmax1_e                 = scratch + 32;   // 2
    void *softmax1_s                 = scratch +  0;   // 1: the sum of all e

    // conv 2, 2x2, batchnorm, elu
    conv1(batchnorm1_y, conv1_weight_folded_folded, x, conv1_y_start);
    elu1(elu1_y, batchnorm1_y);
    // avgpool 2x2, stride=1, same
    avgpool1_pad(avgpool1_xp, elu1_y);
    avgpool1(avgpool1_y, avgpool1_xp, avgpool1_rows, avgpool1_columns);
    // dense 2, softmax
    dense1(dense1_y, avgpool1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);
}

void Use_infer(const Use_weights *w, const Use_state *state, const double x[1][4][4], double y[2],
               double *scratch, double *shared)
{
    infer_1(w, state, shared);
    infer_2(w, x, y, scratch, shared);
}

/* ---- for the runtime: its contract, and this network in its words ---- */

/* ... the text of cnn/model.h ... */

_Static_assert(sizeof(Use_weights) == sizeof(double) * (size_t)USE_WEIGHTS, "one number behind the other");
_Static_assert(sizeof(Use_state) == sizeof(double) * (size_t)USE_STATE, "one number behind the other");

static void run_infer_1(const cnn_job *job)
{
    infer_1(job->weights, job->state, job->shared);
}

static void run_infer_2(const cnn_job *job)
{
    infer_2(job->weights, (const double (*)[4][4])job->x, job->y, job->scratch, job->shared);
}

static const cnn_tensor weight_tensors[] = {
    { "conv1.weight", 4, { 2, 1, 2, 2 }, 0, 8, 4, 8, CNN_INIT_GLOROT },
    { "conv1.bias", 1, { 2 }, 8, 2, 4, 8, CNN_INIT_ZEROS },
    { "batchnorm1.weight", 1, { 2 }, 10, 2, 0, 0, CNN_INIT_ONES },
    { "batchnorm1.bias", 1, { 2 }, 12, 2, 0, 0, CNN_INIT_ZEROS },
    { "dense1.weight", 2, { 2, 18 }, 14, 36, 18, 2, CNN_INIT_GLOROT },
    { "dense1.bias", 1, { 2 }, 50, 2, 18, 2, CNN_INIT_ZEROS },
};

static const cnn_tensor state_tensors[] = {
    { "batchnorm1.running_mean", 1, { 2 }, 0, 2, 0, 0, CNN_INIT_ZEROS },
    { "batchnorm1.running_var", 1, { 2 }, 2, 2, 0, 0, CNN_INIT_ONES },
};

static const cnn_phase infer_phases[] = {
    { "infer_1", 1, run_infer_1, NULL, 0 },
    { "infer_2", 0, run_infer_2, NULL, 0 },
};

static const cnn_argument setting_validate[] = {
    { "share", 0.0, NULL },
};

static const cnn_argument setting_loss[] = {
    { "smooth", 0.0, NULL },
};

static const cnn_argument setting_optimizer[] = {
    { "lr", 0.01, NULL },
    { "momentum", 0.0, NULL },
    { "nesterov", 0.0, NULL },
    { "decay", 0.0, NULL },
};

static const cnn_argument setting_schedule[] = {
    { "warmup", 0.0, NULL },
};

static const cnn_argument setting_batch[] = {
    { "images", 32.0, NULL },
};

static const cnn_argument setting_epochs[] = {
    { "epochs", 1.0, NULL },
};

static const cnn_argument setting_seed[] = {
    { "seed", 1.0, NULL },
};

static const cnn_argument setting_shuffle[] = {
    { "on", 1.0, NULL },
};

static const cnn_setting settings[] = {
    { "validate", NULL, setting_validate, 1 },
    { "loss", "crossentropy", setting_loss, 1 },
    { "optimizer", "sgd", setting_optimizer, 4 },
    { "schedule", "constant", setting_schedule, 1 },
    { "batch", NULL, setting_batch, 1 },
    { "epochs", NULL, setting_epochs, 1 },
    { "seed", NULL, setting_seed, 1 },
    { "shuffle", NULL, setting_shuffle, 1 },
};

extern const cnn_model Use_model;
const cnn_model Use_model = {
    .abi = CNN_ABI,
    .real_bytes = sizeof(double),
    .name = "Use",
    .source = "use.cnn",
    .tile = USE_TILE,
    .input_rank = 3, .input_dim = { 1, 4, 4 },
    .inputs = USE_INPUTS, .outputs = USE_OUTPUTS,
    .weights = weight_tensors, .weight_tensors = 6, .weight_count = USE_WEIGHTS,
    .state = state_tensors, .state_tensors = 2, .state_count = USE_STATE,
    .infer = { infer_phases, 2, 64, 80, 0 },
    .settings = settings, .setting_count = 8,
};
