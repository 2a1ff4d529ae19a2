/* c_head.c: what stands at the top of the C file and in the header: the network as a table, sizes, structs, prototypes. */
#include "emit/c.h"

#include "loops/machine.h"
#include "emit/lesson.h"
#include "net/layer.h"

#include <inttypes.h>
#include <string.h>

/* ---- the table of layers */

enum { COLUMN_LAYER = 5, COLUMN_LINE = 21, COLUMN_SHAPE = 28, COLUMN_PARAMS = 62, COLUMN_WORK = 80 };   /* the last two: right ends */

/* Multiply-adds of a layer for one image. */
static int64_t multiply_adds(const CFile *f, const Site *s)
{
    const Program *p = f->u->infer;
    int64_t sum = 0;

    for (int i = 0; p && i < p->nests.count; i++)
        if (p->nests.at[i]->site == s && !p->nests.at[i]->backward) {
            int64_t work = lesson_multiply_adds(p->nests.at[i]) / p->tile;
            sum = work > INT64_MAX - sum ? INT64_MAX : sum + work;
        }
    return sum;
}

static int64_t trained_numbers(const Site *s)
{
    int64_t sum = 0;

    for (int i = 0; i < s->params.count; i++)
        if (s->params.at[i]->trained)
            sum += shape_count(s->params.at[i]->shape);
    return sum;
}

static void put_right(Text *t, int end, const char *text)
{
    text_column(t, end - (int)strlen(text));
    text_put(t, "%s", text);
}

static void put_row(CFile *f, const char *layer, const char *line, const char *shape, const char *params, const char *work)
{
    text_put(f->t, " *");
    text_column(f->t, COLUMN_LAYER);
    text_put(f->t, "%s", layer);
    if (*line) {
        text_column(f->t, COLUMN_LINE);
        text_put(f->t, "%s", line);
    }
    if (*shape) {
        text_column(f->t, COLUMN_SHAPE);
        text_put(f->t, "%s", shape);
    }
    if (*params)
        put_right(f->t, COLUMN_PARAMS, params);
    if (*work)
        put_right(f->t, COLUMN_WORK, work);
    text_put(f->t, "\n");
}

static const char *or_dash(CFile *f, int64_t number)
{
    return number ? grouped(f->u->arena, number) : "-";
}

static void put_table(CFile *f)
{
    const Net *net = f->u->net;
    int64_t work = 0;

    put_row(f, "layer", "line", "makes", "parameters", "multiply-adds");
    put_row(f, net->x->name, "", shape_text(f->u, net->input), "", "");
    for (int i = 0; i < net->sites.count; i++) {
        const Site *s = net->sites.at[i];
        int64_t own = multiply_adds(f, s);
        put_row(f, names_comment(f->u->arena, s->name), arena_print(f->u->arena, "%d", span_line(f->u, s->span)),
                s->y ? shape_text(f->u, s->y->shape) : "", or_dash(f, trained_numbers(s)), or_dash(f, own));
        work = own > INT64_MAX - work ? INT64_MAX : work + own;
    }
    put_row(f, "all", "", "", grouped(f->u->arena, net->trained_count), grouped(f->u->arena, work));
}

static const Entry *entry_of(const CFile *f, Mode mode)
{
    for (int i = 0; i < f->entries.count; i++)
        if (f->entries.at[i].program->mode == mode)
            return &f->entries.at[i];
    return NULL;
}

/* How many bytes, for people. */
static const char *bytes_text(CFile *f, int64_t reals)
{
    return arena_print(f->u->arena, "%s bytes", grouped(f->u->arena, reals * (f->u->options.real == REAL_DOUBLE ? 8 : 4)));
}

