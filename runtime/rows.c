/* rows.c: a set from the `row`s of a data block. */
#include "rows.h"
#include "fail.h"
#include "memory.h"

#include <string.h>

static bool take_label(Set *set, size_t i, double value, cnn_error *error)
{
    size_t classes = cnn_set_classes(set->outputs);
    if (!(value >= 0 && value < (double)classes) || value != (double)(uint32_t)value)
        return cnn_fail(error, "row %zu of the data block has the label %g, but the network's labels are 0 to %zu", i + 1, value, classes - 1);
    set->labels[i] = (uint32_t)value;
    return true;
}

bool cnn_rows_load(Set *set, const cnn_model *model, cnn_error *error)
{
    if (!model->rows || model->row_count < 1)
        return cnn_fail(error, "the data block has no rows");
    size_t inputs = (size_t)model->row_inputs, targets = (size_t)model->row_targets, row = inputs + targets;
    bool labels = targets == 1 && model->outputs > 1;
    if (inputs != model->inputs || (!labels && targets != model->outputs))
        return cnn_fail(error, "the rows of the data block have %zu inputs and %zu targets, but the network has %zu inputs and %zu outputs", inputs,
                        targets, model->inputs, model->outputs);
    set->count = (size_t)model->row_count;
    set->inputs = inputs;
    set->outputs = model->outputs;
    set->rank = model->input_rank;
    memcpy(set->dim, model->input_dim, sizeof set->dim);
    set->form = SET_DOUBLES;
    set->name = cnn_memory_text("row", error);
    if (!set->name || !cnn_set_room(set, error))
        return false;
    if (labels)
        set->labels = cnn_memory_get(set->count, sizeof *set->labels, "the labels", error);
    else
        set->targets = cnn_memory_get(set->count * targets, sizeof *set->targets, "the targets", error);
    if (!set->labels && !set->targets)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        memcpy((double *)set->images + i * inputs, model->rows + i * row, inputs * sizeof(double));
        if (!labels)
            memcpy(set->targets + i * targets, model->rows + i * row + inputs, targets * sizeof(double));
        else if (!take_label(set, i, model->rows[i * row + inputs], error))
            return false;
    }
    cnn_set_find_kind(set);
    return true;
}
