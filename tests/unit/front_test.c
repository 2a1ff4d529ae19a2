/* front_test.c: from bytes to the tree, and what is said when that fails. Texts of messages are golden files; here it is
 * counted that one mistake has one, and where. */
#include "base/checked.h"
#include "front/ast.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- helpers */

/* Parses `length` bytes. */
static AstFile *parsed_bytes(Unit *u, const char *text, size_t length)
{
    return ast_parse(u, diag_add_source(u, "test.cnn", text, length));
}

static const char *dump_of(Unit *u, const char *text)
{
    Text *t = text_new(u->arena);
    ast_dump(parsed_bytes(u, text, strlen(text)), t);
    return t->at;
}

/* The text parses without a word and its dump is `want`. */
static void gives(const char *text, const char *want)
{
    Unit *u = unit_new();
    const char *got = dump_of(u, text);
    if (diag_errors(u) + diag_warnings(u) > 0)
        diag_print(u, stderr, false);
    assert_int_equal(diag_errors(u), 0);
    assert_int_equal(diag_warnings(u), 0);
    assert_string_equal(got, want);
    unit_free(u);
}

/* All that is said about a text. */
static const char *said_of_bytes(Unit *u, const char *text, size_t length)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    parsed_bytes(u, text, length);
    diag_print(u, file, false);
    long size = ftell(file);
    rewind(file);
    char *said = arena_alloc(u->arena, (size_t)size + 1);
    assert_int_equal(fread(said, 1, (size_t)size, file), size);
    fclose(file);
    return said;
}

/* The text has one error, at that place and with these words. */
static void fails(const char *text, const char *place, const char *words)
{
    Unit *u = unit_new();
    const char *said = said_of_bytes(u, text, strlen(text));
    const char *start = arena_print(u->arena, "test.cnn:%s: error: ", place);
    if (diag_errors(u) != 1 || strncmp(said, start, strlen(start)) != 0 || strstr(said, words) == NULL)
        fail_msg("expected one error '%s%s', got %d:\n%s", start, words, diag_errors(u), said);
    unit_free(u);
}

/* The same, for statements in a network; the lines around it are still understood. */
static void line_fails(const char *line, const char *place, const char *words)
{
    Unit *u = unit_new();
    fails(arena_print(u->arena, "network A {\n  first\n  %s\n  last\n}\n", line), place, words);
    const char *dump = dump_of(u, arena_print(u->arena, "network A {\n  first\n  %s\n  last\n}\n", line));
    assert_non_null(strstr(dump, "network A\n    first()\n"));
    assert_non_null(strstr(dump, "\n    last()\n"));
    unit_free(u);
}

static char *repeated(Unit *u, const char *what, int count)
{
    size_t length = strlen(what);
    char *text = arena_alloc(u->arena, length * (size_t)count + 1);
    for (int i = 0; i < count; i++)
        memcpy(text + (size_t)i * length, what, length);
    return text;
}

/* ---- what is understood */

static void every_construct_has_its_tree(void **state)
{
    (void)state;
    gives("param a = 1 + 2*3 - -b / (c - 4)\n", "param a = ((1 + (2 * 3)) - ((-b) / (c - 4)))\n");
    gives("param a = 3x3; param b = \"x\\\\y\\\"\"\n", "param a = 3x3\nparam b = \"x\\\\y\\\"\"\n");
    gives("block b(n, f=2*3) { }\nblock c {}", "block b(n, f=(2 * 3))\nblock c\n");
    gives("network A { stem = conv 16, 3x3, pad=(1, 2), lr=0.5, f(2)..3 -> relu\n}",
          "network A\n    stem = conv(16, 3x3, pad=(1, 2), lr=0.5, f(2)..3)\n    -> relu()\n");
    gives("network A { add(x) from a, b { path p { relu }\n\n path { tanh } } -> relu }",
          "network A\n    add(x) from a, b\n        path p\n            relu()\n        path\n            tanh()\n    -> relu()\n");
    gives("network A { repeat i in 1..n-1 { dense i }; repeat 2*3 { } }",
          "network A\n    repeat i in 1..(n - 1)\n        dense(i)\n    repeat (2 * 3)\n");
    gives("network A { expect params <= 62k; expect 1 != 2 }", "network A\n    expect params <= 62000\n    expect 1 != 2\n");
    gives("data d { row 0, -1 -> 0, 1; row 1 -> x }", "data d\n    row 0, (-1) -> 0, 1\n    row 1 -> x\n");
    gives("train on mnist { }\ntrain A on \"dir\" { epochs 3 }", "train on mnist\ntrain A on \"dir\"\n    epochs(3)\n");
    gives("import \"x.cnn\"\n", "import \"x.cnn\"\n");
    gives("", "");
    gives("\n;;\n# nothing", "");
}

