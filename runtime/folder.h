/* folder.h: pictures in folders, one for each class. */
#ifndef CNN_FOLDER_H
#define CNN_FOLDER_H

#include "set.h"

/* The names of the classes: the folders in `folder`, sorted by bytes, for cnn_io_list_release. */
bool cnn_folder_classes(const char *folder, char ***names, int *count, cnn_error *error);

/* What was found in the files of a set, for a note. */
typedef struct FolderNews {
    size_t scaled;              /* pictures of another size than the network's */
    size_t others;              /* files that are no pictures */
} FolderNews;

/* Fills an empty set with the pictures of folder/CLASS for each class, brought to the size of the model's input. More than fit into
 * memory are read when they are needed, with the same result. */
bool cnn_folder_load(Set *set, const char *folder, char *const *classes, int count, const cnn_model *model, int threads, FolderNews *news,
                     cnn_error *error);

#endif
