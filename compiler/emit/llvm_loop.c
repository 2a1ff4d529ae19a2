/* llvm_loop.c: loops, with what they carry round in registers (llvm.h).
 *
 *     each.co:
 *       %co = phi i64 [ 0, %before ], [ %co.next, %... ]
 *       %sum = phi float [ ... ]                            for every total that is held
 *       ...
 *       %co.next = add nuw nsw i64 %co, 1
 *       %co.done = icmp eq i64 %co.next, 8
 *       br i1 %co.done, label %after.co, label %each.co
 *
 * No loop of a nest is empty, trimmed or not, so the test stands at the end. */
#include "emit/llvm.h"

#include <llvm-c/DebugInfo.h>

#include <string.h>

LLVMValueRef llvm_loop_begin(Code *c, OpenLoop *l, const char *name, int64_t extent)
{
    return llvm_loop_between(c, l, name, llvm_int(c->m->size, 0), llvm_int(c->m->size, extent));
}

/* The larger or the smaller of an index and a limit. */
static LLVMValueRef bound(Code *c, const Affine *a, LLVMIntPredicate relation, int64_t limit)
{
    LLVMValueRef index = llvm_affine(c, a), end = llvm_int(c->m->size, limit);
    return LLVMBuildSelect(c->m->at, LLVMBuildICmp(c->m->at, relation, index, end, "beyond"), index, end, "bound");
}

LLVMValueRef llvm_loop_between(Code *c, OpenLoop *l, const char *name, LLVMValueRef from, LLVMValueRef to)
{
    Module *m = c->m;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(m->at);

    *l = (OpenLoop){ .name = name, .end = to };
    l->body = LLVMAppendBasicBlockInContext(m->context, c->function, arena_print(m->u->arena, "each.%s", name));
    l->carried = arena_array(m->u->arena, (size_t)c->held_count + 1, sizeof *l->carried);
    LLVMBuildBr(m->at, l->body);
    LLVMPositionBuilderAtEnd(m->at, l->body);
    l->variable = LLVMBuildPhi(m->at, m->size, name);
    LLVMAddIncoming(l->variable, &from, &before, 1);
    for (int i = 0; i < c->held_count; i++) {
        l->carried[i] = LLVMBuildPhi(m->at, LLVMTypeOf(c->held[i]), c->s->total);
        LLVMAddIncoming(l->carried[i], &c->held[i], &before, 1);
        c->held[i] = l->carried[i];
    }
    return l->variable;
}

/* "llvm.loop.unroll.disable" or another property, of the loop that the branch ends. */
static void tell_loop(Module *m, LLVMValueRef branch, const char *property)
{
    LLVMMetadataRef name = LLVMMDStringInContext2(m->context, property, strlen(property)), itself = LLVMTemporaryMDNode(m->context, NULL, 0);
    LLVMMetadataRef node = LLVMMDNodeInContext2(m->context, (LLVMMetadataRef[]){ itself, LLVMMDNodeInContext2(m->context, &name, 1) }, 2);

    LLVMMetadataReplaceAllUsesWith(itself, node);               /* a loop is told by a node that names itself */
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(m->context, "llvm.loop", 9), LLVMMetadataAsValue(m->context, node));
}

void llvm_loop_end(Code *c, OpenLoop *l)
{
    Module *m = c->m;
    LLVMBasicBlockRef last = LLVMGetInsertBlock(m->at);
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(m->context, c->function, arena_print(m->u->arena, "after.%s", l->name));
    LLVMValueRef next = LLVMBuildNUWAdd(m->at, l->variable, llvm_int(m->size, 1), arena_print(m->u->arena, "%s.next", l->name));

#if CNNC_LLVM >= 17
    LLVMSetNSW(next, true);
#endif
    LLVMAddIncoming(l->variable, &next, &last, 1);
    for (int i = 0; i < c->held_count; i++)
        LLVMAddIncoming(l->carried[i], &c->held[i], &last, 1);
    LLVMValueRef done = LLVMBuildICmp(m->at, LLVMIntEQ, next, l->end, arena_print(m->u->arena, "%s.done", l->name));
    LLVMValueRef branch = LLVMBuildCondBr(m->at, done, after, l->body);
    /* A loop that does nothing but clear stays one: LLVM writes out what LeNet's borders take, and merges those stores in the square of their number
     * (0.7 s for 224 of them). */
    if (c->nest && c->nest->value->op == OP_CONSTANT)
        tell_loop(m, branch, "llvm.loop.unroll.disable");
    if (l->written_out)
        tell_loop(m, branch, "llvm.loop.unroll.full");
    LLVMPositionBuilderAtEnd(m->at, after);
}

void llvm_loops(Code *c, int from, int to, Inside *inside)
{
    if (from == to) {
        inside(c);
        return;
    }
    const Loop *l = c->nest->loops[from];
    if (from < nest_step_loops(c->nest)) {  /* a parameter */
        c->loop[from] = c->round[from];
        llvm_loops(c, from + 1, to, inside);
        return;
    }
    if (l->kind == LOOP_UNROLL) {
        for (c->bound[from] = 0; c->bound[from] < l->extent; c->bound[from]++)
            llvm_loops(c, from + 1, to, inside);
        c->bound[from] = -1;
        return;
    }
    OpenLoop open;
    if (l->trimmed)
        c->loop[from] = llvm_loop_between(c, &open, scope_name(c->s, l), bound(c, &l->from, LLVMIntSGT, 0), bound(c, &l->to, LLVMIntSLT, l->extent));
    else
        c->loop[from] = llvm_loop_begin(c, &open, scope_name(c->s, l), l->extent);
    open.written_out = l == c->unrolled;
    llvm_loops(c, from + 1, to, inside);
    llvm_loop_end(c, &open);
}
