/* Border, a convolutional network, compiled from border.cnn by cnnc.
 *
 *   layer           line   makes                   parameters     multiply-adds
 *   input                  5x4x2
 *   conv1           6      3x2x2                           14                72
 *   conv2           8      3x2x2                            4                24
 *   tanh1           9      3x2x2                            -                 -
 *   add1            7      3x2x2                            -                 -
 *   dense1          11     2 features                      26                24
 *   all                                                    44               120
 *
 * Border_infer says what the network makes of an image. The numbers that it has learnt are the
 * caller's.
 * Border_train does the same and adds up what every weight had to do with the error: the gradient.
 * Border_model, at the end, describes all this to the runtime (libcnn), which trains, tests and
 * runs the network.
 * Nothing here allocates memory, keeps anything between calls or calls anything but the math
 * library. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define BORDER_TILE              2           /* images of one call */
#define BORDER_INPUTS            40          /* numbers of one image */
#define BORDER_OUTPUTS           2           /* numbers of one result */
#define BORDER_WEIGHTS           44          /* numbers that are learnt */
#define BORDER_SCRATCH_TRAIN     240         /* floats of scratch memory: 960 bytes */
#define BORDER_SCRATCH_INFER     144         /* floats of scratch memory: 576 bytes */
#define BORDER_SCRATCH_EVAL      240         /* floats of scratch memory: 960 bytes */

/* What the network learns: the axes are those of PyTorch, the names those of the weights file. */
typedef struct Border_weights {
    float conv1_weight[2][1][3][2];   /* conv1.weight, 12 */
    float conv1_bias[2];              /* conv1.bias, 2 */
    float conv2_weight[2][2][1][1];   /* conv2.weight, 4 */
    float dense1_weight[2][12];       /* dense1.weight, 24 */
    float dense1_bias[2];             /* dense1.bias, 2 */
} Border_weights;

/* A step of training, without the step: forward, the loss, and backward.
 *
 *   w        what it has learnt
 *   x        the images of the tile: channel, row, column
 *   target   what the output should be
 *   share    what the image counts: 1/(images of the batch)
 *   dw       takes the gradient: it is added to what is there
 *   y        takes the result
 *   loss     takes the loss of the image, not yet times its share
 *   scratch  memory to work in: BORDER_SCRATCH_TRAIN floats */
void Border_train(const Border_weights *w, const float x[2][2][5][4], const float target[2][2],
                  const float share[2], Border_weights *dw, float y[2][2], float loss[2],
                  float *scratch);

/* What the network makes of x.
 *
 *   w        what it has learnt
 *   x        the images of the tile: channel, row, column
 *   y        takes the result
 *   scratch  memory to work in: BORDER_SCRATCH_INFER floats */
void Border_infer(const Border_weights *w, const float x[2][2][5][4], float y[2][2],
                  float *scratch);

/* ---- conv1: conv 2, 3x2, same, stride=2, groups=2, fill=1 --------------- 5x4x2 -> 3x2x2 ---- */

/* conv1_pad: put a border around the image, so that the window may stand at its edge.  border.cnn:6
 *
 *   xp[n][c][h + 1][w] = x[n][c][h][w]
 *   for every n, c, h, w; the rest of xp is 1
 *
 *   x 2x2x5x4    xp 2x2x7x4: x with its border
 *   Work: 80 copies. */
static void conv1_pad(float xp[2][2][7][4], const float x[2][2][5][4])
{
    for (int i = 0; i < 2; i++)   // first, all of it
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 7; k++)
                for (int l = 0; l < 4; l++)
                    xp[i][j][k][l] = 1.0f;
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 5; h++)  // copy the image into the middle
                for (int w = 0; w < 4; w++)
                    xp[n][c][h + 1][w] = x[n][c][h][w];
}

/* conv1: every filter sees one channel alone: lay it on every place and add up what    border.cnn:6
 * lies under it.
 *
 *   y[n][co][oh][ow] = b[co] + sum over kh, kw of
 *                      w[co][0][kh][kw] * xp[n][co][2*oh + kh][2*ow + kw]
 *
 *   xp 2x2x7x4: x with its border    w 2x1x3x2 weights    b 2 biases
 *   y 2x2x3x2, 3 = (7-3)/2+1, 2 = (4-2)/2+1
 *   Work: 144 multiply-adds. */