static void the_call_form_is_the_same_line(void **state)
{
    (void)state;
    gives("network A { conv(6, 3x3); conv 6, 3x3 }", "network A\n    conv(6, 3x3)\n    conv(6, 3x3)\n");
    gives("network A { relu(); relu }", "network A\n    relu()\n    relu()\n");
    gives("network A { repeat(2) { relu }; expect(a) == b }", "network A\n    repeat 2\n        relu()\n    expect a == b\n");
}

static void operators_bind_as_in_arithmetic(void **state)
{
    (void)state;
    gives("param a = 1-2-3", "param a = ((1 - 2) - 3)\n");
    gives("param a = 8/4/2*3", "param a = (((8 / 4) / 2) * 3)\n");
    gives("param a = -1*-2", "param a = ((-1) * (-2))\n");
    gives("param a = 1- -2", "param a = (1 - (-2))\n");
}

static void numbers_are_exact_where_they_can_be(void **state)
{
    (void)state;
    gives("param a = 9223372036854775807", "param a = 9223372036854775807\n");
    gives("param a = 010", "param a = 10\n");
    gives("param a = 62k", "param a = 62000\n");
    gives("param a = 3M", "param a = 3000000\n");
    gives("param a = 2KB", "param a = 2048\n");
    gives("param a = 2MB", "param a = 2097152\n");
    gives("param a = 1.5k", "param a = 1500\n");
    gives("param a = 1.5KB", "param a = 1536\n");
    gives("param a = 0.1KB", "param a = 102.4\n");
    gives("param a = 98.8%", "param a = 0.988\n");
    gives("param a = 100%", "param a = 1\n");
    gives("param a = 5e-4", "param a = 0.0005\n");
    gives("param a = 5e3", "param a = 5000\n");
    gives("param a = 1e18", "param a = 1000000000000000000\n");
    gives("param a = 1e300", "param a = 1e+300\n");
    gives("param a = 0e999999999999", "param a = 0\n");
    gives("param a = 1e-999999999999", "param a = 0\n");
    gives("param a = 0.30000000000000004", "param a = 0.30000000000000004\n");
    gives("network A { x 1..3 }", "network A\n    x(1..3)\n");
}

static void numbers_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    line_fails("conv 9223372036854775808", "3:8", "is too large");
    line_fails("conv 9223372036854775807k", "3:8", "is too large");
    line_fails("conv 1e309", "3:8", "is too large");
    line_fails("conv 3x9223372036854775808", "3:8", "is too large");
    line_fails("conv 1x2x3x4x5x6x7x8x9", "3:8", "at most 8 numbers");
    line_fails("conv 3x3same", "3:8", "'3x3same'");
    line_fails("conv 1_000", "3:8", "'1_000'");
    line_fails("conv 0x10", "3:8", "write 16");
    line_fails("conv 5e", "3:8", "'5e'");
    line_fails("conv .5", "3:8", "'.'");
    line_fails("conv 1.", "3:9", "'.'");
}

static void a_newline_is_skipped_where_a_line_goes_on(void **state)
{
    (void)state;
    gives("param a =\n\n 1 +\n 2 *\n 3 -\n 4 /\n (\n 5\n )\n", "param a = ((1 + (2 * 3)) - (4 / 5))\n");
    gives("network A {\n a 1,  # one\n\n   2\n b ->\n c\n d 1..\n 2\n e(\n 1\n )\n}", "network A\n    a(1, 2)\n    b()\n    -> c()\n    d(1..2)\n    e(1)\n");
    gives("network A { a }\r\nnetwork B {\r\n a 1,\r\n   2\r\n}\r\n", "network A\n    a()\nnetwork B\n    a(1, 2)\n");
    gives("\xef\xbb\xbfparam a = 1", "param a = 1\n");
}

static void a_semicolon_always_ends_a_statement(void **state)
{
    (void)state;
    line_fails("conv 3,; relu", "3:9", "','");
}

static void a_forgotten_parenthesis_ends_with_its_line(void **state)
{
    (void)state;
    line_fails("conv(3, 3x3", "3:14", "missing ')' for the '(' at 3:7");
    line_fails("conv 3, pad=(1, 2", "3:20", "missing ')'");
    fails("network A { a(1 }", "1:16", "missing ')'");
    fails("block b(n {\n relu\n}\n", "1:10", "missing ')'");
}

