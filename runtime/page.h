/* page.h: the report of a run as one HTML file: curves, the table of confusions, learnt filters, the worst mistakes. */
#ifndef CNN_PAGE_H
#define CNN_PAGE_H

#include "data.h"

typedef struct Page {
    cnn_net *net;
    const cnn_data *data;
    const cnn_epoch *epochs;    /* [epoch_count]; NULL: there was no training */
    size_t epoch_count;
    int64_t best;               /* epoch, from 1; 0: none */
    bool of_test;               /* the validation columns are of the test images */
    const cnn_scores *scores;   /* of the test images; NULL: there are none */
    const int64_t *confusion;   /* [outputs][outputs] or NULL */
} Page;

bool cnn_page_write(const Page *page, const char *path, cnn_error *error);

#endif
