/* c_values.c: arrays of known numbers: constants of layers and embedded weights, and the function that predicts with them. */
#include "emit/c.h"

#include <inttypes.h>
#include <string.h>

/* The elements of an array of rank `rank`, in nested braces, as many a line as fit. Returns the element behind them. */
static const double *put_values(CFile *f, const double *value, const int64_t *dim, int rank)
{
    Text *t = f->t;

    if (rank == 0) {
        text_put(t, "%s", c_number(t->arena, *value, f->u->options.real));
        return value + 1;
    }
    text_put(t, rank > 1 ? "{" : "{ ");
    int column = t->depth * 4 + 2;
    for (int64_t i = 0; i < dim[0]; i++) {
        size_t before = t->length;
        if (rank > 1) {
            text_put(t, "\n");
            t->depth++;
            text_indent(t);
            value = put_values(f, value, dim + 1, rank - 1);
            t->depth--;
            text_put(t, i < dim[0] - 1 ? "," : "");
            continue;
        }
        const char *number = c_number(t->arena, *value++, f->u->options.real);
        if (i > 0 && column + 2 + (int)strlen(number) > PAGE_WIDTH) {
            text_put(t, "\n");
            text_indent(t);
            text_put(t, "  ");
            column = t->depth * 4 + 2;
            before = t->length;
        }
        text_put(t, "%s%s%s", column > t->depth * 4 + 2 ? " " : "", number, i < dim[0] - 1 ? "," : "");
        column += (int)(t->length - before);
    }
    text_put(t, rank > 1 ? "}" : " }");
    return value;
}

static void put_constant(CFile *f, const Tensor *c, const char *name)
{
    static const int64_t one = 1;

    text_blank(f->t);
    if (c->param)
        text_line(f->t, "/* What %s has learnt: %s. */", names_comment(f->u->arena, c->site->name), c->param->role);
    else if (c->meaning)
        text_line(f->t, "/* %s: %s. */", name, names_comment(f->u->arena, c->meaning));
    text_line(f->t, "static const %s %s%s =", f->real, name, c_dims(f->u->arena, c));
    f->t->depth++;
    text_indent(f->t);
    put_values(f, c->constant, c->rank ? c->dim : &one, c->rank ? c->rank : 1);
    f->t->depth--;
    text_put(f->t, ";\n");
}

typedef struct Printed {
    const Tensor *tensor;
    const char *name;
} Printed;

static bool same_constant(const Tensor *a, const Tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0
        && (a->constant == b->constant || memcmp(a->constant, b->constant, (size_t)tensor_count(a) * sizeof *a->constant) == 0);
}

/* Under which condition someone reads the constant, in a file for several machines; NULL: whatever the compiler is. */
static const char *condition_of(CFile *f, CFile *const *variant, int count, const Tensor *c)
{
    bool *reads = arena_array(f->u->arena, (size_t)count, sizeof *reads);

    for (int v = 0; v < count; v++)
        for (int i = 0; i < variant[v]->constants.count; i++)
            reads[v] = reads[v] || same_constant(variant[v]->constants.at[i], c);
    for (int i = 0; i < f->constants.count; i++)                /* what is for all of them */
        if (same_constant(f->constants.at[i], c))
            return NULL;
    return c_condition_where(f, reads);
}

/* Those of several machines that are alike stand there once, and only where one is that reads them. */
void c_constants(CFile *f)
{
    LIST(Printed) printed = { 0 };
    CFile **variant;
    int count = c_variants(f, &variant);

    for (int v = 0; v < count + (f->variants != NULL); v++) {
        CFile *of = v < count ? variant[v] : f;
        for (int i = 0; i < of->constants.count; i++) {
            const Tensor *c = of->constants.at[i];
            const char *name = NULL;
            for (int j = 0; j < printed.count && !name; j++)
                name = same_constant(printed.at[j].tensor, c) ? printed.at[j].name : NULL;
            if (!name) {
                name = names_unique(f->names, c->name);
                LIST_ADD(f->u->arena, &printed, ((Printed){ c, name }));
                const char *condition = f->variants ? condition_of(f, variant, count, c) : NULL;
                if (condition)
                    text_put(f->t, "\n#if %s", condition);
                put_constant(f, c, name);
                if (condition)
                    text_line(f->t, "#endif");
            }
            names_reserve(of->names, name);
            *map_text(of->places, c->name) = (void *)name;
        }
    }
}

static const Entry *infer_entry(const CFile *f)
{
    for (int i = 0; i < f->entries.count; i++)
        if (f->entries.at[i].program->mode == MODE_INFER)
            return &f->entries.at[i];
    return NULL;
}

/* NAME_predict_u8: the same for bytes, as they lie in image files: what a byte is worth is said here and nowhere else. */
static void put_predict_u8(CFile *f)
{
    Arena *arena = f->u->arena;
    const char *count = arena_print(arena, "%s * %s", size_macro(f, "TILE"), size_macro(f, "INPUTS"));

    text_blank(f->t);
    text_line(f->t, "void %s_predict_u8(const uint8_t *image, %s *result)", f->net, f->real);
    text_open(f->t, "{");
    text_line(f->t, "%s pixels[%s];", f->real, count);
    text_blank(f->t);
    text_line(f->t, "for (int i = 0; i < %s; i++)", count);
    f->t->depth++;
    text_line(f->t, "pixels[i] = image[i];");
    f->t->depth--;
    text_line(f->t, "%s_predict(pixels, result);", f->net);
    text_close(f->t, "}");
}

/* NAME_predict: inference that brings its own memory; its weights are constants. */
void c_predict(CFile *f)
{
    const Entry *entry = infer_entry(f);
    const char *arguments[USE_COUNT];

    if (!f->u->options.weights || !entry)
        return;
    const Program *p = entry->program;
    int count = step_arguments(f, p, entry->uses, false, arguments), i = 0;
    for (int use = 0; use < USE_COUNT; use++) {
        if (use == USE_X && entry->uses[use])
            arguments[i] = p->x->rank > 1 ? arena_print(f->u->arena, "%simage", c_cast(f, p->x, true)) : "image";
        if (use == USE_Y && entry->uses[use])
            arguments[i] = p->y->rank > 1 ? "(void *)result" : "result";
        i += entry->uses[use];
    }
    text_blank(f->t);
    text_line(f->t, "void %s_predict(const %s *image, %s *result)", f->net, f->real, f->real);
    text_open(f->t, "{");
    if (entry->uses[USE_SCRATCH])
        text_line(f->t, "%s scratch[%s];", f->real, program_macro(f, "SCRATCH", p));
    if (entry->uses[USE_SHARED])
        text_line(f->t, "%s shared[%s];", f->real, program_macro(f, "SHARED", p));
    if (!entry->uses[USE_X])
        text_line(f->t, "(void)image;");
    text_blank(f->t);
    put_list(f->t, arena_print(f->u->arena, "%s(", entry->name), arguments, count, ");");
    text_close(f->t, "}");
    put_predict_u8(f);
}