static void comments_may_hold_any_bytes_but_control_bytes(void **state)
{
    (void)state;
    gives("param a = 1 # \xff\xfe \xc3\x28 \t \" { (\nparam b = 2 // }\n", "param a = 1\nparam b = 2\n");
    fails("param a = 1 # \x1b[31m\n", "1:15", "0x1b in a comment");
    fails("param a = 1 # x\r", "1:16", "carriage return");
}

static void control_bytes_are_errors_wherever_they_stand(void **state)
{
    (void)state;
    const char nul[] = "network A {\n  re\0lu\n}\n";
    Unit *u = unit_new();
    const char *said = said_of_bytes(u, nul, sizeof nul - 1);
    assert_int_equal(diag_errors(u), 1);
    assert_non_null(strstr(said, "test.cnn:2:5: error: control byte 0x00"));
    unit_free(u);

    line_fails("relu \x01", "3:8", "control byte 0x01");
    line_fails("relu\rrelu", "3:7", "carriage return");
    line_fails("a \"\x01\"", "3:6", "control byte 0x01 in a string");
    line_fails("a \"\xff\"", "3:6", "0xff is not UTF-8");
    line_fails("a \"\xed\xa0\x80\"", "3:6", "0xed is not UTF-8");
    line_fails("a \xc3\xa9", "3:5", "'\xc3\xa9' does not belong");
}

static void names_have_at_most_63_bytes(void **state)
{
    (void)state;
    Unit *u = unit_new();
    gives(arena_print(u->arena, "param %s = 1", repeated(u, "a", 63)), arena_print(u->arena, "param %s = 1\n", repeated(u, "a", 63)));
    line_fails(repeated(u, "a", 64), "3:3", "at most 63 characters, this one has 64");
    unit_free(u);
}

/* ---- one mistake, one error */

static void a_bad_line_costs_one_error(void **state)
{
    (void)state;
    line_fails("conv 32 3x3 same (relu = ,, ->x", "3:11", "missing ','");
}

static void every_usual_mistake_has_its_message(void **state)
{
    (void)state;
    line_fails("conv 32 3x3", "3:11", "missing ',' before '3x3'");
    line_fails("conv, 32", "3:7", "no ','");
    line_fails("conv 28 x 28 x 3", "3:8", "write '28x28x3'");
    line_fails("conv (6, 3x3)", "3:8", "write 'conv('");
    line_fails("conv 3)", "3:9", "closes nothing");
    line_fails("-> relu", "3:3", "cannot begin with '->'");
    line_fails("row = conv 3", "3:3", "'row' is a word of the language");
    line_fails("conv data", "3:8", "'data' is a word of the language");
    line_fails("from = conv 3", "3:3", "'from' is a word of the language");
    line_fails("expect params = 3", "3:17", "'=='");
    line_fails("expect params", "3:16", "a comparison");
    line_fails("repeat 3", "3:11", "missing '{'");
    line_fails("repeat i in 3 {}", "3:17", "expected '..'");
    line_fails("add { relu }", "3:9", "expected 'path'");
    line_fails("path { relu }", "3:3", "'path' stands inside");
    line_fails("add { path { relu } path { relu } }", "3:23", "expected the end of the line");
    line_fails("train A on mnist {\n}", "3:3", "outside of all braces");
    line_fails("\"x\"", "3:3", "expected the name of a layer");
    line_fails("x = 3", "3:7", "expected the name of a layer");
    line_fails("a \"b", "3:5", "missing '\"'");
    line_fails("a \"\\n\"", "3:6", "escapes");
    fails("block b() { }\n", "1:8", "no parentheses");
    fails("block b(x y) { }\n", "1:11", "missing ','");
    fails("param repeat = 3\n", "1:7", "'repeat' is a word of the language");
    fails("param x\n", "1:8", "expected '='");
    fails("train A { }\n", "1:9", "expected 'on'");
    fails("import x\n", "1:8", "a string");
    fails("netwrok A { relu }\n", "1:1", "did you mean 'network'?");
    fails("repeat 3 { relu }\n", "1:1", "'repeat' stands inside");
}

static void a_brace_on_the_next_line_is_one_error(void **state)
{
    (void)state;
    Unit *u = unit_new();
    fails("network A\n\n{\n  relu\n}\n", "3:1", "write 'network A {'");
    assert_string_equal(dump_of(u, "network A\n{\n  relu\n}\n"), "network A\n    relu()\n");
    unit_free(u);
}