static void put_use(CFile *f)
{
    const char *const prefix = " * ";
    Arena *arena = f->u->arena;

    if (f->u->options.weights) {
        put_paragraph(f->t, prefix, arena_print(arena, "%s_predict(image, result) is all there is to call: the trained numbers "
                                                       "are in this file.", f->net), 0);
    } else if (entry_of(f, MODE_INFER)) {
        put_paragraph(f->t, prefix, arena_print(arena, "%s_infer says what the network makes of an image.%s", f->net,
                                                f->uses_weights ? " The numbers that it has learnt are the caller's." : ""), 0);
    }
    if (entry_of(f, MODE_TRAIN))
        put_paragraph(f->t, prefix, arena_print(arena, "%s_train does the same and adds up what every weight had to do with the "
                                                       "error: the gradient.", f->net), 0);
    put_paragraph(f->t, prefix, arena_print(arena, "%s_model, at the end, describes all this to the runtime (libcnn), which %s the "
                                                   "network.", f->net, f->u->options.infer ? "tests and runs" : "trains, tests and runs"), 0);
    put_paragraph(f->t, prefix, "Nothing here allocates memory, keeps anything between calls or calls anything but the math library.", 0);
}

void c_about(CFile *f)
{
    text_line(f->t, "/* %s, a convolutional network, compiled from %s by cnnc.", names_comment(f->u->arena, f->u->net->name), f->source);
    text_line(f->t, " *");
    put_table(f);
    text_line(f->t, " *");
    put_use(f);
    put_comment_end(f->t);
}

/* ---- sizes */

static void put_size(CFile *f, const char *macro, int64_t value, const char *comment)
{
    text_put(f->t, "#define %s", macro);
    text_column(f->t, 33);
    text_put(f->t, "%" PRId64, value);
    text_column(f->t, 45);
    text_put(f->t, "/* %s */\n", comment);
}

void c_sizes(CFile *f)
{
    const Net *net = f->u->net;
    int64_t state = 0;

    for (int i = 0; i < net->params.count; i++)
        state += net->params.at[i]->trained ? 0 : shape_count(net->params.at[i]->shape);
    text_blank(f->t);
    put_size(f, size_macro(f, "TILE"), f->programs.at[0]->tile, "images of one call");
    put_size(f, size_macro(f, "INPUTS"), shape_count(net->input), "numbers of one image");
    put_size(f, size_macro(f, "OUTPUTS"), shape_count(net->y->shape), "numbers of one result");
    if (f->uses_weights)
        put_size(f, size_macro(f, "WEIGHTS"), net->trained_count, "numbers that are learnt");
    if (f->uses_state)
        put_size(f, size_macro(f, "STATE"), state, "numbers that are kept with them");
    for (int i = 0; i < f->programs.count; i++) {
        const Program *p = f->programs.at[i];
        if (p->mode == MODE_LOOK)           /* the runtime's business */
            continue;
        put_size(f, program_macro(f, "SCRATCH", p), c_scratch(f, p),
                 arena_print(f->u->arena, "%ss of scratch memory: %s", f->real, bytes_text(f, c_scratch(f, p))));
        if (c_shared(f, p))
            put_size(f, program_macro(f, "SHARED", p), c_shared(f, p),
                     arena_print(f->u->arena, "%ss for the whole batch: %s", f->real, bytes_text(f, c_shared(f, p))));
    }
}

/* ---- structs */

static void put_struct(CFile *f, const char *what, const char *about, bool trained)
{
    const Net *net = f->u->net;
    int widest = 0;

    text_blank(f->t);
    text_line(f->t, "/* %s */", about);
    text_open(f->t, "typedef struct %s_%s {", f->net, what);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < net->params.count; i++) {
            const Param *p = net->params.at[i];
            Text *line = text_new(f->u->arena);
            if (p->trained != trained)
                continue;
            text_put(line, "%s %s", f->real, member_of(f, p));
            for (int axis = 0; axis < p->shape.rank; axis++)
                text_put(line, "[%" PRId64 "]", p->shape.dim[axis]);
            text_put(line, "%s;", p->shape.rank ? "" : "[1]");
            if (pass == 0) {
                widest = (int)line->length > widest ? (int)line->length : widest;
                continue;
            }
            text_indent(f->t);
            text_put(f->t, "%s", line->at);
            text_column(f->t, 4 + widest + 3);
            text_put(f->t, "/* %s, %s */\n", p->name, grouped(f->u->arena, shape_count(p->shape)));
        }
    text_close(f->t, "} %s_%s;", f->net, what);
}

