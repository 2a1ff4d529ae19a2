/* digits.c: draws digits as a pen does.
 *
 * Every digit has a few ways to be written, each a list of strokes through a few points of a 100x100 field, y down. A picture
 * takes one of them, moves its points a little, bends the whole by a slant, a turn and two sizes, lays curves through the points
 * (Catmull and Rom), and inks every pixel by its distance from the nearest of them. */
#include "digits.h"
#include "fail.h"
#include "memory.h"
#include "random.h"
#include "threads.h"

#include <math.h>
#include <string.h>

enum { MOST_POINTS = 12, MOST_STROKES = 3, PIECES = 6 };                /* straight pieces between two points */

typedef struct Point {
    double x, y;
} Point;

typedef struct Stroke {
    int count;
    unsigned char at[MOST_POINTS][2];
} Stroke;

typedef struct Way {
    int digit, strokes;
    Stroke stroke[MOST_STROKES];
} Way;

static const Way ways[] = {
    { 0, 1, { { 9, { { 50, 4 }, { 24, 16 }, { 13, 50 }, { 24, 84 }, { 50, 96 }, { 76, 84 }, { 87, 50 }, { 76, 16 }, { 48, 4 } } } } },
    { 0, 1, { { 9, { { 66, 10 }, { 42, 5 }, { 20, 30 }, { 16, 66 }, { 34, 94 }, { 64, 90 }, { 84, 58 }, { 78, 22 }, { 56, 8 } } } } },
    { 1, 1, { { 3, { { 50, 3 }, { 50, 50 }, { 50, 97 } } } } },
    { 1, 2, { { 2, { { 28, 26 }, { 54, 4 } } }, { 3, { { 54, 4 }, { 54, 50 }, { 54, 96 } } } } },
    { 1, 3, { { 2, { { 32, 22 }, { 52, 4 } } }, { 2, { { 52, 4 }, { 52, 95 } } }, { 2, { { 28, 95 }, { 76, 95 } } } } },
    { 2, 2, { { 6, { { 14, 26 }, { 30, 7 }, { 62, 6 }, { 78, 26 }, { 58, 58 }, { 13, 93 } } }, { 2, { { 13, 93 }, { 88, 92 } } } } },
    { 2, 1, { { 10, { { 16, 24 }, { 40, 5 }, { 74, 13 }, { 74, 40 }, { 46, 72 }, { 18, 90 }, { 20, 74 }, { 38, 78 }, { 62, 94 }, { 88, 86 } } } } },
    { 3, 1, { { 9, { { 16, 15 }, { 46, 4 }, { 78, 18 }, { 70, 40 }, { 42, 48 }, { 74, 54 }, { 85, 75 }, { 54, 96 }, { 12, 84 } } } } },
    { 3, 2, { { 3, { { 16, 7 }, { 50, 6 }, { 82, 7 } } }, { 6, { { 82, 7 }, { 44, 42 }, { 74, 50 }, { 84, 74 }, { 52, 96 }, { 14, 86 } } } } },
    { 4, 2, { { 4, { { 36, 4 }, { 24, 32 }, { 12, 58 }, { 88, 56 } } }, { 2, { { 68, 24 }, { 66, 97 } } } } },
    { 4, 3, { { 2, { { 66, 4 }, { 10, 66 } } }, { 2, { { 10, 66 }, { 90, 66 } } }, { 2, { { 66, 4 }, { 66, 97 } } } } },
    { 5, 2, { { 2, { { 82, 6 }, { 28, 7 } } }, { 7, { { 28, 7 }, { 22, 44 }, { 52, 38 }, { 82, 56 }, { 78, 84 }, { 46, 97 }, { 12, 86 } } } } },
    { 5, 1, { { 9, { { 84, 6 }, { 50, 8 }, { 26, 14 }, { 24, 42 }, { 56, 42 }, { 80, 62 }, { 70, 90 }, { 40, 96 }, { 14, 84 } } } } },
    { 6, 1, { { 9, { { 72, 5 }, { 38, 26 }, { 16, 62 }, { 28, 92 }, { 60, 96 }, { 82, 76 }, { 66, 54 }, { 36, 56 }, { 18, 74 } } } } },
    { 6, 1, { { 8, { { 54, 3 }, { 30, 44 }, { 22, 78 }, { 44, 97 }, { 74, 88 }, { 74, 62 }, { 48, 54 }, { 24, 72 } } } } },
    { 7, 2, { { 3, { { 12, 10 }, { 50, 8 }, { 86, 8 } } }, { 3, { { 86, 8 }, { 58, 50 }, { 40, 97 } } } } },
    { 7, 3, { { 2, { { 14, 9 }, { 86, 7 } } }, { 3, { { 86, 7 }, { 60, 46 }, { 44, 97 } } }, { 2, { { 32, 52 }, { 78, 49 } } } } },
    { 8, 1, { { 11, { { 70, 16 }, { 46, 4 }, { 24, 22 }, { 44, 44 }, { 74, 60 }, { 78, 86 }, { 46, 97 }, { 20, 82 }, { 34, 56 }, { 68, 36 }, { 72, 14 } } } } },
    { 8, 2, { { 7, { { 50, 47 }, { 24, 34 }, { 28, 10 }, { 56, 3 }, { 78, 18 }, { 72, 40 }, { 48, 47 } } },
              { 7, { { 50, 47 }, { 20, 62 }, { 20, 88 }, { 50, 97 }, { 82, 86 }, { 80, 60 }, { 50, 47 } } } } },
    { 9, 2, { { 7, { { 80, 22 }, { 54, 4 }, { 24, 16 }, { 20, 40 }, { 46, 52 }, { 74, 38 }, { 80, 20 } } }, { 3, { { 80, 20 }, { 76, 58 }, { 62, 97 } } } } },
    { 9, 2, { { 7, { { 78, 16 }, { 48, 4 }, { 20, 22 }, { 28, 46 }, { 58, 50 }, { 78, 28 }, { 78, 14 } } },
              { 4, { { 78, 14 }, { 82, 62 }, { 64, 94 }, { 26, 90 } } } } },
};
enum { WAYS = sizeof ways / sizeof *ways };

