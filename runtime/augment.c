/* augment.c: flip, shift, crop, rotate, scale, cutout, noise. What comes in from outside the image is 0. */
#include "augment.h"
#include "fail.h"
#include "random.h"
#include "settings.h"

#include <math.h>
#include <string.h>

/* An image, one of its changes, and the numbers it draws. */
typedef struct Picture {
    const Reals *reals;
    int64_t c, h, w;
    void *image, *buffer;
    const cnn_setting *setting;
    Draws draws;
} Picture;

static const double pi = 3.14159265358979323846;

/* A whole number from low to high. */
static int64_t draw_whole(Draws *d, int64_t low, int64_t high)
{
    return low + (int64_t)(cnn_draw(d) * (double)(high - low + 1));
}

/* image[y][x] = image[y + down][x + right] */
static void move(Picture *p, int64_t down, int64_t right)
{
    size_t bytes = p->reals->bytes;
    memset(p->buffer, 0, (size_t)(p->c * p->h * p->w) * bytes);
    int64_t first = right < 0 ? -right : 0, end = right > 0 ? p->w - right : p->w;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = 0; y < p->h; y++)
            if (y + down >= 0 && y + down < p->h && first < end)
                memcpy(cnn_at(p->reals, p->buffer, (size_t)((c * p->h + y) * p->w + first)),
                       cnn_at(p->reals, p->image, (size_t)((c * p->h + y + down) * p->w + first + right)), (size_t)(end - first) * bytes);
    memcpy(p->image, p->buffer, (size_t)(p->c * p->h * p->w) * bytes);
}

static void flip(Picture *p)
{
    bool vertical = !strcmp(cnn_setting_text(p->setting, "axis", "horizontal"), "vertical");
    if (cnn_draw(&p->draws) < 0.5)
        return;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = 0; y < p->h; y++)
            for (int64_t x = 0; x < p->w; x++) {
                int64_t from = vertical ? (c * p->h + p->h - 1 - y) * p->w + x : (c * p->h + y) * p->w + p->w - 1 - x;
                memcpy(cnn_at(p->reals, p->buffer, (size_t)((c * p->h + y) * p->w + x)), cnn_at(p->reals, p->image, (size_t)from), p->reals->bytes);
            }
    memcpy(p->image, p->buffer, (size_t)(p->c * p->h * p->w) * p->reals->bytes);
}

static void shift(Picture *p)
{
    int64_t by = (int64_t)cnn_setting_number(p->setting, "by", 0);
    int64_t down = draw_whole(&p->draws, -by, by);
    move(p, down, draw_whole(&p->draws, -by, by));
}

/* A window of the network's size in the image with a border of `pad` zeros. */
static void crop(Picture *p)
{
    int64_t pad = (int64_t)cnn_setting_number(p->setting, "pad", 0);
    int64_t down = draw_whole(&p->draws, -pad, pad);
    move(p, down, draw_whole(&p->draws, -pad, pad));
}

/* Every pixel takes the value at its place turned and scaled about the middle. */
static void turn(Picture *p, double cosine, double sine)
{
    for (int64_t c = 0; c < p->c; c++) {
        size_t first = (size_t)(c * p->h * p->w);
        p->reals->turn(cnn_at(p->reals, p->buffer, first), cnn_at(p->reals, p->image, first), (int32_t)p->h, (int32_t)p->w, cosine, sine);
    }
    memcpy(p->image, p->buffer, (size_t)(p->c * p->h * p->w) * p->reals->bytes);
}

static void rotate(Picture *p)
{
    double most = cnn_setting_number(p->setting, "degrees", 0);
    double angle = cnn_draw_between(&p->draws, -most, most) * pi / 180;
    turn(p, cos(angle), sin(angle));
}

static void scale(Picture *p)
{
    double factor = cnn_draw_between(&p->draws, cnn_setting_number(p->setting, "factor_low", 1), cnn_setting_number(p->setting, "factor_high", 1));
    if (factor > 0)
        turn(p, 1 / factor, 0);
}