void c_structs(CFile *f)
{
    if (f->uses_weights)
        put_struct(f, "weights", "What the network learns: the axes are those of PyTorch, the names those of the weights file.", true);
    if (f->uses_state)
        put_struct(f, "state", "What is kept with the weights but not learnt by gradients.", false);
}

/* ---- prototypes */

static const char *about_entry(Mode mode)
{
    switch (mode) {
    case MODE_TRAIN: return "A step of training, without the step: forward, the loss, and backward.";
    case MODE_INFER: return "What the network makes of x.";
    case MODE_EVAL:  return "Forward as in inference, the loss, and backward.";
    case MODE_LOOK:  break;             /* it has no entry */
    }
    return "";
}

static const char *about_use(CFile *f, const Program *p, Use use)
{
    switch (use) {
    case USE_WEIGHTS:  return "w        what it has learnt";
    case USE_STATE:    return "state    what is kept with the weights";
    case USE_X:        return p->tile == 1 ? "x        the image: channel, row, column" : "x        the images of the tile: channel, row, column";
    case USE_TARGET:   return "target   what the output should be";
    case USE_SHARE:    return "share    what the image counts: 1/(images of the batch)";
    case USE_IMAGES:   return "images   how many images the batch has";
    case USE_KEEP:     return "keep     what dw keeps of what it holds: 0 for the first tile of a batch, 1 for the others";
    case USE_GRADIENT: return "dw       takes the gradient: it is added to what is there";
    case USE_DX:       return "dx       takes the gradient of the input: it is added to what is there";
    case USE_Y:        return "y        takes the result";
    case USE_LOSS:     return "loss     takes the loss of the image, not yet times its share";
    case USE_SCRATCH:  return arena_print(f->u->arena, "scratch  memory to work in: %s %ss", program_macro(f, "SCRATCH", p), f->real);
    case USE_SHARED:   return arena_print(f->u->arena, "shared   memory to work in: %s %ss", program_macro(f, "SHARED", p), f->real);
    case USE_DRAW:     return "draw     what random numbers are a function of: seed (low, high), step, number of the image";
    case USE_UPDATE: case USE_COUNT:
        break;                          /* no entry takes it */
    }
    return "";
}

static void put_prototype(CFile *f, const Entry *entry)
{
    const char *parameters[USE_COUNT];
    int count = step_parameters(f, entry->program, entry->uses, entry->writes_state, parameters);

    text_blank(f->t);
    text_line(f->t, "/* %s", about_entry(entry->program->mode));
    text_line(f->t, " *");
    for (int use = 0; use < USE_COUNT; use++)
        if (entry->uses[use])
            text_line(f->t, " *   %s", about_use(f, entry->program, (Use)use));
    put_comment_end(f->t);
    put_list(f->t, arena_print(f->u->arena, "void %s(", entry->name), parameters, count, ");");
}

void c_prototypes(CFile *f)
{
    for (int i = 0; i < f->entries.count; i++)
        put_prototype(f, &f->entries.at[i]);
    const Entry *infer = entry_of(f, MODE_INFER);
    if (f->u->options.weights && infer) {
        text_blank(f->t);
        put_paragraph(f->t, "/* ", arena_print(f->u->arena, "The same with memory of its own: %s on the stack. `image` is %s numbers for "
                                                            "each image of a call, `result` %s.",
                                               bytes_text(f, c_scratch(f, infer->program) + c_shared(f, infer->program)),
                                               size_macro(f, "INPUTS"), size_macro(f, "OUTPUTS")), 0);
        put_comment_end(f->t);
        text_line(f->t, "void %s_predict(const %s *image, %s *result);", f->net, f->real, f->real);
        text_blank(f->t);
        put_paragraph(f->t, "/* ", "The same for images of bytes, as they come from a file: nothing is to be scaled or normalised before.", 0);
        put_comment_end(f->t);
        text_line(f->t, "void %s_predict_u8(const uint8_t *image, %s *result);", f->net, f->real);
    }
}

