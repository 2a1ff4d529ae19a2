/* svg.c: -o net.svg: the drawing of the network, alone. */
#include "emit/emit.h"
#include "inspect/drawing.h"

static bool emit(Unit *u, Text *t)
{
    drawing_svg(u, facts_of(u), t, false);
    return true;
}

const Output output_svg = {
    .name = "svg",
    .suffixes = ".svg",
    .summary = "the network as a picture",
    .looks = true,
    .emit = emit,
};
