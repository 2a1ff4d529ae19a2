/* schedule.c: step, exponential, cosine, linear and plateau, each with warm-up. */
#include "schedule.h"
#include "settings.h"

#include <math.h>
#include <string.h>

static const char *const words[] = {
    [SCHEDULE_CONSTANT] = "constant", [SCHEDULE_STEP] = "step", [SCHEDULE_EXPONENTIAL] = "exponential", [SCHEDULE_COSINE] = "cosine",
    [SCHEDULE_LINEAR] = "linear", [SCHEDULE_PLATEAU] = "plateau",
};

Schedule cnn_schedule_of(const cnn_model *model, double first, int64_t epoch_steps, int64_t all_steps)
{
    const cnn_setting *setting = cnn_setting_find(model, "schedule");
    Schedule s = { .first = first, .epoch_steps = epoch_steps > 0 ? epoch_steps : 1, .all_steps = all_steps, .drop = 1 };
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (cnn_setting_is(setting, words[i]))
            s.kind = (ScheduleKind)i;
    s.factor = cnn_setting_number(setting, "factor", 0.1);
    s.least = cnn_setting_number(setting, "least", 0);
    s.every = (int64_t)cnn_setting_number(setting, "every", 1);
    s.patience = (int64_t)cnn_setting_number(setting, "patience", 10);
    s.metric = cnn_setting_text(setting, "metric", NULL);
    s.warmup_steps = (int64_t)(cnn_setting_number(setting, "warmup", 0) * (double)s.epoch_steps);
    if (s.every < 1)
        s.every = 1;
    return s;
}

/* How far a run is between the end of the warm-up (0) and its end (1). */
static double way(const Schedule *s, int64_t step)
{
    int64_t all = s->all_steps - s->warmup_steps, done = step - s->warmup_steps;
    return all <= 0 || done <= 0 ? 0 : done >= all ? 1 : (double)done / (double)all;
}

double cnn_schedule_rate(const Schedule *s, int64_t step)
{
    static const double pi = 3.14159265358979323846;
    double rate = s->first;
    int64_t epoch = step / s->epoch_steps;
    switch (s->kind) {
    case SCHEDULE_CONSTANT:
        break;
    case SCHEDULE_STEP:
        rate *= pow(s->factor, (double)(epoch / s->every));
        break;
    case SCHEDULE_EXPONENTIAL:
        rate *= pow(s->factor, (double)epoch);
        break;
    case SCHEDULE_COSINE:
        rate = s->least + (s->first - s->least) * (1 + cos(pi * way(s, step))) / 2;
        break;
    case SCHEDULE_LINEAR:
        rate = s->least + (s->first - s->least) * (1 - way(s, step));
        break;
    case SCHEDULE_PLATEAU:
        rate *= s->drop;
        if (rate < s->least)
            rate = s->least;
        break;
    }
    if (step < s->warmup_steps)
        rate *= (double)(step + 1) / (double)s->warmup_steps;
    return rate;
}

void cnn_schedule_drop(Schedule *s)
{
    s->drop *= s->factor;
}
