/* base_test.c: memory, lists, text, characters and reports, each by what its header promises. */
#include "base/checked.h"
#include "base/list.h"
#include "base/text.h"
#include "base/utf8.h"
#include "unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- arena */

static void memory_is_zero_aligned_and_apart(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    unsigned char *before = NULL;

    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        unsigned char *at = arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xff, bytes);
        assert_ptr_not_equal(at, before);
        before = at;
    }
    assert_true(arena_used(arena) >= 3000);
    arena_free(arena);
}

static void a_large_piece_leaves_the_chunk_in_use(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *small = arena_copy(arena, "small", 5);
    char *large = arena_alloc(arena, 10 << 20);

    memset(large, 1, 10 << 20);
    assert_string_equal(small, "small");
    assert_string_equal(arena_print(arena, "%d and %s", 7, small), "7 and small");
    arena_free(arena);
}

/* Runs `doomed` in a child; its exit status, and what it wrote to stderr in `said`. */
static int status_of(void (*doomed)(void), char *said, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        doomed();
        _exit(77);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length + 1 < room && (got = read(ends[0], said + length, room - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static Arena *doomed_arena;         /* still held when the child ends, so that it is no leak */

static void too_large_a_product(void) { arena_array(doomed_arena = arena_new(), SIZE_MAX / 2, 3); }
static void too_large_a_piece(void)   { arena_alloc(doomed_arena = arena_new(), SIZE_MAX - 3); }

static void without_memory_the_compiler_says_so_and_ends(void **state)
{
    (void)state;
    char said[100];

    assert_int_equal(status_of(too_large_a_product, said, sizeof said), 1);
    assert_string_equal(said, "cnnc: error: out of memory\n");
    assert_int_equal(status_of(too_large_a_piece, said, sizeof said), 1);
    assert_string_equal(said, "cnnc: error: out of memory\n");
}

/* ---- lists and text */

static void a_list_keeps_what_is_added(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    LIST(int) list = { 0 };

    for (int i = 0; i < 1000; i++)
        LIST_ADD(arena, &list, i * i);
    assert_int_equal(list.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list.at[i], i * i);
    arena_free(arena);
}

static void text_owns_its_indentation(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text *t = text_new(arena);

    text_blank(t);                              /* nothing to be apart from */
    text_open(t, "for (int i = 0; i < %d; i++) {", 3);
    text_line(t, "y[i] = x[i];");
    text_blank(t);
    text_blank(t);
    text_indent(t);
    text_put(t, "a");
    text_column(t, 8);
    text_put(t, "b");
    text_column(t, 3);
    text_put(t, "c\n");
    text_close(t, "}");
    assert_string_equal(t->at, "for (int i = 0; i < 3; i++) {\n"
                               "    y[i] = x[i];\n"
                               "\n"
                               "    a   b c\n"
                               "}\n");
    assert_int_equal(t->length, strlen(t->at));
    arena_free(arena);
}

static void a_column_counts_characters(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text *t = text_new(arena);

    text_put(t, "\n\xc3\xa9\xc3\xa9");
    text_column(t, 4);
    text_put(t, "|");
    assert_string_equal(t->at, "\n\xc3\xa9\xc3\xa9  |");
    arena_free(arena);
}

static void text_grows_to_what_is_put(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text *t = text_new(arena);

    for (int i = 0; i < 5000; i++)
        text_put(t, "%d,", i % 10);
    assert_int_equal(t->length, 10000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(t->at[2 * i], '0' + i % 10);
        assert_int_equal(t->at[2 * i + 1], ',');
    }
    arena_free(arena);
}

static void checked_arithmetic_leaves_its_target_alone_on_overflow(void **state)
{
    (void)state;
    int64_t to = 5;

    assert_false(checked_add(INT64_MAX, 1, &to));
    assert_false(checked_sub(INT64_MIN, 1, &to));
    assert_false(checked_mul(INT64_MAX / 2, 3, &to));
    assert_true(checked_mul(3, 4, &to));
    assert_int_equal(to, 12);
}

/* ---- characters */

static void every_character_is_read_and_nothing_else(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[4];
        int size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        bytes[0] = (char)(size == 1 ? code : (0xf00u >> size & 0xff) | code >> 6 * (size - 1));
        for (int i = 1; i < size; i++)
            bytes[i] = (char)(0x80 | (code >> 6 * (size - 1 - i) & 0x3f));
        bool valid = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
        uint32_t got;
        int length = utf8_read(bytes, (size_t)size, &got);
        assert_int_equal(length, valid ? size : 1);
        assert_int_equal(got, valid ? code : UTF8_BAD);
        if (size > 1) {
            assert_int_equal(utf8_read(bytes, (size_t)size - 1, &got), 1);      /* cut off */
            assert_int_equal(got, UTF8_BAD);
        }
    }
    uint32_t got;
    assert_int_equal(utf8_read("\xc0\x80", 2, &got), 1);        /* overlong forms */
    assert_int_equal(got, UTF8_BAD);
    assert_int_equal(utf8_read("\xe0\x9f\xbf", 3, &got), 1);
    assert_int_equal(got, UTF8_BAD);
    assert_int_equal(utf8_read("\xf0\x8f\xbf\xbf", 4, &got), 1);
    assert_int_equal(got, UTF8_BAD);
}

/* ---- reports */

typedef struct Printed {
    char text[8192];
} Printed;

static const char *printed(Unit *u, Printed *to, bool colour)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    diag_print(u, file, colour);
    rewind(file);
    to->text[fread(to->text, 1, sizeof to->text - 1, file)] = '\0';
    fclose(file);
    return to->text;
}

static Span span_of(int source, const char *text, const char *part)
{
    const char *at = strstr(text, part);
    assert_non_null(at);
    uint32_t from = (uint32_t)(at - text);
    return (Span){ source, from, from + (uint32_t)strlen(part) };
}

static void a_report_shows_its_line_and_where_things_come_from(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    const char *text = "network L {\n  input 8x8x6\n  avgpool 3x3\n  conv 16, 5x5, tanh\n}\n";
    int source = diag_add_source(u, "lenet.cnn", text, strlen(text));

    error_at(u, span_of(source, text, "5x5"), "a %s kernel does not fit into %s", "5x5", "4x4x6");
    note(u, "height = (4 - 5)/1 + 1 = 0");
    note_at(u, span_of(source, text, "avgpool"), "4x4x6 comes from 'avgpool 3x3'");
    fix_at(u, span_of(source, text, "tanh"), "same, tanh", "'conv 16, 5x5, same, tanh' gives 4x4x16");
    warning_at(u, WARN_UNREAD, span_of(source, text, "network"), "all is well");
    assert_int_equal(diag_errors(u), 1);
    assert_int_equal(diag_warnings(u), 1);
    assert_string_equal(printed(u, &p, false),
                        "lenet.cnn:4:12: error: a 5x5 kernel does not fit into 4x4x6\n"
                        "    4 |   conv 16, 5x5, tanh\n"
                        "      |            ^~~\n"
                        "  note: height = (4 - 5)/1 + 1 = 0\n"
                        "  note: 4x4x6 comes from 'avgpool 3x3' at 3:3\n"
                        "  help: 'conv 16, 5x5, same, tanh' gives 4x4x16\n"
                        "lenet.cnn:1:1: warning: all is well [-Wunread]\n"
                        "    1 | network L {\n"
                        "      | ^~~~~~~\n");
    assert_string_equal(printed(u, &p, false), "");     /* once is enough */
    unit_free(u);
}

static void places_in_other_sources_have_their_name(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    int first = diag_add_source(u, "a.cnn", "relu\n", 5), second = diag_add_source(u, "b.cnn", "\n tanh\n", 7);

    error_at(u, (Span){ first, 0, 4 }, "two of them");
    note_at(u, (Span){ second, 2, 6 }, "the other is here");
    error_at(u, NO_SPAN, "nowhere");
    assert_string_equal(printed(u, &p, false),
                        "a.cnn:1:1: error: two of them\n"
                        "    1 | relu\n"
                        "      | ^~~~\n"
                        "  note: the other is here at b.cnn:2:2\n"
                        "cnnc: error: nowhere\n");
    unit_free(u);
}

static void underlines_follow_tabs_and_wide_characters(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    const char *text = "\xef\xbb\xbf\tlabels \"\xc3\xa9\xe4\xb8\xad\", x\r\n";
    int source = diag_add_source(u, "a.cnn", text, strlen(text));

    error_at(u, span_of(source, text, "x\r"), "after a tab, one narrow and one wide character");
    assert_string_equal(printed(u, &p, false),
                        "a.cnn:1:15: error: after a tab, one narrow and one wide character\n"
                        "    1 |     labels \"\xc3\xa9\xe4\xb8\xad\", x\n"
                        "      |                   ^\n");
    unit_free(u);
}

static void nothing_dangerous_reaches_the_terminal(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    const char *text = "a\x1b[31m \xff \xe2\x80\xae b\n";
    int source = diag_add_source(u, "x\x1b.cnn", text, strlen(text));

    error_at(u, span_of(source, text, "b"), "bell \a, two\nlines");
    assert_string_equal(printed(u, &p, false),
                        "x?.cnn:1:12: error: bell ?, two lines\n"
                        "    1 | a?[31m ? ? b\n"
                        "      |            ^\n");
    unit_free(u);
}

static void of_a_long_line_the_part_around_the_span_is_shown(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    char *text = arena_alloc(u->arena, 100001);
    memset(text, '.', 100000);
    memcpy(text + 50000, "here", 4);
    int source = diag_add_source(u, "a.cnn", text, 100000);

    error_at(u, (Span){ source, 50000, 50004 }, "far away");
    const char *got = printed(u, &p, false);
    assert_non_null(strstr(got, "a.cnn:1:50001: error: far away\n    1 | ......"));
    assert_true(strlen(got) < 400);
    const char *here = strstr(got, "here"), *mark = strstr(got, "^~~~\n");
    assert_non_null(here);
    assert_non_null(mark);
    const char *line = strstr(got, "    1 |"), *below = strstr(got, "      |");
    assert_int_equal(here - line, mark - below);        /* one below the other */
    unit_free(u);
}

static void a_span_at_the_end_of_the_file_has_a_place(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    int source = diag_add_source(u, "a.cnn", "relu", 4), empty = diag_add_source(u, "b.cnn", "", 0);

    error_at(u, (Span){ source, 4, 4 }, "here it ends");
    error_at(u, (Span){ empty, 0, 0 }, "nothing");
    assert_string_equal(printed(u, &p, false),
                        "a.cnn:1:5: error: here it ends\n"
                        "    1 | relu\n"
                        "      |     ^\n"
                        "b.cnn:1:1: error: nothing\n");
    unit_free(u);
}

static void the_same_report_at_the_same_place_is_one(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    int source = diag_add_source(u, "a.cnn", "relu\n", 5);

    for (int i = 0; i < 3; i++) {
        error_at(u, (Span){ source, 0, 4 }, "once");
        note(u, "with its note");
    }
    assert_int_equal(diag_errors(u), 1);
    assert_string_equal(printed(u, &p, false),
                        "a.cnn:1:1: error: once\n"
                        "    1 | relu\n"
                        "      | ^~~~\n"
                        "  note: with its note\n");
    unit_free(u);
}

static void the_first_twenty_errors_are_shown(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;

    for (int i = 1; i <= 25; i++) {
        error_at(u, NO_SPAN, "number %d", i);
        help(u, "help %d", i);
    }
    assert_int_equal(diag_errors(u), 25);
    const char *got = printed(u, &p, false);
    assert_non_null(strstr(got, "error: number 20\n  help: help 20\n"));
    assert_null(strstr(got, "21"));
    assert_non_null(strstr(got, "cnnc: too many errors: 25; the first 20 are shown\n"));
    unit_free(u);
}

static void colour_comes_only_when_asked_for(void **state)
{
    (void)state;
    Unit *u = unit_new();
    Printed p;
    int source = diag_add_source(u, "a.cnn", "relu\n", 5);

    error_at(u, (Span){ source, 0, 4 }, "red");
    assert_non_null(strstr(printed(u, &p, true), "\033[1;31merror: \033[0m"));
    error_at(u, (Span){ source, 0, 4 }, "plain");
    assert_null(strchr(printed(u, &p, false), '\033'));
    unit_free(u);
}

static void spans_know_line_column_and_text(void **state)
{
    (void)state;
    Unit *u = unit_new();
    const char *text = "one\n\xc3\xa9 two\r\nthree";
    int source = diag_add_source(u, "a.cnn", text, strlen(text));
    Span two = span_of(source, text, "two"), three = span_of(source, text, "three");

    assert_int_equal(span_line(u, two), 2);
    assert_int_equal(span_column(u, two), 3);
    assert_int_equal(span_line(u, three), 3);
    assert_string_equal(span_text(u, span_join(three, two)), "two\r\nthree");
    assert_int_equal(span_join(NO_SPAN, two).from, two.from);
    assert_int_equal(span_line(u, NO_SPAN), 0);
    size_t length;
    assert_ptr_equal(source_text(u, source, &length), text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(source_name(u, source), "a.cnn");
    unit_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_chunk_in_use),
        cmocka_unit_test(without_memory_the_compiler_says_so_and_ends),
        cmocka_unit_test(a_list_keeps_what_is_added),
        cmocka_unit_test(text_owns_its_indentation),
        cmocka_unit_test(a_column_counts_characters),
        cmocka_unit_test(text_grows_to_what_is_put),
        cmocka_unit_test(checked_arithmetic_leaves_its_target_alone_on_overflow),
        cmocka_unit_test(every_character_is_read_and_nothing_else),
        cmocka_unit_test(a_report_shows_its_line_and_where_things_come_from),
        cmocka_unit_test(places_in_other_sources_have_their_name),
        cmocka_unit_test(underlines_follow_tabs_and_wide_characters),
        cmocka_unit_test(nothing_dangerous_reaches_the_terminal),
        cmocka_unit_test(of_a_long_line_the_part_around_the_span_is_shown),
        cmocka_unit_test(a_span_at_the_end_of_the_file_has_a_place),
        cmocka_unit_test(the_same_report_at_the_same_place_is_one),
        cmocka_unit_test(the_first_twenty_errors_are_shown),
        cmocka_unit_test(colour_comes_only_when_asked_for),
        cmocka_unit_test(spans_know_line_column_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
