/* report.h: what is printed about a network that was tested. */
#ifndef CNN_REPORT_H
#define CNN_REPORT_H

#include "data.h"

#include <stdio.h>

/* "test accuracy 90.12 %", "test loss 0.2731", and what `report` of the train block asks for. confusion [outputs][outputs]. */
void cnn_report(const cnn_model *model, const cnn_data *data, const cnn_scores *scores, const int64_t *confusion, FILE *to);

/* The confusions as a table: a head `truth`,CLASS,... and a row a class. */
bool cnn_report_csv(const cnn_model *model, const cnn_data *data, const int64_t *confusion, const char *path, cnn_error *error);

/* Checks the `expect` lines about results. False with a sentence about the first that does not hold. NULL: that was not measured. */
bool cnn_report_expect(const cnn_model *model, const cnn_scores *test, const cnn_scores *validation, cnn_error *error);

/* A line for each image with its largest results. y [images][outputs] in reals. */
void cnn_report_results(const cnn_net *net, const void *y, size_t images, FILE *to);

#endif
