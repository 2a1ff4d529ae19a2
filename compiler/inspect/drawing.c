/* drawing.c: where the boxes of a drawing stand, and the drawing as SVG (drawing.h).
 *
 * A layer stands below everything that it reads, as far down as the longest way from the input; layers of the same depth stand side by
 * side. The stack of sheets beside a name is the shape of what the layer makes: as high and wide as the image, as many sheets as channels,
 * both by their logarithm. */
#include "inspect/drawing.h"

#include "emit/c.h"
#include "net/layer.h"

#include <math.h>
#include <string.h>

enum { BOX_WIDTH = 320, BOX_HEIGHT = 44, GAP_X = 28, GAP_Y = 22, MARGIN = 16, SHEET_LEFT = 32, TEXT_LEFT = 66, MOST_SHEETS = 6, LONGEST = 33, LANE = 10 };

void put_escaped(Text *t, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        switch (text[i]) {
        case '&':  text_put(t, "&amp;"); break;
        case '<':  text_put(t, "&lt;"); break;
        case '>':  text_put(t, "&gt;"); break;
        case '"':  text_put(t, "&quot;"); break;
        case '\'': text_put(t, "&#39;"); break;
        default:
            if ((unsigned char)text[i] >= ' ' || text[i] == '\n' || text[i] == '\t')
                text_bytes(t, text + i, 1);
        }
}

static int node_of(const Value *v)
{
    return v->from ? v->from->number + 1 : 0;
}

/* Where a box would like to stand: below the middle of what it reads. */
static double wish(const Drawing *d, const Node *n)
{
    const Site *s = n->layer->site;
    double sum = 0;

    for (int i = 0; s && i < s->in_count; i++) {
        const Node *above = &d->nodes[node_of(s->in[i])];
        sum += above->column - (above->columns - 1) / 2.0;
    }
    return s ? sum / s->in_count : 0;
}

/* The boxes of a rank from left to right as they wish, in the order of the program where they wish the same. */
static void order_rank(Unit *u, Drawing *d, int rank)
{
    Node **row = arena_array(u->arena, (size_t)d->count, sizeof *row);
    int count = 0;

    for (int i = 0; i < d->count; i++) {
        if (d->nodes[i].rank != rank)
            continue;
        int at = count++;
        for (; at > 0 && wish(d, row[at - 1]) > wish(d, &d->nodes[i]) + 1e-9; at--)
            row[at] = row[at - 1];
        row[at] = &d->nodes[i];
    }
    for (int i = 0; i < count; i++) {
        row[i]->column = i;
        row[i]->columns = count;
    }
}

Drawing drawing_of(Unit *u, const Facts *f)
{
    Drawing d = { .count = f->layers.count };
    int *used = arena_array(u->arena, (size_t)d.count + 1, sizeof *used), widest = 1;

    d.nodes = arena_array(u->arena, (size_t)d.count, sizeof *d.nodes);
    for (int i = 0; i < d.count; i++) {
        Node *n = &d.nodes[i];
        n->layer = &f->layers.at[i];
        for (int j = 0; n->layer->site && j < n->layer->site->in_count; j++) {
            int above = d.nodes[node_of(n->layer->site->in[j])].rank;
            n->rank = above + 1 > n->rank ? above + 1 : n->rank;
        }
        used[n->rank]++;
        d.ranks = n->rank + 1 > d.ranks ? n->rank + 1 : d.ranks;
        widest = used[n->rank] > widest ? used[n->rank] : widest;
    }
    d.width = 2 * MARGIN + widest * BOX_WIDTH + (widest - 1) * GAP_X;
    d.height = 2 * MARGIN + d.ranks * BOX_HEIGHT + (d.ranks - 1) * GAP_Y;
    for (int rank = 0; rank < d.ranks; rank++)
        order_rank(u, &d, rank);
    for (int i = 0; i < d.count; i++) {
        Node *n = &d.nodes[i];
        double row = n->columns * BOX_WIDTH + (n->columns - 1) * GAP_X;
        n->x = d.width / 2 - row / 2 + n->column * (BOX_WIDTH + GAP_X) + BOX_WIDTH / 2.0;
        n->y = MARGIN + n->rank * (BOX_HEIGHT + GAP_Y);
    }
    return d;
}

/* The line of an arrow past the boxes between its ends. */
typedef struct Lane {
    int first, last;                /* ranks */
    double x;
} Lane;

typedef struct Lanes {
    LIST(Lane) list;
    double widest;
} Lanes;

/* To the right of all boxes on the way, and of the arrows that go past the same ones. */
static double lane_of(Unit *u, const Drawing *d, Lanes *lanes, const Node *from, const Node *to)
{
    double x = 0;

    for (int i = 0; i < d->count; i++)
        if (d->nodes[i].rank >= from->rank && d->nodes[i].rank <= to->rank
            && (&d->nodes[i] == from || &d->nodes[i] == to || (d->nodes[i].rank > from->rank && d->nodes[i].rank < to->rank)))
            x = fmax(x, d->nodes[i].x + BOX_WIDTH / 2.0 + LANE);
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < lanes->list.count; i++) {
            const Lane *l = &lanes->list.at[i];
            if (l->first <= to->rank && from->rank <= l->last && fabs(l->x - x) < LANE) {
                x = l->x + LANE;
                moved = true;
            }
        }
    }
    LIST_ADD(u->arena, &lanes->list, ((Lane){ from->rank, to->rank, x }));
    lanes->widest = fmax(lanes->widest, x + LANE);
    return x;
}

