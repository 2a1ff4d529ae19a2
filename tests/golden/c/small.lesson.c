/* Small, a convolutional network, compiled from small.cnn by cnnc.
 *
 *   layer           line   makes                   parameters     multiply-adds
 *   input                  6x6x1
 *   conv1           5      4x4x2                           20               288
 *   relu1           5      4x4x2                            -                 -
 *   maxpool1        6      2x2x2                            -                 -
 *   dense1          7      3 features                      27                24
 *   softmax1        7      3 features                       -                 -
 *   all                                                    47               312
 *
 * Small_infer says what the network makes of an image. The numbers that it has learnt are the
 * caller's.
 * Small_train does the same and adds up what every weight had to do with the error: the gradient.
 * Small_model, at the end, describes all this to the runtime (libcnn), which trains, tests and runs
 * the network.
 * Nothing here allocates memory, keeps anything between calls or calls anything but the math
 * library. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define SMALL_TILE               1           /* images of one call */
#define SMALL_INPUTS             36          /* numbers of one image */
#define SMALL_OUTPUTS            3           /* numbers of one result */
#define SMALL_WEIGHTS            47          /* numbers that are learnt */
#define SMALL_SCRATCH_TRAIN      128         /* floats of scratch memory: 512 bytes */
#define SMALL_SCRATCH_INFER      48          /* floats of scratch memory: 192 bytes */
#define SMALL_SCRATCH_EVAL       128         /* floats of scratch memory: 512 bytes */

/* What the network learns: the axes are those of PyTorch, the names those of the weights file. */
typedef struct Small_weights {
    float conv1_weight[2][1][3][3];   /* conv1.weight, 18 */
    float conv1_bias[2];              /* conv1.bias, 2 */
    float dense1_weight[3][8];        /* dense1.weight, 24 */
    float dense1_bias[3];             /* dense1.bias, 3 */
} Small_weights;

/* A step of training, without the step: forward, the loss, and backward.
 *
 *   w        what it has learnt
 *   x        the image: channel, row, column
 *   target   what the output should be
 *   share    what the image counts: 1/(images of the batch)
 *   dw       takes the gradient: it is added to what is there
 *   y        takes the result
 *   loss     takes the loss of the image, not yet times its share
 *   scratch  memory to work in: SMALL_SCRATCH_TRAIN floats */
void Small_train(const Small_weights *w, const float x[1][6][6], const float target[3],
                 const float share[1], Small_weights *dw, float y[3], float loss[1],
                 float *scratch);

/* What the network makes of x.
 *
 *   w        what it has learnt
 *   x        the image: channel, row, column
 *   y        takes the result
 *   scratch  memory to work in: SMALL_SCRATCH_INFER floats */
void Small_infer(const Small_weights *w, const float x[1][6][6], float y[3], float *scratch);

/* ---- conv1: conv 2, 3x3, relu ------------------------------------------- 6x6x1 -> 4x4x2 ---- */

/* conv1: lay every filter on every place and add up what lies under it.                 small.cnn:5
 *
 *   y[co][oh][ow] = b[co] + sum over ci, kh, kw of w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw]
 *
 *   x 1x6x6    w 2x1x3x3 weights    b 2 biases    y 2x4x4, 4 = 6-3+1
 *   Work: 288 multiply-adds. */
static void conv1(float y[2][4][4], const float x[1][6][6], const float w[2][1][3][3],
                  const float b[2])
{
    for (int co = 0; co < 2; co++)              // for every filter
        for (int oh = 0; oh < 4; oh++)          // and every place to lay its corner
            for (int ow = 0; ow < 4; ow++) {
                float sum = b[co];
                for (int ci = 0; ci < 1; ci++)  // multiply what lies under it
                    for (int kh = 0; kh < 3; kh++)
                        for (int kw = 0; kw < 3; kw++)
                            sum += w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw];
                y[co][oh][ow] = sum;
            }
}

/* conv1, backward to w: how does the loss change with each weight?                      small.cnn:5
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci][kh][kw] makes
 *   x[ci][oh + kh][ow + kw] times as much more of y[co][oh][ow]; the chain rule takes that times
 *   dy, and adds up over all oh and ow in which it had a part:
 *
 *   dw[co][ci][kh][kw] += sum over oh, ow of dy[co][oh][ow] * x[ci][oh + kh][ow + kw]
 *
 *   dy 2x4x4    x 1x6x6    dw 2x1x3x3
 *   Work: 288 multiply-adds.
 *   The same six loops as conv1: what was summed is read, what was read is summed. It is += because
 *   a batch adds up the gradients of its images. */
