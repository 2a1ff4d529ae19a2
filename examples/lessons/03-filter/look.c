/* look.c: lays a filter on an image and prints the numbers. Lessons 3 to 5 build it with the C of their own filter.cnn.
 *
 *     ./look edge.txt -1 0 1 -1 0 1 -1 0 1
 *
 * The file has the numbers of the image, row by row; the nine numbers behind it are the filter. */
#include <filter.h>     /* from -I: the one in the folder of the lesson */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 3 };      /* of the filter */

static void put_row(const float *numbers, int side, int row)
{
    for (int i = 0; i < side; i++) {
        if (row < side)
            printf("%4g", (double)numbers[row * side + i]);
        else
            printf("%4s", "");
    }
}

static int read_image(const char *path, float *image)
{
    FILE *file = fopen(path, "r");
    int count = 0;

    while (file && count < FILTER_INPUTS && fscanf(file, "%f", &image[count]) == 1)
        count++;
    if (file)
        fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    static float image[FILTER_INPUTS], result[FILTER_OUTPUTS];
    Filter_weights weights;
    float *filter = weights.conv1_weight[0][0][0];
    int in = (int)sqrt(FILTER_INPUTS), out = (int)sqrt(FILTER_OUTPUTS);        /* sides: all images here are squares */

    if (argc != 2 + SIDE * SIDE || read_image(argv[1], image) != FILTER_INPUTS) {
        fprintf(stderr, "usage: ./look FILE, with %d numbers in it, and the %d numbers of a filter\n", FILTER_INPUTS, SIDE * SIDE);
        return 2;
    }
    for (int i = 0; i < SIDE * SIDE; i++)
        filter[i] = strtof(argv[2 + i], NULL);
#if FILTER_SCRATCH_INFER
    static float scratch[FILTER_SCRATCH_INFER];
    Filter_infer(&weights, (const void *)image, (void *)result, scratch);
#else
    Filter_infer(&weights, (const void *)image, (void *)result);
#endif
    for (int row = 0; row < in || row < out; row++) {
        put_row(image, in, row);
        if (row < SIDE || row < out) {
            printf("   %c", row == 1 ? '*' : ' ');
            put_row(filter, SIDE, row);
        }
        if (row < out) {
            printf("   %c", row == 1 ? '=' : ' ');
            put_row(result, out, row);
        }
        printf("\n");
    }
    return 0;
}
