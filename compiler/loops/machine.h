/* machine.h: what the fast style knows of the machine that its code will run on. */
#ifndef CNNC_LOOPS_MACHINE_H
#define CNNC_LOOPS_MACHINE_H

#include "unit.h"

typedef struct Machine {
    const char *name;           /* as in --target=NAME */
    const char *also;           /* the level of x86-64 that has as much and can share a file with the others; or NULL */
    int vector_bytes;           /* of one vector register; 0: there is none, a number is handled at a time */
    int registers;              /* that hold vectors, or numbers */
    int level1, level2;         /* bytes of the caches for data that a core has */
} Machine;

extern const Machine machine_table[];
extern const int machine_table_count;
const Machine *machine_find(const char *name);
/* Numbers of one vector. */
int machine_lanes(const Machine *m, RealType real);

#endif