static void conv1_dw(float dw[2][1][3][3], const float dy[2][4][4], const float x[1][6][6])
{
    for (int co = 0; co < 2; co++)                  // for every weight
        for (int ci = 0; ci < 1; ci++)
            for (int kh = 0; kh < 3; kh++)
                for (int kw = 0; kw < 3; kw++) {
                    float sum = 0.0f;
                    for (int oh = 0; oh < 4; oh++)  // add up all that it had a part in
                        for (int ow = 0; ow < 4; ow++)
                            sum += dy[co][oh][ow] * x[ci][oh + kh][ow + kw];
                    dw[co][ci][kh][kw] += sum;
                }
}

/* conv1, backward to b: how does the loss change with each bias?                        small.cnn:5
 *
 *   Whatever is added to b[co] is added to y[co][oh][ow] as well, so the gradient passes as it is,
 *   and adds up over all oh and ow in which it had a part:
 *
 *   db[co] += sum over oh, ow of dy[co][oh][ow]
 *
 *   dy 2x4x4    db 2
 *   Work: 32 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void conv1_db(float db[2], const float dy[2][4][4])
{
    for (int co = 0; co < 2; co++) {    // for every bias
        float sum = 0.0f;
        for (int oh = 0; oh < 4; oh++)  // add up all that it had a part in
            for (int ow = 0; ow < 4; ow++)
                sum += dy[co][oh][ow];
        db[co] += sum;
    }
}

/* conv1, backward to x: how does the loss change with what was read?                    small.cnn:5
 *
 *   A little more of x[ci][oh + kh][ow + kw] makes w[co][ci][kh][kw] times as much more of
 *   y[co][oh][ow]; the chain rule takes that times dy, and adds up over all co in which it had a
 *   part:
 *
 *   dx[ci][oh + kh][ow + kw] += dy[co][oh][ow] * w[co][ci][kh][kw]
 *   for every co, oh, ow, ci, kh, kw
 *
 *   dy 2x4x4    w 2x1x3x3 weights    dx 1x6x6
 *   Work: 288 multiply-adds.
 *   The same six loops as conv1: it writes where conv1 read, and reads where it wrote. It is added
 *   to what the caller has there. */
static void conv1_dx(float dx[1][6][6], const float dy[2][4][4], const float w[2][1][3][3])
{
    for (int co = 0; co < 2; co++)  // the walk of the forward pass
        for (int oh = 0; oh < 4; oh++)
            for (int ow = 0; ow < 4; ow++)
                for (int ci = 0; ci < 1; ci++)
                    for (int kh = 0; kh < 3; kh++)
                        for (int kw = 0; kw < 3; kw++)
                            dx[ci][oh + kh][ow + kw] += dy[co][oh][ow] * w[co][ci][kh][kw];
}

/* ---- relu1: relu -------------------------------------------------------- 4x4x2 -> 4x4x2 ---- */

/* relu1: let pass what is positive, and nothing else.                                   small.cnn:5
 *
 *   y[c][h][w] = max(x[c][h][w], 0)
 *
 *   x 2x4x4    y 2x4x4
 *   Work: 32 comparisons. */
static void relu1(float y[2][4][4], const float x[2][4][4])
{
    for (int c = 0; c < 2; c++)      // for every channel
        for (int h = 0; h < 4; h++)  // and every place in it
            for (int w = 0; w < 4; w++)
                y[c][h][w] = x[c][h][w] > 0.0f ? x[c][h][w] : 0.0f;
}

/* relu1, backward to x: where relu is open the gradient passes unchanged; where it is   small.cnn:5
 * shut nothing does.
 *
 *   dx[c][h][w] = dy[c][h][w] where y[c][h][w] > 0, else 0
 *
 *   y 2x4x4    dy 2x4x4    dx 2x4x4
 *   Work: 32 comparisons.
 *   The same three loops as relu1. */
static void relu1_dx(float dx[2][4][4], const float y[2][4][4], const float dy[2][4][4])
{
    for (int c = 0; c < 2; c++)      // for every channel
        for (int h = 0; h < 4; h++)  // and every place in it
            for (int w = 0; w < 4; w++) {
                const float value = dy[c][h][w];
                dx[c][h][w] = y[c][h][w] > 0.0f ? value : 0.0f;
            }
}

