/* machine.c: the machines that the fast style schedules for.
 *
 * Caches are those of the smallest processors in use that have the instructions: one core's part of the second level where several
 * share it. A schedule that fits there fits everywhere. */
#include "loops/machine.h"

#include "base/list.h"

#include <string.h>

enum { KIB = 1024 };

/*    name       also         vector  registers  level 1    level 2        such as */
const Machine machine_table[] = {
    { "avx2",    "x86-64-v3", 32,     16,        32 * KIB,  256 * KIB },   /* Haswell; Zen 1 to 3 have 512 KiB */
    { "avx512",  "x86-64-v4", 64,     32,        32 * KIB, 1024 * KIB },   /* Skylake-X and Zen 4; Sapphire Rapids has 48 and 2048 KiB */
    { "sse2",    "x86-64-v2", 16,     16,        32 * KIB,  256 * KIB },   /* Nehalem */
    { "neon",    NULL,        16,     32,        32 * KIB,  256 * KIB },   /* Cortex-A76 with its smallest second level */
    { "sve-128", NULL,        16,     32,        64 * KIB, 1024 * KIB },   /* Neoverse N2 and V2 */
    { "rvv-128", NULL,        16,     32,        32 * KIB,  256 * KIB },   /* SpacemiT X60: four cores share 1 MiB */
    { "simd128", NULL,        16,     16,        32 * KIB,  256 * KIB },   /* WebAssembly, on any of these; sse2's registers are the fewest */
    { "scalar",  NULL,         0,     16,        16 * KIB,  128 * KIB },   /* plain C */
};
const int machine_table_count = countof(machine_table);

const Machine *machine_find(const char *name)
{
    for (int i = 0; i < machine_table_count; i++)
        if (strcmp(machine_table[i].name, name) == 0 || (machine_table[i].also && strcmp(machine_table[i].also, name) == 0))
            return &machine_table[i];
    return NULL;
}

int machine_lanes(const Machine *m, RealType real)
{
    int bytes = real == REAL_DOUBLE ? 8 : 4;
    return m->vector_bytes ? m->vector_bytes / bytes : 1;
}