static void conv1(float y[2][2][3][2], const float xp[2][2][7][4], const float w[2][1][3][2],
                  const float b[2])
{
    for (int n = 0; n < 2; n++)                     // for every image of the tile
        for (int co = 0; co < 2; co++)              // for every filter, which is a group of its own
            for (int oh = 0; oh < 3; oh++)          // and every place to lay its corner
                for (int ow = 0; ow < 2; ow++) {
                    float sum = b[co];
                    for (int kh = 0; kh < 3; kh++)  // multiply what lies under it
                        for (int kw = 0; kw < 2; kw++)
                            sum += w[co][0][kh][kw] * xp[n][co][2*oh + kh][2*ow + kw];
                    y[n][co][oh][ow] = sum;
                }
}

/* conv1, backward to w: how does the loss change with each weight?                     border.cnn:6
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][0][kh][kw] makes
 *   xp[n][co][2*oh + kh][2*ow + kw] times as much more of y[n][co][oh][ow]; the chain rule takes
 *   that times dy, and adds up over all n, oh and ow in which it had a part:
 *
 *   dw[co][0][kh][kw] += sum over n, oh, ow of dy[n][co][oh][ow] * xp[n][co][2*oh + kh][2*ow + kw]
 *
 *   dy 2x2x3x2    xp 2x2x7x4: x with its border    dw 2x1x3x2
 *   Work: 144 multiply-adds.
 *   The same six loops as conv1: what was summed is read, what was read is summed. It is += because
 *   a batch adds up the gradients of its images. */
static void conv1_dw(float dw[2][1][3][2], const float dy[2][2][3][2], const float xp[2][2][7][4])
{
    for (int co = 0; co < 2; co++)           // for every weight
        for (int kh = 0; kh < 3; kh++)
            for (int kw = 0; kw < 2; kw++) {
                float sum = 0.0f;
                for (int n = 0; n < 2; n++)  // add up all that it had a part in
                    for (int oh = 0; oh < 3; oh++)
                        for (int ow = 0; ow < 2; ow++)
                            sum += dy[n][co][oh][ow] * xp[n][co][2*oh + kh][2*ow + kw];
                dw[co][0][kh][kw] += sum;
            }
}

/* conv1, backward to b: how does the loss change with each bias?                       border.cnn:6
 *
 *   Whatever is added to b[co] is added to y[n][co][oh][ow] as well, so the gradient passes as it
 *   is, and adds up over all n, oh and ow in which it had a part:
 *
 *   db[co] += sum over n, oh, ow of dy[n][co][oh][ow]
 *
 *   dy 2x2x3x2    db 2
 *   Work: 24 additions.
 *   It is += because a batch adds up the gradients of its images. */
static void conv1_db(float db[2], const float dy[2][2][3][2])
{
    for (int co = 0; co < 2; co++) {  // for every bias
        float sum = 0.0f;
        for (int n = 0; n < 2; n++)   // add up all that it had a part in
            for (int oh = 0; oh < 3; oh++)
                for (int ow = 0; ow < 2; ow++)
                    sum += dy[n][co][oh][ow];
        db[co] += sum;
    }
}

/* conv1, backward to xp: how does the loss change with what was read?                  border.cnn:6
 *
 *   A little more of xp[n][co][2*oh + kh][2*ow + kw] makes w[co][0][kh][kw] times as much more of
 *   y[n][co][oh][ow]; the chain rule takes that times dy:
 *
 *   dxp[n][co][2*oh + kh][2*ow + kw] += dy[n][co][oh][ow] * w[co][0][kh][kw]
 *   for every n, co, oh, ow, kh, kw; all of dxp is 0 before
 *
 *   dy 2x2x3x2    w 2x1x3x2 weights    dxp 2x2x7x4
 *   Work: 144 multiply-adds.
 *   The same six loops as conv1: it writes where conv1 read, and reads where it wrote. */
static void conv1_dxp(float dxp[2][2][7][4], const float dy[2][2][3][2], const float w[2][1][3][2])
{
    for (int i = 0; i < 2; i++)   // first, all of it
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 7; k++)
                for (int l = 0; l < 4; l++)
                    dxp[i][j][k][l] = 0.0f;
    for (int n = 0; n < 2; n++)  // the walk of the forward pass
        for (int co = 0; co < 2; co++)
            for (int oh = 0; oh < 3; oh++)
                for (int ow = 0; ow < 2; ow++)
                    for (int kh = 0; kh < 3; kh++)
                        for (int kw = 0; kw < 2; kw++)
                            dxp[n][co][2*oh + kh][2*ow + kw] += dy[n][co][oh][ow]
                                * w[co][0][kh][kw];
}

