/* tiny_model.h: two networks written by hand, as the compiler would generate them. Included once for each REAL.
 *
 *   linear   x 1x2x3 -> y = softmax(w x + b), 3 classes, crossentropy, tiles of 4; its second phase adds the gradient of x; gradients keep
 *            what they are told
 *   stats    the same behind x = mask * (x - mean over the batch): a phase that sums, one that runs once, random numbers, a state; gradients
 *            must be cleared
 *
 * No include guard: TINY(name) makes the names of one kind of number. */

static void TINY(forward)(const REAL *x, const REAL *w, REAL *y)
{
    REAL largest = 0, sum = 0;
    for (int k = 0; k < 3; k++) {
        y[k] = w[18 + k];
        for (int i = 0; i < 6; i++)
            y[k] += w[6 * k + i] * x[i];
        if (k == 0 || y[k] > largest)
            largest = y[k];
    }
    for (int k = 0; k < 3; k++) {
        y[k] = (REAL)exp((double)(y[k] - largest));
        sum += y[k];
    }
    for (int k = 0; k < 3; k++)
        y[k] /= sum;
}

/* Loss and dw of an image whose (changed) input is x; dy [3]. */
static void TINY(backward)(const cnn_job *job, int n, const REAL *x, REAL *dy)
{
    const REAL *target = (const REAL *)job->target + 3 * n;
    REAL *y = (REAL *)job->y + 3 * n, *dw = job->gradient, share = ((const REAL *)job->share)[n], loss = 0;
    TINY(forward)(x, job->weights, y);
    for (int k = 0; k < 3; k++) {
        if (target[k] > 0)
            loss -= target[k] * (REAL)log((double)y[k]);
        dy[k] = share * (y[k] - target[k]);
        dw[18 + k] += dy[k];
        for (int i = 0; i < 6; i++)
            dw[6 * k + i] += dy[k] * x[i];
    }
    ((REAL *)job->loss)[n] = loss;
}

/* ---- linear: scratch holds dy */

static void TINY(linear_train)(const cnn_job *job)
{
    for (int i = 0; i < 21; i++)
        ((REAL *)job->gradient)[i] *= *(const REAL *)job->keep;
    for (int n = 0; n < 4; n++)
        TINY(backward)(job, n, (const REAL *)job->x + 6 * n, (REAL *)job->scratch + 3 * n);
}

static void TINY(linear_input)(const cnn_job *job)
{
    const REAL *dy = job->scratch, *w = job->weights;
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < 6; i++)
            for (int k = 0; k < 3; k++)
                ((REAL *)job->dx)[6 * n + i] += dy[3 * n + k] * w[6 * k + i];
}

static void TINY(linear_infer)(const cnn_job *job)
{
    for (int n = 0; n < 4; n++)
        TINY(forward)((const REAL *)job->x + 6 * n, job->weights, (REAL *)job->y + 3 * n);
}

/* ---- stats: scratch [0, 6): sum of share * x; [6, 30): changed x; [30, 42): dy. shared [0, 6): mean */

static void TINY(stats_sum)(const cnn_job *job)
{
    REAL *sum = job->scratch;
    memset(sum, 0, 6 * sizeof *sum);
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < 6; i++)
            sum[i] += ((const REAL *)job->share)[n] * ((const REAL *)job->x)[6 * n + i];
}

static void TINY(stats_run)(const cnn_job *job)
{
    for (int i = 0; i < 6; i++)
        ((REAL *)job->state)[i] = (REAL)0.9 * ((REAL *)job->state)[i] + (REAL)0.1 * ((const REAL *)job->shared)[i];
}

static void TINY(stats_train)(const cnn_job *job)
{
    const REAL *mean = job->shared;
    for (int n = 0; n < 4; n++) {
        REAL *x = (REAL *)job->scratch + 6 + 6 * n;
        for (int i = 0; i < 6; i++) {
            uint32_t mixed = (job->draw[0] * 2654435761u ^ job->draw[2] * 40503u) + (job->draw[3] + (uint32_t)n) * 97u + (uint32_t)i * 31u;
            x[i] = (mixed >> 3) % 4 ? ((const REAL *)job->x)[6 * n + i] - mean[i] : 0;
        }
        TINY(backward)(job, n, x, (REAL *)job->scratch + 30 + 3 * n);
    }
}

static void TINY(stats_infer_once)(const cnn_job *job)
{
    for (int i = 0; i < 6; i++)
        ((REAL *)job->shared)[i] = -((const REAL *)job->state)[i];
}

static void TINY(stats_infer)(const cnn_job *job)
{
    for (int n = 0; n < 4; n++) {
        REAL x[6];
        for (int i = 0; i < 6; i++)
            x[i] = ((const REAL *)job->x)[6 * n + i] + ((const REAL *)job->shared)[i];
        TINY(forward)(x, job->weights, (REAL *)job->y + 3 * n);
    }
}

static const cnn_sum TINY(sums)[] = { { 0, 6, 0 } };

static const cnn_phase TINY(linear_train_phases)[] = { { "train", 0, TINY(linear_train), NULL, 0 }, { "input", 0, TINY(linear_input), NULL, 0 } };
static const cnn_phase TINY(linear_infer_phases)[] = { { "infer", 0, TINY(linear_infer), NULL, 0 } };
static const cnn_phase TINY(stats_train_phases)[] = {
    { "sum", 0, TINY(stats_sum), TINY(sums), 1 }, { "run", 1, TINY(stats_run), NULL, 0 }, { "train", 0, TINY(stats_train), NULL, 0 },
};
static const cnn_phase TINY(stats_infer_phases)[] = {
    { "once", 1, TINY(stats_infer_once), NULL, 0 }, { "infer", 0, TINY(stats_infer), NULL, 0 },
};

/* Settings are the test's. */
__attribute__((unused)) static cnn_model TINY(linear)(void)
{
    return (cnn_model){
        .abi = CNN_ABI, .real_bytes = sizeof(REAL), .name = "Linear", .source = "linear.cnn", .tile = 4, .input_rank = 3, .input_dim = { 1, 2, 3 },
        .inputs = 6, .outputs = 3, .weights = tiny_weights, .weight_tensors = 2, .weight_count = 21,
        .train = { TINY(linear_train_phases), 2, 12, 0, 1 }, .train_phases = 1, .infer = { TINY(linear_infer_phases), 1, 0, 0, 0 },
        .eval_grad = { TINY(linear_train_phases), 2, 12, 0, 1 },
    };
}

__attribute__((unused)) static cnn_model TINY(stats)(void)
{
    cnn_model model = TINY(linear)();
    model.name = "Stats";
    model.state = tiny_state;
    model.state_tensors = 1;
    model.state_count = 6;
    model.train = (cnn_program){ TINY(stats_train_phases), 3, 42, 6, 0 };
    model.train_phases = 3;
    model.infer = (cnn_program){ TINY(stats_infer_phases), 2, 0, 6, 0 };
    model.eval_grad = (cnn_program){ 0 };
    return model;
}
