/* groups.h: channels and filters shared out evenly among groups that see nothing of each other; for conv and deconv. */
#ifndef CNNC_LAYERS_GROUPS_H
#define CNNC_LAYERS_GROUPS_H

#include "loops/build.h"
#include "net/layer.h"

typedef struct Groups {
    int64_t count;
    int64_t filters, channels;  /* of one group */
} Groups;

/* Where the layer's table has the arguments. */
typedef struct GroupArgs {
    int filters, groups, depthwise;
} GroupArgs;

/* Rows of a table of arguments. */
#define FILTERS_ARG { .name = "filters", .kind = ARG_COUNT, .required = true, .positional = true, \
                      .help = "number of filters: the depth of the result", .foreign = "out_channels" }
#define GROUPS_ARG { .name = "groups", .kind = ARG_COUNT, .fallback = 1, .group = 2, \
                     .help = "groups of channels and filters that see nothing of each other" }
#define DEPTHWISE_ARG { .name = "depthwise", .kind = ARG_FLAG, .positional = true, .group = 2, \
                        .help = "as many groups as the input has channels" }

/* Reports groups that do not share channels and filters evenly, and returns false. */
bool groups_fit(Unit *u, const Site *s, const GroupArgs *args);

/* The groups of a site whose groups fit. */
Groups groups_of(const Site *s, const GroupArgs *args);

#endif
