/* emit_test.c: names, numbers, functions and the C that is printed of them, each by what it promises. Whole files are compared in
 * tests/golden/c, compiled in tests/strict.sh and run in tests/random. */
#include "emit/c.h"
#include "loops/embed.h"
#include "support/network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Unit *unit_of(const char *text, NetworkOptions options)
{
    Unit *u = network_from("test.cnn", text, options);
    assert_non_null(u);
    return u;
}

static const char *text_of(Unit *u, const char *output)
{
    Text *t = text_new(u->arena);
    assert_true(output_find(output)->emit(u, t));
    return t->at;
}

static int count_of(const char *text, const char *piece)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        count++;
    return count;
}

/* ---- names */

static void any_name_becomes_a_harmless_identifier(void **state)
{
    (void)state;
    static const char *const names[] = {
        "conv1", "conv1.weight", "int", "class", "exp", "expf", "y0", "main", "printf", "NULL", "INFINITY", "linux", "__LINE__", "_Bool",
        "a-b", "a b", "3d", "", "int*/", "cnn_model", ("Stra\xc3\x9f" "e"),
    };
    Arena *arena = arena_new();
    Names *table = names_new(arena);

    for (int i = 0; i < countof(names); i++) {
        const char *legal = names_legal(table, names[i]);
        assert_true((legal[0] >= 'a' && legal[0] <= 'z') || (legal[0] >= 'A' && legal[0] <= 'Z'));
        for (const char *c = legal; *c; c++)
            assert_true(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c) != NULL);
        if (i >= 2 && i <= 11)
            assert_string_not_equal(legal, names[i]);           /* it is somebody else's */
        assert_string_equal(names_legal(table, names[i]), legal);
    }
    assert_string_equal(names_legal(table, "conv1"), "conv1");
    assert_string_equal(names_legal(table, "conv1.weight"), "conv1_weight");
    arena_free(arena);
}

static void different_names_never_meet(void **state)
{
    (void)state;
    static const char *const names[] = { "a.b", "a_b", "a-b", "a_b_", "a_b_2", "a b" };
    Arena *arena = arena_new();
    Names *table = names_new(arena);

    names_reserve(table, "a_b_3");
    for (int i = 0; i < countof(names); i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(names_legal(table, names[i]), names_legal(table, names[j]));
    assert_string_not_equal(names_unique(table, "new"), names_unique(table, "new"));
    arena_free(arena);
}

static void a_comment_cannot_be_left_or_continued(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "*/", "**//", "/*", "/**/", "*\\", "x\\", "a\nb", "a\rb", "\x01\x7f", ("?" "?/"), "*\xe2\x80\xae/", "\xff\xfe", "\xe2\x80\xae", "*/*/*/", "///*",
    };
    Arena *arena = arena_new();

    for (int i = 0; i < countof(texts); i++) {
        const char *safe = names_comment(arena, texts[i]);
        assert_null(strstr(safe, "*/"));
        assert_null(strstr(safe, "/*"));
        assert_null(strstr(safe, "?" "?"));
        assert_null(strpbrk(safe, "\\\n\r\x01\x7f\xff"));
        assert_null(strstr(safe, "\xe2\x80\xae"));              /* turns the text behind it */
    }
    assert_string_equal(names_comment(arena, "conv 8, 3x3 \xc3\xbc"), "conv 8, 3x3 \xc3\xbc");
    arena_free(arena);
}

/* ---- numbers */

