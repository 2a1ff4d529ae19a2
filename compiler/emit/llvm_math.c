/* llvm_math.c: the functions of a number that the file brings itself, as LLVM IR: exp, tanh, erf and log1p of the fast style (c_math.c) and those of
 * --strict (c_same.c), operation for operation what the C file has, so that both give the same bits. Those of the fast style are functions of
 * vectors as well, by the same lines, and are inlined. */
#include "emit/llvm.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A function that is being made; the operations append to it. Its parameters are one number, or a few of double. */
typedef struct Making {
    Module *m;
    LLVMTypeRef type;               /* of the numbers, or vectors of them, that operations are on */
    LLVMValueRef function, x;       /* x: the last parameter */
    Spot before;                    /* where the builder stood */
} Making;

static Making begin(Module *m, const char *name, LLVMTypeRef type, int parameters)
{
    Making f = { .m = m, .type = type, .before = llvm_spot(m) };
    LLVMTypeRef types[] = { type, type };

    f.function = llvm_function(m, name, type, types, parameters, false);
    f.x = LLVMGetParam(f.function, (unsigned)parameters - 1);
    LLVMSetValueName2(f.x, "x", 1);
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

static bool is_vector(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind;
}

/* The constant in every lane if `type` is a vector. */
static LLVMValueRef in_each(const Making *f, LLVMTypeRef type, LLVMValueRef one)
{
    LLVMValueRef *all = arena_array(f->m->u->arena, is_vector(type) ? LLVMGetVectorSize(type) : 1, sizeof *all);

    for (unsigned i = 0; is_vector(type) && i < LLVMGetVectorSize(type); i++)
        all[i] = one;
    return is_vector(type) ? LLVMConstVector(all, LLVMGetVectorSize(type)) : one;
}

static LLVMValueRef number(const Making *f, double value)
{
    LLVMTypeRef one = is_vector(f->type) ? LLVMGetElementType(f->type) : f->type;

    return in_each(f, f->type, LLVMConstReal(one, LLVMGetTypeKind(one) == LLVMFloatTypeKind ? (double)(float)value : value));
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

/* The same, in pairs c[i] * x + c[i + 1] that do not wait for one another; square: x * x. */
static LLVMValueRef polynomial_by_pairs(const Making *f, LLVMValueRef x, LLVMValueRef square, const double *c, int count)
{
    int first = count % 2 ? 1 : 2;
    LLVMValueRef p = first == 1 ? number(f, c[0]) : plus(f, times(f, number(f, c[0]), x), number(f, c[1]));

    for (int i = first; i < count; i += 2)
        p = plus(f, times(f, p, square), plus(f, times(f, number(f, c[i]), x), number(f, c[i + 1])));
    return p;
}

/* ---- the fast style: of one number, or of each lane of a vector */

static Making begin_lane(Module *m, const char *name, LLVMTypeRef type)
{
    Making f = begin(m, name, type, 1);

    llvm_attribute(m, f.function, LLVMAttributeFunctionIndex, "alwaysinline", 0);
    return f;
}

/* The type of the bits of the numbers. */
static LLVMTypeRef integers(const Making *f)
{
    return is_vector(f->type) ? LLVMVectorType(f->m->i32, LLVMGetVectorSize(f->type)) : f->m->i32;
}

static LLVMValueRef integer(const Making *f, int32_t value)
{
    return in_each(f, integers(f), llvm_int(f->m->i32, value));
}

static LLVMValueRef bits_of(const Making *f, LLVMValueRef x)
{
    return LLVMBuildBitCast(f->m->at, x, integers(f), "bits");
}

static LLVMValueRef number_of(const Making *f, LLVMValueRef bits)
{
    return LLVMBuildBitCast(f->m->at, bits, f->type, "number");
}

static LLVMValueRef make_exp_lane(Module *m, const char *name, LLVMTypeRef type)
{
    static const double c[] = { 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1 };
    const double lowest = -86.6, highest = 89, no_fraction = 12582912;
    Making f = begin_lane(m, name, type);

    LLVMValueRef top = where(&f, f.x, LLVMRealOGT, highest, number(&f, highest), f.x, "top");
    LLVMValueRef whole = plus(&f, times(&f, top, number(&f, 1.44269504)), number(&f, no_fraction));
    LLVMValueRef n = minus(&f, whole, number(&f, no_fraction));
    LLVMValueRef r = plus(&f, minus(&f, top, times(&f, n, number(&f, 0.693359375))), times(&f, n, number(&f, 2.12194440e-4)));
    LLVMValueRef z = times(&f, r, r), p = polynomial_by_pairs(&f, r, z, c, countof(c));
    LLVMValueRef exponent = LLVMBuildAdd(m->at, bits_of(&f, whole), integer(&f, 126), "exponent");
    LLVMValueRef bits = LLVMBuildShl(m->at, exponent, integer(&f, 23), "bits");
    LLVMValueRef half = number_of(&f, bits);                /* 2^(n-1) */
    LLVMValueRef y = plus(&f, plus(&f, times(&f, p, z), r), number(&f, 1));
    y = times(&f, times(&f, y, half), number(&f, 2));
    return end(&f, where(&f, f.x, LLVMRealOLT, lowest, number(&f, 0), y, "exp"));
}

/* The function of the fast style for numbers of this type, made when first asked for. */
static LLVMValueRef lane(Module *m, const char *name, LLVMTypeRef type, LLVMValueRef (*make)(Module *m, const char *name, LLVMTypeRef type))
{
    if (is_vector(type))
        name = arena_print(m->u->arena, "%ss%u", name, LLVMGetVectorSize(type));
    LLVMValueRef made = LLVMGetNamedFunction(m->module, name);
    return made ? made : make(m, name, type);
}

static LLVMValueRef size_of_x(const Making *f)
{
    return number_of(f, LLVMBuildAnd(f->m->at, bits_of(f, f->x), integer(f, INT32_MAX), "bits"));
}

/* Of a number that is not negative. */
static LLVMValueRef with_sign_of_x(const Making *f, LLVMValueRef size)
{
    LLVMValueRef sign = LLVMBuildAnd(f->m->at, bits_of(f, f->x), integer(f, INT32_MIN), "sign");
    return number_of(f, LLVMBuildOr(f->m->at, bits_of(f, size), sign, "bits"));
}

static LLVMValueRef make_tanh_lane(Module *m, const char *name, LLVMTypeRef type)
{
    static const double c[] = { -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1 };
    LLVMValueRef exp = lane(m, "exp_lane", type, make_exp_lane);
    Making f = begin_lane(m, name, type);

    LLVMValueRef size = size_of_x(&f), z = times(&f, f.x, f.x);
    LLVMValueRef p = plus(&f, times(&f, times(&f, polynomial(&f, z, c, countof(c)), z), f.x), f.x);
    LLVMValueRef twice = times(&f, number(&f, 2), size);
    LLVMValueRef above = plus(&f, llvm_call(m, exp, &twice, 1), number(&f, 1));
    LLVMValueRef far = minus(&f, number(&f, 1), LLVMBuildFDiv(m->at, number(&f, 2), above, "quotient"));
    return end(&f, where(&f, size, LLVMRealOLT, 0.625, p, with_sign_of_x(&f, far), "tanh"));
}

static LLVMValueRef make_erf_lane(Module *m, const char *name, LLVMTypeRef type)
{
    static const double near[] = { 7.96431341e-5, -8.04384821e-4, 5.19203208e-3, -2.68556383e-2, 1.12836249e-1, -3.76126289e-1, 1.28379166e-1 };
    static const double c[] = { 2.14423693e-4, -3.21855233e-3, 2.29014456e-2, -1.05279684e-1, -6.35704815e-1, -1.12851834 };
    LLVMValueRef exp = lane(m, "exp_lane", type, make_exp_lane);
    Making f = begin_lane(m, name, type);

    LLVMValueRef size = size_of_x(&f), z = times(&f, f.x, f.x);
    LLVMValueRef p = plus(&f, times(&f, polynomial(&f, z, near, countof(near)), f.x), f.x);
    LLVMValueRef top = where(&f, size, LLVMRealOGT, 4, number(&f, 4), size, "top");
    LLVMValueRef q = times(&f, polynomial(&f, top, c, countof(c)), top);
    LLVMValueRef far = minus(&f, number(&f, 1), llvm_call(m, exp, &q, 1));
    return end(&f, where(&f, size, LLVMRealOLT, 0.90625, p, with_sign_of_x(&f, far), "erf"));
}

static LLVMValueRef make_log1p_lane(Module *m, const char *name, LLVMTypeRef type)
{
    static const double c[] = { -4.51522693e-2, 1.0472551e-1, -1.31639361e-1, 1.447763e-1, -1.66468784e-1, 1.9990848e-1, -2.50001103e-1,
                                3.33334506e-1, -0.5 };
    Making f = begin_lane(m, name, type);

    LLVMValueRef above = plus(&f, number(&f, 1), f.x);
    LLVMValueRef e = LLVMBuildAdd(m->at, bits_of(&f, above), integer(&f, 0x400000), "bits");
    e = LLVMBuildLShr(m->at, e, integer(&f, 23), "exponent");
    LLVMValueRef n = minus(&f, number_of(&f, LLVMBuildAdd(m->at, e, integer(&f, 0x4b000000), "bits")), number(&f, 8388735));
    LLVMValueRef power = LLVMBuildShl(m->at, LLVMBuildSub(m->at, integer(&f, 256), e, "exponent"), integer(&f, 23), "bits");
    LLVMValueRef s = times(&f, number_of(&f, power), number(&f, 0.25));
    LLVMValueRef r = plus(&f, times(&f, f.x, s), minus(&f, s, number(&f, 1)));
    LLVMValueRef z = times(&f, r, r), p = polynomial_by_pairs(&f, r, z, c, countof(c));
    LLVMValueRef y = plus(&f, times(&f, n, number(&f, 6.93147182e-1)), plus(&f, times(&f, p, z), r));
    LLVMValueRef low = where(&f, f.x, LLVMRealOLT, -1, number(&f, NAN), number(&f, -INFINITY), "low");
    y = where(&f, f.x, LLVMRealOLE, -1, low, y, "y");
    return end(&f, where(&f, f.x, LLVMRealOGT, FLT_MAX, f.x, y, "log1p"));
}

LLVMValueRef llvm_math_of(Module *m, Op op, LLVMTypeRef type)
{
    static const struct { const char *name; LLVMValueRef (*make)(Module *m, const char *name, LLVMTypeRef type); } all[] = {
        { "exp_lane", make_exp_lane }, { "tanh_lane", make_tanh_lane }, { "erf_lane", make_erf_lane }, { "log1p_lane", make_log1p_lane },
    };
    const char *name = c_function_in(m->plan, op);

    for (int i = 0; i < countof(all); i++)
        if (strcmp(name, all[i].name) == 0)
            return lane(m, name, type, all[i].make);
    return NULL;
}

/* ---- --strict */

/* What stands behind the last operation is in double, or a float again. */
static LLVMValueRef wide(Making *f, LLVMValueRef x)
{
    f->type = LLVMDoubleTypeInContext(f->m->context);
    return LLVMBuildFPExt(f->m->at, x, f->type, "wide");
}

static LLVMValueRef narrow(Making *f, LLVMValueRef x)
{
    f->type = f->m->real;
    return LLVMBuildFPTrunc(f->m->at, x, f->type, "narrow");
}

static LLVMValueRef over(const Making *f, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFDiv(f->m->at, a, b, "quotient");
}

/* A function of double that several need, made when first asked for. */
static LLVMValueRef helper(Module *m, const char *name, LLVMValueRef (*make)(Module *m))
{
    LLVMValueRef made = LLVMGetNamedFunction(m->module, name);
    return made ? made : make(m);
}

/* double exp_less(double c, double x) */
static LLVMValueRef make_exp_less(Module *m)
{
    const double whole = 6755399441055744.0;
    Making f = begin(m, "exp_less", LLVMDoubleTypeInContext(m->context), 2);
    LLVMValueRef c = LLVMGetParam(f.function, 0), sum = number(&f, 1);

    LLVMValueRef n = minus(&f, plus(&f, times(&f, f.x, number(&f, 1.4426950408889634)), number(&f, whole)), number(&f, whole));
    LLVMValueRef r = minus(&f, f.x, times(&f, n, number(&f, 0.6931471805599453)));
    LLVMValueRef exponent = LLVMBuildAdd(m->at, LLVMBuildFPToSI(m->at, n, m->i64, "n"), llvm_int(m->i64, 1023), "exponent");
    LLVMValueRef power = LLVMBuildBitCast(m->at, LLVMBuildShl(m->at, exponent, llvm_int(m->i64, 52), "bits"), f.type, "power");
    for (int k = 13; k > 1; k--)
        sum = plus(&f, number(&f, 1), times(&f, times(&f, sum, r), number(&f, 1.0 / k)));
    return end(&f, plus(&f, times(&f, power, times(&f, r, sum)), minus(&f, power, c)));
}

static LLVMValueRef exp_less(Making *f, double c, LLVMValueRef x)
{
    LLVMValueRef function = helper(f->m, "exp_less", make_exp_less), arguments[] = { number(f, c), x };
    return llvm_call(f->m, function, arguments, 2);
}

/* double log_of(double x) */
static LLVMValueRef make_log_of(Module *m)
{
    const double root = 1.4142135623730951;
    Making f = begin(m, "log_of", LLVMDoubleTypeInContext(m->context), 1);
    LLVMValueRef bits = LLVMBuildBitCast(m->at, f.x, m->i64, "bits"), sum = number(&f, 1.0 / 21);

    LLVMValueRef e = LLVMBuildSub(m->at, LLVMBuildAShr(m->at, bits, llvm_int(m->i64, 52), "exponent"), llvm_int(m->i64, 1023), "e");
    bits = LLVMBuildAnd(m->at, bits, llvm_int(m->i64, 0xfffffffffffff), "fraction");
    bits = LLVMBuildOr(m->at, bits, llvm_int(m->i64, 0x3ff0000000000000), "bits");
    LLVMValueRef x = LLVMBuildBitCast(m->at, bits, f.type, "m");
    LLVMValueRef large = LLVMBuildFCmp(m->at, LLVMRealOGT, x, number(&f, root), "large");
    e = LLVMBuildAdd(m->at, e, LLVMBuildZExt(m->at, large, m->i64, "one"), "e");
    x = LLVMBuildSelect(m->at, large, times(&f, x, number(&f, 0.5)), x, "m");
    LLVMValueRef s = over(&f, minus(&f, x, number(&f, 1)), plus(&f, x, number(&f, 1))), z = times(&f, s, s);
    for (int k = 19; k > 0; k -= 2)
        sum = plus(&f, number(&f, 1.0 / k), times(&f, sum, z));
    LLVMValueRef power = times(&f, LLVMBuildSIToFP(m->at, e, f.type, "power"), number(&f, 0.6931471805599453));
    return end(&f, plus(&f, power, times(&f, times(&f, number(&f, 2), s), sum)));
}

/* x > most ? most : x > -most ? x : least, in double */
static LLVMValueRef within(Making *f, double most, double least)
{
    LLVMValueRef above = LLVMBuildFCmp(f->m->at, LLVMRealOGT, f->x, number(f, least), "above");
    LLVMValueRef beyond = LLVMBuildFCmp(f->m->at, LLVMRealOGT, f->x, number(f, most), "beyond");
    LLVMValueRef x = wide(f, f->x);

    return LLVMBuildSelect(f->m->at, beyond, number(f, most), LLVMBuildSelect(f->m->at, above, x, number(f, least), "y"), "y");
}

/* x == x ? result : x */
static LLVMValueRef end_unless_nan(Making *f, LLVMValueRef result)
{
    LLVMValueRef ordered = LLVMBuildFCmp(f->m->at, LLVMRealOEQ, f->x, f->x, "ordered");
    return end(f, LLVMBuildSelect(f->m->at, ordered, narrow(f, result), f->x, "result"));
}

static LLVMValueRef make_same_exp(Module *m)
{
    Making f = begin(m, "same_exp", m->real, 1);
    LLVMValueRef y = within(&f, 89, -104);

    return end_unless_nan(&f, exp_less(&f, 0, y));
}

static LLVMValueRef make_same_tanh(Module *m)
{
    Making f = begin(m, "same_tanh", m->real, 1);
    LLVMValueRef y = within(&f, 10, -10), t = exp_less(&f, 1, times(&f, number(&f, 2), y));

    return end_unless_nan(&f, over(&f, t, plus(&f, t, number(&f, 2))));
}

static LLVMValueRef make_same_erf(Module *m)
{
    Making f = begin(m, "same_erf", m->real, 1);
    LLVMValueRef y = within(&f, 4, -4), square = times(&f, y, y), term = y, sum = y;

    for (int k = 3; k < 103; k += 2) {
        term = times(&f, times(&f, term, square), number(&f, 2.0 / k));
        sum = plus(&f, sum, term);
    }
    LLVMValueRef bell = exp_less(&f, 0, negative(&f, square));
    return end_unless_nan(&f, times(&f, times(&f, number(&f, 1.1283791670955126), bell), sum));
}

/* low < x <= the largest float */
static LLVMValueRef is_inside(const Making *f, double low)
{
    LLVMValueRef above = LLVMBuildFCmp(f->m->at, LLVMRealOGT, f->x, number(f, low), "above");
    LLVMValueRef finite = LLVMBuildFCmp(f->m->at, LLVMRealOLE, f->x, number(f, 3.40282347e38), "finite");

    return LLVMBuildAnd(f->m->at, above, finite, "inside");
}

/* -infinity at `low`, x above it, not a number below it. */
static LLVMValueRef log_outside(const Making *f, double low)
{
    LLVMValueRef zero = low == 0 ? f->x : plus(f, f->x, number(f, -low));
    LLVMValueRef pole = over(f, number(f, -1), times(f, zero, zero)), none = minus(f, f->x, f->x);

    return where(f, f->x, LLVMRealOEQ, low, pole, where(f, f->x, LLVMRealOGT, 0, f->x, over(f, none, none), "outside"), "outside");
}

static LLVMValueRef make_same_log(Module *m)
{
    Making f = begin(m, "same_log", m->real, 1);
    LLVMValueRef inside = is_inside(&f, 0), outside = log_outside(&f, 0), x = wide(&f, f.x);

    x = LLVMBuildSelect(m->at, inside, x, number(&f, 1), "y");
    LLVMValueRef log = llvm_call(m, helper(m, "log_of", make_log_of), &x, 1);
    return end(&f, LLVMBuildSelect(m->at, inside, narrow(&f, log), outside, "result"));
}

static LLVMValueRef make_same_log1p(Module *m)
{
    Making f = begin(m, "same_log1p", m->real, 1);
    LLVMValueRef inside = is_inside(&f, -1), outside = log_outside(&f, -1), x = wide(&f, f.x);

    LLVMValueRef above = plus(&f, number(&f, 1), LLVMBuildSelect(m->at, inside, x, number(&f, 0), "y"));
    LLVMValueRef step = minus(&f, above, number(&f, 1));
    LLVMValueRef log = times(&f, llvm_call(m, helper(m, "log_of", make_log_of), &above, 1), over(&f, x, step));
    log = where(&f, step, LLVMRealOEQ, 0, x, log, "log");
    return end(&f, LLVMBuildSelect(m->at, inside, narrow(&f, log), outside, "result"));
}

/* ---- which function an operation calls */

/* A function of the system's math library. */
LLVMValueRef llvm_library(Module *m, const char *name)
{
    LLVMValueRef function = LLVMGetNamedFunction(m->module, name);

    if (function)
        return function;
    function = LLVMAddFunction(m->module, name, LLVMFunctionType(m->real, &m->real, 1, false));
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "nounwind", 0);
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "willreturn", 0);
    llvm_attribute(m, function, LLVMAttributeFunctionIndex, "memory", 0);       /* none: errno is of no use to anybody */
    return function;
}

LLVMValueRef llvm_math(Module *m, Op op)
{
    static const struct { const char *name; LLVMValueRef (*make)(Module *m); } own[] = {
        { "same_exp", make_same_exp }, { "same_tanh", make_same_tanh }, { "same_log", make_same_log }, { "same_log1p", make_same_log1p },
        { "same_erf", make_same_erf },
    };
    const char *name = c_function_in(m->plan, op);
    LLVMValueRef function = llvm_math_of(m, op, m->real);

    if (!function)
        function = LLVMGetNamedFunction(m->module, name);
    for (int i = 0; !function && i < countof(own); i++)
        if (strcmp(name, own[i].name) == 0)
            function = own[i].make(m);
    return function ? function : llvm_library(m, name);
}
