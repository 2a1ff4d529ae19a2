/* Normal, a convolutional network, compiled from normal.cnn by cnnc.
 *
 *   layer           line   makes                   parameters     multiply-adds
 *   input                  3x3x2
 *   normalise1      6      3x3x2                            -                 -
 *   conv1           7      2x2x2                           18                64
 *   batchnorm1      7      2x2x2                            4                 -
 *   leaky1          7      2x2x2                            -                 -
 *   dropout1        8      2x2x2                            -                 -
 *   dense1          9      2 features                      18                16
 *   softmax1        9      2 features                       -                 -
 *   all                                                    40                80
 *
 * Normal_infer says what the network makes of an image. The numbers that it has learnt are the
 * caller's.
 * Normal_model, at the end, describes all this to the runtime (libcnn), which trains, tests and
 * runs the network.
 * Nothing here allocates memory, keeps anything between calls or calls anything but the math
 * library. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define NORMAL_TILE              2           /* images of one call */
#define NORMAL_INPUTS            18          /* numbers of one image */
#define NORMAL_OUTPUTS           2           /* numbers of one result */
#define NORMAL_WEIGHTS           40          /* numbers that are learnt */
#define NORMAL_STATE             8           /* numbers that are kept with them */
#define NORMAL_SCRATCH_TRAIN     192         /* floats of scratch memory: 768 bytes */
#define NORMAL_SHARED_TRAIN      112         /* floats for the whole batch: 448 bytes */
#define NORMAL_SCRATCH_INFER     64          /* floats of scratch memory: 256 bytes */
#define NORMAL_SHARED_INFER      32          /* floats for the whole batch: 128 bytes */
#define NORMAL_SCRATCH_EVAL      144         /* floats of scratch memory: 576 bytes */
#define NORMAL_SHARED_EVAL       48          /* floats for the whole batch: 192 bytes */

/* What the network learns: the axes are those of PyTorch, the names those of the weights file. */
typedef struct Normal_weights {
    float conv1_weight[2][2][2][2];   /* conv1.weight, 16 */
    float conv1_bias[2];              /* conv1.bias, 2 */
    float batchnorm1_weight[2];       /* batchnorm1.weight, 2 */
    float batchnorm1_bias[2];         /* batchnorm1.bias, 2 */
    float dense1_weight[2][8];        /* dense1.weight, 16 */
    float dense1_bias[2];             /* dense1.bias, 2 */
} Normal_weights;

/* What is kept with the weights but not learnt by gradients. */
typedef struct Normal_state {
    float normalise1_mean[2];           /* normalise1.mean, 2 */
    float normalise1_deviation[2];      /* normalise1.deviation, 2 */
    float batchnorm1_running_mean[2];   /* batchnorm1.running_mean, 2 */
    float batchnorm1_running_var[2];    /* batchnorm1.running_var, 2 */
} Normal_state;

/* What the network makes of x.
 *
 *   w        what it has learnt
 *   state    what is kept with the weights
 *   x        the images of the tile: channel, row, column
 *   y        takes the result
 *   scratch  memory to work in: NORMAL_SCRATCH_INFER floats
 *   shared   memory to work in: NORMAL_SHARED_INFER floats */
void Normal_infer(const Normal_weights *w, const Normal_state *state, const float x[2][2][3][3],
                  float y[2][2], float *scratch, float *shared);

/* A number in [0, 1) that is a function of its arguments alone: Philox 4x32-10.
 *
 *   Ten rounds of multiplying and mixing turn a counter (which number of which image and layer) and
 *   a key (the seed) into random bits. (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as
 *   easy as 1, 2, 3, 2011.) */
static float uniform(const uint32_t draw[4], uint32_t stream, uint32_t image, uint32_t element)
{
    uint32_t c0 = element, c1 = draw[3] + image, c2 = draw[2], c3 = stream;
    uint32_t key0 = draw[0], key1 = draw[1];

    for (int turn = 0; turn < 10; turn++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)a;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return (float)(c0 >> 8) / 16777216.0f;   // 24 bits
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* ---- normalise1: normalise ---------------------------------------------- 3x3x2 -> 3x3x2 ---- */

/* normalise1: count from the mean of the training set, in units of its deviation.      normal.cnn:6
 *
 *   y[n][c][h][w] = (x[n][c][h][w] - mean[c]) / deviation[c]
 *
 *   x 2x2x3x3    mean 2    deviation 2    y 2x2x3x3
 *   Work: 36 divisions. */
static void normalise1(float y[2][2][3][3], const float x[2][2][3][3], const float mean[2],
                       const float deviation[2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 3; h++)  // and every place in it
                for (int w = 0; w < 3; w++)
                    y[n][c][h][w] = (x[n][c][h][w] - mean[c]) / deviation[c];
}

/* normalise1, backward to x: how does the loss change with what was read?              normal.cnn:6
 *
 *   Everything that was made of it sends its share.
 *
 *   dx[n][c][h][w] += dy[n][c][h][w] / deviation[c]
 *
 *   dy 2x2x3x3    deviation 2    dx 2x2x3x3
 *   Work: 36 divisions.
 *   The same four loops as normalise1. It is added to what the caller has there. */
static void normalise1_dx(float dx[2][2][3][3], const float dy[2][2][3][3],
                          const float deviation[2])
{
    for (int n = 0; n < 2; n++)  // for every element of x
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < 3; h++)
                for (int w = 0; w < 3; w++)
                    dx[n][c][h][w] += dy[n][c][h][w] / deviation[c];
}

/* ---- conv1: conv 2, 2x2, batchnorm, leaky(0.1) -------------------------- 3x3x2 -> 2x2x2 ---- */

/* conv1: lay every filter on every place and add up what lies under it.                normal.cnn:7
 *
 *   y[n][co][oh][ow] = b[co] + sum over ci, kh, kw of
 *                      w[co][ci][kh][kw] * x[n][ci][oh + kh][ow + kw]
 *
 *   x 2x2x3x3    w 2x2x2x2 weights    b 2 biases    y 2x2x2x2, 2 = 3-2+1
 *   Work: 128 multiply-adds. */
static void conv1(float y[2][2][2][2], const float x[2][2][3][3], const float w[2][2][2][2],
                  const float b[2])
{
    for (int n = 0; n < 2; n++)                     // for every image of the tile
        for (int co = 0; co < 2; co++)              // for every filter
            for (int oh = 0; oh < 2; oh++)          // and every place to lay its corner
                for (int ow = 0; ow < 2; ow++) {
                    float sum = b[co];
                    for (int ci = 0; ci < 2; ci++)  // multiply what lies under it
                        for (int kh = 0; kh < 2; kh++)
                            for (int kw = 0; kw < 2; kw++)
                                sum += w[co][ci][kh][kw] * x[n][ci][oh + kh][ow + kw];
                    y[n][co][oh][ow] = sum;
                }
}

/* conv1, backward to w: how does the loss change with each weight?                     normal.cnn:7
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci][kh][kw] makes
 *   x[n][ci][oh + kh][ow + kw] times as much more of y[n][co][oh][ow]; the chain rule takes that
 *   times dy, and adds up over all n, oh and ow in which it had a part:
 *
 *   dw[co][ci][kh][kw] += sum over n, oh, ow of dy[n][co][oh][ow] * x[n][ci][oh + kh][ow + kw]
 *
 *   dy 2x2x2x2    x 2x2x3x3    dw 2x2x2x2
 *   Work: 128 multiply-adds.
 *   The same seven loops as conv1: what was summed is read, what was read is summed. It is +=
 *   because a batch adds up the gradients of its images. */
