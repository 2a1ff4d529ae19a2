/* native.c: the outputs that LLVM makes. What they contain is said in llvm.c; here are their names, the archive and the shared
 * library, and what is said where LLVM is missing. */
#include "emit/native.h"

#include "emit/archive.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the files that know LLVM */

#ifdef CNNC_LLVM

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define MAKER "LLVM " TEXT(CNNC_LLVM)
#define MEND "install cnnc again, with all that belongs to it"

static const NativeMaker *find_maker(const char **why)
{
    return native_open(why);
}

#else

#define MAKER NULL
#define MEND "install LLVM 16 to 19 (llvm-19-dev) and build cnnc again"

static const NativeMaker *find_maker(const char **why)
{
    *why = "LLVM was not found when it was built";
    return NULL;
}

#endif

bool native_emit(Unit *u, NativeKind kind, Text *t, NativeNames *names)
{
    const char *why;
    const NativeMaker *maker = find_maker(&why);

    if (maker)
        return maker->emit(u, kind, t, names);
    error_at(u, NO_SPAN, "this output is not supported by this build of cnnc: %s", why);
    help(u, "'-o net.c' writes C, which any C compiler takes; or " MEND);
    return false;
}

const struct cnn_model *native_load(Unit *u, NativeCode **code)
{
    const char *why;
    const NativeMaker *maker = find_maker(&why);

    *code = NULL;
    if (maker)
        return maker->load(u, code);
    error_at(u, NO_SPAN, "commands are not supported by this build of cnnc: %s", why);
    help(u, "'cnnc --main net.cnn -o net.c' writes a program in C with the same commands; or " MEND);
    return NULL;
}

void native_unload(NativeCode *code)
{
    const char *why;

    if (code)
        find_maker(&why)->unload(code);
}

const char *native_maker(void)
{
    return MAKER;
}

bool native_list_targets(Text *t)
{
    const char *why;
    const NativeMaker *maker = find_maker(&why);

    if (maker)
        maker->list_targets(t);
    else
        fprintf(stderr, "cnnc: error: --targets is not supported by this build of cnnc: %s\n", why);
    return maker;
}

const char *native_machine(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f"))
        return "avx512";
    if (__builtin_cpu_supports("avx2"))
        return "avx2";
#elif defined(__aarch64__)
    return "neon";
#endif
    return "sse2";
}

/* ---- the outputs */

static bool emit(Unit *u, NativeKind kind, Text *t)
{
    NativeNames names = { 0 };
    return native_emit(u, kind, t, &names);
}

static bool emit_ir(Unit *u, Text *t)      { return emit(u, NATIVE_IR, t); }
static bool emit_bitcode(Unit *u, Text *t) { return emit(u, NATIVE_BITCODE, t); }
static bool emit_asm(Unit *u, Text *t)     { return emit(u, NATIVE_ASM, t); }
static bool emit_object(Unit *u, Text *t)  { return emit(u, NATIVE_OBJECT, t); }

static bool emit_archive(Unit *u, Text *t)
{
    Text *object = text_new(u->arena);
    NativeNames names = { 0 };

    if (!native_emit(u, NATIVE_OBJECT, object, &names))
        return false;
    archive_write(t, "network.o", object, names.all.at, names.all.count);
    return true;
}

/* ---- shared libraries: the system's linker makes them */

/* Runs a program with its own output on stderr. Returns its exit status, or -1 with errno set. */
static int run(char *const argv[])
{
    extern char **environ;
    pid_t pid;
    int status, failed = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (failed) {
        errno = failed;
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool write_bytes(const char *path, const Text *t)
{
    FILE *to = fopen(path, "wb");
    bool whole = to && fwrite(t->at, 1, t->length, to) == t->length;

    if (to)
        whole = fclose(to) == 0 && whole;
    return whole;
}

static bool read_bytes(const char *path, Text *t)
{
    FILE *from = fopen(path, "rb");
    char bytes[1 << 16];
    size_t count;

    if (!from)
        return false;
    while ((count = fread(bytes, 1, sizeof bytes, from)) > 0)
        text_bytes(t, bytes, count);
    bool whole = !ferror(from);
    fclose(from);
    return whole;
}

/* Links the object into a shared library with both files in `folder`. */
static bool link_in(Unit *u, const char *folder, const Text *object, Text *t)
{
    const char *cc = getenv("CC");
    char *from = arena_print(u->arena, "%s/network.o", folder), *to = arena_print(u->arena, "%s/network.so", folder);
    char *program = arena_print(u->arena, "%s", cc && *cc ? cc : "cc");
    char *argv[] = { program, "-shared", "-o", to, from, "-lm", NULL };
    bool done = false;

    if (!write_bytes(from, object)) {
        error_at(u, NO_SPAN, "cannot write '%s': %s", from, strerror(errno));
    } else {
        int status = run(argv);
        if (status < 0)
            error_at(u, NO_SPAN, "the linker '%s' cannot be run: %s", program, strerror(errno));
        else if (status > 0)
            error_at(u, NO_SPAN, "the linker '%s' ended with status %d", program, status);
        else if (!read_bytes(to, t))
            error_at(u, NO_SPAN, "cannot read '%s': %s", to, strerror(errno));
        else
            done = true;
        if (status != 0)
            help(u, "a shared library is linked by the C compiler 'cc', or the one that $CC names; '-o net.o' needs none");
    }
    remove(from);
    remove(to);
    return done;
}

static bool emit_shared(Unit *u, Text *t)
{
    Text *object = text_new(u->arena);
    const char *tmp = getenv("TMPDIR");
    char *folder = arena_print(u->arena, "%s/cnncXXXXXX", tmp && *tmp ? tmp : "/tmp");

    if (u->options.triple) {
        error_at(u, NO_SPAN, "a shared library for another machine is not supported yet");
        help(u, "'-o net.o' makes the object for %s, which its own linker takes", u->options.triple);
        return false;
    }
    if (!emit(u, NATIVE_OBJECT, object))
        return false;
    if (!mkdtemp(folder)) {
        error_at(u, NO_SPAN, "cannot make a folder '%s': %s", folder, strerror(errno));
        return false;
    }
    bool done = link_in(u, folder, object, t);
    rmdir(folder);
    return done;
}

const Output output_llvm = {
    .name = "llvm", .suffixes = ".ll", .summary = "LLVM IR, to read", .emit = emit_ir,
};

const Output output_bitcode = {
    .name = "bitcode", .suffixes = ".bc", .summary = "LLVM IR as bitcode", .emit = emit_bitcode,
};

const Output output_asm = {
    .name = "asm", .suffixes = ".s", .summary = "assembly", .emit = emit_asm,
};

const Output output_object = {
    .name = "object", .suffixes = ".o .obj", .summary = "an object file with the same descriptor as the C file", .emit = emit_object,
};

const Output output_archive = {
    .name = "archive", .suffixes = ".a", .summary = "a static library of that object", .emit = emit_archive,
};

const Output output_shared = {
    .name = "shared", .suffixes = ".so", .summary = "a shared library of it, linked by the C compiler", .emit = emit_shared,
};
