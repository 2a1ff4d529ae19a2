/* tuned.c: reads files for --tuned (tuned.h). They are input like any other: nothing in them is trusted. */
#include "tuned.h"

#include "loops/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LIMIT_TUNED = 1 << 20,          /* bytes of a file */
    MOST_SIZE = 4096                /* images of a call, places of a tile */
};

typedef struct Reading {
    Unit *u;
    Tuned *tuned;
    int source;
    const char *text;
    uint32_t at, end;               /* what is left of the line */
    unsigned seen;                  /* the lines that there were, bit by bit */
    bool sound;
} Reading;

/* A row of the table: how a line begins, what it says, and who reads that. */
typedef struct LineKind {
    const char *name, *says;
    bool (*read)(Reading *r);       /* false: it says something else */
} LineKind;

static Span span_of(const Reading *r, uint32_t from, uint32_t to)
{
    return (Span){ r->source, from, to };
}

/* The next word of the line; of length 0 at its end. Spaces and the commas and colons between words are nothing. */
static Span next_word(Reading *r)
{
    while (r->at < r->end && strchr(" \t,:", r->text[r->at]))
        r->at++;
    uint32_t from = r->at;
    while (r->at < r->end && !strchr(" \t,:", r->text[r->at]))
        r->at++;
    return span_of(r, from, r->at);
}

static const char *word_text(const Reading *r, Span s)
{
    return arena_copy(r->u->arena, r->text + s.from, s.to - s.from);
}

static bool is_word(const Reading *r, Span s, const char *word)
{
    return s.to - s.from == strlen(word) && memcmp(r->text + s.from, word, s.to - s.from) == 0;
}

static bool read_number(Reading *r, int64_t *to)
{
    Span s = next_word(r);

    *to = 0;
    for (uint32_t i = s.from; i < s.to && *to <= MOST_SIZE; i++) {
        if (r->text[i] < '0' || r->text[i] > '9')
            return false;
        *to = 10 * *to + (r->text[i] - '0');
    }
    return s.to > s.from && *to >= 1 && *to <= MOST_SIZE;
}

/* ---- the lines */

static bool read_machine(Reading *r)
{
    Span s = next_word(r);
    const Options *o = &r->u->options;
    const char *name = word_text(r, s), *made_for = o->machine->name;
    bool made = false;

    r->tuned->machine = machine_find(name);
    if (!r->tuned->machine)
        return false;
    for (int i = 0; i < o->machine_count; i++) {
        made = made || o->machines[i] == r->tuned->machine;
        made_for = i ? arena_print(r->u->arena, "%s, %s", made_for, o->machines[i]->name) : o->machines[i]->name;
    }
    if (!made && (o->machine_count || o->machine != r->tuned->machine)) {
        error_at(r->u, s, "this file was tuned for %s, and the code is made for %s", name, made_for);
        help(r->u, "'cnnc --tune' measures on the machine that it runs on; without --tuned every machine gets what the policy chooses for it");
        r->sound = false;
    }
    return true;
}

static bool read_real(Reading *r)
{
    Span s = next_word(r);
    bool is_double = is_word(r, s, "double");

    if (!is_double && !is_word(r, s, "float"))
        return false;
    if (is_double != (r->u->options.real == REAL_DOUBLE)) {
        error_at(r->u, s, "this file was tuned for %s, and the code is made for %s", is_double ? "double" : "float", is_double ? "float" : "double");
        r->sound = false;
    }
    return true;
}

static bool read_for(Reading *r)
{
    Span s = next_word(r);
    bool infer = is_word(r, s, "inference");

    if (!infer && !is_word(r, s, "training"))
        return false;
    if (infer != r->u->options.infer) {
        error_at(r->u, s, "this file was tuned for %s, and the code is made for %s", infer ? "inference" : "training", infer ? "training" : "inference");
        help(r->u, "--infer makes code for inference alone; 'cnnc --tune --infer' tunes that");
        r->sound = false;
    }
    return true;
}

