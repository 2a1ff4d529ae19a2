/* print.c: the one text dump of nests, for people, lessons and golden tests. */
#include "loops/loops.h"

#include <math.h>

void affine_print(const Affine *a, Text *t)
{
    bool some = false;

    for (int i = 0; i < a->count; i++) {
        int64_t factor = a->term[i].factor;
        text_put(t, "%s", factor < 0 ? (some ? " - " : "-") : some ? " + " : "");
        if (factor != 1 && factor != -1)
            text_put(t, "%lld*", (long long)(factor < 0 ? -factor : factor));
        text_put(t, "%s", a->term[i].loop->name);
        some = true;
    }
    if (!some)
        text_put(t, "%lld", (long long)a->offset);
    else if (a->offset)
        text_put(t, " %c %lld", a->offset < 0 ? '-' : '+', (long long)(a->offset < 0 ? -a->offset : a->offset));
}

static void access_print(const Nest *n, const Tensor *tensor, const Affine *index, Text *t)
{
    text_put(t, "%s", nest_symbol(NULL, n, tensor));
    for (int i = 0; i < tensor->rank; i++) {
        text_put(t, "[");
        affine_print(&index[i], t);
        text_put(t, "]");
    }
}

static void number_print(double x, Text *t)
{
    if (isinf(x))
        text_put(t, x < 0 ? "-infinity" : "infinity");
    else
        text_put(t, "%.9g", x);
}

/* How tightly a node binds: a child that binds less tightly than its parent asks for stands in parentheses. */
static int binding(const Expr *e)
{
    switch (e->op) {
    case OP_SELECT_GT: case OP_SELECT_EQ:
        return 1;
    case OP_ADD: case OP_SUB:
        return 2;
    case OP_MUL: case OP_DIV:
        return 3;
    case OP_NEG:
        return 4;
    case OP_CONSTANT:
        return e->number < 0 ? 4 : 5;
    case OP_INDEX:
        return e->index[0].count + (e->index[0].offset != 0) > 1 ? 2 : 3;
    case OP_LOAD: case OP_TOTAL: case OP_RANDOM: case OP_ABS: case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_SQRT:
    case OP_TANH: case OP_ERF: case OP_MAX: case OP_MIN:
        return 5;
    }
    return 5;
}

static void print_at(const Nest *n, const Expr *e, int least, Text *t)
{
    static const char *const function[] = {
        [OP_ABS] = "abs", [OP_EXP] = "exp", [OP_LOG] = "log", [OP_LOG1P] = "log1p", [OP_SQRT] = "sqrt", [OP_TANH] = "tanh",
        [OP_ERF] = "erf", [OP_MAX] = "max", [OP_MIN] = "min",
    };
    static const char *const sign[] = { [OP_ADD] = " + ", [OP_SUB] = " - ", [OP_MUL] = " * ", [OP_DIV] = " / " };
    int own = binding(e);

    if (own < least)
        text_put(t, "(");
    switch (e->op) {
    case OP_CONSTANT:
        number_print(e->number, t);
        break;
    case OP_LOAD:
        access_print(n, e->tensor, e->index, t);
        break;
    case OP_INDEX:
        affine_print(&e->index[0], t);
        break;
    case OP_TOTAL:
        text_put(t, "total");
        break;
    case OP_RANDOM:
        text_put(t, "uniform(%g, ", e->number);
        affine_print(&e->index[0], t);
        text_put(t, ", ");
        affine_print(&e->index[1], t);
        text_put(t, ")");
        break;
    case OP_NEG:
        text_put(t, "-");
        print_at(n, e->a, 4, t);
        break;
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV:
        print_at(n, e->a, own, t);
        text_put(t, "%s", sign[e->op]);
        print_at(n, e->b, own + (e->op == OP_SUB || e->op == OP_DIV || e->b->op == OP_DIV), t);
        break;
    case OP_ABS: case OP_EXP: case OP_LOG: case OP_LOG1P: case OP_SQRT: case OP_TANH: case OP_ERF: case OP_MAX: case OP_MIN:
        text_put(t, "%s(", function[e->op]);
        print_at(n, e->a, 0, t);
        if (e->b) {
            text_put(t, ", ");
            print_at(n, e->b, 0, t);
        }
        text_put(t, ")");
        break;
    case OP_SELECT_GT: case OP_SELECT_EQ:
        print_at(n, e->a, 2, t);
        text_put(t, "%s", e->op == OP_SELECT_GT ? " > " : " == ");
        print_at(n, e->b, 2, t);
        text_put(t, " ? ");
        print_at(n, e->c, 1, t);
        text_put(t, " : ");
        print_at(n, e->d, 1, t);
        break;
    }
    if (own < least)
        text_put(t, ")");
}

void expr_print(const Nest *n, const Expr *e, Text *t)
{
    print_at(n, e, 0, t);
}

