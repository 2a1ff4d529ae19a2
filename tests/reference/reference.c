/* reference.c: walks the sites of a checked network forward and back. The layers are in the files beside it. */
#include "inner.h"

static const RefLayer *const tables[] = {
    ref_conv_layers, ref_pool_layers, ref_point_layers, ref_norm_layers, ref_join_layers,
};

static const RefLayer *layer_of(const Site *s)
{
    for (int t = 0; t < countof(tables); t++)
        for (const RefLayer *l = tables[t]; l->name; l++)
            if (strcmp(l->name, s->kind->name) == 0)
                return l;
    return NULL;
}

static const RefLoss *loss_of(const Site *s)
{
    for (const RefLoss *l = ref_losses; l->name; l++)
        if (strcmp(l->name, s->kind->name) == 0)
            return l;
    return NULL;
}

bool reference_knows(const Net *net, const char **unknown)
{
    for (int i = 0; i < net->sites.count; i++)
        if (!layer_of(net->sites.at[i])) {
            *unknown = net->sites.at[i]->kind->name;
            return false;
        }
    if (net->loss && !loss_of(net->loss)) {
        *unknown = net->loss->kind->name;
        return false;
    }
    return true;
}

static void field_new(Arena *arena, Field *f, int64_t count)
{
    size_t room = count > 0 ? (size_t)count : 1;

    f->at = arena_array(arena, room, sizeof *f->at);
    f->gradient = arena_array(arena, room, sizeof *f->gradient);
    f->magnitude = arena_array(arena, room, sizeof *f->magnitude);
    f->count = count;
}

Reference *reference_new(Arena *arena, const Net *net, int64_t batch)
{
    Reference *r = ARENA_NEW(arena, Reference);

    r->arena = arena;
    r->net = net;
    r->batch = batch;
    r->params = arena_array(arena, (size_t)net->params.count + 1, sizeof *r->params);
    r->new_state = arena_array(arena, (size_t)net->params.count + 1, sizeof *r->new_state);
    r->state_magnitude = arena_array(arena, (size_t)net->params.count + 1, sizeof *r->state_magnitude);
    for (int i = 0; i < net->params.count; i++) {
        field_new(arena, &r->params[i], shape_count(net->params.at[i]->shape));
        if (net->params.at[i]->trained)
            continue;
        r->new_state[i] = arena_array(arena, (size_t)r->params[i].count, sizeof(double));
        r->state_magnitude[i] = arena_array(arena, (size_t)r->params[i].count, sizeof(double));
    }
    r->values = arena_array(arena, (size_t)net->sites.count + 1, sizeof *r->values);
    field_new(arena, &r->values[0], batch * shape_count(net->x->shape));
    for (int i = 0; i < net->sites.count; i++) {
        assert(net->sites.at[i]->number == i);
        field_new(arena, &r->values[1 + i], batch * shape_count(net->sites.at[i]->y->shape));
    }
    r->target = arena_array(arena, (size_t)(batch * shape_count(net->y->shape)), sizeof(double));
    r->loss = arena_array(arena, (size_t)batch, sizeof(double));
    return r;
}

Field *reference_value(Reference *r, const Value *v)
{
    return v->from ? &r->values[1 + v->from->number] : &r->values[0];
}

Field *reference_param(Reference *r, const Param *p)
{
    for (int i = 0; i < r->net->params.count; i++)
        if (r->net->params.at[i] == p)
            return &r->params[i];
    assert(!"a param of this network");
    return NULL;
}

static void watch_begin(Reference *r, Field *f)
{
    f->watch_bits = r->watch_bits;
    f->noise = r->noise;
    memset(&f->forward, 0, sizeof f->forward);
    memset(f->magnitude, 0, (size_t)f->count * sizeof(double));
}

static void watch_end(Field *f)
{
    for (int64_t i = 0; f->noise && i < f->count; i++)
        f->at[i] = ref_round(f->noise, f->at[i]);
    for (int64_t i = 0; f->watch_bits && i < f->count; i++) {
        f->forward.largest = fmax(f->forward.largest, fabs(f->at[i]));
        f->forward.fraction = ref_fraction(f->at[i]) > f->forward.fraction ? ref_fraction(f->at[i]) : f->forward.fraction;
    }
}

void reference_forward(Reference *r, bool training, const uint32_t draw[4])
{
    for (int i = 0; i <= r->net->sites.count; i++)
        watch_begin(r, &r->values[i]);
    for (int i = 0; i < r->net->params.count; i++)
        watch_begin(r, &r->params[i]);
    r->training = training;
    memcpy(r->draw, draw, sizeof r->draw);
    r->nearest = INFINITY;
    r->nearest_site = NULL;
    for (int i = 0; i < r->net->params.count; i++)
        if (r->new_state[i])
            memcpy(r->new_state[i], r->params[i].at, (size_t)r->params[i].count * sizeof(double));
    for (int i = 0; i < r->net->sites.count; i++) {
        memset(r->values[1 + i].at, 0, (size_t)r->values[1 + i].count * sizeof(double));
        layer_of(r->net->sites.at[i])->forward(r, r->net->sites.at[i]);
        watch_end(&r->values[1 + i]);
    }
    memset(r->loss, 0, (size_t)r->batch * sizeof(double));
    if (r->net->loss)
        loss_of(r->net->loss)->forward(r, r->net->loss);
}

