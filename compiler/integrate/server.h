/* server.h: cnnc lsp, for the table of tools. */
#ifndef CNNC_INTEGRATE_SERVER_H
#define CNNC_INTEGRATE_SERVER_H

/* The exit status of `cnnc lsp`. Without cJSON it says that it is missing. */
int lsp_run(int argc, char **argv);

#endif