static void numbers_read_back_as_they_were(void **state)
{
    (void)state;
    static const double values[] = {
        0, 1, -1, 0.5, 0.1, 1e-5, 1e6, 123456789, 1.0 / 255, 1.0 / 3, 2.0 / 3, 3.4028234663852886e38, 1.17549435e-38, 1.4e-45, 16777216,
        0.70710678118654752, -2.5e-7, 1e22,
    };
    Arena *arena = arena_new();

    for (int i = 0; i < countof(values); i++) {
        const char *single = c_number(arena, values[i], REAL_FLOAT), *twice = c_number(arena, values[i], REAL_DOUBLE);
        const char *slash = strchr(single, '/');
        float back = slash ? strtof(single + 1, NULL) / strtof(slash + 1, NULL) : strtof(single, NULL);
        assert_true(back == (float)values[i]);
        assert_int_equal(single[strlen(single) - 1], slash ? ')' : 'f');
        slash = strchr(twice, '/');
        double back_twice = slash ? strtod(twice + 1, NULL) / strtod(slash + 1, NULL) : strtod(twice, NULL);
        assert_true(back_twice == values[i]);
    }
    assert_string_equal(c_number(arena, 0.5, REAL_FLOAT), "0.5f");
    assert_string_equal(c_number(arena, 1, REAL_DOUBLE), "1.0");
    assert_string_equal(c_number(arena, 1e-5, REAL_FLOAT), "1e-5f");
    assert_string_equal(c_number(arena, 1.0 / 255, REAL_FLOAT), "(1.0f / 255.0f)");
    assert_string_equal(c_number(arena, -INFINITY, REAL_FLOAT), "-INFINITY");
    assert_string_equal(grouped(arena, 1234567), "1 234 567");
    assert_string_equal(grouped(arena, 12), "12");
    arena_free(arena);
}

static void strings_are_plain_c(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text *t = text_new(arena);

    put_string(t, "a\"b\\c?" "?/\xc3\xbc" "1\n");
    assert_string_equal(t->at, "\"a\\\"b\\\\c\\?\\?/\\303\\2741\\012\"");
    arena_free(arena);
}

/* ---- functions */

static const char plain[] = "network T { input 8x8x1; conv 2, 3x3, relu; dense 3, softmax }";
static const char moving[] = "network T { input 8x8x1; conv 2, 3x3, batchnorm, relu; dropout 0.5; dense 3, softmax }";

static void programs_share_equal_functions(void **state)
{
    (void)state;
    Unit *u = unit_of(plain, (NetworkOptions){ 0 });
    const char *c = text_of(u, "c");

    assert_int_equal(count_of(c, "static void conv1("), 1);
    assert_int_equal(count_of(c, "_infer(float y"), 0);
    assert_int_equal(count_of(c, "_eval("), 0);
    unit_free(u);
}

static void other_nests_of_a_name_get_the_name_of_their_program(void **state)
{
    (void)state;
    Unit *u = unit_of(moving, (NetworkOptions){ 0 });
    const char *c = text_of(u, "c");

    assert_int_equal(count_of(c, "static void batchnorm1("), 1);
    assert_int_equal(count_of(c, "static void batchnorm1_infer("), 1);
    assert_int_equal(count_of(c, "static void batchnorm1_dx_eval("), 1);
    unit_free(u);
}

static void equal_steps_are_printed_once(void **state)
{
    (void)state;
    Unit *u = unit_of(plain, (NetworkOptions){ 0 });
    const char *c = text_of(u, "c");

    if (u->eval)
        assert_non_null(strstr(c, "eval_phases[] = {"));
    assert_int_equal(count_of(c, "static void eval_"), 0);      /* nothing differs from training here */
    unit_free(u);
}

