/* llvm_math.c: exp and tanh of the fast style as functions of LLVM IR: what c_math.c writes, operation for operation, so that both files
 * give the same bits. They are inlined everywhere, and so become vectors where their callers do. */
#include "emit/llvm.h"

#include <string.h>

/* A function float name(float x) that is being made; the operations append to it. */
typedef struct Making {
    Module *m;
    LLVMValueRef function, x;
    Spot before;                    /* where the builder stood */
} Making;

static Making begin(Module *m, const char *name)
{
    Making f = { .m = m, .before = llvm_spot(m) };

    f.function = llvm_function(m, name, m->real, &m->real, 1, false);
    f.x = LLVMGetParam(f.function, 0);
    LLVMSetValueName2(f.x, "x", 1);
    llvm_attribute(m, f.function, LLVMAttributeFunctionIndex, "alwaysinline", 0);
    llvm_attribute(m, f.function, LLVMAttributeFunctionIndex, "nounwind", 0);
    llvm_attribute(m, f.function, LLVMAttributeFunctionIndex, "willreturn", 0);
    llvm_attribute(m, f.function, LLVMAttributeFunctionIndex, "memory", 0);
    return f;
}

static LLVMValueRef end(Making *f, LLVMValueRef result)
{
    LLVMBuildRet(f->m->at, result);
    llvm_go_on(f->m, f->before);
    return f->function;
}

static LLVMValueRef number(const Making *f, double value)
{
    return llvm_real(f->m, value);
}

static LLVMValueRef plus(const Making *f, LLVMValueRef a, LLVMValueRef b)
{
    return llvm_contracted(f->m, LLVMBuildFAdd(f->m->at, a, b, "sum"));
}

static LLVMValueRef minus(const Making *f, LLVMValueRef a, LLVMValueRef b)
{
    return llvm_contracted(f->m, LLVMBuildFSub(f->m->at, a, b, "difference"));
}

static LLVMValueRef times(const Making *f, LLVMValueRef a, LLVMValueRef b)
{
    return llvm_contracted(f->m, LLVMBuildFMul(f->m->at, a, b, "product"));
}

static LLVMValueRef negative(const Making *f, LLVMValueRef a)
{
    return LLVMBuildFNeg(f->m->at, a, "negative");
}

/* a relation b ? then : otherwise */
static LLVMValueRef where(const Making *f, LLVMValueRef a, LLVMRealPredicate relation, double b, LLVMValueRef then,
                          LLVMValueRef otherwise, const char *name)
{
    LLVMValueRef condition = LLVMBuildFCmp(f->m->at, relation, a, number(f, b), "is");
    return LLVMBuildSelect(f->m->at, condition, then, otherwise, name);
}

/* ((c[0] * z + c[1]) * z + ...) + c[count - 1] */
static LLVMValueRef polynomial(const Making *f, LLVMValueRef z, const double *c, int count)
{
    LLVMValueRef p = number(f, c[0]);

    for (int i = 1; i < count; i++)
        p = plus(f, times(f, p, z), number(f, c[i]));
    return p;
}

static LLVMValueRef make_exp(Module *m)
{
    static const double c[] = { 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1 };
    const double lowest = -86.6, highest = 88.72284, whole = 12582912;
    Making f = begin(m, "exp_lane");
    LLVMTypeRef integer = m->i32;

    LLVMValueRef low = where(&f, f.x, LLVMRealOLT, lowest, number(&f, lowest), f.x, "low");
    LLVMValueRef top = where(&f, low, LLVMRealOGT, highest, number(&f, highest), low, "top");
    LLVMValueRef n = minus(&f, plus(&f, times(&f, top, number(&f, 1.44269504)), number(&f, whole)), number(&f, whole));
    LLVMValueRef r = plus(&f, minus(&f, top, times(&f, n, number(&f, 0.693359375))), times(&f, n, number(&f, 2.12194440e-4)));
    LLVMValueRef p = polynomial(&f, r, c, countof(c));
    LLVMValueRef exponent = LLVMBuildAdd(m->at, LLVMBuildFPToSI(m->at, n, integer, "n"), llvm_int(integer, 126), "exponent");
    LLVMValueRef bits = LLVMBuildShl(m->at, exponent, llvm_int(integer, 23), "bits");
    LLVMValueRef half = LLVMBuildBitCast(m->at, bits, m->real, "half");             /* 2^(n-1) */
    LLVMValueRef y = plus(&f, plus(&f, times(&f, times(&f, p, r), r), r), number(&f, 1));
    y = times(&f, times(&f, y, half), number(&f, 2));
    LLVMValueRef ordered = LLVMBuildFCmp(m->at, LLVMRealOEQ, f.x, f.x, "ordered");
    y = LLVMBuildSelect(m->at, ordered, y, f.x, "exp");
    y = where(&f, f.x, LLVMRealOLT, lowest, number(&f, 0), y, "exp");
    return end(&f, where(&f, f.x, LLVMRealOGT, highest, times(&f, f.x, number(&f, 3.0e38)), y, "exp"));
}

static LLVMValueRef make_tanh(Module *m)
{
    static const double c[] = { -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1 };
    LLVMValueRef exp = llvm_math(m, OP_EXP);
    Making f = begin(m, "tanh_lane");

    LLVMValueRef size = where(&f, f.x, LLVMRealOLT, 0, negative(&f, f.x), f.x, "size"), z = times(&f, f.x, f.x);
    LLVMValueRef p = plus(&f, times(&f, times(&f, polynomial(&f, z, c, countof(c)), z), f.x), f.x);
    LLVMValueRef twice = times(&f, number(&f, 2), size);
    LLVMValueRef above = plus(&f, llvm_call(m, exp, &twice, 1), number(&f, 1));
    LLVMValueRef far = minus(&f, number(&f, 1), LLVMBuildFDiv(m->at, number(&f, 2), above, "quotient"));
    far = where(&f, f.x, LLVMRealOLT, 0, negative(&f, far), far, "far");
    return end(&f, where(&f, size, LLVMRealOLT, 0.625, p, far, "tanh"));
}

/* A function of the system's math library. */
static LLVMValueRef library(Module *m, const char *name)
{
    LLVMValueRef function = LLVMAddFunction(m->module, name, LLVMFunctionType(m->real, &m->real, 1, false));

    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "nounwind", 0);
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "willreturn", 0);
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "memory", 0);       /* none: errno is of no use to anybody */
    return function;
}

LLVMValueRef llvm_math(Module *m, Op op)
{
    const char *name = c_function_in(m->plan, op);
    LLVMValueRef function = LLVMGetNamedFunction(m->module, name);

    if (function)
        return function;
    if (strcmp(name, c_function_of(op, m->u->options.real)) == 0)
        return library(m, name);
    return op == OP_EXP ? make_exp(m) : make_tanh(m);
}