static void conv1_dw(float dw[2][2][2][2], const float dy[2][2][2][2], const float x[2][2][3][3])
{
    for (int co = 0; co < 2; co++)               // for every weight
        for (int ci = 0; ci < 2; ci++)
            for (int kh = 0; kh < 2; kh++)
                for (int kw = 0; kw < 2; kw++) {
                    float sum = 0.0f;
                    for (int n = 0; n < 2; n++)  // add up all that it had a part in
                        for (int oh = 0; oh < 2; oh++)
                            for (int ow = 0; ow < 2; ow++)
                                sum += dy[n][co][oh][ow] * x[n][ci][oh + kh][ow + kw];
                    dw[co][ci][kh][kw] += sum;
                }
}

/* conv1, backward to b: how does the loss change with each bias?                       normal.cnn:7
 *
 *   Whatever is added to b[co] is added to y[n][co][oh][ow] as well, so the gradient passes as it
 *   is, and adds up over all n, oh and ow in which it had a part:
 *
 *   db[co] += sum over n, oh, ow of dy[n][co][oh][ow]
 *
 *   dy 2x2x2x2    db 2
 *   Work: 16 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void conv1_db(float db[2], const float dy[2][2][2][2])
{
    for (int co = 0; co < 2; co++) {  // for every bias
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)   // add up all that it had a part in
            for (int oh = 0; oh < 2; oh++)
                for (int ow = 0; ow < 2; ow++)
                    sum += dy[n][co][oh][ow];
        db[co] += sum;
    }
}

/* conv1, backward to x: how does the loss change with what was read?                   normal.cnn:7
 *
 *   A little more of x[n][ci][oh + kh][ow + kw] makes w[co][ci][kh][kw] times as much more of
 *   y[n][co][oh][ow]; the chain rule takes that times dy, and adds up over all co in which it had a
 *   part:
 *
 *   dx[n][ci][oh + kh][ow + kw] += dy[n][co][oh][ow] * w[co][ci][kh][kw]
 *   for every n, co, oh, ow, ci, kh, kw; all of dx is 0 before
 *
 *   dy 2x2x2x2    w 2x2x2x2 weights    dx 2x2x3x3
 *   Work: 128 multiply-adds.
 *   The same seven loops as conv1: it writes where conv1 read, and reads where it wrote. */
static void conv1_dx(float dx[2][2][3][3], const float dy[2][2][2][2], const float w[2][2][2][2])
{
    for (int i = 0; i < 2; i++)   // first, all of it
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < 3; l++)
                    dx[i][j][k][l] = 0.0f;
    for (int n = 0; n < 2; n++)  // the walk of the forward pass
        for (int co = 0; co < 2; co++)
            for (int oh = 0; oh < 2; oh++)
                for (int ow = 0; ow < 2; ow++)
                    for (int ci = 0; ci < 2; ci++)
                        for (int kh = 0; kh < 2; kh++)
                            for (int kw = 0; kw < 2; kw++)
                                dx[n][ci][oh + kh][ow + kw] += dy[n][co][oh][ow]
                                    * w[co][ci][kh][kw];
}

/* ---- batchnorm1: batchnorm ---------------------------------------------- 2x2x2 -> 2x2x2 ---- */

/* batchnorm1_mean: the mean of each channel over the batch: every place adds its       normal.cnn:7
 * share.
 *
 *   mean[c] = sum over n, h, w of share[n] / 4 * x[n][c][h][w]
 *
 *   share 2: what this image counts    x 2x2x2x2    mean 2: mean of each channel over the batch
 *   Work: 16 divisions. */
static void batchnorm1_mean(float mean[2], const float share[2], const float x[2][2][2][2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += share[n] / 4.0f * x[n][c][h][w];
        mean[c] = sum;
    }
}

/* batchnorm1_next_mean: remember most of what was known, and add a little of this      normal.cnn:7
 * batch.
 *
 *   next_mean[c] = 0.9 * running_mean[c] + 0.1 * mean[c]
 *
 *   mean 2: mean of each channel over the batch    running_mean 2
 *   next_mean 2: what running_mean becomes
 *   Work: 2 multiplications. */