/* ---- small functions that layers use */

static void put_uniform(CFile *f)
{
    static const char *const lines[] = {
        "/* A number in [0, 1) that is a function of its arguments alone: Philox 4x32-10.",
        " *",
        " *   Ten rounds of multiplying and mixing turn a counter (which number of which image and layer) and",
        " *   a key (the seed) into random bits. (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as",
        " *   easy as 1, 2, 3, 2011.) */",
    };
    static const char *const body[] = {
        "uint32_t c0 = element, c1 = draw[3] + image, c2 = draw[2], c3 = stream;",
        "uint32_t key0 = draw[0], key1 = draw[1];",
        "",
    };
    static const char *const turn[] = {
        "const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;",
        "c0 = (uint32_t)(b >> 32) ^ c1 ^ key0;",
        "c1 = (uint32_t)b;",
        "c2 = (uint32_t)(a >> 32) ^ c3 ^ key1;",
        "c3 = (uint32_t)a;",
        "key0 += 0x9E3779B9u;",
        "key1 += 0xBB67AE85u;",
    };

    text_blank(f->t);
    for (int i = 0; i < countof(lines); i++)
        text_line(f->t, "%s", lines[i]);
    text_line(f->t, "static %s uniform(const uint32_t draw[4], uint32_t stream, uint32_t image, uint32_t element)", f->real);
    text_open(f->t, "{");
    for (int i = 0; i < countof(body); i++)
        if (*body[i])
            text_line(f->t, "%s", body[i]);
        else
            text_blank(f->t);
    text_open(f->t, "for (int turn = 0; turn < 10; turn++) {");
    for (int i = 0; i < countof(turn); i++)
        text_line(f->t, "%s", turn[i]);
    text_close(f->t, "}");
    text_line(f->t, "return (%s)(c0 >> 8) / %s;   // 24 bits", f->real, c_number(f->u->arena, 16777216, f->u->options.real));
    text_close(f->t, "}");
}

static void put_choice(CFile *f, const char *name, const char *relation)
{
    text_blank(f->t);
    text_line(f->t, "static %s %s(%s a, %s b)", f->real, name, f->real, f->real);
    text_open(f->t, "{");
    text_line(f->t, "return a %s b ? a : b;", relation);
    text_close(f->t, "}");
}

/* The functions of the math library that are used, where there is no <math.h>. */
static void declare_math(CFile *f)
{
    text_blank(f->t);
    if (f->needs.infinity)
        text_line(f->t, "#define INFINITY (1.0f / 0.0f)");
    for (int op = 0; op <= OP_SELECT_EQ; op++)
        if (f->needs.op[op] && c_function_in(f, (Op)op) == c_function_of((Op)op, f->u->options.real) && c_function_in(f, (Op)op))
            text_line(f->t, "%s %s(%s x);", f->real, c_function_in(f, (Op)op), f->real);
    if (f->needs.exp_of_libm)
        text_line(f->t, "%s %s(%s x);", f->real, c_function_of(OP_EXP, f->u->options.real), f->real);
}

void c_helpers(CFile *f)
{
    bool fast = f->u->options.style == STYLE_FAST && !f->variants;

    if (fast)
        c_nest_attribute(f);
    if (f->freestanding)
        declare_math(f);
    c_math(f);
    if (fast)
        c_lanes(f);
    if (f->needs.op[OP_RANDOM])
        put_uniform(f);
    if (f->needs.op[OP_MAX])
        put_choice(f, "larger", ">");
    if (f->needs.op[OP_MIN])
        put_choice(f, "smaller", "<");
}