/* conv1, backward to x: how does the loss change with what was read?                   border.cnn:6
 *
 *   dxp tells how much the loss grows per unit of xp. Whatever is added to x[n][c][h][w] is added
 *   to xp[n][c][h + 1][w] as well, so the gradient passes as it is:
 *
 *   dx[n][c][h][w] += dxp[n][c][h + 1][w]
 *
 *   dxp 2x2x7x4    dx 2x2x5x4
 *   Work: 80 additions.
 *   The same four loops as conv1_pad. It is added to what the caller has there. */
static void conv1_dx(float dx[2][2][5][4], const float dxp[2][2][7][4])
{
    for (int n = 0; n < 2; n++)  // for every element of x
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < 5; h++)
                for (int w = 0; w < 4; w++)
                    dx[n][c][h][w] += dxp[n][c][h + 1][w];
}

/* ---- conv2: conv 2, 1x1, nobias ----------------------------------------- 3x2x2 -> 3x2x2 ---- */

/* conv2: lay every filter on every place and add up what lies under it.                border.cnn:8
 *
 *   y[n][co][oh][ow] = sum over ci, kh, kw of w[co][ci][kh][kw] * x[n][ci][oh + kh][ow + kw]
 *
 *   x 2x2x3x2    w 2x2x1x1 weights    y 2x2x3x2, 3 = 3-1+1, 2 = 2-1+1
 *   Work: 48 multiply-adds. */
static void conv2(float y[2][2][3][2], const float x[2][2][3][2], const float w[2][2][1][1])
{
    for (int n = 0; n < 2; n++)                     // for every image of the tile
        for (int co = 0; co < 2; co++)              // for every filter
            for (int oh = 0; oh < 3; oh++)          // and every place to lay its corner
                for (int ow = 0; ow < 2; ow++) {
                    float sum = 0.0f;
                    for (int ci = 0; ci < 2; ci++)  // multiply what lies under it
                        for (int kh = 0; kh < 1; kh++)
                            for (int kw = 0; kw < 1; kw++)
                                sum += w[co][ci][kh][kw] * x[n][ci][oh + kh][ow + kw];
                    y[n][co][oh][ow] = sum;
                }
}

/* conv2, backward to w: how does the loss change with each weight?                     border.cnn:8
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci][kh][kw] makes
 *   x[n][ci][oh + kh][ow + kw] times as much more of y[n][co][oh][ow]; the chain rule takes that
 *   times dy, and adds up over all n, oh and ow in which it had a part:
 *
 *   dw[co][ci][kh][kw] += sum over n, oh, ow of dy[n][co][oh][ow] * x[n][ci][oh + kh][ow + kw]
 *
 *   dy 2x2x3x2    x 2x2x3x2    dw 2x2x1x1
 *   Work: 48 multiply-adds.
 *   The same seven loops as conv2: what was summed is read, what was read is summed. It is +=
 *   because a batch adds up the gradients of its images. */
static void conv2_dw(float dw[2][2][1][1], const float dy[2][2][3][2], const float x[2][2][3][2])
{
    for (int co = 0; co < 2; co++)               // for every weight
        for (int ci = 0; ci < 2; ci++)
            for (int kh = 0; kh < 1; kh++)
                for (int kw = 0; kw < 1; kw++) {
                    float sum = 0.0f;
                    for (int n = 0; n < 2; n++)  // add up all that it had a part in
                        for (int oh = 0; oh < 3; oh++)
                            for (int ow = 0; ow < 2; ow++)
                                sum += dy[n][co][oh][ow] * x[n][ci][oh + kh][ow + kw];
                    dw[co][ci][kh][kw] += sum;
                }
}

