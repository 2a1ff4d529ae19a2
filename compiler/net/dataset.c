/* dataset.c: where the data of a train block comes from, and whether it fits to the network. */
#include "net/training.h"

#include <inttypes.h>
#include <string.h>

/* Data sets that are known by name; their images are height x width x depth. */
typedef struct KnownSet {
    const char *name;
    int64_t h, w, c;
    int64_t classes;
} KnownSet;

static const KnownSet known_sets[] = {
    { "mnist", 28, 28, 1, 10 },
    { "fashion_mnist", 28, 28, 1, 10 },
    { "cifar10", 32, 32, 3, 10 },
    { "cifar100", 32, 32, 3, 100 },
    { "digits", 28, 28, 1, 10 },
};

static const KnownSet *known_set(const char *name)
{
    for (int i = 0; i < countof(known_sets); i++)
        if (strcmp(known_sets[i].name, name) == 0)
            return &known_sets[i];
    return NULL;
}

/* The numbers of one side of a row; false after reporting. */
static bool row_numbers(Training *t, const AstExpr *list, double **to, int64_t *count)
{
    LIST(double) numbers = { 0 };

    for (const AstExpr *e = list; e != NULL; e = e->next) {
        Datum d;
        if (!expr_eval(t->items->scope, e, &d))
            return false;
        if (d.kind != DATUM_NUMBER) {
            error_at(t->u, e->span, "a row consists of numbers, not of %ss", datum_kind(&d) + 2);
            return false;
        }
        LIST_ADD(t->u->arena, &numbers, d.number);
    }
    *to = numbers.at;
    *count = numbers.count;
    return true;
}

void dataset_row(Training *t, const AstStmt *line)
{
    Recipe *r = t->recipe;
    Row row = { .span = line->span };
    int64_t inputs, targets;

    if (!row_numbers(t, line->inputs, &row.inputs, &inputs) || !row_numbers(t, line->targets, &row.targets, &targets)) {
        t->lines_failed = true;
        return;
    }
    if (r->rows.count == 0) {
        r->row_inputs = inputs;
        r->row_targets = targets;
    } else if (inputs != r->row_inputs || targets != r->row_targets) {
        error_at(t->u, line->span, "this row has %" PRId64 " -> %" PRId64 " numbers, the first row has %" PRId64 " -> %" PRId64 " of them",
                 inputs, targets, r->row_inputs, r->row_targets);
        note_at(t->u, r->rows.at[0].span, "the first row is");
        return;
    }
    LIST_ADD(t->u->arena, &r->rows, row);
}

/* A data block has one source: files, the generator, or rows. */
static void check_block(Training *t, const AstItem *data)
{
    const Setting *source = training_find(t, "source");

    if (source != NULL && t->recipe->rows.count > 0) {
        error_at(t->u, t->recipe->rows.at[0].span, "data '%s' has both a source and rows", data->name->text);
        note_at(t->u, source->span, "its source is");
    } else if (source == NULL && t->recipe->rows.count > 0) {
        training_add(t, setting_find("source", "rows"), NULL, t->recipe->rows.at[0].span);
    } else if (source == NULL && !t->lines_failed) {
        error_at(t->u, data->name->span, "data '%s' has no source", data->name->text);
        help(t->u, "add a line such as 'source idx, \"DIR\"' or 'row 0, 1 -> 1'");
    }
}

void training_read_data(Items *items, const AstItem *data)
{
    Recipe recipe = { 0 };
    Training t = { .u = items->u, .items = items, .recipe = &recipe };
    int errors = diag_errors(items->u);

    setting_lines(&t, data);
    if (diag_errors(items->u) == errors)
        check_block(&t, data);
}

void dataset_source(Training *t)
{
    Unit *u = t->u;
    const AstExpr *source = t->block->value;

    if (source->failed)
        return;
    if (source->kind == AST_STRING) {
        ArgValue *dir = ARENA_NEW(u->arena, ArgValue);
        const char **text = ARENA_NEW(u->arena, const char *);
        *text = source->text;
        *dir = (ArgValue){ .given = true, .span = source->span, .count = 1, .texts = text };
        t->recipe->data_path = source->text;
        training_add(t, setting_find("source", "auto"), dir, source->span);
        return;
    }
    const AstItem *data = dict_find(&t->items->data, source->text);
    t->recipe->data_name = source->text;
    if (data != NULL) {
        int errors = diag_errors(u);
        t->data = data;
        setting_lines(t, data);
        if (diag_errors(u) == errors)
            check_block(t, data);
    } else if (known_set(source->text) != NULL) {
        training_add(t, setting_find("source", source->text), NULL, source->span);
    } else {
        Spelling s = { .word = source->text };
        spelling_offer_dict(&s, &t->items->data);
        for (int i = 0; i < countof(known_sets); i++)
            spelling_offer(&s, known_sets[i].name);
        error_at(u, source->span, "there is no data called '%s'", source->text);
        if (s.best == NULL)
            help(u, "known by name are mnist, fashion_mnist, cifar10, cifar100 and digits; others need a data block, or a folder in quotes");
        spelling_help(u, source->span, &s);
    }
}

