/* dot.c: -o net.dot: the network as a graph, for graphviz. */
#include "emit/c.h"
#include "inspect/facts.h"

static int node_of(const Value *v)
{
    return v->from ? v->from->number + 1 : 0;
}

/* Between quotation marks. */
static void put_label(Text *t, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_put(t, "\\");
        if (*c >= ' ')
            text_bytes(t, (const char *)c, 1);
    }
}

static bool emit(Unit *u, Text *t)
{
    const Facts *f = facts_of(u);

    text_open(t, "digraph {");
    text_line(t, "node [shape=box, style=rounded, fontname=\"sans-serif\"];");
    for (int i = 0; i < f->layers.count; i++) {
        const LayerFacts *l = &f->layers.at[i];
        text_indent(t);
        text_put(t, "n%d [label=\"", i);
        put_label(t, l->name);
        text_put(t, ": ");
        put_label(t, l->written);
        text_put(t, "\\n%s", shape_text(u, l->shape));
        if (l->parameters)
            text_put(t, "\\n%s parameters", grouped(u->arena, l->parameters));
        text_put(t, "\"%s];\n", l->parameters ? ", penwidth=2" : "");
    }
    for (int i = 0; i < u->net->sites.count; i++) {
        const Site *s = u->net->sites.at[i];
        for (int j = 0; j < s->in_count; j++)
            text_line(t, "n%d -> n%d [label=\"%s\"];", node_of(s->in[j]), i + 1, shape_text(u, s->in[j]->shape));
    }
    text_close(t, "}");
    return true;
}

const Output output_dot = {
    .name = "dot",
    .suffixes = ".dot",
    .summary = "the network as a graph, for graphviz",
    .looks = true,
    .emit = emit,
};
