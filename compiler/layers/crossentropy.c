/* crossentropy.c: the loss for classes: how surprised the network is by the truth, in nats.
 *
 *   loss = -sum over c of q[c] * log p[c] = sum over c of q[c] * (m + log s - x[c])
 *
 * p is made by a softmax of x, with its m (the largest x) and s (the sum of exp(x - m)): the logarithm of a small
 * probability is never taken, so the loss stays finite. q is the target; smooth=e makes it (1 - e)*t + e/K. */
#include "layers/every.h"

#include <string.h>

enum { SMOOTH };

static const ArgSpec args[] = {
    [SMOOTH] = { .name = "smooth", .kind = ARG_REAL, .fallback = 0, .low = 0, .high = 1, .below_high = true,
                 .help = "the part of the target that is spread over all classes", .foreign = "label_smoothing" },
};

/* The last line of the network, with softmax at its end. */
static void help_softmax(Unit *u, Span last)
{
    const char *line = span_text(u, last);
    /* A layer without arguments takes the next one by an arrow. */
    const char *more = strchr(line, ' ') ? ", softmax" : " -> softmax";
    Span end = last;

    end.from = end.to;
    if (last.source && !strpbrk(line, "\r\n{}"))
        fix_at(u, end, more, "its last line may be '%s%s'", line, more);
    else
        help(u, "add a last line, 'softmax'");
}

/* crossentropy works on what goes into the last softmax; another one before it makes gradients small twice. */
static void warn_inner(Unit *u, const Site *last)
{
    for (int i = 0; u->net && i < u->net->sites.count; i++) {
        const Site *s = u->net->sites.at[i];
        if (s == last || strcmp(s->kind->name, "softmax") != 0)
            continue;
        warning_at(u, WARN_INNER_SOFTMAX, s->span, "this softmax is not the last layer: crossentropy takes the probabilities of the last one");
        help(u, "between layers 'relu' or 'sigmoid' keep more of the gradient");
    }
}

static bool shape(Unit *u, Site *s)
{
    const Site *last = s->x->from;

    if (last && strcmp(last->kind->name, "softmax") == 0) {
        warn_inner(u, last);
        return true;
    }
    error_at(u, s->span, "the loss crossentropy needs probabilities, but the network does not end in a softmax");
    help_softmax(u, s->x->span);
    return false;
}

/* The target as the loss uses it. */
static Tensor *smoothed_target(Build *b, Site *s)
{
    double smooth = arg_real(s, SMOOTH);
    Tensor *t = target(b);

    if (smooth == 0)
        return t;

    Shape classes = shape_of(t);
    Tensor *q = site_tensor(b, s, "q");
    if (q)
        return q;
    q = image_tensor(b, "q", "the target with a little for every class", classes);
    nest_begin(b, "smooth", "Take a little off the truth and spread it over all classes: nobody is ever quite sure.");
    Every c = every_element(b, classes);
    nest_set(b, q, c.index, add(b, mul(b, real(b, 1 - smooth), load(b, t, c.index)),
                                   real(b, smooth / (double)classes.dim[0])));
    return q;
}

static void lower(Build *b, Site *s)
{
    Site *softmax = s->x->from;
    Shape classes = shape_of(target(b));
    Tensor *x = features_of(b, softmax->x->tensor, "x"), *q = smoothed_target(b, s);
    Tensor *m = site_tensor(b, softmax, "m"), *sum = site_tensor(b, softmax, "s");
    Tensor *z = image_tensor(b, "z", "log of the sum of exp(x)", (Shape){ 0 });

    nest_begin(b, "z", "The logarithm of the sum of all exp(x), with the largest x taken out.");
    nest_set(b, z, IX0, add(b, load(b, m, IX0), log_of(b, load(b, sum, IX0))));

    nest_begin(b, "", "How surprised is the network by the truth? -log p is 0 for p = 1 and grows without end as p falls to 0.");
    Every c = every_element(b, classes);
    nest_start_from(b, real(b, 0));
    nest_add(b, losses(b), IX0, mul(b, load(b, q, c.index), sub(b, load(b, z, IX0), load(b, x, c.index))));
}

/* Not derived: the gradient of loss and softmax together is p - q, which needs neither exp nor log. It goes straight to
 * what the softmax read, so the softmax itself has nothing left to send back. */
static void backward(Build *b, Site *s)
{
    Site *softmax = s->x->from;
    Shape classes = shape_of(target(b));
    Tensor *p = features_of(b, softmax->y->tensor, "p"), *q = smoothed_target(b, s);
    Tensor *dx = gradient(b, features_of(b, softmax->x->tensor, "x"));
    Tensor *all = image_tensor(b, "a", "the sum of the target, 1 where it is a class", (Shape){ 0 });

    nest_begin(b, "a", "A target that is a class adds up to 1; any other is taken as it is.");
    Every c = every_element(b, classes);
    nest_start_from(b, real(b, 0));
    nest_add(b, all, IX0, load(b, q, c.index));

    nest_begin(b, "dx", "The gradient is probability minus truth: every class is pushed by as much as it is wrong.");
    c = every_element(b, classes);
    nest_add(b, dx, c.index, mul(b, load(b, share(b), IX0),
                                    sub(b, mul(b, load(b, p, c.index), load(b, all, IX0)), load(b, q, c.index))));
}

const LayerKind layer_crossentropy = {
    .name = "crossentropy", .summary = "-log of the probability of the right class, for networks that end in softmax",
    .args = args, .arg_count = countof(args), .loss = true,
    .foreign = "CrossEntropyLoss categorical_crossentropy sparse_categorical_crossentropy SparseCategoricalCrossentropy",
    .example = "loss crossentropy",
    .shape = shape, .lower = lower, .backward = backward,
};