/* conv2, backward to x: how does the loss change with what was read?                   border.cnn:8
 *
 *   A little more of x[n][ci][oh + kh][ow + kw] makes w[co][ci][kh][kw] times as much more of
 *   y[n][co][oh][ow]; the chain rule takes that times dy, and adds up over all co in which it had a
 *   part:
 *
 *   dx[n][ci][oh + kh][ow + kw] += sum over co of dy[n][co][oh][ow] * w[co][ci][kh][kw]
 *
 *   dy 2x2x3x2    w 2x2x1x1 weights    dx 2x2x3x2
 *   Work: 48 multiply-adds.
 *   The same seven loops as conv2: what was summed is read, what was read is summed. It is +=
 *   because x had another reader, which has sent its share before. */
static void conv2_dx(float dx[2][2][3][2], const float dy[2][2][3][2], const float w[2][2][1][1])
{
    for (int n = 0; n < 2; n++)                             // for every element of x
        for (int oh = 0; oh < 3; oh++)
            for (int ow = 0; ow < 2; ow++)
                for (int ci = 0; ci < 2; ci++)
                    for (int kh = 0; kh < 1; kh++)
                        for (int kw = 0; kw < 1; kw++) {
                            float sum = 0.0f;
                            for (int co = 0; co < 2; co++)  // add up all that it had a part in
                                sum += dy[n][co][oh][ow] * w[co][ci][kh][kw];
                            dx[n][ci][oh + kh][ow + kw] += sum;
                        }
}

/* ---- tanh1: tanh -------------------------------------------------------- 3x2x2 -> 3x2x2 ---- */

/* tanh1: squeeze every number into -1 to 1.                                            border.cnn:9
 *
 *   y[n][c][h][w] = tanh(x[n][c][h][w])
 *
 *   x 2x2x3x2    y 2x2x3x2
 *   Work: 24 hyperbolic tangents. */
static void tanh1(float y[2][2][3][2], const float x[2][2][3][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 3; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = tanhf(x[n][c][h][w]);
}

/* tanh1, backward to x: the slope is 1 - y*y: steep in the middle, flat at both ends.  border.cnn:9
 *
 *   dy tells how much the loss grows per unit of y. A little more of x[n][c][h][w] makes
 *   (1 - y[n][c][h][w] * y[n][c][h][w]) times as much more of y[n][c][h][w]; the chain rule takes
 *   that times dy:
 *
 *   dx[n][c][h][w] = dy[n][c][h][w] * (1 - y[n][c][h][w] * y[n][c][h][w])
 *
 *   dy 2x2x3x2    y 2x2x3x2    dx 2x2x3x2
 *   Work: 24 multiplications.
 *   The same four loops as tanh1. */
static void tanh1_dx(float dx[2][2][3][2], const float dy[2][2][3][2], const float y[2][2][3][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 3; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    dx[n][c][h][w] = dy[n][c][h][w] * (1.0f - y[n][c][h][w] * y[n][c][h][w]);
}

/* ---- add1: add ---------------------------------------------------------- 3x2x2 -> 3x2x2 ---- */

/* add1: add up what comes from all sides.                                              border.cnn:7
 *
 *   y[n][c][h][w] = x1[n][c][h][w] + x2[n][c][h][w]
 *
 *   x1 2x2x3x2    x2 2x2x3x2    y 2x2x3x2
 *   Work: 24 additions. */
static void add1(float y[2][2][3][2], const float x1[2][2][3][2], const float x2[2][2][3][2])
{
    for (int n = 0; n < 2; n++)          // for every image of the tile
        for (int c = 0; c < 2; c++)      // for every channel
            for (int h = 0; h < 3; h++)  // and every place in it
                for (int w = 0; w < 2; w++)
                    y[n][c][h][w] = x1[n][c][h][w] + x2[n][c][h][w];
}

/* add1, backward to x1: how does the loss change with what was read?                   border.cnn:7
 *
 *   dy tells how much the loss grows per unit of y. Whatever is added to x1[n][c][h][w] is added to
 *   y[n][c][h][w] as well, so the gradient passes as it is:
 *
 *   dx1[n][c][h][w] = dy[n][c][h][w]
 *
 *   dy 2x2x3x2    dx1 2x2x3x2
 *   Work: 24 copies.
 *   The same four loops as add1. */
static void add1_dx1(float dx1[2][2][3][2], const float dy[2][2][3][2])
{
    for (int n = 0; n < 2; n++)  // for every element of x1
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < 3; h++)
                for (int w = 0; w < 2; w++)
                    dx1[n][c][h][w] = dy[n][c][h][w];
}

/* add1, backward to x2: how does the loss change with what was read?                   border.cnn:7
 *
 *   Whatever is added to x2[n][c][h][w] is added to y[n][c][h][w] as well, so the gradient passes
 *   as it is:
 *
 *   dx2[n][c][h][w] = dy[n][c][h][w]
 *
 *   dy 2x2x3x2    dx2 2x2x3x2
 *   Work: 24 copies.
 *   The same four loops as add1. */
static void add1_dx2(float dx2[2][2][3][2], const float dy[2][2][3][2])
{
    for (int n = 0; n < 2; n++)  // for every element of x2
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < 3; h++)
                for (int w = 0; w < 2; w++)
                    dx2[n][c][h][w] = dy[n][c][h][w];
}

