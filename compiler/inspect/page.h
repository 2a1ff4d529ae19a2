/* page.h: the parts of net.html. */
#ifndef CNNC_INSPECT_PAGE_H
#define CNNC_INSPECT_PAGE_H

#include "inspect/facts.h"

extern const char page_css[], page_js[];            /* page.css and page.js, whole */

/* What a page calls a layer: its number from 1 on; 0 is the input, the number behind the last one the loss. -1: none. */
int page_number(const Net *net, const Site *s);

/* The memory of a program: a rectangle a tensor, over time and addresses. */
void page_memory(Unit *u, const Facts *f, const Program *p, Text *t);

/* What the files of --report and the weights of --weights show. False after reporting an error. */
bool page_training(Unit *u, Text *t);

/* ---- tables in files */

typedef struct Csv {
    const char *path;
    int rows, columns;              /* rows without the head */
    const char **head, **cell;      /* [columns], [rows][columns] */
} Csv;

bool csv_read(Unit *u, const char *path, Csv *csv);
double csv_number(const Csv *csv, int row, int column);     /* NAN for an empty cell */

/* The curves of a training, and how classes were taken for each other. */
void page_curves(Unit *u, const Csv *csv, Text *t);
void page_confusion(Unit *u, const Csv *csv, Text *t);
/* The filters of the first convolution. */
void page_filters(Unit *u, Text *t);

#endif