void nest_print(const Nest *n, Text *t)
{
    static const char *const put[] = { [PUT_SET] = "=", [PUT_ADD] = "+=", [PUT_MAX] = "max=", [PUT_MIN] = "min=" };

    text_indent(t);
    text_put(t, "%s:", n->name);
    for (int i = 0; i < n->loop_count; i++) {
        const Loop *l = n->loops[i];
        text_put(t, "%s %s %lld%s", i ? "," : " for", l->name, (long long)l->extent,
                 l->kind == LOOP_UNROLL ? " unrolled" : l->kind == LOOP_TURN ? " turned" : i < nest_step_loops(n) ? " by the step" : "");
        if (l->trimmed) {
            text_put(t, " from ");
            affine_print(&l->from, t);
            text_put(t, " to ");
            affine_print(&l->to, t);
        }
    }
    text_put(t, "\n");
    t->depth++;
    if (n->fill) {
        text_indent(t);
        text_put(t, "fill %s with ", nest_symbol(NULL, n, n->dst));
        expr_print(n, n->fill, t);
        text_put(t, "\n");
    }
    text_indent(t);
    access_print(n, n->dst, n->index, t);
    text_put(t, " %s ", put[n->put]);
    expr_print(n, n->value, t);
    if (n->start) {
        text_put(t, "   from ");
        expr_print(n, n->start, t);
    }
    if (n->finish) {
        text_put(t, "   then ");
        expr_print(n, n->finish, t);
    }
    text_put(t, "\n");
    t->depth--;
}

static const char *role_name(Role role)
{
    switch (role) {
    case ROLE_INPUT:          return "input";
    case ROLE_TARGET:         return "target";
    case ROLE_SHARE:          return "share";
    case ROLE_IMAGES:         return "images";
    case ROLE_KEEP:           return "keep";
    case ROLE_PARAM:          return "param";
    case ROLE_STATE:          return "state";
    case ROLE_GRADIENT:       return "gradient";
    case ROLE_INPUT_GRADIENT: return "input gradient";
    case ROLE_OUTPUT:         return "output";
    case ROLE_LOSS:           return "loss";
    case ROLE_SCRATCH:        return "scratch";
    case ROLE_SHARED:         return "shared";
    case ROLE_CONSTANT:       return "constant";
    }
    return "";
}

static void tensor_line(const Tensor *s, Text *t)
{
    text_indent(t);
    text_put(t, "%s", s->name);
    text_column(t, 28);
    text_put(t, "%s", role_name(s->role));
    text_column(t, 44);
    for (int i = 0; i < s->rank; i++)
        text_put(t, "%s%lld", i ? "x" : "", (long long)s->dim[i]);
    if (s->rank == 0)
        text_put(t, "1");
    if (s->view_of)
        text_put(t, "  = %s", s->view_of->name);
    text_put(t, "\n");
}

/* The phase that begins at nest i, or NULL. */
static const Phase *phase_at(const Program *p, int i)
{
    for (int j = 0; j < p->phases.count; j++)
        if (p->phases.at[j].first == i)
            return &p->phases.at[j];
    return NULL;
}

static void sums_line(const Program *p, int end, Text *t)
{
    for (int j = 0; j < p->phases.count; j++)
        if (p->phases.at[j].end == end)
            for (int k = 0; k < p->phases.at[j].sums.count; k++)
                text_line(t, "sum over tiles: %s += %s", p->phases.at[j].sums.at[k].total->name,
                          p->phases.at[j].sums.at[k].partial->name);
}

void program_dump(Unit *u, const Program *p, Text *t)
{
    (void)u;
    text_open(t, "program %s, %lld image%s a tile", p->name, (long long)p->tile, p->tile == 1 ? "" : "s");
    for (int i = 0; i < p->tensors.count; i++)
        tensor_line(p->tensors.at[i], t);
    text_blank(t);
    for (int i = 0; i < p->nests.count; i++) {
        const Phase *phase = phase_at(p, i);
        if (phase && p->phases.count > 1)
            text_line(t, "phase %d%s%s", (int)(phase - p->phases.at) + 1, phase->once ? ", once a batch" : ", for every tile",
                      phase - p->phases.at >= p->grad_phase ? ", only for the gradient of the input" : "");
        nest_print(p->nests.at[i], t);
        if (p->nests.at[i]->note)
            text_line(t, "    (%s)", p->nests.at[i]->note);
        sums_line(p, i + 1, t);
    }
    if (p->note)
        text_line(t, "(%s)", p->note);
    text_close(t, "%s", "");
}

static int by_place(const Tensor *a, const Tensor *b)
{
    return a->first != b->first ? a->first - b->first : (a->offset > b->offset) - (a->offset < b->offset);
}

void memory_dump(Unit *u, const Program *p, Text *t)
{
    Tensor **order = arena_array(u->arena, (size_t)p->tensors.count + 1, sizeof *order);
    int count = 0;

    for (int i = 0; i < p->tensors.count; i++) {
        Tensor *s = p->tensors.at[i];
        if (s->role != ROLE_SCRATCH || s->view_of || s->first < 0)
            continue;
        int at = count++;
        for (; at > 0 && by_place(s, order[at - 1]) < 0; at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
    text_open(t, "memory of %s, in reals", p->name);
    text_line(t, "%-28s %10s %10s   %s", "tensor", "offset", "size", "from nest to nest");
    for (int i = 0; i < count; i++)
        text_line(t, "%-28s %10lld %10lld   %s ... %s%s", order[i]->name, (long long)order[i]->offset,
                  (long long)tensor_count(order[i]), p->nests.at[order[i]->first]->name, p->nests.at[order[i]->last]->name,
                  order[i]->in_place ? ", in place" : "");
    text_line(t, "scratch %lld, lower bound %lld, shared %lld", (long long)p->scratch, (long long)p->lower_bound,
              (long long)p->shared);
    text_close(t, "%s", "");
}
