/* import.c: the main program and the files that it imports, each read once. */
#include "front/ast.h"

#include "base/checked.h"
#include "base/list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A file that was opened. Two paths may lead to one file, so files are known by device and number. */
typedef struct Known {
    const char *name;
    dev_t device;
    ino_t number;
    AstFile *file;
    struct Known *importer;         /* NULL: the main program */
    bool open;                      /* it or what it imports is being read */
} Known;

typedef struct Loader {
    Unit *unit;
    LIST(Known *) known;
    AstFile *last;                  /* of the files */
} Loader;

/* All of `in`. Reads no more than one byte beyond LIMIT_FILE; false and errno if the system refuses. */
static bool read_all(Unit *u, FILE *in, Text **to)
{
    Text *t = text_new(u->arena);
    char block[1 << 14];
    size_t got;

    while (t->length <= (size_t)LIMIT_FILE && (got = fread(block, 1, sizeof block, in)) > 0)
        text_bytes(t, block, got);
    *to = t;
    return ferror(in) == 0;
}

/* The path of an import, from the folder of the file that has it. */
static const char *path_from(Unit *u, const Known *importer, const char *path)
{
    const char *slash = strrchr(importer->name, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return arena_print(u->arena, "%.*s/%s", (int)(slash - importer->name), importer->name, path);
}

static void refuse(Unit *u, Span at, const char *name, int error)
{
    error_at(u, at, "cannot read '%s': %s", name, strerror(error));
}

/* A file that is imported while it is read: names the way from it to itself. */
static void refuse_circle(Unit *u, Span at, const Known *again, const Known *importer)
{
    const char *way = again->name;
    for (const Known *k = importer; k != again; k = k->importer)
        way = arena_print(u->arena, "%s -> %s", k->name, way);
    error_at(u, at, "imports that reach themselves: %s -> %s", again->name, way);
}

static Known *find(Loader *l, const struct stat *s)
{
    for (int i = 0; i < l->known.count; i++)
        if (l->known.at[i]->device == s->st_dev && l->known.at[i]->number == s->st_ino)
            return l->known.at[i];
    return NULL;
}

static AstFile *load(Loader *l, Known *importer, Span at, const char *name, int depth);

static void load_imports(Loader *l, Known *k, int depth)
{
    k->open = true;
    for (AstItem *item = k->file->items; item != NULL; item = item->next)
        if (item->kind == AST_IMPORT)
            item->imported = load(l, k, item->value->span, path_from(l->unit, k, item->value->text), depth + 1);
    k->open = false;
}

/* What a file is known by. One that only an editor has is known by where the editor holds it. */
static bool identify(const char *name, FILE *in, const char *held, struct stat *to)
{
    if (held == NULL)
        return fstat(fileno(in), to) == 0;
    if (stat(name, to) != 0) {
        to->st_dev = 0;
        to->st_ino = (ino_t)(uintptr_t)held;
    }
    return true;
}

/* Reads, parses and follows a file that is open, or that an editor holds. */
static AstFile *load_open(Loader *l, Known *importer, Span at, const char *name, FILE *in, const char *held, size_t held_length, int depth)
{
    Unit *u = l->unit;
    struct stat status;
    Text *text;

    if (!identify(name, in, held, &status)) {
        refuse(u, at, name, errno);
        return NULL;
    }
    Known *k = find(l, &status);
    if (k != NULL && k->open)
        refuse_circle(u, at, k, importer);
    if (k != NULL)
        return k->open ? NULL : k->file;
    if (depth > LIMIT_DEPTH) {
        error_at(u, at, "imports are nested more than %d deep", LIMIT_DEPTH);
        return NULL;
    }
    if (held != NULL) {
        text = text_new(u->arena);
        text_bytes(text, held, held_length);
    } else if (!read_all(u, in, &text)) {
        refuse(u, at, name, errno);
        return NULL;
    }
    if (text->length > (size_t)LIMIT_FILE) {
        error_at(u, at, "'%s' is too large: a source file has at most %lld bytes", name, (long long)LIMIT_FILE);
        return NULL;
    }
    k = ARENA_NEW(u->arena, Known);
    *k = (Known){ .name = name, .device = status.st_dev, .number = status.st_ino, .importer = importer };
    LIST_ADD(u->arena, &l->known, k);
    k->file = ast_parse(u, diag_add_source(u, name, text->at, text->length));
    if (l->last == NULL)
        u->ast = k->file;
    else
        l->last->next = k->file;
    l->last = k->file;
    load_imports(l, k, depth);
    return k->file;
}

/* The file of that name, or NULL after an error at `at`. */
static AstFile *load(Loader *l, Known *importer, Span at, const char *name, int depth)
{
    const Options *o = &l->unit->options;
    size_t length = 0;
    const char *held = o->held != NULL ? o->held(o->editor, name, &length) : NULL;
    if (held != NULL)
        return load_open(l, importer, at, name, NULL, held, length, depth);
    FILE *in = fopen(name, "rb");
    if (in == NULL) {
        refuse(l->unit, at, name, errno);
        return NULL;
    }
    AstFile *file = load_open(l, importer, at, name, in, NULL, 0, depth);
    fclose(in);
    return file;
}

bool ast_load(Unit *u, const char *path)
{
    Loader *l = ARENA_NEW(u->arena, Loader);
    int before = diag_errors(u);

    l->unit = u;
    u->ast = NULL;
    if (strcmp(path, "-") == 0)
        load_open(l, NULL, NO_SPAN, "<stdin>", stdin, NULL, 0, 0);
    else
        load(l, NULL, NO_SPAN, arena_copy(u->arena, path, strlen(path)), 0);
    return diag_errors(u) == before;
}

bool ast_sound(const AstFile *file)
{
    for (; file != NULL; file = file->next) {
        if (file->failed)
            return false;
        for (const AstItem *item = file->items; item != NULL; item = item->next)
            if (item->kind == AST_IMPORT && item->imported == NULL)
                return false;
    }
    return true;
}