/* The images of the set reach the network as they are, unless they are cropped; check_augment looks at that. */
static void check_images(Training *t, const KnownSet *set, Span at)
{
    Unit *u = t->u;
    Shape images = { 3, { set->c, set->h, set->w } }, input = t->net->input;

    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *s = &t->recipe->settings.at[i];
        if (strcmp(s->name, "augment") == 0 && strcmp(s->word, "crop") == 0 && input.rank == 3 && input.dim[0] == set->c)
            return;
    }
    if (input.rank == 3 ? shape_equal(input, images) : shape_count(input) == shape_count(images))
        return;
    error_at(u, at, "the images of %s are %s, but the input of '%s' is %s", set->name, shape_text(u, images), t->net->name,
             shape_text(u, input));
    note_at(u, t->net->x->span, "the input is");
}

static void check_augment(Training *t)
{
    Unit *u = t->u;
    Shape input = t->net->input;

    for (int i = 0; i < t->recipe->settings.count; i++) {
        const Setting *s = &t->recipe->settings.at[i];
        if (strcmp(s->name, "augment") != 0)
            continue;
        if (input.rank != 3 && strcmp(s->word, "noise") != 0) {
            error_at(u, s->span, "'%s' needs images, but the input of '%s' is %s", s->word, t->net->name, shape_text(u, input));
            continue;
        }
        if (strcmp(s->word, "crop") == 0 && (s->args[0].number[0] != input.dim[1] || s->args[0].number[1] != input.dim[2])) {
            error_at(u, s->span, "'crop' makes images of %" PRId64 "x%" PRId64 ", but the input of '%s' is %s", s->args[0].number[0],
                     s->args[0].number[1], t->net->name, shape_text(u, input));
            note_at(u, t->net->x->span, "the input is");
        }
    }
}

/* "1 output", "10 outputs" */
static const char *counted(Unit *u, int64_t count, const char *what)
{
    return arena_print(u->arena, "%" PRId64 " %s%s", count, what, count == 1 ? "" : "s");
}

static void check_rows(Training *t, int64_t inputs, int64_t outputs)
{
    const Recipe *r = t->recipe;

    if (r->rows.count == 0)
        return;
    if (r->row_inputs != inputs)
        error_at(t->u, r->rows.at[0].span, "the rows have %s, but the input of '%s' has %s", counted(t->u, r->row_inputs, "number"),
                 t->net->name, counted(t->u, inputs, "number"));
    else if (r->row_targets != outputs)
        error_at(t->u, r->rows.at[0].span, "the rows have %s, but '%s' has %s", counted(t->u, r->row_targets, "target"),
                 t->net->name, counted(t->u, outputs, "output"));
}

void dataset_check(Training *t)
{
    Unit *u = t->u;
    const Setting *source = training_find(t, "source"), *labels = training_find(t, "labels");
    int64_t inputs = shape_count(t->net->input), outputs = shape_count(t->net->y->shape);
    const KnownSet *set = source == NULL ? NULL : known_set(source->word);

    check_augment(t);
    check_rows(t, inputs, outputs);
    /* One output tells two classes apart. */
    if (labels != NULL && labels->args[0].count != (outputs == 1 ? 2 : outputs)) {
        error_at(u, labels->span, "there are %s, but '%s' has %s", counted(u, labels->args[0].count, "label"), t->net->name,
                 counted(u, outputs, "output"));
        note_at(u, t->net->y->span, "its last line is");
    }
    if (set == NULL)
        return;
    check_images(t, set, t->block->value->span);
    if (outputs < set->classes) {
        error_at(u, t->block->value->span, "%s has %" PRId64 " classes, but '%s' has %s", set->name, set->classes, t->net->name,
                 counted(u, outputs, "output"));
        note_at(u, t->net->y->span, "its last line is");
    }
}
