/* functions.c: which nests become which functions of the generated code, and what they are called (emit.h). */
#include "emit/emit.h"
#include "emit/map.h"

#include <inttypes.h>
#include <string.h>

Programs programs_of(const Unit *u)
{
    const Program *const all[] = { u->train, u->infer, u->eval, u->look };
    Programs programs = { { NULL }, 0 };

    for (int i = 0; i < countof(all); i++)
        if (all[i])
            programs.at[programs.count++] = all[i];
    return programs;
}

typedef struct Key {
    Unit *u;
    const Nest *nest;
    Text *text;
} Key;

static void add_tensor(Key *key, const Tensor *t)
{
    text_put(key->text, "%s", nest_symbol(key->u, key->nest, t));
    for (int i = 0; i < t->rank; i++)
        text_put(key->text, " %" PRId64, t->dim[i]);
    for (int64_t i = 0; t->written_out && i < tensor_count(t); i++)
        text_put(key->text, " %a", t->constant[i]);
    text_put(key->text, "\n");
}

static void add_load(void *context, const Expr *load)
{
    add_tensor(context, load->tensor);
}

/* Constants with all their bits: the text of a nest rounds them. */
static void add_constants(Key *key, const Expr *e)
{
    if (!e)
        return;
    if (e->op == OP_CONSTANT)
        text_put(key->text, "%a\n", e->number);
    add_constants(key, e->a);
    add_constants(key, e->b);
    add_constants(key, e->c);
    add_constants(key, e->d);
}

/* Two nests with one key make the same function: the text of the nest, its constants, what it calls its tensors, and their
 * shapes. Which tensors they are is the caller's business. */
static const char *key_of(Unit *u, const Nest *n)
{
    Key key = { u, n, text_new(u->arena) };

    text_put(key.text, "%s\n", n->name);
    nest_print(n, key.text);
    add_tensor(&key, n->dst);
    nest_loads(n, add_load, &key);
    add_constants(&key, n->fill);
    add_constants(&key, n->start);
    add_constants(&key, n->value);
    add_constants(&key, n->finish);
    return key.text->at;
}

/* The name of a nest, or NAME_PROGRAM if another nest has it already. */
static const char *name_for(Unit *u, Names *names, Map *used, const Nest *n, const Program *p, const char *suffix)
{
    const char *name = n->name;

    if (*map_text(used, name))
        name = arena_print(u->arena, "%s_%s", n->name, p->name);
    for (int again = 2; *map_text(used, name); again++)
        name = arena_print(u->arena, "%s_%s%d", n->name, p->name, again);
    *map_text(used, name) = used;
    return names_unique(names, arena_print(u->arena, "%s%s", name, suffix));
}

static FunctionList *list_of_site(const Functions *f, Arena *arena, const Site *s)
{
    void **list = map_at(f->of_site, &s, sizeof s);

    if (!*list)
        *list = ARENA_NEW(arena, FunctionList);
    return *list;
}

Functions *functions_of(Unit *u, const Programs *programs, Names *names, const char *suffix)
{
    Functions *f = ARENA_NEW(u->arena, Functions);
    Map *of_key = map_new(u->arena), *used = map_new(u->arena);

    f->programs = *programs;
    f->of_nest = map_new(u->arena);
    f->of_site = map_new(u->arena);
    list_of_site(f, u->arena, NULL);
    for (int i = 0; i < u->net->sites.count; i++)
        list_of_site(f, u->arena, u->net->sites.at[i]);
    if (u->net->loss)
        list_of_site(f, u->arena, u->net->loss);
    for (int i = 0; i < f->programs.count; i++) {
        const Program *p = f->programs.at[i];
        for (int j = 0; j < p->nests.count; j++) {
            const Nest *n = p->nests.at[j];
            void **known = map_text(of_key, key_of(u, n));
            if (!*known) {
                Function *made = ARENA_NEW(u->arena, Function);
                *made = (Function){ name_for(u, names, used, n, p, suffix), n, 0 };
                LIST_ADD(u->arena, &f->list, made);
                LIST_ADD(u->arena, &list_of_site(f, u->arena, n->site)->of, made);
                *known = made;
            }
            Function *function = *known;
            function->programs |= 1u << i;
            *map_at(f->of_nest, &n, sizeof n) = function;
        }
    }
    return f;
}

const Function *function_of(const Functions *f, const Nest *nest)
{
    return *map_at(f->of_nest, &nest, sizeof nest);
}

const FunctionList *functions_of_site(const Functions *f, const Site *s)
{
    return *map_at(f->of_site, &s, sizeof s);
}

FunctionList *functions_in_order(Unit *u, const Functions *f)
{
    FunctionList *all = ARENA_NEW(u->arena, FunctionList);
    const Net *net = u->net;

    for (int i = 0; i <= net->sites.count + (net->loss != NULL); i++) {
        const Site *s = i < net->sites.count ? net->sites.at[i] : i == net->sites.count ? NULL : net->loss;
        const FunctionList *list = functions_of_site(f, s);
        for (int backward = 0; backward < 2; backward++)
            for (int j = 0; j < list->of.count; j++)
                if (list->of.at[j]->nest->backward == backward)
                    LIST_ADD(u->arena, &all->of, list->of.at[j]);
    }
    return all;
}