/* ---- dense1: dense 2 ----------------------------------------------- 3x2x2 -> 2 features ---- */

/* dense1: every neuron weighs every feature and adds up.                              border.cnn:11
 *
 *   y[n][co] = b[co] + sum over ci of w[co][ci] * x[n][ci]
 *
 *   x 2x12    w 2x12 weights    b 2 biases    y 2x2
 *   Work: 48 multiply-adds. */
static void dense1(float y[2][2], const float x[2][12], const float w[2][12], const float b[2])
{
    for (int n = 0; n < 2; n++)              // for every image of the tile
        for (int co = 0; co < 2; co++) {     // for every neuron
            float sum = b[co];
            for (int ci = 0; ci < 12; ci++)  // weigh every feature
                sum += w[co][ci] * x[n][ci];
            y[n][co] = sum;
        }
}

/* dense1, backward to w: how does the loss change with each weight?                   border.cnn:11
 *
 *   dy tells how much the loss grows per unit of y. A little more of w[co][ci] makes x[n][ci] times
 *   as much more of y[n][co]; the chain rule takes that times dy, and adds up over all n in which
 *   it had a part:
 *
 *   dw[co][ci] += sum over n of dy[n][co] * x[n][ci]
 *
 *   dy 2x2    x 2x12    dw 2x12
 *   Work: 48 multiply-adds.
 *   The same three loops as dense1: what was summed is read, what was read is summed. It is +=
 *   because a batch adds up the gradients of its images. */
static void dense1_dw(float dw[2][12], const float dy[2][2], const float x[2][12])
{
    for (int co = 0; co < 2; co++)       // for every weight
        for (int ci = 0; ci < 12; ci++) {
            float sum = 0.0f;
            for (int n = 0; n < 2; n++)  // add up all that it had a part in
                sum += dy[n][co] * x[n][ci];
            dw[co][ci] += sum;
        }
}

/* dense1, backward to x: how does the loss change with what was read?                 border.cnn:11
 *
 *   A little more of x[n][ci] makes w[co][ci] times as much more of y[n][co]; the chain rule takes
 *   that times dy, and adds up over all co in which it had a part:
 *
 *   dx[n][ci] = sum over co of dy[n][co] * w[co][ci]
 *
 *   dy 2x2    w 2x12 weights    dx 2x12
 *   Work: 48 multiply-adds.
 *   The same three loops as dense1: what was summed is read, what was read is summed. */
static void dense1_dx(float dx[2][12], const float dy[2][2], const float w[2][12])
{
    for (int n = 0; n < 2; n++)             // for every element of x
        for (int ci = 0; ci < 12; ci++) {
            float sum = 0.0f;
            for (int co = 0; co < 2; co++)  // add up all that it had a part in
                sum += dy[n][co] * w[co][ci];
            dx[n][ci] = sum;
        }
}

/* dense1, backward to b: how does the loss change with each bias?                     border.cnn:11
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

/* ---- quadratic: loss quadratic -------------------------------------------------------------- */

/* quadratic: how far is the result from the target?                                   border.cnn:13
 *
 *   Half the square, so that the slope is the distance itself.
 *
 *   loss[n] = sum over c of 0.5 * ((y[n][c] - t[n][c]) * (y[n][c] - t[n][c]))
 *
 *   y 2x2    t 2x2: what the output should be    loss 2
 *   Work: 4 multiply-adds. */
static void quadratic(float loss[2], const float y[2][2], const float t[2][2])
{
    for (int n = 0; n < 2; n++) {    // for every image of the tile
        float sum = 0.0f;
        for (int c = 0; c < 2; c++)  // for every feature
            sum += 0.5f * ((y[n][c] - t[n][c]) * (y[n][c] - t[n][c]));
        loss[n] = sum;
    }
}

