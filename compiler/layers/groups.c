/* groups.c: channels and filters shared out evenly among groups (groups.h). */
#include "layers/groups.h"

#include "layers/sentence.h"

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

Groups groups_of(const Site *s, const GroupArgs *args)
{
    int64_t depth = s->x->shape.dim[0];
    int64_t count = arg_flag(s, args->depthwise) ? depth : arg_count(s, args->groups);

    return (Groups){ count, arg_count(s, args->filters) / count, depth / count };
}

static void report_depthwise(Unit *u, const Site *s, const GroupArgs *args)
{
    int64_t depth = s->x->shape.dim[0], filters = arg_count(s, args->filters);
    int64_t multiple = (filters / depth + 1) * depth;

    error_at(u, arg_span(s, args->filters),
             "'depthwise' needs a multiple of the input's depth; %lld filters are no multiple of %lld", (long long)filters,
             (long long)depth);
    note_origin(u, s->x);
    const char *number = arena_print(u->arena, "%lld", (long long)multiple);
    const char *line = line_with(u, s, arg_span(s, args->filters), number);
    if (line)
        fix_at(u, arg_span(s, args->filters), number, "'%s' has %lld for every channel", line, (long long)(multiple / depth));
}

bool groups_fit(Unit *u, const Site *s, const GroupArgs *args)
{
    int64_t depth = s->x->shape.dim[0], filters = arg_count(s, args->filters);
    int64_t groups = groups_of(s, args).count;
    bool channels_fit = depth % groups == 0, filters_fit = filters % groups == 0;

    if (channels_fit && filters_fit)
        return true;
    if (arg_flag(s, args->depthwise)) {
        report_depthwise(u, s, args);
        return false;
    }
    error_at(u, arg_span(s, args->groups), "%lld %s cannot be shared out evenly among %lld groups",
             (long long)(channels_fit ? filters : depth), channels_fit ? "filters" : "channels", (long long)groups);
    if (!channels_fit)
        note_origin(u, s->x);
    help(u, "'groups' must divide the depth %lld and the %lld filters; the most it can be is %lld", (long long)depth,
         (long long)filters, (long long)greatest_common_divisor(depth, filters));
    return false;
}
