/* choice.h: what the policy of the fast style chooses for a nest that has a register tile, as data: fast*.c make it and follow it, choices.c
 * lists what else would do, --tune measures these and --tuned asks for one of them. */
#ifndef CNNC_LOOPS_CHOICE_H
#define CNNC_LOOPS_CHOICE_H

#include "loops/loops.h"

enum { MOST_CHOICES = 8 };

typedef struct Choice {
    int64_t vectors;                /* of the lanes that belong to the tile */
    int64_t all_vectors;            /* of which they may be any divisor; 0: their number is given */
    int count;                      /* loops that the tile may cover: how many places of each, of how many */
    struct { const char *loop; int64_t size, extent; } tile[MAX_LOOPS];
    const char *inside;             /* which loop over places stands innermost of those outside the tile; NULL: as they come */
    const char *round;              /* which loop is summed innermost; NULL: as they come */
    double time;                    /* predicted, in the units of predict.h */
    const char *misfit;             /* why what was asked for could not be taken, as a clause; or NULL */
} Choice;

/* A file for --tuned (tuned.h): what was fastest where it was measured. */
typedef struct TunedNest {
    const char *name;
    Choice choice;
    Span span;                      /* of its line */
    bool met, taken;                /* a program has a nest of that name; one of these could take the choice */
    const char *misfit;             /* why not */
} TunedNest;

typedef struct Tuned {
    const struct Machine *machine;  /* the programs for it follow the file */
    Layout layout;
    Winograd winograd;
    int64_t tile;                   /* 0: not said */
    LIST(TunedNest) nests;
} Tuned;

/* fast.c: the rewrites that the fast style picks for a nest, with its own choice, or with the one that is asked for if that fits. */
void nest_schedule_fast(Unit *u, Nest *n, const Choice *asked);

/* choices.c: the choices for a nest that is not scheduled yet: number 0 is the policy's, the others follow by the time that is predicted for
 * them. Returns how many; 0: it has no register tile. */
int nest_choices(Unit *u, const Nest *n, Choice list[MOST_CHOICES]);

/* NULL if a choice is one of those that there are for the nest, whose policy stands in n->choice; else why not, as a clause. */
const char *choice_misfit(Unit *u, const Nest *n, const Choice *asked);

/* A loop of a nest by the name that it had before it was split; -1 if none in [from, to) has it. */
int choice_loop(const Nest *n, const char *name, int from, int to);

/* "co 3, ow 2, vectors 2, inside co" */
void choice_print(const Choice *c, Text *t);

#endif