static bool read_layout(Reading *r)
{
    Span s = next_word(r);
    r->tuned->layout = is_word(r, s, "images") ? LAYOUT_IMAGES : is_word(r, s, "channels") ? LAYOUT_CHANNELS : LAYOUT_AUTO;
    return r->tuned->layout != LAYOUT_AUTO;
}

static bool read_tile(Reading *r)
{
    return read_number(r, &r->tuned->tile);
}

static bool read_winograd(Reading *r)
{
    Span s = next_word(r);
    r->tuned->winograd = is_word(r, s, "2") ? WINOGRAD_2 : is_word(r, s, "4") ? WINOGRAD_4 : is_word(r, s, "off") ? WINOGRAD_OFF : WINOGRAD_AUTO;
    return r->tuned->winograd != WINOGRAD_AUTO;
}

static bool read_nest(Reading *r)
{
    Span name = next_word(r);
    TunedNest n = { .name = word_text(r, name), .span = name };
    Choice *c = &n.choice;

    for (int i = 0; i < r->tuned->nests.count; i++)
        if (strcmp(r->tuned->nests.at[i].name, n.name) == 0) {
            error_at(r->u, name, "a line '%s' stands here for the second time", arena_print(r->u->arena, "nest %s", n.name));
            note_at(r->u, r->tuned->nests.at[i].span, "the first is here");
            r->sound = false;
        }
    for (Span s = next_word(r); s.to > s.from; s = next_word(r)) {
        if (is_word(r, s, "inside") || is_word(r, s, "round")) {
            Span loop = next_word(r);
            *(is_word(r, s, "inside") ? &c->inside : &c->round) = word_text(r, loop);
            if (loop.to == loop.from)
                return false;
        } else if (is_word(r, s, "vectors")) {
            if (!read_number(r, &c->vectors))
                return false;
        } else {
            if (c->count == MAX_LOOPS || !read_number(r, &c->tile[c->count].size))
                return false;
            c->tile[c->count++].loop = word_text(r, s);
        }
    }
    LIST_ADD(r->u->arena, &r->tuned->nests, n);
    return name.to > name.from;
}

static const LineKind kinds[] = {
    { "machine",  "for which machine it was measured: a name as in --target", read_machine },
    { "real",     "float or double",                                          read_real },
    { "for",      "training or inference",                                    read_for },
    { "layout",   "images or channels",                                       read_layout },
    { "tile",     "a number of images from 1 to 4096",                        read_tile },
    { "winograd", "2, 4 or off",                                              read_winograd },
    { "nest",     "a name and numbers of places, such as conv1: co 3, ow 2, vectors 2, inside oh", read_nest },
};
enum { NEST = countof(kinds) - 1 };     /* of which there may be several */

static void read_line(Reading *r)
{
    Span name = next_word(r);
    int i = 0;

    if (name.to == name.from)
        return;
    while (i < countof(kinds) && !is_word(r, name, kinds[i].name))
        i++;
    if (i == countof(kinds)) {
        error_at(r->u, name, "'%s' begins no line of a file for --tuned", word_text(r, name));
        help(r->u, "its lines begin with machine, real, for, layout, tile, winograd or nest");
        r->sound = false;
        return;
    }
    if (i != NEST && r->seen & 1u << i) {
        error_at(r->u, name, "a line '%s' stands here for the second time", kinds[i].name);
        r->sound = false;
    }
    r->seen |= 1u << i;
    uint32_t from = r->at;
    if (!kinds[i].read(r)) {
        while (from < r->at && r->text[from] == ' ')
            from++;
        Span said = span_of(r, from, r->at);
        error_at(r->u, said.to > said.from ? said : name, "a line '%s' says %s, not '%s'", kinds[i].name, kinds[i].says, word_text(r, said));
        r->sound = false;
        return;
    }
    Span more = next_word(r);
    if (more.to > more.from) {
        error_at(r->u, more, "a line '%s' ends here, but there is '%s'", kinds[i].name, word_text(r, more));
        help(r->u, "behind # stands what is for people alone");
        r->sound = false;
    }
}

