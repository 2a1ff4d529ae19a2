/* foreign.h: what Keras and PyTorch call things, and the line that says the same here. */
#ifndef CNNC_NET_FOREIGN_H
#define CNNC_NET_FOREIGN_H

#include "net/args.h"

/* Reports a layer that has another framework's name, with the right line as its help. False if the name is none of those. */
bool foreign_layer(Unit *u, const ArgOwner *owner, const AstArg *args);

/* The spec that another framework calls `key` and that takes such an argument, or NULL. */
const ArgSpec *foreign_spec(const ArgOwner *owner, const AstArg *arg);

/* True for an argument that other frameworks want and that says nothing here: names, the shape of the input, ... */
bool foreign_noise(const AstArg *arg);

/* Adds to the error before it how the owner's line is written here, and what of it has no counterpart. */
void foreign_advise(Unit *u, const ArgOwner *owner, const AstArg *args);

#endif
