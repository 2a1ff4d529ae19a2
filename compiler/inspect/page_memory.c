/* page_memory.c: the plan of the scratch block as rectangles (page.h). */
#include "inspect/page.h"

#include "emit/c.h"
#include "inspect/drawing.h"

#include <string.h>

enum { WIDTH = 900, HEIGHT = 260, LEFT = 70, TOP = 8, BELOW = 40 };

/* A hue a layer, far from those of its neighbours. */
static int hue_of(int number)
{
    return number * 137 % 360;
}

static void put_tensor(Unit *u, const Facts *f, const Program *p, const Tensor *s, Text *t)
{
    double step = (double)WIDTH / p->nests.count, scale = (double)HEIGHT / (double)p->scratch;
    double size = (double)tensor_count(s), height = size * scale < 1 ? 1 : size * scale;
    int number = page_number(u->net, s->site);

    text_put(t, "<rect class=\"tensor\" data-site=\"%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"hsl(%d %d%% %d%%)\"><title>", number,
             LEFT + s->first * step, TOP + HEIGHT - ((double)s->offset + size) * scale, (s->last - s->first + 1) * step, height, hue_of(number),
             s->primal ? 80 : 55, s->primal ? 42 : 66);
    put_escaped(t, s->name, strlen(s->name));
    text_put(t, ": %s from ", bytes_text(u, tensor_count(s) * f->real_bytes));
    put_escaped(t, p->nests.at[s->first]->name, strlen(p->nests.at[s->first]->name));
    text_put(t, " to ");
    put_escaped(t, p->nests.at[s->last]->name, strlen(p->nests.at[s->last]->name));
    text_put(t, "</title></rect>\n");
}

static int first_backward(const Program *p)
{
    int end = 0;

    for (int i = 0; i < p->nests.count; i++)
        if (!p->nests.at[i]->backward)
            end = i + 1;
    return end;
}

void page_memory(Unit *u, const Facts *f, const Program *p, Text *t)
{
    int forward = first_backward(p);

    if (p->scratch == 0 || p->nests.count == 0)
        return;
    text_put(t, "<h3>%s: %s for an image, in %d steps</h3>\n", p->mode == MODE_INFER ? "inference" : "training",
             bytes_text(u, p->scratch / p->tile * f->real_bytes), p->nests.count);
    text_put(t, "<div class=\"scroll\"><svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
                "aria-label=\"memory over time\">\n", LEFT + WIDTH + 10, TOP + HEIGHT + BELOW, LEFT + WIDTH + 10, TOP + HEIGHT + BELOW);
    for (int i = 0; i < p->tensors.count; i++) {
        const Tensor *s = p->tensors.at[i];
        if (s->role == ROLE_SCRATCH && !s->view_of && s->first >= 0)
            put_tensor(u, f, p, s, t);
    }
    text_put(t, "<path class=\"axis\" d=\"M%d %dV%dH%d\" fill=\"none\"/>\n", LEFT, TOP, TOP + HEIGHT, LEFT + WIDTH);
    text_put(t, "<text class=\"small\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 6, TOP + 10, bytes_text(u, p->scratch * f->real_bytes));
    text_put(t, "<text class=\"small\" x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", LEFT - 6, TOP + HEIGHT);
    if (forward < p->nests.count) {
        double x = LEFT + (double)forward * WIDTH / p->nests.count;
        text_put(t, "<path class=\"axis\" d=\"M%.1f %dV%d\" stroke-dasharray=\"4 3\"/>\n", x, TOP, TOP + HEIGHT + 18);
        text_put(t, "<text class=\"small\" x=\"%.1f\" y=\"%d\" text-anchor=\"end\">forward</text>\n", x - 6, TOP + HEIGHT + 16);
        text_put(t, "<text class=\"small\" x=\"%.1f\" y=\"%d\">backward</text>\n", x + 6, TOP + HEIGHT + 16);
    }
    text_put(t, "<text class=\"small\" x=\"%d\" y=\"%d\" text-anchor=\"end\">time</text>\n", LEFT + WIDTH, TOP + HEIGHT + 32);
    text_put(t, "</svg></div>\n");
}