/* How one picture bends the field, and how it inks. */
typedef struct Hand {
    double width, height;       /* pixels of the field */
    double slant, cosine, sine; /* x moves by slant times the height above the middle */
    double bend;                /* x moves by bend times the square of that */
    Point middle;               /* pixels */
    double shake;               /* units of the field that a point moves by, as a deviation */
    double radius, soft;        /* pixels: half the thickness of a line, width of its edge */
    double ink, noise;          /* of 255 */
} Hand;

static Hand hand(Draws *d)
{
    Hand h;
    double size = cnn_draw_between(d, 14.5, 21.0);
    h.height = size;
    h.width = size * cnn_draw_between(d, 0.52, 0.98);
    h.slant = cnn_draw_between(d, -0.30, 0.45);
    h.bend = cnn_draw_between(d, -0.25, 0.25);
    double t = cnn_draw_between(d, -0.13, 0.13);                        /* tan of half the angle: up to 15 degrees */
    h.cosine = (1 - t * t) / (1 + t * t);
    h.sine = 2 * t / (1 + t * t);
    double room = (DIGITS_SIDE - size) / 2 - 1.5;
    h.middle.x = DIGITS_SIDE / 2.0 + room * cnn_draw_between(d, -0.75, 0.75);
    h.middle.y = DIGITS_SIDE / 2.0 + room * cnn_draw_between(d, -0.75, 0.75);
    h.shake = cnn_draw_between(d, 1.0, 4.0);
    h.radius = cnn_draw_between(d, 0.55, 1.6);
    h.soft = cnn_draw_between(d, 0.9, 2.0);
    h.ink = cnn_draw_between(d, 150, 255);
    h.noise = cnn_draw_between(d, 0, 22);
    return h;
}

/* From the field to the picture. */
static Point bend(const Hand *h, double x, double y)
{
    double up = 0.5 - y / 100;
    double fx = (x / 100 - 0.5) * h->width + (h->slant * up + h->bend * (up * up - 0.08)) * h->height;
    double fy = -up * h->height;
    return (Point){ h->middle.x + h->cosine * fx - h->sine * fy, h->middle.y + h->sine * fx + h->cosine * fy };
}

/* Lowers the squared distance of every pixel near the piece a-b to that from the piece. */
static void draw_piece(double *distance, Point a, Point b, double reach)
{
    double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    double low_x = (a.x < b.x ? a.x : b.x) - reach, high_x = (a.x < b.x ? b.x : a.x) + reach;
    double low_y = (a.y < b.y ? a.y : b.y) - reach, high_y = (a.y < b.y ? b.y : a.y) + reach;
    for (int y = low_y > 0 ? (int)low_y : 0; y < DIGITS_SIDE && y <= high_y; y++)
        for (int x = low_x > 0 ? (int)low_x : 0; x < DIGITS_SIDE && x <= high_x; x++) {
            double px = x + 0.5 - a.x, py = y + 0.5 - a.y;
            double t = length > 0 ? (px * dx + py * dy) / length : 0;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            double ex = px - t * dx, ey = py - t * dy, d = ex * ex + ey * ey;
            if (d < distance[y * DIGITS_SIDE + x])
                distance[y * DIGITS_SIDE + x] = d;
        }
}