/* ---- maxpool1: maxpool 2x2 ---------------------------------------------- 4x4x2 -> 2x2x2 ---- */

/* maxpool1: keep the strongest answer in each window.                                   small.cnn:6
 *
 *   y[c][oh][ow] = largest over kh, kw of x[c][2*oh + kh][2*ow + kw]
 *
 *   x 2x4x4    y 2x2x2, 2 = (4-2)/2+1
 *   Work: 32 comparisons. */
static void maxpool1(float y[2][2][2], const float x[2][4][4])
{
    for (int c = 0; c < 2; c++)                 // for every channel
        for (int oh = 0; oh < 2; oh++)          // and every place of the window
            for (int ow = 0; ow < 2; ow++) {
                float largest = -INFINITY;
                for (int kh = 0; kh < 2; kh++)  // look at each cell of it
                    for (int kw = 0; kw < 2; kw++) {
                        const float value = x[c][2*oh + kh][2*ow + kw];
                        if (value > largest)
                            largest = value;
                    }
                y[c][oh][ow] = largest;
            }
}

/* maxpool1_first: remember which cell was the strongest, the first of equals: the       small.cnn:6
 * gradient will go there.
 *
 *   first[c][oh][ow] = smallest over kh, kw of
 *                      (2*kh + kw where x[c][2*oh + kh][2*ow + kw] = y[c][oh][ow], else 4)
 *
 *   x 2x4x4    y 2x2x2
 *   first 2x2x2: number of the cell that was the strongest, the first of equals, 2 = (4-2)/2+1
 *   Work: 32 comparisons. */
static void maxpool1_first(float first[2][2][2], const float x[2][4][4], const float y[2][2][2])
{
    for (int c = 0; c < 2; c++)                 // for every channel
        for (int oh = 0; oh < 2; oh++)          // and every place of the window
            for (int ow = 0; ow < 2; ow++) {
                float least = 4.0f;
                for (int kh = 0; kh < 2; kh++)  // the smallest number of a cell that holds the maximum
                    for (int kw = 0; kw < 2; kw++) {
                        if (x[c][2*oh + kh][2*ow + kw] == y[c][oh][ow])
                            if ((float)(2*kh + kw) < least)
                                least = (float)(2*kh + kw);
                    }
                first[c][oh][ow] = least;
            }
}

/* maxpool1, backward to x: only the strongest cell of a window decided y, so it alone   small.cnn:6
 * gets the gradient.
 *
 *   dx[c][2*oh + kh][2*ow + kw] = dy[c][oh][ow] where first[c][oh][ow] = 2*kh + kw, else 0
 *
 *   first 2x2x2: number of the cell that was the strongest, the first of equals    dy 2x2x2
 *   dx 2x4x4
 *   Work: 32 comparisons.
 *   The same five loops as maxpool1. */
static void maxpool1_dx(float dx[2][4][4], const float first[2][2][2], const float dy[2][2][2])
{
    for (int c = 0; c < 2; c++)                 // for every channel
        for (int oh = 0; oh < 2; oh++)          // and every place of the window
            for (int ow = 0; ow < 2; ow++)
                for (int kh = 0; kh < 2; kh++)  // find the cell that was the strongest
                    for (int kw = 0; kw < 2; kw++) {
                        const float value = dy[c][oh][ow];
                        dx[c][2*oh + kh][2*ow + kw] = first[c][oh][ow] == (float)(2*kh + kw) ? value
                            : 0.0f;
                    }
}

/* ---- dense1: dense 3, softmax -------------------------------------- 2x2x2 -> 3 features ---- */

/* dense1: every neuron weighs every feature and adds up.                                small.cnn:7
 *
 *   y[co] = b[co] + sum over ci of w[co][ci] * x[ci]
 *
 *   x 8    w 3x8 weights    b 3 biases    y 3
 *   Work: 24 multiply-adds. */
static void dense1(float y[3], const float x[8], const float w[3][8], const float b[3])
{
    for (int co = 0; co < 3; co++) {    // for every neuron
        float sum = b[co];
        for (int ci = 0; ci < 8; ci++)  // weigh every feature
            sum += w[co][ci] * x[ci];
        y[co] = sum;
    }
}