static void field_clear(Field *f)
{
    memset(f->gradient, 0, (size_t)f->count * sizeof(double));
    memset(f->magnitude, 0, (size_t)f->count * sizeof(double));
    memset(&f->backward, 0, sizeof f->backward);
}

void reference_clear(Reference *r)
{
    for (int i = 0; i <= r->net->sites.count; i++)
        field_clear(&r->values[i]);
    for (int i = 0; i < r->net->params.count; i++)
        field_clear(&r->params[i]);
}

void reference_backward(Reference *r)
{
    reference_clear(r);
    if (r->net->loss)
        loss_of(r->net->loss)->backward(r, r->net->loss);
    for (int i = r->net->sites.count - 1; i >= 0; i--) {
        Field *y = &r->values[1 + i];
        for (int64_t j = 0; r->noise && j < y->count; j++)
            y->gradient[j] = ref_round(r->noise, y->gradient[j]);
        layer_of(r->net->sites.at[i])->backward(r, r->net->sites.at[i]);
    }
}

static int bits(double largest, int fraction)
{
    int exponent = 0;

    frexp(largest, &exponent);
    return (exponent > 0 ? exponent : 0) + fraction;
}

int reference_bits(const Reference *r)
{
    int most = 0;

    for (int i = 0; i < r->net->sites.count + 1 + r->net->params.count; i++) {
        const Field *f = i <= r->net->sites.count ? &r->values[i] : &r->params[i - r->net->sites.count - 1];
        int here = bits(f->forward.largest, f->forward.fraction), back = bits(f->backward.largest, f->backward.fraction);
        most = here > most ? here : most;
        most = back > most ? back : most;
    }
    /* A loss is a sum of squares of the output's differences, divided by 2. */
    const Field *y = &r->values[r->net->sites.count];
    for (int64_t n = 0; n < r->batch; n++) {
        int here = bits(r->loss[n], 2 * y->forward.fraction + 1);
        most = here > most ? here : most;
    }
    return most;
}

/* ---- what the layers share */

double ref_round(Dice *noise, double x)
{
    float near = (float)x;

    if (!noise || near == x || !isfinite(near))
        return noise ? near : x;
    float other = nextafterf(near, x > near ? INFINITY : -INFINITY);
    double share = (x - near) / ((double)other - near);        /* of the way to the other */
    return dice_real(noise) < share ? other : near;
}

int ref_fraction(double x)
{
    int places = 0;

    while (places < 60 && x != nearbyint(x)) {
        x *= 2;
        places++;
    }
    return places;
}

bool ref_has(const Site *s, const char *name)
{
    for (int i = 0; i < s->kind->arg_count; i++)
        if (strcmp(s->kind->args[i].name, name) == 0)
            return true;
    return false;
}

const ArgValue *ref_arg(const Site *s, const char *name)
{
    for (int i = 0; i < s->kind->arg_count; i++)
        if (strcmp(s->kind->args[i].name, name) == 0)
            return &s->args[i];
    fprintf(stderr, "reference: '%s' has no argument '%s'\n", s->kind->name, name);
    assert(!"the reference knows the arguments of the layers");
    return NULL;
}

bool ref_flag(const Site *s, const char *name) { return ref_arg(s, name)->word != 0; }
double ref_real(const Site *s, const char *name) { return ref_arg(s, name)->real; }

bool ref_word_is(const Site *s, const char *name, const char *word)
{
    for (int i = 0; i < s->kind->arg_count; i++) {
        if (strcmp(s->kind->args[i].name, name) != 0)
            continue;
        const char *at = s->kind->args[i].words;
        for (int w = 0; w < s->args[i].word; w++)
            at = strchr(at, ' ') + 1;
        size_t length = strcspn(at, " ");
        return strlen(word) == length && strncmp(at, word, length) == 0;
    }
    return false;
}

Field *ref_param(Reference *r, const Site *s, const char *role)
{
    for (int i = 0; i < s->params.count; i++)
        if (strcmp(s->params.at[i]->role, role) == 0)
            return reference_param(r, s->params.at[i]);
    return NULL;
}

Image ref_image(const Value *v)
{
    assert(v->shape.rank == 3);
    return (Image){ v->shape.dim[0], v->shape.dim[1], v->shape.dim[2] };
}

void ref_kink(Reference *r, const Site *s, double distance, double scale)
{
    double relative = scale > 0 ? fabs(distance) / scale : INFINITY;

    if (relative < r->nearest) {
        r->nearest = relative;
        r->nearest_site = s->name;
    }
}

double ref_size(const double *at, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += at[i] * at[i];
    return count > 0 ? sqrt(sum / (double)count) : 0;
}
