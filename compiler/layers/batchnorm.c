/* batchnorm.c: batch normalisation (Ioffe and Szegedy 2015), per channel over images and places.
 *
 *   y = gamma[c] * (x - mean[c]) / sqrt(var[c] + eps) + beta[c]
 *
 * In training mean and var are those of the batch (var is the biased one), and the running ones follow them:
 * running = (1 - m)*running + m*batch, with the unbiased variance. Outside training the running ones are used.
 * Each image counts `share`, which is 1/images, or 0 for one that only fills the tile. */
#include "layers/every.h"

enum { EPS, MOMENTUM };

static const ArgSpec args[] = {
    [EPS]      = { .name = "eps", .kind = ARG_REAL, .fallback = 1e-5, .low = 0, .high = 1, .foreign = "epsilon",
                   .help = "added to the variance, so that its root is not 0" },
    [MOMENTUM] = { .name = "momentum", .kind = ARG_REAL, .fallback = 0.1, .low = 0, .high = 1,
                   .help = "what the new batch counts in the running statistics" },
};

static bool shape(Unit *u, Site *s)
{
    Shape channels = { 1, { s->x->shape.dim[0] } };

    s->y->shape = s->x->shape;
    return site_param(u, s, "weight", "gamma", channels, true, INIT_ONES, 0, 0)
        && site_param(u, s, "bias", "beta", channels, true, INIT_ZEROS, 0, 0)
        && site_param(u, s, "running_mean", "running_mean", channels, false, INIT_ZEROS, 0, 0)
        && site_param(u, s, "running_var", "running_var", channels, false, INIT_ONES, 0, 0);
}

/* sqrt(var + eps) */
static Expr *deviation(Build *b, Site *s, Expr *var)
{
    return sqrt_of(b, add(b, var, real(b, arg_real(s, EPS))));
}

static Affine channels(Build *b, Site *s)
{
    return at(loop(b, "c", s->x->shape.rank == 3 ? "for every channel" : "for every feature", s->x->shape.dim[0]));
}

/* r: what to multiply with where one would divide by the deviation. */
static void invert_deviation(Build *b, Site *s, Tensor *r, Tensor *var)
{
    nest_begin(b, "r", "The deviation is the root of the variance; one division a channel is enough.");
    Affine c = channels(b, s);
    nest_set(b, r, &c, divide(b, real(b, 1), deviation(b, s, load(b, var, &c))));
}

/* z: x counted from the mean, in units of the deviation. */
static Expr *normal(Build *b, Tensor *x, Tensor *mean, Tensor *r, const Every *e)
{
    return mul(b, sub(b, load(b, x, e->index), load(b, mean, e->channel)), load(b, r, e->channel));
}

/* The state follows the statistics of the batch. A nest never reads what it writes, so the next values are made aside. */
static void follow(Build *b, Site *s, const char *role, const char *symbol, const char *meaning,
                   Expr *(*batch)(Build *b, Site *s, Affine c))
{
    Tensor *running = param(b, role), *next = batch_tensor(b, symbol, meaning, shape_of(running));
    double m = arg_real(s, MOMENTUM);

    nest_begin(b, symbol, "Remember most of what was known, and add a little of this batch.");
    Affine c = channels(b, s);
    nest_set(b, next, &c, add(b, mul(b, real(b, 1 - m), load(b, running, &c)), mul(b, real(b, m), batch(b, s, c))));

    nest_begin(b, role, "Keep it for the next batch, and for use outside training.");
    c = channels(b, s);
    nest_set(b, running, &c, load(b, next, &c));
}

static Expr *batch_mean(Build *b, Site *s, Affine c)
{
    return load(b, site_tensor(b, s, "mean"), &c);
}

