/* look.h: one image on its way through a network, as the program for looking leaves it. */
#ifndef CNN_LOOK_H
#define CNN_LOOK_H

#include "cnn/walk.h"
#include "net.h"

/* A walk and the memory that it points to. */
typedef struct Look {
    cnn_walk walk;
    cnn_walk_map *maps;
    double **blocks;            /* numbers of the maps */
    size_t block_count;
    const char **labels;
} Look;

/* The picture in a file, brought to the size of the network. With `backward` also back from the loss if `target` is the right class; -1: the one
 * that the network gives. */
bool cnn_look_new(Look *look, const cnn_net *net, const char *picture, bool backward, int64_t target, cnn_error *error);
void cnn_look_free(Look *look);

#endif
