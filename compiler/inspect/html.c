/* html.c: -o net.html: the network as a page that needs nothing else: the drawing, the source, the nests and the C side by side, linked with
 * each other, the memory, and what a training left behind. How it looks and reacts is in page.css and page.js. */
#include "emit/c.h"
#include "inspect/drawing.h"
#include "inspect/page.h"
#include "inspect/window_drawing.h"
#include "net/layer.h"

#include <string.h>

typedef struct Page {
    Unit *u;
    Text *t;
    const Facts *facts;
} Page;

int page_number(const Net *net, const Site *s)
{
    return !s ? -1 : s == net->loss ? net->sites.count + 1 : s->number + 1;
}

static void put_text(Text *t, const char *text)
{
    put_escaped(t, text, strlen(text));
}

/* ---- the source */

static void put_sites_of_line(const Page *p, int source, int line)
{
    const Net *net = p->u->net;
    const char *separator = " data-sites=\"";

    if (net->x->span.source == source && span_line(p->u, net->x->span) == line) {
        text_put(p->t, "%s0", separator);
        separator = " ";
    }
    for (int i = 0; i <= net->sites.count; i++) {
        const Site *s = i < net->sites.count ? net->sites.at[i] : net->loss;
        if (!s || s->span.source != source || span_line(p->u, s->span) != line)
            continue;
        text_put(p->t, "%s%d", separator, page_number(net, s));
        separator = " ";
    }
    text_put(p->t, *separator == ' ' && separator[1] == '\0' ? "\" tabindex=\"0\"" : "");
}

static size_t comment_start(const char *line, size_t length)
{
    bool inside = false;

    for (size_t i = 0; i < length; i++) {
        inside ^= line[i] == '"';
        if (!inside && (line[i] == '#' || (line[i] == '/' && i + 1 < length && line[i + 1] == '/')))
            return i;
    }
    return length;
}

static void put_source(const Page *p, int source)
{
    size_t length;
    const char *text = source_text(p->u, source, &length), *end = text + length;

    for (int line = 1; text < end; line++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
        size_t code = comment_start(text, (size_t)(stop - text));
        text_put(p->t, "<span class=\"row\"");
        put_sites_of_line(p, source, line);
        text_put(p->t, "><span class=\"number\">%4d  </span>", line);
        put_escaped(p->t, text, code);
        text_put(p->t, "<i>");
        put_escaped(p->t, text + code, (size_t)(stop - text) - code);
        text_put(p->t, "</i></span>");
        text = newline ? newline + 1 : end;
    }
}

/* The file of the network, then the imported ones that layers come from. */
static void put_sources(const Page *p)
{
    const Net *net = p->u->net;
    int most = net->span.source;

    text_put(p->t, "<section class=\"card\" tabindex=\"0\" aria-label=\"source\"><h2>source</h2><pre id=\"source\">");
    put_source(p, net->span.source);
    for (int i = 0; i < net->sites.count; i++)
        most = net->sites.at[i]->span.source > most ? net->sites.at[i]->span.source : most;
    for (int source = 1; source <= most; source++) {
        bool used = false;
        for (int i = 0; i < net->sites.count; i++)
            used = used || net->sites.at[i]->span.source == source;
        if (!used || source == net->span.source)
            continue;
        text_put(p->t, "<span class=\"row\"><b>");
        put_text(p->t, source_name(p->u, source));
        text_put(p->t, "</b></span>");
        put_source(p, source);
    }
    text_put(p->t, "</pre></section>\n");
}

/* ---- nests and C */

