/* llvm_machine.c: the machine that LLVM makes code for, and what LLVM does with a finished module (llvm.h). */
#include "emit/llvm.h"

#include "loops/machine.h"

#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Vectors of numbers that lie apart are loaded number by number: on AMD, and on Intel since Downfall (2022), their own instruction takes longer. (LeNet's second
 * pooling of columns, one image, Zen 5: 1.87 -> 0.4 us.) */
#if CNNC_LLVM >= 17
#define NO_GATHER "+prefer-no-gather"
#else
#define NO_GATHER ""
#endif

/* What code is made for where the options name no processor: what every machine of that kind has. */
static const struct { const char *triple, *machine, *cpu, *features; } usual[] = {
    { "x86_64",  "avx2",   "x86-64-v3", NO_GATHER },    /* the fast style's machine says what there is */
    { "x86_64",  "avx512", "x86-64-v4", NO_GATHER },
    { "x86_64",  "",       "x86-64",    "" },
    { "riscv64", "",       "generic-rv64", "+m,+a,+f,+d,+c" },
    { "riscv32", "",       "generic-rv32", "+m,+a,+c" },
    { "wasm",    "",       "generic",   "+simd128" },
    { "",        "",       "generic",   "" },
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void know_all_targets(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
}

/* A text of LLVM's, moved into the arena. */
static char *taken(Unit *u, char *text)
{
    char *copy = arena_print(u->arena, "%s", text);
    LLVMDisposeMessage(text);
    return copy;
}

/* Processors and features that LLVM does not know it mentions on stderr, and goes on without them, or ends the process later. So stderr
 * goes to a file while the machine is made, and what stands there is an error. */
static LLVMTargetMachineRef make_machine(Unit *u, LLVMTargetRef target, const char *triple, const char *cpu, const char *features,
                                         LLVMCodeGenOptLevel level, LLVMRelocMode mode)
{
    char said[200] = "";
    FILE *file = tmpfile();
    int before = file ? dup(STDERR_FILENO) : -1;

    if (before >= 0)
        dup2(fileno(file), STDERR_FILENO);
    LLVMTargetMachineRef machine = LLVMCreateTargetMachine(target, triple, cpu, features, level, mode, LLVMCodeModelDefault);
    if (before >= 0) {
        dup2(before, STDERR_FILENO);
        close(before);
        rewind(file);
        if (!fgets(said, sizeof said, file))
            said[0] = '\0';
    }
    if (file)
        fclose(file);
    said[strcspn(said, "(\n")] = '\0';
    for (size_t end = strlen(said); end > 0 && said[end - 1] == ' '; end--)
        said[end - 1] = '\0';
    if (!said[0])
        return machine;
    error_at(u, NO_SPAN, "LLVM: %s", said);
    note(u, "the machine is %s, its processor '%s', its features '%s'", triple, cpu, features);
    LLVMDisposeTargetMachine(machine);
    return NULL;
}

LLVMTargetMachineRef llvm_machine(Unit *u, int optimise)
{
    static const LLVMCodeGenOptLevel level[] = {
        LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive
    };
    const Options *o = &u->options;
    bool native = o->cpu && strcmp(o->cpu, "native") == 0;
    char *message = NULL;
    LLVMTargetRef target;

    know_all_targets();
    char *triple = taken(u, o->triple ? LLVMNormalizeTargetTriple(o->triple) : LLVMGetDefaultTargetTriple());
    if (LLVMGetTargetFromTriple(triple, &target, &message)) {
        error_at(u, NO_SPAN, "--target=%s is no machine that this LLVM makes code for", triple);
        note(u, "%s", taken(u, message));
        help(u, "'cnnc --targets' lists them");
        return NULL;
    }
    if (native && o->triple) {
        error_at(u, NO_SPAN, "--cpu=native is the processor of this machine, and --target=%s is another", o->triple);
        return NULL;
    }
    const char *machine = o->style == STYLE_FAST ? o->machine->name : "";
    const char *cpu = NULL, *features = NULL;
    for (int i = 0; i < countof(usual) && !cpu; i++)
        if (begins(triple, usual[i].triple) && (!*usual[i].machine || strcmp(machine, usual[i].machine) == 0)) {
            cpu = usual[i].cpu;
            features = usual[i].features;
        }
    if (o->cpu)
        cpu = native ? taken(u, LLVMGetHostCPUName()) : o->cpu;
    if (native)
        features = taken(u, LLVMGetHostCPUFeatures());
    if (o->features)
        features = arena_print(u->arena, "%s%s%s", features, *features ? "," : "", o->features);
    /* Systems without dynamic linking have no table of addresses either. */
    LLVMRelocMode mode = !o->triple || strstr(triple, "linux") ? LLVMRelocPIC : LLVMRelocStatic;
    return make_machine(u, target, triple, cpu, features, level[optimise], mode);
}

void llvm_list_targets(Text *t)
{
    static const struct { const char *triple, *about; } tested[] = {
        { "x86_64-linux-gnu",        "--cpu=x86-64, x86-64-v2, x86-64-v3, x86-64-v4, native" },
        { "aarch64-linux-gnu",       "with NEON" },
        { "thumbv7em-none-eabihf",   "--cpu=cortex-m4 or cortex-m7" },
        { "riscv64-linux-gnu",       "rv64gc; --features=+v for vectors" },
        { "riscv32-unknown-elf",     "rv32imac" },
        { "wasm32-unknown-unknown",  "with simd128" },
    };
    LLVMTargetRef target;
    char *message = NULL;
    int column = 0;

    know_all_targets();
    text_line(t, "--target=TRIPLE for which %s makes code here:", native_maker());
    for (int i = 0; i < countof(tested); i++) {
        if (LLVMGetTargetFromTriple(tested[i].triple, &target, &message)) {
            LLVMDisposeMessage(message);
            continue;
        }
        text_put(t, "  %s", tested[i].triple);
        text_column(t, 28);
        text_put(t, "%s\n", tested[i].about);
    }
    text_line(t, "other kinds of machines that it knows, with which cnnc was not tried:");
    for (target = LLVMGetFirstTarget(); target; target = LLVMGetNextTarget(target)) {
        const char *name = LLVMGetTargetName(target);
        if (!LLVMTargetHasTargetMachine(target))
            continue;
        column = column + (int)strlen(name) > 90 ? 0 : column + (int)strlen(name) + 1;
        text_put(t, "%s%s", column == 0 ? "\n  " : column == (int)strlen(name) + 1 ? "  " : " ", name);
        column = column ? column : (int)strlen(name) + 1;
    }
    text_put(t, "\n");
}

bool llvm_optimise(Unit *u, LLVMModuleRef module, LLVMTargetMachineRef machine, int level)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();

    LLVMPassBuilderOptionsSetLoopVectorization(options, level >= 2);
    LLVMPassBuilderOptionsSetSLPVectorization(options, level >= 2);
    LLVMPassBuilderOptionsSetLoopInterleaving(options, level >= 2);
    LLVMErrorRef error = LLVMRunPasses(module, arena_print(u->arena, "default<O%d>", level), machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return true;
    char *message = LLVMGetErrorMessage(error);
    error_at(u, NO_SPAN, "LLVM cannot optimise the module: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

bool llvm_code(Unit *u, LLVMModuleRef module, LLVMTargetMachineRef machine, LLVMCodeGenFileType type, Text *t)
{
    LLVMMemoryBufferRef code;
    char *message = NULL;

    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, &code)) {
        error_at(u, NO_SPAN, "LLVM cannot make code of the module: %s", taken(u, message));
        return false;
    }
    text_bytes(t, LLVMGetBufferStart(code), LLVMGetBufferSize(code));
    LLVMDisposeMemoryBuffer(code);
    return true;
}
