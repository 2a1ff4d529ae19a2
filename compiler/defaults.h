/* defaults.h: what follows from the rest of the command line where --style, --target and --tile are not given. */
#ifndef CNNC_DEFAULTS_H
#define CNNC_DEFAULTS_H

#include "options.h"

/* Machines that one file is for, widest vectors first. */
void options_set_machines(Options *o, Arena *arena, const struct Machine *const *list, int count);

/* What is run at once is made for this machine. */
void default_for_command(Unit *u, const CommandLine *line);

/* Without --style: what people look at, and what is checked, has the loops of the formulas; what runs is made for its machine. */
void default_style(Unit *u, const CommandLine *line);

/* Which machines the fast style schedules for: those that were asked for, or in C all that a file can serve. Such a file has plain C too,
 * for whatever machine and compiler it meets. False if they are more than the output serves. */
bool default_machines(Unit *u, const CommandLine *line);

/* How many of the outputs are for people to look at. */
int outputs_to_look_at(const CommandLine *line);

#endif
