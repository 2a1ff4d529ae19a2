/* net_test.c: from the tree to the network. Texts of messages and tables are golden files; here are the numbers, that one
 * mistake has one message, and that no text whatever breaks the checker. */
#include "base/checked.h"
#include "net/dict.h"
#include "net/layer.h"
#include "net/recipe.h"
#include "net/spelling.h"
#include "support/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- helpers */

/* Parses and checks; the result of net_check. */
static bool check_text(Unit *u, const char *text)
{
    u->ast = ast_parse(u, diag_add_source(u, "test.cnn", text, strlen(text)));
    return net_check(u) && diag_errors(u) == 0;
}

/* A unit with the network of a text that is right. */
static Unit *unit_of(const char *text)
{
    Unit *u = unit_new();

    if (!check_text(u, text))
        diag_print(u, stderr, false);
    assert_int_equal(diag_errors(u), 0);
    assert_non_null(u->net);
    return u;
}

/* The text has so many errors. */
static void has_errors(int count, const char *text)
{
    Unit *u = unit_new();

    assert_false(check_text(u, text));
    if (diag_errors(u) != count)
        diag_print(u, stderr, false);
    assert_int_equal(diag_errors(u), count);
    unit_free(u);
}

static void is_right(const char *text)
{
    unit_free(unit_of(text));
}

static const Site *site(const Unit *u, const char *name)
{
    for (int i = 0; i < u->net->sites.count; i++)
        if (strcmp(u->net->sites.at[i]->name, name) == 0)
            return u->net->sites.at[i];
    fail_msg("no site is called %s", name);
    return NULL;
}

/* The shape of what a site makes, as people write it. */
static void makes(Unit *u, const char *name, const char *shape)
{
    assert_string_equal(shape_text(u, site(u, name)->y->shape), shape);
}

/* The names of all sites, with a blank between. */
static const char *site_names(Unit *u)
{
    const char *text = "";

    for (int i = 0; i < u->net->sites.count; i++)
        text = arena_print(u->arena, "%s%s%s", text, i == 0 ? "" : " ", u->net->sites.at[i]->name);
    return text;
}

static void expands_to(const char *text, const char *names)
{
    Unit *u = unit_of(text);

    assert_string_equal(site_names(u), names);
    unit_free(u);
}

/* "lr=0.1 momentum=0.9" of a setting. */
static const char *rows_text(Unit *u, const char *setting)
{
    const Setting *s = recipe_setting(&u->net->recipe, setting);
    const char *text = "";
    int count;

    if (s == NULL)
        return "none";
    const RecipeRow *rows = recipe_rows(u, s, &count);
    for (int i = 0; i < count; i++)
        text = rows[i].text != NULL ? arena_print(u->arena, "%s%s%s=%s", text, i == 0 ? "" : " ", rows[i].name, rows[i].text)
                                    : arena_print(u->arena, "%s%s%s=%.9g", text, i == 0 ? "" : " ", rows[i].name, rows[i].number);
    return s->word == NULL ? text : arena_print(u->arena, "%s: %s", s->word, text);
}

/* ---- small parts */

static void a_dict_finds_what_was_put_in(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Dict d = { 0 };
    int numbers[1000];

    assert_null(dict_find(&d, "n0"));
    for (int i = 0; i < 1000; i++)
        dict_put(arena, &d, arena_print(arena, "n%d", i), &numbers[i]);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(dict_find(&d, arena_print(arena, "n%d", i)), &numbers[i]);
    assert_null(dict_find(&d, "n1000"));
    assert_int_equal(d.entries.count, 1000);
    arena_free(arena);
}

/* The word among `words` that is offered for `word`, or "". */
static const char *nearest(Unit *u, const char *word, const char *words)
{
    Spelling s = { .word = word };

    spelling_offer_words(u, &s, words);
    return s.best == NULL ? "" : s.best;
}

static void a_slip_is_recognised_but_not_another_word(void **state)
{
    (void)state;
    Unit *u = unit_new();
    assert_string_equal(nearest(u, "covn", "conv deconv concat"), "conv");
    assert_string_equal(nearest(u, "Relu", "relu elu gelu"), "relu");
    assert_string_equal(nearest(u, "droput", "dropout"), "dropout");
    assert_string_equal(nearest(u, "maxpol", "maxpool avgpool"), "maxpool");
    assert_string_equal(nearest(u, "x", "y z"), "");
    assert_string_equal(nearest(u, "tanh", "relu"), "");
    assert_string_equal(nearest(u, "", "relu"), "");
    assert_int_equal(word_index("valid same", "same"), 1);
    assert_int_equal(word_index("valid same", "sam"), -1);
    assert_string_equal(word_at(u, "valid same", 1), "same");
    unit_free(u);
}