static void cutout(Picture *p)
{
    int64_t side = (int64_t)cnn_setting_number(p->setting, "size", 0);
    int64_t top = draw_whole(&p->draws, 0, p->h - 1) - side / 2, left = draw_whole(&p->draws, 0, p->w - 1) - side / 2;
    int64_t first = left < 0 ? 0 : left, end = left + side < p->w ? left + side : p->w;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t y = top < 0 ? 0 : top; y < top + side && y < p->h && first < end; y++)
            p->reals->fill(cnn_at(p->reals, p->image, (size_t)((c * p->h + y) * p->w + first)), 0, (size_t)(end - first));
}

/* Box and Muller (1958): two normal numbers of two uniform ones. */
static void noise(Picture *p)
{
    double sigma = cnn_setting_number(p->setting, "sigma", 0);
    size_t count = (size_t)(p->c * p->h * p->w);
    for (size_t i = 0; i < count; i += 2) {
        double radius = sigma * sqrt(-2 * log(1 - cnn_draw(&p->draws))), angle = 2 * pi * cnn_draw(&p->draws);
        p->reals->set(p->image, i, p->reals->get(p->image, i) + radius * cos(angle));
        if (i + 1 < count)
            p->reals->set(p->image, i + 1, p->reals->get(p->image, i + 1) + radius * sin(angle));
    }
}

static const struct {
    const char *word;
    void (*change)(Picture *p);
} kinds[] = {
    { "flip", flip }, { "shift", shift }, { "crop", crop }, { "rotate", rotate }, { "scale", scale }, { "cutout", cutout }, { "noise", noise },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

bool cnn_augment_new(Augment *a, const cnn_net *net, cnn_error *error)
{
    const cnn_model *model = net->model;
    *a = (Augment){ .model = model, .reals = net->reals };
    for (const cnn_setting *s = cnn_setting_find(model, "augment"); s; s = cnn_setting_next(model, s)) {
        bool known = false;
        for (int k = 0; k < KINDS; k++)
            known |= cnn_setting_is(s, kinds[k].word);
        if (!known)
            return cnn_fail(error, "the model asks for the augmentation '%s', which this libcnn does not know", s->word ? s->word : "");
        if (a->count == MOST_CHANGES)
            return cnn_fail(error, "at most %d augmentations can follow one another", MOST_CHANGES);
        if (model->input_rank != 3)
            return cnn_fail(error, "augment %s needs images, but the network's input is %zu features", s->word, model->inputs);
        if (cnn_setting_is(s, "crop")) {
            int64_t h = (int64_t)cnn_setting_number(s, "size_h", 0), w = (int64_t)cnn_setting_number(s, "size_w", 0);
            if (h != model->input_dim[1] || w != model->input_dim[2])
                return cnn_fail(error, "augment crop gives images of %lldx%lld, but the network's input is %lldx%lld", (long long)h, (long long)w,
                                (long long)model->input_dim[1], (long long)model->input_dim[2]);
        }
        a->changes[a->count++] = s;
    }
    return true;
}

void cnn_augment_image(const Augment *a, void *image, void *buffer, uint64_t seed, uint32_t epoch, uint32_t number)
{
    for (int i = 0; i < a->count; i++) {
        Picture p = { .reals = a->reals, .c = a->model->input_dim[0], .h = a->model->input_dim[1], .w = a->model->input_dim[2], .image = image,
                      .buffer = buffer, .setting = a->changes[i] };
        /* Every change draws from a range of its own, so that one more does not alter the others. */
        p.draws = (Draws){ .seed = seed, .stream = STREAM_AUGMENT, .number = (uint32_t)i << 28, .b = number, .c = epoch };
        for (int k = 0; k < KINDS; k++)
            if (cnn_setting_is(p.setting, kinds[k].word))
                kinds[k].change(&p);
    }
}
