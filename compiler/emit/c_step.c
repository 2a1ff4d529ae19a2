/* c_step.c: the functions that run a phase: they call the functions of its nests one after the other. */
#include "emit/c.h"

#include <inttypes.h>
#include <string.h>

/* ---- parameters of a step */

static const char *const use_name[USE_COUNT] = {
    [USE_WEIGHTS] = "w", [USE_STATE] = "state", [USE_X] = "x", [USE_TARGET] = "target", [USE_SHARE] = "share",
    [USE_IMAGES] = "images", [USE_KEEP] = "keep", [USE_GRADIENT] = "dw", [USE_DX] = "dx", [USE_Y] = "y", [USE_LOSS] = "loss", [USE_SCRATCH] = "scratch",
    [USE_SHARED] = "shared", [USE_DRAW] = "draw", [USE_UPDATE] = "update",
};

static bool use_is_const(Use use, bool writes_state)
{
    switch (use) {
    case USE_WEIGHTS: case USE_X: case USE_TARGET: case USE_SHARE: case USE_IMAGES: case USE_KEEP: case USE_DRAW: case USE_UPDATE:
        return true;
    case USE_STATE:
        return !writes_state;
    case USE_GRADIENT: case USE_DX: case USE_Y: case USE_LOSS: case USE_SCRATCH: case USE_SHARED: case USE_COUNT:
        return false;
    }
    return false;
}

const Tensor *tensor_of_use(const Program *p, Use use)
{
    switch (use) {
    case USE_X:      return p->x;
    case USE_TARGET: return p->target;
    case USE_SHARE:  return p->share;
    case USE_IMAGES: return p->images;
    case USE_KEEP:   return p->keep;
    case USE_DX:     return p->dx;
    case USE_Y:      return p->y;
    case USE_LOSS:   return p->loss;
    case USE_WEIGHTS: case USE_STATE: case USE_GRADIENT: case USE_SCRATCH: case USE_SHARED: case USE_DRAW: case USE_UPDATE: case USE_COUNT:
        break;
    }
    return NULL;
}

static const char *declaration(const CFile *f, const Program *p, Use use, bool writes_state)
{
    Arena *arena = f->u->arena;
    const Tensor *t = tensor_of_use(p, use);
    const char *constant = use_is_const(use, writes_state) ? "const " : "";

    if (t)
        return arena_print(arena, "%s%s %s%s", constant, f->real, use_name[use], c_dims(arena, t));
    if (use == USE_WEIGHTS || use == USE_GRADIENT)
        return arena_print(arena, "%s%s_weights *%s", constant, f->net, use_name[use]);
    if (use == USE_STATE)
        return arena_print(arena, "%s%s_state *%s", constant, f->net, use_name[use]);
    if (use == USE_DRAW)
        return "const uint32_t draw[4]";
    if (use == USE_UPDATE)
        return "const cnn_update *update";
    return arena_print(arena, "%s *%s", f->real, use_name[use]);
}

int step_parameters(const CFile *f, const Program *p, const bool uses[USE_COUNT], bool writes_state, const char *to[USE_COUNT])
{
    int count = 0;

    for (int use = 0; use < USE_COUNT; use++)
        if (uses[use])
            to[count++] = declaration(f, p, (Use)use, writes_state);
    return count;
}

const char *c_cast(const CFile *f, const Tensor *t, bool constant)
{
    Text *text = text_new(f->u->arena);

    text_put(text, "(%s%s ", constant ? "const " : "", f->real);
    if (t->rank < 2)
        text_put(text, "*");
    else
        text_put(text, "(*)");
    for (int i = 1; i < t->rank; i++)
        text_put(text, "[%" PRId64 "]", t->dim[i]);
    text_put(text, ")");
    return text->at;
}

int step_arguments(const CFile *f, const Program *p, const bool uses[USE_COUNT], bool job, const char *to[USE_COUNT])
{
    static const char *const field[USE_COUNT] = {
        [USE_WEIGHTS] = "weights", [USE_STATE] = "state", [USE_X] = "x", [USE_TARGET] = "target", [USE_SHARE] = "share",
        [USE_IMAGES] = "images", [USE_KEEP] = "keep", [USE_GRADIENT] = "gradient", [USE_DX] = "dx", [USE_Y] = "y", [USE_LOSS] = "loss",
        [USE_SCRATCH] = "scratch", [USE_SHARED] = "shared", [USE_DRAW] = "draw", [USE_UPDATE] = "update",
    };
    int count = 0;

    for (int use = 0; use < USE_COUNT; use++) {
        const Tensor *t = uses[use] ? tensor_of_use(p, (Use)use) : NULL;
        bool cast = job && t && t->rank > 1 && use_is_const((Use)use, false);   /* from const void *, which fits no const array */
        if (uses[use])
            to[count++] = !job ? use_name[use] : arena_print(f->u->arena, "%sjob->%s", cast ? c_cast(f, t, true) : "", field[use]);
    }
    return count;
}