static void the_table_of_layers_is_sorted_and_found(void **state)
{
    (void)state;
    for (int i = 0; i < layer_table_count; i++) {
        assert_ptr_equal(layer_find(layer_table[i]->name), layer_table[i]);
        assert_non_null(layer_table[i]->shape);
        if (i > 0)
            assert_true(strcmp(layer_table[i - 1]->name, layer_table[i]->name) < 0);
    }
    assert_null(layer_find("covn"));
}

static void every_setting_has_an_example_and_names_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *a = &setting_table[i];
        assert_non_null(a->example);
        assert_non_null(a->help);
        for (int j = i + 1; j < setting_table_count; j++) {
            const SettingSpec *b = &setting_table[j];
            bool same = strcmp(a->name, b->name) == 0;
            assert_false(same && (a->word == NULL || strcmp(a->word, b->word) == 0));
            if (same)               /* the rows of one name stand together */
                assert_string_equal(setting_table[j - 1].name, b->name);
        }
    }
}

/* ---- arithmetic */

static void whole_numbers_stay_exact(void **state)
{
    (void)state;
    is_right("param big = 9007199254740993 * 3\nnetwork N { input 3; expect big == 27021597764222979; dense 1 }");
    is_right("network N { input 3; expect 9223372036854775807 > 9223372036854775806; dense 1 }");
    is_right("network N { input 3; expect 7/2*2 == 7; expect 6/2 == 3; expect -7/2 == -3.5; dense 7/2*2 }");
    is_right("network N { input 3; expect 1 - 2 - 3 == -4; expect 16/4/2 == 2; expect 2 + 3*4 == 14; expect (2 + 3)*4 == 20; dense 1 }");
    is_right("network N { input 3; expect 62k == 62000; expect 10% == 1/10; expect 4KB == 4096; dense 1 }");
    has_errors(1, "network N { input 3; dense 7/2 }");
    has_errors(1, "network N { input 3; dense 9223372036854775807 + 1 }");
    has_errors(1, "network N { input 3; dense 1/0 }");
    has_errors(1, "network N { input 3; dense 1.5 }");
}

static void params_may_stand_in_any_order(void **state)
{
    (void)state;
    is_right("network N { input 3; dense a; expect shape == 8 }\nparam a = 2*b\nparam b = 4\n");
    has_errors(1, "param a = b\nparam b = a\nnetwork N { input 3; dense a; dense b }\n");
    has_errors(1, "param a = 1/0\nnetwork N { input 3; dense a; dense 2*a }\n");
}

static void options_set_params(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Define defines[] = { { "width", "5", false }, { "k", "2x3", false }, { "width", "6", false } };
    u->options.defines = defines;
    u->options.define_count = countof(defines);
    assert_true(check_text(u, "param width = 3\nparam k = 1x1\nnetwork N { input 8x8x1; conv width, k; expect shape == 7x6x6 }\n"));
    assert_true(defines[0].used && defines[1].used && defines[2].used);
    unit_free(u);
}

/* ---- layers and values */

static void arguments_are_told_apart_by_kind(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { input 9x9x3; conv 3x5, same, 8, relu, stride=(2, 3), nobias; maxpool 2; maxpool kernel=1, stride=2 }");
    makes(u, "conv1", "5x3x8");
    makes(u, "relu1", "5x3x8");
    makes(u, "maxpool1", "2x1x8");
    makes(u, "maxpool2", "1x1x8");
    assert_int_equal(u->net->trained_count, 8 * 3 * 3 * 5);
    unit_free(u);
    is_right("network N { input 9x9x3; conv(8, 3x3, pad=(1, 2, 3, 4)); expect shape == 10x14x8; conv 8, 3x3, pad=(1, 0); expect shape == 10x12x8 }");
}

static void call_and_plain_form_are_the_same(void **state)
{
    (void)state;
    expands_to("network N { input 9x9x3; conv(6, 3x3); conv 6, 3x3, relu, dropout(0.5); conv(6, 3x3, tanh) -> relu }",
               "conv1 conv2 relu1 dropout1 conv3 tanh1 relu2");
    expands_to("network N { input 9; dense 3 -> relu -> dense 2, tanh -> softmax }", "dense1 relu1 dense2 tanh1 softmax1");
}

