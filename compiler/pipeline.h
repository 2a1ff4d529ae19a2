/* pipeline.h: the stages from a source to the outputs. */
#ifndef CNNC_PIPELINE_H
#define CNNC_PIPELINE_H

#include "base/text.h"
#include "unit.h"

typedef struct Stage {
    const char *name;                       /* as in --dump=NAME */
    const char *summary;                    /* for --help */
    bool (*run)(Unit *u);                   /* false after reporting an error */
    void (*dump)(Unit *u, Text *t);         /* what it made; NULL: nothing to show */
    bool by_machine;                        /* runs for each machine that the output serves (unit.h) */
} Stage;

extern const Stage stage_table[];
extern const int stage_table_count;
const Stage *stage_find(const char *name);

/* What a stage made, of every machine that the output serves. */
void stage_dump(const Stage *stage, Unit *u, Text *t);

/* Runs the stages up to and including `last` (NULL: all). False after an error. */
bool pipeline_run(Unit *u, const Stage *last);

#endif