/* quadratic, backward to y: the further from the target, the stronger the pull.       border.cnn:13
 *
 *   dy[n][c] = share[n] * (y[n][c] - t[n][c])
 *
 *   share 2: what this image counts    y 2x2    t 2x2: what the output should be    dy 2x2
 *   Work: 4 multiplications. */
static void quadratic_dy(float dy[2][2], const float share[2], const float y[2][2],
                         const float t[2][2])
{
    for (int n = 0; n < 2; n++)      // for every image of the tile
        for (int c = 0; c < 2; c++)  // for every feature
            dy[n][c] = share[n] * (y[n][c] - t[n][c]);
}

/* ---- the whole network ----
 *
 * Every value between two layers has its place in one block of memory, `scratch`. Places are
 * numbers of the block; two values that are never needed at the same time share one. */

void Border_train(const Border_weights *w, const float x[2][2][5][4], const float target[2][2],
                  const float share[2], Border_weights *dw, float y[2][2], float loss[2],
                  float *scratch)
{
    void *conv1_xp  = scratch +   0;   // 2x2x7x4: x with its border
    void *conv1_y   = scratch + 112;   // 2x2x3x2
    void *conv2_y   = scratch + 144;   // 2x2x3x2
    void *tanh1_y   = scratch + 176;   // 2x2x3x2
    void *add1_y    = scratch + 144;   // 2x2x3x2
    void *dense1_dy = scratch + 208;   // 2x2
    void *add1_dy   = scratch + 144;   // 2x2x3x2
    void *conv2_dy  = scratch + 208;   // 2x2x3x2
    void *tanh1_dy  = scratch + 144;   // 2x2x3x2
    void *conv1_dy  = scratch + 144;   // 2x2x3x2

    /* forward: from the input to the result */
    // conv 2, 3x2, same, stride=2, groups=2, fill=1
    conv1_pad(conv1_xp, x);
    conv1(conv1_y, conv1_xp, w->conv1_weight, w->conv1_bias);
    // path { conv 2, 1x1, nobias }
    conv2(conv2_y, conv1_y, w->conv2_weight);
    // path { tanh }
    tanh1(tanh1_y, conv1_y);
    // add {
    add1(add1_y, conv2_y, tanh1_y);
    // dense 2
    dense1(y, add1_y, w->dense1_weight, w->dense1_bias);

    /* how wrong the result is */
    // loss quadratic
    quadratic(loss, (void *)y, target);

    /* how the loss changes with the result */
    // loss quadratic
    quadratic_dy(dense1_dy, share, (void *)y, target);

    /* backward: who had which part in it */
    // dense 2
    dense1_dw(dw->dense1_weight, dense1_dy, add1_y);
    dense1_dx(add1_dy, dense1_dy, w->dense1_weight);
    dense1_db(dw->dense1_bias, dense1_dy);
    // add {
    add1_dx1(conv2_dy, add1_dy);
    add1_dx2(tanh1_dy, add1_dy);
    // path { tanh }
    tanh1_dx(conv1_dy, tanh1_dy, tanh1_y);
    // path { conv 2, 1x1, nobias }
    conv2_dw(dw->conv2_weight, conv2_dy, conv1_y);
    conv2_dx(conv1_dy, conv2_dy, w->conv2_weight);
    // conv 2, 3x2, same, stride=2, groups=2, fill=1
    conv1_dw(dw->conv1_weight, conv1_dy, conv1_xp);
    conv1_db(dw->conv1_bias, conv1_dy);
}

/* Training, part 2 of 2: for every tile of images. Only who asks for the gradient of the input
 * needs it. */
static void train_input(const Border_weights *w, float dx[2][2][5][4], float *scratch)
{
    void *conv1_dxp_at = scratch +   0;   // 2x2x7x4
    void *conv1_dy     = scratch + 144;   // 2x2x3x2

    /* what the loss owes to every pixel */
    // conv 2, 3x2, same, stride=2, groups=2, fill=1
    conv1_dxp(conv1_dxp_at, conv1_dy, w->conv1_weight);
    conv1_dx(dx, conv1_dxp_at);
}

