/* phases.c: cuts a program where a nest needs a sum over all images of the batch.
 *
 * The generated code sees one tile at a time, so a sum over the batch (the statistics of batchnorm, and their gradients)
 * is made in two steps: every tile writes its own partial sum, and after the phase the runtime adds up the partial sums
 * of all tiles in a fixed order. What touches no image runs once for the whole batch, in a phase of its own.
 *
 * Phases are filled greedily: all nests of one kind that do not wait for another go into one phase, in their order. But nests that go through an image
 * by the same bands stay together, since what lives between them has the room of a band alone; and what the backward pass makes of maps alone (the
 * tiles of Winograd's algorithm) is made in the phase that reads it: from one phase to the next all images of the tile would need their place.
 * Sums over images into the gradient of a parameter end no phase: only the optimizer reads them. */
#include "loops/loops.h"

#include <assert.h>
#include <string.h>

/* What the nests that wait have to do with each tensor: its mark is a number of this pass, or the next one. */
typedef struct Waiting {
    int read, written;
} Waiting;

static void mark_written(const Waiting *w, const Tensor *t)
{
    tensor_base((Tensor *)t)->mark = w->written;
}

static bool is_written(const Waiting *w, const Tensor *t)
{
    return tensor_base((Tensor *)t)->mark == w->written;
}

static void mark_read(void *context, const Expr *load)
{
    const Waiting *w = context;
    Tensor *base = tensor_base(load->tensor);
    if (base->mark != w->written)
        base->mark = w->read;
}

/* Per image, or a sum of the tile's own. */
static bool belongs_to_tile(const Tensor *t)
{
    return t->per_image || tensor_base((Tensor *)t)->role == ROLE_SCRATCH;
}

static void see_image(void *context, const Expr *load)
{
    bool *image = context;
    *image = *image || belongs_to_tile(load->tensor);
}

/* Per image, or summed over images: runs for every tile. */
static bool touches_images(const Nest *n)
{
    bool image = belongs_to_tile(n->dst);

    nest_loads(n, see_image, &image);
    for (int i = 0; i < n->loop_count; i++)
        image = image || strcmp(n->loops[i]->name, "n") == 0;
    return image;
}

typedef struct Reading { const Waiting *w; bool blocked; } Reading;

static void see_blocked(void *context, const Expr *load)
{
    Reading *r = context;
    r->blocked = r->blocked || is_written(r->w, load->tensor);
}

static bool must_wait(const Nest *n, const Waiting *w)
{
    int mark = tensor_base(n->dst)->mark;
    Reading r = { w, mark == w->read || mark == w->written };
    nest_loads(n, see_blocked, &r);
    return r.blocked;
}

/* A nest that sums images into a tensor of the batch: it writes a partial sum of its tile instead. Where the tensor
 * already holds something, a nest that runs once adds the total of this one. */
static Nest *make_partial(Unit *u, Program *p, Nest *n, Phase *phase)
{
    Tensor *total = n->dst;
    Tensor *partial = ARENA_NEW(u->arena, Tensor);
    bool first = n->start || n->fill;
    Nest *join = NULL;

    assert(n->put == PUT_ADD && !total->view_of);
    *partial = *total;
    partial->name = tensor_name(u, p, arena_print(u->arena, "%s.tile", total->name));
    partial->role = ROLE_SCRATCH;
    partial->gradient = NULL;
    LIST_ADD(u->arena, &p->tensors, partial);
    if (!first) {
        Tensor *more = ARENA_NEW(u->arena, Tensor);
        *more = *total;
        more->name = tensor_name(u, p, arena_print(u->arena, "%s.more", total->name));
        more->gradient = NULL;
        LIST_ADD(u->arena, &p->tensors, more);

        join = ARENA_NEW(u->arena, Nest);
        *join = (Nest){ .name = arena_print(u->arena, "%s_join", n->name), .site = n->site, .backward = n->backward,
                        .for_input = n->for_input, .put = PUT_ADD, .dst = total,
                        .why = "Another share of a sum over the batch joins it." };
        Expr *load = ARENA_NEW(u->arena, Expr);
        *load = (Expr){ .op = OP_LOAD, .tensor = more };
        static const char *const names[] = { "i", "j", "k", "l" };
        for (int i = 0; i < total->rank; i++) {
            Loop *l = ARENA_NEW(u->arena, Loop);
            *l = (Loop){ .name = names[i], .extent = total->dim[i] };
            join->loops[join->loop_count++] = l;
            join->index[i] = load->index[i] = (Affine){ .count = 1, .term = { { l, 1 } } };
        }
        join->value = load;
        LIST_ADD(u->arena, &join->symbols, ((Symbol){ total, nest_symbol(u, n, total) }));
        LIST_ADD(u->arena, &join->symbols, ((Symbol){ more, "more" }));
        Expr *zero = ARENA_NEW(u->arena, Expr);
        *(nest_covers(n) ? &n->start : &n->fill) = zero;
        total = more;
    }
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ partial, nest_symbol(u, n, n->dst) }));
    n->dst = partial;
    PhaseSum sum = { partial, total };
    LIST_ADD(u->arena, &phase->sums, sum);
    return join;
}

typedef struct Queue { Nest **at; int count; } Queue;