static void layers_are_numbered_in_the_order_of_the_expanded_network(void **state)
{
    (void)state;
    expands_to("block two { dense 3, relu; dense 4 }\nnetwork N { input 9; two; dense 5; repeat 2 { dense 6 }; two }",
               "dense1 relu1 dense2 dense3 dense4 dense5 dense6 relu2 dense7");
    expands_to("network N { input 9; first = dense 3; dense 4 }", "first dense2");
    expands_to("block b { a = dense 3 }\nnetwork N { input 9; b; b; repeat 2 { a = dense 2 }; a = dense 1 }",
               "b1.a b2.a repeat1.a repeat2.a a");
}

static void a_name_is_the_value_at_the_end_of_its_line(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { input 8x8x3; stem = conv 4, 3x3, same, relu -> tanh; maxpool 2x2; add from stem, stem }");
    assert_ptr_equal(site(u, "add1")->in[0], site(u, "tanh1")->y);
    assert_string_equal(site(u, "tanh1")->y->name, "stem");
    assert_int_equal(site(u, "tanh1")->y->readers, 3);
    assert_string_equal(u->net->params.at[0]->name, "stem.weight");
    unit_free(u);
}

static void the_input_is_a_value(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { image = input 8x8x3; relu; add image }");
    assert_ptr_equal(site(u, "add1")->in[1], u->net->x);
    assert_string_equal(u->net->x->name, "image");
    assert_null(u->net->x->from);
    unit_free(u);
    is_right("network N { input 8x8x3; relu; add input }");
    is_right("network N { input 8x8x3 -> relu }");
}

static void paths_begin_with_the_value_above(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { input 8x8x3\n concat { path wide { conv 4, 5x5, same }\n path { }\n path { relu -> tanh } }\n"
                      " expect shape == 8x8x10\n relu from wide; expect shape == 8x8x4\n }\n");
    const Site *concat = site(u, "concat1");
    assert_int_equal(concat->in_count, 3);
    assert_ptr_equal(concat->in[0], site(u, "conv1")->y);
    assert_ptr_equal(concat->in[1], u->net->x);
    assert_ptr_equal(concat->in[2], site(u, "tanh1")->y);
    assert_ptr_equal(site(u, "relu2")->x, site(u, "conv1")->y);
    unit_free(u);
    is_right("network N { input 8x8x3; a = relu; tanh; add from input, a }");
    is_right("network N { input 8x8x3; a = relu; tanh; add a from input { path { relu }\n path { } }\n }");
}

static void blocks_have_arguments_and_defaults(void **state)
{
    (void)state;
    is_right("block b(n, k=3x3, f=2*n) { conv f, k, same }\nnetwork N { input 8x8x3; b 2; expect shape == 8x8x4; b 2, 1x1; b f=5, n=1;"
             " expect shape == 8x8x5; b 2, 1x1, 7, relu; expect shape == 8x8x7 }");
    is_right("param n = 3\nblock b(n) { dense n }\nnetwork N { input 3; b n + 1; expect shape == 4 }");
    is_right("network N { input 3; repeat i in 2..4 { dense i, relu }; expect shape == 4; repeat 0 { dense 9 }; repeat i in 1..0 { dense 9 };"
             " expect shape == 4 }");
}

static void first_weights_follow_the_network_unless_the_layer_says(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { input 8x8x3; conv 2, 3x3; init he; conv 2, 3x3, init=lecun, batchnorm; dense 3, init=glorot }");
    assert_int_equal(site_find_param(site(u, "conv1"), "weight")->init, INIT_HE);
    assert_int_equal(site_find_param(site(u, "conv1"), "bias")->init, INIT_ZEROS);
    assert_int_equal(site_find_param(site(u, "conv2"), "weight")->init, INIT_LECUN);
    assert_int_equal(site_find_param(site(u, "batchnorm1"), "weight")->init, INIT_ONES);
    assert_int_equal(site_find_param(site(u, "dense1"), "weight")->init, INIT_GLOROT);
    assert_null(site_find_param(site(u, "dense1"), "gain"));
    unit_free(u);
}

static void vgg16_has_its_parameters(void **state)
{
    (void)state;
    is_right("param classes = 1000\nblock stage(n, filters) { repeat n { conv filters, 3x3, same, relu }; maxpool 2x2 }\n"
             "network VGG16 { input 224x224x3; stage 2, 64; stage 2, 128; stage 3, 256; stage 3, 512; stage 3, 512; expect shape == 7x7x512\n"
             "repeat 2 { dense 4096, relu, dropout(0.5) }; dense classes, softmax; expect params == 138357544 }\n");
}

