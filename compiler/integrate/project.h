/* project.h: cnnc new: a folder with a network, a program that uses it, and what builds both. */
#ifndef CNNC_INTEGRATE_PROJECT_H
#define CNNC_INTEGRATE_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

/* A file of integrate/project, where @name@, @Name@ and @NAME@ stand for the project. The last has the path NULL. */
typedef struct ProjectFile {
    const char *path, *text;
} ProjectFile;

extern const ProjectFile project_table[];

/* The exit status of `cnnc new ARGUMENTS`. */
int project_new(int argc, char **argv);

#endif
