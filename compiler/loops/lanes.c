/* lanes.c: which loop the lanes of a vector can run over (lanes.h). */
#include "loops/lanes.h"

#include "loops/machine.h"

/* Sigmoids of 1 to 10 numbers behind a dense layer take 0.65 to 0.95 of the time with glibc's expf (gcc -O2 and -O3, clang -O3, SSE2 to AVX-512), of 12 as
 * much, of 16 in vectors made by gcc 1.5 times as much. */
enum { FEW = 12 };

int lane_step(const Tensor *t, const Affine *index, const Loop *lanes)
{
    int step = 0, last = tensor_last_axis(t);

    for (int i = 0; i < t->rank; i++)
        for (int j = 0; j < index[i].count; j++)
            if (index[i].term[j].loop == lanes)
                step = i == last && index[i].term[j].factor == 1 && step == 0 ? 1 : -1;
    return step;
}

static const char *obstacle_in_parts(const Unit *u, const Expr *e, const Loop *lanes);

/* NULL if the expression is made of operators that vectors have, on accesses that lanes can load. The emitters have exp, tanh,
 * erf and log1p of vectors in single precision alone (c_math.c, llvm_math.c). */
static const char *obstacle_in(const Unit *u, const Expr *e, const Loop *lanes)
{
    if (!e)
        return NULL;
    switch (e->op) {
    case OP_CONSTANT: case OP_TOTAL:
        return NULL;
    case OP_LOAD:
        return lane_step(e->tensor, e->index, lanes) >= 0 ? NULL : "what lanes would read does not lie side by side";
    case OP_INDEX:
        return indices_use(e->index, 1, lanes) ? "it computes with the number of the lane" : NULL;
    case OP_NEG: case OP_ABS: case OP_SQRT: case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_MAX: case OP_MIN: case OP_SELECT_GT:
    case OP_SELECT_EQ:
        return obstacle_in_parts(u, e, lanes);
    case OP_EXP: case OP_TANH: case OP_ERF: case OP_LOG1P:
        return u->options.real == REAL_FLOAT ? obstacle_in_parts(u, e, lanes) : "vectors have no such function in double precision";
    case OP_RANDOM:
        return "vectors have no random numbers";
    case OP_LOG:
        return "vectors have no such function";
    }
    return NULL;
}

static const char *obstacle_in_parts(const Unit *u, const Expr *e, const Loop *lanes)
{
    const Expr *part[] = { e->a, e->b, e->c, e->d };
    const char *obstacle = NULL;

    for (int i = 0; i < countof(part) && !obstacle; i++)
        obstacle = obstacle_in(u, part[i], lanes);
    return obstacle;
}

const char *lanes_obstacle(const Unit *u, const Nest *n, const Loop *lanes, int vector)
{
    int step = lane_step(n->dst, n->index, lanes);
    const char *obstacle = obstacle_in(u, n->value, lanes);

    if (lanes->extent % vector != 0)
        return "its rounds are no whole vectors";
    if (step < 0)
        return "what lanes would write does not lie side by side";
    if (!obstacle && step > 0)
        obstacle = obstacle_in(u, n->start, lanes);
    if (!obstacle && step > 0)
        obstacle = obstacle_in(u, n->finish, lanes);
    return obstacle;
}

bool nest_takes_exp_of_libm(const Unit *u, const Nest *n)
{
    int64_t numbers = 1;

    if (u->options.style != STYLE_FAST || u->options.real != REAL_FLOAT || u->options.strict || machine_lanes(u->options.machine, u->options.real) == 1)
        return false;
    for (int i = 0; i < n->loop_count; i++) {
        if (n->loops[i]->kind == LOOP_LANES)
            return false;
        numbers *= numbers < FEW ? n->loops[i]->extent : 1;
    }
    return numbers < FEW;
}
