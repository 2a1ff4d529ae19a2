/* lower.c: from the checked network to the nests of its forward pass. The layers write them; here is who is asked, in
 * which order, and what stands around them: the input, the output, the target and the loss. */
#include "loops/lower.h"

#include <assert.h>

static const char *mode_name(Mode mode)
{
    switch (mode) {
    case MODE_TRAIN: return "train";
    case MODE_INFER: return "infer";
    case MODE_EVAL:  return "eval";
    case MODE_LOOK:  return "look";
    }
    return NULL;
}

/* One net is lowered once for every mode; its values and params point to the tensors of the program at work. */
void program_attach(const Program *p)
{
    const Net *net = p->net;

    net->x->tensor = p->of_value[0];
    for (int i = 0; i < net->sites.count; i++)
        if (net->sites.at[i]->y)
            net->sites.at[i]->y->tensor = p->of_value[i + 1];
    for (int i = 0; i < net->params.count; i++)
        net->params.at[i]->tensor = p->of_param[i];
}

static void remember_tensors(Program *p)
{
    const Net *net = p->net;

    p->of_value[0] = net->x->tensor;
    for (int i = 0; i < net->sites.count; i++)
        if (net->sites.at[i]->y)
            p->of_value[i + 1] = net->sites.at[i]->y->tensor;
    for (int i = 0; i < net->params.count; i++)
        p->of_param[i] = net->params.at[i]->tensor;
}

static void lower_site(Build *b, Site *s, int place)
{
    b->site = s;
    b->program->made[place].first = b->program->nests.count;
    if (s->kind->lower)
        s->kind->lower(b, s);
    b->program->made[place].end = b->program->nests.count;
    b->site = NULL;
}

/* y must be memory of the caller that nothing else lives in. A network that ends in a view of its input, or of what
 * another line still reads, gets a copy. */
static void place_output(Build *b, Value *y)
{
    Tensor *base = tensor_base(y->tensor);

    if (base->role != ROLE_SCRATCH) {
        Loop *l[MAX_RANK];
        Affine index[MAX_RANK];
        Tensor *copy = program_tensor(b, "result", "y", ROLE_OUTPUT, true, y->shape);

        nest_begin(b, "result", "The result is the value of the last line.");
        static const char *const image[] = { "c", "h", "w" };
        for (int i = 0; i < y->shape.rank; i++) {
            l[i] = loop(b, y->shape.rank == 3 ? image[i] : "i", NULL, y->shape.dim[i]);
            index[i] = at(l[i]);
        }
        nest_set(b, copy, index, load(b, y->tensor, index));
        y->tensor = base = copy;
    }
    base->role = ROLE_OUTPUT;
    for (int i = 0; i < b->program->tensors.count; i++)
        if (tensor_base(b->program->tensors.at[i]) == base)
            b->program->tensors.at[i]->role = ROLE_OUTPUT;
    b->program->y = base;
}

Build *build_new(Unit *u, Program *p)
{
    Build *b = ARENA_NEW(u->arena, Build);
    *b = (Build){ .u = u, .net = p->net, .program = p, .training = p->mode == MODE_TRAIN };
    return b;
}

Program *program_lower(Unit *u, const Net *net, Mode mode)
{
    Program *p = ARENA_NEW(u->arena, Program);
    Build *b;

    p->name = mode_name(mode);
    p->mode = mode;
    p->net = net;
    p->layout = u->options.layout;
    p->tile = u->options.tile && mode != MODE_LOOK ? u->options.tile : 1;
    p->made = arena_array(u->arena, (size_t)net->sites.count + 1, sizeof *p->made);
    b = build_new(u, p);
    p->of_value = arena_array(u->arena, (size_t)net->sites.count + 1, sizeof(Tensor *));
    p->of_param = arena_array(u->arena, (size_t)net->params.count + 1, sizeof(Tensor *));
    program_attach(p);                      /* to nothing yet */
    p->x = net->x->tensor = program_tensor(b, "input", "x", ROLE_INPUT, true, net->input);
    if (mode != MODE_INFER) {
        p->target = program_tensor(b, "target", "t", ROLE_TARGET, true, (Shape){ 1, { shape_count(net->y->shape) } });
        p->share = program_tensor(b, "share", "share", ROLE_SHARE, true, (Shape){ 0 });
        p->images = program_tensor(b, "images", "images", ROLE_IMAGES, false, (Shape){ 0 });
        p->loss = program_tensor(b, "loss", "loss", ROLE_LOSS, true, (Shape){ 0 });
        p->loss->gradient = p->share;       /* the loss of the batch is the sum of share * loss */
        p->target->meaning = "what the output should be";
        p->share->meaning = "what this image counts";
        p->images->meaning = "images of the batch";
    }
    for (int i = 0; i < net->sites.count; i++)
        lower_site(b, net->sites.at[i], i);
    place_output(b, net->y);
    if (mode != MODE_INFER && net->loss)
        lower_site(b, net->loss, net->sites.count);
    p->forward_end = p->nests.count;
    remember_tensors(p);
    return p;
}