/* dense1, backward to w: how does the loss change with each weight?                     small.cnn:7
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci] makes x[ci] times as
 *   much more of y[co]; the chain rule takes that times dy:
 *
 *   dw[co][ci] += dy[co] * x[ci]
 *
 *   dy 3    x 8    dw 3x8
 *   Work: 24 multiply-adds.
 *   The same two loops as dense1. It is += because a batch adds up the gradients of its images. */
static void dense1_dw(float dw[3][8], const float dy[3], const float x[8])
{
    for (int co = 0; co < 3; co++)  // for every weight
        for (int ci = 0; ci < 8; ci++)
            dw[co][ci] += dy[co] * x[ci];
}

/* dense1, backward to x: how does the loss change with what was read?                   small.cnn:7
 *
 *   A little more of x[ci] makes w[co][ci] times as much more of y[co]; the chain rule takes that
 *   times dy, and adds up over all co in which it had a part:
 *
 *   dx[ci] = sum over co of dy[co] * w[co][ci]
 *
 *   dy 3    w 3x8 weights    dx 8
 *   Work: 24 multiply-adds.
 *   The same two loops as dense1: what was summed is read, what was read is summed. */
static void dense1_dx(float dx[8], const float dy[3], const float w[3][8])
{
    for (int ci = 0; ci < 8; ci++) {    // for every element of x
        float sum = 0.0f;
        for (int co = 0; co < 3; co++)  // add up all that it had a part in
            sum += dy[co] * w[co][ci];
        dx[ci] = sum;
    }
}

/* dense1, backward to b: how does the loss change with each bias?                       small.cnn:7
 *
 *   Whatever is added to b[co] is added to y[co] as well, so the gradient passes as it is:
 *
 *   db[co] += dy[co]
 *
 *   dy 3    db 3
 *   Work: 3 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void dense1_db(float db[3], const float dy[3])
{
    for (int co = 0; co < 3; co++)  // for every bias
        db[co] += dy[co];
}

/* ---- softmax1: softmax ---------------------------------------- 3 features -> 3 features ---- */

/* softmax1_max: find the largest feature.                                               small.cnn:7
 *
 *   m = largest over c of x[c]
 *
 *   x 3    m 1: the largest feature
 *   Work: 3 comparisons. */
static void softmax1_max(float m[1], const float x[3])
{
    float largest = -INFINITY;
    for (int c = 0; c < 3; c++) {  // for every feature
        const float value = x[c];
        if (value > largest)
            largest = value;
    }
    m[0] = largest;
}

/* softmax1_exp: compare every feature with the largest: exp turns a difference into a   small.cnn:7
 * ratio.
 *
 *   e[c] = exp(x[c] - m)
 *
 *   x 3    m 1: the largest feature    e 3: how the features compare with the largest, 0 to 1
 *   Work: 3 exponentials. */
static void softmax1_exp(float e[3], const float x[3], const float m[1])
{
    for (int c = 0; c < 3; c++)  // for every feature
        e[c] = expf(x[c] - m[0]);
}

/* softmax1_sum: add up the ratios.                                                      small.cnn:7
 *
 *   s = sum over c of e[c]
 *
 *   e 3: how the features compare with the largest, 0 to 1    s 1: the sum of all e
 *   Work: 3 additions. */
static void softmax1_sum(float s[1], const float e[3])
{
    float sum = 0.0f;
    for (int c = 0; c < 3; c++)  // for every feature
        sum += e[c];
    s[0] = sum;
}

/* softmax1: divide by their sum: now they are probabilities, which add up to 1.         small.cnn:7
 *
 *   y[c] = e[c] / s
 *
 *   e 3: how the features compare with the largest, 0 to 1    s 1: the sum of all e    y 3
 *   Work: 3 divisions. */
static void softmax1(float y[3], const float e[3], const float s[1])
{
    for (int c = 0; c < 3; c++)  // for every feature
        y[c] = e[c] / s[0];
}

/* ---- crossentropy: loss crossentropy -------------------------------------------------------- */

/* crossentropy_z: the logarithm of the sum of all exp(x), with the largest x taken      small.cnn:9
 * out.
 *
 *   z = m + log(s)
 *
 *   m 1: the largest feature    s 1: the sum of all e    z 1: log of the sum of exp(x)
 *   Work: 1 logarithm. */
static void crossentropy_z(float z[1], const float m[1], const float s[1])
{
    z[0] = m[0] + logf(s[0]);
}