/* ---- places of tensors */

static bool has_place(const Tensor *base)
{
    return base->role == ROLE_SCRATCH || base->role == ROLE_SHARED;
}

/* "conv1.y" is conv1_y, its gradient "conv1.y.d" conv1_dy. */
static const char *place_name(CFile *f, const Tensor *base)
{
    void **known = map_text(f->places, base->name);
    const char *name = base->name;
    const Tensor *primal = base->primal;

    if (*known)
        return *known;
    if (primal && strncmp(name, primal->name, strlen(primal->name)) == 0) {
        const char *dot = strrchr(primal->name, '.'), *rest = name + strlen(primal->name);
        rest = strncmp(rest, ".d", 2) == 0 ? rest + 2 : rest;
        name = dot ? arena_print(f->u->arena, "%.*s_d%s%s", (int)(dot - primal->name), primal->name, dot + 1, rest)
                   : arena_print(f->u->arena, "d%s%s", primal->name, rest);
    }
    name = names_is_free(f->names, name) ? names_unique(f->names, name)
           : names_unique(f->names, arena_print(f->u->arena, "%s_at", name));      /* maxpool1_first is a function */
    *map_text(f->places, base->name) = (void *)name;
    return name;
}

typedef struct Places {
    CFile *f;
    LIST(const Tensor *) list;
    Map *known;
} Places;

static void add_place(Places *places, const Tensor *t)
{
    const Tensor *base = tensor_base((Tensor *)t);
    void **known = map_at(places->known, &base, sizeof base);

    if (!has_place(base) || *known)
        return;
    *known = places;
    LIST_ADD(places->f->u->arena, &places->list, base);
}

static void add_place_of_load(void *context, const Expr *load)
{
    add_place(context, load->tensor);
}

static const char *shape_of_tensor(CFile *f, const Tensor *t)
{
    Text *text = text_new(f->u->arena);

    for (int i = 0; i < t->rank; i++)
        text_put(text, "%s%" PRId64, i ? "x" : "", t->dim[i]);
    return t->rank ? text->at : "1";
}

static int longest_name(CFile *f, const Places *places)
{
    int longest = 0;

    for (int i = 0; i < places->list.count; i++) {
        int length = (int)strlen(place_name(f, places->list.at[i]));
        longest = length > longest ? length : longest;
    }
    return longest;
}

static const char *block_of(const Tensor *t)
{
    return t->role == ROLE_SHARED ? "shared" : "scratch";
}

/* `float (*const conv1_y)[8][26][26] = (void *)(scratch + 5408);`: with -g the pointer knows the shape, and a debugger prints *conv1_y. */
static void put_typed_place(CFile *f, const Tensor *t)
{
    text_line(f->t, "%s (*const %s)%s = (void *)(%s + %" PRId64 ");", f->real, place_name(f, t), c_dims(f->u->arena, t), block_of(t), t->offset);
}

/* `void *conv1_y = scratch + 5408;   // 8x26x26`: a void pointer fits an array of any shape. */
static void put_places(CFile *f, const Step *step)
{
    Places places = { .f = f, .known = map_new(f->u->arena) };
    int64_t largest = 0;

    for (int i = step->phase->first; i < step->phase->end; i++) {
        add_place(&places, step->program->nests.at[i]->dst);
        nest_loads(step->program->nests.at[i], add_place_of_load, &places);
    }
    if (places.list.count == 0)
        return;
    for (int i = 0; i < places.list.count; i++)
        largest = places.list.at[i]->offset > largest ? places.list.at[i]->offset : largest;
    if (f->u->options.debug) {
        for (int i = 0; i < places.list.count; i++)
            put_typed_place(f, places.list.at[i]);
        text_blank(f->t);
        return;
    }
    int width = longest_name(f, &places), digits = snprintf(NULL, 0, "%" PRId64, largest);
    for (int i = 0; i < places.list.count; i++) {
        const Tensor *t = places.list.at[i];
        const char *name = place_name(f, t);
        const char *line = arena_print(f->u->arena, "void *%s%*s = %s + %*" PRId64 ";   // %s", name, width - (int)strlen(name), "",
                                       block_of(t), digits, t->offset, shape_of_tensor(f, t));
        const char *meaning = t->meaning ? arena_print(f->u->arena, ": %s", names_comment(f->u->arena, t->meaning)) : "";
        bool fits = (size_t)f->t->depth * 4 + strlen(line) + strlen(meaning) <= PAGE_WIDTH;
        text_line(f->t, "%s%s", line, fits ? meaning : "");
    }
    text_blank(f->t);
}

