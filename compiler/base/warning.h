/* warning.h: what warnings are about, by the names of -WNAME. */
#ifndef CNNC_BASE_WARNING_H
#define CNNC_BASE_WARNING_H

#include <stdbool.h>

typedef enum Warning {
    WARN_COMMA, WARN_UNREAD, WARN_STEP,
    WARN_SAME_STRIDE, WARN_POOL_ROWS, WARN_DROPOUT_SOFTMAX, WARN_INNER_SOFTMAX, WARN_DEAD_BLOCK, WARN_UNUSED_PARAM, WARN_TUNED,
    WARNING_COUNT
} Warning;

typedef struct WarningKind {
    const char *name;               /* as in -WNAME and -Wno-NAME */
    const char *summary;            /* for --help */
    bool always;                    /* given without being asked for */
} WarningKind;

extern const WarningKind warning_table[WARNING_COUNT];

/* Sets of warnings, bit by bit. */
unsigned warnings_always(void);
unsigned warnings_all(void);

/* Reads what stands behind -W: all, error, NAME, no-all, no-error or no-NAME. False for anything else. */
bool warnings_read(const char *text, unsigned *set, bool *are_errors);

#endif