/* crossentropy: how surprised is the network by the truth? -log p is 0 for p = 1 and    small.cnn:9
 * grows without end as p falls to 0.
 *
 *   loss = sum over c of t[c] * (z - x[c])
 *
 *   t 3: what the output should be    z 1: log of the sum of exp(x)    x 3    loss 1
 *   Work: 3 multiply-adds. */
static void crossentropy(float loss[1], const float t[3], const float z[1], const float x[3])
{
    float sum = 0.0f;
    for (int c = 0; c < 3; c++)  // for every feature
        sum += t[c] * (z[0] - x[c]);
    loss[0] = sum;
}

/* crossentropy_a: a target that is a class adds up to 1; any other is taken as it is.   small.cnn:9
 *
 *   a = sum over c of t[c]
 *
 *   t 3: what the output should be    a 1: the sum of the target, 1 where it is a class
 *   Work: 3 additions. */
static void crossentropy_a(float a[1], const float t[3])
{
    float sum = 0.0f;
    for (int c = 0; c < 3; c++)  // for every feature
        sum += t[c];
    a[0] = sum;
}

/* crossentropy, backward to x: the gradient is probability minus truth: every class is  small.cnn:9
 * pushed by as much as it is wrong.
 *
 *   dx[c] = share * (p[c] * a - t[c])
 *
 *   share 1: what this image counts    p 3    a 1: the sum of the target, 1 where it is a class
 *   t 3: what the output should be    dx 3
 *   Work: 3 multiplications. */
static void crossentropy_dx(float dx[3], const float share[1], const float p[3], const float a[1],
                            const float t[3])
{
    for (int c = 0; c < 3; c++)  // for every feature
        dx[c] = share[0] * (p[c] * a[0] - t[c]);
}

/* ---- the whole network ----
 *
 * Every value between two layers has its place in one block of memory, `scratch`. Places are
 * numbers of the block; two values that are never needed at the same time share one. */

void Small_train(const Small_weights *w, const float x[1][6][6], const float target[3],
                 const float share[1], Small_weights *dw, float y[3], float loss[1], float *scratch)
{
    void *conv1_y           = scratch +   0;   // 2x4x4
    void *relu1_y           = scratch +   0;   // 2x4x4
    void *maxpool1_y        = scratch +  32;   // 2x2x2
    void *maxpool1_first_at = scratch +  64;   // 2x2x2
    void *dense1_y          = scratch +  48;   // 3
    void *softmax1_m        = scratch +  80;   // 1: the largest feature
    void *softmax1_e        = scratch +  96;   // 3
    void *softmax1_s        = scratch + 112;   // 1: the sum of all e
    void *crossentropy_z_at = scratch +  80;   // 1: log of the sum of exp(x)
    void *crossentropy_a_at = scratch +  48;   // 1: the sum of the target, 1 where it is a class
    void *dense1_dy         = scratch +  80;   // 3
    void *maxpool1_dy       = scratch +  96;   // 2x2x2
    void *relu1_dy          = scratch +  32;   // 2x4x4
    void *conv1_dy          = scratch +   0;   // 2x4x4

    /* forward: from the input to the result */
    // conv 2, 3x3, relu
    conv1(conv1_y, x, w->conv1_weight, w->conv1_bias);
    relu1(relu1_y, conv1_y);
    // maxpool 2x2
    maxpool1(maxpool1_y, relu1_y);
    maxpool1_first(maxpool1_first_at, relu1_y, maxpool1_y);
    // dense 3, softmax
    dense1(dense1_y, maxpool1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);

    /* how wrong the result is */
    // loss crossentropy
    crossentropy_z(crossentropy_z_at, softmax1_m, softmax1_s);
    crossentropy(loss, target, crossentropy_z_at, dense1_y);

    /* how the loss changes with the result */
    // loss crossentropy
    crossentropy_a(crossentropy_a_at, target);
    crossentropy_dx(dense1_dy, share, y, crossentropy_a_at, target);

    /* backward: who had which part in it */
    // dense 3, softmax
    dense1_dw(dw->dense1_weight, dense1_dy, maxpool1_y);
    dense1_dx(maxpool1_dy, dense1_dy, w->dense1_weight);
    dense1_db(dw->dense1_bias, dense1_dy);
    // maxpool 2x2
    maxpool1_dx(relu1_dy, maxpool1_first_at, maxpool1_dy);
    // conv 2, 3x3, relu
    relu1_dx(conv1_dy, relu1_y, relu1_dy);
    conv1_dw(dw->conv1_weight, conv1_dy, x);
    conv1_db(dw->conv1_bias, conv1_dy);
}

