/* front.c: of a single image, what stands before the second convolution keeps its rows innermost, though the channels of all else lie there. The first
 * convolution has one or three channels to read and often few to make: 6 of 16 lanes would count, while a row of 28 places fills seven eighths of two
 * vectors. The second one has its lanes over what it makes; what it reads, number by number, may lie in any order.
 *
 * (LeNet, one image, AVX-512: 8.34 -> 6.53 us.) Inference alone: going back, lanes over what the second one reads are wanted. */
#include "loops/layout.h"

#include "loops/machine.h"
#include "loops/transform.h"

#include <string.h>

static bool is_map(const Tensor *t)
{
    return t->per_image && t->role == ROLE_SCRATCH && t->rank == 4 && !t->view_of && !t->kept;
}

/* The first convolution from nest number `from` on that makes a map, or -1. */
static int convolution(const Program *p, int from)
{
    for (int i = from; i < p->nests.count; i++)
        if (nest_is_convolution(p->nests.at[i]) && p->nests.at[i]->dst->per_image)
            return i;
    return -1;
}

/* The number of the second convolution, or -1 if there is none, or what stands before it has not just maps that are complete by then. */
static int end_of_front(const Program *p)
{
    int first = convolution(p, 0), end = first < 0 ? -1 : convolution(p, first + 1);

    for (int i = 0; i < end; i++)
        if (p->nests.at[i]->dst->per_image && (!is_map(p->nests.at[i]->dst) || program_has_views(p, p->nests.at[i]->dst)))
            return -1;
    for (int i = end; end >= 0 && i < p->nests.count; i++)
        for (int k = 0; k < end; k++)
            if (tensor_base(p->nests.at[i]->dst) == p->nests.at[k]->dst)
                return -1;
    return end;
}

int64_t program_first_channels(const Program *p)
{
    return p->mode == MODE_INFER && end_of_front(p) >= 0 ? p->nests.at[convolution(p, 0)]->dst->dim[1] : 0;
}

/* ---- windows that step along a row
 *
 *     y[oh][ow] = largest of x[2*oh + kh][2*ow + kw]     becomes     t[oh][w] = largest of x[2*oh + kh][w];     y[oh][ow] = largest of t[oh][2*ow + kw]
 *
 * Lanes have no neighbours where windows step, but whole columns do. (LeNet, one image: 0.42 -> 0.34 us by gcc, 2.6 -> 2.0 by LLVM, and 0.59 without gathers:
 * emit/llvm_machine.c.) */

/* The place of dst and the cell of the window, in this order. */
static bool is_window(const Affine *from, const Affine *to)
{
    return from->count == 2 && to->count == 1 && from->term[0].loop == to->term[0].loop;
}

static void drop_loop(Nest *n, const Loop *l)
{
    nest_move_loop(n, nest_find_loop(n, l), n->loop_count - 1);
    n->loop_count--;
}

/* True if there is a nest more. */
static bool take_columns_first(Unit *u, Program *p, int number)
{
    Nest *n = p->nests.at[number];
    const Expr *load = n->value;

    if (n->put != PUT_MAX || !n->start || n->fill || n->finish || load->op != OP_LOAD || !load->tensor->rows_innermost || n->loop_count != 6
        || !is_window(&load->index[2], &n->index[2]) || !is_window(&load->index[3], &n->index[3]) || load->index[3].term[0].factor == 1
        || load->tensor->dim[3] < machine_lanes(u->options.machine, u->options.real))
        return false;
    Tensor *t = tensor_twin(u, p, n->dst, ROLE_SCRATCH, "columns");
    t->dim[3] = load->tensor->dim[3];

    Nest *columns = ARENA_NEW(u->arena, Nest);
    *columns = *n;
    nest_own_loops(u, columns);
    Loop *along = columns->index[3].term[0].loop;
    drop_loop(columns, columns->value->index[3].term[1].loop);
    *along = (Loop){ .name = "w", .extent = t->dim[3] };
    columns->value->index[3] = (Affine){ .count = 1, .term = { { along, 1 } } };
    columns->dst = t;
    columns->name = nest_name(u, p, arena_print(u->arena, "%s_columns", n->name));
    columns->why = "First the largest of every column of a window.";
    memset(&columns->symbols, 0, sizeof columns->symbols);
    LIST_ADD(u->arena, &columns->symbols, ((Symbol){ t, "y" }));
    LIST_ADD(u->arena, &columns->symbols, ((Symbol){ load->tensor, nest_symbol(u, n, load->tensor) }));

    Expr *from = ARENA_NEW(u->arena, Expr);
    *from = *load;
    from->tensor = t;
    drop_loop(n, load->index[2].term[1].loop);
    from->index[2] = n->index[2];
    n->value = from;
    LIST_ADD(u->arena, &n->symbols, ((Symbol){ t, nest_symbol(u, n, load->tensor) }));
    program_insert(u, p, number, columns);
    return true;
}

void program_keep_front(Unit *u, Program *p)
{
    int end = p->front_by_rows ? end_of_front(p) : -1;

    for (int i = 0; i < end; i++)
        p->nests.at[i]->dst->rows_innermost = p->nests.at[i]->dst->per_image;
    for (int i = 0; i < end; i++)
        if (take_columns_first(u, p, i)) {
            i++;
            end++;
        }
}