/* A point between p[1] (t = 0) and p[2] (t = 1) of the curve through all of p. */
static Point curve(const Point p[4], double t)
{
    double a = ((-t + 2) * t - 1) * t / 2, b = ((3 * t - 5) * t * t + 2) / 2, c = ((-3 * t + 4) * t + 1) * t / 2, d = (t - 1) * t * t / 2;
    return (Point){ a * p[0].x + b * p[1].x + c * p[2].x + d * p[3].x, a * p[0].y + b * p[1].y + c * p[2].y + d * p[3].y };
}

static void draw_stroke(double *distance, const Stroke *s, const Hand *h, Draws *d)
{
    Point p[MOST_POINTS + 2];
    for (int i = 0; i < s->count; i++) {
        double x = s->at[i][0] + h->shake * cnn_draw_normal(d), y = s->at[i][1] + h->shake * cnn_draw_normal(d);
        p[i + 1] = bend(h, x, y);
    }
    p[0] = p[1];
    p[s->count + 1] = p[s->count];
    for (int i = 0; i + 1 < s->count; i++) {
        Point from = p[i + 1];
        for (int piece = 1; piece <= PIECES; piece++) {
            Point to = curve(p + i, (double)piece / PIECES);
            draw_piece(distance, from, to, h->radius + h->soft + 1);
            from = to;
        }
    }
}

int cnn_digits_draw(uint64_t seed, uint32_t part, uint32_t index, uint8_t pixels[DIGITS_PIXELS])
{
    Draws d = { .seed = seed, .stream = STREAM_DIGITS, .b = index, .c = part };
    int digit = (int)(10 * cnn_draw(&d)), kinds = 0, first = WAYS;
    for (int i = WAYS; i-- > 0;)
        if (ways[i].digit == digit) {
            kinds++;
            first = i;
        }
    const Way *way = &ways[first + (int)(kinds * cnn_draw(&d))];
    Hand h = hand(&d);

    double distance[DIGITS_PIXELS];
    for (int i = 0; i < DIGITS_PIXELS; i++)
        distance[i] = DIGITS_SIDE * DIGITS_SIDE;
    for (int s = 0; s < way->strokes; s++)
        draw_stroke(distance, &way->stroke[s], &h, &d);
    for (int i = 0; i < DIGITS_PIXELS; i++) {
        double cover = 0.5 + (h.radius - sqrt(distance[i])) / h.soft;
        double v = h.ink * (cover < 0 ? 0 : cover > 1 ? 1 : cover) + h.noise * 2 * (cnn_draw(&d) + cnn_draw(&d) - 1);
        pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
    }
    return digit;
}

/* ---- a set of them */

typedef struct Drawing {
    Set *set;
    uint64_t seed;
    uint32_t part;
} Drawing;

static void draw_one(void *context, size_t item, int thread)
{
    (void)thread;
    const Drawing *drawing = context;
    drawing->set->labels[item] = (uint32_t)cnn_digits_draw(drawing->seed, drawing->part, (uint32_t)item,
                                                           (uint8_t *)drawing->set->images + item * DIGITS_PIXELS);
}

bool cnn_digits_load(Set *set, uint64_t seed, uint32_t part, size_t count, size_t outputs, int threads, cnn_error *error)
{
    enum { CLASSES = 10 };
    if (outputs < CLASSES)
        return cnn_fail(error, "digits: there are %d classes, but the network gives %zu results", CLASSES, outputs);
    if (count > UINT32_MAX)
        return cnn_fail(error, "digits: at most %u pictures can be drawn", UINT32_MAX);
    set->name = cnn_memory_text("digits", error);
    set->count = count;
    set->inputs = DIGITS_PIXELS;
    set->outputs = outputs;
    set->rank = 3;
    set->dim[0] = 1, set->dim[1] = DIGITS_SIDE, set->dim[2] = DIGITS_SIDE;
    set->form = SET_BYTES;
    set->labels = cnn_memory_get(count, sizeof *set->labels, "the labels", error);
    if (!set->name || !set->labels || !cnn_set_room(set, error))
        return false;
    cnn_threads_each(threads, count, draw_one, &(Drawing){ set, seed, part });
    cnn_set_find_kind(set);
    return true;
}
