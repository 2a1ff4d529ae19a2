/* machine.h: what the fast style knows of the machine that its code will run on. */
#ifndef CNNC_LOOPS_MACHINE_H
#define CNNC_LOOPS_MACHINE_H

typedef struct Machine {
    const char *name;           /* as in --target=NAME */
    int vector_bytes;           /* of one vector register */
    int registers;              /* vector registers */
} Machine;

extern const Machine machine_table[];
extern const int machine_table_count;
const Machine *machine_find(const char *name);

#endif