static void put_block(const Page *p, int number, const char *text, size_t length, bool comments)
{
    const char *end = text + length;

    text_put(p->t, number >= 0 ? "<span class=\"block\" data-site=\"%d\">" : "<span class=\"block\">", number);
    while (text < end) {
        const char *open = comments ? strstr(text, "/*") : NULL, *line = comments ? strstr(text, "//") : NULL, *stop = end;
        bool long_one = open && (!line || open < line);
        const char *from = long_one ? open : line;
        if (!from || from >= end) {
            put_escaped(p->t, text, (size_t)(end - text));
            break;
        }
        put_escaped(p->t, text, (size_t)(from - text));
        stop = strstr(from, long_one ? "*/" : "\n");
        stop = stop && stop < end ? stop + (long_one ? 2 : 0) : end;
        text_put(p->t, "<i>");
        put_escaped(p->t, from, (size_t)(stop - from));
        text_put(p->t, "</i>");
        text = stop;
    }
    text_put(p->t, "</span>");
}

static void put_nests(const Page *p)
{
    const Program *program = p->u->train ? p->u->train : p->u->infer;

    text_put(p->t, "<section class=\"card\" tabindex=\"0\" aria-label=\"nests\"><h2>nests of %s</h2><pre id=\"nests\">",
             p->u->train ? "training, in order" : "inference, in order");
    for (int i = 0; i < program->nests.count; i++) {
        const Nest *n = program->nests.at[i];
        Text *t = text_new(p->u->arena);
        nest_print(n, t);
        put_block(p, page_number(p->u->net, n->site), t->at, t->length, false);
    }
    text_put(p->t, "</pre></section>\n");
}

static void put_code_pane(const Page *p)
{
    Text *code = text_new(p->u->arena);
    CPages pages = { 0 };
    size_t at = 0;

    c_write(p->u, code, &pages);
    text_put(p->t, "<section class=\"card\" tabindex=\"0\" aria-label=\"C\"><h2>C</h2><pre id=\"code\">");
    for (int i = 0; i < pages.list.count; i++) {
        const CPage *page = &pages.list.at[i];
        if (page->from > at)
            put_block(p, -1, code->at + at, page->from - at, true);
        put_block(p, page_number(p->u->net, page->function->nest->site), code->at + page->from, page->to - page->from, true);
        at = page->to;
    }
    put_block(p, -1, code->at + at, code->length - at, true);
    text_put(p->t, "</pre></section>\n");
}

/* ---- one layer */

static void put_fact(const Page *p, const char *what, const char *text)
{
    if (!*text)
        return;
    text_put(p->t, "<dt>%s</dt><dd>", what);
    put_text(p->t, text);
    text_put(p->t, "</dd>\n");
}

static void put_layer(const Page *p, const LayerFacts *l, int number)
{
    Unit *u = p->u;
    const Site *s = l->site;

    text_put(p->t, "<article data-of=\"%d\" hidden><div><b>", number);
    put_text(p->t, l->name);
    text_put(p->t, "</b> ");
    put_text(p->t, s ? s->kind->summary : "what the network reads");
    text_put(p->t, "\n<dl>\n");
    put_fact(p, "line", *l->place ? arena_print(u->arena, "%s: %s", l->place, l->written) : "");
    put_fact(p, "shape", !s ? shape_text(u, l->shape) : arena_print(u->arena, "%s -> %s%s%s", shape_text(u, s->x->shape), shape_text(u, l->shape),
                                                                   *l->arithmetic ? ":  " : "", l->arithmetic));
    put_fact(p, "parameters", s ? parameter_arithmetic(u, s) : "");
    if (l->forward || l->backward)
        put_fact(p, "work", arena_print(u->arena, "%s multiply-adds an image, backward %s", grouped(u->arena, l->forward), grouped(u->arena, l->backward)));
    put_fact(p, "memory", l->bytes ? bytes_text(u, l->bytes) : "");
    put_fact(p, "sees", arena_print(u->arena, "%s of the input", field_text(u, &l->field)));
    text_put(p->t, "</dl></div>\n");
    if (s && s->window) {
        Text *t = text_new(u->arena);
        window_draw(u, s, t);
        text_put(p->t, "<div class=\"scroll\"><pre>");
        put_escaped(p->t, t->at + 1, t->length - 1);        /* without the empty line it begins with */
        text_put(p->t, "</pre></div>\n");
    }
    text_put(p->t, "</article>\n");
}

