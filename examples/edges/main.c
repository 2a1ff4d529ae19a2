/* main.c: lays one filter on every place of one picture, and draws what the filter finds.
 *
 *     make && ./edges              all filters
 *     ./edges outline              one of them
 *
 * The convolution is the function that cnnc made of edges.cnn; picture and filters are arrays of this file. So this is also
 * how generated code is called from a program of one's own, without the runtime. */
#include "edges.h"

#include <stdio.h>
#include <string.h>

enum { HEIGHT = 16, WIDTH = 32 };

static const char *const picture[HEIGHT] = {
    "................................",
    "................................",
    "......##........................",
    ".....####.............@@@@......",
    "....######..........@@@@@@@@....",
    "...########........@@@@@@@@@@...",
    "..##########.......@@@@@@@@@@...",
    "...########........@@@@@@@@@@...",
    "...########........@@@@@@@@@@...",
    "...##..####.........@@@@@@@@....",
    "...##..####...........@@@@......",
    "...##..####.............@.......",
    "...##..####.............@.......",
    "::::::::::::::::::::::::::::::::",
    "::::::::::::::::::::::::::::::::",
    "................................",
};

/* Dark to bright, 0 to 1 in equal steps. */
static const char shades[] = " .:-=+*#%@";

typedef struct Filter {
    const char *name, *meaning;
    float weight[3][3];
} Filter;

static const Filter filters[] = {
    { "vertical", "bright on the right of dark",              { { -1, 0, 1 }, { -2, 0, 2 }, { -1, 0, 1 } } },
    { "horizontal", "bright below dark",                      { { -1, -2, -1 }, { 0, 0, 0 }, { 1, 2, 1 } } },
    { "outline", "brighter than its neighbours",              { { -1, -1, -1 }, { -1, 8, -1 }, { -1, -1, -1 } } },
    { "blur", "the mean of a place and its neighbours",       { { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } } },
};
enum { FILTERS = sizeof filters / sizeof *filters };

static float brightness(char shade)
{
    return (float)(strchr(shades, shade) - shades) / (float)(sizeof shades - 2);
}

/* The image with its largest value as the brightest shade; what is not positive stays dark, as behind a relu. */
static void draw(const float image[1][HEIGHT][WIDTH])
{
    float largest = 0;

    for (int h = 0; h < HEIGHT; h++)
        for (int w = 0; w < WIDTH; w++)
            if (image[0][h][w] > largest)
                largest = image[0][h][w];
    for (int h = 0; h < HEIGHT; h++) {
        for (int w = 0; w < WIDTH; w++) {
            float value = image[0][h][w] > 0 && largest > 0 ? image[0][h][w] / largest : 0;
            putchar(shades[(int)(value * (float)(sizeof shades - 2) + 0.5f)]);
        }
        putchar('\n');
    }
}

static void show(const Filter *filter, const float x[1][HEIGHT][WIDTH])
{
    static float y[1][HEIGHT][WIDTH], scratch[EDGES_SCRATCH_INFER];
    Edges_weights weights;

    memcpy(weights.conv1_weight, filter->weight, sizeof filter->weight);
    Edges_infer(&weights, x, y, scratch);

    printf("\n%s: %s\n\n", filter->name, filter->meaning);
    for (int h = 0; h < 3; h++)
        printf("    %3g %3g %3g\n", (double)filter->weight[h][0], (double)filter->weight[h][1], (double)filter->weight[h][2]);
    printf("\n");
    draw(y);
}

int main(int argc, char **argv)
{
    static float x[1][HEIGHT][WIDTH];
    int shown = 0;

    for (int h = 0; h < HEIGHT; h++)
        for (int w = 0; w < WIDTH; w++)
            x[0][h][w] = brightness(picture[h][w]);
    printf("the picture\n\n");
    draw(x);
    for (int i = 0; i < FILTERS; i++)
        if (argc < 2 || strcmp(argv[1], filters[i].name) == 0) {
            show(&filters[i], x);
            shown++;
        }
    if (shown)
        return 0;
    fprintf(stderr, "no filter is called '%s'; there are vertical, horizontal, outline and blur\n", argv[1]);
    return 2;
}