static void hostile_names_stay_inside_the_file(void **state)
{
    (void)state;
    Unit *u = unit_of("network cnn { input 6x6x1; exp = conv 2, 3x3; x = relu; y0 = tanh; sum = maxpool 2x2; scratch = dense 2; "
                      "uniform = dropout 0.5; conv1_dw = dense 3; main = softmax }", (NetworkOptions){ 0 });
    const char *c = text_of(u, "c");

    assert_null(strstr(c, "static void exp("));
    assert_null(strstr(c, "static void y0("));
    assert_null(strstr(c, "static void x("));
    assert_null(strstr(c, "static void main("));
    assert_null(strstr(c, "static void uniform("));
    assert_null(strstr(c, "cnn_model = {"));                    /* the type's name */
    assert_non_null(strstr(c, "\"exp.weight\""));               /* to the outside they keep their names */
    unit_free(u);

    u = unit_of("network T { input 16; lanes8 = tanh; lanes8_at = sigmoid; EXP8 = tanh }", (NetworkOptions){ .tile = 16, .style = STYLE_FAST });
    c = text_of(u, "c");
    assert_null(strstr(c, "static void lanes8("));
    assert_null(strstr(c, "static void lanes8_at("));
    assert_null(strstr(c, "static void EXP8("));
    unit_free(u);
}

/* ---- what stands in the file */

static void nothing_in_it_is_mutable_or_allocates(void **state)
{
    (void)state;
    Unit *u = unit_of(moving, (NetworkOptions){ .tile = 3 });
    const char *c = text_of(u, "c");

    assert_null(strstr(c, "malloc"));
    assert_int_equal(count_of(c, "#include"), 3 + 2);           /* math, stddef, stdint; and the contract's two */
    for (const char *at = c; (at = strstr(at, "\nstatic ")); at++)
        assert_true(strncmp(at, "\nstatic void ", 13) == 0 || strncmp(at, "\nstatic const ", 14) == 0
                    || strncmp(at, "\nstatic float ", 14) == 0);
    unit_free(u);
}

static void unrolled_layers_have_no_loop(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 6x6x1; conv 4, 3x3, same, relu; maxpool 2x2; dense 3, softmax }",
                      (NetworkOptions){ .style = STYLE_UNROLLED });
    const char *c = text_of(u, "c");

    assert_int_equal(count_of(c, "for ("), 0);
    assert_non_null(strstr(c, "static void conv1_part2("));
    assert_null(strstr(c, "relu1_part"));                       /* what fits into one function is one */
    unit_free(u);
}

/* The function that begins with this line, up to its end. */
static const char *printed_function(Unit *u, const char *text, const char *head)
{
    const char *begin = strstr(text, head);
    assert_non_null(begin);
    return arena_copy(u->arena, begin, (size_t)(strstr(begin, "\n}\n") - begin));
}

