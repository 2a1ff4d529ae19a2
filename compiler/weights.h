/* weights.h: the trained numbers of a network, from a file. */
#ifndef CNNC_WEIGHTS_H
#define CNNC_WEIGHTS_H

#include "net/net.h"

/* Reads every param of the network from a safetensors file into Param.values. Reports a file that cannot be read and, at most 20 of
 * them, params that are missing or have another shape; false if there was anything to report. */
bool weights_read(Unit *u, const Net *net, const char *path);

#endif
