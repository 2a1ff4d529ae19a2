/* main.c: trains the network where there are no weights yet, and says how well it does. */
#include <cnn/cnn.h>
#include <stdio.h>

#include "@name@.h"

static const char weights[] = "@name@.safetensors";

static bool learn(cnn_net *net, const cnn_data *data, cnn_error *error)
{
    FILE *known = fopen(weights, "rb");
    cnn_plan plan = cnn_plan_of(&@Name@_model);     /* what the train block says */

    if (known) {
        fclose(known);
        return cnn_load(net, weights, false, NULL, NULL, error);
    }
    puts("training ...");
    plan.save = weights;
    return cnn_train(net, data, &plan, NULL, NULL, error);
}

int main(void)
{
    cnn_error error = { "" };
    cnn_net *net = cnn_new(&@Name@_model, 1, &error);
    cnn_data *data = net ? cnn_data_open(net, NULL, &error) : NULL;
    cnn_scores scores;
    bool done = data && learn(net, data, &error) && cnn_test(net, data, &scores, NULL, &error);

    if (done)
        printf("%d weights, %.1f %% of %zu test images are right\n", @NAME@_WEIGHTS, 100 * scores.accuracy, scores.images);
    else
        fprintf(stderr, "%s\n", error.text);
    cnn_data_free(data);
    cnn_free(net);
    return !done;
}
