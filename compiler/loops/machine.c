/* machine.c: the machines that the fast style schedules for. */
#include "loops/machine.h"

#include "base/list.h"

#include <string.h>

const Machine machine_table[] = {
    { "avx2",   32, 16 },
    { "avx512", 64, 32 },
    { "sse2",   16, 16 },
    { "neon",   16, 32 },
};
const int machine_table_count = countof(machine_table);

const Machine *machine_find(const char *name)
{
    for (int i = 0; i < machine_table_count; i++)
        if (strcmp(machine_table[i].name, name) == 0)
            return &machine_table[i];
    return NULL;
}
