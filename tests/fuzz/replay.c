/* replay.c: runs a fuzz target over files and folders of them, without libFuzzer. What a fuzzer found stays found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int run(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        return 0;
    }
    size_t length = (size_t)status.st_size;
    uint8_t *bytes = malloc(length > 0 ? length : 1);   /* of that very size, for the address sanitizer */
    int works = bytes != NULL && fread(bytes, 1, length, file) == length;
    if (works)
        LLVMFuzzerTestOneInput(bytes, length);
    else
        perror(path);
    free(bytes);
    fclose(file);
    return works;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            if (!run(argv[i]))
                return 1;
            count++;
            continue;
        }
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char path[4096];
            if (entry->d_name[0] == '.' || (size_t)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name) >= sizeof path)
                continue;
            if (!run(path))
                return 1;
            count++;
        }
        closedir(folder);
    }
    printf("%d inputs\n", count);
    return count == 0;
}