static void a_forgotten_opening_brace_is_one_error(void **state)
{
    (void)state;
    Unit *u = unit_new();
    fails("network A\n  repeat 2 {\n    relu\n  }\n}\n", "1:10", "missing '{'");
    fails("network A {\n  add\n    path { relu }\n    path { tanh }\n  }\n}\n", "2:6", "write 'add {'");
    assert_string_equal(dump_of(u, "network A {\n  repeat 2\n    relu\n  }\n  add\n    path\n      relu\n    }\n  }\n}\n"),
                        "network A\n    repeat 2\n        relu()\n    add()\n        path\n            relu()\n");
    unit_free(u);
}

static void a_missing_brace_is_one_error(void **state)
{
    (void)state;
    fails("network LeNet {\n  relu\n\ntrain LeNet on mnist {\n  epochs 3\n}\n", "4:1",
          "missing '}' for 'network LeNet' opened at 1:15");
    fails("network A {\n  relu\n", "2:7", "missing '}' for 'network A' opened at 1:11");
    fails("network A {\n  repeat 2 {\n    relu\n", "3:9", "'network A' is still open too, opened at 1:11");
    fails("network A {\n  repeat 2 {\n    relu\n  relu\n}\ndata d { }\n", "6:1", "it is 'repeat 2' that is closed too late, at 5:1");
    line_fails("data = conv 3", "3:3", "'data' is a word");        /* not the beginning of an item, wherever it stands */
    fails("network A {\ndata = conv 3\n}\n", "2:1", "'data' is a word");
}

static void one_brace_too_many_is_one_error(void **state)
{
    (void)state;
    fails("network A {\n  add {\n    path {\n      relu\n    path { tanh }\n  }\n}\n", "5:5", "missing '}' for 'path' opened at 3:10");
    fails("network A {\n  relu\n}\n  relu\n  dense 3 3\n}\nnetwork B { relu }\n", "4:3", "inside the braces");
    fails("network A {\n  relu\n}\n}\n  relu\n}\nnetwork B { relu }\n", "4:1", "'network A' ends at 3:1");
}

static void errors_in_the_body_of_a_bad_line_are_found(void **state)
{
    (void)state;
    Unit *u = unit_new();
    const char *text = "network A B {\n  conv 3 3\n  add 1 2 {\n    path { relu 1 1 }\n    path { relu }\n  }\n}\nnetwork C { relu }\n";
    const char *said = said_of_bytes(u, text, strlen(text));
    assert_int_equal(diag_errors(u), 4);
    assert_non_null(strstr(said, "test.cnn:1:11: error: "));
    assert_non_null(strstr(said, "test.cnn:2:10: error: "));
    assert_non_null(strstr(said, "test.cnn:3:9: error: "));
    assert_non_null(strstr(said, "test.cnn:4:19: error: "));
    assert_string_equal(dump_of(u, text), "network C\n    relu()\n");
    unit_free(u);
}

static void a_line_that_failed_keeps_its_name(void **state)
{
    (void)state;
    Unit *u = unit_new();
    assert_string_equal(dump_of(u, "network A {\n  stem = conv 3 3\n  relu 3 3\n}\n"), "network A\n    failed stem\n    failed\n");
    unit_free(u);
}

static void a_comma_that_joins_two_layers_gets_a_warning(void **state)
{
    (void)state;
    Unit *u = unit_new();
    const char *text = "network A {\n  conv 3, 3x3,\n  relu\n}\n";
    const char *said = said_of_bytes(u, text, strlen(text));
    assert_int_equal(diag_errors(u), 0);
    assert_int_equal(diag_warnings(u), 1);
    assert_non_null(strstr(said, "test.cnn:2:14: warning: "));
    unit_free(u);

    gives("network A {\n  conv 3, 3x3,\n    relu\n}\n", "network A\n    conv(3, 3x3, relu)\n");
    gives("network A {\n  labels \"a\",\n  \"b\"\n}\n", "network A\n    labels(\"a\", \"b\")\n");
    fails("network A {\n  conv 3, 3x3,\n  maxpool 2x2\n}\n", "3:11", "goes on with the one above, which ends with a comma at 2:14");
}

/* ---- limits */