/* clang kept what windows share and had no registers left for the totals: 17 % of peak. */
static void rounds_that_overlap_read_anew(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 12x12x8; conv 8, 3x3, relu; conv 8, 3x3; dense 16; dense 3, softmax }",
                      (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    const char *c = text_of(u, "c");
    assert_int_equal(count_of(printed_function(u, c, "static void conv2_dw("), "FRESH;"), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void dense1("), "FRESH;"), 0);
    unit_free(u);
}

/* As a loop, the five columns of a window took a tenth longer, since processors guess wrong where it ends. gcc mixed their rounds where it wrote them
 * out: each begins with totals that are held. A long loop is left alone. */
static void short_loops_of_a_sum_are_written_out(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 14x14x6; conv 16, 5x5; dense 16; dense 3, softmax }",
                      (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    const char *c = text_of(u, "c");
    assert_int_equal(count_of(printed_function(u, c, "static void conv1("), "ROLLED for (int kw = 0; kw < 5; kw++)"), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void conv1("), "ROLLED"), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void dense1("), "ROLLED"), 0);
    assert_non_null(strstr(c, "#define ROLLED _Pragma(\"GCC unroll 1\")"));
    assert_int_equal(count_of(printed_function(u, c, "static void conv1("), "UNROLLED for (int kw = 0; kw < 5; kw++)"), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void conv1("), "lanes8 sum"), count_of(printed_function(u, c, "static void conv1("), "HELD(sum"));
    assert_int_equal(count_of(printed_function(u, c, "static void conv1("), "HELD(x_"), count_of(printed_function(u, c, "static void conv1("), "USED(x_"));
    unit_free(u);
}

/* 14 totals of 16 registers changed places on the stack, by clang: a tenth to a third slower than as a loop. */
static void short_loops_stay_where_no_register_is_free(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 28x28x1; conv 6, 5x5, same, relu; dense 3, softmax }",
                      (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    const char *c = text_of(u, "c"), *conv = printed_function(u, c, "static void conv1(");
    assert_int_equal(count_of(conv, "lanes8 sum"), 14);
    assert_int_equal(count_of(conv, " ROLLED for (int kw = 0; kw < 5; kw++)"), 1);
    assert_int_equal(count_of(conv, "HELD(sum"), 0);
    unit_free(u);
}

/* Both compilers added up the lanes only where relu let the gradient through, which the processor cannot foresee. */
static void totals_are_there_before_a_choice_asks_for_them(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 14x14x1; conv 6, 1x1, relu; conv 16, 5x5; dense 3, softmax }",
                      (NetworkOptions){ .tile = 1, .style = STYLE_FAST, .layout = LAYOUT_CHANNELS });
    const char *dx = printed_function(u, text_of(u, "c"), "static void conv2_dx(");
    assert_int_equal(count_of(dx, " = sums_of_lanes8("), 2);            /* of 8 and of 4 */
    assert_int_equal(count_of(dx, "_all = all"), 12);
    assert_int_equal(count_of(dx, "_all);"), 12);
    assert_non_null(strstr(dx, "HELD(sum1_5_all);"));
    unit_free(u);
}

/* Lanes of totals are added up together, and neighbours are stored at once: one by one, gcc took nine times as long with 16 lanes, clang three times. */
static void lanes_of_totals_are_added_up_together(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 12; dense 12, relu; dense 5, softmax }",
                      (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    const char *c = text_of(u, "c"), *dw = printed_function(u, c, "static void dense2_dw("), *db = printed_function(u, c, "static void dense2_db(");

    assert_int_equal(count_of(dw, "lanes8 sum"), 12);
    assert_int_equal(count_of(dw, " = sums_of_lanes8((const lanes8[8]){ sum"), 2);
    assert_int_equal(count_of(dw, "*(lanes8_at *)&dw[co][0] = keep[0] * *(const lanes8_at *)&dw[co][0] + all0;"), 1);
    assert_int_equal(count_of(dw, "all1["), 4);
    assert_int_equal(count_of(db, " = sums_of_lanes8("), 1);
    assert_int_equal(count_of(db, "*(lanes8_at *)"), 0);                /* there are 5 */
    assert_int_equal(count_of(c, "sum_of_lanes8(&"), 0);
    unit_free(u);
}

/* GCC gave a number's register to the last total that it was multiplied for: 0.77 of the time with AVX-512, 6 numbers by 2 vectors in 12 totals. */
static void numbers_that_several_totals_multiply_are_in_use_until_then(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 14x14x6; conv 16, 5x5; dense 3, softmax }",
                      (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES });
    const char *conv = printed_function(u, text_of(u, "c"), "static void conv1(");
    int64_t numbers = count_of(conv, " = ALL8(w[");

    assert_true(numbers > 1);
    assert_int_equal(count_of(conv, "USED(w_"), numbers);
    assert_int_equal(count_of(conv, "HELD(w_"), 0);
    unit_free(u);
}

/* gcc had an address for each of 30 rows, and 16 registers: on the stack, twice as many loads as multiply-adds. */
static void many_rows_are_found_from_one_pointer(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 400; dense 120, relu; dense 12, relu; dense 3, softmax }",
                      (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES, .machine = "avx512" });
    const char *c = text_of(u, "c"), *many = printed_function(u, c, "static void dense1("), *few = printed_function(u, c, "static void dense2(");

    assert_non_null(strstr(many, "const float (*w_)[400] = w + 30*co_;"));
    assert_non_null(strstr(many, "+= w_[29][ci] * x_;"));
    assert_int_equal(count_of(many, " w[30*co_"), 0);
    assert_int_equal(count_of(few, "w_["), 0);
    assert_non_null(strstr(printed_function(u, c, "static void dense1_dx("), "const float *w_ = w[co] + 25*ci_;"));
    unit_free(u);
}

