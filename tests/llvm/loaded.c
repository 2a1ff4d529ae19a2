/* loaded.c: a program whose network is in a shared library. */
#include <cnn/cnn.h>

extern const cnn_model Small_model;

int main(int argc, char **argv)
{
    return cnn_main(&Small_model, argc, argv);
}