static void batchnorm1_next_mean(float next_mean[2], const float mean[2],
                                 const float running_mean[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        next_mean[c] = 0.9f * running_mean[c] + 0.1f * mean[c];
}

/* batchnorm1_running_mean: keep it for the next batch, and for use outside training.   normal.cnn:7
 *
 *   running_mean[c] = next_mean[c]
 *
 *   next_mean 2: what running_mean becomes    running_mean 2
 *   Work: 2 copies. */
static void batchnorm1_running_mean(float running_mean[2], const float next_mean[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        running_mean[c] = next_mean[c];
}

/* batchnorm1_var: the variance of each channel over the batch: the mean of the         normal.cnn:7
 * squared distances from the mean.
 *
 *   var[c] = sum over n, h, w of
 *            share[n] / 4 * ((x[n][c][h][w] - mean[c]) * (x[n][c][h][w] - mean[c]))
 *
 *   share 2: what this image counts    x 2x2x2x2    mean 2: mean of each channel over the batch
 *   var 2: variance of each channel over the batch
 *   Work: 16 divisions. */
static void batchnorm1_var(float var[2], const float share[2], const float x[2][2][2][2],
                           const float mean[2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += share[n] / 4.0f
                        * ((x[n][c][h][w] - mean[c]) * (x[n][c][h][w] - mean[c]));
        var[c] = sum;
    }
}

/* batchnorm1_r: the deviation is the root of the variance; one division a channel is   normal.cnn:7
 * enough.
 *
 *   r[c] = 1 / sqrt(var[c] + 1e-5)
 *
 *   var 2: variance of each channel over the batch    r 2: 1/deviation of each channel
 *   Work: 2 square roots. */
static void batchnorm1_r(float r[2], const float var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        r[c] = 1.0f / sqrtf(var[c] + 1e-5f);
}

/* batchnorm1_next_var: remember most of what was known, and add a little of this       normal.cnn:7
 * batch.
 *
 *   next_var[c] = 0.9 * running_var[c] + 0.1 * (var[c] * (images * 4 / max(images * 4 - 1, 1)))
 *
 *   var 2: variance of each channel over the batch    images 1: images of the batch
 *   running_var 2    next_var 2: what running_var becomes
 *   Work: 2 divisions. */
static void batchnorm1_next_var(float next_var[2], const float var[2], const float images[1],
                                const float running_var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        next_var[c] = 0.9f * running_var[c]
            + 0.1f * (var[c] * (images[0] * 4.0f / larger(images[0] * 4.0f - 1.0f, 1.0f)));
}

/* batchnorm1_running_var: keep it for the next batch, and for use outside training.    normal.cnn:7
 *
 *   running_var[c] = next_var[c]
 *
 *   next_var 2: what running_var becomes    running_var 2
 *   Work: 2 copies. */
static void batchnorm1_running_var(float running_var[2], const float next_var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        running_var[c] = next_var[c];
}

/* batchnorm1: count from the mean in units of the deviation, then let the layer        normal.cnn:7
 * choose its own scale and zero.
 *
 *   y[n][c][h][w] = gamma[c] * ((x[n][c][h][w] - mean[c]) * r[c]) + beta[c]
 *
 *   x 2x2x2x2    mean 2: mean of each channel over the batch    r 2: 1/deviation of each channel
 *   gamma 2 weights    beta 2 biases    y 2x2x2x2
 *   Work: 16 multiplications. */
static void batchnorm1(float y[2][2][2][2], const float x[2][2][2][2], const float mean[2],
                       const float r[2], const float gamma[2], const float beta[2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = gamma[c] * ((x[n][c][h][w] - mean[c]) * r[c]) + beta[c];
}

/* batchnorm1_scale: with fixed statistics all that is left is a scale for each         normal.cnn:7
 * channel ...
 *
 *   scale[c] = gamma[c] / sqrt(running_var[c] + 1e-5)
 *
 *   gamma 2 weights    running_var 2    scale 2: gamma/deviation of each channel
 *   Work: 2 square roots. */
static void batchnorm1_scale(float scale[2], const float gamma[2], const float running_var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        scale[c] = gamma[c] / sqrtf(running_var[c] + 1e-5f);
}

/* batchnorm1_shift: ... and a shift.                                                   normal.cnn:7
 *
 *   shift[c] = beta[c] - running_mean[c] * scale[c]
 *
 *   scale 2: gamma/deviation of each channel    beta 2 biases    running_mean 2
 *   shift 2: what brings the mean of each channel to beta
 *   Work: 2 multiplications. */
static void batchnorm1_shift(float shift[2], const float scale[2], const float beta[2],
                             const float running_mean[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        shift[c] = beta[c] - running_mean[c] * scale[c];
}

/* batchnorm1_infer: scale and shift every channel.                                     normal.cnn:7
 *
 *   y[n][c][h][w] = x[n][c][h][w] * scale[c] + shift[c]
 *
 *   x 2x2x2x2    scale 2: gamma/deviation of each channel
 *   shift 2: what brings the mean of each channel to beta    y 2x2x2x2
 *   Work: 16 multiplications. */
static void batchnorm1_infer(float y[2][2][2][2], const float x[2][2][2][2], const float scale[2],
                             const float shift[2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = x[n][c][h][w] * scale[c] + shift[c];
}

/* batchnorm1_sdy: how does the loss change if the whole channel is shifted ...         normal.cnn:7
 *
 *   sdy[c] = sum over n, h, w of dy[n][c][h][w]
 *
 *   dy 2x2x2x2    sdy 2: sum of dy over the batch
 *   Work: 16 additions. */
static void batchnorm1_sdy(float sdy[2], const float dy[2][2][2][2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += dy[n][c][h][w];
        sdy[c] = sum;
    }
}

/* batchnorm1_sdz: ... and if it is stretched?                                          normal.cnn:7
 *
 *   sdz[c] = sum over n, h, w of dy[n][c][h][w] * ((x[n][c][h][w] - mean[c]) * r[c])
 *
 *   dy 2x2x2x2    x 2x2x2x2    mean 2: mean of each channel over the batch
 *   r 2: 1/deviation of each channel    sdz 2: sum of dy times the normalised x over the batch
 *   Work: 16 multiply-adds. */
static void batchnorm1_sdz(float sdz[2], const float dy[2][2][2][2], const float x[2][2][2][2],
                           const float mean[2], const float r[2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += dy[n][c][h][w] * ((x[n][c][h][w] - mean[c]) * r[c]);
        sdz[c] = sum;
    }
}

/* batchnorm1, backward to beta: beta moves all elements of its channel alike.          normal.cnn:7
 *
 *   dbeta[c] += sdy[c]
 *
 *   sdy 2: sum of dy over the batch    dbeta 2
 *   Work: 2 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void batchnorm1_dbeta(float dbeta[2], const float sdy[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        dbeta[c] += sdy[c];
}

/* batchnorm1, backward to gamma: gamma moves each by how far it is from the mean.      normal.cnn:7
 *
 *   dgamma[c] += sdz[c]
 *
 *   sdz 2: sum of dy times the normalised x over the batch    dgamma 2
 *   Work: 2 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void batchnorm1_dgamma(float dgamma[2], const float sdz[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        dgamma[c] += sdz[c];
}

/* batchnorm1, backward to x: mean and deviation undo a shift or a stretch of the       normal.cnn:7
 * whole channel, so those two parts of dy come off.
 *
 *   dx[n][c][h][w] = gamma[c] * r[c]
 *                    * (dy[n][c][h][w]
 *                    - share[n] / 4 * (sdy[c] + (x[n][c][h][w] - mean[c]) * r[c] * sdz[c]))
 *
 *   r 2: 1/deviation of each channel    dy 2x2x2x2    share 2: what this image counts
 *   sdy 2: sum of dy over the batch    x 2x2x2x2    mean 2: mean of each channel over the batch
 *   sdz 2: sum of dy times the normalised x over the batch    gamma 2 weights    dx 2x2x2x2
 *   Work: 16 divisions.
 *   The same four loops as batchnorm1. */
static void batchnorm1_dx(float dx[2][2][2][2], const float r[2], const float dy[2][2][2][2],
                          const float share[2], const float sdy[2], const float x[2][2][2][2],
                          const float mean[2], const float sdz[2], const float gamma[2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    dx[n][c][h][w] = gamma[c] * r[c]
                        * (dy[n][c][h][w]
                        - share[n] / 4.0f * (sdy[c] + (x[n][c][h][w] - mean[c]) * r[c] * sdz[c]));
}

/* batchnorm1_r_eval: the deviation is the root of the variance; one division a         normal.cnn:7
 * channel is enough.
 *
 *   r[c] = 1 / sqrt(running_var[c] + 1e-5)
 *
 *   running_var 2    r 2: 1/deviation of each channel
 *   Work: 2 square roots. */
static void batchnorm1_r_eval(float r[2], const float running_var[2])
{
    for (int c = 0; c < 2; c++)  // for every channel
        r[c] = 1.0f / sqrtf(running_var[c] + 1e-5f);
}

/* batchnorm1, backward to beta: beta moves all elements of its channel alike.          normal.cnn:7
 *
 *   dy tells how much the loss grows per unit of y. Whatever is added to beta[c] is added to
 *   y[n][c][h][w] as well, so the gradient passes as it is, and adds up over all n, h and w in
 *   which it had a part:
 *
 *   dbeta[c] += sum over n, h, w of dy[n][c][h][w]
 *
 *   dy 2x2x2x2    dbeta 2
 *   Work: 16 additions.
 *   The same four loops as batchnorm1. It is += because a batch adds up the gradients of its
 *   images. */
static void batchnorm1_dbeta_eval(float dbeta[2], const float dy[2][2][2][2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += dy[n][c][h][w];
        dbeta[c] += sum;
    }
}

/* batchnorm1, backward to gamma: gamma moves each by how far it is from the mean.      normal.cnn:7
 *
 *   A little more of gamma[c] makes (x[n][c][h][w] - running_mean[c]) * r[c] times as much more of
 *   y[n][c][h][w]; the chain rule takes that times dy, and adds up over all n, h and w in which it
 *   had a part:
 *
 *   dgamma[c] += sum over n, h, w of dy[n][c][h][w] * ((x[n][c][h][w] - running_mean[c]) * r[c])
 *
 *   dy 2x2x2x2    x 2x2x2x2    r 2: 1/deviation of each channel    running_mean 2    dgamma 2
 *   Work: 16 multiply-adds.
 *   The same four loops as batchnorm1. It is += because a batch adds up the gradients of its
 *   images. */
static void batchnorm1_dgamma_eval(float dgamma[2], const float dy[2][2][2][2],
                                   const float x[2][2][2][2], const float r[2],
                                   const float running_mean[2])
{
    for (int c = 0; c < 2; c++) {        // for every channel
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)      // for every image of the tile
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    sum += dy[n][c][h][w] * ((x[n][c][h][w] - running_mean[c]) * r[c]);
        dgamma[c] += sum;
    }
}

/* batchnorm1, backward to x: with fixed statistics every element stands alone: its     normal.cnn:7
 * slope is the scale.
 *
 *   A little more of x[n][c][h][w] makes scale[c] times as much more of y[n][c][h][w]; the chain
 *   rule takes that times dy:
 *
 *   dx[n][c][h][w] = dy[n][c][h][w] * scale[c]
 *
 *   dy 2x2x2x2    scale 2: gamma/deviation of each channel    dx 2x2x2x2
 *   Work: 16 multiplications.
 *   The same four loops as batchnorm1. */
static void batchnorm1_dx_eval(float dx[2][2][2][2], const float dy[2][2][2][2],
                               const float scale[2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    dx[n][c][h][w] = dy[n][c][h][w] * scale[c];
}

/* ---- leaky1: leaky(0.1) ------------------------------------------------- 2x2x2 -> 2x2x2 ---- */

/* leaky1: let pass what is positive, and a little of what is not.                      normal.cnn:7
 *
 *   y[n][c][h][w] = x[n][c][h][w] where x[n][c][h][w] > 0, else 0.1 * x[n][c][h][w]
 *
 *   x 2x2x2x2    y 2x2x2x2
 *   Work: 16 multiplications. */
static void leaky1(float y[2][2][2][2], const float x[2][2][2][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = x[n][c][h][w] > 0.0f ? x[n][c][h][w] : 0.1f * x[n][c][h][w];
}

/* leaky1, backward to x: where x was positive the gradient passes unchanged,           normal.cnn:7
 * elsewhere a little of it.
 *
 *   dx[n][c][h][w] = dy[n][c][h][w] where y[n][c][h][w] > 0, else 0.1 * dy[n][c][h][w]
 *
 *   y 2x2x2x2    dy 2x2x2x2    dx 2x2x2x2
 *   Work: 16 multiplications.
 *   The same four loops as leaky1. */
static void leaky1_dx(float dx[2][2][2][2], const float y[2][2][2][2], const float dy[2][2][2][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++) {
                    const float value = dy[n][c][h][w];
                    dx[n][c][h][w] = y[n][c][h][w] > 0.0f ? value : 0.1f * value;
                }
}

/* ---- dropout1: dropout 0.25 --------------------------------------------- 2x2x2 -> 2x2x2 ---- */

/* dropout1_keep: toss a coin for every element; what is kept counts for what is left   normal.cnn:8
 * out too.
 *
 *   keep[n][c][h][w] = 0 where 0.25 > uniform(4*c + 2*h + w), else 1.3333334
 *
 *   keep 2x2x2x2: 0 for what is left out, 1/(1 - p) for what is kept
 *   Work: 16 random numbers. */
static void dropout1_keep(float keep[2][2][2][2], const uint32_t draw[4])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    keep[n][c][h][w] = 0.25f
                        > uniform(draw, 4, (uint32_t)n, (uint32_t)(4*c + 2*h + w)) ? 0.0f
                        : 1.3333334f;
}

/* dropout1: leave out some elements, so that none can rely on another.                 normal.cnn:8
 *
 *   y[n][c][h][w] = x[n][c][h][w] * keep[n][c][h][w]
 *
 *   x 2x2x2x2    keep 2x2x2x2: 0 for what is left out, 1/(1 - p) for what is kept    y 2x2x2x2
 *   Work: 16 multiplications. */
static void dropout1(float y[2][2][2][2], const float x[2][2][2][2], const float keep[2][2][2][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 2; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = x[n][c][h][w] * keep[n][c][h][w];
}

/* dropout1, backward to x: how does the loss change with what was read?                normal.cnn:8
 *
 *   dy tells how much the loss grows per unit of y. A little more of x[n][c][h][w] makes
 *   keep[n][c][h][w] times as much more of y[n][c][h][w]; the chain rule takes that times dy:
 *
 *   dx[n][c][h][w] = dy[n][c][h][w] * keep[n][c][h][w]
 *
 *   dy 2x2x2x2    keep 2x2x2x2: 0 for what is left out, 1/(1 - p) for what is kept    dx 2x2x2x2
 *   Work: 16 multiplications.
 *   The same four loops as dropout1. */
static void dropout1_dx(float dx[2][2][2][2], const float dy[2][2][2][2],
                        const float keep[2][2][2][2])
{
    for (int n = 0; n < 2; n++)  // for every element of x
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < 2; h++)
                for (int w = 0; w < 2; w++)
                    dx[n][c][h][w] = dy[n][c][h][w] * keep[n][c][h][w];
}

/* ---- dense1: dense 2, softmax -------------------------------------- 2x2x2 -> 2 features ---- */

/* dense1: every neuron weighs every feature and adds up.                               normal.cnn:9
 *
 *   y[n][co] = b[co] + sum over ci of w[co][ci] * x[n][ci]
 *
 *   x 2x8    w 2x8 weights    b 2 biases    y 2x2
 *   Work: 32 multiply-adds. */
static void dense1(float y[2][2], const float x[2][8], const float w[2][8], const float b[2])
{
    for (int n = 0; n < 2; n++)             // for every image of the tile
        for (int co = 0; co < 2; co++) {    // for every neuron
            float sum = b[co];
            for (int ci = 0; ci < 8; ci++)  // weigh every feature
                sum += w[co][ci] * x[n][ci];
            y[n][co] = sum;
        }
}

/* dense1, backward to w: how does the loss change with each weight?                    normal.cnn:9
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci] makes x[n][ci] times
 *   as much more of y[n][co]; the chain rule takes that times dy, and adds up over all n in which
 *   it had a part:
 *
 *   dw[co][ci] += sum over n of dy[n][co] * x[n][ci]
 *
 *   dy 2x2    x 2x8    dw 2x8
 *   Work: 32 multiply-adds.
 *   The same three loops as dense1: what was summed is read, what was read is summed. It is +=
 *   because a batch adds up the gradients of its images. */
static void dense1_dw(float dw[2][8], const float dy[2][2], const float x[2][8])
{
    for (int co = 0; co < 2; co++)       // for every weight
        for (int ci = 0; ci < 8; ci++) {
            float sum = 0.0f;
            for (int n = 0; n < 2; n++)  // add up all that it had a part in
                sum += dy[n][co] * x[n][ci];
            dw[co][ci] += sum;
        }
}

/* dense1, backward to x: how does the loss change with what was read?                  normal.cnn:9
 *
 *   A little more of x[n][ci] makes w[co][ci] times as much more of y[n][co]; the chain rule takes
 *   that times dy, and adds up over all co in which it had a part:
 *
 *   dx[n][ci] = sum over co of dy[n][co] * w[co][ci]
 *
 *   dy 2x2    w 2x8 weights    dx 2x8
 *   Work: 32 multiply-adds.
 *   The same three loops as dense1: what was summed is read, what was read is summed. */
static void dense1_dx(float dx[2][8], const float dy[2][2], const float w[2][8])
{
    for (int n = 0; n < 2; n++)             // for every element of x
        for (int ci = 0; ci < 8; ci++) {
            float sum = 0.0f;
            for (int co = 0; co < 2; co++)  // add up all that it had a part in
                sum += dy[n][co] * w[co][ci];
            dx[n][ci] = sum;
        }
}

/* dense1, backward to b: how does the loss change with each bias?                      normal.cnn:9
 *
 *   Whatever is added to b[co] is added to y[n][co] as well, so the gradient passes as it is, and
 *   adds up over all n in which it had a part:
 *
 *   db[co] += sum over n of dy[n][co]
 *
 *   dy 2x2    db 2
 *   Work: 4 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void dense1_db(float db[2], const float dy[2][2])
{
    for (int co = 0; co < 2; co++) {  // for every bias
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)   // add up all that it had a part in
            sum += dy[n][co];
        db[co] += sum;
    }
}

/* ---- softmax1: softmax ---------------------------------------- 2 features -> 2 features ---- */

/* softmax1_max: find the largest feature.                                              normal.cnn:9
 *
 *   m[n] = largest over c of x[n][c]
 *
 *   x 2x2    m 2: the largest feature
 *   Work: 4 comparisons. */
static void softmax1_max(float m[2], const float x[2][2])
{
    for (int n = 0; n < 2; n++) {      // for every image of the tile
        float largest = -INFINITY;
        for (int c = 0; c < 2; c++) {  // for every feature
            const float value = x[n][c];
            if (value > largest)
                largest = value;
        }
        m[n] = largest;
    }
}

/* softmax1_exp: compare every feature with the largest: exp turns a difference into a  normal.cnn:9
 * ratio.
 *
 *   e[n][c] = exp(x[n][c] - m[n])
 *
 *   x 2x2    m 2: the largest feature    e 2x2: how the features compare with the largest, 0 to 1
 *   Work: 4 exponentials. */
static void softmax1_exp(float e[2][2], const float x[2][2], const float m[2])
{
    for (int n = 0; n < 2; n++)      // for every image of the tile
        for (int c = 0; c < 2; c++)  // for every feature
            e[n][c] = expf(x[n][c] - m[n]);
}

/* softmax1_sum: add up the ratios.                                                     normal.cnn:9
 *
 *   s[n] = sum over c of e[n][c]
 *
 *   e 2x2: how the features compare with the largest, 0 to 1    s 2: the sum of all e
 *   Work: 4 additions. */
static void softmax1_sum(float s[2], const float e[2][2])
{
    for (int n = 0; n < 2; n++) {    // for every image of the tile
        float sum = 0.0f;
        for (int c = 0; c < 2; c++)  // for every feature
            sum += e[n][c];
        s[n] = sum;
    }
}

/* softmax1: divide by their sum: now they are probabilities, which add up to 1.        normal.cnn:9
 *
 *   y[n][c] = e[n][c] / s[n]
 *
 *   e 2x2: how the features compare with the largest, 0 to 1    s 2: the sum of all e    y 2x2
 *   Work: 4 divisions. */
static void softmax1(float y[2][2], const float e[2][2], const float s[2])
{
    for (int n = 0; n < 2; n++)      // for every image of the tile
        for (int c = 0; c < 2; c++)  // for every feature
            y[n][c] = e[n][c] / s[n];
}

/* ---- crossentropy: loss crossentropy, smooth=0.1 -------------------------------------------- */

/* crossentropy_smooth: take a little off the truth and spread it over all classes:    normal.cnn:11
 * nobody is ever quite sure.
 *
 *   q[n][c] = 0.9 * t[n][c] + 0.05
 *
 *   t 2x2: what the output should be    q 2x2: the target with a little for every class
 *   Work: 4 multiplications. */
static void crossentropy_smooth(float q[2][2], const float t[2][2])
{
    for (int n = 0; n < 2; n++)      // for every image of the tile
        for (int c = 0; c < 2; c++)  // for every feature
            q[n][c] = 0.9f * t[n][c] + 0.05f;
}

/* crossentropy_z: the logarithm of the sum of all exp(x), with the largest x taken    normal.cnn:11
 * out.
 *
 *   z[n] = m[n] + log(s[n])
 *
 *   m 2: the largest feature    s 2: the sum of all e    z 2: log of the sum of exp(x)
 *   Work: 2 logarithms. */
static void crossentropy_z(float z[2], const float m[2], const float s[2])
{
    for (int n = 0; n < 2; n++)  // for every image of the tile
        z[n] = m[n] + logf(s[n]);
}

/* crossentropy: how surprised is the network by the truth? -log p is 0 for p = 1 and  normal.cnn:11
 * grows without end as p falls to 0.
 *
 *   loss[n] = sum over c of q[n][c] * (z[n] - x[n][c])
 *
 *   q 2x2: the target with a little for every class    z 2: log of the sum of exp(x)    x 2x2
 *   loss 2
 *   Work: 4 multiply-adds. */
static void crossentropy(float loss[2], const float q[2][2], const float z[2], const float x[2][2])
{
    for (int n = 0; n < 2; n++) {    // for every image of the tile
        float sum = 0.0f;
        for (int c = 0; c < 2; c++)  // for every feature
            sum += q[n][c] * (z[n] - x[n][c]);
        loss[n] = sum;
    }
}

/* crossentropy_a: a target that is a class adds up to 1; any other is taken as it     normal.cnn:11
 * is.
 *
 *   a[n] = sum over c of q[n][c]
 *
 *   q 2x2: the target with a little for every class
 *   a 2: the sum of the target, 1 where it is a class
 *   Work: 4 additions. */
static void crossentropy_a(float a[2], const float q[2][2])
{
    for (int n = 0; n < 2; n++) {    // for every image of the tile
        float sum = 0.0f;
        for (int c = 0; c < 2; c++)  // for every feature
            sum += q[n][c];
        a[n] = sum;
    }
}

/* crossentropy, backward to x: the gradient is probability minus truth: every class   normal.cnn:11
 * is pushed by as much as it is wrong.
 *
 *   dx[n][c] = share[n] * (p[n][c] * a[n] - q[n][c])
 *
 *   share 2: what this image counts    p 2x2    a 2: the sum of the target, 1 where it is a class
 *   q 2x2: the target with a little for every class    dx 2x2
 *   Work: 4 multiplications. */
static void crossentropy_dx(float dx[2][2], const float share[2], const float p[2][2],
                            const float a[2], const float q[2][2])
{
    for (int n = 0; n < 2; n++)      // for every image of the tile
        for (int c = 0; c < 2; c++)  // for every feature
            dx[n][c] = share[n] * (p[n][c] * a[n] - q[n][c]);
}

/* ---- the whole network ----
 *
 * Every value between two layers has its place in one block of memory, `scratch`. Places are
 * numbers of the block; two values that are never needed at the same time share one. */

/* Training, part 1 of 8: for every tile of images. Then the runtime adds up over the whole batch:
 * batchnorm1.mean. */
static void train_1(const Normal_weights *w, const Normal_state *state, const float x[2][2][3][3],
                    const float target[2][2], const float share[2], float *scratch,
                    const uint32_t draw[4])
{
    void *normalise1_y         = scratch +  0;   // 2x2x3x3
    void *conv1_y              = scratch + 48;   // 2x2x2x2
    void *batchnorm1_mean_tile = scratch + 64;   // 2: mean of each channel over the batch
    void *dropout1_keep_at     = scratch + 80;   // 2x2x2x2
    void *crossentropy_q       = scratch + 96;   // 2x2: the target with a little for every class

    /* forward: from the input to the result */
    // normalise
    normalise1(normalise1_y, x, state->normalise1_mean, state->normalise1_deviation);
    // conv 2, 2x2, batchnorm, leaky(0.1)
    conv1(conv1_y, normalise1_y, w->conv1_weight, w->conv1_bias);
    batchnorm1_mean(batchnorm1_mean_tile, share, conv1_y);
    // dropout 0.25
    dropout1_keep(dropout1_keep_at, draw);

    /* how wrong the result is */
    // loss crossentropy, smooth=0.1
    crossentropy_smooth(crossentropy_q, target);
}

/* Training, part 2 of 8: once for the whole batch. */
static void train_2(Normal_state *state, float *shared)
{
    void *batchnorm1_next_mean_at = shared + 48;   // 2: what running_mean becomes
    void *batchnorm1_mean_at      = shared +  0;   // 2: mean of each channel over the batch

    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_next_mean(batchnorm1_next_mean_at, batchnorm1_mean_at,
                         state->batchnorm1_running_mean);
    batchnorm1_running_mean(state->batchnorm1_running_mean, batchnorm1_next_mean_at);
}

/* Training, part 3 of 8: for every tile of images. Then the runtime adds up over the whole batch:
 * batchnorm1.var. */
static void train_3(const float share[2], float *scratch, float *shared)
{
    void *batchnorm1_var_tile = scratch + 64;   // 2: variance of each channel over the batch
    void *conv1_y             = scratch + 48;   // 2x2x2x2
    void *batchnorm1_mean_at  = shared +  0;   // 2: mean of each channel over the batch

    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_var(batchnorm1_var_tile, share, conv1_y, batchnorm1_mean_at);
}

/* Training, part 4 of 8: once for the whole batch. */
static void train_4(Normal_state *state, const float images[1], float *shared)
{
    void *batchnorm1_r_at        = shared + 32;   // 2: 1/deviation of each channel
    void *batchnorm1_var_at      = shared + 16;   // 2: variance of each channel over the batch
    void *batchnorm1_next_var_at = shared + 64;   // 2: what running_var becomes

    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_r(batchnorm1_r_at, batchnorm1_var_at);
    batchnorm1_next_var(batchnorm1_next_var_at, batchnorm1_var_at, images,
                        state->batchnorm1_running_var);
    batchnorm1_running_var(state->batchnorm1_running_var, batchnorm1_next_var_at);
}

/* Training, part 5 of 8: for every tile of images. Then the runtime adds up over the whole batch:
 * batchnorm1.sdy, batchnorm1.sdz. */
static void train_5(const Normal_weights *w, const float share[2], Normal_weights *dw,
                    float y[2][2], float loss[2], float *scratch, float *shared)
{
    void *batchnorm1_y        = scratch +  64;   // 2x2x2x2
    void *conv1_y             = scratch +  48;   // 2x2x2x2
    void *batchnorm1_mean_at  = shared +   0;   // 2: mean of each channel over the batch
    void *batchnorm1_r_at     = shared +  32;   // 2: 1/deviation of each channel
    void *leaky1_y            = scratch +  64;   // 2x2x2x2
    void *dropout1_y          = scratch + 112;   // 2x2x2x2
    void *dropout1_keep_at    = scratch +  80;   // 2x2x2x2
    void *dense1_y            = scratch + 128;   // 2x2
    void *softmax1_m          = scratch + 144;   // 2: the largest feature
    void *softmax1_e          = scratch + 160;   // 2x2
    void *softmax1_s          = scratch + 176;   // 2: the sum of all e
    void *crossentropy_z_at   = scratch + 144;   // 2: log of the sum of exp(x)
    void *crossentropy_q      = scratch +  96;   // 2x2: the target with a little for every class
    void *crossentropy_a_at   = scratch + 128;   // 2: the sum of the target, 1 where it is a class
    void *dense1_dy           = scratch +  96;   // 2x2
    void *dropout1_dy         = scratch + 112;   // 2x2x2x2
    void *leaky1_dy           = scratch + 112;   // 2x2x2x2
    void *batchnorm1_dy       = scratch +  64;   // 2x2x2x2
    void *batchnorm1_sdy_tile = scratch +  80;   // 2: sum of dy over the batch
    void *batchnorm1_sdz_tile = scratch +  96;   // 2

    /* forward: from the input to the result */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1(batchnorm1_y, conv1_y, batchnorm1_mean_at, batchnorm1_r_at, w->batchnorm1_weight,
               w->batchnorm1_bias);
    leaky1(leaky1_y, batchnorm1_y);
    // dropout 0.25
    dropout1(dropout1_y, leaky1_y, dropout1_keep_at);
    // dense 2, softmax
    dense1(dense1_y, dropout1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);

    /* how wrong the result is */
    // loss crossentropy, smooth=0.1
    crossentropy_z(crossentropy_z_at, softmax1_m, softmax1_s);
    crossentropy(loss, crossentropy_q, crossentropy_z_at, dense1_y);

    /* how the loss changes with the result */
    // loss crossentropy, smooth=0.1
    crossentropy_a(crossentropy_a_at, crossentropy_q);
    crossentropy_dx(dense1_dy, share, (void *)y, crossentropy_a_at, crossentropy_q);

    /* backward: who had which part in it */
    // dense 2, softmax
    dense1_dw(dw->dense1_weight, dense1_dy, dropout1_y);
    dense1_dx(dropout1_dy, dense1_dy, w->dense1_weight);
    dense1_db(dw->dense1_bias, dense1_dy);
    // dropout 0.25
    dropout1_dx(leaky1_dy, dropout1_dy, dropout1_keep_at);
    // conv 2, 2x2, batchnorm, leaky(0.1)
    leaky1_dx(batchnorm1_dy, leaky1_y, leaky1_dy);
    batchnorm1_sdy(batchnorm1_sdy_tile, batchnorm1_dy);
    batchnorm1_sdz(batchnorm1_sdz_tile, batchnorm1_dy, conv1_y, batchnorm1_mean_at,
                   batchnorm1_r_at);
}

/* Training, part 6 of 8: once for the whole batch. */
static void train_6(Normal_weights *dw, float *shared)
{
    void *batchnorm1_sdy_at = shared + 80;   // 2: sum of dy over the batch
    void *batchnorm1_sdz_at = shared + 96;   // 2: sum of dy times the normalised x over the batch

    /* backward: who had which part in it */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_dbeta(dw->batchnorm1_bias, batchnorm1_sdy_at);
    batchnorm1_dgamma(dw->batchnorm1_weight, batchnorm1_sdz_at);
}

/* Training, part 7 of 8: for every tile of images. */
static void train_7(const Normal_weights *w, const float share[2], Normal_weights *dw,
                    float *scratch, float *shared)
{
    void *conv1_dy           = scratch + 64;   // 2x2x2x2
    void *batchnorm1_r_at    = shared + 32;   // 2: 1/deviation of each channel
    void *batchnorm1_dy      = scratch + 64;   // 2x2x2x2
    void *batchnorm1_sdy_at  = shared + 80;   // 2: sum of dy over the batch
    void *conv1_y            = scratch + 48;   // 2x2x2x2
    void *batchnorm1_mean_at = shared +  0;   // 2: mean of each channel over the batch
    void *batchnorm1_sdz_at  = shared + 96;   // 2: sum of dy times the normalised x over the batch
    void *normalise1_y       = scratch +  0;   // 2x2x3x3

    /* backward: who had which part in it */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_dx(conv1_dy, batchnorm1_r_at, batchnorm1_dy, share, batchnorm1_sdy_at, conv1_y,
                  batchnorm1_mean_at, batchnorm1_sdz_at, w->batchnorm1_weight);
    conv1_dw(dw->conv1_weight, conv1_dy, normalise1_y);
    conv1_db(dw->conv1_bias, conv1_dy);
}

/* Training, part 8 of 8: for every tile of images. Only who asks for the gradient of the input
 * needs it. */
static void train_input(const Normal_weights *w, const Normal_state *state, float dx[2][2][3][3],
                        float *scratch)
{
    void *normalise1_dy = scratch +  0;   // 2x2x3x3
    void *conv1_dy      = scratch + 64;   // 2x2x2x2

    /* what the loss owes to every pixel */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    conv1_dx(normalise1_dy, conv1_dy, w->conv1_weight);
    // normalise
    normalise1_dx(dx, normalise1_dy, state->normalise1_deviation);
}

/* Inference, part 1 of 2: once for the whole batch. */
static void infer_1(const Normal_weights *w, const Normal_state *state, float *shared)
{
    void *batchnorm1_scale_at = shared +  0;   // 2: gamma/deviation of each channel
    void *batchnorm1_shift_at = shared + 16;   // 2: what brings the mean of each channel to beta

    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_scale(batchnorm1_scale_at, w->batchnorm1_weight, state->batchnorm1_running_var);
    batchnorm1_shift(batchnorm1_shift_at, batchnorm1_scale_at, w->batchnorm1_bias,
                     state->batchnorm1_running_mean);
}

/* Inference, part 2 of 2: for every tile of images. */
static void infer_2(const Normal_weights *w, const Normal_state *state, const float x[2][2][3][3],
                    float y[2][2], float *scratch, float *shared)
{
    void *normalise1_y        = scratch +  0;   // 2x2x3x3
    void *conv1_y             = scratch + 48;   // 2x2x2x2
    void *batchnorm1_y        = scratch + 48;   // 2x2x2x2
    void *batchnorm1_scale_at = shared +  0;   // 2: gamma/deviation of each channel
    void *batchnorm1_shift_at = shared + 16;   // 2: what brings the mean of each channel to beta
    void *leaky1_y            = scratch + 48;   // 2x2x2x2
    void *dense1_y            = scratch +  0;   // 2x2
    void *softmax1_m          = scratch + 16;   // 2: the largest feature
    void *softmax1_e          = scratch +  0;   // 2x2
    void *softmax1_s          = scratch + 16;   // 2: the sum of all e

    // normalise
    normalise1(normalise1_y, x, state->normalise1_mean, state->normalise1_deviation);
    // conv 2, 2x2, batchnorm, leaky(0.1)
    conv1(conv1_y, normalise1_y, w->conv1_weight, w->conv1_bias);
    batchnorm1_infer(batchnorm1_y, conv1_y, batchnorm1_scale_at, batchnorm1_shift_at);
    leaky1(leaky1_y, batchnorm1_y);
    // dense 2, softmax
    dense1(dense1_y, leaky1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);
}

/* Gradients of inference, part 1 of 3: once for the whole batch. */
static void eval_1(const Normal_weights *w, const Normal_state *state, float *shared)
{
    void *batchnorm1_scale_at = shared +  0;   // 2: gamma/deviation of each channel
    void *batchnorm1_shift_at = shared + 16;   // 2: what brings the mean of each channel to beta
    void *batchnorm1_r_at     = shared + 32;   // 2: 1/deviation of each channel

    /* forward: from the input to the result */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_scale(batchnorm1_scale_at, w->batchnorm1_weight, state->batchnorm1_running_var);
    batchnorm1_shift(batchnorm1_shift_at, batchnorm1_scale_at, w->batchnorm1_bias,
                     state->batchnorm1_running_mean);

    /* backward: who had which part in it */
    // conv 2, 2x2, batchnorm, leaky(0.1)
    batchnorm1_r_eval(batchnorm1_r_at, state->batchnorm1_running_var);
}

/* Gradients of inference, part 2 of 3: for every tile of images. */
static void eval_2(const Normal_weights *w, const Normal_state *state, const float x[2][2][3][3],
                   const float target[2][2], const float share[2], Normal_weights *dw,
                   float y[2][2], float loss[2], float *scratch, float *shared)
{
    void *normalise1_y        = scratch +   0;   // 2x2x3x3
    void *conv1_y             = scratch +  48;   // 2x2x2x2
    void *batchnorm1_y        = scratch +  64;   // 2x2x2x2
    void *batchnorm1_scale_at = shared +   0;   // 2: gamma/deviation of each channel
    void *batchnorm1_shift_at = shared +  16;   // 2: what brings the mean of each channel to beta
    void *leaky1_y            = scratch +  64;   // 2x2x2x2
    void *dense1_y            = scratch +  80;   // 2x2
    void *softmax1_m          = scratch +  96;   // 2: the largest feature
    void *softmax1_e          = scratch + 112;   // 2x2
    void *softmax1_s          = scratch + 128;   // 2: the sum of all e
    void *crossentropy_q      = scratch + 112;   // 2x2: the target with a little for every class
    void *crossentropy_z_at   = scratch +  96;   // 2: log of the sum of exp(x)
    void *crossentropy_a_at   = scratch +  80;   // 2: the sum of the target, 1 where it is a class
    void *dense1_dy           = scratch + 112;   // 2x2
    void *leaky1_dy           = scratch +  80;   // 2x2x2x2
    void *batchnorm1_dy       = scratch +  64;   // 2x2x2x2
    void *batchnorm1_r_at     = shared +  32;   // 2: 1/deviation of each channel
    void *conv1_dy            = scratch +  64;   // 2x2x2x2

    /* forward: from the input to the result */
    // normalise
    normalise1(normalise1_y, x, state->normalise1_mean, state->normalise1_deviation);
    // conv 2, 2x2, batchnorm, leaky(0.1)
    conv1(conv1_y, normalise1_y, w->conv1_weight, w->conv1_bias);
    batchnorm1_infer(batchnorm1_y, conv1_y, batchnorm1_scale_at, batchnorm1_shift_at);
    leaky1(leaky1_y, batchnorm1_y);
    // dense 2, softmax
    dense1(dense1_y, leaky1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);

    /* how wrong the result is */
    // loss crossentropy, smooth=0.1
    crossentropy_smooth(crossentropy_q, target);
    crossentropy_z(crossentropy_z_at, softmax1_m, softmax1_s);
    crossentropy(loss, crossentropy_q, crossentropy_z_at, dense1_y);

    /* how the loss changes with the result */
    // loss crossentropy, smooth=0.1
    crossentropy_a(crossentropy_a_at, crossentropy_q);
    crossentropy_dx(dense1_dy, share, (void *)y, crossentropy_a_at, crossentropy_q);

    /* backward: who had which part in it */
    // dense 2, softmax
    dense1_dw(dw->dense1_weight, dense1_dy, leaky1_y);
    dense1_dx(leaky1_dy, dense1_dy, w->dense1_weight);
    dense1_db(dw->dense1_bias, dense1_dy);
    // conv 2, 2x2, batchnorm, leaky(0.1)
    leaky1_dx(batchnorm1_dy, leaky1_y, leaky1_dy);
    batchnorm1_dbeta_eval(dw->batchnorm1_bias, batchnorm1_dy);
    batchnorm1_dgamma_eval(dw->batchnorm1_weight, batchnorm1_dy, conv1_y, batchnorm1_r_at,
                           state->batchnorm1_running_mean);
    batchnorm1_dx_eval(conv1_dy, batchnorm1_dy, batchnorm1_scale_at);
    conv1_dw(dw->conv1_weight, conv1_dy, normalise1_y);
    conv1_db(dw->conv1_bias, conv1_dy);
}

void Normal_infer(const Normal_weights *w, const Normal_state *state, const float x[2][2][3][3],
                  float y[2][2], float *scratch, float *shared)
{
    infer_1(w, state, shared);
    infer_2(w, state, x, y, scratch, shared);
}

/* ---- for the runtime: its contract, and this network in its words ---- */

/* ... the text of cnn/model.h ... */

_Static_assert(sizeof(Normal_weights) == sizeof(float) * (size_t)NORMAL_WEIGHTS, "one number behind the other");
_Static_assert(sizeof(Normal_state) == sizeof(float) * (size_t)NORMAL_STATE, "one number behind the other");

static void run_train_1(const cnn_job *job)
{
    train_1(job->weights, job->state, (const float (*)[2][3][3])job->x,
            (const float (*)[2])job->target, job->share, job->scratch, job->draw);
}

static void run_train_2(const cnn_job *job)
{
    train_2(job->state, job->shared);
}

static void run_train_3(const cnn_job *job)
{
    train_3(job->share, job->scratch, job->shared);
}

static void run_train_4(const cnn_job *job)
{
    train_4(job->state, job->images, job->shared);
}

static void run_train_5(const cnn_job *job)
{
    train_5(job->weights, job->share, job->gradient, job->y, job->loss, job->scratch, job->shared);
}

static void run_train_6(const cnn_job *job)
{
    train_6(job->gradient, job->shared);
}

static void run_train_7(const cnn_job *job)
{
    train_7(job->weights, job->share, job->gradient, job->scratch, job->shared);
}

static void run_train_input(const cnn_job *job)
{
    train_input(job->weights, job->state, job->dx, job->scratch);
}

static void run_infer_1(const cnn_job *job)
{
    infer_1(job->weights, job->state, job->shared);
}

static void run_infer_2(const cnn_job *job)
{
    infer_2(job->weights, job->state, (const float (*)[2][3][3])job->x, job->y, job->scratch,
            job->shared);
}

static void run_eval_1(const cnn_job *job)
{
    eval_1(job->weights, job->state, job->shared);
}

static void run_eval_2(const cnn_job *job)
{
    eval_2(job->weights, job->state, (const float (*)[2][3][3])job->x,
           (const float (*)[2])job->target, job->share, job->gradient, job->y, job->loss,
           job->scratch, job->shared);
}

static const cnn_tensor weight_tensors[] = {
    { "conv1.weight", 4, { 2, 2, 2, 2 }, 0, 16, 8, 8, CNN_INIT_GLOROT },
    { "conv1.bias", 1, { 2 }, 16, 2, 8, 8, CNN_INIT_ZEROS },
    { "batchnorm1.weight", 1, { 2 }, 18, 2, 0, 0, CNN_INIT_ONES },
    { "batchnorm1.bias", 1, { 2 }, 20, 2, 0, 0, CNN_INIT_ZEROS },
    { "dense1.weight", 2, { 2, 8 }, 22, 16, 8, 2, CNN_INIT_GLOROT },
    { "dense1.bias", 1, { 2 }, 38, 2, 8, 2, CNN_INIT_ZEROS },
};

static const cnn_tensor state_tensors[] = {
    { "normalise1.mean", 1, { 2 }, 0, 2, 0, 0, CNN_INIT_DATA_MEAN },
    { "normalise1.deviation", 1, { 2 }, 2, 2, 0, 0, CNN_INIT_DATA_DEVIATION },
    { "batchnorm1.running_mean", 1, { 2 }, 4, 2, 0, 0, CNN_INIT_ZEROS },
    { "batchnorm1.running_var", 1, { 2 }, 6, 2, 0, 0, CNN_INIT_ONES },
};

static const cnn_sum train_sums_1[] = {
    { 64, 2, 0 },    /* batchnorm1.mean */
};

static const cnn_sum train_sums_3[] = {
    { 64, 2, 16 },    /* batchnorm1.var */
};

static const cnn_sum train_sums_5[] = {
    { 80, 2, 80 },    /* batchnorm1.sdy */
    { 96, 2, 96 },    /* batchnorm1.sdz */
};

static const cnn_phase train_phases[] = {
    { "train_1", 0, run_train_1, train_sums_1, 1 },
    { "train_2", 1, run_train_2, NULL, 0 },
    { "train_3", 0, run_train_3, train_sums_3, 1 },
    { "train_4", 1, run_train_4, NULL, 0 },
    { "train_5", 0, run_train_5, train_sums_5, 2 },
    { "train_6", 1, run_train_6, NULL, 0 },
    { "train_7", 0, run_train_7, NULL, 0 },
    { "train_input", 0, run_train_input, NULL, 0 },
};

static const cnn_phase infer_phases[] = {
    { "infer_1", 1, run_infer_1, NULL, 0 },
    { "infer_2", 0, run_infer_2, NULL, 0 },
};

static const cnn_phase eval_phases[] = {
    { "eval_1", 1, run_eval_1, NULL, 0 },
    { "eval_2", 0, run_eval_2, NULL, 0 },
    { "eval_3", 0, run_train_input, NULL, 0 },
};

static const cnn_argument setting_source[] = {
    { "inputs", 0.0, "x.npy" },
    { "targets", 0.0, "y.npy" },
};

static const cnn_argument setting_validate[] = {
    { "share", 0.0, NULL },
};

static const cnn_argument setting_loss[] = {
    { "smooth", 0.1, NULL },
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
    { "source", "npy", setting_source, 2 },
    { "validate", NULL, setting_validate, 1 },
    { "loss", "crossentropy", setting_loss, 1 },
    { "optimizer", "sgd", setting_optimizer, 4 },
    { "schedule", "constant", setting_schedule, 1 },
    { "batch", NULL, setting_batch, 1 },
    { "epochs", NULL, setting_epochs, 1 },
    { "seed", NULL, setting_seed, 1 },
    { "shuffle", NULL, setting_shuffle, 1 },
};

extern const cnn_model Normal_model;
const cnn_model Normal_model = {
    .abi = CNN_ABI,
    .real_bytes = sizeof(float),
    .name = "Normal",
    .source = "normal.cnn",
    .tile = NORMAL_TILE,
    .input_rank = 3, .input_dim = { 2, 3, 3 },
    .inputs = NORMAL_INPUTS, .outputs = NORMAL_OUTPUTS,
    .weights = weight_tensors, .weight_tensors = 6, .weight_count = NORMAL_WEIGHTS,
    .state = state_tensors, .state_tensors = 4, .state_count = NORMAL_STATE,
    .train = { train_phases, 8, 192, 112, 0 },
    .train_phases = 7,
    .infer = { infer_phases, 2, 64, 32, 0 },
    .eval_grad = { eval_phases, 3, 144, 48, 0 },
    .settings = settings, .setting_count = 9,
};