/* ---- calls */

/* What the step has in hand for a tensor. */
static const char *at_hand(CFile *f, const Tensor *base)
{
    switch (base->role) {
    case ROLE_INPUT:          return "x";
    case ROLE_TARGET:         return "target";
    case ROLE_SHARE:          return "share";
    case ROLE_IMAGES:         return "images";
    case ROLE_KEEP:           return "keep";
    case ROLE_INPUT_GRADIENT: return "dx";
    case ROLE_OUTPUT:         return "y";
    case ROLE_LOSS:           return "loss";
    case ROLE_PARAM:          return arena_print(f->u->arena, "w->%s", member_of(f, base->param));
    case ROLE_STATE:          return arena_print(f->u->arena, "state->%s", member_of(f, base->param));
    case ROLE_GRADIENT:       return arena_print(f->u->arena, "dw->%s", member_of(f, base->param));
    case ROLE_SCRATCH: case ROLE_SHARED: case ROLE_CONSTANT:
        return place_name(f, base);
    }
    return NULL;
}

static bool is_const_at_hand(const Step *step, Role role)
{
    switch (role) {
    case ROLE_INPUT: case ROLE_TARGET: case ROLE_SHARE: case ROLE_IMAGES: case ROLE_KEEP: case ROLE_PARAM: case ROLE_CONSTANT:
        return true;
    case ROLE_STATE:
        return !step->writes_state;
    case ROLE_GRADIENT: case ROLE_INPUT_GRADIENT: case ROLE_OUTPUT: case ROLE_LOSS: case ROLE_SCRATCH: case ROLE_SHARED:
        return false;
    }
    return false;
}

