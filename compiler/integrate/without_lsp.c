/* without_lsp.c: cnnc lsp in a build without cJSON. */
#include "integrate/server.h"

#include <stdio.h>

int lsp_run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("cnnc: error: 'cnnc lsp' is not supported by this build of cnnc: cJSON was not found\n  help: install libcjson-dev and build again\n", stderr);
    return 1;
}
