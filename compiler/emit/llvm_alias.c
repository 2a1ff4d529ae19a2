/* llvm_alias.c: what is true of the arguments of a nest's function in all of its calls (llvm.h).
 *
 * The blocks of memory that a caller hands over (weights, scratch, x, y, ...) are apart from each other. Two tensors of one block
 * may overlap: the memory plan lets a result take the place of an operand, element by element. */
#include "emit/llvm.h"

/* Reals [from, to) of a block; a block is a role, and for constants and params a tensor. */
typedef struct Range {
    Role role;
    const void *of;
    int64_t from, to;
} Range;

static Range range_of(const Tensor *t)
{
    const Tensor *base = tensor_base((Tensor *)t);
    bool placed = base->role == ROLE_SCRATCH || base->role == ROLE_SHARED;
    const void *of = placed ? NULL : base->role == ROLE_CONSTANT ? (const void *)base->constant : (const void *)base->param;
    int64_t from = placed ? base->offset : 0;

    return (Range){ base->role, of, from, from + tensor_count(base) };
}

static bool overlap(const Tensor *a, const Tensor *b)
{
    Range x = range_of(a), y = range_of(b);

    return x.role == y.role && x.of == y.of && x.from < y.to && y.from < x.to;
}

/* Of scratch the contract promises more to the runtime's calls, but who calls the functions of the header may have any array of reals. */
static unsigned align_of(const Module *m, const Tensor *t)
{
    return range_of(t).role == ROLE_CONSTANT ? LLVM_CONSTANT_ALIGN : m->real_bytes;
}

/* Takes account of one call. */
static void see_call(Module *m, const Nest *n)
{
    const Scope *s = c_scope(m->plan, n);
    const Function *function = function_of(m->plan->functions, n);
    void **known = map_at(m->arguments, &function, sizeof function);
    Argument *arguments = *known;

    if (!arguments) {
        *known = arguments = arena_array(m->u->arena, (size_t)s->tensors.count + 1, sizeof *arguments);
        for (int i = 0; i < s->tensors.count; i++)
            arguments[i] = (Argument){ LLVM_CONSTANT_ALIGN, true };
    }
    for (int i = 0; i < s->tensors.count; i++) {
        unsigned align = align_of(m, s->tensors.at[i]);
        if (align < arguments[i].align)
            arguments[i].align = align;
        if (i > 0 && overlap(s->tensors.at[0], s->tensors.at[i]))
            arguments[0].apart = arguments[i].apart = false;
    }
}

void llvm_see_calls(Module *m)
{
    const Programs *programs = &m->plan->programs;

    for (int i = 0; i < programs->count; i++)
        for (int j = 0; j < programs->at[i]->nests.count; j++)
            see_call(m, programs->at[i]->nests.at[j]);
}

const Argument *llvm_arguments(const Module *m, const Function *function)
{
    return *map_at(m->arguments, &function, sizeof function);
}
