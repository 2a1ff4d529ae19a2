/* settings.h: what the train and data blocks say, looked up by name. compiler/net/recipe.h has the table of names. */
#ifndef CNN_SETTINGS_H
#define CNN_SETTINGS_H

#include "cnn/cnn.h"

/* The first setting of that name, or NULL. */
const cnn_setting *cnn_setting_find(const cnn_model *model, const char *name);
/* The next one of the same name after `from`, or NULL. */
const cnn_setting *cnn_setting_next(const cnn_model *model, const cnn_setting *from);
/* True for a setting (which may be NULL) with that word. */
bool cnn_setting_is(const cnn_setting *setting, const char *word);

/* An argument; the fallback if the setting is NULL or has no such argument. */
double cnn_setting_number(const cnn_setting *setting, const char *name, double fallback);
const char *cnn_setting_text(const cnn_setting *setting, const char *name, const char *fallback);
/* True if a list has that member. */
bool cnn_setting_lists(const cnn_setting *setting, const char *member);

#endif
