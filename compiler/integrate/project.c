/* project.c: cnnc new (project.h). The folder is filled beside its place and then renamed, so that there is never half a project. */
#include "integrate/project.h"

#include "base/text.h"
#include "integrate/tools.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 40 };

/* What the project is called in files and code, by the last part of its path. "main" would meet main.c. */
static const char *name_of(Arena *arena, const char *path)
{
    size_t end = strlen(path);

    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t from = end;
    while (from > 0 && path[from - 1] != '/')
        from--;
    size_t length = end - from < LONGEST_NAME ? end - from : LONGEST_NAME;
    char *name = arena_copy(arena, path + from, length);
    for (char *c = name; *c; c++)
        *c = (char)(isalnum((unsigned char)*c) ? tolower((unsigned char)*c) : '_');
    if (!isalpha((unsigned char)name[0]))
        name = arena_print(arena, "net%s%s", isdigit((unsigned char)name[0]) ? "_" : "", name);
    return strcmp(name, "main") == 0 ? "main_net" : name;
}

/* The text with the project's name in place. */
static Text *filled(Arena *arena, const char *text, const char *name)
{
    Text *t = text_new(arena);

    while (*text) {
        if (strncmp(text, "@name@", 6) == 0) {
            text_put(t, "%s", name);
        } else if (strncmp(text, "@Name@", 6) == 0) {
            text_put(t, "%c%s", toupper((unsigned char)name[0]), name + 1);
        } else if (strncmp(text, "@NAME@", 6) == 0) {
            for (const char *c = name; *c; c++)
                text_put(t, "%c", toupper((unsigned char)*c));
        } else {
            text_put(t, "%c", *text++);
            continue;
        }
        text += 6;
    }
    return t;
}

static const char *path_of(Arena *arena, const char *folder, const ProjectFile *file, const char *name)
{
    if (strcmp(file->path, "net.cnn") == 0)
        return arena_print(arena, "%s/%s.cnn", folder, name);
    return arena_print(arena, "%s/%s%s", folder, strcmp(file->path, "gitignore") == 0 ? "." : "", file->path);
}

static bool write_text(const char *path, const Text *t)
{
    FILE *to = fopen(path, "wb");
    bool whole = to && fwrite(t->at, 1, t->length, to) == t->length;

    return to && fclose(to) == 0 && whole;
}

/* 0, or the errno of what failed. */
static int fill_folder(Arena *arena, const char *folder, const char *name)
{
    if (mkdir(folder, 0777) != 0)
        return errno;
    for (const ProjectFile *file = project_table; file->path; file++)
        if (!write_text(path_of(arena, folder, file, name), filled(arena, file->text, name)))
            return errno ? errno : EIO;
    return 0;
}

static void remove_folder(Arena *arena, const char *folder, const char *name)
{
    for (const ProjectFile *file = project_table; file->path; file++)
        unlink(path_of(arena, folder, file, name));
    rmdir(folder);
}

int project_new(int argc, char **argv)
{
    struct stat status;

    if (argc != 2 || argv[1][0] == '-' || !argv[1][0])
        return tool_misused("'cnnc new' takes the folder that is to be made");
    if (lstat(argv[1], &status) == 0) {
        fprintf(stderr, "cnnc: error: '%s' is there already; 'cnnc new' makes a folder of its own\n", argv[1]);
        return 1;
    }
    Arena *arena = arena_new();
    const char *name = name_of(arena, argv[1]);
    size_t length = strlen(argv[1]);
    while (length > 1 && argv[1][length - 1] == '/')
        length--;
    const char *folder = arena_copy(arena, argv[1], length), *beside = arena_print(arena, "%s.tmp%ld", folder, (long)getpid());
    int reason = fill_folder(arena, beside, name);
    if (reason == 0 && rename(beside, folder) != 0)
        reason = errno;
    if (reason == 0) {
        printf("%s: %s.cnn, main.c, Makefile, CMakeLists.txt\n", folder, name);
        printf("  make -C '%s' run     or     cmake -S '%s' -B '%s/build' && cmake --build '%s/build'\n", folder, folder, folder, folder);
    } else {
        remove_folder(arena, beside, name);
        fprintf(stderr, "cnnc: error: cannot make '%s': %s\n", folder, strerror(reason));
    }
    arena_free(arena);
    return reason != 0;
}
