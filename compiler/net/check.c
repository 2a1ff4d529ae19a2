/* check.c: the whole program: every network and every train block is checked, one network is chosen. */
#include "net/expansion.h"

#include "net/training.h"

#include <string.h>

/* A network of the program and what came of it. */
typedef struct Candidate {
    const AstItem *item;
    const AstItem *train;           /* its train block, or NULL */
    bool imported, train_imported;
    bool checked;
    Net *net;                       /* NULL: it has errors */
} Candidate;

typedef struct Candidates {
    LIST(Candidate) list;
    int own;                        /* of the file itself, not of its imports */
} Candidates;

static Candidate *candidate_find(Candidates *c, const char *name)
{
    for (int i = 0; i < c->list.count; i++)
        if (strcmp(c->list.at[i].item->name->text, name) == 0)
            return &c->list.at[i];
    return NULL;
}

/* The only network of the file that a train block stands in, or NULL. */
static Candidate *neighbour(Candidates *c, const AstItem *train)
{
    Candidate *only = NULL;

    for (int i = 0; i < c->list.count; i++)
        if (c->list.at[i].item->span.source == train->span.source) {
            if (only != NULL)
                return NULL;
            only = &c->list.at[i];
        }
    return only;
}

/* The network that a train block names, or the only one. NULL after reporting. */
static Candidate *trainee(Unit *u, Items *items, Candidates *c, const AstItem *train)
{
    if (train->name != NULL) {
        Candidate *found = candidate_find(c, train->name->text);
        if (found != NULL)
            return found;
        Spelling s = { .word = train->name->text };
        spelling_offer_dict(&s, &items->networks);
        error_at(u, train->name->span, "there is no network '%s' to train", train->name->text);
        spelling_help(u, train->name->span, &s);
        return NULL;
    }
    if (neighbour(c, train) != NULL)
        return neighbour(c, train);
    if (c->list.count == 1)
        return &c->list.at[0];
    error_at(u, train->value->span, "the program has %d networks: the train block must say which one it trains", c->list.count);
    if (c->list.count > 0)
        help(u, "for example 'train %s on %s { ... }'", c->list.at[0].item->name->text, span_text(u, train->value->span));
    return NULL;
}

/* Each network gets its train block; one of the file itself goes before an imported one. */
static void match_trains(Unit *u, Items *items, Candidates *c)
{
    for (int i = 0; i < items->trains.count; i++) {
        const ItemRef *train = &items->trains.at[i];
        Candidate *to = trainee(u, items, c, train->item);
        if (to == NULL) {
            if (!train->imported)
                training_read(items, NULL, train->item);
            continue;
        }
        if (to->train == NULL || (to->train_imported && !train->imported)) {
            to->train = train->item;
            to->train_imported = train->imported;
        } else if (to->train_imported == train->imported) {
            error_at(u, train->item->value->span, "network '%s' has two train blocks", to->item->name->text);
            note_at(u, to->train->value->span, "the other one is");
        }
    }
}

static void check_candidate(Items *items, Candidate *c)
{
    Net *net = expand_network(items, c->item);

    c->checked = true;
    items->u->net = net;
    if (c->train == NULL && net == NULL)
        return;
    c->net = training_read(items, net, c->train) ? net : NULL;
}

/* Data blocks that no train block names are checked too. */
static void check_unused_data(Items *items)
{
    for (int i = 0; i < items->data.entries.count; i++) {
        const AstItem *data = items->data.entries.at[i].value;
        bool used = data->name->span.source != items->u->ast->source;
        for (int j = 0; j < items->trains.count; j++) {
            const AstExpr *source = items->trains.at[j].item->value;
            used = used || (source->kind == AST_NAME && strcmp(source->text, data->name->text) == 0);
        }
        if (!used)
            training_read_data(items, data);
    }
}

