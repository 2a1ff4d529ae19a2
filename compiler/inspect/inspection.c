/* inspection.c: the table of commands (inspect.h). */
#include "inspect/inspect.h"

#include <string.h>

const Inspection *inspection_find(const char *name)
{
    for (int i = 0; i < inspection_table_count; i++)
        if (strcmp(inspection_table[i]->name, name) == 0)
            return inspection_table[i];
    return NULL;
}
