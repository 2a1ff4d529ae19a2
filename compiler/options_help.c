/* options_help.c: the text of --help, made from the tables (options.h). */
#include "options.h"

#include "base/warning.h"
#include "emit/emit.h"
#include "inspect/inspect.h"
#include "integrate/tools.h"
#include "pipeline.h"

void options_help(Unit *u, Text *t)
{
    (void)u;
    text_line(t, "cnnc: a page of text that describes a convolutional network becomes C for both passes");
    text_blank(t);
    text_line(t, "  cnnc net.cnn                   check it and show the network");
    text_line(t, "  cnnc net.cnn -o net.c          compile it (also -o net.h, -o -)");
    text_line(t, "  cnnc --main net.cnn -o net.c && cc -O2 net.c -lcnn -lm -o net && ./net train");
    text_line(t, "  cnnc train net.cnn             train it at once; also test, run and grad; behind the file the command's options");
    text_line(t, "  cnnc check net.cnn             whether its gradient is right, and all ways to run it agree");
    for (int i = 0; i < inspection_table_count; i++) {
        text_put(t, "  cnnc %s %s", inspection_table[i]->name, inspection_table[i]->takes);
        text_column(t, 33);
        text_put(t, "%s\n", inspection_table[i]->summary);
    }
    for (int i = 0; i < tool_table_count; i++) {
        text_put(t, "  cnnc %s %s", tool_table[i].name, tool_table[i].takes);
        text_column(t, 33);
        text_put(t, "%s\n", tool_table[i].summary);
    }
    text_blank(t);
    for (int i = 0; i < options_count(); i++) {
        OptionText o = options_text(i);
        text_put(t, "  %s%s%s", o.name, o.value ? o.name[1] == '-' ? "=" : " " : "", o.value ? o.value : "");
        text_column(t, 26);
        text_put(t, "%s\n", o.help);
    }
    text_blank(t);
    text_line(t, "outputs:");
    for (int i = 0; i < output_table_count; i++)
        text_line(t, "  %-10s %-12s %s", output_table[i]->name, output_table[i]->suffixes, output_table[i]->summary);
    text_line(t, "stages:");
    for (int i = 0; i < stage_table_count; i++)
        text_line(t, "  %-10s %s", stage_table[i].name, stage_table[i].summary);
    text_line(t, "warnings (* without being asked for):");
    for (int i = 0; i < WARNING_COUNT; i++)
        text_line(t, "%c %-15s %s", warning_table[i].always ? '*' : ' ', warning_table[i].name, warning_table[i].summary);
}