static void put_layers(const Page *p)
{
    const Site *loss = p->u->net->loss;

    text_put(p->t, "<section class=\"card\" id=\"facts\" aria-live=\"polite\"><h2>layer <span id=\"said\"></span></h2>\n");
    for (int i = 0; i < p->facts->layers.count; i++)
        put_layer(p, &p->facts->layers.at[i], i);
    if (loss)
        text_put(p->t, "<article data-of=\"%d\" hidden><b>%s</b> %s</article>\n", page_number(p->u->net, loss), loss->kind->name, loss->kind->summary);
    text_put(p->t, "</section>\n");
}

/* The names of the layers by their numbers, for the script: names of the language need no escapes. */
static void put_names(const Page *p)
{
    text_put(p->t, "<script type=\"application/json\" id=\"names\">[");
    for (int i = 0; i < p->facts->layers.count; i++)
        text_put(p->t, "%s\"%s\"", i ? "," : "", p->facts->layers.at[i].name);
    if (p->u->net->loss)
        text_put(p->t, ",\"%s\"", p->u->net->loss->kind->name);
    text_put(p->t, "]</script>\n");
}

/* A number whose groups of digits stay on one line. */
static const char *unbroken(Arena *arena, int64_t number)
{
    return arena_print(arena, "<span class=\"number\">%s</span>", grouped(arena, number));
}

static void put_head(const Page *p)
{
    const Facts *f = p->facts;
    Arena *arena = p->u->arena;

    text_put(p->t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    put_text(p->t, p->u->net->name);
    text_put(p->t, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header><h1>", page_css);
    put_text(p->t, p->u->net->name);
    text_put(p->t, "</h1>\n<p>%d layers, %s parameters (%s), %s multiply-adds an image", f->layers.count - 1, unbroken(arena, f->parameters),
             bytes_text(p->u, f->parameters * f->real_bytes), unbroken(arena, f->forward));
    if (p->u->train)
        text_put(p->t, ", %s with the way back", unbroken(arena, f->forward + f->backward));
    text_put(p->t, "</p>\n<p class=\"keys\">Click a layer anywhere, or walk with <kbd>&darr;</kbd> <kbd>&uarr;</kbd>.</p></header>\n<main>\n");
}

static bool emit(Unit *u, Text *t)
{
    Page p = { .u = u, .t = t, .facts = facts_of(u) };
    Text *training = text_new(u->arena);

    if (!page_training(u, training))
        return false;
    put_head(&p);
    text_put(t, "<nav class=\"card\" id=\"drawing\" aria-label=\"the network\">\n");
    drawing_svg(u, p.facts, t, true);
    text_put(t, "</nav>\n<div class=\"right\">\n");
    put_layers(&p);
    text_put(t, "<div class=\"panes\">\n");
    put_sources(&p);
    put_nests(&p);
    put_code_pane(&p);
    text_put(t, "</div>\n<section class=\"card wide\" id=\"memory\"><h2>memory over time</h2>\n");
    page_memory(u, p.facts, u->infer, t);
    if (u->train)
        page_memory(u, p.facts, u->train, t);
    text_put(t, "</section>\n");
    if (training->length) {
        text_put(t, "<section class=\"card wide\" id=\"training\"><h2>training</h2>\n");
        text_bytes(t, training->at, training->length);
        text_put(t, "</section>\n");
    }
    text_put(t, "</div>\n</main>\n");
    put_names(&p);
    text_put(t, "<script>\n%s</script>\n</body>\n</html>\n", page_js);
    return true;
}

const Output output_html = {
    .name = "html",
    .suffixes = ".html",
    .summary = "a page: drawing, source, nests and C side by side, memory, training",
    .looks = true,
    .emit = emit,
};
