/* llvm_machine.c: the machine that LLVM makes code for, and what LLVM does with a finished module (llvm.h). */
#include "emit/llvm.h"

#include "loops/machine.h"

#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>

/* What code is made for where the options name no processor: what every machine of that kind has. */
static const struct { const char *triple, *machine, *cpu, *features; } usual[] = {
    { "x86_64",  "avx2",   "x86-64-v3", "" },           /* the fast style's machine says what there is */
    { "x86_64",  "avx512", "x86-64-v4", "" },
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
    return LLVMCreateTargetMachine(target, triple, cpu, features, level[optimise], mode, LLVMCodeModelDefault);
}

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *native_maker(void)
{
    return "LLVM " TEXT(CNNC_LLVM);
}

const char *native_machine(void)
{
    static const struct { const char *feature, *machine; } known[] = {
        { "+avx512f", "avx512" }, { "+avx2", "avx2" }, { "+sse2", "sse2" }, { "+neon", "neon" },
    };
    char *features = LLVMGetHostCPUFeatures();
    const char *machine = "sse2";

    for (int i = countof(known) - 1; i >= 0; i--)
        if (strstr(features, known[i].feature))
            machine = known[i].machine;
    LLVMDisposeMessage(features);
    return machine;
}

bool native_list_targets(Text *t)
{
    know_all_targets();
    text_line(t, "LLVM makes code for (--target=KIND-..., for example aarch64-linux-gnu):");
    for (LLVMTargetRef target = LLVMGetFirstTarget(); target; target = LLVMGetNextTarget(target)) {
        if (!LLVMTargetHasTargetMachine(target))
            continue;
        text_put(t, "  %s", LLVMGetTargetName(target));
        text_column(t, 16);
        text_put(t, "%s\n", LLVMGetTargetDescription(target));
    }
    return true;
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
