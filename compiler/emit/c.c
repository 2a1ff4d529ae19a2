/* c.c: the network as one C file that stands alone: C11, no allocation, nothing mutable outside of functions, no library but libm.
 *
 * Layers come in the order of the network, each as a page: its forward functions, then its backward functions. Then the
 * functions that call them, and the descriptor for the runtime. */
#include "emit/c.h"

static void put_function(CFile *f, const Function *function)
{
    Text *page = f->t;

    text_blank(page);
    lesson_comment(f, function);
    f->t = text_new(f->u->arena);
    if (c_is_unrolled(function->nest))
        c_unrolled(f, function);
    else if (nest_is_turned(function->nest))
        c_turned(f, function);
    else if (c_is_tiled(function->nest))
        c_tiled(f, function);
    else
        c_nest(f, function);
    Text *code = f->t;
    f->t = page;
    c_pinned(f, code, function->nest->site ? function->nest->site->span : NO_SPAN);
    c_unpinned(f);
}

/* Layer by layer, each as a page. */
static void put_functions(CFile *f, CPages *pages)
{
    const FunctionList *list = functions_in_order(f->u, f->functions);
    const Site *page = NULL;

    for (int i = 0; i < list->of.count; i++) {
        const Site *s = list->of.at[i]->nest->site;
        if (s && s != page) {
            text_blank(f->t);
            text_blank(f->t);
            lesson_banner(f, s);
        }
        page = s;
        CPage p = { .function = list->of.at[i], .from = f->t->length };
        put_function(f, list->of.at[i]);
        p.to = f->t->length;
        LIST_ADD(f->u->arena, &pages->list, p);
    }
}

static void put_main(CFile *f)
{
    text_blank(f->t);
    text_line(f->t, "/* The command line is the runtime's. */");
    text_line(f->t, "int cnn_main(const cnn_model *model, int argc, char **argv);");
    text_blank(f->t);
    text_line(f->t, "int main(int argc, char **argv)");
    text_open(f->t, "{");
    text_line(f->t, "return cnn_main(&%s_model, argc, argv);", f->net);
    text_close(f->t, "}");
}

static void add_needs(Needs *to, const Needs *from)
{
    for (int op = 0; op < countof(to->op); op++)
        to->op[op] = to->op[op] || from->op[op];
    to->exp_of_libm = to->exp_of_libm || from->exp_of_libm;
    to->infinity = to->infinity || from->infinity;
}

/* The functions of the nests of every machine, each as a text. */
static Text **put_all_functions(CFile *f, CPages *pages)
{
    CFile **variant;
    int count = c_variants(f, &variant);
    Text **text = arena_array(f->u->arena, (size_t)count, sizeof(Text *));

    for (int i = 0; i < count; i++) {
        CFile *v = variant[i];
        CPages rest = { 0 };
        unit_choose_variant(f->u, i);
        v->t = text[i] = text_new(f->u->arena);
        put_functions(v, i ? &rest : pages);
        if (v != f)
            add_needs(&f->needs, &v->needs);
    }
    unit_choose_variant(f->u, 0);
    return text;
}

/* In a file for several machines: what is for all of them. */
static Text *put_look_functions(CFile *f)
{
    CPages pages = { 0 };

    Needs of_machines = f->needs;

    f->t = text_new(f->u->arena);
    if (!f->variants)
        return f->t;
    f->needs = (Needs){ 0 };
    put_functions(f, &pages);
    f->own = f->needs;
    add_needs(&f->needs, &of_machines);
    return f->t;
}

CFile *c_write(Unit *u, Text *t, CPages *pages)
{
    CFile *f = c_file(u, t);
    Text **functions = put_all_functions(f, pages), *look = put_look_functions(f);     /* first, to know what they need */

    f->t = t;
    c_about(f);
    text_blank(t);
    if (!f->freestanding)
        text_line(t, "#include <math.h>");
    text_line(t, "#include <stddef.h>");
    text_line(t, "#include <stdint.h>");
    if (u->options.strict)
        c_no_contraction(f);
    if (u->options.style == STYLE_FAST)
        c_pragmas(f);
    c_sizes(f);
    c_structs(f);
    c_prototypes(f);
    c_helpers(f);
    c_update_prototype(f);
    size_t begin = t->length;
    if (f->variants) {
        c_constants(f);
        begin = c_sections(f, functions);
        if (u->look) {
            text_blank(t);
            text_blank(t);
            text_line(t, "/* ======== all machines: what a look at an image needs, which keeps what every layer makes ======== */");
            text_bytes(t, look->at, look->length);
            c_steps(f);
        }
    } else {
        text_blank(t);
        begin = t->length;
        text_bytes(t, functions[0]->at, functions[0]->length);
        c_constants(f);
        c_steps(f);
    }
    for (int i = 0; i < pages->list.count; i++) {
        pages->list.at[i].from += begin;
        pages->list.at[i].to += begin;
    }
    c_entries(f);
    c_predict(f);
    c_model(f);
    if (u->options.with_main)
        put_main(f);
    return f;
}

static bool emit(Unit *u, Text *t)
{
    CPages pages = { 0 };

    return c_write(u, t, &pages) != NULL;
}

const Output output_c = {
    .name = "c",
    .suffixes = ".c",
    .summary = "C11, self-contained and readable",
    .for_several = true,
    .emit = emit,
};