/* ---- errors */

static void one_mistake_gives_one_error(void **state)
{
    (void)state;
    has_errors(1, "network N { input 28x28x1; covn 8, 3x3; maxpool 2x2; dense 10, softmax; expect params == 3; expect shape == 1x2x3 }");
    has_errors(1, "network N { input 8x8x1; conv 8, 9x9; conv 8, 9x9; add { path { conv 1, 20x20 }\n path { } }\n }");
    has_errors(2, "network N { input 8x8x1; conv 8, 9x9; tahn }");
    has_errors(1, "network N { inptu 28x28x1; conv 8, 3x3; dense 10 }");
    has_errors(1, "network N { input 28x28; conv 8, 3x3; dense 10 }");
    has_errors(1, "network N { input 8; a = dnese 3; add a; relu from a }");
    has_errors(1, "block b { conv 4, 3x3 }\nnetwork N { input 8x8x1; repeat 10 { b } }");
    has_errors(1, "block b(n) { covn n }\nnetwork N { input 8; b 1; b 2; b 3 }");
    has_errors(1, "network N { input 8; repeat i in 1..9 { dense 4 - i } }");
    has_errors(1, "network N { input 8; repeat x { dense 4 }; dense 3 }");
}

static void a_line_that_failed_to_parse_is_unknown(void **state)
{
    (void)state;
    has_errors(1, "network N { input 8x8x3\n conv ,, \n conv 8, 9x9\n dense 3\n expect params == 1 }\n");
    has_errors(1, "network N { input 8x8x3\n a = conv 3 3\n relu from a\n add a }\n");
    has_errors(1, "network N { input ,,\n conv 8, 9x9\n dense 3 }\n");
    has_errors(1, "network N { input 3; dense 1 }\ndata d { row 1, 2, 3 -> 1 }\ntrain N on d { epochs ,,\n batch 3 }\n");
    has_errors(1, "network N { input 3; dense 1 }\ndata d { row ,, -> 1\n }\ntrain N on d { epochs 3 }\n");
}

static void all_networks_of_a_file_are_checked(void **state)
{
    (void)state;
    has_errors(2, "network A { input 3; dnese 1 }\nnetwork B { input 3; dnese 2 }\n");
    has_errors(1, "network A { input 3; dense 1 }\nnetwork B { input 3; dnese 2 }\ndata d { row 1, 2, 3 -> 1 }\ntrain A on d { epochs 1 }\n");
}

static void limits_hold(void **state)
{
    (void)state;
    is_right("network N { input 3; repeat 10000 { relu } }");
    has_errors(1, "network N { input 3; repeat 10001 { relu } }");
    has_errors(1, "block b { repeat 10000 { } }\nnetwork N { input 3; repeat 10000 { b }; relu }");
    has_errors(1, "network N { input 16777217; dense 1 }");
    is_right("network N { input 16777216; dense 1 }");
}

/* ---- which network */

static void the_trained_network_is_chosen(void **state)
{
    (void)state;
    static const char text[] = "network A { input 3; dense 1 }\nnetwork B { input 3; dense 2 }\n"
                               "data d { row 1, 2, 3 -> 1, 0 }\ntrain B on d { epochs 1 }\n";
    Unit *u = unit_of(text);
    assert_string_equal(u->net->name, "B");
    unit_free(u);

    u = unit_new();
    u->options.network = "A";
    assert_true(check_text(u, text));
    assert_string_equal(u->net->name, "A");
    assert_false(u->net->recipe.given);
    unit_free(u);
}

/* ---- recipes */

static void without_a_train_block_the_defaults_hold(void **state)
{
    (void)state;
    Unit *u = unit_of("network N { input 3; dense 2, softmax }");
    assert_false(u->net->recipe.given);
    assert_string_equal(rows_text(u, "source"), "none");
    assert_string_equal(rows_text(u, "loss"), "crossentropy: smooth=0");
    assert_string_equal(rows_text(u, "optimizer"), "sgd: lr=0.01 momentum=0 nesterov=0 decay=0");
    assert_string_equal(rows_text(u, "batch"), "images=32");
    assert_string_equal(rows_text(u, "epochs"), "epochs=1");
    assert_string_equal(rows_text(u, "seed"), "seed=1");
    assert_string_equal(rows_text(u, "shuffle"), "on=1");
    assert_string_equal(u->net->loss->kind->name, "crossentropy");
    assert_ptr_equal(u->net->loss->x, u->net->y);
    unit_free(u);
    u = unit_of("network N { input 3; dense 2 }");
    assert_string_equal(u->net->loss->kind->name, "quadratic");
    unit_free(u);
}

