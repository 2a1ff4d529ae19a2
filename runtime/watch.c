/* watch.c: what stops training early, lowers the rate, and says which epoch was the best. */
#include "watch.h"
#include "metrics.h"

#include <math.h>
#include <string.h>

#define VALIDATION "val_"

Watch cnn_watch_of(const cnn_setting *setting, const char *metric, const char *usual, double patience)
{
    if (!setting)
        return (Watch){ NULL, 0 };
    return (Watch){ metric ? metric : cnn_setting_text(setting, "metric", usual), (int64_t)cnn_setting_number(setting, "patience", patience) };
}

bool cnn_watch_is_validation(const Watch *w)
{
    return w->metric && !strncmp(w->metric, VALIDATION, strlen(VALIDATION));
}

double cnn_watch_value(const Watch *w, const cnn_progress *now)
{
    bool validation = cnn_watch_is_validation(w);
    return cnn_metrics_named(validation ? &now->validation : &now->train, validation ? w->metric + strlen(VALIDATION) : w->metric);
}

bool cnn_watch_better(const Watch *w, double now, double before)
{
    return !isnan(now) && (isnan(before) || (cnn_metrics_less_is_better(w->metric) ? now < before : now > before));
}

bool cnn_watch_ends(const Watch *w, const cnn_progress *now, double *value, int64_t *waited, bool first)
{
    if (!w->metric)
        return false;
    double this = cnn_watch_value(w, now);
    if (first || cnn_watch_better(w, this, *value)) {
        *value = this;
        *waited = 0;
        return false;
    }
    return ++*waited >= w->patience;
}