/* From the lower edge of one box to the upper edge of another; past the boxes between them where there are some. */
static void put_arrow(Unit *u, const Drawing *d, Lanes *lanes, Text *t, const Node *from, const Node *to)
{
    double x1 = from->x, y1 = from->y + BOX_HEIGHT, x2 = to->x, y2 = to->y;

    if (to->rank == from->rank + 1) {
        double middle = (y1 + y2) / 2;
        text_put(t, "<path class=\"arrow\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", x1, y1, x1, middle, x2, middle, x2, y2 - 2);
        return;
    }
    double side = lane_of(u, d, lanes, from, to);
    text_put(t, "<path class=\"arrow\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fL%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n", x1 + 60, y1,
             x1 + 60, y1 + GAP_Y, side, y1, side, y1 + GAP_Y, side, y2 - GAP_Y, side, y2 - 4, x2 + 60, y2 - GAP_Y, x2 + 60, y2 - 2);
}

/* The shape as a stack of sheets; features are a thin column. */
static void put_sheets(Text *t, const Node *n)
{
    Shape s = n->layer->shape;
    bool image = s.rank == 3;
    double h = image ? 3 + 3.2 * log2((double)s.dim[1] + 1) : 6 + 2.2 * log2((double)shape_count(s) + 1);
    double w = image ? 3 + 3.2 * log2((double)s.dim[2] + 1) : 5;
    int sheets = image ? 1 + (int)(log2((double)s.dim[0]) / 2 + 0.5) : 1;
    double left = n->x - BOX_WIDTH / 2.0 + SHEET_LEFT, middle = n->y + BOX_HEIGHT / 2.0;

    h = h > 30 ? 30 : h;
    w = w > 30 ? 30 : w;
    sheets = sheets > MOST_SHEETS ? MOST_SHEETS : sheets;
    for (int i = sheets - 1; i >= 0; i--)
        text_put(t, "<rect class=\"sheet\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", left - w / 2 + (i - (sheets - 1) / 2.0) * 2.5,
                 middle - h / 2 - (i - (sheets - 1) / 2.0) * 2, w, h);
}

static void put_label(Text *t, const char *class, double x, double y, const char *text)
{
    size_t length = strlen(text);

    text_put(t, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    if (length > LONGEST) {
        size_t end = LONGEST - 3;
        while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
            end--;
        put_escaped(t, text, end);
        text_put(t, "...");
    } else {
        put_escaped(t, text, length);
    }
    text_put(t, "</text>\n");
}

static void put_node(Unit *u, Text *t, const Node *n, bool links)
{
    const LayerFacts *l = n->layer;
    double left = n->x - BOX_WIDTH / 2.0;

    if (links)
        text_put(t, "<g class=\"node\" data-site=\"%d\" tabindex=\"0\" role=\"button\">\n", l->site ? l->site->number + 1 : 0);
    else
        text_put(t, "<g class=\"node\">\n");
    text_put(t, "<title>");
    put_escaped(t, l->name, strlen(l->name));
    text_put(t, ": %s</title>\n", shape_text(u, l->shape));
    text_put(t, "<rect class=\"box%s\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", l->parameters ? " learns" : "", left, n->y,
             BOX_WIDTH, BOX_HEIGHT);
    put_sheets(t, n);
    put_label(t, "name", left + TEXT_LEFT, n->y + 18, *l->written && l->site ? l->written : l->name);
    const char *below = shape_text(u, l->shape);
    if (l->parameters)
        below = arena_print(u->arena, "%s, %s parameters", below, grouped(u->arena, l->parameters));
    put_label(t, "below", left + TEXT_LEFT, n->y + 35, below);
    text_put(t, "</g>\n");
}

static const char style[] =
    "<style>\n"
    ".box{fill:#fff;stroke:#8a94a6;stroke-width:1.2}\n.box.learns{stroke:#2563c9;stroke-width:2}\n"
    ".sheet{fill:#cfe0f8;stroke:#2563c9;stroke-width:.8}\n.arrow{fill:none;stroke:#5b6575;stroke-width:1.4;marker-end:url(#tip)}\n"
    "text{font-family:ui-sans-serif,system-ui,sans-serif;fill:#14181f}\n.name{font-size:12.5px;font-weight:600}\n.below{font-size:11.5px;fill:#4c5566}\n"
    "#tip path{fill:#5b6575}\n"
    "@media (prefers-color-scheme:dark){.box{fill:#1b2230;stroke:#6b7688}.box.learns{stroke:#7fb0ff}.sheet{fill:#28436b;stroke:#7fb0ff}"
    ".arrow{stroke:#9aa5b8}#tip path{fill:#9aa5b8}text{fill:#e8edf5}.below{fill:#aab5c7}}\n"
    "</style>\n";

void drawing_svg(Unit *u, const Facts *f, Text *t, bool links)
{
    Drawing d = drawing_of(u, f);
    Text *arrows = text_new(u->arena);
    Lanes lanes = { 0 };

    for (int i = 0; i < d.count; i++) {
        const Site *s = d.nodes[i].layer->site;
        for (int j = 0; s && j < s->in_count; j++)
            put_arrow(u, &d, &lanes, arrows, &d.nodes[node_of(s->in[j])], &d.nodes[i]);
    }
    double width = fmax(d.width, lanes.widest);
    text_put(t, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\">\n", width, d.height,
             width, d.height);
    text_put(t, "%s", style);
    text_put(t, "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                "<path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
    text_bytes(t, arrows->at, arrows->length);
    for (int i = 0; i < d.count; i++)
        put_node(u, t, &d.nodes[i], links);
    text_put(t, "</svg>\n");
}