/* var * M/(M - 1) for the M elements that a channel has in the batch; a single element has no variance, corrected or not. */
static Expr *unbiased_var(Build *b, Site *s, Affine c)
{
    int64_t area = s->x->shape.rank == 3 ? s->x->shape.dim[1] * s->x->shape.dim[2] : 1;
    Expr *count = mul(b, load(b, images(b), IX0), real(b, (double)area));
    Expr *less_one = larger(b, sub(b, count, real(b, 1)), real(b, 1));

    return mul(b, load(b, site_tensor(b, s, "var"), &c), divide(b, count, less_one));
}

static void lower_training(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b), *gamma = param(b, "weight"), *beta = param(b, "bias");
    Shape per_channel = shape_of(gamma);
    Tensor *mean = batch_tensor(b, "mean", "mean of each channel over the batch", per_channel);
    Tensor *var = batch_tensor(b, "var", "variance of each channel over the batch", per_channel);
    Tensor *r = batch_tensor(b, "r", "1/deviation of each channel", per_channel);

    nest_begin(b, "mean", "The mean of each channel over the batch: every place adds its share.");
    Every e = every_element(b, s->y->shape);
    Expr *one_of_all = divide(b, load(b, share(b), IX0), real(b, (double)e.area));
    nest_start_from(b, real(b, 0));
    nest_add(b, mean, e.channel, mul(b, one_of_all, load(b, x, e.index)));

    nest_begin(b, "var", "The variance of each channel over the batch: the mean of the squared distances from the mean.");
    e = every_element(b, s->y->shape);
    one_of_all = divide(b, load(b, share(b), IX0), real(b, (double)e.area));
    Expr *distance = sub(b, load(b, x, e.index), load(b, mean, e.channel));
    nest_start_from(b, real(b, 0));
    nest_add(b, var, e.channel, mul(b, one_of_all, mul(b, distance, distance)));

    invert_deviation(b, s, r, var);

    nest_begin(b, "", "Count from the mean in units of the deviation, then let the layer choose its own scale and zero.");
    e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, add(b, mul(b, load(b, gamma, e.channel), normal(b, x, mean, r, &e)), load(b, beta, e.channel)));

    follow(b, s, "running_mean", "next_mean", "what running_mean becomes", batch_mean);
    follow(b, s, "running_var", "next_var", "what running_var becomes", unbiased_var);
}

static void lower_fixed(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *y = output(b), *gamma = param(b, "weight"), *beta = param(b, "bias");
    Tensor *mean = param(b, "running_mean"), *var = param(b, "running_var");
    Tensor *scale = batch_tensor(b, "scale", "gamma/deviation of each channel", shape_of(gamma));
    Tensor *shift = batch_tensor(b, "shift", "what brings the mean of each channel to beta", shape_of(gamma));

    nest_begin(b, "scale", "With fixed statistics all that is left is a scale for each channel ...");
    Affine c = channels(b, s);
    nest_set(b, scale, &c, divide(b, load(b, gamma, &c), deviation(b, s, load(b, var, &c))));

    nest_begin(b, "shift", "... and a shift.");
    c = channels(b, s);
    nest_set(b, shift, &c, sub(b, load(b, beta, &c), mul(b, load(b, mean, &c), load(b, scale, &c))));

    nest_begin(b, "", "Scale and shift every channel.");
    Every e = every_element(b, s->y->shape);
    nest_set(b, y, e.index, add(b, mul(b, load(b, x, e.index), load(b, scale, e.channel)), load(b, shift, e.channel)));
}

static void lower(Build *b, Site *s)
{
    if (b->training)
        lower_training(b, s);
    else
        lower_fixed(b, s);
}

/* ---- backward
 *
 * Not derived. In training every element of a channel moves the channel's mean and variance, and so all others; taken
 * together (Ioffe and Szegedy 2015, section 3) that comes to two sums over the batch,
 *
 *   dx = gamma * r * (dy - (sum of dy + z * sum of dy*z)/M),  z = (x - mean) * r,  M = elements of the channel in the batch
 *
 * where the derived nests go through the batch two times more. Outside training the derived dgamma would be the small
 * difference of two large sums. */