/* What the file itself declares and nothing uses. What is imported is there to be chosen from. */
static void warn_unused(Items *items)
{
    Unit *u = items->u;

    for (int i = 0; i < items->blocks.entries.count; i++) {
        const AstItem *block = items->blocks.entries.at[i].value;
        if (block->span.source == u->ast->source && dict_find(&items->used_blocks, block->name->text) == NULL)
            warning_at(u, WARN_DEAD_BLOCK, block->name->span, "no network uses block '%s'", block->name->text);
    }
    for (int i = 0; i < items->constants.entries.count; i++) {
        const Constant *c = items->constants.entries.at[i].value;
        if (c->item->span.source == u->ast->source && !c->used)
            warning_at(u, WARN_UNUSED_PARAM, c->item->name->span, "nothing reads param '%s'", c->item->name->text);
    }
}

static const char *names_text(Unit *u, const Candidates *c)
{
    const char *text = "";

    for (int i = 0; i < c->list.count; i++)
        text = arena_print(u->arena, "%s%s%s", text, i == 0 ? "" : ", ", c->list.at[i].item->name->text);
    return text;
}

/* The network of --network, or the only one of the file, or the only one that is trained. NULL after reporting. */
static Candidate *choose(Unit *u, Items *items, Candidates *c)
{
    Candidate *only = NULL, *trained = NULL;
    int own = 0, trained_count = 0;

    if (u->options.network != NULL) {
        Candidate *found = candidate_find(c, u->options.network);
        if (found != NULL)
            return found;
        Spelling s = { .word = u->options.network };
        spelling_offer_dict(&s, &items->networks);
        error_at(u, NO_SPAN, "--network %s: the program has no network '%s'", u->options.network, u->options.network);
        if (c->list.count > 0)
            note(u, "it has %s", names_text(u, c));
        spelling_help(u, NO_SPAN, &s);
        return NULL;
    }
    for (int i = 0; i < c->list.count; i++) {
        Candidate *candidate = &c->list.at[i];
        if (candidate->imported && c->own > 0)
            continue;               /* what is imported is there to be used */
        only = only == NULL ? candidate : only;
        own++;
        if (candidate->train != NULL) {
            trained = trained == NULL ? candidate : trained;
            trained_count++;
        }
    }
    if (own == 1)
        return only;
    if (trained_count == 1)
        return trained;
    if (diag_errors(u) > 0)
        return NULL;                /* first the networks themselves */
    Span top = { u->ast->source, 0, 0 };
    if (own == 0) {
        error_at(u, top, "the program has no network");
        help(u, "for example 'network Digits { input 28x28x1; dense 10, softmax }'");
        return NULL;
    }
    error_at(u, top, "the program has %d networks, and %s trained", own, trained_count == 0 ? "none is" : "several are");
    note(u, "they are %s", names_text(u, c));
    help(u, "choose one with --network %s", (trained != NULL ? trained : only)->item->name->text);
    return NULL;
}

bool net_check(Unit *u)
{
    int errors = diag_errors(u);
    Items *items = items_collect(u);
    Candidates c = { 0 };

    u->net = NULL;
    items_evaluate(items);
    for (int i = 0; i < items->networks.entries.count; i++) {
        const ItemRef *ref = items->networks.entries.at[i].value;
        Candidate candidate = { .item = ref->item, .imported = ref->imported };
        LIST_ADD(u->arena, &c.list, candidate);
        c.own += !ref->imported;
    }
    match_trains(u, items, &c);
    for (int i = 0; i < c.list.count; i++)
        if (!c.list.at[i].imported)
            check_candidate(items, &c.list.at[i]);
    check_unused_data(items);

    Candidate *chosen = choose(u, items, &c);
    if (chosen != NULL && !chosen->checked)
        check_candidate(items, chosen);
    u->net = chosen != NULL ? chosen->net : NULL;
    if (diag_errors(u) == errors)
        warn_unused(items);
    return u->net != NULL && diag_errors(u) == errors;
}