/* Letters and signs that a terminal shows as they are. Comments may have any. */
static bool is_plain(Reading *r)
{
    for (uint32_t i = r->at; i < r->end; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if (c != '\t' && (c < ' ' || c > '~')) {
            error_at(r->u, span_of(r, i, i + 1), "byte 0x%02x does not belong in a file for --tuned", c);
            return r->sound = false;
        }
    }
    return true;
}

/* ---- the file */

static bool read_all(Unit *u, const char *path, Text *t)
{
    FILE *from = fopen(path, "rb");
    char block[1 << 12];
    size_t got;

    if (!from) {
        error_at(u, NO_SPAN, "cannot read '%s': %s", path, strerror(errno));
        return false;
    }
    while (t->length <= LIMIT_TUNED && (got = fread(block, 1, sizeof block, from)) > 0)
        text_bytes(t, block, got);
    int reason = errno;
    bool whole = !ferror(from);
    fclose(from);
    if (!whole)
        error_at(u, NO_SPAN, "cannot read '%s': %s", path, strerror(reason));
    else if (t->length > LIMIT_TUNED)
        error_at(u, NO_SPAN, "'%s' is too large: a file for --tuned has at most %d bytes", path, LIMIT_TUNED);
    return whole && t->length <= LIMIT_TUNED;
}

bool tuned_read(Unit *u)
{
    Text *t = text_new(u->arena);
    return read_all(u, u->options.tuned, t) && tuned_parse(u, u->options.tuned, t->at, t->length);
}

bool tuned_parse(Unit *u, const char *name, const char *text, size_t length)
{
    Reading r = { .u = u, .tuned = ARENA_NEW(u->arena, Tuned), .source = diag_add_source(u, name, text, length), .text = text, .sound = true };

    for (uint32_t next = 0; next < length && diag_errors(u) < LIMIT_ERRORS; next++) {
        r.at = next;
        while (next < length && text[next] != '\n')
            next++;
        const char *comment = memchr(text + r.at, '#', next - r.at);
        r.end = comment ? (uint32_t)(comment - text) : next;
        if (r.end > r.at && r.end == next && text[r.end - 1] == '\r')
            r.end--;
        if (is_plain(&r))
            read_line(&r);
    }
    if (r.sound && !r.tuned->machine) {
        error_at(u, span_of(&r, 0, 0), "a file for --tuned names the machine that it was measured on, and this one does not");
        help(u, "a line such as 'machine avx2'");
        r.sound = false;
    }
    u->tuned = r.tuned;
    return r.sound;
}

/* ---- following it */

void tuned_apply(Unit *u)
{
    Options *o = &u->options;
    const Tuned *t = u->tuned;

    if (!t)
        return;
    for (int i = 0; u->variants && i < u->variant_count; i++) {
        Variant *v = &u->variants[i];
        if (v->machine == t->machine && v->layout == LAYOUT_AUTO)
            v->layout = t->layout;
        if (v->machine == t->machine && v->winograd == WINOGRAD_AUTO)
            v->winograd = t->winograd;
    }
    if (u->variants) {
        o->layout = u->variants[u->variant].layout;
        o->winograd = u->variants[u->variant].winograd;
        return;
    }
    o->layout = o->layout == LAYOUT_AUTO ? t->layout : o->layout;
    o->winograd = o->winograd == WINOGRAD_AUTO ? t->winograd : o->winograd;
    o->tile = o->tile ? o->tile : t->tile;
}

void tuned_report(Unit *u)
{
    const Tuned *t = u->tuned;

    for (int i = 0; t && t->machine == u->options.machine && i < t->nests.count; i++) {
        const TunedNest *n = &t->nests.at[i];
        if (!n->met)
            warning_at(u, WARN_TUNED, n->span, "the network has no nest '%s'", n->name);
        else if (!n->taken)
            warning_at(u, WARN_TUNED, n->span, "nest '%s' cannot follow this: %s", n->name, n->misfit);
        if (!n->taken)
            help(u, "the policy chooses for it; 'cnnc --tune' measures again");
    }
}

void tuned_put(Text *t, const char *line, const char *remark)
{
    text_put(t, "%s", line);
    if (remark) {
        text_column(t, 56);
        text_put(t, "# %s", remark);
    }
    text_put(t, "\n");
}