static void the_perceptron_rule_implies_its_loss(void **state)
{
    (void)state;
    Unit *u = unit_of("data d { row 0, 1 -> 0; row 1, 1 -> 1 }\nnetwork P { input 2; dense 1, step }\n"
                      "train on d { optimizer perceptron, lr=0.5; epochs 20 }\n");
    assert_true(u->net->recipe.straight_through);
    assert_string_equal(rows_text(u, "optimizer"), "perceptron: lr=0.5");
    assert_string_equal(rows_text(u, "batch"), "images=1");
    assert_string_equal(u->net->loss->kind->name, "quadratic");
    assert_int_equal(u->net->recipe.rows.count, 2);
    assert_true(u->net->recipe.rows.at[1].inputs[0] == 1 && u->net->recipe.rows.at[1].targets[0] == 1);
    unit_free(u);
}

static void the_train_block_goes_before_its_data(void **state)
{
    (void)state;
    Unit *u = unit_of("data d { source idx, \"dir\"; validate 10% }\nnetwork N { input 3; dense 2, softmax }\n"
                      "train N on d { validate 20%; epochs 2; stop val_accuracy, patience=2; save best }\n");
    assert_string_equal(rows_text(u, "source"), "idx: dir=dir");
    assert_string_equal(rows_text(u, "validate"), "share=0.2");
    assert_string_equal(rows_text(u, "stop"), "val_accuracy: patience=2");
    assert_string_equal(rows_text(u, "save"), "best: file=N.safetensors metric=val_loss");
    unit_free(u);
    u = unit_of("network N { input 3; dense 2, softmax }\ntrain N on \"pictures\" { epochs 2 }\n");
    assert_string_equal(rows_text(u, "source"), "auto: dir=pictures");
    assert_string_equal(u->net->recipe.data_path, "pictures");
    unit_free(u);
}

static void every_example_of_a_setting_is_right(void **state)
{
    (void)state;
    for (int i = 0; i < setting_table_count; i++) {
        const SettingSpec *s = &setting_table[i];
        bool in_data = s->data && !s->train;
        if (s->hidden)
            continue;
        Unit *u = unit_new();
        const char *rest = arena_print(u->arena, "%s%s", strcmp(s->name, "epochs") == 0 ? "" : "epochs 1; ",
                                       in_data || strcmp(s->name, "validate") == 0 ? "" : "validate 10%; ");
        const char *text = arena_print(u->arena, "network N { input 32x32x1; conv 2, 3x3; conv 2, 3x3; dense 2, softmax }\n"
                                                 "data d { %s%s }\ntrain N on d { %s%s }\n",
                                       strcmp(s->name, "source") == 0 ? "" : "source idx, \"d\"; ", in_data ? s->example : "", rest,
                                       in_data ? "" : s->example);
        check_text(u, text);
        bool shape_alone = strcmp(s->name, "source") == 0;      /* known sets have images and classes of their own */
        if (diag_errors(u) > 0 && !shape_alone)
            diag_print(u, stderr, false);
        assert_true(diag_errors(u) == 0 || shape_alone);
        unit_free(u);
    }
}

static void every_example_of_a_layer_is_right(void **state)
{
    (void)state;
    for (int i = 0; i < layer_table_count; i++) {
        const LayerKind *kind = layer_table[i];
        if (kind->loss || strcmp(kind->name, "input") == 0 || strcmp(kind->name, "normalise") == 0)
            continue;
        Unit *u = unit_new();
        assert_non_null(kind->example);
        check_text(u, arena_print(u->arena, "network N { input 32x32x4; stem = identity; relu; %s }", kind->example));
        if (diag_errors(u) > 0)
            diag_print(u, stderr, false);
        assert_int_equal(diag_errors(u), 0);
        unit_free(u);
    }
}

/* ---- any text */

