/* tidy.c: makes a program say only what is needed.
 *
 * The derivation of the backward pass is generous: it asks for every gradient and adds to all of them. Here
 *   - gradients that nothing contributed to are 0, and what they are multiplied with goes;
 *   - nests whose result nothing reads go;
 *   - nests that serve the gradient of the input alone move behind all others, where a training step leaves them out;
 *   - the first contribution to a sum becomes its start, so that nothing needs clearing beforehand. */
#include "loops/transform.h"

#include <string.h>

/* A set of tensors by their storage: those marked with its number. */
typedef struct Set {
    Unit *u;
    int number;
} Set;

static Set set_new(Unit *u, Program *p)
{
    return (Set){ u, ++p->marks };
}

static bool set_has(const Set *s, const Tensor *t)
{
    return tensor_base((Tensor *)t)->mark == s->number;
}

static void set_add(const Set *s, const Tensor *t)
{
    tensor_base((Tensor *)t)->mark = s->number;
}

/* ---- zero gradients */

static bool made_by_nests(const Tensor *t)
{
    Role role = tensor_base((Tensor *)t)->role;
    return role == ROLE_SCRATCH || role == ROLE_SHARED;
}

static Expr *zero_if_unwritten(void *context, Expr *e)
{
    const Set *written = context;

    if (e->op == OP_LOAD && made_by_nests(e->tensor) && !set_has(written, e->tensor))
        *e = (Expr){ .op = OP_CONSTANT };
    return expr_fold(written->u, e);
}

static bool is_zero(const Expr *e)
{
    return !e || (e->op == OP_CONSTANT && e->number == 0);
}

static void drop_zeros(Unit *u, Program *p)
{
    Set written = set_new(u, p);
    int kept = 0, forward_end = p->forward_end;

    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        bool nothing = false;
        if (n->backward) {
            n->value = expr_map(u, n->value, zero_if_unwritten, &written);
            n->start = expr_map(u, n->start, zero_if_unwritten, &written);
            nothing = n->put == PUT_ADD && is_zero(n->value) && is_zero(n->start) && !n->fill;
        }
        if (nothing) {
            forward_end -= i < p->forward_end;
            continue;
        }
        set_add(&written, n->dst);
        p->nests.at[kept++] = n;
    }
    p->nests.count = kept;
    p->forward_end = forward_end;
}

/* ---- what is needed */

static void need(void *context, const Expr *load)
{
    set_add(context, load->tensor);
}

/* Marks in `live` the nests that make what the caller sees; the gradient of the input counts only if asked for. Who looks at what layers make
 * sees that, and asks for no gradient of weights; all that goes backward is then for the input. */
static void mark_live(Unit *u, Program *p, bool with_dx, bool *live)
{
    Set needed = set_new(u, p);

    for (int i = p->nests.count - 1; i >= 0; i--) {
        const Nest *n = p->nests.at[i];
        bool seen = false;
        switch (tensor_base(n->dst)->role) {
        case ROLE_GRADIENT:
            seen = p->mode != MODE_LOOK;
            break;
        case ROLE_OUTPUT: case ROLE_LOSS: case ROLE_STATE:
            seen = true;
            break;
        case ROLE_INPUT_GRADIENT:
            seen = with_dx;
            break;
        case ROLE_SCRATCH: case ROLE_SHARED:
            seen = set_has(&needed, n->dst) || (tensor_base(n->dst)->kept && (with_dx || !n->backward));
            break;
        case ROLE_INPUT: case ROLE_TARGET: case ROLE_SHARE: case ROLE_IMAGES: case ROLE_KEEP: case ROLE_PARAM: case ROLE_CONSTANT:
            break;
        }
        live[i] = seen;
        if (seen)
            nest_loads(n, need, &needed);
    }
}

static void keep_needed(Unit *u, Program *p)
{
    int count = p->nests.count, kept = 0, forward = 0;
    bool *step = arena_array(u->arena, (size_t)count + 1, sizeof(bool));
    bool *any = arena_array(u->arena, (size_t)count + 1, sizeof(bool));
    Nest **ordered = arena_array(u->arena, (size_t)count + 1, sizeof(Nest *));

    mark_live(u, p, false, step);
    mark_live(u, p, true, any);
    for (int i = 0; i < count; i++)
        if (step[i]) {
            ordered[kept++] = p->nests.at[i];
            forward += i < p->forward_end;
        }
    for (int i = 0; i < count; i++)
        if (any[i] && !step[i]) {
            ordered[kept++] = p->nests.at[i];
            p->nests.at[i]->for_input = true;
        }
    memcpy(p->nests.at, ordered, (size_t)kept * sizeof(Nest *));
    p->nests.count = kept;
    p->forward_end = forward;
}

static void keep_touched_tensors(Unit *u, Program *p)
{
    Set touched = set_new(u, p);
    int kept = 0;

    for (int i = 0; i < p->nests.count; i++) {
        set_add(&touched, p->nests.at[i]->dst);
        nest_loads(p->nests.at[i], need, &touched);
    }
    for (int i = 0; i < p->tensors.count; i++)
        if (!made_by_nests(p->tensors.at[i]) || set_has(&touched, p->tensors.at[i]))
            p->tensors.at[kept++] = p->tensors.at[i];
    p->tensors.count = kept;
}

/* ---- the first contribution */

static bool sums(const Nest *n)
{
    for (int i = 0; i < n->loop_count; i++)
        if (!nest_places_loop(n, n->loops[i]))
            return true;
    return false;
}

/* A total of one number needs no total. */
static void set_if_single(Unit *u, Nest *n)
{
    if (n->put != PUT_ADD || !n->start || sums(n) || !nest_covers(n))
        return;
    Expr *e = ARENA_NEW(u->arena, Expr);
    *e = (Expr){ .op = OP_ADD, .a = n->start, .b = n->value };
    n->value = expr_fold(u, e);
    n->start = NULL;
    n->put = PUT_SET;
}

static void start_sums(Unit *u, Program *p)
{
    Set written = set_new(u, p);

    for (int i = 0; i < p->nests.count; i++) {
        Nest *n = p->nests.at[i];
        if (n->put == PUT_ADD && !n->start && !n->fill && made_by_nests(n->dst) && !set_has(&written, n->dst)) {
            Expr *zero = ARENA_NEW(u->arena, Expr);
            *(nest_covers(n) ? &n->start : &n->fill) = zero;
        }
        nest_fill_is_start(n);
        set_if_single(u, n);
        set_add(&written, n->dst);
    }
}

void program_tidy(Unit *u, Program *p)
{
    drop_zeros(u, p);
    keep_needed(u, p);
    keep_touched_tensors(u, p);
    start_sums(u, p);
}