/* True if nest i goes by bands with one that waits. */
static bool waits_for_band(const Queue *queue, const bool waits[], int i)
{
    const Loop *band = nest_band(queue->at[i]);

    for (int j = 0; band && j < queue->count; j++)
        if (waits[j] && nest_band(queue->at[j]) == band)
            return true;
    return false;
}

/* Which nests of the queue wait, besides those that are known to: those of the other kind, and those that wait for another one. */
static void find_waiting(Program *p, const Queue *queue, bool once, bool waits[])
{
    Waiting waiting = { p->marks + 1, p->marks + 2 };

    p->marks += 2;
    for (int i = 0; i < queue->count; i++) {
        const Nest *n = queue->at[i];
        waits[i] = waits[i] || touches_images(n) == once || must_wait(n, &waiting) || waits_for_band(queue, waits, i);
        if (waits[i])
            nest_loads(n, mark_read, &waiting);
        if (waits[i] || (!once && n->dst->role == ROLE_SHARED))         /* a sum is whole only after this phase */
            mark_written(&waiting, n->dst);
    }
}

static int count_waiting(const Queue *queue, const bool waits[])
{
    int count = 0;

    for (int i = 0; i < queue->count; i++)
        count += waits[i];
    return count;
}

static bool writes_what_is_read(const Nest *writer, const Nest *reader)
{
    return tensor_base(writer->dst) != tensor_base(reader->dst) && nest_reads(reader, writer->dst);
}

/* True if it makes something of the backward pass that lives in a tile. */
static bool makes_map_of_backward(const Nest *n)
{
    const Tensor *made = tensor_base(n->dst);
    return n->backward && !nest_band(n) && made->per_image && made->role == ROLE_SCRATCH;
}

/* True if only nests read it which wait. Those that do stand behind it, mostly not far. */
static bool can_come_later(const Queue *queue, const bool waits[], int i)
{
    const Nest *n = queue->at[i];
    const Tensor *made = tensor_base(n->dst);
    bool read = false;

    for (int k = 0; k < queue->count; k++) {
        int j = (i + k) % queue->count;
        const Nest *other = queue->at[j];
        bool makes = tensor_base(other->dst) == made;
        if (waits[j])
            read = read || (nest_touches(other, made) && !makes);
        else if (nest_touches(other, made) && !makes)
            return false;
        else if (j > i && writes_what_is_read(other, n))
            return false;
    }
    return read;
}

/* All that make the same go or stay together. */
static void put_off(const Queue *queue, bool waits[])
{
    for (int i = queue->count - 1; i >= 0; i--) {
        const Tensor *made = tensor_base(queue->at[i]->dst);
        bool later = !waits[i] && makes_map_of_backward(queue->at[i]);
        for (int j = 0; later && j < queue->count; j++)
            later = waits[j] || tensor_base(queue->at[j]->dst) != made || (makes_map_of_backward(queue->at[j]) && can_come_later(queue, waits, j));
        for (int j = 0; later && j < queue->count; j++)
            waits[j] = waits[j] || tensor_base(queue->at[j]->dst) == made;
    }
}

/* Takes from the queue what may run now and is of that kind; returns false if that is nothing. */
static bool take_phase(Unit *u, Program *p, Queue *queue, bool once)
{
    Phase phase = { .first = p->nests.count, .once = once };
    Nest **left = arena_array(u->arena, (size_t)queue->count * 2 + 1, sizeof(Nest *));
    bool *waits = arena_array(u->arena, (size_t)queue->count, sizeof *waits);
    int left_count = 0;

    for (int before = -1; count_waiting(queue, waits) != before; ) {        /* one that waits may have others of its bands before it */
        before = count_waiting(queue, waits);
        find_waiting(p, queue, once, waits);
    }
    put_off(queue, waits);                  /* which leaves what the others wait for */
    for (int i = 0; i < queue->count; i++) {
        Nest *n = queue->at[i];
        if (waits[i]) {
            left[left_count++] = n;
            continue;
        }
        if (!once && n->dst->role == ROLE_SHARED) {
            Nest *join = make_partial(u, p, n, &phase);
            if (join)
                left[left_count++] = join;
        }
        LIST_ADD(u->arena, &p->nests, n);
    }
    *queue = (Queue){ left, left_count };
    phase.end = p->nests.count;
    if (phase.end == phase.first)
        return false;
    LIST_ADD(u->arena, &p->phases, phase);
    return true;
}

static void take_all(Unit *u, Program *p, Queue queue)
{
    while (queue.count > 0) {
        bool some = take_phase(u, p, &queue, true);
        some |= queue.count > 0 && take_phase(u, p, &queue, false);
        assert(some);
        (void)some;
    }
}

void program_phases(Unit *u, Program *p)
{
    Queue all = { p->nests.at, p->nests.count }, step = { 0 }, rest = { 0 };
    int backward = 0;

    while (step.count < all.count && !all.at[step.count]->for_input)
        step.count++;
    step.at = all.at;
    rest.at = all.at + step.count;
    rest.count = all.count - step.count;
    memset(&p->nests, 0, sizeof p->nests);
    take_all(u, p, step);
    p->grad_phase = p->phases.count;
    take_all(u, p, rest);
    while (backward < p->nests.count && !p->nests.at[backward]->backward)
        backward++;
    p->forward_end = backward;
}
