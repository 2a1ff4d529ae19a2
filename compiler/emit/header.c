/* header.c: what a program that uses the generated C file includes: sizes, structs, prototypes. For C and C++. */
#include "emit/c.h"

static bool emit(Unit *u, Text *t)
{
    CFile *f = c_file(u, t);
    const char *guard = size_macro(f, "NETWORK_H");

    c_about(f);
    text_line(t, "#ifndef %s", guard);
    text_line(t, "#define %s", guard);
    text_blank(t);
    text_line(t, "#include <stddef.h>");
    text_line(t, "#include <stdint.h>");
    text_blank(t);
    text_line(t, "#ifdef __cplusplus");
    text_line(t, "extern \"C\" {");
    text_line(t, "#endif");
    c_sizes(f);
    c_structs(f);
    c_prototypes(f);
    text_blank(t);
    text_line(t, "/* All of it for the runtime: see cnn/model.h. */");
    text_line(t, "extern const struct cnn_model %s_model;", f->net);
    text_blank(t);
    text_line(t, "#ifdef __cplusplus");
    text_line(t, "}");
    text_line(t, "#endif");
    text_blank(t);
    text_line(t, "#endif");
    return true;
}

const Output output_header = {
    .name = "header",
    .suffixes = ".h .hpp",
    .summary = "the header of the C file: sizes, structs, prototypes",
    .for_several = true,
    .emit = emit,
};
