/* training.h: a recipe while it is made of a train block and the data that it names. */
#ifndef CNNC_NET_TRAINING_H
#define CNNC_NET_TRAINING_H

#include "net/recipe.h"
#include "net/scope.h"

typedef struct Training {
    Unit *u;
    Items *items;
    Net *net;                       /* NULL: the network had errors, only the block itself is checked */
    const AstItem *block;           /* the train block; NULL: the defaults */
    Recipe *recipe;                 /* its settings not yet in order */
    const AstItem *data;            /* the data block, or NULL */
    bool lines_failed;              /* the parser could not read some line */
} Training;

/* training.c: fills net->recipe and net->loss. `block` may be NULL. Reports what is wrong; false if something was. `net` is
 * NULL for a network with errors. */
bool training_read(Items *items, Net *net, const AstItem *block);

/* Checks a data block that no train block names. */
void training_read_data(Items *items, const AstItem *data);

/* Adds a setting of that row of the table; NULL values are the defaults. */
Setting *training_add(Training *t, const SettingSpec *spec, ArgValue *values, Span span);
const Setting *training_find(const Training *t, const char *name);

/* setting.c: the lines of a train block or data block. */
void setting_lines(Training *t, const AstItem *block);

/* dataset.c: where the data comes from. */
void dataset_source(Training *t);
void dataset_row(Training *t, const AstStmt *row);
/* Whether images, targets and labels fit to the network. */
void dataset_check(Training *t);

#endif