static const char rich[] =
    "param f = 4\nparam k = 3x3\n"
    "block residual(filters, stride=1) {\n  add {\n    path { conv filters, k, same, stride=stride, batchnorm, relu -> conv filters, 3x3, same }\n"
    "    path left { conv filters, 1x1, stride=stride }\n  }\n  relu\n}\n"
    "network Rich {\n  init he\n  image = input 16x16x3\n  stem = conv f, k, same, relu\n  repeat i in 1..2 { conv f*i, 3x3, pad=(1, 2), dropout(0.5) }\n"
    "  residual 2*f, stride=2\n  concat { path { maxpool 2x2 }\n path { avgpool 2x2, countpad } }\n  dense 10, softmax\n"
    "  expect params <= 62k\n  expect shape == 10\n}\n"
    "data d { source npy, \"x\", \"y\"; labels \"a\", \"b\"; validate 10% }\n"
    "data e { row 1, 2 -> 3 }\n"
    "train Rich on mnist {\n  loss crossentropy, smooth=0.1\n  optimizer sgd, lr=0.1, momentum=0.9, nesterov\n"
    "  schedule step(every=2, factor=0.5)\n  augment flip(horizontal), scale(0.9..1.1)\n  epochs 3\n  save best, \"x\"\n"
    "  report accuracy, per-class\n  expect accuracy >= 9%\n}\n";

/* Words that make more of a text than letters at random. */
static const char *const pieces[] = { "conv ", "3x3", ", ", "residual ", "(", ")", "{ ", " }", "\n", "; ", "path { }", "-> ", "= ", "1..2",
                                      "-1", "0", "1e300", "9223372036854775807", "/", "*", "stem", "f", "k", "from ", "repeat 3 { ",
                                      "\"x\"", "padding=\"same\"", "Conv2D(3, 3)", "activation=relu", "stride=(1,2,3)", "add ", "input ",
                                      "init ", "expect ", "row ", "train ", "block ", "network ", "dropout(", "augment ", "%", "same", "x" };

static void no_text_breaks_the_checker(void **state)
{
    (void)state;
    enum { ROUNDS = 3000 };
    for (int round = 0; round < ROUNDS; round++) {
        Unit *u = unit_new();
        Dice d = dice_new((uint64_t)round);
        Text *t = text_new(u->arena);
        size_t from = 0, length = sizeof rich - 1;
        int edits = (int)dice_between(&d, 1, 8);

        for (int i = 0; i < edits; i++) {
            size_t at = from + (size_t)dice_between(&d, 0, (int64_t)(length - from) / (edits - i));
            text_bytes(t, rich + from, at - from);
            if (dice_chance(&d, 70))
                text_put(t, "%s", pieces[dice_between(&d, 0, countof(pieces) - 1)]);
            from = at + (size_t)(dice_chance(&d, 50) ? dice_between(&d, 0, 12) : 0);
            from = from < length ? from : length;
        }
        text_bytes(t, rich + from, length - from);
        bool right = check_text(u, t->at);
        assert_int_equal(right, diag_errors(u) == 0);
        assert_true(!right || u->net != NULL);
        unit_free(u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dict_finds_what_was_put_in),
        cmocka_unit_test(a_slip_is_recognised_but_not_another_word),
        cmocka_unit_test(the_table_of_layers_is_sorted_and_found),
        cmocka_unit_test(every_setting_has_an_example_and_names_of_its_own),
        cmocka_unit_test(whole_numbers_stay_exact),
        cmocka_unit_test(params_may_stand_in_any_order),
        cmocka_unit_test(options_set_params),
        cmocka_unit_test(arguments_are_told_apart_by_kind),
        cmocka_unit_test(call_and_plain_form_are_the_same),
        cmocka_unit_test(layers_are_numbered_in_the_order_of_the_expanded_network),
        cmocka_unit_test(a_name_is_the_value_at_the_end_of_its_line),
        cmocka_unit_test(the_input_is_a_value),
        cmocka_unit_test(paths_begin_with_the_value_above),
        cmocka_unit_test(blocks_have_arguments_and_defaults),
        cmocka_unit_test(first_weights_follow_the_network_unless_the_layer_says),
        cmocka_unit_test(vgg16_has_its_parameters),
        cmocka_unit_test(one_mistake_gives_one_error),
        cmocka_unit_test(a_line_that_failed_to_parse_is_unknown),
        cmocka_unit_test(all_networks_of_a_file_are_checked),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(the_trained_network_is_chosen),
        cmocka_unit_test(without_a_train_block_the_defaults_hold),
        cmocka_unit_test(the_perceptron_rule_implies_its_loss),
        cmocka_unit_test(the_train_block_goes_before_its_data),
        cmocka_unit_test(every_example_of_a_setting_is_right),
        cmocka_unit_test(every_example_of_a_layer_is_right),
        cmocka_unit_test(no_text_breaks_the_checker),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