static void backward_training(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *gamma = param(b, "weight"), *beta = param(b, "bias");
    Tensor *mean = site_tensor(b, s, "mean"), *r = site_tensor(b, s, "r");
    Tensor *dx = gradient(b, x), *dy = gradient(b, output(b));
    Tensor *dgamma = gradient(b, gamma), *dbeta = gradient(b, beta);
    Tensor *sdy = batch_tensor(b, "sdy", "sum of dy over the batch", shape_of(gamma));
    Tensor *sdz = batch_tensor(b, "sdz", "sum of dy times the normalised x over the batch", shape_of(gamma));

    nest_begin(b, "sdy", "How does the loss change if the whole channel is shifted ...");
    Every e = every_element(b, s->y->shape);
    nest_start_from(b, real(b, 0));
    nest_add(b, sdy, e.channel, load(b, dy, e.index));

    nest_begin(b, "sdz", "... and if it is stretched?");
    e = every_element(b, s->y->shape);
    nest_start_from(b, real(b, 0));
    nest_add(b, sdz, e.channel, mul(b, load(b, dy, e.index), normal(b, x, mean, r, &e)));

    nest_begin(b, "dbeta", "beta moves all elements of its channel alike.");
    Affine c = channels(b, s);
    nest_add(b, dbeta, &c, load(b, sdy, &c));

    nest_begin(b, "dgamma", "gamma moves each by how far it is from the mean.");
    c = channels(b, s);
    nest_add(b, dgamma, &c, load(b, sdz, &c));

    nest_begin(b, "dx", "Mean and deviation undo a shift or a stretch of the whole channel, so those two parts of dy come off.");
    e = every_element(b, s->y->shape);
    Expr *one_of_all = divide(b, load(b, share(b), IX0), real(b, (double)e.area));
    Expr *undone = add(b, load(b, sdy, e.channel), mul(b, normal(b, x, mean, r, &e), load(b, sdz, e.channel)));
    nest_add(b, dx, e.index, mul(b, mul(b, load(b, gamma, e.channel), load(b, r, e.channel)),
                                    sub(b, load(b, dy, e.index), mul(b, one_of_all, undone))));
}

static void backward_fixed(Build *b, Site *s)
{
    Tensor *x = input(b, 0), *mean = param(b, "running_mean"), *var = param(b, "running_var");
    Tensor *dx = gradient(b, x), *dy = gradient(b, output(b));
    Tensor *dgamma = gradient(b, param(b, "weight")), *dbeta = gradient(b, param(b, "bias"));
    Tensor *r = batch_tensor(b, "r", "1/deviation of each channel", shape_of(mean));

    nest_begin(b, "dbeta", "beta moves all elements of its channel alike.");
    Every e = every_element(b, s->y->shape);
    nest_add(b, dbeta, e.channel, load(b, dy, e.index));

    invert_deviation(b, s, r, var);

    nest_begin(b, "dgamma", "gamma moves each by how far it is from the mean.");
    e = every_element(b, s->y->shape);
    nest_add(b, dgamma, e.channel, mul(b, load(b, dy, e.index), normal(b, x, mean, r, &e)));

    nest_begin(b, "dx", "With fixed statistics every element stands alone: its slope is the scale.");
    e = every_element(b, s->y->shape);
    nest_add(b, dx, e.index, mul(b, load(b, dy, e.index), load(b, site_tensor(b, s, "scale"), e.channel)));
}

static void backward(Build *b, Site *s)
{
    if (b->training)
        backward_training(b, s);
    else
        backward_fixed(b, s);
}

const LayerKind layer_batchnorm = {
    .name = "batchnorm", .summary = "mean 0 and deviation 1 for each channel, then a scale and a shift that are learnt",
    .args = args, .arg_count = countof(args),
    .foreign = "BatchNormalization BatchNorm2d BatchNorm1d", .example = "conv 32, 3x3, same, batchnorm, relu",
    .shape = shape, .lower = lower, .backward = backward,
};