static void nesting_is_limited(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Arena *a = u->arena;

    gives(arena_print(a, "param a = %s1%s", repeated(u, "(", LIMIT_DEPTH), repeated(u, ")", LIMIT_DEPTH)), "param a = 1\n");
    fails(arena_print(a, "param a = %s1%s", repeated(u, "(", LIMIT_DEPTH + 1), repeated(u, ")", LIMIT_DEPTH + 1)), "1:75", "64 deep");
    fails(arena_print(a, "param a = %s1", repeated(u, "-", LIMIT_DEPTH + 1)), "1:75", "64 signs");
    fails(arena_print(a, "param a = %s1", repeated(u, "1+", LIMIT_DEPTH + 1)), "1:11", "64 operations");
    fails(arena_print(a, "param a = %s1%s", repeated(u, "f(-", 40), repeated(u, ")", 40)), "1:34", "64 operations");
    fails(arena_print(a, "network A {\n%s%s}\n", repeated(u, "repeat 2 {\n", LIMIT_DEPTH), repeated(u, "}\n", LIMIT_DEPTH)), "65:10",
          "64 deep");
    for (const char *const *c = (const char *const[]){ "(", "-", "f(-", "a{", "add{path{", "x=(1,", "\"", "}", NULL }; *c != NULL; c++) {
        Unit *each = unit_new();
        const char *text = arena_print(each->arena, "network A { a %s", repeated(each, *c, 20000));
        parsed_bytes(each, text, strlen(text));
        assert_true(diag_errors(each) >= 1);
        unit_free(each);
    }
    unit_free(u);
}

/* A text of that length that is not read past its end, nor up to a NUL. */
static void the_text_ends_where_its_length_says(void **state)
{
    (void)state;
    Unit *u = unit_new();
    const char *text = "network A { relu }garbage", *full = "network A { relu 3x3 \"x\" -> b }";
    Text *t = text_new(u->arena);

    ast_dump(parsed_bytes(u, text, 18), t);
    assert_int_equal(diag_errors(u), 0);
    assert_string_equal(t->at, "network A\n    relu()\n");
    for (size_t length = 0; length <= strlen(full); length++) {
        char *piece = malloc(length > 0 ? length : 1);      /* for the address sanitizer */
        memcpy(piece, full, length);
        parsed_bytes(u, piece, length);
        free(piece);
    }
    unit_free(u);
}

/* ---- imports */

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/front_test.XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    char sub[PATH_MAX + 8];
    snprintf(sub, sizeof sub, "%s/sub", folder);
    return mkdir(sub, 0700);
}