/* Images in the lanes pass in groups of a vector, others one by one. */
static void the_step_says_how_many_images_a_round_has(void **state)
{
    (void)state;
    static const char text[] = "network T { input 12x12x1; conv 8, 3x3, relu; maxpool 2x2; conv 8, 3x3, relu; dense 10, softmax }";
    static const struct { Layout layout; const char *says, *says_not; } cases[] = {
        { LAYOUT_IMAGES, "for (int n_ = 0; n_ < 4; n_++) {     // 8 images at a time\n", "// one image after the other\n" },
        { LAYOUT_CHANNELS, "for (int n = 0; n < 32; n++) {     // one image after the other\n", " images at a time\n" },
    };
    for (int i = 0; i < countof(cases); i++) {
        Unit *u = unit_of(text, (NetworkOptions){ .tile = 32, .style = STYLE_FAST, .layout = cases[i].layout });
        const char *c = text_of(u, "c");
        assert_non_null(strstr(c, cases[i].says));
        assert_null(strstr(c, cases[i].says_not));
        unit_free(u);
    }
}

/* gcc made four instructions of the choice, where x86 has one: maxpool took 1.6 to 1.9 times as long as by clang. */
static void the_larger_of_two_is_one_instruction(void **state)
{
    (void)state;
    static const char text[] = "network T { input 8x8x16; conv 16, 3x3, same, relu; maxpool 2x2; dense 10, softmax }";
    Unit *u = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST });
    const char *c = text_of(u, "c");
    assert_int_equal(count_of(printed_function(u, c, "static void maxpool1("), "largest = LARGER8(*(const lanes8_at *)&x["), 4);
    assert_int_equal(count_of(printed_function(u, c, "static void maxpool1("), "CHOOSE"), 0);
    assert_int_equal(count_of(printed_function(u, c, "static void maxpool1_first("), "SMALLER8(CHOOSE8("), 4);
    assert_non_null(strstr(c, "#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX__)\n#define LARGER8(a, b) __builtin_ia32_maxps256(a, b)\n"));
    assert_non_null(strstr(c, "#define LARGER8(a, b) CHOOSE8((a) > (b), a, b)"));
    unit_free(u);
    u = unit_of("network T { input 8x8x3; conv 4, 3x3, relu; dense 10, softmax }",
                (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .layout = LAYOUT_IMAGES, .machine = "scalar" });         /* there are no vectors */
    c = text_of(u, "c");
    assert_non_null(strstr(c, "#define LARGER1(a, b) CHOOSE1((a) > (b), a, b)"));
    assert_int_equal(count_of(c, "__builtin_ia32_max"), 0);
    unit_free(u);
    u = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .real = REAL_DOUBLE, .machine = "avx512" });
    assert_non_null(strstr(text_of(u, "c"), "#define LARGER8(a, b) __builtin_ia32_maxpd512_mask("));
    unit_free(u);
    u = unit_of(text, (NetworkOptions){ .tile = 16, .style = STYLE_FAST, .machine = "neon" });
    assert_non_null(strstr(text_of(u, "c"), "#if defined(__GNUC__) && !defined(__clang__) && defined(__SSE2__)\n#define LARGER4("));
    unit_free(u);
}

/* The polynomial waits for itself: a sigmoid of 2 numbers took 1.6 times as long as by expf. Not where vectors are made of it, where --strict wants the same
 * bits from every libm, or where there may be no unit for the doubles in which libm counts. */