static bool same_dims(const Tensor *a, const Tensor *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

static const char *argument(CFile *f, const Step *step, const Tensor *t, bool wants_const)
{
    const Tensor *base = tensor_base((Tensor *)t);
    const char *text = at_hand(f, base);
    bool is_const = is_const_at_hand(step, base->role);

    if (has_place(base) && f->u->options.debug)
        return arena_print(f->u->arena, "(void *)%s", text);
    if (has_place(base) || (base->rank < 2 && t->rank < 2))
        return text;
    if (same_dims(t, base) && (is_const == wants_const || t->rank < 2))
        return text;
    if (!is_const)
        return arena_print(f->u->arena, "(void *)%s", text);
    return arena_print(f->u->arena, "%s%s", c_cast(f, t, wants_const), text);
}

static void put_call(CFile *f, const Step *step, const Nest *n)
{
    const Function *function = function_of(f->functions, n);
    const Scope *s = c_scope(f, n);
    LIST(const char *) arguments = { 0 };

    for (int i = 0; i < s->tensors.count; i++)
        LIST_ADD(f->u->arena, &arguments, argument(f, step, s->tensors.at[i], i > 0));
    for (int i = 0; i < nest_step_loops(n); i++)
        if (nest_reads_loop(n, n->loops[i]))
            LIST_ADD(f->u->arena, &arguments, n->loops[i]->name);
    if (s->draws)
        LIST_ADD(f->u->arena, &arguments, "draw");
    Text *page = f->t, *call = f->t = text_new(f->u->arena);
    call->depth = page->depth;
    put_list(call, arena_print(f->u->arena, "%s(", function->name), arguments.at, arguments.count, ");");
    f->t = page;
    c_pinned(f, call, n->site ? n->site->span : NO_SPAN);
}

int number_of_param(const Net *net, const Param *p)
{
    int number = 0;

    for (int i = 0; net->params.at[i] != p; i++)
        number += net->params.at[i]->trained == p->trained;
    return number;
}

int64_t nest_updated(const Nest *n)
{
    return tensor_count(n->dst) / (nest_band(n) ? nest_band(n)->extent : 1);
}

static void put_update(CFile *f, const Nest *n)
{
    const Loop *band = nest_band(n);
    int64_t count = nest_updated(n);
    const char *from = band ? arena_print(f->u->arena, "%" PRId64 " * (size_t)%s", count, band->name) : "0";

    text_line(f->t, "updated(update, %d, %s, %" PRId64 ");", number_of_param(f->u->net, tensor_base(n->dst)->param), from, count);
}

static bool file_updates(const CFile *f)
{
    for (int i = 0; i < f->steps.count; i++)
        if (f->steps.at[i]->uses[USE_UPDATE])
            return true;
    return false;
}

/* Steps need the name of the type before the contract with the runtime stands there. */
void c_update_prototype(CFile *f)
{
    if (!file_updates(f))
        return;
    text_blank(f->t);
    text_line(f->t, "/* Weights [from, from + count) of a tensor have their gradient, and nothing reads them any more in this step:");
    text_line(f->t, " * who trains may move them while both are near. */");
    text_line(f->t, "typedef struct cnn_update cnn_update;");
    text_line(f->t, "static void updated(const cnn_update *update, int32_t tensor, size_t from, size_t count);");
}

void c_update(CFile *f)
{
    if (!file_updates(f))
        return;
    text_blank(f->t);
    text_line(f->t, "static void updated(const cnn_update *update, int32_t tensor, size_t from, size_t count)");
    text_open(f->t, "{");
    text_open(f->t, "if (update)");
    text_line(f->t, "update->weights(update->context, tensor, from, count);");
    f->t->depth--;
    text_close(f->t, "}");
}

/* Which way the program is going when it calls a nest; a comment marks the turns. */
static const char *part_of(const CFile *f, const Nest *n)
{
    const Site *loss = f->u->net->loss;

    if (n->for_input)
        return "what the loss owes to every pixel";
    if (n->site && n->site == loss)
        return n->backward ? "how the loss changes with the result" : "how wrong the result is";
    return n->backward ? "backward: who had which part in it" : "forward: from the input to the result";
}

/* A step that goes forward alone needs no comment that says so. */
static bool turns(const CFile *f, const Step *step)
{
    const char *forward = part_of(f, &(Nest){ 0 });

    for (int i = step->phase->first; i < step->phase->end; i++)
        if (strcmp(part_of(f, step->program->nests.at[i]), forward) != 0)
            return true;
    return false;
}

static const char *line_of(CFile *f, const Nest *n)
{
    return !n->site ? "" : n->site == f->u->net->loss ? lesson_as_written(f, n->site) : source_line(f, n->site->span);
}

/* What a round of a loop of the step has: a loop over groups of images, whose lanes they are, has several. */
static const char *what_at_a_time(const CFile *f, const Step *step, const Loop *l)
{
    int64_t images = step->program->tile / l->extent;

    if (l->kind == LOOP_BAND)
        return "one band of rows after the other";
    return images < 2 ? "one image after the other" : arena_print(f->u->arena, "%" PRId64 " images at a time", images);
}

static void put_calls(CFile *f, const Step *step)
{
    const char *part = NULL, *line = NULL;
    bool with_parts = turns(f, step);

    for (int i = step->phase->first; i < step->phase->end; i++) {
        const Nest *n = step->program->nests.at[i];
        const char *now = part_of(f, n), *source = line_of(f, n);
        int loops = nest_step_loops(n);
        int open = i == step->phase->first ? 0 : nests_shared_loops(step->program, i - 1, i);
        int stay = i + 1 == step->phase->end ? 0 : nests_shared_loops(step->program, i, i + 1);
        if (with_parts && (!part || strcmp(part, now) != 0)) {
            if (part)
                text_blank(f->t);
            text_line(f->t, "/* %s */", now);
            line = NULL;
        }
        for (; open < loops; open++) {
            const Loop *l = n->loops[open];
            text_open(f->t, "for (int %s = 0; %s < %" PRId64 "; %s++) {     // %s", l->name, l->name, l->extent, l->name, what_at_a_time(f, step, l));
            line = NULL;
        }
        if (*source && (!line || strcmp(line, source) != 0))
            text_line(f->t, "// %s", source);
        part = now;
        line = source;
        put_call(f, step, n);
        if (n->updates)
            put_update(f, n);
        for (; loops > stay; loops--)
            text_close(f->t, "}");
    }
}

/* When the function of a phase runs, above those that have no prototype. */
static void put_about_step(CFile *f, const Step *step)
{
    const Program *p = step->program;
    int number = 0;
    Text *text = text_new(f->u->arena);

    if (step->is_public)
        return;
    while (number < p->phases.count && &p->phases.at[number] != step->phase)
        number++;
    if (number == p->phases.count) {
        text_line(f->t, "/* Other machines have something to do here. */");
        return;
    }
    static const char *const what[] = { [MODE_TRAIN] = "Training", [MODE_INFER] = "Inference", [MODE_EVAL] = "Gradients of inference", [MODE_LOOK] = "A look at an image on its way" };
    text_put(text, "%s, part %d of %d: %s.", what[p->mode], number + 1, p->phases.count,
             step->phase->once ? "once for the whole batch" : p->tile == 1 ? "for every image" : "for every tile of images");
    if (p->mode == MODE_LOOK)
        text_put(text, " What every layer makes keeps its place.");
    if (step->for_input)
        text_put(text, " Only who asks for the gradient of the input needs it.");
    for (int i = 0; i < step->phase->sums.count; i++)
        text_put(text, "%s%s%s", i ? ", " : " Then the runtime adds up over the whole batch: ", step->phase->sums.at[i].total->name,
                 i == step->phase->sums.count - 1 ? "." : "");
    put_paragraph(f->t, "/* ", text->at, 0);
    put_comment_end(f->t);
}

/* Prints the function of a step, unless an earlier one has the same parameters and does the same. */
static void put_step(CFile *f, Step *step, Map *bodies)
{
    const char *parameters[USE_COUNT];
    int count = step_parameters(f, step->program, step->uses, step->writes_state, parameters);
    Text *t = f->t;

    f->t = text_new(f->u->arena);
    put_list(f->t, "", parameters, count, ")");
    text_open(f->t, "{");
    size_t body = f->t->length - 2;
    Text *inside = f->t, *places = f->t = text_new(f->u->arena);
    places->depth = inside->depth;
    put_places(f, step);
    for (int use = 0; use < USE_COUNT; use++)
        if (step->ignores[use])
            text_line(places, "(void)%s;", use_name[use]);
    f->t = inside;
    c_pinned(f, places, f->u->net->span);
    put_calls(f, step);
    text_close(f->t, "}");
    c_unpinned(f);
    Text *written = f->t;
    f->t = t;
    void **known = map_at(bodies, written->at, written->length);
    if (*known && !step->is_public) {
        step->same = *known;
        return;
    }
    *known = step;
    text_blank(t);
    put_about_step(f, step);
    c_pinned_here(f, f->u->net->span);
    put_list(t, arena_print(f->u->arena, "%svoid %s(", step->is_public ? "" : "static ", step->name), parameters, count, ")");
    text_bytes(t, written->at + body, written->length - body);
}

/* An entry of several steps calls them in turn. */
static void put_entry(CFile *f, const Entry *entry)
{
    const char *texts[USE_COUNT];
    int count = step_parameters(f, entry->program, entry->uses, entry->writes_state, texts);

    text_blank(f->t);
    put_list(f->t, arena_print(f->u->arena, "void %s(", entry->name), texts, count, ")");
    text_open(f->t, "{");
    for (int i = 0; i < entry->step_count; i++) {
        const Step *step = entry->steps[i];
        count = step_arguments(f, step->program, step->uses, false, texts);
        if (step->uses[USE_UPDATE])
            texts[count - 1] = "NULL";
        put_list(f->t, arena_print(f->u->arena, "%s%s(", c_step_prefix(f, step), step->same ? step->same->name : step->name), texts, count, ");");
    }
    text_close(f->t, "}");
}

static void put_about_steps(CFile *f)
{
    text_blank(f->t);
    text_line(f->t, "/* ---- the whole network ----");
    text_line(f->t, " *");
    put_paragraph(f->t, " * ", "Every value between two layers has its place in one block of memory, `scratch`. Places are numbers of "
                               "the block; two values that are never needed at the same time share one.", 0);
    put_comment_end(f->t);
}

void c_steps(CFile *f)
{
    if (!f->suffix[0] && !f->variants)
        put_about_steps(f);
    Map *bodies = map_new(f->u->arena);
    for (int i = 0; i < f->steps.count; i++)
        if (!f->variants || f->steps.at[i]->program->mode == MODE_LOOK)
            put_step(f, f->steps.at[i], bodies);
}

void c_entries(CFile *f)
{
    for (int i = 0; i < f->entries.count; i++)
        if (!f->entries.at[i].steps[0]->is_public || f->variants)
            put_entry(f, &f->entries.at[i]);
}
