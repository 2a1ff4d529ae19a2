/* settings.c: lookups in the model's settings. */
#include "settings.h"

#include <string.h>

static const cnn_setting *find_from(const cnn_model *model, const cnn_setting *from, const char *name)
{
    for (; from && from < model->settings + model->setting_count; from++)
        if (!strcmp(from->name, name))
            return from;
    return NULL;
}

const cnn_setting *cnn_setting_find(const cnn_model *model, const char *name)
{
    return find_from(model, model->settings, name);
}

const cnn_setting *cnn_setting_next(const cnn_model *model, const cnn_setting *from)
{
    return find_from(model, from + 1, from->name);
}

bool cnn_setting_is(const cnn_setting *setting, const char *word)
{
    return setting && setting->word && !strcmp(setting->word, word);
}

static const cnn_argument *argument(const cnn_setting *setting, const char *name)
{
    for (int i = 0; setting && i < setting->argument_count; i++)
        if (!strcmp(setting->arguments[i].name, name))
            return &setting->arguments[i];
    return NULL;
}

double cnn_setting_number(const cnn_setting *setting, const char *name, double fallback)
{
    const cnn_argument *a = argument(setting, name);
    return a && !a->text ? a->number : fallback;
}

const char *cnn_setting_text(const cnn_setting *setting, const char *name, const char *fallback)
{
    const cnn_argument *a = argument(setting, name);
    return a && a->text ? a->text : fallback;
}

bool cnn_setting_lists(const cnn_setting *setting, const char *member)
{
    for (int i = 0; setting && i < setting->argument_count; i++)
        if (!setting->arguments[i].name[0] && setting->arguments[i].text && !strcmp(setting->arguments[i].text, member))
            return true;
    return false;
}
