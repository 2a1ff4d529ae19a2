/* every.c: the loops that visit every element of a value (every.h). */
#include "layers/every.h"

Every every_element(Build *b, Shape shape)
{
    static const char *const names[] = { "c", "h", "w", "i" };
    static const char *const meanings[] = { "for every channel", "and every place in it", NULL, NULL };
    Every e = { .area = 1 };

    for (int i = 0; i < shape.rank; i++) {
        const char *meaning = shape.rank == 1 ? "for every feature" : meanings[i];
        Loop *l = loop(b, names[i], meaning, shape.dim[i]);

        e.index[i] = at(l);
        for (int j = 0; j < e.number.count; j++)
            e.number.term[j].factor *= shape.dim[i];
        e.number = plus(e.number, at(l));
        if (i == 0)
            e.channel[0] = at(l);
        else
            e.area *= shape.dim[i];
    }
    return e;
}

Tensor *features_of(Build *b, Tensor *t, const char *symbol)
{
    Tensor *v = site_tensor(b, b->site, symbol);

    return v ? v : view_called(b, symbol, t, (Shape){ 1, { shape_count(shape_of(t)) } });
}
