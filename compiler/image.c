/* image.c: pictures for cnnc step (image.h). The readers of the formats are the runtime's. */
#include "image.h"

#include "picture.h"

double *image_read(Unit *u, const Net *net, const char *path)
{
    cnn_error error = { "" };
    Picture picture = { 0 };
    Shape s = net->input;

    if (s.rank != 3 || (s.dim[0] != 1 && s.dim[0] != 3)) {
        error_at(u, net->x->span, "--image needs a network that reads pictures, grey or red, green and blue; this one reads %s", shape_text(u, s));
        return NULL;
    }
    size_t count = (size_t)shape_count(s);
    uint8_t *bytes = arena_alloc(u->arena, count);
    double *x = arena_array(u->arena, count, sizeof *x);
    bool read = cnn_picture_read(&picture, path, false, &error) && cnn_picture_fit(&picture, s.dim[0], s.dim[1], s.dim[2], bytes, &error);
    cnn_picture_free(&picture);
    if (!read) {
        error_at(u, NO_SPAN, "%s", error.text);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        x[i] = bytes[i];
    return x;
}