static const char *path_of(const char *name)
{
    static char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void file_holds(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = { "main.cnn", "a.cnn", "b.cnn", "sub/c.cnn", "sub/d.cnn", "large.cnn", "sub", "." };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(path_of(names[i]));
    return 0;
}

static Unit *loaded(const char *name, bool works)
{
    Unit *u = unit_new();
    bool got = ast_load(u, path_of(name));
    if (got != works)
        diag_print(u, stderr, false);
    assert_int_equal(got, works);
    assert_int_equal(diag_errors(u) == 0, works);
    return u;
}

static const char *said_by(Unit *u)
{
    static char said[4096];
    FILE *file = tmpfile();
    assert_non_null(file);
    diag_print(u, file, false);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return said;
}

static void imports_are_relative_to_their_file_and_read_once(void **state)
{
    (void)state;
    file_holds("main.cnn", "import \"a.cnn\"\nimport \"sub/c.cnn\"\nnetwork A { relu }\n");
    file_holds("a.cnn", "import \"sub/../sub/c.cnn\"\nparam a = 1\n");
    file_holds("sub/c.cnn", "import \"d.cnn\"\nparam c = 1\n");
    file_holds("sub/d.cnn", "param d = 1\n");
    Unit *u = loaded("main.cnn", true);

    int files = 0;
    for (const AstFile *f = u->ast; f != NULL; f = f->next)
        files++;
    assert_int_equal(files, 4);
    const AstItem *a = u->ast->items, *c = a->next;
    assert_non_null(a->imported);
    assert_ptr_equal(a->imported->items->imported, c->imported);
    assert_string_equal(c->imported->items->imported->items->name->text, "d");
    unit_free(u);
}

static void imports_that_reach_themselves_name_the_way(void **state)
{
    (void)state;
    file_holds("main.cnn", "import \"a.cnn\"\nnetwork A { relu }\n");
    file_holds("a.cnn", "import \"b.cnn\"\n");
    file_holds("b.cnn", "param x = 1\nimport \"a.cnn\"\n");
    Unit *u = loaded("main.cnn", false);
    const char *want = arena_print(u->arena, "%s/b.cnn:2:8: error: imports that reach themselves: %s/a.cnn -> %s/b.cnn -> %s/a.cnn [E035]\n",
                                   folder, folder, folder, folder);
    assert_memory_equal(said_by(u), want, strlen(want));
    assert_non_null(u->ast);
    unit_free(u);

    file_holds("main.cnn", "import \"main.cnn\"\n");
    u = loaded("main.cnn", false);
    assert_non_null(strstr(said_by(u), "main.cnn -> "));
    unit_free(u);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    file_holds("main.cnn", "import \"missing.cnn\"\nimport \"sub\"\nimport \"large.cnn\"\nimport \"\"\nnetwork A { relu }\n");
    FILE *large = fopen(path_of("large.cnn"), "wb");
    assert_non_null(large);
    assert_int_equal(fseek(large, LIMIT_FILE, SEEK_SET), 0);
    fputc('\n', large);
    fclose(large);

    Unit *u = loaded("main.cnn", false);
    const char *said = said_by(u);
    assert_int_equal(diag_errors(u), 4);
    assert_non_null(strstr(said, "main.cnn:1:8: error: cannot read '"));
    assert_non_null(strstr(said, "missing.cnn': No such file or directory"));
    assert_non_null(strstr(said, "main.cnn:2:8: error: cannot read '"));
    assert_non_null(strstr(said, arena_print(u->arena, "'%s' is too large: a source file has at most %lld bytes", path_of("large.cnn"),
                                             (long long)LIMIT_FILE)));
    assert_non_null(strstr(said, "main.cnn:4:8: error: cannot read '"));
    assert_non_null(u->ast);
    unit_free(u);

    u = loaded("nowhere.cnn", false);
    assert_null(u->ast);
    assert_memory_equal(said_by(u), "cnnc: error: cannot read '", 26);
    unit_free(u);
}

static void a_chain_of_imports_is_limited(void **state)
{
    (void)state;
    for (int links = LIMIT_DEPTH; links <= LIMIT_DEPTH + 1; links++) {
        char name[32], text[64];
        for (int i = 0; i <= links; i++) {
            snprintf(name, sizeof name, "link%d.cnn", i);
            snprintf(text, sizeof text, i < links ? "import \"link%d.cnn\"\n" : "param last = %d\n", i + 1);
            file_holds(name, text);
        }
        Unit *u = loaded("link0.cnn", links == LIMIT_DEPTH);
        if (links > LIMIT_DEPTH)
            assert_non_null(strstr(said_by(u), "link64.cnn:1:8: error: imports are nested more than 64 deep"));
        unit_free(u);
        for (int i = 0; i <= links; i++) {
            snprintf(name, sizeof name, "link%d.cnn", i);
            remove(path_of(name));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_construct_has_its_tree),
        cmocka_unit_test(the_call_form_is_the_same_line),
        cmocka_unit_test(operators_bind_as_in_arithmetic),
        cmocka_unit_test(numbers_are_exact_where_they_can_be),
        cmocka_unit_test(numbers_that_do_not_fit_are_errors),
        cmocka_unit_test(a_newline_is_skipped_where_a_line_goes_on),
        cmocka_unit_test(a_semicolon_always_ends_a_statement),
        cmocka_unit_test(a_forgotten_parenthesis_ends_with_its_line),
        cmocka_unit_test(comments_may_hold_any_bytes_but_control_bytes),
        cmocka_unit_test(control_bytes_are_errors_wherever_they_stand),
        cmocka_unit_test(names_have_at_most_63_bytes),
        cmocka_unit_test(a_bad_line_costs_one_error),
        cmocka_unit_test(every_usual_mistake_has_its_message),
        cmocka_unit_test(a_brace_on_the_next_line_is_one_error),
        cmocka_unit_test(a_forgotten_opening_brace_is_one_error),
        cmocka_unit_test(a_missing_brace_is_one_error),
        cmocka_unit_test(one_brace_too_many_is_one_error),
        cmocka_unit_test(errors_in_the_body_of_a_bad_line_are_found),
        cmocka_unit_test(a_line_that_failed_keeps_its_name),
        cmocka_unit_test(a_comma_that_joins_two_layers_gets_a_warning),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(the_text_ends_where_its_length_says),
        cmocka_unit_test_setup_teardown(imports_are_relative_to_their_file_and_read_once, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(imports_that_reach_themselves_name_the_way, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_named, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_chain_of_imports_is_limited, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
