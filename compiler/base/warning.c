/* warning.c: the table of warnings (warning.h). */
#include "base/warning.h"

#include <string.h>

const WarningKind warning_table[WARNING_COUNT] = {
    [WARN_COMMA]           = { "comma",           "a comma at the end of a line, before what looks like a layer of its own", true },
    [WARN_UNREAD]          = { "unread",          "a layer that nothing reads", true },
    [WARN_STEP]            = { "step",            "a step function that no gradient passes", true },
    [WARN_SAME_STRIDE]     = { "same-stride",     "same with a stride that does not divide the image", false },
    [WARN_POOL_ROWS]       = { "pool-rows",       "a pool that leaves out the last rows or columns", false },
    [WARN_DROPOUT_SOFTMAX] = { "dropout-softmax", "a dropout right before a softmax", false },
    [WARN_INNER_SOFTMAX]   = { "inner-softmax",   "a softmax that is not last, in a network that learns by crossentropy", false },
    [WARN_DEAD_BLOCK]      = { "dead-block",      "a block that no network uses", false },
    [WARN_UNUSED_PARAM]    = { "unused-param",    "a param that nothing reads", false },
    [WARN_TUNED]           = { "tuned",           "a line of a file for --tuned that no nest of the network can follow", true },
};

unsigned warnings_always(void)
{
    unsigned set = 0;

    for (int i = 0; i < WARNING_COUNT; i++)
        set |= (unsigned)warning_table[i].always << i;
    return set;
}

unsigned warnings_all(void)
{
    return (1u << WARNING_COUNT) - 1;
}

bool warnings_read(const char *text, unsigned *set, bool *are_errors)
{
    bool on = strncmp(text, "no-", 3) != 0;
    const char *name = on ? text : text + 3;
    unsigned which = strcmp(name, "all") == 0 ? warnings_all() : 0;

    if (strcmp(name, "error") == 0) {
        *are_errors = on;
        return true;
    }
    for (int i = 0; i < WARNING_COUNT; i++)
        if (strcmp(name, warning_table[i].name) == 0)
            which = 1u << i;
    *set = on ? *set | which : *set & ~which;
    return which != 0;
}
