/* network.c: one network whole: its lines are expanded, then it is looked at as a whole. */
#include "net/expansion.h"

#include <inttypes.h>
#include <string.h>

/* Lines that one network may expand to, those without a layer included. */
#define LIMIT_STEPS (10 * (int64_t)LIMIT_LAYERS)

bool expansion_step(Expansion *e, Span span)
{
    if (!e->stopped && ++e->steps > LIMIT_STEPS) {
        error_at(e->u, span, "network '%s' expands to more than %" PRId64 " lines", e->net->name, LIMIT_STEPS);
        e->stopped = true;
    }
    return !e->stopped;
}

/* The line `init he`, which holds for the whole network wherever it stands. */
static void network_init(Expansion *e, Scope *scope, const AstItem *network)
{
    static const ArgSpec spec = { .name = "init", .kind = ARG_CHOICE, .required = true, .positional = true,
                                  .words = "glorot he lecun zeros ones", .help = "how weights are drawn" };
    static const ParamInit inits[] = { INIT_GLOROT, INIT_HE, INIT_LECUN, INIT_ZEROS, INIT_ONES };
    const AstLayer *first = NULL;

    for (const AstStmt *line = network->body; line != NULL; line = line->next) {
        const AstLayer *layer = line->kind == AST_FLOW ? line->flow : NULL;
        if (layer == NULL || strcmp(layer->name, "init") != 0)
            continue;
        ArgOwner owner = { .name = "init", .name_span = layer->name_span, .line = layer->span, .specs = &spec,
                           .spec_count = 1, .example = "init he" };
        ArgValue word;
        if (line->name != NULL || layer->from != NULL || layer->has_paths || layer->next != NULL)
            error_at(e->u, line->span, "'init' is a line of its own, such as 'init he'");
        else if (first != NULL) {
            error_at(e->u, layer->span, "'init' is given twice");
            note_at(e->u, first->span, "it is given first");
        } else if (args_bind(scope, &owner, layer->args, &word, NULL))
            e->net->init = inits[word.word];
        first = layer;
    }
}

/* Parameters of all sites, in their order, and how many numbers are trained. */
static void collect_params(Expansion *e)
{
    Net *net = e->net;
    int64_t total = 0;

    for (int i = 0; i < net->sites.count; i++)
        for (int j = 0; j < net->sites.at[i]->params.count; j++) {
            Param *p = net->sites.at[i]->params.at[j];
            LIST_ADD(e->u->arena, &net->params, p);
            if (!checked_add(total, shape_count(p->shape), &total) || total > LIMIT_ELEMENTS) {
                error_at(e->u, net->span, "network '%s' has more than 2^40 parameters", net->name);
                return;
            }
            if (p->trained)
                net->trained_count += shape_count(p->shape);
        }
}

/* A layer that nothing reads is work for nothing. */
static void warn_unread(Expansion *e)
{
    for (int i = 0; i < e->net->sites.count; i++) {
        const Value *y = e->net->sites.at[i]->y;
        if (y->readers > 0 || y->output)
            continue;
        warning_at(e->u, WARN_UNREAD, y->span, "nothing reads what this line makes");
        help(e->u, "a later line can read it: give it a name and add 'from' and the name there");
    }
}

static void finish(Expansion *e, const AstItem *network, Value *y)
{
    if (e->stopped || e->lines_failed)
        return;
    if (y == NULL) {
        error_at(e->u, network->name->span, "network '%s' is empty", e->net->name);
        help(e->u, "begin with a line such as 'input 28x28x1'");
        return;
    }
    if (y == e->net->x && e->failed.count == 0) {
        error_at(e->u, network->name->span, "network '%s' has no layers", e->net->name);
        return;
    }
    e->net->y = y;
    y->output = true;
    collect_params(e);
}

Net *expand_network(Items *items, const AstItem *network)
{
    Unit *u = items->u;
    Expansion e = { .u = u, .items = items, .net = ARENA_NEW(u->arena, Net) };
    Place place = { .scope = scope_new(items, NULL) };
    int errors = diag_errors(u);
    Value *x = NULL;

    u->net = e.net;                 /* site_param asks for its init */
    e.net->name = network->name->text;
    e.net->span = network->name->span;
    e.net->init = INIT_GLOROT;
    network_init(&e, place.scope, network);
    for (const AstStmt *line = network->body; line != NULL && expansion_step(&e, line->span); line = line->next)
        x = expand_stmt(&e, &place, line, x, true);
    finish(&e, network, x);
    u->net = NULL;
    if (diag_errors(u) > errors || e.lines_failed)
        return NULL;
    expect_end(&e);
    if (diag_errors(u) > errors)
        return NULL;
    warn_unread(&e);
    return e.net;
}