static void few_numbers_take_exp_of_libm(void **state)
{
    (void)state;
    static const char text[] = "network T { input 4; dense 3, sigmoid; dense 16, sigmoid }";
    static const struct { int tile; const char *machine; bool strict, libm; } cases[] = {
        { 1, "avx512", false, true }, { 1, "avx2", false, true }, { 1, "neon", false, true },
        { 1, "scalar", false, false }, { 1, "avx512", true, false }, { 16, "avx512", false, false },
    };

    for (int i = 0; i < countof(cases); i++) {
        Unit *u = unit_of(text, (NetworkOptions){ .tile = cases[i].tile, .machine = cases[i].machine, .style = STYLE_FAST, .infer = true });
        u->options.strict = cases[i].strict;
        const char *c = text_of(u, "c");
        if ((count_of(printed_function(u, c, "static void sigmoid1("), "(1.0f + expf(") == 1) != cases[i].libm)
            fail_msg("case %d: %s", i, printed_function(u, c, "static void sigmoid1("));
        assert_int_equal(count_of(printed_function(u, c, "static void sigmoid2("), "expf("), 0);
        unit_free(u);
    }
}

/* exp, tanh, erf and log1p: gcc does not make vectors of a loop with their choices; in double they are libm's, one number after the other. */
static void functions_are_computed_in_vectors(void **state)
{
    (void)state;
    static const char text[] = "network T { input 6x6x16; conv 16, 3x3, same, tanh; gelu; softplus; dense 16, sigmoid; dense 10, softmax }";
    NetworkOptions options = { .tile = 16, .style = STYLE_FAST };
    Unit *u = unit_of(text, options);
    const char *c = text_of(u, "c");
    assert_int_equal(count_of(printed_function(u, c, "static void tanh1("), "TANH8("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void sigmoid1("), "EXP8("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void softmax1_exp("), "EXP8("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void gelu1("), "ERF8("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void softplus1("), "LOG1P8("), 1);
    assert_int_equal(count_of(c, "_lane("), 0);
    unit_free(u);

    options.real = REAL_DOUBLE;
    u = unit_of(text, options);
    c = text_of(u, "c");
    assert_int_equal(count_of(printed_function(u, c, "static void tanh1("), "tanh("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void tanh1("), "lanes"), 0);
    assert_int_equal(count_of(printed_function(u, c, "static void gelu1("), " erf("), 1);
    assert_int_equal(count_of(printed_function(u, c, "static void softmax1_exp("), " exp("), 1);
    unit_free(u);
}

static void the_lesson_derives_shapes_and_work(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 28x28x1; conv 8, 3x3; maxpool 3x3, stride=2; dense 2 }", (NetworkOptions){ 0 });
    const char *c = text_of(u, "c");

    assert_non_null(strstr(c, "y[co][oh][ow] = b[co] + sum over ci, kh, kw of w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw]\n"));
    assert_non_null(strstr(c, "y 8x26x26, 26 = 28-3+1\n"));
    assert_non_null(strstr(c, "12 = (26-3)/2+1\n"));
    assert_non_null(strstr(c, "Work: 48 672 multiply-adds."));
    assert_non_null(strstr(c, "sum += w[co][ci][kh][kw] * x[ci][oh + kh][ow + kw];\n"));
    unit_free(u);
}

static void lines_stay_within_the_page(void **state)
{
    (void)state;
    Unit *u = unit_of(moving, (NetworkOptions){ .tile = 2 });
    const char *c = text_of(u, "c"), *contract = strstr(c, "/* ---- for the runtime");

    assert_non_null(contract);
    for (const char *line = c; line < contract; line = strchr(line, '\n') + 1)
        if (strchr(line, '\n') - line > PAGE_WIDTH)
            fail_msg("%.*s", (int)(strchr(line, '\n') - line), line);
    unit_free(u);
}

static void the_header_says_what_the_file_defines(void **state)
{
    (void)state;
    Unit *u = unit_of(plain, (NetworkOptions){ 0 });
    const char *c = text_of(u, "c"), *h = text_of(u, "header");
    static const char *const both[] = { "void T_infer(const T_weights *w, const float x[1][8][8], float y[3],", "#define T_SCRATCH_TRAIN ",
                                        "float conv1_weight[2][1][3][3];" };

    for (int i = 0; i < countof(both); i++) {
        assert_non_null(strstr(c, both[i]));
        assert_non_null(strstr(h, both[i]));
    }
    assert_non_null(strstr(h, "extern const struct cnn_model T_model;"));
    unit_free(u);
}

static void embedded_weights_make_a_function_that_needs_nothing(void **state)
{
    (void)state;
    Unit *u = unit_of("network T { input 2; dense 1, sigmoid }", (NetworkOptions){ .infer = true });
    static const double w[] = { 0.25, -3 }, b[] = { 1e-5 };

    u->net->params.at[0]->values = w;
    u->net->params.at[1]->values = b;
    u->options.weights = "given";
    program_embed(u, u->infer);
    const char *c = text_of(u, "c");
    assert_non_null(strstr(c, "void T_predict(const float *image, float *result)\n{"));
    assert_non_null(strstr(c, "void T_predict_u8(const uint8_t *image, float *result)\n{"));
    assert_non_null(strstr(c, "{ 0.25f, -3.0f }"));
    assert_non_null(strstr(c, "{ 1e-5f }"));
    assert_null(strstr(c, "T_weights"));                        /* nothing is left for the caller */
    assert_null(strstr(c, "<math.h>"));
    assert_non_null(strstr(c, "float expf(float x);"));
    unit_free(u);
}

static void outputs_are_chosen_by_the_ending(void **state)
{
    (void)state;
    assert_string_equal(output_for_path("a/net.c")->name, "c");
    assert_string_equal(output_for_path("net.h")->name, "header");
    assert_null(output_for_path("a.c/net"));
    assert_null(output_for_path("net.cc"));
    assert_null(output_find("C"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_name_becomes_a_harmless_identifier),
        cmocka_unit_test(different_names_never_meet),
        cmocka_unit_test(a_comment_cannot_be_left_or_continued),
        cmocka_unit_test(numbers_read_back_as_they_were),
        cmocka_unit_test(strings_are_plain_c),
        cmocka_unit_test(programs_share_equal_functions),
        cmocka_unit_test(other_nests_of_a_name_get_the_name_of_their_program),
        cmocka_unit_test(equal_steps_are_printed_once),
        cmocka_unit_test(hostile_names_stay_inside_the_file),
        cmocka_unit_test(nothing_in_it_is_mutable_or_allocates),
        cmocka_unit_test(unrolled_layers_have_no_loop),
        cmocka_unit_test(rounds_that_overlap_read_anew),
        cmocka_unit_test(short_loops_of_a_sum_are_written_out),
        cmocka_unit_test(short_loops_stay_where_no_register_is_free),
        cmocka_unit_test(totals_are_there_before_a_choice_asks_for_them),
        cmocka_unit_test(lanes_of_totals_are_added_up_together),
        cmocka_unit_test(numbers_that_several_totals_multiply_are_in_use_until_then),
        cmocka_unit_test(many_rows_are_found_from_one_pointer),
        cmocka_unit_test(the_step_says_how_many_images_a_round_has), cmocka_unit_test(the_larger_of_two_is_one_instruction),
        cmocka_unit_test(few_numbers_take_exp_of_libm),
        cmocka_unit_test(functions_are_computed_in_vectors),
        cmocka_unit_test(the_lesson_derives_shapes_and_work),
        cmocka_unit_test(lines_stay_within_the_page),
        cmocka_unit_test(the_header_says_what_the_file_defines),
        cmocka_unit_test(embedded_weights_make_a_function_that_needs_nothing),
        cmocka_unit_test(outputs_are_chosen_by_the_ending),
    };
    return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