void Border_infer(const Border_weights *w, const float x[2][2][5][4], float y[2][2], float *scratch)
{
    void *conv1_xp = scratch +   0;   // 2x2x7x4: x with its border
    void *conv1_y  = scratch + 112;   // 2x2x3x2
    void *conv2_y  = scratch +   0;   // 2x2x3x2
    void *tanh1_y  = scratch + 112;   // 2x2x3x2
    void *add1_y   = scratch +   0;   // 2x2x3x2

    // conv 2, 3x2, same, stride=2, groups=2, fill=1
    conv1_pad(conv1_xp, x);
    conv1(conv1_y, conv1_xp, w->conv1_weight, w->conv1_bias);
    // path { conv 2, 1x1, nobias }
    conv2(conv2_y, conv1_y, w->conv2_weight);
    // path { tanh }
    tanh1(tanh1_y, conv1_y);
    // add {
    add1(add1_y, conv2_y, tanh1_y);
    // dense 2
    dense1(y, add1_y, w->dense1_weight, w->dense1_bias);
}

/* ---- for the runtime: its contract, and this network in its words ---- */

/* ... the text of cnn/model.h ... */

_Static_assert(sizeof(Border_weights) == sizeof(float) * (size_t)BORDER_WEIGHTS, "one number behind the other");

static void run_Border_train(const cnn_job *job)
{
    Border_train(job->weights, (const float (*)[2][5][4])job->x, (const float (*)[2])job->target,
                 job->share, job->gradient, job->y, job->loss, job->scratch);
}

static void run_train_input(const cnn_job *job)
{
    train_input(job->weights, job->dx, job->scratch);
}

static void run_Border_infer(const cnn_job *job)
{
    Border_infer(job->weights, (const float (*)[2][5][4])job->x, job->y, job->scratch);
}

static const cnn_tensor weight_tensors[] = {
    { "conv1.weight", 4, { 2, 1, 3, 2 }, 0, 12, 6, 6, CNN_INIT_GLOROT },
    { "conv1.bias", 1, { 2 }, 12, 2, 6, 6, CNN_INIT_ZEROS },
    { "conv2.weight", 4, { 2, 2, 1, 1 }, 14, 4, 2, 2, CNN_INIT_GLOROT },
    { "dense1.weight", 2, { 2, 12 }, 18, 24, 12, 2, CNN_INIT_GLOROT },
    { "dense1.bias", 1, { 2 }, 42, 2, 12, 2, CNN_INIT_ZEROS },
};

static const cnn_phase train_phases[] = {
    { "Border_train", 0, run_Border_train, NULL, 0 },
    { "train_input", 0, run_train_input, NULL, 0 },
};

static const cnn_phase infer_phases[] = {
    { "Border_infer", 0, run_Border_infer, NULL, 0 },
};

static const cnn_phase eval_phases[] = {
    { "eval_1", 0, run_Border_train, NULL, 0 },
    { "eval_2", 0, run_train_input, NULL, 0 },
};

static const cnn_argument setting_source[] = {
    { "inputs", 0.0, "x.npy" },
    { "targets", 0.0, "y.npy" },
};

static const cnn_argument setting_validate[] = {
    { "share", 0.0, NULL },
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
    { "loss", "quadratic", NULL, 0 },
    { "optimizer", "sgd", setting_optimizer, 4 },
    { "schedule", "constant", setting_schedule, 1 },
    { "batch", NULL, setting_batch, 1 },
    { "epochs", NULL, setting_epochs, 1 },
    { "seed", NULL, setting_seed, 1 },
    { "shuffle", NULL, setting_shuffle, 1 },
};

extern const cnn_model Border_model;
const cnn_model Border_model = {
    .abi = CNN_ABI,
    .real_bytes = sizeof(float),
    .name = "Border",
    .source = "border.cnn",
    .tile = BORDER_TILE,
    .input_rank = 3, .input_dim = { 2, 5, 4 },
    .inputs = BORDER_INPUTS, .outputs = BORDER_OUTPUTS,
    .weights = weight_tensors, .weight_tensors = 5, .weight_count = BORDER_WEIGHTS,
    .train = { train_phases, 2, 240, 0, 0 },
    .train_phases = 1,
    .infer = { infer_phases, 1, 144, 0, 0 },
    .eval_grad = { eval_phases, 2, 240, 0, 0 },
    .settings = settings, .setting_count = 9,
};
