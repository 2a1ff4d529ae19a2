/* random.c: the text of one random network, to be measured (styles.py).
 *
 *   bench_random SEED WORK      as the random tests make it; WORK is how many multiply-adds its forward pass may have for one image */
#include "../random/generate.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_random SEED WORK\n");
        return 2;
    }
    Arena *arena = arena_new();
    fputs(random_network(arena, strtoull(argv[1], NULL, 10), FAMILY_REAL, strtoll(argv[2], NULL, 10)), stdout);
    arena_free(arena);
    return 0;
}
