/* output.c: finds an output in the table that CMake makes of the files of this room. */
#include "emit/emit.h"

#include <string.h>

const Output *output_find(const char *name)
{
    for (int i = 0; i < output_table_count; i++)
        if (strcmp(output_table[i]->name, name) == 0)
            return output_table[i];
    return NULL;
}

/* True if `suffix` is one of the words of `suffixes`. */
static bool has_suffix(const char *suffixes, const char *suffix)
{
    size_t length = strlen(suffix);

    for (const char *word = suffixes; *word; word += strcspn(word, " "), word += strspn(word, " "))
        if (strcspn(word, " ") == length && memcmp(word, suffix, length) == 0)
            return true;
    return false;
}

const Output *output_for_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');

    for (int i = 0; dot && i < output_table_count; i++)
        if (has_suffix(output_table[i]->suffixes, dot))
            return output_table[i];
    return NULL;
}