/* Training, part 2 of 2: for every image. Only who asks for the gradient of the input needs it. */
static void train_input(const Small_weights *w, float dx[1][6][6], float *scratch)
{
    void *conv1_dy = scratch + 0;   // 2x4x4

    /* what the loss owes to every pixel */
    // conv 2, 3x3, relu
    conv1_dx(dx, conv1_dy, w->conv1_weight);
}

void Small_infer(const Small_weights *w, const float x[1][6][6], float y[3], float *scratch)
{
    void *conv1_y    = scratch +  0;   // 2x4x4
    void *relu1_y    = scratch +  0;   // 2x4x4
    void *maxpool1_y = scratch + 32;   // 2x2x2
    void *dense1_y   = scratch +  0;   // 3
    void *softmax1_m = scratch + 16;   // 1: the largest feature
    void *softmax1_e = scratch +  0;   // 3: how the features compare with the largest, 0 to 1
    void *softmax1_s = scratch + 16;   // 1: the sum of all e

    // conv 2, 3x3, relu
    conv1(conv1_y, x, w->conv1_weight, w->conv1_bias);
    relu1(relu1_y, conv1_y);
    // maxpool 2x2
    maxpool1(maxpool1_y, relu1_y);
    // dense 3, softmax
    dense1(dense1_y, maxpool1_y, w->dense1_weight, w->dense1_bias);
    softmax1_max(softmax1_m, dense1_y);
    softmax1_exp(softmax1_e, dense1_y, softmax1_m);
    softmax1_sum(softmax1_s, softmax1_e);
    softmax1(y, softmax1_e, softmax1_s);
}

/* ---- for the runtime: its contract, and this network in its words ---- */

/* ... the text of cnn/model.h ... */

_Static_assert(sizeof(Small_weights) == sizeof(float) * (size_t)SMALL_WEIGHTS, "one number behind the other");

static void run_Small_train(const cnn_job *job)
{
    Small_train(job->weights, (const float (*)[6][6])job->x, job->target, job->share, job->gradient,
                job->y, job->loss, job->scratch);
}

static void run_train_input(const cnn_job *job)
{
    train_input(job->weights, job->dx, job->scratch);
}

static void run_Small_infer(const cnn_job *job)
{
    Small_infer(job->weights, (const float (*)[6][6])job->x, job->y, job->scratch);
}

static const cnn_tensor weight_tensors[] = {
    { "conv1.weight", 4, { 2, 1, 3, 3 }, 0, 18, 9, 18, CNN_INIT_GLOROT },
    { "conv1.bias", 1, { 2 }, 18, 2, 9, 18, CNN_INIT_ZEROS },
    { "dense1.weight", 2, { 3, 8 }, 20, 24, 8, 3, CNN_INIT_GLOROT },
    { "dense1.bias", 1, { 3 }, 44, 3, 8, 3, CNN_INIT_ZEROS },
};

static const cnn_phase train_phases[] = {
    { "Small_train", 0, run_Small_train, NULL, 0 },
    { "train_input", 0, run_train_input, NULL, 0 },
};

static const cnn_phase infer_phases[] = {
    { "Small_infer", 0, run_Small_infer, NULL, 0 },
};

static const cnn_phase eval_phases[] = {
    { "eval_1", 0, run_Small_train, NULL, 0 },
    { "eval_2", 0, run_train_input, NULL, 0 },
};

static const cnn_argument setting_source[] = {
    { "inputs", 0.0, "x.npy" },
    { "targets", 0.0, "y.npy" },
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

extern const cnn_model Small_model;
const cnn_model Small_model = {
    .abi = CNN_ABI,
    .real_bytes = sizeof(float),
    .name = "Small",
    .source = "small.cnn",
    .tile = SMALL_TILE,
    .input_rank = 3, .input_dim = { 1, 6, 6 },
    .inputs = SMALL_INPUTS, .outputs = SMALL_OUTPUTS,
    .weights = weight_tensors, .weight_tensors = 4, .weight_count = SMALL_WEIGHTS,
    .train = { train_phases, 2, 128, 0, 0 },
    .train_phases = 1,
    .infer = { infer_phases, 1, 48, 0, 0 },
    .eval_grad = { eval_phases, 2, 128, 0, 0 },
    .settings = settings, .setting_count = 9,
};
